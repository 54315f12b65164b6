//! The node's figures in the feed: a sample a second while anything moves, one in ten seconds while nothing does.
//!
//! A page, a test and a replay of an earlier moment read rates here, and nobody polls. The sampler also keeps count of what
//! it costs to be there: the bytes and CPU of those seconds in which no service moved anything for anybody.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use weft_events::EventSink;
use weft_service::Activity;

use crate::event::NodeEvent;
use crate::figures::{Figures, IdleCost, ServiceFigures};
use crate::switchboard::Switchboard;

/// Once a second: what a person takes for "now".
const EVERY: Duration = Duration::from_secs(1);

/// 10 s between samples of a node at rest.
const AT_REST: Duration = Duration::from_secs(10);

/// 32 partners of a service; the bound of the contract, kept here too.
const MAX_PARTNERS: usize = 32;

/// 6 KiB of a service's own figures: two services' fit one event, and a third one's loss is theirs alone.
const MAX_DETAIL_BYTES: usize = 6 << 10;

/// A day in milliseconds.
const DAY_MS: u64 = 24 * 3600 * 1000;

/// Takes samples. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub(crate) struct Sampler {
    switchboard: Switchboard,
    last: Arc<Mutex<Option<Figures>>>,
}

impl Sampler {
    pub(crate) fn new(switchboard: Switchboard) -> Self {
        Sampler { switchboard, last: Arc::default() }
    }

    /// The latest sample.
    pub(crate) fn last(&self) -> Option<Figures> {
        self.last.lock().clone()
    }

    /// Tells the feed until `stop`.
    pub(crate) async fn run(self, events: EventSink, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut counter = Counter::new(unix_ms(), Instant::now(), cpu_ms());
        let mut told: Option<Instant> = None;
        let mut moved = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let now = Instant::now();
            let figures = counter.next(self.switchboard.activities(), unix_ms(), now, cpu_ms());
            let moves = figures.services.values().any(|service| service.busy);
            *self.last.lock() = Some(figures.clone());
            // The first moment of rest is told too: it says that the rates are zero.
            if moves || moved || told.is_none_or(|told| now.duration_since(told) >= AT_REST) {
                events.emit(&NodeEvent::Sample(Box::new(figures)));
                told = Some(now);
            }
            moved = moves;
        }
    }
}

/// What the samples before said: for rates and sums.
struct Counter {
    at: Instant,
    cpu_ms: u64,
    bytes: BTreeMap<&'static str, (u64, u64)>,
    idle: IdleCost,
}

impl Counter {
    fn new(unix_ms: u64, now: Instant, cpu_ms: u64) -> Self {
        let idle = IdleCost { since_ms: unix_ms, bytes: 0, cpu_ms: 0 };
        Counter { at: now, cpu_ms, bytes: BTreeMap::new(), idle }
    }

