//! What a service does at this moment.

use serde_json::Value;

/// What a service does at this moment, and what it has moved since it started. Read once a second while anything moves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Activity {
    /// It works on something now.
    pub busy: bool,
    /// Bytes it took from peers since the node started.
    pub bytes_in: u64,
    /// Bytes it gave to peers since the node started.
    pub bytes_out: u64,
    /// The peers it works with now: a peer's key if proven, else its address. Few: the service keeps a bound.
    pub partners: Vec<String>,
    /// What only this service has to say, in a shape of its own. Small: it goes into an event.
    pub detail: Value,
}
