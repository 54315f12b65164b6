//! What is taken, what is not and in which words, what goes for what.

use std::sync::Arc;

use super::*;

#[test]
fn the_words_that_clients_look_for() {
    let mut pool = Pool::new(Limits::default(), 7);
    let world = World::default()
        .with(1, AccountState { nonce: 5, balance: RICH, ..AccountState::default() })
        .with(2, AccountState { balance: U256::from(21_000 * 100 * 2), ..AccountState::default() })
        .with(3, AccountState { balance: RICH, code: SenderCode::Contract, ..AccountState::default() });
    let mut words =
        |tx: Tx| pool.insert(NOW, tx.candidate(), &world).map(|_| String::new()).unwrap_or_else(|e| e.to_string());
    assert_eq!(words(Tx::new(1, 4)), "nonce too low: next nonce 5, tx nonce 4");
    assert_eq!(words(Tx::new(1, 5)), "");
    assert_eq!(words(Tx::new(1, 5)), "already known");
    assert!(words(Tx::new(1, 5).pays(10, 120)).starts_with("replacement transaction underpriced"));
    assert!(words(Tx::new(1, 5).pays(12, 109)).starts_with("replacement transaction underpriced"));
    assert_eq!(words(Tx::new(1, 5).pays(11, 110)), "");
    assert!(words(Tx::new(2, 0).value(2_100_001)).starts_with("insufficient funds for gas * price + value"));
    assert_eq!(words(Tx::new(2, 0)), "");
    assert_eq!(words(Tx::new(2, 1)), "");
    assert!(words(Tx::new(2, 2)).starts_with("insufficient funds for gas * price + value"));
    assert!(words(Tx::new(3, 0)).starts_with("sender not an eoa"));
    assert_eq!(pool.totals().refused, 7);
    let all = fates(&mut pool);
    assert!(matches!(all[..], [(_, Fate::Replaced { .. })]), "{all:?}");
}

#[test]
fn one_that_replaces_pays_ten_percent_more_of_both_and_more() {
    for (old, needed) in [(0, 1), (1, 2), (9, 10), (10, 11), (11, 13), (100, 110), (101, 112), (u128::MAX, u128::MAX)] {
        let price = Price { tip: old, fee_cap: old }.replacement();
        assert_eq!((price.tip, price.fee_cap), (needed, needed), "{old}");
    }
}

#[test]
fn pending_and_queued() {
    let mut pool = Pool::new(Limits::default(), 7);
    let world = World::default();
    assert!(!insert(&mut pool, Tx::new(1, 2)).unwrap().pending);
    assert!(insert(&mut pool, Tx::new(1, 0)).unwrap().pending);
    assert_eq!(pool.pending_nonce(address(1), &world).unwrap(), 1);
    assert_eq!((pool.status().pending, pool.status().queued), (1, 1));
    insert(&mut pool, Tx::new(1, 1)).unwrap();
    assert_eq!(pool.pending_nonce(address(1), &world).unwrap(), 3);
    assert_eq!((pool.status().pending, pool.status().queued), (3, 0));
    let told: Vec<u64> = pool.announced_since(0).map(|(_, tx)| tx.nonce()).collect();
    assert_eq!(told, [0, 1, 2], "what is queued is told when it becomes pending");

    // The first is in a block, and the balance is enough for one more.
    let hash = pool.content_from(address(1)).pending[0].hash();
    let account = AccountState { nonce: 1, balance: U256::from(2_100_000), ..AccountState::default() };
    let update = BlockUpdate {
        height: 4,
        base_fee: 7,
        included: vec![(hash, address(1), 0)],
        accounts: vec![(address(1), account)],
    };
    pool.on_block(NOW, &update);
    assert_eq!(fates(&mut pool), [(hash, Fate::Included { height: 4 })]);
    assert_eq!((pool.status().pending, pool.status().queued), (1, 1));
    let rich = AccountState { balance: RICH, ..account };
    pool.on_block(NOW, &BlockUpdate { height: 5, base_fee: 7, included: vec![], accounts: vec![(address(1), rich)] });
    assert_eq!((pool.status().pending, pool.status().queued), (2, 0));
}

