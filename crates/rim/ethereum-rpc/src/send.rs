//! Transactions that come in.

use std::time::{Duration, Instant};

use alloy_primitives::{B256, Bytes};
use serde::Deserialize;
use tokio::sync::broadcast::error::TryRecvError;

use crate::error::RpcError;
use crate::rpc::{Call, Reply, json};
use crate::transactions::receipt_of;

/// 5 ms between two looks for a block.
const LOOK: Duration = Duration::from_millis(5);

fn submit(call: &Call<'_>) -> Result<B256, RpcError> {
    let raw: Bytes = call.args.required(0)?;
    let result = call.rpc.ledger.submit(vec![raw]).pop();
    Ok(result.ok_or_else(|| RpcError::server("the transaction got no answer"))??)
}

/// `eth_sendRawTransaction`: the answer comes when the transaction is on this node's disk.
pub(crate) fn raw(call: &Call<'_>) -> Reply {
    json(&submit(call)?)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Milliseconds {
    Plain(u64),
    Hex(alloy_primitives::U64),
}

/// `eth_sendRawTransactionSync` (EIP-7966): the answer is the receipt, and final.
pub(crate) fn raw_sync(call: &Call<'_>) -> Reply {
    let wait = match call.args.optional(1)? {
        Some(Milliseconds::Plain(wait)) => wait,
        Some(Milliseconds::Hex(wait)) => wait.to(),
        None => u64::MAX,
    };
    let mut blocks = call.rpc.ledger.blocks();
    let until =
        Instant::now().checked_add(Duration::from_millis(wait)).map_or(call.deadline, |until| until.min(call.deadline));
    let hash = submit(call)?;
    loop {
        if let Some(receipt) = receipt_of(call, hash)? {
            return json(&receipt);
        }
        // This is a blocking thread: the wait for a block is a look at the channel now and then.
        loop {
            if Instant::now() >= until {
                let text = format!("the transaction was added to the pool, but is in no block yet: {hash}");
                return Err(RpcError { code: 4, message: text, data: Some(Bytes::copy_from_slice(hash.as_slice())) });
            }
            match blocks.try_recv() {
                Ok(_) | Err(TryRecvError::Lagged(_)) => break,
                Err(TryRecvError::Empty | TryRecvError::Closed) => std::thread::sleep(LOOK),
            }
        }
    }
}
