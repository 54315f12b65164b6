use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::id::{InfoHash, PeerId};
use crate::wire::tests::any_message;
use crate::wire::{BLOCK_LEN, HANDSHAKE_LEN, PIECE_HEADER_LEN, PieceHeader, Reserved};

fn hello(id: u8, reserved: Reserved) -> Handshake {
    Handshake { reserved, info_hash: InfoHash::from([9; 20]), peer_id: PeerId::from([id; 20]) }
}

/// An accepted connection that has read the peer's handshake.
fn ready(reserved: Reserved) -> Connection {
    let mut connection = Connection::incoming(BlockPool::new(8));
    assert_eq!(connection.feed(&hello(1, reserved).encode()), HANDSHAKE_LEN);
    assert!(matches!(connection.next_event(), Ok(Some(Event::Handshake(_)))));
    connection.accept(hello(2, Reserved::ours(false)), None);
    connection
}

#[derive(Debug, Clone)]
enum Sent {
    Message(Message),
    Block(BlockRef),
    Unknown(usize),
}

fn data(block: &BlockRef) -> Vec<u8> {
    (0..block.len).map(|i| (i.wrapping_mul(31) ^ block.piece ^ (block.begin >> 14)) as u8).collect()
}

fn encode(stream: &[Sent]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for sent in stream {
        match sent {
            Sent::Message(message) => message.encode(&mut bytes),
            Sent::Block(block) => {
                bytes.extend(PieceHeader(*block).encode());
                bytes.extend(data(block));
            }
            Sent::Unknown(len) => {
                bytes.extend((*len as u32 + 1).to_be_bytes());
                bytes.push(21);
                bytes.extend(std::iter::repeat_n(5, *len));
            }
        }
    }
    bytes
}

fn events_of(stream: &[Sent]) -> Vec<Event> {
    let event = |sent: &Sent| match sent {
        Sent::Message(message) => Some(Event::Message(message.clone())),
        Sent::Block(block) => Some(Event::Block { block: *block, data: BlockBuf::copy_from(&data(block)) }),
        Sent::Unknown(_) => None,
    };
    stream.iter().filter_map(event).collect()
}

fn any_sent_block() -> impl Strategy<Value = BlockRef> {
    let len = prop_oneof![6 => Just(BLOCK_LEN), 2 => 1u32..40, 1 => Just(0), 1 => 1..BLOCK_LEN];
    (0u32..8, 0u32..8, len).prop_map(|(piece, i, len)| BlockRef { piece, begin: i * BLOCK_LEN, len })
}

fn any_stream() -> impl Strategy<Value = Vec<Sent>> {
    let sent = prop_oneof![
        6 => any_sent_block().prop_map(Sent::Block),
        3 => any_message().prop_map(Sent::Message),
        1 => (0usize..3000).prop_map(Sent::Unknown),
    ];
    proptest::collection::vec(sent, 0..40)
}

/// What the receiver asked for, before or while the answers come: some of what is sent, some of what is not.
fn any_requests(stream: &[Sent]) -> impl Strategy<Value = Vec<(BlockRef, usize)>> + use<> {
    let blocks: Vec<_> = stream.iter().filter_map(|s| if let Sent::Block(b) = s { Some(*b) } else { None }).collect();
    let n = blocks.len();
    let real = proptest::collection::vec(prop_oneof![8 => 0usize..1, 1 => 0usize..40, 2 => Just(usize::MAX)], n);
    let extra = proptest::collection::vec((any_sent_block(), 0usize..40), 0..6);
    (real, extra).prop_map(move |(when, extra)| {
        blocks.iter().copied().zip(when).filter(|(_, w)| *w != usize::MAX).chain(extra).collect()
    })
}

/// What is sent, what is asked for and when, how the bytes are split, and whether the fast extension is spoken.
type Case = (Vec<Sent>, Vec<(BlockRef, usize)>, Vec<usize>, bool);

