//! `eth_subscribe`: what happens is told over a WebSocket.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use alloy_rpc_types_eth::Filter;
use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::types::Params;
use jsonrpsee::{PendingSubscriptionSink, RpcModule, SubscriptionMessage, SubscriptionSink};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use weft_evm::{LogFilter, StateError};
use weft_ledger::handle::Ledger;

use crate::args::Args;
use crate::dispatch::Dispatch;
use crate::error::RpcError;
use crate::{blocks, logs, node, transactions};

/// 30 s: a client that takes nothing that long is cut off.
const PATIENCE: Duration = Duration::from_secs(30);

/// 1,024: blocks that a slow client is told of afterwards; one that is further behind is cut off.
const MAX_BEHIND: u64 = 1_024;

enum Kind {
    Heads,
    Logs(LogFilter),
    Transactions { full: bool },
    Syncing,
}

pub(crate) fn register(module: &mut RpcModule<Dispatch>) -> Result<(), RegisterMethodError> {
    module.register_subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        |params, pending, dispatch, _| subscribe(params, pending, dispatch),
    )?;
    Ok(())
}

fn kind(params: &Params<'_>) -> Result<Kind, RpcError> {
    let args = Args::read(params.as_str())?;
    match args.required::<String>(0)?.as_str() {
        "newHeads" => Ok(Kind::Heads),
        "logs" => {
            let filter: Filter = args.optional(1)?.unwrap_or_default();
            Ok(Kind::Logs(logs::wanted(&filter)?))
        }
        "newPendingTransactions" => Ok(Kind::Transactions { full: args.optional(1)?.unwrap_or(false) }),
        "syncing" => Ok(Kind::Syncing),
        other => {
            Err(RpcError::params(format!("no {other:?} subscription: newHeads, logs, newPendingTransactions, syncing")))
        }
    }
}

async fn subscribe(params: Params<'static>, pending: PendingSubscriptionSink, dispatch: Arc<Dispatch>) {
    let kind = match kind(&params) {
        Ok(kind) => kind,
        Err(error) => return pending.reject(error).await,
    };
    // Before the client hears that it is subscribed, so that it misses nothing after.
    let ledger = dispatch.rpc.ledger.clone();
    let (blocks, transactions, sync) = (ledger.blocks(), ledger.transactions(), ledger.sync_changes());
    let from = ledger.chain().height();
    let Ok(sink) = pending.accept().await else { return };
    match kind {
        Kind::Heads => follow(sink, ledger, blocks, from, |_, head| Ok(vec![head.clone()])).await,
        Kind::Logs(filter) => {
            let matching = move |ledger: &Ledger, head: &Value| logs_of(ledger, &filter, head);
            follow(sink, ledger, blocks, from, matching).await;
        }
        Kind::Transactions { full } => pending_transactions(sink, transactions, full).await,
        Kind::Syncing => syncing(sink, &dispatch, sync).await,
    }
}

/// Sends a message; false if the client is gone, or as good as gone.
async fn tell(sink: &SubscriptionSink, value: &Value) -> bool {
    let Ok(message) = SubscriptionMessage::new(sink.method_name(), sink.subscription_id(), value) else { return false };
    sink.send_timeout(message, PATIENCE).await.is_ok()
}

type Blocks = tokio::sync::broadcast::Receiver<weft_ledger::handle::Committed>;

/// Tells of every block after `told`, in order and once: the channel says that there is one, the chain has it.
async fn follow(
    sink: SubscriptionSink,
    ledger: Ledger,
    mut blocks: Blocks,
    mut told: u64,
    messages: impl Fn(&Ledger, &Value) -> Result<Vec<Value>, StateError>,
) {
    loop {
        tokio::select! {
            () = sink.closed() => return,
            block = blocks.recv() => match block {
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
        }
        let head = ledger.chain().height();
        if head.saturating_sub(told) > MAX_BEHIND {
            return;
        }
        while told < head {
            let Ok(Some((hash, header))) = ledger.chain().header(told + 1) else { return };
            let Ok(header) = serde_json::to_value(blocks::rpc_header(hash, &header, None)) else { return };
            let Ok(all) = messages(&ledger, &header) else { return };
            for message in &all {
                if !tell(&sink, message).await {
                    return;
                }
            }
            told += 1;
        }
    }
}

fn logs_of(ledger: &Ledger, filter: &LogFilter, head: &Value) -> Result<Vec<Value>, StateError> {
    let number = head.get("number").and_then(Value::as_str).and_then(|text| text.strip_prefix("0x"));
    let Some(height) = number.and_then(|digits| u64::from_str_radix(digits, 16).ok()) else { return Ok(Vec::new()) };
    match ledger.chain().logs(filter, height..=height, weft_evm::MAX_LOGS, || false) {
        Ok(found) => Ok(found.into_iter().filter_map(|log| serde_json::to_value(logs::rpc_log(log)).ok()).collect()),
        Err(weft_evm::LogsError::State(error)) => Err(error),
        Err(error) => {
            // More logs in one block than are given at once: the client has to ask for them itself.
            tracing::warn!(%error, height, "logs were not told to a subscriber");
            Ok(Vec::new())
        }
    }
}

type Transactions = tokio::sync::broadcast::Receiver<Arc<weft_ledger::pool::PoolTransaction>>;

async fn pending_transactions(sink: SubscriptionSink, mut from: Transactions, full: bool) {
    loop {
        let tx = tokio::select! {
            () = sink.closed() => return,
            tx = from.recv() => tx,
        };
        let tx = match tx {
            Ok(tx) => tx,
            // It is told of the later ones; all of them nobody promises.
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        let hash: B256 = tx.hash();
        let value = match full {
            true => transactions::rpc_transaction(tx.transaction().inner(), tx.sender(), None),
            false => Ok(Value::String(hash.to_string())),
        };
        let Ok(value) = value else { return };
        if !tell(&sink, &value).await {
            return;
        }
    }
}

type Sync = tokio::sync::watch::Receiver<Option<weft_ledger::handle::SyncStatus>>;

async fn syncing(sink: SubscriptionSink, dispatch: &Dispatch, mut changes: Sync) {
    loop {
        let status = node::sync_status(&dispatch.rpc);
        let value = match status {
            Value::Bool(false) => Value::Bool(false),
            status => serde_json::json!({ "syncing": true, "status": status }),
        };
        if !tell(&sink, &value).await {
            return;
        }
        tokio::select! {
            () = sink.closed() => return,
            changed = changes.changed() => if changed.is_err() { return },
        }
    }
}
