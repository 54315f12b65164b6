//! Making a snapshot.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::Encodable;
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY};
use weft_store::Table;

use super::{CHUNK_BYTES, MAX_HEADERS, Manifest, Row, Slot, SnapshotError, VERSION};
use crate::chain::{Chain, SCAN, StateView, tables};
use crate::state::{StateError, StateReader};

type Slots = std::vec::IntoIter<U256>;

/// A snapshot being made: chunk after chunk, then the manifest. The chain goes on meanwhile; the height must not be pruned
/// before the last chunk.
#[derive(Debug)]
pub struct Snapshot<'a> {
    chain: &'a Chain,
    view: StateView,
    addresses: std::vec::IntoIter<Address>,
    /// An account begun, with the slots still to come.
    rest: Option<(Row, Slots)>,
    codes: BTreeSet<B256>,
    hashes: Vec<B256>,
    chunk_bytes: usize,
}

impl Chain {
    /// Begins a snapshot of the state at a height.
    pub fn snapshot(&self, height: u64) -> Result<Snapshot<'_>, SnapshotError> {
        let view = self.state_at(height)?;
        let mut addresses = BTreeSet::new();
        // Who is there now, and who was there and is gone.
        for table in [tables::ACCOUNTS, tables::ACCOUNT_HISTORY] {
            self.each_key(table, &[], |key| addresses.extend(key.get(..20).map(Address::from_slice)))?;
        }
        let addresses = addresses.into_iter().collect::<Vec<_>>().into_iter();
        Ok(Snapshot {
            chain: self,
            view,
            addresses,
            rest: None,
            codes: BTreeSet::new(),
            hashes: Vec::new(),
            chunk_bytes: CHUNK_BYTES,
        })
    }

    fn each_key(&self, table: Table, prefix: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), StateError> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let rows = self.store().scan(table, prefix, after.as_deref(), SCAN)?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            after = Some(last.clone());
            rows.iter().for_each(|(key, _)| each(key));
        }
    }
}

impl Snapshot<'_> {
    /// With chunks of about this many bytes instead of [`CHUNK_BYTES`], at most that.
    pub fn chunk_bytes(mut self, bytes: usize) -> Self {
        self.chunk_bytes = bytes.clamp(1, CHUNK_BYTES);
        self
    }

    /// The next chunk; `None` when all have been given.
    pub fn next_chunk(&mut self) -> Result<Option<Bytes>, SnapshotError> {
        let mut rows: Vec<Row> = Vec::new();
        let mut bytes = 0;
        while bytes < self.chunk_bytes {
            if self.rest.is_none() {
                let Some(address) = self.addresses.next() else { break };
                self.rest = self.begin(address)?;
            }
            let Some((mut row, mut slots)) = self.rest.take() else { continue };
            bytes += row.length();
            while bytes < self.chunk_bytes {
                let Some(slot) = slots.next() else { break };
                let value = self.view.storage(row.address, slot)?;
                if !value.is_zero() {
                    row.slots.push(Slot { slot, value });
                    bytes += Slot { slot, value }.length();
                }
            }
            if slots.len() > 0 {
                let again = Row { code: Bytes::new(), slots: Vec::new(), ..row.clone() };
                self.rest = Some((again, slots));
            }
            rows.push(row);
        }
        if rows.is_empty() {
            return Ok(None);
        }
        let chunk = Bytes::from(alloy_rlp::encode(rows));
        self.hashes.push(keccak256(&chunk));
        Ok(Some(chunk))
    }

    fn begin(&mut self, address: Address) -> Result<Option<(Row, Slots)>, SnapshotError> {
        let Some(account) = self.view.account(address)? else { return Ok(None) };
        let mut code = Bytes::new();
        if account.code_hash != KECCAK_EMPTY && self.codes.insert(account.code_hash) {
            code = self.view.code(account.code_hash)?;
        }
        let mut slots = BTreeSet::new();
        if account.storage_root != EMPTY_ROOT_HASH {
            for table in [tables::STORAGE, tables::STORAGE_HISTORY] {
                self.chain.each_key(table, address.as_slice(), |key| {
                    slots.extend(key.get(20..52).and_then(U256::try_from_be_slice));
                })?;
            }
        }
        let (nonce, balance, code_hash) = (account.nonce, account.balance, account.code_hash);
        let row = Row { address, nonce, balance, code, code_hash, slots: Vec::new() };
        Ok(Some((row, slots.into_iter().collect::<Vec<_>>().into_iter())))
    }

    /// What names the chunks, when all have been made.
    pub fn manifest(self) -> Result<Manifest, SnapshotError> {
        let height = self.view.height();
        let oldest = height.saturating_sub(MAX_HEADERS as u64 - 1);
        let mut headers = Vec::new();
        for number in oldest..=height {
            headers.extend(self.chain.header(number)?.map(|(_, header)| header));
        }
        // After a start from a snapshot the headers may begin later, but not with a gap.
        let gap = headers.windows(2).rposition(|pair| pair[1].number != pair[0].number + 1);
        headers.drain(..gap.map_or(0, |at| at + 1));
        Ok(Manifest {
            version: VERSION,
            genesis: self.chain.genesis_hash(),
            headers,
            certificate: self.chain.certificate(height)?.unwrap_or_default(),
            chunks: self.hashes,
        })
    }
}
