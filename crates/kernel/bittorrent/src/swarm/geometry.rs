//! How a torrent's bytes are cut into pieces and blocks.

use crate::bitfield::Bitfield;
use crate::metainfo::MAX_PIECE_LEN;
use crate::wire::{BLOCK_LEN, BlockRef};

/// How a torrent is cut into pieces of equal length (the last may be shorter) and pieces into blocks of 16 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    piece_len: u32,
    total_len: u64,
    piece_count: u32,
}

impl Geometry {
    /// `piece_len` and `total_len` in bytes. `None` if either is 0, a piece is longer than
    /// [`MAX_PIECE_LEN`], or there are more than `u32::MAX` pieces.
    pub fn new(piece_len: u32, total_len: u64) -> Option<Self> {
        if piece_len == 0 || piece_len > MAX_PIECE_LEN || total_len == 0 {
            return None;
        }
        let piece_count = u32::try_from(total_len.div_ceil(u64::from(piece_len))).ok()?;
        Some(Self { piece_len, total_len, piece_count })
    }

    /// Number of pieces.
    pub fn piece_count(&self) -> u32 {
        self.piece_count
    }

    /// Length of every piece but the last, in bytes.
    pub fn nominal_piece_len(&self) -> u32 {
        self.piece_len
    }

    /// Length of all pieces together, in bytes.
    pub fn total_len(&self) -> u64 {
        self.total_len
    }

    /// Length of `piece` in bytes; 0 if there is no such piece.
    pub fn piece_len(&self, piece: u32) -> u32 {
        let start = u64::from(piece) * u64::from(self.piece_len);
        self.total_len.saturating_sub(start).min(u64::from(self.piece_len)) as u32
    }

    /// Length of the pieces in `set` together, in bytes.
    pub fn len_of(&self, set: &Bitfield) -> u64 {
        let last = self.piece_count - 1;
        let short = if set.contains(last) { self.piece_len - self.piece_len(last) } else { 0 };
        u64::from(set.count()) * u64::from(self.piece_len) - u64::from(short)
    }

    /// Number of blocks of `piece`.
    pub fn block_count(&self, piece: u32) -> u32 {
        self.piece_len(piece).div_ceil(BLOCK_LEN)
    }

    /// The block of `piece` with this index, if there is one.
    pub fn block(&self, piece: u32, index: u32) -> Option<BlockRef> {
        let begin = index.checked_mul(BLOCK_LEN)?;
        let len = self.piece_len(piece).checked_sub(begin)?.min(BLOCK_LEN);
        (len > 0).then_some(BlockRef { piece, begin, len })
    }

    /// The index of `block` in its piece if it is one of ours, exactly as we cut it.
    pub fn block_index(&self, block: &BlockRef) -> Option<u32> {
        let index = block.begin / BLOCK_LEN;
        (self.block(block.piece, index)? == *block).then_some(index)
    }

    /// Whether `block` lies within its piece, however it is cut.
    pub fn contains(&self, block: &BlockRef) -> bool {
        block.len > 0 && block.begin.checked_add(block.len).is_some_and(|end| end <= self.piece_len(block.piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_piece_and_block_are_shorter() {
        let g = Geometry::new(32 * 1024, 70_000).unwrap();
        assert_eq!((g.piece_count(), g.piece_len(0), g.piece_len(2), g.piece_len(3)), (3, 32768, 4464, 0));
        assert_eq!((g.block_count(0), g.block_count(2), g.block_count(9)), (2, 1, 0));
        assert_eq!(g.block(2, 0), Some(BlockRef { piece: 2, begin: 0, len: 4464 }));
        assert_eq!(g.block(2, 1), None);
        assert_eq!(g.block_index(&BlockRef { piece: 0, begin: 16384, len: 16384 }), Some(1));
        assert_eq!(g.block_index(&BlockRef { piece: 0, begin: 16384, len: 16383 }), None);
        assert!(g.contains(&BlockRef { piece: 2, begin: 4000, len: 464 }));
        assert!(!g.contains(&BlockRef { piece: 2, begin: 4000, len: 465 }));
        assert!(!g.contains(&BlockRef { piece: 0, begin: u32::MAX, len: 2 }));
        assert_eq!(g.block(u32::MAX, u32::MAX), None);
    }

    #[test]
    fn impossible_shapes_are_refused() {
        assert_eq!(Geometry::new(0, 1), None);
        assert_eq!(Geometry::new(1, 0), None);
        assert_eq!(Geometry::new(MAX_PIECE_LEN + 1, 1), None);
        assert_eq!(Geometry::new(1, 1 << 40), None);
    }
}
