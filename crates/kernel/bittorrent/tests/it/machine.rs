//! One machine driven by hand: what it does at each turn.

use std::time::{Duration, Instant};

use bytes::Bytes;
use weft_bittorrent::bitfield::Bitfield;
use weft_bittorrent::connection::Written;
use weft_bittorrent::extension::ExtendedHandshake;
use weft_bittorrent::id::{InfoHash, PeerId};
use weft_bittorrent::swarm::{
    BlockVerdict, DropReason, Geometry, Output, PeerKey, PeerParams, Priority, Refused, Swarm, SwarmConfig, SwarmState,
    TorrentInfo,
};
use weft_bittorrent::wire::{BLOCK_LEN, BlockRef, Handshake, Message, Reserved};

const PIECES: u32 = 10;

struct Desk {
    swarm: Swarm,
    now: Instant,
    peers: u8,
}

impl Desk {
    fn new(have: &[u32], private: bool) -> Self {
        let now = Instant::now();
        let geometry = Geometry::new(4 * BLOCK_LEN, u64::from(4 * BLOCK_LEN * PIECES)).unwrap();
        let mut set = Bitfield::new(PIECES);
        have.iter().for_each(|p| assert!(set.insert(*p)));
        let info = TorrentInfo { geometry, private, metadata: Bytes::from_static(b"d4:name1:xe") };
        let config = SwarmConfig::new(InfoHash::from([1; 20]), 3);
        let mut desk = Self { swarm: Swarm::new(config, info, set, now).unwrap(), now, peers: 0 };
        desk.outputs();
        desk
    }

    fn try_peer(&mut self, fast: bool) -> Result<PeerKey, Refused> {
        self.peers += 1;
        let reserved = if fast { Reserved::ours(false) } else { Reserved([0, 0, 0, 0, 0, 0x10, 0, 0]) };
        let handshake =
            Handshake { reserved, info_hash: InfoHash::from([1; 20]), peer_id: PeerId::from([self.peers; 20]) };
        let addr = Some(([10, 0, 0, self.peers], 6881).into());
        self.swarm.peer_connected(self.now, PeerParams { addr, outgoing: true, handshake, weft: false })
    }

    fn peer(&mut self, fast: bool) -> PeerKey {
        self.try_peer(fast).unwrap()
    }

    /// A peer that has everything and serves us.
    fn server(&mut self, fast: bool) -> PeerKey {
        let key = self.peer(fast);
        self.tell(key, if fast { Message::HaveAll } else { Message::Bitfield(full()) });
        self.tell(key, Message::Unchoke);
        key
    }

    fn tell(&mut self, peer: PeerKey, message: Message) {
        self.swarm.on_message(self.now, peer, message);
    }

    fn wait(&mut self, by: Duration) {
        let end = self.now + by;
        while self.now < end {
            self.now += Duration::from_secs(1);
            self.swarm.tick(self.now);
        }
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.swarm.poll_output()).collect()
    }

    fn requests(&mut self, to: PeerKey) -> Vec<BlockRef> {
        let asked = |o| match o {
            Output::Send { peer, message: Message::Request(block) } if peer == to => Some(block),
            _ => None,
        };
        self.outputs().into_iter().filter_map(asked).collect()
    }
}

fn full() -> Bytes {
    Bitfield::full(PIECES).to_bytes().into()
}

fn sent(outputs: &[Output], to: PeerKey, wanted: &Message) -> bool {
    outputs.iter().any(|o| matches!(o, Output::Send { peer, message } if *peer == to && message == wanted))
}

fn dropped(outputs: &[Output], whom: PeerKey) -> Option<(DropReason, bool)> {
    outputs.iter().find_map(|o| match o {
        Output::Drop { peer, reason, ban } if *peer == whom => Some((*reason, *ban)),
        _ => None,
    })
}

fn block(piece: u32, index: u32) -> BlockRef {
    BlockRef { piece, begin: index * BLOCK_LEN, len: BLOCK_LEN }
}

