//! Proofs of accounts and slots (EIP-1186), at the head and at the heights shortly before it; and what root the state of
//! such a height would have after changes.

use std::collections::BTreeMap;

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};
use parking_lot::Mutex;

use super::Chain;
use super::shared::Shared;
use crate::state::{Account, StateChanges, StateError, StateReader, address_key, slot_key, update_root};
use crate::trie::{ForestSource, NodeSource, Owner, path_key, prove};

/// An account with what proves it to someone who knows the state root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountProof {
    /// The account's address.
    pub address: Address,
    /// The height whose state root it is proved by.
    pub height: u64,
    /// The account, if there is one.
    pub account: Option<Account>,
    /// Nodes from the state root to the account, or to where it is missing.
    pub proof: Vec<Bytes>,
    /// The slots asked for.
    pub slots: Vec<SlotProof>,
}

/// A slot with what proves it to someone who knows the account's storage root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotProof {
    /// Which.
    pub slot: U256,
    /// What it holds.
    pub value: U256,
    /// Nodes from the storage root to the value, or to where it is missing.
    pub proof: Vec<Bytes>,
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// Proofs do not reach so far back.
    #[error("no proof can be made for height {height}: proofs reach from height {oldest} to {newest}")]
    OutOfReach {
        /// The height asked for.
        height: u64,
        /// The oldest there are proofs for.
        oldest: u64,
        /// The newest.
        newest: u64,
    },
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
}

/// One trie as it was.
struct OldTree<'a> {
    shared: &'a Shared,
    owner: Owner,
    old: BTreeMap<Vec<u8>, Option<Bytes>>,
}

impl NodeSource for OldTree<'_> {
    fn node(&self, path: &Nibbles) -> Result<Option<Bytes>, StateError> {
        match self.old.get(&path_key(path)) {
            Some(node) => Ok(node.clone()),
            None => self.shared.node(self.owner, path),
        }
    }
}

type OldNodes = BTreeMap<Vec<u8>, Option<Bytes>>;

/// All tries as they were at a height.
struct OldForest<'a> {
    chain: &'a Chain,
    height: u64,
    newest: u64,
    /// What was replaced since, of the tries that were asked for.
    old: Mutex<BTreeMap<Owner, OldNodes>>,
}

impl ForestSource for OldForest<'_> {
    fn node(&self, owner: Owner, path: &Nibbles) -> Result<Option<Bytes>, StateError> {
        let mut old = self.old.lock();
        let nodes = match old.get(&owner) {
            Some(nodes) => nodes,
            None => {
                let nodes = self.chain.old_nodes(owner, self.height, self.newest, None)?;
                old.entry(owner).or_insert(nodes)
            }
        };
        match nodes.get(&path_key(path)) {
            Some(node) => Ok(node.clone()),
            None => self.chain.shared.node(owner, path),
        }
    }

    fn all_nodes(&self, _: B256) -> Result<Vec<(Nibbles, Bytes)>, StateError> {
        // They say what is to be deleted; the root does not depend on it, and nothing here is kept.
        Ok(Vec::new())
    }
}

impl Chain {
    /// The state root after `changes` to the state at a height that proofs reach, whatever was committed since; sets the
    /// storage roots in them. It is for blocks that are only simulated: what is to be committed is
    /// [executed](Self::execute).
    pub fn root_after(&self, height: u64, changes: &mut StateChanges) -> Result<B256, ProofError> {
        let _gate = self.gate.read();
        let header = self.provable(height)?;
        let newest = self.shared.tip().header.number;
        let forest = OldForest { chain: self, height, newest, old: Mutex::default() };
        Ok(update_root(&forest, header.state_root, changes)?.root())
    }

    /// The header of a height that proofs reach. The gate is held.
    fn provable(&self, height: u64) -> Result<Header, ProofError> {
        let tip = self.shared.tip();
        let (oldest, newest) = (tip.oldest_proof, tip.header.number);
        let out_of_reach = || ProofError::OutOfReach { height, oldest, newest };
        if !(oldest..=newest).contains(&height) {
            return Err(out_of_reach());
        }
        let header = if height == newest { Some((tip.hash, tip.header.clone())) } else { self.header(height)? };
        header.map(|(_, header)| header).ok_or_else(out_of_reach)
    }

    /// An account and some of its slots at a height, proved. How many slots may be asked for is the caller's to bound.
    pub fn proof(&self, address: Address, slots: &[U256], height: u64) -> Result<AccountProof, ProofError> {
        let _gate = self.gate.read();
        let header = self.provable(height)?;
        let newest = self.shared.tip().header.number;
        let state = self.state_at(height)?;
        let account = state.account(address)?;
        let key = address_key(address);
        let prove_in = |owner, root, keys: &[Nibbles]| -> Result<Vec<Vec<Bytes>>, StateError> {
            let old = self.old_nodes(owner, height, newest, Some(keys))?;
            let tree = OldTree { shared: &self.shared, owner, old };
            keys.iter().map(|key| prove(&tree, root, key)).collect()
        };
        let proof = prove_in(None, header.state_root, &[Nibbles::unpack(key)])?.pop().unwrap_or_default();
        let storage_root = account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
        let keys: Vec<_> = slots.iter().map(|slot| slot_key(*slot)).collect();
        let proofs = prove_in(Some(key), storage_root, &keys)?;
        let mut proved = Vec::with_capacity(slots.len());
        for (slot, proof) in slots.iter().zip(proofs) {
            proved.push(SlotProof { slot: *slot, value: state.storage(address, *slot)?, proof });
        }
        Ok(AccountProof { address, height, account, proof, slots: proved })
    }

    /// The hash of the address by which the state trie has an account.
    pub fn trie_key(address: Address) -> B256 {
        address_key(address)
    }
}
