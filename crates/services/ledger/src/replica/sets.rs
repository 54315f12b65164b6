//! The validator sets: around the head, and of all heights.
//!
//! Each header names the set that decides the next height by its hash, so sets are kept by that, for good: they are few and
//! small, and a light client wants those of the first blocks when their state is long pruned.

use alloy_consensus::Header;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use weft_consensus::types::ValidatorSet;
use weft_evm::{Chain, StateError};
use weft_store::{Batch, CommitError, Durability, Store, Table};

use super::{ReplicaError, validators};

/// Hash → set.
const SETS: Table = Table::new("ledger-sets");

/// 32 sets of past heights are remembered: evidence is mostly of a few heights.
const REMEMBERED: usize = 32;

/// Who decides the next height, and who the one after it.
#[derive(Debug)]
pub(super) struct Sets {
    deciding: ValidatorSet,
    following: ValidatorSet,
    past: Mutex<BTreeMap<u64, ValidatorSet>>,
}

impl Sets {
    pub(super) fn open(chain: &Chain) -> Result<Self, ReplicaError> {
        let next = chain.height() + 1;
        let deciding = deciding(chain, next)?.ok_or(ReplicaError::NoValidators)?;
        let following = deciding_after(chain, next, &deciding)?;
        keep(chain.store(), [&deciding, &following])?;
        Ok(Sets { deciding, following, past: Mutex::default() })
    }

    /// Who decides the height after the head.
    pub(super) fn deciding(&self) -> &ValidatorSet {
        &self.deciding
    }

    /// Who decides the height after that.
    pub(super) fn following(&self) -> &ValidatorSet {
        &self.following
    }

    /// The head is one block higher.
    pub(super) fn advance(&mut self, chain: &Chain) -> Result<(), ReplicaError> {
        let decided = chain.height();
        let mut past = self.past.lock();
        past.insert(decided, self.deciding.clone());
        while past.len() > REMEMBERED {
            past.pop_first();
        }
        drop(past);
        self.deciding = self.following.clone();
        self.following = deciding_after(chain, decided + 1, &self.deciding)?;
        if self.following.hash() != self.deciding.hash() {
            keep(chain.store(), [&self.following])?;
        }
        Ok(())
    }

    /// Who decided, or decides, a height. `None` if neither the set nor the state of then is kept.
    pub(super) fn of(&self, chain: &Chain, height: u64) -> Option<ValidatorSet> {
        if height == chain.height() + 1 {
            return Some(self.deciding.clone());
        }
        if let Some(known) = self.past.lock().get(&height) {
            return Some(known.clone());
        }
        deciding(chain, height).ok().flatten()
    }
}

/// 1,000 blocks are looked back for a set that stayed because the contract gave none: it never came to that.
const MAX_STAYED: u64 = 1_000;

/// The set that decides, or decided, a height; `None` if that is not known here: the height is too far, or the node that
/// keeps this chain did not keep the set, and not the state of then.
///
/// # Errors
/// If the chain cannot be read.
pub fn set_of(chain: &Chain, height: u64) -> Result<Option<ValidatorSet>, StateError> {
    if height > chain.height() + 1 {
        return Ok(None);
    }
    deciding(chain, height)
}

/// Keeps sets by their hashes.
///
/// # Errors
/// If the store does not take them.
pub fn keep<'a>(store: &dyn Store, sets: impl IntoIterator<Item = &'a ValidatorSet>) -> Result<(), CommitError> {
    let put = |batch: Batch, set: &ValidatorSet| batch.put(SETS, set.hash(), set.encode());
    // What a crash takes is asked of the contract again: its state is there for long enough.
    store.commit(sets.into_iter().fold(Batch::new(), put), Durability::Buffer)
}

/// The set of `height`: the header before it names its hash.
fn deciding(chain: &Chain, height: u64) -> Result<Option<ValidatorSet>, StateError> {
    let Some(before) = height.checked_sub(1) else { return Ok(None) };
    let Some((_, named)) = chain.header(before)? else { return Ok(None) };
    let kept = chain.store().get(SETS, &named.extra_data)?;
    let kept = kept.and_then(|bytes| ValidatorSet::decode(&bytes).ok());
    if let Some(set) = kept.filter(|set| set.hash() == named.extra_data.as_ref()) {
        return Ok(Some(set));
    }
    // What the contract said then gives it. Where that was nothing, the set before had stayed.
    let oldest = before.saturating_sub(MAX_STAYED).max(chain.oldest_state() + 1);
    for at in (oldest..=before).rev() {
        let found = asked(chain, at)?;
        if let Some(set) = found.filter(|set| set.hash() == named.extra_data.as_ref()) {
            return Ok(Some(set));
        }
    }
    // The genesis names its own, which the contract gives on its own state.
    let found = if chain.oldest_state() == 0 && before <= MAX_STAYED { asked(chain, 0)? } else { None };
    Ok(found.filter(|set| set.hash() == named.extra_data.as_ref()))
}

/// The set after that of `height`, which follows the head.
fn deciding_after(chain: &Chain, height: u64, now: &ValidatorSet) -> Result<ValidatorSet, StateError> {
    Ok(asked(chain, height)?.unwrap_or_else(|| now.clone()))
}

/// What the contract says as in block `number`, on the state before it.
fn asked(chain: &Chain, number: u64) -> Result<Option<ValidatorSet>, StateError> {
    let before = number.saturating_sub(1);
    let Some((_, parent)) = chain.header(before)? else { return Ok(None) };
    let next = Header { number, ..parent };
    validators::read(chain.spec(), &next, &chain.state_at(before)?)
}
