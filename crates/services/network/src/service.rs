//! The service: what the node sees.

use std::time::Instant;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use weft_overlay::Overlay;
use weft_service::{Activity, Health, Sample, Service, StartError};

use crate::pace::Pace;
use crate::{api, samples};

/// 200 peers in a snapshot, the latest seen: a page shows no more, and the API has them all.
const SNAPSHOT_PEERS: usize = 200;

/// 24 connected peers, the latest active, have their live figures in each sample: what fits the bound of a service's detail.
const LIVE_PEERS: usize = 24;

/// 8 KiB a second with one peer is work; less is keeping in touch.
const BUSY_RATE: u64 = 8 << 10;

/// Standing in the network.
pub struct NetworkService {
    overlay: Overlay,
    pace: Mutex<Pace>,
}

impl NetworkService {
    /// The face of `overlay`.
    pub fn new(overlay: Overlay) -> Self {
        NetworkService { overlay, pace: Mutex::default() }
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

    fn activity(&self) -> Activity {
        self.overlay.note_round_trips();
        let peers = self.overlay.peers().connected(LIVE_PEERS);
        let (bytes_in, bytes_out) = self.overlay.traffic();
        let dht = self.overlay.dht().status();
        let live = self.pace.lock().next(&peers, Instant::now());
        let partners = peers.iter().map(|peer| peer.id.clone()).collect();
        let dht = json!({ "state": dht.state, "nodes": dht.nodes, "lookups": dht.lookups,
            "lookups_running": dht.lookups_running, "announces": dht.announces });
        let busy = live.iter().any(|peer| peer.rate_in + peer.rate_out >= BUSY_RATE);
        Activity { busy, bytes_in, bytes_out, carries: true, partners, detail: json!({ "peers": live, "dht": dht }) }
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
