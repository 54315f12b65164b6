//! Files are read while they arrive: in order, here and there, by many at once, and never a byte that is not verified.

use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use weft_content::reader::{MAX_READ, MAX_READERS};
use weft_content::{AddOptions, CreateOptions, FilePriority, InfoHash, RateLimits, ReadError, Reader};

use crate::world::{Node, Setup, random, soon, until};

/// A seed that gives `rate` bytes a second, and a node that begins to get a file of `len` bytes from it.
async fn arriving(dirs: [&std::path::Path; 2], len: usize, rate: u64) -> (Node, Node, InfoHash, Vec<u8>) {
    let (a, b) = (Setup::new(dirs[0]).start().await, Setup::new(dirs[1]).start().await);
    let bytes = random(len, 7);
    std::fs::write(dirs[0].join("film"), &bytes).unwrap();
    let options = CreateOptions { piece_length: Some(256 << 10), ..CreateOptions::default() };
    let id = a.share(&dirs[0].join("film"), options).await;
    a.engine.set_limits(RateLimits { download: None, upload: Some(rate) });
    b.get_from(&a, id).await;
    (a, b, id, bytes)
}

async fn read_exactly(reader: &mut Reader, from: u64, len: usize) -> Vec<u8> {
    let mut read = Vec::new();
    while read.len() < len {
        let bytes = soon("a read", reader.read_at(from + read.len() as u64, len - read.len())).await.unwrap();
        assert!(!bytes.is_empty() && bytes.len() <= MAX_READ);
        read.extend_from_slice(&bytes);
    }
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_read_from_its_beginning_while_it_arrives() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_a, b, id, bytes) = arriving([a_dir.path(), b_dir.path()], 12_000_000, 6_000_000).await;
    let mut reader = b.engine.reader(id, 0).unwrap();
    assert_eq!(reader.len(), 12_000_000);
    // The first quarter long before the whole is there: in any order of pieces it would be there with the last of them.
    let head = read_exactly(&mut reader, 0, 3_000_000).await;
    let done = b.engine.get(id).unwrap().done;
    assert!(done < 9_000_000, "{done} bytes came before the first 3 MB");
    assert!(head == bytes[..3_000_000]);
    // Many at once, each at its own place.
    let mut all = tokio::task::JoinSet::new();
    for part in 0..6 {
        let mut reader = b.engine.reader(id, 0).unwrap();
        all.spawn(async move { (part, read_exactly(&mut reader, part * 2_000_000, 2_000_000).await) });
    }
    while let Some(read) = all.join_next().await {
        let (part, read) = read.unwrap();
        let from = part as usize * 2_000_000;
        assert!(read == bytes[from..from + 2_000_000], "part {part} differs");
    }
    assert!(soon("the end", reader.read_at(12_000_000, 10)).await.unwrap().is_empty());
    assert_eq!(soon("the last byte", reader.read_at(11_999_999, 10)).await.unwrap(), bytes[11_999_999..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seek_is_served_before_what_was_asked_for_earlier() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_a, b, id, bytes) = arriving([a_dir.path(), b_dir.path()], 40_000_000, 3_000_000).await;
    until("full pipelines", || b.engine.get(id).filter(|s| s.pieces_done > 12)).await;
    let mut reader = b.engine.reader(id, 0).unwrap();
    let mut rng = rand::rngs::StdRng::seed_from_u64(3);
    let (mut total, mut worst, mut seeks) = (Duration::ZERO, Duration::ZERO, 0);
    for _ in 0..8 {
        let at = rng.random_range(0..39_000_000_u64);
        let begun = Instant::now();
        let read = soon("a seek", reader.read_at(at, 1000)).await.unwrap();
        let took = begun.elapsed();
        assert!(read == bytes[at as usize..at as usize + read.len()]);
        (total, worst, seeks) = (total + took, worst.max(took), seeks + 1);
    }
    assert!(b.engine.get(id).unwrap().done < 38_000_000, "the file was not there anyway");
    println!("seeks at 3 MB/s, pieces of 256 KiB: {:?} on average, {worst:?} at worst", total / seeks);
    // A piece takes 0.09 s; two seconds of other pieces stood before it. How much longer is the machine's affair.
    assert!(total / seeks < Duration::from_millis(1_500), "{:?}", total / seeks);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_will_not_come_by_itself_is_said() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (Setup::new(a_dir.path()).start().await, Setup::new(b_dir.path()).start().await);
    let top = a_dir.path().join("t");
    std::fs::create_dir(&top).unwrap();
    for (name, seed) in [("one", 1), ("two", 2)] {
        std::fs::write(top.join(name), random(3_000_000, seed)).unwrap();
    }
    let id = a.share(&top, CreateOptions { piece_length: Some(65_536), ..CreateOptions::default() }).await;
    b.add_from(&a, id, AddOptions { selection: Some(vec![0]), ..AddOptions::default() }).await;
    b.complete(id).await;
    let mut two = b.engine.reader(id, 1).unwrap();
    let unwanted = soon("an answer", two.read_at(2_000_000, 10)).await;
    assert!(matches!(&unwanted, Err(ReadError::NotWanted(path)) if path.ends_with("t/two")), "{unwanted:?}");
    assert!(matches!(two.check(2_000_000), Err(ReadError::NotWanted(_))));

    b.engine.pause(id).await.unwrap();
    b.engine.set_priorities(id, vec![(1, FilePriority::Low)]).await.unwrap();
    assert!(matches!(soon("an answer", two.read_at(2_000_000, 10)).await, Err(ReadError::Paused(same)) if same == id));
    let mut one = b.engine.reader(id, 0).unwrap();
    assert_eq!(
        soon("what is here", one.read_at(1_000_000, 7)).await.unwrap(),
        random(3_000_000, 1)[1_000_000..1_000_007]
    );

    // Paused while somebody waits, and gone while somebody waits.
    a.engine.pause(id).await.unwrap();
    b.engine.resume(id).await.unwrap();
    let waiting = tokio::spawn(async move { two.read_at(2_000_000, 10).await.map(|_| two) });
    tokio::task::yield_now().await;
    b.engine.pause(id).await.unwrap();
    assert!(matches!(soon("the pause", waiting).await.unwrap(), Err(ReadError::Paused(_))));
    b.engine.resume(id).await.unwrap();
    let mut two = b.engine.reader(id, 1).unwrap();
    let waiting = tokio::spawn(async move { two.read_at(2_000_000, 10).await.map(|_| two) });
    tokio::task::yield_now().await;
    b.engine.remove(id, false).await.unwrap();
    assert!(matches!(soon("the removal", waiting).await.unwrap(), Err(ReadError::NotFound(_))));

    assert!(matches!(a.engine.reader(id, 2).err(), Some(ReadError::NoSuchFile { index: 2, files: 2 })));
    assert!(matches!(a.engine.reader(InfoHash([1; 20]), 0).err(), Some(ReadError::NotFound(_))));
    drop(one);
    let all: Vec<Reader> = (0..MAX_READERS).map(|_| a.engine.reader(id, 0).unwrap()).collect();
    assert!(matches!(a.engine.reader(id, 0).err(), Some(ReadError::Busy)));
    drop(all);
    // Nobody reads what somebody changed.
    let mut reader = a.engine.reader(id, 0).unwrap();
    std::fs::write(top.join("one"), random(3_000_000, 9)).unwrap();
    assert!(matches!(soon("a read", reader.read_at(0, 10)).await, Err(ReadError::Changed(_) | ReadError::Paused(_))));
}
