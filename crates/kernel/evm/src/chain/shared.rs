//! What the chain and its views share: the store, the caches, where the head is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alloy_consensus::Header;
use alloy_primitives::map::HashMap;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_trie::Nibbles;
use parking_lot::{Mutex, RwLock};
use revm::bytecode::Bytecode;
use weft_store::Store;

use super::cache::Cache;
use super::tables;
use crate::block::Executed;
use crate::state::{Account, StateChanges, StateError};
use crate::trie::{ForestSource, Owner, key_path, path_key};

/// Rows asked of the store at once.
pub(crate) const SCAN: usize = 1024;

pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    /// Replaced as a whole when the head moves or a commit begins or fails.
    tip: RwLock<Arc<Tip>>,
    /// That of `tip`, to be read without a lock.
    version: AtomicU64,
    pub(crate) hot: Mutex<Hot>,
    pub(crate) nodes: Mutex<Nodes>,
}

/// Where the chain stands.
#[derive(Debug, Clone)]
pub(crate) struct Tip {
    version: u64,
    pub(crate) hash: B256,
    pub(crate) header: Header,
    pub(crate) oldest_state: u64,
    pub(crate) oldest_proof: u64,
    /// The block that is being written: its rows may or may not be there.
    pub(crate) committing: Option<Arc<Executed>>,
}

/// Rows read lately, as they are at the head.
pub(crate) struct Hot {
    pub(crate) accounts: Cache<Address, Option<Account>>,
    pub(crate) slots: Cache<(Address, U256), U256>,
    pub(crate) codes: Cache<B256, Bytecode>,
}

/// Trie nodes: those that the store has not yet, and those read lately.
pub(crate) struct Nodes {
    pub(crate) dirty: HashMap<(Owner, Nibbles), Option<Bytes>>,
    clean: Cache<(Owner, Nibbles), Bytes>,
    /// The height whose trie the store has.
    pub(crate) stored: u64,
}

impl Shared {
    pub(crate) fn new(store: Arc<dyn Store>, mut tip: Tip, stored: u64, cache_entries: usize) -> Self {
        tip.version = 0;
        Shared {
            store,
            tip: RwLock::new(Arc::new(tip)),
            version: AtomicU64::new(0),
            hot: Mutex::new(Hot {
                accounts: Cache::new(cache_entries),
                slots: Cache::new(cache_entries),
                // Code is 24 KiB at most.
                codes: Cache::new(512),
            }),
            nodes: Mutex::new(Nodes { dirty: HashMap::default(), clean: Cache::new(cache_entries), stored }),
        }
    }

    pub(crate) fn tip(&self) -> Arc<Tip> {
        self.tip.read().clone()
    }

    /// Changes the tip. Whoever reads the state meanwhile sees that the version moved and reads again.
    pub(crate) fn set_tip(&self, change: impl FnOnce(&mut Tip)) {
        let mut guard = self.tip.write();
        let mut tip = Tip::clone(&guard);
        change(&mut tip);
        tip.version += 1;
        self.version.store(tip.version, Ordering::SeqCst);
        *guard = Arc::new(tip);
    }

    pub(crate) fn is_current(&self, tip: &Tip) -> bool {
        self.version.load(Ordering::SeqCst) == tip.version
    }

    /// The account as the store has it, by way of the cache. `tip` is what the caller took before it looked.
    pub(crate) fn stored_account(&self, tip: &Tip, address: Address) -> Result<Option<Account>, StateError> {
        if let Some(account) = self.hot.lock().accounts.get(&address) {
            return Ok(account);
        }
        let row = self.store.get(tables::ACCOUNTS, address.as_slice())?;
        let account = tables::read_account(row.as_deref().unwrap_or_default())?;
        let mut hot = self.hot.lock();
        if self.is_current(tip) {
            hot.accounts.insert(address, account);
        }
        Ok(account)
    }

