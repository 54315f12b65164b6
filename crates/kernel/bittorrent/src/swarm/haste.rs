//! Pieces with a deadline that is near: who fetches them, what makes way for them, and who helps a slow peer out.
//!
//! A deadline farther away needs none of this: [`super::download`] asks for its piece before all others, the earliest first,
//! whenever a peer has room for more requests. But a peer has up to two seconds of requests outstanding, so that a piece
//! somebody waits for now would stand at the end of that queue; and a slow peer that holds some of its blocks would hold it
//! up for long. Here requests for what nobody waits for are taken back from the peers that are asked, and what a slow peer
//! holds is moved to whoever has it sooner. As in the endgame a late answer is still good.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::download::{ENDGAME_GAIN, ENDGAME_WORTH, MAX_DEPTH, request};
use super::peer::{GaveWay, Peer, Standing};
use super::{PeerKey, Swarm};
use crate::wire::{BLOCK_LEN, BlockRef, Message};

/// A deadline nearer than this (or past) is near: as much as the requests outstanding with a peer cover.
const NEAR: Duration = Duration::from_secs(2);

/// How often near deadlines are looked at.
const HASTE: Duration = Duration::from_millis(250);

/// Near deadlines looked at in one go, the earliest first: what is needed next, and what comes after it.
const PIECES_AT_ONCE: usize = 4;

/// Requests for this much transfer time stay before urgent ones: they are on their way already.
const ON_THE_WAY: Duration = Duration::from_millis(250);

/// A piece that made way is not asked of the same peer again for so long: what it had sent already comes in that time.
const GAVE_WAY: Duration = Duration::from_secs(1);

/// A peer that holds an urgent block and sent nothing for this long is helped, whatever its rate was.
const SILENT: Duration = Duration::from_secs(1);

/// A peer that can send blocks of a piece.
struct Server {
    key: PeerKey,
    /// Blocks that it sends before one asked for now.
    ahead: u32,
    /// How many more it may be asked for.
    room: u32,
    rate: f64,
    exact: bool,
}

impl Server {
    fn seconds(&self) -> f64 {
        f64::from(self.ahead + 1) * f64::from(BLOCK_LEN) / self.rate
    }
}

impl Swarm {
    /// When near deadlines are to be looked at again; `None` if there are no deadlines.
    pub(super) fn haste_at(&self) -> Option<Instant> {
        let some = self.torrent.as_ref().is_some_and(|torrent| !torrent.deadlines.is_empty());
        some.then_some(self.timers.haste)
    }

    /// Sees to the pieces whose deadline is near.
    pub(super) fn hasten(&mut self) {
        self.timers.haste = self.now + HASTE;
        for piece in self.near() {
            self.hasten_piece(piece);
        }
    }

    /// The pieces with the nearest deadlines, the earliest first.
    fn near(&self) -> Vec<u32> {
        let Some(torrent) = self.torrent.as_ref().filter(|torrent| !self.paused && !torrent.deadlines.is_empty())
        else {
            return Vec::new();
        };
        let soon = self.now + NEAR;
        let near = torrent.deadlines.iter().filter(|(_, at)| **at <= soon);
        let mut near: Vec<(Instant, u32)> = near.map(|(piece, at)| (*at, *piece)).collect();
        near.sort_unstable();
        near.into_iter().take(PIECES_AT_ONCE).map(|(_, piece)| piece).collect()
    }

    /// Whether somebody waits for this piece now.
    fn is_urgent(&self, piece: u32) -> bool {
        let deadline = self.torrent.as_ref().and_then(|torrent| torrent.deadlines.get(&piece));
        deadline.is_some_and(|at| *at <= self.now + NEAR)
    }

    fn hasten_piece(&mut self, piece: u32) {
        let mut servers = self.servers(piece);
        if servers.is_empty() || !self.begin_urgent(piece, &servers) {
            return;
        }
        let owner = self.torrent.as_ref().and_then(|t| t.active.get(&piece)).filter(|a| a.exclusive).map(|a| a.owner);
        servers.retain(|server| match owner {
            // A piece that failed comes from one peer alone.
            Some(owner) => owner == Some(server.key),
            None => !server.exact,
        });
        self.ask_free(piece, &mut servers);
        if owner.is_none() {
            self.help(piece, &mut servers);
        }
    }

