//! Targets of the peer protocol: framing and the swarm's machine. This file is included by the crate's tests too, which
//! replay the corpora: it may use nothing but `weft_bittorrent`, `bytes` and the standard library.

use std::time::{Duration, Instant};

use bytes::Bytes;
use weft_bittorrent::bitfield::Bitfield;
use weft_bittorrent::block::{BlockBuf, BlockPool};
use weft_bittorrent::connection::{Connection, Event, MAX_EXTENDED_LEN, MAX_UNKNOWN_LEN, ProtocolError, Written};
use weft_bittorrent::id::{InfoHash, PeerId};
use weft_bittorrent::swarm::{
    BlockVerdict, Geometry, Output, PeerKey, PeerParams, Priority, Swarm, SwarmConfig, TorrentInfo,
};
use weft_bittorrent::wire::{BLOCK_LEN, BlockRef, HANDSHAKE_LEN, Handshake, Message, PieceHeader, Reserved};

const PIECES: u32 = 40;

/// The input as a source of choices; zeros when it is used up.
struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn bytes(&mut self, n: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        head
    }

    fn block(&mut self) -> BlockRef {
        let (piece, index) = (self.byte(), self.byte());
        let len = match index >> 4 {
            0..=9 => BLOCK_LEN,
            10 => 0,
            11 => 1,
            12 => BLOCK_LEN - 1,
            13 => BLOCK_LEN + 1,
            _ => 100,
        };
        BlockRef { piece: u32::from(piece), begin: u32::from(index & 15) * BLOCK_LEN, len }
    }

    fn message(&mut self) -> Message {
        let piece = |c: &mut Self| u32::from(c.byte());
        match self.byte() % 17 {
            0 => Message::KeepAlive,
            1 => Message::Choke,
            2 => Message::Unchoke,
            3 => Message::Interested,
            4 => Message::NotInterested,
            5 => Message::Have { piece: piece(self) },
            6 => Message::Bitfield(Bytes::copy_from_slice(self.bytes(Bitfield::byte_len(PIECES)))),
            7 | 8 => Message::Request(self.block()),
            9 => Message::Cancel(self.block()),
            10 => Message::Port(u16::from(self.byte())),
            11 => Message::Suggest { piece: piece(self) },
            12 => Message::HaveAll,
            13 => Message::HaveNone,
            14 => Message::Reject(self.block()),
            15 => Message::AllowedFast { piece: piece(self) },
            _ => {
                let (id, n) = (self.byte() % 4, self.byte());
                Message::Extended { id, payload: Bytes::copy_from_slice(self.bytes(usize::from(n))) }
            }
        }
    }
}

fn hello(id: u8, fast: bool) -> Handshake {
    let reserved = if fast { Reserved::ours(true) } else { Reserved([0, 0, 0, 0, 0, 0x10, 0, 0]) };
    Handshake { reserved, info_hash: InfoHash::from([7; 20]), peer_id: PeerId::from([id; 20]) }
}

