//! A validator's key is copied to a second machine: both sign, the others see it, and the chain punishes it.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use weft_lab::process::until;

use super::chain::{Ledger, SOON};
use super::payer::{Load, all_final};
use super::{STAKING, payers, selector, validators_are};
use crate::scene::{quiet, say, weft_binary};

/// Of twenty parts of its power so many are left to who signed two things in one place.
const KEPT: u64 = 19;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_validator_with_a_twin_is_slashed_and_jailed() -> Result<()> {
    let _turn = quiet().await;
    let mut ledger = Ledger::of(4, &payers(8)).await?;
    let account = ledger.get(3, "status").await?["account"].as_str().context("an account")?.to_owned();
    let (before, _) = standing(&ledger, &account).await?;
    // The same person's phrase and the same validator's key, on a machine of its own.
    let folder = ledger.next_folder();
    restore(&ledger, 3, &folder).await?;
    let key = ledger.nodes[3].data().join("ledger/validator.key");
    std::fs::create_dir_all(folder.join("ledger"))?;
    std::fs::copy(&key, folder.join("ledger/validator.key"))?;
    let twin = ledger.start_in(&folder).await?;
    ensure!(ledger.get(twin, "status").await?["account"] == account.as_str(), "the twin is somebody else");
    let load = Load::begin(&ledger.http, payers(8), urls_of_four(&ledger).await?, Duration::from_millis(40));
    let ticket = ledger.get(0, "ticket").await?["ticket"].clone();
    ledger.post(twin, "join", json!({ "ticket": ticket })).await?;

    let at = validators_are(&ledger, 3).await?;
    let (height, evidence) = until("the evidence in a block", SOON, || async {
        let url = ledger.rpc(0).await?;
        let found = ledger.call(&url, "weft_evidence", json!(["0x1", "latest"])).await?;
        let first = found.as_array().and_then(|all| all.first().cloned());
        Ok(first.map(|evidence| (evidence["height"].clone(), evidence["commitment"].clone())))
    })
    .await?;
    for index in 0..4 {
        let seen = ledger.get(index, "evidence").await?;
        let of = |one: &Value| one["validator"].as_str().is_some_and(|who| who.eq_ignore_ascii_case(&account));
        let all = seen.as_array().cloned().unwrap_or_default();
        ensure!(all.iter().all(of), "node {index} accuses somebody else: {seen}");
    }
    // It lost a part of its power, and is in jail; the others go on without it and its twin.
    let (after, jailed_until) = standing(&ledger, &account).await?;
    ensure!(after > 0 && after * 20 <= before * KEPT, "its power was {before} and is {after}");
    ensure!(jailed_until > 0, "it is not in jail");
    ledger.reaches(0, at + 8, SOON).await?;
    let paid = load.end().await?;
    let count = all_final(&ledger, &paid).await?;
    let end = ledger.agree().await?;
    say(format!(
        "block {height} carries the evidence ({evidence}); three validate at height {at}, {:.1} % of its power is left to it, in jail; \
         {count} payments final on all five, height {end}",
        100.0 * after as f64 / before as f64,
    ));
    Ok(())
}

/// What the contract says of a first validator: the power that it has left, and until when it is in jail.
async fn standing(ledger: &Ledger, account: &str) -> Result<(u64, u64)> {
    let data = format!("0x{}{:0>64}", selector("validator(address)"), account.trim_start_matches("0x"));
    let asked = json!([{ "to": STAKING, "data": data }, "latest"]);
    let told = ledger.call(&ledger.rpc(0).await?, "eth_call", asked).await?;
    let words = told.as_str().context("an answer")?.trim_start_matches("0x").to_owned();
    // The key, the power, where it moves to, the stake, the power of the genesis, the end of the jail.
    let word = |index: usize| -> Result<u64> {
        Ok(u64::from_str_radix(words.get(index * 64 + 48..index * 64 + 64).context("a word")?, 16)?)
    };
    Ok((word(4)?, word(5)?))
}

async fn urls_of_four(ledger: &Ledger) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for index in 0..4 {
        all.push(ledger.rpc(index).await?);
    }
    Ok(all)
}

/// Makes `folder` that of another device of the user of node `of`.
async fn restore(ledger: &Ledger, of: usize, folder: &std::path::Path) -> Result<()> {
    let asked = json!({ "confirm": "reveal" });
    let shown: Value = ledger.nodes[of].api()?.post("/api/v1/identity/phrase", asked).await?;
    let words: Vec<&str> = shown["words"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut command = Command::new(weft_binary().await?);
    command.arg("--data-dir").arg(folder).args(["id", "restore", "--device", "twin"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut stdin = child.stdin.take().context("its standard input")?;
    stdin.write_all(format!("{}\n", words.join(" ")).as_bytes()).await?;
    drop(stdin);
    let done = child.wait_with_output().await?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}
