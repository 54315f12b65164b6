//! What happened on the overlay, for the feed.

use std::net::SocketAddr;

use serde::Serialize;

use crate::keys::PeerKey;
use crate::link::PathKind;

/// A change of the overlay's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OverlayEvent {
    /// The node listens.
    Started {
        /// Our key.
        key: PeerKey,
        /// Where TCP listens.
        tcp: SocketAddr,
        /// Where QUIC listens.
        udp: Vec<SocketAddr>,
    },
    /// The node stopped; every connection is closed.
    Stopped,
    /// A peer proved its key on an overlay connection.
    PeerConnected {
        /// Who.
        peer: PeerKey,
        /// Over which path.
        path: PathKind,
        /// The relay it goes through, if it is relayed.
        via_relay: Option<String>,
        /// Whether they dialled us.
        incoming: bool,
    },
    /// Packets to a connected peer take another path now: of another kind, or through another relay.
    PeerPathChanged {
        /// Who.
        peer: PeerKey,
        /// The path before.
        from: PathKind,
        /// The path now.
        to: PathKind,
        /// The relay it goes through now, if it is relayed.
        via_relay: Option<String>,
    },
    /// The last overlay connection to a peer ended.
    PeerDisconnected {
        /// Who.
        peer: PeerKey,
        /// Why, in words.
        reason: String,
    },
    /// A relay that carried a connection died, and the connection goes on over another one.
    PeerReconnected {
        /// Who.
        peer: PeerKey,
        /// The relay that was lost.
        lost_relay: String,
        /// Milliseconds from noticing the loss to the new connection.
        after_ms: u64,
    },
    /// Addresses at which we can be reached changed.
    AddressesChanged {
        /// Reflexive and local addresses (QUIC).
        addresses: Vec<SocketAddr>,
        /// Relays at which we can be reached, the first one is home.
        relays: Vec<String>,
    },
    /// A relay is known to be usable and stands in our map.
    RelayAdded {
        /// Its URL.
        url: String,
    },
    /// Our home relay is connected.
    HomeRelay {
        /// Its URL.
        url: String,
        /// Milliseconds since the one before was found dead, if one was.
        after_ms: Option<u64>,
    },
    /// A relay does not answer; it is out of the map until it is tried again.
    RelayLost {
        /// Its URL.
        url: String,
        /// What was seen.
        reason: String,
        /// When it is tried again, in milliseconds.
        retry_ms: u64,
    },
    /// We offer a relay.
    RelayOffered {
        /// Its URL.
        url: String,
        /// UDP port of its address discovery.
        discovery_port: u16,
    },
    /// The relay we offered is closed.
    RelayWithdrawn {
        /// Its URL.
        url: String,
    },
    /// The DHT node has other health now.
    Dht {
        /// Its state.
        state: DhtState,
        /// Nodes in its routing table.
        nodes: usize,
    },
}

/// How the DHT node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DhtState {
    /// Switched off.
    Off,
    /// Knows no other node yet; it tries again with back-off.
    Alone,
    /// In the network.
    Joined,
}

impl weft_events::Event for OverlayEvent {
    const SOURCE: &'static str = "network";

    fn kind(&self) -> &'static str {
        match self {
            OverlayEvent::Started { .. } => "started",
            OverlayEvent::Stopped => "stopped",
            OverlayEvent::PeerConnected { .. } => "peer-connected",
            OverlayEvent::PeerPathChanged { .. } => "peer-path-changed",
            OverlayEvent::PeerDisconnected { .. } => "peer-disconnected",
            OverlayEvent::PeerReconnected { .. } => "peer-reconnected",
            OverlayEvent::AddressesChanged { .. } => "addresses-changed",
            OverlayEvent::RelayAdded { .. } => "relay-added",
            OverlayEvent::HomeRelay { .. } => "home-relay",
            OverlayEvent::RelayLost { .. } => "relay-lost",
            OverlayEvent::RelayOffered { .. } => "relay-offered",
            OverlayEvent::RelayWithdrawn { .. } => "relay-withdrawn",
            OverlayEvent::Dht { .. } => "dht",
        }
    }
}
