//! TCP and TLS links end to end on loopback: one port, two protocols, hostile and ordinary ends.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use weft_identity::DeviceSecret;
use weft_overlay::congestion::Congestion;
use weft_overlay::guard::{AddressGuard, Origin, Scope};
use weft_overlay::limits::{LimitConfig, Limits};
use weft_overlay::listener::{Listener, ListenerConfig, ListenerParts};
use weft_overlay::peers::{PeerId, PeerTable};
use weft_overlay::registry::HandlerRegistry;
use weft_overlay::tcp::{self, TcpLink, TcpOptions};
use weft_overlay::tcp_dial::TcpDialer;
use weft_overlay::tls::{NetworkTag, TlsEndpoint};
use weft_overlay::{BoxLink, ConnectError, LinkHandler, PathKind, PeerKey, StreamType};

const ECHO: StreamType = StreamType::new("echo/1");
const SOON: Duration = Duration::from_secs(10);
const HANDSHAKE: &[u8; 20] = b"\x13BitTorrent protocol";

/// Hands links to the test.
struct Inbox(mpsc::UnboundedSender<BoxLink>);

impl LinkHandler for Inbox {
    fn accept(&self, link: BoxLink) {
        let _ = self.0.send(link);
    }
}

/// A node's TCP side.
struct Node {
    key: PeerKey,
    parts: ListenerParts,
    dialer: TcpDialer,
    listener: Listener,
    at: SocketAddr,
    echo: mpsc::UnboundedReceiver<BoxLink>,
    plain: mpsc::UnboundedReceiver<BoxLink>,
}

fn local() -> ListenerConfig {
    ListenerConfig::at(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)
}

fn node(seed: u8) -> Node {
    node_with(seed, local(), "private/test")
}

fn node_with(seed: u8, config: ListenerConfig, network: &str) -> Node {
    let tls = TlsEndpoint::new(&DeviceSecret::from_bytes(&[seed; 32]), NetworkTag::of(network)).unwrap();
    let parts = ListenerParts {
        registry: HandlerRegistry::new(),
        limits: Limits::new(LimitConfig::default()),
        tls: tls.clone(),
        peers: PeerTable::new(),
    };
    let (echo_in, echo) = mpsc::unbounded_channel();
    let (plain_in, plain) = mpsc::unbounded_channel();
    parts.registry.serve(ECHO, Arc::new(Inbox(echo_in)));
    parts.registry.serve_plain(Arc::new(Inbox(plain_in)));
    let listener = Listener::bind(config, parts.clone()).unwrap();
    let at = listener.local_addrs()[0];
    let dialer = TcpDialer {
        guard: AddressGuard::new(Scope::Private { nets: vec![] }, vec![]),
        limits: parts.limits.clone(),
        tls: tls.clone(),
        peers: parts.peers.clone(),
        options: TcpOptions::default(),
    };
    Node { key: tls.key(), parts, dialer, listener, at, echo, plain }
}

async fn dial(from: &Node, to: &Node) -> Result<BoxLink, ConnectError> {
    from.dialer.tls(to.key, to.at, Origin::Stranger, ECHO, SOON).await
}

async fn next(inbox: &mut mpsc::UnboundedReceiver<BoxLink>) -> BoxLink {
    tokio::time::timeout(SOON, inbox.recv()).await.expect("a link in time").expect("a link")
}