    /// Who can send blocks of a piece now.
    fn servers(&self, piece: u32) -> Vec<Server> {
        let server = |(key, peer): (PeerKey, &Peer)| {
            let rate = rate(peer);
            let live = peer.pending.iter().filter(|pending| pending.standing == Standing::Live);
            let urgent = live.filter(|pending| self.is_urgent(pending.block.piece)).count() as u32;
            let ahead = urgent + (peer.live - urgent).min(on_the_way(rate));
            let room = MAX_DEPTH.min(peer.reqq()).saturating_sub(ahead);
            Server { key, ahead, room, rate, exact: peer.parole }
        };
        self.peers.iter().filter(|(_, peer)| serves(peer, piece)).map(server).collect()
    }

    /// Begins a piece with whoever has it soonest, if it is not begun. `false` if there is nothing to fetch of it.
    fn begin_urgent(&mut self, piece: u32, servers: &[Server]) -> bool {
        let Some(torrent) = &self.torrent else { return false };
        if let Some(active) = torrent.active.get(&piece) {
            return active.missing > 0;
        }
        if !torrent.picker.contains(piece) {
            return false;
        }
        let alone = torrent.failed.contains(&piece);
        let best =
            servers.iter().filter(|server| alone || !server.exact).min_by(|a, b| a.seconds().total_cmp(&b.seconds()));
        let Some(best) = best.or(servers.first()) else { return false };
        let (key, exclusive) = (best.key, alone || best.exact);
        if !self.make_room(piece) {
            return false;
        }
        let (Some(torrent), Some(peer)) = (&mut self.torrent, self.peers.get_mut(key)) else { return false };
        torrent.begin(piece, key, exclusive);
        peer.own.push(piece);
        true
    }

    /// Gives up pieces nobody waits for, those of which least came, until there is room for this one.
    fn make_room(&mut self, piece: u32) -> bool {
        loop {
            let Some(torrent) = &self.torrent else { return false };
            if torrent.has_room(torrent.geometry().piece_len(piece), self.config.max_inflight_bytes) {
                return true;
            }
            let idle = torrent.active.iter().filter(|(piece, active)| active.missing > 0 && !self.is_urgent(**piece));
            let least =
                idle.min_by_key(|(_, active)| active.blocks.len() as u32 - active.missing).map(|(piece, _)| *piece);
            let Some(least) = least else { return false };
            self.abandon(least);
        }
    }

    /// Asks for the blocks of a piece that nobody was asked for, each from whoever has it soonest.
    fn ask_free(&mut self, piece: u32, servers: &mut [Server]) {
        let mut asked: Vec<(PeerKey, BlockRef)> = Vec::new();
        while let Some(server) = soonest(servers) {
            let Some(block) = self.torrent.as_mut().and_then(|torrent| torrent.ask_next(piece)) else { break };
            server.ahead += 1;
            server.room -= 1;
            asked.push((server.key, block));
        }
        self.ask(&asked);
    }

    /// Moves blocks of a piece from peers that need long to peers that have them sooner.
    fn help(&mut self, piece: u32, servers: &mut [Server]) {
        let mut held: Vec<(f64, PeerKey, BlockRef)> = Vec::new();
        for (key, peer) in self.peers.iter() {
            let idle = self.now.saturating_duration_since(peer.progress_at);
            if peer.live == 0 || (peer.down.last() == 0 && idle < SILENT) {
                continue; // it has only begun to answer
            }
            let silent = if idle >= SILENT { idle.as_secs_f64() } else { 0.0 };
            let live = peer.pending.iter().filter(|pending| pending.standing == Standing::Live);
            for (place, pending) in (1u32..).zip(live).filter(|(_, pending)| pending.block.piece == piece) {
                let seconds = f64::from(place) * f64::from(BLOCK_LEN) / rate(peer);
                held.push((seconds.max(silent), key, pending.block));
            }
        }
        held.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut asked = Vec::new();
        for (seconds, holder, block) in held {
            let may = |server: &&mut Server| {
                server.key != holder && !self.peers.get(server.key).is_some_and(|peer| peer.is_pending(&block))
            };
            let helper = servers.iter_mut().filter(|server| server.room > 0).filter(may);
            let Some(helper) = helper.min_by(|a, b| a.seconds().total_cmp(&b.seconds())) else { continue };
            if seconds < helper.seconds() * ENDGAME_GAIN + ENDGAME_WORTH {
                continue;
            }
            let Some(torrent) = &mut self.torrent else { return };
            if !torrent.ask_again(&block) {
                continue;
            }
            helper.ahead += 1;
            helper.room -= 1;
            asked.push((helper.key, block));
            if let Some(holder) = self.peers.get_mut(holder) {
                holder.give_up(&block);
            }
            torrent.release(&block);
            self.send(holder, Message::Cancel(block));
        }
        self.ask(&asked);
    }

