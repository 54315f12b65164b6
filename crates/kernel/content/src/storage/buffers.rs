//! Buffers that content is read into on its way to peers, used again and again.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

/// 1 MiB: sixty-four blocks, the most that one read job answers.
pub(crate) const READ_BUFFER: usize = 1 << 20;

/// 64 KiB: for the few blocks that a slow peer asks for at a time, so that it does not hold a megabyte.
const SMALL_BUFFER: usize = 64 << 10;

/// 16 buffers of each size are kept for the next read; what comes back above that is freed.
const KEEP: usize = 16;

/// Free lists of read buffers of two sizes, shared by clones.
#[derive(Clone, Default)]
pub(crate) struct ReadBuffers {
    small: FreeList,
    large: FreeList,
}

type FreeList = Arc<Mutex<Vec<Vec<u8>>>>;

/// One buffer.
pub(crate) struct ReadBuffer {
    bytes: Vec<u8>,
    home: FreeList,
}

impl ReadBuffers {
    /// A buffer with room for `len` bytes, which are at most [`READ_BUFFER`].
    pub(crate) fn take(&self, len: usize) -> ReadBuffer {
        let (home, size) = if len <= SMALL_BUFFER { (&self.small, SMALL_BUFFER) } else { (&self.large, READ_BUFFER) };
        let bytes = home.lock().pop().unwrap_or_else(|| vec![0; size]);
        ReadBuffer { bytes, home: Arc::clone(home) }
    }
}

impl ReadBuffer {
    pub(crate) fn room(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// The buffer as shared bytes; it returns to the free list when the last slice of it is gone.
    pub(crate) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for ReadBuffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for ReadBuffer {
    fn drop(&mut self) {
        let mut free = self.home.lock();
        if free.len() < KEEP {
            free.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_with_its_last_slice() {
        let buffers = ReadBuffers::default();
        let mut buffer = buffers.take(3);
        buffer.room()[..3].copy_from_slice(b"abc");
        let bytes = buffer.freeze();
        let slice = bytes.slice(1..3);
        drop(bytes);
        assert_eq!((&slice[..], buffers.small.lock().len()), (&b"bc"[..], 0));
        drop(slice);
        assert_eq!(buffers.small.lock().len(), 1);
    }
}
