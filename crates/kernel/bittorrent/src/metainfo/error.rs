//! Why metainfo is refused.

use super::{
    MAX_DUPLICATE_NAMES, MAX_FILES, MAX_METAINFO_LEN, MAX_PATH_DEPTH, MAX_PATH_LEN, MAX_PIECE_LEN, MAX_PIECES,
};
use crate::bencode::DecodeError;

/// Why bytes are not metainfo, or not metainfo that is safe to use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetainfoError {
    /// Over [`MAX_METAINFO_LEN`].
    #[error("the torrent file has {len} bytes, more than the {MAX_METAINFO_LEN} that are read")]
    TooLarge {
        /// Bytes given.
        len: usize,
    },
    /// Not bencoding.
    #[error("this is not a torrent file")]
    Bencode(#[from] DecodeError),
    /// The outermost value, or `info`, is no dictionary, or `info` is absent.
    #[error("the torrent file has no info dictionary")]
    MissingInfo,
    /// A `meta version` that is neither 1 nor 2 (BEP 52).
    #[error("the torrent has metadata version {0}; versions 1 and 2 are known")]
    Version(i64),
    /// The name is absent, no string, or nothing of it can be used.
    #[error("the torrent, or a file in it, has no usable name")]
    Name,
    /// `piece length` is absent, out of range, or for v2 not a power of two from 16 KiB.
    #[error("the piece length is missing or not in 1..={MAX_PIECE_LEN} (version 2: a power of two from 16384)")]
    PieceLength,
    /// `pieces` is absent or not a string.
    #[error("the torrent has no piece hashes")]
    MissingPieces,
    /// Another number of piece hashes than the files' length gives.
    #[error("the torrent has {found} bytes of piece hashes where its files need {needed}")]
    PieceHashes {
        /// Bytes of hashes present.
        found: usize,
        /// Bytes of hashes needed.
        needed: u64,
    },
    /// Over [`MAX_PIECES`].
    #[error("the torrent has {count} pieces, more than {MAX_PIECES}")]
    TooManyPieces {
        /// Pieces that the files' length gives.
        count: u64,
    },
    /// A length is absent, negative or too large, or the whole torrent is empty.
    #[error("a file's length is missing, negative or too large, or all files are empty")]
    Length,
    /// There are no files.
    #[error("the torrent has no files")]
    NoFiles,
    /// Over [`MAX_FILES`].
    #[error("the torrent has more than {MAX_FILES} files")]
    TooManyFiles,
    /// A path is no list of strings.
    #[error("a file's path is not a list of strings")]
    Path,
    /// Over [`MAX_PATH_DEPTH`] or [`MAX_PATH_LEN`].
    #[error("a file's path has more than {MAX_PATH_DEPTH} folders or {MAX_PATH_LEN} bytes")]
    PathTooLong,
    /// Over [`MAX_DUPLICATE_NAMES`].
    #[error("more than {MAX_DUPLICATE_NAMES} renames would be needed because files have the same path")]
    TooManyDuplicates,
    /// The v2 file tree is malformed or unsorted.
    #[error("the version 2 file tree is malformed: {0}")]
    FileTree(&'static str),
    /// A v2 file has no pieces root.
    #[error("a file has no pieces root")]
    PiecesRoot,
    /// A pad file where there can be none.
    #[error("the version 2 file tree contains a pad file")]
    PadFile,
    /// `piece layers` does not match the files.
    #[error("the piece layers do not match the files")]
    PieceLayer,
    /// The v1 and v2 halves of a hybrid torrent describe different files.
    #[error("the version 1 and version 2 parts of the torrent describe different files")]
    Inconsistent,
}
