//! One suite for every backend, and what only a disk can do.
#![allow(clippy::print_stdout)] // A test that skips says so.

use std::collections::BTreeMap;

use proptest::prelude::*;
use weft_store::{Batch, CommitError, Durability, FjallStore, MemoryStore, OpenError, Store, StoreOptions, Table};

const A: Table = Table::new("a");
const B: Table = Table::new("b");

fn small() -> StoreOptions {
    StoreOptions { min_free_bytes: 0, ..StoreOptions::default() }
}

fn suite(store: &dyn Store) {
    assert_eq!(store.get(A, b"none").unwrap(), None);
    let batch = Batch::new().put(A, "x/1", "1").put(A, "x/2", "2").put(A, "y/1", "3").put(B, "x/1", "4");
    store.commit(batch, Durability::Sync).unwrap();
    assert_eq!(store.get(A, b"x/1").unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(store.get(B, b"x/1").unwrap().as_deref(), Some(&b"4"[..]));

    let keys = |prefix: &[u8], after: Option<&[u8]>, limit| -> Vec<String> {
        let entries = store.scan(A, prefix, after, limit).unwrap();
        entries.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect()
    };
    assert_eq!(keys(b"x/", None, 10), ["x/1", "x/2"]);
    assert_eq!(keys(b"x/", Some(b"x/1"), 10), ["x/2"]);
    assert_eq!(keys(b"", None, 2), ["x/1", "x/2"]);
    assert_eq!(keys(b"", Some(b"x/2"), 2), ["y/1"]);
    assert!(keys(b"z", None, 10).is_empty());

    // The later change of one batch wins.
    store.commit(Batch::new().put(A, "x/1", "9").delete(A, "x/1"), Durability::Buffer).unwrap();
    assert_eq!(store.get(A, b"x/1").unwrap(), None);

    let too_long = Batch::new().put(A, "fine", "").put(A, vec![0; weft_store::MAX_KEY_BYTES + 1], "");
    assert!(matches!(store.commit(too_long, Durability::Buffer), Err(CommitError::KeyLength { .. })));
    assert!(matches!(
        store.commit(Batch::new().put(A, "", ""), Durability::Buffer),
        Err(CommitError::KeyLength { .. })
    ));
    assert_eq!(store.get(A, b"fine").unwrap(), None, "a refused batch leaves nothing");
    assert!(store.health().is_ok());
}

#[test]
fn memory_passes_the_suite() {
    suite(&MemoryStore::default());
}

#[test]
fn disk_passes_the_suite() {
    let dir = tempfile::tempdir().unwrap();
    suite(&FjallStore::open(dir.path(), small()).unwrap());
}

#[test]
fn what_was_committed_is_there_after_reopening_and_a_second_opener_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = FjallStore::open(dir.path(), small()).unwrap();
    store.commit(Batch::new().put(A, "k", "v"), Durability::Sync).unwrap();
    assert!(matches!(FjallStore::open(dir.path(), small()), Err(OpenError::InUse { .. })));
    drop(store);
    let store = FjallStore::open(dir.path(), small()).unwrap();
    assert_eq!(store.get(A, b"k").unwrap().as_deref(), Some(&b"v"[..]));
}

#[test]
fn too_little_free_space_makes_it_read_only_before_anything_breaks() {
    let dir = tempfile::tempdir().unwrap();
    let store = FjallStore::open(dir.path(), small()).unwrap();
    store.commit(Batch::new().put(A, "k", "v"), Durability::Sync).unwrap();
    drop(store);
    let store = FjallStore::open(dir.path(), StoreOptions { min_free_bytes: u64::MAX, ..small() }).unwrap();
    let refused = store.commit(Batch::new().put(A, "k", "w"), Durability::Sync).unwrap_err();
    assert!(refused.to_string().contains("free at least"), "{refused}");
    assert!(!store.health().is_ok());
    assert_eq!(store.get(A, b"k").unwrap().as_deref(), Some(&b"v"[..]), "it still reads");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Disk and memory agree with a plain map, batch by batch.
    #[test]
    fn both_backends_agree_with_a_map(batches in proptest::collection::vec(
        proptest::collection::vec((proptest::collection::vec(any::<u8>(), 1..4), proptest::option::of(0u8..4)), 0..6), 0..12)) {
        let dir = tempfile::tempdir().unwrap();
        let disk = FjallStore::open(dir.path(), small()).unwrap();
        let memory = MemoryStore::default();
        let mut model = BTreeMap::new();
        for changes in batches {
            let mut batch = Batch::new();
            for (key, value) in changes {
                batch = match value {
                    Some(value) => {
                        model.insert(key.clone(), vec![value]);
                        batch.put(A, key, [value])
                    }
                    None => {
                        model.remove(&key);
                        batch.delete(A, key)
                    }
                };
            }
            disk.commit(batch.clone(), Durability::Buffer).unwrap();
            memory.commit(batch, Durability::Buffer).unwrap();
        }
        let model: Vec<_> = model.into_iter().collect();
        prop_assert_eq!(&disk.scan(A, b"", None, usize::MAX).unwrap(), &model);
        prop_assert_eq!(&memory.scan(A, b"", None, usize::MAX).unwrap(), &model);
    }
}

/// A small tmpfs, unmounted when dropped. `None` without the right to mount.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(mib: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let options = format!("size={mib}m");
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(dir.path())
            .stderr(std::process::Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then_some(SmallDisk(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// The disk fills up in the middle of a write, behind the watch's back: the database is poisoned, and comes back by
/// itself with everything that was acknowledged once there is room.
#[test]
fn a_full_disk_closes_it_and_room_opens_it_again() {
    let Some(disk) = SmallDisk::mount(96) else {
        println!("skipped: mounting a tmpfs needs root");
        return;
    };
    let store = FjallStore::open(disk.0.path().join("store"), small()).unwrap();
    store.commit(Batch::new().put(A, "before", "1"), Durability::Sync).unwrap();
    let filler = disk.0.path().join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while std::io::Write::write(&mut file, &[0; 65536]).is_ok_and(|n| n > 0) {}

    let mut acknowledged = Vec::new();
    let refused = (0u32..10_000).find(|n| {
        let batch = Batch::new().put(A, format!("n/{n:05}"), vec![7; 16 * 1024]);
        match store.commit(batch, Durability::Sync) {
            Ok(()) => acknowledged.push(*n),
            Err(_) => return true,
        }
        false
    });
    assert!(refused.is_some(), "a full disk refuses");
    assert!(!store.health().is_ok(), "and is said to be full");

    std::fs::remove_file(&filler).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !store.health().is_ok() {
        assert!(std::time::Instant::now() < deadline, "it did not come back: {:?}", store.health());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    store.commit(Batch::new().put(A, "after", "2"), Durability::Sync).unwrap();
    assert_eq!(store.get(A, b"before").unwrap().as_deref(), Some(&b"1"[..]));
    for n in acknowledged {
        assert!(store.get(A, format!("n/{n:05}").as_bytes()).unwrap().is_some(), "acknowledged write {n} is lost");
    }
}
