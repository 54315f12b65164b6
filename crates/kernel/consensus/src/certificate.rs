//! Certificates: signatures of validators that show together what one alone cannot.

use arc_malachitebft_core_types as core;

use crate::signing::{SignBytes, verify};
use crate::types::{
    Address, BlockHash, ChainId, CommitSignature, Height, NilOrVal, PolkaCertificate, PublicKey, Round,
    RoundCertificate, RoundCertificateType, Signature, ValidatorSet, Vote, VoteType, Weft,
};

/// That a block is decided: precommits for it of one round, by more than two thirds of the power. It stands beside the
/// block, not in its header: two nodes may hold different certificates of the same block, and both are right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitCertificate {
    /// The block's height.
    pub height: Height,
    /// The round of the precommits.
    pub round: u32,
    /// The block.
    pub block: BlockHash,
    /// Who signed, by strictly ascending address.
    pub signatures: Vec<(Address, Signature)>,
}

/// Why a certificate shows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Somebody who is not in the set signed.
    #[error("{0} is not a validator at that height")]
    UnknownValidator(Address),
    /// A validator is there twice, or the validators are not in order.
    #[error("{0} is there twice or out of order")]
    Duplicate(Address),
    /// A signature is wrong.
    #[error("the signature of {0} is wrong")]
    Signature(Address),
    /// A vote that does not count for what is shown.
    #[error("the vote of {0} is of the wrong kind")]
    VoteType(Address),
    /// Not enough power signed.
    #[error("validators with {signed} of {total} signed, which is not enough")]
    NotEnoughPower {
        /// The power that signed.
        signed: u64,
        /// The set's power.
        total: u64,
    },
    /// It is about another height than expected.
    #[error("the certificate is about height {0}")]
    Height(Height),
    /// It is about another block than expected.
    #[error("the certificate is about block {0}")]
    Block(BlockHash),
}

impl CommitCertificate {
    /// Checks it against the set that decides its height: each signature strictly, nobody unknown, nobody twice, more
    /// than two thirds of the power.
    ///
    /// # Errors
    /// [`CertificateError`] naming the first thing that is wrong.
    pub fn verify(&self, chain: &ChainId, set: &ValidatorSet) -> Result<(), CertificateError> {
        if let Some(pair) = self.signatures.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
            return Err(CertificateError::Duplicate(pair[1].0));
        }
        // Power first: it costs nothing.
        let signed = self.signatures.iter().try_fold(0, |sum, (address, _)| {
            let validator = set.get(address).ok_or(CertificateError::UnknownValidator(*address))?;
            Ok(sum + validator.power)
        })?;
        if !set.is_quorum(signed) {
            return Err(CertificateError::NotEnoughPower { signed, total: set.total_power() });
        }
        let mut vote = Vote {
            kind: VoteType::Precommit,
            height: self.height,
            round: Round::new(self.round),
            block: NilOrVal::Val(self.block),
            validator: Address([0; 20]),
        };
        for (address, signature) in &self.signatures {
            vote.validator = *address;
            check(chain, set, &vote, signature)?;
        }
        Ok(())
    }

    pub(crate) fn to_core(&self) -> core::ExtendedCommitCertificate<Weft> {
        let signatures = self.signatures.iter();
        core::ExtendedCommitCertificate {
            height: self.height,
            round: Round::new(self.round),
            value_id: self.block,
            commit_signatures: signatures
                .map(|(address, signature)| core::ExtendedCommitSignature::new(*address, *signature, None))
                .collect(),
        }
    }

    pub(crate) fn from_core(certificate: &core::CommitCertificate<Weft>) -> Self {
        let mut signatures: Vec<_> = certificate
            .commit_signatures
            .iter()
            .map(|CommitSignature { address, signature }| (*address, *signature))
            .collect();
        signatures.sort_by_key(|(address, _)| *address);
        Self {
            height: certificate.height,
            round: certificate.round.as_u32().unwrap_or(0),
            block: certificate.value_id,
            signatures,
        }
    }
}

