//! Beginning a chain from a snapshot.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY, Nibbles};
use weft_store::{Batch, Durability, Store, Table};

use super::{MAX_CHUNK_BYTES, Manifest, Row, SnapshotError, decode_chunk};
use crate::block::{Body, Preamble, Receipt};
use crate::chain::tables::{self, StoredBody, height_key, meta};
use crate::chain::{SCAN, node_row};
use crate::genesis::Genesis;
use crate::state::{Account, StateError, address_key, slot_key, slot_value};
use crate::trie::{self, NodeSource, Owner};

/// 257: the snapshot's own header and the 256 that `BLOCKHASH` reaches.
pub const MAX_HEADERS: usize = 257;

/// Accounts or slots whose trie is computed at once.
const TRIE_STEP: usize = 20_000;

/// All tables that a state is in.
const STATE_TABLES: [Table; 5] =
    [tables::ACCOUNTS, tables::STORAGE, tables::CODE, tables::ACCOUNT_NODES, tables::STORAGE_NODES];

/// A header that is known to be decided, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidedHeader {
    /// The header.
    pub header: Header,
    /// Its certificate.
    pub certificate: Bytes,
}

/// Keeps decided headers in a store that has no chain yet, so that the chain which begins there at a snapshot has the whole
/// way to it, and can show it to others. The caller has checked them.
///
/// # Errors
/// [`SnapshotError::NotEmpty`] if the store has a chain.
pub fn keep_decided(store: &dyn Store, decided: &[DecidedHeader]) -> Result<(), SnapshotError> {
    if store.get(tables::META, meta::GENESIS)?.is_some() {
        return Err(SnapshotError::NotEmpty);
    }
    let mut batch = Batch::new().put(tables::META, meta::IMPORTING, [1]);
    for DecidedHeader { header, certificate } in decided {
        let (height, hash) = (height_key(header.number), header.hash_slow());
        batch = batch
            .put(tables::HEADERS, height, tables::write_header(hash, header))
            .put(tables::HEIGHTS, hash.to_vec(), height)
            .put(tables::CERTIFICATES, height, certificate.to_vec());
    }
    store.commit(batch, Durability::Buffer)?;
    Ok(())
}

/// The hash of a header that [was kept](keep_decided).
///
/// # Errors
/// [`SnapshotError`] if the store cannot be read.
pub fn kept_decided(store: &dyn Store, height: u64) -> Result<Option<B256>, SnapshotError> {
    let Some(row) = store.get(tables::HEADERS, &height_key(height))? else { return Ok(None) };
    Ok(Some(tables::read_header(&row)?.0))
}

/// A snapshot being taken in. Until [`finish`](Import::finish) the store has no chain; what a broken import leaves is
/// cleared by the next.
pub struct Import {
    store: Arc<dyn Store>,
    manifest: Manifest,
    genesis: Header,
    next: usize,
    last: Option<Row>,
}

impl fmt::Debug for Import {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Import({} of {} chunks)", self.next, self.manifest.chunks.len())
    }
}

impl Import {
    /// Begins. `trusted` is the hash of the block at the manifest's height, of which the caller is sure.
    pub fn begin(
        store: Arc<dyn Store>,
        genesis: &Genesis,
        manifest: Manifest,
        trusted: B256,
    ) -> Result<Self, SnapshotError> {
        let (header, _) = genesis.seal()?;
        let expected = header.hash_slow();
        if manifest.genesis != expected {
            return Err(SnapshotError::OtherChain { expected, found: manifest.genesis });
        }
        let found = manifest.header().map(|header| header.hash_slow()).unwrap_or_default();
        if found != trusted {
            return Err(SnapshotError::OtherBlock { expected: trusted, found });
        }
        if store.get(tables::META, meta::GENESIS)?.is_some() {
            return Err(SnapshotError::NotEmpty);
        }
        store.commit(Batch::new().put(tables::META, meta::IMPORTING, [1]), Durability::Sync)?;
        for table in STATE_TABLES {
            clear(&*store, table)?;
        }
        Ok(Import { store, manifest, genesis: header, next: 0, last: None })
    }

    /// Whether `manifest` names the same state in the same chunks: then they may come from its maker as well.
    pub fn is_of(&self, manifest: &Manifest) -> bool {
        self.manifest.chunks == manifest.chunks && self.manifest.header() == manifest.header()
    }

