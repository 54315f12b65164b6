//! A connection's life: the hellos, its streams, its path, its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use iroh::endpoint::{Connection, RecvStream, SendStream};
use tokio::sync::watch;

use crate::addresses::PeerAddresses;
use crate::alpn::Channel;
use crate::connection::{CloseCode, Path, PeerConnection};
use crate::event::OverlayEvent;
use crate::guard::Origin;
use crate::hello::{self, HELLO_STREAM, Hello, HelloReader};
use crate::hub::Hub;
use crate::keys::PeerKey;
use crate::link::Link;
use crate::peers::{Observation, Observe};
use crate::pool::{DialError, Removed};
use crate::quic_link::QuicLink;
use crate::registry::{Status, decode_purpose, encode_purpose, purpose_len};
use crate::relay::{RelayHint, Source};

/// 5 s for the first words of a stream or connection: they are sent with it, so this is one slow round trip.
const OPENING_TIMEOUT: Duration = Duration::from_secs(5);

/// 30 hellos, and one more every 10 s: addresses of a moving laptop change that often, not more.
const HELLO_BURST: u32 = 30;
const HELLO_EVERY: Duration = Duration::from_secs(10);

/// 4 KiB at a time from a hello stream.
const READ_CHUNK: usize = 4096;

/// A control connection's first stream, after the hellos.
pub(crate) struct Hellos {
    send: SendStream,
    recv: RecvStream,
    reader: HelloReader,
    pub(crate) theirs: Arc<Hello>,
}

impl Hub {
    /// What we say on a new connection.
    fn own_hello(&self, lost_relay: Option<RelayHint>) -> Hello {
        let mut hello = Hello::clone(&self.hello.borrow());
        hello.lost_relay = lost_relay;
        hello::bound(&mut hello);
        hello
    }

    /// Says hello on a connection that we dialled, and hears the answer.
    pub(crate) async fn greet(
        &self,
        connection: &Connection,
        lost_relay: Option<RelayHint>,
    ) -> Result<Hellos, DialError> {
        let exchange = async {
            let (mut send, mut recv) = connection.open_bi().await.map_err(DialError::transport)?;
            let mut opening = encode_purpose(HELLO_STREAM);
            opening.extend(hello::encode(&self.own_hello(lost_relay)));
            send.write_all(&opening).await.map_err(DialError::transport)?;
            let mut status = [0];
            recv.read_exact(&mut status).await.map_err(DialError::transport)?;
            match Status::from_code(status[0]) {
                Status::Ok => {}
                Status::WrongNetwork => return Err(DialError::WrongNetwork),
                Status::Blocked => return Err(DialError::Blocked),
                Status::Busy => return Err(DialError::TooMany { limit: self.limits.config().max_connections }),
                other => return Err(DialError::transport(Refused(other))),
            }
            let mut reader = HelloReader::default();
            let theirs = read_hello(&mut recv, &mut reader).await.map_err(DialError::transport)?;
            if theirs.network != self.network.wire_name() {
                return Err(DialError::WrongNetwork);
            }
            Ok(Hellos { send, recv, reader, theirs: Arc::new(theirs) })
        };
        tokio::time::timeout(OPENING_TIMEOUT, exchange)
            .await
            .unwrap_or_else(|elapsed| Err(DialError::transport(elapsed)))
    }

    /// Hears hello on a connection that a peer dialled, and answers.
    pub(crate) async fn be_greeted(&self, connection: &Connection) -> Result<Hellos, HelloFailed> {
        let exchange = async {
            let (mut send, mut recv) = connection.accept_bi().await.map_err(HelloFailed::lost)?;
            if read_purpose(&mut recv).await?.as_deref() != Some(HELLO_STREAM.as_str()) {
                return Err(HelloFailed::Malformed);
            }
            let mut reader = HelloReader::default();
            let theirs = read_hello(&mut recv, &mut reader).await?;
            if theirs.network != self.network.wire_name() {
                let _ = send.write_all(&[Status::WrongNetwork.code()]).await;
                let _ = send.finish();
                // So that the answer goes before the connection is closed.
                let _ = send.stopped().await;
                return Err(HelloFailed::WrongNetwork);
            }
            let mut answer = vec![Status::Ok.code()];
            answer.extend(hello::encode(&self.own_hello(None)));
            send.write_all(&answer).await.map_err(HelloFailed::lost)?;
            Ok(Hellos { send, recv, reader, theirs: Arc::new(theirs) })
        };
        tokio::time::timeout(OPENING_TIMEOUT, exchange).await.unwrap_or(Err(HelloFailed::Silent))
    }

