//! What is signed, who signs it, and how it is checked.
//!
//! Everything signed begins with the same 18 bytes and the chain's id, then a byte for the kind, so that no signature
//! fits another chain, another kind of message, or anything else the key may ever sign. The rest has a fixed length a
//! kind, so that two messages never have the same bytes.
//!
//! | bytes | |
//! |---|---|
//! | 18 | `weft consensus v1\0` |
//! | 32 | chain id: the genesis header's hash |
//! | 1 | 1 proposal, 2 prevote, 3 precommit |
//! | 8 | height, big endian |
//! | 4 | round, big endian |
//! | 20 | the validator's address |
//! | 1 + 32 | block: 1 and its hash, or 0 and zeros for nil |
//! | 1 + 4 | proposals only: the polka's round: 1 and the round, or 0 and zeros |
//!
//! Signatures are checked by [`ed25519_dalek::VerifyingKey::verify_strict`], one by one: all validators agree on each of
//! them, whatever a validator may craft.

use ed25519_dalek::{Signature as DalekSignature, Signer as _, SigningKey};

use crate::types::{
    BlockHash, ChainId, NilOrVal, Proposal, PublicKey, Round, Signature, SignedProposal, SignedVote, Vote, VoteType,
};

const DOMAIN: &[u8; 18] = b"weft consensus v1\0";

/// Longest message that is signed.
const MAX_SIGNED: usize = DOMAIN.len() + 32 + 1 + 8 + 4 + 20 + 33 + 5;

/// Signs with the node's validator key, wherever that is kept. The driver gives only the bytes described in
/// [the module's documentation](self), and each only after its own record of what it signed allows it.
pub trait Sign {
    /// Signs the bytes.
    ///
    /// # Errors
    /// If the key cannot be used now. The node then stays silent for the rest of the height.
    fn sign(&self, bytes: &[u8]) -> Result<Signature, SignError>;

    /// The public key that belongs to it: a node votes only while the set has this key for its account. Two nodes of one
    /// account have two keys, and only one of them is in the set.
    fn public_key(&self) -> [u8; 32];
}

/// The key could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the validator key could not sign: {0}")]
pub struct SignError(pub String);

impl Sign for SigningKey {
    fn sign(&self, bytes: &[u8]) -> Result<Signature, SignError> {
        Ok(Signature(self.try_sign(bytes).map_err(|error| SignError(error.to_string()))?.to_bytes()))
    }

    fn public_key(&self) -> [u8; 32] {
        self.verifying_key().to_bytes()
    }
}

impl<S: Sign + ?Sized> Sign for std::sync::Arc<S> {
    fn sign(&self, bytes: &[u8]) -> Result<Signature, SignError> {
        (**self).sign(bytes)
    }

    fn public_key(&self) -> [u8; 32] {
        (**self).public_key()
    }
}

impl<S: Sign + ?Sized> Sign for Box<S> {
    fn sign(&self, bytes: &[u8]) -> Result<Signature, SignError> {
        (**self).sign(bytes)
    }

    fn public_key(&self) -> [u8; 32] {
        (**self).public_key()
    }
}

/// The bytes of a message that are signed, on the stack: a light client makes 40,000 of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignBytes {
    bytes: [u8; MAX_SIGNED],
    len: usize,
}

impl SignBytes {
    fn new(chain: &ChainId) -> Self {
        let mut this = Self { bytes: [0; MAX_SIGNED], len: 0 };
        this.put(DOMAIN);
        this.put(&chain.0);
        this
    }

    fn put(&mut self, part: &[u8]) {
        self.bytes[self.len..][..part.len()].copy_from_slice(part);
        self.len += part.len();
    }

