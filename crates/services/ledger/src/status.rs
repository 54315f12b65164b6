//! How the ledger is, in one look.

use serde::Serialize;
use utoipa::ToSchema;

use crate::faucet::Faucet;
use crate::membership::Membership;
use crate::snapshot::Step;

/// The ledger of this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerStatus {
    /// The user's account.
    pub account: String,
    /// The chain that runs; `None` if this node is on none.
    pub chain: Option<ChainStatus>,
    /// How far this node is on its way onto a chain, while it takes a snapshot of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entering: Option<EnteringStatus>,
    /// The faucet that this node is on that chain; `None` if it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faucet: Option<FaucetStatus>,
}

/// A snapshot that is being taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct EnteringStatus {
    /// What it does.
    pub step: EnteringStep,
    /// Headers or chunks that are done.
    pub done: u64,
    /// Of so many; 0 where nothing is counted.
    pub of: u64,
}

/// What the taking of a snapshot does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EnteringStep {
    /// It waits for a peer that makes the snapshot.
    Waiting,
    /// It follows the headers from the genesis.
    Headers,
    /// It takes the state's chunks.
    State,
    /// It computes the state root.
    Root,
}

impl From<Step> for EnteringStatus {
    fn from(step: Step) -> Self {
        let (step, done, of) = match step {
            Step::Waiting => (EnteringStep::Waiting, 0, 0),
            Step::Headers { height, of } => (EnteringStep::Headers, height, of),
            Step::State { chunks, of } => (EnteringStep::State, chunks, of),
            Step::Root => (EnteringStep::Root, 0, 0),
        };
        EnteringStatus { step, done, of }
    }
}

/// A faucet that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FaucetStatus {
    /// What one who asks gets, in wei.
    pub amount: String,
    /// Seconds until the same account, or the same peer, gets it again.
    pub every_s: u64,
    /// What all together get in any 24 hours at most, in wei.
    pub daily: String,
    /// What they got in the last 24 hours, in wei.
    pub given: String,
}

impl FaucetStatus {
    fn of(faucet: &Faucet) -> Self {
        let terms = faucet.terms();
        FaucetStatus {
            amount: terms.wei.to_string(),
            every_s: terms.every_s,
            daily: terms.daily.to_string(),
            given: faucet.given_in_a_day().to_string(),
        }
    }
}

/// A chain that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChainStatus {
    /// EIP-155.
    pub chain_id: u64,
    /// The hash of its genesis.
    pub genesis: String,
    /// The height of its last final block.
    pub height: u64,
    /// That block's hash.
    pub hash: String,
    /// When it was made, in seconds since 1970.
    pub timestamp: u64,
    /// The next block's base fee, in wei per gas.
    pub base_fee: u64,
    /// Validators of the next height.
    pub validators: usize,
    /// Whether this node is one of them.
    pub validating: bool,
    /// The oldest block whose transactions are here: above 1 where this node began at a snapshot.
    pub oldest_block: u64,
    /// Peers on this ledger.
    pub peers: usize,
    /// Where it began to catch up, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_from: Option<u64>,
    /// The highest that peers say they have, while it catches up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_to: Option<u64>,
    /// The round that runs: its height.
    pub round_height: Option<u64>,
    /// Its number.
    pub round: Option<u32>,
    /// Whose turn it is.
    pub proposer: Option<String>,
    /// The pool.
    pub pool: PoolStatus,
    /// Where Ethereum's tools find it.
    pub rpc: String,
    /// Why it has stopped, if it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// The pool of transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct PoolStatus {
    /// They can be executed now.
    pub pending: usize,
    /// They wait for others, or for balance.
    pub queued: usize,
    /// Bytes of both.
    pub bytes: usize,
    /// Taken since it was started.
    pub accepted: u64,
    /// Not taken since then.
    pub refused: u64,
    /// Ended in a block since then.
    pub included: u64,
    /// Dropped since then.
    pub dropped: u64,
}

impl LedgerStatus {
    pub(crate) fn of(membership: &Membership) -> Self {
        let account = membership.around.wallet.address();
        let instance = membership.instance();
        let faucet = instance.as_ref().and_then(|instance| instance.faucet()).map(|faucet| FaucetStatus::of(faucet));
        let chain = instance.map(|instance| {
            let ledger = &instance.ledger;
            let (hash, head) = ledger.chain().head();
            let validators = ledger.validators();
            let validating =
                |key| validators.iter().any(|validator| validator.address == account && validator.public_key == key);
            let sync = ledger.sync();
            let round = instance.watch.round();
            let (pool, totals) = {
                let pool = ledger.pool().lock();
                (pool.status(), pool.totals())
            };
            ChainStatus {
                chain_id: ledger.chain().spec().chain_id,
                genesis: ledger.chain().genesis_hash().to_string(),
                height: head.number,
                hash: hash.to_string(),
                timestamp: head.timestamp,
                base_fee: ledger.chain().spec().next_base_fee(&head).unwrap_or_default(),
                validators: validators.len(),
                validating: validating(instance.public_key),
                oldest_block: ledger.chain().oldest_block().unwrap_or(1),
                peers: ledger.peers(),
                sync_from: sync.map(|sync| sync.starting),
                sync_to: sync.map(|sync| sync.highest),
                round_height: round.map(|round| round.height),
                round: round.map(|round| round.round),
                proposer: round.map(|round| round.proposer.to_string()),
                pool: PoolStatus {
                    pending: pool.pending,
                    queued: pool.queued,
                    bytes: pool.bytes,
                    accepted: totals.accepted,
                    refused: totals.refused,
                    included: totals.included,
                    dropped: totals.dropped,
                },
                rpc: format!("http://{}", instance.rpc),
                failure: instance.failure(),
            }
        });
        LedgerStatus {
            account: account.to_string(),
            chain,
            entering: membership.entering().map(EnteringStatus::from),
            faucet,
        }
    }
}
