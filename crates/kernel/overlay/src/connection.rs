//! One overlay connection with a peer, and what is known of it while it lives.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use iroh::RelayUrl;
use iroh::TransportAddr;
use iroh::endpoint::{Connection, VarInt};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::alpn::Channel;
use crate::keys::PeerKey;
use crate::limits::Permit;
use crate::link::PathKind;
use crate::transport_config;

/// Why we close a connection, as the other side sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseCode {
    /// The node stops.
    Shutdown,
    /// Nothing was said for long.
    Idle,
    /// The relay that carried it died; another connection takes its place.
    RelayLost,
    /// Another connection of the pair took its place.
    Replaced,
    /// It said what it may not.
    Violation,
    /// Not welcome: blocked, or no room.
    Refused,
}

impl CloseCode {
    fn code(self) -> VarInt {
        VarInt::from_u32(match self {
            CloseCode::Shutdown => 1,
            CloseCode::Idle => 2,
            CloseCode::RelayLost => 3,
            CloseCode::Replaced => 4,
            CloseCode::Violation => 5,
            CloseCode::Refused => 6,
        })
    }

    fn reason(self) -> &'static str {
        match self {
            CloseCode::Shutdown => "shutdown",
            CloseCode::Idle => "idle",
            CloseCode::RelayLost => "relay lost",
            CloseCode::Replaced => "replaced",
            CloseCode::Violation => "protocol violation",
            CloseCode::Refused => "refused",
        }
    }

    /// Closes a connection for this reason.
    pub(crate) fn close(self, connection: &Connection) {
        connection.close(self.code(), self.reason().as_bytes());
    }
}

/// The path that packets take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Path {
    /// Straight to this address.
    Direct(SocketAddr),
    /// Through this relay.
    Relayed(RelayUrl),
    /// None is chosen yet.
    Unknown,
}

impl Path {
    pub(crate) fn kind(&self) -> PathKind {
        match self {
            Path::Direct(_) => PathKind::Direct,
            // Until a direct path is proven, the dearer one is assumed.
            Path::Relayed(_) | Path::Unknown => PathKind::Relayed,
        }
    }

    /// The relay it goes through, if it is known to go through one.
    pub(crate) fn relay(&self) -> Option<String> {
        match self {
            Path::Relayed(url) => Some(url.to_string()),
            Path::Direct(_) | Path::Unknown => None,
        }
    }
}

/// One connection. Shared by the pool, its tasks and its links.
#[derive(Debug)]
pub(crate) struct PeerConnection {
    pub(crate) peer: PeerKey,
    pub(crate) channel: Channel,
    /// Whether the peer dialled.
    pub(crate) incoming: bool,
    /// Whether the smaller key of the pair dialled: which of two connections both ends keep.
    dialled_by_smaller: bool,
    /// Receive window granted so far.
    window: AtomicU32,
    connection: Connection,
    /// Kept true by the one task that watches the connection.
    path: watch::Sender<Path>,
    links: AtomicUsize,
    last_used: Mutex<Instant>,
    _permit: Permit,
}

impl PeerConnection {
    pub(crate) fn new(
        peer: PeerKey,
        channel: Channel,
        incoming: bool,
        ours: PeerKey,
        connection: Connection,
        permit: Permit,
    ) -> Arc<Self> {
        let now = Instant::now();
        let dialler = if incoming { peer } else { ours };
        let this = Arc::new(PeerConnection {
            peer,
            channel,
            incoming,
            dialled_by_smaller: dialler == peer.min(ours),
            window: AtomicU32::new(transport_config::STRANGER_WINDOW),
            connection,
            path: watch::Sender::new(Path::Unknown),
            links: AtomicUsize::new(0),
            last_used: Mutex::new(now),
            _permit: permit,
        });
        this.refresh_path();
        if !incoming {
            this.widen();
        }
        this
    }

    /// The connection itself.
    pub(crate) fn quic(&self) -> &Connection {
        &self.connection
    }

    /// Whether it still lives.
    pub(crate) fn is_open(&self) -> bool {
        self.connection.close_reason().is_none()
    }