#[test]
fn a_sender_is_bounded() {
    let limits = Limits { pending_per_sender: 3, queued_per_sender: 2, bytes_per_sender: 4000, ..Limits::default() };
    let mut pool = Pool::new(limits, 7);
    for nonce in [0, 1, 2, 10, 12] {
        insert(&mut pool, Tx::new(1, nonce)).unwrap();
    }
    for nonce in [3, 11] {
        let error = insert(&mut pool, Tx::new(1, nonce)).unwrap_err();
        assert!(matches!(error, AdmissionError::AccountLimit { pending: 3, queued: 2, .. }), "{error}");
    }
    // Taking the place of another is no more.
    insert(&mut pool, Tx::new(1, 10).pays(20, 200)).unwrap();
    let error = insert(&mut pool, Tx::new(2, 0).data(4000)).unwrap_err();
    assert!(matches!(error, AdmissionError::AccountLimit { pending: 0, .. }), "{error}");
    pool.assert_sound();
}

#[test]
fn the_full_pool_parts_with_the_least_worthy() {
    let mut pool = Pool::new(Limits { count: 4, ..Limits::default() }, 7);
    let queued = insert(&mut pool, Tx::new(1, 5).pays(90, 100)).unwrap().tx.hash();
    insert(&mut pool, Tx::new(2, 0).pays(2, 100)).unwrap();
    let chained = insert(&mut pool, Tx::new(2, 1).pays(50, 100)).unwrap().tx.hash();
    insert(&mut pool, Tx::new(3, 0).pays(4, 100)).unwrap();
    // A queued one never puts out a pending one, nor a better queued one.
    let error = insert(&mut pool, Tx::new(4, 5).pays(90, 100)).unwrap_err();
    assert!(matches!(error, AdmissionError::Full { worst: 90 }), "{error}");
    assert!(error.to_string().starts_with("txpool is full"));
    assert_eq!(fates(&mut pool), []);
    // Queued goes first, whatever it pays.
    insert(&mut pool, Tx::new(4, 0).pays(3, 100)).unwrap();
    assert_eq!(fates(&mut pool), [(queued, Fate::Dropped(DropReason::PoolFull))]);
    // Then the last of the row whose head tips least, and not what comes with an equal tip.
    assert!(insert(&mut pool, Tx::new(5, 0).pays(2, 100)).is_err());
    insert(&mut pool, Tx::new(5, 0).pays(3, 100)).unwrap();
    assert_eq!(fates(&mut pool), [(chained, Fate::Dropped(DropReason::PoolFull))]);
    // What builds on the worst is no better than it.
    assert!(matches!(insert(&mut pool, Tx::new(2, 1).pays(60, 100)), Err(AdmissionError::Full { worst: 2 })));
    assert_eq!(pool.status().pending, 4);
}

#[test]
fn a_long_one_does_not_put_out_a_crowd() {
    let mut pool = Pool::new(Limits { bytes: 110 * 200, ..Limits::default() }, 7);
    let mut sender = 0;
    while insert(&mut pool, Tx::new(sender, 0)).is_ok() {
        sender += 1;
    }
    assert!(sender > 150);
    assert!(matches!(insert(&mut pool, Tx::new(999, 0).pays(50, 100).data(12_000)), Err(AdmissionError::Full { .. })));
    assert_eq!(fates(&mut pool), []);
    insert(&mut pool, Tx::new(999, 0).pays(50, 100).data(4_000)).unwrap();
    assert!(fates(&mut pool).len() > 30);
}

