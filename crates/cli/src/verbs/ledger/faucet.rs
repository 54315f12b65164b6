//! `weft ledger faucet`: coins from who gives some away.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::{abi, read};
use crate::args::Global;
use crate::failure::Result;
use crate::{output, session};

/// Ask the peers of this chain for coins; waits until they are final.
///
/// One of them has to be a faucet: whoever has coins to give away sets `ledger.faucet` to true. With --json, the object of
/// `POST /api/v1/ledger/faucet`.
#[derive(Debug, Args)]
pub(super) struct Faucet {
    /// The account that gets them [default: yours]
    #[arg(long, value_name = "ACCOUNT")]
    to: Option<String>,
    /// Do not wait until they are final
    #[arg(long)]
    no_wait: bool,
}

pub(super) async fn run(global: &Global, args: Faucet) -> Result<ExitCode> {
    let request = json!({ "to": args.to, "wait": if args.no_wait { 0 } else { 60 } });
    let gift: Value = session::running(global)?.post("/api/v1/ledger/faucet", &request).await?;
    let transaction = &gift["transaction"];
    if global.json {
        output::say_json_pretty(&gift);
    } else if transaction.is_object() {
        read::told(global, transaction);
    } else {
        output::say(format!("  hash      {}", gift["hash"].as_str().unwrap_or_default()));
        output::say(format!("  coins     {}", abi::coins(gift["amount"].as_str().unwrap_or_default())));
        output::note(
            "A peer says that it gave them, and this node has not heard of it yet; `weft ledger tx` says when it has.",
        );
    }
    if !args.no_wait && transaction.is_object() && transaction["height"].is_null() {
        output::note("It is not final yet; `weft ledger tx` says when it is.");
    }
    Ok(if transaction["succeeded"].as_bool() == Some(false) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
