//! What is written together.

/// A named, ordered map of bytes to bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Table(&'static str);

impl Table {
    /// A table by its name: lower-case words joined by `-`, at most 64 bytes.
    ///
    /// # Panics
    /// At compile time (in a `const`) if the name is empty or too long.
    pub const fn new(name: &'static str) -> Self {
        assert!(!name.is_empty() && name.len() <= 64, "a table's name has 1 to 64 bytes");
        Table(name)
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// When a commit is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// When the operating system has the bytes: survives `kill -9`, not a power cut.
    Buffer,
    /// When the bytes are on the disk.
    Sync,
}

/// One change of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Set a key.
    Put(Table, Vec<u8>, Vec<u8>),
    /// Remove a key; nothing happens if it is not there.
    Delete(Table, Vec<u8>),
}

/// Changes that are applied together, in order, whole or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    pub(crate) ops: Vec<Op>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// With `key` set to `value`.
    pub fn put(mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.ops.push(Op::Put(table, key.into(), value.into()));
        self
    }

    /// With `key` removed.
    pub fn delete(mut self, table: Table, key: impl Into<Vec<u8>>) -> Self {
        self.ops.push(Op::Delete(table, key.into()));
        self
    }

    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// Bytes of all keys and values.
    pub fn bytes(&self) -> usize {
        self.ops
            .iter()
            .map(|op| match op {
                Op::Put(_, key, value) => key.len() + value.len(),
                Op::Delete(_, key) => key.len(),
            })
            .sum()
    }

    /// The longest key.
    pub(crate) fn longest_key(&self) -> usize {
        self.ops
            .iter()
            .map(|op| match op {
                Op::Put(_, key, _) | Op::Delete(_, key) => key.len(),
            })
            .max()
            .unwrap_or(0)
    }

    /// Whether a key is empty: no table takes one.
    pub(crate) fn has_empty_key(&self) -> bool {
        self.ops.iter().any(|op| matches!(op, Op::Put(_, key, _) | Op::Delete(_, key) if key.is_empty()))
    }
}
