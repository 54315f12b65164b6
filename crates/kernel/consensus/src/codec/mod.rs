//! Bytes on the wire and on disk: bounded, and each value has one encoding only.
//!
//! Every item begins with [`VERSION`] and a byte for its kind. Numbers are big endian; a list has its count before it,
//! at most [`MAX_VALIDATORS`](crate::types::MAX_VALIDATORS); nothing may follow. Decoding takes any bytes without a
//! panic and never reserves more than they bear out.
//!
//! | item | kind | then |
//! |---|---|---|
//! | vote | `1` | vote |
//! | proposal | `2` | proposal |
//! | polka certificate | `3` | height, round, block, count, (address, signature)… |
//! | round certificate | `4` | height, round, 1 = skip or 2 = precommit, count, (kind, block or nil, address, signature)… |
//! | commit certificate | `5` | height, round, block, count, (address, signature)… by ascending address |
//! | evidence, votes | `6` | two votes, the lesser encoding first |
//! | evidence, proposals | `7` | two proposals, the lesser encoding first |
//! | WAL: verdict on a block | `8` | height, round, polka round, proposer, block, 1 = valid or 0 |
//! | WAL: a timeout passed | `9` | height, round, 1 = propose, 2 = prevote, 3 = precommit |
//!
//! vote = 1 = prevote or 2 = precommit, height, round, block or nil, address, signature. proposal = height, round, block,
//! polka round or nil, address, signature. "Or nil" is a byte 1 before the value, or a byte 0 alone.

mod items;
mod reader;
mod wal;

pub use items::{
    decode_certificate, decode_evidence, decode_message, encode_certificate, encode_evidence, encode_message,
};
pub use reader::{DecodeError, Reader};
pub use wal::{TimeoutStep, WalEntry, decode_wal_entry, encode_wal_entry};

/// Version of all encodings here.
pub const VERSION: u8 = 1;

/// Longest message: a round certificate with [`MAX_VALIDATORS`](crate::types::MAX_VALIDATORS) votes has 11,820 bytes.
/// Read no more than this from a peer.
pub const MAX_MESSAGE_LEN: usize = 12 * 1024;

/// Longest commit certificate, for those who store or fetch them.
pub const MAX_CERTIFICATE_LEN: usize = 9 * 1024;

/// Longest evidence.
pub const MAX_EVIDENCE_LEN: usize = 300;
