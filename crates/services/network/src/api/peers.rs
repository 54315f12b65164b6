//! What was observed of each peer, and connections asked for by hand.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_overlay::{ConnectError, Overlay, PathPolicy, PeerId, PeerKey, PeerSnapshot};
use weft_service::Problem;

/// 60 s: nobody waits longer for a connection.
const MAX_TIMEOUT_SECONDS: u64 = 60;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectRequest {
    /// The peer's key.
    peer: String,
    /// How long to try, 1 to 60 s; 15 s if absent.
    timeout_seconds: Option<u64>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DisconnectRequest {
    /// The peer's key.
    peer: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Connected {
    /// The peer's key.
    peer: String,
    /// `direct` or `relayed`.
    path: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Disconnected {
    /// The peer's key.
    peer: String,
    /// Connections that were closed.
    closed: usize,
}

/// Every peer that was observed, the latest seen first.
#[utoipa::path(get, path = "/peers", tag = "network", operation_id = "network_list", responses((status = OK, body = Vec<PeerSnapshot>)))]
pub(super) async fn list(State(overlay): State<Overlay>) -> Json<Vec<PeerSnapshot>> {
    Json(overlay.peers().snapshot())
}

/// One peer, by key or by address.
#[utoipa::path(get, path = "/peers/{peer}", tag = "network", operation_id = "network_one", params(("peer" = String, Path)),
    responses((status = OK, body = PeerSnapshot), (status = NOT_FOUND, body = Problem)))]
pub(super) async fn one(
    State(overlay): State<Overlay>,
    Path(peer): Path<String>,
) -> Result<Json<PeerSnapshot>, Problem> {
    let id = match peer.parse() {
        Ok(address) => PeerId::Address(address),
        Err(_) => PeerId::Key(key(&peer)?),
    };
    overlay.peers().get(&id).map(Json).ok_or_else(|| Problem::not_found(format!("{id} was never seen")))
}

/// Makes sure of a connection with a peer. Answers 502 if it cannot be reached, 504 if it does not answer in time.
#[utoipa::path(post, path = "/connect", tag = "network", operation_id = "network_connect", request_body = ConnectRequest,
    responses((status = OK, body = Connected), (status = BAD_GATEWAY, body = Problem), (status = GATEWAY_TIMEOUT, body = Problem),
        (status = FORBIDDEN, body = Problem)))]
pub(super) async fn connect(
    State(overlay): State<Overlay>,
    Json(request): Json<ConnectRequest>,
) -> Result<Json<Connected>, Problem> {
    let peer = key(&request.peer)?;
    let seconds = request.timeout_seconds.unwrap_or(PathPolicy::DEFAULT_TIMEOUT.as_secs());
    let timeout = Duration::from_secs(seconds.clamp(1, MAX_TIMEOUT_SECONDS));
    let path = overlay.reach(peer, timeout).await.map_err(|error| problem(&error))?;
    Ok(Json(Connected { peer: peer.to_string(), path: path.as_str() }))
}

/// Closes the connections with a peer. Either side may open another; the deny list keeps it away.
#[utoipa::path(post, path = "/disconnect", tag = "network", operation_id = "network_disconnect", request_body = DisconnectRequest,
    responses((status = OK, body = Disconnected), (status = BAD_REQUEST, body = Problem)))]
pub(super) async fn disconnect(
    State(overlay): State<Overlay>,
    Json(request): Json<DisconnectRequest>,
) -> Result<Json<Disconnected>, Problem> {
    let peer = key(&request.peer)?;
    let closed = overlay.disconnect(&peer);
    Ok(Json(Disconnected { peer: peer.to_string(), closed }))
}

fn key(text: &str) -> Result<PeerKey, Problem> {
    text.parse().map_err(|error| {
        Problem::bad_request(format!("`{text}` is not a peer's key: {error}")).mend("`weft id` shows a node's key")
    })
}

fn problem(error: &ConnectError) -> Problem {
    let (status, code) = match error {
        ConnectError::Blocked(_) | ConnectError::NotAllowed(_) | ConnectError::AddressRefused(_) => {
            (StatusCode::FORBIDDEN, "refused")
        }
        ConnectError::TimedOut { .. } => (StatusCode::GATEWAY_TIMEOUT, "timed-out"),
        ConnectError::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, "shutting-down"),
        ConnectError::TooMany { .. } => (StatusCode::SERVICE_UNAVAILABLE, "too-many-connections"),
        _ => (StatusCode::BAD_GATEWAY, "unreachable"),
    };
    Problem::of(status, code, error).mend("see `weft doctor`, or ask the peer for a fresh invitation")
}
