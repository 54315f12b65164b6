//! How many connections there may be, and with whom: counting, allow and deny lists.
//!
//! Each connection holds a [`Permit`] for as long as it lives; dropping it gives the place back. The bounds and lists can
//! be changed while the node runs: they hold for the next connection, and [`Limits::refuses`] says which open ones to end.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::connector::{ConnectError, Target};
use crate::guard::canonical;
use crate::keys::PeerKey;

/// Bounds and lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitConfig {
    /// Connections in all, both directions and all transports.
    pub max_connections: usize,
    /// Connections with one peer key.
    pub max_per_peer: usize,
    /// Connections with one IPv4 address or one IPv6 /64.
    pub max_per_ip: usize,
    /// If any are named, only these keys are spoken with (and plain connections only with `allow_nets`).
    pub allow_keys: HashSet<PeerKey>,
    /// Never these keys.
    pub deny_keys: HashSet<PeerKey>,
    /// If any are named, only these address ranges are spoken with.
    pub allow_nets: Vec<IpNet>,
    /// Never these address ranges.
    pub deny_nets: Vec<IpNet>,
}

impl Default for LimitConfig {
    fn default() -> Self {
        LimitConfig {
            // Half the 1,024 descriptors a process commonly gets: files and the database need the rest.
            max_connections: 512,
            // One bulk link a torrent and a control connection: 16 torrents at once with one peer.
            max_per_peer: 16,
            // A household or an office behind one NAT.
            max_per_ip: 64,
            allow_keys: HashSet::new(),
            deny_keys: HashSet::new(),
            allow_nets: Vec::new(),
            deny_nets: Vec::new(),
        }
    }
}

/// The node's connection count and lists. Cheap to clone; all clones count together.
#[derive(Clone)]
pub struct Limits {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    config: LimitConfig,
    total: usize,
    per_ip: HashMap<IpAddr, usize>,
    per_peer: HashMap<PeerKey, usize>,
}

/// Why a connection is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// A list forbids this peer or address.
    #[error("{0} is blocked here: unblock it in the address book, or change the allow list")]
    Blocked(Target),
    /// As many connections as there may be.
    #[error("too many connections: {limit} are allowed (setting `overlay.max_connections`)")]
    TooMany {
        /// The bound.
        limit: usize,
    },
    /// As many with this peer as there may be.
    #[error("too many connections with {peer}: {limit} are allowed (setting `overlay.max_per_peer`)")]
    TooManyOfPeer {
        /// The peer.
        peer: PeerKey,
        /// The bound.
        limit: usize,
    },
    /// As many with this address as there may be.
    #[error("too many connections with {ip}: {limit} are allowed (setting `overlay.max_per_ip`)")]
    TooManyOfIp {
        /// The address.
        ip: IpAddr,
        /// The bound.
        limit: usize,
    },
}

impl From<LimitError> for ConnectError {
    fn from(error: LimitError) -> Self {
        match error {
            LimitError::Blocked(target) => ConnectError::Blocked(target),
            LimitError::TooMany { limit }
            | LimitError::TooManyOfPeer { limit, .. }
            | LimitError::TooManyOfIp { limit, .. } => ConnectError::TooMany { limit },
        }
    }
}

impl Limits {
    /// A counter with these bounds and lists.
    pub fn new(config: LimitConfig) -> Self {
        let inner = Inner { config, total: 0, per_ip: HashMap::new(), per_peer: HashMap::new() };
        Limits { inner: Arc::new(Mutex::new(inner)) }
    }

    /// Replaces bounds and lists. Open connections stay open.
    pub fn update(&self, config: LimitConfig) {
        self.inner.lock().config = config;
    }

    /// Changes bounds and lists in place.
    pub fn modify(&self, change: impl FnOnce(&mut LimitConfig)) {
        change(&mut self.inner.lock().config);
    }

    /// Bounds and lists in force.
    pub fn config(&self) -> LimitConfig {
        self.inner.lock().config.clone()
    }

    /// Connections open or being opened.
    pub fn open(&self) -> usize {
        self.inner.lock().total
    }

    /// Whether the lists forbid this peer at this address, either of which may be unknown.
    pub fn refuses(&self, peer: Option<PeerKey>, ip: Option<IpAddr>) -> bool {
        let inner = self.inner.lock();
        peer.is_some_and(|key| inner.config.refuses_key(&key)) || ip.is_some_and(|ip| inner.config.refuses_ip(ip))
    }

    /// Whether plain connections, where no key is proven, are refused at this address.
    pub fn refuses_plain(&self, ip: IpAddr) -> bool {
        let inner = self.inner.lock();
        let config = &inner.config;
        config.refuses_ip(ip) || (!config.allow_keys.is_empty() && config.allow_nets.is_empty())
    }

    /// A place for a connection with `remote` (none through a relay), whose key is not known yet.
    ///
    /// # Errors
    /// [`LimitError`] if a list or a bound forbids it.
    pub fn admit(&self, remote: Option<SocketAddr>) -> Result<Permit, LimitError> {
        let mut inner = self.inner.lock();
        let group = remote.map(|r| address_group(r.ip()));
        if let Some(remote) = remote.filter(|r| inner.config.refuses_ip(r.ip())) {
            return Err(LimitError::Blocked(Target::Socket(remote)));
        }
        if inner.total >= inner.config.max_connections {
            return Err(LimitError::TooMany { limit: inner.config.max_connections });
        }
        if let Some(ip) = group {
            let limit = inner.config.max_per_ip;
            let count = inner.per_ip.entry(ip).or_insert(0);
            if *count >= limit {
                if *count == 0 {
                    inner.per_ip.remove(&ip);
                }
                return Err(LimitError::TooManyOfIp { ip, limit });
            }
            *count += 1;
        }
        inner.total += 1;
        Ok(Permit { limits: self.clone(), group, peer: None })
    }
}

