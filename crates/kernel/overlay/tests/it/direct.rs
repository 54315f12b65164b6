//! Two nodes that know one another's addresses and nobody else.

use std::sync::Arc;

use weft_overlay::{
    BoxLink, ConnectError, LinkHandler, Network, OverlayConfig, PathKind, PathPolicy, PeerId, StreamType, Target,
};

use crate::lab::{BULK, ECHO, Node, config, echo, until};

const OTHER: StreamType = StreamType::new("other/1");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_address_alone_over_the_cheapest_path() {
    let (a, b) = (Node::start(config("direct")).await, Node::start(config("direct")).await);
    a.knows(&b);
    for (policy, path) in
        [(PathPolicy::only(&[PathKind::Direct]), PathKind::Direct), (PathPolicy::only(&[PathKind::Tls]), PathKind::Tls)]
    {
        let mut link = a.connect(&b, ECHO, policy).await.unwrap();
        echo(&mut link).await.unwrap();
        let info = link.info();
        assert_eq!((info.path, info.peer), (path, Some(b.key)));
    }
    let mut bulk = a.connect(&b, BULK, PathPolicy::any()).await.unwrap();
    echo(&mut bulk).await.unwrap();
    assert_eq!(bulk.info().path, PathKind::Tls, "bulk leaves the overlay where a port is reachable");
    let small = a.connect(&b, ECHO, PathPolicy::any()).await.unwrap();
    assert_eq!(small.info().path, PathKind::Direct, "what is small goes on the connection there is");

    // The answerer can dial back: it heard the addresses in the hello.
    let mut back = b.connect(&a, BULK, PathPolicy::only(&[PathKind::Tls])).await.unwrap();
    echo(&mut back).await.unwrap();
    let seen = a.overlay.peers().get(&PeerId::Key(b.key)).unwrap();
    assert!(seen.paths.iter().any(|path| path.path == PathKind::Direct), "{seen:#?}");
    a.overlay.shutdown().await;
    b.overlay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_who_dial_at_once_share_one_connection() {
    let (a, b) = (Node::start(config("shared")).await, Node::start(config("shared")).await);
    a.knows(&b);
    let policy = PathPolicy::only(&[PathKind::Direct]);
    let mut links = futures::future::join_all((0..20).map(|_| a.connect(&b, ECHO, policy))).await;
    for link in &mut links {
        echo(link.as_mut().unwrap()).await.unwrap();
    }
    assert_eq!(a.overlay.status().connections, 1);
    assert_eq!(b.overlay.status().connections, 1);
    // Bulk has a connection of its own.
    let mut bulk = a.connect(&b, BULK, policy).await.unwrap();
    echo(&mut bulk).await.unwrap();
    assert_eq!(a.overlay.status().connections, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_served_is_refused_on_every_path() {
    let (a, b) = (Node::start(config("served")).await, Node::start(config("served")).await);
    a.knows(&b);
    for path in [PathKind::Direct, PathKind::Tls] {
        let policy = PathPolicy::only(&[path]);
        let refused = a.connect(&b, OTHER, policy).await.err().unwrap();
        assert!(matches!(refused, ConnectError::NotServed { purpose: OTHER, .. }), "{path}: {refused:?}");
    }
    b.overlay.unserve(ECHO);
    let refused = a.connect(&b, ECHO, PathPolicy::any()).await.err().unwrap();
    assert!(matches!(refused, ConnectError::NotServed { .. }), "{refused:?}");
    // The bulk protocol itself is refused while nobody serves it.
    b.overlay.unserve(BULK);
    assert!(a.connect(&b, BULK, PathPolicy::only(&[PathKind::Direct])).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_and_lists_hold() {
    let (a, b) = (Node::start(config("policy")).await, Node::start(config("policy")).await);
    let unknown = a.connect(&b, ECHO, PathPolicy::only(&[PathKind::Tls])).await.err().unwrap();
    assert!(matches!(unknown, ConnectError::NoAddress(_)), "{unknown:?}");
    let unknown = a.connect(&b, ECHO, PathPolicy::any()).await.err().unwrap();
    assert!(matches!(unknown, ConnectError::NoAddress(_)), "{unknown:?}");
    a.knows(&b);
    let none = a.connect(&b, ECHO, PathPolicy::only(&[PathKind::Tcp])).await.err().unwrap();
    assert!(matches!(none, ConnectError::NotAllowed(_)), "{none:?}");
    let socket = Target::Socket("127.0.0.1:1".parse().unwrap());
    use weft_overlay::Connector;
    let refused = a.overlay.connect(socket, ECHO, PathPolicy::only(&[PathKind::Direct])).await.err().unwrap();
    assert!(matches!(refused, ConnectError::NotAllowed(_)), "{refused:?}");

    let mut link = a.connect(&b, ECHO, PathPolicy::only(&[PathKind::Direct])).await.unwrap();
    echo(&mut link).await.unwrap();
    b.overlay.limits().modify(|limits| {
        limits.deny_keys.insert(a.key);
    });
    b.overlay.enforce_limits();
    until("the connection is closed", || a.overlay.status().connections == 0).await;
    assert!(a.connect(&b, ECHO, PathPolicy::only(&[PathKind::Direct])).await.is_err());
    let blocked = b.connect(&a, ECHO, PathPolicy::any()).await.err().unwrap();
    assert!(matches!(blocked, ConnectError::Blocked(_)), "{blocked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_bounded() {
    // A public network has no members' gossip, whose connections would count too.
    let config = || OverlayConfig { network: Network::Public, ..config("bounds") };
    let mut small = config();
    small.limits.max_connections = 2;
    let server = Node::start(small).await;
    let mut nodes = Vec::new();
    for _ in 0..4 {
        let node = Node::start(config()).await;
        node.knows(&server);
        nodes.push(node);
    }
    let policy = PathPolicy::only(&[PathKind::Direct]);
    let links = futures::future::join_all(nodes.iter().map(|node| node.connect(&server, ECHO, policy))).await;
    assert_eq!(links.iter().filter(|link| link.is_ok()).count(), 2);
    assert_eq!(server.overlay.status().connections, 2);
    // A place that comes free is given to the next.
    let loser = nodes.iter().zip(&links).find(|(_, link)| link.is_err()).unwrap().0;
    let winner = nodes.iter().zip(&links).find(|(_, link)| link.is_ok()).unwrap().0;
    winner.overlay.shutdown().await;
    until("a place is free", || server.overlay.status().connections == 1).await;
    let mut link = loser.connect(&server, ECHO, policy).await.unwrap();
    echo(&mut link).await.unwrap();
}

/// 128 MiB: at full speed over loopback, sockets' buffers overrun many times.
const LOAD: usize = 128 * 1024 * 1024;

/// Says [`LOAD`] bytes of a pattern in which nothing can be swapped, lost or doubled unnoticed.
struct Source;

fn pattern(at: usize, chunk: &mut [u8]) {
    for (i, word) in chunk.chunks_exact_mut(8).enumerate() {
        word.copy_from_slice(&((at + i * 8) as u64).to_be_bytes());
    }
}

impl LinkHandler for Source {
    fn accept(&self, mut link: BoxLink) {
        tokio::spawn(async move {
            let mut chunk = vec![0; 1 << 16];
            for at in (0..LOAD).step_by(chunk.len()) {
                pattern(at, &mut chunk);
                if link.write_all(&chunk).await.is_err() {
                    return;
                }
            }
            let _ = link.close().await;
            let _ = link.read_exact(&mut [0]).await;
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bulk_over_the_overlay_arrives_whole_in_both_directions() {
    const SOURCE: StreamType = StreamType::new("bt/source");
    let (a, b) = (Node::start(config("bulk")).await, Node::start(config("bulk")).await);
    a.knows(&b);
    a.overlay.serve(SOURCE, Arc::new(Source));
    b.overlay.serve(SOURCE, Arc::new(Source));
    let policy = PathPolicy::only(&[PathKind::Direct]);
    // Both on the connection that `a` dials: its receiver begins wide, `b`'s as a stranger's and grows with use.
    for (to, from) in [(&a, &b), (&b, &a)] {
        let mut link = to.connect(from, SOURCE, policy).await.unwrap();
        assert_eq!(link.info().path, PathKind::Direct);
        let (mut chunk, mut expected) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        let started = std::time::Instant::now();
        for at in (0..LOAD).step_by(chunk.len()) {
            link.read_exact(&mut chunk).await.unwrap();
            pattern(at, &mut expected);
            assert!(chunk == expected, "bytes differ in the chunk at {at}");
        }
        println!("{} MiB by an overlay stream in {:?}", LOAD >> 20, started.elapsed());
    }
    assert_eq!(a.overlay.status().connections, 1, "both directions share it");
}
