//! Sharing from a page, which has bytes and no paths.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weft_content::CreateOptions;
use weft_service::Problem;

use super::Files;
use super::add::{Added, added};
use crate::creations::MAX_CREATIONS;
use crate::problems;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UploadRequest {
    /// What it will be called: the name of the file if it is one, else of the folder.
    name: String,
}

/// An upload that was begun.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Begun {
    /// By which it is named from here on.
    id: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FileQuery {
    /// Where the file belongs below the upload, with `/`. One file named like the upload is shared as a single file.
    path: String,
}

/// How an upload is shared.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ShareRequest {
    /// Trackers of the new torrent.
    trackers: Vec<String>,
    /// Only the trackers may tell of peers (BEP 27).
    private: bool,
    /// A remark for people.
    comment: Option<String>,
    /// The answer's `link` does not name this node.
    public: bool,
}

/// Begins an upload. What is not shared in the end is thrown away with `DELETE`, or when the node starts again.
#[utoipa::path(post, path = "/uploads", tag = "files", operation_id = "files_upload", request_body = UploadRequest,
    responses((status = CREATED, body = Begun), (status = BAD_REQUEST, body = Problem), (status = TOO_MANY_REQUESTS, body = Problem),
        (status = INSUFFICIENT_STORAGE, body = Problem)))]
pub(super) async fn upload(
    State(files): State<Files>,
    Json(request): Json<UploadRequest>,
) -> Result<(StatusCode, Json<Begun>), Problem> {
    let id = files.uploads.begin(&request.name).await.map_err(|error| problems::upload(&error))?;
    Ok((StatusCode::CREATED, Json(Begun { id })))
}

/// Hands over one file: the body is its bytes, of any length. A file under the same path is replaced.
#[utoipa::path(put, path = "/uploads/{id}/files", tag = "files", operation_id = "files_upload_file", params(("id" = String, Path), FileQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = NO_CONTENT), (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem),
        (status = CONFLICT, body = Problem), (status = INSUFFICIENT_STORAGE, body = Problem)))]
pub(super) async fn upload_file(
    State(files): State<Files>,
    Path(id): Path<String>,
    Query(query): Query<FileQuery>,
    body: Body,
) -> Result<StatusCode, Problem> {
    let stored = files.uploads.put(&id, &query.path, body.into_data_stream()).await;
    stored.map_err(|error| problems::upload(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shares what was handed over, from the download folder. Answers when it is hashed, as adding a path does.
#[utoipa::path(post, path = "/uploads/{id}/share", tag = "files", operation_id = "files_upload_share", params(("id" = String, Path)), request_body = ShareRequest,
    responses((status = CREATED, body = Added), (status = OK, body = Added), (status = NOT_FOUND, body = Problem), (status = CONFLICT, body = Problem)))]
pub(super) async fn upload_share(
    State(files): State<Files>,
    Path(id): Path<String>,
    Json(request): Json<ShareRequest>,
) -> Result<(StatusCode, Json<Added>), Problem> {
    let placed = files.uploads.place(&id).await.map_err(|error| problems::upload(&error))?;
    let path = placed.path().to_owned();
    let Some(running) = files.creations.begin(&path) else {
        let error = format!("{MAX_CREATIONS} paths are being hashed already");
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", error).mend("wait until one is done"));
    };
    let options = CreateOptions {
        trackers: request.trackers.into_iter().map(|tracker| vec![tracker]).collect(),
        private: request.private,
        comment: request.comment,
        ..CreateOptions::default()
    };
    let created = files.engine.create_and_share(path, options, running.control()).await;
    let shared = created.map_err(|error| problems::create(&error))?;
    if shared.existed {
        // The same content is shared from another place: this copy is not needed.
        drop(placed);
        files.uploads.discard(&id).await.map_err(|error| problems::upload(&error))?;
    } else {
        placed.keep().await;
    }
    added(&files, shared.info_hash, shared.existed, shared.skipped, request.public)
}

/// Throws an upload away.
#[utoipa::path(delete, path = "/uploads/{id}", tag = "files", operation_id = "files_upload_discard", params(("id" = String, Path)),
    responses((status = NO_CONTENT), (status = NOT_FOUND, body = Problem), (status = CONFLICT, body = Problem)))]
pub(super) async fn upload_discard(State(files): State<Files>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    files.uploads.discard(&id).await.map_err(|error| problems::upload(&error))?;
    Ok(StatusCode::NO_CONTENT)
}
