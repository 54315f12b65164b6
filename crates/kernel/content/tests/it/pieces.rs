//! Who gave each piece, and how much each file is wanted.

use std::sync::Arc;

use weft_content::{AddOptions, ControlError, CreateOptions, FilePriority, InfoHash, KnownPeer, RateLimits, Source};
use weft_events::Item;
use weft_store::{MemoryStore, Store};

use crate::world::{Directory, Node, Setup, random, soon, until};

async fn two_seeds_and_a_leecher(dirs: [&std::path::Path; 3], store: &Arc<MemoryStore>) -> ([Node; 3], InfoHash) {
    let directory = Directory::default();
    let mut nodes = Vec::new();
    for (at, dir) in dirs.into_iter().enumerate() {
        let mut setup = Setup::new(dir);
        setup.directory = Arc::clone(&directory);
        if at == 2 {
            setup.store = Arc::clone(store) as Arc<dyn Store>;
        }
        nodes.push(setup.start().await);
    }
    let nodes: [Node; 3] = nodes.try_into().unwrap_or_else(|_| unreachable!());
    let keyed = (nodes[1].key, (nodes[1].address, weft_overlay::PathKind::Tls));
    directory.lock().unwrap().insert(keyed.0, keyed.1);
    let mut id = None;
    for (node, dir) in nodes.iter().zip(dirs).take(2) {
        std::fs::write(dir.join("f"), random(8_000_000, 1)).unwrap();
        let options = CreateOptions { piece_length: Some(65_536), ..CreateOptions::default() };
        id = Some(node.share(&dir.join("f"), options).await);
    }
    (nodes, id.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_piece_says_who_gave_it() {
    let dirs: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let store = Arc::new(MemoryStore::default());
    let ([plain, keyed, c], id) =
        two_seeds_and_a_leecher([dirs[0].path(), dirs[1].path(), dirs[2].path()], &store).await;
    let own = plain.engine.get(id).unwrap();
    assert_eq!((own.weave.givers, own.weave.cells), (vec![String::new()], "0".repeat(64)), "its own");

    let mut events = c.feed.subscribe_now();
    // Slow enough that both give something.
    c.engine.set_limits(RateLimits { download: Some(6_000_000), upload: None });
    let peers = vec![KnownPeer::Socket(plain.address), KnownPeer::Weft(keyed.key)];
    let metainfo = plain.engine.metainfo(id).unwrap();
    c.engine.add(Source::Metainfo(metainfo), AddOptions { peers, ..AddOptions::default() }).await.unwrap();
    let map = until("a map under way", || {
        let map = c.engine.map(id, 40).ok()?;
        (map.rows.len() == 2 && !map.reading.is_empty() && (1..map.pieces).contains(&map.pieces_done)).then_some(map)
    })
    .await;
    assert_eq!((map.columns, map.pieces, map.piece_length), (40, 123, 65_536));
    assert_eq!([map.giver.len(), map.have.len(), map.availability.len()], [40; 3]);
    assert!(map.availability.iter().all(|n| *n == 2), "{map:?}");
    assert!(map.rows.iter().all(|row| row.seed && row.have.is_none()), "{map:?}");
    assert!(map.rows.iter().any(|row| row.key == Some(keyed.key) && row.peer == keyed.key.to_string()));
    assert!(map.rows.iter().any(|row| row.peer == plain.address.to_string() && row.client.starts_with("Weft")));
    let asked: Vec<u32> = map.rows.iter().flat_map(|row| row.reading.clone()).collect();
    assert!(asked.iter().all(|column| map.reading.contains(column)), "{map:?}");
    assert_eq!(map.giver.iter().filter(|g| **g == -1).count(), map.have.iter().filter(|h| **h == 0).count());

    let status = c.complete(id).await;
    let map = c.engine.map(id, 5_000).unwrap();
    assert_eq!((map.columns, map.pieces_done), (123, 123));
    assert!(map.reading.is_empty() && map.have.iter().all(|have| *have == 100));
    let mut names: Vec<&str> = map.givers.iter().map(|giver| giver.peer.as_str()).collect();
    names.sort_unstable();
    let mut expected = vec![String::new(), keyed.key.to_string(), plain.address.to_string()];
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!((map.givers[0].peer.as_str(), map.givers[0].pieces), ("", 0));
    assert_eq!(map.givers.iter().map(|giver| giver.pieces).sum::<u32>(), 123);
    // What each gave in bytes agrees with what it gave in pieces, as far as pieces are given whole.
    for giver in &map.givers[1..] {
        let bytes = status.exchanged.iter().find(|e| e.peer == giver.peer).unwrap().downloaded;
        let pieces = u64::from(giver.pieces) * 65_536;
        assert!(bytes.abs_diff(pieces) < status.size / 3, "{giver:?} gave {bytes}");
    }
    assert_eq!((status.weave.cells.len(), status.weave.givers.len()), (64, 3));
    assert!(!status.weave.cells.contains(['.', '0']), "{}", status.weave.cells);
    loop {
        let Item::Event(record) = soon("the last batch", events.next()).await else { panic!("few events") };
        if record.kind == "piece-batch" {
            assert!(record.data.get().len() < weft_events::MAX_EVENT_BYTES / 2);
            if record.data.get().contains(&format!("\"cells\":\"{}\"", status.weave.cells)) {
                break;
            }
        }
    }
    let activity = c.engine.activity().remove(0);
    assert_eq!((activity.info_hash, activity.done, activity.progress), (id, status.size, 1.0));
    assert_eq!(c.engine.status().downloaded, status.downloaded);
    assert!(c.engine.map(InfoHash([0; 20]), 9).is_err());

    // Checked anew, everything is as it was found.
    c.engine.recheck(id).await.unwrap();
    until("the recheck", || c.engine.map(id, 9).ok().filter(|m| m.pieces_done == 123 && m.givers.len() == 1)).await;
    assert_eq!(c.engine.get(id).unwrap().weave.cells, "0".repeat(64));
}

fn priorities(node: &Node, id: InfoHash) -> Vec<FilePriority> {
    node.engine.get(id).unwrap().files.iter().map(|file| file.priority).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_more_wanted_file_comes_first_and_the_choice_lasts() {
    use FilePriority::{High, Low, Normal, Skip};
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Arc::new(MemoryStore::default());
    let a = Setup::new(a_dir.path()).start().await;
    let top = a_dir.path().join("t");
    std::fs::create_dir(&top).unwrap();
    for (name, seed) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
        std::fs::write(top.join(name), random(2_000_000, seed)).unwrap();
    }
    let id = a.share(&top, CreateOptions { piece_length: Some(32_768), ..CreateOptions::default() }).await;
    let mut setup = Setup::new(b_dir.path());
    setup.store = Arc::clone(&store) as Arc<dyn Store>;
    let b = setup.start().await;
    let added = b.engine.add(Source::Metainfo(a.engine.metainfo(id).unwrap()), AddOptions::default()).await.unwrap();
    until("the check", || b.engine.map(added, 1).ok()).await;
    assert_eq!(priorities(&b, id), [Normal; 4]);
    b.engine.set_priorities(id, vec![(0, Low), (2, High), (3, Skip)]).await.unwrap();
    assert_eq!(priorities(&b, id), [Low, Normal, High, Skip]);
    let files = b.engine.get(id).unwrap().files;
    assert_eq!(files.iter().map(|file| file.selected).collect::<Vec<_>>(), [true, true, true, false]);
    let wrong = b.engine.set_priorities(id, vec![(1, Skip), (4, High)]).await;
    assert!(matches!(wrong, Err(ControlError::NoSuchFile { index: 4, files: 4 })), "{wrong:?}");
    // Choosing files keeps how much they are wanted.
    b.engine.set_selection(id, vec![0, 2]).await.unwrap();
    assert_eq!(priorities(&b, id), [Low, Skip, High, Skip], "nothing was changed by what failed");
    b.engine.set_selection(id, vec![0, 1, 2]).await.unwrap();
    let limits = RateLimits { download: Some(5_000_000), upload: Some(1) };
    b.engine.set_torrent_limits(id, limits).unwrap();
    b.engine.shutdown().await;
    drop(b);

    let mut setup = Setup::new(b_dir.path());
    setup.store = Arc::clone(&store) as Arc<dyn Store>;
    let b = setup.start().await;
    until("the check", || b.engine.map(id, 1).ok()).await;
    assert_eq!(priorities(&b, id), [Low, Normal, High, Skip], "after a restart");
    assert_eq!(b.engine.get(id).unwrap().limits, limits);
    let mut events = b.feed.subscribe_now();
    b.engine.set_limits(RateLimits { download: Some(4_000_000), upload: None });
    b.engine.add_peers(id, vec![KnownPeer::Socket(a.address)]).unwrap();
    b.complete(id).await;
    let mut order = Vec::new();
    while order.len() < 3 {
        let Item::Event(record) = soon("the files", events.next()).await else { panic!("few events") };
        if record.kind == "file-completed" {
            let path =
                ["a", "b", "c", "d"].into_iter().find(|p| record.data.get().contains(&format!("\"path\":\"{p}\"")));
            order.extend(path);
        }
    }
    assert_eq!(order, ["c", "b", "a"]);
    assert!(!b_dir.path().join("t/d").exists(), "what is skipped is not there");
}
