//! Nodes for the tests.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use tracing_subscriber::EnvFilter;
use weft_events::{Feed, Item, Subscription};
use weft_identity::DeviceSecret;
use weft_overlay::{
    BoxLink, ConnectError, Connector, LinkHandler, Overlay, OverlayConfig, PathPolicy, PeerKey, RelayOffer, RelayRole,
    StreamType, Target,
};

/// Echoes what it hears. On the control connection.
pub(crate) const ECHO: StreamType = StreamType::new("echo/1");

/// The same as bulk.
pub(crate) const BULK: StreamType = StreamType::new("bt/1");

/// How long anything here may take on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

static NEXT_ADDRESS: AtomicU32 = AtomicU32::new(0);

/// An address in 127/8 that no other node of this process has.
pub(crate) fn address() -> Ipv4Addr {
    let n = NEXT_ADDRESS.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id() % 50;
    Ipv4Addr::new(127, 60 + process as u8, (n / 250) as u8, (n % 250) as u8 + 1)
}

/// A configuration for one node: loopback, no DHT.
pub(crate) fn config(network: &str) -> OverlayConfig {
    let mut config = OverlayConfig::loopback(network.parse().unwrap(), address());
    config.dht.enabled = false;
    config
}

/// The same, reachable through relays only.
pub(crate) fn hidden(network: &str) -> OverlayConfig {
    OverlayConfig { direct: false, ..config(network) }
}

/// The same, offering a relay.
pub(crate) fn relay(network: &str) -> OverlayConfig {
    OverlayConfig { relay: RelayOffer { role: RelayRole::On, ..RelayOffer::default() }, ..config(network) }
}

pub(crate) struct Node {
    pub(crate) overlay: Overlay,
    pub(crate) feed: Feed,
    pub(crate) key: PeerKey,
}

struct Echo;

impl LinkHandler for Echo {
    fn accept(&self, mut link: BoxLink) {
        tokio::spawn(async move {
            let mut word = [0; 64];
            while link.read_exact(&mut word).await.is_ok() {
                if link.write_all(&word).await.is_err() || link.flush().await.is_err() {
                    return;
                }
            }
        });
    }
}

impl Node {
    pub(crate) async fn start(config: OverlayConfig) -> Node {
        // `RUST_LOG=weft_overlay=debug` shows what goes on in a test that fails.
        let _ = tracing_subscriber::fmt().with_env_filter(EnvFilter::from_default_env()).with_test_writer().try_init();
        let feed = Feed::new();
        let secret = DeviceSecret::generate().unwrap();
        let overlay = Overlay::start(config, secret, feed.sink()).await.unwrap();
        overlay.serve(ECHO, Arc::new(Echo));
        overlay.serve(BULK, Arc::new(Echo));
        Node { key: overlay.key(), overlay, feed }
    }

    /// What an invitation of `other` says.
    pub(crate) fn knows(&self, other: &Node) {
        self.overlay.add_peer(other.key, other.overlay.addresses());
    }

    pub(crate) async fn connect(
        &self,
        to: &Node,
        purpose: StreamType,
        policy: PathPolicy,
    ) -> Result<BoxLink, ConnectError> {
        self.overlay.connect(Target::Peer(to.key), purpose, policy).await
    }

    /// Everything that happened, from the start.
    pub(crate) fn events(&self) -> Subscription {
        self.feed.subscribe_after(0)
    }

    /// Waits for an event of `kind` for which `fits` holds.
    pub(crate) async fn event(&self, events: &mut Subscription, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let found = async {
            loop {
                let Item::Event(record) = events.next().await else { continue };
                let data: Value = serde_json::from_str(record.data.get()).unwrap();
                if record.kind == kind && fits(&data) {
                    return data;
                }
            }
        };
        match tokio::time::timeout(SOON, found).await {
            Ok(data) => data,
            Err(_) => panic!("no {kind} event: {:#?}", self.overlay.status()),
        }
    }

    /// Waits until a home relay is connected, and gives its URL.
    pub(crate) async fn home(&self) -> String {
        let event = self.event(&mut self.events(), "home-relay", |_| true).await;
        event["url"].as_str().unwrap().to_owned()
    }
}

/// One echo over the link.
pub(crate) async fn echo(link: &mut BoxLink) -> std::io::Result<()> {
    let sent = [7; 64];
    let mut heard = [0; 64];
    let exchange = async {
        link.write_all(&sent).await?;
        link.flush().await?;
        link.read_exact(&mut heard).await
    };
    tokio::time::timeout(SOON, exchange).await??;
    assert_eq!(sent, heard);
    Ok(())
}

/// Waits until `true_now` says so. For what has no event.
pub(crate) async fn until(what: &str, mut true_now: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + SOON;
    while !true_now() {
        assert!(tokio::time::Instant::now() < deadline, "it never came true: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
