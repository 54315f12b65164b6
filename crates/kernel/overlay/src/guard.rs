//! Which addresses are dialled, by who gave them.
//!
//! A tracker, a magnet, a DHT record or a peer of a swarm can name any address. If it names this machine, a router or a
//! printer, a node that dials it has become the stranger's hand in its owner's network. So on a public network what
//! strangers say is followed only to globally reachable unicast addresses. What the operator typed is followed anywhere;
//! what came over the local network is followed within that network.
//!
//! Names are resolved *first* and each resulting address is checked, and it is these addresses that are dialled, never
//! the name again: a name that resolves to a public address once and to a private one afterwards (DNS rebinding) gains
//! nothing.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Addresses taken from one name: a host with more than 16 is a farm, and 16 attempts are enough to reach it.
pub const MAX_RESOLVED: usize = 16;

/// Longest host name (RFC 1035 §2.3.4).
pub const MAX_HOST_LEN: usize = 253;

/// A name server that has not answered after 5 s has lost the query twice.
pub const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Who gave an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The operator: typed in, configured, or in an invitation they accepted.
    User,
    /// Anybody else: trackers, peer exchange, DHT, `x.pe` of a magnet, redirects, records, relay URLs.
    Stranger,
    /// Something heard on the local network: mDNS, local service discovery, a peer that is there itself.
    Lan,
}

/// What kind of network this node is part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The public one: strangers are anybody.
    Public,
    /// A private one: its members may name private addresses.
    Private {
        /// Where they may be; empty means anywhere.
        nets: Vec<IpNet>,
    },
}

/// Decides which addresses are followed. Cheap to clone.
#[derive(Clone)]
pub struct AddressGuard {
    scope: Arc<Scope>,
    lan: Arc<[IpNet]>,
    resolver: Arc<dyn ResolveHost>,
}

impl AddressGuard {
    /// A guard for `scope` on a machine whose own subnets are `lan` (see [`local_subnets`]), resolving names with the
    /// system's resolver.
    pub fn new(scope: Scope, lan: Vec<IpNet>) -> Self {
        AddressGuard { scope: Arc::new(scope), lan: lan.into(), resolver: Arc::new(SystemResolver) }
    }

    /// A guard for the public network.
    pub fn public() -> Self {
        Self::new(Scope::Public, local_subnets())
    }

    /// A guard for a private network whose members may be anywhere.
    pub fn private() -> Self {
        Self::new(Scope::Private { nets: Vec::new() }, local_subnets())
    }

    /// The same guard with another resolver.
    #[must_use]
    pub fn with_resolver(self, resolver: Arc<dyn ResolveHost>) -> Self {
        AddressGuard { resolver, ..self }
    }

    /// What kind of network this guard is for.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The origin that addresses named by a peer at `source` have: a peer that is itself on the local network may name
    /// its neighbours there.
    pub fn origin_of(&self, source: IpAddr) -> Origin {
        if self.is_lan(canonical(source)) { Origin::Lan } else { Origin::Stranger }
    }

    /// Whether an address that `origin` gave may be dialled.
    ///
    /// # Errors
    /// [`GuardError::NeverDialled`] for what is no peer's address at all, [`GuardError::NotPublic`] for what this
    /// origin may not name on this network.
    pub fn check(&self, address: SocketAddr, origin: Origin) -> Result<(), GuardError> {
        let ip = canonical(address.ip());
        if let Some(why) = never_dialled(ip) {
            return Err(GuardError::NeverDialled { address, why });
        }
        if address.port() == 0 {
            return Err(GuardError::NeverDialled { address, why: "port 0" });
        }
        if origin == Origin::User {
            return Ok(());
        }
        if let Scope::Private { nets } = &*self.scope {
            return if nets.is_empty() || nets.iter().any(|net| net.contains(&ip)) || is_global(ip) {
                Ok(())
            } else {
                Err(GuardError::NotPublic { address, why: "outside this private network's address ranges" })
            };
        }
        match not_global(ip) {
            None => Ok(()),
            Some(_) if origin == Origin::Lan && self.is_lan(ip) => Ok(()),
            Some(why) => Err(GuardError::NotPublic { address, why }),
        }
    }

