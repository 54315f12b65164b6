//! What ledger peers say to one another, as bytes: the stream `ledger/1`.
//!
//! A frame is four length bytes (big-endian), then a byte that says what it is, then the rest:
//!
//! | byte | what | then |
//! |---|---|---|
//! | 1 | hello | version (2), genesis hash (32), height (8), 0, or 1 and an account (20) |
//! | 2 | status | height (8) |
//! | 3 | consensus | a vote, proposal or certificate, as `weft-consensus` writes it |
//! | 4 | proposed | a block that is proposed |
//! | 5 | want | hash (32) of a proposed block |
//! | 6 | follow | the first height (8) wanted |
//! | 7 | decided | length (4) of a certificate, the certificate, the block |
//! | 8 | end | the highest height (8) the peer has; nothing more follows for now |
//! | 9 | pool | a message between pools |
//! | 10 | peers | at most 16 others, postcard |
//!
//! The hello is said first by both, and once.

use alloy_primitives::{Address as Account, B256, Bytes};
use serde::{Deserialize, Serialize};
use weft_consensus::codec::{MAX_CERTIFICATE_LEN, MAX_MESSAGE_LEN};
use weft_overlay::{MAX_ADDRESSES, MAX_RELAYS, PeerAddresses, PeerKey};

use crate::pool::gossip::message::MAX_MESSAGE_BYTES;
use crate::replica::MAX_TRAVELLING_BYTES;

/// This version's number. A newer one may add kinds, which this one passes over.
pub const VERSION: u16 = 1;

/// 16 other peers are named at once: enough to find one that lives.
pub const MAX_PEERS: usize = 16;

/// The longest frame, without its length: a decided block of the largest kind with its certificate.
pub const MAX_FRAME: usize = 1 + 4 + MAX_CERTIFICATE_LEN + MAX_TRAVELLING_BYTES;

/// 16 KiB: [`MAX_PEERS`] with every address list full.
const MAX_PEERS_BYTES: usize = 16 << 10;

/// Bytes of a frame's length.
pub const LENGTH_BYTES: usize = 4;

const HELLO: u8 = 1;
const STATUS: u8 = 2;
const CONSENSUS: u8 = 3;
const PROPOSED: u8 = 4;
const WANT: u8 = 5;
const FOLLOW: u8 = 6;
const DECIDED: u8 = 7;
const END: u8 = 8;
const POOL: u8 = 9;
const PEERS: u8 = 10;

/// What a peer says first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// The version it speaks.
    pub version: u16,
    /// Its chain.
    pub genesis: B256,
    /// The height of its head.
    pub height: u64,
    /// The account it validates for, if it says that it does. Nothing but routing follows from it: who it is, its
    /// signatures say.
    pub validator: Option<Account>,
}

/// A peer of the ledger, and where it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its key.
    pub peer: PeerKey,
    /// Its addresses.
    pub addresses: PeerAddresses,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Who speaks.
    Hello(Hello),
    /// The sender's head is at this height now.
    Status(u64),
    /// A message of consensus.
    Consensus(Bytes),
    /// A block that is proposed.
    Proposed(Bytes),
    /// The sender asks for a block that is proposed.
    Want(B256),
    /// The sender asks for decided blocks from this height on.
    Follow(u64),
    /// A decided block and its certificate.
    Decided {
        /// The block.
        block: Bytes,
        /// What shows that it was decided.
        certificate: Bytes,
    },
    /// The end of what was asked for by [`Follow`](Self::Follow).
    End(u64),
    /// A message between pools.
    Pool(Bytes),
    /// Others that are on this ledger.
    Peers(Vec<Named>),
    /// Something that a newer version says.
    Unknown(u8),
}

/// Why a frame is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// It is longer than any message.
    #[error("a frame of {0} bytes; at most {MAX_FRAME} are read")]
    TooLong(usize),
    /// It is empty, or ends before what it says it holds.
    #[error("a message ends too early, or too late")]
    Length,
    /// Its list of peers cannot be read.
    #[error("a list of peers that is none, or is too long")]
    Peers,
}

#[derive(Serialize, Deserialize)]
struct WirePeer {
    key: [u8; 32],
    addresses: PeerAddresses,
}

