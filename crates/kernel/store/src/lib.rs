//! Durable state behind a small trait.
//!
//! ```
//! use weft_store::{Batch, Durability, MemoryStore, Store, Table};
//!
//! const PETS: Table = Table::new("pets");
//!
//! let store = MemoryStore::default();
//! store.commit(Batch::new().put(PETS, "cat/1", "Ada").put(PETS, "dog/1", "Rex"), Durability::Sync)?;
//! assert_eq!(store.get(PETS, b"cat/1")?.as_deref(), Some(&b"Ada"[..]));
//! assert_eq!(store.scan(PETS, b"dog/", None, 10)?.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Concepts
//! - A **table** is a named, ordered map of bytes to bytes. Each crate names its own tables.
//! - A **batch** is applied whole or not at all, over as many tables as it names.
//! - **Durability** is the writer's choice: [`Durability::Sync`] returns when the batch is on the disk (keys, votes,
//!   contacts); [`Durability::Buffer`] when the operating system has it, which `kill -9` does not undo but a power cut may
//!   (resume state: a recheck mends it).
//! - A store that cannot write is **read-only** with a [cause and a mend](StoreHealth), and goes on by itself when mended:
//!   [`FjallStore`] watches the free space, stops before the disk is full, and reopens its database after an error.

mod batch;
mod disk;
mod error;
mod memory;

pub use batch::{Batch, Durability, Op, Table};
pub use disk::{FjallStore, StoreOptions};
pub use error::{CommitError, OpenError, ReadError, StoreHealth};
pub use memory::MemoryStore;

/// One key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// 64 KiB: the longest key a table takes.
pub const MAX_KEY_BYTES: usize = 65_535;

/// An ordered key–value store with atomic batches.
///
/// Calls block on the disk: from async code use `spawn_blocking`, or be sure that the calls are few and small.
pub trait Store: Send + Sync + 'static {
    /// The value of `key`.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError>;

    /// At most `limit` entries whose keys begin with `prefix`, in key order, after the key `after` if one is given.
    fn scan(&self, table: Table, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, ReadError>;

    /// Applies `batch` whole, with the durability asked for.
    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), CommitError>;

    /// Whether it can write, and if not, why and what to do.
    fn health(&self) -> StoreHealth;
}
