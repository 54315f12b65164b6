//! The types by which the Malachite core knows ours.

use std::time::Duration;

use arc_malachitebft_core_types as core;

use super::{
    Address, BlockHash, Height, NilOrVal, Proposal, PublicKey, Round, Signature, Validator, ValidatorSet, Vote,
    VoteType,
};

/// Weft's instance of the Malachite core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weft;

/// Stands where the core has room for something that Weft does not use: proposal parts, private keys. It has no values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Never {}

/// The driver keeps time itself; the core only asks for the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NoTimeouts;

impl core::Context for Weft {
    type Address = Address;
    type Height = Height;
    type ProposalPart = Never;
    type Proposal = Proposal;
    type Validator = Validator;
    type ValidatorSet = ValidatorSet;
    type Timeouts = NoTimeouts;
    type Value = BlockHash;
    type Vote = Vote;
    type Extension = ();
    type SigningScheme = Ed25519;

    fn select_proposer<'a>(&self, set: &'a ValidatorSet, height: Height, round: Round) -> &'a Validator {
        set.proposer(height, round.as_u32().unwrap_or(0))
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        block: BlockHash,
        polka_round: Round,
        validator: Address,
    ) -> Proposal {
        Proposal { height, round, block, polka_round, validator }
    }

    fn new_prevote(&self, height: Height, round: Round, block: NilOrVal<BlockHash>, validator: Address) -> Vote {
        Vote { kind: VoteType::Prevote, height, round, block, validator }
    }

    fn new_precommit(&self, height: Height, round: Round, block: NilOrVal<BlockHash>, validator: Address) -> Vote {
        Vote { kind: VoteType::Precommit, height, round, block, validator }
    }
}

impl core::Height for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

impl core::Address for Address {}

impl core::Value for BlockHash {
    type Id = Self;

    fn id(&self) -> Self {
        *self
    }
}

impl core::ProposalPart<Weft> for Never {
    fn is_first(&self) -> bool {
        match *self {}
    }

    fn is_last(&self) -> bool {
        match *self {}
    }
}

impl core::Timeouts<Weft> for NoTimeouts {
    fn duration_for(&self, _: core::Timeout) -> Duration {
        Duration::MAX
    }
}

impl core::Validator<Weft> for Validator {
    fn address(&self) -> &Address {
        &self.address
    }

    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

impl core::ValidatorSet<Weft> for ValidatorSet {
    fn count(&self) -> usize {
        self.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.total_power()
    }

    fn get_by_address(&self, address: &Address) -> Option<&Validator> {
        self.get(address)
    }

    fn get_by_index(&self, index: usize) -> Option<&Validator> {
        self.validators().get(index)
    }
}

/// The signing scheme's types. Signing and checking are in [`crate::signing`]; the core does neither itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ed25519;

impl core::SigningScheme for Ed25519 {
    type DecodingError = &'static str;
    type Signature = Signature;
    type PublicKey = PublicKey;
    type PrivateKey = Never;

    fn decode_signature(bytes: &[u8]) -> Result<Signature, Self::DecodingError> {
        bytes.try_into().map(Signature).map_err(|_| "a signature has 64 bytes")
    }

    fn encode_signature(signature: &Signature) -> Vec<u8> {
        signature.0.to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<PublicKey, Self::DecodingError> {
        let bytes = bytes.try_into().map_err(|_| "a key has 32 bytes")?;
        PublicKey::from_bytes(bytes).map_err(|_| "the key cannot be used")
    }

    fn encode_public_key(key: &PublicKey) -> Vec<u8> {
        key.to_bytes().to_vec()
    }
}