/// Waits until something is so, or fails.
async fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !so() {
        assert!(Instant::now() < deadline, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn tls_pair() -> (BoxLink, BoxLink) {
    let (a, mut b) = (node(1), node(2));
    let client = dial(&a, &b).await.unwrap();
    (client, next(&mut b.echo).await)
}

async fn tcp_pair() -> (BoxLink, BoxLink) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = tcp::connect(listener.local_addr().unwrap(), &TcpOptions::default()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    (Box::new(TcpLink::new(client)), Box::new(TcpLink::new(server)))
}

#[tokio::test]
async fn both_keys_are_proven() {
    let (a, mut b) = (node(1), node(2));
    let mut client = dial(&a, &b).await.unwrap();
    let mut server = next(&mut b.echo).await;
    assert_eq!((client.info().peer, client.info().path), (Some(b.key), PathKind::Tls));
    assert_eq!((server.info().peer, server.info().path), (Some(a.key), PathKind::Tls));
    client.write_all(b"ping").await.unwrap();
    client.flush().await.unwrap();
    let mut heard = [0; 4];
    server.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"ping");
    assert_eq!(b.listener.counts().tls, 1);
}

#[tokio::test]
async fn what_happened_stands_in_the_peer_table() {
    let (a, mut b) = (node(1), node(2));
    let mut client = a.dialer.tls(b.key, b.at, Origin::User, ECHO, SOON).await.unwrap();
    let mut server = next(&mut b.echo).await;
    client.write_all(&[1; 1000]).await.unwrap();
    server.read_exact(&mut [0; 1000]).await.unwrap();
    let seen = a.parts.peers.get(&PeerId::Key(b.key)).unwrap();
    assert_eq!((seen.connections, seen.bytes_out, seen.path), (1, 1000, Some(PathKind::Tls)));
    assert_eq!((seen.addresses[0].address, seen.addresses[0].origin), (b.at, "user"));
    assert!(seen.addresses[0].worked_ms.is_some());
    let seen = b.parts.peers.get(&PeerId::Key(a.key)).unwrap();
    assert_eq!((seen.connections, seen.bytes_in, seen.addresses.len()), (1, 1000, 0));
    assert_eq!((a.parts.limits.open(), b.parts.limits.open()), (1, 1));
    drop((client, server));
    assert_eq!((a.parts.limits.open(), b.parts.limits.open()), (0, 0), "dropped links give their places back");
    assert_eq!(a.parts.peers.get(&PeerId::Key(b.key)).unwrap().connections, 0);
}

#[tokio::test]
async fn another_peer_at_the_address_is_refused() {
    let (a, b, c) = (node(1), node(2), node(3));
    let refused = a.dialer.tls(c.key, b.at, Origin::Stranger, ECHO, SOON).await.err();
    assert!(matches!(refused, Some(ConnectError::WrongPeer { expected }) if expected == c.key), "{refused:?}");
    eventually("the failure is counted", || b.listener.counts().tls_failed == 1).await;
    let seen = a.parts.peers.get(&PeerId::Key(c.key)).unwrap();
    assert!(seen.last_failure.unwrap().reason.contains("another key"));
    assert_eq!(b.parts.peers.len(), 0, "a stranger's try leaves nothing behind");
}

#[tokio::test]
async fn a_role_is_answered_only_while_it_is_offered() {
    let (a, mut b) = (node(1), node(2));
    let ask = || a.dialer.role(b.at, Origin::Stranger, ECHO, SOON);
    assert!(ask().await.is_err(), "no role, no key");
    b.parts.tls.offer_role(true);
    let (learnt, client) = ask().await.unwrap();
    assert_eq!((learnt, client.info().peer), (b.key, Some(b.key)));
    let shown = next(&mut b.echo).await.info().peer.unwrap();
    assert_ne!(shown, a.key, "who asks a stranger shows a throwaway");
    let (_, _second) = ask().await.unwrap();
    assert_ne!(next(&mut b.echo).await.info().peer.unwrap(), shown, "and another one every time");
    b.parts.tls.offer_role(false);
    assert!(ask().await.is_err());
    assert!(dial(&a, &b).await.is_ok(), "who knows the key needs no role");
}

#[tokio::test]
async fn plain_and_tls_share_the_port() {
    let (a, mut b) = (node(1), node(2));
    let mut client = a.dialer.plain(b.at, Origin::Stranger, SOON).await.unwrap();
    client.write_all(&[HANDSHAKE, &b"and more"[..]].concat()).await.unwrap();
    let mut server = next(&mut b.plain).await;
    assert_eq!((server.info().peer, server.info().path), (None, PathKind::Tcp));
    // The opening is there once more, whatever the shape of the plan.
    let (mut one, mut two, mut three) = ([0; 1], [0; 18], [0; 9]);
    let mut parts = [&mut one[..], &mut two[..], &mut three[..]];
    for part in &mut parts {
        server.read_exact(part).await.unwrap();
    }
    assert_eq!(parts.concat(), [HANDSHAKE, &b"and more"[..]].concat());
    assert!(dial(&a, &b).await.is_ok());
    next(&mut b.echo).await;
    let counts = b.listener.counts();
    assert_eq!((counts.plain, counts.tls, counts.undecided), (1, 1, 0));
}

#[tokio::test]
async fn what_is_neither_is_closed() {
    let b = node(2);
    for opening in [&b"GET / HTTP/1.1\r\n"[..], b"\x13BitTorrent protocoX", b"\x00", b"SSH-2.0"] {
        let mut client = TcpStream::connect(b.at).await.unwrap();
        client.write_all(opening).await.unwrap();
        let mut said = Vec::new();
        let ended = tokio::time::timeout(SOON, client.read_to_end(&mut said)).await.unwrap();
        assert!(said.is_empty() && ended.map_or_else(|e| e.kind() == io::ErrorKind::ConnectionReset, |_| true));
    }
    b.parts.registry.unserve_plain();
    let mut client = TcpStream::connect(b.at).await.unwrap();
    client.write_all(HANDSHAKE).await.unwrap();
    let mut said = Vec::new();
    let _ = tokio::time::timeout(SOON, client.read_to_end(&mut said)).await.unwrap();
    assert!(said.is_empty());
    let counts = b.listener.counts();
    assert_eq!((counts.unknown, counts.plain), (5, 0));
}

#[tokio::test]
async fn services_are_refused_by_name_while_off() {
    let (a, b) = (node(1), node(2));
    b.parts.registry.unserve(ECHO);
    let refused = dial(&a, &b).await.err();
    assert!(matches!(refused, Some(ConnectError::NotServed { purpose, .. }) if purpose == ECHO), "{refused:?}");
    assert_eq!(b.parts.limits.open(), 0);
    let (inbox, _links) = mpsc::unbounded_channel();
    b.parts.registry.serve(ECHO, Arc::new(Inbox(inbox)));
    assert!(dial(&a, &b).await.is_ok(), "switched on at run time");
}

#[tokio::test]
async fn another_network_is_told_apart() {
    let (a, b) = (node_with(1, local(), "private/a"), node_with(2, local(), "private/b"));
    let refused = dial(&a, &b).await.err();
    assert!(matches!(refused, Some(ConnectError::WrongNetwork(_))), "{refused:?}");
}

#[tokio::test]
async fn lists_and_bounds_hold_on_both_sides() {
    let (a, mut b) = (node(1), node(2));
    b.parts.limits.modify(|c| {
        c.deny_keys.insert(a.key);
    });
    let refused = dial(&a, &b).await.err().unwrap();
    let source = std::error::Error::source(&refused).unwrap().to_string();
    assert!(source.contains("blocks this node"), "{source}");
    assert!(matches!(dial(&b, &a).await.err(), Some(ConnectError::Blocked(_))), "nor do we dial whom we deny");

    b.parts.limits.modify(|c| {
        c.deny_keys.clear();
        c.max_per_peer = 1;
    });
    let _first = dial(&a, &b).await.unwrap();
    let _held = next(&mut b.echo).await;
    let busy = dial(&a, &b).await.err().unwrap();
    assert!(std::error::Error::source(&busy).unwrap().to_string().contains("too many"), "{busy:?}");

    b.parts.limits.modify(|c| c.deny_nets.push("127.0.0.0/8".parse().unwrap()));
    assert!(dial(&a, &b).await.is_err());
    assert!(b.listener.counts().blocked >= 1);
    assert_eq!(a.parts.limits.open(), 1, "failed attempts hold no place");
}

#[tokio::test]
async fn a_strangers_private_address_is_not_dialled_on_a_public_network() {
    let (mut a, b) = (node(1), node(2));
    a.dialer.guard = AddressGuard::new(Scope::Public, vec!["127.0.0.0/8".parse().unwrap()]);
    for origin in [Origin::Stranger, Origin::Lan] {
        let plain = a.dialer.plain(b.at, origin, SOON).await.err();
        assert!(matches!(plain, Some(ConnectError::AddressRefused(_))), "{plain:?}");
        let tls = a.dialer.tls(b.key, b.at, origin, ECHO, SOON).await.err();
        assert!(matches!(tls, Some(ConnectError::AddressRefused(_))), "{tls:?}");
        let role = a.dialer.role(b.at, origin, ECHO, SOON).await.err();
        assert!(matches!(role, Some(ConnectError::AddressRefused(_))), "{role:?}");
    }
    let typed = a.dialer.tls(b.key, b.at, Origin::User, ECHO, SOON).await;
    assert!(typed.is_ok(), "the user may");
    assert_eq!(b.listener.counts().accepted, 1, "and nothing else ever arrived");
}

#[tokio::test]
async fn those_who_say_nothing_fill_only_their_own_places() {
    let config = ListenerConfig { max_undecided_per_net: 4, decide_within: Duration::from_millis(400), ..local() };
    let (a, mut b) = (node(1), node_with(2, config, "private/test"));
    // Silent, a byte of each protocol, and half a record.
    let openings = [&b""[..], b"\x13", b"\x16", b"\x16\x03\x01\x02\x00\x01"];
    let mut slow = Vec::new();
    for n in 0..20 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.77.1.1:0".parse().unwrap()).unwrap();
        let mut stream = socket.connect(b.at).await.unwrap();
        let _ = stream.write_all(openings[n % 4]).await;
        slow.push(stream);
    }
    eventually("all are seen", || b.listener.counts().accepted == 20).await;
    let counts = b.listener.counts();
    assert!(counts.undecided <= 4, "{counts:?}");
    assert_eq!(counts.crowded_out, 16);
    // Others are served meanwhile.
    let _link = dial(&a, &b).await.unwrap();
    let _held = next(&mut b.echo).await;
    eventually("the slow are closed", || b.listener.counts().undecided == 0).await;
    assert_eq!(b.listener.counts().timed_out, 4);
    for stream in &mut slow {
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut rest)).await.expect("closed");
    }
    assert_eq!(b.parts.limits.open(), 1, "none of them held a connection's place");
}

