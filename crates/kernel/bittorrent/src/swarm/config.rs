//! What a swarm is made from.

use std::net::SocketAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Geometry;
use crate::id::InfoHash;
use crate::metainfo::Info;
use crate::wire::Handshake;

/// A swarm's settings.
#[derive(Debug, Clone)]
pub struct SwarmConfig {
    /// The torrent.
    pub info_hash: InfoHash,
    /// Seeds every random choice (ties between equally rare pieces, optimistic unchokes).
    pub seed: u64,
    /// Client name and version, told to peers in the extension handshake (`v`).
    pub client: String,
    /// TCP port others reach us at, told to peers in the extension handshake (`p`).
    pub listen_port: Option<u16>,
    /// UDP port of our DHT node, told to peers that run one (BEP 5).
    pub dht_port: Option<u16>,
    /// Peers served at once, the optimistic unchoke included.
    pub upload_slots: usize,
    /// Most bytes of pieces being fetched or verified at once. At least one piece is always fetched.
    pub max_inflight_bytes: u64,
    /// Most peers connected at once; more are refused.
    pub max_peers: usize,
    /// While fetching with fewer peers than this, [`super::Output::NeedPeers`] asks for more.
    pub want_peers: usize,
    /// Exchange peers' addresses (BEP 11). Off by itself on private torrents (BEP 27).
    pub pex: bool,
    /// Fetch pieces in order rather than rarest first.
    pub sequential: bool,
}

impl SwarmConfig {
    /// Settings for `info_hash` with defaults: 8 upload slots, 64 MiB in flight, 200 peers at most, 40 wanted, PEX on.
    pub fn new(info_hash: InfoHash, seed: u64) -> Self {
        Self {
            info_hash,
            seed,
            client: concat!("Weft ", env!("CARGO_PKG_VERSION")).into(),
            listen_port: None,
            dht_port: None,
            upload_slots: 8,
            max_inflight_bytes: 64 * 1024 * 1024,
            max_peers: 200,
            want_peers: 40,
            pex: true,
            sequential: false,
        }
    }
}

/// What the swarm needs to know of a torrent's metainfo.
#[derive(Debug, Clone)]
pub struct TorrentInfo {
    /// Pieces and blocks.
    pub geometry: Geometry,
    /// BEP 27: peers come from the tracker alone, no PEX.
    pub private: bool,
    /// The bencoded info dictionary, served to peers that started from a magnet (BEP 9). Empty: not served.
    pub metadata: Bytes,
}

impl TorrentInfo {
    /// From a torrent's info dictionary. `None` for a torrent without content.
    pub fn from_info(info: &Info) -> Option<Self> {
        let geometry = Geometry::new(info.piece_length(), info.total_len())?;
        Some(Self { geometry, private: info.is_private(), metadata: info.raw().clone() })
    }
}

/// What is known of a peer whose handshake came.
#[derive(Debug, Clone)]
pub struct PeerParams {
    /// Its address as seen by the transport, where there is one (none behind a relay).
    pub addr: Option<SocketAddr>,
    /// We opened the connection, so `addr` is where others reach it too.
    pub outgoing: bool,
    /// The peer's handshake.
    pub handshake: Handshake,
    /// The peer's key is proven and known: a Weft peer.
    pub weft: bool,
}

/// Why a peer was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// [`SwarmConfig::max_peers`] are connected.
    #[error("the swarm has as many peers as it may")]
    Full,
    /// The swarm is paused.
    #[error("the torrent is paused")]
    Paused,
    /// The handshake names another torrent.
    #[error("the handshake is for another torrent")]
    WrongTorrent,
    /// A peer with the same id and IP address is connected.
    #[error("already connected to that peer")]
    Duplicate,
}

/// Why a torrent's info was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetInfoError {
    /// The info is already known.
    #[error("the torrent's info is already known")]
    AlreadyKnown,
    /// The bitfield of verified pieces has another length than the torrent.
    #[error("the resume bitfield covers {got} pieces, the torrent has {want}")]
    WrongLength {
        /// Pieces in the bitfield.
        got: u32,
        /// Pieces of the torrent.
        want: u32,
    },
}

/// How much a piece is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
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
