//! Messages, whom is asked for what, and networks of pools in virtual time.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::pool::gossip::message::{MAX_HASHES, MAX_MESSAGE_BYTES, Message, MessageError};
use crate::pool::gossip::{BAN_SCORE, Fault, Gossip, Output, Verdict};

fn hash(n: u64) -> B256 {
    B256::left_padding_from(&(n + 1).to_be_bytes())
}

fn message() -> impl Strategy<Value = Message> {
    let hashes = || {
        proptest::collection::btree_set(any::<[u8; 32]>(), 1..=MAX_HASHES)
            .prop_map(|set| set.into_iter().map(B256::from).collect::<Vec<_>>())
    };
    let raw = proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..300).prop_map(Bytes::from), 0..20);
    prop_oneof![
        hashes().prop_map(|hashes| Message::Announce { hashes }),
        (any::<u32>(), hashes()).prop_map(|(request, hashes)| Message::Get { request, hashes }),
        (any::<u32>(), raw).prop_map(|(request, raw)| Message::Transactions { request, raw }),
    ]
}

proptest! {
    #![proptest_config(Config { cases: 100, rng_seed: RngSeed::Fixed(0x90551b), failure_persistence: None, ..Config::default() })]

    #[test]
    fn messages_have_one_encoding(message in message()) {
        let bytes = message.encode();
        prop_assert_eq!(bytes.len(), message.encoded_len());
        prop_assert_eq!(Message::decode(&bytes.into()).unwrap(), message);
    }

    #[test]
    fn what_is_read_is_what_would_be_written(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 0..5u8) {
        let mut bytes = bytes;
        bytes.insert(0, kind);
        let bytes = Bytes::from(bytes);
        if let Ok(message) = Message::decode(&bytes) {
            prop_assert_eq!(message.encode(), &bytes[..]);
        }
    }
}

#[test]
fn bounds_of_messages() {
    let decode = |bytes: Vec<u8>| Message::decode(&bytes.into());
    assert_eq!(decode(vec![]), Err(MessageError::Short));
    assert_eq!(decode(vec![4]), Err(MessageError::Kind(4)));
    assert_eq!(decode(vec![1]), Err(MessageError::Count(0)));
    assert_eq!(decode([vec![1], vec![7; 31]].concat()), Err(MessageError::Short));
    assert_eq!(decode([vec![1], vec![7; 64]].concat()), Err(MessageError::Twice));
    let many: Vec<B256> = (0..=MAX_HASHES as u64).map(hash).collect();
    assert_eq!(decode(Message::Announce { hashes: many.clone() }.encode()), Err(MessageError::Count(257)));
    assert_eq!(decode(Message::Get { request: 0, hashes: many }.encode()), Err(MessageError::Count(257)));
    let raw = vec![Bytes::from_static(b"x"); 257];
    assert_eq!(decode(Message::Transactions { request: 0, raw }.encode()), Err(MessageError::Count(257)));
    assert_eq!(decode(vec![3, 0, 0, 0, 1, 0, 0, 0, 0]), Err(MessageError::Transaction(0)));
    assert_eq!(decode(vec![3, 0, 0, 0, 1, 255, 0, 0, 0]), Err(MessageError::Transaction(255 << 24)));
    assert_eq!(decode(vec![3, 0, 0, 0, 1, 0, 0, 0, 2, 9]), Err(MessageError::Short));
    assert_eq!(decode(vec![1; MAX_MESSAGE_BYTES + 1]), Err(MessageError::TooLong(MAX_MESSAGE_BYTES + 1)));
}

fn outputs(gossip: &mut Gossip<u8>) -> Vec<Output<u8>> {
    std::iter::from_fn(|| gossip.poll()).collect()
}

fn hear(gossip: &mut Gossip<u8>, at: u64, peer: u8, message: Message) -> Vec<Output<u8>> {
    let pool = Pool::new(Limits::default(), 7);
    gossip.received(Duration::from_secs(at), peer, &message.encode().into(), &pool);
    outputs(gossip)
}

fn get(peer: u8, request: u32, hashes: &[B256]) -> Output<u8> {
    Output::Send { peer, message: Message::Get { request, hashes: hashes.to_vec() } }
}

