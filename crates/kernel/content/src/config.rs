//! What the engine is told: its configuration, and what is said of a torrent when it is added.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use weft_bittorrent::id::InfoHash;
use weft_overlay::PeerKey;

/// 64 readers over all torrents: as many as the API has connections. Each holds a buffer of 1 MiB while its bytes are on
/// their way.
pub const MAX_READERS: usize = 64;

/// Bytes a second each way; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RateLimits {
    /// Bytes a second from peers.
    pub download: Option<u64>,
    /// Bytes a second to peers.
    pub upload: Option<u64>,
}

/// How room for a file is made on disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Allocation {
    /// Files grow as pieces arrive, with holes where pieces are missing. Room is looked for before, not reserved.
    #[default]
    Sparse,
    /// Room is reserved when the first piece of a file arrives, so that a full disk is found at the beginning.
    Full,
}

/// The engine's configuration. Every field has a default that suits a node on a person's own machine.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Where torrents go that name no folder of their own.
    pub download_dir: PathBuf,
    /// The TCP port that trackers, the DHT and peers are told. `None`: not reachable, peers are only dialled.
    pub listen_port: Option<u16>,
    /// Limits over all torrents together. Changed at run time by [`Engine::set_limits`](crate::Engine::set_limits).
    pub limits: RateLimits,
    /// Peer connections in all.
    pub max_connections: usize,
    /// Peer connections of one torrent.
    pub max_connections_per_torrent: usize,
    /// Connections being opened at once, over all torrents.
    pub max_half_open: usize,
    /// Torrents in the list.
    pub max_torrents: usize,
    /// Bytes of pieces that may be in memory on their way to the disk, over all torrents.
    pub piece_memory: usize,
    /// Threads that read, write and hash.
    pub disk_threads: usize,
    /// How room is made on disk.
    pub allocation: Allocation,
    /// Whether magnet links and peers are told our device key, so that Weft peers find us by it.
    pub show_device_key: bool,
    /// How long a tracker or web answer may take.
    pub http_timeout: Duration,
    /// How often a troubled torrent looks whether its trouble is mended: first delay; it doubles up to a minute.
    pub mend_probe: Duration,
}

impl EngineConfig {
    /// The defaults, with torrents going to `download_dir`.
    pub fn new(download_dir: impl Into<PathBuf>) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        EngineConfig {
            download_dir: download_dir.into(),
            listen_port: None,
            limits: RateLimits::default(),
            // 400 sockets fit the usual 1,024 file limit beside the open files of the storage.
            max_connections: 400,
            // 80: beyond that more peers of one swarm add overhead, not speed.
            max_connections_per_torrent: 80,
            // 40: a home router's state table is not filled by dialling dead addresses.
            max_half_open: 40,
            // 10,000: a list a person might keep; each idle torrent costs some kilobytes.
            max_torrents: 10_000,
            // 128 MiB: thirty-two 4 MiB pieces.
            piece_memory: 128 << 20,
            disk_threads: cores.clamp(2, 8),
            allocation: Allocation::Sparse,
            show_device_key: true,
            http_timeout: Duration::from_secs(30),
            mend_probe: Duration::from_secs(1),
        }
    }
}

/// What a torrent is added from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The bytes of a `.torrent` file (BEP 3).
    Metainfo(Bytes),
    /// A magnet link (BEP 9), with `x.pe`, `tr` and `x.weft` honoured.
    Magnet(String),
    /// The bare info-hash: metadata and peers come from the DHT or from [`AddOptions::peers`].
    InfoHash(InfoHash),
}

/// A peer somebody named for a torrent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KnownPeer {
    /// A socket address the user gave by hand: followed even if it is private.
    Socket(SocketAddr),
    /// A Weft peer by its key: reached over TLS or the overlay.
    Weft(PeerKey),
}

/// How a torrent is added.
#[derive(Debug, Clone, Default)]
pub struct AddOptions {
    /// The folder its files go to; the engine's download folder if absent.
    pub dir: Option<PathBuf>,
    /// Which files are wanted, by their place in the torrent; all if absent.
    pub selection: Option<Vec<usize>>,
    /// Whether it waits for [`Engine::resume`](crate::Engine::resume).
    pub paused: bool,
    /// Peers known to have it.
    pub peers: Vec<KnownPeer>,
    /// Limits of this torrent alone.
    pub limits: RateLimits,
    /// Trackers beside those it names. Ignored for private torrents.
    pub trackers: Vec<String>,
}

/// How a torrent is made from files.
#[derive(Debug, Clone, Default)]
pub struct CreateOptions {
    /// Bytes a piece, a power of two from 16 KiB; chosen by the size if absent.
    pub piece_length: Option<u32>,
    /// Tracker tiers (BEP 12).
    pub trackers: Vec<Vec<String>>,
    /// Whether only the trackers may tell of peers (BEP 27).
    pub private: bool,
    /// A remark for people.
    pub comment: Option<String>,
    /// Limits of this torrent alone.
    pub limits: RateLimits,
}
