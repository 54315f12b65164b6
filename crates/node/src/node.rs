//! The node: everything put together, started and stopped.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weft_events::{Event as _, EventSink, SnapshotSource};
use weft_overlay::Overlay;
use weft_service::Service;

use crate::api::{self, ApiState, Credentials, Guard, NodeFacts, NodeStatus};
use crate::config::{Loaded, Origin};
use crate::data_dir::{ApiToken, DataDir, NodeAddress};
use crate::error::StartError;
use crate::event::NodeEvent;
use crate::first_run::FirstRun;
use crate::health::NodeHealth;
use crate::history::History;
use crate::identity::{self, IdentityError, Passphrase};
use crate::kernel::{Kernel, follow_port};
use crate::life::{Again, Life};
use crate::paths::Paths;
use crate::registry;
use crate::sampler::Sampler;
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::switchboard::Switchboard;

/// Once a second `node.json` is brought up to date: a relay that is offered later, a port that changed.
const ADDRESS_INTERVAL: Duration = Duration::from_secs(1);

/// What a node is started with.
pub struct NodeConfig {
    paths: Paths,
    loaded: Loaded,
    services: Vec<Arc<dyn Service>>,
    passphrase: Option<Passphrase>,
    restartable: bool,
    api: Option<SocketAddr>,
}

impl NodeConfig {
    /// A node with its data in `paths`, configured as `loaded` says.
    pub fn new(paths: Paths, loaded: Loaded) -> Self {
        NodeConfig { paths, loaded, services: Vec::new(), passphrase: None, restartable: false, api: None }
    }

    /// Its owner may ask for a new start, and whoever runs it makes it: see [`Node::asked_to_restart`].
    #[must_use]
    pub fn restartable(mut self) -> Self {
        self.restartable = true;
        self
    }

    /// The API listens here rather than at any free port, if it can: where it was before a new start.
    #[must_use]
    pub fn api_as_before(mut self, api: SocketAddr) -> Self {
        self.api = Some(api);
        self
    }

    /// Whether the keystore has a passphrase that nothing but a person can give.
    ///
    /// # Errors
    /// [`IdentityError`] if the keystore or the passphrase's file cannot be read.
    pub fn needs_passphrase(&self) -> Result<bool, IdentityError> {
        identity::needs_typing(&self.paths.data_dir, &self.loaded.config.identity)
    }

    /// With the keystore's passphrase as somebody typed it, in place of the configured source.
    #[must_use]
    pub fn passphrase(mut self, passphrase: Passphrase) -> Self {
        self.passphrase = Some(passphrase);
        self
    }

    /// With a service beside those of the registry, or in place of the one of its name: for programs that embed a node.
    #[must_use]
    pub fn service(mut self, service: Arc<dyn Service>) -> Self {
        self.services.push(service);
        self
    }
}

