//! Replays the committed fuzz corpus through the very function that is fuzzed.

use std::path::{Path, PathBuf};

use rand::{Rng, SeedableRng};

#[expect(unreachable_pub, reason = "the fuzz crate exports these functions")]
#[path = "../../../../../fuzz/src/rpc.rs"]
mod body;

fn inputs() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz/corpus/ledger_rpc");
    let mut inputs: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{} is empty", folder.display());
    inputs.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn the_corpus_passes() {
    for (path, bytes) in inputs() {
        if std::panic::catch_unwind(|| body::call(&bytes)).is_err() {
            panic!("ledger_rpc fails on {}", path.display());
        }
    }
}

/// The seeds would be worth little if all of them were refused at the door, and so would a method without one.
#[test]
fn sound_seeds_are_answered_and_every_method_has_one() {
    let mut asked = Vec::new();
    for (path, bytes) in inputs() {
        if path.file_name().unwrap().to_str().unwrap().starts_with("sound-") {
            body::ask(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        asked.push(String::from_utf8(bytes).unwrap_or_default().lines().next().unwrap_or_default().to_owned());
    }
    let missing: Vec<_> = body::methods().filter(|name| !asked.iter().any(|asked| asked == name)).collect();
    assert!(missing.is_empty(), "no seed calls {missing:?}");
}

/// A slice of what the fuzzer does: the seeds with bytes changed, cut out and doubled.
#[test]
fn damaged_seeds_are_refused_or_answered_but_break_nothing() {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(8545);
    let seeds = inputs();
    let mut answered = 0;
    for round in 0..10_000 {
        let mut bytes = seeds[random.random_range(0..seeds.len())].1.clone();
        // Not the name of the method: without it nothing is called.
        let first = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        for _ in 0..random.random_range(1..4) {
            if bytes.len() <= first {
                break;
            }
            let at = random.random_range(first..bytes.len());
            match random.random_range(0..9) {
                0 => bytes[at] = random.random(),
                1 => bytes.truncate(at),
                2 => drop(bytes.remove(at)),
                3 => bytes.extend_from_within(at..),
                // It stays JSON, and says something else.
                _ if bytes[at].is_ascii_hexdigit() => bytes[at] = b"0123456789abcdef"[random.random_range(0..16)],
                _ => {}
            }
        }
        if std::panic::catch_unwind(|| body::call(&bytes)).is_err() {
            panic!("round {round} fails on {}", String::from_utf8_lossy(&bytes));
        }
        answered += usize::from(body::ask(&bytes).is_ok());
    }
    assert!(answered > 2_000, "only {answered} of them got past the door");
}
