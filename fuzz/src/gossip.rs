//! The target of the ledger's pool: messages, and whom is asked for what. This file is included by the crate's tests too,
//! which replay the corpus: it may use nothing but `weft_ledger` and the standard library.

use std::time::Duration;

use weft_ledger::pool::gossip::message::{MAX_HASHES, MAX_MESSAGE_BYTES, Message};
use weft_ledger::pool::gossip::{Gossip, Output, Verdict};
use weft_ledger::pool::{Limits, Pool};

/// Messages: what is taken is bounded and has one encoding. The exchange: whatever peers say, it asks for no more than it
/// was told of, and keeps its bounds.
pub fn ledger_gossip(data: &[u8]) {
    codec(data);
    let mut gossip = Gossip::new();
    let pool = Pool::new(Limits::default(), 7);
    let (mut now, mut rest) = (Duration::ZERO, data);
    // Steps: who and what, a time, the length of a message, the message.
    while let Some(([who, time, high, low], after)) = rest.split_first_chunk::<4>() {
        now += Duration::from_millis(u64::from(*time) * 20);
        let (peer, len) = (who % 4, usize::from(u16::from_be_bytes([*high, *low])).min(after.len()));
        let (message, after) = after.split_at(len);
        rest = after;
        match who >> 5 {
            0 => _ = gossip.connected(now, peer),
            1 => gossip.disconnected(now, peer),
            2 => gossip.tick(now),
            _ => {
                for (hash, raw) in gossip.received(now, peer, &message.to_vec().into(), &pool) {
                    assert!(!raw.is_empty());
                    let verdict = [Verdict::Accepted, Verdict::Refused, Verdict::Invalid][usize::from(raw[0] % 3)];
                    gossip.verdict(now, peer, hash, verdict);
                }
            }
        }
        while let Some(output) = gossip.poll() {
            if let Output::Send { peer, message } = output {
                assert!(peer < 4 && message.encoded_len() <= MAX_MESSAGE_BYTES);
                codec(&message.encode());
            }
        }
        let status = gossip.status();
        assert!(status.peers <= 4 && status.requests <= 16 && status.wanted <= 4 * 4096);
        assert!(status.wanted == 0 || status.peers > 0 && gossip.next_tick().is_some());
    }
}

fn codec(data: &[u8]) {
    let Ok(message) = Message::decode(&data.to_vec().into()) else { return };
    assert!(data.len() <= MAX_MESSAGE_BYTES);
    assert_eq!((message.encode(), message.encoded_len()), (data.to_vec(), data.len()));
    match message {
        Message::Announce { hashes } | Message::Get { hashes, .. } => {
            assert!((1..=MAX_HASHES).contains(&hashes.len()));
        }
        Message::Transactions { raw, .. } => assert!(raw.len() <= MAX_HASHES),
    }
}
