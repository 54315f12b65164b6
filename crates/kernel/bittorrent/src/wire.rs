//! The peer wire protocol's vocabulary: handshake, messages and their bytes (BEP 3, 5, 6, 10).
//!
//! A [`Message`] never carries a block: payload travels as [`crate::connection::Event::Block`] and
//! [`crate::connection::Connection::send_block`], so that it is neither copied nor looked at here. The header before
//! a block is a [`PieceHeader`].

use bytes::{BufMut, Bytes};

use crate::id::{InfoHash, PeerId};

/// Length of a block, the unit of request and transfer, in bytes. The last block of a torrent may be shorter. Every
/// client uses 16 KiB (BEP 3), and so do the leaves of v2's hash trees.
pub const BLOCK_LEN: u32 = 16 * 1024;

/// Bytes before the data of a PIECE message: length prefix, id, piece, begin.
pub const PIECE_HEADER_LEN: usize = 13;

/// Length of the handshake in bytes.
pub const HANDSHAKE_LEN: usize = 68;

const PROTOCOL: &[u8; 20] = b"\x13BitTorrent protocol";

/// A part of a piece: what a request names and a block message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockRef {
    /// Index of the piece.
    pub piece: u32,
    /// Offset in the piece, in bytes.
    pub begin: u32,
    /// Length in bytes.
    pub len: u32,
}

/// The eight reserved bytes of a handshake: which extensions a peer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reserved(pub [u8; 8]);

impl Reserved {
    /// What Weft speaks: the extension protocol and the fast extension; the DHT bit as given.
    pub fn ours(dht: bool) -> Self {
        Self([0, 0, 0, 0, 0, 0x10, 0, 0x04 | u8::from(dht)])
    }

    /// The extension protocol (BEP 10).
    pub fn extended(self) -> bool {
        self.0[5] & 0x10 != 0
    }

    /// The fast extension (BEP 6).
    pub fn fast(self) -> bool {
        self.0[7] & 0x04 != 0
    }

    /// The peer runs a DHT node (BEP 5).
    pub fn dht(self) -> bool {
        self.0[7] & 0x01 != 0
    }
}

/// The first 68 bytes of a connection (BEP 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handshake {
    /// Extension bits.
    pub reserved: Reserved,
    /// The torrent the peer wants to speak about.
    pub info_hash: InfoHash,
    /// Who the peer says it is. Not proven by anything.
    pub peer_id: PeerId,
}

impl Handshake {
    /// The wire form.
    pub fn encode(&self) -> [u8; HANDSHAKE_LEN] {
        let mut out = [0; HANDSHAKE_LEN];
        out[..20].copy_from_slice(PROTOCOL);
        out[20..28].copy_from_slice(&self.reserved.0);
        out[28..48].copy_from_slice(self.info_hash.as_bytes());
        out[48..].copy_from_slice(self.peer_id.as_bytes());
        out
    }

    /// Reads the wire form.
    pub fn decode(bytes: &[u8; HANDSHAKE_LEN]) -> Result<Self, WireError> {
        let (protocol, rest) = bytes.split_first_chunk::<20>().ok_or(WireError::NotBitTorrent)?;
        if protocol != PROTOCOL {
            return Err(WireError::NotBitTorrent);
        }
        let (reserved, rest) = rest.split_first_chunk::<8>().ok_or(WireError::NotBitTorrent)?;
        let (info_hash, rest) = rest.split_first_chunk::<20>().ok_or(WireError::NotBitTorrent)?;
        let peer_id = rest.first_chunk::<20>().ok_or(WireError::NotBitTorrent)?;
        Ok(Self {
            reserved: Reserved(*reserved),
            info_hash: InfoHash::from(*info_hash),
            peer_id: PeerId::from(*peer_id),
        })
    }

    /// Whether `bytes`, the first of a connection, can still become a handshake. Lets one port serve BitTorrent and
    /// TLS: the first byte suffices to tell them apart.
    pub fn is_prefix(bytes: &[u8]) -> bool {
        let n = bytes.len().min(PROTOCOL.len());
        bytes[..n] == PROTOCOL[..n]
    }
}

