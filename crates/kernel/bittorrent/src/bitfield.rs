//! A set of piece indices in the bit order of the wire: piece 0 is the highest bit of the first byte (BEP 3).

use std::fmt;

const WORD: usize = 64;

/// A fixed-length set of piece indices.
///
/// Indices outside the length are never contained and inserting them does nothing, so that an index from a peer needs
/// no separate check to be safe.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bitfield {
    words: Vec<u64>,
    len: u32,
    count: u32,
}

/// Why bytes were not a bitfield of the expected length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BitfieldError {
    /// The number of bytes does not fit the number of pieces.
    #[error("a bitfield of {got} bytes where {want} belong")]
    Length {
        /// Bytes received.
        got: usize,
        /// Bytes the torrent's piece count needs.
        want: usize,
    },
    /// A bit after the last piece is set (BEP 3: spare bits are zero).
    #[error("a bitfield with a spare bit set")]
    SpareBit,
}

impl Bitfield {
    /// The empty set over `len` pieces.
    pub fn new(len: u32) -> Self {
        Self { words: vec![0; (len as usize).div_ceil(WORD)], len, count: 0 }
    }

    /// The full set over `len` pieces.
    pub fn full(len: u32) -> Self {
        let mut set = Self { words: vec![u64::MAX; (len as usize).div_ceil(WORD)], len, count: len };
        let spare = set.words.len() * WORD - len as usize;
        if let Some(last) = set.words.last_mut() {
            *last <<= spare;
        }
        set
    }

    /// Reads the wire form: exactly as many bytes as `len` pieces need, spare bits zero.
    pub fn from_bytes(bytes: &[u8], len: u32) -> Result<Self, BitfieldError> {
        let want = Self::byte_len(len);
        if bytes.len() != want {
            return Err(BitfieldError::Length { got: bytes.len(), want });
        }
        let mut words = Vec::with_capacity((len as usize).div_ceil(WORD));
        for chunk in bytes.chunks(8) {
            let mut word = [0u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            words.push(u64::from_be_bytes(word));
        }
        let spare = words.len() * WORD - len as usize;
        if let Some(last) = words.last()
            && spare > 0
            && last & ((1u64 << spare) - 1) != 0
        {
            return Err(BitfieldError::SpareBit);
        }
        let count = words.iter().map(|w| w.count_ones()).sum();
        Ok(Self { words, len, count })
    }

    /// The wire form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|w| w.to_be_bytes()).collect();
        bytes.truncate(Self::byte_len(self.len));
        bytes
    }

    /// Bytes the wire form of `len` pieces takes.
    pub fn byte_len(len: u32) -> usize {
        (len as usize).div_ceil(8)
    }

    /// Number of pieces the set ranges over.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether the set ranges over no piece at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of pieces in the set.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Whether every piece is in the set.
    pub fn is_full(&self) -> bool {
        self.count == self.len
    }

    /// Whether `index` is in the set.
    #[inline]
    pub fn contains(&self, index: u32) -> bool {
        self.words.get(index as usize / WORD).is_some_and(|w| w & Self::bit(index) != 0)
    }

    /// Adds `index`; true if it was not there before.
    pub fn insert(&mut self, index: u32) -> bool {
        if index >= self.len || self.contains(index) {
            return false;
        }
        if let Some(w) = self.words.get_mut(index as usize / WORD) {
            *w |= Self::bit(index);
            self.count += 1;
        }
        true
    }

    /// Removes `index`; true if it was there before.
    pub fn remove(&mut self, index: u32) -> bool {
        if !self.contains(index) {
            return false;
        }
        if let Some(w) = self.words.get_mut(index as usize / WORD) {
            *w &= !Self::bit(index);
            self.count -= 1;
        }
        true
    }

    /// Makes the set range over at least `len` pieces (used before a magnet's metadata is known).
    pub(crate) fn grow(&mut self, len: u32) {
        if len > self.len {
            self.len = len;
            self.words.resize((len as usize).div_ceil(WORD), 0);
        }
    }