    /// Sends requests for blocks that are marked as asked, after what stands before them made way.
    fn ask(&mut self, asked: &[(PeerKey, BlockRef)]) {
        let peers: BTreeSet<PeerKey> = asked.iter().map(|(key, _)| *key).collect();
        for key in peers {
            self.make_way(key);
            let Some(peer) = self.peers.get_mut(key) else { continue };
            if peer.live == 0 {
                peer.progress_at = self.now;
            }
            peer.last_sent = self.now;
            for (_, block) in asked.iter().filter(|(to, _)| *to == key) {
                request(peer, &mut self.out, key, *block);
            }
        }
    }

    /// Takes back what a peer is asked for and nobody waits for, but for what is on its way already.
    fn make_way(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get(key) else { return };
        let keep = on_the_way(rate(peer)) as usize;
        let live = peer.pending.iter().filter(|pending| pending.standing == Standing::Live);
        let others = live.map(|pending| pending.block).filter(|block| !self.is_urgent(block.piece));
        let taken: Vec<BlockRef> = others.skip(keep).collect();
        // A few more do not hold anything up, and a cancel for each urgent block would cost more than it wins.
        if taken.len() <= keep {
            return;
        }
        let (Some(peer), Some(torrent)) = (self.peers.get_mut(key), &mut self.torrent) else { return };
        let pieces = taken.iter().map(|block| block.piece);
        match &mut peer.gave_way {
            Some(gave) => {
                gave.at = self.now;
                gave.pieces.extend(pieces);
            }
            none => *none = Some(GaveWay { at: self.now, pieces: pieces.collect() }),
        }
        for block in &taken {
            peer.give_up(block);
            torrent.release(block);
        }
        for block in taken {
            self.send(key, Message::Cancel(block));
        }
        self.work_freed = true;
    }

    /// The pieces begun that a peer is not asked for now: those that made way, and urgent ones that others have much
    /// sooner.
    pub(super) fn left_to_others(&mut self, key: PeerKey) -> Vec<u32> {
        let now = self.now;
        let mut left = Vec::new();
        if let Some(peer) = self.peers.get_mut(key)
            && let Some(gave) = &peer.gave_way
        {
            if now.saturating_duration_since(gave.at) >= GAVE_WAY {
                peer.gave_way = None;
            } else {
                left.extend(gave.pieces.iter().copied());
            }
        }
        // Asked whenever a peer has room: an estimate by rates alone, no look at each request.
        let seconds = |peer: &Peer| {
            let ahead = peer.live.min(on_the_way(rate(peer)));
            f64::from(ahead + 1) * f64::from(BLOCK_LEN) / rate(peer)
        };
        let near = self.near();
        let Some(mine) = self.peers.get(key).filter(|_| !near.is_empty()).map(seconds) else { return left };
        for piece in near {
            let exclusive = self.torrent.as_ref().and_then(|t| t.active.get(&piece)).is_some_and(|a| a.exclusive);
            let sooner = |peer: &Peer| {
                peer.down.last() > 0
                    && serves(peer, piece)
                    && !peer.parole
                    && mine > seconds(peer) * ENDGAME_GAIN + ENDGAME_WORTH
            };
            if !exclusive && self.peers.iter().any(|(other, peer)| other != key && sooner(peer)) {
                left.push(piece);
            }
        }
        left
    }
}

/// Whether a peer can be asked for blocks of a piece now.
fn serves(peer: &Peer, piece: u32) -> bool {
    !peer.peer_choking && !peer.stalled && !peer.snubbed && peer.pieces.contains(piece)
}

/// Bytes a second; a peer of unknown rate is taken for a slow one.
fn rate(peer: &Peer) -> f64 {
    peer.down.last().max(u64::from(BLOCK_LEN)) as f64
}

/// Blocks that are on their way from a peer already.
fn on_the_way(rate: f64) -> u32 {
    ((rate * ON_THE_WAY.as_secs_f64() / f64::from(BLOCK_LEN)) as u32).max(2)
}

fn soonest(servers: &mut [Server]) -> Option<&mut Server> {
    servers.iter_mut().filter(|server| server.room > 0).min_by(|a, b| a.seconds().total_cmp(&b.seconds()))
}
