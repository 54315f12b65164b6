//! What the pieces look like from outside: copies, so that whoever draws them does not hold the machine meanwhile.

use std::collections::BTreeSet;

use super::peer::Standing;
use super::{Geometry, PeerKey, Swarm};
use crate::bitfield::Bitfield;

/// The pieces of a swarm at one moment.
#[derive(Debug, Clone)]
pub struct PieceView {
    /// How they are cut.
    pub geometry: Geometry,
    /// The verified ones.
    pub have: Bitfield,
    /// Those being fetched or verified, ascending.
    pub reading: Vec<u32>,
    /// For each piece how many connected peers have it, those of [`PieceView::seeds`] not counted.
    pub availability: Vec<u32>,
    /// Connected peers that had everything when they came, and are not in [`PieceView::availability`].
    pub seeds: u32,
}

/// One peer's pieces at one moment.
#[derive(Debug, Clone)]
pub struct PeerView {
    /// What it has.
    pub pieces: Bitfield,
    /// Pieces that it is asked for now, ascending.
    pub reading: Vec<u32>,
}

impl Swarm {
    /// The pieces as they are now; `None` while a magnet's info is unknown.
    pub fn piece_view(&self) -> Option<PieceView> {
        let torrent = self.torrent.as_ref()?;
        Some(PieceView {
            geometry: *torrent.geometry(),
            have: torrent.have.clone(),
            reading: torrent.active.keys().copied().collect(),
            availability: torrent.picker.availabilities().to_vec(),
            seeds: torrent.seeds,
        })
    }

    /// One peer's pieces as they are now; `None` once it left.
    pub fn peer_view(&self, peer: PeerKey) -> Option<PeerView> {
        let peer = self.peers.get(peer)?;
        let live = peer.pending.iter().filter(|pending| pending.standing == Standing::Live);
        let reading: BTreeSet<u32> = live.map(|pending| pending.block.piece).collect();
        Some(PeerView { pieces: peer.pieces.clone(), reading: reading.into_iter().collect() })
    }

    /// What client a peer says it is; empty once it left.
    pub fn client(&self, peer: PeerKey) -> String {
        self.peers.get(peer).map(|peer| peer.client()).unwrap_or_default()
    }

    /// The peers that blocks come from or go to at this moment.
    pub fn moving(&self) -> Vec<PeerKey> {
        let moves = |p: &super::peer::Peer| p.down.last() > 0 || p.up.last() > 0;
        self.peers.iter().filter(|(_, p)| moves(p)).map(|(key, _)| key).collect()
    }

    /// Bytes moved and rates alone: cheaper than [`Swarm::stats`], whose cost grows with the pieces.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            downloaded: self.totals.downloaded,
            uploaded: self.totals.uploaded,
            down_rate: self.peers.iter().map(|(_, p)| p.down.last()).sum(),
            up_rate: self.peers.iter().map(|(_, p)| p.up.last()).sum(),
            wasted: self.totals.wasted,
        }
    }
}

/// What a swarm moved and moves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes of blocks accepted.
    pub downloaded: u64,
    /// Bytes of blocks sent.
    pub uploaded: u64,
    /// Bytes of blocks received and thrown away.
    pub wasted: u64,
    /// Received in bytes a second, smoothed.
    pub down_rate: u64,
    /// Sent in bytes a second, smoothed.
    pub up_rate: u64,
}
