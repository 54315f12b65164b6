//! The one TCP port: plain BitTorrent and TLS side by side.
//!
//! The first byte decides: 0x13 begins a BitTorrent handshake, 0x16 a TLS one; anything else is closed. Until that and
//! the TLS handshake are over, a connection is *undecided*: it holds no place among the node's connections but one of a
//! bounded number of waiting places, in all and for each /24 or /56, and has ten seconds. So those who connect and say
//! nothing, or say it very slowly, fill only their own waiting places.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use socket2::{Domain, SockRef, Socket, Type};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::congestion::Congestion;
use crate::guard::canonical;
use crate::limits::{LimitError, Limits};
use crate::metered::Metered;
use crate::peers::{Direction, PeerId, PeerTable};
use crate::registry::{HandlerRegistry, Status};
use crate::tcp::{self, TcpLink};
use crate::tls::{IncomingTls, TlsEndpoint, TlsError};

/// Connections the kernel holds for us while we are busy.
const BACKLOG: u32 = 256;

/// The first bytes of a BitTorrent handshake (BEP 3).
const BITTORRENT: &[u8; 20] = b"\x13BitTorrent protocol";

/// The first byte of a TLS handshake record (RFC 8446 §5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// Shortest and longest pause when the system has no descriptors or memory left: others close theirs meanwhile.
const EXHAUSTED_PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Where and how to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerConfig {
    /// The local address. `0.0.0.0` listens on IPv6 too, where there is any.
    pub ip: IpAddr,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// Congestion control of accepted connections.
    pub congestion: Congestion,
    /// Undecided connections in all. 256: each costs a task and a descriptor, for at most [`Self::decide_within`].
    pub max_undecided: usize,
    /// Undecided connections of one /24 or /56: an eighth, so that eight hostile networks are needed to fill the places.
    pub max_undecided_per_net: usize,
    /// Connections accepted in a second; what is above waits in the kernel.
    pub max_accepts_per_second: u32,
    /// Connections accepted in a second from one /24 or /56; what is above is closed at once.
    pub max_accepts_per_second_per_net: u32,
    /// How long a connection may be undecided.
    pub decide_within: Duration,
}

impl ListenerConfig {
    /// The default bounds at this address.
    pub fn at(ip: IpAddr, port: u16) -> Self {
        ListenerConfig {
            ip,
            port,
            congestion: Congestion::default(),
            max_undecided: 256,
            max_undecided_per_net: 32,
            max_accepts_per_second: 500,
            max_accepts_per_second_per_net: 100,
            decide_within: Duration::from_secs(10),
        }
    }
}

/// What accepted connections are given to.
#[derive(Debug, Clone)]
pub struct ListenerParts {
    /// Who serves what.
    pub registry: HandlerRegistry,
    /// How many connections there may be, and with whom.
    pub limits: Limits,
    /// This node's side of TLS.
    pub tls: TlsEndpoint,
    /// Where what was seen goes.
    pub peers: PeerTable,
}

/// What the listener did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ListenerCounts {
    /// Connections taken from the kernel.
    pub accepted: u64,
    /// Handed over as plain BitTorrent.
    pub plain: u64,
    /// Handed over as TLS links.
    pub tls: u64,
    /// Closed at once: on the deny list.
    pub blocked: u64,
    /// Closed at once: too many, or too fast.
    pub crowded_out: u64,
    /// Closed: said nothing sensible in time.
    pub timed_out: u64,
    /// Closed: neither BitTorrent nor TLS, or BitTorrent while nobody serves it.
    pub unknown: u64,
    /// TLS that failed or was refused.
    pub tls_failed: u64,
    /// Pauses because the system had no descriptors or memory left.
    pub exhausted: u64,
    /// Undecided now.
    pub undecided: u64,
}

/// The listening port. Dropping it stops listening.
#[derive(Debug)]
pub struct Listener {
    addresses: Vec<SocketAddr>,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Debug)]
struct Shared {
    config: ListenerConfig,
    parts: ListenerParts,
    waiting: Mutex<Waiting>,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    accepted: AtomicU64,
    plain: AtomicU64,
    tls: AtomicU64,
    blocked: AtomicU64,
    crowded_out: AtomicU64,
    timed_out: AtomicU64,
    unknown: AtomicU64,
    tls_failed: AtomicU64,
    exhausted: AtomicU64,
}