    /// Whether an address that `origin` gave may be dialled, as a word: for filters over many.
    pub fn allows(&self, address: SocketAddr, origin: Origin) -> bool {
        self.check(address, origin).is_ok()
    }

    /// Resolves `host` (a name, or an address literal with or without brackets) and keeps the addresses that may be
    /// dialled. Dial these, not the name.
    ///
    /// # Errors
    /// The guard's answer for the first refused address if none is left; [`GuardError::SpecialName`] for names that
    /// mean this machine or its own network when a stranger gives them; [`GuardError::Resolve`] if the resolver fails.
    pub async fn resolve_checked(&self, host: &str, port: u16, origin: Origin) -> Result<Vec<SocketAddr>, GuardError> {
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            let address = SocketAddr::new(ip, port);
            return self.check(address, origin).map(|()| vec![address]);
        }
        let name = bare.trim_end_matches('.').to_ascii_lowercase();
        if name.is_empty() || name.len() > MAX_HOST_LEN {
            return Err(GuardError::NoAddress { host: shown(host) });
        }
        if is_onion(&name) || (self.refuses_local_names(origin) && is_local_name(&name)) {
            return Err(GuardError::SpecialName { host: shown(host) });
        }
        let resolved = tokio::time::timeout(RESOLVE_TIMEOUT, self.resolver.resolve(&name, port))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|source| GuardError::Resolve { host: shown(host), source })?;
        let mut refused = None;
        let mut good = Vec::new();
        for address in resolved.into_iter().take(MAX_RESOLVED) {
            match self.check(address, origin) {
                Ok(()) if !good.contains(&address) => good.push(address),
                Ok(()) => {}
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        match (good.is_empty(), refused) {
            (false, _) => Ok(good),
            (true, Some(error)) => Err(error),
            (true, None) => Err(GuardError::NoAddress { host: shown(host) }),
        }
    }

    fn refuses_local_names(&self, origin: Origin) -> bool {
        origin != Origin::User && *self.scope == Scope::Public
    }

    /// Loopback is never the local network: only this machine is there, and it is not its own peer.
    fn is_lan(&self, ip: IpAddr) -> bool {
        let loopback = ip.is_loopback();
        !loopback && (is_link_local(ip) || self.lan.iter().any(|net| net.contains(&ip)))
    }
}

impl fmt::Debug for AddressGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddressGuard").field("scope", &self.scope).field("lan", &self.lan).finish_non_exhaustive()
    }
}

/// Turns names into addresses.
#[async_trait]
pub trait ResolveHost: Send + Sync + 'static {
    /// All addresses of `host`, unchecked.
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl ResolveHost for SystemResolver {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.take(MAX_RESOLVED).collect())
    }
}

/// Why an address or a name is not followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuardError {
    /// No peer can have this address.
    #[error("{address} is never dialled: {why}")]
    NeverDialled {
        /// The address.
        address: SocketAddr,
        /// What kind of address it is.
        why: &'static str,
    },
    /// A stranger named an address of this machine or of a private network.
    #[error(
        "{address} is not followed: {why}, and a stranger gave it; if you trust it, give it yourself or use a private network"
    )]
    NotPublic {
        /// The address.
        address: SocketAddr,
        /// What kind of address it is.
        why: &'static str,
    },
    /// A name that is only meaningful on this machine or network, or that must not be asked of the DNS.
    #[error("{host} is not looked up: the name is reserved for local or onion use")]
    SpecialName {
        /// The name.
        host: String,
    },
    /// The resolver failed.
    #[error("cannot resolve {host}: check the name and this machine's DNS")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        #[source]
        source: io::Error,
    },
    /// The name has no address.
    #[error("{host} has no address: check the name")]
    NoAddress {
        /// The name.
        host: String,
    },
}

/// A host name from outside, safe to print.
fn shown(host: &str) -> String {
    host.chars().take(MAX_HOST_LEN).flat_map(char::escape_default).collect()
}

