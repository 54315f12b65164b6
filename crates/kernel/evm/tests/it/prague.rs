//! What Prague adds and Ethereum's test files, which end at Cancun, do not show. (EIP-7702 and 2935: see `blocks`.)

use std::sync::Arc;

use alloy_primitives::{Address, Bytes, TxKind, U256, hex};
use revm::context::TxEnv;
use weft_evm::{ChainSpec, Outcome, Overlay, Rules, StateReader, execute_alone, fork_by_name};
use weft_store::MemoryStore;

use crate::world::{self, CHAIN, NOTEBOOK, PROPOSER, attributes, build, extend, open, person, plain, sign};

#[test]
fn calldata_has_a_floor_price() {
    // EIP-7623: a byte of data costs 16 gas, but 40 in a transaction that does little else.
    let chain = open(&Arc::new(MemoryStore::default()));
    let data = |gas| sign(0, plain(0, TxKind::Call(PROPOSER), U256::ZERO, Bytes::from([1; 1000]), gas));
    let built = build(&chain, vec![data(61_000)]);
    assert_eq!(built.outcomes[0].1, Outcome::Included(61_000));
    let built = build(&chain, vec![data(60_999)]);
    assert!(matches!(built.outcomes[0].1, Outcome::Kicked(_)), "{:?}", built.outcomes);
}

#[test]
fn bls_precompiles_are_there() {
    // EIP-2537: G1ADD at 0x0b. The generator plus the point at infinity is the generator; before Prague nothing is there.
    let chain = open(&Arc::new(MemoryStore::default()));
    let generator = hex!(
        "0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"
    );
    let header = chain.next_header(&attributes(&chain));
    let call = || TxEnv {
        caller: person(0),
        kind: TxKind::Call(Address::with_last_byte(0x0b)),
        data: [generator.as_slice(), &[0; 128]].concat().into(),
        gas_limit: 100_000,
        gas_price: 1_000,
        chain_id: Some(CHAIN),
        ..TxEnv::default()
    };
    let output = |spec: &ChainSpec| {
        let (result, _) = execute_alone(spec.evm_env(&header), Overlay::new(chain.state()), call()).unwrap();
        assert!(result.is_success());
        result.into_output().unwrap()
    };
    assert_eq!(output(chain.spec()), Bytes::from(generator));
    let cancun = ChainSpec::at_fork(CHAIN, Rules::Weft, fork_by_name("cancun").unwrap());
    assert_eq!(output(&cancun), Bytes::new());
}

#[test]
fn a_delegation_can_be_taken_back() {
    use alloy_consensus::TxEip7702;
    use alloy_eips::eip7702::Authorization;
    let chain = open(&Arc::new(MemoryStore::default()));
    let delegate = |sender_nonce: u64, to: Address, nonce: u64| {
        let authorization = Authorization { chain_id: U256::from(CHAIN), address: to, nonce };
        let hash = authorization.signature_hash();
        let signature = alloy_consensus::crypto::secp256k1::sign_message(world::secret(1), hash).unwrap();
        let transaction = TxEip7702 {
            chain_id: CHAIN,
            nonce: sender_nonce,
            gas_limit: 200_000,
            max_fee_per_gas: 1_000_000_000,
            to: PROPOSER,
            authorization_list: vec![authorization.into_signed(signature)],
            ..TxEip7702::default()
        };
        sign(0, transaction)
    };
    let code = || chain.state().account(person(1)).unwrap().unwrap().code_hash;
    let empty = code();
    extend(&chain, vec![delegate(0, NOTEBOOK, 0)]);
    let delegated = code();
    assert_ne!(delegated, empty);
    // With a nonce that was used nothing changes, though the transaction is valid.
    extend(&chain, vec![delegate(1, Address::ZERO, 0)]);
    assert_eq!(code(), delegated);
    extend(&chain, vec![delegate(2, Address::ZERO, 1)]);
    assert_eq!(code(), empty);
    assert_eq!(chain.state().account(person(1)).unwrap().unwrap().nonce, 2);
}
