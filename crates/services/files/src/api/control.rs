//! Telling a torrent what to do.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use weft_service::Problem;

use super::add::known_peers;
use super::{Files, info_hash};
use crate::problems::control;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct RemoveQuery {
    /// Delete its files too.
    data: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Selection {
    /// The wanted files by their place in the torrent.
    files: Vec<usize>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Peers {
    /// Peers known to have it, as `ip:port` or peer keys.
    peers: Vec<String>,
}

/// Takes a torrent out of the list.
#[utoipa::path(delete, path = "/torrents/{info_hash}", tag = "files", operation_id = "files_remove", params(("info_hash" = String, Path), RemoveQuery),
    responses((status = NO_CONTENT), (status = NOT_FOUND, body = Problem)))]
pub(super) async fn remove(
    State(files): State<Files>,
    Path(id): Path<String>,
    Query(query): Query<RemoveQuery>,
) -> Result<StatusCode, Problem> {
    files.engine.remove(info_hash(&id)?, query.data).await.map_err(|error| control(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stops a torrent until it is resumed.
#[utoipa::path(post, path = "/torrents/{info_hash}/pause", tag = "files", operation_id = "files_pause", params(("info_hash" = String, Path)),
    responses((status = NO_CONTENT), (status = NOT_FOUND, body = Problem)))]
pub(super) async fn pause(State(files): State<Files>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    files.engine.pause(info_hash(&id)?).await.map_err(|error| control(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Goes on with a paused or troubled torrent.
#[utoipa::path(post, path = "/torrents/{info_hash}/resume", tag = "files", operation_id = "files_resume", params(("info_hash" = String, Path)),
    responses((status = NO_CONTENT), (status = NOT_FOUND, body = Problem)))]
pub(super) async fn resume(State(files): State<Files>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    files.engine.resume(info_hash(&id)?).await.map_err(|error| control(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hashes everything on disk again.
#[utoipa::path(post, path = "/torrents/{info_hash}/recheck", tag = "files", operation_id = "files_recheck", params(("info_hash" = String, Path)),
    responses((status = NO_CONTENT), (status = NOT_FOUND, body = Problem)))]
pub(super) async fn recheck(State(files): State<Files>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    files.engine.recheck(info_hash(&id)?).await.map_err(|error| control(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Chooses the wanted files.
#[utoipa::path(put, path = "/torrents/{info_hash}/selection", tag = "files", operation_id = "files_select", params(("info_hash" = String, Path)),
    request_body = Selection, responses((status = NO_CONTENT), (status = NOT_FOUND, body = Problem), (status = CONFLICT, body = Problem)))]
pub(super) async fn select(
    State(files): State<Files>,
    Path(id): Path<String>,
    Json(selection): Json<Selection>,
) -> Result<StatusCode, Problem> {
    files.engine.set_selection(info_hash(&id)?, selection.files).await.map_err(|error| control(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells a torrent of peers.
#[utoipa::path(post, path = "/torrents/{info_hash}/peers", tag = "files", operation_id = "files_add_peers", params(("info_hash" = String, Path)),
    request_body = Peers, responses((status = NO_CONTENT), (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem)))]
pub(super) async fn add_peers(
    State(files): State<Files>,
    Path(id): Path<String>,
    Json(named): Json<Peers>,
) -> Result<StatusCode, Problem> {
    let peers = known_peers(&named.peers)?;
    files.engine.add_peers(info_hash(&id)?, peers).map_err(|error| control(&error))?;
    Ok(StatusCode::NO_CONTENT)
}