    pub(crate) fn stored_slot(&self, tip: &Tip, address: Address, slot: U256) -> Result<U256, StateError> {
        if let Some(value) = self.hot.lock().slots.get(&(address, slot)) {
            return Ok(value);
        }
        let row = self.store.get(tables::STORAGE, &tables::slot_row(address, slot))?;
        let value = tables::read_value(row.as_deref().unwrap_or_default())?;
        let mut hot = self.hot.lock();
        if self.is_current(tip) {
            hot.slots.insert((address, slot), value);
        }
        Ok(value)
    }

    /// Takes a committed block's rows into the caches.
    pub(crate) fn absorb(&self, executed: &Executed) {
        self.absorb_state(&executed.changes);
        let mut nodes = self.nodes.lock();
        for tree in &executed.root.tries {
            for change in &tree.nodes {
                nodes.clean.remove(&(tree.owner, change.path));
                nodes.dirty.insert((tree.owner, change.path), change.new.clone());
            }
        }
    }

    fn absorb_state(&self, changes: &StateChanges) {
        let mut hot = self.hot.lock();
        for (address, change) in &changes.accounts {
            hot.accounts.insert(*address, change.after);
            for (slot, (_, now)) in &change.storage {
                hot.slots.insert((*address, *slot), *now);
            }
        }
    }

    /// The dirty nodes are in the store, which has the trie of `height` now.
    pub(crate) fn flushed(&self, height: u64) {
        let mut nodes = self.nodes.lock();
        nodes.stored = height;
        for (key, node) in std::mem::take(&mut nodes.dirty) {
            if let Some(node) = node {
                nodes.clean.insert(key, node);
            }
        }
    }
}

/// The tries at the head. Whoever uses it holds the gate, so that the head stays.
impl ForestSource for Shared {
    fn node(&self, owner: Owner, path: &Nibbles) -> Result<Option<Bytes>, StateError> {
        let key = (owner, *path);
        {
            let mut nodes = self.nodes.lock();
            if let Some(node) = nodes.dirty.get(&key) {
                return Ok(node.clone());
            }
            if let Some(node) = nodes.clean.get(&key) {
                return Ok(Some(node));
            }
        }
        let (table, row) = node_row(owner, path);
        let Some(node) = self.store.get(table, &row)?.map(Bytes::from) else { return Ok(None) };
        self.nodes.lock().clean.insert(key, node.clone());
        Ok(Some(node))
    }

    fn all_nodes(&self, owner: B256) -> Result<Vec<(Nibbles, Bytes)>, StateError> {
        let mut all: HashMap<Nibbles, Bytes> = HashMap::default();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let rows = self.store.scan(tables::STORAGE_NODES, owner.as_slice(), after.as_deref(), SCAN)?;
            let Some((last, _)) = rows.last() else { break };
            after = Some(last.clone());
            for (key, node) in rows {
                let path = key_path(&key[32..]).ok_or_else(|| StateError::damaged("trie path", "it is no path"))?;
                all.insert(path, node.into());
            }
        }
        for ((_, path), node) in self.nodes.lock().dirty.iter().filter(|((other, _), _)| *other == Some(owner)) {
            match node {
                Some(node) => all.insert(*path, node.clone()),
                None => all.remove(path),
            };
        }
        Ok(all.into_iter().collect())
    }
}

/// Where the store has a node.
pub(crate) fn node_row(owner: Owner, path: &Nibbles) -> (weft_store::Table, Vec<u8>) {
    match owner {
        None => (tables::ACCOUNT_NODES, path_key(path)),
        Some(owner) => (tables::STORAGE_NODES, [owner.as_slice(), &path_key(path)].concat()),
    }
}

impl Tip {
    pub(crate) fn new(hash: B256, header: Header, oldest_state: u64, oldest_proof: u64) -> Self {
        Tip { version: 0, hash, header, oldest_state, oldest_proof, committing: None }
    }
}
