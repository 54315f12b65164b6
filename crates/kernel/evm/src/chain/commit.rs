//! Making a block final: all of it in one batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use alloy_trie::{KECCAK_EMPTY, Nibbles};
use weft_store::{Batch, Durability};

use super::tables::{self, ChangedAccount, OldNode, StoredBody, height_key, meta, with_height};
use super::{Chain, CommitError};
use crate::block::Executed;
use crate::state::StateError;
use crate::trie::{ForestSource, NodeChange, Owner, key_path, path_key};

/// A trie with no more changed nodes than this has its history in one row; more are split by their first nibble, so that
/// a proof reads a sixteenth of them.
const NODES_A_ROW: usize = 48;

/// The chunk of a history row that has all nodes.
const WHOLE: u8 = 0xff;

/// The chunk that has the root of a trie whose history is split.
const ROOT: u8 = 16;

/// How an old node begins that is a [`patch`]: no encoded node does.
const PATCH: u8 = 0;

/// At most this many heights are pruned with one block: pruning after a depth was lowered catches up over many blocks.
const PRUNED_A_BLOCK: u64 = 4;

impl Chain {
    /// Makes an executed block the head, with the certificate that consensus gives for it. When this returns, the block,
    /// its receipts, the state and the certificate are on the disk; if it fails, none of them is, or (after a disk error)
    /// all of them: calling it again with the same block does the right thing in both cases.
    pub fn commit(&self, hash: B256, certificate: Bytes) -> Result<Arc<Executed>, CommitError> {
        let _gate = self.gate.write();
        let executed = self.executed(hash).ok_or(CommitError::NotExecuted { hash })?;
        let tip = self.shared.tip();
        if executed.header().parent_hash != tip.hash {
            return Err(CommitError::NotNext { hash, head: tip.header.number });
        }
        let height = executed.header().number;
        let flush = self.flush_is_due(tip.header.number);
        let pruned = self.pruned(height, &tip)?;
        let mut batch = block_rows(&executed, &certificate);
        batch = state_rows(batch, &executed);
        batch = node_history(batch, &executed);
        if flush {
            batch = self.dirty_nodes(batch, tip.header.number);
        }
        batch = self.prune_rows(batch, &tip, &pruned)?;
        self.shared.set_tip(|tip| tip.committing = Some(executed.clone()));
        if let Err(error) = self.shared.store.commit(batch, Durability::Sync) {
            // `committing` stays: its rows may be there or not, and readers are told the old ones from it.
            return Err(error.into());
        }
        if flush {
            self.shared.flushed(tip.header.number);
        }
        self.shared.absorb(&executed);
        self.shared.set_tip(|tip| {
            tip.hash = hash;
            tip.header = executed.header().clone();
            tip.oldest_state = pruned.state;
            tip.oldest_proof = pruned.proof;
            tip.committing = None;
        });
        // Other blocks of this height will never be committed.
        self.candidates.lock().retain(|other| other.header().number > height);
        Ok(executed)
    }

    fn flush_is_due(&self, head: u64) -> bool {
        let nodes = self.shared.nodes.lock();
        nodes.dirty.len() >= self.options.dirty_nodes || head - nodes.stored >= self.options.dirty_blocks
    }

    /// The nodes of the tries at the head before this block, so that no reader of these tries can tell.
    fn dirty_nodes(&self, mut batch: Batch, head: u64) -> Batch {
        for ((owner, path), node) in &self.shared.nodes.lock().dirty {
            let (table, key) = super::shared::node_row(*owner, path);
            batch = match node {
                Some(node) => batch.put(table, key, node.to_vec()),
                None => batch.delete(table, key),
            };
        }
        batch.put(tables::META, meta::TRIE, height_key(head))
    }

    fn pruned(&self, height: u64, tip: &super::shared::Tip) -> Result<Pruned, StateError> {
        let next = |oldest: u64, depth: u64| {
            let wanted = height.saturating_sub(depth).max(oldest);
            wanted.min(oldest + PRUNED_A_BLOCK)
        };
        // What the block before the head changed is needed until the trie in the store has it.
        let stored = self.shared.nodes.lock().stored;
        let state = next(tip.oldest_state, self.options.history).min(stored.max(tip.oldest_state));
        let proof = next(tip.oldest_proof, self.options.proofs).max(state);
        Ok(Pruned { state, proof })
    }

