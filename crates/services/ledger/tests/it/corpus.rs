//! Replays the committed fuzz corpus through the very function that is fuzzed.

use std::fs;
use std::path::{Path, PathBuf};

use weft_ledger::pool::gossip::message::Message;

#[expect(unreachable_pub, reason = "the fuzz crate exports this function")]
#[path = "../../../../../fuzz/src/gossip.rs"]
mod body;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz/corpus/ledger_gossip")
}

#[test]
fn ledger_gossip() {
    let mut inputs: Vec<_> = fs::read_dir(corpus()).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty());
    for input in inputs {
        let bytes = fs::read(&input).unwrap();
        if std::panic::catch_unwind(|| body::ledger_gossip(&bytes)).is_err() {
            panic!("ledger_gossip fails on {}", input.display());
        }
    }
}

/// The seeds would be worth little if the decoder refused them all at the door.
#[test]
fn sound_seeds_are_taken() {
    let sound = |name: &str| Message::decode(&fs::read(corpus().join(name)).unwrap().into()).is_ok();
    for name in ["announce", "announce-full", "get", "transactions", "transactions-none"] {
        assert!(sound(name), "{name}");
    }
    assert!(!sound("announce-twice") && !sound("transaction-too-long"));
}
