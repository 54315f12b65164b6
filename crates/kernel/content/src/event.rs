//! The crate's events: state changes only, progress sampled.

use std::path::PathBuf;

use serde::Serialize;
use weft_bittorrent::id::InfoHash;
use weft_overlay::PathKind;

use crate::status::{PeerOrigin, State, Trouble, Weave};

/// What happened to a torrent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ContentEvent {
    /// A torrent is in the list.
    TorrentAdded {
        /// Which.
        info_hash: InfoHash,
        /// Its name.
        name: String,
        /// The folder its files go to.
        dir: PathBuf,
        /// Bytes; 0 while the metadata is missing.
        size: u64,
        /// Whether it is private (BEP 27).
        private: bool,
    },
    /// A torrent left the list.
    TorrentRemoved {
        /// Which.
        info_hash: InfoHash,
        /// Whether its files were deleted.
        with_data: bool,
    },
    /// The info dictionary came from a peer and its hash is right.
    MetadataReceived {
        /// Which.
        info_hash: InfoHash,
        /// Its name.
        name: String,
        /// Bytes.
        size: u64,
        /// Number of files.
        files: usize,
    },
    /// A torrent does something else now.
    StateChanged {
        /// Which.
        info_hash: InfoHash,
        /// What it does now.
        state: State,
        /// Why it stopped, if it did.
        trouble: Option<Trouble>,
    },
    /// Pieces were verified since the last such event; at most one a second a torrent.
    PieceBatch {
        /// Which.
        info_hash: InfoHash,
        /// Verified pieces.
        pieces_done: u32,
        /// All pieces.
        pieces: u32,
        /// Verified bytes of wanted pieces.
        done: u64,
        /// Bytes of wanted pieces.
        wanted: u64,
        /// Who gave the verified pieces.
        weave: Weave,
    },
    /// Every byte of a wanted file is here and verified.
    FileCompleted {
        /// Which torrent.
        info_hash: InfoHash,
        /// The file's place in the torrent.
        index: usize,
        /// Its path below the torrent's folder.
        path: String,
        /// Bytes.
        size: u64,
    },
    /// Every wanted piece is here and verified.
    TorrentCompleted {
        /// Which.
        info_hash: InfoHash,
        /// Bytes of the wanted pieces.
        wanted: u64,
    },
    /// A peer connection is up.
    PeerConnected {
        /// Of which torrent.
        info_hash: InfoHash,
        /// The peer: its key if proven, else its address.
        peer: String,
        /// The path bytes take.
        path: PathKind,
        /// How it was met.
        origin: PeerOrigin,
    },
    /// A peer connection ended.
    PeerDisconnected {
        /// Of which torrent.
        info_hash: InfoHash,
        /// The peer: its key if proven, else its address.
        peer: String,
        /// The path bytes took.
        path: PathKind,
        /// Content bytes received from it.
        downloaded: u64,
        /// Content bytes sent to it.
        uploaded: u64,
        /// Why it ended.
        reason: String,
    },
    /// A trouble that does not stop the torrent began (`Some`) or ended (`None`).
    Warning {
        /// Which torrent; none where the whole engine is concerned.
        info_hash: Option<InfoHash>,
        /// The trouble.
        trouble: Option<Trouble>,
    },
}

impl weft_events::Event for ContentEvent {
    const SOURCE: &'static str = "files";

    fn kind(&self) -> &'static str {
        match self {
            ContentEvent::TorrentAdded { .. } => "torrent-added",
            ContentEvent::TorrentRemoved { .. } => "torrent-removed",
            ContentEvent::MetadataReceived { .. } => "metadata-received",
            ContentEvent::StateChanged { .. } => "state-changed",
            ContentEvent::PieceBatch { .. } => "piece-batch",
            ContentEvent::FileCompleted { .. } => "file-completed",
            ContentEvent::TorrentCompleted { .. } => "torrent-completed",
            ContentEvent::PeerConnected { .. } => "peer-connected",
            ContentEvent::PeerDisconnected { .. } => "peer-disconnected",
            ContentEvent::Warning { .. } => "warning",
        }
    }
}
