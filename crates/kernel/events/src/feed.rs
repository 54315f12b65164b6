//! The feed: a bounded ring of records, its readers and its snapshots.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use crate::record::{Event, Record, unix_millis};

/// 8,192 records: minutes of a busy node, so that a page that lost its connection catches up without a snapshot.
pub const RING_RECORDS: usize = 8192;

/// 8 MiB of records: what the ring may cost in memory.
pub const RING_BYTES: usize = 8 * 1024 * 1024;

/// Gives the state of one source at this moment, as a reader would have it had it read every event so far.
pub type SnapshotSource = Arc<dyn Fn() -> Value + Send + Sync>;

/// The node's one event feed. Cheap to clone; all clones are the same feed.
#[derive(Clone)]
pub struct Feed {
    shared: Arc<Shared>,
}

struct Shared {
    ring: Mutex<Ring>,
    /// The newest sequence number: what readers wait on.
    head: watch::Sender<u64>,
    sources: Mutex<BTreeMap<&'static str, SnapshotSource>>,
}

struct Ring {
    records: VecDeque<Arc<Record>>,
    bytes: usize,
    next: u64,
    max_records: usize,
    max_bytes: usize,
}

/// State of every source, and where in the feed it was taken.
#[derive(Debug, Clone, Serialize)]
pub struct Snapshot {
    /// Every event up to and including this one is in `state`. Read on from here.
    pub seq: u64,
    /// When it was taken, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// One entry a source, in the source's own shape.
    pub state: BTreeMap<&'static str, Value>,
}

/// What a reader gets.
#[derive(Debug, Clone)]
pub enum Item {
    /// The next record.
    Event(Arc<Record>),
    /// Records were dropped before this reader came to them: take a new snapshot and read on from it.
    Resync {
        /// The first record the reader missed.
        missed_from: u64,
        /// The newest record when this was found.
        head: u64,
    },
}

impl Default for Feed {
    fn default() -> Self {
        Self::new()
    }
}

impl Feed {
    /// A feed with the standard bounds.
    pub fn new() -> Self {
        Self::with_bounds(RING_RECORDS, RING_BYTES)
    }

    /// A feed that keeps at most `max_records` records of together at most `max_bytes`.
    pub fn with_bounds(max_records: usize, max_bytes: usize) -> Self {
        let ring = Ring { records: VecDeque::new(), bytes: 0, next: 1, max_records: max_records.max(1), max_bytes };
        Feed {
            shared: Arc::new(Shared { ring: Mutex::new(ring), head: watch::Sender::new(0), sources: Mutex::default() }),
        }
    }

    /// Where events go in.
    pub fn sink(&self) -> EventSink {
        EventSink { feed: self.clone() }
    }

    /// The newest sequence number; 0 before the first event.
    pub fn head(&self) -> u64 {
        *self.shared.head.borrow()
    }

    /// The oldest sequence number that can still be read; `head + 1` while the ring is empty.
    pub fn oldest(&self) -> u64 {
        let ring = self.shared.ring.lock();
        ring.records.front().map_or(ring.next, |record| record.seq)
    }

    /// Makes `source` part of every snapshot under `name`, in place of an earlier one of that name.
    pub fn register_snapshot(&self, name: &'static str, source: SnapshotSource) {
        self.shared.sources.lock().insert(name, source);
    }

    /// Takes `name` out of snapshots: its service was switched off.
    pub fn unregister_snapshot(&self, name: &str) {
        self.shared.sources.lock().remove(name);
    }

    /// The state of every source now.
    pub fn snapshot(&self) -> Snapshot {
        // The number comes first: an event that happens meanwhile is both in the state and after the number, and
        // since events carry states, reading it again does no harm. The other order would lose it.
        let seq = self.head();
        let sources: Vec<_> = self.shared.sources.lock().iter().map(|(name, source)| (*name, source.clone())).collect();
        let state = sources.into_iter().map(|(name, source)| (name, source())).collect();
        Snapshot { seq, at_ms: unix_millis(SystemTime::now()), state }
    }

