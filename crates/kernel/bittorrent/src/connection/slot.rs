//! Where predicted blocks are read to, and what becomes of it after a surprise.

use std::collections::VecDeque;

use crate::block::{BlockBuf, BlockPool};
use crate::wire::{BlockRef, PIECE_HEADER_LEN, PieceHeader};

/// Length prefix and id: what tells a block's header from another message.
pub(super) const PREFIX: usize = 5;

/// Room for one predicted block with its header.
pub(super) struct Slot {
    pub(super) header: [u8; PIECE_HEADER_LEN],
    pub(super) data: BlockBuf,
    /// Length of the block expected here.
    pub(super) want: u32,
}

impl Slot {
    pub(super) fn new(pool: &BlockPool) -> Self {
        Self { header: [0; PIECE_HEADER_LEN], data: pool.take(), want: 0 }
    }

    pub(super) fn len(&self) -> usize {
        PIECE_HEADER_LEN + self.want as usize
    }

    /// Whether the first `n` bytes can be those of a block of the expected length.
    pub(super) fn matches(&self, n: usize) -> bool {
        let expected = prefix(self.want);
        let n = n.min(PREFIX);
        self.header[..n] == expected[..n]
    }
}

pub(super) fn prefix(len: u32) -> [u8; PREFIX] {
    let mut out = [0; PREFIX];
    let header = PieceHeader(BlockRef { piece: 0, begin: 0, len }).encode();
    out.copy_from_slice(&header[..PREFIX]);
    out
}

/// Bytes read into slots that did not hold what was predicted, in order.
#[derive(Default)]
pub(super) struct Rope {
    parts: VecDeque<Slot>,
    /// Bytes of the first part already used.
    used: usize,
    /// Bytes not yet used.
    pub(super) left: usize,
}

impl Rope {
    /// Takes the slots that hold the first `filled` bytes.
    pub(super) fn new(slots: &mut VecDeque<Slot>, filled: usize) -> Self {
        let mut parts = VecDeque::new();
        let mut covered = 0;
        while covered < filled
            && let Some(slot) = slots.pop_front()
        {
            covered += slot.len();
            parts.push_back(slot);
        }
        Self { parts, used: 0, left: filled.min(covered) }
    }

    /// Runs over the next `n` bytes without using them.
    fn each(&self, n: usize, mut visit: impl FnMut(&[u8])) {
        let mut n = n.min(self.left);
        let mut used = self.used;
        for slot in &self.parts {
            let (head, body) = (&slot.header[used.min(PIECE_HEADER_LEN)..], used.saturating_sub(PIECE_HEADER_LEN));
            let body = slot.data.filled(slot.want as usize).get(body..).unwrap_or_default();
            for part in [head, body] {
                let take = part.len().min(n);
                if let Some(part) = part.get(..take).filter(|p| !p.is_empty()) {
                    visit(part);
                }
                n -= take;
            }
            if n == 0 {
                break;
            }
            used = 0;
        }
    }

    /// The next bytes, zeros where there are none.
    pub(super) fn peek<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        let mut at = 0;
        self.each(N, |part| {
            if let Some(to) = out.get_mut(at..at + part.len()) {
                to.copy_from_slice(part);
            }
            at += part.len();
        });
        out
    }

    /// Uses the next bytes: fills `out` from the front.
    pub(super) fn copy_to(&mut self, out: &mut [u8]) {
        let n = out.len();
        let mut at = 0;
        self.each(n, |part| {
            if let Some(to) = out.get_mut(at..at + part.len()) {
                to.copy_from_slice(part);
            }
            at += part.len();
        });
        self.skip(n);
    }

    /// Uses up to `n` bytes; gives how many there were.
    pub(super) fn skip(&mut self, n: usize) -> usize {
        let n = n.min(self.left);
        self.left -= n;
        self.used += n;
        while let Some(first) = self.parts.front()
            && (self.used >= first.len() || self.left == 0)
        {
            self.used = self.used.saturating_sub(first.len());
            // Its buffer goes back to the pool, and from there to the next block.
            self.parts.pop_front();
        }
        if self.parts.is_empty() {
            self.used = 0;
        }
        n
    }
}
