//! Adding: something to share, or something to get.

use std::path::{Path, PathBuf};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use bytes::Bytes;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_content::{
    AddError, AddOptions, CreateOptions, InfoHash, KnownPeer, RateLimits, SharedContent, Skipped, Source, TorrentStatus,
};
use weft_service::Problem;

use super::{Files, info_hash};
use crate::creations::MAX_CREATIONS;
use crate::problems;

/// 200 peers named by hand: more come from the swarm itself.
const MAX_NAMED_PEERS: usize = 200;

/// What to add. Exactly one of `path`, `magnet`, `metainfo` and `info_hash`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AddRequest {
    /// Share this file or folder, where it lies. Absolute.
    #[schema(value_type = Option<String>)]
    path: Option<PathBuf>,
    /// Get what this magnet link names.
    magnet: Option<String>,
    /// Get what this `.torrent` file names: its bytes in base64.
    metainfo: Option<String>,
    /// Get this info-hash; its metadata comes from peers.
    info_hash: Option<String>,
    /// Getting: the folder the files go to. Absolute; the node's own folder if absent.
    #[schema(value_type = Option<String>)]
    dir: Option<PathBuf>,
    /// Getting: wait for `resume`.
    paused: bool,
    /// Getting: the wanted files by their place in the torrent; all if absent.
    select: Option<Vec<usize>>,
    /// Getting: peers known to have it, as `ip:port` or peer keys.
    peers: Vec<String>,
    /// Trackers: of a new torrent, or beside those the torrent names.
    trackers: Vec<String>,
    /// Sharing: only the trackers may tell of peers (BEP 27).
    private: bool,
    /// Sharing: bytes a piece, a power of two from 16 KiB; chosen by the size if absent.
    piece_length: Option<u32>,
    /// Sharing: a remark for people.
    comment: Option<String>,
    /// The answer's `link` does not name this node.
    public: bool,
    /// This torrent's own limits.
    limits: RateLimits,
}

/// What was added, or was there already.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Added {
    /// The link by which others get it.
    link: String,
    /// Sharing: what of the folder did not become part of it, and why.
    skipped: Vec<Skipped>,
    #[serde(flatten)]
    torrent: TorrentStatus,
}

/// Shares a path, or begins to get a torrent. Sharing answers when the content is hashed; `/creations` tells how far that
/// is, and a client that goes away cancels it. What is in the list already is answered as it is (200, not 201).
#[utoipa::path(post, path = "/torrents", tag = "files", operation_id = "files_add", request_body = AddRequest,
    responses((status = CREATED, body = Added), (status = OK, body = Added), (status = BAD_REQUEST, body = Problem),
        (status = CONFLICT, body = Problem)))]
pub(super) async fn add(
    State(files): State<Files>,
    Json(request): Json<AddRequest>,
) -> Result<(StatusCode, Json<Added>), Problem> {
    let public = request.public;
    let (id, existed, skipped) = match request.what()? {
        What::Share(path) => {
            let shared = files.share(path, request).await?;
            (shared.info_hash, shared.existed, shared.skipped)
        }
        What::Get(source) => {
            let (id, existed) = files.get(source, request).await?;
            (id, existed, Vec::new())
        }
    };
    added(&files, id, existed, skipped, public)
}

/// The answer for what is in the list now.
pub(super) fn added(
    files: &Files,
    id: InfoHash,
    existed: bool,
    skipped: Vec<Skipped>,
    public: bool,
) -> Result<(StatusCode, Json<Added>), Problem> {
    let status = if existed { StatusCode::OK } else { StatusCode::CREATED };
    let torrent = files.engine.get(id).ok_or_else(|| Problem::conflict("it was removed at this moment"))?;
    let link = files.engine.magnet(id, !public).map_err(|error| problems::control(&error))?;
    Ok((status, Json(Added { link, skipped, torrent })))
}

enum What {
    Share(PathBuf),
    Get(Source),
}

impl AddRequest {
    fn what(&self) -> Result<What, Problem> {
        let given = [self.path.is_some(), self.magnet.is_some(), self.metainfo.is_some(), self.info_hash.is_some()];
        if given.iter().filter(|given| **given).count() != 1 {
            return Err(Problem::bad_request("give exactly one of `path`, `magnet`, `metainfo` and `info_hash`"));
        }
        for path in [&self.path, &self.dir].into_iter().flatten() {
            absolute(path)?;
        }
        if let Some(path) = &self.path {
            return Ok(What::Share(path.clone()));
        }
        if let Some(magnet) = &self.magnet {
            return Ok(What::Get(Source::Magnet(magnet.clone())));
        }
        if let Some(id) = &self.info_hash {
            return Ok(What::Get(Source::InfoHash(info_hash(id)?)));
        }
        let text = self.metainfo.as_deref().unwrap_or_default();
        let bytes = BASE64.decode(text.as_bytes());
        let bytes = bytes.map_err(|error| Problem::bad_request(format!("`metainfo` is not base64: {error}")))?;
        Ok(What::Get(Source::Metainfo(Bytes::from(bytes))))
    }
}

