//! The overlay's front: start, connect, serve, ask, stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use iroh::Watcher;
use weft_events::EventSink;
use weft_identity::DeviceSecret;

use crate::addresses::PeerAddresses;
use crate::alpn::Channel;
use crate::config::OverlayConfig;
use crate::connection::CloseCode;
use crate::connector::{ConnectError, Connector, LinkHandler, PathPolicy, StreamType, Target};
use crate::dht::DhtNode;
use crate::endpoint;
use crate::gossip::Gossip;
use crate::guard::{AddressGuard, Origin};
use crate::inner::Inner;
use crate::keys::{PeerKey, peer_key};
use crate::limits::Limits;
use crate::link::{BoxLink, PathKind};
use crate::listener::{Listener, ListenerCounts};
use crate::outside;
use crate::peers::{Observation, Observe as _, PeerTable};
use crate::pool::DialError;
use crate::presence;
use crate::registry::{HandlerRegistry, Status};
use crate::relay::{RelayHint, Source};
use crate::session::OpenFailed;
use crate::start::{self, StartError};
use crate::status::{OverlayStatus, RelayStatus};

/// 300 ms: a TLS connection that is not there by then is raced by the overlay (RFC 8305 takes 250 ms).
const HEAD_START: Duration = Duration::from_millis(300);

/// 50 ms where TLS was tried in vain before: enough for a peer on the same network.
const SHORT_START: Duration = Duration::from_millis(50);

/// 500 ms more for TLS when the overlay has connected but the stream is for bulk, unless TLS was tried in vain before.
/// (Content comes back to it: whoever is connected by a dear path is tried by TLS again.)
const BULK_PATIENCE: Duration = Duration::from_millis(500);

/// 4 addresses of a peer tried by TLS, one after another.
const MAX_TLS_ADDRESSES: usize = 4;

/// This node's overlay. Cheap to clone; all clones are the same overlay.
#[derive(Clone)]
pub struct Overlay {
    pub(crate) inner: Arc<Inner>,
}

impl Overlay {
    /// Starts the overlay: binds its sockets, joins its network, and offers a relay if it is told to.
    ///
    /// # Errors
    /// [`StartError`] if a socket or a key cannot be had. That no other node is reachable is no error.
    pub async fn start(config: OverlayConfig, secret: DeviceSecret, events: EventSink) -> Result<Overlay, StartError> {
        Ok(Overlay { inner: Arc::new(start::start(config, secret, events).await?) })
    }

    /// Our key.
    pub fn key(&self) -> PeerKey {
        self.inner.hub.key
    }

    /// The network's name on the wire.
    pub fn network(&self) -> &crate::config::Network {
        &self.inner.hub.network
    }

    /// Serves streams of this type from now on, over whatever path they come.
    pub fn serve(&self, purpose: StreamType, handler: Arc<dyn LinkHandler>) {
        self.inner.hub.registry.serve(purpose, handler);
        self.services_changed();
    }

    /// Serves this type no longer. Links already handed over live on.
    pub fn unserve(&self, purpose: StreamType) {
        self.inner.hub.registry.unserve(purpose);
        self.services_changed();
    }

    /// Serves plain BitTorrent connections, which have no stream type, from now on.
    pub fn serve_plain(&self, handler: Arc<dyn LinkHandler>) {
        self.inner.hub.registry.serve_plain(handler);
    }

    /// Serves plain BitTorrent connections no longer.
    pub fn unserve_plain(&self) {
        self.inner.hub.registry.unserve_plain();
    }

    fn services_changed(&self) {
        self.inner.hub.endpoint.set_alpns(endpoint::accepted_alpns(&self.inner.hub.alpns, &self.inner.hub.registry));
        self.inner.hub.services_changed.notify_one();
    }

    /// Who serves what, for transports of one's own.
    pub fn registry(&self) -> &HandlerRegistry {
        &self.inner.hub.registry
    }

    /// Tells where a peer is, as an invitation or the address book says: it is dialled there, and it is known, so it gets
    /// all the room a connection has.
    pub fn add_peer(&self, peer: PeerKey, addresses: PeerAddresses) {
        self.inner.hub.learn(peer, addresses.clone(), Origin::User);
        if self.inner.hub.relays.wants_more() {
            for relay in addresses.relays {
                self.add_relay(relay);
            }
        }
    }

