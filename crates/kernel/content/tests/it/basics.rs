//! A folder goes from one engine to others: by `.torrent` and tracker, by magnet, in parts, with pauses and limits.

use std::time::{Duration, Instant};

use weft_bittorrent::metainfo::Metainfo;
use weft_content::{AddError, AddOptions, CreateControl, CreateOptions, RateLimits, Source, State};
use weft_events::Item;

use crate::world::{Setup, Tracker, make_tree, random, read_tree, soon, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_by_torrent_file_and_tracker() {
    let (a_dir, b_dir, c_dir) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tracker = Tracker::start().await;
    let a = Setup::new(a_dir.path()).start().await;
    let (b, c) = (Setup::new(b_dir.path()).start().await, Setup::new(c_dir.path()).start().await);
    make_tree(&a_dir.path().join("tree"), 1);
    let options = CreateOptions { trackers: vec![vec![tracker.url.clone()]], ..CreateOptions::default() };
    let id = a.share(&a_dir.path().join("tree"), options).await;
    until("the seed's announce", || (!tracker.events().is_empty()).then_some(())).await;
    assert_eq!(a.engine.get(id).unwrap().state, State::Seeding);

    let metainfo = a.engine.metainfo(id).unwrap();
    let mut events = b.feed.subscribe_now();
    for node in [&b, &c] {
        assert_eq!(node.engine.add(Source::Metainfo(metainfo.clone()), AddOptions::default()).await.unwrap(), id);
    }
    for node in [&b, &c] {
        let status = node.complete(id).await;
        assert_eq!((status.done, status.wanted, status.progress), (status.size, status.size, 1.0));
        assert_eq!(read_tree(&node.dir.join("tree")), read_tree(&a_dir.path().join("tree")));
        assert!(status.files.iter().all(|file| file.done == file.size), "{:?}", status.files);
        assert_eq!(status.exchanged.iter().map(|e| e.downloaded).sum::<u64>(), status.downloaded);
    }
    let mut kinds = Vec::new();
    while !kinds.contains(&"torrent-completed") {
        match soon("the completed event", events.next()).await {
            Item::Event(record) => kinds.push(record.kind),
            Item::Resync { .. } => panic!("few events fit the ring"),
        }
    }
    for kind in ["torrent-added", "state-changed", "peer-connected", "file-completed", "piece-batch"] {
        assert!(kinds.contains(&kind), "{kind} is missing in {kinds:?}");
    }
    until("the completed announce", || tracker.events().contains(&"completed".to_owned()).then_some(())).await;
    for node in [&a, &b, &c] {
        node.engine.shutdown().await;
    }
    assert_eq!(tracker.events().iter().filter(|event| *event == "stopped").count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_by_magnet() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (Setup::new(a_dir.path()).start().await, Setup::new(b_dir.path()).start().await);
    let bytes = random(3_333_333, 2);
    std::fs::write(a_dir.path().join("a file.bin"), &bytes).unwrap();
    let id = a.share(&a_dir.path().join("a file.bin"), CreateOptions::default()).await;
    let magnet = format!("{}&x.pe={}", a.engine.magnet(id, false).unwrap(), a.address);
    assert_eq!(b.engine.add(Source::Magnet(magnet.clone()), AddOptions::default()).await.unwrap(), id);
    let status = b.complete(id).await;
    assert_eq!(status.name, "a file.bin");
    assert_eq!(std::fs::read(b_dir.path().join("a file.bin")).unwrap(), bytes);
    let info = |node: &crate::world::Node| Metainfo::from_bytes(&node.engine.metainfo(id).unwrap()).unwrap().info;
    assert!(info(&a) == info(&b), "the same info dictionary");
    assert!(
        matches!(b.engine.add(Source::Magnet(magnet), AddOptions::default()).await, Err(AddError::Exists(same)) if same == id)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_info_hash_and_a_peer() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (Setup::new(a_dir.path()).start().await, Setup::new(b_dir.path()).start().await);
    std::fs::write(a_dir.path().join("f"), random(100_000, 3)).unwrap();
    let id = a.share(&a_dir.path().join("f"), CreateOptions::default()).await;
    b.engine.add(Source::InfoHash(id), AddOptions::default()).await.unwrap();
    assert_eq!(b.engine.get(id).unwrap().state, State::FetchingMetadata);
    b.engine.add_peers(id, vec![weft_content::KnownPeer::Socket(a.address)]).unwrap();
    b.complete(id).await;
    assert_eq!(std::fs::read(b_dir.path().join("f")).unwrap(), random(100_000, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wanted_files_first_and_the_rest_later() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (Setup::new(a_dir.path()).start().await, Setup::new(b_dir.path()).start().await);
    let top = a_dir.path().join("t");
    make_tree(&top, 4);
    let id = a.share(&top, CreateOptions { piece_length: Some(65_536), ..CreateOptions::default() }).await;
    let files = a.engine.get(id).unwrap().files;
    let wanted: Vec<usize> = files.iter().filter(|f| f.index % 9 == 4).map(|f| f.index).collect();
    b.add_from(&a, id, AddOptions { selection: Some(wanted.clone()), ..AddOptions::default() }).await;
    let status = b.complete(id).await;
    assert!(status.done < status.size && status.pieces_done < status.pieces, "{status:?}");
    let original = read_tree(&top);
    let mut got = read_tree(&b_dir.path().join("t"));
    got.retain(|_, bytes| !bytes.is_empty());
    for (path, bytes) in &got {
        assert_eq!(Some(bytes), original.get(path));
    }
    let selected = files.iter().filter(|f| wanted.contains(&f.index) && f.size > 0).count();
    assert_eq!(got.len(), selected, "only what was wanted is in its place");
    b.engine.set_selection(id, (0..files.len()).collect()).await.unwrap();
    b.complete(id).await;
    assert_eq!(read_tree(&b_dir.path().join("t")), original);
    let names: Vec<_> = std::fs::read_dir(b_dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["t"], "the parts file is gone");
    assert!(b.engine.set_selection(id, vec![files.len()]).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn pauses_and_goes_on() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (Setup::new(a_dir.path()).start().await, Setup::new(b_dir.path()).start().await);
    std::fs::write(a_dir.path().join("f"), random(8_000_000, 5)).unwrap();
    let id = a.share(&a_dir.path().join("f"), CreateOptions::default()).await;
    let limits = RateLimits { download: Some(1_000_000), upload: None };
    b.add_from(&a, id, AddOptions { limits, ..AddOptions::default() }).await;
    until("some pieces", || b.engine.get(id).filter(|s| s.pieces_done > 2)).await;
    b.engine.pause(id).await.unwrap();
    let paused = until("no peers", || b.engine.get(id).filter(|s| s.peers.is_empty())).await;
    assert_eq!(paused.state, State::Paused);
    let dials = b.connector.dials.load(std::sync::atomic::Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(300)).await; // nothing must happen in this time
    let later = b.engine.get(id).unwrap();
    assert!(later.pieces_done < later.pieces && later.peers.is_empty());
    assert_eq!(b.connector.dials.load(std::sync::atomic::Ordering::SeqCst), dials);
    b.engine.set_torrent_limits(id, RateLimits::default()).unwrap();
    b.engine.resume(id).await.unwrap();
    let status = b.complete(id).await;
    assert_eq!(std::fs::read(b_dir.path().join("f")).unwrap(), random(8_000_000, 5));
    assert!(status.downloaded < status.size + 2_000_000, "what was verified is kept: {}", status.downloaded);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_each_way() {
    for down in [true, false] {
        let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (a, b) = (Setup::new(a_dir.path()).start().await, Setup::new(b_dir.path()).start().await);
        std::fs::write(a_dir.path().join("f"), random(3_000_000, 6)).unwrap();
        let id = a.share(&a_dir.path().join("f"), CreateOptions::default()).await;
        let rate = Some(1_000_000);
        if down {
            b.engine.set_limits(RateLimits { download: rate, upload: None });
        } else {
            a.engine.set_limits(RateLimits { download: None, upload: rate });
        }
        let started = Instant::now();
        b.get_from(&a, id).await;
        b.complete(id).await;
        let took = started.elapsed().as_secs_f64();
        // 3 MB at 1 MB/s, less the quarter second of burst. How much longer it takes is the machine's affair.
        assert!(took > 2.4, "down {down}: {took} s");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sharing_twice_and_removing() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (Setup::new(a_dir.path()).start().await, Setup::new(b_dir.path()).start().await);
    make_tree(&a_dir.path().join("t"), 8);
    let id = a.share(&a_dir.path().join("t"), CreateOptions::default()).await;
    let again = a.engine.create_and_share(a_dir.path().join("t"), CreateOptions::default(), CreateControl::default());
    let again = again.await.unwrap();
    assert!(again.existed && again.info_hash == id);
    b.get_from(&a, id).await;
    b.complete(id).await;
    std::fs::write(b_dir.path().join("t/not of the torrent"), b"stays").unwrap();
    b.engine.remove(id, true).await.unwrap();
    assert_eq!(read_tree(b_dir.path()).into_keys().collect::<Vec<_>>(), [std::path::Path::new("t/not of the torrent")]);
    assert!(b.engine.get(id).is_none() && b.engine.list().is_empty());
    a.engine.remove(id, false).await.unwrap();
    assert!(read_tree(&a_dir.path().join("t")).len() > 50, "the data stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn little_memory_for_large_pieces() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let a = Setup::new(a_dir.path()).start().await;
    let mut setup = Setup::new(b_dir.path());
    setup.config = Box::new(|config| config.piece_memory = 1 << 20);
    let b = setup.start().await;
    std::fs::write(a_dir.path().join("f"), random(40_000_000, 9)).unwrap();
    let id =
        a.share(&a_dir.path().join("f"), CreateOptions { piece_length: Some(8 << 20), ..Default::default() }).await;
    b.get_from(&a, id).await;
    let mut most = 0;
    let done = async {
        loop {
            most = most.max(b.engine.status().piece_memory);
            if b.engine.get(id).unwrap().complete {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    soon("completion", done).await;
    assert_eq!(std::fs::read(b_dir.path().join("f")).unwrap(), random(40_000_000, 9));
    // The bound, one batch of the only peer, and what is being written while more comes in.
    assert!(most < 5 << 20, "{most} bytes of blocks in memory, pieces have {}", 8 << 20);
}
