//! `weft ledger balance`, `call`, `tx`, `block`, `logs`, `proof`: what is on the chain.

use std::process::ExitCode;

use alloy_json_abi::Event;
use clap::Args;
use serde_json::{Value, json};

use super::{abi, rpc};
use crate::args::Global;
use crate::failure::{Failure, Result};
use crate::{output, session};

/// Show what an account has.
///
/// With --json, the object of `GET /api/v1/ledger/accounts/{address}`.
#[derive(Debug, Args)]
pub(super) struct Balance {
    /// The account [default: yours]
    account: Option<String>,
}

/// Ask a contract without sending anything.
#[derive(Debug, Args)]
pub(super) struct Call {
    /// The contract
    to: String,
    /// The function with the types it gives back, as `balanceOf(address)(uint256)`; or data, hexadecimal
    function: String,
    /// Its arguments
    arguments: Vec<String>,
    /// The block whose state is asked
    #[arg(long, value_name = "HEIGHT", default_value = "latest")]
    block: String,
}

/// Show a transaction, and how far it is.
///
/// With --json, the object of `GET /api/v1/ledger/transactions/{hash}`.
#[derive(Debug, Args)]
pub(super) struct Tx {
    /// Its hash
    hash: String,
}

/// Show a block.
///
/// With --json, the object of `GET /api/v1/ledger/blocks/{block}`.
#[derive(Debug, Args)]
pub(super) struct BlockArgs {
    /// A height, a hash, or `latest`
    #[arg(default_value = "latest")]
    block: String,
}

/// List what contracts logged. With --json, what `eth_getLogs` answers.
#[derive(Debug, Args)]
pub(super) struct Logs {
    /// Of this contract
    #[arg(long, value_name = "CONTRACT")]
    address: Option<String>,
    /// Of this event, as `Transfer(address,address,uint256)`, or its topic
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    /// From this height on
    #[arg(long, value_name = "HEIGHT", default_value = "0")]
    from: String,
    /// Up to this height
    #[arg(long, value_name = "HEIGHT", default_value = "latest")]
    to: String,
}

/// Print the Merkle proof of an account and slots of its storage, as `eth_getProof` gives it (EIP-1186).
#[derive(Debug, Args)]
pub(super) struct Proof {
    /// The account
    account: String,
    /// Slots of its storage
    slots: Vec<String>,
    /// The block whose state root it leads to; the last 256 are kept
    #[arg(long, value_name = "HEIGHT", default_value = "latest")]
    block: String,
}

