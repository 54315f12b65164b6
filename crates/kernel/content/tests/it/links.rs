//! Peers by key and by address, several paths, bounds.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use weft_content::{AddOptions, CreateOptions, KnownPeer, PeerOrigin, RateLimits, Source};
use weft_overlay::PathKind;

use crate::world::{Directory, Setup, random, until};

#[tokio::test(flavor = "multi_thread")]
async fn one_torrent_over_tcp_and_by_key_at_once() {
    let dirs: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    let directory = Directory::default();
    let mut nodes = Vec::new();
    for dir in &dirs {
        let mut setup = Setup::new(dir.path());
        setup.directory = Arc::clone(&directory);
        nodes.push(setup.start().await);
    }
    let bytes = random(4_000_000, 1);
    std::fs::write(dirs[0].path().join("f"), &bytes).unwrap();
    let seed = &nodes[0];
    let id = seed.share(&dirs[0].path().join("f"), CreateOptions::default()).await;
    seed.engine.set_limits(RateLimits { download: None, upload: Some(500_000) });
    // One over plain TCP, one by a magnet that names the key, one by the key as a user gives it.
    nodes[1].get_from(seed, id).await;
    directory.lock().unwrap().insert(seed.key, (seed.address, PathKind::Tls));
    let magnet = seed.engine.magnet(id, true).unwrap();
    assert!(magnet.contains("x.weft="), "{magnet}");
    nodes[2].engine.add(Source::Magnet(magnet), AddOptions::default()).await.unwrap();
    let by_key = AddOptions { peers: vec![KnownPeer::Weft(seed.key)], ..AddOptions::default() };
    nodes[3].engine.add(Source::InfoHash(id), by_key).await.unwrap();
    let all = until("three peers at once", || seed.engine.get(id).filter(|s| s.peers.len() == 3)).await;
    assert_eq!(all.peers.iter().filter(|peer| peer.key.is_some() && peer.path == PathKind::Tls).count(), 2);
    seed.engine.set_limits(RateLimits::default());
    for (node, dir) in nodes.iter().zip(&dirs).skip(1) {
        node.complete(id).await;
        assert_eq!(std::fs::read(dir.path().join("f")).unwrap(), bytes);
    }
    let status = nodes[3].engine.get(id).unwrap();
    let from_seed = status.exchanged.iter().find(|e| e.peer == seed.key.to_string()).unwrap();
    assert!(from_seed.downloaded > 0 && from_seed.path == PathKind::Tls);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cheaper_path_takes_over_and_a_dead_link_is_redialled_at_once() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let directory = Directory::default();
    let mut nodes = Vec::new();
    for dir in [&a_dir, &b_dir] {
        let mut setup = Setup::new(dir.path());
        setup.directory = Arc::clone(&directory);
        nodes.push(setup.start().await);
    }
    let [a, b] = &nodes[..] else { unreachable!() };
    std::fs::write(a_dir.path().join("f"), random(6_000_000, 2)).unwrap();
    let id = a.share(&a_dir.path().join("f"), CreateOptions::default()).await;
    directory.lock().unwrap().insert(a.key, (a.address, PathKind::Relayed));
    let limits = RateLimits { download: Some(500_000), upload: None };
    let options = AddOptions { peers: vec![KnownPeer::Weft(a.key)], limits, ..AddOptions::default() };
    b.engine.add(Source::InfoHash(id), options).await.unwrap();
    let path = |kind| move |s: &weft_content::TorrentStatus| s.peers.len() == 1 && s.peers[0].path == kind;
    until("the relayed path", || b.engine.get(id).filter(path(PathKind::Relayed))).await;
    // A cheaper path comes up: it is found within seconds, and there is one connection all the time.
    directory.lock().unwrap().insert(a.key, (a.address, PathKind::Tls));
    let better = until("the cheaper path", || b.engine.get(id).filter(path(PathKind::Tls))).await;
    assert_eq!(better.peers[0].origin, PeerOrigin::Weft);
    until("one peer at the seed", || a.engine.get(id).filter(path(PathKind::Tls))).await;
    // The link dies with the seed's pause; as soon as it is back so is the peer.
    a.engine.pause(id).await.unwrap();
    until("no peer", || b.engine.get(id).filter(|s| s.peers.is_empty())).await;
    a.engine.resume(id).await.unwrap();
    let dials = b.connector.dials.load(Ordering::SeqCst);
    until("the peer again", || b.engine.get(id).filter(path(PathKind::Tls))).await;
    assert!(b.connector.dials.load(Ordering::SeqCst) > dials, "it was dialled anew");
    b.engine.set_torrent_limits(id, RateLimits::default()).unwrap();
    b.complete(id).await;
    assert_eq!(std::fs::read(b_dir.path().join("f")).unwrap(), random(6_000_000, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_dial_at_once_and_one_connection_stays() {
    let (a_dir, b_dir, c_dir) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b, c) = (
        Setup::new(a_dir.path()).start().await,
        Setup::new(b_dir.path()).start().await,
        Setup::new(c_dir.path()).start().await,
    );
    std::fs::write(c_dir.path().join("f"), random(1_000_000, 3)).unwrap();
    let id = c.share(&c_dir.path().join("f"), CreateOptions::default()).await;
    let metainfo = c.engine.metainfo(id).unwrap();
    for (one, other) in [(&a, &b), (&b, &a)] {
        let peers = vec![KnownPeer::Socket(other.address)];
        one.engine
            .add(Source::Metainfo(metainfo.clone()), AddOptions { peers, ..AddOptions::default() })
            .await
            .unwrap();
    }
    until("one connection", || {
        let peers = |node: &crate::world::Node| node.engine.get(id).map_or(0, |s| s.peers.len());
        (peers(&a) == 1 && peers(&b) == 1).then_some(())
    })
    .await;
    a.engine.add_peers(id, vec![KnownPeer::Socket(c.address)]).unwrap();
    a.complete(id).await;
    b.complete(id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_bounded() {
    let dirs: Vec<_> = (0..5).map(|_| tempfile::tempdir().unwrap()).collect();
    let mut nodes = Vec::new();
    for (i, dir) in dirs.iter().enumerate() {
        let mut setup = Setup::new(dir.path());
        if i == 0 {
            setup.config = Box::new(|config| config.max_connections = 2);
        }
        nodes.push(setup.start().await);
    }
    std::fs::write(dirs[0].path().join("f"), random(2_000_000, 4)).unwrap();
    let seed = &nodes[0];
    let id = seed.share(&dirs[0].path().join("f"), CreateOptions::default()).await;
    seed.engine.set_limits(RateLimits { download: None, upload: Some(1_000_000) });
    for node in &nodes[1..] {
        node.get_from(seed, id).await;
    }
    until("two connections", || (seed.engine.status().connections == 2).then_some(())).await;
    let mut most = 0;
    until("pieces", || {
        most = most.max(seed.engine.get(id).unwrap().peers.len());
        nodes[1..].iter().find_map(|node| node.engine.get(id).filter(|s| s.pieces_done > 20))
    })
    .await;
    assert!(most <= 2, "{most}");
}
