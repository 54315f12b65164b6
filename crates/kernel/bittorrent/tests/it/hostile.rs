//! Hostile peers: each costs itself, never the swarm.

use std::time::Duration;

use bytes::Bytes;
use weft_bittorrent::swarm::DropReason;
use weft_bittorrent::wire::{BLOCK_LEN, BlockRef, Message};

use crate::sim::{Content, Nature, NodeConfig, Sim, blocks};

fn small() -> std::sync::Arc<Content> {
    Content::new(blocks(4), 2_000_000, false, 3000)
}

fn dropped_for(sim: &Sim, node: usize, whom: usize, reason: DropReason) -> bool {
    let addr = sim.nodes[whom].addr;
    sim.nodes[node].drops.iter().any(|(a, r, _)| *a == addr && *r == reason)
}

#[test]
fn a_poisoner_is_banned_and_everyone_completes() {
    let content = small();
    for seed in 0..40 {
        let mut sim = Sim::new(seed, content.clone());
        let poison = [1.0, 0.5, 0.1, 0.02][seed as usize % 4];
        let bad = sim.add(NodeConfig { nature: Nature::Poisons(poison), ..NodeConfig::leecher() });
        let good: Vec<usize> = (0..2).map(|_| sim.add(NodeConfig::seeder())).collect();
        let digests = seed % 2 == 0;
        let leechers: Vec<usize> = (0..3).map(|_| sim.add(NodeConfig { digests, ..NodeConfig::leecher() })).collect();
        sim.connect_all();
        sim.run();
        let ip = |n: usize| sim.nodes[n].addr.ip();
        for leecher in &leechers {
            let banned = &sim.nodes[*leecher].banned;
            assert!(banned.iter().all(|b| *b == ip(bad)), "an honest peer was banned");
            if poison == 1.0 && sim.nodes[*leecher].swarm.stats().hash_failures > 0 {
                assert!(banned.contains(&ip(bad)), "the poisoner was not found");
            }
            assert!(good.iter().all(|g| !banned.contains(&ip(*g))));
        }
    }
}

/// Several poisoners that each spoil one block in ten of what they send.
#[test]
fn a_third_of_the_swarm_poisons() {
    let content = small();
    let mut failures = 0;
    for seed in 0..15 {
        let mut sim = Sim::new(seed, content.clone());
        let bad: Vec<usize> = (0..3)
            .map(|_| sim.add(NodeConfig { nature: Nature::Poisons(0.1), up: 500_000, ..NodeConfig::leecher() }))
            .collect();
        sim.add(NodeConfig { up: 500_000, ..NodeConfig::seeder() });
        for _ in 0..5 {
            sim.add(NodeConfig { digests: seed % 2 == 0, up: 500_000, ..NodeConfig::leecher() });
        }
        sim.connect_all();
        sim.run();
        for node in &sim.nodes[3..] {
            assert!(node.banned.iter().all(|ip| bad.iter().any(|b| sim.nodes[*b].addr.ip() == *ip)));
            failures += node.swarm.stats().hash_failures;
        }
    }
    assert!(failures > 0, "the poison was never tasted");
}

#[test]
fn a_liar_about_its_pieces_only_wastes_its_own_time() {
    let content = small();
    for seed in 0..10 {
        let mut sim = Sim::new(seed, content.clone());
        for _ in 0..2 {
            sim.add(NodeConfig { nature: Nature::Lies, ..NodeConfig::leecher() });
        }
        sim.add(NodeConfig::seeder());
        for _ in 0..3 {
            sim.add(NodeConfig::leecher());
        }
        sim.connect_all();
        sim.run();
        assert!(sim.elapsed() < Duration::from_secs(60), "{:?}", sim.elapsed());
    }
}

