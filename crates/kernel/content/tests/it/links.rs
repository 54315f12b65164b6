//! Peers by key and by address, several paths, bounds.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;
use weft_bittorrent::block::BlockPool;
use weft_bittorrent::connection::{Connection, Event};
use weft_bittorrent::id::PeerId;
use weft_bittorrent::wire::{Handshake, Message, Reserved};

use weft_content::{AddOptions, CreateOptions, KnownPeer, PeerOrigin, RateLimits, Source};
use weft_overlay::tcp::TcpLink;
use weft_overlay::{BoxLink, PathKind};

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

/// A peer that has everything and sends zeros for it. Gives its address; counts its blocks and its connections.
async fn liar(sent: Arc<AtomicUsize>, accepted: Arc<AtomicUsize>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            accepted.fetch_add(1, Ordering::SeqCst);
            let sent = Arc::clone(&sent);
            tokio::spawn(async move {
                let mut link: BoxLink = Box::new(TcpLink::new(stream));
                let mut connection = Connection::incoming(BlockPool::new(4));
                loop {
                    while let Ok(Some(event)) = connection.next_event() {
                        match event {
                            Event::Handshake(theirs) => {
                                let ours = Handshake {
                                    reserved: Reserved::ours(false),
                                    peer_id: PeerId::from([7; 20]),
                                    ..theirs
                                };
                                connection.accept(ours, None);
                                connection.send(&Message::HaveAll).unwrap();
                                connection.send(&Message::Unchoke).unwrap();
                            }
                            Event::Message(Message::Request(block)) => {
                                sent.fetch_add(1, Ordering::SeqCst);
                                connection
                                    .send_block(block.piece, block.begin, vec![0; block.len as usize].into())
                                    .unwrap();
                            }
                            _ => {}
                        }
                    }
                    while connection.wants_write() {
                        let bytes: Vec<u8> = connection.write_plan().iter().flat_map(|s| s.to_vec()).collect();
                        if link.write_all(&bytes).await.is_err() {
                            return;
                        }
                        connection.on_written(bytes.len());
                    }
                    let mut plan = connection.read_plan();
                    let n = poll_fn(|cx| link.poll_read(cx, &mut plan)).await.unwrap_or(0);
                    drop(plan);
                    if n == 0 {
                        return;
                    }
                    connection.on_read(n);
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_liar_is_banned_and_costs_only_itself() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (Setup::new(a_dir.path()).start().await, Setup::new(b_dir.path()).start().await);
    let bytes = random(2_000_000, 5);
    std::fs::write(a_dir.path().join("f"), &bytes).unwrap();
    let id = a.share(&a_dir.path().join("f"), CreateOptions { piece_length: Some(65_536), ..Default::default() }).await;
    let (sent, accepted) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let bad = liar(Arc::clone(&sent), Arc::clone(&accepted)).await;
    let peers = vec![KnownPeer::Socket(bad)];
    let metainfo = a.engine.metainfo(id).unwrap();
    b.engine.add(Source::Metainfo(metainfo), AddOptions { peers, ..AddOptions::default() }).await.unwrap();
    until("the liar's end", || {
        let status = b.engine.get(id)?;
        (sent.load(Ordering::SeqCst) > 0 && status.peers.is_empty() && status.wasted > 0).then_some(())
    })
    .await;
    let lied = b.engine.get(id).unwrap();
    assert_eq!((lied.pieces_done, lied.done), (0, 0), "nothing it sent counts");
    b.engine.add_peers(id, vec![KnownPeer::Socket(a.address), KnownPeer::Socket(bad)]).unwrap();
    b.complete(id).await;
    assert_eq!(std::fs::read(b_dir.path().join("f")).unwrap(), bytes);
    assert_eq!(accepted.load(Ordering::SeqCst), 1, "nobody speaks with it again");
}
