//! The service: what the node sees.

use async_trait::async_trait;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use weft_overlay::Overlay;
use weft_service::{Health, Sample, Service, StartError};

use crate::{api, samples};

/// 200 peers in a snapshot, the latest seen: a page shows no more, and the API has them all.
const SNAPSHOT_PEERS: usize = 200;

/// Standing in the network.
pub struct NetworkService {
    overlay: Overlay,
}

impl NetworkService {
    /// The face of `overlay`.
    pub fn new(overlay: Overlay) -> Self {
        NetworkService { overlay }
    }
}

#[async_trait]
impl Service for NetworkService {
    fn name(&self) -> &'static str {
        "network"
    }

    fn summary(&self) -> &'static str {
        "finds peers, and the paths to them"
    }

    fn api(&self) -> OpenApiRouter {
        api::router(self.overlay.clone())
    }

    fn snapshot(&self) -> Value {
        let mut peers = self.overlay.peers().snapshot();
        peers.truncate(SNAPSHOT_PEERS);
        json!({ "status": self.overlay.status(), "peers": peers })
    }

    fn samples(&self) -> Vec<Sample> {
        samples::samples(&self.overlay.status(), &self.overlay.peers().snapshot(), &self.overlay.listener_counts())
    }

    fn health(&self) -> Health {
        // That nobody is reachable is no fault of the node: it works on a plane too, and `weft doctor` says so.
        if self.overlay.tcp_port().is_some() {
            return Health::Ok;
        }
        Health::degraded("no TCP port is open for peers", "free the port of `overlay.port`, or choose another")
    }

    fn is_core(&self) -> bool {
        true
    }

    async fn start(&self) -> Result<(), StartError> {
        // The overlay runs as long as the node: every service stands on it.
        Ok(())
    }

    async fn stop(&self) {}
}
