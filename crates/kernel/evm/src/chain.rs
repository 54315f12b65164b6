//! The chain on disk: its blocks, its state now and before, and the next block.

mod cache;
mod commit;
mod logs;
mod open;
mod proof;
mod read;
mod shared;
pub(crate) mod tables;
mod view;

use std::fmt;
use std::sync::Arc;

use alloy_consensus::Header;
use alloy_evm::EvmEnv;
use alloy_primitives::B256;
use parking_lot::{Mutex, RwLock};

use crate::block::{Executed, Recovered, RecoveredBlock};
use crate::build::{Attributes, Built, Limits, build_block, next_header};
use crate::execute::execute_block;
use crate::spec::ChainSpec;
use crate::state::StateError;
use crate::validate::BlockError;

pub use logs::{LogEntry, LogFilter, LogsError, MAX_LOG_BLOCKS, MAX_LOGS};
pub use open::OpenError;
pub use proof::{AccountProof, ProofError, SlotProof};
pub use read::{Place, StoredBlock};
pub use view::StateView;

use shared::Shared;
pub(crate) use shared::{SCAN, node_row};

/// 16: executed blocks kept until one of them is committed. More proposals than that for one height push out the oldest,
/// which is executed again if it wins.
pub const MAX_CANDIDATES: usize = 16;

/// 256: `eth_getProof` reaches this many blocks back, as the specification of this chain says.
pub const PROOF_BLOCKS: u64 = 256;

/// How a chain is kept.
#[derive(Debug, Clone)]
pub struct ChainOptions {
    /// How many heights before the head can be read (`eth_call`, balances, storage). At least 320, so that proofs and
    /// the trie's catching up have what they need.
    pub history: u64,
    /// How many heights before the head proofs can be made for.
    pub proofs: u64,
    /// Entries of each cache: accounts, slots, trie nodes (a node has about 400 bytes).
    pub cache_entries: usize,
    /// The trie's changed nodes go to the disk when there are this many. The trie follows from the state, which goes to
    /// the disk with each block, so after a crash it is caught up. Writing a node that changes with every block once in
    /// some blocks, instead of with each, is most of what a commit would cost.
    pub dirty_nodes: usize,
    /// They go at the latest after this many blocks, which bounds the catching up.
    pub dirty_blocks: u64,
}

impl Default for ChainOptions {
    fn default() -> Self {
        ChainOptions {
            history: 100_000,
            proofs: PROOF_BLOCKS,
            cache_entries: 100_000,
            dirty_nodes: 30_000,
            dirty_blocks: 64,
        }
    }
}

/// A chain. All methods may be called from many threads; those that execute or commit block for as long as that takes.
pub struct Chain {
    shared: Arc<Shared>,
    spec: Arc<ChainSpec>,
    options: ChainOptions,
    genesis: (B256, Header),
    /// Held for reading by who needs the head to stay, for writing by who moves it.
    gate: RwLock<()>,
    candidates: Mutex<Vec<Arc<Executed>>>,
}

impl fmt::Debug for Chain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tip = self.shared.tip();
        formatter
            .debug_struct("Chain")
            .field("height", &tip.header.number)
            .field("head", &tip.hash)
            .finish_non_exhaustive()
    }
}

/// Why a block did not become final.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// It was not executed here, or too many others since: execute it again.
    #[error("the block {hash} was not executed: execute it first")]
    NotExecuted {
        /// Its hash.
        hash: B256,
    },
    /// It does not follow the head.
    #[error("the block {hash} does not follow the head at height {head}")]
    NotNext {
        /// Its hash.
        hash: B256,
        /// The head's height.
        head: u64,
    },
    /// The store did not take it. Commit the same block again.
    #[error(transparent)]
    Store(#[from] weft_store::CommitError),
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Chain {
    /// The chain's rules.
    pub fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    /// The hash of the genesis block, which names the chain.
    pub fn genesis_hash(&self) -> B256 {
        self.genesis.0
    }

    /// The newest final block: hash and header.
    pub fn head(&self) -> (B256, Header) {
        let tip = self.shared.tip();
        (tip.hash, tip.header.clone())
    }

    /// The height of the head.
    pub fn height(&self) -> u64 {
        self.shared.tip().header.number
    }

    /// The oldest height whose state can be read.
    pub fn oldest_state(&self) -> u64 {
        self.shared.tip().oldest_state
    }

    /// The state after the block at `height`.
    pub fn state_at(&self, height: u64) -> Result<StateView, StateError> {
        StateView::new(self.shared.clone(), height)
    }

    /// The state after the newest block.
    pub fn state(&self) -> StateView {
        loop {
            // The head may move on, but not as far as is pruned.
            if let Ok(view) = self.state_at(self.height()) {
                return view;
            }
        }
    }

    /// What the interpreter has to know of a block, for calls as if within it.
    pub fn evm_env(&self, header: &Header) -> EvmEnv {
        self.spec.evm_env(header)
    }

    /// The header of the block after the head, as far as it is known.
    pub fn next_header(&self, attributes: &Attributes) -> Header {
        let tip = self.shared.tip();
        next_header(&self.spec, &tip.header, tip.hash, attributes)
    }

    /// Builds and executes the block after the head. It is a candidate then: [`commit`](Self::commit) takes its hash.
    pub fn build(
        &self,
        attributes: Attributes,
        candidates: impl IntoIterator<Item = Recovered>,
        limits: Limits,
        stop: impl FnMut() -> bool,
    ) -> Result<Built, BlockError> {
        let _gate = self.gate.read();
        let tip = self.shared.tip();
        let state = self.state_at(tip.header.number)?;
        let parent = (&tip.header, tip.hash);
        let built = build_block(&self.spec, parent, attributes, candidates, limits, stop, &state)?;
        self.keep(built.executed.clone());
        Ok(built)
    }

    /// Executes and checks a block that follows the head. Asked again for the same block it answers from memory.
    pub fn execute(&self, block: Arc<RecoveredBlock>) -> Result<Arc<Executed>, BlockError> {
        let _gate = self.gate.read();
        let tip = self.shared.tip();
        if block.header().parent_hash != tip.hash {
            return Err(BlockError::UnknownParent(block.header().parent_hash));
        }
        // The hash does not cover the senders, and of the preamble only what it commits to: all must be the same.
        if let Some(executed) = self.executed(block.hash)
            && executed.block.senders == block.senders
            && executed.block.preamble == block.preamble
        {
            return Ok(executed);
        }
        let state = self.state_at(tip.header.number)?;
        let executed = Arc::new(execute_block(&self.spec, &tip.header, tip.hash, block, &state)?);
        self.keep(executed.clone());
        Ok(executed)
    }

    /// A block that was executed and not committed yet.
    pub fn executed(&self, hash: B256) -> Option<Arc<Executed>> {
        self.candidates.lock().iter().find(|executed| executed.hash() == hash).cloned()
    }

    /// The store that it is kept in, where others keep in tables of their own what belongs to it.
    pub fn store(&self) -> &dyn weft_store::Store {
        &*self.shared.store
    }

    fn keep(&self, executed: Arc<Executed>) {
        let mut candidates = self.candidates.lock();
        candidates.retain(|other| other.hash() != executed.hash());
        if candidates.len() >= MAX_CANDIDATES {
            candidates.remove(0);
        }
        candidates.push(executed);
    }
}
