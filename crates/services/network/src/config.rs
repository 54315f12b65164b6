//! The `[network]` and `[overlay]` sections of the configuration: which network, and how this node stands in it.

use std::collections::HashSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use weft_identity::NetworkName;
use weft_overlay::{DEFAULT_RELAY_CLIENT_RATE, DhtConfig, LimitConfig, OverlayConfig, PeerKey, RelayOffer, RelayRole};

/// "WEFT" on a phone's keys is 9338, the API's port; the overlay has the next one, TCP and UDP.
pub const DEFAULT_PORT: u16 = 9339;

/// The relay's port, TCP and UDP.
pub const DEFAULT_RELAY_PORT: u16 = 9340;

/// The `[network]` section: which network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkConfig {
    /// The name of a private network; empty is the public one.
    pub name: String,
    /// DHT nodes to begin with, `host:port`. Empty: the public list on the public network, none on a private one.
    pub bootstrap: Vec<String>,
    /// Whether to run a DHT node.
    pub dht: bool,
    /// Where the DHT's UDP socket listens, `ip:port`. Empty: the overlay's address and any port.
    pub dht_listen: String,
    /// Find and be found by peers on the local network.
    pub mdns: bool,
    /// Ask the router to open ports.
    pub port_mapping: bool,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        NetworkConfig {
            name: String::new(),
            bootstrap: Vec::new(),
            dht: true,
            dht_listen: String::new(),
            mdns: true,
            port_mapping: true,
        }
    }
}

/// Whether this node carries packets of peers that cannot reach one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relay {
    /// When it finds that it has a public address.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// The `[overlay]` section: how this node stands in its network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OverlaySection {
    /// The address that TCP and UDP listen on.
    pub bind: IpAddr,
    /// The port of both; 0 takes any that is free.
    pub port: u16,
    /// Further addresses at which this node can be reached: a port forwarded by hand.
    pub external: Vec<SocketAddr>,
    /// Whether to serve as a relay: `auto`, `on` or `off`.
    pub relay: Relay,
    /// The relay's port, TCP and UDP; 0 takes any.
    pub relay_port: u16,
    /// Bytes a second each client may send through our relay.
    pub relay_client_rate: u32,
    /// Relays to begin with, as another node's `weft status` shows them.
    pub relay_hints: Vec<String>,
    /// Connections of all kinds together.
    pub max_connections: usize,
    /// If not empty, only these may connect, and only they are dialled: peer keys, addresses, or ranges as 10.0.0.0/8.
    pub allow: Vec<String>,
    /// These may not connect and are not dialled: peer keys, addresses, or ranges.
    pub deny: Vec<String>,
}

impl Default for OverlaySection {
    fn default() -> Self {
        OverlaySection {
            bind: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            port: DEFAULT_PORT,
            external: Vec::new(),
            relay: Relay::Auto,
            relay_port: DEFAULT_RELAY_PORT,
            relay_client_rate: DEFAULT_RELAY_CLIENT_RATE,
            relay_hints: Vec::new(),
            max_connections: LimitConfig::default().max_connections,
            allow: Vec::new(),
            deny: Vec::new(),
        }
    }
}

/// A value that has the right type and still cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadValue {
    /// The key: `network.dht_listen`.
    pub key: &'static str,
    /// What is wrong with it, and what is expected.
    pub reason: String,
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.reason)
    }
}

impl std::error::Error for BadValue {}

/// What the overlay is told, for a node whose data is in `data_dir`.
///
/// # Errors
/// [`BadValue`] names the first key that cannot be followed.
pub fn overlay_config(
    network: &NetworkConfig,
    overlay: &OverlaySection,
    data_dir: &Path,
) -> Result<OverlayConfig, BadValue> {
    let name = network_name(&network.name)?;
    let mut config = if name.is_public() { OverlayConfig::public() } else { OverlayConfig::private(name) };
    if !network.bootstrap.is_empty() {
        config.bootstrap = network.bootstrap.clone();
    }
    config.bind_ip = overlay.bind;
    config.port = overlay.port;
    config.external = overlay.external.clone();
    let server_mode = !config.network.is_public();
    config.dht = DhtConfig { enabled: network.dht, bind: dht_bind(network, overlay)?, server_mode };
    config.mdns = network.mdns;
    config.port_mapping = network.port_mapping;
    config.relay = relay_offer(overlay);
    config.relays = each("overlay.relay_hints", &overlay.relay_hints)?;
    config.limits = limits(overlay)?;
    config.cache_dir = Some(data_dir.join("overlay"));
    Ok(config)
}

/// The network's name; empty is the public network's.
///
/// # Errors
/// [`BadValue`] if no network may be called so.
pub fn network_name(name: &str) -> Result<NetworkName, BadValue> {
    if name.is_empty() {
        return Ok(NetworkName::public());
    }
    NetworkName::new(name).map_err(|error| BadValue { key: "network.name", reason: error.to_string() })
}

