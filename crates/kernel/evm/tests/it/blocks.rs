//! Building and refusing blocks.

use std::sync::Arc;

use alloy_consensus::{SignableTransaction, TxEip2930, TxEip4844, TxEip7702, TxLegacy, TxType};
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS;
use alloy_eips::eip7702::Authorization;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use std::num::NonZero;
use weft_evm::{
    BlockError, Chain, DecodeError, Limits, Outcome, Overlay, Preamble, RecoveredBlock, SkipReason, StateReader,
    SystemCall, Transaction, TransactionError, decode_transaction, execute_alone, mix_hash, recover_raw,
};
use weft_store::MemoryStore;

use crate::world::{
    self, CHAIN, NOTEBOOK, PROPOSER, attributes, build, extend, genesis, note, open, person, sign, transfer,
};

fn chain() -> Chain {
    open(&Arc::new(MemoryStore::default()))
}

#[test]
fn all_types_of_transactions_are_executed() {
    let chain = chain();
    let base_fee = u128::from(chain.next_header(&attributes(&chain)).base_fee_per_gas.unwrap());
    let to = TxKind::Call(Address::repeat_byte(0x77));
    let legacy =
        TxLegacy { chain_id: Some(CHAIN), nonce: 0, gas_price: base_fee, gas_limit: 21_000, to, ..TxLegacy::default() };
    let keys = vec![AccessListItem { address: NOTEBOOK, storage_keys: vec![B256::with_last_byte(1)] }];
    let listed = TxEip2930 {
        chain_id: CHAIN,
        nonce: 1,
        gas_price: base_fee,
        gas_limit: 50_000,
        to,
        access_list: AccessList(keys),
        ..TxEip2930::default()
    };
    // Person 1 lets the notebook be its code; person 0 sends the transaction that says so.
    let authorization = Authorization { chain_id: U256::from(CHAIN), address: NOTEBOOK, nonce: 0 };
    let hash = authorization.signature_hash();
    let signature = alloy_consensus::crypto::secp256k1::sign_message(world::secret(1), hash).unwrap();
    let input = [[0; 31].as_slice(), &[5], &[0; 31], &[6]].concat();
    let delegating = TxEip7702 {
        chain_id: CHAIN,
        nonce: 2,
        gas_limit: 200_000,
        max_fee_per_gas: base_fee,
        to: person(1),
        authorization_list: vec![authorization.into_signed(signature)],
        input: input.into(),
        ..TxEip7702::default()
    };
    extend(&chain, vec![sign(0, legacy), sign(0, listed), sign(0, delegating), transfer(0, 3, PROPOSER, 1)]);
    let receipts = chain.receipts(1).unwrap().unwrap();
    let types: Vec<_> = receipts.iter().map(|receipt| receipt.tx_type).collect();
    assert_eq!(types, [TxType::Legacy, TxType::Eip2930, TxType::Eip7702, TxType::Eip1559]);
    assert!(receipts.iter().all(|receipt| receipt.success));
    let state = chain.state();
    assert_eq!(state.storage(person(1), U256::from(5)).unwrap(), U256::from(6), "the call ran as person 1");
    let code = state.account(person(1)).unwrap().unwrap().code_hash;
    assert_eq!(state.code(code).unwrap(), Bytes::from([&[0xef, 1, 0], NOTEBOOK.as_slice()].concat()));
    // The proposer has the tip of one wei a gas of the last, and its transfer; base fees are nobody's.
    let tip = receipts[3].cumulative_gas_used - receipts[2].cumulative_gas_used;
    assert_eq!(state.account(PROPOSER).unwrap().unwrap().balance, U256::from(tip + 1));
}

