//! A state in memory: for tests, and for what is computed and thrown away.

use std::collections::BTreeMap;

use alloy_primitives::map::{AddressMap, B256Map, HashMap};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY, Nibbles};

use super::root::{RootUpdate, update_root};
use super::{Account, AccountChange, StateChanges, StateError, StateReader};
use crate::block::Executed;
use crate::execute::Rooted;
use crate::trie::{ForestSource, Owner};

/// Accounts, storage, code and tries in maps.
#[derive(Debug, Clone)]
pub struct MemoryState {
    root: B256,
    accounts: AddressMap<(Account, BTreeMap<U256, U256>)>,
    codes: B256Map<Bytes>,
    nodes: HashMap<(Owner, Nibbles), Bytes>,
    /// Hashes of blocks, for the `BLOCKHASH` instruction.
    pub block_hashes: HashMap<u64, B256>,
}

impl Default for MemoryState {
    fn default() -> Self {
        MemoryState {
            root: EMPTY_ROOT_HASH,
            accounts: AddressMap::default(),
            codes: B256Map::default(),
            nodes: HashMap::default(),
            block_hashes: HashMap::default(),
        }
    }
}

impl MemoryState {
    /// The state root.
    pub fn root(&self) -> B256 {
        self.root
    }

    /// The changes that make a state of nothing, for [`apply`](Self::apply) and for genesis.
    pub fn seed(changes: &mut StateChanges, address: Address, nonce: u64, balance: U256, code: &Bytes) {
        let code_hash = if code.is_empty() { KECCAK_EMPTY } else { keccak256(code) };
        if !code.is_empty() {
            changes.codes.insert(code_hash, code.clone());
        }
        let after = Some(Account { nonce, balance, storage_root: EMPTY_ROOT_HASH, code_hash });
        changes
            .accounts
            .insert(address, AccountChange { before: None, after, wiped: false, storage: BTreeMap::default() });
    }

    /// Applies changes made on top of this state, and gives the new root.
    pub fn apply(&mut self, mut changes: StateChanges) -> Result<B256, StateError> {
        let update = update_root(&*self, self.root, &mut changes)?;
        self.take(&changes, update);
        Ok(self.root)
    }

    /// Takes over an executed block.
    pub fn commit(&mut self, executed: Executed) {
        let header = executed.header();
        self.block_hashes.insert(header.number, executed.hash());
        self.take(&executed.changes, executed.root);
    }

    fn take(&mut self, changes: &StateChanges, update: RootUpdate) {
        self.root = update.root;
        for tree in update.tries {
            for change in tree.nodes {
                match change.new {
                    Some(new) => self.nodes.insert((tree.owner, change.path), new),
                    None => self.nodes.remove(&(tree.owner, change.path)),
                };
            }
        }
        self.codes.extend(changes.codes.iter().map(|(hash, code)| (*hash, code.clone())));
        for (address, change) in &changes.accounts {
            let Some(after) = change.after else {
                self.accounts.remove(address);
                continue;
            };
            let (account, storage) = self.accounts.entry(*address).or_default();
            *account = after;
            for (slot, (_, now)) in &change.storage {
                if now.is_zero() {
                    storage.remove(slot)
                } else {
                    storage.insert(*slot, *now)
                };
            }
        }
    }
}

impl Rooted for MemoryState {
    fn root_after(&self, changes: &mut StateChanges) -> Result<RootUpdate, StateError> {
        update_root(self, self.root, changes)
    }
}

impl StateReader for MemoryState {
    fn account(&self, address: Address) -> Result<Option<Account>, StateError> {
        Ok(self.accounts.get(&address).map(|(account, _)| *account))
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        Ok(self.accounts.get(&address).and_then(|(_, storage)| storage.get(&slot)).copied().unwrap_or_default())
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.codes.get(&hash).cloned().ok_or(StateError::MissingCode { hash })
    }

    fn all_storage(&self, address: Address) -> Result<Vec<(U256, U256)>, StateError> {
        let Some((_, storage)) = self.accounts.get(&address) else { return Ok(Vec::new()) };
        Ok(storage.iter().map(|(slot, value)| (*slot, *value)).collect())
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        Ok(self.block_hashes.get(&number).copied().unwrap_or_default())
    }
}

impl ForestSource for MemoryState {
    fn node(&self, owner: Owner, path: &Nibbles) -> Result<Option<Bytes>, StateError> {
        Ok(self.nodes.get(&(owner, *path)).cloned())
    }

    fn all_nodes(&self, owner: B256) -> Result<Vec<(Nibbles, Bytes)>, StateError> {
        let of_owner = self.nodes.iter().filter(|((other, _), _)| *other == Some(owner));
        Ok(of_owner.map(|((_, path), node)| (*path, node.clone())).collect())
    }
}