    /// The chunk that is wanted next: its index and hash; `None` if all are there.
    pub fn wanted(&self) -> Option<(usize, B256)> {
        Some((self.next, *self.manifest.chunks.get(self.next)?))
    }

    /// The chunk that is wanted after this one; `None` if that is the last.
    pub fn after(&self, index: usize) -> Option<(usize, B256)> {
        let next = index.checked_add(1)?;
        Some((next, *self.manifest.chunks.get(next)?))
    }

    /// Takes the next chunk. Any other is refused, and so is one that is not what the manifest says; the import goes on.
    pub fn add(&mut self, index: usize, chunk: &[u8]) -> Result<(), SnapshotError> {
        if index != self.next {
            return Err(SnapshotError::OutOfOrder { expected: self.next, found: index });
        }
        let expected = self.manifest.chunks.get(index).copied().unwrap_or_default();
        if chunk.len() > MAX_CHUNK_BYTES || keccak256(chunk) != expected {
            return Err(SnapshotError::WrongChunk { index });
        }
        let bad = |why: String| SnapshotError::BadChunk { index, why };
        let rows = decode_chunk(chunk).map_err(bad)?;
        let mut batch = Batch::new();
        let mut last = self.last.clone();
        for row in rows {
            if last.as_ref().is_some_and(|last| !follows(last, &row)) {
                return Err(bad(String::from("it does not follow the chunk before it")));
            }
            // The storage root is computed at the end, over all slots.
            let storage_root = EMPTY_ROOT_HASH;
            let account = Account { nonce: row.nonce, balance: row.balance, storage_root, code_hash: row.code_hash };
            batch = batch.put(tables::ACCOUNTS, row.address.to_vec(), tables::write_account(Some(&account)));
            if !row.code.is_empty() {
                batch = batch.put(tables::CODE, row.code_hash.to_vec(), row.code.to_vec());
            }
            for slot in &row.slots {
                let key = tables::slot_row(row.address, slot.slot);
                batch = batch.put(tables::STORAGE, key, tables::write_value(slot.value));
            }
            last = Some(Row { slots: row.slots.last().copied().into_iter().collect(), code: Bytes::new(), ..row });
        }
        self.store.commit(batch, Durability::Buffer)?;
        self.last = last;
        self.next += 1;
        Ok(())
    }

    /// Computes the state root over all that came and, if it is the header's, makes the store's chain begin at it.
    pub fn finish(self) -> Result<(), SnapshotError> {
        if let Some((index, _)) = self.wanted() {
            return Err(SnapshotError::OutOfOrder { expected: index, found: self.manifest.chunks.len() });
        }
        let header = self.manifest.header().cloned().unwrap_or_default();
        let found = self.build_tries()?;
        if found != header.state_root {
            for table in STATE_TABLES {
                clear(&*self.store, table)?;
            }
            return Err(SnapshotError::WrongRoot { expected: header.state_root, found });
        }
        let head = height_key(header.number);
        let mut batch = Batch::new().delete(tables::META, meta::IMPORTING);
        for known in self.manifest.headers.iter().chain([&self.genesis]) {
            let (height, hash) = (height_key(known.number), known.hash_slow());
            batch = batch.put(tables::HEADERS, height, tables::write_header(hash, known));
            batch = batch.put(tables::HEIGHTS, hash.to_vec(), height);
        }
        // One that was kept was checked; the manifest's is its maker's word.
        if self.store.get(tables::CERTIFICATES, &head)?.is_none() {
            batch = batch.put(tables::CERTIFICATES, head, self.manifest.certificate.to_vec());
        }
        // Of the blocks up to here only the first is known whole: nothing is in it.
        let body = Body { withdrawals: self.genesis.withdrawals_root.map(|_| Default::default()), ..Body::default() };
        let body = StoredBody::new(body, Vec::new(), &Preamble::default());
        let first = height_key(self.genesis.number);
        batch = batch.put(tables::BODIES, first, alloy_rlp::encode(body));
        batch = batch.put(tables::RECEIPTS, first, alloy_rlp::encode(Vec::<Receipt>::new()));
        for key in [meta::HEAD, meta::TRIE, meta::OLDEST_STATE, meta::OLDEST_PROOF, meta::OLDEST_BLOCK] {
            batch = batch.put(tables::META, key, head);
        }
        batch = batch.put(tables::META, meta::GENESIS, self.manifest.genesis.to_vec());
        self.store.commit(batch, Durability::Sync)?;
        Ok(())
    }

