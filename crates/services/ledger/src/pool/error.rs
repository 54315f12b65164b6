//! Why a transaction is not taken. Each message begins with the words of geth, by which ethers, viem, web3.py and hardhat
//! know what went wrong; what to do about it comes after.

use alloy_primitives::{Address, U256};
use weft_evm::{MAX_TRANSACTION_BYTES, StateError};

/// Why a transaction is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdmissionError {
    /// The very same is there.
    #[error("already known")]
    AlreadyKnown,
    /// Its type is none of this chain's fork.
    #[error("transaction type not supported: type {0}; send one of a type that the chain's fork has")]
    Type(u8),
    /// It carries blobs (EIP-4844).
    #[error("transaction type not supported: type 3; this chain has no blobs, send the data as calldata")]
    Blob,
    /// It is for another chain (EIP-155).
    #[error("invalid sender: invalid chain id for signer: have {found:?} want {expected}; sign it for this chain")]
    ChainId {
        /// This chain.
        expected: u64,
        /// The one it names.
        found: Option<u64>,
    },
    /// It is too long.
    #[error("oversized data: transaction size {bytes}, limit {MAX_TRANSACTION_BYTES}; split it up")]
    Oversized {
        /// Its encoded length.
        bytes: usize,
    },
    /// A contract's creation with too much code (EIP-3860).
    #[error("max initcode size exceeded: code size {bytes}, limit {limit}; split the contract up")]
    InitcodeSize {
        /// How much.
        bytes: usize,
        /// How much there may be.
        limit: usize,
    },
    /// More gas than a transaction may have (EIP-7825).
    #[error("transaction gas limit too high (cap: {cap}, tx: {gas})")]
    GasCap {
        /// How much it asks for.
        gas: u64,
        /// How much it may.
        cap: u64,
    },
    /// More gas than a block has.
    #[error("exceeds block gas limit: gas {gas}, limit {limit}")]
    BlockGasLimit {
        /// How much it asks for.
        gas: u64,
        /// How much a block has.
        limit: u64,
    },
    /// A tip that its fee cap forbids (EIP-1559).
    #[error(
        "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: {tip}, maxFeePerGas: {fee_cap}"
    )]
    TipAboveFeeCap {
        /// The tip.
        tip: u128,
        /// The fee cap.
        fee_cap: u128,
    },
    /// Its nonce has no successor (EIP-2681).
    #[error("nonce has max value: the account {0} can send no more; use another")]
    NonceMax(Address),
    /// Not even its data are paid.
    #[error("intrinsic gas too low: gas {gas}, minimum needed {needed}")]
    IntrinsicGas {
        /// How much it gives.
        gas: u64,
        /// How much it takes.
        needed: u64,
    },
    /// Its data cost more than it gives (EIP-7623).
    #[error("insufficient gas for floor data gas cost: gas {gas}, minimum needed {needed}")]
    FloorDataGas {
        /// How much it gives.
        gas: u64,
        /// How much it takes.
        needed: u64,
    },
    /// It pays less than any block of this chain asks for.
    #[error("max fee per gas less than block base fee: address {sender}, maxFeePerGas: {fee_cap}, baseFee: {base_fee}")]
    FeeCapTooLow {
        /// The sender.
        sender: Address,
        /// What it pays at most.
        fee_cap: u128,
        /// The lowest base fee there can be.
        base_fee: u64,
    },
    /// It tips less than this node asks for.
    #[error("transaction gas price below minimum: gas tip cap {tip}, minimum needed {needed}")]
    TipTooLow {
        /// What it tips.
        tip: u128,
        /// What it should.
        needed: u128,
    },
    /// It sets code and names nobody whose (EIP-7702).
    #[error("EIP-7702 transaction with empty auth list: sender {0}; authorization list empty, give at least one")]
    EmptyAuthorizations(Address),
    /// It sets code and creates a contract (EIP-7702).
    #[error("EIP-7702 transaction cannot be used to create contract: sender {0}; give a recipient")]
    SetCodeCreates(Address),
    /// The sender is a contract (EIP-3607).
    #[error("sender not an eoa: address {0} has code that is no delegation")]
    SenderHasCode(Address),
    /// The nonce is used.
    #[error("nonce too low: next nonce {next}, tx nonce {found}")]
    NonceTooLow {
        /// The nonce that comes next.
        next: u64,
        /// The one it has.
        found: u64,
    },
    /// The sender cannot pay it, or not after those before it.
    #[error(
        "insufficient funds for gas * price + value: address {sender} have {balance}, queued cost {before}, tx cost {cost}"
    )]
    InsufficientFunds {
        /// The sender.
        sender: Address,
        /// What it has.
        balance: U256,
        /// What its transactions before this one may cost.
        before: U256,
        /// What this one may cost.
        cost: U256,
    },
    /// Another transaction has the nonce, and this one does not pay enough more.
    #[error(
        "replacement transaction underpriced: give at least maxFeePerGas {needed_fee_cap} and maxPriorityFeePerGas {needed_tip} \
         (10 % more than the transaction that waits)"
    )]
    ReplacementUnderpriced {
        /// The fee cap that would do.
        needed_fee_cap: u128,
        /// The tip that would do.
        needed_tip: u128,
    },
    /// The sender has too much waiting.
    #[error(
        "account limit exceeded: {sender} has {pending} pending and {queued} queued transactions in {bytes} bytes; wait until some are in a block"
    )]
    AccountLimit {
        /// The sender.
        sender: Address,
        /// Transactions that could be in the next block.
        pending: usize,
        /// Those that wait for others.
        queued: usize,
        /// Bytes of both.
        bytes: usize,
    },
    /// The sender delegates, and so anybody may spend what its waiting transactions count on (EIP-7702).
    #[error(
        "in-flight transaction limit reached for delegated accounts: {sender} has {count}; wait until they are in a block"
    )]
    DelegatedLimit {
        /// The sender.
        sender: Address,
        /// How many it has waiting.
        count: usize,
    },
    /// The pool is full of better ones.
    #[error("txpool is full: the least that is kept tips {worst} a gas; tip more or come again later")]
    Full {
        /// What the worst one in the pool tips at the current base fee; negative if it does not even pay that.
        worst: i128,
    },
    /// The sender's account could not be read: no fault of the transaction.
    #[error(transparent)]
    State(#[from] StateError),
}

impl AdmissionError {
    /// Whether the transaction could never be valid on this chain, so that a peer who sends it is at fault. What depends
    /// on the state, on a fee or on this node's bounds may look different elsewhere.
    pub fn is_malformed(&self) -> bool {
        use AdmissionError as E;
        matches!(
            self,
            E::Type(_)
                | E::Blob
                | E::ChainId { .. }
                | E::Oversized { .. }
                | E::InitcodeSize { .. }
                | E::TipAboveFeeCap { .. }
                | E::NonceMax(_)
                | E::IntrinsicGas { .. }
                | E::FloorDataGas { .. }
                | E::EmptyAuthorizations(_)
                | E::SetCodeCreates(_)
        )
    }
}
