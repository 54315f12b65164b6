//! The one DHT node: swarms, roles, addresses of peers by key.
//!
//! BitTorrent's Mainline DHT (BEP 5, BEP 44), IPv4. The node takes others only when it is built, so while it knows nobody
//! it is built again with back-off, from the bootstrap list and from nodes of earlier runs. Names in the bootstrap list
//! are resolved by this machine's own resolver.

mod cache;

use std::net::{IpAddr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::{Stream, StreamExt};
use mainline::async_dht::AsyncDht;
use mainline::{Dht, Id, MutableItem};
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use weft_events::EventSink;

use crate::config::DhtConfig;
use crate::event::{DhtState, OverlayEvent};
use crate::guard::{AddressGuard, Origin};
use crate::status::DhtStatus;
use crate::tasks::Tasks;

pub(crate) use cache::NodeCache;

/// 1 s, then twice as long each time up to 60 s: a node that starts before its network does joins soon after it.
const FIRST_REBUILD: Duration = Duration::from_secs(1);
const LAST_REBUILD: Duration = Duration::from_secs(60);

/// 60 s between looks at the node's health once it is in the network.
const HEALTH_EVERY: Duration = Duration::from_secs(60);

/// 10 s for a first lookup: each of its queries has 2 s.
const JOIN_TIMEOUT: Duration = Duration::from_secs(10);

/// 60 s for a lookup or a put: several rounds of queries of 2 s each.
const QUERY_TIMEOUT: Duration = Duration::from_secs(60);

/// 64 lookups at a time: each has 20 queries in flight. More wait.
const MAX_QUERIES: usize = 64;

/// Why the DHT did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DhtError {
    /// It is switched off.
    #[error("the DHT is switched off (setting `overlay.dht`)")]
    Off,
    /// It knows no other node yet.
    #[error("the DHT knows no other node yet: it goes on trying; check the bootstrap list and that UDP passes")]
    Alone,
    /// Nobody stored what was put.
    #[error("no DHT node stored it: it is tried again later")]
    NotStored(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer took too long.
    #[error("the DHT did not answer within {} s", QUERY_TIMEOUT.as_secs())]
    TimedOut,
}

/// A handle on the node's one DHT node. Cheap to clone.
#[derive(Clone)]
pub struct DhtNode {
    inner: Arc<Inner>,
}

struct Inner {
    config: DhtConfig,
    guard: AddressGuard,
    events: EventSink,
    cache: NodeCache,
    current: RwLock<Option<AsyncDht>>,
    state: watch::Sender<DhtState>,
    health: Mutex<DhtStatus>,
    queries: Arc<tokio::sync::Semaphore>,
    asked: Arc<Asked>,
}

/// What this node asked of the DHT since it started.
#[derive(Default)]
struct Asked {
    lookups: AtomicU64,
    running: AtomicU64,
    announces: AtomicU64,
}

impl Asked {
    /// Counts a lookup until what it gives is dropped.
    fn lookup(self: &Arc<Self>) -> Running {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(Arc::clone(self))
    }
}

/// A lookup that is still going on.
struct Running(Arc<Asked>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

impl DhtNode {
    /// Starts the node and the task that keeps it in the network.
    pub(crate) fn start(
        config: DhtConfig,
        bootstrap: Vec<String>,
        guard: AddressGuard,
        cache: NodeCache,
        events: EventSink,
        tasks: &Tasks,
    ) -> DhtNode {
        let off = DhtStatus {
            state: if config.enabled { DhtState::Alone } else { DhtState::Off },
            bound: None,
            nodes: 0,
            estimated: 0,
            server: config.server_mode,
            ipv4_only: true,
            lookups: 0,
            lookups_running: 0,
            announces: 0,
        };
        let state = watch::Sender::new(off.state);
        let node = DhtNode {
            inner: Arc::new(Inner {
                config,
                guard,
                events,
                cache,
                current: RwLock::default(),
                state,
                health: Mutex::new(off),
                queries: Arc::new(tokio::sync::Semaphore::new(MAX_QUERIES)),
                asked: Arc::default(),
            }),
        };
        if node.inner.config.enabled {
            let keeper = node.clone();
            tasks.spawn(async move { keeper.keep_joined(bootstrap).await });
        }
        node
    }

    /// Announces that we serve `info_hash` on TCP `port` (BEP 5).
    ///
    /// # Errors
    /// [`DhtError`]; the announcement is not repeated by itself.
    pub async fn announce(&self, info_hash: [u8; 20], port: u16) -> Result<(), DhtError> {
        let dht = self.current()?;
        let _slot = self.inner.queries.acquire().await;
        self.inner.asked.announces.fetch_add(1, Ordering::Relaxed);
        let id = Id::from(info_hash);
        match tokio::time::timeout(QUERY_TIMEOUT, dht.announce_peer(id, Some(port))).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(DhtError::NotStored(Box::new(error))),
            Err(_) => Err(DhtError::TimedOut),
        }
    }

    /// Looks up who announced `info_hash` (BEP 5). Addresses come in as nodes answer; those that a stranger may not name
    /// on this network are left out. The stream ends with the lookup.
    ///
    /// # Errors
    /// [`DhtError::Off`] or [`DhtError::Alone`].
    pub fn get_peers(
        &self,
        info_hash: [u8; 20],
    ) -> Result<impl Stream<Item = Vec<SocketAddr>> + Send + Unpin + use<>, DhtError> {
        let dht = self.current()?;
        let guard = self.inner.guard.clone();
        let running = self.inner.asked.lookup();
        let found = dht.get_peers(Id::from(info_hash)).map(move |answer: Vec<SocketAddrV4>| {
            let _ = &running;
            let addresses = answer.into_iter().map(SocketAddr::V4);
            addresses.filter(|address| guard.allows(*address, Origin::Stranger)).collect()
        });
        Ok(Box::pin(found.take_until(tokio::time::sleep(QUERY_TIMEOUT))))
    }

    /// Puts a signed item (BEP 44).
    pub(crate) async fn put(&self, item: MutableItem) -> Result<(), DhtError> {
        let dht = self.current()?;
        let _slot = self.inner.queries.acquire().await;
        self.inner.asked.announces.fetch_add(1, Ordering::Relaxed);
        match tokio::time::timeout(QUERY_TIMEOUT, dht.put_mutable(item, None)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(DhtError::NotStored(Box::new(error))),
            Err(_) => Err(DhtError::TimedOut),
        }
    }

    /// Items under `key` and `salt` (BEP 44) as nodes answer, their signatures checked.
    pub(crate) fn get(
        &self,
        key: &[u8; 32],
        salt: Option<&[u8]>,
    ) -> Result<impl Stream<Item = MutableItem> + Send + Unpin + use<>, DhtError> {
        let running = self.inner.asked.lookup();
        let found = self.current()?.get_mutable(key, salt, None).inspect(move |_| {
            let _ = &running;
        });
        Ok(Box::pin(found.take_until(tokio::time::sleep(QUERY_TIMEOUT))))
    }

    /// Ends the node.
    pub(crate) fn stop(&self) {
        self.inner.current.write().take();
    }

    /// How it does.
    pub fn status(&self) -> DhtStatus {
        let asked = &self.inner.asked;
        DhtStatus {
            lookups: asked.lookups.load(Ordering::Relaxed),
            lookups_running: asked.running.load(Ordering::Relaxed),
            announces: asked.announces.load(Ordering::Relaxed),
            ..self.inner.health.lock().clone()
        }
    }

    /// Waits until the node is in the network.
    pub async fn joined(&self) {
        let mut state = self.inner.state.subscribe();
        let _ = state.wait_for(|state| *state == DhtState::Joined).await;
    }

    fn current(&self) -> Result<AsyncDht, DhtError> {
        match &*self.inner.current.read() {
            Some(dht) => Ok(dht.clone()),
            None if self.inner.config.enabled => Err(DhtError::Alone),
            None => Err(DhtError::Off),
        }
    }

    /// Builds the node, and builds it again while it is alone. Ends with the overlay.
    async fn keep_joined(&self, bootstrap: Vec<String>) {
        let mut wait = FIRST_REBUILD;
        let mut dht = None;
        loop {
            if dht.is_none() {
                dht = self.build(&bootstrap).await;
                self.inner.current.write().clone_from(&dht);
            }
            let joined = match &dht {
                Some(node) => self.examine(node).await,
                None => false,
            };
            if joined {
                wait = FIRST_REBUILD;
                tokio::time::sleep(HEALTH_EVERY).await;
                continue;
            }
            // A server that is alone stays where it is, at the port others may know it by: it waits to be found. With
            // somebody to ask it is built again, since it asks only when built.
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LAST_REBUILD);
            let alone = match &dht {
                Some(node) => node.info().await.dht_size_estimate().0 == 0 && node.to_bootstrap().await.is_empty(),
                None => true,
            };
            if alone && !self.seeds(&bootstrap).await.is_empty() {
                // The old one must be gone first: it holds the port.
                self.inner.current.write().take();
                dht = None;
            }
        }
    }

    async fn build(&self, bootstrap: &[String]) -> Option<AsyncDht> {
        let seeds = self.seeds(bootstrap).await;
        let config = &self.inner.config;
        let (ip, port) = config.bind;
        let mut builder = Dht::builder();
        builder.no_bootstrap();
        if !seeds.is_empty() {
            builder.bootstrap(&seeds);
        }
        if !ip.is_unspecified() {
            builder.bind_address(ip);
        }
        // The same port again after a rebuild: others know us by it.
        let port = match (port, self.inner.health.lock().bound) {
            (0, Some(before)) => before.port(),
            (port, _) => port,
        };
        if port != 0 {
            builder.port(port);
        }
        if config.server_mode {
            builder.server_mode();
        }
        let built = tokio::task::spawn_blocking(move || builder.build()).await.ok()?;
        match built {
            Ok(dht) => {
                let dht = dht.as_async();
                self.inner.health.lock().bound = Some(SocketAddr::V4(dht.info().await.local_addr()));
                Some(dht)
            }
            Err(error) => {
                tracing::warn!(%error, port, "the DHT node cannot be started: its UDP port is taken? It is tried again");
                None
            }
        }
    }

    /// Where to begin: resolved bootstrap names and nodes of earlier runs, without ourselves.
    async fn seeds(&self, bootstrap: &[String]) -> Vec<SocketAddrV4> {
        let mut seeds = Vec::new();
        for name in bootstrap {
            let Some((host, port)) = name.rsplit_once(':') else { continue };
            let Ok(port) = port.parse() else { continue };
            match self.inner.guard.resolve_checked(host, port, Origin::User).await {
                Ok(found) => seeds.extend(found.into_iter().filter_map(v4)),
                Err(error) => tracing::debug!(%error, name, "bootstrap node not found"),
            }
        }
        let guard = &self.inner.guard;
        let cached = self.inner.cache.load().into_iter();
        seeds.extend(cached.filter(|node| guard.allows(SocketAddr::V4(*node), Origin::Stranger)));
        let own = self.inner.health.lock().bound.and_then(v4);
        seeds.retain(|seed| Some(*seed) != own);
        seeds
    }

    /// Asks the node how it does. Says whether it is in the network.
    async fn examine(&self, dht: &AsyncDht) -> bool {
        // A lookup of its own id fills the table, and answers only when somebody was found or nobody is left to ask.
        let _ = tokio::time::timeout(JOIN_TIMEOUT, dht.bootstrapped()).await;
        let nodes = dht.to_bootstrap().await;
        let info = dht.info().await;
        let state = if nodes.is_empty() { DhtState::Alone } else { DhtState::Joined };
        let status = DhtStatus {
            state,
            bound: Some(SocketAddr::V4(info.local_addr())),
            nodes: nodes.len(),
            estimated: info.dht_size_estimate().0,
            server: info.server_mode(),
            ipv4_only: true,
            // Counted as they happen, and put in when somebody asks.
            lookups: 0,
            lookups_running: 0,
            announces: 0,
        };
        *self.inner.health.lock() = status;
        if state == DhtState::Joined {
            self.inner.cache.store(&nodes);
        }
        let changed = self.inner.state.send_if_modified(|now| std::mem::replace(now, state) != state);
        if changed {
            self.inner.events.emit(&OverlayEvent::Dht { state, nodes: nodes.len() });
        }
        state == DhtState::Joined
    }
}

fn v4(address: SocketAddr) -> Option<SocketAddrV4> {
    match address.ip() {
        IpAddr::V4(ip) => Some(SocketAddrV4::new(ip, address.port())),
        IpAddr::V6(_) => None,
    }
}