    /// The records after `seq` up to the moment `until_ms`, as far as the ring still has them; `None` if records right
    /// after `seq` are gone already.
    pub fn records(&self, seq: u64, until_ms: u64) -> Option<Vec<Arc<Record>>> {
        let ring = self.shared.ring.lock();
        let oldest = ring.records.front().map_or(ring.next, |record| record.seq);
        if seq + 1 < oldest {
            return None;
        }
        let after = ring.records.iter().skip(usize::try_from(seq + 1 - oldest).ok()?);
        Some(after.take_while(|record| record.at_ms <= until_ms).cloned().collect())
    }

    /// Reads on after record `seq`: what a reader of a snapshot or of an earlier subscription asks for.
    pub fn subscribe_after(&self, seq: u64) -> Subscription {
        Subscription { feed: self.clone(), next: seq.saturating_add(1), head: self.shared.head.subscribe() }
    }

    /// Reads what happens from now on.
    pub fn subscribe_now(&self) -> Subscription {
        self.subscribe_after(self.head())
    }

    fn push(&self, mut record: Record) -> u64 {
        let mut ring = self.shared.ring.lock();
        let seq = ring.next;
        record.seq = seq;
        ring.next += 1;
        ring.bytes += record.weight();
        ring.records.push_back(Arc::new(record));
        ring.trim();
        // Under the lock, so that the head never goes backwards.
        self.shared.head.send_replace(seq);
        seq
    }

    /// The record `seq`, or what stands in its place.
    fn read(&self, seq: u64) -> Option<Item> {
        let ring = self.shared.ring.lock();
        let head = ring.next - 1;
        if seq > ring.next {
            // A position from before a restart of the node: the numbers began anew.
            return Some(Item::Resync { missed_from: 1, head });
        }
        let oldest = ring.records.front()?.seq;
        if seq < oldest {
            return Some(Item::Resync { missed_from: seq, head });
        }
        let index = usize::try_from(seq - oldest).ok()?;
        ring.records.get(index).cloned().map(Item::Event)
    }
}

impl Ring {
    fn trim(&mut self) {
        while self.records.len() > self.max_records || (self.bytes > self.max_bytes && self.records.len() > 1) {
            let Some(dropped) = self.records.pop_front() else { break };
            self.bytes -= dropped.weight();
        }
    }
}

/// Where a crate puts its events. Cheap to clone.
#[derive(Clone)]
pub struct EventSink {
    feed: Feed,
}

impl EventSink {
    /// Adds an event to the feed and gives its sequence number. Never blocks on a reader.
    pub fn emit<E: Event>(&self, event: &E) -> u64 {
        self.feed.push(Record::of(event))
    }

    /// The same for an event without a type of its own: of a program that embeds a node, or of another's recording.
    pub fn emit_value(&self, source: &'static str, kind: &'static str, data: &Value) -> u64 {
        self.feed.push(Record::of_value(source, kind, data))
    }
}

/// A reader of the feed: nothing but a position in it.
pub struct Subscription {
    feed: Feed,
    next: u64,
    head: watch::Receiver<u64>,
}

impl Subscription {
    /// Waits for the next item. After a [`Item::Resync`] it goes on behind the newest record at that time.
    pub async fn next(&mut self) -> Item {
        loop {
            if let Some(item) = self.try_next() {
                return item;
            }
            // The feed is alive: this subscription holds a handle of it.
            let _ = self.head.changed().await;
        }
    }

    /// The next item, if there is one already.
    pub fn try_next(&mut self) -> Option<Item> {
        self.head.mark_unchanged();
        let item = self.feed.read(self.next)?;
        self.next = match &item {
            Item::Event(record) => record.seq + 1,
            Item::Resync { head, .. } => head + 1,
        };
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    #[serde(tag = "kind", rename_all = "kebab-case")]
    enum Counted {
        Step { n: u64 },
        Long { text: String },
    }

    impl Event for Counted {
        const SOURCE: &'static str = "test";
        fn kind(&self) -> &'static str {
            match self {
                Counted::Step { .. } => "step",
                Counted::Long { .. } => "long",
            }
        }
    }

    fn seqs(reader: &mut Subscription) -> Vec<u64> {
        std::iter::from_fn(|| reader.try_next())
            .map(|item| match item {
                Item::Event(record) => record.seq,
                Item::Resync { .. } => 0,
            })
            .collect()
    }