fn with_peers(peers: &[u8]) -> Gossip<u8> {
    let mut gossip = Gossip::new();
    peers.iter().for_each(|peer| assert!(gossip.connected(Duration::ZERO, *peer)));
    gossip
}

#[test]
fn one_is_asked_at_a_time_and_the_next_after_a_while() {
    let mut gossip = with_peers(&[1, 2, 3]);
    let raw = Bytes::from_static(b"a transaction");
    let hash = alloy_primitives::keccak256(&raw);
    let announce = || Message::Announce { hashes: vec![hash] };
    assert_eq!(hear(&mut gossip, 0, 1, announce()), [get(1, 0, &[hash])]);
    assert_eq!(hear(&mut gossip, 0, 2, announce()), []);
    assert_eq!(hear(&mut gossip, 0, 3, announce()), []);
    assert_eq!(gossip.next_tick(), Some(Duration::from_secs(2)));
    gossip.tick(Duration::from_secs(1));
    assert_eq!(outputs(&mut gossip), []);
    gossip.tick(Duration::from_secs(2));
    let late = Output::Misbehaved { peer: 1, fault: Fault::Timeout, score: 2 };
    assert_eq!(outputs(&mut gossip), [late, get(2, 1, &[hash])]);
    // The second has it no more.
    assert_eq!(hear(&mut gossip, 2, 2, Message::Transactions { request: 1, raw: vec![] }), [get(3, 2, &[hash])]);
    // The first comes late, and is welcome; then the third's is nothing new, and no fault.
    let pool = Pool::new(Limits::default(), 7);
    let answer = |request| Bytes::from(Message::Transactions { request, raw: vec![raw.clone()] }.encode());
    let taken = gossip.received(Duration::from_secs(3), 1, &answer(0), &pool);
    assert_eq!(taken, [(hash, raw.clone())]);
    assert_eq!(gossip.received(Duration::from_secs(3), 3, &answer(2), &pool), []);
    assert_eq!(outputs(&mut gossip), []);
    assert_eq!(gossip.status().wanted, 0);
    // Refused ones are not asked for again.
    gossip.verdict(Duration::from_secs(3), 1, hash, Verdict::Refused);
    assert_eq!(hear(&mut gossip, 4, 2, announce()), []);
}

#[test]
fn all_are_asked_again_until_it_is_enough() {
    let mut gossip = with_peers(&[1]);
    let mut asked = hear(&mut gossip, 0, 1, Message::Announce { hashes: vec![hash(0)] }).len();
    for at in 0..100 {
        let request = asked as u32 - 1;
        asked += hear(&mut gossip, at, 1, Message::Transactions { request, raw: vec![] })
            .iter()
            .filter(|output| matches!(output, Output::Send { .. }))
            .count();
        gossip.tick(Duration::from_secs(at));
        asked += outputs(&mut gossip).len();
        if gossip.status().lost == 1 {
            break;
        }
    }
    assert_eq!((asked, gossip.status().wanted, gossip.status().lost), (8, 0, 1));
    assert_eq!(gossip.next_tick(), None);
}

#[test]
fn who_goes_leaves_it_to_the_others() {
    let mut gossip = with_peers(&[1, 2]);
    let hashes: Vec<B256> = (0..300).map(hash).collect();
    hear(&mut gossip, 0, 1, Message::Announce { hashes: hashes[..256].to_vec() });
    hear(&mut gossip, 0, 1, Message::Announce { hashes: hashes[256..].to_vec() });
    hear(&mut gossip, 0, 2, Message::Announce { hashes: hashes[44..].to_vec() });
    gossip.disconnected(Duration::ZERO, 1);
    assert_eq!(outputs(&mut gossip), [get(2, 2, &hashes[44..])]);
    assert_eq!((gossip.status().wanted, gossip.status().lost), (256, 44));
    gossip.included(hashes.iter().copied());
    assert_eq!(gossip.status().wanted, 0);
    assert_eq!(hear(&mut gossip, 1, 2, Message::Announce { hashes: hashes[..9].to_vec() }), []);
}