impl Message {
    /// As a frame, with its length.
    pub fn encode(&self) -> Vec<u8> {
        let mut frame = vec![0; LENGTH_BYTES];
        match self {
            Message::Hello(hello) => {
                frame.push(HELLO);
                frame.extend(hello.version.to_be_bytes());
                frame.extend(hello.genesis);
                frame.extend(hello.height.to_be_bytes());
                frame.push(u8::from(hello.validator.is_some()));
                frame.extend(hello.validator.iter().flatten());
            }
            Message::Status(height) => number(&mut frame, STATUS, *height),
            Message::Consensus(bytes) => tagged(&mut frame, CONSENSUS, bytes),
            Message::Proposed(bytes) => tagged(&mut frame, PROPOSED, bytes),
            Message::Want(hash) => tagged(&mut frame, WANT, hash.as_slice()),
            Message::Follow(height) => number(&mut frame, FOLLOW, *height),
            Message::Decided { block, certificate } => {
                frame.reserve(5 + certificate.len() + block.len());
                frame.push(DECIDED);
                frame.extend(u32::try_from(certificate.len()).unwrap_or(u32::MAX).to_be_bytes());
                frame.extend(certificate);
                frame.extend(block);
            }
            Message::End(height) => number(&mut frame, END, *height),
            Message::Pool(bytes) => tagged(&mut frame, POOL, bytes),
            Message::Peers(peers) => {
                let wire = |named: &Named| WirePeer { key: *named.peer.as_bytes(), addresses: named.addresses.clone() };
                let wire: Vec<WirePeer> = peers.iter().take(MAX_PEERS).map(wire).collect();
                // Nothing in it is of a kind that postcard cannot write.
                tagged(&mut frame, PEERS, &postcard::to_allocvec(&wire).unwrap_or_default());
            }
            Message::Unknown(kind) => frame.push(*kind),
        }
        let length = u32::try_from(frame.len() - LENGTH_BYTES).unwrap_or(u32::MAX);
        frame[..LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
        frame
    }

    /// From a frame's bytes after its length.
    ///
    /// # Errors
    /// [`MessageError`], if they are no message: whoever sent them is broken or hostile.
    pub fn decode(frame: &Bytes) -> Result<Message, MessageError> {
        let (kind, rest) = frame.split_first().ok_or(MessageError::Length)?;
        let body = frame.slice(1..);
        match *kind {
            HELLO => hello(rest).map(Message::Hello),
            STATUS => height(rest).map(Message::Status),
            CONSENSUS => bounded(body, MAX_MESSAGE_LEN).map(Message::Consensus),
            PROPOSED => bounded(body, MAX_TRAVELLING_BYTES).map(Message::Proposed),
            WANT => B256::try_from(rest).map(Message::Want).map_err(|_| MessageError::Length),
            FOLLOW => height(rest).map(Message::Follow),
            DECIDED => {
                let (length, after) = rest.split_first_chunk::<4>().ok_or(MessageError::Length)?;
                let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
                if length > MAX_CERTIFICATE_LEN.min(after.len()) {
                    return Err(MessageError::Length);
                }
                Ok(Message::Decided { certificate: body.slice(4..4 + length), block: body.slice(4 + length..) })
            }
            END => height(rest).map(Message::End),
            POOL => bounded(body, MAX_MESSAGE_BYTES).map(Message::Pool),
            PEERS => peers(rest).map(Message::Peers),
            other => Ok(Message::Unknown(other)),
        }
    }
}

fn tagged(frame: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    frame.reserve(1 + bytes.len());
    frame.push(kind);
    frame.extend_from_slice(bytes);
}

fn number(frame: &mut Vec<u8>, kind: u8, number: u64) {
    tagged(frame, kind, &number.to_be_bytes());
}

fn height(bytes: &[u8]) -> Result<u64, MessageError> {
    bytes.try_into().map(u64::from_be_bytes).map_err(|_| MessageError::Length)
}

fn bounded(bytes: Bytes, most: usize) -> Result<Bytes, MessageError> {
    if bytes.len() > most { Err(MessageError::TooLong(bytes.len())) } else { Ok(bytes) }
}

fn hello(bytes: &[u8]) -> Result<Hello, MessageError> {
    let (version, rest) = bytes.split_first_chunk::<2>().ok_or(MessageError::Length)?;
    let (genesis, rest) = rest.split_first_chunk::<32>().ok_or(MessageError::Length)?;
    let (height, rest) = rest.split_first_chunk::<8>().ok_or(MessageError::Length)?;
    let validator = match rest.split_first() {
        Some((0, _)) => None,
        Some((1, rest)) => Some(Account::from(rest.first_chunk::<20>().ok_or(MessageError::Length)?)),
        _ => return Err(MessageError::Length),
    };
    // What follows is a newer version's.
    Ok(Hello {
        version: u16::from_be_bytes(*version),
        genesis: B256::from(genesis),
        height: u64::from_be_bytes(*height),
        validator,
    })
}

fn peers(bytes: &[u8]) -> Result<Vec<Named>, MessageError> {
    if bytes.len() > MAX_PEERS_BYTES {
        return Err(MessageError::Peers);
    }
    let wire: Vec<WirePeer> = postcard::from_bytes(bytes).map_err(|_| MessageError::Peers)?;
    let fits = |peer: &WirePeer| {
        let WirePeer { addresses, .. } = peer;
        addresses.udp.len() <= MAX_ADDRESSES
            && addresses.tcp.len() <= MAX_ADDRESSES
            && addresses.relays.len() <= MAX_RELAYS
    };
    if wire.len() > MAX_PEERS || !wire.iter().all(fits) {
        return Err(MessageError::Peers);
    }
    // A key that is no point of the curve is nobody's.
    let named = |peer: WirePeer| Some(Named { peer: PeerKey::from_bytes(peer.key).ok()?, addresses: peer.addresses });
    Ok(wire.into_iter().filter_map(named).collect())
}

/// Collects the bytes of a stream and gives its frames.
#[derive(Debug, Default)]
pub struct FrameReader {
    buffer: Vec<u8>,
    taken: usize,
}

impl FrameReader {
    /// Takes bytes from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.taken > 0 && (self.taken == self.buffer.len() || self.taken > 64 << 10) {
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message. After an error nothing more is to be expected of this stream.
    ///
    /// # Errors
    /// [`MessageError`]: whoever sent it is broken or hostile.
    pub fn read(&mut self) -> Result<Option<Message>, MessageError> {
        let waiting = &self.buffer[self.taken..];
        let Some((length, rest)) = waiting.split_first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > MAX_FRAME {
            return Err(MessageError::TooLong(length));
        }
        let Some(frame) = rest.get(..length) else { return Ok(None) };
        let frame = Bytes::copy_from_slice(frame);
        self.taken += LENGTH_BYTES + length;
        Message::decode(&frame).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all() -> Vec<Message> {
        let hello = Hello { version: VERSION, genesis: B256::repeat_byte(7), height: 9, validator: None };
        let key = weft_identity::DeviceSecret::from_bytes(&[3; 32]).public();
        let addresses = PeerAddresses { udp: vec!["10.0.0.1:9338".parse().unwrap()], ..PeerAddresses::default() };
        vec![
            Message::Hello(hello),
            Message::Hello(Hello { validator: Some(Account::repeat_byte(1)), ..hello }),
            Message::Status(u64::MAX),
            Message::Consensus(Bytes::from_static(b"vote")),
            Message::Proposed(Bytes::from_static(b"block")),
            Message::Want(B256::repeat_byte(2)),
            Message::Follow(1),
            Message::Decided { block: Bytes::from_static(b"block"), certificate: Bytes::from_static(b"proof") },
            Message::End(12),
            Message::Pool(Bytes::from_static(b"\x01")),
            Message::Peers(vec![Named { peer: key, addresses }]),
        ]
    }

    #[test]
    fn what_is_said_is_heard_in_whatever_pieces_it_comes() {
        let stream: Vec<u8> = all().iter().flat_map(Message::encode).collect();
        for size in [1, 7, stream.len()] {
            let mut reader = FrameReader::default();
            let mut heard = Vec::new();
            for piece in stream.chunks(size) {
                reader.push(piece);
                while let Some(message) = reader.read().unwrap() {
                    heard.push(message);
                }
            }
            assert_eq!(heard, all());
        }
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_before_it_is_kept() {
        let mut reader = FrameReader::default();
        reader.push(&u32::try_from(MAX_FRAME + 1).unwrap().to_be_bytes());
        assert_eq!(reader.read(), Err(MessageError::TooLong(MAX_FRAME + 1)));
    }

    #[test]
    fn a_certificate_longer_than_its_frame_is_refused() {
        let frame = Bytes::from_static(&[DECIDED, 0, 0, 0, 9, 1, 2]);
        assert_eq!(Message::decode(&frame), Err(MessageError::Length));
    }

    #[test]
    fn a_kind_of_tomorrow_is_passed_over() {
        assert_eq!(Message::decode(&Bytes::from_static(&[99, 1, 2])), Ok(Message::Unknown(99)));
    }

    proptest! {
        #[test]
        fn a_message_is_read_as_it_was_written(kind in 1..=99_u8, body: Vec<u8>) {
            let frame = Bytes::from([vec![kind], body].concat());
            if let Ok(message) = Message::decode(&frame) {
                let again = Bytes::from(message.encode()).slice(LENGTH_BYTES..);
                prop_assert_eq!(Message::decode(&again), Ok(message));
            }
        }
    }
}
