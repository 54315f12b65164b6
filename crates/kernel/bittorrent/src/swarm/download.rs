//! Asking for blocks, and what comes of it.

use std::time::{Duration, Instant};

use super::peer::{Peer, Pending, Standing};
use super::torrent::{Arrival, Contributor, Torrent};
use super::{BlockVerdict, DropReason, Output, PeerKey, Swarm};
use crate::wire::{BLOCK_LEN, BlockRef, Message};

/// Requests kept outstanding with one peer at most. With 16 KiB each they cover 32 MiB: a gigabit over 250 ms. No more than
/// the peer says it holds (`reqq`) are sent.
pub(super) const MAX_DEPTH: u32 = 2000;

/// Requests kept outstanding with the slowest peer.
const MIN_DEPTH: u32 = 4;

/// How much transfer time the outstanding requests cover.
const PIPELINE: Duration = Duration::from_secs(2);

/// Entries of a peer's request list, those taken back included. A peer that neither answers nor rejects loses the oldest.
const MAX_PENDING: usize = 3 * MAX_DEPTH as usize;

/// Requests without any progress are given to others after this long.
pub(super) const STALL: Duration = Duration::from_secs(20);

/// A peer without progress for this long is snubbed: it gets nothing in return (BEP 3, anti-snubbing).
pub(super) const SNUB: Duration = Duration::from_secs(60);

/// Blocks moved from a slow peer to a fast one in one go.
const ENDGAME_BATCH: u32 = 8;

/// In the endgame a peer takes over what another will take this many times longer to send.
pub(super) const ENDGAME_GAIN: f64 = 1.5;

/// Seconds that must be won at least: for less the block is not worth sending twice.
pub(super) const ENDGAME_WORTH: f64 = 0.3;

/// How long a peer of unknown rate may take to begin answering before others are asked in the endgame.
const ENDGAME_PATIENCE: Duration = Duration::from_secs(2);

/// A peer that needs longer than this for a whole piece helps with pieces already begun rather than begin one.
const PIECE_PATIENCE_SECS: u64 = 30;

/// Blocks nobody asked for before a peer is dropped. Some slack for races around choking with clients that do not speak
/// the fast extension.
const MAX_UNREQUESTED: u32 = 64;

/// Deadlines looked at for one pick.
const DEADLINES_SEEN: usize = 64;

impl Swarm {
    /// Keeps a peer's pipeline filled: does nothing until it is half empty, then fills it up.
    pub(super) fn fill(&mut self, key: PeerKey) {
        if self.paused {
            return;
        }
        let (Some(peer), Some(torrent)) = (self.peers.get_mut(key), &mut self.torrent) else { return };
        if peer.stalled || peer.interesting == 0 || (peer.peer_choking && peer.allowed_fast.is_empty()) {
            return;
        }
        if peer.live > wanted_depth(peer) / 2 {
            return;
        }
        adapt_depth(peer, self.now);
        let left =
            if torrent.deadlines.is_empty() && peer.gave_way.is_none() { Vec::new() } else { self.left_to_others(key) };
        let (Some(peer), Some(torrent)) = (self.peers.get_mut(key), &mut self.torrent) else { return };
        let depth = wanted_depth(peer);
        let was_idle = peer.live == 0;
        let before = peer.live;
        while peer.live < depth {
            let Some(piece) = choose(torrent, peer, key, &left, &self.config, &mut self.rng) else { break };
            let before = peer.live;
            while peer.live < depth {
                let Some(block) = torrent.ask_next(piece) else { break };
                request(peer, &mut self.out, key, block);
            }
            if peer.live == before {
                break;
            }
        }
        if peer.live == 0 || (before == peer.live && peer.live <= 1) {
            self.endgame(key);
        }
        let Some(peer) = self.peers.get_mut(key) else { return };
        if was_idle && peer.live > 0 {
            peer.progress_at = self.now;
        }
        if peer.live > before {
            peer.last_sent = self.now;
        }
    }

    /// Blocks became free: whoever has room may have them.
    pub(super) fn fill_all(&mut self) {
        for key in self.peers.keys() {
            self.fill(key);
        }
    }

