//! Senders that were recovered once, so that the transactions of a block need not be again: recovery is what a transaction
//! costs most.

use std::num::NonZero;

use alloy_primitives::map::B256Map;
use alloy_primitives::{Address, B256};
use weft_evm::{ChainSpec, DecodeError, Transaction};

/// 131,072 senders a generation: two of them take some 20 MiB and more than hold a full pool.
pub const DEFAULT_CAPACITY: usize = 1 << 17;

/// Senders by transaction hash. The hash is over the signature too, so that nothing else of a transaction is needed.
///
/// What is used stays, the rest is forgotten by generations: the cache holds one to two times its capacity. Only senders
/// recovered from signatures may be put in.
#[derive(Debug)]
pub struct SenderCache {
    capacity: usize,
    young: B256Map<Address>,
    old: B256Map<Address>,
}

impl Default for SenderCache {
    fn default() -> Self {
        SenderCache::new(DEFAULT_CAPACITY)
    }
}

impl SenderCache {
    /// A cache that keeps at least the `capacity` last used.
    pub fn new(capacity: usize) -> Self {
        SenderCache { capacity: capacity.max(1), young: B256Map::default(), old: B256Map::default() }
    }

    /// Keeps a sender.
    pub fn insert(&mut self, hash: B256, sender: Address) {
        if self.young.len() >= self.capacity {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, sender);
    }

    /// The sender of the transaction with this hash, if it was recovered not long ago.
    pub fn get(&mut self, hash: B256) -> Option<Address> {
        if let Some(sender) = self.young.get(&hash) {
            return Some(*sender);
        }
        let sender = self.old.remove(&hash)?;
        self.insert(hash, sender);
        Some(sender)
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The senders as far as they are known, in the order of the transactions. The transactions must be of this chain.
    pub fn lookup(&mut self, transactions: &[Transaction]) -> Known {
        let senders: Vec<Option<Address>> = transactions.iter().map(|tx| self.get(*tx.tx_hash())).collect();
        Known { missing: senders.iter().filter(|sender| sender.is_none()).count(), senders }
    }

    /// Keeps the senders of a block's transactions.
    pub fn extend(&mut self, transactions: &[Transaction], senders: &[Address]) {
        for (tx, sender) in transactions.iter().zip(senders) {
            if self.get(*tx.tx_hash()).is_none() {
                self.insert(*tx.tx_hash(), *sender);
            }
        }
    }
}

/// What the cache knew of a block's transactions. Apart from it, so that the rest can be recovered without its lock.
#[derive(Debug, Clone)]
pub struct Known {
    senders: Vec<Option<Address>>,
    missing: usize,
}

impl Known {
    /// How many have to be recovered.
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// Recovers the rest, on at most `threads` threads. An error names the place of the first that is not valid.
    pub fn complete(
        self,
        spec: &ChainSpec,
        transactions: &[Transaction],
        threads: NonZero<usize>,
    ) -> Result<Vec<Address>, (usize, DecodeError)> {
        if self.missing == 0 && self.senders.len() == transactions.len() {
            return Ok(self.senders.into_iter().flatten().collect());
        }
        if self.missing == transactions.len() {
            return weft_evm::recover_senders(spec, transactions, threads);
        }
        let places: Vec<usize> =
            (0..transactions.len()).filter(|at| self.senders.get(*at).is_none_or(Option::is_none)).collect();
        let unknown: Vec<Transaction> = places.iter().map(|at| transactions[*at].clone()).collect();
        let found = weft_evm::recover_senders(spec, &unknown, threads);
        let found = found.map_err(|(at, error)| (places[at], error))?;
        let mut found = found.into_iter();
        let known = self.senders.into_iter().chain(std::iter::repeat(None)).take(transactions.len());
        Ok(known.filter_map(|sender| sender.or_else(|| found.next())).collect())
    }
}
