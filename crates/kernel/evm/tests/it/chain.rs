//! The chain on disk: what it was stays readable, whatever fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use weft_evm::{
    Chain, ChainOptions, CommitError, LogFilter, OpenError, ProofError, Recovered, StateError, StateReader,
    prove_receipt, prove_transaction,
};
use weft_store::MemoryStore;

use crate::world::{self, FailingStore, NOTEBOOK, PEOPLE, build, extend, genesis, note, open, person, transfer};

/// Random transactions, and what they must come to.
struct Story {
    random: ChaCha8Rng,
    nonces: [u64; PEOPLE],
    notes: BTreeMap<u64, u64>,
    received: BTreeMap<Address, u64>,
    /// Of each height: notes and what strangers received.
    past: Vec<(BTreeMap<u64, u64>, BTreeMap<Address, u64>)>,
    logs: Vec<(u64, u64, u64)>,
}

impl Story {
    fn new(seed: u64) -> Self {
        let past = vec![(BTreeMap::new(), BTreeMap::new())];
        let random = ChaCha8Rng::seed_from_u64(seed);
        Story { random, nonces: [0; PEOPLE], notes: BTreeMap::new(), received: BTreeMap::new(), past, logs: Vec::new() }
    }

    fn block(&mut self) -> Vec<Recovered> {
        let mut transactions = Vec::new();
        let height = self.past.len() as u64;
        for _ in 0..self.random.random_range(0..12) {
            let who = self.random.random_range(0..PEOPLE);
            let nonce = self.nonces[who];
            self.nonces[who] += 1;
            transactions.push(match self.random.random_range(0..3) {
                0 => {
                    let to = Address::with_last_byte(self.random.random_range(0x20..0x60));
                    let value = self.random.random_range(1..100);
                    *self.received.entry(to).or_default() += value;
                    transfer(who, nonce, to, value)
                }
                _ => {
                    let slot = self.random.random_range(0..40);
                    // Zero often: a slot that goes is what a trie is most easily wrong about.
                    let value = self.random.random_range(0..3);
                    self.notes.insert(slot, value);
                    self.logs.push((height, slot, value));
                    note(who, nonce, slot, value)
                }
            });
        }
        self.past.push((self.notes.clone(), self.received.clone()));
        transactions
    }

    /// Everything the chain says of the past is what it was.
    fn check(&self, chain: &Chain) {
        for (height, (notes, received)) in self.past.iter().enumerate() {
            let height = height as u64;
            let state = chain.state_at(height).unwrap();
            for slot in 0..40 {
                let value = U256::from(notes.get(&slot).copied().unwrap_or(0));
                assert_eq!(state.storage(NOTEBOOK, U256::from(slot)).unwrap(), value, "slot {slot} at {height}");
            }
            for last in 0x20..0x60 {
                let address = Address::with_last_byte(last);
                let balance = state.account(address).unwrap().map(|account| account.balance);
                assert_eq!(balance, received.get(&address).map(|value| U256::from(*value)), "{address} at {height}");
            }
            let root = chain.header(height).unwrap().unwrap().1.state_root;
            let slots: Vec<_> = (0..40).map(U256::from).collect();
            let proof = chain.proof(NOTEBOOK, &slots, height).unwrap();
            proof.verify(root).unwrap();
            assert!(proof.slots.iter().all(|slot| slot.value == state.storage(NOTEBOOK, slot.slot).unwrap()));
            for address in [person(0), Address::with_last_byte(0x21), Address::repeat_byte(9)] {
                chain.proof(address, &[U256::ZERO], height).unwrap().verify(root).unwrap();
            }
        }
    }
}

fn same(a: &Chain, b: &Chain) {
    assert_eq!(a.head().0, b.head().0);
    assert_eq!(a.head().1.state_root, b.head().1.state_root);
}