/// Why bytes were not valid peer wire protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The connection does not begin with a BitTorrent handshake.
    #[error("the peer does not speak BitTorrent")]
    NotBitTorrent,
    /// A message of a known kind has a length it cannot have.
    #[error("message {id} has {len} bytes, which it cannot have")]
    Length {
        /// The message's id.
        id: u8,
        /// Its length after the length prefix, id included.
        len: u32,
    },
}

/// Message ids (BEP 3, 5, 6, 10).
mod id {
    pub(super) const CHOKE: u8 = 0;
    pub(super) const UNCHOKE: u8 = 1;
    pub(super) const INTERESTED: u8 = 2;
    pub(super) const NOT_INTERESTED: u8 = 3;
    pub(super) const HAVE: u8 = 4;
    pub(crate) const BITFIELD: u8 = 5;
    pub(super) const REQUEST: u8 = 6;
    pub(crate) const PIECE: u8 = 7;
    pub(super) const CANCEL: u8 = 8;
    pub(super) const PORT: u8 = 9;
    pub(super) const SUGGEST: u8 = 13;
    pub(super) const HAVE_ALL: u8 = 14;
    pub(super) const HAVE_NONE: u8 = 15;
    pub(super) const REJECT: u8 = 16;
    pub(super) const ALLOWED_FAST: u8 = 17;
    pub(crate) const EXTENDED: u8 = 20;
}

/// Any message but a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Nothing, so that the connection is not taken for dead (BEP 3).
    KeepAlive,
    /// Requests are not served from now on.
    Choke,
    /// Requests are served from now on.
    Unchoke,
    /// The sender wants pieces the receiver has.
    Interested,
    /// The sender wants nothing the receiver has.
    NotInterested,
    /// The sender has verified this piece.
    Have {
        /// Index of the piece.
        piece: u32,
    },
    /// The pieces the sender has, in wire form; [`crate::bitfield::Bitfield::from_bytes`] reads it.
    Bitfield(Bytes),
    /// Asks for a block.
    Request(BlockRef),
    /// Takes a request back.
    Cancel(BlockRef),
    /// UDP port of the sender's DHT node (BEP 5).
    Port(u16),
    /// Recommends a piece (BEP 6).
    Suggest {
        /// Index of the piece.
        piece: u32,
    },
    /// The sender has every piece (BEP 6).
    HaveAll,
    /// The sender has no piece (BEP 6).
    HaveNone,
    /// A request will not be served (BEP 6).
    Reject(BlockRef),
    /// Requests for this piece are served although choked (BEP 6).
    AllowedFast {
        /// Index of the piece.
        piece: u32,
    },
    /// An extension's message (BEP 10). Id 0 is the extension handshake.
    Extended {
        /// The receiver's number for the extension.
        id: u8,
        /// What follows.
        payload: Bytes,
    },
}

/// What the first bytes after a length prefix announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A message [`Message::decode`] reads.
    Message,
    /// A block.
    Piece,
    /// A message of a protocol we do not speak; to be skipped.
    Unknown,
}

impl Kind {
    pub(crate) fn of(id: u8) -> Self {
        match id {
            id::PIECE => Kind::Piece,
            0..=id::PORT | id::SUGGEST..=id::ALLOWED_FAST | id::EXTENDED => Kind::Message,
            _ => Kind::Unknown,
        }
    }
}

pub(crate) use id::{BITFIELD as ID_BITFIELD, EXTENDED as ID_EXTENDED, PIECE as ID_PIECE};

impl Message {
    /// Bytes [`Message::encode`] appends, length prefix included.
    pub fn encoded_len(&self) -> usize {
        4 + match self {
            Message::KeepAlive => 0,
            Message::Choke | Message::Unchoke | Message::Interested | Message::NotInterested => 1,
            Message::HaveAll | Message::HaveNone => 1,
            Message::Port(_) => 3,
            Message::Have { .. } | Message::Suggest { .. } | Message::AllowedFast { .. } => 5,
            Message::Request(_) | Message::Cancel(_) | Message::Reject(_) => 13,
            Message::Bitfield(bits) => 1 + bits.len(),
            Message::Extended { payload, .. } => 2 + payload.len(),
        }
    }

