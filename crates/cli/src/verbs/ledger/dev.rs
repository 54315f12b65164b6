//! `weft ledger dev`: a chain for contract developers, in this process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use weft_node::{DevLedger, DevLedgerConfig};

use crate::args::Global;
use crate::failure::{Failure, Result};
use crate::interrupt::interrupted;
use crate::{output, session};

/// Run a chain for contract developers in the foreground, until Ctrl-C.
///
/// One validator in this process makes a block as soon as there is a transaction; ten accounts have 10,000 coins each, with
/// the keys that anvil and hardhat use. It takes no transactions from elsewhere and needs no running node. With --json, one
/// line when it is ready.
#[derive(Debug, Args)]
pub(super) struct Dev {
    /// Where its Ethereum RPC listens (HTTP and WebSocket)
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8545")]
    listen: SocketAddr,
    /// The chain's id
    #[arg(long, value_name = "ID", default_value_t = weft_node::DEV_CHAIN_ID)]
    chain_id: u64,
    /// Make a block every so many milliseconds, empty or not, instead of one for each transaction
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(10..=3_600_000))]
    block_time: Option<u64>,
    /// Let this web page call it (scheme://host:port); may be given several times
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
    /// Keep the chain in this folder, and go on with it at the next start [default: in memory]
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

pub(super) async fn run(global: &Global, args: Dev) -> Result<ExitCode> {
    let mut stop = std::pin::pin!(interrupted());
    let (config, _) = session::config_or_default(&weft_node::Sources::default());
    session::start_logging(&config.log)?;
    if !args.listen.ip().is_loopback() {
        let away = Failure::usage(format!(
            "{} can be reached from other machines, and anybody there could spend",
            args.listen.ip()
        ));
        return Err(away.mend("listen on 127.0.0.1, and reach it from elsewhere through `ssh -L`"));
    }
    let chain = weft_node::DevOptions {
        chain_id: args.chain_id,
        block_time: args.block_time.map(Duration::from_millis),
        ..weft_node::DevOptions::default()
    };
    let kept = args.keep.is_some();
    let config = DevLedgerConfig { chain, listen: args.listen, origins: args.origins, dir: args.keep };
    let ledger = DevLedger::start(config).await.map_err(|error| Failure::of(&error))?;
    told(global, &ledger, args.chain_id, kept);
    let ended = tokio::select! {
        stopped = stop.as_mut() => stopped.map(|()| None)?,
        error = ledger.ended() => error,
    };
    ledger.stop().await;
    match ended {
        None => Ok(ExitCode::SUCCESS),
        Some(error) => Err(Failure::of(&*error)),
    }
}

fn told(global: &Global, ledger: &DevLedger, chain_id: u64, kept: bool) {
    let address = ledger.address();
    let accounts = ledger.accounts();
    if global.json {
        let accounts: Vec<_> =
            accounts.iter().map(|account| json!({ "address": account.address, "key": account.key })).collect();
        output::say_json(&json!({
            "http": format!("http://{address}"),
            "ws": format!("ws://{address}"),
            "chain_id": chain_id,
            "accounts": accounts,
        }));
        return;
    }
    output::say(format!("A chain for developers runs, {}.", if kept { "kept in its folder" } else { "in memory" }));
    output::say(format!("  http      http://{address}"));
    output::say(format!("  ws        ws://{address}"));
    output::say(format!("  chain id  {chain_id}"));
    output::say("Accounts with 10,000 coins each. Everybody knows these keys: never send anything of worth to them.");
    for account in accounts {
        output::say(format!("  {}  {}", account.address, account.key));
    }
    output::say("Ctrl-C stops it.");
}
