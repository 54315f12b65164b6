//! What a new engine makes of what an old one left: after an orderly end, after a sudden one, after changes meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use tokio::runtime::Runtime;
use weft_content::{CreateOptions, InfoHash, RateLimits, State};
use weft_events::Item;
use weft_store::{MemoryStore, Store};

use crate::world::{Node, Setup, make_tree, random, read_tree, soon, until};

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

async fn with_store(dir: &Path, store: &Arc<MemoryStore>) -> Node {
    let mut setup = Setup::new(dir);
    setup.store = Arc::clone(store) as Arc<dyn Store>;
    setup.start().await
}

/// Payload that a engine received, over all peers.
fn downloaded(node: &Node, id: InfoHash) -> u64 {
    node.engine.get(id).map_or(0, |status| status.exchanged.iter().map(|e| e.downloaded).sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_end_costs_no_rehash_and_no_byte() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Arc::new(MemoryStore::default());
    let a = Setup::new(a_dir.path()).start().await;
    make_tree(&a_dir.path().join("t"), 1);
    let id = a.share(&a_dir.path().join("t"), CreateOptions { piece_length: Some(32_768), ..Default::default() }).await;
    let b = with_store(b_dir.path(), &store).await;
    b.engine.set_limits(RateLimits { download: Some(2_000_000), upload: None });
    b.get_from(&a, id).await;
    let before = until("half of it", || b.engine.get(id).filter(|s| s.pieces_done > s.pieces / 2)).await;
    b.engine.shutdown().await;
    let kept = b.engine.get(id).unwrap();
    drop(b);

    let b = with_store(b_dir.path(), &store).await;
    let status = until("the check", || b.engine.get(id).filter(|s| s.state == State::Downloading)).await;
    assert!(status.pieces_done >= before.pieces_done);
    assert_eq!(status.downloaded, kept.downloaded, "totals go on");
    let done = b.complete(id).await;
    assert_eq!(read_tree(&b_dir.path().join("t")), read_tree(&a_dir.path().join("t")));
    assert!(downloaded(&b, id) <= status.wanted - status.done, "nothing was fetched twice");
    assert_eq!(done.wasted, kept.wasted);
    b.engine.shutdown().await;
    drop(b);
    // As a seed again: a file is believed as long as it is as it was. One that is not is hashed, and held: who changed it
    // does not lose what they wrote, not after another restart either, until they ask for it.
    let large = b_dir.path().join("t/large");
    let mut bytes = std::fs::read(&large).unwrap();
    bytes[4_000_000] ^= 1;
    std::fs::write(&large, &bytes).unwrap();
    for _ in 0..2 {
        let b = with_store(b_dir.path(), &store).await;
        let status = until("the check", || b.engine.get(id).filter(|s| s.state == State::Error)).await;
        assert_eq!(status.pieces_done, status.pieces - 1, "one byte of one piece is wrong");
        assert_eq!(status.trouble.map(|t| t.kind), Some(weft_content::TroubleKind::FileChanged));
        let mut events = b.feed.subscribe_now();
        b.engine.add_peers(id, vec![weft_content::KnownPeer::Socket(a.address)]).unwrap();
        // The two have met, and found that there is nothing to fetch.
        while !matches!(soon("the meeting's end", events.next()).await, Item::Event(e) if e.kind == "peer-disconnected")
        {
        }
        b.engine.shutdown().await;
        assert_eq!(std::fs::read(&large).unwrap(), bytes);
    }
    let b = with_store(b_dir.path(), &store).await;
    until("the check", || b.engine.get(id).filter(|s| s.state == State::Error)).await;
    b.engine.recheck(id).await.unwrap();
    b.engine.add_peers(id, vec![weft_content::KnownPeer::Socket(a.address)]).unwrap();
    b.complete(id).await;
    assert_eq!(read_tree(&b_dir.path().join("t")), read_tree(&a_dir.path().join("t")));
}

/// The engine's runtime is taken away at a random moment, again and again. No task, no save and no goodbye runs after
/// that, as after `kill -9`; disk threads may finish a piece they had begun.
#[test]
fn sudden_ends_cost_at_most_what_was_on_its_way() {
    const PIECE: u32 = 65_536;
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Arc::new(MemoryStore::default());
    let seeding = runtime();
    let bytes = random(30_000_000, 2);
    std::fs::write(a_dir.path().join("f"), &bytes).unwrap();
    let (a, id) = seeding.block_on(async {
        let a = Setup::new(a_dir.path()).start().await;
        let id =
            a.share(&a_dir.path().join("f"), CreateOptions { piece_length: Some(PIECE), ..Default::default() }).await;
        a.engine.set_limits(RateLimits { download: None, upload: Some(20_000_000) });
        (a, id)
    });
    let mut rng = rand::rngs::StdRng::seed_from_u64(3);
    let fetched = Arc::new(AtomicU64::new(0));
    let mut verified_before = 0;
    let mut most_lost = 0u64;
    for round in 0..100 {
        let life = runtime();
        let wait = Duration::from_millis(rng.random_range(50..400));
        let (done, verified, bytes_in, node) = life.block_on(async {
            let b = with_store(b_dir.path(), &store).await;
            if round == 0 {
                b.get_from(&a, id).await;
            }
            let checked = until("the check", || b.engine.get(id).filter(|s| s.state != State::Checking)).await;
            // Everything that was verified before is found again, saved or not.
            assert!(checked.pieces_done >= verified_before, "{} < {verified_before}", checked.pieces_done);
            let _ = tokio::time::timeout(wait, b.engine.wait_complete(id)).await;
            let status = b.engine.get(id).unwrap();
            let received = downloaded(&b, id);
            let lost = received.saturating_sub(u64::from(status.pieces_done - checked.pieces_done) * u64::from(PIECE));
            most_lost = most_lost.max(lost);
            (status.complete, status.pieces_done, received, b)
        });
        fetched.fetch_add(bytes_in, Ordering::Relaxed);
        life.shutdown_background();
        drop(node);
        verified_before = verified;
        if done {
            break;
        }
    }
    assert_eq!(std::fs::read(b_dir.path().join("f")).unwrap(), bytes);
    let total = fetched.load(Ordering::Relaxed);
    println!("fetched {total} bytes for {}, at most {most_lost} bytes a sudden end", bytes.len());
    assert!(total < bytes.len() as u64 * 2, "most of it was fetched once: {total}");
    seeding.block_on(a.engine.shutdown());
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_is_there_already_is_checked_not_fetched() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (Setup::new(a_dir.path()).start().await, Setup::new(b_dir.path()).start().await);
    make_tree(&a_dir.path().join("t"), 4);
    make_tree(&b_dir.path().join("t"), 4);
    let id = a.share(&a_dir.path().join("t"), CreateOptions::default()).await;
    std::fs::remove_file(b_dir.path().join("t/empty")).unwrap();
    b.get_from(&a, id).await;
    let status = b.complete(id).await;
    assert_eq!(status.downloaded, 0);
    std::fs::write(b_dir.path().join("t/empty"), b"").unwrap(); // nothing was missing, so nothing was made
    assert_eq!(read_tree(&b_dir.path().join("t")), read_tree(&a_dir.path().join("t")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_magnet_and_a_pause_survive() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(MemoryStore::default());
    let b = with_store(dir.path(), &store).await;
    let id = InfoHash::from([9; 20]);
    b.engine.add(weft_content::Source::InfoHash(id), weft_content::AddOptions::default()).await.unwrap();
    b.engine.pause(id).await.unwrap();
    b.engine.shutdown().await;
    drop(b);
    let b = with_store(dir.path(), &store).await;
    assert_eq!(b.engine.get(id).unwrap().state, State::Paused);
    b.engine.resume(id).await.unwrap();
    assert_eq!(b.engine.get(id).unwrap().state, State::FetchingMetadata);
    b.engine.remove(id, true).await.unwrap();
    b.engine.shutdown().await;
    drop(b);
    assert!(with_store(dir.path(), &store).await.engine.list().is_empty());
}