#[test]
fn each_candidate_is_told_what_became_of_it() {
    let chain = chain();
    let poor = 7;
    let fund = person(poor);
    // Person 7 spends all it has.
    let balance = chain.state().account(fund).unwrap().unwrap().balance;
    let mut cheap = world::plain(0, TxKind::Call(PROPOSER), U256::ZERO, Bytes::new(), 21_000);
    (cheap.max_fee_per_gas, cheap.max_priority_fee_per_gas) = (6, 0);
    let huge = world::plain(0, TxKind::Call(PROPOSER), U256::ZERO, Bytes::new(), 30_000_001);
    let broke = world::plain(0, TxKind::Call(PROPOSER), balance, Bytes::new(), 21_000);
    let tight = world::plain(0, TxKind::Call(PROPOSER), U256::ZERO, Bytes::from([1; 100]), 21_000);
    let candidates = vec![
        transfer(0, 0, PROPOSER, 1),
        transfer(0, 2, PROPOSER, 1),
        transfer(0, 1, PROPOSER, 1),
        sign(1, cheap),
        sign(2, huge),
        sign(poor, broke),
        sign(3, tight),
        transfer(4, 0, PROPOSER, 1),
        transfer(4, 0, PROPOSER, 2),
    ];
    let built = build(&chain, candidates);
    let outcomes: Vec<_> = built.outcomes.iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes[0], &Outcome::Included(21_000));
    assert_eq!(outcomes[1], &Outcome::Skipped(SkipReason::Nonce(1)));
    assert_eq!(outcomes[2], &Outcome::Skipped(SkipReason::BehindAnother));
    assert_eq!(outcomes[3], &Outcome::Skipped(SkipReason::BaseFee));
    assert_eq!(outcomes[4], &Outcome::Kicked(TransactionError::GasLeft { limit: 30_000_001, left: 29_979_000 }));
    assert_eq!(outcomes[5], &Outcome::Skipped(SkipReason::Funds));
    assert!(matches!(outcomes[6], Outcome::Kicked(TransactionError::Invalid(_))), "{:?}", outcomes[6]);
    assert_eq!(outcomes[7], &Outcome::Included(21_000));
    assert!(matches!(outcomes[8], Outcome::Kicked(TransactionError::Invalid(_))), "{:?}", outcomes[8]);
    assert_eq!(built.executed.block.block.body.transactions.len(), 2);
    // What was built is what anyone else finds valid.
    let other = self::chain();
    assert_eq!(other.execute(built.executed.block.clone()).unwrap().receipts, built.executed.receipts);
}

#[test]
fn a_block_is_bounded_by_gas_bytes_and_time() {
    let chain = chain();
    let many = || (0..100).map(|nonce| transfer(0, nonce, PROPOSER, 1));
    let length = |limits, stop: &mut dyn FnMut() -> bool| {
        let built = chain.build(attributes(&chain), many(), limits, stop).unwrap();
        built.executed.block.block.body.transactions.len()
    };
    let all = Limits::default();
    assert_eq!(length(all, &mut || false), 100);
    // The gas limit of each is 100,000; 21,000 of it is used.
    assert_eq!(length(Limits { gas: 300_000, ..all }, &mut || false), 10);
    let size = transfer(0, 1, PROPOSER, 1).inner().encode_2718_len();
    assert_eq!(length(Limits { bytes: 10 * size, ..all }, &mut || false), 10);
    let mut asked = 0;
    assert_eq!(
        length(all, &mut || {
            asked += 1;
            asked > 7
        }),
        7
    );
}