#[test]
fn who_harms_is_counted() {
    let mut gossip = with_peers(&[1, 2]);
    let pool = Pool::new(Limits::default(), 7);
    gossip.received(Duration::ZERO, 1, &Bytes::from_static(b"nonsense"), &pool);
    assert_eq!(outputs(&mut gossip), [Output::Misbehaved { peer: 1, fault: Fault::Malformed, score: BAN_SCORE }]);
    // An answer to nothing, and one with what was not asked for.
    let unasked = |request| Message::Transactions { request, raw: vec![Bytes::from_static(b"x")] };
    let fault = |score| Output::Misbehaved { peer: 2, fault: Fault::Unasked, score };
    assert_eq!(hear(&mut gossip, 0, 2, unasked(5)), [fault(20)]);
    assert_eq!(hear(&mut gossip, 0, 2, Message::Announce { hashes: vec![hash(0)] }), [get(2, 0, &[hash(0)])]);
    assert_eq!(hear(&mut gossip, 0, 2, unasked(0)), [fault(40)]);
    gossip.verdict(Duration::ZERO, 2, hash(9), Verdict::Invalid);
    assert_eq!(outputs(&mut gossip), [Output::Misbehaved { peer: 2, fault: Fault::InvalidTransaction, score: 90 }]);
    // It is forgiven in time.
    assert_eq!(hear(&mut gossip, 120, 2, unasked(7)), [fault(42)]);
    // Nobody that is not there is listened to.
    assert_eq!(hear(&mut gossip, 120, 3, unasked(7)), []);
}

#[test]
fn what_a_peer_can_make_grow_is_bounded() {
    let mut gossip = with_peers(&[1, 2]);
    let mut sent = 0;
    for batch in 0..200u64 {
        let hashes = (batch * 256..(batch + 1) * 256).map(hash).collect();
        sent += hear(&mut gossip, 0, 1, Message::Announce { hashes }).len();
    }
    assert_eq!(sent, 4, "requests at once");
    assert_eq!(gossip.status().wanted, 4096);
    // Another is still listened to, and gets the turn of what the silent one was not asked for yet.
    let hashes: Vec<B256> = (2000..2100).map(hash).collect();
    assert_eq!(hear(&mut gossip, 0, 2, Message::Announce { hashes: hashes.clone() }), [get(2, 4, &hashes)]);
}

