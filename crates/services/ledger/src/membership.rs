//! This node's place on a chain: it makes one, gets onto one, leaves it; and the chain that it runs.

use std::sync::Arc;

use alloy_primitives::B256;
use parking_lot::RwLock;
use tokio::sync::Notify;
use weft_store::{FjallStore, OpenError, Store, StoreOptions};

use crate::files::FileError;
use crate::genesis::{FirstValidator, MakeChainError, NewChain, make};
use crate::genesis_link::{FetchError, OnChain, fetch, hash_of};
use crate::instance::{Instance, RunError, Surroundings};
use crate::peering::Named;
use crate::snapshot::{self, Step, TakeError};
use crate::ticket::{Candidate, Ticket};

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

/// Where a chain begins on a node that gets onto it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// At its first block: all are executed.
    Genesis,
    /// At a snapshot that a peer gives.
    Snapshot,
}

/// What this node is on. Shared by the service and its API.
pub(crate) struct Membership {
    pub(crate) around: Surroundings,
    /// Held while a chain is entered or left.
    switching: tokio::sync::Mutex<()>,
    instance: RwLock<Option<Arc<Instance>>>,
    genesis: OnChain,
    /// How far the taking of a snapshot is.
    entering: RwLock<Option<Step>>,
    /// Tells it to end.
    give_up: Notify,
}

impl Membership {
    /// On no chain yet.
    pub(crate) fn new(around: Surroundings) -> Self {
        Membership {
            around,
            switching: tokio::sync::Mutex::default(),
            instance: RwLock::default(),
            genesis: Arc::default(),
            entering: RwLock::default(),
            give_up: Notify::new(),
        }
    }

    /// The chain that runs.
    pub(crate) fn instance(&self) -> Option<Arc<Instance>> {
        self.instance.read().clone()
    }

    /// The genesis file of the chain.
    pub(crate) fn genesis(&self) -> Option<Arc<[u8]>> {
        self.genesis.read().as_ref().map(|(_, file)| Arc::clone(file))
    }

    /// The same, with its hash, as it is when somebody looks.
    pub(crate) fn on_chain(&self) -> OnChain {
        Arc::clone(&self.genesis)
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
        // Nobody else waits for it than who takes a snapshot.
        self.give_up.notify_waiters();
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
        self.resume(hash, genesis).await?;
        Ok(())
    }

    /// Runs the chain of a genesis file with this hash, which this node is on.
    pub(crate) async fn resume(&self, hash: B256, genesis: Arc<[u8]>) -> Result<(), RunError> {
        *self.genesis.write() = Some((hash, Arc::clone(&genesis)));
        self.run(genesis).await
    }

    async fn run(&self, genesis: Arc<[u8]>) -> Result<(), RunError> {
        let instance = Instance::start(self.around.clone(), genesis).await?;
        *self.instance.write() = Some(instance);
        Ok(())
    }

    /// Ends the chain that runs, and the way onto one.
    pub(crate) async fn stop(&self) {
        self.give_up.notify_waiters();
        let instance = self.instance.write().take();
        if let Some(instance) = instance {
            instance.stop().await;
        }
    }
}