impl Listener {
    /// Begins to listen.
    ///
    /// # Errors
    /// The system's answer if the port cannot be had. That there is no IPv6 beside `0.0.0.0` is no error.
    pub fn bind(config: ListenerConfig, parts: ListenerParts) -> io::Result<Listener> {
        let mut sockets = vec![listen(SocketAddr::new(config.ip, config.port), config.congestion)?];
        let first = sockets.first().map(TcpListener::local_addr).transpose()?;
        if let (IpAddr::V4(Ipv4Addr::UNSPECIFIED), Some(first)) = (config.ip, first) {
            let any_v6 = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), first.port());
            match listen(any_v6, config.congestion) {
                Ok(socket) => sockets.push(socket),
                Err(error) => tracing::info!(%error, "no IPv6: listening on IPv4 alone"),
            }
        }
        let addresses = sockets.iter().map(TcpListener::local_addr).collect::<io::Result<_>>()?;
        let shared = Arc::new(Shared { config, parts, waiting: Mutex::default(), counts: Counts::default() });
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        for socket in sockets {
            tasks.spawn(accept_loop(socket, Arc::clone(&shared), stop.clone(), tasks.clone()));
        }
        Ok(Listener { addresses, shared, stop, tasks })
    }

    /// Where it listens.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What it did so far.
    pub fn counts(&self) -> ListenerCounts {
        let c = &self.shared.counts;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        ListenerCounts {
            accepted: read(&c.accepted),
            plain: read(&c.plain),
            tls: read(&c.tls),
            blocked: read(&c.blocked),
            crowded_out: read(&c.crowded_out),
            timed_out: read(&c.timed_out),
            unknown: read(&c.unknown),
            tls_failed: read(&c.tls_failed),
            exhausted: read(&c.exhausted),
            undecided: self.shared.waiting.lock().total as u64,
        }
    }

    /// Stops listening and closes what is undecided. Links handed over live on.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn listen(address: SocketAddr, congestion: Congestion) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    // A restarted node gets its port back although old connections linger.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Accepted connections inherit it. The default serves where it fails.
    let _ = congestion.apply(&SockRef::from(&socket));
    socket.bind(&address.into())?;
    socket.listen(BACKLOG as i32)?;
    TcpListener::from_std(socket.into())
}

async fn accept_loop(socket: TcpListener, shared: Arc<Shared>, stop: CancellationToken, tasks: TaskTracker) {
    let mut pause = EXHAUSTED_PAUSE.0;
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, remote)) => {
                pause = EXHAUSTED_PAUSE.0;
                count(&shared.counts.accepted);
                if let Some(place) = shared.admit(remote) {
                    let (shared, stop) = (Arc::clone(&shared), stop.clone());
                    tasks.spawn(async move {
                        tokio::select! {
                            () = decide(shared, stream, remote, place) => {}
                            () = stop.cancelled() => {}
                        }
                    });
                }
                let over_rate = shared.waiting.lock().pause(Instant::now(), &shared.config);
                if let Some(until) = over_rate {
                    tokio::time::sleep_until(until).await;
                }
            }
            // No descriptors or memory: wait for others to close theirs rather than spin.
            Err(error) if is_exhausted(&error) => {
                count(&shared.counts.exhausted);
                tracing::warn!(%error, "cannot accept connections: raise the limit of open files");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(EXHAUSTED_PAUSE.1);
            }
            // The connection died before it was accepted, which is its own affair.
            Err(error) => {
                tracing::debug!(%error, "accept");
                tokio::task::yield_now().await;
            }
        }
    }
}

fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Shared {
    /// A waiting place, unless the lists or the bounds forbid it. Never waits itself.
    fn admit(self: &Arc<Self>, remote: SocketAddr) -> Option<Place> {
        if self.parts.limits.refuses(None, Some(remote.ip())) {
            count(&self.counts.blocked);
            return None;
        }
        let net = net_of(remote.ip());
        if !self.waiting.lock().enter(net, Instant::now(), &self.config) {
            count(&self.counts.crowded_out);
            return None;
        }
        Some(Place { shared: Arc::clone(self), net })
    }
}

