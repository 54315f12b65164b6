//! Replays the committed fuzz corpora through the very functions that are fuzzed.

use std::path::{Path, PathBuf};

use weft_evm::snapshot::Manifest;

#[expect(unreachable_pub, reason = "the fuzz crate exports these functions")]
#[path = "../../../../../fuzz/src/ledger.rs"]
mod bodies;

fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz/corpus").join(target);
    let mut inputs: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{} is empty", folder.display());
    inputs.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

fn replay(target: &str, body: fn(&[u8])) {
    for (path, bytes) in inputs(target) {
        if std::panic::catch_unwind(|| body(&bytes)).is_err() {
            panic!("{target} fails on {}", path.display());
        }
    }
}

#[test]
fn corpora_of_the_fuzz_targets_pass() {
    replay("ledger_transaction", bodies::transaction);
    replay("ledger_block", bodies::block);
    replay("ledger_snapshot", bodies::snapshot);
}

/// The seeds would be worth little if all of them were refused at the door.
#[test]
fn sound_seeds_are_taken() {
    let spec = crate::world::genesis().spec;
    let sound = |name: &str, path: &Path| path.file_name().unwrap().to_str().unwrap().starts_with(name);
    for (path, bytes) in inputs("ledger_transaction").iter().filter(|(path, _)| sound("sound", path)) {
        weft_evm::decode_transaction(&spec, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    for (path, bytes) in inputs("ledger_block").iter().filter(|(path, _)| sound("sound", path)) {
        weft_evm::decode_block(bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    for (path, bytes) in inputs("ledger_snapshot") {
        assert!(!sound("manifest", &path) || Manifest::decode(&bytes).is_ok(), "{}", path.display());
        assert!(!sound("chunk", &path) || weft_evm::snapshot::fuzz_chunk(&bytes), "{}", path.display());
    }
}

/// A slice of what the fuzzer does: the seeds with bytes changed, cut out and doubled.
#[test]
fn damaged_seeds_are_refused_or_taken_but_break_nothing() {
    use rand::{Rng, SeedableRng};
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(9338);
    let bodies = [bodies::transaction, bodies::block, bodies::snapshot];
    for (target, body) in ["ledger_transaction", "ledger_block", "ledger_snapshot"].into_iter().zip(bodies) {
        let seeds = inputs(target);
        for round in 0..2_000 {
            let mut bytes = seeds[random.random_range(0..seeds.len())].1.clone();
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..bytes.len());
                match random.random_range(0..4) {
                    0 => bytes[at] = random.random(),
                    1 => bytes[at] ^= 1 << random.random_range(0..8),
                    2 => bytes.truncate(at.max(1)),
                    _ => bytes.extend_from_within(at..),
                }
            }
            if std::panic::catch_unwind(|| body(&bytes)).is_err() {
                panic!("{target} fails in round {round} on {}", weft_evm::alloy_primitives::hex::encode(&bytes));
            }
        }
    }
}
