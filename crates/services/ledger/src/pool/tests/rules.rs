//! Checks that need no account.

use std::num::NonZero;

use alloy_consensus::{SignableTransaction, TxEip4844, TxEip7702, TxLegacy};
use alloy_eips::eip7702::{Authorization, SignedAuthorization};

use super::*;
use crate::pool::senders::SenderCache;

fn words(rules: &Rules, tx: Recovered) -> String {
    rules.check(tx).map(|_| String::new()).unwrap_or_else(|error| error.to_string())
}

fn signed<T: SignableTransaction<Signature>>(tx: T) -> alloy_consensus::Signed<T> {
    tx.into_signed(Signature::test_signature())
}

#[test]
fn the_words_that_clients_look_for() {
    let rules = rules();
    let tx = |change: &dyn Fn(&mut TxEip1559)| {
        let mut tx = Tx::new(1, 0);
        change(&mut tx.1);
        words(&rules, tx.recovered())
    };
    assert_eq!(tx(&|_| ()), "");
    assert_eq!(tx(&|tx| tx.gas_limit = 20_999), "intrinsic gas too low: gas 20999, minimum needed 21000");
    let floor = tx(&|tx| tx.input = vec![1; 1000].into());
    assert!(floor.starts_with("intrinsic gas too low"), "{floor}");
    let floor = tx(&|tx| {
        tx.input = vec![1; 1000].into();
        tx.gas_limit = 40_000;
    });
    assert_eq!(floor, "insufficient gas for floor data gas cost: gas 40000, minimum needed 61000");
    assert!(tx(&|tx| tx.gas_limit = 30_000_001).starts_with("exceeds block gas limit"));
    assert!(tx(&|tx| tx.nonce = u64::MAX).starts_with("nonce has max value"));
    assert!(tx(&|tx| tx.chain_id = 8).contains("invalid chain id for signer: have Some(8) want 7"));
    let tip = tx(&|tx| tx.max_priority_fee_per_gas = 101);
    assert!(tip.starts_with("max priority fee per gas higher than max fee per gas"), "{tip}");
    let long = |len: usize| {
        move |tx: &mut TxEip1559| {
            tx.input = vec![0; len].into();
            tx.gas_limit = 29_000_000;
            tx.to = TxKind::Create;
        }
    };
    assert_eq!(tx(&long(49_152)), "");
    assert!(tx(&long(49_153)).starts_with("max initcode size exceeded: code size 49153, limit 49152"));
    assert!(tx(&long(131_072)).starts_with("oversized data"));

    let mut floor = spec();
    floor.min_base_fee = 101;
    let rules = Rules::at(&floor, 1, 0, 30_000_000);
    let low = words(&rules, Tx::new(1, 0).recovered());
    assert!(low.starts_with("max fee per gas less than block base fee"), "{low}");
    let rules = super::rules().with_min_tip(11);
    assert!(words(&rules, Tx::new(1, 0).recovered()).starts_with("transaction gas price below minimum"));
}

#[test]
fn types_by_fork() {
    let set = TxEip7702 {
        chain_id: CHAIN,
        gas_limit: 100_000,
        max_fee_per_gas: 100,
        authorization_list: vec![SignedAuthorization::new_unchecked(
            Authorization { chain_id: U256::from(CHAIN), address: Address::ZERO, nonce: 0 },
            0,
            U256::from(1),
            U256::from(1),
        )],
        ..TxEip7702::default()
    };
    let recovered = |tx: weft_evm::Transaction| Recovered::new_unchecked(tx, address(1));
    let rules = rules();
    assert_eq!(words(&rules, recovered(signed(set.clone()).into())), "");
    let poor = TxEip7702 { gas_limit: 45_999, ..set.clone() };
    assert!(words(&rules, recovered(signed(poor).into())).starts_with("intrinsic gas too low"));
    let empty = TxEip7702 { authorization_list: vec![], ..set.clone() };
    let empty = words(&rules, recovered(signed(empty).into()));
    assert!(empty.starts_with("EIP-7702 transaction with empty auth list"), "{empty}");
    let cancun = ChainSpec::at_fork(CHAIN, weft_evm::Rules::Weft, fork_by_name("cancun").unwrap());
    let cancun = Rules::at(&cancun, 1, 0, 30_000_000);
    assert!(words(&cancun, recovered(signed(set).into())).starts_with("transaction type not supported: type 4"));
    let blob = TxEip4844 { chain_id: CHAIN, ..TxEip4844::default() };
    let blob = words(&rules, recovered(signed(blob).into()));
    assert!(blob.starts_with("transaction type not supported: type 3"), "{blob}");

    // Of before EIP-155, as the one that deploys the CREATE2 deployer.
    let old = TxLegacy { chain_id: None, gas_price: 100, gas_limit: 100_000, ..TxLegacy::default() };
    let candidate = rules.check(recovered(signed(old).into())).unwrap();
    assert_eq!(candidate.price, Price { tip: 100, fee_cap: 100 });
    assert_eq!(candidate.cost, U256::from(10_000_000));
}

#[test]
fn effective_tips() {
    let tip = |tip, fee_cap, base_fee| Price { tip, fee_cap }.effective_tip(base_fee);
    assert_eq!(tip(5, 100, 90), 5);
    assert_eq!(tip(5, 100, 97), 3);
    assert_eq!(tip(5, 100, 100), 0);
    assert_eq!(tip(5, 100, 107), -7);
    assert_eq!(tip(u128::MAX, u128::MAX, 1), i128::MAX - 1);
}

#[test]
fn senders_are_recovered_once() {
    // Real signatures: of test_signature anybody may be the sender, but somebody is.
    let transactions: Vec<weft_evm::Transaction> = (0..40).map(|nonce| signed(Tx::new(1, nonce).1).into()).collect();
    let threads = NonZero::new(2).unwrap();
    let all = weft_evm::recover_senders(&spec(), &transactions, threads).unwrap();
    let mut cache = SenderCache::new(64);
    assert_eq!(cache.lookup(&transactions).missing(), 40);
    for at in [0, 3, 4, 17, 39] {
        cache.insert(*transactions[at].tx_hash(), all[at]);
    }
    let known = cache.lookup(&transactions);
    assert_eq!(known.missing(), 35);
    assert_eq!(known.complete(&spec(), &transactions, threads).unwrap(), all);
    cache.extend(&transactions, &all);
    let known = cache.lookup(&transactions);
    assert_eq!(known.missing(), 0);
    assert_eq!(known.complete(&spec(), &transactions, threads).unwrap(), all);

    // What is used stays, and there is an end to it.
    let kept = *transactions[0].tx_hash();
    for n in 0..1000u64 {
        cache.insert(B256::left_padding_from(&n.to_be_bytes()), Address::ZERO);
        assert!(cache.get(kept).is_some());
        assert!(cache.len() <= 129);
    }
    assert_eq!(cache.lookup(&transactions).missing(), 39);
}
