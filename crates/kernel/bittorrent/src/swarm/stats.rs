//! A swarm in numbers.

use std::net::SocketAddr;

use serde::Serialize;

use super::{PeerKey, SwarmState};

/// A swarm's counters. Bytes are payload, without headers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SwarmStats {
    /// What it is doing.
    pub state: SwarmState,
    /// Pieces of the torrent; 0 while a magnet's metadata is unknown.
    pub pieces: u32,
    /// Pieces verified.
    pub have: u32,
    /// Pieces wanted, verified ones included.
    pub wanted: u32,
    /// Bytes of verified pieces.
    pub have_bytes: u64,
    /// Bytes of wanted pieces not yet verified.
    pub left_bytes: u64,
    /// Bytes of blocks accepted.
    pub downloaded: u64,
    /// Bytes of blocks sent.
    pub uploaded: u64,
    /// Bytes of blocks received and thrown away: duplicates, unrequested, pieces that failed.
    pub wasted: u64,
    /// Of those, bytes that came twice (endgame and late answers).
    pub duplicate: u64,
    /// Pieces that failed verification.
    pub hash_failures: u64,
    /// Pieces being fetched or verified.
    pub inflight_pieces: u32,
    /// Bytes of those pieces.
    pub inflight_bytes: u64,
    /// Received in bytes a second, smoothed.
    pub down_rate: u64,
    /// Sent in bytes a second, smoothed.
    pub up_rate: u64,
    /// Peers connected.
    pub peers: u32,
    /// Of those, peers that have everything.
    pub seeds: u32,
    /// Copies of the rarest missing wanted piece among the peers; `None` if nothing is missing.
    pub availability: Option<u32>,
}

/// One peer in numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeerStats {
    /// Its key.
    pub key: PeerKey,
    /// Its address, if the transport has one.
    pub addr: Option<SocketAddr>,
    /// Client name: from the extension handshake, or read from the peer id.
    pub client: String,
    /// We opened the connection.
    pub outgoing: bool,
    /// A Weft peer with a proven key.
    pub weft: bool,
    /// It speaks the fast extension (BEP 6).
    pub fast: bool,
    /// It speaks the extension protocol (BEP 10).
    pub extended: bool,
    /// Its share of the pieces, 0 to 1.
    pub progress: f32,
    /// We do not serve it.
    pub choked: bool,
    /// It wants what we have.
    pub interested: bool,
    /// It does not serve us.
    pub choking_us: bool,
    /// We want what it has.
    pub interesting: bool,
    /// Served out of turn, to find better partners.
    pub optimistic: bool,
    /// It was asked and did not answer for a minute.
    pub snubbed: bool,
    /// Suspected of bad data: it fetches whole pieces alone until one is right.
    pub parole: bool,
    /// Requests to it that are not answered.
    pub requests: u32,
    /// Requests from it that are not answered.
    pub queued: u32,
    /// Bytes of blocks accepted from it.
    pub downloaded: u64,
    /// Bytes of blocks sent to it.
    pub uploaded: u64,
    /// Received in bytes a second, smoothed.
    pub down_rate: u64,
    /// Sent in bytes a second, smoothed.
    pub up_rate: u64,
    /// Pieces it contributed to that failed verification.
    pub hash_failures: u32,
}
