use std::collections::HashMap;

use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;

fn guard(scope: Scope, lan: &[&str]) -> AddressGuard {
    AddressGuard::new(scope, lan.iter().map(|net| net.parse().unwrap()).collect())
}

fn public() -> AddressGuard {
    guard(Scope::Public, &["192.168.7.0/24", "fd00:7::/64"])
}

fn at(ip: impl Into<IpAddr>) -> SocketAddr {
    SocketAddr::new(ip.into(), 6881)
}

/// Every special IPv4 range a stranger must not name, as the IANA registry lists them.
const SPECIAL_V4: [&str; 17] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "255.255.255.255/32",
    "233.252.0.0/24",
];

/// Every special IPv6 range likewise.
const SPECIAL_V6: [&str; 14] = [
    "::/128",
    "::1/128",
    "::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
    "4000::/2",
];

fn special_v4(ip: Ipv4Addr) -> bool {
    SPECIAL_V4.iter().any(|net| net.parse::<Ipv4Net>().unwrap().contains(&ip))
}

fn special_v6(ip: Ipv6Addr) -> bool {
    SPECIAL_V6.iter().any(|net| net.parse::<Ipv6Net>().unwrap().contains(&ip))
}

/// The four ways an IPv4 address hides in an IPv6 one.
fn disguises(v4: Ipv4Addr) -> [Ipv6Addr; 3] {
    let [a, b, c, d] = v4.octets().map(u16::from);
    let (high, low) = (a << 8 | b, c << 8 | d);
    [
        v4.to_ipv6_mapped(),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
    ]
}

#[test]
fn both_ends_and_the_neighbours_of_every_special_range() {
    let guard = public();
    for net in SPECIAL_V4 {
        let net: Ipv4Net = net.parse().unwrap();
        for ip in [net.network(), net.broadcast()] {
            assert!(!guard.allows(at(ip), Origin::Stranger), "{ip}");
            for disguise in disguises(ip) {
                assert!(!guard.allows(at(disguise), Origin::Stranger), "{disguise}");
            }
        }
        let before = u32::from(net.network()).checked_sub(1).map(Ipv4Addr::from);
        let after = u32::from(net.broadcast()).checked_add(1).map(Ipv4Addr::from);
        for ip in [before, after].into_iter().flatten().filter(|ip| !special_v4(*ip)) {
            assert!(guard.allows(at(ip), Origin::Stranger), "{ip} is a public neighbour of {net}");
        }
    }
    for net in SPECIAL_V6 {
        let net: Ipv6Net = net.parse().unwrap();
        for ip in [net.network(), net.broadcast()] {
            assert!(!guard.allows(at(ip), Origin::Stranger), "{ip}");
        }
    }
}

#[test]
fn every_slash_16_agrees_with_the_table() {
    // All of IPv4 at /16 steps, three hosts each.
    let guard = public();
    for high in 0..=u16::MAX {
        let [a, b] = high.to_be_bytes();
        for (c, d) in [(0, 1), (2, 9), (255, 254)] {
            let ip = Ipv4Addr::new(a, b, c, d);
            assert_eq!(guard.allows(at(ip), Origin::Stranger), !special_v4(ip), "{ip}");
        }
    }
}

#[test]
fn public_peers_pass() {
    let guard = public();
    for address in ["8.8.8.8:1", "93.184.216.34:6881", "[2606:4700::1111]:443", "[2a00:1450:4001::200e]:1"] {
        guard.check(address.parse().unwrap(), Origin::Stranger).unwrap();
    }
    assert!(guard.check("[64:ff9b::808:808]:1".parse().unwrap(), Origin::Stranger).is_ok(), "NAT64 of a public one");
}

#[test]
fn the_user_may_name_what_a_stranger_may_not() {
    let guard = public();
    for address in ["127.0.0.1:1", "10.0.0.1:1", "[::1]:1", "[fd00::1]:1", "169.254.1.1:1"] {
        let address = address.parse().unwrap();
        guard.check(address, Origin::User).unwrap();
        assert!(matches!(guard.check(address, Origin::Stranger), Err(GuardError::NotPublic { .. })), "{address}");
    }
    for address in ["0.0.0.0:1", "224.0.0.1:1", "255.255.255.255:1", "[::]:1", "[ff02::1]:1", "8.8.8.8:0"] {
        let address = address.parse().unwrap();
        for origin in [Origin::User, Origin::Stranger, Origin::Lan] {
            assert!(matches!(guard.check(address, origin), Err(GuardError::NeverDialled { .. })), "{address}");
        }
    }
}

