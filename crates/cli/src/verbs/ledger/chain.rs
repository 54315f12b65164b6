//! `weft ledger init`, `join`, `leave`, `status` and what names nodes and chains.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::abi;
use crate::args::Global;
use crate::client::Client;
use crate::failure::{Failure, Result};
use crate::progress::{Progress, Step};
use crate::table::{Align, Table};
use crate::{output, session};

/// Make a chain, and run it on this node.
///
/// Who shall validate from the first block on runs `weft ledger candidate` on the own node and sends you the line; who
/// joins later needs only the ticket that this prints. With --json, the object of `POST /api/v1/ledger/init`.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// EIP-155 [default: a random number]
    #[arg(long, value_name = "ID")]
    chain_id: Option<u64>,
    /// A first validator beside this node: what `weft ledger candidate` printed there, with `=POWER` if not 100
    #[arg(long = "validator", value_name = "CANDIDATE")]
    validators: Vec<String>,
    /// This node's power in coins' worth; 0 makes it no validator
    #[arg(long, value_name = "COINS", default_value_t = 100)]
    power: u64,
    /// Give an account coins from the first block on, as `0x…=1000`; the other first validators have 1,000 each anyway
    #[arg(long = "coins", value_name = "ACCOUNT=COINS")]
    coins: Vec<String>,
    /// Coins of your own account
    #[arg(long, value_name = "COINS", default_value_t = 1_000_000)]
    own_coins: u64,
    /// The least stake of validators that join later, in coins
    #[arg(long, value_name = "COINS")]
    min_stake: Option<u64>,
    /// No validator joins later
    #[arg(long, conflicts_with = "min_stake")]
    closed: bool,
    /// From one block to the next under load
    #[arg(long, value_name = "MS", default_value_t = 250)]
    block_time: u64,
    /// From one block to the next without transactions
    #[arg(long, value_name = "MS", default_value_t = 5_000)]
    heartbeat: u64,
}

/// Get onto a chain, by a ticket or by its genesis file.
///
/// With --json, the object of `POST /api/v1/ledger/join`; with --snapshot, lines of {"type": "progress", "step", "done", "of"}
/// come before it.
#[derive(Debug, Args)]
pub(super) struct Join {
    /// The ticket, `weft:ledger/…`, or a genesis file
    ticket: String,
    /// With a genesis file: the ticket or candidate line of a node on that chain; may be given several times
    #[arg(long = "peer", value_name = "TEXT")]
    peers: Vec<String>,
    /// Begin at a snapshot of the state that a peer gives, and execute only what follows; its root must be that of a header
    /// which the validators decided. Transactions and logs of before are not on this node then
    #[arg(long)]
    snapshot: bool,
}

/// How far it is looked after each half second.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What the API says of the ledger, as far as it is shown.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    account: String,
    pub(super) chain: Option<Chain>,
    entering: Option<Entering>,
    faucet: Option<Faucet>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Entering {
    step: String,
    done: u64,
    of: u64,
}

impl Entering {
    fn what(&self) -> &'static str {
        match self.step.as_str() {
            "waiting" => "a peer makes its snapshot",
            "headers" => "headers are followed",
            "state" => "the state comes",
            _ => "the state root is computed",
        }
    }

    fn amount(&self) -> String {
        // Nothing is counted while it waits, or computes.
        if self.of == 0 { String::from("…") } else { format!("{} of {}", self.done, self.of) }
    }
}

