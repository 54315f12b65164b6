//! The state root after changes.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};

use super::{StateChanges, StateError, address_key};
use crate::trie::{self, ForestSource, NodeChange, Owner, Tree};

/// The nodes of one trie that changed.
#[derive(Debug, Clone)]
pub(crate) struct ForestChange {
    pub(crate) owner: Owner,
    pub(crate) nodes: Vec<NodeChange>,
}

/// The new root, and what has to be stored for it.
#[derive(Debug, Clone)]
pub struct RootUpdate {
    pub(crate) root: B256,
    pub(crate) tries: Vec<ForestChange>,
}

impl RootUpdate {
    /// The new root.
    pub fn root(&self) -> B256 {
        self.root
    }

    /// How many trie nodes change.
    pub fn nodes(&self) -> usize {
        self.tries.iter().map(|tree| tree.nodes.len()).sum()
    }
}

/// Computes the root after `changes` to the state with `root`, and sets the storage roots in them.
pub(crate) fn update_root(
    forest: &impl ForestSource,
    root: B256,
    changes: &mut StateChanges,
) -> Result<RootUpdate, StateError> {
    let mut tries = Vec::new();
    let mut accounts = Vec::with_capacity(changes.accounts.len());
    for (address, change) in &mut changes.accounts {
        let owner = address_key(*address);
        let before = change.before.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
        let mut storage_root = before;
        if !change.storage.is_empty() || change.wiped {
            let updated = update_storage(forest, *address, owner, before, change.wiped, &change.storage)?;
            storage_root = updated.0;
            tries.push(ForestChange { owner: Some(owner), nodes: updated.1 });
        }
        if let Some(after) = &mut change.after {
            after.storage_root = storage_root;
        }
        let value = change.after.map(|account| Bytes::from(alloy_rlp::encode(account)));
        accounts.push((Nibbles::unpack(owner), value));
    }
    // An account that came and went within the block has no place in the trie before or after.
    changes.accounts.retain(|_, change| change.before != change.after || !change.storage.is_empty());
    accounts.sort_unstable_by_key(|(key, _)| *key);
    let updated = trie::update(&Tree { forest, owner: None }, root, &accounts)?;
    tries.push(ForestChange { owner: None, nodes: updated.nodes });
    Ok(RootUpdate { root: updated.root, tries })
}

type StorageUpdate = (B256, Vec<NodeChange>);

fn update_storage(
    forest: &impl ForestSource,
    _address: Address,
    owner: B256,
    before: B256,
    wiped: bool,
    storage: &BTreeMap<U256, (U256, U256)>,
) -> Result<StorageUpdate, StateError> {
    let mut slots: Vec<_> = storage.iter().map(|(slot, (_, now))| (slot_key(*slot), slot_value(*now))).collect();
    slots.sort_unstable_by_key(|(key, _)| *key);
    let tree = Tree { forest, owner: Some(owner) };
    if !wiped {
        let updated = trie::update(&tree, before, &slots)?;
        return Ok((updated.root, updated.nodes));
    }
    let updated = trie::update(&std::collections::HashMap::new(), EMPTY_ROOT_HASH, &slots)?;
    let mut nodes: BTreeMap<Nibbles, (Option<Bytes>, Option<Bytes>)> =
        updated.nodes.into_iter().map(|change| (change.path, (None, change.new))).collect();
    for (path, old) in forest.all_nodes(owner)? {
        nodes.entry(path).or_default().0 = Some(old);
    }
    let nodes = nodes
        .into_iter()
        .filter(|(_, (old, new))| old != new)
        .map(|(path, (old, new))| NodeChange { path, old, new })
        .collect();
    Ok((updated.root, nodes))
}

/// Where the trie has a slot.
pub(crate) fn slot_key(slot: U256) -> Nibbles {
    Nibbles::unpack(keccak256(slot.to_be_bytes::<32>()))
}

/// What the trie has for a slot's value: nothing for zero.
pub(crate) fn slot_value(value: U256) -> Option<Bytes> {
    (!value.is_zero()).then(|| Bytes::from(alloy_rlp::encode(value)))
}