/// RFC 7686: onion names never go to the DNS, whoever gives them.
fn is_onion(name: &str) -> bool {
    name == "onion" || name.ends_with(".onion")
}

/// RFC 6761, 6762, 8375 and the reserved `internal`: names that mean this machine or its own network.
fn is_local_name(name: &str) -> bool {
    ["localhost", "local", "internal", "home.arpa", "localdomain"]
        .iter()
        .any(|special| name.strip_suffix(special).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

/// The subnets this machine is on, without loopback.
pub fn local_subnets() -> Vec<IpNet> {
    let mut nets = Vec::new();
    for interface in netdev::get_interfaces() {
        if interface.is_loopback() || !interface.is_up() {
            continue;
        }
        let v4 = interface.ipv4.iter().filter(|net| net.prefix_len() < 32);
        nets.extend(v4.filter_map(|net| Ipv4Net::new(net.addr(), net.prefix_len()).ok()).map(|n| IpNet::V4(n.trunc())));
        let v6 = interface.ipv6.iter().filter(|net| net.prefix_len() < 128);
        nets.extend(v6.filter_map(|net| Ipv6Net::new(net.addr(), net.prefix_len()).ok()).map(|n| IpNet::V6(n.trunc())));
    }
    nets
}

/// The address meant: an IPv4 address in IPv6 clothes (`::ffff:a.b.c.d`) is that IPv4 address.
pub fn canonical(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// Whether anybody on the internet could reach a host at this address.
pub fn is_global(ip: IpAddr) -> bool {
    let ip = canonical(ip);
    never_dialled(ip).is_none() && not_global(ip).is_none()
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.segments()[0] & 0xffc0 == 0xfe80,
    }
}

/// What no unicast peer can have, whoever says so.
fn never_dialled(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) if ip.octets()[0] == 0 => Some("this-network address (0.0.0.0/8)"),
        IpAddr::V4(ip) if ip.is_broadcast() => Some("broadcast address"),
        IpAddr::V4(ip) if ip.is_multicast() => Some("multicast address"),
        IpAddr::V6(ip) if ip.is_unspecified() => Some("unspecified address"),
        IpAddr::V6(ip) if ip.is_multicast() => Some("multicast address"),
        _ => None,
    }
}

/// Why an address is not globally reachable unicast (IANA special-purpose registries, RFC 6890 and its updates).
fn not_global(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => not_global_v4(ip),
        IpAddr::V6(ip) => not_global_v6(ip),
    }
}

fn not_global_v4(ip: Ipv4Addr) -> Option<&'static str> {
    let why = match ip.octets() {
        [127, ..] => "loopback address",
        [169, 254, ..] => "link-local address",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "private address (RFC 1918)",
        [100, 64..=127, ..] => "carrier NAT address (RFC 6598)",
        [192, 0, 0, _] => "protocol assignment (192.0.0.0/24)",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => "documentation address",
        [192, 88, 99, _] => "6to4 relay address",
        [198, 18..=19, ..] => "benchmarking address",
        [0, ..] => "this-network address (0.0.0.0/8)",
        [224..=255, ..] => "multicast or reserved address",
        _ => return None,
    };
    Some(why)
}

fn not_global_v6(ip: Ipv6Addr) -> Option<&'static str> {
    let s = ip.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        not_global_v4(Ipv4Addr::new(a, b, c, d))
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback address"),
        // NAT64 (RFC 6052) leads to the IPv4 address in its last 32 bits.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // 6to4 (RFC 3056) to the one after its prefix.
        [0x2002, high, low, ..] => embedded(high, low),
        [0xfc00..=0xfdff, ..] => Some("unique local address"),
        [0xfe80..=0xfebf, ..] => Some("link-local address"),
        [0xfec0..=0xfeff, ..] => Some("site-local address"),
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Some("documentation address"),
        [0x2001, 0..=0x01ff, ..] => Some("protocol assignment or Teredo (2001::/23)"),
        // Everything assigned for global unicast so far is in 2000::/3.
        [0x2000..=0x3fff, ..] => None,
        _ => Some("not a global unicast address"),
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
