//! What the engine says of itself: one torrent's status, its parts, and its troubles.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use weft_bittorrent::id::InfoHash;
use weft_overlay::{PathKind, PeerKey};

use crate::config::RateLimits;

/// What a torrent is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub enum State {
    /// Data on disk is being hashed.
    Checking,
    /// The info dictionary is being fetched from peers (BEP 9).
    FetchingMetadata,
    /// Pieces are missing and being looked for.
    Downloading,
    /// Every wanted piece is here and served.
    Seeding,
    /// Stopped by the user.
    Paused,
    /// In trouble; [`TorrentStatus::trouble`] says which. What is verified is still served; the rest goes on by itself
    /// when the trouble is mended.
    Error,
}

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub enum TroubleKind {
    /// The disk of the content is full.
    DiskFull,
    /// A file or folder may not be read or written.
    PermissionDenied,
    /// The file system is mounted read-only.
    ReadOnly,
    /// The device failed.
    Io,
    /// A file that was complete is gone.
    FileMissing,
    /// A shared file was changed: the changed pieces are not served.
    FileChanged,
    /// A path would lead out of the torrent's folder, or is not a plain file.
    UnsafePath,
    /// The resume state cannot be saved: after a restart data is rechecked.
    ResumeNotSaved,
    /// The metadata that peers gave cannot be used.
    BadMetadata,
    /// The system has no file descriptors left.
    TooManyFiles,
}

/// Trouble in words: what happened and what mends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Trouble {
    /// What kind it is, for programs.
    pub kind: TroubleKind,
    /// What happened, for people.
    pub message: String,
    /// What mends it, for people.
    pub mend: String,
}

/// One peer connection of a torrent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PeerStatus {
    /// The peer's key, if it has proven one.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub key: Option<PeerKey>,
    /// Its address, where there is one.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub address: Option<SocketAddr>,
    /// The path bytes take.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub path: PathKind,
    /// The client, as its peer id or extended handshake names it.
    pub client: String,
    /// How it was met: `incoming`, `tracker`, `dht`, `pex`, `magnet`, `user`, `weft`.
    pub origin: PeerOrigin,
    /// We are interested in it.
    pub interested: bool,
    /// It chokes us.
    pub choked: bool,
    /// It is interested in us.
    pub peer_interested: bool,
    /// We choke it.
    pub peer_choked: bool,
    /// The part of the torrent it has, 0 to 1.
    pub progress: f64,
    /// Content bytes received from it on this connection.
    pub downloaded: u64,
    /// Content bytes sent to it on this connection.
    pub uploaded: u64,
    /// Bytes a second from it.
    pub rate_down: u64,
    /// Bytes a second to it.
    pub rate_up: u64,
}

/// How a peer was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub enum PeerOrigin {
    /// It dialled us.
    Incoming,
    /// The user named it.
    User,
    /// A magnet link named it (`x.pe`).
    Magnet,
    /// A Weft key named in a link, by the user or by the address book.
    Weft,
    /// A tracker named it.
    Tracker,
    /// The DHT named it.
    Dht,
    /// Another peer named it (BEP 11).
    Pex,
}

/// One tracker of a torrent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TrackerStatus {
    /// Its address, without user, password and passkey.
    pub url: String,
    /// Its tier (BEP 12), from 0.
    pub tier: usize,
    /// What it last said: `working`, `failed`, `not-contacted`.
    pub state: TrackerState,
    /// Why the last announce failed, or what the tracker warned of.
    pub message: Option<String>,
    /// Complete peers, as it last said.
    pub seeders: Option<u32>,
    /// Incomplete peers, as it last said.
    pub leechers: Option<u32>,
    /// Seconds until the next announce.
    pub next_announce_seconds: Option<u64>,
}

/// What came of the last announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum TrackerState {
    /// Not asked yet.
    NotContacted,
    /// The last announce was answered.
    Working,
    /// The last announce failed.
    Failed,
}

/// How much a file is wanted. A piece that two files share is wanted as much as the one that is wanted more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum FilePriority {
    /// Not fetched.
    Skip,
    /// Fetched when nothing better can be.
    Low,
    /// Fetched.
    #[default]
    Normal,
    /// Fetched first.
    High,
}

impl From<FilePriority> for weft_bittorrent::swarm::Priority {
    fn from(priority: FilePriority) -> Self {
        match priority {
            FilePriority::Skip => Self::Skip,
            FilePriority::Low => Self::Low,
            FilePriority::Normal => Self::Normal,
            FilePriority::High => Self::High,
        }
    }
}

/// One file of a torrent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FileStatus {
    /// Its place in the torrent: what a selection names.
    pub index: usize,
    /// Its path below the torrent's folder, with `/`.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Bytes of it that are verified.
    pub done: u64,
    /// Whether it is wanted at all.
    pub selected: bool,
    /// How much it is wanted.
    #[serde(default)]
    pub priority: FilePriority,
}

