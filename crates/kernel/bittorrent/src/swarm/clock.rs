//! What time brings: choking rounds, timeouts, keep-alives, peer exchange.

use std::time::{Duration, Instant};

use super::{DropReason, Output, Swarm, SwarmState};
use crate::choker::{OPTIMISTIC_INTERVAL, RECHOKE_INTERVAL};
use crate::wire::Message;

/// How often timeouts are looked at while there are peers.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// A keep-alive goes out after this much silence of ours (BEP 3: two minutes at most).
const KEEP_ALIVE: Duration = Duration::from_secs(100);

/// A peer silent for this long is dropped: it missed its keep-alive by a minute.
const IDLE: Duration = Duration::from_secs(180);

/// How often more peers are asked for while there are too few.
const NEED_PEERS_INTERVAL: Duration = Duration::from_secs(15);

/// Messages without effect forgiven a second.
const USELESS_PER_SECOND: u32 = 10;

/// Refused requests forgiven a second.
const REFUSED_PER_SECOND: u32 = 50;

impl Swarm {
    /// Does what is due: choking, timeouts, keep-alives, peer exchange.
    pub fn tick(&mut self, now: Instant) {
        self.clock(now);
        if self.now >= self.timers.need_peers {
            self.ask_for_peers();
        }
        if self.haste_at().is_some_and(|at| self.now >= at) {
            self.hasten();
        }
        if self.now < self.timers.tick && self.now < self.timers.rechoke {
            return;
        }
        self.timers.tick = self.now + TICK;
        self.check_silence();
        self.check_stalls();
        self.check_metadata_fetches();
        self.exchange_peers();
        if self.now >= self.timers.rechoke {
            let rotate = self.now >= self.timers.optimistic;
            if rotate {
                self.timers.optimistic = self.now + OPTIMISTIC_INTERVAL;
            }
            self.timers.rechoke = self.now + RECHOKE_INTERVAL;
            self.rechoke(rotate);
        }
        // Catches whoever had nothing to do and now has: a slow peer's share, a window that shrank.
        self.work_freed = true;
    }

    /// When [`Swarm::tick`] is due next; `None` while nothing waits for time to pass.
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.paused {
            return None;
        }
        let peers = (self.peers.len() > 0).then(|| self.timers.tick.min(self.timers.rechoke));
        let haste = self.haste_at().filter(|_| self.peers.len() > 0);
        let need = self.wants_peers().then_some(self.timers.need_peers);
        [peers, haste, need].into_iter().flatten().min()
    }

    fn wants_peers(&self) -> bool {
        let fetching = matches!(self.state, SwarmState::Metadata | SwarmState::Downloading);
        fetching && self.peers.len() < self.config.want_peers.min(self.config.max_peers)
    }

    fn ask_for_peers(&mut self) {
        self.timers.need_peers = self.now + NEED_PEERS_INTERVAL;
        if !self.paused && self.wants_peers() {
            self.out.push_back(Output::NeedPeers);
        }
    }

    fn check_silence(&mut self) {
        let now = self.now;
        let since = |at: Instant| now.saturating_duration_since(at);
        let mut quiet = Vec::new();
        let mut dead = Vec::new();
        for (key, peer) in self.peers.iter_mut() {
            peer.useless = peer.useless.saturating_sub(USELESS_PER_SECOND);
            peer.unrequested = peer.unrequested.saturating_sub(1);
            peer.refused = peer.refused.saturating_sub(REFUSED_PER_SECOND);
            // Settles the meters, so that the rate of a peer that stopped falls.
            peer.down.rate(now);
            peer.up.rate(now);
            if since(peer.last_received) >= IDLE {
                dead.push(key);
            } else if since(peer.last_sent) >= KEEP_ALIVE {
                quiet.push(key);
            }
        }
        for key in dead {
            self.drop_peer(key, DropReason::Idle, false);
        }
        for key in quiet {
            self.send(key, Message::KeepAlive);
        }
    }
}