#[derive(Debug, Deserialize)]
struct Faucet {
    amount: String,
    daily: String,
    given: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Chain {
    chain_id: u64,
    genesis: String,
    height: u64,
    base_fee: u64,
    validators: usize,
    validating: bool,
    #[serde(default)]
    oldest_block: u64,
    peers: usize,
    sync_to: Option<u64>,
    pool: Pool,
    pub(super) rpc: String,
    failure: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Pool {
    pending: usize,
    queued: usize,
}

#[derive(Debug, Deserialize)]
struct Validator {
    address: String,
    power: u64,
    share: u64,
    me: bool,
}

pub(super) async fn init(global: &Global, args: Init) -> Result<ExitCode> {
    let client = session::running(global)?;
    let mut validators = Vec::new();
    for text in &args.validators {
        let (candidate, power) = match text.rsplit_once('=') {
            Some((candidate, power)) => (candidate, Some(number(power)?)),
            None => (text.as_str(), None),
        };
        validators.push(json!({ "candidate": candidate, "power": power }));
    }
    let mut coins = BTreeMap::new();
    for text in &args.coins {
        let (account, amount) = text
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("`{text}` gives nobody anything")).mend("write it as `0x…=1000`"))?;
        coins.insert(account.to_owned(), number(amount)?);
    }
    let entered: Value = client
        .post(
            "/api/v1/ledger/init",
            &json!({
                "chain_id": args.chain_id,
                "validators": validators,
                "power": args.power,
                "coins": coins,
                "own_coins": args.own_coins,
                "min_stake": args.min_stake,
                "closed": args.closed,
                "block_time_ms": args.block_time,
                "heartbeat_ms": args.heartbeat,
            }),
        )
        .await?;
    told(global, &entered, "The chain is made.")
}

pub(super) async fn join(global: &Global, args: Join) -> Result<ExitCode> {
    let client = session::running(global)?;
    let request = if args.ticket.starts_with("weft:") {
        json!({ "ticket": args.ticket, "snapshot": args.snapshot })
    } else {
        let file = std::fs::read(&args.ticket).map_err(|error| Failure::new(format!("{}: {error}", args.ticket)))?;
        let genesis: Value = serde_json::from_slice(&file)
            .map_err(|error| Failure::usage(format!("{} is no genesis file: {error}", args.ticket)))?;
        json!({ "genesis": genesis, "peers": args.peers, "snapshot": args.snapshot })
    };
    let entered: Value = {
        let mut progress = Progress::new(global.json);
        let mut joining = std::pin::pin!(client.post("/api/v1/ledger/join", &request));
        loop {
            tokio::select! {
                entered = joining.as_mut() => {
                    progress.end();
                    break entered?;
                }
                () = tokio::time::sleep(LOOK_EVERY) => look(&client, &mut progress).await,
            }
        }
    };
    if global.json && args.snapshot {
        // The last of several lines.
        output::say_json(&entered);
        return Ok(ExitCode::SUCCESS);
    }
    told(global, &entered, "This node is on the chain.")
}

/// How far the snapshot is. It is a look, not the work: what it cannot see it does not show.
async fn look(client: &Client, progress: &mut Progress) {
    let Ok(Status { entering: Some(entering), .. }) = client.get::<Status>("/api/v1/ledger/status").await else {
        return;
    };
    let Entering { step, done, of } = &entering;
    progress.step(&Step {
        what: "snapshot",
        done: *done,
        total: *of,
        amount: entering.amount(),
        rest: entering.what().to_owned(),
        json: json!({ "type": "progress", "step": step, "done": done, "of": of }),
    });
}

