//! Peer exchange (BEP 11, `ut_pex`): what peers tell of those they are connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::bencode::{DecodeError, Item, Limits, decode};

/// Most peers one message adds, and most it drops: BEP 11's limit, for sending and for receiving (what comes above it is
/// not read).
pub const MAX_PEERS: usize = 50;

/// A peer as another peer tells of it. Whether its address may be dialled is for the node's policy to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PexPeer {
    /// Where it listens.
    pub addr: SocketAddr,
    /// What is said of it.
    pub flags: PexFlags,
}

/// The flags BEP 11 defines, as the byte of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct PexFlags(pub u8);

impl PexFlags {
    /// It only uploads.
    pub const SEED: Self = Self(0x02);
    /// It was reached at this address.
    pub const REACHABLE: Self = Self(0x10);

    /// Whether all bits of `other` are set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both.
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One message: peers the sender is newly connected to and peers it no longer is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pex {
    /// At most [`MAX_PEERS`].
    pub added: Vec<PexPeer>,
    /// At most [`MAX_PEERS`].
    pub dropped: Vec<SocketAddr>,
}

impl Pex {
    /// Whether there is nothing to tell (such a message must not be sent).
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.dropped.is_empty()
    }

    /// The payload of the extended message.
    pub fn encode(&self) -> Vec<u8> {
        let (mut v4, mut f4, mut v6, mut f6) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for peer in self.added.iter().take(MAX_PEERS) {
            match peer.addr.ip() {
                IpAddr::V4(_) => {
                    put(&mut v4, peer.addr);
                    f4.push(peer.flags.0);
                }
                IpAddr::V6(_) => {
                    put(&mut v6, peer.addr);
                    f6.push(peer.flags.0);
                }
            }
        }
        let (mut d4, mut d6) = (Vec::new(), Vec::new());
        for addr in self.dropped.iter().take(MAX_PEERS) {
            put(if addr.is_ipv4() { &mut d4 } else { &mut d6 }, *addr);
        }
        let entries =
            [("added", v4), ("added.f", f4), ("added6", v6), ("added6.f", f6), ("dropped", d4), ("dropped6", d6)];
        Item::dict(entries.into_iter().map(|(k, v)| (k, Item::from(v)))).encode()
    }

    /// Reads the payload of an extended message. Addresses nobody can listen at (port 0, unspecified, multicast) are
    /// left out, and so is what stands after the first [`MAX_PEERS`].
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let value = decode(payload, Limits::MESSAGE)?;
        let mut pex = Self::default();
        let Some(dict) = value.as_dict() else { return Ok(pex) };
        for (key, flags, read) in [("added", "added.f", v4 as Reader), ("added6", "added6.f", v6)] {
            let flags = dict.bytes(flags).unwrap_or_default();
            for (i, addr) in read(dict.bytes(key).unwrap_or_default()).into_iter().enumerate() {
                if pex.added.len() < MAX_PEERS && is_dialable(&addr) {
                    pex.added.push(PexPeer { addr, flags: PexFlags(flags.get(i).copied().unwrap_or(0)) });
                }
            }
        }
        for (key, read) in [("dropped", v4 as Reader), ("dropped6", v6)] {
            let room = MAX_PEERS - pex.dropped.len();
            pex.dropped.extend(read(dict.bytes(key).unwrap_or_default()).into_iter().take(room));
        }
        Ok(pex)
    }
}

type Reader = fn(&[u8]) -> Vec<SocketAddr>;

fn put(out: &mut Vec<u8>, addr: SocketAddr) {
    match addr.ip() {
        IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
    }
    out.extend_from_slice(&addr.port().to_be_bytes());
}

fn v4(bytes: &[u8]) -> Vec<SocketAddr> {
    let contacts = bytes.as_chunks::<6>().0.iter().take(MAX_PEERS);
    contacts.map(|[a, b, c, d, p, q]| (Ipv4Addr::new(*a, *b, *c, *d), u16::from_be_bytes([*p, *q])).into()).collect()
}

fn v6(bytes: &[u8]) -> Vec<SocketAddr> {
    let contacts = bytes.as_chunks::<18>().0.iter().take(MAX_PEERS);
    contacts
        .filter_map(|contact| {
            let (ip, port) = contact.split_first_chunk::<16>()?;
            Some((Ipv6Addr::from(*ip), u16::from_be_bytes(port.try_into().ok()?)).into())
        })
        .collect()
}

fn is_dialable(addr: &SocketAddr) -> bool {
    addr.port() != 0 && !addr.ip().is_unspecified() && !addr.ip().is_multicast()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_addr() -> impl Strategy<Value = SocketAddr> {
        prop_oneof![
            any::<([u8; 4], u16)>().prop_map(|(ip, port)| (ip, port).into()),
            any::<([u8; 16], u16)>().prop_map(|(ip, port)| (ip, port).into()),
        ]
        .prop_filter("dialable", is_dialable)
    }

    proptest! {
        #[test]
        fn round_trip(
            added in proptest::collection::vec((any_addr(), any::<u8>()), 0..=MAX_PEERS),
            dropped in proptest::collection::vec(any_addr(), 0..=MAX_PEERS),
        ) {
            let order = |a: &SocketAddr| a.is_ipv6();
            let mut pex = Pex {
                added: added.into_iter().map(|(addr, f)| PexPeer { addr, flags: PexFlags(f) }).collect(),
                dropped,
            };
            pex.added.sort_by_key(|p| order(&p.addr));
            pex.dropped.sort_by_key(order);
            prop_assert_eq!(Pex::decode(&pex.encode()).unwrap(), pex);
        }

        #[test]
        fn any_bytes_stay_within_the_bound(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let body = Item::dict([("added", Item::from(&bytes[..])), ("dropped6", Item::from(&bytes[..]))]).encode();
            let pex = Pex::decode(&body).unwrap();
            prop_assert!(pex.added.len() <= MAX_PEERS && pex.dropped.len() <= MAX_PEERS);
            let _ = Pex::decode(&bytes);
        }
    }

    #[test]
    fn nobody_listens_at_port_0() {
        let body = Item::dict([("added", Item::from(&[1u8, 2, 3, 4, 0, 0, 0, 0, 0, 0, 1, 1][..]))]).encode();
        assert_eq!(Pex::decode(&body).unwrap(), Pex::default());
    }
}
