//! Evidence: two signed statements of one validator that contradict each other. No honest node ever signs such a pair,
//! not after any crash, so whoever did can be punished by anybody who shows both.

use crate::codec::encode_evidence;
use crate::signing::{verify_proposal, verify_vote};
use crate::types::{Address, ChainId, Height, Round, SignedProposal, SignedVote, ValidatorSet, VoteType};

/// Two statements that conflict, the lesser encoding first.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// Two votes of the same kind, height and round for different blocks.
    Votes(SignedVote, SignedVote),
    /// Two proposals of the same height and round that differ.
    Proposals(SignedProposal, SignedProposal),
}

/// What makes two pieces of evidence the same fault. Each is punished once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EvidenceKey {
    /// When.
    pub height: Height,
    /// Who.
    pub validator: Address,
    /// In which round.
    pub round: u32,
    /// 1 proposals, 2 prevotes, 3 precommits.
    pub step: u8,
}

/// Why a pair is no evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// They are of different validators, heights, rounds or kinds: both may be honest.
    #[error("the two statements are about different things")]
    Unrelated,
    /// They say the same.
    #[error("the two statements say the same")]
    Same,
    /// Not of a validator of that height.
    #[error("{0} was no validator at that height")]
    UnknownValidator(Address),
    /// A signature is wrong.
    #[error("a signature is wrong")]
    Signature,
}

impl Evidence {
    /// Evidence of two votes, in any order.
    ///
    /// # Errors
    /// If they do not conflict.
    pub fn votes(a: SignedVote, b: SignedVote) -> Result<Self, EvidenceError> {
        let about = |vote: &SignedVote| (vote.message.validator, vote.height, vote.round, vote.message.kind);
        if about(&a) != about(&b) {
            return Err(EvidenceError::Unrelated);
        }
        if a.message.block == b.message.block {
            return Err(EvidenceError::Same);
        }
        Ok(Self::Votes(a, b).ordered())
    }

    /// Evidence of two proposals, in any order.
    ///
    /// # Errors
    /// If they do not conflict.
    pub fn proposals(a: SignedProposal, b: SignedProposal) -> Result<Self, EvidenceError> {
        let about = |proposal: &SignedProposal| (proposal.message.validator, proposal.height, proposal.round);
        if about(&a) != about(&b) {
            return Err(EvidenceError::Unrelated);
        }
        if a.message == b.message {
            return Err(EvidenceError::Same);
        }
        Ok(Self::Proposals(a, b).ordered())
    }

    fn ordered(self) -> Self {
        let swapped = match self.clone() {
            Self::Votes(a, b) => Self::Votes(b, a),
            Self::Proposals(a, b) => Self::Proposals(b, a),
        };
        if encode_evidence(&swapped) < encode_evidence(&self) { swapped } else { self }
    }

    /// What fault it is.
    pub fn key(&self) -> EvidenceKey {
        let round = |round: Round| round.as_u32().unwrap_or(0);
        match self {
            Self::Votes(vote, _) => EvidenceKey {
                height: vote.height,
                validator: vote.message.validator,
                round: round(vote.round),
                step: match vote.message.kind {
                    VoteType::Prevote => 2,
                    VoteType::Precommit => 3,
                },
            },
            Self::Proposals(proposal, _) => EvidenceKey {
                height: proposal.height,
                validator: proposal.message.validator,
                round: round(proposal.round),
                step: 1,
            },
        }
    }

    /// Checks that the validator, one of `set`, signed both. `set` is the one that decided the evidence's height.
    ///
    /// # Errors
    /// If it did not, or was no validator then.
    pub fn verify(&self, chain: &ChainId, set: &ValidatorSet) -> Result<(), EvidenceError> {
        let address = self.key().validator;
        let key = &set.get(&address).ok_or(EvidenceError::UnknownValidator(address))?.public_key;
        // Made again, for whoever put the variant together by hand.
        let signed = match self {
            Self::Votes(a, b) => {
                Self::votes(a.clone(), b.clone())?;
                verify_vote(chain, a, key) && verify_vote(chain, b, key)
            }
            Self::Proposals(a, b) => {
                Self::proposals(a.clone(), b.clone())?;
                verify_proposal(chain, a, key) && verify_proposal(chain, b, key)
            }
        };
        if signed { Ok(()) } else { Err(EvidenceError::Signature) }
    }
}