/// Framing: any bytes in any split, with any prediction, are read as a plain parser reads them.
pub fn peer_wire(data: &[u8]) {
    // As they are: nothing but a handshake gets anywhere.
    let mut raw = Connection::incoming(BlockPool::new(0));
    let mut rest = data;
    loop {
        let taken = raw.feed(rest);
        rest = &rest[taken..];
        if raw.next_event().is_err() || taken == 0 {
            break;
        }
    }
    let mut choices = Choices(data);
    let fast = choices.byte() % 2 == 0;
    let mut stream = Vec::new();
    // Where the stream is split, and what is asked for at that point.
    let mut steps: Vec<(usize, Vec<Message>)> = vec![(0, Vec::new())];
    while !choices.0.is_empty() && stream.len() < 1 << 20 {
        match choices.byte() % 8 {
            0 => {
                let n = choices.byte();
                stream.extend_from_slice(choices.bytes(usize::from(n)));
            }
            1 | 2 => {
                let block = choices.block();
                stream.extend(PieceHeader(block).encode());
                stream.extend((0..block.len).map(|i| i as u8 ^ block.piece as u8));
            }
            3 => choices.message().encode(&mut stream),
            4 => {
                stream.truncate(stream.len() - usize::from(choices.byte()).min(stream.len()));
                steps.iter_mut().for_each(|s| s.0 = s.0.min(stream.len()));
            }
            5 => steps.push((stream.len(), Vec::new())),
            6 => steps.last_mut().unwrap().1.push(Message::Request(choices.block())),
            _ => {
                let n = 40 * usize::from(choices.byte());
                stream.extend((n as u32 + 1).to_be_bytes());
                stream.push(30);
                stream.extend(std::iter::repeat_n(1, n));
            }
        }
    }
    let mut connection = Connection::incoming(BlockPool::new(4));
    assert_eq!(connection.feed(&hello(1, fast).encode()), HANDSHAKE_LEN);
    assert!(matches!(connection.next_event(), Ok(Some(Event::Handshake(_)))));
    connection.accept(hello(2, true), Some(PIECES));
    let mut events = Vec::new();
    let mut failed = false;
    for i in 0..steps.len() {
        for message in &steps[i].1 {
            let _ = connection.send(message);
        }
        let to = steps.get(i + 1).map_or(stream.len(), |s| s.0.min(stream.len()));
        let mut rest = stream.get(steps[i].0.min(to)..to).unwrap_or_default();
        while !failed && !rest.is_empty() {
            let taken = connection.feed(rest);
            assert!(taken > 0);
            rest = &rest[taken..];
            loop {
                match connection.next_event() {
                    Ok(Some(event)) => events.push(event),
                    Ok(None) => break,
                    Err(ProtocolError::Backlog) => unreachable!("nothing was sent"),
                    Err(_) => {
                        failed = true;
                        break;
                    }
                }
            }
        }
    }
    assert_eq!((events, failed), plainly(&stream));
}

/// What a parser without any prediction reads, and whether it ends in an error.
fn plainly(mut stream: &[u8]) -> (Vec<Event>, bool) {
    let mut events = Vec::new();
    while let Some((prefix, rest)) = stream.split_first_chunk::<4>() {
        let len = u32::from_be_bytes(*prefix) as usize;
        let Some(id) = rest.first().filter(|_| len > 0) else {
            if len > 0 {
                break;
            }
            events.push(Event::Message(Message::KeepAlive));
            stream = rest;
            continue;
        };
        let known = matches!(id, 0..=9 | 13..=17 | 20);
        let most = match id {
            7 => BLOCK_LEN as usize + 9,
            5 => Bitfield::byte_len(PIECES) + 1,
            20 => MAX_EXTENDED_LEN + 2,
            _ if known => 13,
            _ => MAX_UNKNOWN_LEN,
        };
        if len > most || (*id == 7 && len < 9) {
            return (events, true);
        }
        let Some(frame) = rest.get(..len) else { break };
        let whole = &stream[..4 + len];
        stream = &stream[4 + len..];
        if *id == 7 {
            let block = PieceHeader::decode(whole.first_chunk().unwrap()).unwrap().0;
            events.push(Event::Block { block, data: BlockBuf::copy_from(&frame[9..]) });
        } else {
            match Message::decode(frame) {
                Ok(message) => events.extend(message.map(Event::Message)),
                Err(_) => return (events, true),
            }
        }
    }
    (events, false)
}

