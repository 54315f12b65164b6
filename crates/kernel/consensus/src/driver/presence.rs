//! Which validators are there: a dead one's turns are not waited for as long as a slow one's.
//!
//! A validator that runs says something at each height. One of which nothing came for [`UNHEARD`] heights is taken for dead
//! until it says something again. It is a guess about how long to wait, and nothing else follows from it: who is taken
//! for dead proposes and votes as ever. So words need no check here: who puts words into a dead validator's mouth makes the
//! others wait as they would without this.

use std::collections::BTreeMap;

use crate::types::{Address, Height, ValidatorSet};

/// 2 heights in silence.
const UNHEARD: u64 = 2;

/// At which height something of whom came last.
#[derive(Debug, Default)]
pub(super) struct Presence {
    heard: BTreeMap<Address, Height>,
}

impl Presence {
    /// A height begins, with these validators. A new one counts as heard.
    pub(super) fn begin(&mut self, height: Height, set: &ValidatorSet) {
        self.heard.retain(|address, _| set.get(address).is_some());
        for validator in set.validators() {
            self.heard.entry(validator.address).or_insert(height);
        }
    }

    /// Something came that this validator is said to have signed, while `height` runs.
    pub(super) fn hear(&mut self, address: &Address, height: Height) {
        if let Some(heard) = self.heard.get_mut(address) {
            *heard = height;
        }
    }

    /// Whether a validator says nothing, as seen while `height` runs.
    pub(super) fn is_silent(&self, address: &Address, height: Height) -> bool {
        self.heard.get(address).is_some_and(|heard| heard.0.saturating_add(UNHEARD) <= height.0)
    }
}
