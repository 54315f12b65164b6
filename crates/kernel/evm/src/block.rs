//! Blocks, and what comes of executing them.

use std::sync::Arc;

use alloy_consensus::{EthereumReceipt, EthereumTxEnvelope, Header, TxEip4844};
use alloy_primitives::{Address, B256, Bytes};

use crate::state::{RootUpdate, StateChanges};

/// A signed transaction of any type.
pub type Transaction = EthereumTxEnvelope<TxEip4844>;

/// A transaction whose sender is known.
pub type Recovered = alloy_consensus::transaction::Recovered<Transaction>;

/// What a transaction left: success, gas used in the block so far, logs.
pub type Receipt = EthereumReceipt;

/// Header and body as Ethereum has them.
pub type Block = alloy_consensus::Block<Transaction>;

/// Body as Ethereum has it.
pub type Body = alloy_consensus::BlockBody<Transaction>;

/// 10 MiB: the longest block, encoded.
pub const MAX_BLOCK_BYTES: usize = 10 << 20;

/// What the chain itself does before a block's transactions: on a Weft chain the punishment of validators whose evidence
/// travels beside the transactions. This crate knows neither evidence nor contract: it makes the calls, keeps the bytes
/// beside the body, and sees to it that the header's `parentBeaconBlockRoot` is the commitment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preamble {
    /// The calls, in order. One that reverts changes nothing and is no fault of the block.
    pub calls: Vec<SystemCall>,
    /// What the header carries for it; zero if there is nothing.
    pub commitment: B256,
    /// What travels and is stored beside the transactions.
    pub bytes: Bytes,
}

/// A call by [`SYSTEM_ADDRESS`], which pays no gas and whose nonce does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemCall {
    /// The contract.
    pub to: Address,
    /// Its calldata.
    pub data: Bytes,
}

/// Whom contracts see as the caller of the chain's own calls (EIP-4788).
pub const SYSTEM_ADDRESS: Address = alloy_eips::eip4788::SYSTEM_ADDRESS;

/// A block whose senders are known.
#[derive(Debug, Clone)]
pub struct RecoveredBlock {
    /// The block's hash.
    pub hash: B256,
    /// Header and body.
    pub block: Block,
    /// Of each transaction.
    pub senders: Vec<Address>,
    /// What comes before the transactions.
    pub preamble: Preamble,
}

impl RecoveredBlock {
    /// A block with its senders, hashed.
    pub fn new(block: Block, senders: Vec<Address>, preamble: Preamble) -> Self {
        RecoveredBlock { hash: block.header.hash_slow(), block, senders, preamble }
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.block.header
    }
}

/// A block that was executed and found valid, with all that committing it takes.
#[derive(Debug, Clone)]
pub struct Executed {
    /// The block.
    pub block: Arc<RecoveredBlock>,
    /// Of each transaction.
    pub receipts: Vec<Receipt>,
    /// What it changes of the state.
    pub changes: StateChanges,
    /// Whether each of the preamble's calls succeeded.
    pub calls: Vec<bool>,
    pub(crate) root: RootUpdate,
}

impl Executed {
    /// The block's hash.
    pub fn hash(&self) -> B256 {
        self.block.hash
    }

    /// The header.
    pub fn header(&self) -> &Header {
        self.block.header()
    }
}
