//! Ethereum's blockchain tests: chains of blocks, valid and not, from a given genesis.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes};
use alloy_rlp::Decodable;
use serde::Deserialize;
use weft_evm::{
    Block, ChainSpec, MemoryState, Preamble, RecoveredBlock, Rules, execute_block, fork_by_name, recover_senders,
};

use crate::fixtures::{self, PreAccount};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    network: String,
    #[serde(rename = "genesisRLP")]
    genesis: Bytes,
    pre: BTreeMap<Address, PreAccount>,
    blocks: Vec<CaseBlock>,
    #[serde(rename = "lastblockhash")]
    last: B256,
}

#[derive(Deserialize)]
struct CaseBlock {
    rlp: Bytes,
    #[serde(rename = "expectException")]
    exception: Option<String>,
}

fn import(
    spec: &ChainSpec,
    known: &HashMap<B256, (Header, MemoryState)>,
    rlp: &[u8],
) -> Result<(Header, B256, MemoryState), String> {
    let block = Block::decode(&mut &rlp[..]).map_err(|error| format!("rlp: {error}"))?;
    let parent = block.header.parent_hash;
    let (parent_header, state) = known.get(&parent).ok_or("unknown parent")?;
    let one = NonZero::<usize>::MIN;
    let senders =
        recover_senders(spec, &block.body.transactions, one).map_err(|(index, error)| format!("{index}: {error}"))?;
    let block = Arc::new(RecoveredBlock::new(block, senders, Preamble::default()));
    let executed = execute_block(spec, parent_header, parent, block, state).map_err(|error| error.to_string())?;
    let mut state = state.clone();
    let (header, hash) = (executed.header().clone(), executed.hash());
    state.commit(executed);
    Ok((header, hash, state))
}

fn run(case: &Case) -> Result<Vec<String>, String> {
    let spec = ChainSpec::at_fork(1, Rules::Ethereum, fork_by_name(&case.network).ok_or("unknown fork")?);
    let genesis = Block::decode(&mut &case.genesis[..]).map_err(|error| format!("genesis: {error}"))?.header;
    let mut state = fixtures::state(&case.pre);
    if state.root() != genesis.state_root {
        return Err(format!("the genesis root is {}, not {}", state.root(), genesis.state_root));
    }
    let mut last = genesis.hash_slow();
    state.block_hashes.insert(0, last);
    let mut known = HashMap::from([(last, (genesis, state))]);
    let mut refused = Vec::new();
    for (index, block) in case.blocks.iter().enumerate() {
        match (import(&spec, &known, &block.rlp), &block.exception) {
            (Ok((header, hash, state)), None) => {
                last = hash;
                known.insert(hash, (header, state));
            }
            (Err(_), Some(expected)) => refused.push(expected.clone()),
            (Ok(_), Some(expected)) => return Err(format!("block {index} was taken, though: {expected}")),
            (Err(why), None) => return Err(format!("block {index} was refused: {why}")),
        }
    }
    if last != case.last {
        return Err(format!("the last block is {last}, not {}", case.last));
    }
    Ok(refused)
}

fn run_file(file: &Path) -> Vec<(String, Result<Vec<String>, String>)> {
    let cases: BTreeMap<String, Case> = serde_json::from_slice(&std::fs::read(file).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    cases.into_iter().map(|(name, case)| (name, run(&case))).collect()
}

#[test]
fn ethereum_blockchain_tests_pass() {
    let started = Instant::now();
    let files = fixtures::files("BlockchainTests");
    let mut passed = 0;
    let mut failed = Vec::new();
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for (name, result) in fixtures::over(&files, run_file).into_iter().flatten() {
        match result {
            Ok(reasons) => {
                passed += 1;
                reasons.into_iter().for_each(|reason| *refused.entry(reason).or_default() += 1);
            }
            Err(why) => failed.push(format!("{name}: {why}")),
        }
    }
    let report = format!(
        "blockchain tests: {passed} passed, {} failed, of {} files in {:.1} s",
        failed.len(),
        files.len(),
        started.elapsed().as_secs_f32()
    );
    crate::say(&report);
    crate::say("blocks refused as they must be, by the fixture's reason:");
    refused.iter().for_each(|(reason, count)| crate::say(&format!("{count:>5}  {reason}")));
    assert!(failed.is_empty(), "{report}\n{}", failed[..failed.len().min(60)].join("\n"));
    assert_eq!(passed, 573, "the fixture has this many cases");
}
