//! How a transaction leaves the pool: in one of three ways, and always with an [`Outcome`].

use alloy_primitives::{Address, B256};

/// The end of an accepted transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The transaction's hash.
    pub hash: B256,
    /// Its sender.
    pub sender: Address,
    /// Its nonce.
    pub nonce: u64,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It is in a block.
    Included {
        /// The block's height.
        height: u64,
    },
    /// Another of its sender with the same nonce took its place, in the pool or in a block.
    Replaced {
        /// That one's hash.
        by: B256,
    },
    /// It will not be in a block.
    Dropped(DropReason),
}

/// Why a transaction was dropped: what is said to whoever waits for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DropReason {
    /// A better one needed its room.
    #[error("the pool was full and it tipped least; send it again with a higher tip")]
    PoolFull,
    /// The account went past its nonce otherwise (EIP-7702 authorizations count too).
    #[error("its nonce was used otherwise; send it again with the account's next nonce")]
    NonceUsed,
    /// It could not be executed any more, since one before it went or the balance fell, and too many others of its
    /// sender wait likewise.
    #[error(
        "it could not be executed any more and its sender's queue is full; send it again when those before it are there and paid for"
    )]
    QueueFull,
    /// It waited too long for those before it.
    #[error("it waited too long for a transaction before it, or for balance; send what is missing, and it again")]
    Expired,
    /// A block could not take it.
    #[error("it cannot be executed: {0}")]
    Invalid(String),
    /// It could not be written to disk, and so was never acknowledged.
    #[error("it could not be stored; see to the node's disk, and send it again")]
    NotStored,
}

/// What happened since the pool was made. `accepted` = those in the pool and the three ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Transactions taken.
    pub accepted: u64,
    /// Transactions not taken.
    pub refused: u64,
    /// Those that ended in a block.
    pub included: u64,
    /// Those whose place another took.
    pub replaced: u64,
    /// Those dropped.
    pub dropped: u64,
}
