//! Replays the committed fuzz corpus through the very function that is fuzzed.

use std::fs;
use std::path::{Path, PathBuf};

use weft_ledger::faucet::message::{Answer, Request};
use weft_ledger::peering::message::FrameReader;
use weft_ledger::pool::gossip::message::Message;

#[expect(unreachable_pub, reason = "the fuzz crate exports this function")]
#[path = "../../../../../fuzz/src/faucet.rs"]
mod faucet;

#[expect(unreachable_pub, reason = "the fuzz crate exports this function")]
#[path = "../../../../../fuzz/src/gossip.rs"]
mod body;

#[expect(unreachable_pub, reason = "the fuzz crate exports this function")]
#[path = "../../../../../fuzz/src/sync.rs"]
mod sync;

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz/corpus").join(target)
}

fn replay(target: &str, body: fn(&[u8])) {
    let mut inputs: Vec<_> = fs::read_dir(corpus(target)).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty());
    for input in inputs {
        let bytes = fs::read(&input).unwrap();
        if std::panic::catch_unwind(|| body(&bytes)).is_err() {
            panic!("{target} fails on {}", input.display());
        }
    }
}

#[test]
fn ledger_faucet() {
    replay("ledger_faucet", faucet::ledger_faucet);
}

#[test]
fn ledger_gossip() {
    replay("ledger_gossip", body::ledger_gossip);
}

#[test]
fn ledger_sync() {
    replay("ledger_sync", sync::ledger_sync);
}

/// The seeds would be worth little if the decoder refused them all at the door.
#[test]
fn sound_seeds_are_taken() {
    let sound = |name: &str| Message::decode(&fs::read(corpus("ledger_gossip").join(name)).unwrap().into()).is_ok();
    for name in ["announce", "announce-full", "get", "transactions", "transactions-none"] {
        assert!(sound(name), "{name}");
    }
    assert!(!sound("announce-twice") && !sound("transaction-too-long"));
}

#[test]
fn sound_snapshot_messages_are_read() {
    for name in ["snapshot-headers", "snapshot-question-chunk", "snapshot-question-headers"] {
        let bytes = fs::read(corpus("ledger_sync").join(name)).unwrap();
        assert!(weft_ledger::snapshot::fuzz_messages(&bytes), "{name}");
    }
}

#[test]
fn sound_answers_of_a_faucet_are_read() {
    let read = |name: &str| fs::read(corpus("ledger_faucet").join(name)).unwrap();
    assert!(Request::decode(&read("request")).is_ok());
    for (name, sound) in [("given", true), ("too-soon", true), ("off", true), ("cut", false), ("tomorrow", false)] {
        assert_eq!(Answer::decode(&read(name)).is_ok(), sound, "{name}");
    }
}

#[test]
fn sound_frames_are_read() {
    for (name, count) in
        [("hello-validator", 1), ("consensus", 1), ("decided", 1), ("pool", 1), ("several", 3), ("cut", 0)]
    {
        let mut reader = FrameReader::default();
        reader.push(&fs::read(corpus("ledger_sync").join(name)).unwrap());
        let read = std::iter::from_fn(|| reader.read().unwrap()).count();
        assert_eq!(read, count, "{name}");
    }
}
