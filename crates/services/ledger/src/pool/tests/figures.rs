//! What it costs. Not run by default: `cargo test --release -p weft-ledger figures -- --ignored --nocapture`.

#![allow(clippy::print_stdout, reason = "figures are what is asked for")]

use std::time::Instant;

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;

fn rate(what: &str, count: usize, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    println!("{what}: {count} in {:.1} ms, {:.0} a second", seconds * 1e3, count as f64 / seconds);
}

fn candidates(senders: u64, each: u64) -> Vec<Candidate> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut all = Vec::new();
    for nonce in 0..each {
        for sender in 0..senders {
            let tip = random.random_range(1..1000);
            let tx = Tx::new(sender, nonce).pays(tip, 10_000).data(68);
            all.push(Candidate::new(tx.recovered()));
        }
    }
    all
}

fn fill(pool: &mut Pool, all: Vec<Candidate>) {
    for candidate in all {
        pool.insert(NOW, candidate, &World::default()).unwrap();
    }
}

fn measure(senders: u64, each: u64) {
    println!("-- {senders} senders with {each} each");
    let (count, all) = ((senders * each) as usize, candidates(senders, each));
    let rules = rules();
    let started = Instant::now();
    let checked: Vec<Candidate> = all.iter().map(|each| rules.check(each.transaction().clone()).unwrap()).collect();
    rate("check (without the lock)", count, started);
    let mut pool = Pool::new(Limits::default(), 7);
    let started = Instant::now();
    fill(&mut pool, checked);
    rate("insert", count, started);
    for base_fee in [7, 900] {
        let started = Instant::now();
        let first = pool.best(base_fee).take(1).count();
        println!(
            "best at base fee {base_fee}, until the first: {:.2} ms ({first})",
            started.elapsed().as_secs_f64() * 1e3
        );
        let started = Instant::now();
        let taken = pool.best(base_fee).take(5_000).count();
        rate("best, a block of 5,000", taken, started);
    }
    let started = Instant::now();
    let taken = pool.candidates(7, Budget { count: 5_000, bytes: 10 << 20, gas: u64::MAX }).len();
    rate("candidates, a block of 5,000", taken, started);
    let started = Instant::now();
    rate("best, all", pool.best(7).count(), started);

    // Blocks of 2,500 while as many come, at 10,000 a second four blocks a second.
    let (mut inserting, mut choosing, mut updating) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut next: Vec<u64> = vec![each; senders as usize];
    let mut accounts: Vec<u64> = vec![0; senders as usize];
    let mut random = ChaCha8Rng::seed_from_u64(2);
    for height in 0..20 {
        let started = Instant::now();
        let block = pool.candidates(7 + height, Budget { count: 2_500, bytes: 10 << 20, gas: u64::MAX });
        choosing += started.elapsed();
        let mut update = BlockUpdate { height, base_fee: 8 + height, ..BlockUpdate::default() };
        let mut touched = BTreeMap::new();
        for tx in block {
            update.included.push((tx.hash(), tx.sender(), tx.nonce()));
            touched.insert(tx.sender(), tx.nonce() + 1);
        }
        let by_address: BTreeMap<Address, usize> = (0..senders).map(|n| (address(n), n as usize)).collect();
        for (at, nonce) in touched {
            accounts[by_address[&at]] = nonce;
            update.accounts.push((at, AccountState { nonce, balance: RICH, ..AccountState::default() }));
        }
        let started = Instant::now();
        pool.on_block(NOW, &update);
        updating += started.elapsed();
        let fresh: Vec<Candidate> = (0..2_500)
            .map(|_| {
                let sender = random.random_range(0..senders);
                let nonce = next[sender as usize];
                next[sender as usize] += 1;
                Tx::new(sender, nonce).pays(random.random_range(1..1000), 10_000).data(68).candidate()
            })
            .collect();
        let started = Instant::now();
        for candidate in fresh {
            // A sender that has as many as it may sends no more.
            let account = AccountState { balance: RICH, ..AccountState::default() };
            let nonce = accounts[by_address[&candidate.sender()]];
            let world = World(BTreeMap::from([(candidate.sender(), AccountState { nonce, ..account })]));
            let inserted = pool.insert(NOW, candidate, &world);
            assert!(matches!(inserted, Ok(_) | Err(AdmissionError::AccountLimit { .. })), "{inserted:?}");
        }
        inserting += started.elapsed();
    }
    pool.assert_sound();
    let ms = |all: Duration| all.as_secs_f64() * 1e3 / 20.0;
    println!(
        "a block of 2,500 with 2,500 new ones: choose {:.2} ms, update {:.2} ms, insert {:.2} ms",
        ms(choosing),
        ms(updating),
        ms(inserting)
    );
}

#[test]
#[ignore = "figures, not a check"]
fn throughput() {
    measure(100_000, 1);
    measure(1_000, 100);
    measure(100, 1_000);

    // Full of poor ones, better ones come, and the base fee moves with each block.
    let mut pool = Pool::new(Limits::default(), 7);
    fill(&mut pool, candidates(100_000, 1));
    let better: Vec<Candidate> = (0..20_000).map(|n| Tx::new(200_000 + n, 0).pays(5_000, 20_000).candidate()).collect();
    let started = Instant::now();
    for (n, candidate) in better.into_iter().enumerate() {
        if n % 2_500 == 0 {
            pool.set_base_fee(8 + n as u64);
        }
        pool.insert(NOW, candidate, &World::default()).unwrap();
    }
    rate("insert into a full pool", 20_000, started);
    assert_eq!(pool.drain_outcomes().len(), 20_000);
    pool.assert_sound();
}
