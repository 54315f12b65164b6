//! The swarm itself: what it is made of, its settings, and how peers come and go.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::peer::{Peer, Peers, Standing};
use super::torrent::Torrent;
use super::{
    DropReason, Output, PeerKey, PeerParams, Priority, Refused, SetInfoError, SwarmConfig, SwarmState, TorrentInfo,
};
use crate::bitfield::Bitfield;
use crate::wire::Message;

/// How long after connecting the first peer exchange goes out: time for a swarm's first connections to come up.
const FIRST_PEX: Duration = Duration::from_secs(2);

/// Counters that outlive peers.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) downloaded: u64,
    pub(super) uploaded: u64,
    pub(super) wasted: u64,
    pub(super) duplicate: u64,
    pub(super) hash_failures: u64,
}

/// When each periodic duty is due.
#[derive(Debug)]
pub(super) struct Timers {
    pub(super) tick: Instant,
    pub(super) rechoke: Instant,
    pub(super) optimistic: Instant,
    pub(super) need_peers: Instant,
    pub(super) haste: Instant,
}

/// One torrent's state machine. See the [module's documentation](super) for how to drive it.
#[derive(Debug)]
pub struct Swarm {
    pub(super) config: SwarmConfig,
    pub(super) rng: SmallRng,
    pub(super) started: Instant,
    /// The latest time told.
    pub(super) now: Instant,
    pub(super) state: SwarmState,
    pub(super) paused: bool,
    pub(super) torrent: Option<Torrent>,
    /// The info dictionary, once verified.
    pub(super) metadata: Option<Bytes>,
    pub(super) peers: Peers,
    pub(super) out: VecDeque<Output>,
    /// Blocks or pieces became free: peers without work may have some now.
    pub(super) work_freed: bool,
    /// A deadline was set: who waits for it now does not wait for the next look.
    pub(super) haste: bool,
    /// Peers whose upload queue may move.
    pub(super) dirty: Vec<PeerKey>,
    pub(super) timers: Timers,
    pub(super) totals: Totals,
    nothing: Bitfield,
}

impl Swarm {
    /// A torrent whose metainfo is known. `have` are the pieces verified before; nothing else is ever announced or
    /// served.
    ///
    /// # Errors
    /// [`SetInfoError::WrongLength`] if `have` does not cover exactly the torrent's pieces.
    pub fn new(config: SwarmConfig, info: TorrentInfo, have: Bitfield, now: Instant) -> Result<Self, SetInfoError> {
        let mut swarm = Self::from_magnet(config, now);
        swarm.set_info(now, info, have)?;
        Ok(swarm)
    }

    /// A torrent of which only the info-hash is known: the info dictionary comes from peers (BEP 9).
    pub fn from_magnet(config: SwarmConfig, now: Instant) -> Self {
        Self {
            rng: SmallRng::seed_from_u64(config.seed),
            config,
            started: now,
            now,
            state: SwarmState::Metadata,
            paused: false,
            torrent: None,
            metadata: None,
            peers: Peers::default(),
            out: VecDeque::new(),
            work_freed: false,
            haste: false,
            dirty: Vec::new(),
            timers: Timers { tick: now, rechoke: now, optimistic: now, need_peers: now, haste: now },
            totals: Totals::default(),
            nothing: Bitfield::new(0),
        }
    }

    /// Gives a torrent begun by [`Swarm::from_magnet`] its info. Peers whose bitfield does not fit are dropped.
    ///
    /// # Errors
    /// If the info is already known or `have` does not cover exactly the torrent's pieces.
    pub fn set_info(&mut self, now: Instant, info: TorrentInfo, have: Bitfield) -> Result<(), SetInfoError> {
        self.clock(now);
        if self.torrent.is_some() {
            return Err(SetInfoError::AlreadyKnown);
        }
        let want = info.geometry.piece_count();
        if have.len() != want {
            return Err(SetInfoError::WrongLength { got: have.len(), want });
        }
        if self.metadata.is_none() && !info.metadata.is_empty() {
            self.metadata = Some(info.metadata.clone());
        }
        self.torrent = Some(Torrent::new(info, have));
        for key in self.peers.keys() {
            self.adopt_early_pieces(key);
        }
        self.update_state();
        Ok(())
    }

    // ---- peers ----

    /// A peer's connection is up and both handshakes are exchanged.
    ///
    /// # Errors
    /// [`Refused`]: close the connection.
    pub fn peer_connected(&mut self, now: Instant, params: PeerParams) -> Result<PeerKey, Refused> {
        self.clock(now);
        if self.paused {
            return Err(Refused::Paused);
        }
        if params.handshake.info_hash != self.config.info_hash {
            return Err(Refused::WrongTorrent);
        }
        if self.peers.len() >= self.config.max_peers {
            return Err(Refused::Full);
        }
        let ip = params.addr.map(|a| a.ip());
        let same = |p: &Peer| p.peer_id == params.handshake.peer_id && p.addr.map(|a| a.ip()) == ip;
        if self.peers.iter().any(|(_, p)| same(p)) {
            return Err(Refused::Duplicate);
        }
        let pieces = self.have().len();
        let mut peer = Peer::new(now, &params, pieces);
        peer.pex_due = now + FIRST_PEX;
        let key = self.peers.insert(peer);
        self.greet(key);
        Ok(key)
    }

