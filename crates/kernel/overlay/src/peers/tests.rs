use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::*;

fn key(seed: u8) -> PeerKey {
    let secret = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
    PeerKey::from_bytes(secret.verifying_key().to_bytes()).unwrap()
}

fn address(n: u32) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::from(0x0100_0000 + n)), 6881)
}

fn t(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms)
}

fn connected(path: PathKind, remote: Option<SocketAddr>) -> Observation {
    Observation::Connected { path, direction: Direction::Out, remote }
}

#[test]
fn attempts_are_in_vain_until_one_of_ours_leads_to_a_connection() {
    let table = PeerTable::new();
    let peer = PeerId::Key(key(1));
    let in_vain = || table.tried_in_vain(&peer, PathKind::Tls);
    assert_eq!(in_vain(), 0);
    table.observe_at(peer, Observation::Attempt { path: PathKind::Tls }, t(1));
    table.observe_at(peer, Observation::Attempt { path: PathKind::Direct }, t(2));
    let theirs = Observation::Connected { path: PathKind::Tls, direction: Direction::In, remote: None };
    table.observe_at(peer, theirs, t(3));
    assert_eq!(in_vain(), 1);
    table.observe_at(peer, connected(PathKind::Tls, Some(address(1))), t(4));
    assert_eq!(in_vain(), 0);
}

#[test]
fn a_connections_life_is_told() {
    let table = PeerTable::new();
    let peer = PeerId::Key(key(1));
    table.observe_at(peer, Observation::Attempt { path: PathKind::Relayed }, t(1));
    table.observe_at(peer, connected(PathKind::Relayed, None), t(2));
    let relay = Some("https://relay.example/".to_owned());
    table.observe_at(peer, Observation::Via(relay.clone()), t(2));
    assert_eq!(table.get(&peer).unwrap().via_relay, relay);
    table.observe_at(peer, connected(PathKind::Tls, Some(address(1))), t(3));
    assert_eq!(table.get(&peer).unwrap().via_relay, None, "the path in use is not the relayed one");
    table.observe_at(peer, Observation::Moved { from: PathKind::Relayed, to: PathKind::Direct }, t(4));
    let meter = table.meter(peer);
    meter.received(PathKind::Tls, 100);
    meter.sent(PathKind::Direct, 7);
    table.observe_at(peer, Observation::Disconnected { path: PathKind::Tls }, t(5));

    let seen = table.get(&peer).unwrap();
    assert_eq!((seen.connections, seen.path, seen.connected_since_ms), (1, Some(PathKind::Direct), Some(2)));
    assert_eq!((seen.bytes_in, seen.bytes_out), (100, 7));
    assert_eq!(seen.addresses[0].worked_ms, Some(3));
    let kinds: Vec<_> = seen.paths.iter().map(|p| (p.path, p.open)).collect();
    assert_eq!(kinds, vec![(PathKind::Tls, 0), (PathKind::Direct, 1), (PathKind::Relayed, 0)]);

    table.observe_at(peer, Observation::Disconnected { path: PathKind::Direct }, t(6));
    let seen = table.get(&peer).unwrap();
    assert_eq!((seen.connections, seen.path, seen.connected_since_ms, seen.last_seen_ms), (0, None, None, 6));
}

#[test]
fn round_trips_are_smoothed_and_the_shortest_kept() {
    let table = PeerTable::new();
    let peer = PeerId::Address(address(1));
    for ms in [40, 40, 120] {
        table.observe_at(peer, Observation::Rtt(Duration::from_millis(ms)), t(ms));
    }
    let seen = table.get(&peer).unwrap();
    assert_eq!(seen.rtt_ms, Some(50.0));
    assert_eq!(seen.rtt_min_ms, Some(40.0));
    table.observe_at(peer, Observation::Served { bytes: 1000, took: Duration::ZERO }, t(9));
    assert!(table.get(&peer).unwrap().served_bytes_per_s.unwrap().is_finite());
}

#[test]
fn failures_are_counted_until_a_success() {
    let table = PeerTable::new();
    let peer = PeerId::Key(key(1));
    let failed = |reason: &str| Observation::Failed { path: PathKind::Tls, reason: reason.into() };
    table.observe_at(peer, failed("refused"), t(1));
    table.observe_at(peer, failed("\u{1b}[31mtimed out"), t(2));
    let seen = table.get(&peer).unwrap();
    assert_eq!(seen.failures_in_a_row, 2);
    assert_eq!(seen.last_failure.unwrap().reason, "[31mtimed out", "nothing that drives a terminal");
    table.observe_at(peer, connected(PathKind::Tls, None), t(3));
    assert_eq!(table.get(&peer).unwrap().failures_in_a_row, 0);
}