/// Who is undecided, and how many came in this second.
#[derive(Debug, Default)]
struct Waiting {
    total: usize,
    per_net: HashMap<IpAddr, usize>,
    second: Option<Instant>,
    accepts: u32,
    /// Bounded by the accepts of one second.
    accepts_per_net: HashMap<IpAddr, u32>,
}

impl Waiting {
    fn enter(&mut self, net: IpAddr, now: Instant, config: &ListenerConfig) -> bool {
        self.turn(now);
        self.accepts = self.accepts.saturating_add(1);
        let accepts = self.accepts_per_net.entry(net).or_insert(0);
        *accepts = accepts.saturating_add(1);
        let here = self.per_net.get(&net).copied().unwrap_or(0);
        let room = *accepts <= config.max_accepts_per_second_per_net
            && self.total < config.max_undecided
            && here < config.max_undecided_per_net;
        if room {
            self.total += 1;
            self.per_net.insert(net, here + 1);
        }
        room
    }

    fn leave(&mut self, net: IpAddr) {
        self.total = self.total.saturating_sub(1);
        if let Some(here) = self.per_net.get_mut(&net) {
            *here = here.saturating_sub(1);
            if *here == 0 {
                self.per_net.remove(&net);
            }
        }
    }

    /// Until when to accept no more, if this second's accepts are used up.
    fn pause(&mut self, now: Instant, config: &ListenerConfig) -> Option<Instant> {
        self.turn(now);
        let until = self.second? + Duration::from_secs(1);
        (self.accepts >= config.max_accepts_per_second).then_some(until)
    }

    fn turn(&mut self, now: Instant) {
        if self.second.is_none_or(|second| now.duration_since(second) >= Duration::from_secs(1)) {
            self.second = Some(now);
            self.accepts = 0;
            self.accepts_per_net.clear();
        }
    }
}

/// Who counts as one network: an IPv4 /24, an IPv6 /56.
fn net_of(ip: IpAddr) -> IpAddr {
    match canonical(ip) {
        IpAddr::V4(ip) => IpAddr::V4(Ipv4Addr::from(u32::from(ip) & (u32::MAX << 8))),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from(u128::from(ip) & (u128::MAX << 72))),
    }
}

/// An undecided connection's waiting place; dropping it gives the place back.
#[derive(Debug)]
struct Place {
    shared: Arc<Shared>,
    net: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.waiting.lock().leave(self.net);
    }
}

/// What a connection turned out to be.
enum Decided {
    Plain(TcpLink),
    Tls(Box<IncomingTls>),
    Unknown,
}

async fn decide(shared: Arc<Shared>, stream: TcpStream, remote: SocketAddr, place: Place) {
    let deadline = Instant::now() + shared.config.decide_within;
    let counts = &shared.counts;
    let decided = tokio::time::timeout_at(deadline, look(&shared, stream)).await;
    // Refusing takes part in the deadline too; handing over gives the waiting place back first.
    match decided {
        Err(_) => count(&counts.timed_out),
        Ok(Ok(Decided::Plain(link))) => {
            drop(place);
            hand_over_plain(&shared, link, remote);
        }
        Ok(Ok(Decided::Tls(incoming))) => {
            let served = tokio::time::timeout_at(deadline, hand_over_tls(&shared, *incoming, remote)).await;
            if !matches!(served, Ok(Ok(()))) {
                count(&counts.tls_failed);
            }
        }
        Ok(Ok(Decided::Unknown)) => count(&counts.unknown),
        Ok(Err(error)) => {
            count(&counts.tls_failed);
            tracing::debug!(%error, %remote, "incoming TLS");
        }
    }
}

async fn look(shared: &Shared, mut stream: TcpStream) -> Result<Decided, TlsError> {
    let mut first = [0];
    let n = stream.peek(&mut first).await.map_err(TlsError::Io)?;
    if n == 0 {
        return Ok(Decided::Unknown);
    }
    tcp::set_up(&stream).map_err(TlsError::Io)?;
    if first == [TLS_HANDSHAKE] {
        return shared.parts.tls.accept(stream).await.map(|incoming| Decided::Tls(Box::new(incoming)));
    }
    if !BITTORRENT.starts_with(&first) {
        return Ok(Decided::Unknown);
    }
    let mut opening = [0; BITTORRENT.len()];
    stream.read_exact(&mut opening).await.map_err(TlsError::Io)?;
    if opening != *BITTORRENT {
        return Ok(Decided::Unknown);
    }
    Ok(Decided::Plain(TcpLink::new(stream).with_replay(opening.to_vec())))
}

