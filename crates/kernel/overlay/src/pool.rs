//! The connections there are, and those being made: one control connection a pair, shared by all who need it.

use std::collections::HashMap;
use std::sync::Arc;

use iroh::RelayUrl;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::alpn::Channel;
use crate::connection::{CloseCode, Path, PeerConnection};
use crate::connector::{ConnectError, Target};
use crate::keys::PeerKey;
use crate::link::PathKind;

/// 4 connections of one kind with one peer: both dialled at once, and each was replaced once.
const MAX_PER_SLOT: usize = 4;

/// Why a dial failed, for everybody who waited for it.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum DialError {
    #[error("blocked")]
    Blocked,
    #[error("no address is known")]
    NoAddress,
    #[error("the peer belongs to another network")]
    WrongNetwork,
    #[error("too many connections")]
    TooMany { limit: usize },
    #[error("shutting down")]
    ShuttingDown,
    #[error("the transport failed")]
    Transport(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl DialError {
    pub(crate) fn transport(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        DialError::Transport(Arc::new(error))
    }

    pub(crate) fn into_connect_error(self, peer: PeerKey) -> ConnectError {
        let target = Target::Peer(peer);
        match self {
            DialError::Blocked => ConnectError::Blocked(target),
            DialError::NoAddress => ConnectError::NoAddress(peer),
            DialError::TooMany { limit } => ConnectError::TooMany { limit },
            DialError::ShuttingDown => ConnectError::ShuttingDown,
            DialError::WrongNetwork => ConnectError::WrongNetwork(target),
            DialError::Transport(source) => ConnectError::Transport { target, source: Box::new(source) },
        }
    }
}

/// The outcome of a dial, for those who wait.
pub(crate) type Outcome = Result<Arc<PeerConnection>, DialError>;

type SlotKey = (PeerKey, Channel);

#[derive(Default)]
struct Slot {
    live: Vec<Arc<PeerConnection>>,
    dialing: Option<watch::Receiver<Option<Outcome>>>,
}

/// All overlay connections.
#[derive(Default)]
pub(crate) struct Pool {
    /// The path to each connected peer as the event feed last told it. Locked before `slots` where both are.
    told: Mutex<HashMap<PeerKey, Path>>,
    slots: Mutex<HashMap<SlotKey, Slot>>,
}

/// What [`Pool::claim`] found.
pub(crate) enum Claim {
    /// A connection.
    Live(Arc<PeerConnection>),
    /// Somebody dials already: wait with them.
    Wait(watch::Receiver<Option<Outcome>>),
    /// You dial: report by this, and wait with those who come.
    Dial(watch::Sender<Option<Outcome>>, watch::Receiver<Option<Outcome>>),
}

/// What [`Pool::remove`] left.
pub(crate) enum Removed {
    /// It was the last connection with the peer.
    Last,
    /// There is another one.
    Remains,
    /// It was not there.
    Nothing,
}

impl Pool {
    /// The connection with this peer, or a place among those who wait for one, or the task to make one.
    pub(crate) fn claim(&self, peer: PeerKey, channel: Channel) -> Claim {
        let mut slots = self.slots.lock();
        let slot = slots.entry((peer, channel)).or_default();
        if let Some(live) = best(&slot.live) {
            return Claim::Live(live);
        }
        // A receiver whose sender is gone belongs to a dial that was cut off.
        match &slot.dialing {
            Some(waiting) if waiting.has_changed().is_ok() => Claim::Wait(waiting.clone()),
            _ => {
                let (report, outcome) = watch::channel(None);
                slot.dialing = Some(outcome.clone());
                Claim::Dial(report, outcome)
            }
        }
    }

    /// A dial ended. (A connection it made was [inserted](Self::insert) before.)
    pub(crate) fn dialed(&self, peer: PeerKey, channel: Channel) {
        let mut slots = self.slots.lock();
        if let Some(slot) = slots.get_mut(&(peer, channel)) {
            slot.dialing = None;
            if slot.live.is_empty() {
                slots.remove(&(peer, channel));
            }
        }
    }

    /// Takes a new connection in, and closes those before it that went only through `lost_relay`. Says whether this is
    /// the first with the peer.
    pub(crate) fn insert(&self, connection: Arc<PeerConnection>, lost_relay: Option<&RelayUrl>) -> bool {
        let mut old = Vec::new();
        let first = {
            let mut told = self.told.lock();
            let first = !told.contains_key(&connection.peer);
            told.entry(connection.peer).or_insert(connection.path());
            let mut slots = self.slots.lock();
            let slot = slots.entry((connection.peer, connection.channel)).or_default();
            slot.live.retain(|live| live.is_open());
            if let Some(relay) = lost_relay {
                old.extend(slot.live.extract_if(.., |live| live.only_through(relay)));
            }
            if slot.live.len() >= MAX_PER_SLOT {
                old.push(slot.live.remove(0));
            }
            slot.live.push(connection);
            first
        };
        for connection in old {
            connection.close(CloseCode::Replaced);
        }
        first
    }

    /// Forgets a connection that ended.
    pub(crate) fn remove(&self, connection: &Arc<PeerConnection>) -> Removed {
        let mut told = self.told.lock();
        let mut slots = self.slots.lock();
        let key = (connection.peer, connection.channel);
        if let Some(slot) = slots.get_mut(&key) {
            slot.live.retain(|live| !Arc::ptr_eq(live, connection));
            if slot.live.is_empty() && slot.dialing.is_none() {
                slots.remove(&key);
            }
        }
        match in_use(&slots, connection.peer) {
            Some(_) => Removed::Remains,
            None if told.remove(&connection.peer).is_some() => Removed::Last,
            None => Removed::Nothing,
        }
    }

    /// The path that was told before and the one that packets to the peer take now, if that is another one.
    pub(crate) fn moved(&self, peer: &PeerKey) -> Option<(Path, Path)> {
        let mut told = self.told.lock();
        let before = told.get_mut(peer)?;
        let now = in_use(&self.slots.lock(), *peer)?.path();
        // Until a path is chosen, the one before is the better answer.
        if *before == now || now == Path::Unknown {
            return None;
        }
        Some((std::mem::replace(before, now.clone()), now))
    }

    /// The path to a connected peer.
    pub(crate) fn path_to(&self, peer: &PeerKey) -> Option<PathKind> {
        self.told.lock().get(peer).map(Path::kind)
    }

    /// The live connection with this peer, if there is one.
    pub(crate) fn live(&self, peer: &PeerKey, channel: Channel) -> Option<Arc<PeerConnection>> {
        self.slots.lock().get(&(*peer, channel)).and_then(|slot| best(&slot.live))
    }

    /// Every connection.
    pub(crate) fn all(&self) -> Vec<Arc<PeerConnection>> {
        self.slots.lock().values().flat_map(|slot| slot.live.iter().cloned()).collect()
    }

    /// Connections that nobody needs: a second one of a pair, from both dialling at once, without a link.
    pub(crate) fn surplus(&self) -> Vec<Arc<PeerConnection>> {
        let slots = self.slots.lock();
        let doubled = slots.values().filter(|slot| slot.live.len() > 1);
        doubled
            .flat_map(|slot| {
                let kept = best(&slot.live);
                slot.live.iter().filter(move |live| kept.as_ref().is_some_and(|kept| !Arc::ptr_eq(live, kept))).cloned()
            })
            .collect()
    }
}

/// The connection that tells which way a peer's packets go: that of bulk, which is nearly all of them, else control.
fn in_use(slots: &HashMap<SlotKey, Slot>, peer: PeerKey) -> Option<Arc<PeerConnection>> {
    Channel::ALL.into_iter().rev().find_map(|channel| best(&slots.get(&(peer, channel))?.live))
}

/// The one to use, the same at both ends where both dialled: that which the smaller key dialled.
fn best(live: &[Arc<PeerConnection>]) -> Option<Arc<PeerConnection>> {
    live.iter().filter(|connection| connection.is_open()).max_by_key(|connection| connection.preference()).cloned()
}
