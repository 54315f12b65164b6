//! The state at one height as a set of chunks that anyone may serve, and a chain begun from them.
//!
//! A [`Manifest`] names the chunks by their hashes, so that a node may fetch each from whom it likes. Its header is to be
//! trusted before anything is fetched (a certificate of the validators stands for it); the chunks need no trust: the
//! state root over all that they contain must be the header's, or nothing of it is taken.

mod export;
mod import;

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};

use crate::state::StateError;

pub use export::Snapshot;
pub use import::{DecidedHeader, Import, MAX_HEADERS, keep_decided, kept_decided};

/// 1 MiB: a chunk is closed when it has so much; one account's row with code may bring it to twice as much at most.
pub const CHUNK_BYTES: usize = 1 << 20;

/// The longest chunk taken.
pub const MAX_CHUNK_BYTES: usize = 2 * CHUNK_BYTES;

/// 65,536: the most chunks of a snapshot, some 64 GiB.
pub const MAX_CHUNKS: usize = 1 << 16;

/// 4 MiB: the longest manifest: its chunks' hashes, 256 headers, the certificate.
pub const MAX_MANIFEST_BYTES: usize = 4 << 20;

const VERSION: u8 = 1;

/// What a snapshot consists of.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Manifest {
    version: u8,
    /// The chain.
    pub genesis: B256,
    /// The headers up to the one whose state this is, the last: as many as the `BLOCKHASH` instruction reaches back to.
    pub headers: Vec<Header>,
    /// The certificate of the last header's block.
    pub certificate: Bytes,
    /// The hashes of the chunks, in order.
    pub chunks: Vec<B256>,
}

/// An account in a chunk. One with more slots than a chunk has room for comes again in the next, with the rest of them.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Row {
    pub(crate) address: Address,
    pub(crate) nonce: u64,
    pub(crate) balance: U256,
    /// The code, at its first row only.
    pub(crate) code: Bytes,
    pub(crate) code_hash: B256,
    pub(crate) slots: Vec<Slot>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Slot {
    pub(crate) slot: U256,
    pub(crate) value: U256,
}

/// Why a snapshot was not made or not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The manifest cannot be read.
    #[error("the snapshot's manifest is not valid: {0}")]
    Manifest(String),
    /// It is of another chain.
    #[error("the snapshot is of the chain with genesis {found}, not {expected}")]
    OtherChain {
        /// This chain's.
        expected: B256,
        /// The manifest's.
        found: B256,
    },
    /// The header is not the one trusted.
    #[error("the snapshot's block is {found}, not {expected}")]
    OtherBlock {
        /// The one trusted.
        expected: B256,
        /// The manifest's.
        found: B256,
    },
    /// A chunk is not the one that the manifest names.
    #[error("chunk {index} of the snapshot is not what its hash says: fetch it from someone else")]
    WrongChunk {
        /// Which.
        index: usize,
    },
    /// A chunk is the one named, but makes no sense: the manifest's maker is at fault.
    #[error("chunk {index} of the snapshot cannot be read ({why}): the snapshot is no good")]
    BadChunk {
        /// Which.
        index: usize,
        /// Why.
        why: String,
    },
    /// Chunks come in order.
    #[error("chunk {found} of the snapshot came where {expected} is next")]
    OutOfOrder {
        /// The next one.
        expected: usize,
        /// The one that came.
        found: usize,
    },
    /// All chunks are there, and their state is not the header's.
    #[error("the snapshot's state has the root {found}, not {expected}: nothing of it was taken")]
    WrongRoot {
        /// The header's.
        expected: B256,
        /// That of the chunks.
        found: B256,
    },
    /// The store has a chain already.
    #[error("the store has a chain already")]
    NotEmpty,
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] weft_store::CommitError),
}

impl From<weft_store::ReadError> for SnapshotError {
    fn from(error: weft_store::ReadError) -> Self {
        SnapshotError::State(error.into())
    }
}

impl Manifest {
    /// Reads a manifest that a stranger sent.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let wrong = |why: String| SnapshotError::Manifest(why);
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(wrong(format!("it has {} bytes, more than {MAX_MANIFEST_BYTES}", bytes.len())));
        }
        let mut rest = bytes;
        let manifest = <Manifest as Decodable>::decode(&mut rest).map_err(|error| wrong(error.to_string()))?;
        if !rest.is_empty() {
            return Err(wrong(String::from("something follows it")));
        }
        if manifest.version != VERSION {
            return Err(wrong(format!("its version is {}, known is {VERSION}", manifest.version)));
        }
        if manifest.headers.is_empty() || manifest.headers.len() > MAX_HEADERS {
            return Err(wrong(format!("it has {} headers, not 1 to {MAX_HEADERS}", manifest.headers.len())));
        }
        if manifest.chunks.len() > MAX_CHUNKS {
            return Err(wrong(format!("it has {} chunks, more than {MAX_CHUNKS}", manifest.chunks.len())));
        }
        for pair in manifest.headers.windows(2) {
            if pair[1].parent_hash != pair[0].hash_slow() || Some(pair[1].number) != pair[0].number.checked_add(1) {
                return Err(wrong(format!("the header of {} does not follow the one before it", pair[1].number)));
            }
        }
        Ok(manifest)
    }

    /// The manifest's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        Encodable::encode(self, &mut out);
        out
    }

    /// The header whose state this is.
    pub fn header(&self) -> Option<&Header> {
        self.headers.last()
    }
}

/// Reads a chunk whose hash was checked or not: rows by ascending address, slots ascending and not zero.
pub(crate) fn decode_chunk(bytes: &[u8]) -> Result<Vec<Row>, String> {
    if bytes.len() > MAX_CHUNK_BYTES {
        return Err(format!("it has {} bytes, more than {MAX_CHUNK_BYTES}", bytes.len()));
    }
    let mut rest = bytes;
    let rows = Vec::<Row>::decode(&mut rest).map_err(|error| error.to_string())?;
    if !rest.is_empty() {
        return Err(String::from("something follows it"));
    }
    let ordered = rows.windows(2).all(|pair| pair[0].address < pair[1].address);
    let slots_ordered = rows.iter().all(|row| row.slots.windows(2).all(|pair| pair[0].slot < pair[1].slot));
    if !ordered || !slots_ordered {
        return Err(String::from("it is not in order"));
    }
    if rows.iter().any(|row| row.slots.iter().any(|slot| slot.value.is_zero())) {
        return Err(String::from("a slot holds nothing"));
    }
    if rows.iter().any(|row| !row.code.is_empty() && keccak256(&row.code) != row.code_hash) {
        return Err(String::from("a code is not what its hash says"));
    }
    Ok(rows)
}

/// What a fuzzer gives to the readers of this module: they may refuse anything and panic at nothing.
#[doc(hidden)]
pub fn fuzz_chunk(bytes: &[u8]) -> bool {
    decode_chunk(bytes).is_ok()
}
