//! Blocks and what is in them by place.

use alloy_consensus::{Block, Header};
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{B256, U64, U256};
use alloy_rlp::Encodable;
use serde_json::Value;
use weft_evm::{StoredBlock, Transaction};

use crate::error::{INTERNAL, RpcError};
use crate::rpc::{At, Call, Reply, json};
use crate::transactions;

/// A header as JSON has it.
pub(crate) fn rpc_header(hash: B256, header: &Header, size: Option<usize>) -> alloy_rpc_types_eth::Header {
    alloy_rpc_types_eth::Header { hash, inner: header.clone(), total_difficulty: None, size: size.map(U256::from) }
}

/// A block as JSON has it.
pub(crate) fn rpc_block(
    hash: B256,
    block: &Block<Transaction>,
    senders: &[alloy_primitives::Address],
    full: bool,
) -> Result<Value, RpcError> {
    let header = rpc_header(hash, &block.header, Some(block.length()));
    let place = transactions::BlockPlace::of(hash, &block.header);
    let body = &block.body;
    let transactions = if full {
        let all = body.transactions.iter().zip(senders).enumerate();
        all.map(|(index, (tx, sender))| transactions::rpc_transaction(tx, *sender, Some((place, index))))
            .collect::<Result<Vec<_>, _>>()?
    } else {
        body.transactions.iter().map(|tx| Value::String(tx.tx_hash().to_string())).collect()
    };
    let to_value = |error: serde_json::Error| RpcError::new(INTERNAL, error.to_string());
    let mut value = serde_json::to_value(header).map_err(to_value)?;
    if let Value::Object(fields) = &mut value {
        let uncles: Vec<Value> =
            body.ommers.iter().map(|header| Value::String(header.hash_slow().to_string())).collect();
        fields.insert("uncles".into(), Value::Array(uncles));
        fields.insert("transactions".into(), Value::Array(transactions));
        if let Some(withdrawals) = &body.withdrawals {
            fields.insert("withdrawals".into(), serde_json::to_value(withdrawals).map_err(to_value)?);
        }
    }
    Ok(value)
}

fn null() -> Reply {
    json(&())
}

/// The block that a number or tag means; an unknown one is no error where a block is asked for.
fn known(call: &Call<'_>, number: BlockNumberOrTag) -> Option<At> {
    call.numbered(number).ok()
}

fn reply(call: &Call<'_>, height: u64, full: bool) -> Reply {
    let Some(whole) = call.block(height)? else { return null() };
    let stored = &whole.stored;
    json(&rpc_block(stored.block.hash, &stored.block.block, &stored.block.senders, full)?)
}

/// `eth_getBlockByNumber`.
pub(crate) fn by_number(call: &Call<'_>) -> Reply {
    let full = call.args.optional(1)?.unwrap_or(false);
    match known(call, call.args.required(0)?) {
        Some(At::Height(height)) => reply(call, height, full),
        Some(At::Pending) => pending(call, full),
        None => null(),
    }
}

/// The block after the head, with what would be in it: not executed, so without what only execution gives.
fn pending(call: &Call<'_>, full: bool) -> Reply {
    let header = call.pending_header();
    let base_fee = header.base_fee_per_gas.unwrap_or_default();
    let waiting = {
        let budget =
            weft_ledger::pool::Budget { count: 10_000, bytes: weft_evm::MAX_BLOCK_BYTES, gas: header.gas_limit };
        call.rpc.ledger.pool().lock().candidates(base_fee, budget)
    };
    let waiting: Vec<_> = waiting.collect();
    let block = Block { header, body: Default::default() };
    let mut value = rpc_block(B256::ZERO, &block, &[], false)?;
    if let Value::Object(fields) = &mut value {
        for unknown in ["hash", "nonce", "miner", "stateRoot", "receiptsRoot", "logsBloom"] {
            fields.insert(unknown.into(), Value::Null);
        }
        let transactions = waiting.iter().map(|tx| match full {
            true => transactions::rpc_transaction(tx.transaction().inner(), tx.sender(), None),
            false => Ok(Value::String(tx.hash().to_string())),
        });
        fields.insert("transactions".into(), Value::Array(transactions.collect::<Result<_, _>>()?));
        fields.insert("withdrawals".into(), Value::Array(Vec::new()));
    }
    json(&value)
}

/// `eth_getBlockByHash`.
pub(crate) fn by_hash(call: &Call<'_>) -> Reply {
    let hash = call.args.hash(0)?;
    let full = call.args.optional(1)?.unwrap_or(false);
    match call.chain().height_of(hash)? {
        Some(height) => reply(call, height, full),
        None => null(),
    }
}

fn counted(call: &Call<'_>, height: Option<u64>, count: impl Fn(&StoredBlock) -> usize) -> Reply {
    let Some(height) = height else { return null() };
    match call.block(height)? {
        Some(whole) => json(&U64::from(count(&whole.stored))),
        None => null(),
    }
}

