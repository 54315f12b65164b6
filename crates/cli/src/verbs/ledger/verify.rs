//! `weft ledger verify`: a light client in this process, which believes no node.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use alloy_primitives::{Address, U256, hex};
use clap::Args;
use serde_json::{Value, json};
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
    while args.to.is_none_or(|to| light.height() < to) {
        let from = light.height() + 1;
        let left = args.to.map_or(MAX_LIGHT_BLOCKS, |to| (to - light.height()).min(MAX_LIGHT_BLOCKS));
        let range = json!([format!("{from:#x}"), format!("{left:#x}")]);
        let answer = rpc::at(&args.url, "weft_getLightBlocks", range).await?;
        let blocks: Vec<LightBlock> = serde_json::from_value(answer)
            .map_err(|error| Failure::new(format!("what {} gave are no headers: {error}", args.url)))?;
        if blocks.is_empty() {
            break;
        }
        for block in &blocks {
            step(&mut light, &args.url, block).await?;
        }
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

async fn step(light: &mut Light, url: &str, block: &LightBlock) -> Result<()> {
    let Err(error) = light.advance(block, None) else { return Ok(()) };
    let Some(height) = error.needs_set_of() else { return Err(refused(&error)) };
    let answer = rpc::at(url, "weft_getValidatorSet", json!([format!("{height:#x}")])).await?;
    let set = answer.as_str().and_then(|text| hex::decode(text).ok()).ok_or_else(|| {
        Failure::new(format!("{url} does not give the validators of height {height}"))
            .mend("ask a node that keeps more history")
    })?;
    light.advance(block, Some(&set)).map_err(|error| refused(&error))
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