    /// What a connection begins with: the pieces we have, then what we speak.
    fn greet(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get(key) else { return };
        let (fast, extended, dht) = (peer.fast, peer.extended, peer.dht);
        let have = self.have();
        let first = if fast && have.count() == 0 {
            Some(Message::HaveNone)
        } else if fast && have.is_full() {
            Some(Message::HaveAll)
        } else if have.count() > 0 {
            Some(Message::Bitfield(have.to_bytes().into()))
        } else {
            None
        };
        if let Some(first) = first {
            self.send(key, first);
        }
        if extended {
            self.send_extended_handshake(key);
        }
        if let Some(port) = self.config.dht_port.filter(|_| dht && !self.is_private()) {
            self.send(key, Message::Port(port));
        }
    }

    /// A peer's connection is gone. Does nothing if the peer was dropped before.
    pub fn peer_disconnected(&mut self, now: Instant, peer: PeerKey) {
        self.clock(now);
        self.forget(peer);
    }

    /// Closes a peer's connection for a reason.
    pub(super) fn drop_peer(&mut self, key: PeerKey, reason: DropReason, ban: bool) {
        if self.forget(key).is_some() {
            self.out.push_back(Output::Drop { peer: key, reason, ban });
        }
    }

    fn forget(&mut self, key: PeerKey) -> Option<Peer> {
        self.take_work_back(key);
        let peer = self.peers.remove(key)?;
        if let Some(torrent) = &mut self.torrent {
            if peer.counted_seed {
                torrent.seeds -= 1;
            } else {
                torrent.count_pieces(&peer.pieces, false);
            }
        }
        if peer.fetch.is_some() {
            self.start_metadata_fetches();
        }
        if !peer.am_choking {
            // Its slot is free: the next round need not wait.
            self.timers.rechoke = self.timers.rechoke.min(self.now);
        }
        Some(peer)
    }

    /// Everything asked of a peer may be asked of others, and what it began has no owner.
    pub(super) fn take_work_back(&mut self, key: PeerKey) {
        let (Some(peer), Some(torrent)) = (self.peers.get_mut(key), &mut self.torrent) else { return };
        for pending in &mut peer.pending {
            if pending.standing == Standing::Live {
                pending.standing = Standing::Released;
                torrent.release(&pending.block);
            }
        }
        peer.live = 0;
        for piece in std::mem::take(&mut peer.own) {
            let Some(active) = torrent.active.get_mut(&piece).filter(|a| a.owner == Some(key)) else { continue };
            // One whose blocks have all come is in the shell's hands and stays as it is.
            if active.missing == 0 {
                continue;
            }
            if active.exclusive {
                // What another peer adds would hide who was wrong: begin again.
                torrent.end(piece);
                self.out.push_back(Output::PieceAbandoned { piece });
            } else {
                active.owner = None;
            }
        }
        self.work_freed = true;
    }

    // ---- settings ----

    /// How much each piece is wanted; pieces beyond the slice stay as they are. Begun pieces that are no longer wanted
    /// are abandoned.
    pub fn set_priorities(&mut self, now: Instant, priorities: &[Priority]) {
        self.clock(now);
        let Some(torrent) = &mut self.torrent else { return };
        let mut unwanted = Vec::new();
        for (piece, priority) in (0..torrent.have.len()).zip(priorities) {
            torrent.set_priority(piece, *priority);
            if *priority == Priority::Skip && torrent.active.get(&piece).is_some_and(|a| a.missing > 0) {
                unwanted.push(piece);
            }
        }
        for piece in unwanted {
            self.abandon(piece);
        }
        self.recount_interest();
        self.update_state();
        self.work_freed = true;
    }

    /// Fetch in order rather than rarest first.
    pub fn set_sequential(&mut self, now: Instant, sequential: bool) {
        self.clock(now);
        self.config.sequential = sequential;
    }

    /// Fetch `piece` before all others, those with an earlier deadline first; `None` takes it back. A deadline ends when
    /// the piece is verified. As it comes near, requests for other pieces make way, and what a slow peer holds of it is
    /// moved to a faster one.
    pub fn set_deadline(&mut self, now: Instant, piece: u32, deadline: Option<Instant>) {
        self.clock(now);
        let Some(torrent) = &mut self.torrent else { return };
        match deadline {
            Some(at) if torrent.missing.contains(piece) => {
                self.haste |= torrent.deadlines.insert(piece, at) != Some(at);
            }
            _ => {
                torrent.deadlines.remove(&piece);
            }
        }
        self.work_freed = true;
    }

