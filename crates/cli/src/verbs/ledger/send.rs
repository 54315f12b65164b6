//! `weft ledger send`, `deploy`, `stake`: what your account does.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::{abi, read};
use crate::args::Global;
use crate::failure::{Failure, Result};
use crate::{output, session};

/// Where the staking contract is on every chain.
const STAKING: &str = "0x0000000000000000000000000000000000001001";

/// Send coins, or call a contract, from your account; waits until it is final.
///
/// With --json, the object of `POST /api/v1/ledger/send`.
#[derive(Debug, Args)]
pub(super) struct Send {
    /// To whom
    to: String,
    /// How much: coins as `1.5`, or `20gwei`, `7wei`
    #[arg(default_value = "0")]
    amount: String,
    /// The function to call, as `transfer(address,uint256)`; or data, hexadecimal
    #[arg(long, value_name = "FUNCTION")]
    call: Option<String>,
    /// The function's arguments
    #[arg(long = "arg", value_name = "VALUE", requires = "call")]
    arguments: Vec<String>,
    #[command(flatten)]
    how: How,
}

/// How something is sent.
#[derive(Debug, Args)]
pub(super) struct How {
    /// Gas it may use [default: what it needs, and a fifth more]
    #[arg(long, value_name = "GAS")]
    gas: Option<u64>,
    /// Do not wait until it is final
    #[arg(long)]
    no_wait: bool,
}

/// Put a contract on the chain; waits until it is final.
///
/// With --json, the object of `POST /api/v1/ledger/send`.
#[derive(Debug, Args)]
pub(super) struct Deploy {
    /// The compiler's JSON file (hardhat, forge, solc) or code in hexadecimal
    file: PathBuf,
    /// The constructor's arguments
    arguments: Vec<String>,
    /// Coins that go along
    #[arg(long, value_name = "AMOUNT", default_value = "0")]
    amount: String,
    #[command(flatten)]
    how: How,
}

/// Join the validators with this node's key, add stake, or leave them.
///
/// Stake can be lost: a validator that signs two different blocks of one height is punished. Leaving keeps it for a while,
/// in which that can still come out; then `--withdraw` gives it back.
#[derive(Debug, Args)]
pub(super) struct Stake {
    /// How much: joins if you do not validate yet, adds if you do
    #[arg(value_name = "COINS", required_unless_present_any = ["leave", "withdraw", "unjail"])]
    amount: Option<String>,
    /// Validate no longer
    #[arg(long, conflicts_with_all = ["amount", "withdraw", "unjail"])]
    leave: bool,
    /// Take back the stake after having left
    #[arg(long, conflicts_with_all = ["amount", "unjail"])]
    withdraw: bool,
    /// Come back from jail
    #[arg(long, conflicts_with = "amount")]
    unjail: bool,
    #[command(flatten)]
    how: How,
}

pub(super) async fn send(global: &Global, args: Send) -> Result<ExitCode> {
    let (data, _) = abi::call_data(args.call.as_deref(), &args.arguments)?;
    let order = json!({ "to": args.to, "value": abi::amount(&args.amount)?.to_string(), "data": data });
    submit(global, order, &args.how).await
}

pub(super) async fn deploy(global: &Global, args: Deploy) -> Result<ExitCode> {
    let file = std::fs::read_to_string(&args.file)
        .map_err(|error| Failure::new(format!("{}: {error}", args.file.display())))?;
    let data = abi::creation(&file, &args.arguments)?;
    submit(global, json!({ "value": abi::amount(&args.amount)?.to_string(), "data": data }), &args.how).await
}

pub(super) async fn stake(global: &Global, args: Stake) -> Result<ExitCode> {
    let call = |function: &str, arguments: &[String]| abi::call_data(Some(function), arguments).map(|(data, _)| data);
    let (data, value) = match &args.amount {
        Some(amount) => {
            let client = session::running(global)?;
            let candidate: Value = client.get("/api/v1/ledger/candidate").await?;
            let validators: Value = client.get("/api/v1/ledger/validators").await?;
            let account = candidate["account"].as_str().unwrap_or_default();
            let staked =
                validators.as_array().into_iter().flatten().any(|each| each["address"].as_str() == Some(account));
            let data = if staked {
                call("addStake()", &[])?
            } else {
                call("join(bytes32)", &[candidate["public_key"].as_str().unwrap_or_default().to_owned()])?
            };
            (data, abi::amount(amount)?)
        }
        None if args.leave => (call("leave()", &[])?, abi::amount("0")?),
        None if args.withdraw => (call("withdraw()", &[])?, abi::amount("0")?),
        None => (call("unjail()", &[])?, abi::amount("0")?),
    };
    submit(global, json!({ "to": STAKING, "value": value.to_string(), "data": data }), &args.how).await
}

async fn submit(global: &Global, mut order: Value, how: &How) -> Result<ExitCode> {
    order["gas"] = json!(how.gas);
    order["wait"] = json!(if how.no_wait { 0 } else { 60 });
    let sent: Value = session::running(global)?.post("/api/v1/ledger/send", &order).await?;
    read::told(global, &sent);
    if !how.no_wait && sent["height"].is_null() {
        output::note("It is not final yet; `weft ledger tx` says when it is.");
    }
    Ok(if sent["succeeded"].as_bool() == Some(false) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
