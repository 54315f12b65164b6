//! Where everything is kept, and how it is written.

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use weft_store::Table;

use crate::block::{Body, Preamble, Receipt, SystemCall};
use crate::state::{Account, StateError};

/// See [`meta`].
pub(crate) const META: Table = Table::new("ledger-meta");
/// Address → account.
pub(crate) const ACCOUNTS: Table = Table::new("ledger-accounts");
/// Address ‖ slot → value without leading zeros.
pub(crate) const STORAGE: Table = Table::new("ledger-storage");
/// Hash → code.
pub(crate) const CODE: Table = Table::new("ledger-code");
/// Path → node of the account trie.
pub(crate) const ACCOUNT_NODES: Table = Table::new("ledger-account-nodes");
/// Hash of the address ‖ path → node of a storage trie.
pub(crate) const STORAGE_NODES: Table = Table::new("ledger-storage-nodes");
/// Height ‖ kind of trie ‖ owner ‖ first nibble → nodes that the block at this height replaced, as they were.
pub(crate) const NODE_HISTORY: Table = Table::new("ledger-node-history");
/// Address ‖ height → the account before the block at this height; empty if there was none.
pub(crate) const ACCOUNT_HISTORY: Table = Table::new("ledger-account-history");
/// Address ‖ slot ‖ height → the slot's value before the block at this height.
pub(crate) const STORAGE_HISTORY: Table = Table::new("ledger-storage-history");
/// Height → what the block at this height changed, so that its history can be pruned and the trie be caught up.
pub(crate) const CHANGES: Table = Table::new("ledger-changes");
/// Height → hash ‖ header.
pub(crate) const HEADERS: Table = Table::new("ledger-headers");
/// Hash → height.
pub(crate) const HEIGHTS: Table = Table::new("ledger-heights");
/// Height → body, senders, preamble.
pub(crate) const BODIES: Table = Table::new("ledger-bodies");
/// Height → receipts.
pub(crate) const RECEIPTS: Table = Table::new("ledger-receipts");
/// Height → certificate, as consensus gave it.
pub(crate) const CERTIFICATES: Table = Table::new("ledger-certificates");
/// Hash of a transaction → height ‖ index.
pub(crate) const TRANSACTIONS: Table = Table::new("ledger-transactions");

/// Keys of [`META`].
pub(crate) mod meta {
    /// The head's height.
    pub(crate) const HEAD: &[u8] = b"head";
    /// The hash of the genesis block: a store is of one chain.
    pub(crate) const GENESIS: &[u8] = b"genesis";
    /// A hash of what the genesis block was computed from.
    pub(crate) const GENESIS_DIGEST: &[u8] = b"genesis-digest";
    /// The height whose trie the node tables have; the head's is that with the changes since.
    pub(crate) const TRIE: &[u8] = b"trie";
    /// The oldest height whose state can be read.
    pub(crate) const OLDEST_STATE: &[u8] = b"oldest-state";
    /// The oldest height whose nodes can be read.
    pub(crate) const OLDEST_PROOF: &[u8] = b"oldest-proof";
    /// A snapshot is being taken in: what the state tables have is not a chain's yet.
    pub(crate) const IMPORTING: &[u8] = b"importing";
    /// The oldest block there is but the genesis: higher than 1 after a start from a snapshot.
    pub(crate) const OLDEST_BLOCK: &[u8] = b"oldest-block";
}

pub(crate) fn height_key(height: u64) -> [u8; 8] {
    height.to_be_bytes()
}

pub(crate) fn read_height(bytes: &[u8]) -> Result<u64, StateError> {
    let bytes = bytes.try_into().map_err(|_| StateError::damaged("height", "it has not 8 bytes"))?;
    Ok(u64::from_be_bytes(bytes))
}

pub(crate) fn slot_row(address: Address, slot: U256) -> [u8; 52] {
    let mut key = [0; 52];
    key[..20].copy_from_slice(address.as_slice());
    key[20..].copy_from_slice(&slot.to_be_bytes::<32>());
    key
}

pub(crate) fn with_height(key: &[u8], height: u64) -> Vec<u8> {
    [key, &height_key(height)].concat()
}

pub(crate) fn write_value(value: U256) -> Vec<u8> {
    value.to_be_bytes_trimmed_vec()
}

pub(crate) fn read_value(bytes: &[u8]) -> Result<U256, StateError> {
    U256::try_from_be_slice(bytes).ok_or_else(|| StateError::damaged("slot", "it has more than 32 bytes"))
}

pub(crate) fn write_account(account: Option<&Account>) -> Vec<u8> {
    account.map(alloy_rlp::encode).unwrap_or_default()
}

pub(crate) fn read_account(bytes: &[u8]) -> Result<Option<Account>, StateError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    decode("account", bytes).map(Some)
}

pub(crate) fn decode<T: Decodable>(what: &'static str, mut bytes: &[u8]) -> Result<T, StateError> {
    T::decode(&mut bytes).map_err(|error| StateError::damaged(what, error))
}

pub(crate) fn write_header(hash: B256, header: &Header) -> Vec<u8> {
    let mut row = hash.to_vec();
    header.encode(&mut row);
    row
}

pub(crate) fn read_header(row: &[u8]) -> Result<(B256, Header), StateError> {
    let (hash, header) = row.split_at_checked(32).ok_or_else(|| StateError::damaged("header", "it is too short"))?;
    Ok((B256::from_slice(hash), decode("header", header)?))
}

/// A body with what belongs to it.
#[derive(Debug, RlpEncodable, RlpDecodable)]
pub(crate) struct StoredBody {
    pub(crate) body: Body,
    pub(crate) senders: Vec<Address>,
    pub(crate) calls: Vec<StoredCall>,
    pub(crate) commitment: B256,
    pub(crate) bytes: Bytes,
}

#[derive(Debug, RlpEncodable, RlpDecodable)]
pub(crate) struct StoredCall {
    pub(crate) to: Address,
    pub(crate) data: Bytes,
}

impl StoredBody {
    pub(crate) fn new(body: Body, senders: Vec<Address>, preamble: &Preamble) -> Self {
        let calls = preamble.calls.iter().map(|call| StoredCall { to: call.to, data: call.data.clone() }).collect();
        StoredBody { body, senders, calls, commitment: preamble.commitment, bytes: preamble.bytes.clone() }
    }

    pub(crate) fn into_parts(self) -> (Body, Vec<Address>, Preamble) {
        let calls = self.calls.into_iter().map(|call| SystemCall { to: call.to, data: call.data }).collect();
        (self.body, self.senders, Preamble { calls, commitment: self.commitment, bytes: self.bytes })
    }
}

/// What a block changed, by key: an account and its slots.
#[derive(Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct ChangedAccount {
    pub(crate) address: Address,
    pub(crate) slots: Vec<U256>,
}

/// A row of [`NODE_HISTORY`]: a path (as its key is written) and the node that was there, or nothing.
#[derive(Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct OldNode {
    pub(crate) path: Bytes,
    pub(crate) node: Bytes,
}

pub(crate) fn read_receipts(row: &[u8]) -> Result<Vec<Receipt>, StateError> {
    decode("receipts", row)
}
