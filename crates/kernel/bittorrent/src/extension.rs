//! The extension protocol's handshake (BEP 10): which extensions a peer speaks under which numbers, and what it says of
//! itself.

use std::net::{IpAddr, SocketAddr};

use crate::bencode::{DecodeError, Item, Limits, decode};

/// The extended message id of the handshake.
pub const HANDSHAKE_ID: u8 = 0;

/// Our number for metadata messages (BEP 9): peers send them to us under it.
pub const UT_METADATA: u8 = 1;

/// Our number for peer exchange (BEP 11).
pub const UT_PEX: u8 = 2;

/// How many requests we tell peers we hold for them (`reqq`); [`crate::swarm`] holds as many.
pub const REQQ: u32 = 2000;

/// Requests a peer is assumed to hold when it does not say: BEP 10's default.
pub const DEFAULT_REQQ: u32 = 250;

/// Longest client name kept, in characters.
pub const MAX_CLIENT_LEN: usize = 64;

/// What a peer says in its extension handshake. Absent entries are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExtendedHandshake {
    /// The sender's number for metadata messages; `None`: it does not take them.
    pub ut_metadata: Option<u8>,
    /// The sender's number for peer exchange.
    pub ut_pex: Option<u8>,
    /// Length of the info dictionary in bytes (BEP 9).
    pub metadata_size: Option<u32>,
    /// Requests the sender holds without dropping any.
    pub reqq: Option<u32>,
    /// Client name and version, printable and at most [`MAX_CLIENT_LEN`] characters.
    pub client: Option<String>,
    /// TCP port the sender listens at.
    pub port: Option<u16>,
    /// The receiver's address as the sender sees it.
    pub your_ip: Option<IpAddr>,
    /// The sender only uploads (BEP 21).
    pub upload_only: bool,
}

impl ExtendedHandshake {
    /// The payload of the extended message with id [`HANDSHAKE_ID`].
    pub fn encode(&self) -> Vec<u8> {
        let number = |n: Option<u8>| n.map(|n| Item::from(u32::from(n)));
        let extensions = [("ut_metadata", number(self.ut_metadata)), ("ut_pex", number(self.ut_pex))];
        let some = |(key, item): (&'static str, Option<Item<'static>>)| item.map(|i| (key, i));
        let ip = self.your_ip.map(|ip| match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        });
        let entries = [
            ("m", Some(Item::dict(extensions.into_iter().filter_map(some)))),
            ("metadata_size", self.metadata_size.map(Item::from)),
            ("p", self.port.map(|p| Item::from(u32::from(p)))),
            ("reqq", self.reqq.map(Item::from)),
            ("upload_only", self.upload_only.then(|| Item::from(1u32))),
            ("v", self.client.clone().map(Item::from)),
            ("yourip", ip.map(Item::from)),
        ];
        Item::dict(entries.into_iter().filter_map(some)).encode()
    }

    /// Reads the payload. Entries of the wrong kind or out of range count as absent, as every client does it.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let value = decode(payload, Limits::MESSAGE)?;
        let Some(dict) = value.as_dict() else { return Ok(Self::default()) };
        let extension = |name: &str| {
            let id = dict.dict("m")?.int(name)?;
            u8::try_from(id).ok().filter(|id| *id != 0)
        };
        let unsigned = |key: &str| dict.int(key).and_then(|n| u32::try_from(n).ok());
        Ok(Self {
            ut_metadata: extension("ut_metadata"),
            ut_pex: extension("ut_pex"),
            metadata_size: unsigned("metadata_size").filter(|n| *n > 0),
            reqq: unsigned("reqq").filter(|n| *n > 0),
            client: dict.bytes("v").map(printable).filter(|v| !v.is_empty()),
            port: unsigned("p").and_then(|p| u16::try_from(p).ok()).filter(|p| *p != 0),
            your_ip: dict.bytes("yourip").and_then(read_ip),
            upload_only: dict.int("upload_only").is_some_and(|n| n != 0),
        })
    }
}

/// Where others reach a peer: as the transport sees it if we dialled, else its IP with the port it told.
pub fn listen_addr(addr: Option<SocketAddr>, outgoing: bool, port: Option<u16>) -> Option<SocketAddr> {
    let addr = addr?;
    if outgoing { Some(addr) } else { port.map(|port| SocketAddr::new(addr.ip(), port)) }
}

fn read_ip(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(v4.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

/// Text a stranger wrote, without control characters and cut to [`MAX_CLIENT_LEN`].
pub(crate) fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).take(MAX_CLIENT_LEN).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn any_handshake()(
            ids in any::<(Option<u8>, Option<u8>)>(),
            metadata_size in any::<Option<u32>>(),
            reqq in any::<Option<u32>>(),
            client in proptest::option::of("[a-zA-Zµ ]{1,40}"),
            port in any::<Option<u16>>(),
            your_ip in proptest::option::of(any::<IpAddr>()),
            upload_only in any::<bool>(),
        ) -> ExtendedHandshake {
            ExtendedHandshake {
                ut_metadata: ids.0.filter(|i| *i != 0),
                ut_pex: ids.1.filter(|i| *i != 0),
                metadata_size: metadata_size.filter(|n| *n != 0),
                reqq: reqq.filter(|n| *n != 0),
                client,
                port: port.filter(|p| *p != 0),
                your_ip,
                upload_only,
            }
        }
    }

    proptest! {
        #[test]
        fn round_trip(handshake in any_handshake()) {
            prop_assert_eq!(ExtendedHandshake::decode(&handshake.encode()).unwrap(), handshake);
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = ExtendedHandshake::decode(&bytes);
        }
    }

    #[test]
    fn the_example_of_the_bep_is_read() {
        let bytes = b"d1:md11:LT_metadatai1e6:\xb5T_PEXi2ee1:pi6881e1:v13:\xc2\xb5Torrent 1.2e";
        let read = ExtendedHandshake::decode(bytes).unwrap();
        let want =
            ExtendedHandshake {
                client: Some("µTorrent 1.2".into()), port: Some(6881), ..ExtendedHandshake::default()
            };
        assert_eq!(read, want);
    }

    #[test]
    fn nonsense_counts_as_absent() {
        let bytes = b"d1:md11:ut_metadatai-1e6:ut_pexi256ee13:metadata_sizei-5e1:pi70000e4:reqqi0e1:v3:\x1b[ae";
        let read = ExtendedHandshake::decode(bytes).unwrap();
        assert_eq!(read, ExtendedHandshake { client: Some("[a".into()), ..ExtendedHandshake::default() });
        assert_eq!(ExtendedHandshake::decode(b"i1e").unwrap(), ExtendedHandshake::default());
    }
}
