//! A faucet among real processes: who comes without coins asks for some.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::Command;
use weft_lab::http::Answer;
use weft_lab::process::until;

use super::chain::{Ledger, SOON};
use crate::scene::{quiet, say, weft_binary};

/// What a faucet gives if nobody sets it: ten coins, in wei.
const TEN_COINS: &str = "10000000000000000000";

/// Seconds until it gives again if nobody sets it.
const DAY: u64 = 24 * 60 * 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_without_coins_is_given_some_once_a_day() -> Result<()> {
    let _turn = quiet().await;
    let mut ledger = Ledger::of(1, &[]).await?;
    let ticket = ledger.get(0, "ticket").await?["ticket"].clone();
    let newcomer = ledger.add_node().await?;
    ledger.post(newcomer, "join", json!({ "ticket": ticket })).await?;
    ledger.reaches(newcomer, ledger.head(0).await?.height, SOON).await?;
    reaches_peers(&ledger, newcomer, 1).await?;

    // The one peer that it reaches is no faucet, and then there is none at all.
    refused(&ledger, newcomer, 404, "no-faucet").await?;
    let switched = json!({ "value": "true" });
    let set = ledger.nodes[0].api()?.call(Method::PUT, "/api/v1/config/ledger.faucet", Some(switched)).await?;
    ensure!(set["takes_effect"] == "restart", "{set}");
    ledger.nodes[0].stop().await?;
    reaches_peers(&ledger, newcomer, 0).await?;
    refused(&ledger, newcomer, 502, "no-peers").await?;
    ledger.nodes[0].launch().await?;
    reaches_peers(&ledger, newcomer, 1).await?;

    let begun = std::time::Instant::now();
    let gift = ledger.post(newcomer, "faucet", json!({ "wait": 30 })).await?;
    let took = begun.elapsed();
    ensure!(gift["amount"] == TEN_COINS && gift["peer"] == ledger.nodes[0].node()?.peer.as_str(), "{gift}");
    let transaction = &gift["transaction"];
    ensure!(transaction["stage"] == "final" && transaction["succeeded"] == true, "{gift}");
    let account = ledger.get(newcomer, "status").await?["account"].as_str().context("an account")?.to_owned();
    let held = ledger.get(newcomer, &format!("accounts/{account}")).await?;
    ensure!(held["balance"] == TEN_COINS, "{held}");
    ensure!(ledger.get(0, "status").await?["faucet"]["given"] == TEN_COINS);
    ensure!(ledger.get(newcomer, "status").await?["faucet"].is_null(), "it is no faucet itself");

    // Not again today, and a faucet that was killed has not forgotten it.
    for killed in [false, true] {
        if killed {
            ledger.nodes[0].kill()?;
            reaches_peers(&ledger, newcomer, 0).await?;
            ledger.nodes[0].launch().await?;
            reaches_peers(&ledger, newcomer, 1).await?;
        }
        let answer = refused(&ledger, newcomer, 429, "too-soon").await?;
        let again = answer.headers.get("retry-after").context("no Retry-After")?.to_str()?.parse::<u64>()?;
        ensure!((DAY - 300..=DAY).contains(&again), "again in {again} s");
    }
    let told = Command::new(weft_binary().await?)
        .arg("--data-dir")
        .arg(ledger.nodes[newcomer].data())
        .args(["ledger", "faucet"])
        .output()
        .await?;
    let words = String::from_utf8_lossy(&told.stderr);
    ensure!(told.status.code() == Some(1) && words.contains("ask again in 24 h"), "{words}");

    // Its own user has its account already, and may have others given, by the same terms.
    refused(&ledger, 0, 409, "conflict").await?;
    let other = "0x00000000000000000000000000000000000000aa";
    let gift = ledger.post(0, "faucet", json!({ "to": other, "wait": 30 })).await?;
    ensure!(gift["transaction"]["stage"] == "final", "{gift}");
    say(format!("coins asked for were final after {:.2} s", took.as_secs_f32()));
    Ok(())
}

/// Asks for coins, and is refused so.
async fn refused(ledger: &Ledger, node: usize, status: u16, code: &str) -> Result<Answer> {
    let answer = ledger.nodes[node].api()?.raw(Method::POST, "/api/v1/ledger/faucet", Some(json!({}))).await?;
    let problem: Value = serde_json::from_slice(&answer.body)?;
    ensure!(answer.status == status && problem["code"] == code, "{} {problem}", answer.status);
    ensure!(problem["mend"].as_str().is_some_and(|mend| !mend.is_empty()), "{problem}");
    Ok(answer)
}

/// Waits until a node has so many peers on its ledger. A peer that is gone without a word is noticed by its silence.
async fn reaches_peers(ledger: &Ledger, node: usize, count: u64) -> Result<()> {
    until(&format!("{count} ledger peers"), SOON + Duration::from_secs(30), || async {
        let peers = ledger.get(node, "status").await?["chain"]["peers"].as_u64();
        Ok((peers == Some(count)).then_some(()))
    })
    .await
}
