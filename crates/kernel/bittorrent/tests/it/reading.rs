//! Somebody reads while pieces arrive: in order, and here and there.

use std::time::{Duration, Instant};

use rand::Rng;
use weft_bittorrent::swarm::SwarmState;

use crate::sim::{Content, NodeConfig, Sim, blocks};

/// Pieces that are asked for ahead of a reader.
const AHEAD: u32 = 16;

/// Reads in order, `pace` a piece, and counts how long it had to wait.
struct Reading {
    piece: u32,
    next_at: Instant,
    waited: Duration,
    longest: Duration,
}

impl Reading {
    /// Sets the deadlines of a window, and takes back those of the one before.
    fn arm(sim: &mut Sim, viewer: usize, from: u32, before: Option<u32>, pace: Duration) {
        let (now, pieces) = (sim.now, sim.content.geometry.piece_count());
        let swarm = &mut sim.nodes[viewer].swarm;
        if let Some(before) = before {
            for piece in (before..before + AHEAD).filter(|p| !(from..from + AHEAD).contains(p)) {
                swarm.set_deadline(now, piece, None);
            }
        }
        for piece in (from..(from + AHEAD).min(pieces)).filter(|p| before.is_none_or(|b| !(b..b + AHEAD).contains(p))) {
            swarm.set_deadline(now, piece, Some(now + pace * (piece - from)));
        }
    }

    fn run(sim: &mut Sim, viewer: usize, pace: Duration) -> Reading {
        let pieces = sim.content.geometry.piece_count();
        let mut reading = Reading { piece: 0, next_at: sim.now, waited: Duration::ZERO, longest: Duration::ZERO };
        Self::arm(sim, viewer, 0, None, pace);
        sim.settle(viewer);
        let mut since: Option<Instant> = None;
        while reading.piece < pieces {
            let due = reading.next_at;
            sim.run_until(|sim| sim.now >= due || sim.all_complete());
            let piece = reading.piece;
            since.get_or_insert(sim.now);
            sim.run_until(|sim| sim.nodes[viewer].verified.contains(&piece));
            let waited = since.take().map_or(Duration::ZERO, |at| sim.now - at);
            reading.waited += waited;
            reading.longest = reading.longest.max(waited);
            reading.piece += 1;
            reading.next_at = sim.now.max(due) + pace;
            Self::arm(sim, viewer, reading.piece, Some(piece), pace);
            sim.settle(viewer);
        }
        reading
    }
}

/// A fast peer and one that is so slow that a single block of it holds the reader up for a second.
#[test]
fn a_slow_peer_does_not_hold_up_who_reads_in_order() {
    let content = Content::new(blocks(16), 24_000_000, false, 3000);
    let (mut worst, mut total) = (Duration::ZERO, Duration::ZERO);
    for seed in 0..10 {
        let mut sim = Sim::new(seed, content.clone());
        sim.add(NodeConfig { up: 1_500_000, ..NodeConfig::seeder() });
        for _ in 0..2 {
            sim.add(NodeConfig { up: 16_000, ..NodeConfig::seeder() });
        }
        let viewer = sim.add(NodeConfig::leecher());
        for seeder in 0..3 {
            sim.connect(viewer, seeder);
        }
        // 256 KiB a third of a second: half of what the fast one sends.
        let reading = Reading::run(&mut sim, viewer, Duration::from_millis(333));
        let first = reading.longest;
        worst = worst.max(first);
        total += reading.waited;
        let stats = sim.nodes[viewer].swarm.stats();
        assert!(stats.duplicate < stats.downloaded / 20, "seed {seed}: {} bytes came twice", stats.duplicate);
    }
    println!("reading in order: waited {worst:?} at most, {:?} a film of 24 MB", total / 10);
    assert!(worst < Duration::from_secs(4), "waited {worst:?}");
    assert!(total / 10 < Duration::from_secs(8), "waited {:?} in all", total / 10);
}

/// The same, where nobody sets a deadline: shows that the test above can fail.
#[test]
fn without_deadlines_the_reader_waits_for_long() {
    let content = Content::new(blocks(16), 24_000_000, false, 3000);
    let mut sim = Sim::new(1, content);
    sim.add(NodeConfig { up: 1_500_000, ..NodeConfig::seeder() });
    let viewer = sim.add(NodeConfig::leecher());
    sim.connect(viewer, 0);
    sim.run_until(|sim| sim.nodes[viewer].verified.contains(&0));
    sim.run_until(|sim| (0..20).all(|p| sim.nodes[viewer].verified.contains(&p)));
    assert!(sim.elapsed() > Duration::from_secs(8), "{:?}", sim.elapsed());
}