#[test]
fn the_past_stays_what_it_was() {
    let store = Arc::new(MemoryStore::default());
    let mut story = Story::new(1);
    let mut chain = open(&store);
    for round in 0..40 {
        extend(&chain, story.block());
        if round % 7 == 6 {
            // Closed at any height it opens as it was, the trie caught up from where the store has it.
            let before = chain.head();
            chain = open(&store);
            assert_eq!(chain.head(), before);
        }
    }
    story.check(&chain);
    // A chain with other options, which executes the same blocks, comes to the same.
    let other = Chain::open(Arc::new(MemoryStore::default()), &genesis(), ChainOptions::default()).unwrap();
    for height in 1..=chain.height() {
        let block = chain.block(height).unwrap().unwrap();
        assert_eq!(block.certificate.as_ref(), block.block.hash.as_slice());
        let executed = other.execute(block.block.clone()).unwrap();
        assert_eq!(executed.receipts, chain.receipts(height).unwrap().unwrap());
        other.commit(executed.hash(), Bytes::new()).unwrap();
    }
    same(&chain, &other);
    story.check(&other);
}

/// A block that is only thought of follows a past state too, and its root is what it would have been.
#[test]
fn changes_to_a_past_state_have_their_root() {
    let store = Arc::new(MemoryStore::default());
    let mut story = Story::new(3);
    let chain = open(&store);
    let mut changes = Vec::new();
    for _ in 0..30 {
        let built = build(&chain, story.block());
        changes.push(built.executed.changes.clone());
        chain.commit(built.executed.hash(), Bytes::new()).unwrap();
    }
    for (parent, changes) in (0..).zip(&changes) {
        let mut again = changes.clone();
        let expected = chain.header(parent + 1).unwrap().unwrap().1.state_root;
        assert_eq!(chain.root_after(parent, &mut again).unwrap(), expected, "after {parent}");
        assert_eq!(again.accounts, changes.accounts);
    }
    let error = chain.root_after(31, &mut changes[0].clone()).unwrap_err();
    assert!(matches!(error, ProofError::OutOfReach { height: 31, newest: 30, .. }), "{error}");
}

#[test]
fn logs_are_found_by_address_and_topic() {
    let store = Arc::new(MemoryStore::default());
    let mut story = Story::new(2);
    let chain = open(&store);
    for _ in 0..30 {
        extend(&chain, story.block());
    }
    let word = |value: u64| B256::from(U256::from(value));
    let find = |filter: &LogFilter, from, to| chain.logs(filter, from..=to, 1000, || false).unwrap();
    for slot in 0..40 {
        let filter = LogFilter { addresses: vec![NOTEBOOK], topics: vec![vec![word(slot)]] };
        let found: Vec<_> =
            find(&filter, 5, 25).iter().map(|entry| (entry.height, entry.log.data.data.clone())).collect();
        let expected: Vec<_> = story
            .logs
            .iter()
            .filter(|(height, other, _)| *other == slot && (5..=25).contains(height))
            .map(|(height, _, value)| (*height, Bytes::from(word(*value).to_vec())))
            .collect();
        assert_eq!(found, expected);
    }
    assert_eq!(find(&LogFilter::default(), 0, u64::MAX).len(), story.logs.len());
    assert!(find(&LogFilter { addresses: vec![person(1)], ..LogFilter::default() }, 0, 30).is_empty());
    let entry = find(&LogFilter::default(), 0, 30).pop().unwrap();
    let (receipt, place) = chain.receipt(entry.transaction).unwrap().unwrap();
    assert_eq!((place.height, place.index), (entry.height, entry.index));
    assert_eq!(receipt.logs.last(), Some(&entry.log));
    let error = chain.logs(&LogFilter::default(), 0..=30, 3, || false).unwrap_err().to_string();
    assert!(error.contains("more than 3 logs"), "{error}");
}

