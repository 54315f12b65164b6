//! What is done about validators that contradict themselves: their evidence travels in a block, and the staking contract
//! is told.

use std::collections::BTreeMap;

use alloy_primitives::{Address as Account, B256, Bytes};
use alloy_rlp::{Decodable, Encodable};
use alloy_sol_types::{SolCall, sol};
use sha2::{Digest, Sha256};
use weft_consensus::codec::{decode_evidence, encode_evidence};
use weft_consensus::evidence::{Evidence, EvidenceError, EvidenceKey};
use weft_consensus::types::{ChainId, Height, ValidatorSet};
use weft_evm::{Preamble, SystemCall};

use super::STAKING;

/// 4 a block: each costs two signature checks and a call, and a validator is jailed by the first.
pub const MAX_EVIDENCE: usize = 4;

/// 256 that wait for a block: far more than validators that can be caught at once.
const MAX_WAITING: usize = 256;

/// Evidence of the last 1,000 heights is taken, older is not: whoever left meanwhile has the stake back after more.
pub const MAX_AGE: u64 = 1000;

sol! {
    /// Burns a share of a validator's stake and jails it.
    function slash(address validator, uint64 height);
}

/// Why a block's evidence is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PreambleError {
    /// There is too much.
    #[error("a block carries at most {MAX_EVIDENCE} pieces of evidence, this one {0}")]
    TooMuch(usize),
    /// It is no list of evidence, or not in its one order.
    #[error("the block's evidence is malformed")]
    Malformed,
    /// It proves nothing.
    #[error("the block carries evidence that proves nothing")]
    Proves(#[from] EvidenceError),
    /// It is of a height whose validators are not known here.
    #[error("the block carries evidence of height {0}, which is too old or not reached")]
    Height(u64),
}

/// Evidence that waits for a block.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    known: BTreeMap<EvidenceKey, Evidence>,
}

impl Waiting {
    /// Keeps evidence that this node found.
    pub(super) fn add(&mut self, evidence: Evidence) {
        if self.known.len() < MAX_WAITING {
            self.known.entry(evidence.key()).or_insert(evidence);
        }
    }

    /// A block carried these: they need no other.
    pub(super) fn carried(&mut self, bytes: &[u8]) {
        for evidence in read(bytes).unwrap_or_default() {
            self.known.remove(&evidence.key());
        }
    }

    /// Evidence below this height is too old for any block.
    pub(super) fn forget_below(&mut self, height: u64) {
        self.known.retain(|_, evidence| evidence.key().height.0 >= height);
    }

    /// What the next block carries.
    pub(super) fn preamble(&self) -> Preamble {
        make(self.known.values().take(MAX_EVIDENCE).cloned().collect())
    }
}

fn make(evidence: Vec<Evidence>) -> Preamble {
    if evidence.is_empty() {
        return Preamble::default();
    }
    let encoded: Vec<Bytes> = evidence.iter().map(|evidence| encode_evidence(evidence).into()).collect();
    let mut bytes = Vec::new();
    encoded.encode(&mut bytes);
    let calls = evidence.iter().map(|evidence| {
        let EvidenceKey { validator, height, .. } = evidence.key();
        let data = slashCall { validator: Account::from(validator.0), height: height.0 }.abi_encode();
        SystemCall { to: STAKING, data: data.into() }
    });
    let commitment = B256::from_slice(&Sha256::digest(&bytes));
    Preamble { calls: calls.collect(), commitment, bytes: bytes.into() }
}

fn read(mut bytes: &[u8]) -> Option<Vec<Evidence>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let encoded = Vec::<Bytes>::decode(&mut bytes).ok()?;
    // An empty list has an encoding too; the one for "nothing" is no bytes at all.
    if encoded.is_empty() || !bytes.is_empty() {
        return None;
    }
    encoded.iter().map(|one| decode_evidence(one).ok()).collect()
}

/// Checks the evidence that came with a block of `height`, and gives what it means. `set_of` knows the validators of past
/// heights.
pub(super) fn check(
    bytes: &[u8],
    height: u64,
    chain: &ChainId,
    set_of: impl Fn(Height) -> Option<ValidatorSet>,
) -> Result<Preamble, PreambleError> {
    let evidence = read(bytes).ok_or(PreambleError::Malformed)?;
    if evidence.len() > MAX_EVIDENCE {
        return Err(PreambleError::TooMuch(evidence.len()));
    }
    // Ascending, so that there is one way to write a set of evidence, and nothing is there twice.
    if !evidence.is_sorted_by(|a, b| a.key() < b.key()) {
        return Err(PreambleError::Malformed);
    }
    for one in &evidence {
        let of = one.key().height;
        if of.0 >= height || of.0 + MAX_AGE < height {
            return Err(PreambleError::Height(of.0));
        }
        let set = set_of(of).ok_or(PreambleError::Height(of.0))?;
        one.verify(chain, &set)?;
    }
    Ok(make(evidence))
}