    /// Everything is asked for (the endgame): a peer without work takes over what a slower one will take long to send. The
    /// slower one is told at once, so that a block comes twice only if it was on its way already.
    fn endgame(&mut self, key: PeerKey) {
        let (Some(peer), Some(torrent)) = (self.peers.get(key), &self.torrent) else { return };
        if peer.parole || peer.peer_choking || peer.stalled || torrent.active.is_empty() {
            return;
        }
        let mine = drain_time(peer, 1);
        let idle = |p: &Peer| self.now.saturating_duration_since(p.progress_at);
        // A peer that has only begun to answer is not yet known to be slow.
        let known = |p: &Peer| p.down.last() > 0 || idle(p) >= ENDGAME_PATIENCE;
        let slower = |p: &Peer| known(p) && drain_time(p, 0) > mine * ENDGAME_GAIN + ENDGAME_WORTH;
        let mut slow: Vec<(PeerKey, f64)> = (self.peers.iter())
            .filter(|(k, p)| *k != key && p.live > 0 && slower(p))
            .map(|(k, p)| (k, drain_time(p, 0)))
            .collect();
        slow.sort_by(|a, b| b.1.total_cmp(&a.1));
        let mut left = ENDGAME_BATCH;
        for (slow, _) in slow.into_iter().take(4) {
            left -= self.take_over(slow, key, left);
            if left == 0 {
                break;
            }
        }
    }

    /// Moves up to `most` requests from the end of a slow peer's list (its begin is already on its way) to another. Gives
    /// how many.
    fn take_over(&mut self, slow: PeerKey, key: PeerKey, most: u32) -> u32 {
        let Some(from) = self.peers.get(slow) else { return 0 };
        // At most half: it is not dead.
        let most = from.live.div_ceil(2).min(most) as usize;
        let live = from.pending.iter().rev().filter(|p| p.standing == Standing::Live);
        let blocks: Vec<BlockRef> = live.take(most).map(|p| p.block).collect();
        let mut moved = 0;
        for block in blocks {
            let (Some(to), Some(torrent)) = (self.peers.get_mut(key), &mut self.torrent) else { break };
            let shared = torrent.active.get(&block.piece).is_some_and(|a| !a.exclusive);
            if !shared || !to.pieces.contains(block.piece) || to.is_pending(&block) || !torrent.ask_again(&block) {
                continue;
            }
            request(to, &mut self.out, key, block);
            moved += 1;
            if let Some(from) = self.peers.get_mut(slow) {
                from.give_up(&block);
                torrent.release(&block);
            }
            self.send(slow, Message::Cancel(block));
        }
        moved
    }

    /// A block came. Says what to do with its data.
    pub fn on_block(&mut self, now: Instant, peer: PeerKey, block: BlockRef) -> BlockVerdict {
        self.clock(now);
        let key = peer;
        let Some(peer) = self.peers.get_mut(key) else { return BlockVerdict::Unrequested };
        peer.last_received = self.now;
        peer.down.add(self.now, u64::from(block.len));
        let Some(standing) = peer.take_pending(&block) else { return self.unrequested(key, &block) };
        peer.progress_at = self.now;
        peer.since_refill += 1;
        (peer.stalled, peer.snubbed) = (false, false);
        let Some(torrent) = &mut self.torrent else { return BlockVerdict::Unrequested };
        let arrival = if standing == Standing::Cancelled {
            Arrival::Unneeded
        } else {
            torrent.receive(&block, Contributor { key, addr: peer.addr }, standing == Standing::Live)
        };
        let verdict = if arrival == Arrival::Unneeded {
            self.totals.wasted += u64::from(block.len);
            self.totals.duplicate += u64::from(block.len);
            BlockVerdict::Duplicate
        } else {
            peer.downloaded += u64::from(block.len);
            self.totals.downloaded += u64::from(block.len);
            if torrent.asked_elsewhere(&block) {
                self.cancel_elsewhere(key, &block);
            }
            BlockVerdict::Accept
        };
        if arrival == Arrival::Complete {
            let owner = self.torrent.as_ref().and_then(|t| t.active.get(&block.piece)).and_then(|a| a.owner);
            if let Some(owner) = owner {
                self.disown(owner, block.piece);
            }
            self.out.push_back(Output::PieceComplete { piece: block.piece });
        }
        self.fill(key);
        verdict
    }

