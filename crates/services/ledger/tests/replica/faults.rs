//! What goes wrong, and that nothing final does.

use std::time::Duration;

use alloy_primitives::U256;
use rand::Rng;
use weft_ledger::replica::Pace;

use crate::network::{Lie, Net};

/// Seeds of an ordinary run; `WEFT_SEEDS` runs more, `WEFT_SEED` one.
fn seeds() -> Vec<u64> {
    let given = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match (given("WEFT_SEED"), given("WEFT_SEEDS")) {
        (Some(seed), _) => vec![seed],
        (None, many) => (0..many.unwrap_or(50)).collect(),
    }
}

const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn four_agree_and_nothing_is_lost() {
    let mut net = Net::new(1, &[1, 2, 3, 4], Pace::default());
    let before: Vec<U256> = net.wallets.iter().map(|wallet| net.balance(0, wallet.address)).collect();
    for _ in 0..40 {
        net.pay();
    }
    let spent = |net: &Net, index: usize| {
        net.wallets.iter().zip(&before).all(|(wallet, before)| net.balance(index, wallet.address) != *before)
    };
    let took = net.run_until(PATIENCE, |net| (0..net.len()).all(|index| spent(net, index) && net.height(index) >= 3));
    assert!(took.is_some(), "no block came");
    let root = net.state_root(0);
    assert!((1..net.len()).all(|index| net.height(index) != net.height(0) || net.state_root(index) == root));
}

#[test]
fn a_lone_validator_makes_blocks_on_demand_and_none_without() {
    let mut net = Net::new(2, &[1], Pace::on_demand());
    assert_eq!(net.run_until(Duration::from_secs(60), |net| net.height(0) >= 1), None, "nobody wanted a block");
    net.pay();
    assert_eq!(net.height(0), 1, "a transaction is final when it was sent");
    net.pay();
    assert_eq!(net.height(0), 2);
    net.kill(0);
    net.start(0);
    assert_eq!(net.height(0), 2, "a restart is no block");
}

#[test]
fn without_transactions_blocks_come_with_the_heartbeat() {
    let mut net = Net::new(3, &[1, 1, 1, 1], Pace::default());
    let took = net.run_until(PATIENCE, |net| net.lowest() >= 5).unwrap();
    assert!(took > Duration::from_secs(18) && took < Duration::from_secs(30), "{took:?}");
}

#[test]
fn crashes_loss_and_partitions_cost_time_and_nothing_else() {
    for seed in seeds() {
        let mut net = Net::new(seed, &[3, 4, 5, 6], Pace::default());
        net.loss = 3;
        for round in 0..12 {
            net.pay();
            let span = Duration::from_millis(net.rng.random_range(50..1500));
            let until = {
                use weft_ledger::replica::Clock;
                net.clock.now() + span
            };
            net.run_until(PATIENCE, |net| {
                use weft_ledger::replica::Clock;
                net.clock.now() >= until
            });
            let index = net.rng.random_range(0..net.len());
            match net.rng.random_range(0..4) {
                // Everybody at once, at round 6.
                _ if round == 6 => {
                    (0..net.len()).for_each(|index| net.kill(index));
                    (0..net.len()).for_each(|index| net.start(index));
                }
                0 if net.is_up(index) => net.kill(index),
                0 => net.start(index),
                1 => net.cut_off = vec![index],
                _ => net.cut_off.clear(),
            }
        }
        net.cut_off.clear();
        for index in 0..net.len() {
            if !net.is_up(index) {
                net.start(index);
            }
        }
        let goal = net.final_blocks.keys().last().copied().unwrap_or(0) + 3;
        let took = net.run_until(PATIENCE, |net| net.lowest() >= goal);
        assert!(
            took.is_some(),
            "seed {seed}: no progress: heights {:?}",
            (0..net.len()).map(|i| net.height(i)).collect::<Vec<_>>()
        );
    }
}

#[test]
fn who_comes_late_gets_what_it_missed_though_others_lie() {
    for (seed, lie) in [(4, Lie::Signature), (5, Lie::Certificate), (6, Lie::Nothing)] {
        let mut net = Net::new(seed, &[1, 1, 1, 1], Pace::default());
        net.kill(3);
        net.run_until(PATIENCE * 10, |net| net.lowest() >= 90).unwrap();
        net.liars = [(0, lie), (1, lie)].into();
        net.start(3);
        let goal = net.height(2);
        let took = net.run_until(PATIENCE, |net| net.height(3) >= goal);
        assert!(took.is_some(), "{lie:?}: it is at {} of {goal}", net.height(3));
        // Who gives what is forged is known by it; who gives nothing may have had a bad day.
        let parted = net.parted.iter().filter(|(who, _, _)| *who == 3).count();
        assert_eq!(parted > 0, lie != Lie::Nothing, "{lie:?}: {:?}", net.parted);
        assert!(net.parted.iter().all(|(who, whom, _)| *who == 3 && *whom < 2), "{:?}", net.parted);
    }
}
