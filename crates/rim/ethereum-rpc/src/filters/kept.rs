//! The filters that are kept: no more than so many, and none that nobody polls.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use alloy_primitives::U256;
use alloy_rpc_types_eth::Filter;
use parking_lot::Mutex;
use tokio::sync::broadcast::Receiver;

use crate::error::RpcError;

/// Transactions that became pending since it was last asked.
pub(super) type Waiting = Receiver<std::sync::Arc<weft_ledger::pool::PoolTransaction>>;

/// What a filter tells of.
#[derive(Debug)]
pub(super) enum Kind {
    Logs(Box<Filter>),
    Blocks,
    Transactions { from: Waiting, full: bool },
}

/// A filter that is kept.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    /// The height up to which it was told.
    pub(super) told: u64,
    pub(super) asked: Instant,
}

/// All filters of a server.
#[derive(Debug)]
pub(crate) struct Filters {
    most: usize,
    lifetime: Duration,
    pub(super) all: Mutex<HashMap<U256, Entry>>,
}

impl Filters {
    pub(crate) fn new(most: usize, lifetime: Duration) -> Self {
        Filters { most, lifetime, all: Mutex::default() }
    }

    pub(super) fn add(&self, kind: Kind, told: u64) -> Result<U256, RpcError> {
        let mut all = self.all.lock();
        let now = Instant::now();
        all.retain(|_, entry| now.duration_since(entry.asked) < self.lifetime);
        if all.len() >= self.most {
            return Err(RpcError::limit(format!("too many filters: at most {} are kept; uninstall some", self.most)));
        }
        // Not to be guessed: filters of all clients are in one place.
        let id = U256::from(rand::random::<u128>());
        all.insert(id, Entry { kind, told, asked: now });
        Ok(id)
    }
}
