//! What was used lately.

use std::hash::Hash;

use alloy_primitives::map::HashMap;

/// A map of at most `2 × half` entries that forgets what was not used for long: when the young half is full it becomes
/// the old one, and what is asked of the old one moves to the young.
#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    half: usize,
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    pub(crate) fn new(entries: usize) -> Self {
        Cache { young: HashMap::default(), old: HashMap::default(), half: (entries / 2).max(1) }
    }

    pub(crate) fn get(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let value = self.old.remove(key)?;
        self.insert(key.clone(), value.clone());
        Some(value)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    pub(crate) fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let mut cache = Cache::new(8);
        for key in 0..100 {
            cache.insert(key, key);
            assert_eq!(cache.get(&0), Some(0), "after {key}");
            assert!(cache.len() <= 8);
        }
        assert_eq!(cache.get(&1), None);
        cache.insert(0, 5);
        assert_eq!(cache.get(&0), Some(5));
        cache.remove(&0);
        assert_eq!(cache.get(&0), None);
    }
}