    /// Tells where a peer is as another peer says: on a public network that is not followed into private addresses.
    pub fn hear_of(&self, peer: PeerKey, addresses: PeerAddresses) {
        self.inner.hub.learn(peer, addresses, Origin::Stranger);
    }

    /// Tells of a relay that may be used.
    pub fn add_relay(&self, relay: RelayHint) {
        let hub = self.inner.hub.clone();
        self.inner.hub.tasks.spawn(async move { hub.relays.learn(relay, Source::Peer, Origin::User, None).await });
    }

    /// Where we can be reached now: what goes into an invitation.
    pub fn addresses(&self) -> PeerAddresses {
        presence::describe(&self.inner.hub, &self.inner.tcp).addresses
    }

    /// Where a peer may be, as far as we know.
    pub fn addresses_of(&self, peer: &PeerKey) -> PeerAddresses {
        self.inner.hub.book.get(peer, std::time::Instant::now())
    }

    /// What was observed of each peer.
    pub fn peers(&self) -> &PeerTable {
        &self.inner.hub.peers
    }

    /// Bounds on connections and whom we speak with; can be changed while the node runs.
    pub fn limits(&self) -> &Limits {
        &self.inner.hub.limits
    }

    /// Closes connections with peers that the lists exclude now. Call it after changing them.
    pub fn enforce_limits(&self) {
        for connection in self.inner.hub.census.all() {
            let peer = peer_key(&connection.remote_id());
            if peer.is_none_or(|peer| self.inner.hub.limits.refuses(Some(peer), None)) {
                CloseCode::Refused.close(&connection);
            }
        }
    }

    /// Closes the connections with a peer, and says how many there were. Either side may open another: to keep a peer
    /// away, put it on the deny list.
    pub fn disconnect(&self, peer: &PeerKey) -> usize {
        let connections = self.inner.hub.pool.all();
        let theirs = connections.iter().filter(|connection| connection.peer == *peer);
        theirs.map(|connection| connection.close(CloseCode::Idle)).count()
    }

    /// Which addresses may be dialled on this network.
    pub fn guard(&self) -> &AddressGuard {
        &self.inner.hub.guard
    }

    /// The DHT node.
    pub fn dht(&self) -> &DhtNode {
        &self.inner.dht
    }

    /// Gossip among this network's peers.
    pub fn gossip(&self) -> &Gossip {
        &self.inner.gossip
    }

    /// What the TCP listener did so far.
    pub fn listener_counts(&self) -> ListenerCounts {
        self.inner.listener.lock().as_ref().map(Listener::counts).unwrap_or_default()
    }

    /// The port at which TCP (BitTorrent and TLS) listens.
    pub fn tcp_port(&self) -> Option<u16> {
        self.inner.tcp.bound.first().map(SocketAddr::port)
    }

    /// The path to a peer now, if there is an overlay connection.
    pub fn path_to(&self, peer: &PeerKey) -> Option<PathKind> {
        self.inner.hub.pool.path_to(peer)
    }

    /// Makes sure of an overlay connection with a peer, without opening a stream.
    ///
    /// # Errors
    /// [`ConnectError`], within `timeout`.
    pub async fn reach(&self, peer: PeerKey, timeout: Duration) -> Result<PathKind, ConnectError> {
        let dial = self.inner.hub.connection(peer, Channel::Control);
        match tokio::time::timeout(timeout, dial).await {
            Ok(Ok(connection)) => Ok(connection.path_kind()),
            Ok(Err(error)) => Err(error.into_connect_error(peer)),
            Err(_) => Err(ConnectError::TimedOut { target: Target::Peer(peer), after: timeout }),
        }
    }

