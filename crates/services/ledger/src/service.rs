//! The service: what the node sees.

use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::{B256, U256};
use async_trait::async_trait;
use parking_lot::RwLock;
use serde_json::{Value, json};
use tokio::sync::Notify;
use utoipa_axum::router::OpenApiRouter;
use weft_events::EventSink;
use weft_identity::Identity;
use weft_overlay::{BoxLink, LinkHandler, Overlay, StreamType};
use weft_service::{Activity, Health, Sample, Service, StartError};
use weft_store::{FjallStore, OpenError, Store, StoreOptions};

use crate::api;
use crate::config::LedgerConfig;
use crate::facade::Facade;
use crate::faucet;
use crate::files::{FileError, Folder};
use crate::genesis::{FirstValidator, MakeChainError, NewChain, make};
use crate::genesis_link::{self, FetchError, Giver, OnChain, fetch, hash_of};
use crate::instance::{Instance, RunError, Surroundings};
use crate::peering::{self, Named};
use crate::snapshot::{self, Step, TakeError};
use crate::status::LedgerStatus;
use crate::ticket::{Candidate, Ticket};
use crate::view::ValidatorView;
use crate::wallet::Wallet;

const NAME: &str = "ledger";

/// 60 s without a block, on a chain that makes one every few seconds: its validators do not reach each other.
const STALLED: Duration = Duration::from_secs(60);

/// What the service is made of.
pub struct LedgerParts {
    /// Whose account it is.
    pub identity: Arc<Identity>,
    /// What reaches peers.
    pub overlay: Overlay,
    /// Who is told.
    pub events: EventSink,
    /// The ledger's folder.
    pub dir: std::path::PathBuf,
    /// Its section of the configuration.
    pub config: LedgerConfig,
    /// What stands before it: the Ethereum RPC.
    pub facade: Arc<dyn Facade>,
}

/// Why this node did not get onto a chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum EnterError {
    /// It is on one.
    #[error("this node is on a chain already: `weft ledger leave` puts it aside")]
    OnChain,
    /// No chain can be made so.
    #[error(transparent)]
    Make(#[from] MakeChainError),
    /// The genesis did not come.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Nobody gave a snapshot.
    #[error("this node does not begin at a snapshot")]
    Take(#[from] TakeError),
    /// It was told to leave while it was on its way.
    #[error("it was told to leave before it was there")]
    GivenUp,
    /// The file is no genesis.
    #[error("the file is no genesis of a chain")]
    NoGenesis,
    /// It does not run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The ledger of this node.
pub struct LedgerService {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) around: Surroundings,
    /// Held while a chain is entered or left.
    switching: tokio::sync::Mutex<()>,
    instance: RwLock<Option<Arc<Instance>>>,
    genesis: OnChain,
    last_block: RwLock<(u64, Instant)>,
    /// How far the taking of a snapshot is.
    entering: RwLock<Option<Step>>,
    /// Tells it to end.
    give_up: Notify,
}

/// Where a chain begins on a node that gets onto it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// At its first block: all are executed.
    Genesis,
    /// At a snapshot that a peer gives.
    Snapshot,
}

impl LedgerService {
    /// A service of these parts. Nothing runs before it is started.
    pub fn new(parts: LedgerParts) -> Self {
        let LedgerParts { identity, overlay, events, dir, config, facade } = parts;
        let wallet = Wallet::new(identity);
        let around = Surroundings { overlay, events, folder: Folder::new(dir), config, facade, wallet };
        let shared = Shared {
            around,
            switching: tokio::sync::Mutex::default(),
            instance: RwLock::default(),
            genesis: Arc::default(),
            last_block: RwLock::new((0, Instant::now())),
            entering: RwLock::default(),
            give_up: Notify::new(),
        };
        LedgerService { shared: Arc::new(shared) }
    }
}

impl Shared {
    /// The chain that runs.
    pub(crate) fn instance(&self) -> Option<Arc<Instance>> {
        self.instance.read().clone()
    }

    /// The genesis file of the chain.
    pub(crate) fn genesis(&self) -> Option<Arc<[u8]>> {
        self.genesis.read().as_ref().map(|(_, file)| Arc::clone(file))
    }