    fn unrequested(&mut self, key: PeerKey, block: &BlockRef) -> BlockVerdict {
        self.totals.wasted += u64::from(block.len);
        if let Some(peer) = self.peers.get_mut(key) {
            peer.unrequested += 1;
            if peer.unrequested > MAX_UNREQUESTED {
                self.drop_peer(key, DropReason::Unrequested, false);
            }
        }
        BlockVerdict::Unrequested
    }

    fn cancel_elsewhere(&mut self, key: PeerKey, block: &BlockRef) {
        let mut cancels = Vec::new();
        for (other, peer) in self.peers.iter_mut().filter(|(k, _)| *k != key) {
            let live = peer.pending.iter_mut().find(|p| p.block == *block && p.standing == Standing::Live);
            if let Some(pending) = live {
                pending.standing = Standing::Cancelled;
                peer.live -= 1;
                cancels.push(other);
            }
        }
        for other in cancels {
            if let Some(torrent) = &mut self.torrent {
                torrent.release(block);
            }
            self.send(other, Message::Cancel(*block));
            self.fill(other);
        }
    }

    /// A piece is no longer this peer's own.
    pub(super) fn disown(&mut self, key: PeerKey, piece: u32) {
        if let Some(peer) = self.peers.get_mut(key) {
            peer.own.retain(|p| *p != piece);
        }
        if let Some(torrent) = &mut self.torrent
            && let Some(active) = torrent.active.get_mut(&piece)
            && active.owner == Some(key)
            && !active.exclusive
        {
            active.owner = None;
        }
    }

    /// Gives away what slow peers hold up. Their late answers are still good; from time to time one more request finds out
    /// whether they are back.
    pub(super) fn check_stalls(&mut self) {
        for key in self.peers.keys() {
            let Some(peer) = self.peers.get_mut(key) else { continue };
            let idle = self.now.saturating_duration_since(peer.progress_at);
            if peer.live > 0 && idle >= STALL {
                peer.stalled = true;
                self.take_work_back(key);
            } else if peer.stalled && idle >= SNUB {
                peer.stalled = false;
                peer.snubbed = true;
                self.fill(key);
            }
        }
    }
}

/// How many requests to keep outstanding with a peer.
fn wanted_depth(peer: &Peer) -> u32 {
    if peer.snubbed { 1 } else { peer.depth.min(peer.reqq()).min(MAX_DEPTH) }
}

/// Sends a request for a block the torrent has marked as asked.
pub(super) fn request(peer: &mut Peer, out: &mut std::collections::VecDeque<Output>, key: PeerKey, block: BlockRef) {
    if peer.pending.len() >= MAX_PENDING
        && let Some(at) = peer.pending.iter().position(|p| p.standing != Standing::Live)
    {
        peer.pending.remove(at);
    }
    peer.pending.push_back(Pending { block, standing: Standing::Live });
    peer.live += 1;
    out.push_back(Output::Send { peer: key, message: Message::Request(block) });
}

/// Seconds a peer needs for what it is asked and `more` blocks.
fn drain_time(peer: &Peer, more: u32) -> f64 {
    // A peer of unknown rate is taken for a slow one.
    let rate = peer.down.last().max(u64::from(BLOCK_LEN)) as f64;
    f64::from(peer.live + more) * f64::from(BLOCK_LEN) / rate
}

/// Sets how many requests to keep outstanding by how fast the last ones were answered.
fn adapt_depth(peer: &mut Peer, now: Instant) {
    let elapsed = now.saturating_duration_since(peer.refilled_at).max(Duration::from_millis(1));
    // A few blocks in a short time measure nothing.
    if peer.since_refill < (peer.depth / 4).max(1) && elapsed < PIPELINE {
        return;
    }
    let measured = f64::from(peer.since_refill) / elapsed.as_secs_f64();
    let target = (measured * PIPELINE.as_secs_f64()) as u32;
    // Up by doubling, as far as the measurement goes; down gently, a single pause tells little.
    peer.depth = target.clamp(peer.depth - peer.depth / 4, peer.depth * 2).clamp(MIN_DEPTH, MAX_DEPTH);
    peer.refilled_at = now;
    peer.since_refill = 0;
}

