//! What the driver asks of its shell.

use std::time::Duration;

use super::{Refusal, Slot};
use crate::certificate::CommitCertificate;
use crate::codec::WalEntry;
use crate::evidence::Evidence;
use crate::types::{Address, BlockHash, Height, Message};

/// What the shell found out about a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It may be voted for, and is stored.
    Valid,
    /// It may not. Never say so of a block that was not found: only silence is right then.
    Invalid,
}

/// What is to be done, in order. See [the module's documentation](super).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Append to the write-ahead log. Durable before any later output is carried out.
    Persist(WalEntry),
    /// Send to all validators.
    Broadcast(Message),
    /// Send to all validators again: nothing moves, something may have been lost.
    Rebroadcast(Message),
    /// Pass on what another validator signed.
    Relay(Message),
    /// It is this node's turn: make a block and answer by [`Driver::propose`](super::Driver::propose).
    NeedBlock {
        /// The block's height.
        height: Height,
        /// The round it is for.
        round: u32,
        /// After this time the others will not wait any more.
        deadline: Duration,
    },
    /// A block was proposed: find out whether it is valid and answer by
    /// [`Driver::validated`](super::Driver::validated).
    NeedValidation {
        /// The block's height.
        height: Height,
        /// The round it is proposed in.
        round: u32,
        /// If it is proposed again, the earlier round in which it had its polka. The block was then made by the proposer
        /// of a round up to that one, not necessarily by this one.
        polka_round: Option<u32>,
        /// Who proposes it.
        proposer: Address,
        /// The block.
        block: BlockHash,
    },
    /// A block that this node has is proposed again: send it to those that may not have it.
    Restream {
        /// The block's height.
        height: Height,
        /// The block.
        block: BlockHash,
    },
    /// A round began.
    NewRound {
        /// The height.
        height: Height,
        /// The round.
        round: u32,
        /// Whose turn it is.
        proposer: Address,
    },
    /// A block is final. This node was told that it is valid, by [`Driver::validated`](super::Driver::validated) or
    /// [`Driver::sync`](super::Driver::sync), or made it.
    Decided {
        /// What shows it.
        certificate: CommitCertificate,
    },
    /// A validator contradicted itself.
    Evidence(Evidence),
    /// This height is decided here, and a validator began the next one.
    NextHeight {
        /// The next one.
        height: Height,
    },
    /// Others decided heights that this node has not: fetch them.
    Behind {
        /// A validator is at this height, so all below it are decided.
        height: Height,
    },
    /// A validator is at a height that this node knows to be decided: send it the block and its certificate.
    PeerBehind {
        /// Who.
        validator: Address,
        /// Where it is.
        height: Height,
    },
    /// Something was not signed, and nothing more will be at this height. Two nodes may run with one key, the log may be
    /// older than the node's last run, or the key cannot be used.
    Refused {
        /// What was not signed.
        slot: Slot,
        /// Why.
        reason: Refusal,
    },
}
