//! A ledger for developers: one chain in this process and its Ethereum RPC, without a node around it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weft_ledger::dev::{DevAccount, DevChain, DevError, DevOptions, dev_accounts};
use weft_ledger::runner;
use weft_store::{FjallStore, MemoryStore, Store, StoreOptions};

use crate::{Config, Mine, Running, Server, StartError};

/// How such a ledger is run.
#[derive(Debug, Clone)]
pub struct DevLedgerConfig {
    /// What its chain is like.
    pub chain: DevOptions,
    /// Where its RPC listens.
    pub listen: SocketAddr,
    /// Web pages that may call it, beside browser extensions: `scheme://host[:port]`.
    pub origins: Vec<String>,
    /// Where the chain is kept; in memory if nowhere.
    pub dir: Option<PathBuf>,
}

/// Why it does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DevLedgerError {
    /// The folder's store cannot be opened.
    #[error("the chain's folder cannot be opened")]
    Store(#[from] weft_store::OpenError),
    /// The chain does not begin.
    #[error("the chain does not begin")]
    Chain(#[from] DevError),
    /// The RPC does not listen.
    #[error(transparent)]
    Rpc(#[from] StartError),
}

/// A developers' ledger that runs. Dropping it stops it.
#[derive(Debug)]
pub struct DevLedger {
    chain: DevChain,
    rpc: Running,
}

impl DevLedger {
    /// Starts it.
    ///
    /// # Errors
    /// [`DevLedgerError`], if its folder, its chain or its address cannot be had.
    pub async fn start(config: DevLedgerConfig) -> Result<Self, DevLedgerError> {
        let chain = DevChain::start(store(config.dir.as_deref())?, config.chain)?;
        let rpc = Config {
            listen: config.listen,
            origins: config.origins,
            // A developer's chain has nothing to hide from its developer.
            debug: true,
            mine: Some(Mine::new(chain.miner())),
            ..Config::default()
        };
        let rpc = Server::start(chain.ledger().clone(), rpc).await?;
        Ok(DevLedger { chain, rpc })
    }

    /// Where its RPC listens.
    pub fn address(&self) -> SocketAddr {
        self.rpc.address()
    }

    /// The accounts that have coins, with their keys, which are no secret.
    pub fn accounts(&self) -> Vec<DevAccount> {
        dev_accounts()
    }

    /// Waits until the chain does not run any more; says why, if it failed.
    pub async fn ended(&self) -> Option<Arc<dyn std::error::Error + Send + Sync>> {
        match self.chain.ended().await {
            runner::Running::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// Stops it: what was acknowledged is stored.
    pub async fn stop(self) {
        self.rpc.stop().await;
    }
}

fn store(dir: Option<&Path>) -> Result<Arc<dyn Store>, weft_store::OpenError> {
    match dir {
        Some(dir) => Ok(Arc::new(FjallStore::open(dir, StoreOptions::default())?)),
        None => Ok(Arc::new(MemoryStore::default())),
    }
}