#[test]
fn every_field_of_a_header_is_checked() {
    let chain = chain();
    extend(&chain, vec![note(0, 0, 1, 1)]);
    let good = build(&chain, vec![note(0, 1, 2, 2)]).executed.block.clone();
    let other = B256::repeat_byte(3);
    type Change = fn(&mut RecoveredBlock, B256);
    let changes: [(&str, Change); 21] = [
        ("number", |block, _| block.block.header.number += 1),
        ("gasLimit", |block, _| block.block.header.gas_limit += 1),
        ("gasUsed", |block, _| block.block.header.gas_used += 1),
        ("gasUsed", |block, _| block.block.header.gas_used = block.block.header.gas_limit + 1),
        ("timestamp", |block, _| block.block.header.timestamp -= 2),
        ("extraData", |block, _| block.block.header.extra_data = Bytes::from([0; 31])),
        ("mixHash", |block, other| block.block.header.mix_hash = other),
        ("mixHash", |block, _| block.block.header.beneficiary = NOTEBOOK),
        ("baseFeePerGas", |block, _| block.block.header.base_fee_per_gas = Some(8)),
        ("difficulty", |block, _| block.block.header.difficulty = U256::ONE),
        ("nonce", |block, _| block.block.header.nonce.0[7] = 1),
        ("sha3Uncles", |block, other| block.block.header.ommers_hash = other),
        ("withdrawalsRoot", |block, _| block.block.header.withdrawals_root = None),
        ("blobGasUsed", |block, _| block.block.header.blob_gas_used = Some(131_072)),
        ("excessBlobGas", |block, _| block.block.header.excess_blob_gas = Some(1)),
        ("parentBeaconBlockRoot", |block, other| block.block.header.parent_beacon_block_root = Some(other)),
        ("requestsHash", |block, other| block.block.header.requests_hash = Some(other)),
        ("transactionsRoot", |block, other| block.block.header.transactions_root = other),
        ("receiptsRoot", |block, other| block.block.header.receipts_root = other),
        ("stateRoot", |block, other| block.block.header.state_root = other),
        ("logsBloom", |block, _| block.block.header.logs_bloom.0[3] ^= 1),
    ];
    for (field, change) in changes {
        let mut block = RecoveredBlock::clone(&good);
        change(&mut block, other);
        block.hash = block.block.header.hash_slow();
        let error = chain.execute(Arc::new(block)).unwrap_err();
        let BlockError::Header { field: found, .. } = &error else { panic!("{field}: {error}") };
        assert!(found.starts_with(field), "{field}: {error}");
    }
    let mut block = RecoveredBlock::clone(&good);
    block.block.header.parent_hash = other;
    assert!(matches!(chain.execute(Arc::new(block)).unwrap_err(), BlockError::UnknownParent(_)));
    chain.execute(good).unwrap();
}

#[test]
fn a_block_with_a_bad_transaction_names_it() {
    let chain = chain();
    let good = build(&chain, vec![transfer(0, 0, PROPOSER, 1), transfer(1, 0, PROPOSER, 1)]).executed.block.clone();
    let mut block = RecoveredBlock::clone(&good);
    block.block.body.transactions[1] = transfer(1, 1, PROPOSER, 1).into_inner();
    let root = alloy_consensus::proofs::calculate_transaction_root(&block.block.body.transactions);
    block.block.header.transactions_root = root;
    let block = RecoveredBlock::new(block.block, block.senders, block.preamble);
    let error = chain.execute(Arc::new(block)).unwrap_err();
    assert!(matches!(error, BlockError::Transaction { index: 1, .. }), "{error}");
    assert!(error.to_string().contains("nonce"), "{error}");
}

#[test]
fn several_blocks_may_share_a_second() {
    let chain = chain();
    let mut now = attributes(&chain);
    now.timestamp = 0;
    for _ in 0..3 {
        let built = chain.build(now.clone(), [], Limits::default(), || false).unwrap();
        assert_eq!(built.executed.header().timestamp, genesis().seal().unwrap().0.timestamp);
        chain.commit(built.executed.hash(), Bytes::new()).unwrap();
    }
    let header = chain.head().1;
    assert_eq!(header.mix_hash, mix_hash(header.parent_hash, PROPOSER, 3));
}

#[test]
fn blobs_are_refused_with_a_reason() {
    let blob = TxEip4844 { chain_id: CHAIN, ..TxEip4844::default() };
    let signature =
        alloy_consensus::crypto::secp256k1::sign_message(B256::repeat_byte(1), blob.signature_hash()).unwrap();
    let blob = Transaction::from(blob.into_signed(signature));
    let spec = genesis().spec;
    let error = decode_transaction(&spec, &blob.encoded_2718()).unwrap_err();
    assert_eq!(error, DecodeError::Blob);
    assert!(error.to_string().contains("no blobs"), "{error}");
    // Nor in a block, whoever says he recovered it.
    let candidate = weft_evm::Recovered::new_unchecked(blob, person(0));
    let built = build(&chain(), vec![candidate]);
    assert_eq!(built.outcomes[0].1, Outcome::Kicked(TransactionError::Decode(DecodeError::Blob)));
}

