//! Earlier moments: snapshots taken as the feed goes on, as long as the ring still has every record since.
//!
//! A snapshot and the records after it are any moment since then, for the same reader that follows the feed live.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;
use weft_events::{Feed, Record};

/// Snapshots are this many records apart at least: between them the records say it all, and an early moment is reached by
/// reading 128 records more at most while the node is quiet.
const EVERY_RECORDS: u64 = 128;

/// And 5 s at least: a busy node is not asked for its whole state over and over.
const EVERY: Duration = Duration::from_secs(5);

/// 16 MiB of snapshots; the oldest give way.
const MAX_BYTES: usize = 16 << 20;

/// A moment that can no longer be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

/// The state of every source at one moment.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) seq: u64,
    pub(crate) at_ms: u64,
    /// By source, as a snapshot of the feed has it.
    pub(crate) state: Box<RawValue>,
}

/// The snapshots of a feed.
#[derive(Clone)]
pub(crate) struct History {
    feed: Feed,
    kept: Arc<Mutex<VecDeque<Arc<Kept>>>>,
}

impl History {
    pub(crate) fn new(feed: Feed) -> Self {
        History { feed, kept: Arc::default() }
    }

    /// Takes snapshots until `stop`, the first one now.
    pub(crate) async fn keep(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let last = self.kept.lock().back().map(|kept| kept.seq);
            if last.is_none_or(|seq| self.feed.head() >= seq + EVERY_RECORDS) {
                self.take();
            }
        }
    }

    /// Takes a snapshot.
    pub(crate) fn take(&self) {
        let snapshot = self.feed.snapshot();
        let state = match serde_json::value::to_raw_value(&snapshot.state) {
            Ok(state) => state,
            Err(error) => {
                tracing::error!(%error, "a snapshot does not serialise");
                return;
            }
        };
        let mut kept = self.kept.lock();
        kept.push_back(Arc::new(Kept { seq: snapshot.seq, at_ms: snapshot.at_ms, state }));
        let mut bytes: usize = kept.iter().map(|kept| kept.state.get().len()).sum();
        while bytes > MAX_BYTES && kept.len() > 1 {
            bytes -= kept.pop_front().map_or(0, |gone| gone.state.get().len());
        }
    }

    /// The moments that snapshots were taken at and from which the ring still has every record, oldest first.
    pub(crate) fn snapshots(&self) -> Vec<Arc<Kept>> {
        let mut kept = self.kept.lock();
        // What the ring no longer leads on from is of no use.
        let oldest = self.feed.oldest();
        while kept.front().is_some_and(|first| first.seq + 1 < oldest) {
            kept.pop_front();
        }
        kept.iter().cloned().collect()
    }

    /// The moment `at_ms`: the last snapshot before it, and the records since.
    ///
    /// # Errors
    /// [`Gone`] if it is older than what is kept.
    pub(crate) fn replay(&self, at_ms: u64) -> Result<(Arc<Kept>, Vec<Arc<Record>>), Gone> {
        let snapshots = self.snapshots();
        let snapshot = snapshots.iter().rev().find(|kept| kept.at_ms <= at_ms).ok_or(Gone)?;
        let records = self.feed.records(snapshot.seq, at_ms).ok_or(Gone)?;
        Ok((Arc::clone(snapshot), records))
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[derive(Serialize)]
    struct Step {
        n: u64,
    }

    impl weft_events::Event for Step {
        const SOURCE: &'static str = "test";
        fn kind(&self) -> &'static str {
            "step"
        }
    }

    fn steps(feed: &Feed, range: std::ops::Range<u64>) {
        for n in range {
            feed.sink().emit(&Step { n });
        }
    }

    #[test]
    fn a_moment_is_reached_from_the_snapshot_before_it() {
        let feed = Feed::new();
        let history = History::new(feed.clone());
        assert!(history.replay(u64::MAX).is_err(), "nothing is kept yet");
        history.take();
        steps(&feed, 0..3);
        history.take();
        steps(&feed, 3..5);
        let (snapshot, records) = history.replay(u64::MAX).expect("now");
        assert_eq!((snapshot.seq, records.iter().map(|r| r.seq).collect::<Vec<_>>()), (3, vec![4, 5]));
        assert!(history.replay(snapshot.at_ms - 60_000).is_err(), "before everything");
    }

    #[test]
    fn snapshots_go_with_the_records_after_them() {
        let feed = Feed::with_bounds(4, usize::MAX);
        let history = History::new(feed.clone());
        history.take();
        steps(&feed, 0..4);
        assert_eq!(history.snapshots().len(), 1);
        steps(&feed, 4..5);
        assert!(history.snapshots().is_empty(), "record 1 is gone");
        assert!(history.replay(u64::MAX).is_err());
    }

    #[test]
    fn snapshots_are_bounded_in_bytes() {
        let feed = Feed::new();
        feed.register_snapshot("big", Arc::new(|| serde_json::Value::from("x".repeat(5 << 20))));
        let history = History::new(feed);
        (0..6).for_each(|_| history.take());
        assert_eq!(history.snapshots().len(), 3);
    }
}
