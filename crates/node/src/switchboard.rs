//! The services of this node, and which of them are on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use serde::Serialize;
use utoipa::ToSchema;
use weft_events::Feed;
use weft_overlay::{Overlay, StreamType};
use weft_service::{Activity, Health, Sample, Service, StartError};

use crate::event::NodeEvent;

/// Every service of the node. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub(crate) struct Switchboard {
    shared: Arc<Shared>,
}

struct Shared {
    slots: Vec<Slot>,
    overlay: Overlay,
    feed: Feed,
    /// One switch at a time: a start and a stop of one service never overlap.
    switching: tokio::sync::Mutex<()>,
}

struct Slot {
    service: Arc<dyn Service>,
    on: Arc<AtomicBool>,
    streams: Mutex<Vec<StreamType>>,
    /// Why the last try to switch it on failed.
    failed: Mutex<Option<Health>>,
}

/// A service as the API and the CLI show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ServiceStatus {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) summary: &'static str,
    /// Whether it is always on.
    pub(crate) core: bool,
    /// Whether it is on.
    pub(crate) on: bool,
    /// How it is, while it is on, or why it could not be switched on.
    pub(crate) health: Option<Health>,
}

/// Why a service was not switched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum SwitchError {
    /// There is no such service.
    #[error("there is no service `{0}`; `weft status` lists all")]
    Unknown(String),
    /// It is a core service.
    #[error("`{0}` is a core service and always on")]
    Core(&'static str),
    /// It did not start.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl Switchboard {
    pub(crate) fn new(services: Vec<Arc<dyn Service>>, overlay: Overlay, feed: Feed) -> Self {
        let slots = services
            .into_iter()
            .map(|service| Slot {
                service,
                on: Arc::new(AtomicBool::new(false)),
                streams: Mutex::default(),
                failed: Mutex::default(),
            })
            .collect();
        Switchboard { shared: Arc::new(Shared { slots, overlay, feed, switching: tokio::sync::Mutex::new(()) }) }
    }

    /// Switches the core services on, then those in `enable`.
    ///
    /// # Errors
    /// If a core service does not start. One of the others that does not is shown in the node's health instead.
    pub(crate) async fn start(&self, enable: &[String]) -> Result<(), StartError> {
        for slot in self.shared.slots.iter().filter(|slot| slot.service.is_core()) {
            self.turn_on(slot).await?;
        }
        for name in enable {
            match self.switch_on(name).await {
                Ok(()) | Err(SwitchError::Core(_)) => {}
                Err(error) => tracing::warn!(service = %name, %error, "a service of `services.enable` is not on"),
            }
        }
        Ok(())
    }

    /// Switches a service on. One that is on stays as it is.
    pub(crate) async fn switch_on(&self, name: &str) -> Result<(), SwitchError> {
        Ok(self.turn_on(self.slot(name)?).await?)
    }

    /// Switches a service off; what it acknowledged is on disk then. One that is off stays as it is.
    pub(crate) async fn switch_off(&self, name: &str) -> Result<(), SwitchError> {
        let slot = self.slot(name)?;
        if slot.service.is_core() {
            return Err(SwitchError::Core(slot.service.name()));
        }
        self.turn_off(slot).await;
        Ok(())
    }

    /// Stops every service, in the opposite order of their start.
    pub(crate) async fn stop(&self) {
        for slot in self.shared.slots.iter().rev() {
            self.turn_off(slot).await;
        }
    }

    async fn turn_on(&self, slot: &Slot) -> Result<(), StartError> {
        let _switching = self.shared.switching.lock().await;
        if slot.on.load(Ordering::Acquire) {
            return Ok(());
        }
        let service = &slot.service;
        if let Err(error) = service.start().await {
            *slot.failed.lock() = Some(Health::degraded(error.cause.clone(), error.mend.clone()));
            return Err(error);
        }
        *slot.failed.lock() = None;
        let streams = service.streams();
        *slot.streams.lock() = streams.iter().map(|(stream, _)| *stream).collect();
        for (stream, handler) in streams {
            self.shared.overlay.serve(stream, handler);
        }
        let source = Arc::clone(service);
        self.shared.feed.register_snapshot(service.name(), Arc::new(move || source.snapshot()));
        slot.on.store(true, Ordering::Release);
        tracing::info!(service = service.name(), "on");
        self.shared.feed.sink().emit(&NodeEvent::ServiceOn { service: service.name() });
        Ok(())
    }

    async fn turn_off(&self, slot: &Slot) {
        let _switching = self.shared.switching.lock().await;
        if !slot.on.swap(false, Ordering::AcqRel) {
            return;
        }
        let service = &slot.service;
        // Nobody new comes in while it stops.
        for stream in slot.streams.lock().drain(..) {
            self.shared.overlay.unserve(stream);
        }
        service.stop().await;
        self.shared.feed.unregister_snapshot(service.name());
        tracing::info!(service = service.name(), "off");
        self.shared.feed.sink().emit(&NodeEvent::ServiceOff { service: service.name() });
    }

    fn slot(&self, name: &str) -> Result<&Slot, SwitchError> {
        let found = self.shared.slots.iter().find(|slot| slot.service.name() == name);
        found.ok_or_else(|| SwitchError::Unknown(name.to_owned()))
    }

    /// Each service with the flag that says whether it is on: what its routes are mounted with.
    pub(crate) fn faces(&self) -> Vec<(Arc<dyn Service>, Arc<AtomicBool>)> {
        self.shared.slots.iter().map(|slot| (Arc::clone(&slot.service), Arc::clone(&slot.on))).collect()
    }

    /// Every service as it is.
    pub(crate) fn list(&self) -> Vec<ServiceStatus> {
        self.shared.slots.iter().map(Slot::status).collect()
    }

    /// One service as it is.
    pub(crate) fn get(&self, name: &str) -> Result<ServiceStatus, SwitchError> {
        self.slot(name).map(Slot::status)
    }

    /// What every service that is on does now.
    pub(crate) fn activities(&self) -> Vec<(&'static str, Activity)> {
        let on = self.shared.slots.iter().filter(|slot| slot.on.load(Ordering::Acquire));
        on.map(|slot| (slot.service.name(), slot.service.activity())).collect()
    }

    /// The counters and gauges of every service that is on.
    pub(crate) fn samples(&self) -> Vec<Sample> {
        let on = self.shared.slots.iter().filter(|slot| slot.on.load(Ordering::Acquire));
        on.flat_map(|slot| slot.service.samples()).collect()
    }
}

impl Slot {
    fn status(&self) -> ServiceStatus {
        let on = self.on.load(Ordering::Acquire);
        ServiceStatus {
            name: self.service.name(),
            summary: self.service.summary(),
            core: self.service.is_core(),
            on,
            health: if on { Some(self.service.health()) } else { self.failed.lock().clone() },
        }
    }
}
