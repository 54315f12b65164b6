//! One event as it stands in the feed.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::value::RawValue;

/// A crate's events. Implemented by one `enum` a crate.
///
/// The serialised form is an object tagged with `kind` (`#[serde(tag = "kind", rename_all = "kebab-case")]`), holds the
/// state the event leads to, and never a secret.
pub trait Event: Serialize + Send + Sync + 'static {
    /// The service or kernel crate that speaks: `files`, `network`.
    const SOURCE: &'static str;

    /// The variant's name as it is serialised: `torrent-added`.
    fn kind(&self) -> &'static str;
}

/// 16 KiB: an event is a state change, not a document. A larger one is replaced by its kind and its size.
pub const MAX_EVENT_BYTES: usize = 16 * 1024;

/// An event with its place in the feed.
#[derive(Debug, Serialize)]
pub struct Record {
    /// Place in the feed: from 1, without gaps, for as long as the node runs.
    pub seq: u64,
    /// Milliseconds since the Unix epoch, by the node's wall clock.
    pub at_ms: u64,
    /// Who speaks: [`Event::SOURCE`].
    pub source: &'static str,
    /// What happened: [`Event::kind`].
    pub kind: &'static str,
    /// The event itself, a JSON object.
    pub data: Box<RawValue>,
}

impl Record {
    pub(crate) fn of<E: Event>(event: &E) -> Record {
        Record::of_value(E::SOURCE, event.kind(), event)
    }

    pub(crate) fn of_value(source: &'static str, kind: &'static str, data: &impl Serialize) -> Record {
        let data = match serde_json::value::to_raw_value(data) {
            Ok(data) if data.get().len() <= MAX_EVENT_BYTES => data,
            Ok(data) => oversized(kind, data.get().len()),
            Err(error) => {
                // A type that cannot be serialised is a bug of the crate that declares it.
                debug_assert!(false, "an event must serialise to JSON: {error}");
                oversized(kind, 0)
            }
        };
        Record { seq: 0, at_ms: unix_millis(SystemTime::now()), source, kind, data }
    }

    pub(crate) fn weight(&self) -> usize {
        std::mem::size_of::<Record>() + self.data.get().len()
    }
}

fn oversized(kind: &str, bytes: usize) -> Box<RawValue> {
    let note = serde_json::json!({ "kind": kind, "oversized_bytes": bytes });
    serde_json::value::to_raw_value(&note).expect("a JSON object of a string and a number serialises")
}

pub(crate) fn unix_millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
