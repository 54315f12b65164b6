//! Filters that a client polls (`eth_newFilter` and its kin): bounded in number, gone when nobody polls.

pub(crate) mod kept;

use std::time::Instant;

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{B256, U256};
use alloy_rpc_types_eth::{Filter, FilterBlockOption};
use serde_json::Value;
use tokio::sync::broadcast::error::TryRecvError;

use self::kept::{Kind, Waiting};
use crate::error::RpcError;
use crate::logs;
use crate::rpc::{Call, Reply, json};
use crate::transactions::rpc_transaction;

/// 4,096: blocks that one poll of a block filter names.
const MAX_BLOCKS: u64 = 4_096;

fn unknown() -> RpcError {
    RpcError::server("filter not found")
}

/// `eth_newFilter`.
pub(crate) fn new_logs(call: &Call<'_>) -> Reply {
    let filter = logs::filter_param(call, 0)?;
    logs::wanted(&filter)?;
    let told = match &filter.block_option {
        FilterBlockOption::AtBlockHash(_) => {
            return Err(RpcError::params("a filter cannot follow one block; use eth_getLogs"));
        }
        FilterBlockOption::Range { .. } => call.chain().height(),
    };
    json(&call.rpc.filters.add(Kind::Logs(Box::new(filter)), told)?)
}

/// `eth_newBlockFilter`.
pub(crate) fn new_blocks(call: &Call<'_>) -> Reply {
    json(&call.rpc.filters.add(Kind::Blocks, call.chain().height())?)
}

/// `eth_newPendingTransactionFilter`; with `true` it gives whole transactions.
pub(crate) fn new_transactions(call: &Call<'_>) -> Reply {
    let full = call.args.optional(0)?.unwrap_or(false);
    let from = call.rpc.ledger.transactions();
    json(&call.rpc.filters.add(Kind::Transactions { from, full }, 0)?)
}

/// `eth_uninstallFilter`.
pub(crate) fn uninstall(call: &Call<'_>) -> Reply {
    let id: U256 = call.args.required(0)?;
    json(&call.rpc.filters.all.lock().remove(&id).is_some())
}

fn upper(filter: &Filter) -> u64 {
    match &filter.block_option {
        FilterBlockOption::Range { to_block: Some(BlockNumberOrTag::Number(to)), .. } => *to,
        _ => u64::MAX,
    }
}

fn lower(filter: &Filter) -> u64 {
    match &filter.block_option {
        FilterBlockOption::Range { from_block: Some(BlockNumberOrTag::Number(from)), .. } => *from,
        _ => 0,
    }
}

/// `eth_getFilterChanges`: what came since it was last asked.
pub(crate) fn changes(call: &Call<'_>) -> Reply {
    let id: U256 = call.args.required(0)?;
    let head = call.chain().height();
    let (filter, told) = {
        let mut all = call.rpc.filters.all.lock();
        let entry = all.get_mut(&id).ok_or_else(unknown)?;
        entry.asked = Instant::now();
        let told = entry.told;
        match &mut entry.kind {
            Kind::Transactions { from, full } => return json(&drain(from, *full)?),
            Kind::Blocks => {
                let to = head.min(told + MAX_BLOCKS);
                entry.told = to;
                drop(all);
                let mut hashes: Vec<B256> = Vec::new();
                for height in told + 1..=to {
                    hashes.extend(call.chain().header(height)?.map(|(hash, _)| hash));
                }
                return json(&hashes);
            }
            Kind::Logs(filter) => (filter.clone(), told),
        }
    };
    let (from, to) = ((told + 1).max(lower(&filter)), head.min(upper(&filter)));
    // Searching may fail; what was not told is told next time.
    let found = if from > to { Vec::new() } else { logs::search(call, &logs::wanted(&filter)?, from..=to)? };
    if let Some(entry) = call.rpc.filters.all.lock().get_mut(&id) {
        entry.told = entry.told.max(head);
    }
    json(&found)
}

fn drain(from: &mut Waiting, full: bool) -> Result<Vec<Value>, RpcError> {
    let mut all = Vec::new();
    loop {
        match from.try_recv() {
            Ok(tx) if full => all.push(rpc_transaction(tx.transaction().inner(), tx.sender(), None)?),
            Ok(tx) => all.push(Value::String(tx.hash().to_string())),
            // It was not asked for so long that some were missed.
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return Ok(all),
        }
    }
}

/// `eth_getFilterLogs`: all that a log filter matches.
pub(crate) fn all_logs(call: &Call<'_>) -> Reply {
    let id: U256 = call.args.required(0)?;
    let filter = {
        let mut all = call.rpc.filters.all.lock();
        let entry = all.get_mut(&id).ok_or_else(unknown)?;
        entry.asked = Instant::now();
        match &entry.kind {
            Kind::Logs(filter) => filter.clone(),
            _ => return Err(unknown()),
        }
    };
    json(&logs::by_filter(call, &filter)?)
}