    /// The overlay at this moment.
    pub fn status(&self) -> OverlayStatus {
        let inner = &self.inner;
        let hub = &inner.hub;
        let home = hub.endpoint.home_relay_status().get();
        let home = home.iter().find(|status| status.is_connected()).map(|status| status.url().to_string());
        let (reflexive, nat) = outside::view(&hub.endpoint);
        let relays = hub.relays.all().into_iter().map(|(hint, usable, rtt)| RelayStatus {
            home: home.as_deref() == Some(hint.url().as_str()),
            url: hint.to_string(),
            usable,
            rtt_ms: rtt.map(|rtt| u32::try_from(rtt.as_millis()).unwrap_or(u32::MAX)),
        });
        OverlayStatus {
            key: hub.key,
            network: hub.network.wire_name(),
            tcp: inner.tcp.bound.first().copied(),
            tcp_mapped: inner.tcp.mapped(),
            udp: hub.endpoint.bound_sockets(),
            addresses: hub.endpoint.addr().ip_addrs().copied().collect(),
            reflexive,
            nat,
            relays: relays.collect(),
            home_relay: home,
            offered_relay: inner.offer.status(),
            dht: inner.dht.status(),
            connections: hub.pool.all().len(),
            max_connections: hub.limits.config().max_connections,
        }
    }

    /// Notes the round trip of every overlay connection as it is now: the transport measures it with every packet, and says
    /// so only when asked.
    pub fn note_round_trips(&self) {
        for connection in self.inner.hub.pool.all() {
            if let Some(rtt) = connection.rtt() {
                self.inner.hub.peers.observe(connection.peer.into(), Observation::Rtt(rtt));
            }
        }
    }

    /// Bytes that came and went, whatever they were for: content over TCP and TLS, and every packet of the overlay with its
    /// headers, relayed ones too. The DHT's packets are not counted: its library does not tell.
    pub fn traffic(&self) -> (u64, u64) {
        let packets = &self.inner.hub.endpoint.metrics().socket;
        let came = [&packets.recv_data_ipv4, &packets.recv_data_ipv6, &packets.recv_data_relay];
        let went = [&packets.send_ipv4, &packets.send_ipv6, &packets.send_relay];
        let [came, went] = [came, went].map(|counters| counters.iter().map(|counter| counter.get()).sum::<u64>());
        let links = [PathKind::Tcp, PathKind::Tls].map(|path| self.inner.hub.peers.exchanged(path));
        links.into_iter().fold((came, went), |(came, went), link| (came + link.0, went + link.1))
    }

    /// Stops: says goodbye to peers and ends every task. The UDP socket is free when the last handle is dropped.
    pub async fn shutdown(&self) {
        self.inner.shutdown().await;
    }