#[test]
fn the_greeting() {
    let mut desk = Desk::new(&[], false);
    let fast = desk.peer(true);
    let out = desk.outputs();
    assert!(matches!(&out[0], Output::Send { message: Message::HaveNone, .. }));
    let Output::Send { message: Message::Extended { id: 0, payload }, peer } = &out[1] else { panic!("{out:?}") };
    assert_eq!(*peer, fast);
    let said = ExtendedHandshake::decode(payload).unwrap();
    assert!(said.ut_metadata.is_some() && said.ut_pex.is_some() && !said.upload_only);
    assert_eq!((said.reqq, said.metadata_size), (Some(2000), Some(11)));

    // Without the fast extension one with nothing says nothing; with something, its bitfield.
    let plain = desk.peer(false);
    let out = desk.outputs();
    assert!(out.iter().all(|o| !matches!(o, Output::Send { message: Message::Bitfield(_) | Message::HaveNone, .. })));
    let mut desk = Desk::new(&[0, 3], true);
    desk.peer(false);
    let out = desk.outputs();
    let Output::Send { message: Message::Bitfield(bits), .. } = &out[0] else { panic!("{out:?}") };
    assert_eq!(Bitfield::from_bytes(bits, PIECES).unwrap().iter().collect::<Vec<_>>(), [0, 3]);
    // A private torrent does not speak peer exchange.
    let Output::Send { message: Message::Extended { payload, .. }, .. } = &out[1] else { panic!("{out:?}") };
    assert_eq!(ExtendedHandshake::decode(payload).unwrap().ut_pex, None);
    let _ = plain;
}

#[test]
fn a_piece_from_request_to_announcement() {
    let mut desk = Desk::new(&[], false);
    let server = desk.server(true);
    let other = desk.peer(true);
    let out = desk.outputs();
    assert!(sent(&out, server, &Message::Interested));
    let asked: Vec<BlockRef> = out
        .iter()
        .filter_map(|o| if let Output::Send { message: Message::Request(b), .. } = o { Some(*b) } else { None })
        .collect();
    // Whole pieces, in order.
    assert_eq!(asked.len(), 16);
    assert!(asked.chunks(4).all(|p| (0..4).all(|i| p[i] == block(p[0].piece, i as u32))));
    let piece = asked[0].piece;
    for b in &asked[..4] {
        assert_eq!(desk.swarm.on_block(desk.now, server, *b), BlockVerdict::Accept);
    }
    assert_eq!(desk.swarm.on_block(desk.now, server, asked[0]), BlockVerdict::Unrequested);
    let out = desk.outputs();
    assert!(out.contains(&Output::PieceComplete { piece }));
    assert!(!sent(&out, other, &Message::Have { piece }), "announced before it is verified");
    desk.swarm.piece_verified(desk.now, piece);
    let out = desk.outputs();
    assert!(sent(&out, other, &Message::Have { piece }));
    assert!(!sent(&out, server, &Message::Have { piece }), "it has the piece");
    assert!(desk.swarm.have().contains(piece));
    let stats = desk.swarm.stats();
    assert_eq!((stats.have, stats.downloaded, stats.wasted), (1, 4 * 16384, 16384));
}

#[test]
fn a_piece_the_disk_refused_is_fetched_again_and_nobody_is_blamed() {
    let mut desk = Desk::new(&[], false);
    let server = desk.server(true);
    let asked = desk.requests(server);
    for b in &asked[..4] {
        desk.swarm.on_block(desk.now, server, *b);
    }
    desk.outputs();
    desk.swarm.piece_unwritten(desk.now, asked[0].piece);
    let mut again = Vec::new();
    for b in &asked[4..] {
        desk.swarm.on_block(desk.now, server, *b);
        again.extend(desk.requests(server));
    }
    for b in again.clone() {
        desk.swarm.on_block(desk.now, server, b);
        again.extend(desk.requests(server));
    }
    assert!(again.contains(&asked[0]));
    assert_eq!(desk.swarm.peer_stats()[0].hash_failures, 0);
}

#[test]
fn a_lone_sender_of_a_wrong_piece_is_banned() {
    let mut desk = Desk::new(&[], false);
    let server = desk.server(true);
    let asked = desk.requests(server);
    for b in &asked[..4] {
        desk.swarm.on_block(desk.now, server, *b);
    }
    desk.swarm.piece_failed(desk.now, asked[0].piece, &[]);
    assert_eq!(dropped(&desk.outputs(), server), Some((DropReason::BadData, true)));
    assert_eq!(desk.swarm.stats().hash_failures, 1);

    // And so it is if it has left by then.
    let server = desk.server(true);
    let asked = desk.requests(server);
    for b in &asked[..4] {
        desk.swarm.on_block(desk.now, server, *b);
    }
    desk.swarm.peer_disconnected(desk.now, server);
    desk.swarm.piece_failed(desk.now, asked[0].piece, &[]);
    assert!(desk.outputs().contains(&Output::Ban { addr: ([10, 0, 0, 2], 6881).into(), reason: DropReason::BadData }));
}

