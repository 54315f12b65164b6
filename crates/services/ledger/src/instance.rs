//! A chain that runs in this node: the replica on its thread, the task that speaks with peers, and the façade.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use parking_lot::Mutex;
use serde::Deserialize as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use weft_events::EventSink;
use weft_evm::{Chain, ChainOptions, Genesis};
use weft_overlay::Overlay;
use weft_store::{FjallStore, Store, StoreOptions};

use crate::config::LedgerConfig;
use crate::event::LedgerEvent;
use crate::facade::{Facade, Serving};
use crate::faucet::{Faucet, OpenFaucetError};
use crate::files::{FileError, Folder};
use crate::genesis::WeftConfig;
use crate::handle::Ledger;
use crate::peering::{HubParts, Named, Peering, hub};
use crate::pool::journal::Journal;
use crate::pool::{Limits, Pool, StateAccounts};
use crate::replica::{Clock, Pace, Replica, ReplicaError, ReplicaParts, Validator};
use crate::runner::{Runner, Running, SystemClock};
use crate::snapshot::Shelf;
use crate::wallet::Wallet;
use crate::watch::{Watch, infos};

/// Why a chain does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RunError {
    /// A file of the ledger cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The genesis cannot be read.
    #[error("the genesis file cannot be used")]
    Genesis(#[from] weft_evm::GenesisError),
    /// The genesis has no `config.weft`, or not all of it.
    #[error("the genesis has no complete `config.weft`: it was not made by `weft ledger init`")]
    NoWeft,
    /// The store cannot be opened.
    #[error("the ledger's store cannot be opened")]
    Store(#[from] weft_store::OpenError),
    /// The store holds something else.
    #[error(transparent)]
    Chain(#[from] weft_evm::OpenError),
    /// The replica cannot go on.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// The pool cannot be read.
    #[error("the pool of transactions cannot be restored")]
    Pool(#[from] crate::pool::journal::RestoreFailed),
    /// The system gives no thread.
    #[error("the system gives no thread")]
    Thread(#[source] std::io::Error),
    /// The Ethereum RPC does not start.
    #[error("the Ethereum RPC does not start")]
    Facade(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It was interrupted.
    #[error("it was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// 10 s.
const KEEP_EVERY: Duration = Duration::from_secs(10);

/// What a running chain needs of the node.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) overlay: Overlay,
    pub(crate) events: EventSink,
    pub(crate) folder: Folder,
    pub(crate) config: LedgerConfig,
    pub(crate) facade: Arc<dyn Facade>,
    pub(crate) wallet: Wallet,
}

/// A chain that runs.
pub(crate) struct Instance {
    pub(crate) ledger: Ledger,
    pub(crate) watch: Arc<Watch>,
    pub(crate) peering: Peering,
    pub(crate) public_key: B256,
    pub(crate) rpc: std::net::SocketAddr,
    /// Snapshots for those who join.
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) running: watch::Receiver<Running>,
    faucet: Result<Option<Arc<Faucet>>, OpenFaucetError>,
    runner: Mutex<Option<Runner>>,
    task: JoinHandle<()>,
    facade: Mutex<Option<Box<dyn Serving>>>,
}

/// What is opened before anything runs.
struct Opened {
    ledger: Ledger,
    replica: Replica<ed25519_dalek::SigningKey>,
    public_key: B256,
    faucet: Result<Option<Arc<Faucet>>, OpenFaucetError>,
}

impl Instance {
    /// Starts the chain of a genesis file: a new one, or what is stored of it.
    pub(crate) async fn start(around: Surroundings, genesis: Arc<[u8]>) -> Result<Arc<Instance>, RunError> {
        let clock = Arc::new(SystemClock::default());
        let (opening, its_clock) = (around.clone(), Arc::clone(&clock) as Arc<dyn Clock>);
        // The first block's state is computed, and the pool's senders are looked up: not among async tasks.
        let opened = tokio::task::spawn_blocking(move || open(&opening, &genesis, its_clock)).await??;
        let Opened { ledger, replica, public_key, faucet } = opened;
        let account = around.wallet.address();
        let watch = Arc::new(Watch::new(around.events.clone(), Some(account)));
        // Before anything else is told of it.
        watch.tell(&LedgerEvent::Started {
            chain_id: ledger.chain().spec().chain_id,
            genesis: ledger.chain().genesis_hash().to_string(),
            height: ledger.chain().height(),
        });
        let (tell, notices) = mpsc::unbounded_channel();
        let runner = Runner::start(replica, Arc::clone(&clock) as Arc<dyn Clock>, move |notice| {
            // Bounded by what one thread does between two looks of the task, which waits for nothing.
            let _ = tell.send(notice);
        });
        let runner = runner.map_err(RunError::Thread)?;
        let shelf = Shelf::new(around.folder.snapshots());
        let (kept, to_keep) = watch::channel(Vec::new());
        tokio::spawn(keep_peers(around.folder.clone(), to_keep));
        let parts = HubParts {
            ledger: ledger.clone(),
            mailbox: runner.mailbox(),
            notices,
            clock,
            validator: Some(account),
            overlay: around.overlay.clone(),
            watch: Arc::clone(&watch),
            keep: Box::new(move |peers| drop(kept.send_replace(peers))),
        };
        let (peering, task) = hub(parts);
        let task = tokio::spawn(task);
        peering.introduce(around.folder.peers()).await;
        let serving = match around.facade.start(ledger.clone()).await {
            Ok(serving) => serving,
            Err(error) => {
                task.abort();
                let mut runner = runner;
                tokio::task::spawn_blocking(move || runner.stop()).await?;
                watch.tell(&LedgerEvent::Stopped { because: Some(error.to_string()) });
                return Err(RunError::Facade(error));
            }
        };
        Ok(Arc::new(Instance {
            running: runner.state(),
            rpc: serving.address(),
            ledger,
            watch,
            peering,
            public_key,
            shelf,
            faucet,
            runner: Mutex::new(Some(runner)),
            task,
            facade: Mutex::new(Some(serving)),
        }))
    }

    /// Ends it: what was acknowledged is on the disk when this returns.
    pub(crate) async fn stop(&self) {
        if let Some(faucet) = self.faucet().map(Arc::clone)
            && let Err(error) = tokio::task::spawn_blocking(move || faucet.close()).await
        {
            tracing::error!(%error, "the faucet did not end well");
        }
        let serving = self.facade.lock().take();
        if let Some(serving) = serving {
            serving.stop().await;
        }
        let runner = self.runner.lock().take();
        if let Some(mut runner) = runner
            && let Err(error) = tokio::task::spawn_blocking(move || runner.stop()).await
        {
            tracing::error!(%error, "the ledger's thread did not end well");
        }
        self.task.abort();
        self.shelf.clear();
        self.watch.tell(&LedgerEvent::Stopped { because: self.failure() });
    }

    /// The faucet, if this node is one.
    pub(crate) fn faucet(&self) -> Option<&Arc<Faucet>> {
        self.faucet.as_ref().ok()?.as_ref()
    }

    /// Why this node is no faucet, if it should be one.
    pub(crate) fn no_faucet(&self) -> Option<&OpenFaucetError> {
        self.faucet.as_ref().err()
    }

    /// Why it does not run any more, if it failed.
    pub(crate) fn failure(&self) -> Option<String> {
        match &*self.running.borrow() {
            Running::Failed(error) => Some(error.to_string()),
            Running::Well | Running::Stopped => None,
        }
    }
}

/// Writes the peers when they change, until nobody changes them any more: who comes and goes makes the disk work no more often
/// than [`KEEP_EVERY`].
async fn keep_peers(folder: Folder, mut peers: watch::Receiver<Vec<Named>>) {
    while peers.changed().await.is_ok() {
        let (folder, named) = (folder.clone(), peers.borrow_and_update().clone());
        let _ = tokio::task::spawn_blocking(move || folder.keep_peers(&named)).await;
        tokio::time::sleep(KEEP_EVERY).await;
    }
}

fn open(around: &Surroundings, genesis: &[u8], clock: Arc<dyn Clock>) -> Result<Opened, RunError> {
    let genesis = Genesis::from_json(genesis)?;
    let weft = genesis.weft.clone().ok_or(RunError::NoWeft)?;
    let weft = WeftConfig::deserialize(weft).map_err(|_| RunError::NoWeft)?;
    let key = around.folder.validator_key()?;
    let public_key = B256::from(key.verifying_key().to_bytes());
    let store: Arc<dyn Store> = Arc::new(FjallStore::open(around.folder.store(), StoreOptions::default())?);
    let options = ChainOptions { history: around.config.history, ..ChainOptions::default() };
    let chain = Arc::new(Chain::open(Arc::clone(&store), &genesis, options)?);
    let (_, head) = chain.head();
    let base_fee = chain.spec().next_base_fee(&head).unwrap_or_default();
    let pool = Arc::new(Mutex::new(Pool::new(Limits::default(), base_fee)));
    let ledger = Ledger::new(Arc::clone(&chain), Arc::clone(&pool), Some(Journal::new(Arc::clone(&store))));
    let restored = {
        let (now, rules, accounts) = (ledger.now(), ledger.rules(), StateAccounts(chain.state()));
        Journal::new(Arc::clone(&store)).restore(now, &mut pool.lock(), &rules, &accounts)?
    };
    if restored.kept > 0 || !restored.dropped.is_empty() {
        tracing::info!(kept = restored.kept, dropped = restored.dropped.len(), "the pool of before is back");
    }
    for (hash, reason) in &restored.dropped {
        tracing::debug!(%hash, %reason, "a transaction of before is not taken again");
    }
    // Without it the chain runs all the same: a validator must not stop because of what it gives away.
    let faucet =
        Faucet::open(&around.config, around.wallet.clone(), ledger.clone(), around.folder.clone(), Arc::clone(&clock));
    if let Err(error) = &faucet {
        tracing::error!(error = error as &dyn std::error::Error, "there is no faucet");
    }
    let milliseconds = Duration::from_millis;
    let pace = Pace { block_time: milliseconds(weft.block_time_ms), heartbeat: weft.heartbeat_ms.map(milliseconds) };
    let replica = Replica::open(ReplicaParts {
        chain,
        pool: Arc::new(ledger.clone()),
        store,
        clock,
        validator: Some(Validator { account: around.wallet.address(), signer: key }),
        pace,
    })?;
    ledger.set_validators(infos(replica.validators()));
    Ok(Opened { ledger, replica, public_key, faucet })
}