/// The piece to ask a peer for next, begun if need be.
fn choose(
    torrent: &mut Torrent,
    peer: &mut Peer,
    key: PeerKey,
    left: &[u32],
    config: &super::SwarmConfig,
    rng: &mut rand::rngs::SmallRng,
) -> Option<u32> {
    if let Some(piece) = urgent(torrent, peer, key, left, config) {
        return Some(piece);
    }
    let may_ask = |torrent: &Torrent, peer: &Peer, key: PeerKey, piece: u32| {
        !left.contains(&piece) && may_ask(torrent, peer, key, piece)
    };
    if let Some(piece) = peer.own.iter().copied().find(|p| torrent.open.contains(p) && may_ask(torrent, peer, key, *p))
    {
        return Some(piece);
    }
    let joins = !peer.parole && !peer.peer_choking;
    let open = |torrent: &Torrent, peer: &Peer, orphans: bool| {
        let suits = |p: &u32| {
            let orphan = torrent.active.get(p).is_some_and(|a| a.owner.is_none());
            (orphan || !orphans) && may_ask(torrent, peer, key, *p)
        };
        torrent.open.iter().copied().find(suits)
    };
    if joins && let Some(piece) = open(torrent, peer, true) {
        return Some(piece);
    }
    // A slow peer would hold up a piece of its own for long.
    let nominal = u64::from(torrent.geometry().nominal_piece_len());
    let slow = peer.down.last() > 0 && peer.down.last() * PIECE_PATIENCE_SECS < nominal;
    if joins
        && slow
        && let Some(piece) = open(torrent, peer, false)
    {
        return Some(piece);
    }
    if let Some(piece) = fresh(torrent, peer, config, rng) {
        torrent.begin(piece, key, peer.parole || torrent.failed.contains(&piece));
        peer.own.push(piece);
        return Some(piece);
    }
    if joins { open(torrent, peer, false) } else { None }
}

/// Whether this peer may be asked for blocks of a piece already begun.
fn may_ask(torrent: &Torrent, peer: &Peer, key: PeerKey, piece: u32) -> bool {
    let served = !peer.peer_choking || peer.allowed_fast.contains(&piece);
    let ours = torrent.active.get(&piece).is_some_and(|a| !a.exclusive || a.owner == Some(key));
    served && ours && peer.pieces.contains(piece) && (!peer.parole || peer.own.contains(&piece))
}

/// A piece with a deadline, the earliest first.
fn urgent(
    torrent: &mut Torrent,
    peer: &mut Peer,
    key: PeerKey,
    left: &[u32],
    config: &super::SwarmConfig,
) -> Option<u32> {
    if torrent.deadlines.is_empty() || peer.peer_choking {
        return None;
    }
    let mut by_time: Vec<_> = torrent.deadlines.iter().map(|(piece, at)| (*at, *piece)).collect();
    by_time.sort_unstable();
    for (_, piece) in by_time.into_iter().take(DEADLINES_SEEN) {
        if !peer.pieces.contains(piece) || left.contains(&piece) {
            continue;
        }
        if torrent.open.contains(&piece) && may_ask(torrent, peer, key, piece) {
            return Some(piece);
        }
        let room = torrent.has_room(torrent.geometry().piece_len(piece), config.max_inflight_bytes);
        if room && torrent.picker.contains(piece) {
            torrent.begin(piece, key, peer.parole || torrent.failed.contains(&piece));
            peer.own.push(piece);
            return Some(piece);
        }
    }
    None
}

/// A piece to begin, if there is room for one.
fn fresh(
    torrent: &mut Torrent,
    peer: &mut Peer,
    config: &super::SwarmConfig,
    rng: &mut rand::rngs::SmallRng,
) -> Option<u32> {
    if !torrent.has_room(torrent.geometry().nominal_piece_len(), config.max_inflight_bytes) {
        return None;
    }
    if peer.peer_choking {
        let allowed = peer.allowed_fast.iter().copied();
        return allowed.filter(|p| torrent.picker.contains(*p)).find(|p| peer.pieces.contains(*p));
    }
    if peer.barren == Some(torrent.picker.epoch()) {
        return None;
    }
    let found = if config.sequential {
        torrent.picker.in_order(&peer.pieces)
    } else {
        torrent.picker.rarest(&peer.pieces, rng)
    };
    if found.is_none() {
        peer.barren = Some(torrent.picker.epoch());
    }
    found
}
