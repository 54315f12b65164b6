//! The engine's errors as the API says them.

use std::io::ErrorKind;

use axum::http::StatusCode;
use weft_content::{AddError, ControlError, CreateError, ReadError};
use weft_service::Problem;

use crate::uploads::UploadError;

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

pub(crate) fn read(error: &ReadError) -> Problem {
    let conflict = |code: &str| Problem::of(StatusCode::CONFLICT, code, error);
    match error {
        ReadError::NotFound(_) => {
            Problem::of(StatusCode::NOT_FOUND, "not-found", error).mend("list what there is with `weft ls`")
        }
        ReadError::NoSuchFile { .. } => {
            Problem::of(StatusCode::NOT_FOUND, "no-such-file", error).mend("see the list of files with `weft show`")
        }
        ReadError::NoMetadata(_) => conflict("no-metadata").mend("wait until a peer has sent the metadata"),
        ReadError::Paused(_) => conflict("paused").mend("go on with it: `weft resume`"),
        ReadError::NotWanted(_) => conflict("not-wanted").mend("select it: `weft prioritize … normal …`"),
        ReadError::Changed(_) => conflict("changed").mend("put the old file back, or recheck the torrent"),
        ReadError::Trouble(trouble) => {
            Problem::new(StatusCode::CONFLICT, "trouble", trouble.message.clone()).mend(trouble.mend.clone())
        }
        ReadError::Busy => Problem::of(StatusCode::TOO_MANY_REQUESTS, "busy", error).mend("close one of them"),
        ReadError::ShuttingDown => shutting_down(error),
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

pub(crate) fn upload(error: &UploadError) -> Problem {
    let of = |status, code: &str| Problem::of(status, code, error);
    match error {
        UploadError::NotFound => of(StatusCode::NOT_FOUND, "not-found").mend("begin another one"),
        UploadError::TooMany => of(StatusCode::TOO_MANY_REQUESTS, "too-many").mend("share or throw one away first"),
        UploadError::TooManyFiles => {
            of(StatusCode::CONFLICT, "too-many-files").mend("share a folder of the disk: `weft share`")
        }
        UploadError::Name(_) => of(StatusCode::BAD_REQUEST, "bad-name").mend("name it without `..`, and not too long"),
        UploadError::Clash(_) => of(StatusCode::CONFLICT, "clash").mend("give one of the two another name"),
        UploadError::Busy => of(StatusCode::CONFLICT, "busy").mend("wait until that is done"),
        UploadError::Empty => of(StatusCode::CONFLICT, "empty").mend("hand over at least one file"),
        UploadError::NoFreeName(_) => of(StatusCode::CONFLICT, "no-free-name").mend("choose another name"),
        UploadError::Body(_) => of(StatusCode::BAD_REQUEST, "broken-off").mend("send the file again"),
        UploadError::Disk { source, .. } => match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                of(StatusCode::INSUFFICIENT_STORAGE, "disk-full")
                    .mend("free some space in the download folder, then send it again")
            }
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => of(StatusCode::CONFLICT, "not-writable")
                .mend("let the user that runs the node write to the download folder"),
            // Its upload was thrown away meanwhile.
            ErrorKind::NotFound => of(StatusCode::CONFLICT, "not-found").mend("begin another one"),
            _ => Problem::internal(error),
        },
    }
}

fn shutting_down(error: &(dyn std::error::Error + 'static)) -> Problem {
    Problem::of(StatusCode::SERVICE_UNAVAILABLE, "shutting-down", error).mend("start the node again: `weft up`")
}
