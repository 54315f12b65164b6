//! What an overlay is told when it starts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use weft_identity::NetworkName;

use crate::limits::LimitConfig;
use crate::relay::RelayHint;

/// Nodes of the public Mainline DHT that answer strangers who know nobody yet. Only a public network begins with them.
pub const PUBLIC_BOOTSTRAP: [&str; 4] = [
    "router.bittorrent.com:6881",
    "dht.transmissionbt.com:6881",
    "dht.libtorrent.org:25401",
    "router.utorrent.com:6881",
];

/// Which network this node is of. Peers of different networks refuse one another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Network {
    /// The one public network, on the public Mainline DHT.
    #[default]
    Public,
    /// A network of its own: own bootstrap nodes, own DHT, strangers refused.
    Private {
        /// Its name.
        name: NetworkName,
    },
}

impl Network {
    /// The name on the wire: `public`, or `private/<name>`, so that no private network can call itself the public one.
    pub fn wire_name(&self) -> String {
        match self {
            Network::Public => "public".to_owned(),
            Network::Private { name } => format!("private/{name}"),
        }
    }

    /// Whether this is the public network, where an address given by a stranger is never a private one.
    pub fn is_public(&self) -> bool {
        matches!(self, Network::Public)
    }
}

/// Whether this node carries packets of peers that cannot reach one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RelayRole {
    /// Never.
    #[default]
    Off,
    /// Always: the address to advertise is given in the config, or is the bind address.
    On,
    /// When this node finds that a public address of its own is bound on this machine.
    Auto,
}

/// The relay this node may offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayOffer {
    /// Whether to offer one.
    pub role: RelayRole,
    /// Where its TCP and UDP sockets listen. `None`: on the overlay's own bind address.
    pub bind_ip: Option<IpAddr>,
    /// The address in its name. `None`: the bind address, or what the network says of us.
    pub advertised_ip: Option<Ipv4Addr>,
    /// TCP port of the relay; 0 takes any. The same number is advertised.
    pub port: u16,
    /// UDP port of its address discovery; 0 takes any.
    pub discovery_port: u16,
    /// Bytes a second each client may send through it.
    pub client_rate: u32,
}

/// 4 MiB/s a client: a film streams through it, and a hundred clients do not drown a home line's relay.
pub const DEFAULT_RELAY_CLIENT_RATE: u32 = 4 * 1024 * 1024;

impl Default for RelayOffer {
    fn default() -> Self {
        RelayOffer {
            role: RelayRole::Off,
            bind_ip: None,
            advertised_ip: None,
            port: 0,
            discovery_port: 0,
            client_rate: DEFAULT_RELAY_CLIENT_RATE,
        }
    }
}

/// The DHT node of this overlay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DhtConfig {
    /// Whether to run one.
    pub enabled: bool,
    /// Where its UDP socket listens. Port 0 takes any.
    pub bind: (Ipv4Addr, u16),
    /// Whether to answer others' queries from the start. Without it the node becomes a server after a quarter of an hour
    /// of being reachable; a private network needs servers at once.
    pub server_mode: bool,
}

impl Default for DhtConfig {
    fn default() -> Self {
        DhtConfig { enabled: true, bind: (Ipv4Addr::UNSPECIFIED, 0), server_mode: false }
    }
}

/// Everything an [`Overlay`](crate::Overlay) is told when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverlayConfig {
    /// Which network.
    pub network: Network,
    /// DHT nodes to begin with, `host:port`. Names are resolved by this machine's own resolver.
    pub bootstrap: Vec<String>,
    /// The address TCP and UDP sockets listen on.
    pub bind_ip: IpAddr,
    /// The port of both; 0 takes any that is free for both.
    pub port: u16,
    /// Whether peers may see where this machine is. Off: no overlay packet goes straight to or from a peer, only through
    /// relays; no address is told or published; no TLS link is opened to a peer. (BitTorrent swarms are not the overlay's.)
    pub direct: bool,
    /// The DHT node.
    pub dht: DhtConfig,
    /// Find and be found by peers on the local network (multicast DNS).
    pub mdns: bool,
    /// Ask the router to open ports (PCP, NAT-PMP, UPnP).
    pub port_mapping: bool,
    /// The relay this node may offer.
    pub relay: RelayOffer,
    /// Relays to begin with, as another node's status shows them.
    pub relays: Vec<RelayHint>,
    /// Further addresses at which this node can be reached (a port forwarded by hand).
    pub external: Vec<SocketAddr>,
    /// Bounds on connections, and whom we speak with.
    pub limits: LimitConfig,
    /// Private network only: where its members may be; empty means anywhere.
    pub nets: Vec<IpNet>,
    /// Where DHT nodes and relays seen, and the relay's key, are kept between starts. `None` keeps nothing.
    pub cache_dir: Option<PathBuf>,
}

impl OverlayConfig {
    /// A node of the public network.
    pub fn public() -> Self {
        OverlayConfig {
            network: Network::Public,
            bootstrap: PUBLIC_BOOTSTRAP.iter().map(|&node| node.to_owned()).collect(),
            bind_ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            port: 0,
            direct: true,
            dht: DhtConfig::default(),
            mdns: true,
            port_mapping: true,
            relay: RelayOffer { role: RelayRole::Auto, ..RelayOffer::default() },
            relays: Vec::new(),
            external: Vec::new(),
            limits: LimitConfig::default(),
            nets: Vec::new(),
            cache_dir: None,
        }
    }

    /// A node of a private network: no bootstrap node but those you give, and its DHT node serves at once.
    pub fn private(name: NetworkName) -> Self {
        OverlayConfig {
            network: Network::Private { name },
            bootstrap: Vec::new(),
            dht: DhtConfig { server_mode: true, ..DhtConfig::default() },
            relay: RelayOffer::default(),
            ..Self::public()
        }
    }

    /// A node of a private network that stays on this machine: loopback, no multicast, no port mapping. What tests and
    /// labs use; each node of one needs an address of its own in 127/8.
    pub fn loopback(name: NetworkName, ip: Ipv4Addr) -> Self {
        OverlayConfig {
            bind_ip: IpAddr::V4(ip),
            dht: DhtConfig { bind: (ip, 0), server_mode: true, enabled: true },
            mdns: false,
            port_mapping: false,
            ..Self::private(name)
        }
    }
}
