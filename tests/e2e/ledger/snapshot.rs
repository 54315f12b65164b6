//! A node that comes late begins at a snapshot: with a chain that its validators go on with meanwhile.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::process::Command;
use weft_lab::process::until;

use super::chain::{Ledger, SOON};
use super::payer::{Load, all_final};
use super::{STAKING, payers, selector, urls, validators_are};
use crate::scene::{quiet, say, weft_binary};

/// Snapshots are of heights that this divides.
const EVERY: u64 = 256;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_node_begins_at_a_snapshot_and_validates() -> Result<()> {
    let _turn = quiet().await;
    let mut ledger = Ledger::with(4, &payers(8), json!({ "block_time_ms": 10, "heartbeat_ms": 10 })).await?;
    let load = Load::begin(&ledger.http, payers(8), urls(&ledger).await?, Duration::from_millis(40));
    // The validators are not those of the genesis any more when the snapshot is made.
    let leave = json!({ "to": STAKING, "data": format!("0x{}", selector("leave()")), "wait": 30 });
    ledger.post(3, "send", leave).await?;
    validators_are(&ledger, 3).await?;
    let paid = load.end().await?;
    let count = all_final(&ledger, &paid).await?;
    ledger.reaches(0, EVERY + 40, SOON * 2).await?;

    let ticket = ledger.get(1, "ticket").await?["ticket"].as_str().context("a ticket")?.to_owned();
    let late = ledger.add_node().await?;
    let begun = Instant::now();
    let steps = join(&ledger, late, &ticket).await?;
    let joined = begun.elapsed();
    let entered = steps.last().context("an answer")?;
    let oldest = entered["chain"]["oldest_block"].as_u64().context("an oldest block")?;
    ensure!(oldest > EVERY && oldest % EVERY == 1, "it has blocks from {oldest} on: {entered}");
    ledger.reaches(late, ledger.head(0).await?.height, SOON).await?;
    let level = begun.elapsed();

    // It has what the others have, and says what it has not.
    let url = ledger.rpc(late).await?;
    for payer in payers(8) {
        let asked = json!([payer.address(), "latest"]);
        let (here, there) = (
            ledger.call(&url, "eth_getTransactionCount", asked.clone()).await?,
            ledger.call(&ledger.rpc(0).await?, "eth_getTransactionCount", asked).await?,
        );
        ensure!(here == there, "a payer's nonce is {here} here and {there} there");
    }
    let refused = ledger.call(&url, "eth_getBlockByNumber", json!(["0x10", false])).await.err();
    let refused = refused.context("it gives a block that it cannot have")?.to_string();
    ensure!(refused.contains("pruned history") && refused.contains("4444"), "{refused}");
    // A light client may go the whole way by this node alone, from the genesis on and over a change of the validators.
    let genesis = ledger.path("genesis.json");
    std::fs::write(&genesis, ledger.get(late, "genesis").await?.to_string())?;
    let to = ledger.head(late).await?.height;
    let mut verify = Command::new(weft_binary().await?);
    verify.args(["--json", "ledger", "verify", "--url", &url, "--to", &to.to_string()]).arg("--genesis").arg(&genesis);
    let verified = verify.kill_on_drop(true).output().await?;
    ensure!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let verified: Value = serde_json::from_slice(&verified.stdout)?;
    ensure!(verified["height"] == to && verified["set_changes"].as_u64() >= Some(1), "{verified}");

    // Killed, it goes on where it was; and it validates.
    ledger.nodes[late].kill()?;
    ledger.nodes[late].launch().await?;
    ledger.reaches(late, ledger.head(0).await?.height, SOON).await?;
    let candidate = ledger.get(late, "candidate").await?;
    let gift = json!({ "to": candidate["account"], "value": "200000000000000000000", "wait": 30 });
    ledger.post(0, "send", gift).await?;
    let key = candidate["public_key"].as_str().unwrap_or_default().trim_start_matches("0x").to_owned();
    let data = format!("0x{}{key}", selector("join(bytes32)"));
    until("the coins that it was given", SOON, || async {
        let account =
            ledger.get(late, &format!("accounts/{}", candidate["account"].as_str().unwrap_or_default())).await?;
        Ok((account["balance"] != "0").then_some(()))
    })
    .await?;
    let stake = json!({ "to": STAKING, "value": "100000000000000000000", "data": data, "wait": 30 });
    let sent = ledger.post(late, "send", stake).await?;
    ensure!(sent["succeeded"] == true, "the stake was refused: {sent}");
    validators_are(&ledger, 4).await?;
    let account = candidate["account"].clone();
    until("a block that it proposed", SOON, || async {
        let block = ledger.get(0, "blocks/latest").await?;
        Ok((block["proposer"] == account).then_some(()))
    })
    .await?;
    let height = ledger.agree().await?;
    say(format!(
        "{count} payments, then a node that joined in {:.1} s with blocks from {oldest} on ({} looks at its progress), level \
         after {:.1} s; {to} headers were verified by it alone; it validates, height {height}",
        joined.as_secs_f32(),
        steps.len() - 1,
        level.as_secs_f32(),
    ));
    Ok(())
}

/// Joins by the command line, as its user would. Gives the lines that it printed.
async fn join(ledger: &Ledger, late: usize, ticket: &str) -> Result<Vec<Value>> {
    let mut command = Command::new(weft_binary().await?);
    command.arg("--data-dir").arg(ledger.nodes[late].data());
    let output = command.args(["--json", "ledger", "join", "--snapshot", ticket]).kill_on_drop(true).output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    serde_json::Deserializer::from_str(&text).into_iter().map(|value| Ok(value?)).collect()
}
