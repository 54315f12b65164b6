//! Where a device was last seen: socket addresses and relay hints, both bounded, both only hints. Whether an address
//! may be dialled on the network in use is the overlay's judgement, not this crate's.

use std::{
    fmt,
    net::{SocketAddr, SocketAddrV6},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// Most socket addresses in an invitation or remembered for a device: two address families, a few interfaces.
pub const MAX_ADDRESSES: usize = 8;
/// Most relay hints: a home relay and a few to fall back on.
pub const MAX_RELAYS: usize = 4;
/// Longest relay URL in bytes. A relay's own name needs about 100.
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

/// An address as another machine can use it: an IPv6 scope or flow label means nothing there.
pub(crate) fn portable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => address,
        SocketAddr::V6(v6) => SocketAddrV6::new(*v6.ip(), v6.port(), 0, 0).into(),
    }
}

/// Puts `fresh` before `known`, drops doubles, keeps the first `max`.
pub(crate) fn merge_newest_first<T: PartialEq + Clone>(known: &mut Vec<T>, fresh: &[T], max: usize) {
    let mut merged: Vec<T> = Vec::with_capacity(max);
    for item in fresh.iter().chain(known.iter()) {
        if merged.len() < max && !merged.contains(item) {
            merged.push(item.clone());
        }
    }
    *known = merged;
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
        let mut known = vec![1, 2, 3];
        merge_newest_first(&mut known, &[9, 2, 9], 3);
        assert_eq!(known, [9, 2, 1]);
    }
}
