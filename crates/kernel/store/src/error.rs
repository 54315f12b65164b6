//! What can go wrong, by operation.

use std::path::PathBuf;

/// Whether the store can write.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreHealth {
    /// It reads and writes.
    Ok,
    /// It reads but does not write.
    ReadOnly {
        /// Why.
        because: String,
        /// What to do about it.
        mend: String,
    },
}

impl StoreHealth {
    /// Whether it can write.
    pub fn is_ok(&self) -> bool {
        matches!(self, StoreHealth::Ok)
    }
}

/// Why the store did not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it.
    #[error("the store in {} is in use by another process; stop that node, or choose another --data-dir", dir.display())]
    InUse {
        /// The store's folder.
        dir: PathBuf,
    },
    /// The folder cannot be made or used.
    #[error("cannot use the folder {} for the store; check that it exists, that it is writable and that its disk is not full", dir.display())]
    Folder {
        /// The store's folder.
        dir: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The database is damaged or of another version.
    #[error("the store in {} cannot be read; move it away to begin anew (content stays where it is), or restore a copy", dir.display())]
    Damaged {
        /// The store's folder.
        dir: PathBuf,
        /// What the database said.
        #[source]
        source: Box<fjall::Error>,
    },
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The disk or the database failed.
    #[error("the store cannot be read; check its disk, then start the node again")]
    Failed(#[source] Box<fjall::Error>),
    /// The database is closed after a failure and does not open again.
    #[error("the store is closed after a disk failure: {because}")]
    Closed {
        /// What stands in the way of opening it again.
        because: String,
    },
}

/// Why a batch was not applied. Nothing of it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The store is read-only for now.
    #[error("the store does not write: {because}; {mend}")]
    ReadOnly {
        /// Why.
        because: String,
        /// What to do about it.
        mend: String,
    },
    /// The batch itself cannot be stored.
    #[error("a key has {bytes} bytes; a table takes 1 to {}", crate::MAX_KEY_BYTES)]
    KeyLength {
        /// Its length.
        bytes: usize,
    },
    /// The disk or the database failed. Whether the batch is there is known when the store has reopened: read it.
    #[error("the store could not write; it opens itself again when the disk is well")]
    Failed(#[source] Box<fjall::Error>),
}