#[test]
fn many_senders_are_recovered_at_once() {
    let spec = genesis().spec;
    let mut raw: Vec<Bytes> =
        (0..200).map(|nonce| transfer(nonce as usize % 8, nonce, PROPOSER, 1).inner().encoded_2718().into()).collect();
    raw[50] = Bytes::from_static(b"nonsense");
    raw[60] = Bytes::from(vec![2; 200_000]);
    let mut foreign = world::plain(0, TxKind::Create, U256::ZERO, Bytes::new(), 1);
    foreign.chain_id = 1;
    let signature =
        alloy_consensus::crypto::secp256k1::sign_message(world::secret(0), foreign.signature_hash()).unwrap();
    raw[70] = Transaction::from(foreign.into_signed(signature)).encoded_2718().into();
    for threads in [1, 2, 64] {
        let recovered = recover_raw(&spec, &raw, NonZero::new(threads).unwrap());
        assert_eq!(recovered.len(), raw.len());
        for (index, result) in recovered.iter().enumerate() {
            match index {
                50 => assert!(matches!(result, Err(DecodeError::Malformed(_)))),
                60 => assert_eq!(result, &Err(DecodeError::TooLong(200_000))),
                70 => assert_eq!(result, &Err(DecodeError::WrongChain { expected: CHAIN, found: 1 })),
                _ => assert_eq!(result.as_ref().unwrap().signer(), person(index % 8)),
            }
        }
    }
}

#[test]
fn the_chain_itself_calls_first_and_commits_to_it() {
    let chain = chain();
    let word = |value: u64| U256::from(value).to_be_bytes::<32>();
    let call = |slot: u64| SystemCall { to: NOTEBOOK, data: [word(slot), word(9)].concat().into() };
    // The CREATE2 deployer reverts on calldata that deploys nothing.
    let failing = SystemCall { to: weft_evm::predeploy::CREATE2_DEPLOYER, data: Bytes::from([0xfe; 40]) };
    let preamble = Preamble {
        calls: vec![call(1), failing, call(2)],
        commitment: B256::repeat_byte(4),
        bytes: Bytes::from_static(b"evidence"),
    };
    let mut with = attributes(&chain);
    with.preamble = preamble.clone();
    let built = chain.build(with, [note(0, 0, 1, 10)], Limits::default(), || false).unwrap();
    assert_eq!(built.executed.calls, [true, false, true]);
    assert_eq!(built.executed.header().parent_beacon_block_root, Some(preamble.commitment));
    chain.commit(built.executed.hash(), Bytes::new()).unwrap();
    let state = chain.state();
    assert_eq!(state.storage(NOTEBOOK, U256::ONE).unwrap(), U256::from(10), "the transaction came after the call");
    assert_eq!(state.storage(NOTEBOOK, U256::from(2)).unwrap(), U256::from(9));
    let stored = chain.block(1).unwrap().unwrap();
    assert_eq!(stored.block.preamble, preamble);
    // Without the calls, or with others, it is another block.
    let mut without = RecoveredBlock::clone(&built.executed.block);
    without.preamble = Preamble::default();
    let error = self::chain().execute(Arc::new(without)).unwrap_err();
    assert!(error.to_string().contains("parentBeaconBlockRoot"), "{error}");
    // It can be replayed for a trace: before the transaction, the slot is the call's.
    let mut session = chain.replay(&stored.block, 0, revm::inspector::NoOpInspector).unwrap();
    let mut overlay = alloy_evm::Evm::db_mut(session.evm());
    assert_eq!(revm::Database::storage(&mut overlay, NOTEBOOK, U256::ONE).unwrap(), U256::from(9));
}

#[test]
fn hashes_of_past_blocks_are_in_the_history_contract() {
    let chain = chain();
    let hashes: Vec<_> = (0..4).map(|_| extend(&chain, vec![])).collect();
    extend(&chain, vec![]);
    for (index, hash) in hashes.iter().enumerate() {
        let slot = U256::from(index as u64 + 1);
        assert_eq!(chain.state().storage(HISTORY_STORAGE_ADDRESS, slot).unwrap(), U256::from_be_bytes(hash.0));
    }
    // And by the contract's own interface, at the head.
    let env = chain.evm_env(&chain.next_header(&attributes(&chain)));
    let call = revm::context::TxEnv {
        caller: person(0),
        kind: TxKind::Call(HISTORY_STORAGE_ADDRESS),
        data: U256::from(2).to_be_bytes::<32>().into(),
        gas_limit: 100_000,
        gas_price: 1_000,
        chain_id: Some(CHAIN),
        ..revm::context::TxEnv::default()
    };
    let (result, _) = execute_alone(env, Overlay::new(chain.state()), call).unwrap();
    assert_eq!(result.output().unwrap().as_ref(), hashes[1].as_slice());
}
