//! The vocabulary: heights, addresses, keys, validators and their sets, votes and proposals.

mod basics;
mod context;
mod message;
mod rotation;
mod set;

pub use basics::{Address, BlockHash, ChainId, Height, PublicKey, PublicKeyError, Signature};
pub use context::{Never, Weft};
pub use message::{
    CommitSignature, Message, PolkaCertificate, Proposal, RoundCertificate, SignedProposal, SignedVote, Vote,
};
pub use set::{MAX_TOTAL_POWER, MAX_VALIDATORS, SetError, Validator, ValidatorEntry, ValidatorSet};

/// A round of a height: `Some(0)` is the first; `Nil` stands for "none" where a proposal names the round of its polka.
pub use arc_malachitebft_core_types::Round;

/// What a vote is for: a block, or none.
pub use arc_malachitebft_core_types::NilOrVal;

/// The two kinds of votes.
pub use arc_malachitebft_core_types::VoteType;

/// Which quorum a round certificate shows.
pub use arc_malachitebft_core_types::RoundCertificateType;

/// Highest round that is read from anybody. With timeouts of a second and more nobody gets there; it keeps arithmetic on
/// rounds from overflowing.
pub const MAX_ROUND: u32 = 1 << 30;
