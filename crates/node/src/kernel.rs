//! The kernel of one node: what the services are built on, started bottom up and stopped top down.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use weft_content::{Engine, Seams};
use weft_events::Feed;
use weft_identity::{Identity, NetworkName, Unlocked};
use weft_overlay::{Overlay, OverlayConfig};
use weft_store::{FjallStore, Store, StoreOptions};

use crate::adapters::{DhtDiscovery, MagnetHints};
use crate::config::{Config, Loaded, Origin};
use crate::error::StartError;

/// The folder of the store in the data folder.
const STORE_DIR: &str = "store";

/// 5 s: a mapping lasts hours, and an announce is made at most every few minutes.
const PORT_INTERVAL: Duration = Duration::from_secs(5);

/// What the services are built on.
pub(crate) struct Kernel {
    pub(crate) identity: Arc<Identity>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) feed: Feed,
    pub(crate) overlay: Overlay,
    pub(crate) engine: Engine,
    pub(crate) network: NetworkName,
}

impl Kernel {
    /// Starts it for a node whose data is in `data_dir`.
    pub(crate) async fn start(data_dir: &Path, loaded: &Loaded, unlocked: Unlocked) -> Result<Self, StartError> {
        let config = &loaded.config;
        let network = weft_network::network_name(&config.network.name).map_err(StartError::Setting)?;
        let overlay_config = overlay_config(data_dir, loaded)?;
        let store_dir = data_dir.join(STORE_DIR);
        let store = tokio::task::spawn_blocking(move || FjallStore::open(store_dir, StoreOptions::default()));
        let store: Arc<dyn Store> = Arc::new(store.await.map_err(StartError::Interrupted)??);
        let feed = Feed::new();
        let Unlocked { identity, transport } = unlocked;
        let overlay = Overlay::start(overlay_config, transport, feed.sink()).await?;
        let engine = match start_engine(data_dir, config, &overlay, &store, &feed).await {
            Ok(engine) => engine,
            Err(error) => {
                overlay.shutdown().await;
                return Err(error);
            }
        };
        Ok(Kernel { identity: Arc::new(identity), store, feed, overlay, engine, network })
    }

    /// Stops it. What was acknowledged is on disk when this returns.
    pub(crate) async fn stop(&self) {
        self.engine.shutdown().await;
        self.overlay.shutdown().await;
    }
}

/// Tells trackers and the DHT, through content, the port at which peers reach us: the router's while it forwards one.
pub(crate) async fn follow_port(overlay: Overlay, engine: Engine, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(PORT_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut said = overlay.tcp_port();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let mapped = overlay.status().tcp_mapped.map(|address| address.port());
        let port = mapped.or_else(|| overlay.tcp_port());
        if port != said {
            engine.set_listen_port(port);
            said = port;
        }
    }
}

async fn start_engine(
    data_dir: &Path,
    config: &Config,
    overlay: &Overlay,
    store: &Arc<dyn Store>,
    feed: &Feed,
) -> Result<Engine, StartError> {
    let mut engine = config.files.engine_config(data_dir);
    engine.listen_port = overlay.tcp_port();
    let seams = Seams {
        connector: Arc::new(overlay.clone()),
        guard: overlay.guard().clone(),
        discovery: config.network.dht.then(|| Arc::new(DhtDiscovery(overlay.clone())) as _),
        hints: Some(Arc::new(MagnetHints(overlay.clone()))),
        events: feed.sink(),
        store: Arc::clone(store),
        device: Some(overlay.key()),
    };
    Ok(Engine::start(engine, seams).await?)
}

/// What the overlay is told. A usual port that is taken gives way to any other: two nodes of one person on one machine
/// need no setting. A port that somebody chose does not.
fn overlay_config(data_dir: &Path, loaded: &Loaded) -> Result<OverlayConfig, StartError> {
    let Config { network, overlay, .. } = &loaded.config;
    let mut config = weft_network::overlay_config(network, overlay, data_dir).map_err(StartError::Setting)?;
    if loaded.origin("overlay.port") == Origin::Default && is_taken(SocketAddr::new(config.bind_ip, config.port)) {
        tracing::warn!(port = config.port, "the usual port is taken; this node takes another");
        config.port = 0;
    }
    Ok(config)
}

fn is_taken(address: SocketAddr) -> bool {
    let in_use = |error: std::io::Error| error.kind() == std::io::ErrorKind::AddrInUse;
    TcpListener::bind(address).err().is_some_and(in_use) || UdpSocket::bind(address).err().is_some_and(in_use)
}
