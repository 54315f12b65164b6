//! The pool on disk, so that what was accepted outlives a restart.
//!
//! One row a transaction, by hash; the store under it is a log that compacts itself, so there is no file of ours to grow.
//! **Accepted means on disk** (`docs/architecture.md`, invariant 6): what a user submitted is [acknowledged](
//! Journal::acknowledge) after a commit with [`Durability::Sync`], one for all of a batch, so that the price of a flush is
//! shared; its owner may gather several calls into one. What came from peers is [noted](Journal::note) with
//! [`Durability::Buffer`]: whoever submitted it has it on disk. So are removals: one that a power cut undoes brings back a
//! transaction that is checked anew at the start, and dropped then.

use std::sync::Arc;
use std::time::Duration;

use alloy_consensus::Transaction as _;
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256};
use weft_evm::{MAX_TRANSACTION_BYTES, Recovered, StateError, Transaction};
use weft_store::{Batch, CommitError, Durability, ReadError, Store, Table};

use super::account::Accounts;
use super::check::Rules;
use super::error::AdmissionError;
use super::machine::Pool;
use super::outcome::Outcome;
use super::transaction::PoolTransaction;

/// The pool's rows.
pub const TABLE: Table = Table::new("ledger-pool");

/// The rows' format.
const VERSION: u8 = 1;

/// Version, arrival, sender.
const HEADER: usize = 1 + 8 + 20;

/// 1,024 rows are read at once.
const PAGE: usize = 1024;

/// A row: a transaction with its sender (recovered once, and the disk is our own) and its place among all that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place among all that came.
    pub arrival: u64,
    /// The transaction.
    pub transaction: Recovered,
}

impl Row {
    /// Of a transaction in the pool.
    pub fn of(tx: &PoolTransaction) -> Self {
        Row { arrival: tx.arrival(), transaction: tx.transaction().clone() }
    }

    /// As bytes: version, arrival (8 bytes, big-endian), sender (20), transaction (EIP-2718).
    pub fn encode(&self) -> Vec<u8> {
        encode(self.arrival, &self.transaction)
    }

    /// From bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let (header, raw) = bytes.split_first_chunk::<HEADER>().ok_or(RowError::Length(bytes.len()))?;
        if header[0] != VERSION {
            return Err(RowError::Version(header[0]));
        }
        if raw.len() > MAX_TRANSACTION_BYTES {
            return Err(RowError::Length(bytes.len()));
        }
        let mut arrival = [0; 8];
        arrival.copy_from_slice(&header[1..9]);
        let sender = Address::from_slice(&header[9..]);
        let transaction =
            Transaction::decode_2718_exact(raw).map_err(|error| RowError::Transaction(error.to_string()))?;
        let transaction = Recovered::new_unchecked(transaction, sender);
        Ok(Row { arrival: u64::from_be_bytes(arrival), transaction })
    }
}

fn encode(arrival: u64, transaction: &Recovered) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + transaction.encode_2718_len());
    bytes.push(VERSION);
    bytes.extend(arrival.to_be_bytes());
    bytes.extend(transaction.signer());
    transaction.encode_2718(&mut bytes);
    bytes
}

/// Why a row cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// It is too short or too long.
    #[error("a stored transaction has {0} bytes")]
    Length(usize),
    /// It is of another version.
    #[error("a stored transaction has format {0}, this program reads {VERSION}")]
    Version(u8),
    /// It holds no transaction.
    #[error("a stored transaction cannot be read: {0}")]
    Transaction(String),
}

