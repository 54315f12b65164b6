//! Where the bytes of pieces lie in files, and which pieces a file needs (BEP 3).
//!
//! A torrent is one run of bytes: its files end to end, cut into pieces. [`Layout`] maps between
//! the two by binary search and without allocating.

use std::{ops::RangeInclusive, sync::Arc};

use crate::metainfo::Info;

/// A run of bytes in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Index in [`Info::files`].
    pub file: u32,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// Length in bytes, never 0.
    pub len: u32,
    /// Whether the file is padding: read as zeros, never written (BEP 47).
    pub pad: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    start: u64,
    len: u64,
    pad: bool,
}

impl Extent {
    fn end(&self) -> u64 {
        // Their sum was checked when the info dictionary was read.
        self.start + self.len
    }
}

#[expect(clippy::reversed_empty_ranges, reason = "that is how an empty inclusive range is written")]
const NO_PIECES: RangeInclusive<u32> = 1..=0;

/// The map between pieces and files of one torrent. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    extents: Arc<[Extent]>,
    piece_length: u32,
    total_len: u64,
}

impl Layout {
    /// The layout of a torrent.
    pub fn new(info: &Info) -> Self {
        let extent =
            |file: &crate::metainfo::FileEntry| Extent { start: file.offset(), len: file.len(), pad: file.is_pad() };
        Self {
            extents: info.files().iter().map(extent).collect(),
            piece_length: info.piece_length(),
            total_len: info.total_len(),
        }
    }

    /// The layout of files without padding; `None` if their sum does not fit.
    pub(crate) fn of_lengths(lengths: impl IntoIterator<Item = u64>, piece_length: u32) -> Option<Self> {
        let mut total_len: u64 = 0;
        let mut extents = Vec::new();
        for len in lengths {
            extents.push(Extent { start: total_len, len, pad: false });
            total_len = total_len.checked_add(len)?;
        }
        Some(Self { extents: extents.into(), piece_length, total_len })
    }

    /// The spans, in order, of `len` bytes from `begin` in a piece. What lies outside the piece or
    /// the torrent gives nothing.
    ///
    /// Files of length 0 never appear.
    pub fn spans(&self, piece: u32, begin: u32, len: u32) -> Spans<'_> {
        let in_piece = self.piece_length.saturating_sub(begin).min(len);
        let start = u64::from(piece) * u64::from(self.piece_length) + u64::from(begin);
        self.spans_at(start, in_piece.into())
    }

    /// The spans, in order, of `len` bytes from an offset in the whole torrent. A span of more
    /// than `u32::MAX` bytes is given in parts.
    pub fn spans_at(&self, start: u64, len: u64) -> Spans<'_> {
        let end = start.saturating_add(len).min(self.total_len);
        // The first file that ends after the start: files of length 0 before it are passed over.
        let file = self.extents.partition_point(|extent| extent.end() <= start);
        Spans { extents: &self.extents, file, at: start, end }
    }

    /// The pieces that hold bytes of a file. Empty (`1..=0`) for a file that is empty or does not
    /// exist.
    pub fn file_pieces(&self, file: usize) -> RangeInclusive<u32> {
        let Some(extent) = self.extents.get(file).filter(|extent| extent.len > 0) else { return NO_PIECES };
        let piece = |offset: u64| (offset / u64::from(self.piece_length)) as u32;
        piece(extent.start)..=piece(extent.end() - 1)
    }

    /// The piece, and where in it, of an offset in a file; `None` past the file's end.
    pub fn locate(&self, file: usize, offset: u64) -> Option<(u32, u32)> {
        let extent = self.extents.get(file).filter(|extent| offset < extent.len)?;
        let at = extent.start + offset;
        let piece_length = u64::from(self.piece_length);
        // A piece index is below `MAX_PIECES`, a remainder below the piece length.
        Some(((at / piece_length) as u32, (at % piece_length) as u32))
    }
}

/// Iterator over the spans of a range; see [`Layout::spans`].
#[derive(Debug, Clone)]
pub struct Spans<'a> {
    extents: &'a [Extent],
    file: usize,
    at: u64,
    end: u64,
}

