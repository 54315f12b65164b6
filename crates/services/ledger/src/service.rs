//! The service: what the node sees.

use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_consensus::Header;
use alloy_primitives::B256;
use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use weft_events::EventSink;
use weft_identity::Identity;
use weft_overlay::{BoxLink, LinkHandler, Overlay, StreamType};
use weft_service::{Activity, Health, Sample, Service, StartError};

use crate::config::LedgerConfig;
use crate::facade::Facade;
use crate::files::Folder;
use crate::genesis_link::{self, Giver, hash_of};
use crate::instance::Surroundings;
use crate::membership::Membership;
use crate::status::LedgerStatus;
use crate::view::ValidatorView;
use crate::wallet::Wallet;
use crate::{api, faucet, peering, snapshot};

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

/// The ledger of this node.
pub struct LedgerService {
    membership: Arc<Membership>,
    /// The last final block, and when it was first seen here.
    last_block: Mutex<(B256, Instant)>,
}

impl LedgerService {
    /// A service of these parts. Nothing runs before it is started.
    pub fn new(parts: LedgerParts) -> Self {
        let LedgerParts { identity, overlay, events, dir, config, facade } = parts;
        let wallet = Wallet::new(identity);
        let around = Surroundings { overlay, events, folder: Folder::new(dir), config, facade, wallet };
        let membership = Arc::new(Membership::new(around));
        LedgerService { membership, last_block: Mutex::new((B256::ZERO, Instant::now())) }
    }

    /// For how long there was no new block.
    fn since_block(&self, head: B256) -> Duration {
        let mut last = self.last_block.lock();
        if last.0 != head {
            *last = (head, Instant::now());
        }
        last.1.elapsed()
    }

    fn look(&self) -> Health {
        let Some(instance) = self.membership.instance() else { return Health::Ok };
        if let Some(failure) = instance.failure() {
            return Health::degraded(
                format!("the ledger has stopped: {failure}"),
                "see the log, mend the cause, and start the node again",
            );
        }
        let (head, Header { number: height, .. }) = instance.ledger.chain().head();
        let stalled = self.since_block(head);
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
struct Door(Arc<Membership>);

impl LinkHandler for Door {
    fn accept(&self, link: BoxLink) {
        if let Some(instance) = self.0.instance() {
            instance.peering.accept(link);
        }
    }
}

/// Hands links of those who want a snapshot to it.
struct SnapshotDoor(Arc<Membership>);

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
        api::router(Arc::clone(&self.membership))
    }

    fn streams(&self) -> Vec<(StreamType, Arc<dyn LinkHandler>)> {
        let membership = Arc::clone(&self.membership);
        let faucet = faucet::Server::new(Arc::new(move || {
            let instance = membership.instance()?;
            Some((instance.ledger.chain().genesis_hash(), instance.faucet().map(Arc::clone)))
        }));
        vec![
            (peering::STREAM, Arc::new(Door(Arc::clone(&self.membership)))),
            (snapshot::STREAM, Arc::new(SnapshotDoor(Arc::clone(&self.membership)))),
            (genesis_link::STREAM, Arc::new(Giver::new(self.membership.on_chain()))),
            (faucet::STREAM, Arc::new(faucet)),
        ]
    }

    fn snapshot(&self) -> Value {
        let Some(instance) = self.membership.instance() else { return json!({ "chain": null }) };
        let me = Some(self.membership.around.wallet.address());
        json!({
            "chain": LedgerStatus::of(&self.membership).chain,
            "validators": ValidatorView::of(&instance.ledger.validators(), me),
            "peers": instance.watch.peer_list(),
            "evidence": instance.watch.evidence(),
        })
    }

    fn samples(&self) -> Vec<Sample> {
        let Some(instance) = self.membership.instance() else { return Vec::new() };
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
        self.look()
    }

    fn is_core(&self) -> bool {
        true
    }

    async fn start(&self) -> Result<(), StartError> {
        let membership = &self.membership;
        let folder = membership.around.folder.clone();
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
        membership.resume(hash, genesis).await.map_err(|error| {
            StartError::new(
                NAME,
                "its chain does not run",
                "mend the cause and start again, or move `ledger` out of the data folder",
            )
            .caused_by(error)
        })
    }

    async fn stop(&self) {
        self.membership.stop().await;
    }
}