pub(super) async fn balance(global: &Global, args: Balance) -> Result<ExitCode> {
    let client = session::running(global)?;
    let account = match args.account {
        Some(account) => account,
        None => {
            let status: Value = client.get("/api/v1/ledger/status").await?;
            status["account"].as_str().unwrap_or_default().to_owned()
        }
    };
    let found: Value = client.get(&format!("/api/v1/ledger/accounts/{account}")).await?;
    if global.json {
        output::say_json_pretty(&found);
    } else {
        output::say(abi::coins(found["balance"].as_str().unwrap_or("0")));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn call(global: &Global, args: Call) -> Result<ExitCode> {
    let (data, function) = abi::call_data(Some(&args.function), &args.arguments)?;
    let request = json!([{ "to": args.to, "data": data }, height(&args.block)?]);
    let answer = rpc::ask(global, "eth_call", request).await?;
    let raw = answer.as_str().unwrap_or("0x");
    let bytes = alloy_primitives::hex::decode(raw).map_err(|error| Failure::new(error.to_string()))?;
    let values = match function.filter(|function| !function.outputs.is_empty()) {
        Some(function) => abi::answer(&function, &bytes)?,
        None => vec![raw.to_owned()],
    };
    if global.json {
        output::say_json_pretty(&values);
    } else {
        values.iter().for_each(output::say);
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn tx(global: &Global, args: Tx) -> Result<ExitCode> {
    let found: Value = session::running(global)?.get(&format!("/api/v1/ledger/transactions/{}", args.hash)).await?;
    told(global, &found);
    Ok(ExitCode::SUCCESS)
}

/// A transaction as people read it.
pub(super) fn told(global: &Global, found: &Value) {
    if global.json {
        output::say_json_pretty(found);
        return;
    }
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    output::say(format!("  hash      {}", text("hash")));
    output::say(format!("  from      {}", text("from")));
    match (found["to"].as_str(), found["contract"].as_str()) {
        (Some(to), _) => output::say(format!("  to        {to}")),
        (None, Some(contract)) => output::say(format!("  contract  {contract}")),
        (None, None) => {}
    }
    output::say(format!("  coins     {}", abi::coins(&text("value"))));
    match found["height"].as_u64() {
        Some(height) => {
            let done = if found["succeeded"].as_bool() == Some(true) { "final" } else { "final, and failed" };
            let signers = found["verified_by"].as_array().map_or(0, Vec::len);
            output::say(format!("  state     {done}, in block {height}, verified by {signers} validators"));
            output::say(format!("  fee       {} coins, {} gas", abi::coins(&text("fee")), found["gas_used"]));
        }
        None => output::say(format!("  state     {}", text("stage"))),
    }
}

pub(super) async fn block(global: &Global, args: BlockArgs) -> Result<ExitCode> {
    let found: Value = session::running(global)?.get(&format!("/api/v1/ledger/blocks/{}", args.block)).await?;
    if global.json {
        output::say_json_pretty(&found);
        return Ok(ExitCode::SUCCESS);
    }
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    let signers = found["signers"].as_array().map_or(0, Vec::len);
    output::say(format!("  height        {}", found["height"]));
    output::say(format!("  hash          {}", text("hash")));
    output::say(format!("  proposer      {}", text("proposer")));
    output::say(format!("  signed by     {signers} validators"));
    output::say(format!("  gas           {} of {}", found["gas_used"], found["gas_limit"]));
    output::say(format!("  state root    {}", text("state_root")));
    let list = found["list"].as_array().cloned().unwrap_or_default();
    output::say(format!("  transactions  {}", found["transactions"]));
    for transaction in &list {
        output::say(format!("    {}", transaction["hash"].as_str().unwrap_or_default()));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn logs(global: &Global, args: Logs) -> Result<ExitCode> {
    let topic = match args.event.as_deref() {
        Some(topic) if topic.starts_with("0x") => Some(topic.to_owned()),
        Some(event) => Some(
            Event::parse(event)
                .map_err(|error| Failure::usage(format!("`{event}` is no event: {error}")))?
                .selector()
                .to_string(),
        ),
        None => None,
    };
    let mut filter = json!({ "fromBlock": height(&args.from)?, "toBlock": height(&args.to)? });
    if let Some(address) = args.address {
        filter["address"] = address.into();
    }
    if let Some(topic) = topic {
        filter["topics"] = json!([topic]);
    }
    let answer = rpc::ask(global, "eth_getLogs", json!([filter])).await?;
    if global.json {
        output::say_json_pretty(&answer);
        return Ok(ExitCode::SUCCESS);
    }
    for log in answer.as_array().into_iter().flatten() {
        let at = log["blockNumber"].as_str().and_then(|at| u64::from_str_radix(at.trim_start_matches("0x"), 16).ok());
        let topics: Vec<&str> = log["topics"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let [address, data] = ["address", "data"].map(|field| log[field].as_str().unwrap_or_default());
        output::say(format!("{}  {address}  {}  {data}", at.unwrap_or_default(), topics.join(" ")));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn proof(global: &Global, args: Proof) -> Result<ExitCode> {
    let answer = rpc::ask(global, "eth_getProof", json!([args.account, args.slots, height(&args.block)?])).await?;
    output::say_json_pretty(&answer);
    Ok(ExitCode::SUCCESS)
}

/// A height as the RPC wants it.
fn height(text: &str) -> Result<String> {
    match text {
        "latest" | "earliest" | "pending" | "safe" | "finalized" => Ok(text.to_owned()),
        hexadecimal if hexadecimal.starts_with("0x") => Ok(hexadecimal.to_owned()),
        number => {
            let number: u64 = number.parse().map_err(|_| Failure::usage(format!("`{number}` is no height")))?;
            Ok(format!("{number:#x}"))
        }
    }
}
