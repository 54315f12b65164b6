//! Peers that may be dialled: each address once, with its own back-off, bounded.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::Rng;
use weft_overlay::PeerKey;

use crate::status::PeerOrigin;

/// 2,000 addresses a torrent: many times what one swarm connects to; the worst are dropped for new ones.
const MAX_CANDIDATES: usize = 2_000;

/// An address of a swarm that does not answer is tried again after 4 s, then after twice the time, at most 10 minutes.
const SOCKET_BACK_OFF: (Duration, Duration) = (Duration::from_secs(4), Duration::from_secs(600));

/// A Weft peer, whose relay may have died while another lives, after 50 ms, then after twice the time, at most 30 s.
const WEFT_BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(30));

/// An address from strangers is forgotten after 8 failures in a row, some 15 minutes.
const MAX_FAILURES: u32 = 8;

/// How long an address that was of no use (a seed to a seed, a duplicate) is left alone.
const USELESS_FOR: Duration = Duration::from_secs(600);

/// Whom to dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Address {
    Socket(SocketAddr),
    Weft(PeerKey),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Socket(address) => address.fmt(f),
            Address::Weft(key) => key.fmt(f),
        }
    }
}

/// How a connection to a candidate ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It could not be reached, or did not greet.
    Failed,
    /// It was connected and content moved, or might have.
    Worked,
    /// It was reached and is of no use for a while.
    Useless,
}

#[derive(Debug)]
struct Candidate {
    origin: PeerOrigin,
    failures: u32,
    /// Not before.
    next: Instant,
    /// Being dialled, or connected.
    busy: bool,
    banned: bool,
}

/// One torrent's candidates.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    known: HashMap<Address, Candidate>,
}

impl Candidates {
    /// Notes an address; `true` if it was not known.
    pub(crate) fn add(&mut self, address: Address, origin: PeerOrigin, now: Instant) -> bool {
        if let Some(known) = self.known.get_mut(&address) {
            if origin < known.origin && !known.banned {
                // Named by somebody nearer: worth an immediate try.
                known.origin = origin;
                known.failures = 0;
                known.next = now;
            }
            return false;
        }
        if self.known.len() >= MAX_CANDIDATES && !self.evict(origin) {
            return false;
        }
        self.known.insert(address, Candidate { origin, failures: 0, next: now, busy: false, banned: false });
        true
    }

    /// Makes room by dropping the one that failed most, of no better origin than the new one.
    fn evict(&mut self, origin: PeerOrigin) -> bool {
        let droppable = self.known.iter().filter(|(_, c)| !c.busy && !c.banned && c.origin >= origin && c.failures > 0);
        let Some(address) = droppable.max_by_key(|(_, c)| c.failures).map(|(address, _)| *address) else {
            return false;
        };
        self.known.remove(&address).is_some()
    }

    /// The best candidate that may be dialled now, which counts as busy from here on: those that people named first,
    /// then those that failed least.
    pub(crate) fn take(&mut self, now: Instant, rng: &mut impl Rng) -> Option<(Address, PeerOrigin)> {
        let ready = self.known.iter_mut().filter(|(_, c)| !c.busy && !c.banned && c.next <= now);
        // A random tie-break, so that all members of a swarm do not dial the same one.
        let best = ready.min_by_key(|(_, c)| (c.failures, c.origin, rng.random::<u16>()))?;
        best.1.busy = true;
        Some((*best.0, best.1.origin))
    }

