//! Replays the committed fuzz corpora through the very functions that are fuzzed.

use std::fs;
use std::path::{Path, PathBuf};

use weft_consensus::codec::{decode_certificate, decode_evidence, decode_message, decode_wal_entry};
use weft_consensus::types::ValidatorSet;

#[expect(unreachable_pub, reason = "the fuzz crate exports these functions")]
#[path = "../../../../../fuzz/src/consensus.rs"]
mod bodies;

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz/corpus").join(target)
}

fn replay(target: &str, body: fn(&[u8])) {
    let folder = corpus(target);
    let mut inputs: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{} is empty", folder.display());
    for input in inputs {
        let bytes = fs::read(&input).unwrap();
        if std::panic::catch_unwind(|| body(&bytes)).is_err() {
            panic!("{target} fails on {}", input.display());
        }
    }
}

#[test]
fn consensus_message() {
    replay("consensus_message", bodies::consensus_message);
}

#[test]
fn consensus_certificate() {
    replay("consensus_certificate", bodies::consensus_certificate);
}

/// The seeds would be worth little if the decoders refused them all at the door.
#[test]
fn sound_seeds_are_taken() {
    let read = |target: &str, name: &str| fs::read(corpus(target).join(name)).unwrap();
    for name in
        ["vote", "vote-nil", "proposal", "proposal-again", "polka", "polka-full", "round-skip", "round-precommit"]
    {
        assert!(decode_message(&read("consensus_message", name)).is_ok(), "{name}");
    }
    for name in ["wal-verdict", "wal-timeout", "vote", "polka"] {
        assert!(decode_wal_entry(&read("consensus_message", name)).is_ok(), "{name}");
    }
    for name in ["certificate", "certificate-empty", "certificate-full"] {
        assert!(decode_certificate(&read("consensus_certificate", name)).is_ok(), "{name}");
    }
    for (name, sound) in [("evidence-votes", true), ("evidence-proposals", true), ("evidence-order", false)] {
        assert_eq!(decode_evidence(&read("consensus_certificate", name)).is_ok(), sound, "{name}");
    }
    for (name, sound) in [("set", true), ("set-too-much-power", false), ("set-weak-key", false)] {
        assert_eq!(ValidatorSet::decode(&read("consensus_certificate", name)).is_ok(), sound, "{name}");
    }
}