    /// All tries from the flat tables; gives the state root.
    fn build_tries(&self) -> Result<B256, SnapshotError> {
        let mut keys = BTreeMap::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let rows = self.store.scan(tables::ACCOUNTS, &[], after.as_deref(), SCAN)?;
            let Some((last, _)) = rows.last() else { break };
            after = Some(last.clone());
            for (key, _) in rows {
                let address = Address::try_from(&key[..]).map_err(|error| StateError::damaged("address", error))?;
                keys.insert(address_key(address), address);
            }
        }
        let mut root = EMPTY_ROOT_HASH;
        let mut updates = Vec::new();
        for (key, address) in keys {
            let row = self.store.get(tables::ACCOUNTS, address.as_slice())?.unwrap_or_default();
            let mut account = tables::read_account(&row)?.unwrap_or_default();
            let hash = account.code_hash;
            if hash != KECCAK_EMPTY && self.store.get(tables::CODE, hash.as_slice())?.is_none() {
                return Err(StateError::MissingCode { hash }.into());
            }
            account.storage_root = self.build_storage(key, address)?;
            let row = tables::write_account(Some(&account));
            if account.storage_root != EMPTY_ROOT_HASH {
                let batch = Batch::new().put(tables::ACCOUNTS, address.to_vec(), row.clone());
                self.store.commit(batch, Durability::Buffer)?;
            }
            updates.push((Nibbles::unpack(key), Some(Bytes::from(row))));
            if updates.len() >= TRIE_STEP {
                root = self.apply(None, root, &updates)?;
                updates.clear();
            }
        }
        self.apply(None, root, &updates)
    }

    fn build_storage(&self, key: B256, address: Address) -> Result<B256, SnapshotError> {
        let mut slots = BTreeMap::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let rows = self.store.scan(tables::STORAGE, address.as_slice(), after.as_deref(), SCAN)?;
            let Some((last, _)) = rows.last() else { break };
            after = Some(last.clone());
            for (row, value) in rows {
                let slot = row.get(20..).and_then(U256::try_from_be_slice).unwrap_or_default();
                slots.insert(slot_key(slot), slot_value(tables::read_value(&value)?));
            }
        }
        let updates: Vec<_> = slots.into_iter().collect();
        let mut root = EMPTY_ROOT_HASH;
        for step in updates.chunks(TRIE_STEP) {
            root = self.apply(Some(key), root, step)?;
        }
        Ok(root)
    }

    fn apply(&self, owner: Owner, root: B256, updates: &[trie::Update]) -> Result<B256, SnapshotError> {
        let done = trie::update(&Stored { store: &*self.store, owner }, root, updates)?;
        let mut batch = Batch::new();
        for change in done.nodes {
            let (table, key) = node_row(owner, &change.path);
            batch = match change.new {
                Some(node) => batch.put(table, key, node.to_vec()),
                None => batch.delete(table, key),
            };
        }
        self.store.commit(batch, Durability::Buffer)?;
        Ok(done.root)
    }
}

/// Whether a row may come after the last one: a later account, or the same with later slots.
fn follows(last: &Row, row: &Row) -> bool {
    let same = (row.nonce, row.balance, row.code_hash) == (last.nonce, last.balance, last.code_hash);
    let later = match (row.slots.first(), last.slots.last()) {
        (Some(first), Some(end)) => first.slot > end.slot,
        _ => true,
    };
    row.address > last.address || (row.address == last.address && same && later)
}

fn clear(store: &dyn Store, table: Table) -> Result<(), SnapshotError> {
    loop {
        let rows = store.scan(table, &[], None, SCAN)?;
        if rows.is_empty() {
            return Ok(());
        }
        let batch = rows.into_iter().fold(Batch::new(), |batch, (key, _)| batch.delete(table, key));
        store.commit(batch, Durability::Buffer)?;
    }
}

struct Stored<'a> {
    store: &'a dyn Store,
    owner: Owner,
}

impl NodeSource for Stored<'_> {
    fn node(&self, path: &Nibbles) -> Result<Option<Bytes>, StateError> {
        let (table, key) = node_row(self.owner, path);
        Ok(self.store.get(table, &key)?.map(Bytes::from))
    }
}
