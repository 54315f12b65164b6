//! The pieces of a torrent: who gave them, and how much they are wanted.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use weft_content::{FilePriority, MAX_COLUMNS, TorrentMap};
use weft_service::Problem;

use super::{Files, info_hash};
use crate::problems::control;

/// 512 columns unless asked otherwise: a wide screen's worth.
const USUAL_COLUMNS: u32 = 512;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct MapQuery {
    /// How many columns at most, from 1 to 2,048; there are no more than pieces.
    #[param(default = 512)]
    columns: u32,
}

impl Default for MapQuery {
    fn default() -> Self {
        MapQuery { columns: USUAL_COLUMNS }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Priorities {
    /// The files to change; the others stay as they are.
    priorities: Vec<Prioritised>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Prioritised {
    /// The file's place in the torrent.
    file: usize,
    /// How much it is wanted.
    priority: FilePriority,
}

/// The pieces in columns: who gave them, which peers have them, and what is being fetched now.
#[utoipa::path(get, path = "/torrents/{info_hash}/map", tag = "files", operation_id = "files_map", params(("info_hash" = String, Path), MapQuery),
    responses((status = OK, body = TorrentMap), (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem), (status = CONFLICT, body = Problem)))]
pub(super) async fn map(
    State(files): State<Files>,
    Path(id): Path<String>,
    Query(query): Query<MapQuery>,
) -> Result<Json<TorrentMap>, Problem> {
    if !(1..=MAX_COLUMNS).contains(&query.columns) {
        let error = format!("{} columns were asked for", query.columns);
        return Err(Problem::bad_request(error).mend(format!("ask for 1 to {MAX_COLUMNS}")));
    }
    files.engine.map(info_hash(&id)?, query.columns).map(Json).map_err(|error| control(&error))
}

/// Says how much single files are wanted. Lasts.
#[utoipa::path(put, path = "/torrents/{info_hash}/priorities", tag = "files", operation_id = "files_prioritize", params(("info_hash" = String, Path)),
    request_body = Priorities, responses((status = NO_CONTENT), (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem), (status = CONFLICT, body = Problem)))]
pub(super) async fn prioritize(
    State(files): State<Files>,
    Path(id): Path<String>,
    Json(request): Json<Priorities>,
) -> Result<StatusCode, Problem> {
    let priorities = request.priorities.into_iter().map(|one| (one.file, one.priority)).collect();
    files.engine.set_priorities(info_hash(&id)?, priorities).await.map_err(|error| control(&error))?;
    Ok(StatusCode::NO_CONTENT)
}
