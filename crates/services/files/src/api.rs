//! The routes under `/api/v1/files`.

mod add;
mod content;
mod control;
mod limits;
mod list;
mod pieces;
#[cfg(test)]
mod tests;
mod uploads;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weft_content::{Engine, InfoHash};
use weft_service::Problem;

use crate::creations::Creations;
use crate::uploads::Uploads;

/// 22 MiB: a 16 MiB `.torrent` in base64, and what else stands in the request.
const MAX_ADD_BYTES: usize = 22 << 20;

/// What the routes work on.
#[derive(Clone)]
struct Files {
    engine: Engine,
    creations: Creations,
    uploads: Uploads,
}

pub(crate) fn router(engine: Engine, creations: Creations, uploads: Uploads) -> OpenApiRouter {
    let adding =
        OpenApiRouter::new().routes(routes!(list::torrents, add::add)).layer(DefaultBodyLimit::max(MAX_ADD_BYTES));
    OpenApiRouter::new()
        .merge(adding)
        .routes(routes!(list::torrent, control::remove))
        .routes(routes!(list::metainfo))
        .routes(routes!(list::magnet))
        .routes(routes!(list::creations))
        .routes(routes!(control::pause))
        .routes(routes!(control::resume))
        .routes(routes!(control::recheck))
        .routes(routes!(control::select))
        .routes(routes!(pieces::map))
        .routes(routes!(pieces::prioritize))
        .routes(routes!(control::add_peers))
        .routes(routes!(content::content))
        .routes(routes!(uploads::upload))
        .routes(routes!(uploads::upload_file))
        .routes(routes!(uploads::upload_share))
        .routes(routes!(uploads::upload_discard))
        .routes(routes!(limits::of_torrent))
        .routes(routes!(limits::get, limits::set))
        .with_state(Files { engine, creations, uploads })
}

/// The info-hash in a path: 40 hex digits, or 32 base32 characters as older links have them.
fn info_hash(text: &str) -> Result<InfoHash, Problem> {
    text.parse().or_else(|error| InfoHash::from_base32(text).map_err(|_| error)).map_err(|error| {
        Problem::bad_request(format!("`{text}` is not an info-hash: {error}")).mend("`weft ls` shows each torrent's")
    })
}