impl Iterator for Spans<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        while self.at < self.end {
            let extent = self.extents.get(self.file)?;
            let stop = extent.end().min(self.end);
            let Some(left) = stop.checked_sub(self.at).filter(|left| *left > 0) else {
                self.file += 1;
                continue;
            };
            let len = u32::try_from(left).unwrap_or(u32::MAX);
            let file = u32::try_from(self.file).ok()?;
            let span = Span { file, offset: self.at - extent.start, len, pad: extent.pad };
            self.at += u64::from(len);
            return Some(span);
        }
        None
    }
}

impl std::iter::FusedIterator for Spans<'_> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn layout(lens: &[u64], piece_length: u32) -> Layout {
        Layout::of_lengths(lens.iter().copied(), piece_length).unwrap()
    }

    fn span(file: u32, offset: u64, len: u32) -> Span {
        Span { file, offset, len, pad: false }
    }

    #[test]
    fn a_piece_over_three_files() {
        let layout = layout(&[10, 0, 4, 0, 20], 16);
        let spans: Vec<_> = layout.spans(0, 8, 8).collect();
        assert_eq!(spans, [span(0, 8, 2), span(2, 0, 4), span(4, 0, 2)]);
        assert_eq!(layout.spans(2, 0, 16).collect::<Vec<_>>(), [span(4, 18, 2)]);
        assert_eq!(layout.spans(3, 0, 16).count(), 0);
        assert_eq!(layout.spans(u32::MAX, u32::MAX, u32::MAX).count(), 0);
        assert_eq!(layout.spans(0, 12, 100).collect::<Vec<_>>(), [span(2, 2, 2), span(4, 0, 2)]);
        assert_eq!(layout.locate(4, 2), Some((1, 0)));
        assert_eq!(layout.locate(4, 20), None);
    }

    #[test]
    fn pieces_of_files() {
        let layout = layout(&[16, 0, 1, 40], 16);
        assert_eq!(layout.file_pieces(0), 0..=0);
        assert!(layout.file_pieces(1).is_empty());
        assert_eq!(layout.file_pieces(2), 1..=1);
        assert_eq!(layout.file_pieces(3), 1..=3);
        assert!(layout.file_pieces(4).is_empty());
    }

    #[test]
    fn long_spans_come_in_parts() {
        let layout = layout(&[6 << 30], 16 << 20);
        let spans: Vec<_> = layout.spans_at(1, 5 << 30).collect();
        assert_eq!(spans, [span(0, 1, u32::MAX), span(0, 1 << 32, (1 << 30) + 1)]);
    }

    proptest! {
        #[test]
        fn every_byte_lies_where_the_definition_says(
            lens in proptest::collection::vec(0u64..40, 1..12),
            piece_length in 1u32..50,
            piece in 0u32..12, begin in 0u32..60, len in 0u32..80,
        ) {
            let layout = layout(&lens, piece_length);
            let bytes: Vec<(u32, u64)> =
                lens.iter().enumerate().flat_map(|(f, &n)| (0..n).map(move |at| (f as u32, at))).collect();
            let start = (piece * piece_length + begin.min(piece_length)) as usize;
            let end = (piece * piece_length + begin.saturating_add(len).min(piece_length)) as usize;
            let wanted = bytes.get(start.min(bytes.len())..end.clamp(start, bytes.len().max(start)).min(bytes.len()))
                .unwrap_or_default();
            let got: Vec<(u32, u64)> = layout
                .spans(piece, begin, len)
                .flat_map(|s| (0..u64::from(s.len)).map(move |at| (s.file, s.offset + at)))
                .collect();
            prop_assert_eq!(&got[..], wanted);
            prop_assert!(layout.spans(piece, begin, len).all(|s| s.len > 0));
            for (file, &n) in lens.iter().enumerate() {
                let touched: std::collections::BTreeSet<u32> = (0..n)
                    .map(|at| layout.locate(file, at).unwrap().0)
                    .collect();
                prop_assert!(layout.file_pieces(file).eq(touched));
            }
        }
    }
}