    fn next(&mut self, activities: Vec<(&'static str, Activity)>, unix_ms: u64, now: Instant, cpu_ms: u64) -> Figures {
        let interval_ms = u64::try_from(now.duration_since(self.at).as_millis()).unwrap_or(u64::MAX);
        let carried = activities.iter().filter(|(_, activity)| !activity.carries);
        let carried =
            carried.fold((0, 0), |sum, (_, activity)| (sum.0 + activity.bytes_in, sum.1 + activity.bytes_out));
        let mut services = BTreeMap::new();
        let (mut work, mut all) = (0, 0);
        for (name, activity) in activities {
            let bytes = if activity.carries {
                // What it carried for the others is theirs.
                (activity.bytes_in.saturating_sub(carried.0), activity.bytes_out.saturating_sub(carried.1))
            } else {
                (activity.bytes_in, activity.bytes_out)
            };
            // Other services' bytes are counted when they are read, so what is left may seem to shrink for a moment; and a
            // service that was just switched on has no rate yet.
            let before = self.bytes.insert(name, bytes).unwrap_or(bytes);
            let moved = (bytes.0.saturating_sub(before.0), bytes.1.saturating_sub(before.1));
            all += moved.0 + moved.1;
            if !activity.carries {
                work += moved.0 + moved.1;
            }
            services.insert(name, figures(activity, bytes, moved, interval_ms));
        }
        self.bytes.retain(|name, _| services.contains_key(name));
        if unix_ms / DAY_MS != self.idle.since_ms / DAY_MS {
            self.idle = IdleCost { since_ms: unix_ms - unix_ms % DAY_MS, bytes: 0, cpu_ms: 0 };
        }
        if work == 0 {
            self.idle.bytes += all;
            self.idle.cpu_ms += cpu_ms.saturating_sub(self.cpu_ms);
        }
        (self.at, self.cpu_ms) = (now, cpu_ms);
        Figures { interval_ms, cpu_ms, rss_bytes: rss_bytes(), idle: self.idle, services }
    }
}

fn figures(activity: Activity, bytes: (u64, u64), moved: (u64, u64), interval_ms: u64) -> ServiceFigures {
    let a_second = |bytes: u64| bytes.saturating_mul(1000).checked_div(interval_ms).unwrap_or(0);
    let Activity { busy, mut partners, detail, .. } = activity;
    partners.truncate(MAX_PARTNERS);
    let fits = detail.to_string().len() <= MAX_DETAIL_BYTES;
    debug_assert!(fits, "a service's detail is larger than its contract allows");
    ServiceFigures {
        busy,
        bytes_in: bytes.0,
        bytes_out: bytes.1,
        rate_in: a_second(moved.0),
        rate_out: a_second(moved.1),
        partners,
        detail: if fits { detail } else { Value::Null },
    }
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// CPU time of this process, all its threads together.
fn cpu_ms() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0));
    seconds * 1000 + nanos / 1_000_000
}

/// Memory of this process that is in RAM: Linux tells it in pages.
fn rss_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(bytes: (u64, u64), carries: bool) -> Activity {
        Activity { bytes_in: bytes.0, bytes_out: bytes.1, carries, ..Activity::default() }
    }

    #[test]
    fn who_carries_others_is_charged_for_the_rest_alone() {
        let start = Instant::now();
        let mut counter = Counter::new(0, start, 0);
        let mut at = |seconds, files, network| {
            let activities = vec![("files", activity(files, false)), ("network", activity(network, true))];
            counter.next(activities, seconds * 1000, start + Duration::from_secs(seconds), seconds * 10)
        };
        at(1, (0, 0), (100, 100));
        let figures = at(2, (5000, 0), (5300, 150));
        let rates = |name: &str| (figures.services[name].rate_in, figures.services[name].rate_out);
        assert_eq!((rates("files"), rates("network")), ((5000, 0), (200, 50)));
        assert_eq!(figures.services["network"].bytes_in, 300);
    }

    #[test]
    fn seconds_without_work_are_the_cost_of_being_there() {
        let start = Instant::now();
        let mut counter = Counter::new(DAY_MS - 2500, start, 0);
        let mut at = |seconds: u64, files, network| {
            let activities = vec![("files", activity((files, 0), false)), ("network", activity((network, 0), true))];
            counter.next(activities, DAY_MS - 2500 + seconds * 1000, start + Duration::from_secs(seconds), seconds * 10)
        };
        at(0, 0, 0);
        assert_eq!(at(1, 0, 40).idle, IdleCost { since_ms: DAY_MS - 2500, bytes: 40, cpu_ms: 10 });
        assert_eq!(at(2, 900, 990).idle.bytes, 40, "a second of work");
        assert_eq!(at(3, 900, 995).idle, IdleCost { since_ms: DAY_MS, bytes: 5, cpu_ms: 10 }, "a new day");
    }

    #[test]
    fn this_process_has_used_cpu_and_memory() {
        assert!(rss_bytes().is_none_or(|bytes| bytes > 100_000));
        let before = cpu_ms();
        let begun = Instant::now();
        while cpu_ms() < before + 3 {
            assert!(begun.elapsed() < Duration::from_secs(20), "CPU time does not move");
        }
    }
}
