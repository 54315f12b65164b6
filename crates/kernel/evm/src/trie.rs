//! The Merkle Patricia trie (yellow paper, appendix D), kept by path.
//!
//! A node is stored under its path from the root (and, for a storage trie, under the hash of the account that owns it),
//! not under its hash: a changed node replaces its predecessor, so nothing has to be collected as garbage, and what a
//! block replaced is small enough to be kept for the proofs of old blocks. A trie never writes: [`update()`] gives the
//! changed nodes, and the caller puts them where everything else of the block goes, in one batch.

mod node;
mod prove;
mod update;

use std::collections::HashMap;

use alloy_primitives::{B256, Bytes};
use alloy_trie::Nibbles;

use crate::state::StateError;

pub(crate) use node::{Node, Ref};
pub(crate) use prove::prove;
pub(crate) use update::{NodeChange, Update, update};

/// Where the nodes of one trie are.
pub(crate) trait NodeSource {
    /// The encoded node at `path`, if one is stored there.
    fn node(&self, path: &Nibbles) -> Result<Option<Bytes>, StateError>;
}

/// Which trie: that of the accounts, or the storage of the account whose address has this hash.
pub(crate) type Owner = Option<B256>;

/// Where the nodes of all tries are.
pub(crate) trait ForestSource {
    /// The encoded node of `owner`'s trie at `path`.
    fn node(&self, owner: Owner, path: &Nibbles) -> Result<Option<Bytes>, StateError>;

    /// All nodes of a storage trie: asked when an account's storage goes as a whole (before Cancun only).
    fn all_nodes(&self, owner: B256) -> Result<Vec<(Nibbles, Bytes)>, StateError>;
}

/// One trie of a forest.
pub(crate) struct Tree<'a, F: ?Sized> {
    pub(crate) forest: &'a F,
    pub(crate) owner: Owner,
}

impl<F: ForestSource + ?Sized> NodeSource for Tree<'_, F> {
    fn node(&self, path: &Nibbles) -> Result<Option<Bytes>, StateError> {
        self.forest.node(self.owner, path)
    }
}

/// Nodes in memory.
impl NodeSource for HashMap<Nibbles, Bytes> {
    fn node(&self, path: &Nibbles) -> Result<Option<Bytes>, StateError> {
        Ok(self.get(path).cloned())
    }
}

/// The key of a path in a table: hex-prefix without the leaf flag, which no two paths share.
pub(crate) fn path_key(path: &Nibbles) -> Vec<u8> {
    let mut key = Vec::with_capacity(path.len() / 2 + 1);
    let odd = path.len() % 2;
    key.push(if odd == 1 { 0x10 | path.get_unchecked(0) } else { 0 });
    let mut at = odd;
    while at < path.len() {
        key.push(path.get_unchecked(at) << 4 | path.get_unchecked(at + 1));
        at += 2;
    }
    key
}

/// The path of such a key.
pub(crate) fn key_path(key: &[u8]) -> Option<Nibbles> {
    let (first, rest) = key.split_first()?;
    if rest.len() > 32 {
        return None;
    }
    let mut path = Nibbles::new();
    match first >> 4 {
        0 if *first == 0 => {}
        1 if rest.len() < 32 => path.push(first & 0xf),
        _ => return None,
    }
    for byte in rest {
        path.push(byte >> 4);
        path.push(byte & 0xf);
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_keys_of_their_own() {
        let paths = [
            vec![],
            vec![0],
            vec![0, 0],
            vec![1],
            vec![1, 0],
            vec![15, 15, 15],
            vec![0, 0, 0, 0],
            vec![7; 63],
            vec![7; 64],
        ];
        let mut keys = Vec::new();
        for path in &paths {
            let path = Nibbles::from_nibbles(path);
            let key = path_key(&path);
            assert_eq!(key_path(&key), Some(path));
            keys.push(key);
        }
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), paths.len());
        assert_eq!(key_path(&[]), None);
        assert_eq!(key_path(&[0x20]), None);
        assert_eq!(key_path(&[0; 34]), None);
    }
}
