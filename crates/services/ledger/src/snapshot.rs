//! Beginning a chain at a snapshot that a peer gives, instead of executing every block: the stream `ledger-snapshot/1`.
//!
//! Who joins so believes nobody: it follows the headers from the genesis with their certificates ([`Walk`]), and computes the
//! state root over all that it was given, which must be that of a header it has followed to. What it keeps is the whole way
//! of headers, certificates and validator sets, the state at the snapshot, and every block from there on; so it can show
//! the way to others. What it has not are the transactions and logs of before.
//!
//! Who gives makes a snapshot when somebody asks ([`Shelf`]), at a height that all nodes choose alike.

mod give;
mod message;
mod shelf;
mod take;
mod walk;

use weft_overlay::StreamType;

#[doc(hidden)]
pub use message::fuzz as fuzz_messages;
pub use message::{Answer, DecidedBlock, MAX_ANSWER, Question, SnapshotMessageError};
pub use shelf::{Offer, SNAPSHOT_EVERY, Shelf};
pub use take::{Step, TakeError, take};
pub use walk::{Walk, WalkError};

pub use give::give;

/// What is spoken.
pub const STREAM: StreamType = StreamType::new("ledger-snapshot/1");
