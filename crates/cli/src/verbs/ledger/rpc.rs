//! The Ethereum RPC of the node, asked as any Ethereum tool asks it.

use std::time::Duration;

use serde_json::{Value, json};

use super::chain::Status;
use crate::args::Global;
use crate::failure::{Exit, Failure, Result};
use crate::session;

/// 30 s: what the node does for one call takes 10 s at most.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks the node on the data folder.
pub(super) async fn ask(global: &Global, method: &str, params: Value) -> Result<Value> {
    let client = session::running(global)?;
    let status: Status = client.get("/api/v1/ledger/status").await?;
    let Some(chain) = status.chain else {
        return Err(Failure::new("this node is on no chain")
            .mend("make one with `weft ledger init`, or get onto one with `weft ledger join`"));
    };
    at(&chain.rpc, method, params).await
}

/// Asks the RPC at an address.
pub(super) async fn at(url: &str, method: &str, params: Value) -> Result<Value> {
    let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let sent = http.post(url).json(&request).send().await;
    let response = sent.map_err(|error| {
        Failure::new(format!("the Ethereum RPC at {url} does not answer: {error}")).exit(Exit::Unreachable)
    })?;
    let mut answer: Value = response.json().await?;
    if let Some(error) = answer.get("error") {
        let message = error["message"].as_str().unwrap_or("it does not say why");
        return Err(Failure::new(format!("{method}: {message}")));
    }
    Ok(answer["result"].take())
}