/// The DHT speaks IPv4 only: beside an IPv6 overlay it listens on every IPv4 address.
fn dht_bind(network: &NetworkConfig, overlay: &OverlaySection) -> Result<(Ipv4Addr, u16), BadValue> {
    if network.dht_listen.is_empty() {
        return Ok(match overlay.bind {
            IpAddr::V4(ip) => (ip, 0),
            IpAddr::V6(_) => (Ipv4Addr::UNSPECIFIED, 0),
        });
    }
    match network.dht_listen.parse::<SocketAddr>() {
        Ok(SocketAddr::V4(address)) => Ok((*address.ip(), address.port())),
        Ok(SocketAddr::V6(_)) => {
            Err(BadValue { key: "network.dht_listen", reason: "the DHT speaks IPv4 only: give an IPv4 address".into() })
        }
        Err(_) => Err(BadValue {
            key: "network.dht_listen",
            reason: format!("`{}` is not `ip:port`, as in 0.0.0.0:6881", network.dht_listen),
        }),
    }
}

fn relay_offer(overlay: &OverlaySection) -> RelayOffer {
    RelayOffer {
        role: match overlay.relay {
            Relay::Auto => RelayRole::Auto,
            Relay::On => RelayRole::On,
            Relay::Off => RelayRole::Off,
        },
        port: overlay.relay_port,
        discovery_port: overlay.relay_port,
        client_rate: overlay.relay_client_rate,
        ..RelayOffer::default()
    }
}

fn limits(overlay: &OverlaySection) -> Result<LimitConfig, BadValue> {
    let (allow_keys, allow_nets) = keys_and_nets("overlay.allow", &overlay.allow)?;
    let (deny_keys, deny_nets) = keys_and_nets("overlay.deny", &overlay.deny)?;
    let max_connections = overlay.max_connections.max(1);
    Ok(LimitConfig { max_connections, allow_keys, deny_keys, allow_nets, deny_nets, ..LimitConfig::default() })
}

/// A list names peers by key and places by address or range.
fn keys_and_nets(key: &'static str, texts: &[String]) -> Result<(HashSet<PeerKey>, Vec<IpNet>), BadValue> {
    let (mut keys, mut nets) = (HashSet::new(), Vec::new());
    for text in texts {
        if let Ok(net) = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
            nets.push(net);
        } else {
            keys.extend(each::<PeerKey>(key, std::slice::from_ref(text))?);
        }
    }
    Ok((keys, nets))
}

fn each<T: FromStr<Err: fmt::Display>>(key: &'static str, texts: &[String]) -> Result<Vec<T>, BadValue> {
    let one = |text: &String| {
        text.parse().map_err(|error| BadValue { key, reason: format!("`{text}` cannot be used: {error}") })
    };
    texts.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use weft_overlay::Network;

    use super::*;

    fn built(network: &NetworkConfig, overlay: &OverlaySection) -> Result<OverlayConfig, BadValue> {
        overlay_config(network, overlay, Path::new("/data"))
    }

    #[test]
    fn only_the_public_network_begins_with_the_public_list() {
        let public = built(&NetworkConfig::default(), &OverlaySection::default()).expect("defaults are good");
        assert_eq!(public.bootstrap, weft_overlay::PUBLIC_BOOTSTRAP);
        assert!(!public.dht.server_mode);
        let private = NetworkConfig { name: "lab".into(), ..NetworkConfig::default() };
        let private = built(&private, &OverlaySection::default()).expect("a plain name is good");
        assert_eq!(private.network, Network::Private { name: NetworkName::new("lab").expect("a name") });
        assert!(private.bootstrap.is_empty() && private.dht.server_mode);
    }

    #[test]
    fn a_value_that_cannot_be_followed_is_named() {
        let network = |change: fn(&mut NetworkConfig)| {
            let mut network = NetworkConfig::default();
            change(&mut network);
            built(&network, &OverlaySection::default()).expect_err("a bad value").key
        };
        assert_eq!(network(|n| n.name = "a b".into()), "network.name");
        assert_eq!(network(|n| n.name = "x".repeat(99)), "network.name");
        assert_eq!(network(|n| n.dht_listen = "[::1]:5".into()), "network.dht_listen");
        assert_eq!(network(|n| n.dht_listen = "here".into()), "network.dht_listen");
        let overlay = OverlaySection { deny: vec!["nobody".into()], ..OverlaySection::default() };
        assert_eq!(built(&NetworkConfig::default(), &overlay).expect_err("no key").key, "overlay.deny");
        let overlay = OverlaySection { relay_hints: vec!["http://x".into()], ..OverlaySection::default() };
        assert_eq!(built(&NetworkConfig::default(), &overlay).expect_err("no relay").key, "overlay.relay_hints");
    }

    #[test]
    fn lists_name_keys_and_places() {
        let overlay =
            OverlaySection { deny: vec!["192.0.2.1".into(), "2001:db8::/32".into()], ..OverlaySection::default() };
        let config = built(&NetworkConfig::default(), &overlay).expect("a good list");
        let nets: Vec<String> = config.limits.deny_nets.iter().map(ToString::to_string).collect();
        assert_eq!(nets, ["192.0.2.1/32", "2001:db8::/32"]);
    }

    #[test]
    fn the_dht_listens_beside_the_overlay() {
        let overlay = OverlaySection { bind: "127.5.0.1".parse().expect("an address"), ..OverlaySection::default() };
        let config = built(&NetworkConfig::default(), &overlay).expect("a good config");
        assert_eq!(config.dht.bind, (Ipv4Addr::new(127, 5, 0, 1), 0));
    }
}
