//! People hear from the overlay which devices came and went.

use async_trait::async_trait;
use tokio::sync::Mutex;
use weft_events::{Event as _, Feed, Item, Record, Subscription};
use weft_identity::{DeviceKey, Reach};
use weft_overlay::{Overlay, OverlayEvent};
use weft_people::Sightings;

use super::reachability::reach_of;

/// Reads the overlay's events.
pub(crate) struct Lookout {
    overlay: Overlay,
    feed: Feed,
    position: Mutex<Subscription>,
}

impl Lookout {
    pub(crate) fn new(overlay: Overlay, feed: Feed) -> Self {
        let position = Mutex::new(feed.subscribe_now());
        Lookout { overlay, feed, position }
    }
}

#[async_trait]
impl Sightings for Lookout {
    async fn next(&self) -> Option<(DeviceKey, Reach)> {
        let mut position = self.position.lock().await;
        loop {
            match position.next().await {
                Item::Event(record) => {
                    if let Some(device) = seen(&record) {
                        return Some((device, reach_of(&self.overlay.addresses_of(&device))));
                    }
                }
                // Who came and went meanwhile will come and go again.
                Item::Resync { .. } => *position = self.feed.subscribe_now(),
            }
        }
    }
}

/// Where it is a peer has said by the time it goes; that it is there is known when it comes.
fn seen(record: &Record) -> Option<DeviceKey> {
    if record.source != OverlayEvent::SOURCE || !matches!(record.kind, "peer-connected" | "peer-disconnected") {
        return None;
    }
    #[derive(serde::Deserialize)]
    struct Seen {
        peer: DeviceKey,
    }
    serde_json::from_str::<Seen>(record.data.get()).ok().map(|seen| seen.peer)
}
