//! Why a replica cannot go on, why it does not take a decided block, and why it does not vote for a proposed one.

use alloy_primitives::{Address as Account, B256};
use weft_evm::BlockError;

use super::{BlockDecodeError, PreambleError, WalError};

/// Why a replica cannot go on. Nothing more is signed; the service says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplicaError {
    /// The log could not be read.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// The store does not take what must be stored.
    #[error("the ledger cannot be stored")]
    Store(#[from] weft_store::CommitError),
    /// The store cannot be read.
    #[error("the ledger cannot be read")]
    Read(#[from] weft_store::ReadError),
    /// The chain's state could not be read.
    #[error(transparent)]
    State(#[from] weft_evm::StateError),
    /// A block that was decided could not be committed.
    #[error("the decided block {hash} cannot be committed")]
    Commit {
        /// Which.
        hash: B256,
        /// Why.
        source: weft_evm::CommitError,
    },
    /// More than a third of the power broke the rules.
    #[error(
        "height {0} was decided twice, for different blocks: more than a third of the power broke the rules; stop, and find out whose"
    )]
    Fork(u64),
    /// What the others found valid is not valid here.
    #[error(
        "block {hash} at height {height} was decided, and is not valid here: this node's state is damaged, or it runs other rules than the others; update it, or restore it from a snapshot"
    )]
    Differs {
        /// The block's height.
        height: u64,
        /// The block.
        hash: B256,
        /// What is wrong with it here.
        source: Box<InvalidBlock>,
    },
    /// The genesis names no validators that can decide anything.
    #[error("the chain has no validators: its genesis names none that could decide a block")]
    NoValidators,
}

/// Why a decided block from a peer was not taken: the peer is broken or hostile.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncRefused {
    /// It does not follow the head.
    #[error("the block is at height {found}; the next is {next}")]
    Height {
        /// Of the block.
        found: u64,
        /// The next one here.
        next: u64,
    },
    /// Its bytes are no block.
    #[error(transparent)]
    Block(#[from] BlockDecodeError),
    /// Its certificate is none.
    #[error("the certificate cannot be read")]
    Certificate(#[from] weft_consensus::codec::DecodeError),
    /// Its certificate does not decide it.
    #[error("the certificate decides nothing")]
    Proves(#[from] weft_consensus::certificate::CertificateError),
    /// The certificate is of another block.
    #[error("the certificate is of another block")]
    OtherBlock,
}

/// Why a block is not voted for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBlock {
    /// It is not here.
    #[error("it is not here")]
    Missing,
    /// It is from the future.
    #[error("it is dated {timestamp}; at most {latest} is taken now")]
    Early {
        /// The block's time.
        timestamp: u64,
        /// The latest that is taken.
        latest: u64,
    },
    /// It names other validators than the contract gives.
    #[error("its extraData does not name the validators of the next height")]
    Set,
    /// It pays somebody whose turn it was not.
    #[error("its beneficiary {0} was not the proposer")]
    Proposer(Account),
    /// Its evidence is bad.
    #[error(transparent)]
    Evidence(#[from] PreambleError),
    /// A transaction's sender cannot be recovered.
    #[error("transaction {index} is not signed by anybody")]
    Sender {
        /// Which.
        index: usize,
        /// Why.
        source: weft_evm::DecodeError,
    },
    /// Executing it showed it.
    #[error(transparent)]
    Executing(BlockError),
}
