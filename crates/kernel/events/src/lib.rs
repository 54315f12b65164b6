//! What happened: one typed, sequence-numbered feed.
//!
//! The CLI, the page, metrics and tests all read this feed; nobody parses logs. Each crate declares one `enum` of its
//! events and emits them through an [`EventSink`]; the node owns the one [`Feed`] they all end up in.
//!
//! ```
//! use serde::Serialize;
//! use weft_events::{Event, Feed, Item};
//!
//! #[derive(Serialize)]
//! #[serde(tag = "kind", rename_all = "kebab-case")]
//! enum DoorEvent {
//!     Opened { by: String },
//! }
//!
//! impl Event for DoorEvent {
//!     const SOURCE: &'static str = "door";
//!     fn kind(&self) -> &'static str {
//!         match self {
//!             DoorEvent::Opened { .. } => "opened",
//!         }
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let feed = Feed::new();
//! let mut reader = feed.subscribe_now();
//! feed.sink().emit(&DoorEvent::Opened { by: "ada".into() });
//! let Item::Event(record) = reader.next().await else { panic!("an event was emitted") };
//! assert_eq!((record.seq, record.source, record.kind), (1, "door", "opened"));
//! # });
//! ```
//!
//! # Concepts
//! - A **record** is an event with its sequence number (from 1, no gaps) and wall-clock time.
//! - The **ring** keeps the latest records, bounded in number and bytes. A reader holds nothing but its position, so a
//!   slow or stuck reader costs the node nothing.
//! - A reader that fell out of the ring gets one explicit [`Item::Resync`]: take a new snapshot and go on from there.
//! - A **snapshot** is the state of every source that registered one, with the sequence number *before* it was taken.
//!   Events carry the state they lead to, not a difference, so one that is both in the snapshot and after it does no
//!   harm.
//! - Events are state changes only. Rates and counters are sampled by whoever shows them.

mod feed;
mod record;

pub use feed::{EventSink, Feed, Item, RING_BYTES, RING_RECORDS, Snapshot, SnapshotSource, Subscription};
pub use record::{Event, MAX_EVENT_BYTES, Record};