    /// Appends the wire form, length prefix included.
    pub fn encode(&self, out: &mut impl BufMut) {
        out.put_u32((self.encoded_len() - 4) as u32);
        match self {
            Message::KeepAlive => {}
            Message::Choke => out.put_u8(id::CHOKE),
            Message::Unchoke => out.put_u8(id::UNCHOKE),
            Message::Interested => out.put_u8(id::INTERESTED),
            Message::NotInterested => out.put_u8(id::NOT_INTERESTED),
            Message::Have { piece } => put_index(out, id::HAVE, *piece),
            Message::Bitfield(bits) => {
                out.put_u8(id::BITFIELD);
                out.put_slice(bits);
            }
            Message::Request(block) => put_block(out, id::REQUEST, block),
            Message::Cancel(block) => put_block(out, id::CANCEL, block),
            Message::Port(port) => {
                out.put_u8(id::PORT);
                out.put_u16(*port);
            }
            Message::Suggest { piece } => put_index(out, id::SUGGEST, *piece),
            Message::HaveAll => out.put_u8(id::HAVE_ALL),
            Message::HaveNone => out.put_u8(id::HAVE_NONE),
            Message::Reject(block) => put_block(out, id::REJECT, block),
            Message::AllowedFast { piece } => put_index(out, id::ALLOWED_FAST, *piece),
            Message::Extended { id, payload } => {
                out.put_u8(id::EXTENDED);
                out.put_u8(*id);
                out.put_slice(payload);
            }
        }
    }

    /// Reads the bytes after a length prefix. `Ok(None)` is a message of an extension we do not know (its bytes are to
    /// be skipped), or a block, which is not a message here.
    pub fn decode(frame: &[u8]) -> Result<Option<Self>, WireError> {
        let Some((&id, body)) = frame.split_first() else {
            return Ok(Some(Message::KeepAlive));
        };
        let bad = || WireError::Length { id, len: frame.len() as u32 };
        let bare = |m: Message| if body.is_empty() { Ok(m) } else { Err(bad()) };
        let index = || <[u8; 4]>::try_from(body).map(u32::from_be_bytes).map_err(|_| bad());
        let block = || get_block(body).ok_or_else(bad);
        Ok(Some(match id {
            id::CHOKE => bare(Message::Choke)?,
            id::UNCHOKE => bare(Message::Unchoke)?,
            id::INTERESTED => bare(Message::Interested)?,
            id::NOT_INTERESTED => bare(Message::NotInterested)?,
            id::HAVE => Message::Have { piece: index()? },
            id::BITFIELD => Message::Bitfield(Bytes::copy_from_slice(body)),
            id::REQUEST => Message::Request(block()?),
            id::CANCEL => Message::Cancel(block()?),
            id::PORT => Message::Port(<[u8; 2]>::try_from(body).map(u16::from_be_bytes).map_err(|_| bad())?),
            id::SUGGEST => Message::Suggest { piece: index()? },
            id::HAVE_ALL => bare(Message::HaveAll)?,
            id::HAVE_NONE => bare(Message::HaveNone)?,
            id::REJECT => Message::Reject(block()?),
            id::ALLOWED_FAST => Message::AllowedFast { piece: index()? },
            id::EXTENDED => {
                let (&id, payload) = body.split_first().ok_or_else(bad)?;
                Message::Extended { id, payload: Bytes::copy_from_slice(payload) }
            }
            _ => return Ok(None),
        }))
    }
}

/// What stands before a block's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PieceHeader(pub BlockRef);

impl PieceHeader {
    /// The wire form.
    pub fn encode(self) -> [u8; PIECE_HEADER_LEN] {
        let mut out = [0; PIECE_HEADER_LEN];
        out[..4].copy_from_slice(&(self.0.len.saturating_add(9)).to_be_bytes());
        out[4] = id::PIECE;
        out[5..9].copy_from_slice(&self.0.piece.to_be_bytes());
        out[9..].copy_from_slice(&self.0.begin.to_be_bytes());
        out
    }

    /// Reads the wire form, length prefix included. `None` if these bytes are not the header of a block.
    pub fn decode(bytes: &[u8; PIECE_HEADER_LEN]) -> Option<Self> {
        let word = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
        if bytes[4] != id::PIECE {
            return None;
        }
        Some(Self(BlockRef { len: word(0)?.checked_sub(9)?, piece: word(5)?, begin: word(9)? }))
    }
}

