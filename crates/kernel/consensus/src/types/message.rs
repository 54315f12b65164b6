//! What validators say to each other.

use arc_malachitebft_core_types as core;

use super::{Address, BlockHash, Height, NilOrVal, Round, Signature, VoteType, Weft};

/// A vote of a validator, without its signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vote {
    /// Prevote or precommit.
    pub kind: VoteType,
    /// The height it is for.
    pub height: Height,
    /// The round it is for.
    pub round: Round,
    /// The block voted for, or nil.
    pub block: NilOrVal<BlockHash>,
    /// Who votes.
    pub validator: Address,
}

/// A proposal, without its signature. The block itself travels apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal {
    /// The height it is for.
    pub height: Height,
    /// The round it is for.
    pub round: Round,
    /// The block proposed.
    pub block: BlockHash,
    /// The earlier round in which the block had a quorum of prevotes, if it is proposed again.
    pub polka_round: Round,
    /// Who proposes.
    pub validator: Address,
}

/// A vote with its signature.
pub type SignedVote = core::SignedVote<Weft>;
/// A proposal with its signature.
pub type SignedProposal = core::SignedProposal<Weft>;
/// A quorum of prevotes for one block.
pub type PolkaCertificate = core::PolkaCertificate<Weft>;
/// The votes that justify entering a round.
pub type RoundCertificate = core::RoundCertificate<Weft>;
/// One precommit of a commit certificate.
pub type CommitSignature = core::CommitSignature<Weft>;

/// What travels between validators. [`crate::codec`] has its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A vote.
    Vote(SignedVote),
    /// A proposal.
    Proposal(SignedProposal),
    /// A quorum of prevotes: sent with a block that is proposed again.
    Polka(PolkaCertificate),
    /// Why the sender entered a round: sent on entering one above 0.
    Round(RoundCertificate),
}

impl Message {
    /// The height it is about.
    pub fn height(&self) -> Height {
        match self {
            Self::Vote(vote) => vote.height,
            Self::Proposal(proposal) => proposal.height,
            Self::Polka(certificate) => certificate.height,
            Self::Round(certificate) => certificate.height,
        }
    }

    /// The round it is about.
    pub fn round(&self) -> Round {
        match self {
            Self::Vote(vote) => vote.round,
            Self::Proposal(proposal) => proposal.round,
            Self::Polka(certificate) => certificate.round,
            Self::Round(certificate) => certificate.round,
        }
    }

    /// Who signed it, if it is one validator's.
    pub fn signer(&self) -> Option<(&Address, &Signature)> {
        match self {
            Self::Vote(vote) => Some((&vote.message.validator, &vote.signature)),
            Self::Proposal(proposal) => Some((&proposal.message.validator, &proposal.signature)),
            Self::Polka(_) | Self::Round(_) => None,
        }
    }
}

impl core::Vote<Weft> for Vote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<BlockHash> {
        &self.block
    }

    fn take_value(self) -> NilOrVal<BlockHash> {
        self.block
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Address {
        &self.validator
    }

    fn extension(&self) -> Option<&core::SignedExtension<Weft>> {
        None
    }

    fn take_extension(&mut self) -> Option<core::SignedExtension<Weft>> {
        None
    }

    fn extend(self, _: core::SignedExtension<Weft>) -> Self {
        self
    }
}

impl core::Proposal<Weft> for Proposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &BlockHash {
        &self.block
    }

    fn take_value(self) -> BlockHash {
        self.block
    }

    fn pol_round(&self) -> Round {
        self.polka_round
    }

    fn validator_address(&self) -> &Address {
        &self.validator
    }
}
