//! Serving peers: their requests, and who is unchoked.

use std::time::{Duration, Instant};

use super::{DropReason, MAX_REQUEST_LEN, MAX_UPLOAD_WINDOW, Output, PeerKey, Swarm, SwarmState};
use crate::choker::{self, Candidate};
use crate::connection::{MAX_WRITTEN_BLOCKS, Written};
use crate::extension::REQQ;
use crate::wire::{BlockRef, Message};

/// Requests refused (choked, too many, a piece we lack) a peer may pile up ahead of the fifty a second that are forgotten.
const MAX_REFUSED: u32 = 2 * REQQ;

/// Cancels that come too late and are no fault, at most: four upload windows, as much as is on its way of the fastest line.
const MAX_LATE_CANCELS: u32 = 4 * MAX_UPLOAD_WINDOW as u32;

/// Blocks handed to the shell at least, however slow the peer reads. Few, because what is handed over can no longer be
/// taken back by the peer.
pub(super) const MIN_WINDOW: u32 = 4;

/// A window sent faster than this is doubled...
const FAST: Duration = Duration::from_millis(100);

/// ...and one that took longer than this halved.
const SLOW: Duration = Duration::from_millis(400);

impl Swarm {
    pub(super) fn on_request(&mut self, key: PeerKey, block: BlockRef) -> Result<(), DropReason> {
        // Before a magnet's info is known we have announced nothing: whoever asks all the same is refused below.
        if let Some(torrent) = &self.torrent
            && !torrent.geometry().contains(&block)
        {
            return Err(DropReason::OutOfRange);
        }
        if block.len > MAX_REQUEST_LEN {
            return Err(DropReason::RequestTooLong);
        }
        let have = self.have().contains(block.piece);
        let Some(peer) = self.peers.get_mut(key) else { return Ok(()) };
        if peer.am_choking || !have || peer.queue.len() >= REQQ as usize {
            return self.refuse(key, block);
        }
        peer.queue.push_back(block);
        if !std::mem::replace(&mut peer.dirty, true) {
            self.dirty.push(key);
        }
        Ok(())
    }

    fn refuse(&mut self, key: PeerKey, block: BlockRef) -> Result<(), DropReason> {
        let Some(peer) = self.peers.get_mut(key) else { return Ok(()) };
        peer.refused += 1;
        if peer.refused > MAX_REFUSED {
            return Err(DropReason::RequestFlood);
        }
        if peer.fast {
            self.send(key, Message::Reject(block));
        }
        Ok(())
    }

    pub(super) fn on_cancel(&mut self, key: PeerKey, block: BlockRef) -> Result<(), DropReason> {
        let Some(peer) = self.peers.get_mut(key) else { return Ok(()) };
        let Some(at) = peer.queue.iter().position(|b| *b == block) else {
            // Already with the shell, or served: the block is the answer. Whoever plays a film and seeks in it takes much
            // back that is on its way, so each block served may be cancelled once.
            if let Some(late) = peer.late.checked_sub(1) {
                peer.late = late;
                return Ok(());
            }
            return self.useless(key);
        };
        peer.queue.remove(at);
        if peer.fast {
            self.send(key, Message::Reject(block));
        }
        Ok(())
    }