    /// When [`take`](Candidates::take) gives something next, if it is time alone that stands against it.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.known.values().filter(|c| !c.busy && !c.banned).map(|c| c.next).min()
    }

    /// It is connected, whoever dialled.
    pub(crate) fn connected(&mut self, address: Address) {
        if let Some(known) = self.known.get_mut(&address) {
            known.busy = true;
        }
    }

    /// A connection to it, or an attempt, ended.
    pub(crate) fn ended(&mut self, address: Address, outcome: Outcome, now: Instant, rng: &mut impl Rng) {
        let Some(known) = self.known.get_mut(&address) else { return };
        known.busy = false;
        let (first, most) = match address {
            Address::Weft(_) => WEFT_BACK_OFF,
            Address::Socket(_) => SOCKET_BACK_OFF,
        };
        let wait = match outcome {
            Outcome::Useless => USELESS_FOR,
            Outcome::Worked => {
                known.failures = 0;
                first
            }
            Outcome::Failed => {
                known.failures += 1;
                first.saturating_mul(1 << (known.failures - 1).min(20)).min(most)
            }
        };
        // Up to a quarter more, so that two ends which dialled at once do not do so again.
        known.next = now + wait + wait.mul_f64(rng.random::<f64>() / 4.0);
        let lasting = known.origin <= PeerOrigin::Weft;
        if known.failures >= MAX_FAILURES && !lasting {
            self.known.remove(&address);
        }
    }

    /// Never again.
    pub(crate) fn ban(&mut self, address: Address, now: Instant) {
        self.add(address, PeerOrigin::Incoming, now);
        if let Some(known) = self.known.get_mut(&address) {
            known.banned = true;
        }
    }

    pub(crate) fn is_banned(&self, address: &Address) -> bool {
        self.known.get(address).is_some_and(|known| known.banned)
    }

    /// The torrent started anew: whatever was waited for may be tried.
    pub(crate) fn forgive(&mut self, now: Instant) {
        for known in self.known.values_mut() {
            known.next = now;
            known.failures = 0;
        }
    }

    /// How many are known and neither connected nor banned.
    pub(crate) fn waiting(&self) -> usize {
        self.known.values().filter(|c| !c.busy && !c.banned).count()
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn socket(n: u32) -> Address {
        let [a, b, c, d] = (0x0a00_0000 + n).to_be_bytes();
        Address::Socket(SocketAddr::from(([a, b, c, d], 6881)))
    }

    #[test]
    fn each_address_once_with_growing_pauses() {
        let (mut all, mut now) = (Candidates::default(), Instant::now());
        let mut rng = rand::rngs::StdRng::seed_from_u64(1);
        assert!(all.add(socket(1), PeerOrigin::Tracker, now));
        assert!(!all.add(socket(1), PeerOrigin::Pex, now));
        let mut pauses = Vec::new();
        for _ in 0..MAX_FAILURES {
            let (address, origin) = all.take(now, &mut rng).expect("its time has come");
            assert_eq!((address, origin), (socket(1), PeerOrigin::Tracker));
            assert!(all.take(now, &mut rng).is_none(), "busy");
            all.ended(address, Outcome::Failed, now, &mut rng);
            let Some(next) = all.next_at() else { break };
            pauses.push(next - now);
            now = next;
        }
        assert!(pauses.windows(2).all(|w| w[1] > w[0]), "{pauses:?}");
        assert!(all.next_at().is_none(), "forgotten after {MAX_FAILURES} failures");
    }

    #[test]
    fn people_first_and_the_bound_holds() {
        let (mut all, now) = (Candidates::default(), Instant::now());
        let mut rng = rand::rngs::StdRng::seed_from_u64(2);
        for n in 0..u32::try_from(MAX_CANDIDATES).unwrap() + 50 {
            all.add(socket(n), PeerOrigin::Pex, now);
        }
        assert_eq!(all.waiting(), MAX_CANDIDATES);
        assert!(!all.add(socket(1 << 20), PeerOrigin::User, now), "nothing has failed yet, so nothing is dropped");
        let (failed, _) = all.take(now, &mut rng).unwrap();
        all.ended(failed, Outcome::Failed, now, &mut rng);
        assert!(all.add(socket(1 << 20), PeerOrigin::User, now));
        assert_eq!(all.take(now, &mut rng), Some((socket(1 << 20), PeerOrigin::User)));
        all.ban(socket(5), now);
        assert!(all.is_banned(&socket(5)));
    }
}
