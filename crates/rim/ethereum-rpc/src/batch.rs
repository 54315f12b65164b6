//! A batch has an end: its calls are made one after the other, and what is left when its time is over is refused.
//!
//! Transactions that follow one another in it are brought into the pool together: their senders are recovered in parallel,
//! and one flush of the disk acknowledges them all.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::{B256, Bytes};
use jsonrpsee::core::middleware::{Batch, BatchEntry, Notification};
use jsonrpsee::server::middleware::rpc::RpcServiceT;
use jsonrpsee::types::Request;
use tokio::sync::OnceCell;

use crate::args::Args;
use crate::error::RpcError;

/// What brings a transaction and is answered with its hash.
const SEND: &str = "eth_sendRawTransaction";

/// When the batch that a call is part of has to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End(pub(crate) Instant);

/// Transactions that follow one another in a batch.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) raw: Vec<Bytes>,
    /// What became of each; the first call of the run that is made brings all of them.
    pub(crate) answers: OnceCell<Vec<Result<B256, RpcError>>>,
}

/// A call's place in a [`Run`].
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) run: Arc<Run>,
    pub(crate) place: usize,
}

/// The transaction that a call sends. What cannot be read is answered when its turn comes.
fn sent(entry: &BatchEntry<'_>) -> Option<Bytes> {
    let BatchEntry::Call(request) = entry else { return None };
    if request.method != SEND {
        return None;
    }
    Args::read(request.params.as_ref().map(|params| params.get())).ok()?.required(0).ok()
}

/// Marks the calls that send transactions one after another.
fn mark_runs(batch: &mut Batch<'_>) {
    let sent: Vec<Option<Bytes>> = batch.iter().map(|entry| sent(entry.as_ref().ok()?)).collect();
    let mut sent = sent.into_iter();
    let mut entries = batch.iter_mut();
    loop {
        let raw: Vec<Bytes> = sent.by_ref().map_while(|raw| raw).collect();
        let count = raw.len();
        let run = Arc::new(Run { raw, answers: OnceCell::new() });
        for (place, entry) in entries.by_ref().take(count).enumerate() {
            if let Ok(entry) = entry
                && count > 1
            {
                entry.extensions_mut().insert(Member { run: Arc::clone(&run), place });
            }
        }
        // What ended the run.
        if entries.next().is_none() {
            return;
        }
    }
}

/// Gives every call of a batch the batch's end.
#[derive(Debug, Clone)]
pub(crate) struct Batches<S> {
    pub(crate) inner: S,
    pub(crate) within: Duration,
}

impl<S> RpcServiceT for Batches<S>
where
    S: RpcServiceT + Send + Sync + Clone + 'static,
{
    type MethodResponse = S::MethodResponse;
    type NotificationResponse = S::NotificationResponse;
    type BatchResponse = S::BatchResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = Self::MethodResponse> + Send + 'a {
        self.inner.call(request)
    }

    fn batch<'a>(&self, mut batch: Batch<'a>) -> impl Future<Output = Self::BatchResponse> + Send + 'a {
        let end = End(Instant::now() + self.within);
        for entry in batch.iter_mut().flatten() {
            entry.extensions_mut().insert(end);
        }
        mark_runs(&mut batch);
        self.inner.batch(batch)
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = Self::NotificationResponse> + Send + 'a {
        self.inner.notification(notification)
    }
}