/// A piece to which two peers gave two blocks each, complete.
fn mixed() -> (Desk, PeerKey, PeerKey) {
    let mut desk = Desk::new(&[], false);
    desk.swarm.set_priorities(desk.now, &only(&[4]));
    let first = desk.server(true);
    assert_eq!(desk.requests(first).len(), 4);
    desk.swarm.on_block(desk.now, first, block(4, 0));
    desk.swarm.on_block(desk.now, first, block(4, 1));
    desk.tell(first, Message::Choke);
    desk.outputs();
    let second = desk.server(true);
    assert_eq!(desk.requests(second), [block(4, 2), block(4, 3)]);
    desk.swarm.on_block(desk.now, second, block(4, 2));
    desk.swarm.on_block(desk.now, second, block(4, 3));
    assert!(desk.outputs().contains(&Output::PieceComplete { piece: 4 }));
    (desk, first, second)
}

#[test]
fn suspects_fetch_whole_pieces_alone_until_one_is_found_out() {
    let (mut desk, first, second) = mixed();
    desk.swarm.piece_failed(desk.now, 4, &[]);
    let out = desk.outputs();
    assert_eq!((dropped(&out, first), dropped(&out, second)), (None, None), "either may be innocent");
    assert!(desk.swarm.peer_stats().iter().all(|p| p.parole && p.hash_failures == 1));
    // All of it is asked of one; the other, although idle, gets no part.
    assert!((0..4).all(|i| sent(&out, second, &Message::Request(block(4, i)))));
    desk.tell(first, Message::Unchoke);
    assert_eq!(desk.requests(first), []);
    (0..4).for_each(|i| assert_eq!(desk.swarm.on_block(desk.now, second, block(4, i)), BlockVerdict::Accept));
    desk.swarm.piece_failed(desk.now, 4, &[]);
    let out = desk.outputs();
    assert_eq!(dropped(&out, second), Some((DropReason::BadData, true)));
    assert_eq!(dropped(&out, first), None);
    assert!((0..4).all(|i| sent(&out, first, &Message::Request(block(4, i)))));
    (0..4).for_each(|i| assert_eq!(desk.swarm.on_block(desk.now, first, block(4, i)), BlockVerdict::Accept));
    desk.swarm.piece_verified(desk.now, 4);
    desk.outputs();
    assert!(desk.swarm.peer_stats().iter().all(|p| !p.parole), "its name is cleared");
}

#[test]
fn digests_tell_who_sent_the_wrong_block() {
    let (mut desk, first, second) = mixed();
    let right = [[0; 16], [1; 16], [2; 16], [3; 16]];
    let mut wrong = right;
    wrong[1] = [9; 16];
    desk.swarm.piece_failed(desk.now, 4, &wrong);
    desk.outputs();
    (0..4).for_each(|i| assert_eq!(desk.swarm.on_block(desk.now, second, block(4, i)), BlockVerdict::Accept));
    assert!(desk.swarm.wants_digests(4) && !desk.swarm.wants_digests(5));
    desk.swarm.piece_digests(desk.now, 4, &right);
    desk.swarm.piece_verified(desk.now, 4);
    let out = desk.outputs();
    assert_eq!(dropped(&out, first), Some((DropReason::BadData, true)));
    assert_eq!(dropped(&out, second), None);
    assert!(!desk.swarm.wants_digests(4));
}

#[test]
fn what_a_silent_peer_holds_up_goes_to_another_and_its_late_answer_is_good() {
    let mut desk = Desk::new(&[], false);
    desk.swarm.set_priorities(desk.now, &only(&[0, 1]));
    let slow = desk.server(true);
    let asked = desk.requests(slow);
    assert_eq!(asked.len(), 8);
    desk.wait(Duration::from_secs(21));
    desk.outputs();
    let good = desk.server(true);
    let mut moved = desk.requests(good);
    moved.sort();
    assert_eq!(moved, (0..2).flat_map(|p| (0..4).map(move |i| block(p, i))).collect::<Vec<_>>());
    assert_eq!(desk.swarm.on_block(desk.now, slow, asked[0]), BlockVerdict::Accept);
    assert!(sent(&desk.outputs(), good, &Message::Cancel(asked[0])));
    assert_eq!(desk.swarm.on_block(desk.now, good, asked[0]), BlockVerdict::Duplicate);
}