#[test]
fn answers_are_bounded() {
    let mut pool = Pool::new(Limits::default(), 7);
    let mut all = Vec::new();
    for sender in 0..200 {
        all.push(insert(&mut pool, Tx::new(sender, 0).data(100_000)).unwrap().tx.hash());
    }
    let mut gossip = with_peers(&[1]);
    let mut served = |at: u64, hashes: &[B256]| {
        let get = Message::Get { request: 3, hashes: hashes.to_vec() };
        gossip.received(Duration::from_secs(at), 1, &get.encode().into(), &pool);
        match &outputs(&mut gossip)[..] {
            [Output::Send { peer: 1, message }] => {
                assert!(message.encoded_len() <= MAX_MESSAGE_BYTES);
                let Message::Transactions { request: 3, raw } = message else { panic!("{message:?}") };
                raw.len()
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(served(0, &all), 5);
    assert_eq!(served(0, &[hash(0)]), 0);
    let more: usize = (0..40).map(|_| served(0, &all)).sum();
    assert_eq!(more + 5, 83, "8 MiB at once");
    assert_eq!(served(0, &all), 0);
    assert_eq!(served(1, &all), 5);
}

/// Pools that gossip over links with delay, some of which are silent or gone for a while.
struct Net {
    nodes: Vec<(Pool, Gossip<usize>)>,
    /// By time, then by order of sending: from, to, bytes.
    wire: BTreeMap<(Duration, u64), (usize, usize, Bytes)>,
    sent: u64,
    now: Duration,
    random: ChaCha8Rng,
    bytes: usize,
}

impl Net {
    fn new(n: usize, seed: u64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        let mut nodes: Vec<_> = (0..n).map(|_| (Pool::new(Limits::default(), 7), Gossip::new())).collect();
        for (at, (_, gossip)) in nodes.iter_mut().enumerate() {
            // A ring with chords, so that most is heard of twice.
            for to in [(at + 1) % n, (at + n - 1) % n, (at + n / 2) % n].into_iter().filter(|to| *to != at) {
                assert!(gossip.connected(Duration::ZERO, to));
            }
        }
        Net { nodes, wire: BTreeMap::new(), sent: 0, now: Duration::ZERO, random, bytes: 0 }
    }

    fn flush(&mut self, node: usize, loss: f64) {
        let peers = self.nodes.len();
        let (pool, gossip) = &mut self.nodes[node];
        let mut out: Vec<(usize, Message)> = Vec::new();
        for to in 0..peers {
            out.extend(std::iter::from_fn(|| gossip.announcements(to, pool)).map(|message| (to, message)));
        }
        while let Some(output) = gossip.poll() {
            match output {
                Output::Send { peer, message } => out.push((peer, message)),
                Output::Misbehaved { fault, .. } => assert_eq!(fault, Fault::Timeout),
            }
        }
        for (to, message) in out {
            let lost = !matches!(message, Message::Announce { .. }) && self.random.random_bool(loss);
            let bytes = Bytes::from(message.encode());
            self.bytes += bytes.len();
            if !lost {
                let at = self.now + Duration::from_millis(self.random.random_range(1..80));
                self.wire.insert((at, self.sent), (node, to, bytes));
                self.sent += 1;
            }
        }
    }

    fn step(&mut self, loss: f64) -> bool {
        let tick = self.nodes.iter().enumerate().filter_map(|(at, (_, gossip))| Some((gossip.next_tick()?, at))).min();
        let arrives = self.wire.keys().next().copied();
        match (arrives, tick) {
            (Some((at, _)), tick) if tick.is_none_or(|(tick, _)| at <= tick) => {
                self.now = at;
                let (_, (from, to, bytes)) = self.wire.pop_first().unwrap();
                let (pool, gossip) = &mut self.nodes[to];
                for (hash, raw) in gossip.received(at, from, &bytes, pool) {
                    // The sender is in the signature, as `Tx` makes it.
                    let tx = weft_evm::decode_transaction(&spec(), &raw).unwrap();
                    let sender = (tx.signature().r() - R).to::<u64>();
                    let tx = rules().check(Recovered::new_unchecked(tx, address(sender))).unwrap();
                    let taken = pool.insert(at, tx, &World::default());
                    assert!(taken.is_ok(), "each is fetched once: {taken:?}");
                    gossip.verdict(at, from, hash, Verdict::Accepted);
                }
                self.flush(to, loss);
                true
            }
            (_, Some((at, node))) => {
                self.now = self.now.max(at);
                self.nodes[node].1.tick(self.now);
                self.flush(node, loss);
                true
            }
            _ => false,
        }
    }
}

#[test]
fn all_get_all() {
    for seed in 0..12u64 {
        let n = [2, 4, 9][seed as usize % 3];
        let loss = if seed % 2 == 0 { 0.0 } else { 0.1 };
        let mut net = Net::new(n, seed);
        let mut all = BTreeSet::new();
        for sender in 0..60 {
            for nonce in 0..10 {
                let node = net.random.random_range(0..n);
                // A sender's own all at one node, as a wallet does.
                let node = if sender % 2 == 0 { sender as usize % n } else { node };
                if let Ok(inserted) = insert(&mut net.nodes[node].0, Tx::new(sender, nonce)) {
                    all.insert(inserted.tx.hash());
                }
                if nonce % 3 == 0 {
                    net.flush(node, loss);
                }
            }
        }
        (0..n).for_each(|node| net.flush(node, loss));
        let mut steps = 0;
        while net.step(loss) {
            steps += 1;
            assert!(steps < 200_000, "seed {seed}: no end");
        }
        // What waited in a queue where nobody heard of it became pending when the rest came.
        for (at, (pool, gossip)) in net.nodes.iter().enumerate() {
            let missing = all.iter().filter(|hash| !pool.contains(**hash)).count();
            assert_eq!(missing, 0, "seed {seed}: node {at} of {n} misses some; {:?}", gossip.status());
            assert_eq!((gossip.status().wanted, gossip.status().requests), (0, 0), "seed {seed}");
        }
        let useful: usize = net.nodes[0].0.status().bytes * (n - 1);
        assert!(net.bytes < useful * 3, "seed {seed}: {} bytes for {useful}", net.bytes);
    }
}
