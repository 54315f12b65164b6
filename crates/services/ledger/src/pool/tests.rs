//! Tests of the pool, and what they are built of.

mod admission;
mod figures;
mod gossip;
mod journal;
mod model;
mod rules;

use std::collections::BTreeMap;
use std::time::Duration;

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use weft_evm::{ChainSpec, Recovered, StateError, fork_by_name};

use super::*;

const CHAIN: u64 = 7;
const NOW: Duration = Duration::from_secs(1000);

fn spec() -> ChainSpec {
    ChainSpec::at_fork(CHAIN, weft_evm::Rules::Weft, fork_by_name("prague").unwrap())
}

fn rules() -> Rules {
    Rules::at(&spec(), 1, 0, 30_000_000)
}

fn address(n: u64) -> Address {
    Address::left_padding_from(&(n + 0x1000).to_be_bytes())
}

/// What all signatures here have in common.
const R: U256 = U256::from_limbs([0, 1, 1, 1 << 61]);

/// A transaction with a signature that nobody made: the pool is told who sent it.
#[derive(Debug, Clone)]
struct Tx(u64, TxEip1559);

impl Tx {
    fn new(sender: u64, nonce: u64) -> Self {
        let to = TxKind::Call(Address::repeat_byte(9));
        let tx = TxEip1559 {
            chain_id: CHAIN,
            nonce,
            gas_limit: 21_000,
            max_fee_per_gas: 100,
            max_priority_fee_per_gas: 10,
            to,
            ..TxEip1559::default()
        };
        Tx(sender, tx)
    }

    fn pays(mut self, tip: u128, fee_cap: u128) -> Self {
        (self.1.max_priority_fee_per_gas, self.1.max_fee_per_gas) = (tip, fee_cap);
        self
    }

    fn value(mut self, value: u64) -> Self {
        self.1.value = U256::from(value);
        self
    }

    fn data(mut self, len: usize) -> Self {
        self.1.input = Bytes::from(vec![0; len]);
        self.1.gas_limit = 21_000 + 10 * len as u64;
        self
    }

    fn recovered(self) -> Recovered {
        // As long as real ones are.
        let signature = Signature::new(R + U256::from(self.0), R, false);
        Recovered::new_unchecked(self.1.into_signed(signature).into(), address(self.0))
    }

    fn candidate(self) -> Candidate {
        rules().check(self.recovered()).unwrap()
    }
}

/// Accounts as tests set them; the rest have all there is.
#[derive(Debug, Default)]
struct World(BTreeMap<Address, AccountState>);

const RICH: U256 = U256::from_limbs([0, 1, 0, 0]);

impl World {
    fn with(mut self, n: u64, account: AccountState) -> Self {
        self.0.insert(address(n), account);
        self
    }
}

impl Accounts for World {
    fn account(&self, address: Address) -> Result<AccountState, StateError> {
        let rich = AccountState { balance: RICH, ..AccountState::default() };
        Ok(self.0.get(&address).copied().unwrap_or(rich))
    }
}

fn insert(pool: &mut Pool, tx: Tx) -> Result<Inserted, AdmissionError> {
    pool.insert(NOW, tx.candidate(), &World::default())
}

fn fates(pool: &mut Pool) -> Vec<(B256, Fate)> {
    pool.assert_sound();
    pool.drain_outcomes().into_iter().map(|outcome| (outcome.hash, outcome.fate)).collect()
}
