//! `weft ledger verify`: a light client in this process, which believes no node.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use alloy_primitives::{Address, U256, hex};
use clap::Args;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use weft_node::light::{Light, LightBlock, MAX_LIGHT_BLOCKS, ProvedAccount, prove_account};

use super::{abi, rpc};
use crate::args::Global;
use crate::failure::{Failure, Result};
use crate::output;

/// Follow a chain by its headers and certificates, and prove an account, without believing the node that is asked.
///
/// It needs no node of its own: the genesis file says where the chain begins, and every header after it must be signed by
/// validators with more than two thirds of the power. With --json, one object with the height, its hash, and the account.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The chain's genesis file, from somebody you trust
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
    /// The Ethereum RPC of any node of the chain
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8545")]
    url: String,
    /// Stop at this height [default: the head]
    #[arg(long, value_name = "HEIGHT")]
    to: Option<u64>,
    /// Prove what this account has there
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<Address>,
    /// With --account: prove what a slot of its storage holds; may be given several times
    #[arg(long = "slot", value_name = "SLOT", requires = "account")]
    slots: Vec<U256>,
}

pub(super) async fn run(global: &Global, args: Verify) -> Result<ExitCode> {
    let begun = Instant::now();
    let file =
        std::fs::read(&args.genesis).map_err(|error| Failure::new(format!("{}: {error}", args.genesis.display())))?;
    let mut light = Light::from_genesis(&file).map_err(|error| refused(&error))?;
    let mut asked = ask(&args, light.height());
    while let Some(answer) = asked {
        let blocks = answer.await.map_err(|error| Failure::new(error.to_string()))??;
        if blocks.is_empty() {
            break;
        }
        // The next ones come while these are checked.
        asked = ask(&args, light.height() + blocks.len() as u64);
        light = follow(light, &args.url, blocks).await?;
    }
    if let Some(to) = args.to.filter(|to| *to > light.height()) {
        return Err(Failure::new(format!("{} gave headers up to {} only, not up to {to}", args.url, light.height())));
    }
    let followed = begun.elapsed();
    let account = match args.account {
        Some(account) => Some(prove(&light, &args.url, account, &args.slots).await?),
        None => None,
    };
    if global.json {
        output::say_json_pretty(&json!({
            "height": light.height(),
            "hash": light.hash(),
            "set_changes": light.set_changes(),
            "seconds": followed.as_secs_f64(),
            "account": account,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    output::say(format!("  height      {}", light.height()));
    output::say(format!("  hash        {}", light.hash()));
    output::say(format!(
        "  verified    {} headers and {} changes of the validators in {:.2} s",
        light.height(),
        light.set_changes(),
        followed.as_secs_f64()
    ));
    if let (Some(address), Some(account)) = (args.account, account) {
        output::say(format!("  account     {address}"));
        output::say(format!("  coins       {}, proved", abi::coins(&account.balance.to_string())));
        for (slot, value) in account.slots {
            output::say(format!("  slot        {slot:#x} = {value:#x}, proved"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks for what follows a height; `None` if nothing more is wanted.
fn ask(args: &Verify, height: u64) -> Option<JoinHandle<Result<Vec<LightBlock>>>> {
    let left = args.to.map_or(MAX_LIGHT_BLOCKS, |to| to.saturating_sub(height).min(MAX_LIGHT_BLOCKS));
    if left == 0 {
        return None;
    }
    let (url, range) = (args.url.clone(), json!([format!("{:#x}", height + 1), format!("{left:#x}")]));
    Some(tokio::spawn(async move {
        let answer = rpc::at(&url, "weft_getLightBlocks", range).await?;
        serde_json::from_value(answer).map_err(|error| Failure::new(format!("what {url} gave are no headers: {error}")))
    }))
}

/// Goes on by these headers, on a thread that has nothing else to do.
async fn follow(mut light: Light, url: &str, blocks: Vec<LightBlock>) -> Result<Light> {
    let mut blocks = VecDeque::from(blocks);
    loop {
        let gone = tokio::task::spawn_blocking(move || {
            while let Some(block) = blocks.front() {
                if let Err(error) = light.advance(block, None) {
                    return (light, blocks, Some(error));
                }
                blocks.pop_front();
            }
            (light, blocks, None)
        });
        let error;
        (light, blocks, error) = gone.await.map_err(|error| Failure::new(error.to_string()))?;
        let Some(error) = error else { return Ok(light) };
        let (Some(height), Some(block)) = (error.needs_set_of(), blocks.pop_front()) else {
            return Err(refused(&error));
        };
        let answer = rpc::at(url, "weft_getValidatorSet", json!([format!("{height:#x}")])).await?;
        let set = answer.as_str().and_then(|text| hex::decode(text).ok()).ok_or_else(|| {
            Failure::new(format!("{url} does not give the validators of height {height}"))
                .mend("ask a node that keeps more history")
        })?;
        light.advance(&block, Some(&set)).map_err(|error| refused(&error))?;
    }
}

async fn prove(light: &Light, url: &str, account: Address, slots: &[U256]) -> Result<ProvedAccount> {
    let keys: Vec<Value> = slots.iter().map(|slot| json!(format!("{slot:#x}"))).collect();
    let height = format!("{:#x}", light.height());
    let answer = rpc::at(url, "eth_getProof", json!([account, keys, height])).await?;
    prove_account(light, account, slots, &answer).map_err(|error| refused(&error))
}

fn refused(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::of(error).mend("ask another node; if several say the same, the genesis file is of another chain")
}
