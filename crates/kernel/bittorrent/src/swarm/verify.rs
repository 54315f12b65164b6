//! What the shell found out about complete pieces, and who pays for a wrong one.

use std::time::Instant;

use super::torrent::BlockDigest;
use super::torrent::{ActivePiece, Contributor};
use super::{DropReason, Output, PeerKey, Swarm};
use crate::wire::Message;

impl Swarm {
    /// A complete piece has the right hash and is on disk. From now on it is announced and served.
    pub fn piece_verified(&mut self, now: Instant, piece: u32) {
        self.clock(now);
        let Some(torrent) = &mut self.torrent else { return };
        if piece >= torrent.have.len() || torrent.have.contains(piece) {
            return;
        }
        let was_missing = torrent.missing.contains(piece);
        match torrent.verified(piece) {
            // Every request for it was answered or taken back as its blocks came.
            Some(active) if active.missing == 0 => {
                self.clear_parole(&active);
                if let Some(giver) = active.giver() {
                    self.out.push_back(Output::PieceGiven { piece, by: giver.key });
                }
            }
            // The shell found it on disk while it was being fetched.
            Some(_) => {
                self.out.push_back(Output::PieceAbandoned { piece });
                self.cancel_piece(piece);
            }
            None => {}
        }
        self.work_freed = true;
        self.announce(piece, was_missing);
        self.update_state();
    }

    /// Tells the peers of a new piece, and drops interest in those that had nothing else.
    fn announce(&mut self, piece: u32, was_missing: bool) {
        for key in self.peers.keys() {
            let Some(peer) = self.peers.get_mut(key) else { continue };
            if peer.pieces.contains(piece) {
                // A peer that has the piece need not be told.
                if was_missing {
                    peer.interesting = peer.interesting.saturating_sub(1);
                    self.update_interest(key);
                }
            } else {
                self.send(key, Message::Have { piece });
            }
        }
    }

    /// Who sent a whole right piece alone is no longer suspected.
    fn clear_parole(&mut self, active: &ActivePiece) {
        if let [only] = active.contributors[..]
            && let Some(peer) = self.peers.get_mut(only.key)
        {
            peer.parole = false;
        }
    }

    /// A complete piece has the wrong hash. `digests` are those of its blocks in order, or empty if they are not at hand.
    pub fn piece_failed(&mut self, now: Instant, piece: u32, digests: &[BlockDigest]) {
        self.clock(now);
        let Some(torrent) = &mut self.torrent else { return };
        let Some(active) = torrent.active.get(&piece).filter(|a| a.missing == 0) else { return };
        self.totals.hash_failures += 1;
        self.totals.wasted += u64::from(active.len);
        let Some(active) = torrent.end(piece) else { return };
        torrent.failed.insert(piece);
        if active.contributors.len() > 1 {
            torrent.suspect(piece, &active, digests);
        }
        self.work_freed = true;
        match active.contributors[..] {
            [only] => self.convict(only, DropReason::BadData),
            _ => active.contributors.iter().for_each(|c| self.suspect(c.key)),
        }
    }

    /// A peer may have sent wrong data: from now on it fetches whole pieces alone, until one is right.
    fn suspect(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        peer.hash_failures += 1;
        peer.parole = true;
        // What is on its way stays good, but nothing more is asked of it for pieces others add to.
        for piece in std::mem::take(&mut peer.own) {
            let active = self.torrent.as_mut().and_then(|t| t.active.get_mut(&piece)).filter(|a| a.owner == Some(key));
            if let Some(active) = active {
                if active.exclusive {
                    peer.own.push(piece);
                } else {
                    active.owner = None;
                }
            }
        }
    }

    fn convict(&mut self, who: Contributor, reason: DropReason) {
        if self.peers.get(who.key).is_some() {
            self.drop_peer(who.key, reason, true);
        } else if let Some(addr) = who.addr {
            self.out.push_back(Output::Ban { addr, reason });
        }
    }

    /// A complete piece could not be written: it is wanted again and nobody is blamed. Pause the swarm if the disk stays
    /// bad, or it fetches the piece again at once.
    pub fn piece_unwritten(&mut self, now: Instant, piece: u32) {
        self.clock(now);
        let Some(torrent) = &mut self.torrent else { return };
        if torrent.active.get(&piece).is_none_or(|a| a.missing > 0) {
            return;
        }
        if let Some(active) = torrent.end(piece) {
            self.totals.wasted += u64::from(active.len);
            self.work_freed = true;
        }
    }

    /// Whether digests of this piece's right blocks would show who sent wrong ones before.
    pub fn wants_digests(&self, piece: u32) -> bool {
        self.torrent.as_ref().is_some_and(|t| t.is_suspect(piece))
    }

    /// The digests of a right piece's blocks in order; call before [`Swarm::piece_verified`].
    pub fn piece_digests(&mut self, now: Instant, piece: u32, digests: &[BlockDigest]) {
        self.clock(now);
        let Some(torrent) = &mut self.torrent else { return };
        if digests.len() != torrent.geometry().block_count(piece) as usize {
            return;
        }
        for culprit in torrent.culprits(piece, digests) {
            self.convict(culprit, DropReason::BadData);
        }
    }

    /// A piece verified earlier is no longer what it was (the file changed underneath): it is not served any more and, if
    /// wanted, fetched again.
    pub fn piece_lost(&mut self, now: Instant, piece: u32) {
        self.clock(now);
        let Some(torrent) = &mut self.torrent else { return };
        if !torrent.lost(piece) {
            return;
        }
        let asked: Vec<PeerKey> = self.peers.iter().filter(|(_, p)| !p.queue.is_empty()).map(|(k, _)| k).collect();
        for key in asked {
            self.refuse_queued(key, |block| block.piece == piece);
        }
        self.recount_interest();
        self.update_state();
        self.work_freed = true;
    }
}
