//! Relay peers: without domain or authority, found, used, and replaced when they die.

use std::time::{Duration, Instant};

use weft_overlay::{BoxLink, NatVerdict, OverlayConfig, PathKind, PathPolicy, RelayHint};

use crate::lab::{BULK, ECHO, Node, SOON, config, echo, hidden, relay};

fn offered(node: &Node) -> RelayHint {
    let offered = node.overlay.status().offered_relay.unwrap();
    format!("{}#{}", offered.url, offered.discovery_port).parse().unwrap()
}

fn with_relays(config: OverlayConfig, relays: &[&RelayHint]) -> OverlayConfig {
    OverlayConfig { relays: relays.iter().map(|&hint| hint.clone()).collect(), ..config }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_a_relay_peer_alone() {
    let r = Node::start(relay("relayed")).await;
    let hint = offered(&r);
    let a = Node::start(with_relays(hidden("relayed"), &[&hint])).await;
    // One that has no relay of its own and knows where its friend is.
    let b = Node::start(hidden("relayed")).await;
    assert_eq!(a.home().await, hint.url().to_string());
    b.knows(&a);
    for purpose in [ECHO, BULK] {
        let mut link = b.connect(&a, purpose, PathPolicy::any()).await.unwrap();
        echo(&mut link).await.unwrap();
        assert_eq!((link.info().path, link.info().remote), (PathKind::Relayed, None));
    }
    let addresses = b.overlay.addresses();
    assert!(addresses.udp.is_empty() && addresses.tcp.is_empty(), "a hidden node tells no address: {addresses:?}");
    assert!(r.overlay.status().offered_relay.unwrap().clients >= 2);
    for node in [a, b, r] {
        node.overlay.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_relay_is_passed_through() {
    let (r1, r2) = (Node::start(relay("foreign")).await, Node::start(relay("foreign")).await);
    let a = Node::start(with_relays(hidden("foreign"), &[&offered(&r1)])).await;
    let b = Node::start(with_relays(hidden("foreign"), &[&offered(&r2)])).await;
    let (home_a, home_b) = (a.home().await, b.home().await);
    assert_ne!(home_a, home_b);
    let mut friend = b.overlay.addresses();
    friend.relays.truncate(1);
    a.overlay.add_peer(b.key, friend);
    let mut link = a.connect(&b, ECHO, PathPolicy::any()).await.unwrap();
    echo(&mut link).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relayed_becomes_direct() {
    let r = Node::start(relay("upgrade")).await;
    let hint = offered(&r);
    let a = Node::start(with_relays(config("upgrade"), &[&hint])).await;
    let b = Node::start(with_relays(config("upgrade"), &[&hint])).await;
    a.home().await;
    b.home().await;
    // The relay's address discovery, on its self-signed certificate, told how we look from outside.
    crate::lab::until("our address from outside", || !a.overlay.status().reflexive.is_empty()).await;
    let status = a.overlay.status();
    assert_eq!((status.nat, status.reflexive[0]), (NatVerdict::Open, status.udp[0]));
    let mut addresses = b.overlay.addresses();
    addresses.udp.clear();
    addresses.tcp.clear();
    a.overlay.add_peer(b.key, addresses);
    let mut link = a.connect(&b, ECHO, PathPolicy::only(&[PathKind::Direct, PathKind::Relayed])).await.unwrap();
    let before = link.info().path;
    echo(&mut link).await.unwrap();
    // The link itself stays the same. (On loopback it may be direct before anybody could look.)
    crate::lab::until("the link is direct", || link.info().path == PathKind::Direct).await;
    if before == PathKind::Relayed {
        let moved = a.event(&mut a.events(), "peer-path-changed", |event| event["to"] == "direct").await;
        assert_eq!(moved["from"], "relayed");
    }
    echo(&mut link).await.unwrap();
}

/// Two hidden nodes, both at home on the same of two relays, with a link between them.
async fn pair(network: &str, relays: [&RelayHint; 2]) -> (Node, Node, String, BoxLink) {
    let a = Node::start(with_relays(hidden(network), &relays)).await;
    let b = Node::start(with_relays(hidden(network), &relays)).await;
    a.home().await;
    b.home().await;
    // Both relays are told in the hello, the second one for later.
    crate::lab::until("both relays are known", || b.overlay.addresses().relays.len() == 2).await;
    a.knows(&b);
    let mut link = a.connect(&b, ECHO, PathPolicy::any()).await.unwrap();
    echo(&mut link).await.unwrap();
    // The first home is the first one that answered; which one stays is decided by round trips.
    let home = b.overlay.status().home_relay.expect("at home");
    (a, b, home, link)
}

/// How long until bytes flow again, for somebody who connects again when a link breaks.
async fn bytes_again(a: &Node, b: &Node, since: Instant) -> Duration {
    let policy = PathPolicy::any().with_timeout(Duration::from_secs(5));
    loop {
        if let Ok(mut link) = a.connect(b, ECHO, policy).await
            && tokio::time::timeout(Duration::from_millis(500), echo(&mut link)).await.is_ok_and(|said| said.is_ok())
        {
            return since.elapsed();
        }
        assert!(
            since.elapsed() < SOON,
            "bytes never flowed again: {:#?} {:#?}",
            a.overlay.status(),
            b.overlay.status()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_closes_is_replaced() {
    let (r1, r2) = (Node::start(relay("failover")).await, Node::start(relay("failover")).await);
    let (h1, h2) = (offered(&r1), offered(&r2));
    let (a, b, home, mut link) = pair("failover", [&h1, &h2]).await;
    let (victim, survivor) = if home == h1.url().to_string() { (r1, h2) } else { (r2, h1) };
    let mut events = b.feed.subscribe_now();

    let killed = Instant::now();
    let dying = tokio::spawn(async move { victim.overlay.shutdown().await });
    let lost = b.event(&mut events, "relay-lost", |event| event["url"] == home).await;
    let noticed = killed.elapsed();
    let next = survivor.url().to_string();
    crate::lab::until("another home", || b.overlay.status().home_relay.as_ref() == Some(&next)).await;
    let rehomed = killed.elapsed();
    let flowing = bytes_again(&a, &b, killed).await;
    println!("relay closed: noticed after {noticed:?}, new home after {rehomed:?}, bytes after {flowing:?}");
    assert!(echo(&mut link).await.is_err(), "the old link is told, so that whoever used it goes on");
    assert!(lost["retry_ms"].as_u64().unwrap() > 0);
    assert!(rehomed < Duration::from_secs(2), "{rehomed:?}");
    assert!(flowing < Duration::from_secs(4), "{flowing:?}");
    dying.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_falls_silent_is_replaced() {
    // One relay on a runtime of its own that stops being driven: its sockets stay open and answer nothing.
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let (tell, told) = tokio::sync::oneshot::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (halt, halted) = tokio::sync::oneshot::channel::<()>();
        let waiter = std::thread::spawn(move || {
            let _ = stopped.recv();
            let _ = halt.send(());
            stopped
        });
        let node = runtime.block_on(async {
            let node = Node::start(relay("silent")).await;
            tell.send(offered(&node)).unwrap();
            let _ = halted.await;
            node
        });
        // Frozen here until the test ends.
        let _ = waiter.join().unwrap().recv();
        drop(node);
        runtime.shutdown_background();
    });
    let mortal = told.await.unwrap();
    let mortal_url = mortal.url().to_string();

    // Both are home on the mortal one first; the other is learned afterwards.
    let survivor = Node::start(relay("silent")).await;
    let other = offered(&survivor);
    let a = Node::start(with_relays(hidden("silent"), &[&mortal])).await;
    let b = Node::start(with_relays(hidden("silent"), &[&mortal])).await;
    assert_eq!((a.home().await, b.home().await), (mortal_url.clone(), mortal_url.clone()));
    for node in [&a, &b] {
        node.overlay.add_relay(other.clone());
    }
    crate::lab::until("both relays are known", || b.overlay.addresses().relays.len() == 2).await;
    a.knows(&b);
    let mut link = a.connect(&b, ECHO, PathPolicy::any()).await.unwrap();
    echo(&mut link).await.unwrap();
    let home = b.overlay.status().home_relay.unwrap();
    if home != mortal_url {
        println!("skipped: the second relay became home before the first was stopped");
    } else {
        // A probe a second runs while something depends on the relay.
        crate::lab::until("the relay is probed", || {
            a.overlay.status().relays.iter().any(|relay| relay.url == mortal.to_string() && relay.rtt_ms.is_some())
        })
        .await;
        let mut events = b.feed.subscribe_now();
        stop.send(()).unwrap();
        let killed = Instant::now();
        b.event(&mut events, "relay-lost", |event| event["url"] == mortal_url).await;
        let noticed = killed.elapsed();
        let home = other.url().to_string();
        crate::lab::until("another home", || b.overlay.status().home_relay.as_ref() == Some(&home)).await;
        let rehomed = killed.elapsed();
        let flowing = bytes_again(&a, &b, killed).await;
        println!("relay silent: noticed after {noticed:?}, new home after {rehomed:?}, bytes after {flowing:?}");
        assert!(noticed < Duration::from_secs(5), "{noticed:?}");
        assert!(flowing < Duration::from_secs(8), "{flowing:?}");
    }
    drop(stop);
    for node in [a, b, survivor] {
        node.overlay.shutdown().await;
    }
    thread.join().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_is_gone_at_the_start_is_no_trouble() {
    let r = Node::start(relay("gone")).await;
    let dead = Node::start(relay("gone")).await;
    let nowhere = offered(&dead);
    dead.overlay.shutdown().await;
    let a = Node::start(with_relays(hidden("gone"), &[&nowhere, &offered(&r)])).await;
    assert_eq!(a.home().await, offered(&r).url().to_string());
}
