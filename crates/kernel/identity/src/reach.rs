//! Where a device may be reached: socket addresses and relay hints, all bounded, all only hints. Whether an address may
//! be dialled on the network in use is the overlay's judgement, not this crate's.

use std::{
    fmt,
    net::{SocketAddr, SocketAddrV6},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// Most socket addresses of a kind (UDP, TCP) in an invitation or remembered for a device: two address families, a few
/// interfaces.
pub const MAX_ADDRESSES: usize = 8;
/// Most relay hints: a home relay and a few to fall back on.
pub const MAX_RELAYS: usize = 4;
/// Longest relay hint in bytes. A relay that certifies itself needs at most 140.
pub const MAX_RELAY_BYTES: usize = 200;

/// Why a text is not a relay hint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRelay {
    /// Too long.
    #[error("the relay URL has {0} bytes and may have {MAX_RELAY_BYTES}")]
    TooLong(usize),
    /// Not `https://…` or `http://…` in printable ASCII.
    #[error("not a relay URL: it must begin with https:// (or http:// in tests) and be printable ASCII without spaces")]
    NotUrl,
}

/// A relay through which a device may be reached: its URL, checked for form only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelayHint(String);

impl RelayHint {
    /// Takes a relay's URL as text.
    ///
    /// # Errors
    /// [`InvalidRelay`] if it is too long or no URL.
    pub fn new(url: &str) -> Result<Self, InvalidRelay> {
        if url.len() > MAX_RELAY_BYTES {
            return Err(InvalidRelay::TooLong(url.len()));
        }
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        match host {
            Some(host) if !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Self(url.to_owned()))
            }
            _ => Err(InvalidRelay::NotUrl),
        }
    }

    /// The URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RelayHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for RelayHint {
    type Err = InvalidRelay;

    fn from_str(url: &str) -> Result<Self, InvalidRelay> {
        Self::new(url)
    }
}

impl TryFrom<String> for RelayHint {
    type Error = InvalidRelay;

    fn try_from(url: String) -> Result<Self, InvalidRelay> {
        Self::new(&url)
    }
}

impl From<RelayHint> for String {
    fn from(relay: RelayHint) -> Self {
        relay.0
    }
}

/// Where a device may be reached, best or newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    udp: Vec<SocketAddr>,
    tcp: Vec<SocketAddr>,
    relays: Vec<RelayHint>,
}

impl Reach {
    /// Takes UDP addresses of the overlay endpoint, TCP addresses of the bulk listener, and relays. Doubles are dropped,
    /// and what exceeds [`MAX_ADDRESSES`] of a kind or [`MAX_RELAYS`].
    #[must_use]
    pub fn new(udp: &[SocketAddr], tcp: &[SocketAddr], relays: &[RelayHint]) -> Self {
        Self {
            udp: newest_first(&portable(udp), &[], MAX_ADDRESSES),
            tcp: newest_first(&portable(tcp), &[], MAX_ADDRESSES),
            relays: newest_first(relays, &[], MAX_RELAYS),
        }
    }

    /// UDP addresses of its overlay endpoint, at most [`MAX_ADDRESSES`].
    #[must_use]
    pub fn udp(&self) -> &[SocketAddr] {
        &self.udp
    }

    /// TCP addresses of its listener, at most [`MAX_ADDRESSES`].
    #[must_use]
    pub fn tcp(&self) -> &[SocketAddr] {
        &self.tcp
    }

    /// Relays that may know it, at most [`MAX_RELAYS`].
    #[must_use]
    pub fn relays(&self) -> &[RelayHint] {
        &self.relays
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.udp.is_empty() && self.tcp.is_empty() && self.relays.is_empty()
    }

    /// Puts `newer` before what is known; the oldest are forgotten. Says whether that changed anything.
    pub(crate) fn merge(&mut self, newer: &Self) -> bool {
        let merged = Self {
            udp: newest_first(&newer.udp, &self.udp, MAX_ADDRESSES),
            tcp: newest_first(&newer.tcp, &self.tcp, MAX_ADDRESSES),
            relays: newest_first(&newer.relays, &self.relays, MAX_RELAYS),
        };
        let changed = *self != merged;
        *self = merged;
        changed
    }

    pub(crate) fn is_bounded(&self) -> bool {
        self.udp.len() <= MAX_ADDRESSES && self.tcp.len() <= MAX_ADDRESSES && self.relays.len() <= MAX_RELAYS
    }
}

/// Addresses as another machine can use them: an IPv6 scope or flow label means nothing there.
fn portable(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let one = |address: &SocketAddr| match address {
        SocketAddr::V4(_) => *address,
        SocketAddr::V6(v6) => SocketAddrV6::new(*v6.ip(), v6.port(), 0, 0).into(),
    };
    addresses.iter().map(one).collect()
}

/// `fresh` before `known`, without doubles, the first `max`.
fn newest_first<T: PartialEq + Clone>(fresh: &[T], known: &[T], max: usize) -> Vec<T> {
    let mut merged: Vec<T> = Vec::with_capacity(max);
    for item in fresh.iter().chain(known) {
        if merged.len() < max && !merged.contains(item) {
            merged.push(item.clone());
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relay_hints_are_urls() {
        assert!(RelayHint::new("https://relay.example:443/").is_ok());
        for bad in ["", "https://", "ftp://a", "https://a b", "https://ä", "javascript:alert(1)"] {
            assert_eq!(RelayHint::new(bad), Err(InvalidRelay::NotUrl), "{bad:?}");
        }
        assert!(matches!(RelayHint::new(&format!("https://{}", "a".repeat(200))), Err(InvalidRelay::TooLong(208))));
    }

    #[test]
    fn merging_keeps_the_newest_without_doubles() {
        let port = |port: u16| SocketAddr::from(([192, 0, 2, 1], port));
        let ports = |range: std::ops::RangeInclusive<u16>| range.map(port).collect::<Vec<_>>();
        let mut reach = Reach::new(&ports(1..=8), &[], &[]);
        assert!(reach.merge(&Reach::new(&[port(9), port(2), port(9)], &[port(1)], &[])));
        assert_eq!(reach.udp(), [9, 2, 1, 3, 4, 5, 6, 7].map(port));
        assert_eq!(reach.tcp(), [port(1)]);
        let same = reach.clone();
        assert!(!reach.merge(&same));
        assert_eq!(Reach::new(&ports(1..=99), &[], &[]).udp().len(), MAX_ADDRESSES);
    }

    #[test]
    fn scopes_of_this_machine_are_left_out() {
        let scoped: SocketAddr = SocketAddrV6::new("fe80::1".parse().unwrap(), 7, 5, 3).into();
        assert_eq!(Reach::new(&[scoped], &[], &[]).udp()[0], "[fe80::1]:7".parse().unwrap());
    }
}
