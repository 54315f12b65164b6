//! What two peers tell one another on their control connection: who they are part of, where they are, what they serve.
//!
//! On the wire, after the stream type `hello/1`: frames of four length bytes (big endian) and that many bytes of postcard.
//! The dialler speaks first; the answerer says one [`Status`](crate::registry::Status) byte, then its own hello if that
//! was `Ok`. The stream stays open, and whoever's addresses or services change says a new hello on it.
//!
//! Nothing here does I/O: bytes in, frames out.

use serde::{Deserialize, Serialize};

use crate::addresses::{MAX_ADDRESSES, MAX_RELAYS, PeerAddresses};
use crate::connector::StreamType;
use crate::relay::RelayHint;

/// The stream that every control connection begins with.
pub(crate) const HELLO_STREAM: StreamType = StreamType::new("hello/1");

/// 16 KiB: a hello with every list full has under 4 KiB.
pub(crate) const MAX_FRAME: usize = 16 * 1024;

/// 64 stream types: a node with every service on has fewer.
const MAX_STREAMS: usize = 64;

/// 32 relays handed out: enough to find one that lives.
const MAX_KNOWN_RELAYS: usize = 32;

/// This version's number. A newer one may add fields at the end, which this one ignores.
pub(crate) const VERSION: u16 = 1;

const LENGTH_BYTES: usize = 4;

/// What a peer says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// The highest version of this protocol it speaks.
    pub(crate) version: u16,
    /// Its network: [`Network::wire_name`](crate::config::Network::wire_name).
    pub(crate) network: String,
    /// Where it can be reached; its home relay first, then the one it goes to when that dies.
    pub(crate) addresses: PeerAddresses,
    /// Stream types it serves.
    pub(crate) streams: Vec<String>,
    /// Other relays it knows to work, for a peer that has none.
    pub(crate) known_relays: Vec<RelayHint>,
    /// This connection takes the place of those that went through this relay only, which died.
    pub(crate) lost_relay: Option<RelayHint>,
}

/// Why a frame is refused; the connection is closed for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadFrame {
    #[error("a frame of {0} bytes, {MAX_FRAME} are allowed")]
    TooLong(usize),
    #[error("a frame that is no hello")]
    Malformed,
    #[error("a hello whose lists are longer than allowed")]
    TooMuch,
}

/// The frame of a hello.
pub(crate) fn encode(hello: &Hello) -> Vec<u8> {
    let body = postcard::to_allocvec(hello).expect("a hello holds nothing postcard cannot write");
    let mut frame = Vec::with_capacity(LENGTH_BYTES + body.len());
    frame.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    frame.extend_from_slice(&body);
    frame
}

/// Collects bytes and gives hellos.
#[derive(Debug, Default)]
pub(crate) struct HelloReader {
    buffer: Vec<u8>,
}

impl HelloReader {
    /// Takes bytes from the stream.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole hello. After an error nothing more is to be expected of this stream.
    pub(crate) fn next(&mut self) -> Result<Option<Hello>, BadFrame> {
        let Some((length, rest)) = self.buffer.split_first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > MAX_FRAME {
            return Err(BadFrame::TooLong(length));
        }
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let (hello, _newer_fields) = postcard::take_from_bytes::<Hello>(body).map_err(|_| BadFrame::Malformed)?;
        self.buffer.drain(..LENGTH_BYTES + length);
        check(&hello)?;
        Ok(Some(hello))
    }
}

fn check(hello: &Hello) -> Result<(), BadFrame> {
    let addresses = &hello.addresses;
    let fits = addresses.udp.len() <= MAX_ADDRESSES
        && addresses.tcp.len() <= MAX_ADDRESSES
        && addresses.relays.len() <= MAX_RELAYS
        && hello.streams.len() <= MAX_STREAMS
        && hello.streams.iter().all(|name| name.len() <= StreamType::MAX_LEN)
        && hello.known_relays.len() <= MAX_KNOWN_RELAYS;
    if fits { Ok(()) } else { Err(BadFrame::TooMuch) }
}

/// Holds what we say of ourselves to the same bounds.
pub(crate) fn bound(hello: &mut Hello) {
    hello.addresses.udp.truncate(MAX_ADDRESSES);
    hello.addresses.tcp.truncate(MAX_ADDRESSES);
    hello.addresses.relays.truncate(MAX_RELAYS);
    hello.streams.truncate(MAX_STREAMS);
    hello.known_relays.truncate(MAX_KNOWN_RELAYS);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hello() -> Hello {
        Hello {
            version: VERSION,
            network: "private/lab".into(),
            addresses: PeerAddresses { udp: vec!["203.0.113.1:5".parse().unwrap()], ..PeerAddresses::default() },
            streams: vec!["bt/1".into()],
            known_relays: Vec::new(),
            lost_relay: Some("https://relay.example/".parse().unwrap()),
        }
    }

    #[test]
    fn the_frame_is_frozen() {
        let bytes = encode(&Hello { version: 1, network: "public".into(), ..Hello::default() });
        assert_eq!(bytes, [0, 0, 0, 14, 1, 6, b'p', b'u', b'b', b'l', b'i', b'c', 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn oversized_and_garbage_frames_are_refused_without_waiting_for_them() {
        let mut reader = HelloReader::default();
        reader.push(&u32::MAX.to_be_bytes());
        assert_eq!(reader.next(), Err(BadFrame::TooLong(u32::MAX as usize)));
        let mut reader = HelloReader::default();
        reader.push(&[0, 0, 0, 3, 0xff, 0xff, 0xff]);
        assert_eq!(reader.next(), Err(BadFrame::Malformed));
        let many = Hello { streams: vec![String::new(); MAX_STREAMS + 1], ..hello() };
        let mut reader = HelloReader::default();
        reader.push(&encode(&many));
        assert_eq!(reader.next(), Err(BadFrame::TooMuch));
    }

    #[test]
    fn fields_of_a_newer_version_are_ignored() {
        let mut frame = encode(&hello());
        frame.extend_from_slice(b"newer");
        let length = u32::try_from(frame.len() - LENGTH_BYTES).unwrap();
        frame[..LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
        let mut reader = HelloReader::default();
        reader.push(&frame);
        assert_eq!(reader.next(), Ok(Some(hello())));
        assert_eq!(reader.next(), Ok(None));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_hellos(cuts in proptest::collection::vec(1usize..40, 0..30)) {
            let wire = [encode(&hello()), encode(&Hello::default()), encode(&hello())].concat();
            let mut reader = HelloReader::default();
            let mut got = Vec::new();
            let mut rest = wire.as_slice();
            for cut in cuts.into_iter().chain([wire.len()]) {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                reader.push(now);
                while let Some(hello) = reader.next().unwrap() {
                    got.push(hello);
                }
                rest = later;
            }
            prop_assert_eq!(got, vec![hello(), Hello::default(), hello()]);
        }

        #[test]
        fn any_bytes_are_answered_not_panicked_at(bytes: Vec<u8>) {
            let mut reader = HelloReader::default();
            reader.push(&bytes);
            while let Ok(Some(_)) = reader.next() {}
        }
    }
}
