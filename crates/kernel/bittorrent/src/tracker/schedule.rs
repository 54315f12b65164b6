//! Which tracker of a torrent to announce to, when, and with which event (BEP 12, BEP 3).
//!
//! Trackers are tried tier by tier until one answers; that one moves to the front of its tier and
//! is asked again when its interval is over. One that fails is left alone for a time that doubles
//! with each failure.

use std::time::{Duration, Instant};

use rand::{RngCore, seq::SliceRandom as _};

use super::{Event, MAX_INTERVAL, http::Retry};
use crate::metainfo::MAX_TRACKERS;

/// How long a tracker is left alone after its first failure; doubled with each further one.
pub const FIRST_BACK_OFF: Duration = Duration::from_secs(30);
/// The longest time a tracker is left alone after failures.
pub const MAX_BACK_OFF: Duration = Duration::from_secs(3600);

/// A tracker of a [`Schedule`]; stays the same while the order changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackerKey(u32);

/// An announce that is to be made now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// To whom; to be given back with the outcome.
    pub tracker: TrackerKey,
    /// Its URL.
    pub url: String,
    /// With which event.
    pub event: Event,
    /// What the tracker wants to have sent back.
    pub tracker_id: Option<Vec<u8>>,
}

/// What is known of a tracker, to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackerStatus<'a> {
    /// Its URL.
    pub url: &'a str,
    /// Its tier, from 0.
    pub tier: usize,
    /// Whether it answered the last time it was asked.
    pub working: bool,
    /// Failures in a row.
    pub failures: u32,
    /// Not before that it is asked again, if that is known.
    pub not_before: Option<Instant>,
}

#[derive(Debug)]
struct Tracker {
    url: String,
    tier: usize,
    failures: u32,
    not_before: Option<Instant>,
    tracker_id: Option<Vec<u8>>,
    /// It has had our `Started`, and no `Stopped` since.
    knows_us: bool,
    /// It is to hear that the download is complete.
    owes_completed: bool,
    /// It does not want to hear from us again (BEP 31).
    gone: bool,
}

/// The announces of one torrent.
#[derive(Debug)]
pub struct Schedule {
    trackers: Vec<Tracker>,
    /// Order within the tiers, by index.
    tiers: Vec<Vec<usize>>,
    /// When the next round begins or goes on; `None` before the first.
    next: Option<Instant>,
    /// Trackers already tried in this round.
    tried: Vec<usize>,
    /// The announce under way.
    in_flight: Option<(usize, Event)>,
    /// When a tracker last answered, and the interval it gave.
    last: Option<(Instant, Duration)>,
    stopping: bool,
}

impl Schedule {
    /// A schedule over the tiers, each shuffled (BEP 12). The first announce is due at once.
    pub fn new(tiers: &[Vec<String>], rng: &mut impl RngCore) -> Self {
        let mut schedule = Self {
            trackers: Vec::new(),
            tiers: Vec::new(),
            next: None,
            tried: Vec::new(),
            in_flight: None,
            last: None,
            stopping: false,
        };
        tiers.iter().for_each(|tier| schedule.add_tier(tier, rng));
        schedule
    }

    /// Adds a tier behind the others. Trackers that are there already, and more than
    /// [`MAX_TRACKERS`] in all, are left out.
    pub fn add_tier(&mut self, urls: &[String], rng: &mut impl RngCore) {
        let mut order = Vec::new();
        for url in urls {
            let known = self.trackers.iter().any(|tracker| tracker.url == *url);
            if known || self.trackers.len() >= MAX_TRACKERS {
                continue;
            }
            order.push(self.trackers.len());
            self.trackers.push(Tracker {
                url: url.clone(),
                tier: self.tiers.len(),
                failures: 0,
                not_before: None,
                tracker_id: None,
                knows_us: false,
                owes_completed: false,
                gone: false,
            });
        }
        if !order.is_empty() {
            order.shuffle(rng);
            self.tiers.push(order);
            // If all others failed, the new ones need not wait for them.
            if self.trackers.iter().all(|tracker| !tracker.knows_us) {
                self.next = None;
            }
        }
    }