/// Why a transaction that was stored is not in the pool any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// Its row is damaged.
    #[error(transparent)]
    Row(#[from] RowError),
    /// It is not valid any more, most often because it is in a block.
    #[error(transparent)]
    Refused(#[from] AdmissionError),
}

/// What came of reading the journal.
#[derive(Debug, Default)]
pub struct Restored {
    /// How many are in the pool again.
    pub kept: usize,
    /// The hashes of those that are not, with the reason. Their rows are gone.
    pub dropped: Vec<(B256, RestoreError)>,
}

/// Why the journal could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreFailed {
    /// The store does not read.
    #[error("the pool's transactions cannot be read")]
    Read(#[from] ReadError),
    /// The state does not read, so that nothing can be said of the transactions. They stay on the disk.
    #[error(transparent)]
    State(#[from] StateError),
    /// The store does not write.
    #[error("the pool's dropped transactions cannot be removed")]
    Commit(#[from] CommitError),
}

/// The pool's rows in a store. Calls block on the disk.
#[derive(Clone)]
pub struct Journal {
    store: Arc<dyn Store>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").finish_non_exhaustive()
    }
}

impl Journal {
    /// The journal in a store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Journal { store }
    }

    /// Writes what users submitted, and the outcomes there were with it, so that it may be acknowledged: when this
    /// returns it is on the disk. If it fails, take them out of the pool as not stored.
    pub fn acknowledge(&self, added: &[Arc<PoolTransaction>], gone: &[Outcome]) -> Result<(), CommitError> {
        self.write(added, gone, Durability::Sync)
    }

    /// Writes what came from peers and what left, in the system's time.
    pub fn note(&self, added: &[Arc<PoolTransaction>], gone: &[Outcome]) -> Result<(), CommitError> {
        self.write(added, gone, Durability::Buffer)
    }

    fn write(&self, added: &[Arc<PoolTransaction>], gone: &[Outcome], how: Durability) -> Result<(), CommitError> {
        let put = |batch: Batch, tx: &Arc<PoolTransaction>| {
            batch.put(TABLE, tx.hash().to_vec(), encode(tx.arrival(), tx.transaction()))
        };
        let batch = added.iter().fold(Batch::new(), put);
        let batch = gone.iter().fold(batch, |batch, outcome| batch.delete(TABLE, outcome.hash.to_vec()));
        if batch.is_empty() { Ok(()) } else { self.store.commit(batch, how) }
    }

    /// Puts all that is stored into the pool again, as it came, checked against the state of today.
    pub fn restore(
        &self,
        now: Duration,
        pool: &mut Pool,
        rules: &Rules,
        accounts: &(impl Accounts + ?Sized),
    ) -> Result<Restored, RestoreFailed> {
        let (mut rows, mut restored) = (Vec::new(), Restored::default());
        let (mut after, mut gone): (Option<Vec<u8>>, _) = (None, Batch::new());
        loop {
            let page = self.store.scan(TABLE, b"", after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (key, value) in page {
                match Row::decode(&value) {
                    Ok(row) if row.transaction.tx_hash()[..] == key[..] => rows.push(row),
                    other => {
                        let error = other.err().unwrap_or(RowError::Length(key.len()));
                        gone = gone.delete(TABLE, key.clone());
                        let hash = B256::try_from(key.as_slice()).unwrap_or_default();
                        restored.dropped.push((hash, error.into()));
                    }
                }
            }
        }
        // Not as they came: one that replaced another came late, and those after it would be a queue that is too long.
        // Their places of old they keep.
        rows.sort_by_cached_key(|row| (row.transaction.signer(), row.transaction.nonce(), row.arrival));
        for row in rows {
            let hash = *row.transaction.tx_hash();
            let checked = rules.check(row.transaction);
            match checked.and_then(|candidate| pool.insert_as(row.arrival, now, candidate, accounts)) {
                Ok(_) => restored.kept += 1,
                Err(AdmissionError::State(error)) => return Err(error.into()),
                Err(error) => {
                    gone = gone.delete(TABLE, hash.to_vec());
                    restored.dropped.push((hash, error.into()));
                }
            }
        }
        if !gone.is_empty() {
            self.store.commit(gone, Durability::Buffer)?;
        }
        Ok(restored)
    }
}
