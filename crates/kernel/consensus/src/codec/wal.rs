//! Entries of the write-ahead log: what a node that restarts must know to go on where it was, and never to contradict
//! what it signed.

use arc_malachitebft_core_consensus::{Input, ProposedValue};
use arc_malachitebft_core_types::{Timeout, TimeoutKind, Validity, ValueOrigin};

use super::items::{
    POLKA, PROPOSAL, VOTE, get_polka, get_proposal, get_round, get_round_or_nil, get_vote, open, put_polka,
    put_proposal, put_round_or_nil, put_u32, put_u64, put_vote,
};
use super::{DecodeError, MAX_MESSAGE_LEN, VERSION};
use crate::types::{Address, BlockHash, Height, PolkaCertificate, Round, SignedProposal, SignedVote, Weft};

const VERDICT: u8 = 8;
const TIMEOUT: u8 = 9;

/// A step whose timeout passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeoutStep {
    /// Waiting for a proposal.
    Propose,
    /// Waiting for prevotes to agree.
    Prevote,
    /// Waiting for precommits to agree.
    Precommit,
}

/// One entry. The shell stores its bytes in order, and gives all of them to
/// [`Driver::restore`](crate::driver::Driver::restore).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalEntry {
    /// A vote that was taken in, or cast.
    Vote(SignedVote),
    /// A proposal that was taken in, or made.
    Proposal(SignedProposal),
    /// A polka that was taken in.
    Polka(PolkaCertificate),
    /// What is known about a block.
    Verdict {
        /// The height it is for.
        height: Height,
        /// The round it was proposed in.
        round: Round,
        /// The round of its polka, if it was proposed again.
        polka_round: Round,
        /// Who proposed it.
        proposer: Address,
        /// The block.
        block: BlockHash,
        /// Whether it may be voted for.
        valid: bool,
    },
    /// A timeout passed.
    Timeout {
        /// The height it was of.
        height: Height,
        /// The round it was of.
        round: Round,
        /// The step it was of.
        step: TimeoutStep,
    },
}

impl WalEntry {
    /// The height it is about. Entries of a height may be forgotten once its block is durably stored.
    pub fn height(&self) -> Height {
        match self {
            Self::Vote(vote) => vote.height,
            Self::Proposal(proposal) => proposal.height,
            Self::Polka(certificate) => certificate.height,
            Self::Verdict { height, .. } | Self::Timeout { height, .. } => *height,
        }
    }

    /// What the core wants kept, if it is something that can be.
    pub(crate) fn from_input(height: Height, input: &Input<Weft>) -> Option<Self> {
        Some(match input {
            Input::Vote(vote) => Self::Vote(vote.clone()),
            Input::Proposal(proposal) => Self::Proposal(proposal.clone()),
            Input::PolkaCertificate(certificate) => Self::Polka(certificate.clone()),
            Input::ProposedValue(value, _) => Self::Verdict {
                height: value.height,
                round: value.round,
                polka_round: value.valid_round,
                proposer: value.proposer,
                block: value.value,
                valid: value.validity.is_valid(),
            },
            Input::TimeoutElapsed(timeout) => Self::Timeout {
                height,
                round: timeout.round,
                step: match timeout.kind {
                    TimeoutKind::Propose => TimeoutStep::Propose,
                    TimeoutKind::Prevote => TimeoutStep::Prevote,
                    TimeoutKind::Precommit => TimeoutStep::Precommit,
                    TimeoutKind::Rebroadcast | TimeoutKind::FinalizeHeight(_) => return None,
                },
            },
            Input::StartHeight(..) | Input::RoundCertificate(_) | Input::Propose(_) | Input::SyncValueResponse(_) => {
                return None;
            }
        })
    }

    pub(crate) fn to_input(&self) -> Input<Weft> {
        match self.clone() {
            Self::Vote(vote) => Input::Vote(vote),
            Self::Proposal(proposal) => Input::Proposal(proposal),
            Self::Polka(certificate) => Input::PolkaCertificate(certificate),
            Self::Verdict { height, round, polka_round, proposer, block, valid } => {
                let validity = Validity::from_bool(valid);
                let value = ProposedValue { height, round, valid_round: polka_round, proposer, value: block, validity };
                Input::ProposedValue(value, ValueOrigin::Consensus)
            }
            Self::Timeout { round, step, .. } => {
                let kind = match step {
                    TimeoutStep::Propose => TimeoutKind::Propose,
                    TimeoutStep::Prevote => TimeoutKind::Prevote,
                    TimeoutStep::Precommit => TimeoutKind::Precommit,
                };
                Input::TimeoutElapsed(Timeout::new(round, kind))
            }
        }
    }
}

/// An entry's bytes.
pub fn encode_wal_entry(entry: &WalEntry) -> Vec<u8> {
    let mut out = vec![VERSION];
    match entry {
        WalEntry::Vote(vote) => {
            out.push(VOTE);
            put_vote(&mut out, vote);
        }
        WalEntry::Proposal(proposal) => {
            out.push(PROPOSAL);
            put_proposal(&mut out, proposal);
        }
        WalEntry::Polka(certificate) => {
            out.push(POLKA);
            put_polka(&mut out, certificate);
        }
        WalEntry::Verdict { height, round, polka_round, proposer, block, valid } => {
            out.push(VERDICT);
            put_u64(&mut out, height.0);
            put_u32(&mut out, round.as_u32().unwrap_or(0));
            put_round_or_nil(&mut out, *polka_round);
            out.extend_from_slice(&proposer.0);
            out.extend_from_slice(&block.0);
            out.push(u8::from(*valid));
        }
        WalEntry::Timeout { height, round, step } => {
            out.push(TIMEOUT);
            put_u64(&mut out, height.0);
            put_u32(&mut out, round.as_u32().unwrap_or(0));
            out.push(match step {
                TimeoutStep::Propose => 1,
                TimeoutStep::Prevote => 2,
                TimeoutStep::Precommit => 3,
            });
        }
    }
    out
}

/// Reads an entry.
///
/// # Errors
/// [`DecodeError`] if the bytes are not the encoding of an entry: the log is damaged. A last entry that was half written
/// when the power went may be dropped; nothing that it guards has left.
pub fn decode_wal_entry(bytes: &[u8]) -> Result<WalEntry, DecodeError> {
    let (kind, mut reader) = open(bytes, MAX_MESSAGE_LEN)?;
    let entry = match kind {
        VOTE => WalEntry::Vote(get_vote(&mut reader)?),
        PROPOSAL => WalEntry::Proposal(get_proposal(&mut reader)?),
        POLKA => WalEntry::Polka(get_polka(&mut reader)?),
        VERDICT => WalEntry::Verdict {
            height: Height(reader.u64()?),
            round: get_round(&mut reader)?,
            polka_round: get_round_or_nil(&mut reader)?,
            proposer: Address(reader.array()?),
            block: BlockHash(reader.array()?),
            valid: match reader.u8()? {
                0 => false,
                1 => true,
                _ => return Err(DecodeError::Value),
            },
        },
        TIMEOUT => WalEntry::Timeout {
            height: Height(reader.u64()?),
            round: get_round(&mut reader)?,
            step: match reader.u8()? {
                1 => TimeoutStep::Propose,
                2 => TimeoutStep::Prevote,
                3 => TimeoutStep::Precommit,
                _ => return Err(DecodeError::Value),
            },
        },
        _ => return Err(DecodeError::Kind),
    };
    reader.end()?;
    Ok(entry)
}
