//! Which relays are known, which are used, and when a lost one is tried again. No clock and no socket: time comes in.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::name::RelayHint;

/// 3 relays used: a home, a second one for when it dies, and one to compare their reports of our address with.
pub(crate) const MAX_USED: usize = 3;

/// 64 relays known: enough to find three that live.
const MAX_KNOWN: usize = 64;

/// 5 s: a relay that restarts is back by then.
const FIRST_RETRY: Duration = Duration::from_secs(5);

/// 10 min: what a relay that is gone for good costs is one attempt.
const LAST_RETRY: Duration = Duration::from_secs(600);

/// How much a relay's source is worth. Better ones are used first and pushed out last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// Found in the DHT, or named by a stranger.
    Found,
    /// Used in an earlier run.
    Cached,
    /// Named by a peer of ours or an invitation.
    Peer,
    /// In the config, or our own.
    Configured,
}

#[derive(Debug, Clone)]
struct Entry {
    source: Source,
    rtt: Option<Duration>,
    failures: u32,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Spare,
    Used,
    Waiting { until: Instant },
    Trying,
}

/// What to do with the endpoint's relay map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Insert(RelayHint),
    Remove(RelayHint),
}

/// The relays of this node.
#[derive(Debug, Default)]
pub(crate) struct RelayBook {
    entries: BTreeMap<RelayHint, Entry>,
}

impl RelayBook {
    /// A relay was named. It is used at once if there is need.
    pub(crate) fn learn(&mut self, hint: RelayHint, source: Source, rtt: Option<Duration>) -> Vec<Change> {
        if let Some(entry) = self.entries.get_mut(&hint) {
            entry.source = entry.source.max(source);
            entry.rtt = rtt.or(entry.rtt);
            return self.fill();
        }
        if self.entries.len() >= MAX_KNOWN && !self.push_out(source) {
            return Vec::new();
        }
        self.entries.insert(hint, Entry { source, rtt, failures: 0, state: State::Spare });
        self.fill()
    }

    /// A used relay does not answer. Says when it is tried again, if it was used. The only relay there is stays: the
    /// endpoint itself goes on trying it.
    pub(crate) fn lost(&mut self, hint: &RelayHint, now: Instant) -> Option<(Duration, Vec<Change>)> {
        let alive = |state| matches!(state, State::Spare | State::Used);
        let other = |(name, entry): (&RelayHint, &Entry)| name != hint && alive(entry.state);
        if !self.entries.iter().any(other) {
            return None;
        }
        let entry = self.entries.get_mut(hint)?;
        if entry.state != State::Used {
            return None;
        }
        let wait = retry_after(entry.failures);
        entry.failures = entry.failures.saturating_add(1);
        entry.state = State::Waiting { until: now + wait };
        let mut changes = vec![Change::Remove(hint.clone())];
        changes.extend(self.fill());
        Some((wait, changes))
    }

    /// A relay answers: what it did wrong before is forgotten.
    pub(crate) fn works(&mut self, hint: &RelayHint, rtt: Option<Duration>) {
        if let Some(entry) = self.entries.get_mut(hint) {
            entry.failures = 0;
            entry.rtt = rtt.or(entry.rtt);
        }
    }

    /// Lost relays whose waiting is over: to be tried, and the outcome told by [`Self::retried`].
    pub(crate) fn due(&mut self, now: Instant) -> Vec<RelayHint> {
        let mut due = Vec::new();
        for (hint, entry) in &mut self.entries {
            if matches!(entry.state, State::Waiting { until } if until <= now) {
                entry.state = State::Trying;
                due.push(hint.clone());
            }
        }
        due
    }

    /// A lost relay was tried: it answered in this time, or is lost still.
    pub(crate) fn retried(&mut self, hint: &RelayHint, rtt: Option<Duration>, now: Instant) -> Vec<Change> {
        let Some(entry) = self.entries.get_mut(hint).filter(|entry| entry.state == State::Trying) else {
            return Vec::new();
        };
        entry.rtt = rtt.or(entry.rtt);
        entry.state = match rtt {
            Some(_) => State::Spare,
            None => {
                let wait = retry_after(entry.failures);
                entry.failures = entry.failures.saturating_add(1);
                State::Waiting { until: now + wait }
            }
        };
        self.fill()
    }

    /// Forgets a relay.
    pub(crate) fn forget(&mut self, hint: &RelayHint) -> Vec<Change> {
        let used = self.entries.remove(hint).is_some_and(|entry| entry.state == State::Used);
        let mut changes = Vec::new();
        if used {
            changes.push(Change::Remove(hint.clone()));
            changes.extend(self.fill());
        }
        changes
    }

    /// Relays in the endpoint's map.
    pub(crate) fn used(&self) -> impl Iterator<Item = &RelayHint> {
        self.entries.iter().filter(|(_, entry)| entry.state == State::Used).map(|(hint, _)| hint)
    }

