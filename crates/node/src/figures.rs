//! What a sample tells: the node's figures at one moment.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// The node's figures at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Milliseconds since the sample before.
    pub interval_ms: u64,
    /// CPU time of this process since it started.
    pub cpu_ms: u64,
    /// Memory that this process holds, where the system tells.
    pub rss_bytes: Option<u64>,
    /// What it cost today to be there.
    pub idle: IdleCost,
    /// Each service that is on.
    pub services: BTreeMap<&'static str, ServiceFigures>,
}

/// What was spent in seconds in which no service moved anything for anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct IdleCost {
    /// Since when: the later of midnight (UTC) and the node's start, in milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// Bytes both ways.
    pub bytes: u64,
    /// CPU time.
    pub cpu_ms: u64,
}

/// A service's figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceFigures {
    /// Whether it works for somebody.
    pub busy: bool,
    /// Bytes that came for it since it started.
    pub bytes_in: u64,
    /// Bytes that it sent since it started.
    pub bytes_out: u64,
    /// Bytes a second that come.
    pub rate_in: u64,
    /// Bytes a second that go.
    pub rate_out: u64,
    /// The peers it works with.
    pub partners: Vec<String>,
    /// Its own figures.
    pub detail: Value,
}
