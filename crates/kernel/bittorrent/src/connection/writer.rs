//! The outgoing half: encoded control messages and blocks, as slices for one `writev`.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::Bytes;

use super::{MAX_CONTROL_BYTES, MAX_QUEUED_BLOCKS, MAX_WRITTEN_BLOCKS, ProtocolError, WritePlan, Written};
use crate::wire::{BlockRef, Message, PIECE_HEADER_LEN, PieceHeader};

/// Control bytes already sent are cut off the front of the buffer when they are at least this many.
const COMPACT_AT: usize = 16 * 1024;

/// Capacity the control buffer keeps when it runs empty.
const KEEP_CAPACITY: usize = 16 * 1024;

#[derive(Debug)]
struct OutBlock {
    header: [u8; PIECE_HEADER_LEN],
    data: Bytes,
}

impl OutBlock {
    fn len(&self) -> usize {
        PIECE_HEADER_LEN + self.data.len()
    }
}

#[derive(Debug, Default)]
pub(super) struct Writer {
    control: Vec<u8>,
    /// Bytes of `control` already sent.
    control_sent: usize,
    blocks: VecDeque<OutBlock>,
    /// Bytes of the first block already sent.
    block_sent: usize,
    queued_payload: u64,
}

impl Writer {
    pub(super) fn push_bytes(&mut self, bytes: &[u8]) {
        self.control.extend_from_slice(bytes);
    }

    pub(super) fn push(&mut self, message: &Message) -> Result<(), ProtocolError> {
        if self.control.len() - self.control_sent + message.encoded_len() > MAX_CONTROL_BYTES {
            return Err(ProtocolError::Backlog);
        }
        message.encode(&mut self.control);
        Ok(())
    }

    pub(super) fn push_block(&mut self, piece: u32, begin: u32, data: Bytes) -> Result<(), ProtocolError> {
        if self.blocks.len() >= MAX_QUEUED_BLOCKS {
            return Err(ProtocolError::Backlog);
        }
        let len = u32::try_from(data.len()).map_err(|_| ProtocolError::Backlog)?;
        self.queued_payload += data.len() as u64;
        self.blocks.push_back(OutBlock { header: PieceHeader(BlockRef { piece, begin, len }).encode(), data });
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.control_sent == self.control.len() && self.blocks.is_empty()
    }

    pub(super) fn queued_payload(&self) -> u64 {
        self.queued_payload
    }

    /// A block begun is finished first, then control messages, then further blocks.
    pub(super) fn plan(&self, payload: usize) -> WritePlan<'_> {
        let mut plan = WritePlan::new();
        let mut blocks = self.blocks.iter().take(MAX_WRITTEN_BLOCKS);
        let mut left = payload;
        if self.block_sent > 0
            && let Some(block) = blocks.next()
        {
            if let Some(rest) = block.header.get(self.block_sent..) {
                plan.push(IoSlice::new(rest));
            }
            if let Some(rest) = block.data.get(self.block_sent.saturating_sub(PIECE_HEADER_LEN)..) {
                left = left.saturating_sub(rest.len());
                plan.push(IoSlice::new(rest));
            }
        }
        if let Some(rest) = self.control.get(self.control_sent..)
            && !rest.is_empty()
        {
            plan.push(IoSlice::new(rest));
        }
        for block in blocks {
            if left == 0 {
                break;
            }
            left = left.saturating_sub(block.data.len());
            plan.push(IoSlice::new(&block.header));
            plan.push(IoSlice::new(&block.data));
        }
        plan
    }

    pub(super) fn on_written(&mut self, n: usize) -> Written {
        let mut left = n;
        let mut written = Written::default();
        if self.block_sent > 0 {
            left = self.advance_block(left, &mut written);
        }
        if self.block_sent == 0 {
            let control = left.min(self.control.len() - self.control_sent);
            self.control_sent += control;
            left -= control;
            self.compact();
        }
        while left > 0 && !self.blocks.is_empty() {
            left = self.advance_block(left, &mut written);
        }
        debug_assert_eq!(left, 0, "more was written than was planned");
        self.queued_payload -= written.payload;
        written
    }

    /// Counts up to `n` bytes as sent of the first block; gives what is left of `n`.
    fn advance_block(&mut self, n: usize, written: &mut Written) -> usize {
        let Some(block) = self.blocks.front() else { return n };
        let len = block.len();
        let take = n.min(len - self.block_sent);
        let payload_at = |sent: usize| sent.saturating_sub(PIECE_HEADER_LEN) as u64;
        written.payload += payload_at(self.block_sent + take) - payload_at(self.block_sent);
        self.block_sent += take;
        if self.block_sent == len {
            self.blocks.pop_front();
            self.block_sent = 0;
            written.blocks += 1;
        }
        n - take
    }

    fn compact(&mut self) {
        if self.control_sent == self.control.len() {
            self.control.clear();
            self.control.shrink_to(KEEP_CAPACITY);
            self.control_sent = 0;
        } else if self.control_sent >= COMPACT_AT {
            self.control.drain(..self.control_sent);
            self.control_sent = 0;
        }
    }
}
