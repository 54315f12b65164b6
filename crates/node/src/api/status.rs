//! Who and where this node is.

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::ApiState;
use crate::switchboard::ServiceStatus;

/// Tells the facts that change while the node runs.
pub(crate) trait NodeFacts: Send + Sync + 'static {
    /// The facts now.
    fn status(&self) -> NodeStatus;
}

/// Who and where a node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct NodeStatus {
    /// Weft's version.
    pub(crate) version: String,
    /// Its process.
    pub(crate) pid: u32,
    /// The device key: what peers dial.
    pub(crate) peer: String,
    /// The user key: what invitations and the address book name.
    pub(crate) user: String,
    /// The device's name in its certificate.
    pub(crate) device_name: String,
    /// `public`, or `private/<name>`.
    pub(crate) network: String,
    /// The data folder.
    #[schema(value_type = String)]
    pub(crate) data_dir: PathBuf,
    /// Where files go that name no folder of their own.
    #[schema(value_type = String)]
    pub(crate) files_dir: PathBuf,
    /// The API.
    pub(crate) api: String,
    /// Where it listens on TCP.
    #[schema(value_type = Option<String>)]
    pub(crate) tcp: Option<SocketAddr>,
    /// Where it listens on UDP.
    #[schema(value_type = Option<String>)]
    pub(crate) udp: Option<SocketAddr>,
    /// Where its DHT node listens.
    #[schema(value_type = Option<String>)]
    pub(crate) dht: Option<SocketAddr>,
    /// The relay it offers.
    pub(crate) relay: Option<String>,
    /// Seconds since it started.
    pub(crate) uptime_seconds: u64,
}

/// The node's status with its health and services.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FullStatus {
    #[serde(flatten)]
    node: NodeStatus,
    /// `ok` or `degraded`; `/api/v1/health` says why.
    health: &'static str,
    /// Every service.
    services: Vec<ServiceStatus>,
}

/// Who and where this node is, and how.
#[utoipa::path(get, path = "/status", tag = "node", operation_id = "node_status", responses((status = OK, body = FullStatus)))]
pub(super) async fn status(State(state): State<ApiState>) -> Json<FullStatus> {
    Json(FullStatus {
        node: state.facts.status(),
        health: state.health.report(&state.switchboard).status,
        services: state.switchboard.list(),
    })
}
