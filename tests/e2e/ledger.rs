//! The ledger: validators as real processes, Ethereum's real tools, and what happens when processes die.

pub(crate) mod chain;
mod clients;
mod faucet;
mod light;
mod payer;
mod snapshot;
mod twin;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::future::join_all;
use serde_json::json;
use weft_lab::peer::Peer;
use weft_lab::process::until;

use self::chain::{Ledger, SOON};
use self::payer::{Load, Payer, all_final};
use crate::scene::{quiet, say, soak};

const STAKING: &str = "0x0000000000000000000000000000000000001001";

fn payers(count: u64) -> Vec<Payer> {
    (0..count).map(Payer::new).collect()
}

async fn urls(ledger: &Ledger) -> Result<Vec<String>> {
    join_all((0..ledger.nodes.len()).map(|index| ledger.rpc(index))).await.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_four_is_killed_under_load_and_catches_up() -> Result<()> {
    let _turn = quiet().await;
    let mut ledger = Ledger::of(4, &payers(8)).await?;
    let load = Load::begin(&ledger.http, payers(8), urls(&ledger).await?, Duration::from_millis(40));
    let begun = ledger.head(0).await?.height;
    ledger.reaches(0, begun + 8, SOON).await?;
    ledger.nodes[3].kill()?;
    let killed = Instant::now();
    let at = ledger.head(0).await?.height;
    // Three of four have more than two thirds: they go on, though each fourth turn is the dead one's.
    let away = if soak() { 60 } else { 12 };
    let longest = ledger.reaches(0, at + away, SOON * 2).await?;
    ledger.nodes[3].launch().await?;
    let back = Instant::now();
    let head = ledger.head(0).await?.height;
    let caught_up = ledger.reaches(3, head, SOON).await?;
    // It decides with them again: blocks are made that have its vote.
    until("a block that it signed", SOON, || async {
        let account = ledger.get(3, "status").await?["account"].clone();
        let block = ledger.get(0, "blocks/latest").await?;
        Ok(block["signers"].as_array().is_some_and(|all| all.contains(&account)).then_some(()))
    })
    .await?;
    let paid = load.end().await?;
    let count = all_final(&ledger, &paid).await?;
    let turned_away: usize = paid.iter().map(|each| each.turned_away).sum();
    let height = ledger.agree().await?;
    say(format!(
        "killed at height {at}, {away} blocks without it in {:.1} s; back after {:.1} s, level {:.2} s after its start; \
         {count} payments final on all four, {turned_away} were turned away by the dead one; height {height}",
        longest.as_secs_f32(),
        (back - killed).as_secs_f32(),
        caught_up.as_secs_f32(),
    ));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_four_are_killed_at_once_and_go_on() -> Result<()> {
    let _turn = quiet().await;
    let mut ledger = Ledger::of(4, &payers(8)).await?;
    let load = Load::begin(&ledger.http, payers(8), urls(&ledger).await?, Duration::from_millis(40));
    for round in 0..if soak() { 10 } else { 2 } {
        let begun = ledger.head(0).await?.height;
        ledger.reaches(0, begun + 6, SOON).await?;
        let heads = ledger.heads().await?;
        for node in &mut ledger.nodes {
            node.kill()?;
        }
        let launched = Instant::now();
        for started in join_all(ledger.nodes.iter_mut().map(Peer::launch)).await {
            started?;
        }
        let up = launched.elapsed();
        let highest = heads.iter().map(|head| head.height).max().unwrap_or(0);
        ledger.reaches(0, highest + 1, SOON).await?;
        let going = launched.elapsed();
        for (index, head) in heads.iter().enumerate() {
            let now = ledger.block_hash(index, head.height).await?;
            ensure!(now == head.hash, "node {index} had another block {} as final before", head.height);
        }
        say(format!(
            "round {round}: killed at {highest}, up again after {:.2} s, the next block {:.2} s after the start",
            up.as_secs_f32(),
            going.as_secs_f32()
        ));
        ensure!(going < Duration::from_secs(5), "it took {going:?}");
    }
    let paid = load.end().await?;
    let count = all_final(&ledger, &paid).await?;
    let height = ledger.agree().await?;
    say(format!("{count} payments were accepted and are final on all four, height {height}"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_validator_joins_by_stake_and_another_leaves_under_load() -> Result<()> {
    let _turn = quiet().await;
    let mut ledger = Ledger::of(4, &payers(8)).await?;
    let load = Load::begin(&ledger.http, payers(8), urls(&ledger).await?, Duration::from_millis(40));
    let ticket = ledger.get(0, "ticket").await?["ticket"].clone();
    let fifth = ledger.add_node().await?;
    ledger.post(fifth, "join", json!({ "ticket": ticket })).await?;
    let candidate = ledger.get(fifth, "candidate").await?;
    // It needs coins for its stake, from whoever has some.
    let gift = json!({ "to": candidate["account"], "value": "200000000000000000000", "wait": 30 });
    ledger.post(0, "send", gift).await?;
    ledger.reaches(fifth, ledger.head(0).await?.height, SOON).await?;
    let key = candidate["public_key"].as_str().unwrap_or_default().trim_start_matches("0x").to_owned();
    // join(bytes32)
    let join = json!({ "to": STAKING, "value": "100000000000000000000", "data": format!("0x{}{key}", selector("join(bytes32)")), "wait": 30 });
    let sent = ledger.post(fifth, "send", join).await?;
    ensure!(sent["succeeded"] == true, "the stake was refused: {sent}");
    let joined = validators_are(&ledger, 5).await?;
    let leave = json!({ "to": STAKING, "data": format!("0x{}", selector("leave()")), "wait": 30 });
    let sent = ledger.post(1, "send", leave).await?;
    ensure!(sent["succeeded"] == true, "it could not leave: {sent}");
    let left = validators_are(&ledger, 4).await?;
    let account = candidate["account"].clone();
    until("a block that the new one proposed", SOON, || async {
        let block = ledger.get(0, "blocks/latest").await?;
        Ok((block["proposer"] == account).then_some(()))
    })
    .await?;
    let paid = load.end().await?;
    let turned_away: usize = paid.iter().map(|each| each.turned_away).sum();
    ensure!(turned_away == 0, "{turned_away} payments were not answered");
    let count = all_final(&ledger, &paid).await?;
    let height = ledger.agree().await?;
    say(format!(
        "five validate at height {joined}, four again at {left}; {count} payments, none turned away; {height} heights without a gap"
    ));
    Ok(())
}

fn selector(function: &str) -> String {
    alloy_primitives::hex::encode(&alloy_primitives::keccak256(function)[..4])
}

/// Waits until so many validate on all nodes; says at which height that was seen.
async fn validators_are(ledger: &Ledger, count: u64) -> Result<u64> {
    until(&format!("{count} validators"), SOON, || async {
        for index in 0..ledger.nodes.len() {
            if ledger.get(index, "status").await?["chain"]["validators"].as_u64() != Some(count) {
                return Ok(None);
            }
        }
        Ok(Some(ledger.head(0).await?.height))
    })
    .await
}