/// A running node.
pub struct Node {
    data_dir: Arc<DataDir>,
    token: ApiToken,
    kernel: Kernel,
    switchboard: Switchboard,
    facts: Arc<Facts>,
    identity_is_new: bool,
    sessions: Arc<Sessions>,
    life: Arc<Life>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Node {
    /// Starts a node: data folder, identity, kernel, services, API. It is ready when this returns.
    ///
    /// # Errors
    /// [`StartError`] names what stood in the way and what to do; nothing is left running.
    pub async fn start(config: NodeConfig) -> Result<Node, StartError> {
        let NodeConfig { paths, loaded, services, passphrase, restartable, api } = config;
        let data_dir = DataDir::open(&paths.data_dir)?;
        let token = data_dir.api_token()?;
        let listener = api_listener(&loaded, api).await?;
        let api = listener.local_addr().map_err(|source| api_listen(loaded.config.api.listen, source))?;
        let (dir, identity) = (paths.data_dir.clone(), loaded.config.identity.clone());
        let unlocked = tokio::task::spawn_blocking(move || identity::open_or_create(&dir, &identity, passphrase));
        let (unlocked, identity_is_new) = unlocked.await.map_err(StartError::Interrupted)??;
        let kernel = Kernel::start(&paths.data_dir, &loaded, unlocked).await?;

        let mut all = registry::services(&kernel, &loaded.config, &paths.data_dir);
        all.retain(|own| services.iter().all(|given| given.name() != own.name()));
        all.extend(services);
        let switchboard = Switchboard::new(all, kernel.overlay.clone(), kernel.feed.clone());
        if let Err(error) = switchboard.start(&loaded.config.services.enable).await {
            switchboard.stop().await;
            kernel.stop().await;
            return Err(error.into());
        }

        let facts = Arc::new(Facts::new(&kernel, &paths, &loaded, api));
        let sessions = Arc::new(Sessions::open(&paths.data_dir));
        let node = Node {
            data_dir: Arc::new(data_dir),
            token,
            kernel,
            switchboard,
            facts,
            identity_is_new,
            sessions,
            life: Arc::new(Life::new(restartable)),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        node.serve(listener, api, paths, loaded);
        if let Err(error) = node.data_dir.publish(&node.address()) {
            node.stop().await;
            return Err(error.into());
        }
        let address = node.address();
        node.kernel.feed.sink().emit(&NodeEvent::Ready { api: address.api.clone() });
        tracing::info!(api = %address.api, peer = %address.peer, "ready");
        Ok(node)
    }

    /// Starts the tasks that live as long as the node.
    fn serve(&self, listener: TcpListener, api: SocketAddr, paths: Paths, loaded: Loaded) {
        let health = NodeHealth::new(Arc::clone(&self.kernel.store));
        let sampler = Sampler::new(self.switchboard.clone());
        let history = History::new(self.kernel.feed.clone());
        let peer = self.kernel.overlay.key().to_string();
        let credentials = Credentials::new(self.token.clone(), Arc::clone(&self.sessions), &peer);
        let state = ApiState {
            feed: self.kernel.feed.clone(),
            history: history.clone(),
            switchboard: self.switchboard.clone(),
            settings: Arc::new(Settings::new(loaded, self.kernel.engine.clone())),
            credentials: credentials.clone(),
            first_run: FirstRun::open(&paths.data_dir, self.identity_is_new, &paths.config_file),
            life: Arc::clone(&self.life),
            paths: Arc::new(paths),
            facts: Arc::clone(&self.facts) as Arc<dyn NodeFacts>,
            health: health.clone(),
            stop: self.stop.clone(),
            event_readers: ApiState::event_readers(),
        };
        self.kernel.feed.register_snapshot(NodeEvent::SOURCE, own_snapshot(&state, sampler.clone()));
        let router = api::router(state, Guard::new(api, credentials));
        self.tasks.spawn(api::serve(listener, router, self.stop.clone()));
        self.tasks.spawn(history.keep(self.stop.clone()));
        self.tasks.spawn(sampler.run(self.kernel.feed.sink(), self.stop.clone()));
        self.tasks.spawn(health.watch(self.switchboard.clone(), self.kernel.feed.sink(), self.stop.clone()));
        let (overlay, engine) = (self.kernel.overlay.clone(), self.kernel.engine.clone());
        self.tasks.spawn(follow_port(overlay, engine, self.stop.clone()));
        self.tasks.spawn(keep_published(Arc::clone(&self.data_dir), Arc::clone(&self.facts), self.stop.clone()));
    }

    /// Where this node is: what `node.json` says.
    pub fn address(&self) -> NodeAddress {
        self.facts.address()
    }

    /// Where the API listens.
    pub fn api_address(&self) -> SocketAddr {
        self.facts.api
    }

    /// The API's token.
    pub fn token(&self) -> &ApiToken {
        &self.token
    }

    /// Where events of this node's feed go in: for services of a program that embeds it.
    pub fn events(&self) -> EventSink {
        self.kernel.feed.sink()
    }

    /// The data folder.
    pub fn data_dir(&self) -> &Path {
        self.data_dir.path()
    }

    /// The network's name: `public`, or `private/<name>`.
    pub fn network(&self) -> String {
        self.facts.network.clone()
    }

    /// Whether this start made the identity: its recovery phrase is not written down yet.
    pub fn identity_is_new(&self) -> bool {
        self.identity_is_new
    }

    /// A new address that signs one browser in to the dashboard, once.
    ///
    /// # Errors
    /// [`StartError::NoRandomness`] if the system has none to make a secret of.
    pub fn login_address(&self) -> Result<String, StartError> {
        let code = self.sessions.code().map_err(StartError::NoRandomness)?;
        Ok(api::login_address(&self.address().api, &code))
    }

    /// Waits until the owner asks for a new start: [`stop`](Self::stop) it then, and start it anew.
    pub async fn asked_to_restart(&self) -> Again {
        self.life.asked().await
    }

    /// Stops: the API first, then services, content, overlay. What was acknowledged is on disk when this returns.
    pub async fn stop(self) {
        tracing::info!("stopping");
        self.kernel.feed.sink().emit(&NodeEvent::Stopping);
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.data_dir.withdraw();
        // It holds the store, and the feed holds it.
        self.kernel.feed.unregister_snapshot(NodeEvent::SOURCE);
        self.switchboard.stop().await;
        self.kernel.stop().await;
    }
}

/// The API's socket. The usual port, if it is taken, gives way to any other; one that somebody chose does not.
async fn api_listener(loaded: &Loaded, before: Option<SocketAddr>) -> Result<TcpListener, StartError> {
    let address = loaded.config.api.listen;
    if !address.ip().is_loopback() {
        return Err(StartError::NotLoopback(address));
    }
    // A page that waits for the node looks where it was.
    let fits = |before: &SocketAddr| {
        before.ip() == address.ip()
            && (address.port() == 0
                || before.port() == address.port()
                || loaded.origin("api.listen") == Origin::Default)
    };
    if let Some(before) = before.filter(fits)
        && let Ok(listener) = TcpListener::bind(before).await
    {
        return Ok(listener);
    }
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error)
            if error.kind() == std::io::ErrorKind::AddrInUse && loaded.origin("api.listen") == Origin::Default =>
        {
            tracing::warn!(%address, "the usual API port is taken; this node takes another");
            let any = SocketAddr::new(address.ip(), 0);
            TcpListener::bind(any).await.map_err(|source| api_listen(any, source))
        }
        Err(source) => Err(api_listen(address, source)),
    }
}