/// Who gave a torrent's pieces, in a strip short enough for every list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Weave {
    /// Who gave pieces: a peer's key if proven, else its address. The first is empty: here before this start, or our own.
    pub givers: Vec<String>,
    /// One character a column, 64 columns at most: the index among `givers` of who gave most of the column's pieces, as one
    /// of `0-9a-zA-Z`, or `.` where too few are here. As many columns are woven as the torrent is done.
    pub cells: String,
}

/// Everything said of one torrent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TorrentStatus {
    /// Its v1 info-hash.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub info_hash: InfoHash,
    /// Its name; the info-hash in hex while neither metadata nor link gave one.
    pub name: String,
    /// The folder its files are under.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub dir: PathBuf,
    /// What it is doing.
    pub state: State,
    /// Why it stopped, if it did.
    pub trouble: Option<Trouble>,
    /// Troubles that do not stop it.
    pub warnings: Vec<Trouble>,
    /// Whether only its trackers may tell of peers (BEP 27).
    pub private: bool,
    /// Whether every wanted piece is here and verified.
    pub complete: bool,
    /// Seconds since the Unix epoch when it was added.
    pub added_at: u64,
    /// Seconds since the Unix epoch when it became complete.
    pub completed_at: Option<u64>,
    /// Bytes of all its files; 0 while the metadata is missing.
    pub size: u64,
    /// Bytes of the wanted pieces.
    pub wanted: u64,
    /// Bytes of wanted pieces that are verified.
    pub done: u64,
    /// `done` of `wanted`, 0 to 1. While [`State::Checking`]: the part looked at so far.
    pub progress: f64,
    /// Bytes a piece.
    pub piece_length: u32,
    /// Number of pieces.
    pub pieces: u32,
    /// Number of verified pieces.
    pub pieces_done: u32,
    /// Who gave them.
    #[serde(default)]
    pub weave: Weave,
    /// Content bytes received since it was added (rejected pieces included).
    pub downloaded: u64,
    /// Content bytes sent since it was added.
    pub uploaded: u64,
    /// Content bytes received that failed their hash.
    pub wasted: u64,
    /// `uploaded` of `downloaded`, or of the size where nothing was downloaded.
    pub ratio: f64,
    /// Bytes a second from peers.
    pub rate_down: u64,
    /// Bytes a second to peers.
    pub rate_up: u64,
    /// Seconds to completion at the present rate.
    pub eta_seconds: Option<u64>,
    /// Its own limits.
    pub limits: RateLimits,
    /// Open peer connections.
    pub peers: Vec<PeerStatus>,
    /// Every peer that content came from or went to since the start, gone ones too, most bytes first.
    pub exchanged: Vec<ExchangeStatus>,
    /// Peers known and not connected.
    pub candidates: usize,
    /// Its trackers.
    pub trackers: Vec<TrackerStatus>,
    /// Its files.
    pub files: Vec<FileStatus>,
}

/// What one torrent does now, in the few figures that change all the time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TorrentActivity {
    /// Its v1 info-hash.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub info_hash: InfoHash,
    /// What it is doing.
    pub state: State,
    /// As [`TorrentStatus::progress`].
    pub progress: f64,
    /// Bytes of wanted pieces that are verified.
    pub done: u64,
    /// Bytes a second from peers.
    pub rate_down: u64,
    /// Bytes a second to peers.
    pub rate_up: u64,
    /// Seconds to completion at the present rate.
    pub eta_seconds: Option<u64>,
    /// Open peer connections.
    pub peers: usize,
    /// As [`TorrentStatus::downloaded`].
    pub downloaded: u64,
    /// As [`TorrentStatus::uploaded`].
    pub uploaded: u64,
    /// As [`TorrentStatus::ratio`].
    pub ratio: f64,
}

/// What was exchanged with one peer since the engine started, over all its connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ExchangeStatus {
    /// The peer: its key if proven, else its address.
    pub peer: String,
    /// Content bytes from it.
    pub downloaded: u64,
    /// Content bytes to it.
    pub uploaded: u64,
    /// The path of its last connection.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub path: PathKind,
}

/// Sums over all torrents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EngineStatus {
    /// Torrents in the list.
    pub torrents: usize,
    /// Open peer connections.
    pub connections: usize,
    /// Connections being opened.
    pub half_open: usize,
    /// Bytes a second from peers.
    pub rate_down: u64,
    /// Bytes a second to peers.
    pub rate_up: u64,
    /// Content bytes received since the engine started.
    pub downloaded: u64,
    /// Content bytes sent since the engine started.
    pub uploaded: u64,
    /// Bytes of pieces in memory on their way to the disk.
    pub piece_memory: usize,
    /// Whether resume state can be saved, and if not, why.
    pub resume_trouble: Option<Trouble>,
}
