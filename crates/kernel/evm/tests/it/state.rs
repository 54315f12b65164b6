//! Ethereum's state tests: one transaction over a given state; the state root and the logs that must come of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use serde::Deserialize;
use weft_evm::{ChainSpec, Preamble, Rules, Session, StateChanges, decode_transaction, fork_by_name, recover};

use crate::fixtures::{self, PreAccount};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    env: Env,
    pre: BTreeMap<Address, PreAccount>,
    post: BTreeMap<String, Vec<Post>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Env {
    current_coinbase: Address,
    current_difficulty: U256,
    current_gas_limit: U256,
    current_number: U256,
    current_timestamp: U256,
    current_base_fee: Option<U256>,
    current_random: Option<B256>,
    current_excess_blob_gas: Option<U256>,
}

#[derive(Deserialize)]
struct Post {
    hash: B256,
    logs: B256,
    txbytes: Bytes,
    #[serde(rename = "expectException")]
    exception: Option<String>,
}

fn run(spec: &ChainSpec, case: &Case, post: &Post) -> Result<(), String> {
    let mut state = fixtures::state(&case.pre);
    let env = &case.env;
    for number in 0..env.current_number.to::<u64>().min(256) {
        // The hash of a block of these tests is that of its number in digits.
        state.block_hashes.insert(number, keccak256(number.to_string()));
    }
    let header = Header {
        beneficiary: env.current_coinbase,
        difficulty: env.current_difficulty,
        gas_limit: env.current_gas_limit.saturating_to(),
        number: env.current_number.to(),
        timestamp: env.current_timestamp.to(),
        base_fee_per_gas: env.current_base_fee.map(|fee| fee.to()),
        mix_hash: env.current_random.unwrap_or_default(),
        excess_blob_gas: Some(env.current_excess_blob_gas.unwrap_or_default().to()),
        parent_beacon_block_root: Some(B256::ZERO),
        ..Header::default()
    };
    let decoded = decode_transaction(spec, &post.txbytes).and_then(|transaction| recover(spec, transaction));
    let mut session = Session::begin(spec, &header, &Preamble::default(), &state).map_err(|error| error.to_string())?;
    let refused = match &decoded {
        Err(error) => Some(error.to_string()),
        Ok(transaction) => session
            .transact(transaction.inner(), transaction.signer())
            .map_err(|error| error.to_string())?
            .err()
            .map(|error| error.to_string()),
    };
    match (&refused, &post.exception) {
        (None, Some(expected)) => return Err(format!("taken, though it must be refused: {expected}")),
        (Some(why), None) => return Err(format!("refused: {why}")),
        _ => {}
    }
    let logs: Vec<_> = session.receipts().iter().flat_map(|receipt| receipt.logs.clone()).collect();
    let changes: StateChanges = session.into_overlay().into_changes().map_err(|error| error.to_string())?;
    let root = state.apply(changes).map_err(|error| error.to_string())?;
    if root != post.hash {
        return Err(format!("the state root is {root}, not {}", post.hash));
    }
    let logs = keccak256(alloy_rlp::encode(&logs));
    if logs != post.logs {
        return Err(format!("the logs' hash is {logs}, not {}", post.logs));
    }
    Ok(())
}

#[derive(Default)]
struct Tally {
    passed: BTreeMap<String, usize>,
    failed: Vec<String>,
}

fn run_file(file: &Path) -> Tally {
    let mut tally = Tally::default();
    let cases: BTreeMap<String, Case> = serde_json::from_slice(&std::fs::read(file).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    for (name, case) in cases {
        for (fork, posts) in &case.post {
            let spec = ChainSpec::at_fork(1, Rules::Ethereum, fork_by_name(fork).unwrap());
            for (index, post) in posts.iter().enumerate() {
                match run(&spec, &case, post) {
                    Ok(()) => *tally.passed.entry(fork.clone()).or_default() += 1,
                    Err(why) => tally.failed.push(format!("{name} {fork} {index}: {why}")),
                }
            }
        }
    }
    tally
}

#[test]
fn ethereum_state_tests_pass() {
    let started = Instant::now();
    let files = fixtures::files("GeneralStateTests");
    let mut total = Tally::default();
    for tally in fixtures::over(&files, run_file) {
        tally.passed.into_iter().for_each(|(fork, count)| *total.passed.entry(fork).or_default() += count);
        total.failed.extend(tally.failed);
    }
    let passed: usize = total.passed.values().sum();
    let by_fork: Vec<_> = total.passed.iter().map(|(fork, count)| format!("{fork} {count}")).collect();
    let report = format!(
        "state tests: {passed} passed, {} failed, of {} files in {:.1} s ({})",
        total.failed.len(),
        files.len(),
        started.elapsed().as_secs_f32(),
        by_fork.join(", ")
    );
    crate::say(&report);
    assert!(total.failed.is_empty(), "{report}\n{}", total.failed[..total.failed.len().min(60)].join("\n"));
    assert_eq!(passed, 21_442, "the fixture has this many cases");
}
