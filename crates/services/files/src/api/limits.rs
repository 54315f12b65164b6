//! Rate limits: over all torrents, and of one.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use weft_content::RateLimits;
use weft_service::Problem;

use super::{Files, info_hash};
use crate::problems;

/// The limits over all torrents, in bytes a second; `null` is no limit.
#[utoipa::path(get, path = "/limits", tag = "files", operation_id = "files_get", responses((status = OK, body = RateLimits)))]
pub(super) async fn get(State(files): State<Files>) -> Json<RateLimits> {
    Json(files.engine.limits())
}

/// Changes the limits over all torrents until the node stops; `files.download_rate` and `files.upload_rate` of the
/// configuration last.
#[utoipa::path(put, path = "/limits", tag = "files", operation_id = "files_set", request_body = RateLimits, responses((status = OK, body = RateLimits)))]
pub(super) async fn set(State(files): State<Files>, Json(limits): Json<RateLimits>) -> Json<RateLimits> {
    files.engine.set_limits(limits);
    Json(files.engine.limits())
}

/// Changes one torrent's own limits.
#[utoipa::path(put, path = "/torrents/{info_hash}/limits", tag = "files", operation_id = "files_of_torrent", params(("info_hash" = String, Path)),
    request_body = RateLimits, responses((status = NO_CONTENT), (status = NOT_FOUND, body = Problem)))]
pub(super) async fn of_torrent(
    State(files): State<Files>,
    Path(id): Path<String>,
    Json(limits): Json<RateLimits>,
) -> Result<StatusCode, Problem> {
    let id = info_hash(&id)?;
    files.engine.set_torrent_limits(id, limits).map_err(|error| problems::control(&error))?;
    Ok(StatusCode::NO_CONTENT)
}
