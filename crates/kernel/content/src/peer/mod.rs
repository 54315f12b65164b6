//! One peer: the greeting, then a task that reads and writes until the end.

mod greet;
mod task;

pub(crate) use greet::{GreetError, greet};
pub(crate) use task::PeerTask;

use weft_overlay::StreamType;

/// The stream type of the peer wire protocol over TLS and the overlay: the bytes after it are those of BEP 3.
pub const STREAM_TYPE: StreamType = StreamType::new("bt/1");
