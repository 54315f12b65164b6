//! Transactions and their receipts.

use std::sync::Arc;

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{Header, ReceiptEnvelope, ReceiptWithBloom, Transaction as _, TxReceipt, TxType};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes};
use alloy_rpc_types_eth::{Log, TransactionReceipt};
use serde_json::Value;
use weft_evm::{ChainSpec, Transaction};

use crate::error::{INTERNAL, RpcError};
use crate::recent::Whole;
use crate::rpc::{Call, Reply, json};

/// What of its block a transaction's JSON says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockPlace {
    hash: B256,
    number: u64,
    timestamp: u64,
    base_fee: Option<u64>,
}

impl BlockPlace {
    pub(crate) fn of(hash: B256, header: &Header) -> Self {
        let Header { number, timestamp, base_fee_per_gas, .. } = *header;
        BlockPlace { hash, number, timestamp, base_fee: base_fee_per_gas }
    }
}

/// A transaction as JSON has it; without a place it waits in the pool.
pub(crate) fn rpc_transaction(
    tx: &Transaction,
    sender: Address,
    place: Option<(BlockPlace, usize)>,
) -> Result<Value, RpcError> {
    let base_fee = place.and_then(|(block, _)| block.base_fee);
    let price = match place {
        Some(_) => tx.effective_gas_price(base_fee),
        None => tx.max_fee_per_gas(),
    };
    let transaction = alloy_rpc_types_eth::Transaction {
        inner: Recovered::new_unchecked(tx.clone(), sender),
        block_hash: place.map(|(block, _)| block.hash),
        block_number: place.map(|(block, _)| block.number),
        transaction_index: place.map(|(_, index)| index as u64),
        effective_gas_price: Some(price),
        block_timestamp: place.map(|(block, _)| block.timestamp),
    };
    let mut value = serde_json::to_value(transaction).map_err(|error| RpcError::new(INTERNAL, error.to_string()))?;
    if place.is_none()
        && let Value::Object(fields) = &mut value
    {
        for unknown in ["blockHash", "blockNumber", "blockTimestamp", "transactionIndex"] {
            fields.insert(unknown.into(), Value::Null);
        }
    }
    Ok(value)
}

/// A block's receipts as JSON has them.
pub(crate) fn rpc_receipts(spec: &ChainSpec, whole: &Whole) -> Vec<TransactionReceipt> {
    let mut log_index = 0;
    let mut all = Vec::with_capacity(whole.receipts.len());
    for (index, receipt) in whole.receipts.iter().enumerate() {
        all.extend(rpc_receipt(spec, whole, index, log_index));
        log_index += receipt.logs.len();
    }
    all
}

/// One of them, by its place and that of its first log.
fn rpc_receipt(spec: &ChainSpec, whole: &Whole, index: usize, log_index: usize) -> Option<TransactionReceipt> {
    let block = &whole.stored.block;
    let header = block.header();
    let receipt = whole.receipts.get(index)?;
    let (tx, sender) = (block.block.body.transactions.get(index)?, block.senders.get(index)?);
    let before = index.checked_sub(1).and_then(|before| whole.receipts.get(before));
    let gas_before = before.map_or(0, |before| before.cumulative_gas_used);
    let blob_price = spec.blob_params(header.timestamp).zip(header.excess_blob_gas);
    let blob_price = blob_price.filter(|_| tx.is_eip4844()).map(|(params, excess)| params.calc_blob_fee(excess));
    let logs = receipt.logs.iter().enumerate().map(|(nth, log)| Log {
        inner: log.clone(),
        block_hash: Some(block.hash),
        block_number: Some(header.number),
        block_timestamp: Some(header.timestamp),
        transaction_hash: Some(*tx.tx_hash()),
        transaction_index: Some(index as u64),
        log_index: Some((log_index + nth) as u64),
        removed: false,
    });
    let inner = alloy_consensus::Receipt {
        status: receipt.success.into(),
        cumulative_gas_used: receipt.cumulative_gas_used,
        logs: logs.collect(),
    };
    let inner = ReceiptWithBloom { receipt: inner, logs_bloom: receipt.bloom() };
    let inner = match tx.tx_type() {
        TxType::Legacy => ReceiptEnvelope::Legacy(inner),
        TxType::Eip2930 => ReceiptEnvelope::Eip2930(inner),
        TxType::Eip1559 => ReceiptEnvelope::Eip1559(inner),
        TxType::Eip4844 => ReceiptEnvelope::Eip4844(inner),
        TxType::Eip7702 => ReceiptEnvelope::Eip7702(inner),
    };
    Some(TransactionReceipt {
        inner,
        transaction_hash: *tx.tx_hash(),
        transaction_index: Some(index as u64),
        block_hash: Some(block.hash),
        block_number: Some(header.number),
        gas_used: receipt.cumulative_gas_used - gas_before,
        effective_gas_price: tx.effective_gas_price(header.base_fee_per_gas),
        blob_gas_used: tx.blob_gas_used(),
        blob_gas_price: blob_price,
        from: *sender,
        to: tx.to(),
        contract_address: tx.is_create().then(|| sender.create(tx.nonce())),
    })
}

/// The block that has a final transaction, and its place there.
fn placed(call: &Call<'_>, hash: B256) -> Result<Option<(Arc<Whole>, usize)>, RpcError> {
    let Some(place) = call.chain().place(hash)? else { return Ok(None) };
    Ok(call.block(place.height)?.map(|whole| (whole, place.index)))
}

/// `eth_getTransactionByHash`: final ones and those that wait.
pub(crate) fn by_hash(call: &Call<'_>) -> Reply {
    let hash = call.args.hash(0)?;
    // The pool first: between the two looks it may go from there into a block, not back.
    let waiting = call.rpc.ledger.pool().lock().get(hash).cloned();
    if let Some((whole, index)) = placed(call, hash)? {
        let block = &whole.stored.block;
        if let (Some(tx), Some(sender)) = (block.block.body.transactions.get(index), block.senders.get(index)) {
            let place = BlockPlace::of(block.hash, block.header());
            return json(&rpc_transaction(tx, *sender, Some((place, index)))?);
        }
    }
    match waiting {
        Some(tx) => json(&rpc_transaction(tx.transaction().inner(), tx.sender(), None)?),
        None => json(&()),
    }
}

/// `eth_getTransactionReceipt`.
pub(crate) fn receipt(call: &Call<'_>) -> Reply {
    let hash = call.args.hash(0)?;
    match receipt_of(call, hash)? {
        Some(receipt) => json(&receipt),
        None => json(&()),
    }
}

pub(crate) fn receipt_of(call: &Call<'_>, hash: B256) -> Result<Option<TransactionReceipt>, RpcError> {
    let Some((whole, index)) = placed(call, hash)? else { return Ok(None) };
    let log_index = whole.receipts.iter().take(index).map(|receipt| receipt.logs.len()).sum();
    Ok(rpc_receipt(call.chain().spec(), &whole, index, log_index))
}

/// `eth_getRawTransactionByHash`, `debug_getRawTransaction`.
pub(crate) fn raw(call: &Call<'_>) -> Reply {
    let hash = call.args.hash(0)?;
    let waiting = call.rpc.ledger.pool().lock().get(hash).cloned();
    let found = placed(call, hash)?;
    let found = found.as_ref().and_then(|(whole, index)| whole.stored.block.block.body.transactions.get(*index));
    let raw = match (found, waiting) {
        (Some(tx), _) => Bytes::from(tx.encoded_2718()),
        (None, Some(tx)) => tx.encoded(),
        (None, None) => Bytes::new(),
    };
    json(&raw)
}
