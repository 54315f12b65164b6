use std::path::Path;
use std::sync::Arc;

use rand::{Rng, RngCore, SeedableRng};
use sha1::{Digest, Sha1};
use weft_bittorrent::block::BlockBuf;
use weft_bittorrent::create::Builder;
use weft_bittorrent::metainfo::Info;
use weft_bittorrent::wire::{BLOCK_LEN, BlockRef};

use super::{FileCache, ReadFailure, Storage, StorageError, Wait};
use crate::config::Allocation;

const PIECE: u32 = 32 * 1024;

/// A torrent of files of these lengths, with its bytes.
fn torrent(lens: &[u64], seed: u64) -> (Info, Vec<u8>) {
    let total: u64 = lens.iter().sum();
    let mut bytes = vec![0; total as usize];
    rand::rngs::StdRng::seed_from_u64(seed).fill_bytes(&mut bytes);
    let files = lens.iter().enumerate().map(|(i, len)| (format!("d{}/f{i}", i % 3), *len));
    let plan = Builder::folder("top", files).piece_length(PIECE).plan().unwrap();
    let hashes: Vec<[u8; 20]> = bytes.chunks(PIECE as usize).map(|piece| Sha1::digest(piece).into()).collect();
    (plan.finish(&hashes).unwrap().info, bytes)
}

fn open(root: &Path, info: &Info, selected: &[bool]) -> Storage {
    Storage::new(Arc::new(FileCache::new()), root.to_owned(), info.clone(), selected, Allocation::Sparse)
}

fn blocks(bytes: &[u8], piece: u32) -> Vec<BlockBuf> {
    let start = piece as usize * PIECE as usize;
    let end = bytes.len().min(start + PIECE as usize);
    bytes[start..end].chunks(BLOCK_LEN as usize).map(BlockBuf::copy_from).collect()
}

fn write(storage: &Storage, bytes: &[u8], piece: u32) -> Result<(), StorageError> {
    let blocks = blocks(bytes, piece);
    storage.write(piece, 0, &blocks.iter().collect::<Vec<_>>())
}

#[test]
fn pieces_written_in_any_order_give_the_files() {
    for seed in 0..20 {
        let mut rng = rand::rngs::StdRng::seed_from_u64(seed);
        let lens: Vec<u64> = (0..rng.random_range(1..12)).map(|_| rng.random_range(0..90_000)).chain([1]).collect();
        let (info, bytes) = torrent(&lens, seed);
        let root = tempfile::tempdir().unwrap();
        let storage = open(root.path(), &info, &[]);
        storage.make_empty_files(&[]).unwrap();
        let mut order: Vec<u32> = (0..info.piece_count()).collect();
        rand::seq::SliceRandom::shuffle(&mut order[..], &mut rng);
        let mut buffer = vec![0; 10_000];
        for piece in order {
            assert!(!matches!(storage.hash_piece(piece, &mut buffer), Ok(hash) if hash == info.piece_hash(piece)));
            write(&storage, &bytes, piece).unwrap();
            assert_eq!(storage.hash_piece(piece, &mut buffer).unwrap(), info.piece_hash(piece), "seed {seed}");
        }
        let mut offset = 0;
        for (i, len) in lens.iter().enumerate() {
            let file = std::fs::read(root.path().join(format!("top/d{}/f{i}", i % 3))).unwrap();
            assert_eq!(file, bytes[offset..offset + *len as usize], "seed {seed}, file {i}");
            offset += *len as usize;
        }
        for _ in 0..50 {
            let piece = rng.random_range(0..info.piece_count());
            let begin = rng.random_range(0..info.piece_len(piece));
            let len = rng.random_range(1..=info.piece_len(piece) - begin);
            let mut out = vec![0; len as usize];
            let n = storage.read_blocks(&[BlockRef { piece, begin, len }], &mut out, Wait::Yes).unwrap();
            let start = piece as usize * PIECE as usize + begin as usize;
            assert_eq!((n, &out[..]), (len as usize, &bytes[start..start + len as usize]));
        }
        storage.delete().unwrap();
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0, "only what was made is deleted, and all of it");
    }
}