    pub(crate) fn close(&self, code: CloseCode) {
        code.close(&self.connection);
    }

    /// The path now.
    pub(crate) fn path(&self) -> Path {
        self.path.borrow().clone()
    }

    /// What kind of path it is now.
    pub(crate) fn path_kind(&self) -> PathKind {
        self.path.borrow().kind()
    }

    /// Looks at the paths again. Gives the old and the new one if packets go another way now.
    pub(crate) fn refresh_path(&self) -> Option<(Path, Path)> {
        let paths = self.connection.paths();
        let selected = paths.iter().find(|path| path.is_selected()).or_else(|| paths.iter().next());
        let now = match selected.map(|path| path.remote_addr().clone()) {
            Some(TransportAddr::Ip(address)) => Path::Direct(address),
            Some(TransportAddr::Relay(url)) => Path::Relayed(url),
            _ => return None,
        };
        if *self.path.borrow() == now {
            return None;
        }
        Some((self.path.send_replace(now.clone()), now))
    }

    /// Waits until the path is of a kind that `fits`. Says `false` if the connection ended before.
    pub(crate) async fn path_becomes(&self, fits: impl Fn(PathKind) -> bool) -> bool {
        let mut path = self.path.subscribe();
        tokio::select! {
            found = path.wait_for(|path| fits(path.kind())) => found.is_ok(),
            _ = self.connection.closed() => false,
        }
    }

    /// Whether every path goes through this relay.
    pub(crate) fn only_through(&self, relay: &RelayUrl) -> bool {
        only_through(&self.connection, relay)
    }

    /// Round trip on the path in use.
    pub(crate) fn rtt(&self) -> Option<Duration> {
        let paths = self.connection.paths();
        paths.iter().find(|path| path.is_selected()).map(|path| path.rtt())
    }

    /// Bytes received so far, in UDP payloads.
    pub(crate) fn received(&self) -> u64 {
        self.connection.stats().udp_rx.bytes
    }

    /// Which of several connections of a pair is used: the greatest.
    pub(crate) fn preference(&self) -> bool {
        self.dialled_by_smaller
    }

    /// All the room there is, for a peer that is known or that we dialled.
    pub(crate) fn widen(&self) {
        self.set_window(transport_config::KNOWN_WINDOW);
        transport_config::more_streams(&self.connection);
    }

    /// Receive window granted so far, in bytes.
    pub(crate) fn window(&self) -> u32 {
        self.window.load(Ordering::Relaxed)
    }

    /// Grants a receive window.
    pub(crate) fn set_window(&self, bytes: u32) {
        self.window.store(bytes, Ordering::Relaxed);
        transport_config::set_window(&self.connection, bytes);
    }

    /// Counts a link for as long as the guard lives.
    pub(crate) fn link(self: &Arc<Self>) -> LinkGuard {
        self.links.fetch_add(1, Ordering::Relaxed);
        LinkGuard(self.clone())
    }

    /// How long nobody has had a link on it. Zero while there is one.
    pub(crate) fn idle_for(&self, now: Instant) -> Duration {
        if self.links.load(Ordering::Relaxed) > 0 {
            return Duration::ZERO;
        }
        now.saturating_duration_since(*self.last_used.lock())
    }
}

/// Whether every path of a connection goes through this relay.
pub(crate) fn only_through(connection: &Connection, relay: &RelayUrl) -> bool {
    let paths = connection.paths();
    let through = |address: &TransportAddr| matches!(address, TransportAddr::Relay(url) if url == relay);
    !paths.is_empty() && paths.iter().all(|path| through(path.remote_addr()))
}

/// A link on a connection: while one lives, the connection is not idle.
#[derive(Debug)]
pub(crate) struct LinkGuard(Arc<PeerConnection>);

impl LinkGuard {
    pub(crate) fn connection(&self) -> &PeerConnection {
        &self.0
    }
}

impl Drop for LinkGuard {
    fn drop(&mut self) {
        *self.0.last_used.lock() = Instant::now();
        self.0.links.fetch_sub(1, Ordering::Relaxed);
    }
}
