//! A private DHT of many nodes, each at an address of its own.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::StreamExt;
use weft_overlay::{DhtState, OverlayConfig, PathKind, PathPolicy, RelayOffer, RelayRole};

use crate::lab::{BULK, ECHO, Node, SOON, echo, until};

fn dht(network: &str, bootstrap: &[String]) -> OverlayConfig {
    let ip = crate::lab::address();
    OverlayConfig { bootstrap: bootstrap.to_vec(), ..OverlayConfig::loopback(network.parse().unwrap(), ip) }
}

/// A network whose nodes know only the first one's DHT address.
async fn network(name: &str, size: usize) -> Vec<Node> {
    let first = Node::start(dht(name, &[])).await;
    until("the DHT is bound", || first.overlay.dht().status().bound.is_some()).await;
    let bootstrap = vec![first.overlay.dht().status().bound.unwrap().to_string()];
    let mut nodes = vec![first];
    for _ in 1..size {
        nodes.push(Node::start(dht(name, &bootstrap)).await);
    }
    for node in &nodes {
        tokio::time::timeout(SOON, node.overlay.dht().joined()).await.expect("every node joins");
    }
    nodes
}

/// Peers found, asked again until somebody is: a private DHT of a moment's age answers when its nodes know one another.
async fn peers_of(node: &Node, info_hash: [u8; 20]) -> BTreeSet<std::net::SocketAddr> {
    let since = Instant::now();
    loop {
        let mut found = BTreeSet::new();
        let mut stream = node.overlay.dht().get_peers(info_hash).unwrap();
        while let Some(addresses) = stream.next().await {
            found.extend(addresses);
        }
        if !found.is_empty() {
            return found;
        }
        assert!(since.elapsed() < SOON, "nobody was found");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swarms_and_keys_are_found() {
    let nodes = network("many", 12).await;
    assert!(nodes.iter().all(|node| node.overlay.dht().status().state == DhtState::Joined));

    let info_hash = [0x5a; 20];
    nodes[3].overlay.dht().announce(info_hash, 6999).await.unwrap();
    let started = Instant::now();
    let found = peers_of(&nodes[9], info_hash).await;
    println!("{} nodes: peers of a swarm after {:?}", nodes.len(), started.elapsed());
    assert!(found.iter().any(|address| address.port() == 6999), "{found:?}");

    // By key alone: nobody told this node where that one is. (It puts its record soon after it starts.)
    let started = Instant::now();
    let mut link = loop {
        match nodes[10].connect(&nodes[5], ECHO, PathPolicy::only(&[PathKind::Direct])).await {
            Ok(link) => break link,
            Err(error) => assert!(started.elapsed() < SOON, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    echo(&mut link).await.unwrap();
    println!("by key alone after {:?}", started.elapsed());
    let bulk = nodes[11].connect(&nodes[5], BULK, PathPolicy::any()).await;
    assert_eq!(bulk.unwrap().info().path, PathKind::Tls, "the record says the TCP port too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_is_found_by_its_role() {
    let nodes = network("roles", 5).await;
    let bootstrap = vec![nodes[0].overlay.dht().status().bound.unwrap().to_string()];
    let offer = RelayOffer { role: RelayRole::On, ..RelayOffer::default() };
    let relay = Node::start(OverlayConfig { relay: offer, ..dht("roles", &bootstrap) }).await;
    let url = relay.overlay.status().offered_relay.unwrap().url;

    let started = Instant::now();
    let seeker = Node::start(OverlayConfig { direct: false, ..dht("roles", &bootstrap) }).await;
    assert_eq!(seeker.home().await, url);
    println!("a relay peer found by its role and home after {:?}", started.elapsed());
    relay.overlay.shutdown().await;
    assert!(relay.overlay.status().offered_relay.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_before_its_bootstrap_joins_later() {
    // A port that is free now: the bootstrap node takes it afterwards.
    let ip = crate::lab::address();
    let port = std::net::UdpSocket::bind((ip, 0)).unwrap().local_addr().unwrap().port();
    let early = Node::start(dht("late", &[format!("{ip}:{port}")])).await;
    let mut events = early.events();
    until("it is alone", || early.overlay.dht().status().bound.is_some()).await;
    let mut config = OverlayConfig::loopback("late".parse().unwrap(), ip);
    config.dht.bind = (ip, port);
    let _late = Node::start(config).await;
    let joined = early.event(&mut events, "dht", |event| event["state"] == "joined").await;
    assert!(joined["nodes"].as_u64().unwrap() >= 1);
}