    fn put_round(&mut self, round: Round) {
        self.put(&round.as_u32().unwrap_or(u32::MAX).to_be_bytes());
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub(crate) fn vote(chain: &ChainId, vote: &Vote) -> Self {
        let mut this = Self::new(chain);
        this.put(&[match vote.kind {
            VoteType::Prevote => 2,
            VoteType::Precommit => 3,
        }]);
        this.put(&vote.height.0.to_be_bytes());
        this.put_round(vote.round);
        this.put(&vote.validator.0);
        let (tag, block) = match vote.block {
            NilOrVal::Nil => (0, BlockHash([0; 32])),
            NilOrVal::Val(block) => (1, block),
        };
        this.put(&[tag]);
        this.put(&block.0);
        this
    }

    pub(crate) fn proposal(chain: &ChainId, proposal: &Proposal) -> Self {
        let mut this = Self::new(chain);
        this.put(&[1]);
        this.put(&proposal.height.0.to_be_bytes());
        this.put_round(proposal.round);
        this.put(&proposal.validator.0);
        this.put(&[1]);
        this.put(&proposal.block.0);
        let polka = proposal.polka_round.as_u32();
        this.put(&[u8::from(polka.is_some())]);
        this.put(&polka.unwrap_or(0).to_be_bytes());
        this
    }
}

/// The bytes that a vote's signature is of.
pub fn vote_sign_bytes(chain: &ChainId, vote: &Vote) -> Vec<u8> {
    SignBytes::vote(chain, vote).as_slice().to_vec()
}

/// The bytes that a proposal's signature is of.
pub fn proposal_sign_bytes(chain: &ChainId, proposal: &Proposal) -> Vec<u8> {
    SignBytes::proposal(chain, proposal).as_slice().to_vec()
}

/// Whether the signature on a vote is `key`'s.
pub fn verify_vote(chain: &ChainId, vote: &SignedVote, key: &PublicKey) -> bool {
    verify(&SignBytes::vote(chain, &vote.message), &vote.signature, key)
}

/// Whether the signature on a proposal is `key`'s.
pub fn verify_proposal(chain: &ChainId, proposal: &SignedProposal, key: &PublicKey) -> bool {
    verify(&SignBytes::proposal(chain, &proposal.message), &proposal.signature, key)
}

pub(crate) fn verify(bytes: &SignBytes, signature: &Signature, key: &PublicKey) -> bool {
    let signature = DalekSignature::from_bytes(&signature.0);
    key.key().verify_strict(bytes.as_slice(), &signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Address, Height};

    fn vote() -> Vote {
        Vote {
            kind: VoteType::Prevote,
            height: Height(3),
            round: Round::new(1),
            block: NilOrVal::Val(BlockHash([7; 32])),
            validator: Address([9; 20]),
        }
    }

    #[test]
    fn every_field_is_signed() {
        let chain = ChainId([1; 32]);
        let key = SigningKey::from_bytes(&[5; 32]);
        let public = PublicKey::from(&key);
        let signature = Sign::sign(&key, &vote_sign_bytes(&chain, &vote())).unwrap();
        let check = |vote: Vote, chain: ChainId| verify_vote(&chain, &SignedVote::new(vote, signature), &public);
        assert!(check(vote(), chain));
        assert!(!check(vote(), ChainId([2; 32])), "replayed on another chain");
        assert!(!check(Vote { kind: VoteType::Precommit, ..vote() }, chain));
        assert!(!check(Vote { height: Height(4), ..vote() }, chain));
        assert!(!check(Vote { round: Round::new(2), ..vote() }, chain));
        assert!(!check(Vote { block: NilOrVal::Nil, ..vote() }, chain));
        assert!(!check(Vote { block: NilOrVal::Val(BlockHash([8; 32])), ..vote() }, chain));
        assert!(!check(Vote { validator: Address([8; 20]), ..vote() }, chain));
    }

    #[test]
    fn nil_is_not_the_block_of_zeros_and_a_proposal_is_no_vote() {
        let chain = ChainId([1; 32]);
        let nil = vote_sign_bytes(&chain, &Vote { block: NilOrVal::Nil, ..vote() });
        let zeros = vote_sign_bytes(&chain, &Vote { block: NilOrVal::Val(BlockHash([0; 32])), ..vote() });
        assert_ne!(nil, zeros);
        let proposal = |polka_round| Proposal {
            height: Height(3),
            round: Round::new(1),
            block: BlockHash([7; 32]),
            polka_round,
            validator: Address([9; 20]),
        };
        let fresh = proposal_sign_bytes(&chain, &proposal(Round::Nil));
        assert_ne!(fresh, proposal_sign_bytes(&chain, &proposal(Round::new(0))));
        assert!(!fresh.starts_with(&vote_sign_bytes(&chain, &vote())));
        assert_eq!(fresh.len(), MAX_SIGNED);
    }
}