    fn prune_rows(&self, mut batch: Batch, tip: &super::shared::Tip, to: &Pruned) -> Result<Batch, CommitError> {
        for height in tip.oldest_state + 1..=to.state {
            for change in self.changed(height)? {
                let row = with_height(change.address.as_slice(), height);
                batch = batch.delete(tables::ACCOUNT_HISTORY, row);
                for slot in change.slots {
                    let row = with_height(&tables::slot_row(change.address, slot), height);
                    batch = batch.delete(tables::STORAGE_HISTORY, row);
                }
            }
            batch = batch.delete(tables::CHANGES, height_key(height));
        }
        for height in tip.oldest_proof + 1..=to.proof {
            let rows = self.shared.store.scan(tables::NODE_HISTORY, &height_key(height), None, usize::MAX);
            for (key, _) in rows.map_err(StateError::from)? {
                batch = batch.delete(tables::NODE_HISTORY, key);
            }
        }
        batch = batch.put(tables::META, meta::OLDEST_STATE, height_key(to.state));
        Ok(batch.put(tables::META, meta::OLDEST_PROOF, height_key(to.proof)))
    }

    /// What the block at a height changed, by key.
    pub(crate) fn changed(&self, height: u64) -> Result<Vec<ChangedAccount>, StateError> {
        let row = self.shared.store.get(tables::CHANGES, &height_key(height)).map_err(StateError::from)?;
        let row =
            row.ok_or_else(|| StateError::damaged("list of changes", format!("that of height {height} is gone")))?;
        tables::decode("list of changes", &row)
    }

    /// The nodes that were replaced after `height`, as they were then, among those that lead to `keys` of a trie; without
    /// keys all of them.
    pub(crate) fn old_nodes(
        &self,
        owner: Owner,
        height: u64,
        head: u64,
        keys: Option<&[Nibbles]>,
    ) -> Result<BTreeMap<Vec<u8>, Option<Bytes>>, StateError> {
        let mut chunks: Vec<u8> = match keys {
            Some(keys) => keys.iter().filter_map(|key| key.get(0)).collect(),
            None => (0..ROOT).collect(),
        };
        chunks.extend([ROOT, WHOLE]);
        chunks.sort_unstable();
        chunks.dedup();
        let mut old = BTreeMap::new();
        // From the newest to the oldest, because a patch says what differs from the node after it.
        for later in (height + 1..=head).rev() {
            for chunk in &chunks {
                let key = history_row(later, owner, *chunk);
                let Some(row) = self.shared.store.get(tables::NODE_HISTORY, &key)? else { continue };
                for node in tables::decode::<Vec<OldNode>>("old nodes", &row)? {
                    let path = key_path(&node.path).ok_or_else(|| StateError::damaged("trie path", "it is no path"))?;
                    if keys.is_some_and(|keys| !keys.iter().any(|key| key.starts_with(&path))) {
                        continue;
                    }
                    let then = match node.node.first() {
                        None => None,
                        Some(&PATCH) => {
                            let after = match old.get(&node.path[..]) {
                                Some(after) => Option::clone(after),
                                None => self.shared.node(owner, &path)?,
                            };
                            Some(unpatch(&after.unwrap_or_default(), &node.node)?)
                        }
                        Some(_) => Some(node.node),
                    };
                    old.insert(node.path.to_vec(), then);
                }
            }
        }
        Ok(old)
    }
}

/// What a node was, by what it is after the block: the bytes between the first and the last that differ. A branch of which
/// one child changed, as most do, takes 35 bytes instead of 532.
fn patch(old: &[u8], new: &[u8]) -> Vec<u8> {
    if old.len() != new.len() {
        return old.to_vec();
    }
    let differs = |(a, b): (&u8, &u8)| a != b;
    let start = old.iter().zip(new).position(differs).unwrap_or(0);
    let end = old.iter().zip(new).rposition(differs).map_or(start, |last| last + 1);
    match u16::try_from(start) {
        Ok(at) if end - start + 3 < old.len() => [&[PATCH], &at.to_be_bytes()[..], &old[start..end]].concat(),
        _ => old.to_vec(),
    }
}

