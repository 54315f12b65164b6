//! The lab's own instruments, tried on each other: cables, NATs, counters, the tracker, and the real clients.
//!
//! Needs root, nftables, transmission-daemon and python3-libtorrent; says "skipped" and why without them.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::oneshot;
use weft_lab::clients::{self, Client, Libtorrent, Source, Transmission};
use weft_lab::data;
use weft_lab::nat::{Home, NatKind};
use weft_lab::netns::{self, Netns, Switch};
use weft_lab::process::{Launch, until};
use weft_lab::shape::{self, LeakCount, Leaks};
use weft_lab::tracker::Tracker;

/// Test output is captured, and what was skipped must be seen.
fn skipped(why: Option<String>) -> bool {
    if let Some(why) = &why {
        let _ = writeln!(std::io::stderr(), "skipped: {why}");
    }
    why.is_some()
}

/// Opens a UDP socket inside a namespace. Sockets stay where they were made, so it may be used from anywhere.
async fn udp(place: &Netns, address: Ipv4Addr) -> Result<UdpSocket> {
    let (sender, receiver) = oneshot::channel();
    place.runtime()?.spawn(async move { sender.send(UdpSocket::bind((address, 0))) });
    let socket = receiver.await??;
    socket.set_read_timeout(Some(Duration::from_millis(500)))?;
    Ok(socket)
}

/// Sends from `from` to `to` and says from which outside address it arrived.
fn seen(from: &UdpSocket, to: &UdpSocket) -> Result<SocketAddrV4> {
    from.send_to(b"who am I", to.local_addr()?)?;
    match to.recv_from(&mut [0; 64])?.1 {
        std::net::SocketAddr::V4(address) => Ok(address),
        other => anyhow::bail!("{other} is no IPv4 address"),
    }
}

#[tokio::test]
async fn nats_map_and_filter_as_named() -> Result<()> {
    if skipped(netns::refusal()) {
        return Ok(());
    }
    let switch = Switch::new([203, 0, 113])?;
    let (one, other) = (switch.machine("one", 2)?, switch.machine("other", 3)?);
    let (first, second) = (udp(&one, switch.at(2)).await?, udp(&other, switch.at(3)).await?);
    for (number, kind, same_port, open, passes) in [
        (10, NatKind::Easy, true, false, true),
        (20, NatKind::Hard, false, false, true),
        (30, NatKind::Open, true, true, true),
        (40, NatKind::NoUdp, true, false, false),
    ] {
        let home = Home::new(&switch, number, kind, Duration::ZERO)?;
        let inside = udp(home.machine(), home.inside()).await?;
        let mapped = match seen(&inside, &first) {
            Ok(mapped) => mapped,
            Err(_) if !passes => continue,
            Err(e) => return Err(e.context(format!("{kind:?} let nothing out"))),
        };
        assert!(passes, "{kind:?} must block UDP");
        assert_eq!(*mapped.ip(), home.outside());
        // The filter: `other` was not yet spoken to.
        second.send_to(b"unasked", mapped)?;
        assert_eq!(inside.recv_from(&mut [0; 64]).is_ok(), open, "{kind:?}: what comes unasked");
        first.send_to(b"asked", mapped)?;
        assert!(inside.recv_from(&mut [0; 64]).is_ok(), "{kind:?} must let answers in");
        assert_eq!(seen(&inside, &second)? == mapped, same_port, "{kind:?}: the mapping");
    }
    Ok(())
}

#[tokio::test]
async fn a_delayed_cable_takes_its_time() -> Result<()> {
    if skipped(netns::refusal()) {
        return Ok(());
    }
    let switch = Switch::new([10, 76, 0])?;
    let near = switch.machine("near", 2)?;
    let home = Home::new(&switch, 10, NatKind::Easy, Duration::from_millis(30))?;
    let (inside, outside) = (udp(home.machine(), home.inside()).await?, udp(&near, switch.at(2)).await?);
    seen(&inside, &outside).context("the first packet, with address resolution")?;
    let begun = std::time::Instant::now();
    let mapped = seen(&inside, &outside)?;
    outside.send_to(b"back", mapped)?;
    inside.recv_from(&mut [0; 64])?;
    let took = begun.elapsed();
    assert!((Duration::from_millis(60)..Duration::from_millis(160)).contains(&took), "there and back took {took:?}");
    Ok(())
}