    /// Pausing drops all peers and abandons pieces begun; peers are refused until it is lifted.
    pub fn set_paused(&mut self, now: Instant, paused: bool) {
        self.clock(now);
        self.paused = paused;
        if paused {
            for key in self.peers.keys() {
                self.drop_peer(key, DropReason::Paused, false);
            }
            let begun = |t: &Torrent| t.active.iter().filter(|(_, a)| a.missing > 0).map(|(p, _)| *p).collect();
            let begun: Vec<u32> = self.torrent.as_ref().map(begun).unwrap_or_default();
            for piece in begun {
                self.abandon(piece);
            }
        } else {
            self.timers.need_peers = now;
        }
        self.update_state();
    }

    /// How many peers are served at once.
    pub fn set_upload_slots(&mut self, now: Instant, slots: usize) {
        self.clock(now);
        self.config.upload_slots = slots;
        self.rechoke(false);
    }

    // ---- outputs ----

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        if self.out.is_empty() {
            if std::mem::take(&mut self.haste) {
                self.hasten();
            }
            if std::mem::take(&mut self.work_freed) {
                self.fill_all();
            }
            for key in std::mem::take(&mut self.dirty) {
                self.pump_upload(key);
            }
        }
        self.out.pop_front()
    }

    pub(super) fn clock(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    pub(super) fn send(&mut self, key: PeerKey, message: Message) {
        if let Some(peer) = self.peers.get_mut(key) {
            peer.last_sent = self.now;
            self.out.push_back(Output::Send { peer: key, message });
        }
    }

    // ---- looking in ----

    /// The pieces verified so far; over no piece while a magnet's info is unknown.
    pub fn have(&self) -> &Bitfield {
        self.torrent.as_ref().map_or(&self.nothing, |t| &t.have)
    }

    /// What the swarm is doing.
    pub fn state(&self) -> SwarmState {
        self.state
    }

    /// Whether the torrent is private (BEP 27); false while a magnet's info is unknown.
    pub fn is_private(&self) -> bool {
        self.torrent.as_ref().is_some_and(|t| t.info.private)
    }

    pub(super) fn update_state(&mut self) {
        let state = match &self.torrent {
            _ if self.paused => SwarmState::Paused,
            None => SwarmState::Metadata,
            Some(t) if t.have.is_full() => SwarmState::Seeding,
            Some(t) if t.missing.count() == 0 => SwarmState::Finished,
            Some(_) => SwarmState::Downloading,
        };
        if state != self.state {
            self.state = state;
            self.out.push_back(Output::StateChanged(state));
            if matches!(state, SwarmState::Seeding | SwarmState::Finished) {
                self.tell_upload_only();
            }
        }
        if state == SwarmState::Seeding {
            self.drop_seeds();
        }
    }

    /// A peer is not told of pieces it has, so it cannot count ours: it is told when nothing is missing any more (BEP 21).
    fn tell_upload_only(&mut self) {
        for key in self.peers.keys() {
            if self.peers.get(key).is_some_and(|p| p.extended) {
                self.send_extended_handshake(key);
            }
        }
    }

    /// Two seeds have nothing to say to one another.
    fn drop_seeds(&mut self) {
        for key in self.peers.keys() {
            self.drop_if_both_seeds(key);
        }
    }

    pub(super) fn drop_if_both_seeds(&mut self, key: PeerKey) {
        let full = |p: &Peer| p.told_pieces && p.pieces.is_full() && !p.pieces.is_empty();
        let theirs = self.peers.get(key).is_some_and(|p| full(p) || p.said.upload_only);
        if theirs && self.state == SwarmState::Seeding {
            self.drop_peer(key, DropReason::BothSeeds, false);
        }
    }

    /// Gives up a piece being fetched: requests are cancelled, blocks received are wasted.
    pub(super) fn abandon(&mut self, piece: u32) {
        let Some(torrent) = &mut self.torrent else { return };
        let Some(active) = torrent.end(piece) else { return };
        self.totals.wasted += received_bytes(&active, torrent.geometry(), piece);
        self.out.push_back(Output::PieceAbandoned { piece });
        self.cancel_piece(piece);
    }

    /// Takes back every request for a piece.
    pub(super) fn cancel_piece(&mut self, piece: u32) {
        let mut cancels = Vec::new();
        for (key, peer) in self.peers.iter_mut() {
            peer.own.retain(|p| *p != piece);
            for pending in peer.pending.iter_mut().filter(|p| p.block.piece == piece) {
                if pending.standing == Standing::Live {
                    peer.live -= 1;
                    cancels.push((key, pending.block));
                }
                pending.standing = Standing::Cancelled;
            }
        }
        for (key, block) in cancels {
            self.send(key, Message::Cancel(block));
        }
        self.work_freed = true;
    }
}

/// Bytes received of a piece not complete.
fn received_bytes(active: &super::torrent::ActivePiece, geometry: &super::Geometry, piece: u32) -> u64 {
    let received = (0u32..).zip(&active.blocks).filter(|(_, b)| b.received());
    received.filter_map(|(i, _)| geometry.block(piece, i)).map(|b| u64::from(b.len)).sum()
}
