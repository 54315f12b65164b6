//! What peers tell us: each message's meaning, and what is not allowed.

use std::time::Instant;

use bytes::Bytes;

use super::peer::Standing;
use super::{DropReason, Output, PeerKey, Swarm};
use crate::bitfield::Bitfield;
use crate::connection::MAX_EARLY_BITFIELD_LEN;
use crate::extension;
use crate::wire::{BlockRef, Message};

/// Pieces a peer may offer although it chokes us (BEP 6 suggests 10).
const MAX_ALLOWED_FAST: usize = 64;

/// Messages without effect (repeated HAVEs, changes of mind, keep-alives) a peer may send ahead of the ten a second that
/// are forgotten.
const MAX_USELESS: u32 = 1000;

/// Highest piece index believed before the number of pieces is known.
const MAX_EARLY_PIECES: u32 = 8 * MAX_EARLY_BITFIELD_LEN as u32;

type Checked = Result<(), DropReason>;

impl Swarm {
    /// A message came. Does nothing if the peer was dropped before.
    pub fn on_message(&mut self, now: Instant, peer: PeerKey, message: Message) {
        self.clock(now);
        let Some(entry) = self.peers.get_mut(peer) else { return };
        entry.last_received = self.now;
        if let Err(reason) = self.handle(peer, message) {
            self.drop_peer(peer, reason, false);
        }
    }

    fn handle(&mut self, key: PeerKey, message: Message) -> Checked {
        let fast = self.peers.get(key).is_some_and(|p| p.fast);
        match message {
            Message::KeepAlive => self.useless(key),
            Message::Choke => self.on_choke(key),
            Message::Unchoke => self.on_unchoke(key),
            Message::Interested => self.on_interested(key, true),
            Message::NotInterested => self.on_interested(key, false),
            Message::Have { piece } => self.on_have(key, piece),
            Message::Bitfield(bits) => self.on_bitfield(key, bits),
            Message::Request(block) => self.on_request(key, block),
            Message::Cancel(block) => self.on_cancel(key, block),
            Message::Port(port) => self.on_port(key, port),
            Message::Suggest { .. } | Message::HaveAll | Message::HaveNone if !fast => Err(DropReason::OutOfTurn),
            Message::Reject(_) | Message::AllowedFast { .. } if !fast => Err(DropReason::OutOfTurn),
            // Advice we do not need: the picker knows better.
            Message::Suggest { .. } => self.useless(key),
            Message::HaveAll => self.on_have_all(key),
            Message::HaveNone => self.tell_pieces(key),
            Message::Reject(block) => self.on_reject(key, block),
            Message::AllowedFast { piece } => self.on_allowed_fast(key, piece),
            Message::Extended { id, payload } => self.on_extended(key, id, payload),
        }
    }

    /// Counts a message that changes nothing; too many are a flood.
    pub(super) fn useless(&mut self, key: PeerKey) -> Checked {
        let Some(peer) = self.peers.get_mut(key) else { return Ok(()) };
        peer.useless += 1;
        if peer.useless > MAX_USELESS { Err(DropReason::MessageFlood) } else { Ok(()) }
    }

    // ---- choking and interest ----

    fn on_choke(&mut self, key: PeerKey) -> Checked {
        let Some(peer) = self.peers.get_mut(key) else { return Ok(()) };
        if std::mem::replace(&mut peer.peer_choking, true) {
            return self.useless(key);
        }
        // Without the fast extension every request is void, with it each will be rejected: either way others may be asked
        // now. Blocks already under way are still good.
        self.take_work_back(key);
        self.useless(key)
    }

    fn on_unchoke(&mut self, key: PeerKey) -> Checked {
        let Some(peer) = self.peers.get_mut(key) else { return Ok(()) };
        if !std::mem::replace(&mut peer.peer_choking, false) {
            return self.useless(key);
        }
        if !peer.fast {
            peer.pending.retain(|p| p.standing == Standing::Live);
        }
        peer.stalled = false;
        peer.progress_at = self.now;
        peer.refilled_at = self.now;
        peer.since_refill = 0;
        peer.barren = None;
        self.fill(key);
        Ok(())
    }

