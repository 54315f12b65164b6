//! What hostile peers say costs them their connection and nobody else anything.

use std::time::Duration;

use data_encoding::HEXLOWER;
use iroh::endpoint::{Connection, ConnectionError, presets};
use iroh::{Endpoint, EndpointAddr, EndpointId};
use sha2::{Digest, Sha256};
use weft_overlay::{PathKind, PathPolicy};

use crate::lab::{ECHO, Node, SOON, address, config, echo, until};

/// The ALPN of a private network's control connections.
fn alpn(network: &str) -> Vec<u8> {
    let digest = Sha256::digest(format!("weft network 1\nprivate/{network}"));
    format!("weft/1/{}", HEXLOWER.encode(&digest[..8])).into_bytes()
}

/// An endpoint that speaks QUIC as it should and then whatever it likes.
async fn raw(node: &Node, network: &str) -> (Endpoint, Connection) {
    let endpoint = Endpoint::builder(presets::Minimal)
        .portmapper_config(iroh::endpoint::PortmapperConfig::Disabled)
        .clear_ip_transports()
        .bind_addr((address(), 0))
        .unwrap()
        .bind()
        .await
        .unwrap();
    let id = EndpointId::from_bytes(node.key.as_bytes()).unwrap();
    let target = EndpointAddr::new(id).with_ip_addr(node.overlay.addresses().udp[0]);
    let connection = endpoint.connect(target, &alpn(network)).await.unwrap();
    (endpoint, connection)
}

/// The code with which the node closed the connection.
async fn closed_with(connection: &Connection) -> u64 {
    match tokio::time::timeout(SOON, connection.closed()).await.expect("the node closes it") {
        ConnectionError::ApplicationClosed(close) => close.error_code.into_inner(),
        other => panic!("{other:?}"),
    }
}

const VIOLATION: u64 = 5;

fn hello(network: &str) -> Vec<u8> {
    // Version 1, the network's name, and seven empty lists and options.
    let mut body = vec![1, network.len() as u8];
    body.extend(network.as_bytes());
    body.extend([0; 6]);
    let mut bytes = b"\x07hello/1".to_vec();
    bytes.extend((body.len() as u32).to_be_bytes());
    bytes.extend(body);
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_hellos_cost_only_the_sender() {
    let (node, friend) = (Node::start(config("hostile")).await, Node::start(config("hostile")).await);
    friend.knows(&node);
    let mut link = friend.connect(&node, ECHO, PathPolicy::only(&[PathKind::Direct])).await.unwrap();

    let oversized = [b"\x07hello/1".as_slice(), &u32::MAX.to_be_bytes()].concat();
    let garbage = [b"\x07hello/1".as_slice(), &[0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff]].concat();
    let no_hello = b"\x06echo/1".to_vec();
    let no_name = vec![0u8];
    let cut_off = b"\x07hel".to_vec();
    for words in [oversized, garbage, no_hello, no_name, cut_off, hello("private/other")] {
        let (endpoint, connection) = raw(&node, "hostile").await;
        let (mut send, _recv) = connection.open_bi().await.unwrap();
        send.write_all(&words).await.unwrap();
        send.finish().unwrap();
        assert_eq!(closed_with(&connection).await, VIOLATION, "{words:?}");
        endpoint.close().await;
        echo(&mut link).await.unwrap();
    }
    until("only the friend is left", || node.overlay.status().connections == 1).await;
    // The friend's control connection and its gossip.
    until("every place was given back", || node.overlay.limits().open() <= 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_says_nothing_is_closed_and_one_that_says_too_much_too() {
    let node = Node::start(config("silence")).await;
    let (_endpoint, silent) = raw(&node, "silence").await;

    // A good hello, then garbage on the hello stream.
    let (_endpoint, turned) = raw(&node, "silence").await;
    let (mut send, mut recv) = turned.open_bi().await.unwrap();
    send.write_all(&hello("private/silence")).await.unwrap();
    let mut status = [9];
    recv.read_exact(&mut status).await.unwrap();
    assert_eq!(status, [0], "a good hello is answered");
    send.write_all(&[0, 0, 0, 1, 0xff]).await.unwrap();
    assert_eq!(closed_with(&turned).await, VIOLATION);

    // Good hellos without end.
    let (_endpoint, chatty) = raw(&node, "silence").await;
    let (mut send, _recv) = chatty.open_bi().await.unwrap();
    let words = hello("private/silence");
    send.write_all(&words).await.unwrap();
    for _ in 0..200 {
        if send.write_all(&words[8..]).await.is_err() {
            break;
        }
    }
    assert_eq!(closed_with(&chatty).await, VIOLATION);

    // A stream whose name is no name.
    let (_endpoint, nameless) = raw(&node, "silence").await;
    let (mut send, mut recv) = nameless.open_bi().await.unwrap();
    send.write_all(&words).await.unwrap();
    recv.read_exact(&mut status).await.unwrap();
    let (mut send, _recv) = nameless.open_bi().await.unwrap();
    send.write_all(&[200, 1, 2, 3]).await.unwrap();
    assert_eq!(closed_with(&nameless).await, VIOLATION);

    assert_eq!(closed_with(&silent).await, VIOLATION, "after its time was over");
    until("nobody is left", || node.overlay.limits().open() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_opens_streams_and_says_nothing_fills_only_its_own() {
    let (node, friend) = (Node::start(config("streams")).await, Node::start(config("streams")).await);
    let (_endpoint, hog) = raw(&node, "streams").await;
    let (mut send, mut recv) = hog.open_bi().await.unwrap();
    send.write_all(&hello("private/streams")).await.unwrap();
    let mut status = [9];
    recv.read_exact(&mut status).await.unwrap();
    let mut held = Vec::new();
    while let Ok(Ok((mut send, recv))) = tokio::time::timeout(Duration::from_millis(500), hog.open_bi()).await {
        send.write_all(&[6]).await.unwrap();
        held.push((send, recv));
        assert!(held.len() <= 64, "a stranger may open 32 streams");
    }
    friend.knows(&node);
    let mut link = friend.connect(&node, ECHO, PathPolicy::only(&[PathKind::Direct])).await.unwrap();
    echo(&mut link).await.unwrap();
}