#[test]
fn the_lan_names_its_own_subnet_only() {
    let guard = public();
    for (address, allowed) in [
        ("192.168.7.20:1", true),
        ("[fd00:7::20]:1", true),
        ("[fe80::1]:1", true),
        ("169.254.9.9:1", true),
        ("192.168.8.20:1", false),
        ("10.0.0.1:1", false),
        ("127.0.0.1:1", false),
        ("[::1]:1", false),
        ("8.8.8.8:1", true),
    ] {
        let address: SocketAddr = address.parse().unwrap();
        assert_eq!(guard.allows(address, Origin::Lan), allowed, "{address}");
    }
    assert!(!guard.allows("192.168.7.20:1".parse().unwrap(), Origin::Stranger));
    assert_eq!(guard.origin_of("192.168.7.3".parse().unwrap()), Origin::Lan);
    assert_eq!(guard.origin_of("::ffff:192.168.7.3".parse().unwrap()), Origin::Lan);
    assert_eq!(guard.origin_of("8.8.8.8".parse().unwrap()), Origin::Stranger);
    assert_eq!(guard.origin_of("127.0.0.1".parse().unwrap()), Origin::Stranger);
}

#[test]
fn a_loopback_subnet_in_the_list_is_still_not_the_lan() {
    let guard = guard(Scope::Public, &["127.0.0.0/8"]);
    assert!(!guard.allows("127.0.0.1:1".parse().unwrap(), Origin::Lan));
}

#[test]
fn a_private_network_is_where_it_says() {
    let anywhere = guard(Scope::Private { nets: vec![] }, &[]);
    assert!(anywhere.allows("127.1.2.3:1".parse().unwrap(), Origin::Stranger));
    assert!(!anywhere.allows("224.0.0.1:1".parse().unwrap(), Origin::Stranger));
    let there = guard(Scope::Private { nets: vec!["10.9.0.0/16".parse().unwrap()] }, &[]);
    assert!(there.allows("10.9.1.1:1".parse().unwrap(), Origin::Stranger));
    assert!(there.allows("[::ffff:10.9.1.1]:1".parse().unwrap(), Origin::Stranger));
    assert!(!there.allows("10.8.1.1:1".parse().unwrap(), Origin::Stranger));
    assert!(!there.allows("127.0.0.1:1".parse().unwrap(), Origin::Stranger));
    assert!(there.allows("8.8.8.8:1".parse().unwrap(), Origin::Stranger), "members may be reachable publicly");
}

#[test]
fn this_machines_subnets_hold_no_loopback() {
    for net in local_subnets() {
        assert!(!net.addr().is_loopback(), "{net}");
    }
}

/// A name server that gives each name its list in turn: what a rebinding attacker runs.
#[derive(Default)]
struct Rebinding {
    answers: Mutex<HashMap<String, Vec<Vec<&'static str>>>>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl ResolveHost for Rebinding {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.asked.lock().push(host.to_owned());
        let mut answers = self.answers.lock();
        let list = answers.get_mut(host).ok_or(io::ErrorKind::NotFound)?;
        let answer = if list.len() > 1 { list.remove(0) } else { list[0].clone() };
        Ok(answer.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), port)).collect())
    }
}

