//! The engine's errors as the API says them.

use axum::http::StatusCode;
use weft_content::{AddError, ControlError, CreateError};
use weft_service::Problem;

pub(crate) fn add(error: &AddError) -> Problem {
    match error {
        AddError::Metainfo(_) => Problem::of(StatusCode::BAD_REQUEST, "bad-metainfo", error)
            .mend("check that the .torrent file is whole: get it again from where it came"),
        AddError::Magnet(_) => Problem::of(StatusCode::BAD_REQUEST, "bad-magnet", error)
            .mend("copy the whole link, from `magnet:?` to its end, in quotes"),
        AddError::Exists(_) => Problem::of(StatusCode::CONFLICT, "exists", error).mend("see `weft ls`"),
        AddError::TooMany { .. } => {
            Problem::of(StatusCode::CONFLICT, "too-many", error).mend("remove a torrent, or raise `files.max_torrents`")
        }
        AddError::NoSuchFile { .. } => {
            Problem::of(StatusCode::BAD_REQUEST, "no-such-file", error).mend("see the list of files with `weft show`")
        }
        AddError::ShuttingDown => shutting_down(error),
        other => Problem::internal(other),
    }
}

pub(crate) fn control(error: &ControlError) -> Problem {
    match error {
        ControlError::NotFound(_) => {
            Problem::of(StatusCode::NOT_FOUND, "not-found", error).mend("list what there is with `weft ls`")
        }
        ControlError::NoMetadata(_) => {
            Problem::of(StatusCode::CONFLICT, "no-metadata", error).mend("wait until a peer has sent the metadata")
        }
        ControlError::NoSuchFile { .. } => {
            Problem::of(StatusCode::BAD_REQUEST, "no-such-file", error).mend("see the list of files with `weft show`")
        }
        ControlError::ShuttingDown => shutting_down(error),
        other => Problem::internal(other),
    }
}

pub(crate) fn create(error: &CreateError) -> Problem {
    let bad = |code: &str| Problem::of(StatusCode::BAD_REQUEST, code, error);
    match error {
        CreateError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Problem::of(StatusCode::NOT_FOUND, "no-such-path", error).mend("check the path")
        }
        CreateError::Read { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
            Problem::of(StatusCode::FORBIDDEN, "permission-denied", error)
                .mend("let the user that runs the node read it")
        }
        CreateError::Empty(_) => bad("empty").mend("put at least one non-empty file there"),
        CreateError::TooLarge { .. } => bad("too-large").mend("share a part of it"),
        CreateError::Name(_) => bad("bad-name").mend("rename it: torrents hold UTF-8 names only"),
        CreateError::Options(_) => bad("bad-options").mend("check piece length and trackers"),
        CreateError::Changed(_) => {
            Problem::of(StatusCode::CONFLICT, "changed", error).mend("share it again once nothing writes to it")
        }
        CreateError::Add(error) => add(error),
        other => Problem::internal(other),
    }
}

fn shutting_down(error: &(dyn std::error::Error + 'static)) -> Problem {
    Problem::of(StatusCode::SERVICE_UNAVAILABLE, "shutting-down", error).mend("start the node again: `weft up`")
}
