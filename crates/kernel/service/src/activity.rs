//! What a service does at this moment, in figures.

use serde::Serialize;
use serde_json::Value;

/// What a service does at this moment. Asked for once a second while the node runs: cheap, and without a whole list.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Activity {
    /// Whether it works for somebody right now.
    pub busy: bool,
    /// Bytes that peers sent it since it started.
    pub bytes_in: u64,
    /// Bytes that it sent to peers since it started.
    pub bytes_out: u64,
    /// Its bytes hold those of the services it carries: the node takes them off, and charges it for the rest.
    pub carries: bool,
    /// The peers it works with now: keys, or addresses of peers that have none. At most 32.
    pub partners: Vec<String>,
    /// Live figures of its own, for its panel: at most 6 KiB as JSON, so that a sample of all fits one event.
    pub detail: Value,
}
