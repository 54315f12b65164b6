//! Metadata from peers (BEP 9, `ut_metadata`): the messages, and one peer's copy of an info dictionary in the making.

use bytes::{Bytes, BytesMut};
use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::bencode::{DecodeError, Item, Limits, decode_prefix};
use crate::id::InfoHash;
use crate::metainfo::MAX_METAINFO_LEN;

/// Length of a piece of metadata in bytes; the last may be shorter.
pub const METADATA_PIECE_LEN: usize = 16 * 1024;

/// Longest info dictionary taken from peers, in bytes: what a metainfo file may have.
pub const MAX_METADATA_LEN: u32 = MAX_METAINFO_LEN as u32;

/// Pieces asked for at once.
const PIPELINE: usize = 8;

/// A metadata message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataMessage {
    /// Asks for a piece.
    Request {
        /// Index of the piece of metadata.
        piece: u32,
    },
    /// A piece.
    Data {
        /// Index of the piece of metadata.
        piece: u32,
        /// Length of the whole info dictionary.
        total_size: u32,
        /// The piece's bytes.
        data: Bytes,
    },
    /// The piece will not be sent.
    Reject {
        /// Index of the piece of metadata.
        piece: u32,
    },
}

impl MetadataMessage {
    /// The payload of the extended message.
    pub fn encode(&self) -> Vec<u8> {
        let head = |kind: u32, piece: u32| [("msg_type", Item::from(kind)), ("piece", Item::from(piece))];
        match self {
            MetadataMessage::Request { piece } => Item::dict(head(0, *piece)).encode(),
            MetadataMessage::Reject { piece } => Item::dict(head(2, *piece)).encode(),
            MetadataMessage::Data { piece, total_size, data } => {
                let size = [("total_size", Item::from(*total_size))];
                let mut out = Item::dict(head(1, *piece).into_iter().chain(size)).encode();
                out.extend_from_slice(data);
                out
            }
        }
    }

    /// Reads the payload. `Ok(None)`: a type of message this version of BEP 9 does not define, to be ignored.
    pub fn decode(payload: &Bytes) -> Result<Option<Self>, DecodeError> {
        let (value, used) = decode_prefix(payload, Limits::MESSAGE)?;
        let dict = value.as_dict();
        let number = |key: &str| dict.and_then(|d| d.int(key)).and_then(|n| u32::try_from(n).ok());
        let Some(piece) = number("piece") else { return Ok(None) };
        Ok(match number("msg_type") {
            Some(0) => Some(MetadataMessage::Request { piece }),
            Some(1) => Some(MetadataMessage::Data {
                piece,
                total_size: number("total_size").unwrap_or(0),
                data: payload.slice(used.min(payload.len())..),
            }),
            Some(2) => Some(MetadataMessage::Reject { piece }),
            _ => None,
        })
    }
}

/// The piece of `metadata` with this index, if there is one.
pub fn piece_of(metadata: &Bytes, piece: u32) -> Option<Bytes> {
    let start = (piece as usize).checked_mul(METADATA_PIECE_LEN)?;
    let end = start.saturating_add(METADATA_PIECE_LEN).min(metadata.len());
    (start < end).then(|| metadata.slice(start..end))
}

/// Whether `metadata` is the info dictionary with this hash: SHA-1 of it (BEP 3), or SHA-256 cut to 20 bytes (BEP 52).
pub fn matches(metadata: &[u8], info_hash: &InfoHash) -> bool {
    let wanted = info_hash.as_bytes();
    Sha1::digest(metadata)[..] == wanted[..] || Sha256::digest(metadata)[..20] == wanted[..]
}

/// One peer's copy of the info dictionary, being fetched. Copies of several peers are never mixed, so that a copy with
/// the wrong hash convicts its sender.
#[derive(Debug)]
pub struct MetadataFetch {
    size: usize,
    /// Pieces received so far, in order of index; grows as they come, never by what is claimed.
    data: BytesMut,
    /// Pieces that came ahead of their turn.
    ahead: Vec<(u32, Bytes)>,
    /// The next piece to ask for.
    next: u32,
    /// Pieces asked for and not yet received.
    asked: Vec<u32>,
}

