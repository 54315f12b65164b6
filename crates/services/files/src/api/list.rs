//! Reading: the list, one torrent, its metainfo and its link.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weft_content::TorrentStatus;
use weft_service::Problem;

use super::{Files, info_hash};
use crate::creations::Creation;
use crate::problems;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct MagnetQuery {
    /// Leave this node's key out of the link.
    public: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Magnet {
    /// The link.
    magnet: String,
}

/// Every torrent, oldest first, without peers, trackers and files.
#[utoipa::path(get, path = "/torrents", tag = "files", operation_id = "files_torrents", responses((status = OK, body = Vec<TorrentStatus>)))]
pub(super) async fn torrents(State(files): State<Files>) -> Json<Vec<TorrentStatus>> {
    Json(files.engine.list())
}

/// One torrent with everything.
#[utoipa::path(get, path = "/torrents/{info_hash}", tag = "files", operation_id = "files_torrent", params(("info_hash" = String, Path)),
    responses((status = OK, body = TorrentStatus), (status = NOT_FOUND, body = Problem)))]
pub(super) async fn torrent(
    State(files): State<Files>,
    Path(id): Path<String>,
) -> Result<Json<TorrentStatus>, Problem> {
    let id = info_hash(&id)?;
    let not_found = || Problem::not_found(format!("{id} is not in the list")).mend("list what there is with `weft ls`");
    files.engine.get(id).map(Json).ok_or_else(not_found)
}

/// The `.torrent` file.
#[utoipa::path(get, path = "/torrents/{info_hash}/metainfo", tag = "files", operation_id = "files_metainfo", params(("info_hash" = String, Path)),
    responses((status = OK, content_type = "application/x-bittorrent", body = Vec<u8>), (status = NOT_FOUND, body = Problem),
        (status = CONFLICT, body = Problem)))]
pub(super) async fn metainfo(State(files): State<Files>, Path(id): Path<String>) -> Result<impl IntoResponse, Problem> {
    let bytes = files.engine.metainfo(info_hash(&id)?).map_err(|error| problems::control(&error))?;
    Ok(([(header::CONTENT_TYPE, "application/x-bittorrent")], bytes))
}

/// The magnet link.
#[utoipa::path(get, path = "/torrents/{info_hash}/magnet", tag = "files", operation_id = "files_magnet", params(("info_hash" = String, Path), MagnetQuery),
    responses((status = OK, body = Magnet), (status = NOT_FOUND, body = Problem)))]
pub(super) async fn magnet(
    State(files): State<Files>,
    Path(id): Path<String>,
    Query(query): Query<MagnetQuery>,
) -> Result<Json<Magnet>, Problem> {
    let magnet = files.engine.magnet(info_hash(&id)?, !query.public).map_err(|error| problems::control(&error))?;
    Ok(Json(Magnet { magnet }))
}

/// Paths that are being hashed now, and how far each is.
#[utoipa::path(get, path = "/creations", tag = "files", operation_id = "files_creations", responses((status = OK, body = Vec<Creation>)))]
pub(super) async fn creations(State(files): State<Files>) -> Json<Vec<Creation>> {
    Json(files.creations.list())
}