    /// The announce to make now, if any. It counts as under way until [`Schedule::succeeded`] or
    /// [`Schedule::failed`] is told of it.
    pub fn poll(&mut self, now: Instant) -> Option<Due> {
        if self.in_flight.is_some() {
            return None;
        }
        if self.stopping {
            let index = self.trackers.iter().position(|tracker| tracker.knows_us)?;
            return self.announce(index, Event::Stopped);
        }
        if self.next.is_some_and(|next| now < next) {
            return None;
        }
        match self.candidate(now) {
            Some(index) => {
                let tracker = self.trackers.get(index)?;
                let event = if !tracker.knows_us {
                    Event::Started
                } else if tracker.owes_completed {
                    Event::Completed
                } else {
                    Event::None
                };
                self.announce(index, event)
            }
            None => {
                self.end_round(now);
                None
            }
        }
    }

    /// When [`Schedule::poll`] should be called next; `None` while an announce is under way, and
    /// if there is nobody to announce to.
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        if self.in_flight.is_some() {
            return None;
        }
        if self.stopping {
            return self.trackers.iter().any(|tracker| tracker.knows_us).then_some(now);
        }
        self.trackers.iter().any(|tracker| !tracker.gone).then(|| self.next.unwrap_or(now))
    }

    /// The tracker answered: when it wants the next announce, and what to send back then.
    pub fn succeeded(
        &mut self,
        key: TrackerKey,
        now: Instant,
        interval: Duration,
        min_interval: Option<Duration>,
        tracker_id: Option<Vec<u8>>,
    ) {
        let Some((index, event)) = self.land(key) else { return };
        let Some(tracker) = self.trackers.get_mut(index) else { return };
        tracker.failures = 0;
        tracker.knows_us = event != Event::Stopped;
        if event == Event::Completed {
            tracker.owes_completed = false;
        }
        if tracker_id.is_some() {
            tracker.tracker_id = tracker_id;
        }
        let interval = interval.min(MAX_INTERVAL);
        let min_interval = min_interval.unwrap_or_default().min(MAX_INTERVAL);
        tracker.not_before = Some(now + min_interval);
        // The download may have come to its end while this announce was under way.
        let wait = if tracker.owes_completed { min_interval } else { interval.max(min_interval) };
        if let Some(tier) = self.tiers.get_mut(tracker.tier)
            && let Some(place) = tier.iter().position(|other| *other == index)
        {
            tier[..=place].rotate_right(1);
        }
        self.tried.clear();
        self.next = Some(now + wait);
        self.last = Some((now, interval));
    }

    /// The tracker did not answer, or refused; `retry` is what it said of another try (BEP 31).
    pub fn failed(&mut self, key: TrackerKey, now: Instant, retry: Option<Retry>) {
        let Some((index, event)) = self.land(key) else { return };
        let Some(tracker) = self.trackers.get_mut(index) else { return };
        tracker.failures = tracker.failures.saturating_add(1);
        if event == Event::Stopped {
            // One goodbye is enough.
            tracker.knows_us = false;
        }
        let back_off = FIRST_BACK_OFF.saturating_mul(1 << (tracker.failures - 1).min(16)).min(MAX_BACK_OFF);
        let wait = match retry {
            Some(Retry::After(wait)) => wait.min(MAX_INTERVAL),
            Some(Retry::Never) => {
                tracker.gone = true;
                tracker.knows_us = false;
                MAX_INTERVAL
            }
            None => back_off,
        };
        tracker.not_before = Some(now + wait);
        self.tried.push(index);
        self.next = Some(now);
    }

    /// The last piece came in: the tracker that is asked hears of it as soon as it allows.
    /// Not to be called for content that was complete from the start (BEP 3).
    pub fn completed(&mut self, now: Instant) {
        for tracker in self.trackers.iter_mut().filter(|tracker| tracker.knows_us) {
            tracker.owes_completed = true;
        }
        self.hurry(now);
    }

    /// Peers are wanted: announces as soon as the tracker in use allows, which is after half the
    /// interval it gave, and never before its minimum.
    pub fn want_peers(&mut self, now: Instant) {
        if let (Some(next), Some((answered, interval))) = (self.next, self.last) {
            self.next = Some(next.min((answered + interval / 2).max(now)));
        }
        self.hold();
    }

    /// We leave: all trackers that know us are told, one after another. Poll until there is no
    /// deadline.
    pub fn stop(&mut self) {
        self.stopping = true;
    }

    /// What is known of each tracker, in the order of trying.
    pub fn trackers(&self) -> impl Iterator<Item = (TrackerKey, TrackerStatus<'_>)> {
        self.tiers.iter().flatten().filter_map(|&index| {
            let tracker = self.trackers.get(index)?;
            let status = TrackerStatus {
                url: &tracker.url,
                tier: tracker.tier,
                working: tracker.knows_us && tracker.failures == 0,
                failures: tracker.failures,
                not_before: tracker.not_before,
            };
            Some((TrackerKey(u32::try_from(index).ok()?), status))
        })
    }

    fn announce(&mut self, index: usize, event: Event) -> Option<Due> {
        let tracker = self.trackers.get(index)?;
        let due = Due {
            tracker: TrackerKey(u32::try_from(index).ok()?),
            url: tracker.url.clone(),
            event,
            tracker_id: tracker.tracker_id.clone(),
        };
        self.in_flight = Some((index, event));
        Some(due)
    }

    /// Takes the announce under way back, if it is this tracker's.
    fn land(&mut self, key: TrackerKey) -> Option<(usize, Event)> {
        self.in_flight.take_if(|(index, _)| u32::try_from(*index) == Ok(key.0))
    }

    /// The first tracker, in the order of tiers, that was not tried in this round and may be asked.
    fn candidate(&self, now: Instant) -> Option<usize> {
        self.tiers.iter().flatten().copied().find(|index| {
            let ready = |tracker: &Tracker| !tracker.gone && tracker.not_before.is_none_or(|at| at <= now);
            !self.tried.contains(index) && self.trackers.get(*index).is_some_and(ready)
        })
    }

    /// Nobody could be asked: the next round begins when the first of them may be.
    fn end_round(&mut self, now: Instant) {
        self.tried.clear();
        let first = self.trackers.iter().filter(|tracker| !tracker.gone).filter_map(|tracker| tracker.not_before).min();
        self.next = Some(first.map_or(now + MAX_INTERVAL, |first| first.max(now + Duration::from_secs(1))));
    }

    fn hurry(&mut self, now: Instant) {
        if self.next.is_some() {
            self.next = Some(now);
            self.hold();
        }
    }

    /// Moves the next announce to where the tracker in use allows it.
    fn hold(&mut self) {
        let in_use = self.tiers.iter().flatten().filter_map(|&index| self.trackers.get(index)).find(|t| t.knows_us);
        if let (Some(next), Some(not_before)) = (self.next, in_use.and_then(|tracker| tracker.not_before)) {
            self.next = Some(next.max(not_before));
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn schedule(tiers: &[&[&str]]) -> Schedule {
        let tiers: Vec<Vec<String>> =
            tiers.iter().map(|tier| tier.iter().map(|url| (*url).to_owned()).collect()).collect();
        Schedule::new(&tiers, &mut StdRng::seed_from_u64(3))
    }

    fn due(schedule: &mut Schedule, now: Instant) -> (TrackerKey, String, Event) {
        let due = schedule.poll(now).expect("an announce is due");
        assert_eq!((schedule.poll(now), schedule.deadline(now)), (None, None), "one at a time");
        (due.tracker, due.url, due.event)
    }

    #[test]
    fn started_then_at_the_interval_then_stopped() {
        let mut s = schedule(&[&["a"]]);
        let t0 = Instant::now();
        assert_eq!(s.deadline(t0), Some(t0));
        let (a, _, event) = due(&mut s, t0);
        assert_eq!(event, Event::Started);
        s.succeeded(a, t0, HOUR, None, Some(b"id".to_vec()));
        assert_eq!(s.deadline(t0), Some(t0 + HOUR));
        assert_eq!(s.poll(t0 + HOUR / 2), None);
        let again = s.poll(t0 + HOUR).unwrap();
        assert_eq!((again.event, again.tracker_id.as_deref()), (Event::None, Some(&b"id"[..])));
        s.succeeded(a, t0 + HOUR, HOUR, None, None);
        s.stop();
        assert_eq!(due(&mut s, t0 + HOUR).2, Event::Stopped);
        s.failed(a, t0 + HOUR, None);
        assert_eq!(s.deadline(t0 + HOUR), None);
    }

    #[test]
    fn completed_waits_for_the_minimum() {
        let mut s = schedule(&[&["a"]]);
        let t0 = Instant::now();
        let (a, ..) = due(&mut s, t0);
        s.succeeded(a, t0, HOUR, Some(HOUR / 4), None);
        s.completed(t0 + HOUR / 8);
        assert_eq!(s.deadline(t0), Some(t0 + HOUR / 4));
        assert_eq!(due(&mut s, t0 + HOUR / 4).2, Event::Completed);
        s.succeeded(a, t0 + HOUR / 4, HOUR, None, None);
        assert_eq!(due(&mut s, t0 + HOUR * 2).2, Event::None);
        // What ends while an announce is under way is told afterwards.
        s.completed(t0 + HOUR * 2);
        s.succeeded(a, t0 + HOUR * 2, HOUR, None, None);
        assert_eq!(due(&mut s, t0 + HOUR * 2).2, Event::Completed);
    }

    #[test]
    fn complete_from_the_start_is_never_told_as_an_event() {
        let mut s = schedule(&[&["a"]]);
        let t0 = Instant::now();
        s.completed(t0);
        assert_eq!(due(&mut s, t0).2, Event::Started);
    }

    #[test]
    fn tiers_are_tried_in_order_and_the_one_that_answers_comes_first() {
        let mut s = schedule(&[&["a", "b", "c"], &["z"]]);
        let t0 = Instant::now();
        let (x, first, _) = due(&mut s, t0);
        s.failed(x, t0, None);
        let (y, second, _) = due(&mut s, t0);
        assert_ne!(first, second);
        s.succeeded(y, t0, HOUR, None, None);
        let order: Vec<_> = s.trackers().map(|(_, status)| status.url.to_owned()).collect();
        assert_eq!((&order[0], &order[3]), (&second, &"z".to_owned()));
        assert_eq!(due(&mut s, t0 + HOUR).1, second);
    }

    #[test]
    fn failures_back_off_and_other_tiers_step_in() {
        let mut s = schedule(&[&["a"], &["z"]]);
        let t0 = Instant::now();
        let (a, ..) = due(&mut s, t0);
        s.failed(a, t0, None);
        let (z, url, _) = due(&mut s, t0);
        assert_eq!(url, "z");
        s.failed(z, t0, None);
        assert_eq!(s.poll(t0), None);
        assert_eq!(s.deadline(t0), Some(t0 + FIRST_BACK_OFF));
        let mut now = t0;
        let mut waits = Vec::new();
        for _ in 0..10 {
            now = s.deadline(now).unwrap();
            while let Some(due) = s.poll(now) {
                if due.tracker == a {
                    waits.push(now);
                }
                s.failed(due.tracker, now, None);
            }
        }
        let gaps: Vec<_> = waits.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
        assert_eq!(gaps[..4], [60, 120, 240, 480]);
        assert!(gaps.iter().all(|gap| *gap <= MAX_BACK_OFF.as_secs()));
    }

    #[test]
    fn a_tracker_that_says_never_is_left_alone() {
        let mut s = schedule(&[&["a"]]);
        let t0 = Instant::now();
        let (a, ..) = due(&mut s, t0);
        s.failed(a, t0, Some(Retry::Never));
        assert_eq!((s.deadline(t0), s.poll(t0 + HOUR * 100)), (None, None));
    }

    #[test]
    fn wanting_peers_hastens_within_reason() {
        let mut s = schedule(&[&["a"]]);
        let t0 = Instant::now();
        let (a, ..) = due(&mut s, t0);
        s.succeeded(a, t0, HOUR, None, None);
        for _ in 0..3 {
            s.want_peers(t0 + HOUR / 8);
            assert_eq!(s.deadline(t0), Some(t0 + HOUR / 2));
        }
        s.want_peers(t0 + HOUR / 4 * 3);
        assert_eq!(s.deadline(t0), Some(t0 + HOUR / 2));
        let (a, ..) = due(&mut s, t0 + HOUR);
        s.succeeded(a, t0 + HOUR, HOUR, Some(HOUR), None);
        s.want_peers(t0 + HOUR);
        assert_eq!(s.deadline(t0), Some(t0 + HOUR * 2), "the minimum holds");
    }

    #[test]
    fn outcomes_of_others_change_nothing() {
        let mut s = schedule(&[&["a", "a", "b"]]);
        assert_eq!(s.trackers().count(), 2);
        let t0 = Instant::now();
        let (a, ..) = due(&mut s, t0);
        s.succeeded(TrackerKey(a.0 ^ 1), t0, HOUR, None, None);
        s.failed(TrackerKey(9), t0, None);
        assert_eq!(s.deadline(t0), None, "still under way");
        let many: Vec<String> = (0..500).map(|i| i.to_string()).collect();
        s.add_tier(&many, &mut StdRng::seed_from_u64(1));
        assert_eq!(s.trackers().count(), MAX_TRACKERS);
    }
}