#[test]
fn best_goes_by_effective_tip_and_leaves_out_skipped_senders() {
    let mut pool = Pool::new(Limits::default(), 7);
    for (sender, nonce, tip, fee_cap) in
        [(1, 0, 5, 100), (1, 1, 90, 100), (2, 0, 50, 20), (3, 0, 5, 100), (4, 0, 80, 8)]
    {
        insert(&mut pool, Tx::new(sender, nonce).pays(tip.min(fee_cap), fee_cap)).unwrap();
    }
    let order = |best: Vec<&Arc<PoolTransaction>>| -> Vec<(Address, u64)> {
        best.into_iter().map(|tx| (tx.sender(), tx.nonce())).collect()
    };
    let (a, b, c) = (address(1), address(2), address(3));
    assert_eq!(order(pool.best(10).collect()), [(b, 0), (a, 0), (a, 1), (c, 0)]);
    assert_eq!(order(pool.best(21).collect()), [(a, 0), (a, 1), (c, 0)]);
    let mut best = pool.best(10);
    let mut seen = Vec::new();
    while let Some(tx) = best.next() {
        seen.push(tx);
        if tx.sender() == a {
            best.skip_sender();
            best.skip_sender();
        }
    }
    assert_eq!(order(seen), [(b, 0), (a, 0), (c, 0)]);
    let budget = Budget { count: 3, bytes: 1 << 20, gas: u64::MAX };
    let mut candidates = pool.candidates(10, budget);
    assert_eq!(candidates.len(), 3);
    assert_eq!(candidates.next().unwrap().sender(), b);
    candidates.skip_sender(a);
    assert!(candidates.next().is_none());
    assert_eq!(pool.candidates(10, Budget { gas: 21_001, ..budget }).count(), 2);
    assert_eq!(pool.candidates(10, Budget { bytes: 1, ..budget }).count(), 0);
}

#[test]
fn what_waits_too_long_goes() {
    let mut pool = Pool::new(Limits::default(), 7);
    insert(&mut pool, Tx::new(1, 0)).unwrap();
    let queued = insert(&mut pool, Tx::new(1, 2)).unwrap().tx.hash();
    pool.expire(NOW + Limits::default().queued_for);
    assert_eq!(fates(&mut pool), []);
    pool.expire(NOW + Limits::default().queued_for + Duration::from_secs(1));
    assert_eq!(fates(&mut pool), [(queued, Fate::Dropped(DropReason::Expired))]);
}

#[test]
fn content_is_cut_at_whole_senders() {
    let mut pool = Pool::new(Limits::default(), 7);
    for (sender, nonce) in [(1, 0), (1, 1), (2, 0), (2, 3)] {
        insert(&mut pool, Tx::new(sender, nonce)).unwrap();
    }
    assert_eq!(pool.content(3).len(), 1);
    let all = pool.content(4);
    assert_eq!((all[&address(2)].pending.len(), all[&address(2)].queued.len()), (1, 1));
    let inspected = all[&address(1)].pending[0].inspect();
    assert!(inspected.ends_with(": 0 wei + 21000 gas × 100 wei"), "{inspected}");
}

#[test]
fn a_dear_replacement_puts_those_after_it_back_into_the_queue_and_no_more_than_fit() {
    let mut pool = Pool::new(Limits { queued_per_sender: 1, ..Limits::default() }, 7);
    let balance = U256::from(21_000 * 100 * 4);
    let world = World::default().with(1, AccountState { balance, ..AccountState::default() });
    let put = |pool: &mut Pool, tx: Tx| pool.insert(NOW, tx.candidate(), &world).unwrap().tx.hash();
    let all: Vec<B256> = (0..4).map(|nonce| put(&mut pool, Tx::new(1, nonce))).collect();
    let by = put(&mut pool, Tx::new(1, 0).pays(20, 390));
    let full = || Fate::Dropped(DropReason::QueueFull);
    assert_eq!(fates(&mut pool), [(all[0], Fate::Replaced { by }), (all[3], full()), (all[2], full())]);
    assert_eq!((pool.status().pending, pool.status().queued), (1, 1));
}

#[test]
fn a_longer_replacement_does_not_make_room_by_what_it_replaces() {
    let first = Tx::new(1, 0).candidate().bytes;
    let mut pool = Pool::new(Limits { bytes: 2 * first + 10, ..Limits::default() }, 7);
    insert(&mut pool, Tx::new(1, 0)).unwrap();
    insert(&mut pool, Tx::new(2, 0).pays(50, 100)).unwrap();
    let error = insert(&mut pool, Tx::new(1, 0).pays(90, 200).data(50)).unwrap_err();
    assert!(matches!(error, AdmissionError::Full { worst: 10 }), "{error}");
    assert_eq!(fates(&mut pool), []);
    // The other way round there is a worse one.
    insert(&mut pool, Tx::new(2, 0).pays(90, 200).data(50)).unwrap();
    assert_eq!((fates(&mut pool).len(), pool.status().pending), (2, 1));
}