#[test]
fn what_is_not_wanted_goes_to_the_parts_file_and_comes_back() {
    let (info, bytes) = torrent(&[50_000, 50_000, 50_000], 1);
    let root = tempfile::tempdir().unwrap();
    let storage = open(root.path(), &info, &[true, false, true]);
    // Piece 1 holds the end of file 0 and the beginning of file 1; piece 3 the end of file 1 and some of file 2.
    for piece in [0, 1, 3, 4] {
        write(&storage, &bytes, piece).unwrap();
    }
    let unwanted = root.path().join("top/d1/f1");
    assert!(!unwanted.exists());
    let mut buffer = vec![0; 4096];
    for piece in [0, 1, 3, 4] {
        assert_eq!(storage.hash_piece(piece, &mut buffer).unwrap(), info.piece_hash(piece));
    }
    storage.place(1, |piece| piece != 2).unwrap();
    write(&storage, &bytes, 2).unwrap();
    assert_eq!(std::fs::read(&unwanted).unwrap(), bytes[50_000..100_000]);
    storage.drop_parts();
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
    for piece in 0..info.piece_count() {
        assert_eq!(storage.hash_piece(piece, &mut buffer).unwrap(), info.piece_hash(piece));
    }
}

#[test]
fn a_change_by_somebody_else_is_noticed_by_the_next_read() {
    let (info, bytes) = torrent(&[100_000], 2);
    let root = tempfile::tempdir().unwrap();
    let storage = open(root.path(), &info, &[]);
    for piece in 0..info.piece_count() {
        write(&storage, &bytes, piece).unwrap();
    }
    storage.seal(0).unwrap();
    let block = [BlockRef { piece: 0, begin: 0, len: BLOCK_LEN }];
    let mut out = vec![0; BLOCK_LEN as usize];
    storage.read_blocks(&block, &mut out, Wait::Yes).unwrap();
    let path = root.path().join("top/d0/f0");
    let mtime = std::fs::metadata(&path).unwrap().modified().unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"changed", 90_000).unwrap();
    file.set_modified(mtime + std::time::Duration::from_secs(1)).unwrap();
    assert!(matches!(storage.read_blocks(&block, &mut out, Wait::Yes), Err(ReadFailure::Changed { file: 0 })));
    assert!(!storage.is_unchanged(0).unwrap());
    file.set_len(10).unwrap();
    storage.seal(0).unwrap();
    assert!(
        matches!(storage.read_blocks(&block, &mut out, Wait::Yes), Err(ReadFailure::Changed { file: 0 })),
        "cut off"
    );
}

#[test]
fn holes_are_known_without_hashing() {
    let (info, bytes) = torrent(&[40 * u64::from(PIECE)], 3);
    let root = tempfile::tempdir().unwrap();
    let storage = open(root.path(), &info, &[]);
    assert!(!storage.may_have_data(0), "no file yet");
    write(&storage, &bytes, 20).unwrap();
    assert!(storage.may_have_data(20));
    assert!(!storage.may_have_data(30), "beyond the end");
    // Whether a hole before the data is told is up to the file system; every common one does.
    assert!(!storage.may_have_data(2), "a hole");
}

#[test]
fn errors_say_cause_and_mend() {
    for (errno, kind) in [
        (rustix::io::Errno::NOSPC, crate::TroubleKind::DiskFull),
        (rustix::io::Errno::ACCESS, crate::TroubleKind::PermissionDenied),
        (rustix::io::Errno::ROFS, crate::TroubleKind::ReadOnly),
        (rustix::io::Errno::NOENT, crate::TroubleKind::FileMissing),
        (rustix::io::Errno::LOOP, crate::TroubleKind::UnsafePath),
        (rustix::io::Errno::MFILE, crate::TroubleKind::TooManyFiles),
        (rustix::io::Errno::IO, crate::TroubleKind::Io),
    ] {
        let trouble = StorageError::errno(Path::new("/some/file"), super::Action::Write, errno).trouble();
        assert_eq!(trouble.kind, kind);
        assert!(trouble.message.contains("/some/file") && trouble.mend.len() > 10, "{trouble:?}");
    }
    let root = tempfile::tempdir().unwrap();
    let (info, _) = torrent(&[1], 4);
    let storage = open(&root.path().join("not/there/yet"), &info, &[]);
    storage.check_room(1).unwrap();
    let full = storage.check_room(u64::MAX / 2).unwrap_err();
    assert!(matches!(full, StorageError::DiskFull { missing: Some(_), .. }), "{full}");
}
