//! What the table says of a peer: plain figures for the API, the CLI and pickers.
//!
//! Times are milliseconds since 1970 (UTC), durations milliseconds.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Serialize;

use super::Direction;
use crate::keys::PeerKey;
use crate::link::PathKind;

/// Everything known of one peer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PeerSnapshot {
    /// Its key, or the address of a peer that has none.
    pub id: String,
    /// Its key, if it is a Weft peer.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub key: Option<PeerKey>,
    /// Whether it is in the address book.
    pub contact: bool,
    /// Connections open now.
    pub connections: u32,
    /// The path in use now.
    pub path: Option<PathKind>,
    /// Who opened the latest connection, while one is open.
    pub direction: Option<Direction>,
    /// The relay that its packets go through, while the path in use is relayed.
    pub via_relay: Option<String>,
    /// Since when it has been connected without a break.
    pub connected_since_ms: Option<u64>,
    /// When it was first heard of.
    pub first_seen_ms: u64,
    /// When it last did something.
    pub last_seen_ms: u64,
    /// Round trip, smoothed.
    pub rtt_ms: Option<f64>,
    /// Shortest round trip.
    pub rtt_min_ms: Option<f64>,
    /// How fast it delivered what was asked of it, smoothed.
    pub served_bytes_per_s: Option<f64>,
    /// Bytes received from it.
    pub bytes_in: u64,
    /// Bytes sent to it.
    pub bytes_out: u64,
    /// The same by path, for paths ever used or tried.
    pub paths: Vec<PathSnapshot>,
    /// Failures since the last success.
    pub failures_in_a_row: u32,
    /// What went wrong last.
    pub last_failure: Option<FailureSnapshot>,
    /// Its addresses.
    pub addresses: Vec<AddressSnapshot>,
    /// Relays at which it can be reached, the latest first.
    pub relays: Vec<String>,
    /// The program it says it runs.
    pub agent: Option<String>,
    /// What it says of itself.
    pub hello: BTreeMap<String, String>,
}

/// One peer over one kind of path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PathSnapshot {
    /// The kind.
    pub path: PathKind,
    /// Connections open now.
    pub open: u32,
    /// Connections tried by us.
    pub attempts: u64,
    /// Connections that came about, either way.
    pub connections: u64,
    /// Attempts that failed and connections that broke.
    pub failures: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
}

/// A failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FailureSnapshot {
    /// Over which path.
    pub path: PathKind,
    /// Why, for a person.
    pub reason: String,
    /// When.
    pub at_ms: u64,
}

/// An address of a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AddressSnapshot {
    /// The address.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub address: SocketAddr,
    /// Who gave it: `user`, `lan` or `stranger`.
    pub origin: &'static str,
    /// When it was last heard.
    pub heard_ms: u64,
    /// When a connection to it last came about.
    pub worked_ms: Option<u64>,
}