    /// Starts the tasks of a connection that is in the pool.
    pub(crate) fn live(self: &Arc<Self>, connection: Arc<PeerConnection>, hellos: Option<Hellos>) {
        if let Some(hellos) = hellos {
            self.heard(&connection, hellos.theirs.clone());
            let (hub, shared) = (self.clone(), connection.clone());
            self.tasks.spawn(async move { hub.keep_hellos(shared, hellos).await });
        }
        let (hub, shared) = (self.clone(), connection.clone());
        self.tasks.spawn(async move { hub.accept_streams(shared).await });
        let hub = self.clone();
        self.tasks.spawn(async move { hub.watch_path(connection).await });
    }

    /// A peer said of itself, on a connection that proved its key.
    fn heard(self: &Arc<Self>, connection: &Arc<PeerConnection>, hello: Arc<Hello>) {
        let origin = match connection.path() {
            Path::Direct(address) => self.guard.origin_of(address.ip()),
            Path::Relayed(_) | Path::Unknown => Origin::Stranger,
        };
        let mut addresses = PeerAddresses::clone(&hello.addresses);
        // The path in use is proven, whatever else is said.
        if let Path::Direct(address) = connection.path() {
            addresses.udp.insert(0, address);
        }
        let addresses = addresses.checked(&self.guard, origin);
        let mut relays: Vec<RelayHint> = addresses.relays.clone();
        if self.is_known(&connection.peer) {
            // A friend's relay is as good as one named in an invitation.
            relays.extend(hello.known_relays.iter().cloned());
        }
        for hint in &addresses.relays {
            self.peers.observe(connection.peer.into(), Observation::Relay(hint.to_string()));
        }
        for &address in &addresses.udp {
            self.peers.observe(connection.peer.into(), Observation::Address { address, origin });
        }
        self.book.add(connection.peer, addresses, Instant::now());
        let facts = [("version", hello.version.to_string()), ("serves", hello.streams.join(" "))];
        let facts = facts.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
        self.peers.observe(connection.peer.into(), Observation::Hello(facts));
        self.consider(relays, Source::Peer, origin);
    }