    /// This node, as others name it in a genesis.
    pub(crate) fn candidate(&self) -> Result<Candidate, FileError> {
        let key = self.around.folder.validator_key()?;
        Ok(Candidate {
            account: self.around.wallet.address(),
            public_key: B256::from(key.verifying_key().to_bytes()),
            node: self.me(),
        })
    }

    fn me(&self) -> Named {
        Named { peer: self.around.overlay.key(), addresses: self.around.overlay.addresses() }
    }

    /// How others get onto the chain that runs.
    pub(crate) fn ticket(&self) -> Option<Ticket> {
        let chain = Arc::clone(self.instance()?.ledger.chain());
        Some(Ticket { chain_id: chain.spec().chain_id, genesis: chain.genesis_hash(), peers: vec![self.me()] })
    }

    /// Makes a chain with these validators, and runs it.
    pub(crate) async fn init(&self, mut new: NewChain, others: Vec<(Candidate, u64)>) -> Result<(), EnterError> {
        let _switching = self.switching.lock().await;
        self.vacant().await?;
        for (candidate, power) in &others {
            new.validators.push(FirstValidator {
                address: candidate.account,
                public_key: candidate.public_key,
                power: *power,
            });
        }
        let made = tokio::task::spawn_blocking(move || make(&new)).await.map_err(RunError::from)??;
        let peers = others.into_iter().map(|(candidate, _)| candidate.node).collect();
        self.enter(made, peers).await
    }

    /// Gets onto the chain of a ticket.
    pub(crate) async fn join(&self, ticket: Ticket, begin: Begin) -> Result<(), EnterError> {
        let _switching = self.switching.lock().await;
        self.vacant().await?;
        for named in &ticket.peers {
            self.around.overlay.add_peer(named.peer, named.addresses.clone());
        }
        let genesis = fetch(&self.around.overlay, &ticket.peers, ticket.genesis).await?;
        self.go(genesis, ticket.peers, begin).await
    }

    /// Gets onto the chain of a genesis file, by way of `peers`.
    pub(crate) async fn join_by_file(
        &self,
        genesis: Vec<u8>,
        peers: Vec<Named>,
        begin: Begin,
    ) -> Result<(), EnterError> {
        let _switching = self.switching.lock().await;
        self.vacant().await?;
        for named in &peers {
            self.around.overlay.add_peer(named.peer, named.addresses.clone());
        }
        self.go(genesis, peers, begin).await
    }

    async fn go(&self, genesis: Vec<u8>, peers: Vec<Named>, begin: Begin) -> Result<(), EnterError> {
        if begin == Begin::Snapshot {
            let taken = tokio::select! {
                taken = self.take(&genesis, &peers) => taken,
                () = self.give_up.notified() => Err(EnterError::GivenUp),
            };
            *self.entering.write() = None;
            taken?;
        }
        self.enter(genesis, peers).await
    }

    /// Fills the store from a snapshot.
    async fn take(&self, genesis: &[u8], peers: &[Named]) -> Result<(), EnterError> {
        *self.entering.write() = Some(Step::Waiting);
        let folder = self.around.folder.clone();
        let open = move || FjallStore::open(folder.store(), StoreOptions::default());
        let opened = tokio::task::spawn_blocking(open).await.map_err(RunError::from)?;
        let store: Arc<dyn Store> = Arc::new(opened.map_err(RunError::from)?);
        let say = |step| *self.entering.write() = Some(step);
        let height = snapshot::take(&self.around.overlay, peers, genesis, store, &say).await?;
        tracing::info!(height, "the ledger begins at a snapshot");
        Ok(())
    }

    /// How far the taking of a snapshot is, if one is taken.
    pub(crate) fn entering(&self) -> Option<Step> {
        *self.entering.read()
    }

    /// Puts the chain aside. Says where it is then.
    pub(crate) async fn leave(&self) -> Result<Option<std::path::PathBuf>, EnterError> {
        if self.entering().is_some() {
            self.give_up.notify_waiters();
        }
        let _switching = self.switching.lock().await;
        let Some((hash, _)) = self.genesis.read().clone() else { return Ok(None) };
        self.stop().await;
        let (folder, name) = (self.around.folder.clone(), hash.to_string()[2..10].to_owned());
        let aside = tokio::task::spawn_blocking(move || folder.put_aside(&name)).await.map_err(RunError::from)??;
        *self.genesis.write() = None;
        Ok(Some(aside))
    }