#[test]
fn a_snubbed_peer_is_asked_for_one_block_until_it_answers() {
    let mut desk = Desk::new(&[], false);
    let peer = desk.server(true);
    let asked = desk.requests(peer);
    desk.wait(Duration::from_secs(59));
    assert!(!desk.swarm.peer_stats()[0].snubbed);
    assert_eq!(desk.requests(peer), []);
    desk.wait(Duration::from_secs(2));
    assert!(desk.swarm.peer_stats()[0].snubbed);
    assert_eq!(desk.requests(peer).len(), 1);
    assert_eq!(desk.swarm.on_block(desk.now, peer, asked[0]), BlockVerdict::Accept);
    assert!(!desk.swarm.peer_stats()[0].snubbed);
    assert!(desk.requests(peer).len() > 4);
}

fn only(wanted: &[u32]) -> Vec<Priority> {
    (0..PIECES).map(|p| if wanted.contains(&p) { Priority::Normal } else { Priority::Skip }).collect()
}

#[test]
fn pausing_lets_go_of_everything() {
    let mut desk = Desk::new(&[], false);
    let server = desk.server(true);
    let asked = desk.requests(server);
    desk.swarm.on_block(desk.now, server, asked[0]);
    desk.swarm.set_paused(desk.now, true);
    let out = desk.outputs();
    assert_eq!(dropped(&out, server), Some((DropReason::Paused, false)));
    assert!(out.contains(&Output::PieceAbandoned { piece: asked[0].piece }));
    assert!(out.contains(&Output::StateChanged(SwarmState::Paused)));
    assert_eq!(desk.try_peer(true), Err(Refused::Paused));
    assert_eq!((desk.swarm.next_deadline(), desk.swarm.stats().inflight_bytes), (None, 0));
    desk.swarm.set_paused(desk.now, false);
    desk.swarm.tick(desk.now);
    let out = desk.outputs();
    assert!(out.contains(&Output::StateChanged(SwarmState::Downloading)) && out.contains(&Output::NeedPeers));
    let server = desk.server(true);
    assert_eq!(desk.requests(server).len(), 16);
}

#[test]
fn serving_choking_and_a_lost_piece() {
    let mut desk = Desk::new(&[0, 1, 2], false);
    let peer = desk.peer(true);
    desk.tell(peer, Message::HaveNone);
    desk.tell(peer, Message::Request(block(0, 0)));
    assert!(sent(&desk.outputs(), peer, &Message::Reject(block(0, 0))), "it is choked");
    desk.tell(peer, Message::Interested);
    assert!(sent(&desk.outputs(), peer, &Message::Unchoke), "a slot is free");
    for piece in [2, 0, 1] {
        (0..4).for_each(|i| desk.tell(peer, Message::Request(block(piece, i))));
    }
    desk.tell(peer, Message::Request(block(5, 0)));
    let out = desk.outputs();
    assert!(sent(&out, peer, &Message::Reject(block(5, 0))), "not verified, not served");
    let uploads: Vec<_> =
        out.iter().filter_map(|o| if let Output::Upload { blocks, .. } = o { Some(blocks) } else { None }).collect();
    // One batch of what came together; the rest waits until it is sent.
    assert_eq!(uploads, [&[2, 0].into_iter().flat_map(|p| (0..4).map(move |i| block(p, i))).collect::<Vec<_>>()]);
    // What has not been handed over can be taken back, and is not served once the piece is lost.
    desk.tell(peer, Message::Cancel(block(1, 3)));
    assert!(sent(&desk.outputs(), peer, &Message::Reject(block(1, 3))));
    desk.swarm.upload_failed(desk.now, peer, block(0, 3));
    assert!(sent(&desk.outputs(), peer, &Message::Reject(block(0, 3))));
    desk.swarm.piece_lost(desk.now, 1);
    let out = desk.outputs();
    assert!((0..3).all(|i| sent(&out, peer, &Message::Reject(block(1, i)))));
    desk.swarm.on_uploaded(desk.now, peer, Written { blocks: 7, payload: 7 * 16384 });
    assert!(!desk.outputs().iter().any(|o| matches!(o, Output::Upload { .. })));
    assert_eq!((desk.swarm.stats().uploaded, desk.swarm.peer_stats()[0].queued), (7 * 16384, 0));
    desk.swarm.set_upload_slots(desk.now, 0);
    assert!(sent(&desk.outputs(), peer, &Message::Choke));
}

#[test]
fn keep_alives_and_the_end_of_patience() {
    let mut desk = Desk::new(&[0], false);
    let peer = desk.peer(true);
    desk.wait(Duration::from_secs(99));
    assert!(!sent(&desk.outputs(), peer, &Message::KeepAlive));
    desk.wait(Duration::from_secs(2));
    assert!(sent(&desk.outputs(), peer, &Message::KeepAlive));
    desk.tell(peer, Message::KeepAlive);
    desk.wait(Duration::from_secs(178));
    assert_eq!(dropped(&desk.outputs(), peer), None);
    desk.wait(Duration::from_secs(4));
    assert_eq!(dropped(&desk.outputs(), peer), Some((DropReason::Idle, false)));
}