    /// The indices in the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().enumerate().flat_map(|(i, w)| Bits { word: *w, base: (i * WORD) as u32 })
    }

    /// The lowest index at or above `from` that is in both sets.
    pub fn first_common(&self, other: &Bitfield, from: u32) -> Option<u32> {
        let start = from as usize / WORD;
        let mut mask = u64::MAX >> (from as usize % WORD);
        for (i, (a, b)) in self.words.iter().zip(&other.words).enumerate().skip(start) {
            let both = a & b & mask;
            if both != 0 {
                return Some((i * WORD) as u32 + both.leading_zeros());
            }
            mask = u64::MAX;
        }
        None
    }

    /// How many indices are in both sets.
    pub fn common_count(&self, other: &Bitfield) -> u32 {
        self.words.iter().zip(&other.words).map(|(a, b)| (a & b).count_ones()).sum()
    }

    /// How many indices from `from` up to, and without, `to` are in the set.
    pub fn count_between(&self, from: u32, to: u32) -> u32 {
        let to = to.min(self.len);
        if from >= to {
            return 0;
        }
        let (first, last) = (from as usize / WORD, (to as usize - 1) / WORD);
        let after = u64::MAX >> (from as usize % WORD);
        let before = u64::MAX << (WORD - 1 - (to as usize - 1) % WORD);
        let counted = self.words.iter().enumerate().take(last + 1).skip(first).map(|(at, word)| {
            let mut word = *word;
            if at == first {
                word &= after;
            }
            if at == last {
                word &= before;
            }
            word.count_ones()
        });
        counted.sum()
    }

    fn bit(index: u32) -> u64 {
        1 << (WORD - 1 - index as usize % WORD)
    }
}

impl fmt::Debug for Bitfield {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bitfield({}/{})", self.count, self.len)
    }
}

struct Bits {
    word: u64,
    base: u32,
}

impl Iterator for Bits {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.word == 0 {
            return None;
        }
        let at = self.word.leading_zeros();
        self.word &= !(1 << (63 - at));
        Some(self.base + at)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wire_order_is_high_bit_first() {
        let mut set = Bitfield::new(10);
        set.insert(0);
        set.insert(9);
        assert_eq!(set.to_bytes(), [0b1000_0000, 0b0100_0000]);
        assert_eq!(Bitfield::from_bytes(&[0, 0b0010_0000], 10), Err(BitfieldError::SpareBit));
        assert_eq!(Bitfield::from_bytes(&[0], 10), Err(BitfieldError::Length { got: 1, want: 2 }));
        assert_eq!(Bitfield::from_bytes(&[], 0).unwrap(), Bitfield::full(0));
    }

    proptest! {
        #[test]
        fn behaves_as_a_set(len in 0u32..300, picks in proptest::collection::vec(0u32..320, 0..200), from in 0u32..320) {
            let mut set = Bitfield::new(len);
            let mut model = BTreeSet::new();
            for (i, p) in picks.iter().enumerate() {
                if i % 5 == 4 {
                    prop_assert_eq!(set.remove(*p), model.remove(p));
                } else {
                    prop_assert_eq!(set.insert(*p), *p < len && model.insert(*p));
                }
            }
            prop_assert_eq!(set.count() as usize, model.len());
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(&Bitfield::from_bytes(&set.to_bytes(), len).unwrap(), &set);
            let full = Bitfield::full(len);
            prop_assert_eq!(full.iter().count() as u32, len);
            prop_assert_eq!(full.first_common(&set, from), model.range(from..).next().copied());
            prop_assert_eq!(full.common_count(&set), set.count());
            for to in [0, from, from + 1, from + 70, len] {
                prop_assert_eq!(set.count_between(from, to) as usize, model.iter().filter(|p| (from..to).contains(*p)).count());
            }
        }
    }
}