/// The node's working directory is nobody's business: a relative path would mean something else to the client.
fn absolute(path: &Path) -> Result<(), Problem> {
    if path.is_absolute() {
        return Ok(());
    }
    Err(Problem::bad_request(format!("`{}` is not an absolute path", path.display())).mend("give the whole path"))
}

impl Files {
    async fn share(&self, path: PathBuf, request: AddRequest) -> Result<SharedContent, Problem> {
        let Some(running) = self.creations.begin(&path) else {
            let error = format!("{MAX_CREATIONS} paths are being hashed already");
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", error).mend("wait until one is done"));
        };
        let options = CreateOptions {
            piece_length: request.piece_length,
            trackers: request.trackers.into_iter().map(|tracker| vec![tracker]).collect(),
            private: request.private,
            comment: request.comment,
            limits: request.limits,
        };
        let created = self.engine.create_and_share(path, options, running.control()).await;
        created.map_err(|error| problems::create(&error))
    }

    /// The torrent, and whether it was in the list already.
    async fn get(&self, source: Source, request: AddRequest) -> Result<(InfoHash, bool), Problem> {
        let peers = known_peers(&request.peers)?;
        let options = AddOptions {
            dir: request.dir,
            selection: request.select,
            paused: request.paused,
            peers: peers.clone(),
            limits: request.limits,
            trackers: request.trackers,
        };
        match self.engine.add(source, options).await {
            Ok(id) => Ok((id, false)),
            Err(AddError::Exists(id)) => {
                if !peers.is_empty() {
                    self.engine.add_peers(id, peers).map_err(|error| problems::control(&error))?;
                }
                Ok((id, true))
            }
            Err(error) => Err(problems::add(&error)),
        }
    }
}

/// Peers as people write them: `ip:port`, or a peer's key.
pub(super) fn known_peers(texts: &[String]) -> Result<Vec<KnownPeer>, Problem> {
    if texts.len() > MAX_NAMED_PEERS {
        return Err(Problem::bad_request(format!("{} peers are named; at most {MAX_NAMED_PEERS} may be", texts.len())));
    }
    let peer = |text: &String| {
        let socket = text.parse().map(KnownPeer::Socket);
        socket.or_else(|_| text.parse().map(KnownPeer::Weft)).map_err(|_| {
            Problem::bad_request(format!("`{text}` is neither `ip:port` nor a peer's key"))
                .mend("`weft id` shows a node's key")
        })
    };
    texts.iter().map(peer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(json: serde_json::Value) -> Result<What, Problem> {
        serde_json::from_value::<AddRequest>(json).expect("the shape is right").what()
    }

    #[test]
    fn exactly_one_thing_is_added() {
        use serde_json::json;
        assert!(matches!(what(json!({ "path": "/x" })), Ok(What::Share(_))));
        assert!(
            matches!(what(json!({ "metainfo": "ZGU=" })), Ok(What::Get(Source::Metainfo(bytes))) if &bytes[..] == b"de")
        );
        let hash = "a".repeat(40);
        assert!(matches!(what(json!({ "info_hash": hash })), Ok(What::Get(Source::InfoHash(_)))));
        for bad in [
            json!({}),
            json!({ "path": "/x", "magnet": "magnet:?" }),
            json!({ "path": "x" }),
            json!({ "magnet": "magnet:?", "dir": "../x" }),
            json!({ "metainfo": "!" }),
            json!({ "info_hash": "abc" }),
        ] {
            let text = bad.to_string();
            assert_eq!(what(bad).err().map(|problem| problem.status), Some(400), "{text}");
        }
        assert!(serde_json::from_value::<AddRequest>(json!({ "mangled": 1 })).is_err());
    }

    #[test]
    fn peers_are_addresses_or_keys() {
        let peers = known_peers(&["127.0.0.1:5".into(), "[::1]:6".into()]).expect("addresses");
        assert!(peers.iter().all(|peer| matches!(peer, KnownPeer::Socket(_))));
        assert!(known_peers(&["nobody".into()]).is_err());
        assert!(known_peers(&vec!["127.0.0.1:5".to_owned(); MAX_NAMED_PEERS + 1]).is_err());
    }
}