    /// Says hello again whenever something of ours changes, and hears theirs.
    async fn keep_hellos(self: Arc<Self>, connection: Arc<PeerConnection>, mut hellos: Hellos) {
        let mut ours = self.hello.subscribe();
        ours.mark_unchanged();
        let mut allowance = Allowance::new(Instant::now());
        loop {
            tokio::select! {
                said = read_hello(&mut hellos.recv, &mut hellos.reader) => match said {
                    Ok(hello) if allowance.take(Instant::now()) && hello.network == self.network.wire_name() => {
                        self.heard(&connection, Arc::new(hello));
                    }
                    Err(HelloFailed::Lost(_)) => return,
                    Ok(_) | Err(_) => {
                        connection.close(CloseCode::Violation);
                        return;
                    }
                },
                changed = changed(&mut ours) => {
                    if !changed || hellos.send.write_all(&hello::encode(&self.own_hello(None))).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Serves the streams that the peer opens.
    async fn accept_streams(self: Arc<Self>, connection: Arc<PeerConnection>) {
        while let Ok((send, recv)) = connection.quic().accept_bi().await {
            let (hub, connection) = (self.clone(), connection.clone());
            self.tasks.spawn(async move {
                // A peer that opens streams and says nothing costs its own streams: their number is bounded.
                let _ = tokio::time::timeout(OPENING_TIMEOUT, hub.serve_stream(connection, send, recv)).await;
            });
        }
    }

    async fn serve_stream(&self, connection: Arc<PeerConnection>, mut send: SendStream, mut recv: RecvStream) {
        let Ok(Some(name)) = read_purpose(&mut recv).await else {
            connection.close(CloseCode::Violation);
            return;
        };
        let status = match self.registry.lookup(&name) {
            Some((purpose, _)) if Channel::of(purpose) != connection.channel => Status::NotServed,
            Some(_) if self.limits.refuses(Some(connection.peer), None) => Status::Blocked,
            Some((_, handler)) => {
                if send.write_all(&[Status::Ok.code()]).await.is_ok() {
                    handler.accept(Box::new(QuicLink::new(send, recv, connection.link(), &self.peers)));
                }
                return;
            }
            None => Status::NotServed,
        };
        let _ = send.write_all(&[status.code()]).await;
        let _ = send.finish();
    }

    /// Opens a stream for `purpose`.
    pub(crate) async fn open_stream(
        &self,
        connection: &Arc<PeerConnection>,
        purpose: crate::connector::StreamType,
    ) -> Result<Box<dyn Link>, OpenFailed> {
        let guard = connection.link();
        let (mut send, mut recv) = connection.quic().open_bi().await.map_err(OpenFailed::lost)?;
        send.write_all(&encode_purpose(purpose)).await.map_err(OpenFailed::lost)?;
        let mut status = [0];
        recv.read_exact(&mut status).await.map_err(OpenFailed::lost)?;
        match Status::from_code(status[0]) {
            Status::Ok => Ok(Box::new(QuicLink::new(send, recv, guard, &self.peers))),
            refused => Err(OpenFailed::Refused(refused)),
        }
    }

    /// Tells of path changes, and of the connection's end.
    async fn watch_path(self: Arc<Self>, connection: Arc<PeerConnection>) {
        let mut events = connection.quic().path_events();
        // What happened before somebody listened.
        self.path_changed(&connection);
        let closed = connection.quic().closed();
        tokio::pin!(closed);
        let reason = loop {
            tokio::select! {
                reason = &mut closed => break reason,
                event = events.next() => {
                    if event.is_none() {
                        break closed.await;
                    }
                    self.path_changed(&connection);
                }
            }
        };
        self.peers.observe(connection.peer.into(), Observation::Disconnected { path: connection.path_kind() });
        match self.pool.remove(&connection) {
            Removed::Last if !self.tasks.stopping() => {
                let reason = reason.to_string();
                self.events.emit(&OverlayEvent::PeerDisconnected { peer: connection.peer, reason });
            }
            Removed::Remains => self.tell_path(connection.peer),
            Removed::Last | Removed::Nothing => {}
        }
    }

    pub(crate) fn path_changed(&self, connection: &Arc<PeerConnection>) {
        let Some((from, to)) = connection.refresh_path() else { return };
        let (peer, from, to) = (connection.peer, from.kind(), to.kind());
        if let Some(rtt) = connection.rtt() {
            self.peers.observe(peer.into(), Observation::Rtt(rtt));
        }
        if from != to {
            self.peers.observe(peer.into(), Observation::Moved { from, to });
        }
        self.tell_path(peer);
    }

    /// Tells which way packets to a peer go, if that is another one than was told.
    pub(crate) fn tell_path(&self, peer: PeerKey) {
        let Some((from, to)) = self.pool.moved(&peer) else { return };
        let via_relay = to.relay();
        self.peers.observe(peer.into(), Observation::Via(via_relay.clone()));
        self.events.emit(&OverlayEvent::PeerPathChanged { peer, from: from.kind(), to: to.kind(), via_relay });
    }
}

async fn changed(ours: &mut watch::Receiver<Arc<Hello>>) -> bool {
    ours.changed().await.is_ok()
}

async fn read_purpose(recv: &mut RecvStream) -> Result<Option<String>, HelloFailed> {
    let mut length = [0];
    recv.read_exact(&mut length).await.map_err(HelloFailed::lost)?;
    let Some(length) = purpose_len(length[0]) else { return Ok(None) };
    let mut name = vec![0; length];
    recv.read_exact(&mut name).await.map_err(HelloFailed::lost)?;
    Ok(decode_purpose(&name).map(str::to_owned))
}

/// The next hello on the stream. Safe to drop and call again: what was read stays in `reader`.
async fn read_hello(recv: &mut RecvStream, reader: &mut HelloReader) -> Result<Hello, HelloFailed> {
    loop {
        if let Some(hello) = reader.next().map_err(|_| HelloFailed::Malformed)? {
            return Ok(hello);
        }
        let mut chunk = [0; READ_CHUNK];
        match recv.read(&mut chunk).await.map_err(HelloFailed::lost)? {
            Some(read) => reader.push(chunk.get(..read).unwrap_or_default()),
            None => return Err(HelloFailed::Lost("the stream ended".into())),
        }
    }
}

/// Why there was no exchange of hellos.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HelloFailed {
    #[error("the peer said nothing")]
    Silent,
    #[error("the peer's first words are no hello")]
    Malformed,
    #[error("the peer is of another network")]
    WrongNetwork,
    #[error("the connection was lost")]
    Lost(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl HelloFailed {
    fn lost(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        HelloFailed::Lost(Box::new(error))
    }
}

/// Why a stream did not open.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenFailed {
    #[error("refused")]
    Refused(Status),
    #[error("the connection was lost")]
    Lost(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl OpenFailed {
    fn lost(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        OpenFailed::Lost(Box::new(error))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the peer refused the connection with {0:?}")]
struct Refused(Status);

/// How many more hellos a peer may say.
struct Allowance {
    left: u32,
    since: Instant,
}

impl Allowance {
    fn new(now: Instant) -> Self {
        Allowance { left: HELLO_BURST, since: now }
    }

    fn take(&mut self, now: Instant) -> bool {
        while self.left < HELLO_BURST && now.saturating_duration_since(self.since) >= HELLO_EVERY {
            self.left += 1;
            self.since += HELLO_EVERY;
        }
        if self.left == HELLO_BURST {
            self.since = now;
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hellos_are_rationed() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        let taken = (0..100).filter(|_| allowance.take(start)).count();
        assert_eq!(taken, HELLO_BURST as usize);
        assert!(allowance.take(start + HELLO_EVERY));
        assert!(!allowance.take(start + HELLO_EVERY));
        assert!(allowance.take(start + HELLO_EVERY * 1000));
    }
}
