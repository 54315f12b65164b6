//! The overlay, its relays and its DHT node, at one moment.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use weft_overlay::{DhtStatus, OfferedRelay, Overlay, OverlayStatus, RelayStatus};

/// Relays: those we use, and the one we offer.
#[derive(Debug, Serialize)]
pub(super) struct Relays {
    /// The relay at which we can be reached.
    home: Option<String>,
    /// Relays in our map.
    relays: Vec<RelayStatus>,
    /// The relay we offer.
    offered: Option<OfferedRelay>,
}

/// The overlay: addresses, NAT, relays, DHT, connections.
#[utoipa::path(get, path = "/status", tag = "network", responses((status = OK, body = serde_json::Value)))]
pub(super) async fn status(State(overlay): State<Overlay>) -> Json<OverlayStatus> {
    Json(overlay.status())
}

/// Relays: `home`, `relays` (url, usable, home, rtt_ms), `offered` (url, discovery_port, clients).
#[utoipa::path(get, path = "/relays", tag = "network", responses((status = OK, body = serde_json::Value)))]
pub(super) async fn relays(State(overlay): State<Overlay>) -> Json<Relays> {
    let status = overlay.status();
    Json(Relays { home: status.home_relay, relays: status.relays, offered: status.offered_relay })
}

/// The DHT node: state, address, nodes.
#[utoipa::path(get, path = "/dht", tag = "network", responses((status = OK, body = serde_json::Value)))]
pub(super) async fn dht(State(overlay): State<Overlay>) -> Json<DhtStatus> {
    Json(overlay.status().dht)
}