fn height_by_number(call: &Call<'_>) -> Result<Option<u64>, RpcError> {
    Ok(match known(call, call.args.required(0)?) {
        Some(At::Height(height)) => Some(height),
        // What waits is in no block.
        Some(At::Pending) | None => None,
    })
}

fn height_by_hash(call: &Call<'_>) -> Result<Option<u64>, RpcError> {
    Ok(call.chain().height_of(call.args.hash(0)?)?)
}

fn transaction_count(stored: &StoredBlock) -> usize {
    stored.block.block.body.transactions.len()
}

/// `eth_getBlockTransactionCountByNumber`.
pub(crate) fn transaction_count_by_number(call: &Call<'_>) -> Reply {
    if call.args.required::<BlockNumberOrTag>(0)? == BlockNumberOrTag::Pending {
        return json(&U64::from(call.rpc.ledger.pool().lock().status().pending));
    }
    counted(call, height_by_number(call)?, transaction_count)
}

/// `eth_getBlockTransactionCountByHash`.
pub(crate) fn transaction_count_by_hash(call: &Call<'_>) -> Reply {
    counted(call, height_by_hash(call)?, transaction_count)
}

/// `eth_getUncleCountByBlockNumber`.
pub(crate) fn uncle_count_by_number(call: &Call<'_>) -> Reply {
    counted(call, height_by_number(call)?, |stored| stored.block.block.body.ommers.len())
}

/// `eth_getUncleCountByBlockHash`.
pub(crate) fn uncle_count_by_hash(call: &Call<'_>) -> Reply {
    counted(call, height_by_hash(call)?, |stored| stored.block.block.body.ommers.len())
}

fn transaction_at(call: &Call<'_>, height: Option<u64>) -> Reply {
    let index: U64 = call.args.required(1)?;
    let Some(height) = height else { return null() };
    let Some(whole) = call.block(height)? else { return null() };
    let index = usize::try_from(index.to::<u64>()).unwrap_or(usize::MAX);
    let block = &whole.stored.block;
    match (block.block.body.transactions.get(index), block.senders.get(index)) {
        (Some(tx), Some(sender)) => {
            let place = transactions::BlockPlace::of(block.hash, block.header());
            json(&transactions::rpc_transaction(tx, *sender, Some((place, index)))?)
        }
        _ => null(),
    }
}

/// `eth_getTransactionByBlockNumberAndIndex`.
pub(crate) fn transaction_by_number(call: &Call<'_>) -> Reply {
    transaction_at(call, height_by_number(call)?)
}

/// `eth_getTransactionByBlockHashAndIndex`.
pub(crate) fn transaction_by_hash(call: &Call<'_>) -> Reply {
    transaction_at(call, height_by_hash(call)?)
}

/// `eth_getUncleByBlock…AndIndex`: none here.
pub(crate) fn no_uncle(_: &Call<'_>) -> Reply {
    null()
}

/// `eth_getBlockReceipts`.
pub(crate) fn receipts(call: &Call<'_>) -> Reply {
    let id: alloy_eips::BlockId = call.args.required(0)?;
    let Ok(At::Height(height)) = call.at(id) else { return null() };
    let Some(whole) = call.block(height)? else { return null() };
    json(&transactions::rpc_receipts(call.chain().spec(), &whole))
}

/// `eth_blockNumber`.
pub(crate) fn number(call: &Call<'_>) -> Reply {
    json(&U64::from(call.chain().height()))
}

/// `debug_getRawBlock`.
pub(crate) fn raw_block(call: &Call<'_>) -> Reply {
    raw(call, |stored| alloy_rlp::encode(&stored.block.block))
}

/// `debug_getRawHeader`.
pub(crate) fn raw_header(call: &Call<'_>) -> Reply {
    raw(call, |stored| alloy_rlp::encode(stored.block.header()))
}

fn raw(call: &Call<'_>, encode: impl Fn(&StoredBlock) -> Vec<u8>) -> Reply {
    let At::Height(height) = call.at(call.args.required(0)?)? else { return Err(RpcError::header_not_found()) };
    json(&alloy_primitives::Bytes::from(encode(&call.whole(height)?.stored)))
}

/// `debug_getRawReceipts`.
pub(crate) fn raw_receipts(call: &Call<'_>) -> Reply {
    use alloy_consensus::TxReceipt;
    use alloy_eips::eip2718::Encodable2718;
    let At::Height(height) = call.at(call.args.required(0)?)? else { return Err(RpcError::header_not_found()) };
    let whole = call.whole(height)?;
    let encode = |receipt: &weft_evm::Receipt| alloy_primitives::Bytes::from(receipt.with_bloom_ref().encoded_2718());
    json(&whole.receipts.iter().map(encode).collect::<Vec<_>>())
}