fn api_listen(address: SocketAddr, source: std::io::Error) -> StartError {
    StartError::ApiListen { address, source }
}

/// The node's own part of a snapshot of the feed: what its events keep up to date.
fn own_snapshot(state: &ApiState, sampler: Sampler) -> SnapshotSource {
    let (facts, health, switchboard) = (Arc::clone(&state.facts), state.health.clone(), state.switchboard.clone());
    Arc::new(move || {
        serde_json::json!({
            "status": facts.status(),
            "health": health.report(&switchboard),
            "services": switchboard.list(),
            "sample": sampler.last(),
        })
    })
}

/// Keeps `node.json` true until `stop`.
async fn keep_published(data_dir: Arc<DataDir>, facts: Arc<Facts>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(ADDRESS_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut said = facts.address();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let now = facts.address();
        if now == said {
            continue;
        }
        match data_dir.publish(&now) {
            Ok(()) => said = now,
            Err(error) => tracing::warn!(%error, "node.json is not up to date"),
        }
    }
}

/// Who and where this node is, asked of its parts.
struct Facts {
    overlay: Overlay,
    user: String,
    device_name: String,
    network: String,
    data_dir: std::path::PathBuf,
    files_dir: std::path::PathBuf,
    api: SocketAddr,
    started: Instant,
}

impl Facts {
    fn new(kernel: &Kernel, paths: &Paths, loaded: &Loaded, api: SocketAddr) -> Self {
        Facts {
            overlay: kernel.overlay.clone(),
            user: kernel.identity.user_key().to_string(),
            device_name: kernel.identity.certificate().name().to_string(),
            network: kernel.overlay.network().wire_name(),
            data_dir: paths.data_dir.clone(),
            files_dir: loaded.config.files.download_dir(&paths.data_dir),
            api,
            started: Instant::now(),
        }
    }

    fn address(&self) -> NodeAddress {
        let status = self.status();
        NodeAddress {
            pid: status.pid,
            api: status.api,
            peer: status.peer,
            user: status.user,
            tcp: status.tcp,
            udp: status.udp,
            dht: status.dht,
            relay: status.relay,
            version: status.version,
        }
    }
}

impl NodeFacts for Facts {
    fn status(&self) -> NodeStatus {
        let overlay = self.overlay.status();
        NodeStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            peer: overlay.key.to_string(),
            user: self.user.clone(),
            device_name: self.device_name.clone(),
            network: self.network.clone(),
            data_dir: self.data_dir.clone(),
            files_dir: self.files_dir.clone(),
            api: format!("http://{}", self.api),
            tcp: overlay.tcp,
            udp: overlay.udp.first().copied(),
            dht: overlay.dht.bound,
            // As `overlay.relay_hints` of another node takes it.
            relay: overlay.offered_relay.map(|relay| format!("{}#{}", relay.url, relay.discovery_port)),
            uptime_seconds: self.started.elapsed().as_secs(),
        }
    }
}
