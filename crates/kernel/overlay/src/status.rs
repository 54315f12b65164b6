//! What the overlay says of itself when asked.

use std::net::SocketAddr;

use serde::Serialize;

use crate::event::DhtState;
use crate::keys::PeerKey;

/// The overlay at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OverlayStatus {
    /// Our key, which is our endpoint id.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub key: PeerKey,
    /// The network's name on the wire: `public` or `private/<name>`.
    pub network: String,
    /// Where TCP listens (BitTorrent and TLS).
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub tcp: Option<SocketAddr>,
    /// The TCP address the router opened for us, if it did.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub tcp_mapped: Option<SocketAddr>,
    /// Where QUIC listens.
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub udp: Vec<SocketAddr>,
    /// Addresses at which peers may reach us: local, mapped, and as seen from outside.
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub addresses: Vec<SocketAddr>,
    /// Our address as relays see it.
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub reflexive: Vec<SocketAddr>,
    /// What kind of NAT we are behind.
    pub nat: NatVerdict,
    /// The relay at which we can be reached, once it is connected.
    pub home_relay: Option<String>,
    /// Relays in our map.
    pub relays: Vec<RelayStatus>,
    /// The relay we offer.
    pub offered_relay: Option<OfferedRelay>,
    /// The DHT node.
    pub dht: DhtStatus,
    /// Overlay connections now.
    pub connections: usize,
    /// Bound on connections of all kinds.
    pub max_connections: usize,
}

/// What stands between us and the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NatVerdict {
    /// No relay has told us yet how we look from outside.
    Unknown,
    /// Our address from outside is one of this machine's.
    Open,
    /// One outside port for every destination: hole punching works.
    EndpointIndependent,
    /// Another outside port for every destination: two such peers stay relayed.
    Symmetric,
    /// UDP does not pass.
    UdpBlocked,
}

/// A relay in our map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RelayStatus {
    /// Its URL.
    pub url: String,
    /// Whether it is in use, or waits until it is tried again.
    pub usable: bool,
    /// Whether we are reached through it.
    pub home: bool,
    /// Round trip in milliseconds, where it was measured.
    pub rtt_ms: Option<u32>,
}

/// The relay we offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OfferedRelay {
    /// Its URL.
    pub url: String,
    /// UDP port of its address discovery.
    pub discovery_port: u16,
    /// Clients it serves now.
    pub clients: usize,
}

/// The DHT node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DhtStatus {
    /// Its health.
    pub state: DhtState,
    /// Its UDP socket.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub bound: Option<SocketAddr>,
    /// Nodes in its routing table.
    pub nodes: usize,
    /// Nodes there may be in the whole network, estimated.
    pub estimated: usize,
    /// Whether it answers others' queries.
    pub server: bool,
    /// The DHT speaks IPv4 only: peers on IPv6 come from trackers, peer exchange and invitations.
    pub ipv4_only: bool,
    /// Lookups since the node started: who has a torrent, where a peer is.
    pub lookups: u64,
    /// Of those, still going on.
    pub lookups_running: u64,
    /// Announcements and records put since the node started.
    pub announces: u64,
}
