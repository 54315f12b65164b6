//! One peer's record, and how an observation changes it.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use super::snapshot::{AddressSnapshot, FailureSnapshot, PathSnapshot, PeerSnapshot};
use super::{Direction, MAX_ADDRESSES, MAX_HELLO, MAX_RELAYS, MAX_TEXT, Meter, Observation, PeerId, index_of};
use crate::guard::Origin;
use crate::link::PathKind;

/// Weight of a new round trip in the smoothed one, as in RFC 6298: 1/8.
const RTT_WEIGHT: f64 = 0.125;
/// Weight of a new delivery in the smoothed rate: a few of them tell.
const RATE_WEIGHT: f64 = 0.25;

#[derive(Debug)]
pub(super) struct Record {
    pub(super) meter: Meter,
    pub(super) contact: bool,
    pub(super) open: u32,
    pub(super) last_seen_ms: u64,
    first_seen_ms: u64,
    connected_since_ms: Option<u64>,
    path: Option<PathKind>,
    direction: Option<Direction>,
    via_relay: Option<String>,
    rtt: Option<f64>,
    rtt_min: Option<f64>,
    rate: Option<f64>,
    paths: [PathFigures; PathKind::ALL.len()],
    failures_in_a_row: u32,
    last_failure: Option<FailureSnapshot>,
    addresses: Vec<KnownAddress>,
    relays: VecDeque<String>,
    agent: Option<String>,
    hello: BTreeMap<String, String>,
}

#[derive(Debug, Default)]
struct PathFigures {
    open: u32,
    attempts: u64,
    connections: u64,
    failures: u64,
    /// Attempts since the last one that led to a connection.
    in_vain: u64,
}

#[derive(Debug, Clone, Copy)]
struct KnownAddress {
    address: SocketAddr,
    origin: Origin,
    heard_ms: u64,
    worked_ms: Option<u64>,
}

impl Record {
    pub(super) fn new(now: u64) -> Self {
        Record {
            meter: Meter::default(),
            contact: false,
            open: 0,
            last_seen_ms: now,
            first_seen_ms: now,
            connected_since_ms: None,
            path: None,
            direction: None,
            via_relay: None,
            rtt: None,
            rtt_min: None,
            rate: None,
            paths: Default::default(),
            failures_in_a_row: 0,
            last_failure: None,
            addresses: Vec::new(),
            relays: VecDeque::new(),
            agent: None,
            hello: BTreeMap::new(),
        }
    }

    pub(super) fn note(&mut self, what: Observation, now: u64) {
        match what {
            Observation::Attempt { path } => {
                let figures = self.figures(path);
                figures.attempts += 1;
                figures.in_vain += 1;
            }
            Observation::Failed { path, reason } => self.failed(path, &reason, now),
            Observation::Connected { path, direction, remote } => self.connected(path, direction, remote, now),
            Observation::Moved { from, to } => self.moved(from, to, now),
            Observation::Disconnected { path } => self.disconnected(path, now),
            Observation::Via(relay) => self.via_relay = relay.filter(|url| url.len() <= MAX_TEXT),
            Observation::Rtt(rtt) => self.measured(rtt, now),
            Observation::Served { bytes, took } => self.served(bytes, took, now),
            Observation::Address { address, origin } => self.heard_of(address, origin, now),
            Observation::Relay(url) => self.relay(&url),
            Observation::Agent(agent) => self.agent = Some(clip(&agent)),
            Observation::Hello(hello) => {
                self.hello = hello.iter().take(MAX_HELLO).map(|(k, v)| (clip(k), clip(v))).collect();
            }
            Observation::Contact(contact) => self.contact = contact,
        }
    }

    /// Attempts to connect by this path since it last led to a connection.
    pub(super) fn in_vain(&self, path: PathKind) -> u64 {
        self.paths.get(index_of(path)).map_or(0, |figures| figures.in_vain)
    }

    fn figures(&mut self, path: PathKind) -> &mut PathFigures {
        // `index_of` stays within the array: both are as long as `PathKind::ALL`.
        &mut self.paths[index_of(path)]
    }

    fn failed(&mut self, path: PathKind, reason: &str, now: u64) {
        self.figures(path).failures += 1;
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        self.last_failure = Some(FailureSnapshot { path, reason: clip(reason), at_ms: now });
    }

    fn connected(&mut self, path: PathKind, direction: Direction, remote: Option<SocketAddr>, now: u64) {
        let figures = self.figures(path);
        figures.open = figures.open.saturating_add(1);
        figures.connections += 1;
        if direction == Direction::Out {
            figures.in_vain = 0;
        }
        self.open = self.open.saturating_add(1);
        self.connected_since_ms.get_or_insert(now);
        self.path = Some(path);
        self.direction = Some(direction);
        self.failures_in_a_row = 0;
        self.last_seen_ms = now;
        // The port an incoming connection comes from is no address to dial.
        if let (Some(address), Direction::Out) = (remote, direction) {
            self.worked(address, now);
        }
    }

    fn moved(&mut self, from: PathKind, to: PathKind, now: u64) {
        // A connection that was never noted (the record made room meanwhile) cannot move, nor end.
        let Some(left) = self.figures(from).open.checked_sub(1) else { return };
        self.figures(from).open = left;
        let figures = self.figures(to);
        figures.open = figures.open.saturating_add(1);
        self.path = Some(to);
        self.last_seen_ms = now;
    }