fn hand_over_plain(shared: &Shared, link: TcpLink, remote: SocketAddr) {
    let Some(handler) = shared.parts.registry.plain() else {
        return count(&shared.counts.unknown);
    };
    if shared.parts.limits.refuses_plain(remote.ip()) {
        return count(&shared.counts.blocked);
    }
    let Ok(permit) = shared.parts.limits.admit(Some(remote)) else {
        return count(&shared.counts.crowded_out);
    };
    count(&shared.counts.plain);
    let peer = PeerId::Address(remote);
    handler.accept(Box::new(Metered::new(link.with_permit(permit), peer, Direction::In, &shared.parts.peers)));
}

async fn hand_over_tls(shared: &Shared, incoming: IncomingTls, remote: SocketAddr) -> Result<(), TlsError> {
    let peer = incoming.peer();
    let parts = &shared.parts;
    let admitted = parts.limits.admit(Some(remote)).and_then(|mut permit| permit.bind(peer).map(|()| permit));
    let permit = match admitted {
        Ok(permit) => permit,
        Err(LimitError::Blocked(_)) => return refuse(incoming, Status::Blocked).await,
        Err(_) => return refuse(incoming, Status::Busy).await,
    };
    if !incoming.same_network() {
        return refuse(incoming, Status::WrongNetwork).await;
    }
    let Some((_, handler)) = parts.registry.lookup(incoming.purpose()) else {
        return refuse(incoming, Status::NotServed).await;
    };
    let link = incoming.accept().await?.with_permit(permit);
    count(&shared.counts.tls);
    handler.accept(Box::new(Metered::new(link, peer.into(), Direction::In, &parts.peers)));
    Ok(())
}

async fn refuse(incoming: IncomingTls, why: Status) -> Result<(), TlsError> {
    tracing::debug!(peer = %incoming.peer(), ?why, "incoming TLS stream refused");
    incoming.refuse(why).await?;
    Err(TlsError::Refused(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> ListenerConfig {
        ListenerConfig {
            max_undecided: 3,
            max_undecided_per_net: 2,
            max_accepts_per_second: 5,
            max_accepts_per_second_per_net: 3,
            ..ListenerConfig::at(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)
        }
    }

    fn net(text: &str) -> IpAddr {
        net_of(text.parse().unwrap())
    }

    #[test]
    fn networks_are_grouped() {
        assert_eq!(net("192.0.2.1"), net("::ffff:192.0.2.255"));
        assert_ne!(net("192.0.2.1"), net("192.0.3.1"));
        assert_eq!(net("2001:db8:0:ff::1"), net("2001:db8:0:1::2"));
        assert_ne!(net("2001:db8:0:100::1"), net("2001:db8:0:1::2"));
    }

    #[test]
    fn waiting_places_are_bounded_and_given_back() {
        let (config, now) = (config(), Instant::now());
        let mut waiting = Waiting::default();
        let (a, b) = (net("192.0.2.1"), net("198.51.100.1"));
        assert!(waiting.enter(a, now, &config) && waiting.enter(a, now, &config));
        assert!(!waiting.enter(a, now, &config), "two a network");
        assert!(waiting.enter(b, now, &config));
        assert!(!waiting.enter(b, now, &config), "three in all");
        waiting.leave(a);
        waiting.leave(a);
        waiting.leave(b);
        assert_eq!((waiting.total, waiting.per_net.len()), (0, 0));
    }

    #[test]
    fn accepts_are_counted_by_the_second() {
        let (config, start) = (config(), Instant::now());
        let mut waiting = Waiting::default();
        let a = net("192.0.2.1");
        for n in 0..5 {
            assert!(waiting.pause(start, &config).is_none());
            assert_eq!(waiting.enter(a, start, &config), n < 3, "three a second and network");
            if n < 3 {
                waiting.leave(a);
            }
        }
        let later = start + Duration::from_secs(1);
        assert_eq!(waiting.pause(start, &config), Some(later));
        assert!(waiting.enter(a, later, &config) && waiting.pause(later, &config).is_none());
        assert_eq!(waiting.accepts_per_net.len(), 1);
    }
}
