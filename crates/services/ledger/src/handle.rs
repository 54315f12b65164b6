//! The ledger in one hand: what façades and panels read, and where they bring transactions.
//!
//! A [`Ledger`] is cheap to clone and may be used from any thread. Who runs the chain (the validator's or follower's task)
//! tells it of blocks ([`Ledger::committed`]), of the set that decides ([`Ledger::set_validators`]) and of how far behind it
//! is ([`Ledger::set_sync`]); all others read, [submit](Ledger::submit) and listen.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, Bytes};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{broadcast, watch};
use weft_evm::{Chain, DecodeError, Executed, Recovered, StateError, recover_raw};

use crate::pool::journal::Journal;
use crate::pool::{
    AdmissionError, BlockUpdate, Candidate, DropReason, Outcome, Pool, PoolTransaction, Rules, StateAccounts,
};

/// 256: blocks that a slow listener may be behind. One that is further behind reads them from the chain.
pub const BLOCKS_BEHIND: usize = 256;

/// 16,384: transactions, and outcomes, that a slow listener may be behind before it misses some.
pub const TRANSACTIONS_BEHIND: usize = 16_384;

/// 1,000: blocks whose evidence is looked up at once.
pub const MAX_EVIDENCE_BLOCKS: u64 = 1_000;

/// A block that is final.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The block and what came of it.
    pub executed: Arc<Executed>,
    /// What proves that validators with more than two thirds of the power decided it.
    pub certificate: Bytes,
}

/// A validator of the set that decides the next block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValidatorInfo {
    /// Its account.
    pub address: Address,
    /// Its node's Ed25519 key.
    pub public_key: B256,
    /// Its voting power.
    pub power: u64,
}

/// How far behind the others this node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncStatus {
    /// The height at which it began to catch up.
    pub starting: u64,
    /// The highest that others say they have.
    pub highest: u64,
}

/// What a final block says of validators that broke the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockEvidence {
    /// The block's height.
    pub height: u64,
    /// What its header commits to.
    pub commitment: B256,
    /// The canonical list of the evidence.
    pub bytes: Bytes,
}

/// Why a transaction was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// It is no transaction of this chain.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The pool does not take it.
    #[error(transparent)]
    Refused(#[from] AdmissionError),
    /// It could not be written, and so is not in the pool.
    #[error("the transaction could not be stored; see to the node's disk, and send it again")]
    NotStored,
}

/// Where transactions come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A user of this node: on the disk before it is acknowledged.
    User,
    /// A peer: whoever submitted it has it on the disk.
    Peer,
}

/// The handle. See the [module](self).
#[derive(Debug, Clone)]
pub struct Ledger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    chain: Arc<Chain>,
    pool: Arc<Mutex<Pool>>,
    journal: Option<Flushes>,
    started: Instant,
    min_tip: u128,
    /// Pending transactions up to here were told to listeners; held while telling, so that they come in order.
    told: Mutex<u64>,
    blocks: broadcast::Sender<Committed>,
    transactions: broadcast::Sender<Arc<PoolTransaction>>,
    outcomes: broadcast::Sender<Outcome>,
    validators: RwLock<Vec<ValidatorInfo>>,
    sync: watch::Sender<Option<SyncStatus>>,
    peers: AtomicUsize,
    threads: NonZero<usize>,
}

impl Ledger {
    /// A handle on a chain and its pool. Without a journal nothing accepted outlives a restart, which is for tests and
    /// throw-away chains.
    pub fn new(chain: Arc<Chain>, pool: Arc<Mutex<Pool>>, journal: Option<Journal>) -> Self {
        Ledger(Arc::new(Inner {
            chain,
            pool,
            journal: journal.map(Flushes::new),
            started: Instant::now(),
            min_tip: 0,
            told: Mutex::new(0),
            blocks: broadcast::channel(BLOCKS_BEHIND).0,
            transactions: broadcast::channel(TRANSACTIONS_BEHIND).0,
            outcomes: broadcast::channel(TRANSACTIONS_BEHIND).0,
            validators: RwLock::default(),
            sync: watch::channel(None).0,
            peers: AtomicUsize::new(0),
            threads: std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
        }))
    }

    /// The chain.
    pub fn chain(&self) -> &Arc<Chain> {
        &self.0.chain
    }

    /// The pool. Hold it shortly: it is on the way of every transaction and every block.
    pub fn pool(&self) -> &Arc<Mutex<Pool>> {
        &self.0.pool
    }

    /// Threads that recover senders.
    pub fn threads(&self) -> NonZero<usize> {
        self.0.threads
    }