/// Each seek goes to a place of which nothing is there, while the pipelines are full of other pieces.
#[test]
fn seeks_are_served_at_once() {
    let content = Content::new(blocks(16), 64_000_000, false, 3000);
    let (mut worst, mut total, mut seeks) = (Duration::ZERO, Duration::ZERO, 0);
    for seed in 0..6 {
        let mut sim = Sim::new(seed, content.clone());
        sim.add(NodeConfig { up: 1_500_000, ..NodeConfig::seeder() });
        sim.add(NodeConfig { up: 500_000, ..NodeConfig::seeder() });
        sim.add(NodeConfig { up: 16_000, ..NodeConfig::seeder() });
        let viewer = sim.add(NodeConfig::leecher());
        for seeder in 0..3 {
            sim.connect(viewer, seeder);
        }
        let warm = sim.now + Duration::from_secs(5);
        sim.run_until(|sim| sim.now >= warm);
        let mut before = None;
        for _ in 0..12 {
            let pieces = sim.content.geometry.piece_count();
            let to = loop {
                let to = sim.rng.random_range(0..pieces - AHEAD);
                if !sim.nodes[viewer].verified.contains(&to) {
                    break to;
                }
            };
            let begun = sim.now;
            Reading::arm(&mut sim, viewer, to, before, Duration::from_millis(250));
            sim.settle(viewer);
            sim.run_until(|sim| sim.nodes[viewer].verified.contains(&to));
            let took = sim.now - begun;
            (worst, total, seeks) = (worst.max(took), total + took, seeks + 1);
            before = Some(to);
            // It is looked at for a while.
            let until = sim.now + Duration::from_millis(700);
            sim.run_until(|sim| sim.now >= until);
        }
        for seeder in 0..3 {
            assert!(sim.connected(viewer, seeder), "seed {seed}: taking back is no flood: {}", sim.describe());
        }
        let stats = sim.nodes[viewer].swarm.stats();
        println!("seed {seed}: {} kB of {} came twice", stats.duplicate / 1000, stats.downloaded / 1000);
        assert!(stats.duplicate < stats.downloaded / 5);
        // And the rest comes all the same.
        sim.run();
        assert_eq!(sim.nodes[viewer].swarm.state(), SwarmState::Seeding);
    }
    println!("seeks: {:?} on average, {worst:?} at worst", total / seeks);
    // 256 KiB take 0.13 s of both fast lines; without making way two seconds of other pieces come first.
    assert!(total / seeks < Duration::from_millis(1_000), "{:?} on average", total / seeks);
    assert!(worst < Duration::from_secs(3), "{worst:?} at worst");
}

/// With room for a few pieces alone, all of them begun, a seek still finds room.
#[test]
fn a_seek_finds_room_when_memory_is_full() {
    let content = Content::new(blocks(64), 32_000_000, false, 3000);
    for seed in 0..4 {
        let mut sim = Sim::new(seed, content.clone());
        sim.watch_memory = true;
        let bound = u64::from(blocks(64)) * 2;
        sim.add(NodeConfig { up: 200_000, ..NodeConfig::seeder() });
        sim.add(NodeConfig { up: 200_000, ..NodeConfig::seeder() });
        let viewer =
            sim.add(NodeConfig { swarm: Box::new(move |c| c.max_inflight_bytes = bound), ..NodeConfig::leecher() });
        sim.connect(viewer, 0);
        sim.connect(viewer, 1);
        let warm = sim.now + Duration::from_secs(3);
        sim.run_until(|sim| sim.now >= warm);
        let active = sim.nodes[viewer].swarm.piece_view().unwrap().reading;
        assert_eq!(active.len(), 2, "{active:?}");
        let to = (0..30).find(|p| !active.contains(p) && !sim.nodes[viewer].verified.contains(p)).unwrap();
        let begun = sim.now;
        sim.nodes[viewer].swarm.set_deadline(begun, to, Some(begun));
        sim.settle(viewer);
        sim.run_until(|sim| sim.nodes[viewer].verified.contains(&to));
        let took = sim.now - begun;
        // 1 MiB at 400 kB/s.
        assert!(took < Duration::from_secs(5), "seed {seed}: {took:?}");
        assert!(sim.nodes[viewer].peak_inflight <= bound);
        sim.run();
    }
}
