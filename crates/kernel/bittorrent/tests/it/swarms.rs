//! Honest swarms: everyone ends with everything.

use std::time::Duration;

use rand::Rng;
use weft_bittorrent::swarm::{Priority, SwarmState};

use crate::sim::{Content, NodeConfig, Sim, blocks};

fn small() -> std::sync::Arc<Content> {
    Content::new(blocks(4), 2_000_000, false, 3000)
}

#[test]
fn everyone_completes() {
    let content = small();
    let mut worst: f64 = 0.0;
    for seed in 0..40 {
        let mut sim = Sim::new(seed, content.clone());
        sim.add(NodeConfig::seeder());
        for _ in 0..sim.rng.random_range(1..8) {
            let mut config = NodeConfig::leecher();
            config.up = sim.rng.random_range(100_000..5_000_000);
            config.fast = sim.rng.random_bool(0.7);
            sim.add(config);
        }
        sim.connect_all();
        sim.run();
        worst = worst.max(sim.duplicate_percent());
        for node in &sim.nodes {
            let stats = node.swarm.stats();
            assert_eq!((stats.state, stats.left_bytes, stats.inflight_bytes), (SwarmState::Seeding, 0, 0));
            assert_eq!(stats.hash_failures, 0);
        }
    }
    // Two megabytes in two seconds are nearly all endgame.
    println!("small swarms: {worst:.2} % came twice at worst");
    assert!(worst < 20.0, "{worst} % came twice");
}

#[test]
fn the_endgame_wastes_little() {
    let content = Content::new(blocks(16), 24_000_000, false, 3000);
    for seed in 0..3 {
        let mut sim = Sim::new(seed, content.clone());
        for _ in 0..2 {
            sim.add(NodeConfig::seeder());
        }
        for _ in 0..4 {
            let up = sim.rng.random_range(200_000..5_000_000);
            sim.add(NodeConfig { up, ..NodeConfig::leecher() });
        }
        sim.connect_all();
        sim.run();
        println!("endgame: {:.2} % came twice, {:?}", sim.duplicate_percent(), sim.elapsed());
        assert!(sim.duplicate_percent() < 2.0);
    }
}

#[test]
fn links_that_break_do_not_stop_it() {
    let content = small();
    for seed in 0..20 {
        let mut sim = Sim::new(seed, content.clone());
        sim.add(NodeConfig::seeder());
        for _ in 0..5 {
            sim.add(NodeConfig::leecher());
        }
        sim.connect_all();
        let mut next = Duration::from_millis(100);
        sim.run_until(|sim| {
            if sim.elapsed() >= next {
                next = sim.elapsed() + Duration::from_millis(150);
                sim.break_a_link();
            }
            sim.all_complete()
        });
    }
}

#[test]
fn one_of_two_seeders_leaves_half_way() {
    let content = small();
    for seed in 0..20 {
        let mut sim = Sim::new(seed, content.clone());
        let leaving = sim.add(NodeConfig { up: 1_000_000, ..NodeConfig::seeder() });
        sim.add(NodeConfig { up: 500_000, ..NodeConfig::seeder() });
        for _ in 0..4 {
            sim.add(NodeConfig { up: 1_000_000, ..NodeConfig::leecher() });
        }
        sim.connect_all();
        let half = sim.content.geometry.piece_count() as usize / 2;
        sim.run_until(|sim| sim.nodes[2].verified.len() >= half);
        assert!(!sim.all_complete());
        sim.kill(leaving);
        sim.run();
    }
}

/// The only seeder leaves as soon as one copy of every piece is among the leechers.
#[test]
fn a_distributed_copy_is_enough() {
    let content = small();
    let mut worst: f64 = 0.0;
    for seed in 0..20 {
        let mut sim = Sim::new(seed, content.clone());
        sim.add(NodeConfig { up: 1_000_000, ..NodeConfig::seeder() });
        for _ in 0..4 {
            sim.add(NodeConfig { up: 300_000, ..NodeConfig::leecher() });
        }
        sim.connect_all();
        let pieces = sim.content.geometry.piece_count();
        sim.run_until(|sim| (0..pieces).all(|p| sim.nodes[1..].iter().any(|n| n.verified.contains(&p))));
        let sent = sim.nodes[0].swarm.stats().uploaded as f64 / 2e6;
        worst = worst.max(sent);
        sim.kill(0);
        sim.run();
    }
    // Rarest first spreads different pieces; four leechers choosing alike would take four copies.
    println!("the seeder sent {worst:.2} copies at worst");
    assert!(worst < 2.5);
}

#[test]
fn two_hundred_peers() {
    let content = Content::new(blocks(2), 1_000_000, false, 3000);
    let mut sim = Sim::new(7, content);
    for _ in 0..3 {
        sim.add(NodeConfig::seeder());
    }
    for _ in 0..197 {
        sim.add(NodeConfig::leecher());
    }
    sim.connect_some(6);
    sim.run();
    println!("200 peers: {:?}, duplicates {:.2} %", sim.elapsed(), sim.duplicate_percent());
    assert!(sim.duplicate_percent() < 20.0);
}