#[test]
fn false_metadata_is_found_out() {
    let content = Content::new(blocks(2), 500_000, false, 60_000);
    for seed in 0..10 {
        let mut sim = Sim::new(seed, content.clone());
        let liar = sim.add(NodeConfig { nature: Nature::FalseMetadata, ..NodeConfig::seeder() });
        sim.add(NodeConfig::seeder());
        let magnet = sim.add(NodeConfig { magnet: true, ..NodeConfig::leecher() });
        sim.connect(magnet, liar);
        sim.run_until(|sim| !sim.nodes[magnet].banned.is_empty());
        assert!(dropped_for(&sim, magnet, liar, DropReason::BadMetadata));
        sim.connect(magnet, 1);
        sim.run_until(|sim| sim.nodes[magnet].completed_at.is_some());
    }
}

/// A seeder and a hostile leecher connected to it, both sides through with their handshakes.
fn pair(seed: u64) -> (Sim, usize, usize) {
    let mut sim = Sim::new(seed, small());
    let seeder = sim.add(NodeConfig::seeder());
    let hostile = sim.add(NodeConfig { nature: Nature::Lies, magnet: true, ..NodeConfig::leecher() });
    sim.connect(hostile, seeder);
    sim.run_until(|sim| sim.connected(seeder, hostile));
    (sim, seeder, hostile)
}

fn provokes(reason: DropReason, messages: impl Fn(u32) -> Option<Message>) {
    let (mut sim, seeder, hostile) = pair(1);
    let mut i = 0;
    sim.run_until(|sim| {
        let gone = dropped_for(sim, seeder, hostile, reason);
        if !gone && let Some(message) = messages(i) {
            sim.inject(hostile, seeder, &message);
            i += 1;
        }
        gone || (messages(i).is_none() && sim.elapsed() > Duration::from_secs(300))
    });
    assert!(dropped_for(&sim, seeder, hostile, reason), "{:?}", sim.nodes[seeder].drops);
    assert!(sim.nodes[seeder].drops.iter().all(|(_, _, ban)| !ban));
}

#[test]
fn floods_and_nonsense_end_the_connection() {
    let block = |piece, begin, len| BlockRef { piece, begin, len };
    // Requests while choked.
    provokes(DropReason::RequestFlood, |_| Some(Message::Request(block(0, 0, BLOCK_LEN))));
    provokes(DropReason::MessageFlood, |_| Some(Message::KeepAlive));
    provokes(DropReason::MessageFlood, |i| Some(if i % 2 == 0 { Message::Interested } else { Message::NotInterested }));
    provokes(DropReason::MessageFlood, |_| Some(Message::Extended { id: 77, payload: Bytes::new() }));
    let once = |message: Message| move |i| (i == 0).then(|| message.clone());
    provokes(DropReason::OutOfRange, once(Message::Request(block(0, u32::MAX, BLOCK_LEN))));
    provokes(DropReason::OutOfRange, once(Message::Request(block(9999, 0, BLOCK_LEN))));
    provokes(DropReason::OutOfRange, once(Message::Request(block(0, 0, 0))));
    provokes(DropReason::RequestTooLong, once(Message::Request(block(0, 0, BLOCK_LEN * 2 + 1))));
    provokes(DropReason::OutOfRange, once(Message::Have { piece: 9999 }));
    provokes(DropReason::OutOfTurn, |i| (i < 2).then_some(Message::HaveNone));
    provokes(DropReason::BadExtended, once(Message::Extended { id: 0, payload: Bytes::from_static(b"d1:") }));
}

/// An unchoked peer that asks for everything again and again and reads it all is served no faster than its turn, and what
/// is queued for it stays bounded.
#[test]
fn a_greedy_reader_is_bounded() {
    let (mut sim, seeder, hostile) = pair(2);
    sim.inject(hostile, seeder, &Message::Interested);
    let mut most = 0;
    for i in 0..20_000u32 {
        let pieces = sim.content.geometry.piece_count();
        let request = BlockRef { piece: i % (pieces - 1), begin: 0, len: BLOCK_LEN };
        sim.inject(hostile, seeder, &Message::Request(request));
        let after = sim.elapsed() + Duration::from_micros(50);
        sim.run_until(|sim| sim.elapsed() >= after || !sim.connected(seeder, hostile));
        most = most.max(sim.nodes[seeder].swarm.peer_stats().first().map_or(0, |p| p.queued));
    }
    assert!(most <= 2000 + 256, "{most}");
}