    /// The pool's clock: time since this handle was made.
    pub fn now(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// What the next block asks of transactions.
    pub fn rules(&self) -> Rules {
        let (_, head) = self.0.chain.head();
        let rules = Rules::at(self.0.chain.spec(), head.number + 1, head.timestamp, head.gas_limit);
        rules.with_min_tip(self.0.min_tip)
    }

    /// Brings encoded transactions of users into the pool: senders are recovered in parallel, what is accepted is on the
    /// disk when this returns. The answers are in the order of what was given. Blocks for as long as that takes.
    pub fn submit(&self, raw: Vec<Bytes>) -> Vec<Result<B256, SubmitError>> {
        let recovered = recover_raw(self.0.chain.spec(), &raw, self.0.threads);
        self.admit(recovered.into_iter().map(|each| each.map_err(SubmitError::from)).collect(), Origin::User)
    }

    /// The same for transactions whose senders are known.
    pub fn submit_recovered(&self, transactions: Vec<Recovered>, origin: Origin) -> Vec<Result<B256, SubmitError>> {
        self.admit(transactions.into_iter().map(Ok).collect(), origin)
    }

    fn admit(
        &self,
        transactions: Vec<Result<Recovered, SubmitError>>,
        origin: Origin,
    ) -> Vec<Result<B256, SubmitError>> {
        let rules = self.rules();
        let check = |transaction: Result<Recovered, SubmitError>| Ok(rules.check(transaction?)?);
        let checked: Vec<Result<Candidate, SubmitError>> = transactions.into_iter().map(check).collect();
        let mut added = Vec::new();
        let (mut results, gone) = {
            let mut pool = self.0.pool.lock();
            // Not before: the pool would go by an account of before a block that it has heard of already.
            let accounts = StateAccounts(self.0.chain.state());
            let now = self.now();
            let mut insert = |candidate: Result<Candidate, SubmitError>| {
                let inserted = pool.insert(now, candidate?, &accounts)?;
                let hash = inserted.tx.hash();
                added.push(inserted.tx);
                Ok(hash)
            };
            let results: Vec<Result<B256, SubmitError>> = checked.into_iter().map(&mut insert).collect();
            (results, pool.drain_outcomes())
        };
        let stored = match (&self.0.journal, origin) {
            (Some(flushes), Origin::User) => flushes.acknowledge(&added, gone.clone()),
            (Some(flushes), Origin::Peer) => flushes.journal.note(&added, &gone).is_ok(),
            (None, _) => true,
        };
        if !stored {
            let mut pool = self.0.pool.lock();
            for tx in &added {
                pool.remove(tx.hash(), DropReason::NotStored);
            }
            let more = pool.drain_outcomes();
            drop(pool);
            self.tell_outcomes(more);
            for result in results.iter_mut().filter(|result| result.is_ok()) {
                *result = Err(SubmitError::NotStored);
            }
        }
        self.tell_outcomes(gone);
        self.tell_pending();
        results
    }

    /// Takes note of a block that the chain has committed: the pool forgets what is in it (it does no harm if it has done so
    /// already), listeners hear of it.
    pub fn committed(&self, executed: Arc<Executed>, certificate: Bytes) {
        let base_fee = self.0.chain.spec().next_base_fee(executed.header()).unwrap_or_default();
        let update = BlockUpdate::of(&executed, base_fee);
        let gone = {
            let mut pool = self.0.pool.lock();
            pool.on_block(self.now(), &update);
            pool.drain_outcomes()
        };
        if let Some(flushes) = &self.0.journal
            && let Err(error) = flushes.journal.note(&[], &gone)
        {
            // They are checked anew at the next start, and dropped then.
            tracing::warn!(%error, "the pool's removals could not be written");
        }
        // No receiver is no error.
        let _ = self.0.blocks.send(Committed { executed, certificate });
        self.tell_outcomes(gone);
        self.tell_pending();
    }

    /// Tells listeners of outcomes that somebody else has [drained](Pool::drain_outcomes).
    pub fn tell_outcomes(&self, outcomes: Vec<Outcome>) {
        for outcome in outcomes {
            let _ = self.0.outcomes.send(outcome);
        }
    }

    /// Tells listeners of transactions that became pending since it was last done. Called by all that changes the pool
    /// through this handle; to be called by what changes it otherwise.
    pub fn tell_pending(&self) {
        let mut told = self.0.told.lock();
        let new: Vec<Arc<PoolTransaction>> = {
            let pool = self.0.pool.lock();
            let new = pool.announced_since(*told);
            new.map(|(place, tx)| {
                *told = (*told).max(place + 1);
                tx.clone()
            })
            .collect()
        };
        for tx in new {
            let _ = self.0.transactions.send(tx);
        }
    }

    /// Final blocks from now on.
    pub fn blocks(&self) -> broadcast::Receiver<Committed> {
        self.0.blocks.subscribe()
    }

    /// Transactions that become pending from now on.
    pub fn transactions(&self) -> broadcast::Receiver<Arc<PoolTransaction>> {
        self.0.transactions.subscribe()
    }

    /// What becomes of accepted transactions from now on.
    pub fn outcomes(&self) -> broadcast::Receiver<Outcome> {
        self.0.outcomes.subscribe()
    }

    /// The validators that decide the next block, as the last one who knew said.
    pub fn validators(&self) -> Vec<ValidatorInfo> {
        self.0.validators.read().clone()
    }

    /// Says who decides the next block.
    pub fn set_validators(&self, validators: Vec<ValidatorInfo>) {
        *self.0.validators.write() = validators;
    }

    /// How far behind this node is; `None` if it is not.
    pub fn sync(&self) -> Option<SyncStatus> {
        *self.0.sync.borrow()
    }

    /// Changes of [`sync`](Self::sync).
    pub fn sync_changes(&self) -> watch::Receiver<Option<SyncStatus>> {
        self.0.sync.subscribe()
    }

    /// Says how far behind this node is.
    pub fn set_sync(&self, sync: Option<SyncStatus>) {
        self.0.sync.send_if_modified(|now| std::mem::replace(now, sync) != sync);
    }

    /// How many peers of this chain are connected.
    pub fn peers(&self) -> usize {
        self.0.peers.load(Ordering::Relaxed)
    }

    /// Says how many peers are connected.
    pub fn set_peers(&self, peers: usize) {
        self.0.peers.store(peers, Ordering::Relaxed);
    }

    /// The evidence in final blocks at these heights, of which [`MAX_EVIDENCE_BLOCKS`] are looked at.
    pub fn evidence(&self, heights: RangeInclusive<u64>) -> Result<Vec<BlockEvidence>, StateError> {
        let (from, to) = heights.into_inner();
        let to = to.min(self.0.chain.height()).min(from.saturating_add(MAX_EVIDENCE_BLOCKS - 1));
        let mut all = Vec::new();
        for height in from..=to {
            // The header says whether there is any.
            let Some((_, header)) = self.0.chain.header(height)? else { continue };
            if self.0.chain.spec().rules != weft_evm::Rules::Weft
                || header.parent_beacon_block_root.is_none_or(|root| root.is_zero())
            {
                continue;
            }
            let Some(stored) = self.0.chain.block(height)? else { continue };
            let preamble = &stored.block.preamble;
            all.push(BlockEvidence { height, commitment: preamble.commitment, bytes: preamble.bytes.clone() });
        }
        Ok(all)
    }
}

/// A journal whose flushes are shared: what several callers bring while one flush runs goes with the next.
#[derive(Debug)]
struct Flushes {
    journal: Journal,
    waiting: Mutex<Waiting>,
    /// Tickets up to here are done; held while flushing.
    flushed: Mutex<u64>,
    failed: Mutex<BTreeSet<u64>>,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    added: Vec<Arc<PoolTransaction>>,
    gone: Vec<Outcome>,
}

impl Flushes {
    fn new(journal: Journal) -> Self {
        Flushes { journal, waiting: Mutex::default(), flushed: Mutex::new(0), failed: Mutex::default() }
    }

    /// When it returns true they are on the disk.
    fn acknowledge(&self, added: &[Arc<PoolTransaction>], gone: Vec<Outcome>) -> bool {
        if added.is_empty() && gone.is_empty() {
            return true;
        }
        let ticket = {
            let mut waiting = self.waiting.lock();
            waiting.added.extend_from_slice(added);
            waiting.gone.extend(gone);
            waiting.next += 1;
            waiting.next
        };
        let mut flushed = self.flushed.lock();
        if *flushed < ticket {
            let (added, gone, upto) = {
                let mut waiting = self.waiting.lock();
                (std::mem::take(&mut waiting.added), std::mem::take(&mut waiting.gone), waiting.next)
            };
            if self.journal.acknowledge(&added, &gone).is_err() {
                self.failed.lock().extend(*flushed + 1..=upto);
            }
            *flushed = upto;
        }
        drop(flushed);
        !self.failed.lock().remove(&ticket)
    }
}
