//! The node's own events.

use serde::Serialize;
use weft_service::Health;

use crate::figures::Figures;

/// What happened to the node itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NodeEvent {
    /// Everything is up.
    Ready {
        /// The API's address.
        api: String,
    },
    /// The node was asked to stop.
    Stopping,
    /// A service is on.
    ServiceOn {
        /// Its name.
        service: &'static str,
    },
    /// A service is off.
    ServiceOff {
        /// Its name.
        service: &'static str,
    },
    /// How much moves: counters and rates, sampled.
    Sample(Box<Figures>),
    /// A part is better or worse than it was.
    HealthChanged {
        /// `store`, or a service's name.
        part: &'static str,
        /// How it is now.
        health: Health,
    },
}

impl weft_events::Event for NodeEvent {
    const SOURCE: &'static str = "node";

    fn kind(&self) -> &'static str {
        match self {
            NodeEvent::Ready { .. } => "ready",
            NodeEvent::Stopping => "stopping",
            NodeEvent::ServiceOn { .. } => "service-on",
            NodeEvent::ServiceOff { .. } => "service-off",
            NodeEvent::Sample(_) => "sample",
            NodeEvent::HealthChanged { .. } => "health-changed",
        }
    }
}