fn key<'a>(set: &'a ValidatorSet, address: &Address) -> Result<(&'a PublicKey, u64), CertificateError> {
    let validator = set.get(address).ok_or(CertificateError::UnknownValidator(*address))?;
    Ok((&validator.public_key, validator.power))
}

fn check(chain: &ChainId, set: &ValidatorSet, vote: &Vote, signature: &Signature) -> Result<u64, CertificateError> {
    let (key, power) = key(set, &vote.validator)?;
    if !verify(&SignBytes::vote(chain, vote), signature, key) {
        return Err(CertificateError::Signature(vote.validator));
    }
    Ok(power)
}

fn no_duplicates<'a>(addresses: impl Iterator<Item = &'a Address>) -> Result<(), CertificateError> {
    let mut seen = std::collections::BTreeSet::new();
    for address in addresses {
        if !seen.insert(address) {
            return Err(CertificateError::Duplicate(*address));
        }
    }
    Ok(())
}

/// Checks a quorum of prevotes.
///
/// # Errors
/// [`CertificateError`] naming the first thing that is wrong.
pub fn verify_polka(
    chain: &ChainId,
    set: &ValidatorSet,
    certificate: &PolkaCertificate,
) -> Result<(), CertificateError> {
    no_duplicates(certificate.polka_signatures.iter().map(|signature| &signature.address))?;
    let mut signed = 0;
    for signature in &certificate.polka_signatures {
        let vote = Vote {
            kind: VoteType::Prevote,
            height: certificate.height,
            round: certificate.round,
            block: NilOrVal::Val(certificate.value_id),
            validator: signature.address,
        };
        signed += check(chain, set, &vote, &signature.signature)?;
    }
    if set.is_quorum(signed) {
        return Ok(());
    }
    Err(CertificateError::NotEnoughPower { signed, total: set.total_power() })
}

/// Checks the votes that justify a round: more than two thirds precommitted in the round before, or more than a third
/// voted in the round itself.
///
/// # Errors
/// [`CertificateError`] naming the first thing that is wrong.
pub fn verify_round(
    chain: &ChainId,
    set: &ValidatorSet,
    certificate: &RoundCertificate,
) -> Result<(), CertificateError> {
    no_duplicates(certificate.round_signatures.iter().map(|signature| &signature.address))?;
    let precommits_only = certificate.cert_type == RoundCertificateType::Precommit;
    let mut signed = 0;
    for signature in &certificate.round_signatures {
        if precommits_only && signature.vote_type != VoteType::Precommit {
            return Err(CertificateError::VoteType(signature.address));
        }
        let vote = Vote {
            kind: signature.vote_type,
            height: certificate.height,
            round: certificate.round,
            block: signature.value_id,
            validator: signature.address,
        };
        signed += check(chain, set, &vote, &signature.signature)?;
    }
    if if precommits_only { set.is_quorum(signed) } else { set.is_honest(signed) } {
        return Ok(());
    }
    Err(CertificateError::NotEnoughPower { signed, total: set.total_power() })
}

impl From<CertificateError> for core::CertificateError<Weft> {
    /// The core only asks whether there is an error.
    fn from(error: CertificateError) -> Self {
        match error {
            CertificateError::UnknownValidator(address) => Self::UnknownValidator(address),
            CertificateError::Duplicate(address) => Self::DuplicateVote(address),
            CertificateError::VoteType(address) => Self::InvalidVoteType(address),
            CertificateError::NotEnoughPower { signed, total } => {
                Self::NotEnoughVotingPower { signed, total, expected: total / 3 * 2 + 1 }
            }
            CertificateError::Signature(_) | CertificateError::Height(_) | CertificateError::Block(_) => {
                Self::VerificationError(None)
            }
        }
    }
}