fn told(global: &Global, entered: &Value, what: &str) -> Result<ExitCode> {
    if global.json {
        output::say_json_pretty(entered);
        return Ok(ExitCode::SUCCESS);
    }
    output::say(what);
    show(&serde_json::from_value(entered.clone()).map_err(|error| Failure::new(error.to_string()))?);
    output::say("Others join with:");
    output::say(format!("  weft ledger join {}", entered["ticket"].as_str().unwrap_or_default()));
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn leave(global: &Global) -> Result<ExitCode> {
    let left: Value = session::running(global)?.post("/api/v1/ledger/leave", &json!({})).await?;
    if global.json {
        output::say_json_pretty(&left);
    } else {
        match left["folder"].as_str() {
            Some(folder) => output::say(format!("The chain is put aside in {folder}.")),
            None => output::say("This node was on no chain."),
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn status(global: &Global) -> Result<ExitCode> {
    let status: Value = session::running(global)?.get("/api/v1/ledger/status").await?;
    if global.json {
        output::say_json_pretty(&status);
    } else {
        show(&serde_json::from_value(status).map_err(|error| Failure::new(error.to_string()))?);
    }
    Ok(ExitCode::SUCCESS)
}

fn show(status: &Status) {
    let Some(chain) = &status.chain else {
        output::say(format!("  account     {}", status.account));
        if let Some(entering) = &status.entering {
            output::say(format!("  chain       on the way: {}, {}", entering.what(), entering.amount()));
            return;
        }
        output::say("  chain       none: `weft ledger init` makes one, `weft ledger join` gets onto one");
        return;
    };
    let role = if chain.validating { "this node is one of them" } else { "this node follows" };
    let height = match chain.sync_to {
        Some(highest) => format!("{} (of {highest}, catching up)", chain.height),
        None => chain.height.to_string(),
    };
    output::say(format!("  chain id    {}", chain.chain_id));
    output::say(format!("  genesis     {}", chain.genesis));
    output::say(format!("  height      {height}"));
    if chain.oldest_block > 1 {
        output::say(format!("  blocks      from {} on: this node began at a snapshot", chain.oldest_block));
    }
    output::say(format!("  validators  {}, {role}", chain.validators));
    output::say(format!("  peers       {}", chain.peers));
    output::say(format!("  pool        {} pending, {} queued", chain.pool.pending, chain.pool.queued));
    output::say(format!("  base fee    {} wei per gas", chain.base_fee));
    output::say(format!("  rpc         {}", chain.rpc));
    output::say(format!("  account     {}", status.account));
    if let Some(Faucet { amount, daily, given }) = &status.faucet {
        let [amount, daily, given] = [amount, daily, given].map(|wei| abi::coins(wei));
        output::say(format!(
            "  faucet      {amount} coins for who asks; {given} of {daily} given in the last 24 hours"
        ));
    }
    if let Some(failure) = &chain.failure {
        output::say(format!("  stopped     {failure}"));
    }
}

pub(super) async fn candidate(global: &Global) -> Result<ExitCode> {
    one(global, "/api/v1/ledger/candidate", "candidate").await
}

pub(super) async fn ticket(global: &Global) -> Result<ExitCode> {
    one(global, "/api/v1/ledger/ticket", "ticket").await
}

async fn one(global: &Global, path: &str, field: &str) -> Result<ExitCode> {
    let answer: Value = session::running(global)?.get(path).await?;
    if global.json {
        output::say_json_pretty(&answer);
    } else {
        output::say(answer[field].as_str().unwrap_or_default());
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn genesis(global: &Global) -> Result<ExitCode> {
    output::say_bytes(&session::running(global)?.bytes("/api/v1/ledger/genesis").await?);
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn validators(global: &Global) -> Result<ExitCode> {
    let answer: Value = session::running(global)?.get("/api/v1/ledger/validators").await?;
    if global.json {
        output::say_json_pretty(&answer);
        return Ok(ExitCode::SUCCESS);
    }
    let validators: Vec<Validator> = serde_json::from_value(answer).map_err(|error| Failure::new(error.to_string()))?;
    let mut table =
        Table::new(&[("ACCOUNT", Align::Left), ("POWER", Align::Right), ("SHARE", Align::Right), ("", Align::Left)]);
    for validator in validators {
        let me = if validator.me { "this node" } else { "" };
        table.row([
            validator.address,
            // Power is in billionths of a coin.
            abi::coins(&format!("{}000000000", validator.power)),
            format!("{}.{} %", validator.share / 1000, validator.share % 1000 / 100),
            me.to_owned(),
        ]);
    }
    output::say(table.render());
    Ok(ExitCode::SUCCESS)
}

fn number(text: &str) -> Result<u64> {
    text.parse().map_err(|_| Failure::usage(format!("`{text}` is no whole number")))
}