#[test]
fn receipts_and_transactions_are_proved_by_the_header() {
    let store = Arc::new(MemoryStore::default());
    let chain = open(&store);
    extend(&chain, (0..150).map(|nonce| note(0, nonce, nonce, nonce + 1)).collect());
    let header = chain.head().1;
    let receipts = chain.receipts(1).unwrap().unwrap();
    let block = chain.block(1).unwrap().unwrap().block;
    for index in [0, 1, 126, 127, 128, 149] {
        let proof = prove_receipt(&receipts, index).unwrap().unwrap();
        assert_eq!(proof.verify_receipt(header.receipts_root).unwrap(), receipts[index]);
        proof.verify_log(header.receipts_root, 0, &receipts[index].logs[0]).unwrap();
        proof.verify_log(header.receipts_root, 0, &receipts[(index + 1) % 150].logs[0]).unwrap_err();
        proof.verify_receipt(header.state_root).unwrap_err();
        let mut forged = proof.clone();
        forged.index += 1;
        forged.verify_receipt(header.receipts_root).unwrap_err();
        let mut forged = proof;
        forged.item = prove_receipt(&receipts, (index + 1) % 150).unwrap().unwrap().item;
        forged.verify_receipt(header.receipts_root).unwrap_err();
        let proof = prove_transaction(&block.block.body.transactions, index).unwrap().unwrap();
        let transaction = proof.verify_transaction(header.transactions_root).unwrap();
        assert_eq!(transaction, block.block.body.transactions[index]);
    }
    assert!(prove_receipt(&receipts, 150).unwrap().is_none());
    // A proof of another height, account, value proves nothing.
    let mut proof = chain.proof(NOTEBOOK, &[U256::from(3)], 1).unwrap();
    proof.verify(header.state_root).unwrap();
    proof.verify(chain.header(0).unwrap().unwrap().1.state_root).unwrap_err();
    proof.slots[0].value = U256::from(5);
    proof.verify(header.state_root).unwrap_err();
    proof.slots.clear();
    proof.address = person(0);
    proof.verify(header.state_root).unwrap_err();
}

#[test]
fn a_batch_that_fails_is_lost_whole_or_kept_whole() {
    for kept in [false, true] {
        for at in 1..=12 {
            let store = Arc::new(FailingStore::default());
            let mut story = Story::new(3);
            let chain = open(&store);
            if kept { &store.kept } else { &store.lost }.store(at, Ordering::SeqCst);
            for _ in 0..12 {
                let before = chain.head();
                let built = build(&chain, story.block());
                let hash = built.executed.hash();
                let Err(error) = chain.commit(hash, Bytes::new()) else { continue };
                assert!(matches!(error, CommitError::Store(_)), "{error}");
                assert_eq!(chain.head(), before, "what is not acknowledged is not the head");
                // Reading goes on with the old state.
                let mut past = Story::new(3);
                past.past = story.past[..story.past.len() - 1].to_vec();
                past.check(&chain);
                // Killed here and opened again, the chain has the block or has it not, and the root is the header's.
                let reopened = open(&store);
                assert_eq!(reopened.head().0, if kept { hash } else { before.0 });
                // Not killed, the same block is committed again.
                chain.commit(hash, Bytes::new()).unwrap();
                same(&chain, &open(&store));
            }
            assert_eq!(chain.height(), 12);
            story.check(&chain);
            story.check(&open(&store));
        }
    }
}

#[test]
fn what_is_too_old_is_pruned_and_says_so() {
    let store = Arc::new(MemoryStore::default());
    let options = ChainOptions { history: 320, ..world::eager() };
    let chain = Chain::open(store.clone(), &genesis(), options.clone()).unwrap();
    for nonce in 0..340 {
        extend(&chain, vec![note(0, nonce, nonce % 5, nonce)]);
    }
    assert_eq!(chain.oldest_state(), 20);
    let error = chain.state_at(19).unwrap_err();
    assert!(matches!(error, StateError::NotKept { height: 19, oldest: 20, newest: 340 }), "{error}");
    // The value noted last by a block up to 20 in slot 2 is that of nonce 17.
    assert_eq!(chain.state_at(20).unwrap().storage(NOTEBOOK, U256::from(2)).unwrap(), U256::from(17));
    let error = chain.proof(NOTEBOOK, &[], 83).unwrap_err();
    assert!(matches!(error, ProofError::OutOfReach { height: 83, oldest: 84, newest: 340 }), "{error}");
    let root = chain.header(84).unwrap().unwrap().1.state_root;
    chain.proof(NOTEBOOK, &[U256::from(2)], 84).unwrap().verify(root).unwrap();
    assert!(chain.block(1).unwrap().is_some(), "blocks stay");
    // Nothing of what was pruned is left.
    use weft_store::{Store, Table};
    for (table, at) in [("ledger-storage-history", 52), ("ledger-account-history", 20), ("ledger-changes", 0)] {
        for (key, _) in store.scan(Table::new(table), &[], None, usize::MAX).unwrap() {
            let height = u64::from_be_bytes(key[at..].try_into().unwrap());
            assert!(height > 20, "{table} has height {height}");
        }
    }
    same(&chain, &Chain::open(store, &genesis(), options).unwrap());
}

