//! Opening a chain: its genesis, or where it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256};
use parking_lot::{Mutex, RwLock};
use weft_store::{Batch, Durability, Store};

use super::shared::{Shared, Tip, node_row};
use super::tables::{self, height_key, meta};
use super::view::StateView;
use super::{Chain, ChainOptions, commit};
use crate::block::{Block, Body, Executed, Preamble, RecoveredBlock};
use crate::genesis::Genesis;
use crate::state::{AccountChange, MemoryState, RootUpdate, StateChanges, StateError, StateReader, update_root};

/// Why a chain did not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The store has another chain.
    #[error("the store has the chain with genesis {found}, not {expected}: the genesis file is another one")]
    OtherChain {
        /// What the genesis file gives.
        expected: B256,
        /// What the store has.
        found: B256,
    },
    /// The state does not have the root that the head's header names.
    #[error("the ledger's state at height {height} has the root {found}, not {expected}: restore it from a snapshot")]
    WrongRoot {
        /// The head's height.
        height: u64,
        /// What the header says.
        expected: B256,
        /// What the state gives.
        found: B256,
    },
    /// A snapshot was being taken in and is not whole.
    #[error("a snapshot was being taken in and is not whole: take it in again, or begin with an empty store")]
    Importing,
    /// A row of the head is missing.
    #[error("the store has no {0}: restore it from a snapshot")]
    Missing(&'static str),
    /// It could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The genesis could not be written.
    #[error(transparent)]
    Store(#[from] weft_store::CommitError),
}

impl From<weft_store::ReadError> for OpenError {
    fn from(error: weft_store::ReadError) -> Self {
        OpenError::State(error.into())
    }
}

impl Chain {
    /// Opens the chain of a genesis in a store, which it begins if the store is new to it.
    pub fn open(store: Arc<dyn Store>, genesis: &Genesis, options: ChainOptions) -> Result<Self, OpenError> {
        if store.get(tables::META, meta::IMPORTING)?.is_some() {
            return Err(OpenError::Importing);
        }
        let (hash, header) = begin(&*store, genesis)?;
        let height_of = |key, what| match store.get(tables::META, key)? {
            Some(row) => Ok::<u64, OpenError>(tables::read_height(&row)?),
            None => Err(OpenError::Missing(what)),
        };
        let head = height_of(meta::HEAD, "head")?;
        let row = store.get(tables::HEADERS, &height_key(head))?.ok_or(OpenError::Missing("header of its head"))?;
        let (head_hash, head_header) = tables::read_header(&row)?;
        let oldest_state = height_of(meta::OLDEST_STATE, "oldest state")?;
        let tip = Tip::new(head_hash, head_header, oldest_state, height_of(meta::OLDEST_PROOF, "oldest proof")?);
        let stored = height_of(meta::TRIE, "trie")?;
        let options = ChainOptions {
            history: options.history.max(PROOFS_AND_TRIE),
            dirty_blocks: options.dirty_blocks.clamp(1, 64),
            proofs: options.proofs.min(super::PROOF_BLOCKS),
            ..options
        };
        let shared = Arc::new(Shared::new(store, tip, stored, options.cache_entries.max(16)));
        let chain = Chain {
            shared,
            spec: Arc::new(genesis.spec.clone()),
            options,
            genesis: (hash, header),
            gate: RwLock::new(()),
            candidates: Mutex::default(),
        };
        chain.catch_up(stored, head)?;
        Ok(chain)
    }

    /// Brings the trie from the height that the store has to that of the head, and checks its root.
    fn catch_up(&self, stored: u64, head: u64) -> Result<(), OpenError> {
        let tip = self.shared.tip();
        let stored_root = self.header(stored)?.ok_or(OpenError::Missing("header of its trie"))?.1.state_root;
        let mut keys: BTreeMap<Address, BTreeSet<U256>> = BTreeMap::new();
        for height in stored + 1..=head {
            for change in self.changed(height)? {
                keys.entry(change.address).or_default().extend(change.slots);
            }
        }
        let then = StateView::new(self.shared.clone(), stored)?;
        let now = StateView::new(self.shared.clone(), head)?;
        let mut changes = StateChanges::default();
        for (address, slots) in keys {
            let mut storage = BTreeMap::new();
            for slot in slots {
                storage.insert(slot, (then.storage(address, slot)?, now.storage(address, slot)?));
            }
            let (before, after) = (then.account(address)?, now.account(address)?);
            changes.accounts.insert(address, AccountChange { before, after, wiped: false, storage });
        }
        let update = update_root(&*self.shared, stored_root, &mut changes)?;
        if update.root != tip.header.state_root {
            let (expected, found) = (tip.header.state_root, update.root);
            return Err(OpenError::WrongRoot { height: head, expected, found });
        }
        let mut nodes = self.shared.nodes.lock();
        for tree in update.tries {
            nodes.dirty.extend(tree.nodes.into_iter().map(|change| ((tree.owner, change.path), change.new)));
        }
        Ok(())
    }
}

/// 320: the least history there is. Proofs want 256 heights, the trie's catching up 64.
const PROOFS_AND_TRIE: u64 = 320;

/// The genesis block, which is written if the store has none.
fn begin(store: &dyn Store, genesis: &Genesis) -> Result<(B256, Header), OpenError> {
    let stored = store.get(tables::META, meta::GENESIS)?;
    let digest = genesis.digest()?;
    if let Some(found) = &stored
        && store.get(tables::META, meta::GENESIS_DIGEST)?.as_deref() == Some(digest.as_slice())
    {
        // Its root was computed when the chain began: for a million accounts that takes seconds.
        let height = store.get(tables::HEIGHTS, found)?.ok_or(OpenError::Missing("height of its genesis"))?;
        let row = store.get(tables::HEADERS, &height)?.ok_or(OpenError::Missing("header of its genesis"))?;
        return Ok(tables::read_header(&row)?);
    }
    let (header, changes) = genesis.seal()?;
    let hash = header.hash_slow();
    match stored {
        None => write_genesis(store, hash, &header, changes)?,
        Some(found) if found != hash.as_slice() => {
            let found = B256::try_from(&found[..]).unwrap_or_default();
            return Err(OpenError::OtherChain { expected: hash, found });
        }
        Some(_) => {}
    }
    let batch = Batch::new().put(tables::META, meta::GENESIS_DIGEST, digest.to_vec());
    store.commit(batch, Durability::Sync)?;
    Ok((hash, header))
}

fn write_genesis(store: &dyn Store, hash: B256, header: &Header, mut changes: StateChanges) -> Result<(), OpenError> {
    let root = update_root(&MemoryState::default(), alloy_trie::EMPTY_ROOT_HASH, &mut changes)?;
    let body = Body { withdrawals: header.withdrawals_root.map(|_| Default::default()), ..Body::default() };
    let block = Block { header: header.clone(), body };
    let block = Arc::new(RecoveredBlock { hash, block, senders: Vec::new(), preamble: Preamble::default() });
    let executed = Executed { block, receipts: Vec::new(), changes, calls: Vec::new(), root };
    // What was before the genesis is no history.
    let mut batch = commit::block_rows(&executed, &Bytes::new());
    batch = current_rows(batch, &executed.changes);
    batch = trie_rows(batch, &executed.root);
    let height = height_key(header.number);
    for key in [meta::TRIE, meta::OLDEST_STATE, meta::OLDEST_PROOF, meta::OLDEST_BLOCK] {
        batch = batch.put(tables::META, key, height);
    }
    Ok(store.commit(batch.put(tables::META, meta::GENESIS, hash.to_vec()), Durability::Sync)?)
}

pub(crate) fn current_rows(mut batch: Batch, changes: &StateChanges) -> Batch {
    for (address, change) in &changes.accounts {
        if let Some(after) = &change.after {
            batch = batch.put(tables::ACCOUNTS, address.to_vec(), tables::write_account(Some(after)));
        }
        for (slot, (_, now)) in &change.storage {
            batch = batch.put(tables::STORAGE, tables::slot_row(*address, *slot), tables::write_value(*now));
        }
    }
    for (hash, code) in &changes.codes {
        batch = batch.put(tables::CODE, hash.to_vec(), code.to_vec());
    }
    batch
}

pub(crate) fn trie_rows(mut batch: Batch, root: &RootUpdate) -> Batch {
    for tree in &root.tries {
        for change in &tree.nodes {
            if let Some(node) = &change.new {
                let (table, key) = node_row(tree.owner, &change.path);
                batch = batch.put(table, key, node.to_vec());
            }
        }
    }
    batch
}