/// What came of a piece of metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// More is missing.
    More,
    /// All pieces are there; not yet verified.
    Complete(Bytes),
    /// It was not asked for or has the wrong length.
    Unexpected,
}

impl MetadataFetch {
    /// A fetch of `size` bytes. `None` if that is nothing or more than [`MAX_METADATA_LEN`].
    pub fn new(size: u32) -> Option<Self> {
        (1..=MAX_METADATA_LEN).contains(&size).then(|| Self {
            size: size as usize,
            data: BytesMut::new(),
            ahead: Vec::new(),
            next: 0,
            asked: Vec::new(),
        })
    }

    /// The next piece to ask the peer for, while fewer than eight are outstanding.
    pub fn next_request(&mut self) -> Option<u32> {
        let more = (self.next as usize).saturating_mul(METADATA_PIECE_LEN) < self.size;
        if !more || self.asked.len() + self.ahead.len() >= PIPELINE {
            return None;
        }
        let piece = self.next;
        self.next += 1;
        self.asked.push(piece);
        Some(piece)
    }

    /// Takes a piece.
    pub fn on_data(&mut self, piece: u32, data: Bytes) -> Fetched {
        let Some(at) = self.asked.iter().position(|p| *p == piece) else { return Fetched::Unexpected };
        let start = piece as usize * METADATA_PIECE_LEN;
        if data.len() != (self.size - start.min(self.size)).min(METADATA_PIECE_LEN) {
            return Fetched::Unexpected;
        }
        self.asked.swap_remove(at);
        self.ahead.push((piece, data));
        while let Some(i) = self.ahead.iter().position(|(p, _)| *p as usize * METADATA_PIECE_LEN == self.data.len()) {
            let (_, data) = self.ahead.swap_remove(i);
            self.data.extend_from_slice(&data);
        }
        if self.data.len() < self.size { Fetched::More } else { Fetched::Complete(self.data.split().freeze()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trip(kind in 0..3, piece in any::<u32>(), total_size in any::<u32>(), data in any::<Vec<u8>>()) {
            let message = match kind {
                0 => MetadataMessage::Request { piece },
                1 => MetadataMessage::Data { piece, total_size, data: data.into() },
                _ => MetadataMessage::Reject { piece },
            };
            prop_assert_eq!(MetadataMessage::decode(&message.encode().into()).unwrap(), Some(message));
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in any::<Vec<u8>>()) {
            let _ = MetadataMessage::decode(&bytes.into());
        }

        #[test]
        fn pieces_in_any_order_make_the_whole(len in 1usize..400_000, order in any::<u64>()) {
            let whole = Bytes::from((0..len).map(|i| (i >> 7) as u8).collect::<Vec<_>>());
            let mut fetch = MetadataFetch::new(len as u32).unwrap();
            let (mut asked, mut order) = (Vec::new(), order);
            loop {
                while let Some(piece) = fetch.next_request() {
                    asked.push(piece);
                }
                prop_assert!(asked.len() <= PIPELINE && !asked.is_empty());
                order = order.wrapping_mul(6364136223846793005).wrapping_add(1);
                let piece = asked.swap_remove((order >> 33) as usize % asked.len());
                let data = piece_of(&whole, piece).unwrap();
                prop_assert_eq!(fetch.on_data(piece + 1000, data.clone()), Fetched::Unexpected);
                match fetch.on_data(piece, data) {
                    Fetched::More => {}
                    Fetched::Complete(got) => {
                        prop_assert_eq!(got, whole);
                        break;
                    }
                    Fetched::Unexpected => prop_assert!(false),
                }
            }
        }
    }

    #[test]
    fn sizes_are_bounded() {
        assert!(MetadataFetch::new(0).is_none() && MetadataFetch::new(MAX_METADATA_LEN + 1).is_none());
        let mut fetch = MetadataFetch::new(20_000).unwrap();
        assert_eq!((fetch.next_request(), fetch.next_request(), fetch.next_request()), (Some(0), Some(1), None));
        assert_eq!(fetch.on_data(1, Bytes::from_static(&[0; 3617])), Fetched::Unexpected);
        assert_eq!(fetch.on_data(1, Bytes::from_static(&[0; 3616])), Fetched::More);
    }
}