    fn on_interested(&mut self, key: PeerKey, interested: bool) -> Checked {
        let Some(peer) = self.peers.get_mut(key) else { return Ok(()) };
        if std::mem::replace(&mut peer.peer_interested, interested) == interested {
            return self.useless(key);
        }
        if interested {
            self.unchoke_if_free(key);
        } else if !peer.am_choking {
            // Its slot goes to another at the next round.
            self.timers.rechoke = self.timers.rechoke.min(self.now + super::clock::TICK);
        }
        self.useless(key)
    }

    // ---- what they have ----

    /// Marks that a peer has said what it has, which it does once and first.
    fn tell_pieces(&mut self, key: PeerKey) -> Checked {
        let Some(peer) = self.peers.get_mut(key) else { return Ok(()) };
        if std::mem::replace(&mut peer.told_pieces, true) || peer.pieces.count() > 0 {
            return Err(DropReason::OutOfTurn);
        }
        Ok(())
    }

    fn on_have_all(&mut self, key: PeerKey) -> Checked {
        self.tell_pieces(key)?;
        let Some(peer) = self.peers.get_mut(key) else { return Ok(()) };
        peer.has_all = true;
        if let Some(torrent) = &self.torrent {
            let all = Bitfield::full(torrent.have.len());
            self.set_pieces(key, all);
        }
        Ok(())
    }

    fn on_bitfield(&mut self, key: PeerKey, bits: Bytes) -> Checked {
        self.tell_pieces(key)?;
        let Some(torrent) = &self.torrent else {
            if let Some(peer) = self.peers.get_mut(key) {
                peer.early_bitfield = Some(bits);
            }
            return Ok(());
        };
        let pieces = Bitfield::from_bytes(&bits, torrent.have.len()).map_err(|_| DropReason::BadBitfield)?;
        self.set_pieces(key, pieces);
        Ok(())
    }

    fn on_have(&mut self, key: PeerKey, piece: u32) -> Checked {
        let Some(peer) = self.peers.get_mut(key) else { return Ok(()) };
        let Some(torrent) = &mut self.torrent else {
            if piece >= MAX_EARLY_PIECES {
                return Err(DropReason::OutOfRange);
            }
            peer.pieces.grow(piece + 1);
            return if peer.pieces.insert(piece) { Ok(()) } else { self.useless(key) };
        };
        if piece >= torrent.have.len() {
            return Err(DropReason::OutOfRange);
        }
        if !peer.pieces.insert(piece) {
            return self.useless(key);
        }
        // One that sends no bitfield has none, and HAVEs as they come.
        peer.told_pieces = true;
        torrent.picker.gained(piece);
        peer.barren = None;
        if torrent.missing.contains(piece) {
            peer.interesting += 1;
        }
        self.update_interest(key);
        self.fill(key);
        self.drop_if_both_seeds(key);
        Ok(())
    }

    /// Takes what a peer has in one stroke.
    fn set_pieces(&mut self, key: PeerKey, pieces: Bitfield) {
        let (Some(peer), Some(torrent)) = (self.peers.get_mut(key), &mut self.torrent) else { return };
        if pieces.is_full() {
            torrent.seeds += 1;
            peer.counted_seed = true;
        } else {
            torrent.count_pieces(&pieces, true);
        }
        peer.pieces = pieces;
        peer.barren = None;
        peer.interesting = peer.pieces.common_count(&torrent.missing);
        self.update_interest(key);
        self.fill(key);
        self.drop_if_both_seeds(key);
    }

