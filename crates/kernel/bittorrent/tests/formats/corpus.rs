//! Replays the committed fuzz corpora through the very functions that are fuzzed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use weft_bittorrent::{magnet::Magnet, metainfo::Metainfo};

#[expect(unreachable_pub, reason = "the fuzz crate exports these functions")]
#[path = "../../../../../fuzz/src/bittorrent.rs"]
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

macro_rules! targets {
    ($($target:ident),* $(,)?) => {
        $(
            #[test]
            fn $target() {
                replay(stringify!($target), bodies::$target);
            }
        )*
    };
}

targets!(bencode, metainfo, magnet, tracker_http, tracker_udp);

/// The seeds would be worth little if the parsers refused them all at the door.
#[test]
fn sound_seeds_are_taken() {
    for name in ["single", "folder", "traversal", "collisions", "links-and-pads", "v2", "v2-single", "hybrid"] {
        let result = Metainfo::from_bytes(&fs::read(corpus("metainfo").join(name)).unwrap());
        assert!(result.is_ok(), "{name}: {result:?}");
    }
    for name in ["plain", "base32", "v2", "hybrid", "everything", "bad-escapes"] {
        let result = fs::read_to_string(corpus("magnet").join(name)).unwrap().parse::<Magnet>();
        assert!(result.is_ok(), "{name}: {result:?}");
    }
}
