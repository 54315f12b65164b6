//! Files where the user put them.
//!
//! [`Storage`] is one torrent's files: it maps pieces to them, reads batches of blocks, writes whole verified pieces,
//! and knows by a file's [`Fingerprint`] whether somebody else wrote to it. Everything in here blocks; it runs on the
//! [`DiskPool`]'s threads. The layers, from the bottom: `error`, `beneath` (opening without leaving the folder), `cache`
//! (open files), `buffers`, `pool`, then `files`.

mod beneath;
mod buffers;
mod cache;
mod error;
mod files;
mod pool;
#[cfg(test)]
mod tests;

pub(crate) use beneath::ReadOnlyFile;
pub(crate) use buffers::{READ_BUFFER, ReadBuffers};
pub(crate) use cache::FileCache;
pub use error::{Action, StorageError};
pub(crate) use files::{Fingerprint, ReadFailure, Storage, Wait, is_stored};
pub(crate) use pool::{DiskPool, Urgency};
