//! The overlay, its relays and its DHT node, at one moment.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use weft_overlay::{DhtStatus, OfferedRelay, Overlay, OverlayStatus, RelayStatus};

/// Relays: those we use, and the one we offer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Relays {
    /// The relay at which we can be reached.
    home: Option<String>,
    /// Relays in our map.
    relays: Vec<RelayStatus>,
    /// The relay we offer.
    offered: Option<OfferedRelay>,
}

/// The overlay: addresses, NAT, relays, DHT, connections.
#[utoipa::path(get, path = "/status", tag = "network", operation_id = "network_status", responses((status = OK, body = OverlayStatus)))]
pub(super) async fn status(State(overlay): State<Overlay>) -> Json<OverlayStatus> {
    Json(overlay.status())
}

/// The relays we use, and the one we offer.
#[utoipa::path(get, path = "/relays", tag = "network", operation_id = "network_relays", responses((status = OK, body = Relays)))]
pub(super) async fn relays(State(overlay): State<Overlay>) -> Json<Relays> {
    let status = overlay.status();
    Json(Relays { home: status.home_relay, relays: status.relays, offered: status.offered_relay })
}

/// The DHT node.
#[utoipa::path(get, path = "/dht", tag = "network", operation_id = "network_dht", responses((status = OK, body = DhtStatus)))]
pub(super) async fn dht(State(overlay): State<Overlay>) -> Json<DhtStatus> {
    Json(overlay.status().dht)
}
