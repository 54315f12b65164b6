//! What a light client checks: it has a header that it trusts (by its certificate), and wants to know of an account, a
//! slot, a transaction, a receipt or a log without executing anything.

use std::collections::HashMap;

use alloy_consensus::TxReceipt;
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{B256, Bytes, Log};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};

use crate::block::{Receipt, Transaction};
use crate::chain::{AccountProof, SlotProof};
use crate::state::{StateError, address_key, slot_key, slot_value};
use crate::trie;

/// 65: nodes of the longest proof, one a nibble of a hash and the leaf.
pub const MAX_PROOF_NODES: usize = 65;

/// 16 MiB: the longest proof, all nodes together.
pub const MAX_PROOF_BYTES: usize = 16 << 20;

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is longer than any proof.
    #[error(
        "the proof has {nodes} nodes and {bytes} bytes; at most {MAX_PROOF_NODES} and {MAX_PROOF_BYTES} are looked at"
    )]
    TooLong {
        /// Its nodes.
        nodes: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// It does not lead from the root to the value.
    #[error("the proof does not lead from the {root} to the {what}: {why}")]
    Wrong {
        /// The root it should start at.
        root: &'static str,
        /// What it should prove.
        what: &'static str,
        /// Where it fails.
        why: String,
    },
    /// The item at the index is not the one claimed.
    #[error("the block has no such log at this place")]
    NoSuchLog,
}

fn check(
    root: (&'static str, B256),
    what: &'static str,
    key: Nibbles,
    value: Option<Vec<u8>>,
    proof: &[Bytes],
) -> Result<(), VerifyError> {
    let bytes = proof.iter().map(|node| node.len()).sum();
    if proof.len() > MAX_PROOF_NODES || bytes > MAX_PROOF_BYTES {
        return Err(VerifyError::TooLong { nodes: proof.len(), bytes });
    }
    alloy_trie::proof::verify_proof(root.1, key, value, proof).map_err(|error| VerifyError::Wrong {
        root: root.0,
        what,
        why: error.to_string(),
    })
}

impl AccountProof {
    /// Checks the account, or that there is none, and all slots against the state root of the block at its height.
    pub fn verify(&self, state_root: B256) -> Result<(), VerifyError> {
        let key = Nibbles::unpack(address_key(self.address));
        let value = self.account.map(alloy_rlp::encode);
        check(("state root", state_root), "account", key, value, &self.proof)?;
        let storage_root = self.account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
        self.slots.iter().try_for_each(|slot| slot.verify(storage_root))
    }
}

impl SlotProof {
    /// Checks the slot's value against a storage root that was proved.
    pub fn verify(&self, storage_root: B256) -> Result<(), VerifyError> {
        let value = slot_value(self.value).map(|value| value.to_vec());
        check(("storage root", storage_root), "slot", slot_key(self.slot), value, &self.proof)
    }
}

/// A transaction or a receipt of a block, with what proves it to someone who knows the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemProof {
    /// Its index in the block.
    pub index: u64,
    /// Its encoding (EIP-2718; of a receipt, with its bloom).
    pub item: Bytes,
    /// Nodes from the root in the header to the item.
    pub proof: Vec<Bytes>,
}

impl ItemProof {
    /// Checks a receipt against the header's receipts root, and gives it.
    pub fn verify_receipt(&self, receipts_root: B256) -> Result<Receipt, VerifyError> {
        check(("receipts root", receipts_root), "receipt", self.key(), Some(self.item.to_vec()), &self.proof)?;
        let receipt = alloy_consensus::ReceiptWithBloom::<Receipt>::decode_2718_exact(&self.item);
        let wrong = |why: String| VerifyError::Wrong { root: "receipts root", what: "receipt", why };
        Ok(receipt.map_err(|error| wrong(error.to_string()))?.receipt)
    }

    /// Checks a log of the receipt against the header's receipts root: the `log`-th of the transaction.
    pub fn verify_log(&self, receipts_root: B256, log: usize, expected: &Log) -> Result<(), VerifyError> {
        let receipt = self.verify_receipt(receipts_root)?;
        if receipt.logs.get(log) == Some(expected) { Ok(()) } else { Err(VerifyError::NoSuchLog) }
    }

    /// Checks a transaction against the header's transactions root, and gives it.
    pub fn verify_transaction(&self, transactions_root: B256) -> Result<Transaction, VerifyError> {
        let root = ("transactions root", transactions_root);
        check(root, "transaction", self.key(), Some(self.item.to_vec()), &self.proof)?;
        Transaction::decode_2718_exact(&self.item).map_err(|error| VerifyError::Wrong {
            root: "transactions root",
            what: "transaction",
            why: error.to_string(),
        })
    }

    fn key(&self) -> Nibbles {
        index_key(self.index)
    }
}

fn index_key(index: u64) -> Nibbles {
    Nibbles::unpack(alloy_rlp::encode(index))
}

/// Proves one of a block's receipts; `None` if there is no such index.
pub fn prove_receipt(receipts: &[Receipt], index: usize) -> Result<Option<ItemProof>, StateError> {
    prove_item(receipts.iter().map(|receipt| receipt.with_bloom_ref().encoded_2718()).collect(), index)
}

/// Proves one of a block's transactions; `None` if there is no such index.
pub fn prove_transaction(transactions: &[Transaction], index: usize) -> Result<Option<ItemProof>, StateError> {
    prove_item(transactions.iter().map(Encodable2718::encoded_2718).collect(), index)
}

fn prove_item(items: Vec<Vec<u8>>, index: usize) -> Result<Option<ItemProof>, StateError> {
    let Some(item) = items.get(index).map(|item| Bytes::copy_from_slice(item)) else { return Ok(None) };
    let mut updates: Vec<_> =
        items.into_iter().enumerate().map(|(at, item)| (index_key(at as u64), Some(item.into()))).collect();
    updates.sort_unstable_by_key(|(key, _)| *key);
    let built = trie::update(&HashMap::new(), EMPTY_ROOT_HASH, &updates)?;
    let nodes: HashMap<_, _> = built.nodes.into_iter().filter_map(|change| Some((change.path, change.new?))).collect();
    let proof = trie::prove(&nodes, built.root, &index_key(index as u64))?;
    Ok(Some(ItemProof { index: index as u64, item, proof }))
}
