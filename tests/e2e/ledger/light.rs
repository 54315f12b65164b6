//! A light client in a process of its own, against a chain of real validators, and against a node that lies.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;
use weft_lab::http::Http;

use super::chain::{Ledger, SOON};
use super::{STAKING, selector, validators_are};
use crate::scene::{quiet, say, soak, weft_binary};

/// A day's worth at a slow pace; `make test` takes a twentieth.
const HEADERS: u64 = 10_000;

/// How a node lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// One bit of a certificate's last signature is another.
    Certificate,
    /// Where the validators change, those of before are given.
    Set,
    /// An account's proof is of an older block.
    Proof,
    /// A header's state root is another.
    Header,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_light_client_believes_no_node() -> Result<()> {
    let _turn = quiet().await;
    // Blocks as fast as they come, with nothing in them: what is verified is their headers.
    let mut ledger = Ledger::with(4, &[], json!({ "block_time_ms": 10, "heartbeat_ms": 10 })).await?;
    let height = if soak() { HEADERS } else { HEADERS / 20 };

    // The validators change three times: one comes, stakes more, and another goes.
    let ticket = ledger.get(0, "ticket").await?["ticket"].clone();
    let fifth = ledger.add_node().await?;
    ledger.post(fifth, "join", json!({ "ticket": ticket })).await?;
    let candidate = ledger.get(fifth, "candidate").await?;
    let account = candidate["account"].as_str().context("an account")?.to_owned();
    let gift = json!({ "to": account, "value": "300000000000000000000", "wait": 30 });
    ledger.post(0, "send", gift).await?;
    ledger.reaches(fifth, ledger.head(0).await?.height, SOON).await?;
    let key = candidate["public_key"].as_str().unwrap_or_default().trim_start_matches("0x");
    let staked = |data: String| json!({ "to": STAKING, "value": "100000000000000000000", "data": data, "wait": 30 });
    ledger.post(fifth, "send", staked(format!("0x{}{key}", selector("join(bytes32)")))).await?;
    validators_are(&ledger, 5).await?;
    ledger.post(fifth, "send", staked(format!("0x{}", selector("addStake()")))).await?;
    let leave = json!({ "to": STAKING, "data": format!("0x{}", selector("leave()")), "wait": 30 });
    ledger.post(1, "send", leave).await?;
    validators_are(&ledger, 4).await?;
    ledger.reaches(0, height, Duration::from_secs(900)).await?;

    let file = ledger.path("genesis.json");
    let genesis = ledger.nodes[0].api()?.raw(Method::GET, "/api/v1/ledger/genesis", None).await?;
    std::fs::write(&file, genesis.body)?;
    let url = ledger.rpc(0).await?;
    let to = ledger.head(0).await?.height;
    let verified = verify(&url, &file, to, &account).await?.map_err(anyhow::Error::msg)?;
    ensure!(verified["height"].as_u64() == Some(to), "{verified}");
    ensure!(verified["hash"].as_str() == Some(&ledger.block_hash(1, to).await?), "{verified}");
    let changes = verified["set_changes"].as_u64().unwrap_or(0);
    ensure!(changes >= 3, "the validators changed only {changes} times: {verified}");
    say(format!(
        "{to} headers, {changes} changes of the validators: verified in {:.2} s",
        verified["seconds"].as_f64().unwrap_or(0.0)
    ));

    for (lie, expected) in [
        (Lie::Certificate, "signature"),
        (Lie::Set, "validator set"),
        (Lie::Header, "certificate"),
        (Lie::Proof, "proof does not show"),
    ] {
        let liar = liar(&ledger.http, &url, lie).await?;
        let to = ledger.head(0).await?.height;
        let refused = verify(&liar, &file, to, &account).await?;
        let why = refused.err().with_context(|| format!("{lie:?} was believed"))?;
        ensure!(why.contains(expected), "{lie:?} was refused for another reason: {why}");
    }
    say("a forged certificate, a wrong set, a changed header and a stale proof are refused");
    Ok(())
}

/// Runs the light client. Inside, what it said when it refused.
async fn verify(url: &str, genesis: &Path, to: u64, account: &str) -> Result<Result<Value, String>> {
    let mut command = Command::new(weft_binary().await?);
    command.args(["--json", "ledger", "verify", "--url", url, "--account", account, "--to", &to.to_string()]);
    let output = command.arg("--genesis").arg(genesis).kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(Ok(serde_json::from_slice(&output.stdout)?));
    }
    Ok(Err(String::from_utf8_lossy(&output.stderr).into_owned()))
}

struct Liar {
    http: Http,
    url: String,
    lie: Lie,
}

/// A node that lies in one thing and else says what `url` says. Gives its address.
async fn liar(http: &Http, url: &str, lie: Lie) -> Result<String> {
    let state = Arc::new(Liar { http: http.clone(), url: url.to_owned(), lie });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new().route("/", post(answer)).with_state(state);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(format!("http://{address}"))
}

async fn answer(State(liar): State<Arc<Liar>>, Json(mut request): Json<Value>) -> Json<Value> {
    let method = request["method"].as_str().unwrap_or_default().to_owned();
    match (liar.lie, method.as_str()) {
        (Lie::Proof, "eth_getProof") => older(&mut request["params"][2], 9),
        (Lie::Set, "weft_getValidatorSet") => older(&mut request["params"][0], 1),
        _ => {}
    }
    let sending = liar.http.request(Method::POST, &liar.url).json(&request);
    let told = liar.http.send(sending).await.map(|answer| answer.body).unwrap_or_default();
    let mut told: Value = serde_json::from_slice(&told).unwrap_or_default();
    if method == "weft_getLightBlocks"
        && let Some(block) = told["result"].as_array_mut().and_then(|blocks| blocks.last_mut())
    {
        match liar.lie {
            // The last byte is of the last signature.
            Lie::Certificate => changed(&mut block["certificate"], usize::MAX),
            // Behind list header, parent (33), ommers (33) and beneficiary (21) stands the state root.
            Lie::Header => changed(&mut block["header"], 3 + 33 + 33 + 21 + 5),
            Lie::Set | Lie::Proof => {}
        }
    }
    Json(told)
}

/// A height, some blocks earlier.
fn older(height: &mut Value, by: u64) {
    let number = height.as_str().and_then(|text| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok());
    *height = json!(format!("{:#x}", number.unwrap_or(by).saturating_sub(by)));
}

/// Changes a bit of a byte.
fn changed(hexadecimal: &mut Value, at: usize) {
    let mut bytes = hexadecimal.as_str().and_then(|text| alloy_primitives::hex::decode(text).ok()).unwrap_or_default();
    let at = at.min(bytes.len().saturating_sub(1));
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1;
    }
    *hexadecimal = json!(alloy_primitives::hex::encode_prefixed(bytes));
}
