//! The write-ahead log of consensus and the blocks that were voted for, on disk.
//!
//! A vote says "I have this block and it is valid". So a block is stored before the vote for it leaves, in the same
//! commit as the vote's entry: if all validators lose power at once, the block they agreed upon is still there.

use std::sync::Arc;

use alloy_primitives::B256;
use weft_consensus::codec::{DecodeError, WalEntry, decode_wal_entry, encode_wal_entry};
use weft_store::{Batch, CommitError, Durability, ReadError, Store, Table};

/// Number of the entry → entry.
const WAL: Table = Table::new("ledger-wal");
/// Height ‖ hash → a block that is not decided yet, as it travels.
const UNDECIDED: Table = Table::new("ledger-undecided");

/// 4,096 entries read at a time.
const READ_STEP: usize = 4096;

/// Why the log cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalError {
    /// The store failed.
    #[error("the log of consensus cannot be read")]
    Read(#[from] ReadError),
    /// An entry is damaged.
    #[error(
        "entry {number} of the log of consensus is damaged: this validator may have signed what it does not remember"
    )]
    Damaged {
        /// Which.
        number: u64,
        /// What is wrong with it.
        source: DecodeError,
    },
}

/// The log. What is appended is kept back until [`flush`](Wal::flush).
pub(super) struct Wal {
    store: Arc<dyn Store>,
    next: u64,
    /// Of each entry on disk, its number and height, oldest first.
    kept: Vec<(u64, u64)>,
    waiting: Option<Batch>,
}

impl Wal {
    /// Opens it; gives the entries in their order.
    pub(super) fn open(store: Arc<dyn Store>) -> Result<(Self, Vec<WalEntry>), WalError> {
        let mut wal = Wal { store, next: 0, kept: Vec::new(), waiting: None };
        let mut entries = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let rows = wal.store.scan(WAL, b"", after.as_deref(), READ_STEP)?;
            let full = rows.len() == READ_STEP;
            for (key, row) in rows {
                let number = key.as_slice().try_into().map(u64::from_be_bytes).unwrap_or_default();
                let entry = decode_wal_entry(&row).map_err(|source| WalError::Damaged { number, source })?;
                wal.kept.push((number, entry.height().0));
                wal.next = number + 1;
                entries.push(entry);
                after = Some(key);
            }
            if !full {
                return Ok((wal, entries));
            }
        }
    }

    fn add(&mut self, change: impl FnOnce(Batch) -> Batch) {
        self.waiting = Some(change(self.waiting.take().unwrap_or_default()));
    }

    pub(super) fn append(&mut self, entry: &WalEntry) {
        let number = self.next;
        self.next += 1;
        self.kept.push((number, entry.height().0));
        let row = encode_wal_entry(entry);
        self.add(|batch| batch.put(WAL, number.to_be_bytes(), row));
    }

    /// Keeps a block that may be voted for.
    pub(super) fn keep_block(&mut self, height: u64, hash: B256, block: Vec<u8>) {
        let key = [&height.to_be_bytes()[..], hash.as_slice()].concat();
        self.add(|batch| batch.put(UNDECIDED, key, block));
    }

    /// What was appended is on the disk when this returns.
    pub(super) fn flush(&mut self) -> Result<(), CommitError> {
        let Some(batch) = self.waiting.take() else { return Ok(()) };
        self.store.commit(batch, Durability::Sync)
    }

    /// The blocks of `height` that are kept.
    pub(super) fn blocks(&self, height: u64) -> Result<Vec<Vec<u8>>, ReadError> {
        let rows = self.store.scan(UNDECIDED, &height.to_be_bytes(), None, super::MAX_PROPOSALS)?;
        Ok(rows.into_iter().map(|(_, block)| block).collect())
    }

    /// Everything up to `height` is decided and stored: its entries and blocks go.
    pub(super) fn forget(&mut self, height: u64) -> Result<(), CommitError> {
        let mut batch = Batch::new();
        let gone = self.kept.iter().take_while(|(_, of)| *of <= height).count();
        for (number, _) in self.kept.drain(..gone) {
            batch = batch.delete(WAL, number.to_be_bytes());
        }
        let kept = self.store.scan(UNDECIDED, b"", None, READ_STEP).unwrap_or_default();
        for (key, _) in kept {
            let of = key.get(..8).and_then(|height| height.try_into().ok()).map(u64::from_be_bytes);
            if of.is_some_and(|of| of <= height) {
                batch = batch.delete(UNDECIDED, key);
            }
        }
        // A power cut may bring them back: then they are of heights that are past, and go with the next ones.
        self.store.commit(batch, Durability::Buffer)
    }
}
