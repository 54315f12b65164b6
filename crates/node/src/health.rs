//! How the whole node is: its store and every service that should be on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use weft_events::EventSink;
use weft_service::Health;
use weft_store::{Store, StoreHealth};

use crate::event::NodeEvent;
use crate::switchboard::Switchboard;

/// Once a second: a person who frees disk space looks again about as often.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Knows how the parts below the services are.
#[derive(Clone)]
pub(crate) struct NodeHealth {
    store: Arc<dyn Store>,
}

/// How every part is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct HealthReport {
    /// `ok`, or `degraded` if any part is.
    pub(crate) status: &'static str,
    /// Each part by name: `store`, and the services that are on or should be.
    #[schema(value_type = std::collections::HashMap<String, Health>)]
    pub(crate) parts: BTreeMap<&'static str, Health>,
}

impl HealthReport {
    pub(crate) fn is_ok(&self) -> bool {
        self.parts.values().all(Health::is_ok)
    }
}

impl NodeHealth {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        NodeHealth { store }
    }

    pub(crate) fn report(&self, switchboard: &Switchboard) -> HealthReport {
        let store = match self.store.health() {
            StoreHealth::ReadOnly { because, mend } => Health::degraded(because, mend),
            _ => Health::Ok,
        };
        let services = switchboard.list().into_iter().filter_map(|service| Some((service.name, service.health?)));
        let parts: BTreeMap<_, _> = services.chain([("store", store)]).collect();
        let ok = parts.values().all(Health::is_ok);
        HealthReport { status: if ok { "ok" } else { "degraded" }, parts }
    }

    /// Tells the feed of every change, until `stop`.
    pub(crate) async fn watch(self, switchboard: Switchboard, events: EventSink, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut before = BTreeMap::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let now = self.report(&switchboard).parts;
            for (&part, health) in &now {
                // A part that was never seen was well.
                if before.get(part).unwrap_or(&Health::Ok) != health {
                    if let Health::Degraded { because, mend } = health {
                        tracing::warn!(part, %because, %mend, "degraded");
                    } else {
                        tracing::info!(part, "well again");
                    }
                    events.emit(&NodeEvent::HealthChanged { part, health: health.clone() });
                }
            }
            before = now;
        }
    }
}
