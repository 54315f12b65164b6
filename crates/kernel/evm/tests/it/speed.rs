//! A measurement, not a test: what a block costs the processor on a chain with many accounts.
//!
//! `cargo test -p weft-evm --test it --config 'profile.dev.package.weft-evm.opt-level=3' -- --ignored --nocapture speed`

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use serde_json::json;
use weft_evm::{Chain, ChainOptions, Genesis, Recovered, RecoveredBlock};
use weft_store::{FjallStore, StoreOptions};

use crate::world::{NOTEBOOK, attributes, genesis_json, plain};

/// Of the chain, all with a balance and a slot of the notebook.
const ACCOUNTS: u64 = 200_000;
const BLOCKS: u64 = 40;
const TRANSACTIONS: u64 = 1_000;

/// Time on the processor, so that what else the machine does is not measured.
struct Instant(u64);

impl Instant {
    fn now() -> Self {
        let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        Instant(stat.split(' ').next().unwrap().parse().unwrap())
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(Self::now().0 - self.0)
    }
}

fn account(index: u64) -> Address {
    Address::from_word(keccak256(index.to_be_bytes()))
}

#[test]
#[ignore = "a measurement"]
fn speed_of_blocks_on_a_large_state() {
    let mut json = genesis_json();
    json["gasLimit"] = json!("0x1dcd6500");
    let alloc = json["alloc"].as_object_mut().unwrap();
    let mut storage = serde_json::Map::new();
    for index in 0..ACCOUNTS {
        alloc.insert(account(index).to_string(), json!({ "balance": "0xde0b6b3a7640000" }));
        storage.insert(B256::from(U256::from(index)).to_string(), json!(B256::with_last_byte(1)));
    }
    alloc[&NOTEBOOK.to_string()]["storage"] = storage.into();
    let genesis = Genesis::from_json(json.to_string().as_bytes()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FjallStore::open(folder.path(), StoreOptions::default()).unwrap());
    let started = Instant::now();
    let chain = Chain::open(store.clone(), &genesis, ChainOptions::default()).unwrap();
    crate::say(&format!("genesis of {ACCOUNTS} accounts and slots: {:.2?}", started.elapsed()));
    let (mut building, mut executing, mut committing) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut slowest = Duration::ZERO;
    for block in 0..BLOCKS {
        // Each sender and slot once a block, spread over all of them.
        let transactions: Vec<_> = (0..TRANSACTIONS)
            .map(|at| {
                let sender = (at * 197 + block * 31) % ACCOUNTS;
                let place = (at * 151 + block * 17) % ACCOUNTS;
                let data = [U256::from(place).to_be_bytes::<32>(), U256::from(block + 2).to_be_bytes::<32>()].concat();
                let to = alloy_primitives::TxKind::Call(NOTEBOOK);
                let nonce = 0;
                let unsigned = plain(nonce, to, U256::ZERO, data.into(), 60_000);
                let signature = alloy_primitives::Signature::test_signature();
                let signed = alloy_consensus::SignableTransaction::into_signed(unsigned, signature);
                Recovered::new_unchecked(signed.into(), account(sender + block * 1_000_003 % 7 + block * 211))
            })
            .collect();
        let started = Instant::now();
        let built = chain.build(attributes(&chain), transactions, Default::default(), || false).unwrap();
        building += started.elapsed();
        let block = &built.executed.block;
        // A validator who did not build it: the same work with the checks.
        let fresh = RecoveredBlock::new(block.block.clone(), block.senders.clone(), block.preamble.clone());
        let started = Instant::now();
        let state = chain.state();
        let (hash, header) = chain.head();
        weft_evm::execute_block(chain.spec(), &header, hash, Arc::new(fresh), &state).unwrap();
        executing += started.elapsed();
        let started = Instant::now();
        chain.commit(built.executed.hash(), Bytes::new()).unwrap();
        committing += started.elapsed();
        slowest = slowest.max(started.elapsed());
    }
    let each = |time: Duration| time.as_secs_f64() * 1e3 / BLOCKS as f64;
    crate::say(&format!(
        "{BLOCKS} blocks of up to {TRANSACTIONS} transactions: build {:.1} ms, execute {:.1} ms, commit {:.1} ms (slowest {:.1})",
        each(building),
        each(executing),
        each(committing),
        slowest.as_secs_f64() * 1e3
    ));
    let included: usize = (1..=BLOCKS).map(|height| chain.block(height).unwrap().unwrap().block.senders.len()).sum();
    crate::say(&format!("transactions in all: {included}"));
    let started = Instant::now();
    chain.proof(account(5), &[], 1).unwrap();
    crate::say(&format!("proof of {} blocks ago: {:.2?}", chain.height() - 1, started.elapsed()));
    drop(chain);
    let started = Instant::now();
    Chain::open(store, &genesis, ChainOptions::default()).unwrap();
    crate::say(&format!("opened again in {:.2?} (genesis included)", started.elapsed()));
}