impl LimitConfig {
    fn refuses_key(&self, key: &PeerKey) -> bool {
        self.deny_keys.contains(key) || (!self.allow_keys.is_empty() && !self.allow_keys.contains(key))
    }

    fn refuses_ip(&self, ip: IpAddr) -> bool {
        let ip = canonical(ip);
        let within = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&ip));
        within(&self.deny_nets) || (!self.allow_nets.is_empty() && !within(&self.allow_nets))
    }
}

/// One connection's place; dropping it gives the place back.
#[must_use = "dropping the permit gives the place back"]
pub struct Permit {
    limits: Limits,
    group: Option<IpAddr>,
    peer: Option<PeerKey>,
}

impl Permit {
    /// Counts the connection for the peer whose key was proven.
    ///
    /// # Errors
    /// [`LimitError`] if a list or the bound of a peer forbids it; the connection is to be closed then.
    pub fn bind(&mut self, peer: PeerKey) -> Result<(), LimitError> {
        let mut inner = self.limits.inner.lock();
        if inner.config.refuses_key(&peer) {
            return Err(LimitError::Blocked(Target::Peer(peer)));
        }
        if self.peer == Some(peer) {
            return Ok(());
        }
        let limit = inner.config.max_per_peer;
        if inner.per_peer.get(&peer).copied().unwrap_or(0) >= limit {
            return Err(LimitError::TooManyOfPeer { peer, limit });
        }
        if let Some(old) = self.peer.replace(peer) {
            release(&mut inner.per_peer, &old);
        }
        *inner.per_peer.entry(peer).or_insert(0) += 1;
        Ok(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut inner = self.limits.inner.lock();
        inner.total = inner.total.saturating_sub(1);
        if let Some(ip) = self.group {
            release(&mut inner.per_ip, &ip);
        }
        if let Some(peer) = self.peer {
            release(&mut inner.per_peer, &peer);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("group", &self.group).field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits").field("open", &self.open()).finish_non_exhaustive()
    }
}

fn release<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// Who counts as one address: an IPv4 address, or an IPv6 /64 (one customer has at least that much).
fn address_group(ip: IpAddr) -> IpAddr {
    match canonical(ip) {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ip: &str) -> Option<SocketAddr> {
        Some(SocketAddr::new(ip.parse().unwrap(), 1))
    }

    fn key(seed: u8) -> PeerKey {
        let secret = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        PeerKey::from_bytes(secret.verifying_key().to_bytes()).unwrap()
    }

    #[test]
    fn places_are_counted_and_given_back() {
        let limits = Limits::new(LimitConfig { max_connections: 3, max_per_ip: 2, ..LimitConfig::default() });
        let a = limits.admit(at("192.0.2.1")).unwrap();
        let _b = limits.admit(at("::ffff:192.0.2.1")).unwrap();
        assert!(matches!(limits.admit(at("192.0.2.1")), Err(LimitError::TooManyOfIp { limit: 2, .. })));
        let c = limits.admit(None).unwrap();
        assert!(matches!(limits.admit(None), Err(LimitError::TooMany { limit: 3 })));
        drop((a, c));
        assert_eq!(limits.open(), 1);
        let _d = limits.admit(at("192.0.2.1")).unwrap();
        limits.modify(|c| c.max_connections = 1);
        assert!(limits.admit(None).is_err(), "a lower bound holds at once");
    }

    #[test]
    fn a_v6_customer_counts_as_one() {
        let limits = Limits::new(LimitConfig { max_per_ip: 1, ..LimitConfig::default() });
        let _a = limits.admit(at("2001:db8::1")).unwrap();
        assert!(limits.admit(at("2001:db8::2:0:0:2")).is_err());
        assert!(limits.admit(at("2001:db8:0:1::2")).is_ok());
    }

    #[test]
    fn nothing_stays_behind_of_connections_gone() {
        let limits = Limits::new(LimitConfig { max_per_ip: 0, ..LimitConfig::default() });
        assert!(limits.admit(at("192.0.2.1")).is_err());
        assert!(limits.inner.lock().per_ip.is_empty());
        limits.modify(|c| c.max_per_ip = 1);
        let mut permit = limits.admit(at("192.0.2.1")).unwrap();
        permit.bind(key(1)).unwrap();
        permit.bind(key(2)).unwrap();
        drop(permit);
        let inner = limits.inner.lock();
        assert!(inner.per_ip.is_empty() && inner.per_peer.is_empty() && inner.total == 0);
    }

    #[test]
    fn lists_hold() {
        let limits = Limits::new(LimitConfig { max_per_peer: 1, ..LimitConfig::default() });
        limits.modify(|c| {
            c.deny_keys.insert(key(1));
            c.deny_nets.push("198.51.100.0/24".parse().unwrap());
        });
        assert!(matches!(limits.admit(at("198.51.100.7")), Err(LimitError::Blocked(Target::Socket(_)))));
        let mut permit = limits.admit(at("192.0.2.1")).unwrap();
        assert_eq!(permit.bind(key(1)), Err(LimitError::Blocked(Target::Peer(key(1)))));
        permit.bind(key(2)).unwrap();
        permit.bind(key(2)).unwrap();
        let mut second = limits.admit(None).unwrap();
        assert!(matches!(second.bind(key(2)), Err(LimitError::TooManyOfPeer { limit: 1, .. })));
        limits.modify(|c| {
            c.allow_keys.insert(key(3));
        });
        assert!(limits.refuses(Some(key(2)), None) && !limits.refuses(Some(key(3)), None));
        assert!(limits.refuses_plain("192.0.2.1".parse().unwrap()), "an allow list of keys excludes the keyless");
    }
}