#[tokio::test]
async fn faults_cut_block_and_count() -> Result<()> {
    if skipped(netns::refusal()) {
        return Ok(());
    }
    let switch = Switch::new([10, 78, 0])?;
    let (a, b) = (switch.machine("a", 2)?, switch.machine("b", 3)?);
    let (from, to) = (udp(&a, switch.at(2)).await?, udp(&b, switch.at(3)).await?);
    let count = LeakCount::start(&a)?;
    seen(&from, &to).context("a plain cable")?;
    assert_eq!(count.read()?.outside, 1);
    from.send_to(b"name?", (Ipv4Addr::new(198, 51, 100, 1), 53))?;
    assert_eq!(count.read()?, Leaks { outside: 2, names: 1 });

    shape::partition(&b)?;
    assert!(seen(&from, &to).is_err(), "partitioned");
    shape::heal(&b)?;
    seen(&from, &to).context("healed")?;
    shape::loss(&b, 40)?;
    let mut lost = 0;
    to.set_read_timeout(Some(Duration::from_millis(5)))?;
    for _ in 0..200 {
        lost += u32::from(seen(&from, &to).is_err());
    }
    assert!((40..=120).contains(&lost), "{lost} of 200 packets lost at 40 %");
    shape::rate(&a, Switch::PORT, 10_000_000)?;
    shape::block(&b, "udp")?;
    assert!(seen(&from, &to).is_err(), "UDP is blocked");
    Ok(())
}

#[tokio::test]
async fn real_clients_exchange_a_tree_by_the_tracker() -> Result<()> {
    if skipped(netns::refusal().or_else(clients::missing)) {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let original = folder.path().join("source/tree");
    data::random_tree(&original, 60, 11)?;
    let switch = Switch::new([10, 79, 0])?;
    let tracker = Tracker::start(Some(switch.netns().clone()), SocketAddrV4::new(switch.at(1), 6969)).await?;
    let (left, right) = (switch.machine("left", 2)?, switch.machine("right", 3)?);
    let mut seeder = Libtorrent::start(left, switch.at(2), &folder.path().join("left"), false)?;
    let metainfo = seeder.make(&original, 1 << 18, &tracker.http_url(), false)?;
    let hash = seeder.add(Source::Metainfo(&metainfo), &folder.path().join("source"))?;
    let magnet = format!("magnet:?xt=urn:btih:{hash}&tr={}", tracker.udp_url());

    let leeching = folder.path().join("right");
    let mut leecher = Client::Transmission(Transmission::start(right, switch.at(3), &leeching, false).await?);
    assert_eq!(leecher.add(Source::Magnet(&magnet), &leeching).await?, hash);
    let within = Duration::from_secs(60);
    let shared = tokio::sync::Mutex::new(leecher);
    until("transmission to fetch by magnet", within, || async {
        Ok(shared.lock().await.status(&hash).await?.complete.then_some(()))
    })
    .await?;
    assert_eq!(data::same(&original, &leeching.join("tree"))?.files(), 60);

    let announces = tracker.announces();
    assert!(
        announces.iter().any(|a| !a.udp && a.left == 0 && *a.peer.ip() == switch.at(2)),
        "the seeder announced by HTTP"
    );
    assert!(announces.iter().any(|a| a.udp && *a.peer.ip() == switch.at(3)), "the leecher announced by UDP");
    assert!(shared.lock().await.usage()?.cpu_seconds > 0.0);
    Ok(())
}

#[tokio::test]
async fn a_dropped_process_is_gone_with_its_children() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mark = folder.path().join("child");
    let script = format!("sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait", mark.display());
    let process = Launch::new("parent", "sh", folder.path().join("log")).args(["-c", &script]).start()?;
    let child =
        until("the child", Duration::from_secs(5), || async { Ok(std::fs::read_to_string(&mark).ok()) }).await?;
    let (parent, child) = (format!("/proc/{}", process.pid()), format!("/proc/{}/stat", child.trim()));
    drop(process);
    assert!(!std::path::Path::new(&parent).exists());
    // The grandchild is init's to reap; a zombie counts as gone.
    until("the grandchild's end", Duration::from_secs(5), || async {
        let stat = std::fs::read_to_string(&child).unwrap_or_default();
        let state = stat.rsplit_once(')').map_or("Z", |(_, rest)| rest.trim());
        Ok(state.starts_with('Z').then_some(()))
    })
    .await
}

#[tokio::test]
async fn namespaces_go_with_their_handle() -> Result<()> {
    if skipped(netns::refusal()) {
        return Ok(());
    }
    let place = Netns::new("short")?;
    let name = place.name().to_owned();
    let inside: Arc<Netns> = place.clone();
    place.runtime()?.spawn(async move { drop(inside) }).await?;
    drop(place);
    assert!(!weft_lab::command::run("ip", &["netns", "list"])?.contains(&name));
    Ok(())
}