fn put_index(out: &mut impl BufMut, id: u8, piece: u32) {
    out.put_u8(id);
    out.put_u32(piece);
}

fn put_block(out: &mut impl BufMut, id: u8, block: &BlockRef) {
    out.put_u8(id);
    out.put_u32(block.piece);
    out.put_u32(block.begin);
    out.put_u32(block.len);
}

fn get_block(body: &[u8]) -> Option<BlockRef> {
    let body: &[u8; 12] = body.try_into().ok()?;
    let word = |at: usize| body.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
    Some(BlockRef { piece: word(0)?, begin: word(4)?, len: word(8)? })
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_block() -> impl Strategy<Value = BlockRef> {
        any::<(u32, u32, u32)>().prop_map(|(piece, begin, len)| BlockRef { piece, begin, len })
    }

    pub(crate) fn any_message() -> impl Strategy<Value = Message> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from);
        prop_oneof![
            Just(Message::KeepAlive),
            Just(Message::Choke),
            Just(Message::Unchoke),
            Just(Message::Interested),
            Just(Message::NotInterested),
            any::<u32>().prop_map(|piece| Message::Have { piece }),
            bytes().prop_map(Message::Bitfield),
            any_block().prop_map(Message::Request),
            any_block().prop_map(Message::Cancel),
            any::<u16>().prop_map(Message::Port),
            any::<u32>().prop_map(|piece| Message::Suggest { piece }),
            Just(Message::HaveAll),
            Just(Message::HaveNone),
            any_block().prop_map(Message::Reject),
            any::<u32>().prop_map(|piece| Message::AllowedFast { piece }),
            (any::<u8>(), bytes()).prop_map(|(id, payload)| Message::Extended { id, payload }),
        ]
    }

    proptest! {
        #[test]
        fn messages_round_trip(message in any_message()) {
            let mut bytes = Vec::new();
            message.encode(&mut bytes);
            prop_assert_eq!(bytes.len(), message.encoded_len());
            let (len, frame) = bytes.split_first_chunk::<4>().unwrap();
            prop_assert_eq!(u32::from_be_bytes(*len) as usize, frame.len());
            prop_assert_eq!(Message::decode(frame).unwrap(), Some(message));
        }

        #[test]
        fn what_decodes_encodes_the_same(frame in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(Some(message)) = Message::decode(&frame) {
                let mut bytes = Vec::new();
                message.encode(&mut bytes);
                prop_assert_eq!(&bytes[4..], &frame[..]);
            }
        }

        #[test]
        fn block_headers_round_trip(piece in any::<u32>(), begin in any::<u32>(), len in 0u32..1 << 20) {
            let header = PieceHeader(BlockRef { piece, begin, len });
            prop_assert_eq!(PieceHeader::decode(&header.encode()), Some(header));
        }

        #[test]
        fn handshakes_round_trip(reserved in any::<[u8; 8]>(), hash in any::<[u8; 20]>(), id in any::<[u8; 20]>()) {
            let handshake = Handshake {
                reserved: Reserved(reserved),
                info_hash: InfoHash::from(hash),
                peer_id: PeerId::from(id),
            };
            prop_assert_eq!(Handshake::decode(&handshake.encode()), Ok(handshake));
            prop_assert!(Handshake::is_prefix(&handshake.encode()[..30]));
        }
    }

    #[test]
    fn wrong_lengths_are_refused() {
        for frame in [&[0, 1][..], &[4, 0, 0, 0], &[6, 0, 0], &[9, 1], &[20], &[14, 0]] {
            assert!(matches!(Message::decode(frame), Err(WireError::Length { .. })), "{frame:?}");
        }
        assert_eq!(Message::decode(&[21, 1, 2]), Ok(None));
        assert!(!Handshake::is_prefix(&[0x16, 3, 1]));
    }

    #[test]
    fn reserved_bits() {
        let ours = Reserved::ours(true);
        assert!(ours.extended() && ours.fast() && ours.dht());
        assert!(!Reserved::ours(false).dht() && !Reserved::default().fast());
    }
}
