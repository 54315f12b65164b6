//! Replays the committed fuzz corpora of the peer protocol through the very functions that are fuzzed.

use std::path::Path;

#[expect(unreachable_pub, reason = "the fuzz crate exports these functions")]
#[path = "../../../../../fuzz/src/peer.rs"]
mod bodies;

fn replay(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz/corpus").join(target);
    let mut inputs: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{} is empty", folder.display());
    for input in inputs {
        let bytes = std::fs::read(&input).unwrap();
        if std::panic::catch_unwind(|| body(&bytes)).is_err() {
            panic!("{target} fails on {}", input.display());
        }
    }
}

#[test]
fn peer_wire() {
    replay("peer_wire", bodies::peer_wire);
}

#[test]
fn swarm() {
    replay("swarm", bodies::swarm);
}
