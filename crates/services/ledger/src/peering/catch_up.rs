//! Getting what was decided while this node was away: from one peer at a time, in ranges, the next range asked for while
//! the last is executed.

use std::collections::BTreeMap;
use std::time::Duration;

/// 64 blocks are asked for at once, and given at most.
pub const RANGE: u64 = 64;

/// 128 blocks wait for the replica at most: the next range is asked for before the last one is through.
const MAX_IN_FLIGHT: u64 = 128;

/// 10 s without a block: another peer is asked.
const PATIENCE: Duration = Duration::from_secs(10);

/// 30 s a peer is not asked that gave nothing of what it said it has.
const PAUSE: Duration = Duration::from_secs(30);

/// 1 s behind a peer: this node does not decide by itself what the others have decided.
const LAG: Duration = Duration::from_secs(1);

/// What is known of a peer in this matter.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    height: u64,
    not_before: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Asked<P> {
    peer: P,
    got: u64,
    until: Duration,
}

/// The machine.
#[derive(Debug)]
pub(super) struct CatchUp<P> {
    height: u64,
    peers: BTreeMap<P, Known>,
    asked: Option<Asked<P>>,
    /// Up to here blocks were given to the replica.
    given: u64,
    in_flight: u64,
    /// Since when this node is behind somebody without getting further.
    lag_since: Option<Duration>,
    /// The driver has seen that others are further.
    behind: bool,
}

impl<P: Copy + Ord> CatchUp<P> {
    pub(super) fn new(height: u64) -> Self {
        CatchUp {
            height,
            peers: BTreeMap::new(),
            asked: None,
            given: height,
            in_flight: 0,
            lag_since: None,
            behind: false,
        }
    }

    /// A peer says how far it is.
    pub(super) fn heard(&mut self, now: Duration, peer: P, height: u64) {
        self.peers.entry(peer).or_default().height = height;
        if height > self.height && self.lag_since.is_none() {
            self.lag_since = Some(now);
        }
    }

    pub(super) fn gone(&mut self, peer: P) {
        self.peers.remove(&peer);
        if self.asked.is_some_and(|asked| asked.peer == peer) {
            self.asked = None;
        }
    }

    /// The driver knows that others have decided what follows our head.
    pub(super) fn is_behind(&mut self) {
        self.behind = true;
    }

    /// A block is committed here.
    pub(super) fn committed(&mut self, now: Duration, height: u64) {
        self.height = height;
        self.given = self.given.max(height);
        self.behind = false;
        self.lag_since = (self.highest() > height).then_some(now);
    }

    /// Whether `peer` was asked, and so may give a block; counts it.
    pub(super) fn takes(&mut self, now: Duration, peer: P) -> bool {
        let Some(asked) = self.asked.as_mut().filter(|asked| asked.peer == peer && asked.got < RANGE) else {
            return false;
        };
        asked.got += 1;
        asked.until = now + PATIENCE;
        self.given += 1;
        self.in_flight += 1;
        true
    }

    /// A peer that was asked says that this was all.
    pub(super) fn ended(&mut self, now: Duration, peer: P) {
        let Some(asked) = self.asked.filter(|asked| asked.peer == peer) else { return };
        self.asked = None;
        if asked.got == 0
            && let Some(known) = self.peers.get_mut(&peer)
        {
            known.not_before = now + PAUSE;
        }
    }

