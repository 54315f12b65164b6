//! `eth_simulateV1`: blocks that might follow, each with changes of the state, of its header, and with calls; as
//! execution-apis specifies it and geth answers it.
//!
//! Nothing is signed and nothing is kept. Without `validation` a call is executed as `eth_call` executes it; with it as a
//! block would, signatures apart. One request simulates at most [`MAX_BLOCKS`] blocks and [`MAX_CALLS`] calls, with the
//! gas and in the time that the server gives to one read.

mod block;
mod transfers;
mod world;

use alloy_consensus::constants::EMPTY_WITHDRAWALS;
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{B256, U256};
use alloy_rpc_types_eth::simulate::{SimBlock, SimulatePayload};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use serde_json::Value;
use weft_evm::{ChainSpec, Rules};

use crate::error::RpcError;
use crate::rpc::{At, Call, Reply, json};
use block::Simulation;
use world::World;

/// 256: the furthest that a simulated block may be from the block it begins after, as execution-apis says.
const MAX_BLOCKS: u64 = 256;

/// 5,000: calls of one simulation, more than the default gas pays for.
const MAX_CALLS: usize = 5_000;

/// 12 s: how much later a block is than its parent if the request does not say; geth's number, which clients expect.
const BLOCK_TIME: u64 = 12;

/// The numbers of blocks do not rise.
const INVALID_NUMBER: i32 = -38020;
/// The times of blocks do not rise.
const INVALID_TIME: i32 = -38021;
/// More blocks or calls than are simulated at once.
const TOO_MANY: i32 = -38026;

/// A block to be simulated: its number and time are settled.
#[derive(Debug, Default)]
struct Wanted {
    number: u64,
    time: u64,
    block: SimBlock<TransactionRequest>,
}

impl Wanted {
    fn overrides(&self) -> BlockOverrides {
        self.block.block_overrides.clone().unwrap_or_default()
    }
}

/// `eth_simulateV1`.
pub(crate) fn v1(call: &Call<'_>) -> Reply {
    let request: SimulatePayload<TransactionRequest> = call.args.required(0)?;
    let height = match call.block_id(1)? {
        At::Height(height) => height,
        // What waits has changed nothing yet, so that it is the head's state too.
        At::Pending => call.chain().height(),
    };
    if request.block_state_calls.is_empty() {
        return Err(RpcError::params("empty input: blockStateCalls names no block"));
    }
    let calls: usize = request.block_state_calls.iter().map(|block| block.calls.len()).sum();
    if calls > MAX_CALLS {
        return Err(RpcError::new(TOO_MANY, format!("too many calls: at most {MAX_CALLS} are simulated at once")));
    }
    let (hash, base) = call.header(At::Height(height))?;
    let blocks = settled(&base, request.block_state_calls)?;
    let mut simulation = Simulation {
        call,
        world: World::new(call.state(At::Height(height))?),
        parent: base,
        parent_hash: hash,
        gas_left: call.rpc.config.gas_cap,
        validation: request.validation,
        trace_transfers: request.trace_transfers,
        full: request.return_full_transactions,
    };
    let mut results = Vec::with_capacity(blocks.len());
    for wanted in &blocks {
        call.in_time()?;
        let header = header(call, &simulation.parent, simulation.parent_hash, wanted, request.validation);
        results.push(simulation.block(wanted, header)?);
    }
    json(&Value::Array(results))
}

/// The blocks in order, with those between them that nobody wrote down.
fn settled(base: &Header, wanted: Vec<SimBlock<TransactionRequest>>) -> Result<Vec<Wanted>, RpcError> {
    let too_many = || RpcError::new(TOO_MANY, "too many blocks");
    let mut all: Vec<Wanted> = Vec::with_capacity(wanted.len());
    let (mut number, mut time) = (base.number, base.timestamp);
    for block in wanted {
        let overrides = block.block_overrides.as_ref();
        let own = overrides.and_then(|overrides| overrides.number).unwrap_or(U256::from(number) + U256::from(1));
        if own <= U256::from(number) {
            return Err(RpcError::new(INVALID_NUMBER, format!("block numbers must be in order: {own} <= {number}")));
        }
        let own = u64::try_from(own).map_err(|_| too_many())?;
        if own - base.number > MAX_BLOCKS {
            return Err(too_many());
        }
        let late = || RpcError::new(INVALID_TIME, "block timestamps exceed 64 bits");
        for number in number + 1..own {
            time = time.checked_add(BLOCK_TIME).ok_or_else(late)?;
            all.push(Wanted { number, time, block: SimBlock::default() });
        }
        let own_time = match overrides.and_then(|overrides| overrides.time) {
            Some(own) if own <= time => {
                return Err(RpcError::new(INVALID_TIME, format!("block timestamps must be in order: {own} <= {time}")));
            }
            Some(own) => own,
            None => time.checked_add(BLOCK_TIME).ok_or_else(late)?,
        };
        (number, time) = (own, own_time);
        all.push(Wanted { number, time, block });
    }
    Ok(all)
}

/// The base fee after `parent`; one that somebody has set too high for arithmetic stays as it is.
fn next_base_fee(spec: &ChainSpec, parent: &Header) -> Option<u64> {
    parent.base_fee_per_gas.filter(|fee| *fee > u64::MAX / 2).or_else(|| spec.next_base_fee(parent))
}

/// The header of a block as far as it is known before the block is executed.
fn header(call: &Call<'_>, parent: &Header, parent_hash: B256, wanted: &Wanted, validation: bool) -> Header {
    let spec = call.chain().spec();
    let Wanted { number, time, .. } = *wanted;
    let overrides = wanted.overrides();
    let merged = spec.is_paris_active_at_block(number);
    let own_base_fee = overrides.base_fee.map(|fee| fee.saturating_to());
    // Who is not validated pays nothing: a base fee above what is offered is no state that the EVM knows.
    let base_fee = next_base_fee(spec, parent).map(|fee| own_base_fee.unwrap_or(if validation { fee } else { 0 }));
    let blobs = spec.blob_params(time);
    let excess = blobs.map(|params| match (parent.excess_blob_gas, parent.blob_gas_used) {
        (Some(excess), Some(used)) => {
            // Before Osaka the parameters have no reserve price, and this is EIP-4844's arithmetic.
            params.next_block_excess_blob_gas_osaka(excess, used, parent.base_fee_per_gas.unwrap_or_default())
        }
        _ => 0,
    });
    let beacon_root = spec.is_cancun_active_at_timestamp(time).then(|| overrides.beacon_root.unwrap_or_default());
    Header {
        parent_hash,
        number,
        timestamp: time,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: overrides.coinbase.unwrap_or(parent.beneficiary),
        difficulty: overrides.difficulty.unwrap_or(if merged { U256::ZERO } else { parent.difficulty }),
        gas_limit: overrides.gas_limit.unwrap_or(parent.gas_limit),
        mix_hash: overrides.random.unwrap_or_default(),
        // On a Weft chain the validators of the next height, whom nothing simulated changes.
        extra_data: if spec.rules == Rules::Weft { parent.extra_data.clone() } else { Default::default() },
        base_fee_per_gas: base_fee,
        withdrawals_root: spec.is_shanghai_active_at_timestamp(time).then_some(EMPTY_WITHDRAWALS),
        excess_blob_gas: excess,
        blob_gas_used: excess.map(|_| 0),
        parent_beacon_block_root: beacon_root,
        requests_hash: None,
        ..Header::default()
    }
}
