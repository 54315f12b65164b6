//! A bounded set that forgets what it was told long ago.

use alloy_primitives::B256;
use alloy_primitives::map::B256Set;

/// The last `capacity` hashes at least, twice as many at most.
#[derive(Debug)]
pub(crate) struct Recent {
    capacity: usize,
    young: B256Set,
    old: B256Set,
}

impl Recent {
    pub(crate) fn new(capacity: usize) -> Self {
        Recent { capacity, young: B256Set::default(), old: B256Set::default() }
    }

    pub(crate) fn insert(&mut self, hash: B256) {
        if self.young.len() >= self.capacity {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash);
    }

    pub(crate) fn contains(&self, hash: &B256) -> bool {
        self.young.contains(hash) || self.old.contains(hash)
    }
}