#[test]
fn addresses_that_worked_come_first_and_the_users_stay() {
    let table = PeerTable::new();
    let peer = PeerId::Key(key(1));
    let heard = |n, origin| Observation::Address { address: address(n), origin };
    table.observe_at(peer, heard(0, Origin::User), t(1));
    table.observe_at(peer, heard(0, Origin::Stranger), t(2));
    table.observe_at(peer, connected(PathKind::Tls, Some(address(1))), t(3));
    for n in 2..100 {
        table.observe_at(peer, heard(n, Origin::Stranger), t(10 + u64::from(n)));
    }
    let addresses = table.addresses(&peer);
    assert_eq!(addresses.len(), MAX_ADDRESSES);
    assert_eq!(addresses[0].0, address(1));
    assert_eq!(addresses[1].0, address(99), "then the latest heard");
    assert!(addresses.contains(&(address(0), Origin::User)), "what the user gave is not pushed out by strangers");
}

#[test]
fn the_port_of_an_incoming_connection_is_no_address() {
    let table = PeerTable::new();
    let peer = PeerId::Key(key(1));
    let incoming = Observation::Connected { path: PathKind::Tls, direction: Direction::In, remote: Some(address(1)) };
    table.observe_at(peer, incoming, t(1));
    assert!(table.addresses(&peer).is_empty());
}

#[test]
fn a_flood_of_strangers_pushes_out_no_contact_and_no_connection() {
    let table = PeerTable::new();
    table.observe_at(PeerId::Key(key(1)), Observation::Contact(true), t(1));
    table.observe_at(PeerId::Key(key(2)), connected(PathKind::Direct, None), t(1));
    for n in 0..(MAX_PEERS as u32 + 100) {
        table.observe_at(PeerId::Address(address(n)), Observation::Agent("x".into()), t(10 + u64::from(n)));
    }
    assert_eq!(table.len(), MAX_PEERS);
    assert!(table.get(&PeerId::Key(key(1))).is_some() && table.get(&PeerId::Key(key(2))).is_some());
    assert!(table.get(&PeerId::Address(address(0))).is_none(), "the longest unseen stranger made room");
}

#[test]
fn what_a_peer_says_is_bounded() {
    let table = PeerTable::new();
    let peer = PeerId::Key(key(1));
    table.observe_at(peer, Observation::Agent("é".repeat(10_000)), t(1));
    table.observe_at(peer, Observation::Hello((0..100).map(|n| (n.to_string(), "v".repeat(10_000))).collect()), t(1));
    for n in 0..100 {
        table.observe_at(peer, Observation::Relay(format!("https://r{n}")), t(1));
    }
    table.observe_at(peer, Observation::Relay("x".repeat(MAX_TEXT + 1)), t(1));
    let seen = table.get(&peer).unwrap();
    assert_eq!(seen.agent.unwrap().chars().count(), MAX_TEXT);
    assert_eq!(seen.hello.len(), MAX_HELLO);
    assert!(seen.hello.values().all(|v| v.len() <= MAX_TEXT));
    assert_eq!(seen.relays, ["https://r99", "https://r98", "https://r97", "https://r96"]);
}

#[test]
fn the_snapshot_is_plain_json() {
    let table = PeerTable::new();
    table.observe_at(PeerId::Key(key(1)), connected(PathKind::Tls, Some(address(1))), t(1));
    let json = serde_json::to_value(table.snapshot()).unwrap();
    assert_eq!(json[0]["path"], "tls");
    assert_eq!(json[0]["key"], key(1).to_string());
    assert_eq!(json[0]["addresses"][0]["origin"], "stranger");
}

fn observations() -> impl Strategy<Value = Observation> {
    let path = || prop::sample::select(PathKind::ALL.to_vec());
    prop_oneof![
        path().prop_map(|path| Observation::Attempt { path }),
        path().prop_map(|path| connected(path, None)),
        path().prop_map(|path| Observation::Disconnected { path }),
        (path(), path()).prop_map(|(from, to)| Observation::Moved { from, to }),
        (path(), ".{0,10}").prop_map(|(path, reason)| Observation::Failed { path, reason }),
        any::<u32>().prop_map(|ms| Observation::Rtt(Duration::from_millis(ms.into()))),
        any::<bool>().prop_map(Observation::Contact),
    ]
}

proptest! {
    #[test]
    fn no_order_of_observations_breaks_a_record(all in prop::collection::vec((0u8..4, observations()), 0..200)) {
        let table = PeerTable::new();
        for (n, (peer, what)) in all.into_iter().enumerate() {
            table.observe_at(PeerId::Key(key(peer)), what, t(n as u64));
        }
        for seen in table.snapshot() {
            prop_assert_eq!(seen.connections == 0, seen.connected_since_ms.is_none());
            prop_assert!(seen.connections > 0 || seen.path.is_none());
        }
    }
}