    /// Takes requests not yet with the shell off a peer's queue, rejecting them where the peer expects an answer.
    pub(super) fn refuse_queued(&mut self, key: PeerKey, which: impl Fn(&BlockRef) -> bool) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let (refused, kept): (Vec<BlockRef>, Vec<BlockRef>) =
            std::mem::take(&mut peer.queue).into_iter().partition(which);
        peer.queue = kept.into();
        if peer.fast {
            for block in refused {
                self.send(key, Message::Reject(block));
            }
        }
    }

    /// Hands queued requests to the shell, in batches, as far as the peer reads.
    pub(super) fn pump_upload(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        peer.dirty = false;
        // A half-empty window first, so that batches stay large.
        if peer.queue.is_empty() || peer.handed > peer.window / 2 {
            return;
        }
        let took = self.now.saturating_duration_since(peer.handed_at);
        if took < FAST {
            peer.window = (peer.window * 2).min(MAX_UPLOAD_WINDOW as u32);
        } else if took > SLOW {
            peer.window = (peer.window / 2).max(MIN_WINDOW);
        }
        peer.handed_at = self.now;
        while peer.handed < peer.window && !peer.queue.is_empty() {
            let n = peer.queue.len().min((peer.window - peer.handed) as usize).min(MAX_WRITTEN_BLOCKS);
            let blocks: Vec<BlockRef> = peer.queue.drain(..n).collect();
            peer.handed += n as u32;
            peer.late = (peer.late + n as u32).min(MAX_LATE_CANCELS);
            peer.last_sent = self.now;
            self.out.push_back(Output::Upload { peer: key, blocks });
        }
    }

    /// Blocks of [`Output::Upload`] were written to the connection (whole or in part).
    pub fn on_uploaded(&mut self, now: Instant, peer: PeerKey, written: Written) {
        self.clock(now);
        self.totals.uploaded += written.payload;
        let Some(entry) = self.peers.get_mut(peer) else { return };
        entry.up.add(self.now, written.payload);
        entry.uploaded += written.payload;
        entry.last_sent = self.now;
        entry.handed = entry.handed.saturating_sub(written.blocks);
        if written.blocks > 0 && !std::mem::replace(&mut entry.dirty, true) {
            self.dirty.push(peer);
        }
    }

    /// A block of [`Output::Upload`] will not be sent: it could not be read.
    pub fn upload_failed(&mut self, now: Instant, peer: PeerKey, block: BlockRef) {
        self.clock(now);
        let Some(entry) = self.peers.get_mut(peer) else { return };
        entry.handed = entry.handed.saturating_sub(1);
        let fast = entry.fast;
        if !std::mem::replace(&mut entry.dirty, true) {
            self.dirty.push(peer);
        }
        if fast {
            self.send(peer, Message::Reject(block));
        }
    }

    // ---- choking ----

    /// A peer became interested: it need not wait for the next round if a slot is free.
    pub(super) fn unchoke_if_free(&mut self, key: PeerKey) {
        let served = self.peers.iter().filter(|(_, p)| !p.am_choking && p.peer_interested).count();
        if served < self.config.upload_slots {
            self.set_choking(key, false);
        }
    }

    /// Decides anew who is served; `rotate` moves the optimistic unchoke on.
    pub(super) fn rechoke(&mut self, rotate: bool) {
        let seeding = matches!(self.state, SwarmState::Seeding | SwarmState::Finished);
        let now = self.now;
        let mut keys = Vec::new();
        let mut candidates = Vec::new();
        for (key, peer) in self.peers.iter_mut() {
            let rate = if seeding { peer.up.rate(now) } else { peer.down.rate(now) };
            let waited = peer.last_unchoked.map_or(u64::MAX, |at| now.saturating_duration_since(at).as_secs());
            keys.push(key);
            candidates.push(Candidate {
                interested: peer.peer_interested,
                rate,
                snubbed: peer.snubbed && !seeding,
                unchoked: !peer.am_choking,
                optimistic: peer.optimistic,
                waited,
            });
        }
        let decision = choker::decide(&candidates, self.config.upload_slots, rotate, &mut self.rng);
        for (i, key) in keys.into_iter().enumerate() {
            if let Some(peer) = self.peers.get_mut(key) {
                peer.optimistic = decision.optimistic == Some(i);
            }
            self.set_choking(key, !decision.unchoke.contains(&i));
        }
    }

    fn set_choking(&mut self, key: PeerKey, choke: bool) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        if !choke {
            peer.last_unchoked = Some(self.now);
        }
        if std::mem::replace(&mut peer.am_choking, choke) == choke {
            return;
        }
        if choke {
            self.send(key, Message::Choke);
            self.refuse_queued(key, |_| true);
        } else {
            self.send(key, Message::Unchoke);
        }
    }
}