fn any_case() -> impl Strategy<Value = Case> {
    let splits = proptest::collection::vec(
        prop_oneof![1usize..20, 1usize..5000, 10_000usize..40_000, 100_000usize..600_000],
        1..40,
    );
    any_stream().prop_flat_map(move |stream| {
        let requests = any_requests(&stream);
        (Just(stream), requests, splits.clone(), any::<bool>())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Any interleaving of blocks and messages, any split of the bytes, and any right or wrong prediction give the same
    /// events as reading the stream message by message.
    #[test]
    fn prediction_never_changes_what_is_read((stream, requests, splits, fast) in any_case()) {
        let reserved = if fast { Reserved::ours(false) } else { Reserved::default() };
        let mut connection = ready(reserved);
        let bytes = encode(&stream);
        let mut rest = &bytes[..];
        let mut events = Vec::new();
        let mut step = 0;
        while !rest.is_empty() {
            for (block, when) in &requests {
                if *when == step {
                    connection.send(&Message::Request(*block)).unwrap();
                }
            }
            let n = splits[step % splits.len()].min(rest.len());
            let taken = connection.feed(&rest[..n]);
            prop_assert!(taken > 0, "the plan was empty");
            rest = &rest[taken..];
            while let Some(event) = connection.next_event().unwrap() {
                events.push(event);
            }
            step += 1;
        }
        prop_assert_eq!(events, events_of(&stream));
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever way the slices are written, the peer reads the messages in order and the blocks in order.
    #[test]
    fn any_split_of_writes_arrives(
        stream in any_stream(),
        splits in proptest::collection::vec(prop_oneof![1usize..30, 1usize..40_000], 1..40),
        payload in prop_oneof![Just(usize::MAX), 1usize..40_000],
    ) {
        let mut from = Connection::outgoing(BlockPool::new(0), hello(1, Reserved::ours(false)), None);
        let mut to = Connection::incoming(BlockPool::new(8));
        let (mut queued, mut written) = (0, Written::default());
        for sent in &stream {
            match sent {
                Sent::Message(message) => from.send(message).unwrap(),
                Sent::Block(block) => {
                    queued += u64::from(block.len);
                    from.send_block(block.piece, block.begin, Bytes::from(data(block))).unwrap();
                }
                Sent::Unknown(_) => {}
            }
        }
        prop_assert_eq!(from.queued_payload(), queued);
        let mut events = Vec::new();
        let mut step = 0;
        while from.wants_write() {
            let bytes: Vec<u8> = from.write_plan_up_to(payload).iter().flat_map(|s| s.to_vec()).collect();
            let n = splits[step % splits.len()].min(bytes.len());
            prop_assert!(n > 0);
            let mut rest = &bytes[..n];
            let sent = from.on_written(n);
            written.blocks += sent.blocks;
            written.payload += sent.payload;
            while !rest.is_empty() {
                let taken = to.feed(rest);
                prop_assert!(taken > 0);
                rest = &rest[taken..];
                while let Some(event) = to.next_event().unwrap() {
                    match event {
                        Event::Handshake(_) => to.accept(hello(2, Reserved::ours(false)), None),
                        event => events.push(event),
                    }
                }
            }
            step += 1;
        }
        let is_block = |e: &Event| matches!(e, Event::Block { .. });
        let (blocks, messages): (Vec<_>, Vec<_>) = events.into_iter().partition(is_block);
        let (want_blocks, want_messages): (Vec<_>, Vec<_>) = events_of(&stream).into_iter().partition(is_block);
        prop_assert_eq!(written, Written { blocks: want_blocks.len() as u32, payload: queued });
        prop_assert_eq!(from.queued_payload(), 0);
        prop_assert_eq!(blocks, want_blocks);
        prop_assert_eq!(messages, want_messages);
    }
}

#[test]
fn blocks_land_in_the_planned_buffers() {
    let mut connection = ready(Reserved::ours(false));
    let blocks: Vec<_> = (0..64).map(|i| BlockRef { piece: 0, begin: i * BLOCK_LEN, len: BLOCK_LEN }).collect();
    for block in &blocks {
        connection.send(&Message::Request(*block)).unwrap();
    }
    let bytes = encode(&blocks.iter().copied().map(Sent::Block).collect::<Vec<_>>());
    let (mut rest, mut reads, mut got) = (&bytes[..], 0, 0);
    while !rest.is_empty() {
        let taken = connection.feed(rest);
        rest = &rest[taken..];
        reads += 1;
        let planned = connection.read_plan().first().map(|s| s.len());
        assert_eq!(planned, Some(PIECE_HEADER_LEN), "a plan begins with a block's header");
        while let Some(Event::Block { .. }) = connection.next_event().unwrap() {
            got += 1;
        }
    }
    // The plan grows 2, 4, 8, 16, 32 blocks a read.
    assert_eq!((got, reads), (64, 6));
}

#[test]
fn idle_peers_hold_little() {
    let mut connection = ready(Reserved::ours(false));
    assert!(connection.read_plan().iter().map(|s| s.len()).sum::<usize>() <= 4096);
}

#[test]
fn lengths_are_refused_before_anything_is_buffered() {
    let too_long = |id: u8, len: u32| {
        let mut connection = ready(Reserved::ours(false));
        connection.set_piece_count(80);
        let mut bytes = len.to_be_bytes().to_vec();
        bytes.push(id);
        connection.feed(&bytes);
        matches!(connection.next_event(), Err(ProtocolError::TooLong { .. }))
    };
    assert!(too_long(7, BLOCK_LEN + 10) && !too_long(7, BLOCK_LEN + 9));
    assert!(too_long(5, 12) && !too_long(5, 11));
    assert!(too_long(20, MAX_EXTENDED_LEN as u32 + 3) && !too_long(20, MAX_EXTENDED_LEN as u32 + 2));
    assert!(too_long(99, u32::MAX) && !too_long(99, MAX_UNKNOWN_LEN as u32));
    assert!(too_long(4, 14));
}

#[test]
fn an_unaccepted_peer_cannot_make_us_buffer() {
    let mut connection = Connection::incoming(BlockPool::new(0));
    let mut bytes = hello(1, Reserved::default()).encode().to_vec();
    bytes.resize(1 << 20, 0);
    let (mut rest, mut total) = (&bytes[..], 0);
    loop {
        let n = connection.feed(rest);
        let _ = connection.next_event().unwrap();
        if n == 0 {
            break;
        }
        total += n;
        rest = &rest[n..];
    }
    assert!(total <= 8192, "{total}");
    assert!(connection.read_plan().is_empty());
    connection.accept(hello(2, Reserved::default()), None);
    assert_eq!(connection.next_event(), Ok(Some(Event::Message(Message::KeepAlive))));
}

#[test]
fn handshakes_are_checked() {
    let fails = |bytes: &[u8]| {
        let mut connection = Connection::outgoing(BlockPool::new(0), hello(1, Reserved::default()), None);
        connection.feed(bytes);
        connection.next_event().unwrap_err()
    };
    let other = Handshake { info_hash: InfoHash::from([8; 20]), ..hello(2, Reserved::default()) };
    assert_eq!(fails(&other.encode()), ProtocolError::WrongTorrent);
    assert_eq!(fails(&hello(1, Reserved::default()).encode()), ProtocolError::Ourselves);
    assert_eq!(fails(b"\x13BitTorrent protoc\0l"), ProtocolError::Wire(WireError::NotBitTorrent));
    assert_eq!(fails(b"GET / HTTP/1.1"), ProtocolError::Wire(WireError::NotBitTorrent));
}

#[test]
fn a_peer_that_does_not_read_is_given_up() {
    let mut connection = ready(Reserved::ours(false));
    let many = (0..).take_while(|i| connection.send(&Message::Have { piece: *i }).is_ok()).count();
    assert!(many * 9 <= MAX_CONTROL_BYTES && many * 9 > MAX_CONTROL_BYTES - 100);
    let data = Bytes::from(vec![0; 16]);
    let blocks = (0..).take_while(|i| connection.send_block(*i, 0, data.clone()).is_ok()).count();
    assert_eq!(blocks, MAX_QUEUED_BLOCKS);
    assert!(connection.write_plan().len() <= 2 * MAX_WRITTEN_BLOCKS + 2);
}
