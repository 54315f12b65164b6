//! Names of relays that certify themselves.
//!
//! `https://<z32 of the relay's key>.<address with dashes>.weft.internal:<port>/`: the key is in the name, so no authority
//! has to vouch for it, and the address is in the name, so no query is needed to find it. `internal` is a top-level domain
//! that is never delegated.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use iroh::RelayUrl;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::keys::PeerKey;

/// The domain all such names end in.
pub(crate) const DOMAIN: &str = "weft.internal";

/// Longest text of a hint: key, longest IPv6 address, ports, and a real domain of 63 + 190.
pub(crate) const MAX_HINT: usize = 320;

/// What a relay is called: its key and where it listens. (The key is a relay's own, not a device's; the type is shared
/// for its text form.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RelayName {
    /// The key its certificate has.
    pub key: PeerKey,
    /// Where it listens (TCP).
    pub address: SocketAddr,
}

impl RelayName {
    /// The host part.
    pub fn host(&self) -> String {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) => ip.to_string().replace('.', "-"),
            // All eight groups: a label may not begin or end with a dash, and `::` would leave two.
            IpAddr::V6(ip) => ip.segments().map(|group| format!("{group:x}")).join("-"),
        };
        format!("{}.{ip}.{DOMAIN}", self.key)
    }

    /// The URL.
    pub fn url(&self) -> String {
        format!("https://{}:{}/", self.host(), self.address.port())
    }

    /// The key and address in a host name, if it is a self-certifying one.
    pub fn parse_host(host: &str) -> Option<(PeerKey, IpAddr)> {
        let labels = host.trim_end_matches('.').strip_suffix(DOMAIN)?.strip_suffix('.')?;
        let (key, ip) = labels.split_once('.')?;
        Some((key.parse().ok()?, parse_ip(ip)?))
    }
}

fn parse_ip(text: &str) -> Option<IpAddr> {
    let groups: Vec<&str> = text.split('-').collect();
    match groups.len() {
        4 => groups.join(".").parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        8 => {
            let mut segments = [0u16; 8];
            for (segment, group) in segments.iter_mut().zip(&groups) {
                *segment = u16::from_str_radix(group, 16).ok()?;
            }
            Some(IpAddr::V6(Ipv6Addr::from(segments)))
        }
        _ => None,
    }
}

/// Where a relay is, as peers tell one another: its URL, and the UDP port of its address discovery if that is not the
/// URL's own. Text: the URL, then `#port`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelayHint {
    url: RelayUrl,
    discovery_port: u16,
}

/// The text is not a relay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a relay: a relay is an https:// URL, as `weft status` of the peer that offers it shows")]
pub struct InvalidRelay;

impl RelayHint {
    /// A relay by URL and the UDP port of its address discovery.
    pub fn new(url: RelayUrl, discovery_port: u16) -> Self {
        RelayHint { url, discovery_port }
    }

    /// The URL.
    pub fn url(&self) -> &RelayUrl {
        &self.url
    }

    /// The UDP port of its address discovery.
    pub fn discovery_port(&self) -> u16 {
        self.discovery_port
    }

    /// Key and TCP address, if the name certifies itself.
    pub fn name(&self) -> Option<RelayName> {
        let (key, ip) = RelayName::parse_host(self.url.host_str()?)?;
        Some(RelayName { key, address: SocketAddr::new(ip, self.url.port_or_known_default()?) })
    }
}

impl fmt::Display for RelayHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.url)?;
        if self.url.port_or_known_default() == Some(self.discovery_port) {
            return Ok(());
        }
        write!(f, "#{}", self.discovery_port)
    }
}

impl FromStr for RelayHint {
    type Err = InvalidRelay;

    fn from_str(text: &str) -> Result<Self, InvalidRelay> {
        if text.len() > MAX_HINT {
            return Err(InvalidRelay);
        }
        let (url, port) = match text.split_once('#') {
            Some((url, port)) => (url, Some(port.parse::<u16>().map_err(|_| InvalidRelay)?)),
            None => (text, None),
        };
        let url: RelayUrl = url.parse().map_err(|_| InvalidRelay)?;
        let plain = url.path() == "/" && url.query().is_none() && url.username().is_empty() && url.password().is_none();
        if url.scheme() != "https" || url.host_str().is_none() || !plain {
            return Err(InvalidRelay);
        }
        let discovery_port = port.or_else(|| url.port_or_known_default()).ok_or(InvalidRelay)?;
        Ok(RelayHint { url, discovery_port })
    }
}

impl Serialize for RelayHint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RelayHint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(address: &str) -> RelayName {
        let key = weft_identity::DeviceSecret::from_bytes(&[3; 32]).public();
        RelayName { key, address: address.parse().unwrap() }
    }

    #[test]
    fn names_say_key_and_address() {
        for address in ["203.0.113.7:4433", "[2001:db8::1]:443", "127.0.0.1:1"] {
            let name = name(address);
            let hint: RelayHint = name.url().parse().unwrap();
            assert_eq!(hint.name(), Some(name), "{}", name.url());
            assert_eq!(hint.discovery_port(), name.address.port());
            assert_eq!(hint.to_string().parse::<RelayHint>().unwrap(), hint);
        }
    }

    #[test]
    fn another_discovery_port_is_said() {
        let text = format!("{}#9340", name("203.0.113.7:4433").url());
        let hint: RelayHint = text.parse().unwrap();
        assert_eq!((hint.discovery_port(), hint.to_string()), (9340, text));
    }

    #[test]
    fn other_names_are_not_self_certifying() {
        let good = name("203.0.113.7:443").host();
        assert!(RelayName::parse_host(&good).is_some());
        assert!(RelayName::parse_host(&good.replace("weft.internal", "weft.example")).is_none());
        assert!(RelayName::parse_host(&good.replace("203-0", "303-0")).is_none());
        assert!(RelayName::parse_host(&format!("x{good}")).is_none());
        assert!(RelayName::parse_host(&format!("evil.{good}")).is_none());
        assert!(RelayName::parse_host("relay.example.org").is_none());
    }

    #[test]
    fn only_plain_https_urls_are_relays() {
        for bad in ["http://a.example/", "https://a.example/x", "https://u@a.example/", "https://a.example/?q", "x", ""]
        {
            assert!(bad.parse::<RelayHint>().is_err(), "{bad}");
        }
        assert!(format!("https://{}.example/", "a".repeat(400)).parse::<RelayHint>().is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_answered_not_panicked_at(text in ".{0,100}") {
            let _ = text.parse::<RelayHint>();
            let _ = RelayName::parse_host(&text);
        }

        #[test]
        fn any_address_round_trips(ip: IpAddr, port in 1u16..) {
            let name = RelayName { address: SocketAddr::new(ip, port), ..name("127.0.0.1:1") };
            prop_assert_eq!(name.url().parse::<RelayHint>().unwrap().name(), Some(name));
        }
    }
}
