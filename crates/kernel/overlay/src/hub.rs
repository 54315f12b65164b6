//! What the overlay's tasks share.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use iroh::dns::DnsResolver;
use iroh::{Endpoint, RelayUrl};
use parking_lot::RwLock;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use weft_events::EventSink;

use crate::addresses::{AddressBook, PeerAddresses};
use crate::alpn::Alpns;
use crate::census::Census;
use crate::config::Network;
use crate::connection::{Path, PeerConnection};
use crate::event::OverlayEvent;
use crate::guard::{AddressGuard, Origin};
use crate::hello::Hello;
use crate::keys::PeerKey;
use crate::limits::Limits;
use crate::peers::{Direction, Observation, Observe, PeerTable};
use crate::pool::Pool;
use crate::registry::HandlerRegistry;
use crate::relay::RelayPool;
use crate::tasks::Tasks;

/// 4,096 keys held to be known: an address book larger than that is a directory.
const MAX_KNOWN: usize = 4096;

/// Everything the overlay's tasks share. One for each overlay.
pub(crate) struct Hub {
    pub(crate) key: PeerKey,
    pub(crate) network: Network,
    pub(crate) alpns: Alpns,
    pub(crate) endpoint: Endpoint,
    pub(crate) census: Census,
    pub(crate) resolver: DnsResolver,
    pub(crate) guard: AddressGuard,
    pub(crate) limits: Limits,
    pub(crate) registry: HandlerRegistry,
    pub(crate) events: EventSink,
    pub(crate) book: Arc<AddressBook>,
    pub(crate) peers: PeerTable,
    pub(crate) relays: Arc<RelayPool>,
    pub(crate) pool: Pool,
    pub(crate) tasks: Tasks,
    /// A service was switched on or off.
    pub(crate) services_changed: Notify,
    /// What we say of ourselves.
    pub(crate) hello: watch::Sender<Arc<Hello>>,
    /// Peers that have just connected, for the members' gossip.
    pub(crate) newcomers: mpsc::Sender<PeerKey>,
    /// One place: who measures relays that peers named.
    pub(crate) looking: Arc<Semaphore>,
    /// Peers named by the user: they have all the room there is.
    pub(crate) known: RwLock<HashSet<PeerKey>>,
}

impl Hub {
    /// Where a peer is, from whoever said it.
    pub(crate) fn learn(&self, peer: PeerKey, addresses: PeerAddresses, origin: Origin) {
        if peer == self.key {
            return;
        }
        if origin == Origin::User {
            let mut known = self.known.write();
            if known.len() < MAX_KNOWN {
                known.insert(peer);
            }
        }
        self.book.add(peer, addresses.checked(&self.guard, origin), Instant::now());
    }

    pub(crate) fn is_known(&self, peer: &PeerKey) -> bool {
        self.known.read().contains(peer)
    }

    /// A connection lives: into the pool, and into the feed if it is the first with this peer.
    pub(crate) fn adopt(&self, connection: &Arc<PeerConnection>, lost_relay: Option<&RelayUrl>) {
        if self.is_known(&connection.peer) {
            connection.widen();
        }
        let first = self.pool.insert(connection.clone(), lost_relay);
        let (path, direction) = (connection.path(), if connection.incoming { Direction::In } else { Direction::Out });
        let remote = match path {
            Path::Direct(address) => Some(address),
            Path::Relayed(_) | Path::Unknown => None,
        };
        let connected = Observation::Connected { path: connection.path_kind(), direction, remote };
        self.peers.observe(connection.peer.into(), connected);
        // The members' gossip joins who is there; if it is behind, it hears of them from others.
        let _ = self.newcomers.try_send(connection.peer);
        if first {
            let via_relay = path.relay();
            self.peers.observe(connection.peer.into(), Observation::Via(via_relay.clone()));
            self.events.emit(&OverlayEvent::PeerConnected {
                peer: connection.peer,
                path: path.kind(),
                via_relay,
                incoming: connection.incoming,
            });
        } else {
            self.tell_path(connection.peer);
        }
    }
}
