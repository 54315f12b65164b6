//! What others see of the pool: `txpool_*`, lookups, figures.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{Address, B256};

use super::line::Line;
use super::machine::Pool;
use super::outcome::Totals;
use super::transaction::PoolTransaction;

/// How full the pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Status {
    /// Transactions that can be executed now.
    pub pending: usize,
    /// Transactions that wait for others, or for balance.
    pub queued: usize,
    /// Encoded bytes of both.
    pub bytes: usize,
    /// Accounts that have any.
    pub senders: usize,
}

/// What one sender has in the pool, by nonce.
#[derive(Debug, Clone, Default)]
pub struct SenderContent {
    /// Can be executed now.
    pub pending: Vec<Arc<PoolTransaction>>,
    /// Wait.
    pub queued: Vec<Arc<PoolTransaction>>,
}

fn content(line: &Line) -> SenderContent {
    let part = |range| line.slots.range(range).map(|slot| slot.tx.clone()).collect();
    SenderContent { pending: part(0..line.pending), queued: part(line.pending..line.slots.len()) }
}

impl Pool {
    /// The transaction with this hash.
    pub fn get(&self, hash: B256) -> Option<&Arc<PoolTransaction>> {
        self.by_hash.get(&hash)
    }

    /// Whether the transaction with this hash is here.
    pub fn contains(&self, hash: B256) -> bool {
        self.by_hash.contains_key(&hash)
    }

    /// What one sender has (`txpool_contentFrom`).
    pub fn content_from(&self, sender: Address) -> SenderContent {
        self.lines.get(&sender).map(content).unwrap_or_default()
    }

    /// What all senders have (`txpool_content`, `txpool_inspect`), by address, until `limit` transactions are together.
    pub fn content(&self, limit: usize) -> BTreeMap<Address, SenderContent> {
        let mut left = limit;
        let mut senders: Vec<&Address> = self.lines.keys().collect();
        senders.sort_unstable();
        let senders = senders.into_iter().map_while(|sender| {
            let line = self.lines.get(sender)?;
            left = left.checked_sub(line.slots.len())?;
            Some((*sender, content(line)))
        });
        senders.collect()
    }

    /// How full it is (`txpool_status`).
    pub fn status(&self) -> Status {
        let queued = self.by_hash.len() - self.pending;
        Status { pending: self.pending, queued, bytes: self.bytes, senders: self.lines.len() }
    }

    /// What happened so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// The pending transactions that became so at `place` or later, with their places, in that order. What is queued is
    /// not told to others: it costs its sender nothing.
    pub fn announced_since(&self, place: u64) -> impl Iterator<Item = (u64, &Arc<PoolTransaction>)> {
        self.announced.range(place..).map(|(place, tx)| (*place, tx))
    }
}
