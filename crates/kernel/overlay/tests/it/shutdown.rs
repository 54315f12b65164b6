//! After a shutdown nothing is left: no task, no socket, no peer that still waits.

use std::net::{TcpListener, UdpSocket};

use tokio::runtime::Handle;
use weft_overlay::{ConnectError, OverlayConfig, PathKind, PathPolicy, RelayOffer, RelayRole};

use crate::lab::{BULK, ECHO, Node, address, echo, until};

#[test]
fn nothing_is_left() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let tasks = || Handle::current().metrics().num_alive_tasks();
        let before = tasks();
        let offer = RelayOffer { role: RelayRole::On, ..RelayOffer::default() };
        let everything = |offer: &RelayOffer| OverlayConfig {
            relay: offer.clone(),
            ..OverlayConfig::loopback("shutdown".parse().unwrap(), address())
        };
        let (a, b) = (Node::start(everything(&offer)).await, Node::start(everything(&offer)).await);
        a.knows(&b);
        let mut direct = a.connect(&b, ECHO, PathPolicy::only(&[PathKind::Direct])).await.unwrap();
        let mut bulk = a.connect(&b, BULK, PathPolicy::any()).await.unwrap();
        echo(&mut direct).await.unwrap();
        echo(&mut bulk).await.unwrap();
        let topic = a.overlay.gossip().topic("t", &[b.key]).await.unwrap();
        let (tcp, udp) = (a.overlay.status().tcp.unwrap(), a.overlay.status().udp[0]);
        assert!(tasks() > before);

        a.overlay.shutdown().await;
        assert!(echo(&mut direct).await.is_err(), "links end");
        let refused = a.connect(&b, ECHO, PathPolicy::any()).await.err().unwrap();
        assert!(matches!(refused, ConnectError::ShuttingDown), "{refused:?}");
        until("b noticed", || b.overlay.status().connections == 0).await;
        drop((direct, bulk, topic));
        b.overlay.shutdown().await;
        b.overlay.shutdown().await;
        TcpListener::bind(tcp).expect("the TCP port is free again");
        drop((a, b));
        until("the UDP port is free again", || UdpSocket::bind(udp).is_ok()).await;
        let left = || Handle::current().metrics().num_alive_tasks();
        until("every task has ended", || left() == before).await;
    });
}