fn unpatch(new: &[u8], patch: &[u8]) -> Result<Bytes, StateError> {
    let damaged = || StateError::damaged("old node", "it does not fit the node after it");
    let (place, middle) = patch.split_at_checked(3).ok_or_else(damaged)?;
    let start = usize::from(u16::from_be_bytes([place[1], place[2]]));
    let mut old = new.to_vec();
    old.get_mut(start..start + middle.len()).ok_or_else(damaged)?.copy_from_slice(middle);
    Ok(old.into())
}

/// Up to where history goes with a block.
struct Pruned {
    state: u64,
    proof: u64,
}

pub(crate) fn block_rows(executed: &Executed, certificate: &Bytes) -> Batch {
    let block = &executed.block;
    let header = block.header();
    let height = height_key(header.number);
    let body = StoredBody::new(block.block.body.clone(), block.senders.clone(), &block.preamble);
    let mut batch = Batch::new()
        .put(tables::META, meta::HEAD, height)
        .put(tables::HEADERS, height, tables::write_header(block.hash, header))
        .put(tables::HEIGHTS, block.hash.to_vec(), height)
        .put(tables::BODIES, height, alloy_rlp::encode(body))
        .put(tables::RECEIPTS, height, alloy_rlp::encode(&executed.receipts))
        .put(tables::CERTIFICATES, height, certificate.to_vec());
    for (index, transaction) in block.block.body.transactions.iter().enumerate() {
        let place = [&height[..], &(index as u32).to_be_bytes()].concat();
        batch = batch.put(tables::TRANSACTIONS, transaction.tx_hash().to_vec(), place);
    }
    batch
}

pub(crate) fn state_rows(mut batch: Batch, executed: &Executed) -> Batch {
    let height = executed.header().number;
    let mut keys = Vec::with_capacity(executed.changes.accounts.len());
    for (address, change) in &executed.changes.accounts {
        if change.before != change.after {
            let old = tables::write_account(change.before.as_ref());
            batch = batch.put(tables::ACCOUNT_HISTORY, with_height(address.as_slice(), height), old);
            batch = match &change.after {
                Some(after) => batch.put(tables::ACCOUNTS, address.to_vec(), tables::write_account(Some(after))),
                None => batch.delete(tables::ACCOUNTS, address.to_vec()),
            };
        }
        for (slot, (old, now)) in &change.storage {
            let row = tables::slot_row(*address, *slot);
            batch = batch.put(tables::STORAGE_HISTORY, with_height(&row, height), tables::write_value(*old));
            batch = match now.is_zero() {
                true => batch.delete(tables::STORAGE, row),
                false => batch.put(tables::STORAGE, row, tables::write_value(*now)),
            };
        }
        keys.push(ChangedAccount { address: *address, slots: change.storage.keys().copied().collect() });
    }
    for (hash, code) in executed.changes.codes.iter().filter(|(hash, _)| **hash != KECCAK_EMPTY) {
        batch = batch.put(tables::CODE, hash.to_vec(), code.to_vec());
    }
    batch.put(tables::CHANGES, height_key(height), alloy_rlp::encode(&keys))
}

fn history_row(height: u64, owner: Owner, chunk: u8) -> Vec<u8> {
    let mut key = height_key(height).to_vec();
    match owner {
        None => key.push(0),
        Some(owner) => {
            key.push(1);
            key.extend_from_slice(owner.as_slice());
        }
    }
    key.push(chunk);
    key
}

fn node_history(mut batch: Batch, executed: &Executed) -> Batch {
    let height = executed.header().number;
    let old = |change: &NodeChange| OldNode {
        path: path_key(&change.path).into(),
        node: match (&change.old, &change.new) {
            (Some(old), Some(new)) => patch(old, new).into(),
            (old, _) => old.clone().unwrap_or_default(),
        },
    };
    for tree in executed.root.tries.iter().filter(|tree| !tree.nodes.is_empty()) {
        let mut chunks: BTreeMap<u8, Vec<OldNode>> = BTreeMap::new();
        let split = tree.nodes.len() > NODES_A_ROW;
        for change in &tree.nodes {
            let chunk = if split { change.path.get(0).unwrap_or(ROOT) } else { WHOLE };
            chunks.entry(chunk).or_default().push(old(change));
        }
        for (chunk, nodes) in chunks {
            let key = history_row(height, tree.owner, chunk);
            batch = batch.put(tables::NODE_HISTORY, key, alloy_rlp::encode(&nodes));
        }
    }
    batch
}