    /// The replica is done with a block that came so.
    pub(super) fn handled(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// The highest that a peer says it has.
    pub(super) fn highest(&self) -> u64 {
        self.peers.values().map(|known| known.height).max().unwrap_or(0)
    }

    /// Whether blocks are being fetched.
    pub(super) fn is_running(&self) -> bool {
        self.asked.is_some() || self.in_flight > 0
    }

    /// Whom to ask now, from which height on.
    pub(super) fn next(&mut self, now: Duration) -> Option<(P, u64)> {
        if let Some(asked) = self.asked.filter(|asked| asked.until <= now) {
            self.asked = None;
            if let Some(known) = self.peers.get_mut(&asked.peer) {
                known.not_before = now + PAUSE;
            }
        }
        if self.due().is_none_or(|due| due > now) {
            return None;
        }
        self.given = self.have();
        let has_more = |(_, known): &(&P, &Known)| known.height > self.given && known.not_before <= now;
        let (peer, _) = self.peers.iter().filter(has_more).max_by_key(|(_, known)| known.height)?;
        let peer = *peer;
        self.asked = Some(Asked { peer, got: 0, until: now + PATIENCE });
        Some((peer, self.given + 1))
    }

    /// Up to which height nothing need be asked for. What was given and refused is asked for anew.
    fn have(&self) -> u64 {
        if self.in_flight == 0 { self.height } else { self.given }
    }

    /// When somebody is to be asked, if nobody is asked already and there is room for what would come.
    fn due(&self) -> Option<Duration> {
        if self.asked.is_some() || self.in_flight > MAX_IN_FLIGHT - RANGE {
            return None;
        }
        let have = self.have();
        let more = self.peers.values().filter(|known| known.height > have);
        let somebody = more.map(|known| known.not_before).min()?;
        let at_once = self.behind || self.in_flight > 0 || self.highest() > self.height + RANGE;
        let wanted = if at_once { Duration::ZERO } else { self.lag_since? + LAG };
        Some(wanted.max(somebody))
    }

    /// When [`next`](Self::next) may have something to say without anything having happened.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.asked.map(|asked| asked.until).or_else(|| self.due())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn who_is_a_moment_behind_asks_nobody() {
        let mut machine = CatchUp::new(10);
        machine.heard(SECOND, 'a', 11);
        assert_eq!(machine.next(SECOND), None);
        machine.committed(SECOND + LAG / 2, 11);
        assert_eq!(machine.next(SECOND * 9), None);
        assert_eq!(machine.deadline(), None);
    }

    #[test]
    fn who_stays_behind_asks_and_goes_on_asking_until_it_is_level() {
        let mut machine = CatchUp::new(10);
        machine.heard(SECOND, 'a', 200);
        let (peer, from) = machine.next(SECOND).unwrap();
        assert_eq!((peer, from), ('a', 11));
        assert_eq!(machine.next(SECOND), None, "one at a time");
        for _ in 0..RANGE {
            assert!(machine.takes(SECOND, 'a'));
        }
        assert!(!machine.takes(SECOND, 'a'), "more than was asked for");
        assert!(!machine.takes(SECOND, 'b'), "nobody asked it");
        machine.ended(SECOND, 'a');
        assert_eq!(machine.next(SECOND), Some(('a', 75)), "while the first range is executed");
    }

    #[test]
    fn who_promises_and_gives_nothing_is_not_asked_for_a_while() {
        let mut machine = CatchUp::new(0);
        machine.heard(SECOND, 'a', u64::MAX);
        machine.heard(SECOND, 'b', 5);
        assert_eq!(machine.next(SECOND * 2), Some(('a', 1)));
        machine.ended(SECOND * 2, 'a');
        assert_eq!(machine.next(SECOND * 2), Some(('b', 1)));
        // b says nothing at all.
        assert_eq!(machine.next(SECOND * 2 + PATIENCE), None);
        let again = machine.deadline().unwrap();
        assert!(again <= SECOND * 2 + PAUSE, "{again:?}");
        assert_eq!(machine.next(SECOND * 2 + PAUSE), Some(('a', 1)));
    }

    #[test]
    fn when_nobody_is_further_any_more_nothing_is_due() {
        let mut machine = CatchUp::new(10);
        machine.heard(SECOND, 'a', 12);
        machine.heard(SECOND, 'b', 10);
        assert_eq!(machine.deadline(), Some(SECOND + LAG));
        machine.gone('a');
        assert_eq!(machine.deadline(), None);
        assert_eq!(machine.next(SECOND * 9), None);
        machine.is_behind();
        assert_eq!((machine.next(SECOND * 9), machine.deadline()), (None, None));
    }

    #[test]
    fn what_was_refused_is_asked_for_again() {
        let mut machine = CatchUp::new(0);
        machine.heard(SECOND, 'a', 3);
        machine.is_behind();
        assert_eq!(machine.next(SECOND), Some(('a', 1)));
        assert!(machine.takes(SECOND, 'a'));
        machine.ended(SECOND, 'a');
        machine.handled();
        machine.gone('a');
        machine.heard(SECOND, 'b', 3);
        assert_eq!(machine.next(SECOND), Some(('b', 1)));
    }
}