#[tokio::test]
async fn a_flood_of_accepts_is_slowed_and_the_listener_lives() {
    let config = ListenerConfig { max_accepts_per_second_per_net: 10, ..local() };
    let (mut a, mut b) = (node(1), node_with(2, config, "private/test"));
    for _ in 0..40 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.78.1.1:0".parse().unwrap()).unwrap();
        drop(socket.connect(b.at).await);
    }
    eventually("all are seen", || b.listener.counts().accepted == 40).await;
    assert!(b.listener.counts().crowded_out > 0);
    a.dialer.options.source = Some("127.79.1.1".parse().unwrap());
    let _link = dial(&a, &b).await.unwrap();
    let remote = next(&mut b.echo).await.info().remote.unwrap();
    assert_eq!(remote.ip().to_string(), "127.79.1.1", "the source address asked for");
}

#[tokio::test]
async fn nobody_there_is_said_in_time() {
    let a = node(1);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = a.dialer.plain(free, Origin::Stranger, SOON).await.err();
    assert!(matches!(refused, Some(ConnectError::Transport { .. })), "{refused:?}");
    // Accepts, and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let within = Duration::from_millis(200);
    let key = node(2).key;
    let tried = a.dialer.tls(key, silent.local_addr().unwrap(), Origin::Stranger, ECHO, within).await.err();
    assert!(matches!(tried, Some(ConnectError::TimedOut { after, .. }) if after == within), "{tried:?}");
    assert_eq!(a.parts.limits.open(), 0);
}