    /// Sees to it that there is no chain, nor what a try to get onto one has left.
    async fn vacant(&self) -> Result<(), EnterError> {
        if self.genesis.read().is_some() {
            return Err(EnterError::OnChain);
        }
        let folder = self.around.folder.clone();
        let cleared = tokio::task::spawn_blocking(move || {
            // A try that was given up may still write: the store's lock says when it does not.
            if folder.store().exists()
                && let Err(error @ OpenError::InUse { .. }) = FjallStore::open(folder.store(), StoreOptions::default())
            {
                return Err(RunError::from(error).into());
            }
            Ok::<_, EnterError>(folder.clear_store()?)
        });
        cleared.await.map_err(RunError::from)?
    }

    async fn enter(&self, genesis: Vec<u8>, peers: Vec<Named>) -> Result<(), EnterError> {
        let genesis: Arc<[u8]> = genesis.into();
        let (folder, file) = (self.around.folder.clone(), Arc::clone(&genesis));
        let kept = tokio::task::spawn_blocking(move || {
            let hash = hash_of(&file).ok_or(EnterError::NoGenesis)?;
            folder.keep_genesis(&file)?;
            folder.keep_peers(&peers);
            Ok::<_, EnterError>(hash)
        });
        let hash = kept.await.map_err(RunError::from)??;
        *self.genesis.write() = Some((hash, Arc::clone(&genesis)));
        self.run(genesis).await?;
        Ok(())
    }

    async fn run(&self, genesis: Arc<[u8]>) -> Result<(), RunError> {
        let instance = Instance::start(self.around.clone(), genesis).await?;
        *self.last_block.write() = (instance.ledger.chain().height(), Instant::now());
        *self.instance.write() = Some(instance);
        Ok(())
    }

    async fn stop(&self) {
        let instance = self.instance.write().take();
        if let Some(instance) = instance {
            instance.stop().await;
        }
    }

    /// For how long there was no new block.
    fn since_block(&self, height: u64) -> Duration {
        let mut last = self.last_block.write();
        if last.0 != height {
            *last = (height, Instant::now());
        }
        last.1.elapsed()
    }

    fn health(&self) -> Health {
        let Some(instance) = self.instance() else { return Health::Ok };
        if let Some(failure) = instance.failure() {
            return Health::degraded(
                format!("the ledger has stopped: {failure}"),
                "see the log, mend the cause, and start the node again",
            );
        }
        let height = instance.ledger.chain().height();
        let stalled = self.since_block(height);
        let beats = instance.ledger.sync().is_none();
        if beats && stalled >= STALLED {
            return Health::degraded(
                format!("no block since {} s, at height {height}", stalled.as_secs()),
                "validators with more than two thirds of the power must be up and reach each other: see `weft ledger validators`",
            );
        }
        match instance.watch.silent() {
            Some((at, why)) if at == height + 1 => Health::degraded(
                format!("this validator does not sign at height {at}: {why}"),
                "it goes on by itself at the next height; if it does not, its log of what it signed was lost or copied",
            ),
            _ => match instance.no_faucet() {
                Some(error) => Health::degraded(format!("this node should be a faucet: {error}"), error.mend()),
                None => Health::Ok,
            },
        }
    }
}

/// Hands links to the chain that runs; without one they are closed.
struct Door(Arc<Shared>);

impl LinkHandler for Door {
    fn accept(&self, link: BoxLink) {
        if let Some(instance) = self.0.instance() {
            instance.peering.accept(link);
        }
    }
}

/// Hands links of those who want a snapshot to it.
struct SnapshotDoor(Arc<Shared>);

impl LinkHandler for SnapshotDoor {
    fn accept(&self, link: BoxLink) {
        if let Some(instance) = self.0.instance() {
            tokio::spawn(snapshot::give(link, Arc::clone(instance.ledger.chain()), Arc::clone(&instance.shelf)));
        }
    }
}

