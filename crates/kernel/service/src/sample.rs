//! Counters and gauges, read when somebody asks.

use std::borrow::Cow;

/// Whether a value only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleKind {
    /// Only grows while the node runs: bytes sent. OpenMetrics appends `_total`.
    Counter,
    /// Goes up and down: open connections.
    Gauge,
}

/// One metric value at this moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Name without the `weft_` prefix and without `_total`, with the unit at its end: `files_download_bytes`.
    pub name: &'static str,
    /// What it counts, in a line.
    pub help: &'static str,
    /// Whether it only grows.
    pub kind: SampleKind,
    /// Few, and from a closed set: never a peer's key or an info-hash.
    pub labels: Vec<(&'static str, Cow<'static, str>)>,
    /// The value.
    pub value: f64,
}

impl Sample {
    /// A counter without labels.
    #[allow(clippy::cast_precision_loss)]
    pub fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        Sample { name, help, kind: SampleKind::Counter, labels: Vec::new(), value: value as f64 }
    }

    /// A gauge without labels.
    pub fn gauge(name: &'static str, help: &'static str, value: f64) -> Self {
        Sample { name, help, kind: SampleKind::Gauge, labels: Vec::new(), value }
    }

    /// With one more label.
    pub fn label(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.labels.push((name, value.into()));
        self
    }
}
