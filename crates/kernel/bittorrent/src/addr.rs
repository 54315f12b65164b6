//! A peer's or node's address as links and metainfo write it: a host and a port.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

/// A host (name or IP address) with a port. It is what a stranger wrote: whether it may be dialled
/// (loopback, private ranges, names to resolve) is for the caller to decide.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerAddr {
    host: String,
    port: u16,
}

/// The longest host name DNS allows.
const MAX_HOST_LEN: usize = 253;

/// The text is not `host:port`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address of the form host:port, 192.0.2.1:port or [2001:db8::1]:port")]
pub struct ParseAddrError;

impl PeerAddr {
    /// Checks host and port: port 0 is nobody's, and a host has only the characters of DNS names
    /// and IP addresses.
    pub fn new(host: &str, port: u16) -> Option<Self> {
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let host_ok = !host.is_empty()
            && host.len() <= MAX_HOST_LEN
            && (host.chars().all(named) || host.parse::<Ipv6Addr>().is_ok());
        (host_ok && port != 0).then(|| Self { host: host.to_owned(), port })
    }

    /// The host: a name or an IP address (IPv6 without brackets).
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, never 0.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The socket address, if the host is an IP address.
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        self.host.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, self.port))
    }
}

impl From<SocketAddr> for PeerAddr {
    fn from(addr: SocketAddr) -> Self {
        Self { host: addr.ip().to_string(), port: addr.port() }
    }
}

impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for PeerAddr {
    type Err = ParseAddrError;

    fn from_str(text: &str) -> Result<Self, ParseAddrError> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once("]:").filter(|(host, _)| host.contains(':')),
            None => text.rsplit_once(':').filter(|(host, _)| !host.contains(':')),
        }
        .ok_or(ParseAddrError)?;
        if !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ParseAddrError);
        }
        Self::new(host, port.parse().map_err(|_| ParseAddrError)?).ok_or(ParseAddrError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for text in ["192.0.2.1:6881", "[2001:db8::1]:6881", "tracker.example:1"] {
            assert_eq!(text.parse::<PeerAddr>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            ":1",
            "host",
            "host:",
            "host:0",
            "host:65536",
            "host:+1",
            "2001:db8::1:1",
            "[host]:1",
            "a b:1",
            "a/b:1",
        ] {
            assert!(bad.parse::<PeerAddr>().is_err(), "{bad}");
        }
        let v6: SocketAddr = "[2001:db8::1]:5".parse().unwrap();
        assert_eq!(PeerAddr::from(v6).socket_addr(), Some(v6));
        assert_eq!("host:1".parse::<PeerAddr>().unwrap().socket_addr(), None);
    }
}
