//! Blocks of the simulated chain, its keys and its sets.

use ed25519_dalek::SigningKey;
use sha2::{Digest as _, Sha256};
use weft_consensus::types::{Address, BlockHash, ChainId, Height, Validator, ValidatorSet};

pub(crate) const CHAIN: ChainId = ChainId([0xc4; 32]);

/// A block's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) height: u64,
    pub(crate) parent: BlockHash,
    pub(crate) proposer: Address,
    pub(crate) salt: u64,
    /// Whether executing it works out.
    pub(crate) sound: bool,
}

impl Block {
    pub(crate) fn hash(&self) -> BlockHash {
        let mut hash = Sha256::new();
        hash.update(self.height.to_be_bytes());
        hash.update(self.parent.0);
        hash.update(self.proposer.0);
        hash.update(self.salt.to_be_bytes());
        hash.update([u8::from(self.sound)]);
        BlockHash(hash.finalize().into())
    }
}

pub(crate) fn key(seed: u64, index: usize) -> SigningKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    bytes[8..16].copy_from_slice(&(index as u64).to_be_bytes());
    SigningKey::from_bytes(&Sha256::digest(bytes).into())
}

pub(crate) fn address(index: usize) -> Address {
    Address([index as u8 + 1; 20])
}

/// The validators at a height: those with power then.
pub(crate) fn set(seed: u64, powers: &[u64]) -> ValidatorSet {
    let members = powers.iter().enumerate().filter(|(_, power)| **power > 0);
    let validators = members.map(|(index, power)| Validator {
        address: address(index),
        public_key: (&key(seed, index)).into(),
        power: *power,
    });
    ValidatorSet::new(validators.collect()).unwrap()
}

pub(crate) fn height(number: usize) -> Height {
    Height(number as u64)
}