#[test]
fn a_magnet_starts_without_metadata() {
    // Several pieces of metadata, among them a short last one.
    let content = Content::new(blocks(2), 1_000_000, false, 100_000);
    for seed in 0..20 {
        let mut sim = Sim::new(seed, content.clone());
        sim.add(NodeConfig { fast: seed % 2 == 0, ..NodeConfig::seeder() });
        let magnet = sim.add(NodeConfig { magnet: true, ..NodeConfig::leecher() });
        let other = sim.add(NodeConfig { magnet: true, ..NodeConfig::leecher() });
        sim.connect(magnet, 0);
        sim.connect(other, magnet);
        sim.run();
        assert_eq!(sim.nodes[magnet].states, [SwarmState::Downloading, SwarmState::Seeding]);
    }
}

#[test]
fn peers_are_exchanged() {
    let content = small();
    let mut sim = Sim::new(3, content);
    let hub = sim.add(NodeConfig { up: 50_000, ..NodeConfig::seeder() });
    let a = sim.add(NodeConfig::leecher());
    let b = sim.add(NodeConfig::leecher());
    sim.connect(a, hub);
    sim.connect(b, hub);
    sim.run_until(|sim| sim.connected(a, b));
    assert!(sim.nodes[hub].pex_sent >= 1);
    sim.run();
}

#[test]
fn a_private_torrent_never_exchanges_peers() {
    for seed in 0..5 {
        let content = Content::new(blocks(4), 2_000_000, true, 3000);
        let mut sim = Sim::new(seed, content);
        sim.add(NodeConfig { up: 100_000, ..NodeConfig::seeder() });
        for _ in 0..4 {
            sim.add(NodeConfig { up: 100_000, ..NodeConfig::leecher() });
        }
        sim.connect_all();
        sim.run();
        // Long enough for three rounds had there been any.
        sim.run_until(|sim| {
            let open = (1..4).any(|n| sim.connected(n, 0));
            sim.elapsed() > Duration::from_secs(200) || !open
        });
        assert_eq!(sim.sent.get("pex"), None);
    }
}

#[test]
fn the_memory_bound_holds() {
    let content = small();
    for seed in 0..5 {
        let mut sim = Sim::new(seed, content.clone());
        sim.watch_memory = true;
        let bound = u64::from(blocks(4)) * 3;
        for _ in 0..3 {
            sim.add(NodeConfig::seeder());
        }
        let leecher =
            sim.add(NodeConfig { swarm: Box::new(move |c| c.max_inflight_bytes = bound), ..NodeConfig::leecher() });
        sim.connect_all();
        sim.run();
        assert!(sim.nodes[leecher].peak_inflight <= bound);
        assert!(sim.nodes[leecher].peak_inflight > 0);
    }
}

#[test]
fn only_what_is_wanted_is_fetched() {
    let content = small();
    for seed in 0..10 {
        let mut sim = Sim::new(seed, content.clone());
        sim.add(NodeConfig::seeder());
        let picky = sim.add(NodeConfig::leecher());
        let wanted = |p: u32| p.is_multiple_of(3);
        let priorities: Vec<_> = (0..sim.content.geometry.piece_count())
            .map(|p| if wanted(p) { Priority::High } else { Priority::Skip })
            .collect();
        let now = sim.now;
        sim.nodes[picky].swarm.set_priorities(now, &priorities);
        sim.connect(picky, 0);
        sim.run_until(|sim| sim.nodes[picky].swarm.state() == SwarmState::Finished);
        assert!(sim.nodes[picky].verified.iter().all(|p| wanted(*p)));
        // Then the rest. The seeder hung up on one that wanted nothing more.
        let now = sim.now;
        sim.nodes[picky].swarm.set_priorities(now, &vec![Priority::Normal; priorities.len()]);
        sim.run_until(|sim| !sim.connected(picky, 0));
        sim.connect(picky, 0);
        sim.run();
    }
}

#[test]
fn in_order_when_asked_for() {
    let content = small();
    let mut sim = Sim::new(1, content);
    sim.add(NodeConfig { up: 1_000_000, ..NodeConfig::seeder() });
    let viewer = sim.add(NodeConfig { swarm: Box::new(|c| c.sequential = true), ..NodeConfig::leecher() });
    sim.connect(viewer, 0);
    let mut order = Vec::new();
    sim.run_until(|sim| {
        let n = &sim.nodes[viewer];
        let new: Vec<u32> = n.verified.iter().copied().filter(|p| !order.contains(p)).collect();
        order.extend(new);
        sim.all_complete()
    });
    let displaced = order.iter().enumerate().map(|(i, p)| (i as i64 - i64::from(*p)).abs()).max().unwrap();
    assert!(displaced <= 2, "{order:?}");
}

#[test]
fn a_deadline_jumps_the_queue() {
    let content = small();
    let mut sim = Sim::new(1, content);
    sim.add(NodeConfig { up: 500_000, ..NodeConfig::seeder() });
    let viewer = sim.add(NodeConfig::leecher());
    let last = sim.content.geometry.piece_count() - 1;
    let now = sim.now;
    sim.nodes[viewer].swarm.set_deadline(now, last, Some(now + Duration::from_secs(1)));
    sim.connect(viewer, 0);
    sim.run_until(|sim| !sim.nodes[viewer].verified.is_empty());
    assert!(sim.nodes[viewer].verified.contains(&last));
}

#[test]
fn runs_are_determined_by_their_seed() {
    let run = |seed| {
        let mut sim = Sim::new(seed, small());
        sim.add(NodeConfig::seeder());
        for _ in 0..4 {
            sim.add(NodeConfig::leecher());
        }
        sim.connect_all();
        sim.run();
        (sim.elapsed(), sim.sent.clone())
    };
    assert_eq!(run(11), run(11));
    assert_ne!(run(11).0, run(12).0);
}