#[tokio::test]
async fn shutting_down_frees_the_port_and_spares_the_links() {
    let (a, mut b) = (node(1), node(2));
    let mut client = dial(&a, &b).await.unwrap();
    let mut server = next(&mut b.echo).await;
    let _undecided = TcpStream::connect(b.at).await.unwrap();
    eventually("it is seen", || b.listener.counts().undecided == 1).await;
    tokio::time::timeout(SOON, b.listener.shutdown()).await.unwrap();
    assert!(TcpStream::connect(b.at).await.is_err());
    client.write_all(b"still").await.unwrap();
    server.read_exact(&mut [0; 5]).await.unwrap();
    let again = ListenerConfig::at(b.at.ip(), b.at.port());
    assert!(Listener::bind(again, b.parts.clone()).is_ok());
}

#[tokio::test]
async fn either_side_may_end_first() {
    for (mut a, mut b) in [tcp_pair().await, tls_pair().await] {
        a.write_all(b"last words").await.unwrap();
        a.close().await.unwrap();
        a.close().await.unwrap();
        let mut heard = [0; 10];
        b.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"last words");
        assert_eq!(b.read_vectored(&mut [IoSliceMut::new(&mut [0; 8])]).await.unwrap(), 0);
        assert_eq!(b.read_vectored(&mut [IoSliceMut::new(&mut [0; 8])]).await.unwrap(), 0, "and stays ended");
        // The other direction is open still.
        let reading = async {
            let mut answer = vec![0; 300_000];
            a.read_exact(&mut answer).await.map(|()| answer)
        };
        let writing = async {
            b.write_all(&[9; 300_000]).await?;
            b.flush().await
        };
        let (answer, written) = tokio::join!(reading, writing);
        written.unwrap();
        assert!(answer.unwrap().iter().all(|byte| *byte == 9));
        assert!(a.write_all(b"x").await.is_err(), "what is closed is closed");
        b.close().await.unwrap();
        assert_eq!(a.read_vectored(&mut [IoSliceMut::new(&mut [0; 8])]).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_stream_cut_off_is_no_end() {
    // TLS can tell; plain TCP cannot and its protocols do.
    let (a, mut b) = (node(1), node(2));
    let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (at, beyond) = (proxy.local_addr().unwrap(), b.at);
    let relay = tokio::spawn(async move {
        let (mut near, _) = proxy.accept().await.unwrap();
        let mut far = TcpStream::connect(beyond).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
    });
    let mut client = a.dialer.tls(b.key, at, Origin::Stranger, ECHO, SOON).await.unwrap();
    let mut server = next(&mut b.echo).await;
    client.write_all(b"half").await.unwrap();
    server.read_exact(&mut [0; 4]).await.unwrap();
    relay.abort();
    let cut = server.read_vectored(&mut [IoSliceMut::new(&mut [0; 8])]).await;
    assert_eq!(cut.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

/// Moves 8 MiB each way at once, in seeded random shapes, and compares every byte.
async fn moves_intact(seed: u64, a: BoxLink, b: BoxLink) {
    const BYTES: usize = 8 << 20;
    let (sent_a, got_b, sent_b, got_a) = {
        let (one, two) =
            tokio::join!(tokio::spawn(exchange(seed, a, BYTES)), tokio::spawn(exchange(seed ^ 0xff, b, BYTES)));
        let ((sent_a, got_a), (sent_b, got_b)) = (one.unwrap(), two.unwrap());
        (sent_a, got_b, sent_b, got_a)
    };
    assert!(sent_a == got_b && sent_b == got_a, "bytes differ, seed {seed}");
}

/// Sends and receives at once from one task, as a connection's task does.
async fn exchange(seed: u64, mut link: BoxLink, total: usize) -> (Vec<u8>, Vec<u8>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut data = vec![0; total];
    rng.fill_bytes(&mut data);
    let (mut sent, mut received, mut closed, mut ended) = (0, Vec::with_capacity(total), false, false);
    let mut buffers: Vec<Vec<u8>> = Vec::new();
    std::future::poll_fn(|cx| {
        use std::task::Poll;
        loop {
            let mut moved = false;
            if sent < total {
                let slices = random_slices(&mut rng, &data[sent..]);
                match link.poll_write(cx, &slices) {
                    Poll::Ready(n) => {
                        let n = n.unwrap();
                        assert!(n > 0);
                        sent += n;
                        moved = true;
                    }
                    Poll::Pending => {}
                }
            } else if !closed && let Poll::Ready(done) = link.poll_close(cx) {
                done.unwrap();
                closed = true;
            }
            if !ended {
                buffers.clear();
                buffers.extend((0..rng.random_range(1..20)).map(|_| vec![0; random_len(&mut rng)]));
                buffers.push(vec![0; 1]);
                let mut plan: Vec<_> = buffers.iter_mut().map(|b| IoSliceMut::new(b)).collect();
                match link.poll_read(cx, &mut plan) {
                    Poll::Ready(n) => {
                        let n = n.unwrap();
                        ended = n == 0;
                        received.extend(buffers.iter().flatten().take(n));
                        moved = true;
                    }
                    Poll::Pending => {}
                }
            }
            if closed && ended {
                return Poll::Ready(());
            }
            if !moved {
                return Poll::Pending;
            }
        }
    })
    .await;
    (data, received)
}

/// Nothing, headers, blocks, and more than a record.
fn random_len(rng: &mut ChaCha8Rng) -> usize {
    match rng.random_range(0..4) {
        0 => 0,
        1 => 13,
        2 => 16 * 1024,
        _ => rng.random_range(1..50_000),
    }
}

fn random_slices<'a>(rng: &mut ChaCha8Rng, data: &'a [u8]) -> Vec<IoSlice<'a>> {
    let mut rest = data;
    let mut slices = Vec::new();
    for _ in 0..rng.random_range(1..20) {
        let (now, later) = rest.split_at(random_len(rng).min(rest.len()));
        slices.push(IoSlice::new(now));
        rest = later;
    }
    slices.push(IoSlice::new(&rest[..1.min(rest.len())]));
    slices
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_arrive_as_sent_whatever_the_shapes() {
    for seed in 0..4 {
        let (a, b) = tcp_pair().await;
        moves_intact(seed, a, b).await;
        let (a, b) = tls_pair().await;
        moves_intact(seed, a, b).await;
    }
}

#[tokio::test]
async fn a_writer_that_only_reads_afterwards_still_delivers() {
    // A megabyte is more than the socket takes at once; the rest must go out while the writer reads.
    let (mut a, mut b) = tls_pair().await;
    let question = vec![3; 1 << 20];
    let asking = async {
        a.write_all(&question).await.unwrap();
        a.read_exact(&mut [0; 2]).await.unwrap();
    };
    let answering = async {
        let mut heard = vec![0; 1 << 20];
        b.read_exact(&mut heard).await.unwrap();
        b.write_all(b"ok").await.unwrap();
        b.flush().await.unwrap();
    };
    tokio::time::timeout(SOON, async { tokio::join!(asking, answering) }).await.expect("no deadlock");
}

#[tokio::test]
async fn bulk_sockets_have_the_control_the_report_says() {
    let report = weft_overlay::congestion::report(Congestion::Bbr);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = tcp::connect(listener.local_addr().unwrap(), &TcpOptions::default()).await.unwrap();
    let in_force = weft_overlay::congestion::of(&socket2::SockRef::from(&stream)).ok();
    assert_eq!(in_force, report.in_force);
    assert!(stream.nodelay().unwrap());
}

/// The system out of descriptors: the listener waits and goes on, and does not spin. In a process of its own, because the
/// bound is the process's.
#[test]
fn out_of_descriptors_is_survived() {
    let this = std::env::current_exe().unwrap();
    let child = std::process::Command::new(this)
        .args(["--exact", "tcp::out_of_descriptors_child", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&child.stderr));
}

#[tokio::test]
#[ignore = "lowers the process's limit of open files: run by out_of_descriptors_is_survived alone"]
async fn out_of_descriptors_child() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let (a, mut b) = (node(1), node(2));
    // As many descriptors as are open, and one for the next client.
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 1;
    let highest = getrlimit(Resource::Nofile).maximum;
    let bound = |current| setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: highest }).unwrap();
    bound(open + 1);
    let connecting = tokio::spawn(TcpStream::connect(b.at));
    let client = tokio::time::timeout(SOON, connecting).await.unwrap().unwrap().unwrap();
    eventually("the listener runs out", || b.listener.counts().exhausted >= 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let pauses = b.listener.counts().exhausted;
    assert!(pauses <= 4, "{pauses} tries in 0.3 s: it spins");
    drop(client);
    bound(open + 100);
    let _link = dial(&a, &b).await.unwrap();
    next(&mut b.echo).await;
}