#[async_trait]
impl Service for LedgerService {
    fn name(&self) -> &'static str {
        NAME
    }

    fn summary(&self) -> &'static str {
        "a chain among peers: final blocks, contracts, Ethereum's tools"
    }

    fn api(&self) -> OpenApiRouter {
        api::router(Arc::clone(&self.shared))
    }

    fn streams(&self) -> Vec<(StreamType, Arc<dyn LinkHandler>)> {
        let shared = Arc::clone(&self.shared);
        let faucet = faucet::Server::new(Arc::new(move || {
            let instance = shared.instance()?;
            Some((instance.ledger.chain().genesis_hash(), instance.faucet().map(Arc::clone)))
        }));
        vec![
            (peering::STREAM, Arc::new(Door(Arc::clone(&self.shared)))),
            (snapshot::STREAM, Arc::new(SnapshotDoor(Arc::clone(&self.shared)))),
            (genesis_link::STREAM, Arc::new(Giver::new(Arc::clone(&self.shared.genesis)))),
            (faucet::STREAM, Arc::new(faucet)),
        ]
    }

    fn snapshot(&self) -> Value {
        let Some(instance) = self.shared.instance() else { return json!({ "chain": null }) };
        let me = Some(self.shared.around.wallet.address());
        json!({
            "chain": LedgerStatus::of(&self.shared).chain,
            "validators": ValidatorView::of(&instance.ledger.validators(), me),
            "peers": instance.watch.peer_list(),
            "evidence": instance.watch.evidence(),
        })
    }

    fn samples(&self) -> Vec<Sample> {
        let Some(instance) = self.shared.instance() else { return Vec::new() };
        let (pool, totals) = {
            let pool = instance.ledger.pool().lock();
            (pool.status(), pool.totals())
        };
        #[allow(clippy::cast_precision_loss)] // heights and counts are far below 2^52
        let number = |value: u64| value as f64;
        let size = |value: usize| number(value as u64);
        vec![
            Sample::gauge("ledger_height", "Height of the last final block", number(instance.ledger.chain().height())),
            Sample::gauge("ledger_peers", "Peers on the ledger", size(instance.ledger.peers())),
            Sample::gauge(
                "ledger_validators",
                "Validators of the next height",
                size(instance.ledger.validators().len()),
            ),
            Sample::gauge("ledger_pool_pending", "Transactions that can be executed now", size(pool.pending)),
            Sample::gauge("ledger_pool_queued", "Transactions that wait for others", size(pool.queued)),
            Sample::gauge("ledger_pool_bytes", "Bytes of both", size(pool.bytes)),
            Sample::counter("ledger_transactions_included", "Transactions that ended in a block", totals.included),
            Sample::counter("ledger_transactions_dropped", "Transactions dropped from the pool", totals.dropped),
        ]
    }

    fn activity(&self) -> Activity {
        Activity::default()
    }

    fn health(&self) -> Health {
        self.shared.health()
    }

    fn is_core(&self) -> bool {
        true
    }

    async fn start(&self) -> Result<(), StartError> {
        let shared = &self.shared;
        let folder = shared.around.folder.clone();
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            StartError::new(NAME, "the ledger could not be read", "check the data folder's disk and start again")
                .caused_by(error)
        };
        let genesis = tokio::task::spawn_blocking(move || folder.genesis()).await;
        let genesis = match genesis {
            Ok(Ok(Some(genesis))) => genesis,
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(failed(error.into())),
            Err(error) => return Err(failed(error.into())),
        };
        let Some(hash) = hash_of(&genesis) else {
            return Err(failed("`ledger/genesis.json` in the data folder is damaged".into()));
        };
        let genesis: Arc<[u8]> = genesis.into();
        *shared.genesis.write() = Some((hash, Arc::clone(&genesis)));
        shared.run(genesis).await.map_err(|error| {
            StartError::new(
                NAME,
                "its chain does not run",
                "mend the cause and start again, or move `ledger` out of the data folder",
            )
            .caused_by(error)
        })
    }

    async fn stop(&self) {
        self.shared.stop().await;
    }
}

/// Coins as wei.
pub(crate) fn coins(amount: u64) -> U256 {
    U256::from(amount) * U256::from(10).pow(U256::from(18))
}
