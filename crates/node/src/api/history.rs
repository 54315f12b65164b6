//! Earlier moments of the event feed.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use weft_events::Record;
use weft_service::Problem;

use super::ApiState;

/// How far back the page can look.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct History {
    /// The node's clock, in milliseconds since the Unix epoch.
    now_ms: u64,
    /// The newest record.
    head: u64,
    /// The oldest record that can still be read.
    oldest: u64,
    /// The earliest moment that can be shown; none while the node has just started.
    oldest_at_ms: Option<u64>,
    /// When the whole state was kept.
    snapshots: Vec<Moment>,
}

/// A moment at which the whole state was kept.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Moment {
    /// Every record up to and including this one is in it.
    seq: u64,
    /// When, in milliseconds since the Unix epoch.
    at_ms: u64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReplayQuery {
    /// The moment, in milliseconds since the Unix epoch.
    at_ms: u64,
}

/// A moment: what the state was some time before, and what happened until then.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Replay {
    /// The moment that was asked for.
    at_ms: u64,
    /// The state before it, as a reader of the feed has it.
    #[schema(value_type = Object)]
    snapshot: KeptState,
    /// The records from then until the moment.
    #[schema(value_type = Vec<Object>)]
    records: Vec<Arc<Record>>,
}

#[derive(Debug, Serialize)]
struct KeptState {
    seq: u64,
    at_ms: u64,
    state: Box<RawValue>,
}

/// How far back the event feed reaches.
#[utoipa::path(get, path = "/events/history", tag = "node", operation_id = "node_history", responses((status = OK, body = History)))]
pub(super) async fn history(State(state): State<ApiState>) -> Json<History> {
    let kept = state.history.snapshots();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Json(History {
        now_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        head: state.feed.head(),
        oldest: state.feed.oldest(),
        oldest_at_ms: kept.first().map(|first| first.at_ms),
        snapshots: kept.iter().map(|kept| Moment { seq: kept.seq, at_ms: kept.at_ms }).collect(),
    })
}

/// The state at an earlier moment: a snapshot, and the records since.
#[utoipa::path(get, path = "/events/replay", tag = "node", operation_id = "node_replay", params(ReplayQuery),
    responses((status = OK, body = Replay), (status = GONE, body = Problem)))]
pub(super) async fn replay(
    State(state): State<ApiState>,
    Query(query): Query<ReplayQuery>,
) -> Result<Json<Replay>, Problem> {
    let found = state.history.replay(query.at_ms).map_err(|_| {
        Problem::new(StatusCode::GONE, "gone", "that moment is older than what this node remembers")
            .mend("/api/v1/events/history says how far back it reaches")
    })?;
    let (kept, records) = found;
    let snapshot = KeptState { seq: kept.seq, at_ms: kept.at_ms, state: kept.state.clone() };
    Ok(Json(Replay { at_ms: query.at_ms, snapshot, records }))
}