    /// A TLS link to the peer, at whichever of its addresses answers.
    async fn by_tls(&self, peer: PeerKey, purpose: StreamType, timeout: Duration) -> Result<BoxLink, ConnectError> {
        let addresses = self.addresses_of(&peer).tcp;
        let mut failure = ConnectError::NoAddress(peer);
        let each = timeout / u32::try_from(addresses.len().clamp(1, MAX_TLS_ADDRESSES)).unwrap_or(1);
        for address in addresses.into_iter().take(MAX_TLS_ADDRESSES) {
            // What is in the book has passed the guard already, under the origin that it came from.
            match self.inner.dialer.tls(peer, address, Origin::User, purpose, each).await {
                Ok(link) => return Ok(link),
                Err(error @ (ConnectError::NotServed { .. } | ConnectError::WrongNetwork(_))) => return Err(error),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// An overlay stream to the peer.
    async fn by_overlay(
        &self,
        peer: PeerKey,
        purpose: StreamType,
        policy: PathPolicy,
    ) -> Result<BoxLink, ConnectError> {
        let hub = &self.inner.hub;
        let connection = hub
            .connection(peer, Channel::of(purpose))
            .await
            .map_err(|error: DialError| error.into_connect_error(peer))?;
        // A path that is only relayed so far may become direct.
        let allowed = |kind| policy.allows(kind);
        let now = allowed(connection.path_kind());
        if !now && (!allowed(PathKind::Direct) || !connection.path_becomes(allowed).await) {
            return Err(ConnectError::NotAllowed(Target::Peer(peer)));
        }
        let target = Target::Peer(peer);
        match hub.open_stream(&connection, purpose).await {
            Ok(link) => Ok(link),
            Err(OpenFailed::Refused(Status::NotServed)) => Err(ConnectError::NotServed { target, purpose }),
            Err(OpenFailed::Refused(Status::Blocked)) => Err(ConnectError::Blocked(target)),
            Err(error) => Err(ConnectError::Transport { target, source: Box::new(error) }),
        }
    }

    /// The cheapest path to the peer that works: TLS with a head start, then both at once.
    async fn to_peer(&self, peer: PeerKey, purpose: StreamType, policy: PathPolicy) -> Result<BoxLink, ConnectError> {
        let overlay = policy.allows(PathKind::Direct) || policy.allows(PathKind::Relayed);
        let tls = policy.allows(PathKind::Tls) && self.inner.config.direct;
        let bulk = Channel::of(purpose) == Channel::Bulk;
        if overlay && tls && bulk && self.addresses_of(&peer).tcp.is_empty() {
            // Where the peer's TCP port is, it says itself when we meet.
            let met = self.inner.hub.connection(peer, Channel::Control).await;
            met.map_err(|error| error.into_connect_error(peer))?;
        }
        let reachable = tls && !self.addresses_of(&peer).tcp.is_empty();
        // What is small goes on the connection there is.
        let connected = self.inner.hub.pool.live(&peer, Channel::Control).is_some();
        match (reachable, overlay) {
            (true, true) if bulk || !connected => self.race(peer, purpose, policy, bulk).await,
            (_, true) => self.by_overlay(peer, purpose, policy).await,
            (true, false) => self.by_tls(peer, purpose, policy.timeout).await,
            (false, false) if tls => Err(ConnectError::NoAddress(peer)),
            (false, false) => Err(ConnectError::NotAllowed(Target::Peer(peer))),
        }
    }

    async fn race(
        &self,
        peer: PeerKey,
        purpose: StreamType,
        policy: PathPolicy,
        bulk: bool,
    ) -> Result<BoxLink, ConnectError> {
        let in_vain = self.inner.hub.peers.tried_in_vain(&peer.into(), PathKind::Tls) > 0;
        let (head_start, patience) = match (in_vain, bulk) {
            (true, _) => (SHORT_START, Duration::ZERO),
            (false, true) => (HEAD_START, BULK_PATIENCE),
            (false, false) => (HEAD_START, Duration::ZERO),
        };
        let tls = self.by_tls(peer, purpose, policy.timeout);
        tokio::pin!(tls);
        if let Ok(first) = tokio::time::timeout(head_start, &mut tls).await {
            return match first {
                Ok(link) => Ok(link),
                Err(error @ ConnectError::NotServed { .. }) => Err(error),
                Err(_) => self.by_overlay(peer, purpose, policy).await,
            };
        }
        let overlay = self.by_overlay(peer, purpose, policy);
        tokio::pin!(overlay);
        tokio::select! {
            by_tls = &mut tls => match by_tls {
                Ok(link) => Ok(link),
                Err(_) => overlay.await,
            },
            by_overlay = &mut overlay => {
                match (by_overlay, tokio::time::timeout(patience, &mut tls).await) {
                    (_, Ok(Ok(link))) => Ok(link),
                    (Ok(link), _) => Ok(link),
                    (Err(_), Err(_)) => tls.await,
                    (Err(error), Ok(Err(_))) => Err(error),
                }
            }
        }
    }
}

#[async_trait]
impl Connector for Overlay {
    async fn connect(&self, target: Target, purpose: StreamType, policy: PathPolicy) -> Result<BoxLink, ConnectError> {
        if self.inner.hub.tasks.stopping() {
            return Err(ConnectError::ShuttingDown);
        }
        let timeout = policy.timeout;
        match target {
            Target::Socket(address) if policy.allows(PathKind::Tcp) => {
                self.inner.dialer.plain(address, policy.origin, timeout).await
            }
            Target::Socket(_) => Err(ConnectError::NotAllowed(target)),
            Target::Peer(peer) => {
                if self.inner.hub.limits.refuses(Some(peer), None) {
                    return Err(ConnectError::Blocked(target));
                }
                match tokio::time::timeout(timeout, self.to_peer(peer, purpose, policy)).await {
                    Ok(result) => result,
                    Err(_) => Err(ConnectError::TimedOut { target, after: timeout }),
                }
            }
        }
    }
}

impl std::fmt::Debug for Overlay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Overlay").field("key", &self.inner.hub.key).finish_non_exhaustive()
    }
}