    /// The number of pieces is known now: reads what a peer said before.
    pub(super) fn adopt_early_pieces(&mut self, key: PeerKey) {
        let (Some(peer), Some(torrent)) = (self.peers.get_mut(key), &self.torrent) else { return };
        let count = torrent.have.len();
        let mut pieces = match peer.early_bitfield.take() {
            _ if peer.has_all => Bitfield::full(count),
            Some(bits) => match Bitfield::from_bytes(&bits, count) {
                Ok(pieces) => pieces,
                Err(_) => return self.drop_peer(key, DropReason::BadBitfield, false),
            },
            None => Bitfield::new(count),
        };
        let haves: Vec<u32> = peer.pieces.iter().collect();
        if haves.last().is_some_and(|last| *last >= count) {
            return self.drop_peer(key, DropReason::OutOfRange, false);
        }
        for piece in haves {
            pieces.insert(piece);
        }
        peer.told_pieces |= pieces.count() > 0;
        let ours: Vec<u32> = torrent.have.iter().collect();
        self.set_pieces(key, pieces);
        // We said we had nothing; from resume data we may have.
        for piece in ours {
            self.send(key, Message::Have { piece });
        }
    }

    /// Recounts what each peer has that we want.
    pub(super) fn recount_interest(&mut self) {
        let Some(torrent) = &self.torrent else { return };
        for (_, peer) in self.peers.iter_mut() {
            peer.interesting = peer.pieces.common_count(&torrent.missing);
            peer.barren = None;
        }
        for key in self.peers.keys() {
            self.update_interest(key);
        }
    }

    pub(super) fn update_interest(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let interested = peer.interesting > 0;
        if std::mem::replace(&mut peer.am_interested, interested) != interested {
            self.send(key, if interested { Message::Interested } else { Message::NotInterested });
        }
    }

    // ---- the rest ----

    fn on_port(&mut self, key: PeerKey, port: u16) -> Checked {
        let private = self.is_private();
        let Some(peer) = self.peers.get(key) else { return Ok(()) };
        if let Some(mut addr) = peer.addr.filter(|_| port != 0 && !private) {
            addr.set_port(port);
            self.out.push_back(Output::DhtNode { addr });
        }
        // Told once; a thousand times is a flood.
        self.useless(key)
    }

    fn on_reject(&mut self, key: PeerKey, block: BlockRef) -> Checked {
        let Some(peer) = self.peers.get_mut(key) else { return Ok(()) };
        let Some(standing) = peer.take_pending(&block) else { return self.useless(key) };
        if peer.peer_choking {
            peer.allowed_fast.remove(&block.piece);
        }
        if standing != Standing::Live {
            return Ok(());
        }
        // It serves us and yet will not give this: slow down, and do not go on for ever.
        peer.depth = (peer.depth / 2).max(1);
        if let Some(torrent) = &mut self.torrent {
            torrent.release(&block);
            if torrent.active.get(&block.piece).is_some_and(|a| a.exclusive) {
                self.abandon(block.piece);
            }
        }
        self.disown(key, block.piece);
        self.work_freed = true;
        self.useless(key)
    }

    fn on_allowed_fast(&mut self, key: PeerKey, piece: u32) -> Checked {
        if self.torrent.as_ref().is_some_and(|t| piece >= t.have.len()) {
            return Err(DropReason::OutOfRange);
        }
        let Some(peer) = self.peers.get_mut(key) else { return Ok(()) };
        if peer.allowed_fast.len() >= MAX_ALLOWED_FAST || !peer.allowed_fast.insert(piece) {
            return self.useless(key);
        }
        self.fill(key);
        Ok(())
    }

    fn on_extended(&mut self, key: PeerKey, id: u8, payload: Bytes) -> Checked {
        if !self.peers.get(key).is_some_and(|p| p.extended) {
            return Err(DropReason::OutOfTurn);
        }
        match id {
            extension::HANDSHAKE_ID => self.on_extended_handshake(key, &payload),
            extension::UT_METADATA => self.on_metadata(key, &payload),
            extension::UT_PEX => self.on_pex(key, &payload),
            _ => self.useless(key),
        }
    }
}