    /// All relays known: whether it is in use, and its round trip.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&RelayHint, bool, Option<Duration>)> {
        self.entries.iter().map(|(hint, entry)| (hint, entry.state == State::Used, entry.rtt))
    }

    /// The known relay of this URL.
    pub(crate) fn find(&self, url: &iroh::RelayUrl) -> Option<&RelayHint> {
        self.entries.keys().find(|hint| hint.url() == url)
    }

    /// Fewer relays are used than a home and a second one.
    pub(crate) fn wants_more(&self) -> bool {
        self.used().count() < 2
    }

    /// Uses the best spares until enough are used.
    fn fill(&mut self) -> Vec<Change> {
        let mut room = MAX_USED.saturating_sub(self.used().count());
        let mut changes = Vec::new();
        while room > 0 {
            let spares = self.entries.iter_mut().filter(|(_, entry)| entry.state == State::Spare);
            let best = spares.max_by_key(|(_, entry)| {
                let rtt = entry.rtt.unwrap_or(Duration::from_secs(1));
                (entry.source, std::cmp::Reverse(entry.failures), std::cmp::Reverse(rtt))
            });
            let Some((hint, entry)) = best else { break };
            entry.state = State::Used;
            changes.push(Change::Insert(hint.clone()));
            room -= 1;
        }
        changes
    }

    /// Makes room by forgetting the worst relay that is not used and no better than `source`.
    fn push_out(&mut self, source: Source) -> bool {
        let unused = self.entries.iter().filter(|(_, entry)| entry.state != State::Used && entry.source <= source);
        let worst = unused.min_by_key(|(_, entry)| (entry.source, std::cmp::Reverse(entry.failures)));
        let Some(hint) = worst.map(|(hint, _)| hint.clone()) else { return false };
        self.entries.remove(&hint).is_some()
    }
}

/// How long a relay that failed so many times before is left alone.
fn retry_after(failures: u32) -> Duration {
    FIRST_RETRY.saturating_mul(1 << failures.min(10)).min(LAST_RETRY)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hint(n: u16) -> RelayHint {
        format!("https://r{n}.example/").parse().unwrap()
    }

    fn used(book: &RelayBook) -> Vec<RelayHint> {
        book.used().cloned().collect()
    }

    #[test]
    fn three_are_used_and_a_lost_one_is_replaced_and_comes_back() {
        let mut book = RelayBook::default();
        let now = Instant::now();
        for n in 0..5 {
            book.learn(hint(n), Source::Found, None);
        }
        assert_eq!(used(&book).len(), MAX_USED);
        let dead = used(&book)[0].clone();
        let (wait, changes) = book.lost(&dead, now).unwrap();
        assert_eq!(wait, FIRST_RETRY);
        assert_eq!(changes[0], Change::Remove(dead.clone()));
        assert!(matches!(&changes[1], Change::Insert(other) if *other != dead));
        assert!(book.lost(&dead, now).is_none(), "it is not used any more");
        assert!(book.due(now).is_empty());
        assert_eq!(book.due(now + FIRST_RETRY), std::slice::from_ref(&dead));
        assert!(book.due(now + FIRST_RETRY).is_empty(), "it is being tried");
        let rtt = Some(Duration::from_millis(1));
        assert!(book.retried(&dead, rtt, now).is_empty(), "nobody is pushed out for it");
        for other in used(&book) {
            book.lost(&other, now);
        }
        assert!(used(&book).contains(&dead));
        assert!(used(&book).len() <= 2);
        book.learn(hint(9), Source::Found, None);
        assert_eq!(book.lost(&dead, now).unwrap().0, FIRST_RETRY * 2, "backs off");
        assert_eq!(book.due(now + FIRST_RETRY * 2).len(), book.entries.len() - used(&book).len());
        assert!(book.retried(&dead, None, now).is_empty(), "lost still");
        assert!(!book.due(now + FIRST_RETRY * 3).contains(&dead));
        assert!(book.due(now + FIRST_RETRY * 4).contains(&dead));
    }

    #[test]
    fn the_only_relay_is_kept() {
        let mut book = RelayBook::default();
        book.learn(hint(1), Source::Found, None);
        assert!(book.lost(&hint(1), Instant::now()).is_none());
        assert_eq!(used(&book), [hint(1)]);
    }

    #[test]
    fn configured_relays_are_used_first() {
        let mut book = RelayBook::default();
        let now = Instant::now();
        for n in 0..3 {
            book.learn(hint(n), Source::Found, None);
        }
        book.learn(hint(7), Source::Found, Some(Duration::from_millis(5)));
        book.learn(hint(8), Source::Configured, None);
        let (_, changes) = book.lost(&used(&book)[0].clone(), now).unwrap();
        assert_eq!(changes[1], Change::Insert(hint(8)));
        let (_, changes) = book.lost(&used(&book)[0].clone(), now).unwrap();
        assert_eq!(changes[1], Change::Insert(hint(7)), "the nearer one");
    }

    proptest! {
        #[test]
        fn bounds_hold_whatever_happens(steps in proptest::collection::vec((0u8..5, 0u16..200, 0u64..100), 0..400)) {
            let mut book = RelayBook::default();
            let mut now = Instant::now();
            let mut mirror = std::collections::BTreeSet::new();
            for (step, n, seconds) in steps {
                now += Duration::from_secs(seconds);
                let changes = match step {
                    0 => book.learn(hint(n), Source::Found, None),
                    1 => book.learn(hint(n), Source::Peer, None),
                    2 => book.lost(&hint(n), now).map(|(_, changes)| changes).unwrap_or_default(),
                    3 => book.forget(&hint(n)),
                    _ => {
                        let due = book.due(now);
                        let rtt = (n % 2 == 0).then_some(Duration::from_millis(u64::from(n)));
                        due.iter().flat_map(|hint| book.retried(hint, rtt, now)).collect()
                    }
                };
                for change in changes {
                    match change {
                        Change::Insert(hint) => prop_assert!(mirror.insert(hint)),
                        Change::Remove(hint) => prop_assert!(mirror.remove(&hint)),
                    }
                }
                prop_assert!(book.entries.len() <= MAX_KNOWN);
                prop_assert!(mirror.len() <= MAX_USED);
                prop_assert_eq!(&mirror, &book.used().cloned().collect());
            }
        }
    }
}