    #[test]
    fn numbers_have_no_gaps_and_replay_starts_where_asked() {
        let feed = Feed::new();
        for n in 0..5 {
            feed.sink().emit(&Counted::Step { n });
        }
        assert_eq!(seqs(&mut feed.subscribe_after(0)), [1, 2, 3, 4, 5]);
        assert_eq!(seqs(&mut feed.subscribe_after(3)), [4, 5]);
        assert!(seqs(&mut feed.subscribe_now()).is_empty());
    }

    #[test]
    fn a_reader_that_fell_behind_is_told_once_and_goes_on() {
        let feed = Feed::with_bounds(3, usize::MAX);
        let mut reader = feed.subscribe_now();
        for n in 0..10 {
            feed.sink().emit(&Counted::Step { n });
        }
        assert!(matches!(reader.try_next(), Some(Item::Resync { missed_from: 1, head: 10 })));
        assert!(reader.try_next().is_none());
        feed.sink().emit(&Counted::Step { n: 11 });
        assert_eq!(seqs(&mut reader), [11]);
    }

    #[test]
    fn a_position_from_an_earlier_run_resyncs() {
        let feed = Feed::new();
        feed.sink().emit(&Counted::Step { n: 1 });
        assert!(matches!(feed.subscribe_after(900).try_next(), Some(Item::Resync { .. })));
    }

    #[test]
    fn the_ring_is_bounded_in_bytes_and_an_event_in_size() {
        let feed = Feed::with_bounds(usize::MAX, 4096);
        for _ in 0..100 {
            feed.sink().emit(&Counted::Long { text: "x".repeat(1000) });
        }
        assert!(feed.shared.ring.lock().bytes <= 4096);
        feed.sink().emit(&Counted::Long { text: "x".repeat(crate::MAX_EVENT_BYTES) });
        let Some(Item::Event(last)) = feed.subscribe_after(100).try_next() else { panic!("the newest record stays") };
        assert!(last.data.get().contains("oversized_bytes"));
    }

    #[test]
    fn a_snapshot_is_never_newer_than_its_number_says() {
        let feed = Feed::new();
        let inner = feed.clone();
        // A source that emits while it is asked: the event must come again after the snapshot.
        feed.register_snapshot("test", Arc::new(move || Value::from(inner.sink().emit(&Counted::Step { n: 7 }))));
        let snapshot = feed.snapshot();
        assert_eq!(snapshot.seq, 0);
        assert_eq!(seqs(&mut feed.subscribe_after(snapshot.seq)), [1]);
        feed.unregister_snapshot("test");
        assert!(feed.snapshot().state.is_empty());
    }

    #[test]
    fn an_earlier_moment_is_its_snapshot_and_the_records_since() {
        let feed = Feed::with_bounds(4, usize::MAX);
        let before = feed.snapshot();
        for n in 0..3 {
            feed.sink().emit(&Counted::Step { n });
        }
        let seqs = |seq, until| feed.records(seq, until).map(|r| r.iter().map(|r| r.seq).collect::<Vec<_>>());
        assert_eq!(seqs(before.seq, u64::MAX), Some(vec![1, 2, 3]));
        assert_eq!(seqs(2, u64::MAX), Some(vec![3]));
        assert_eq!((seqs(3, u64::MAX), seqs(9, u64::MAX)), (Some(vec![]), Some(vec![])));
        assert_eq!(seqs(0, before.at_ms - 1), Some(vec![]), "nothing is older than that");
        for n in 0..2 {
            feed.sink().emit(&Counted::Step { n });
        }
        assert_eq!(seqs(0, u64::MAX), None, "the first record is gone");
        assert_eq!(seqs(1, u64::MAX), Some(vec![2, 3, 4, 5]));
    }

    #[tokio::test]
    async fn a_waiting_reader_wakes() {
        let feed = Feed::new();
        let mut reader = feed.subscribe_now();
        let waiting = tokio::spawn(async move { reader.next().await });
        tokio::task::yield_now().await;
        feed.sink().emit(&Counted::Step { n: 1 });
        assert!(matches!(waiting.await, Ok(Item::Event(record)) if record.seq == 1));
    }
}
