//! A transaction as the pool has it.

use std::time::Duration;

use alloy_consensus::Transaction as _;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, U256};
use weft_evm::Recovered;

/// A transaction that the [rules](crate::pool::Rules) let pass, with all that the pool asks of it again and again.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub(crate) transaction: Recovered,
    pub(crate) hash: B256,
    pub(crate) bytes: usize,
    pub(crate) cost: U256,
    pub(crate) price: Price,
}

/// A transaction in the pool.
#[derive(Debug)]
pub struct PoolTransaction {
    candidate: Candidate,
    arrival: u64,
    since: Duration,
}

/// What a transaction pays a gas: at most `fee_cap`, of that at most `tip` to the proposer (EIP-1559). One of the older
/// kinds has its gas price as both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// `maxPriorityFeePerGas`.
    pub tip: u128,
    /// `maxFeePerGas`.
    pub fee_cap: u128,
}

impl Price {
    /// What the proposer gets a gas at a base fee. Negative if the fee cap is below it: the transaction has to wait, and
    /// the more the worse. (Prices above 2^127 wei count as that.)
    pub fn effective_tip(&self, base_fee: u64) -> i128 {
        let cap = i128::try_from(self.fee_cap).unwrap_or(i128::MAX);
        let tip = i128::try_from(self.tip).unwrap_or(i128::MAX);
        tip.min(cap - i128::from(base_fee))
    }

    /// The lower of both in each part: at any base fee its effective tip is the lower of theirs.
    pub(crate) fn meet(self, other: Price) -> Price {
        Price { tip: self.tip.min(other.tip), fee_cap: self.fee_cap.min(other.fee_cap) }
    }

    /// What another has to pay to take the place of a transaction with this price: 10 % more, and more in any case.
    pub fn replacement(&self) -> Price {
        let bumped = |price: u128| price.saturating_add((price / 10 + u128::from(!price.is_multiple_of(10))).max(1));
        Price { tip: bumped(self.tip), fee_cap: bumped(self.fee_cap) }
    }
}

impl Candidate {
    pub(crate) fn new(transaction: Recovered) -> Self {
        let hash = *transaction.tx_hash();
        let bytes = transaction.encode_2718_len();
        let fee_cap = transaction.max_fee_per_gas();
        let price = Price { tip: transaction.priority_fee_or_price(), fee_cap };
        // A gas limit times a price has at most 192 bits; a value may be anything.
        let cost = (U256::from(transaction.gas_limit()) * U256::from(fee_cap)).saturating_add(transaction.value());
        Candidate { transaction, hash, bytes, cost, price }
    }

    /// The transaction's hash.
    pub fn hash(&self) -> B256 {
        self.hash
    }

    /// The transaction with its sender.
    pub fn transaction(&self) -> &Recovered {
        &self.transaction
    }

    /// The sender.
    pub fn sender(&self) -> Address {
        self.transaction.signer()
    }

    /// The sender's transactions before this one.
    pub fn nonce(&self) -> u64 {
        self.transaction.nonce()
    }
}

impl PoolTransaction {
    pub(crate) fn new(candidate: Candidate, arrival: u64, since: Duration) -> Self {
        PoolTransaction { candidate, arrival, since }
    }

    /// The transaction with its sender.
    pub fn transaction(&self) -> &Recovered {
        &self.candidate.transaction
    }

    /// The transaction's hash.
    pub fn hash(&self) -> B256 {
        self.candidate.hash
    }

    /// The sender.
    pub fn sender(&self) -> Address {
        self.candidate.sender()
    }

    /// The sender's transactions before this one.
    pub fn nonce(&self) -> u64 {
        self.candidate.nonce()
    }

    /// Length in the network form (EIP-2718).
    pub fn bytes(&self) -> usize {
        self.candidate.bytes
    }

    /// The network form.
    pub fn encoded(&self) -> Bytes {
        self.candidate.transaction.encoded_2718().into()
    }

    /// What it may cost its sender at most: gas limit times fee cap, and the value.
    pub fn cost(&self) -> U256 {
        self.candidate.cost
    }

    /// What it pays.
    pub fn price(&self) -> Price {
        self.candidate.price
    }

    /// Its place among all that came, restarts included.
    pub fn arrival(&self) -> u64 {
        self.arrival
    }

    /// When it came, by the owner's clock.
    pub fn since(&self) -> Duration {
        self.since
    }

    /// What `txpool_inspect` says of it.
    pub fn inspect(&self) -> String {
        let transaction = self.transaction();
        let (value, gas, price) = (transaction.value(), transaction.gas_limit(), self.price().fee_cap);
        match transaction.to() {
            Some(to) => format!("{to}: {value} wei + {gas} gas × {price} wei"),
            None => format!("contract creation: {value} wei + {gas} gas × {price} wei"),
        }
    }
}