/// The machine: three peers say anything at any time; its bounds and invariants hold.
pub fn swarm(data: &[u8]) {
    let mut choices = Choices(data);
    let mut now = Instant::now();
    let geometry = Geometry::new(BLOCK_LEN * 3, u64::from(BLOCK_LEN) * 3 * u64::from(PIECES) - 5000).unwrap();
    let mut config = SwarmConfig::new(InfoHash::from([7; 20]), u64::from(choices.byte()));
    let how = choices.byte();
    config.max_inflight_bytes = u64::from(how % 8) * 100_000;
    config.upload_slots = usize::from(how % 3);
    config.sequential = how & 64 != 0;
    let info = TorrentInfo { geometry, private: how & 32 != 0, metadata: Bytes::from_static(&[1; 20_000]) };
    let mut have = Bitfield::new(PIECES);
    for piece in (0..PIECES).filter(|p| how & 16 != 0 && p % 2 == 0) {
        have.insert(piece);
    }
    let bound = config.max_inflight_bytes.max(u64::from(BLOCK_LEN) * 3);
    let mut swarm = if how & 128 != 0 {
        Swarm::from_magnet(config, now)
    } else {
        Swarm::new(config, info.clone(), have.clone(), now).unwrap()
    };
    let mut peers: Vec<PeerKey> = Vec::new();
    let mut complete: Vec<u32> = Vec::new();
    let mut asked: Vec<(PeerKey, BlockRef)> = Vec::new();
    let mut born = 0;
    while !choices.0.is_empty() {
        now += Duration::from_millis(u64::from(choices.byte() & 15) * 40);
        let op = choices.byte();
        let peer = peers.get(usize::from(op >> 5)).copied();
        match (op & 31, peer) {
            (0, _) if peers.len() < 7 => {
                born += 1;
                let addr = Some(([10, 0, 0, born % 4], 6881).into());
                let params =
                    PeerParams { addr, outgoing: born % 2 == 0, handshake: hello(born, born % 3 != 0), weft: false };
                peers.extend(swarm.peer_connected(now, params).ok());
                born %= 250;
            }
            (1, Some(peer)) => {
                peers.retain(|p| *p != peer);
                swarm.peer_disconnected(now, peer);
            }
            (2..=11, Some(peer)) => swarm.on_message(now, peer, choices.message()),
            (12..=19, _) if !asked.is_empty() => {
                let (peer, block) = asked.swap_remove(usize::from(op >> 5) % asked.len());
                let _ = swarm.on_block(now, peer, block);
            }
            (20, Some(peer)) => {
                assert_eq!(
                    swarm.on_block(now, peer, BlockRef { piece: 1 << 20, begin: 3, len: 1 }),
                    BlockVerdict::Unrequested
                );
            }
            (21..=24, _) if !complete.is_empty() => {
                let piece = complete.swap_remove(usize::from(op >> 5) % complete.len());
                match op & 31 {
                    21 => swarm.piece_failed(now, piece, &[]),
                    22 => swarm.piece_unwritten(now, piece),
                    23 => swarm.piece_failed(now, piece, &vec![[op; 16]; geometry.block_count(piece) as usize]),
                    _ => {
                        if swarm.wants_digests(piece) {
                            swarm.piece_digests(now, piece, &vec![[op; 16]; geometry.block_count(piece) as usize]);
                        }
                        swarm.piece_verified(now, piece);
                    }
                }
            }
            (25, _) => {
                let priority = [Priority::Skip, Priority::Low, Priority::Normal, Priority::High];
                let all: Vec<_> = (0..choices.byte()).map(|i| priority[usize::from(i ^ op) % 4]).collect();
                swarm.set_priorities(now, &all);
            }
            (26, _) => swarm.piece_lost(now, u32::from(choices.byte())),
            (27, _) => swarm.set_paused(now, op & 32 != 0),
            (28, _) => swarm.set_deadline(now, u32::from(choices.byte()), (op & 32 != 0).then_some(now)),
            (29, _) if swarm.have().is_empty() => swarm.set_info(now, info.clone(), have.clone()).unwrap(),
            (30, _) => {
                now += Duration::from_secs(u64::from(choices.byte()));
                swarm.tick(now);
            }
            _ => swarm.tick(now),
        }
        let mut uploads = Vec::new();
        while let Some(output) = swarm.poll_output() {
            match output {
                Output::Send { peer, message: Message::Request(block) } => asked.push((peer, block)),
                Output::Send { peer, message: Message::Have { piece } } => {
                    assert!(swarm.have().contains(piece) && peers.contains(&peer));
                }
                Output::Upload { peer, blocks } => {
                    assert!(blocks.iter().all(|b| swarm.have().contains(b.piece) && geometry.contains(b)));
                    uploads.push((peer, blocks.len() as u32));
                }
                Output::PieceComplete { piece } => {
                    assert!(!complete.contains(&piece));
                    complete.push(piece);
                }
                Output::Drop { peer, .. } => peers.retain(|p| *p != peer),
                _ => {}
            }
        }
        for (peer, blocks) in uploads {
            swarm.on_uploaded(now, peer, Written { blocks, payload: u64::from(blocks) * 1000 });
        }
        // A request is answered once at most; too many old ones are never answered.
        if asked.len() > 3000 {
            asked.drain(..1000);
        }
        if choices.0.len() % 8 != 0 {
            continue;
        }
        let stats = swarm.stats();
        assert!(stats.inflight_bytes <= bound, "{} bytes in flight, {bound} allowed", stats.inflight_bytes);
        assert!(stats.have_bytes + stats.left_bytes <= geometry.total_len());
        assert!(swarm.peer_stats().iter().all(|p| p.requests <= 2000 && p.queued <= 3000));
    }
}
