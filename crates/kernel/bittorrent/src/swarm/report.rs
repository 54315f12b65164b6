//! The swarm in numbers.

use super::{PeerStats, Swarm, SwarmStats};

impl Swarm {
    /// The swarm's counters.
    pub fn stats(&self) -> SwarmStats {
        let mut stats = SwarmStats {
            state: self.state,
            pieces: 0,
            have: 0,
            wanted: 0,
            have_bytes: 0,
            left_bytes: 0,
            downloaded: self.totals.downloaded,
            uploaded: self.totals.uploaded,
            wasted: self.totals.wasted,
            duplicate: self.totals.duplicate,
            hash_failures: self.totals.hash_failures,
            inflight_pieces: 0,
            inflight_bytes: 0,
            down_rate: self.peers.iter().map(|(_, p)| p.down.last()).sum(),
            up_rate: self.peers.iter().map(|(_, p)| p.up.last()).sum(),
            peers: self.peers.len() as u32,
            seeds: self.peers.iter().filter(|(_, p)| !p.pieces.is_empty() && p.pieces.is_full()).count() as u32,
            availability: None,
        };
        let Some(torrent) = &self.torrent else { return stats };
        let bytes = |set: &crate::bitfield::Bitfield| torrent.geometry().len_of(set);
        stats.pieces = torrent.have.len();
        stats.have = torrent.have.count();
        stats.wanted = torrent.wanted_count();
        stats.have_bytes = bytes(&torrent.have);
        stats.left_bytes = bytes(&torrent.missing);
        stats.inflight_pieces = torrent.active.len() as u32;
        stats.inflight_bytes = torrent.inflight_bytes;
        let rarest = torrent.missing.iter().map(|p| torrent.picker.availability(p)).min();
        stats.availability = rarest.map(|n| n + torrent.seeds);
        stats
    }

    /// One entry a connected peer.
    pub fn peer_stats(&self) -> Vec<PeerStats> {
        let entry = |(key, peer): (super::PeerKey, &super::peer::Peer)| PeerStats {
            key,
            addr: peer.addr,
            client: peer.client(),
            outgoing: peer.outgoing,
            weft: peer.weft,
            fast: peer.fast,
            extended: peer.extended,
            progress: if peer.pieces.is_empty() { 0.0 } else { peer.pieces.count() as f32 / peer.pieces.len() as f32 },
            choked: peer.am_choking,
            interested: peer.peer_interested,
            choking_us: peer.peer_choking,
            interesting: peer.am_interested,
            optimistic: peer.optimistic,
            snubbed: peer.snubbed,
            parole: peer.parole,
            requests: peer.live,
            queued: peer.queue.len() as u32 + peer.handed,
            downloaded: peer.downloaded,
            uploaded: peer.uploaded,
            down_rate: peer.down.last(),
            up_rate: peer.up.last(),
            hash_failures: peer.hash_failures,
        };
        self.peers.iter().map(entry).collect()
    }
}
