//! A small chain with people who have funds, and stores that fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_consensus::crypto::secp256k1::sign_message;
use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, keccak256};
use serde_json::json;
use weft_evm::{
    Attributes, Built, Chain, ChainOptions, Genesis, Limits, Outcome, Preamble, Recovered, Transaction, predeploy,
    recover,
};
use weft_store::{Batch, CommitError, Durability, Entry, MemoryStore, ReadError, Store, StoreHealth, Table};

pub(crate) const CHAIN: u64 = 9338;
pub(crate) const PEOPLE: usize = 8;
pub(crate) const PROPOSER: Address = address!("00000000000000000000000000000000000000aa");

/// Stores its second word under its first, and logs the second with the first as topic.
pub(crate) const NOTEBOOK: Address = address!("00000000000000000000000000000000000000bb");
pub(crate) const NOTEBOOK_CODE: &str = "0x6020355f35556020355f525f3560205fa100";

pub(crate) fn secret(person: usize) -> B256 {
    keccak256(format!("person {person}"))
}

pub(crate) fn person(index: usize) -> Address {
    sign(index, TxEip1559 { chain_id: CHAIN, ..TxEip1559::default() }).signer()
}

pub(crate) fn sign<T>(person: usize, transaction: T) -> Recovered
where
    T: SignableTransaction<alloy_primitives::Signature>,
    Transaction: From<alloy_consensus::Signed<T>>,
{
    let signature = sign_message(secret(person), transaction.signature_hash()).unwrap();
    let spec = genesis().spec;
    recover(&spec, transaction.into_signed(signature).into()).unwrap()
}

pub(crate) fn transfer(from: usize, nonce: u64, to: Address, value: u64) -> Recovered {
    sign(from, plain(nonce, TxKind::Call(to), U256::from(value), Bytes::new(), 100_000))
}

pub(crate) fn note(from: usize, nonce: u64, slot: u64, value: u64) -> Recovered {
    let data = [U256::from(slot).to_be_bytes::<32>(), U256::from(value).to_be_bytes::<32>()].concat();
    sign(from, plain(nonce, TxKind::Call(NOTEBOOK), U256::ZERO, data.into(), 100_000))
}

pub(crate) fn plain(nonce: u64, to: TxKind, value: U256, input: Bytes, gas_limit: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit,
        max_fee_per_gas: 1_000_000_000,
        max_priority_fee_per_gas: 1,
        to,
        value,
        access_list: AccessList::default(),
        input,
    }
}

pub(crate) fn genesis_json() -> serde_json::Value {
    let mut alloc = serde_json::Map::new();
    for (address, account) in predeploy::standard() {
        alloc.insert(address.to_string(), serde_json::to_value(account).unwrap());
    }
    // The keys of the people, not through `person`, which needs a genesis.
    for index in 0..PEOPLE {
        let hash = B256::ZERO;
        let signature = sign_message(secret(index), hash).unwrap();
        let address = signature.recover_address_from_prehash(&hash).unwrap();
        alloc.insert(address.to_string(), json!({ "balance": "0xde0b6b3a7640000" }));
    }
    alloc.insert(NOTEBOOK.to_string(), json!({ "balance": "0x0", "nonce": "0x1", "code": NOTEBOOK_CODE }));
    json!({
        "config": { "chainId": CHAIN, "weft": { "fork": "prague" } },
        "gasLimit": "0x1c9c380",
        "difficulty": "0x0",
        "timestamp": "0x6553f100",
        "extraData": B256::repeat_byte(1),
        "alloc": alloc,
    })
}

pub(crate) fn genesis() -> Genesis {
    static GENESIS: std::sync::OnceLock<Genesis> = std::sync::OnceLock::new();
    GENESIS.get_or_init(|| Genesis::from_json(genesis_json().to_string().as_bytes()).unwrap()).clone()
}

/// Options under which everything that happens seldom happens often.
pub(crate) fn eager() -> ChainOptions {
    ChainOptions { cache_entries: 64, dirty_nodes: 40, dirty_blocks: 5, ..ChainOptions::default() }
}

pub(crate) fn open(store: &Arc<impl Store>) -> Chain {
    Chain::open(store.clone(), &genesis(), eager()).unwrap()
}

pub(crate) fn attributes(chain: &Chain) -> Attributes {
    let timestamp = chain.head().1.timestamp + 1;
    Attributes { timestamp, beneficiary: PROPOSER, extra_data: B256::repeat_byte(2), preamble: Preamble::default() }
}

pub(crate) fn build(chain: &Chain, transactions: Vec<Recovered>) -> Built {
    chain.build(attributes(chain), transactions, Limits::default(), || false).unwrap()
}

/// Builds and commits a block of transactions that must all get in.
pub(crate) fn extend(chain: &Chain, transactions: Vec<Recovered>) -> B256 {
    let built = build(chain, transactions);
    for (hash, outcome) in &built.outcomes {
        assert!(matches!(outcome, Outcome::Included(_)), "{hash}: {outcome:?}");
    }
    let hash = built.executed.hash();
    chain.commit(hash, Bytes::copy_from_slice(hash.as_slice())).unwrap();
    hash
}

/// A store whose batches fail on demand, before or after they are applied, as a disk does.
#[derive(Default)]
pub(crate) struct FailingStore {
    pub(crate) inner: MemoryStore,
    /// The batch that fails, counted down.
    pub(crate) lost: AtomicUsize,
    pub(crate) kept: AtomicUsize,
}

impl Store for FailingStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        self.inner.get(table, key)
    }

    fn scan(&self, table: Table, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, ReadError> {
        self.inner.scan(table, prefix, after, limit)
    }

    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), CommitError> {
        let counts_down = |count: &AtomicUsize| {
            count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) == Ok(1)
        };
        let failed = || CommitError::ReadOnly { because: String::from("the test says so"), mend: String::new() };
        if counts_down(&self.lost) {
            return Err(failed());
        }
        let kept = counts_down(&self.kept);
        self.inner.commit(batch, durability)?;
        if kept { Err(failed()) } else { Ok(()) }
    }

    fn health(&self) -> StoreHealth {
        StoreHealth::Ok
    }
}