#[test]
fn choked_but_allowed_fast() {
    let mut desk = Desk::new(&[], false);
    let peer = desk.peer(true);
    desk.tell(peer, Message::HaveAll);
    assert_eq!(desk.requests(peer), []);
    desk.tell(peer, Message::AllowedFast { piece: 7 });
    assert_eq!(desk.requests(peer), (0..4).map(|i| block(7, i)).collect::<Vec<_>>());
}

#[test]
fn a_choke_without_the_fast_extension_voids_requests() {
    let mut desk = Desk::new(&[], false);
    desk.swarm.set_priorities(desk.now, &only(&[4]));
    let peer = desk.server(false);
    assert_eq!(desk.requests(peer).len(), 4);
    desk.tell(peer, Message::Choke);
    // One was on its way; it is still good.
    assert_eq!(desk.swarm.on_block(desk.now, peer, block(4, 0)), BlockVerdict::Accept);
    desk.tell(peer, Message::Unchoke);
    assert_eq!(desk.requests(peer), (1..4).map(|i| block(4, i)).collect::<Vec<_>>());
}

#[test]
fn two_seeds_part() {
    let all: Vec<u32> = (0..PIECES).collect();
    let mut desk = Desk::new(&all, false);
    let seed = desk.peer(true);
    desk.tell(seed, Message::HaveAll);
    assert_eq!(dropped(&desk.outputs(), seed), Some((DropReason::BothSeeds, false)));
    // One that is told of no piece it has says instead that it only uploads.
    let seed = desk.peer(true);
    let said = ExtendedHandshake { upload_only: true, ..ExtendedHandshake::default() };
    desk.tell(seed, Message::Extended { id: 0, payload: said.encode().into() });
    assert_eq!(dropped(&desk.outputs(), seed), Some((DropReason::BothSeeds, false)));
}

#[test]
fn a_dead_key_names_nobody() {
    let mut desk = Desk::new(&[0], false);
    let first = desk.peer(true);
    desk.swarm.peer_disconnected(desk.now, first);
    let second = desk.peer(true);
    assert_ne!(first, second);
    desk.tell(first, Message::Have { piece: 99 });
    desk.swarm.on_uploaded(desk.now, first, Written { blocks: 1, payload: 1 });
    assert_eq!(desk.swarm.on_block(desk.now, first, block(0, 0)), BlockVerdict::Unrequested);
    desk.swarm.peer_disconnected(desk.now, first);
    assert_eq!(desk.swarm.peer_stats().len(), 1);
}

#[test]
fn a_piece_says_who_gave_most_of_it() {
    let mut desk = Desk::new(&[], false);
    let one = desk.server(true);
    let asked = desk.requests(one);
    let piece = asked[0].piece;
    let blocks: Vec<BlockRef> = asked.into_iter().filter(|b| b.piece == piece).collect();
    desk.swarm.on_block(desk.now, one, blocks[0]);
    // The first chokes us; another takes over what is left of the piece.
    desk.tell(one, Message::Choke);
    let other = desk.server(true);
    let rest: Vec<BlockRef> = desk.requests(other).into_iter().filter(|b| b.piece == piece).collect();
    assert_eq!(rest.len(), 3);
    let view = desk.swarm.peer_view(other).unwrap();
    assert!(view.reading.contains(&piece) && view.pieces.is_full());
    for block in rest {
        desk.swarm.on_block(desk.now, other, block);
    }
    desk.swarm.peer_disconnected(desk.now, other);
    desk.outputs();
    assert!(desk.swarm.piece_view().unwrap().reading.contains(&piece), "until it is verified");
    desk.swarm.piece_verified(desk.now, piece);
    let given: Vec<Output> = desk.outputs().into_iter().filter(|o| matches!(o, Output::PieceGiven { .. })).collect();
    assert_eq!(given, [Output::PieceGiven { piece, by: other }], "also when it has left");
    let view = desk.swarm.piece_view().unwrap();
    assert!(view.have.contains(piece) && !view.reading.contains(&piece));
    assert_eq!((view.seeds, view.availability.len() as u32), (1, PIECES));
    // What was found on disk nobody gave.
    let found = (0..PIECES).find(|p| *p != piece && !view.reading.contains(p)).unwrap();
    desk.swarm.piece_verified(desk.now, found);
    assert!(!desk.outputs().iter().any(|o| matches!(o, Output::PieceGiven { .. })));
}