    fn disconnected(&mut self, path: PathKind, now: u64) {
        let Some(left) = self.figures(path).open.checked_sub(1) else { return };
        self.figures(path).open = left;
        self.open = self.open.saturating_sub(1);
        self.last_seen_ms = now;
        if self.open == 0 {
            self.connected_since_ms = None;
            self.path = None;
        } else {
            self.path = PathKind::ALL.into_iter().find(|path| self.paths[index_of(*path)].open > 0);
        }
    }

    fn measured(&mut self, rtt: Duration, now: u64) {
        let ms = rtt.as_secs_f64() * 1000.0;
        self.rtt = Some(self.rtt.map_or(ms, |old| old + RTT_WEIGHT * (ms - old)));
        self.rtt_min = Some(self.rtt_min.map_or(ms, |old| old.min(ms)));
        self.last_seen_ms = now;
    }

    fn served(&mut self, bytes: u64, took: Duration, now: u64) {
        // A microsecond at least, so that a coarse clock gives no infinity.
        let rate = bytes as f64 / took.as_secs_f64().max(1e-6);
        self.rate = Some(self.rate.map_or(rate, |old| old + RATE_WEIGHT * (rate - old)));
        self.last_seen_ms = now;
    }

    fn heard_of(&mut self, address: SocketAddr, origin: Origin, now: u64) {
        if let Some(known) = self.addresses.iter_mut().find(|known| known.address == address) {
            known.heard_ms = now;
            // The most trusted source counts: a stranger who repeats what the user said takes nothing away.
            known.origin = more_trusted(known.origin, origin);
            return;
        }
        self.make_room();
        self.addresses.push(KnownAddress { address, origin, heard_ms: now, worked_ms: None });
    }

    fn worked(&mut self, address: SocketAddr, now: u64) {
        if let Some(known) = self.addresses.iter_mut().find(|known| known.address == address) {
            known.worked_ms = Some(now);
            return;
        }
        self.make_room();
        let origin = Origin::Stranger;
        self.addresses.push(KnownAddress { address, origin, heard_ms: now, worked_ms: Some(now) });
    }

    /// The address that worked longest ago (never counts as longest), then the one heard of longest ago, goes.
    fn make_room(&mut self) {
        if self.addresses.len() < MAX_ADDRESSES {
            return;
        }
        let worst = self
            .addresses
            .iter()
            .enumerate()
            .min_by_key(|(_, known)| (known.origin == Origin::User, known.worked_ms, known.heard_ms));
        if let Some(index) = worst.map(|(index, _)| index) {
            self.addresses.swap_remove(index);
        }
    }

    fn relay(&mut self, url: &str) {
        // A clipped URL leads nowhere.
        if url.len() > MAX_TEXT {
            return;
        }
        self.relays.retain(|known| known != url);
        self.relays.push_front(url.to_owned());
        self.relays.truncate(MAX_RELAYS);
    }

    pub(super) fn addresses_by_promise(&self) -> Vec<(SocketAddr, Origin)> {
        let mut known = self.addresses.clone();
        known.sort_by_key(|known| std::cmp::Reverse((known.worked_ms, known.heard_ms)));
        known.into_iter().map(|known| (known.address, known.origin)).collect()
    }

    pub(super) fn snapshot(&self, peer: &PeerId) -> PeerSnapshot {
        let path = |kind: PathKind| {
            let figures = &self.paths[index_of(kind)];
            let (bytes_in, bytes_out) = self.meter.read(kind);
            PathSnapshot {
                path: kind,
                open: figures.open,
                attempts: figures.attempts,
                connections: figures.connections,
                failures: figures.failures,
                bytes_in,
                bytes_out,
            }
        };
        let used = |p: &PathSnapshot| p.attempts + p.connections + p.failures + p.bytes_in + p.bytes_out > 0;
        let paths: Vec<_> = PathKind::ALL.into_iter().map(path).filter(used).collect();
        PeerSnapshot {
            id: peer.to_string(),
            key: match peer {
                PeerId::Key(key) => Some(*key),
                PeerId::Address(_) => None,
            },
            contact: self.contact,
            connections: self.open,
            path: self.path,
            direction: self.direction.filter(|_| self.open > 0),
            via_relay: self.via_relay.clone().filter(|_| self.path == Some(PathKind::Relayed)),
            connected_since_ms: self.connected_since_ms,
            first_seen_ms: self.first_seen_ms,
            last_seen_ms: self.last_seen_ms,
            rtt_ms: self.rtt,
            rtt_min_ms: self.rtt_min,
            served_bytes_per_s: self.rate,
            bytes_in: paths.iter().map(|p| p.bytes_in).sum(),
            bytes_out: paths.iter().map(|p| p.bytes_out).sum(),
            paths,
            failures_in_a_row: self.failures_in_a_row,
            last_failure: self.last_failure.clone(),
            addresses: self.addresses.iter().map(KnownAddress::snapshot).collect(),
            relays: self.relays.iter().cloned().collect(),
            agent: self.agent.clone(),
            hello: self.hello.clone(),
        }
    }
}

impl KnownAddress {
    fn snapshot(&self) -> AddressSnapshot {
        AddressSnapshot {
            address: self.address,
            origin: match self.origin {
                Origin::User => "user",
                Origin::Stranger => "stranger",
                Origin::Lan => "lan",
            },
            heard_ms: self.heard_ms,
            worked_ms: self.worked_ms,
        }
    }
}

fn more_trusted(a: Origin, b: Origin) -> Origin {
    match (a, b) {
        (Origin::User, _) | (_, Origin::User) => Origin::User,
        (Origin::Lan, _) | (_, Origin::Lan) => Origin::Lan,
        _ => Origin::Stranger,
    }
}

/// A text from outside: bounded, and nothing in it drives a terminal.
fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()
}
