//! Buffers that blocks are received into, and the pool they return to.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::wire::BLOCK_LEN;

const CAPACITY: usize = BLOCK_LEN as usize;

type Buffer = Box<[u8; CAPACITY]>;

/// A bounded free list of block buffers, shared by clones.
///
/// A buffer taken when the list is empty is allocated (zeroed once); a buffer given back is reused without zeroing,
/// because a receiver only ever reads the bytes a peer filled.
#[derive(Clone)]
pub struct BlockPool {
    shared: Arc<Shared>,
}

struct Shared {
    free: Mutex<Vec<Buffer>>,
    keep: usize,
}

impl BlockPool {
    /// A pool that keeps at most `keep` free buffers (16 KiB each); what comes back above that is freed.
    pub fn new(keep: usize) -> Self {
        Self { shared: Arc::new(Shared { free: Mutex::new(Vec::new()), keep }) }
    }

    /// Takes one empty buffer.
    pub fn take(&self) -> BlockBuf {
        let data = self.free().pop().unwrap_or_else(fresh);
        BlockBuf { data: Some(data), len: 0, pool: Some(Arc::clone(&self.shared)) }
    }

    /// Free buffers at this moment.
    pub fn free_len(&self) -> usize {
        self.free().len()
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Buffer>> {
        self.shared.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for BlockPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockPool").field("free", &self.free_len()).field("keep", &self.shared.keep).finish()
    }
}

fn fresh() -> Buffer {
    // Through a vector, so that 16 KiB never stand on the stack.
    vec![0u8; CAPACITY].into_boxed_slice().try_into().unwrap_or_else(|_| Box::new([0; CAPACITY]))
}

/// An owned buffer of one block: 16 KiB of room, of which [`BlockBuf::len`] bytes hold data. Returns to its pool when
/// dropped.
pub struct BlockBuf {
    data: Option<Buffer>,
    len: u32,
    pool: Option<Arc<Shared>>,
}

impl BlockBuf {
    /// A buffer of no pool holding a copy of `data`, of which at most 16 KiB are taken.
    pub fn copy_from(data: &[u8]) -> Self {
        let mut block = Self { data: Some(fresh()), len: 0, pool: None };
        block.fill_from(data);
        block
    }

    /// Number of bytes of data.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether it holds no data.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The data.
    pub fn as_slice(&self) -> &[u8] {
        self.data.as_deref().and_then(|d| d.get(..self.len as usize)).unwrap_or_default()
    }

    /// All the room there is, for reading into.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        self.data.as_deref_mut().map(|d| &mut d[..]).unwrap_or_default()
    }

    /// The first `n` bytes of the room, whether or not they are data yet.
    pub(crate) fn filled(&self, n: usize) -> &[u8] {
        self.data.as_deref().and_then(|d| d.get(..n)).unwrap_or_default()
    }

    pub(crate) fn set_len(&mut self, len: u32) {
        self.len = len.min(BLOCK_LEN);
    }

    pub(crate) fn fill_from(&mut self, data: &[u8]) {
        let n = data.len().min(CAPACITY);
        if let (Some(to), Some(from)) = (self.room().get_mut(..n), data.get(..n)) {
            to.copy_from_slice(from);
        }
        self.set_len(n as u32);
    }
}

impl Drop for BlockBuf {
    fn drop(&mut self) {
        if let (Some(data), Some(pool)) = (self.data.take(), self.pool.take()) {
            let mut free = pool.free.lock().unwrap_or_else(PoisonError::into_inner);
            if free.len() < pool.keep {
                free.push(data);
            }
        }
    }
}

impl AsRef<[u8]> for BlockBuf {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl std::ops::Deref for BlockBuf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl fmt::Debug for BlockBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockBuf({} bytes)", self.len)
    }
}

impl PartialEq for BlockBuf {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for BlockBuf {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_keeps_no_more_than_its_bound() {
        let pool = BlockPool::new(2);
        let taken: Vec<_> = (0..5).map(|_| pool.take()).collect();
        drop(taken);
        assert_eq!(pool.free_len(), 2);
        let again = pool.take();
        assert_eq!((pool.free_len(), again.len()), (1, 0));
    }

    #[test]
    fn data_longer_than_a_block_is_cut() {
        let block = BlockBuf::copy_from(&vec![7; CAPACITY + 5]);
        assert_eq!(block.len(), CAPACITY);
        assert!(BlockBuf::copy_from(&[]).is_empty());
    }
}