#[test]
fn a_view_does_not_move_while_the_chain_does() {
    let store = Arc::new(MemoryStore::default());
    let chain = open(&store);
    let total = |state: &weft_evm::StateView| -> U256 {
        (0..20).map(|slot| state.storage(NOTEBOOK, U256::from(slot)).unwrap()).sum()
    };
    // Each block writes its height to 20 slots, so that at any height they are all the same.
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for height in 1..=60u64 {
                extend(&chain, (0..20).map(|slot| note(0, (height - 1) * 20 + slot, slot, height)).collect());
            }
        });
        let mut reads = 0;
        while !writer.is_finished() || reads == 0 {
            let state = chain.state();
            assert_eq!(total(&state), U256::from(state.height() * 20));
            let height = state.height() / 2;
            assert_eq!(total(&chain.state_at(height).unwrap()), U256::from(height * 20));
            reads += 1;
        }
        writer.join().unwrap();
    });
}

#[test]
fn several_proposals_of_a_height_live_side_by_side() {
    let store = Arc::new(MemoryStore::default());
    let chain = open(&store);
    let proposals: Vec<_> = (0..4).map(|value| build(&chain, vec![note(0, 0, 1, value)]).executed).collect();
    assert!(proposals.iter().all(|executed| chain.executed(executed.hash()).is_some()));
    let chosen = proposals[2].hash();
    chain.commit(chosen, Bytes::new()).unwrap();
    assert_eq!(chain.head().0, chosen);
    assert_eq!(chain.state().storage(NOTEBOOK, U256::ONE).unwrap(), U256::from(2));
    for other in [0, 1, 3] {
        let error = chain.commit(proposals[other].hash(), Bytes::new()).unwrap_err();
        assert!(matches!(error, CommitError::NotExecuted { .. }), "{error}");
    }
}

#[test]
fn a_store_is_of_one_chain() {
    let store = Arc::new(MemoryStore::default());
    open(&store);
    let mut json = world::genesis_json();
    json["gasLimit"] = "0x1c9c381".into();
    let other = weft_evm::Genesis::from_json(json.to_string().as_bytes()).unwrap();
    let error = Chain::open(store, &other, ChainOptions::default()).unwrap_err();
    assert!(matches!(error, OpenError::OtherChain { .. }), "{error}");
}

#[test]
fn contracts_come_and_are_called() {
    let store = Arc::new(MemoryStore::default());
    let chain = open(&store);
    // Init code that returns the notebook's code: PUSH18 code PUSH0 MSTORE, then RETURN of its 18 bytes.
    let code: Bytes = world::NOTEBOOK_CODE.parse().unwrap();
    let init = [&[0x71][..], &code, &[0x5f, 0x52, 0x60, 18, 0x60, 14, 0xf3]].concat();
    let created = person(1).create(0);
    extend(&chain, vec![world::sign(1, world::plain(0, TxKind::Create, U256::ZERO, init.into(), 200_000))]);
    let account = chain.state().account(created).unwrap().unwrap();
    assert_eq!(chain.state().code(account.code_hash).unwrap(), code);
    let call = world::plain(
        1,
        TxKind::Call(created),
        U256::ZERO,
        [[0; 31].as_slice(), &[7], &[9; 32]].concat().into(),
        99_999,
    );
    extend(&chain, vec![world::sign(1, call)]);
    assert_eq!(chain.state().storage(created, U256::from(7)).unwrap(), U256::from_be_bytes([9; 32]));
    assert!(chain.state_at(0).unwrap().account(created).unwrap().is_none());
    // And after a restart, out of a store with no cache.
    assert_eq!(open(&store).state().storage(created, U256::from(7)).unwrap(), U256::from_be_bytes([9; 32]));
}
