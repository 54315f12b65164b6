//! The engine: the list of torrents, and what may be asked of it.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use weft_bittorrent::id::InfoHash;
use weft_events::EventSink;
use weft_overlay::{Connector, LinkHandler, PeerKey};

use crate::config::{AddOptions, CreateOptions, EngineConfig, KnownPeer, RateLimits, Source};
use crate::create::CreateControl;
use crate::discovery::PeerDiscovery;
use crate::error::{AddError, ControlError, CreateError, StartError};
use crate::status::{EngineStatus, TorrentStatus};

/// What the engine is given by the node.
#[derive(Clone)]
pub struct Seams {
    /// Opens links to peers.
    pub connector: Arc<dyn Connector>,
    /// The DHT, if it is on.
    pub discovery: Option<Arc<dyn PeerDiscovery>>,
    /// Where events go.
    pub events: EventSink,
    /// This node's device key: what a magnet link names in `x.weft`.
    pub device: Option<PeerKey>,
}

/// The content engine. Cheap to clone; all clones are the same engine.
#[derive(Clone)]
pub struct Engine {
}

impl Engine {
    /// Starts the engine and takes up every torrent of the last run.
    pub async fn start(config: EngineConfig, seams: Seams) -> Result<Engine, StartError> {}

    /// Adds a torrent; it starts at once unless [`AddOptions::paused`]. What is on disk already is checked first.
    pub async fn add(&self, source: Source, options: AddOptions) -> Result<InfoHash, AddError> {}

    /// Makes a torrent of a file or folder and seeds it where it lies. The same content again gives the torrent that
    /// is there already.
    pub async fn create_and_share(&self, path: PathBuf, options: CreateOptions, control: CreateControl) -> Result<InfoHash, CreateError> {}

    /// Every torrent, oldest first. Peers, trackers and files are left out: ask [`get`](Engine::get).
    pub fn list(&self) -> Vec<TorrentStatus> {}

    /// One torrent with everything.
    pub fn get(&self, id: InfoHash) -> Option<TorrentStatus> {}

    /// Sums over all torrents.
    pub fn status(&self) -> EngineStatus {}

    /// Waits until every wanted piece is verified, and gives the status then. Returns early, with the trouble in the
    /// status, only if the torrent is removed.
    pub async fn wait_complete(&self, id: InfoHash) -> Result<TorrentStatus, ControlError> {}

    /// Stops a torrent until [`resume`](Engine::resume); its connections close.
    pub async fn pause(&self, id: InfoHash) -> Result<(), ControlError> {}

    /// Goes on with a paused or troubled torrent.
    pub async fn resume(&self, id: InfoHash) -> Result<(), ControlError> {}

    /// Takes a torrent out of the list, its files too if `with_data`: only the files it names, and folders that are
    /// empty then.
    pub async fn remove(&self, id: InfoHash, with_data: bool) -> Result<(), ControlError> {}

    /// Hashes everything on disk again.
    pub async fn recheck(&self, id: InfoHash) -> Result<(), ControlError> {}

    /// Chooses the wanted files by their place in the torrent.
    pub async fn set_selection(&self, id: InfoHash, files: Vec<usize>) -> Result<(), ControlError> {}

    /// Changes the limits over all torrents.
    pub fn set_limits(&self, limits: RateLimits) {}

    /// The limits over all torrents.
    pub fn limits(&self) -> RateLimits {}

    /// Changes one torrent's own limits.
    pub fn set_torrent_limits(&self, id: InfoHash, limits: RateLimits) -> Result<(), ControlError> {}

    /// Tells a torrent of peers.
    pub fn add_peers(&self, id: InfoHash, peers: Vec<KnownPeer>) -> Result<(), ControlError> {}

    /// The `.torrent` file.
    pub fn metainfo(&self, id: InfoHash) -> Result<Bytes, ControlError> {}

    /// A magnet link, with our device key in `x.weft` if `with_key`.
    pub fn magnet(&self, id: InfoHash, with_key: bool) -> Result<String, ControlError> {}

    /// Takes incoming links: plain BitTorrent over TCP, and stream type [`STREAM_TYPE`](crate::STREAM_TYPE) over TLS and
    /// the overlay. The handshake says which torrent.
    pub fn link_handler(&self) -> Arc<dyn LinkHandler> {}

    /// Changes the TCP port that trackers and the DHT are told: a port mapping came or went.
    pub fn set_listen_port(&self, port: Option<u16>) {}

    /// Whether `device` is a peer met by key already, so that TLS with it gives nothing away.
    /// Saves resume state, says goodbye to trackers, closes every connection. Done when it returns.
    pub async fn shutdown(&self) {}
}