#[tokio::test]
async fn names_are_checked_by_what_they_resolve_to() {
    let dns = Arc::new(Rebinding::default());
    dns.answers.lock().extend([
        ("tracker.example".to_owned(), vec![vec!["8.8.8.8"], vec!["127.0.0.1"]]),
        ("mixed.example".to_owned(), vec![vec!["10.0.0.1", "8.8.4.4", "::1", "8.8.4.4"]]),
        ("empty.example".to_owned(), vec![vec![]]),
        ("router.local".to_owned(), vec![vec!["192.168.7.1"]]),
    ]);
    let guard = public().with_resolver(Arc::clone(&dns) as Arc<dyn ResolveHost>);
    let stranger = Origin::Stranger;
    assert_eq!(
        guard.resolve_checked("Tracker.example.", 80, stranger).await.unwrap(),
        vec!["8.8.8.8:80".parse().unwrap()]
    );
    let rebound = guard.resolve_checked("tracker.example", 80, stranger).await;
    assert!(matches!(rebound, Err(GuardError::NotPublic { .. })), "{rebound:?}");
    let mixed = guard.resolve_checked("mixed.example", 80, stranger).await.unwrap();
    assert_eq!(mixed, vec!["8.8.4.4:80".parse().unwrap()]);
    assert!(matches!(guard.resolve_checked("empty.example", 1, stranger).await, Err(GuardError::NoAddress { .. })));
    assert!(matches!(guard.resolve_checked("none.example", 1, stranger).await, Err(GuardError::Resolve { .. })));

    dns.asked.lock().clear();
    for host in ["127.0.0.1", "[::1]", "::1", "localhost", "a.localhost", "printer.local", "x.internal", "a.onion"] {
        let answer = guard.resolve_checked(host, 80, stranger).await;
        assert!(
            matches!(answer, Err(GuardError::NotPublic { .. } | GuardError::SpecialName { .. })),
            "{host} {answer:?}"
        );
    }
    assert!(guard.resolve_checked("a.onion", 80, Origin::User).await.is_err());
    assert!(guard.resolve_checked("", 80, stranger).await.is_err());
    assert!(guard.resolve_checked(&"a".repeat(300), 80, stranger).await.is_err());
    assert!(dns.asked.lock().is_empty(), "none of these may reach a name server");
    assert!(guard.resolve_checked("router.local", 80, Origin::User).await.is_ok());
}

#[tokio::test]
async fn number_spellings_of_loopback_do_not_slip_through() {
    // The system's resolver reads these as addresses (inet_aton); it asks no server for them.
    let guard = public();
    for host in ["2130706433", "0x7f.1", "127.1", "0177.0.0.1"] {
        assert!(guard.resolve_checked(host, 80, Origin::Stranger).await.is_err(), "{host}");
    }
}

#[test]
fn hosts_from_outside_print_safely() {
    let shown = shown("evil\u{1b}[2J\u{202e}host");
    assert!(shown.is_ascii() && !shown.contains('\u{1b}'));
}

proptest! {
    #[test]
    fn v4_agrees_with_the_table(bits: u32) {
        let ip = Ipv4Addr::from(bits);
        prop_assert_eq!(public().allows(at(ip), Origin::Stranger), !special_v4(ip));
    }

    #[test]
    fn no_disguise_helps(bits: u32) {
        let ip = Ipv4Addr::from(bits);
        let plain = public().allows(at(ip), Origin::Stranger);
        for disguise in disguises(ip) {
            prop_assert_eq!(public().allows(at(disguise), Origin::Stranger), plain, "{}", disguise);
        }
    }

    #[test]
    fn special_v6_is_never_followed(net in 0..SPECIAL_V6.len(), host: u128) {
        let net: Ipv6Net = SPECIAL_V6[net].parse().unwrap();
        let ip = Ipv6Addr::from(u128::from(net.network()) | (host & u128::from(net.hostmask())));
        // A mapped IPv4 address is in ::/80 only as itself; it is the other test's.
        prop_assume!(ip.to_ipv4_mapped().is_none());
        prop_assert!(!public().allows(at(ip), Origin::Stranger), "{}", ip);
    }

    #[test]
    fn assigned_global_unicast_v6_is(host: u128) {
        let ip = Ipv6Addr::from((host >> 3) | (1 << 125));
        prop_assume!(!special_v6(ip) && ip.segments()[0] != 0x2002);
        prop_assert!(public().allows(at(ip), Origin::Stranger), "{}", ip);
    }

    #[test]
    fn the_user_is_never_more_restricted(bits: u128, port: u16) {
        let address = SocketAddr::new(Ipv6Addr::from(bits).into(), port);
        if public().allows(address, Origin::Stranger) {
            prop_assert!(public().allows(address, Origin::User) && public().allows(address, Origin::Lan));
        }
    }
}
