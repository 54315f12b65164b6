//! `txpool_*`: what waits.

use alloy_primitives::{Address, U64};
use serde_json::{Map, Value, json as object};
use weft_ledger::pool::{PoolTransaction, SenderContent};

use crate::error::RpcError;
use crate::rpc::{Call, Reply, json};
use crate::transactions::rpc_transaction;

/// 10,000: transactions that one answer shows.
const MAX_SHOWN: usize = 10_000;

type Show = fn(&PoolTransaction) -> Result<Value, RpcError>;

fn whole(tx: &PoolTransaction) -> Result<Value, RpcError> {
    rpc_transaction(tx.transaction().inner(), tx.sender(), None)
}

fn line(tx: &PoolTransaction) -> Result<Value, RpcError> {
    Ok(Value::String(tx.inspect()))
}

fn by_nonce(all: &[std::sync::Arc<PoolTransaction>], show: Show) -> Result<Map<String, Value>, RpcError> {
    all.iter().map(|tx| Ok((tx.nonce().to_string(), show(tx)?))).collect()
}

fn shown(call: &Call<'_>, show: Show) -> Reply {
    let content = call.rpc.ledger.pool().lock().content(MAX_SHOWN);
    let part = |of: fn(&SenderContent) -> &Vec<std::sync::Arc<PoolTransaction>>| -> Result<Value, RpcError> {
        let senders = content.iter().filter(|(_, content)| !of(content).is_empty());
        let senders =
            senders.map(|(sender, content)| Ok((sender.to_checksum(None), by_nonce(of(content), show)?.into())));
        Ok(Value::Object(senders.collect::<Result<Map<_, _>, RpcError>>()?))
    };
    json(&object!({ "pending": part(|content| &content.pending)?, "queued": part(|content| &content.queued)? }))
}

/// `txpool_content`.
pub(crate) fn content(call: &Call<'_>) -> Reply {
    shown(call, whole)
}

/// `txpool_inspect`.
pub(crate) fn inspect(call: &Call<'_>) -> Reply {
    shown(call, line)
}

/// `txpool_contentFrom`.
pub(crate) fn content_from(call: &Call<'_>) -> Reply {
    let sender: Address = call.args.required(0)?;
    let content = call.rpc.ledger.pool().lock().content_from(sender);
    let (pending, queued) = (by_nonce(&content.pending, whole)?, by_nonce(&content.queued, whole)?);
    json(&object!({ "pending": pending, "queued": queued }))
}

/// `txpool_status`.
pub(crate) fn status(call: &Call<'_>) -> Reply {
    let status = call.rpc.ledger.pool().lock().status();
    json(&object!({ "pending": U64::from(status.pending), "queued": U64::from(status.queued) }))
}
