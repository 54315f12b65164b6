//! What was observed of each peer, in one place.
//!
//! Everything this node learns of a peer by dealing with it (round trips, failures, bytes, paths, addresses that worked)
//! goes through [`Observe`] into one [`PeerTable`]. Pickers of pieces, relays and routes read it; `weft peers` and the
//! page show its [snapshot](PeerSnapshot). Only what was observed here counts: nothing a peer claims of a third is stored.
//!
//! Peers of Weft are known by key, peers of public swarms by address. The table is bounded; the longest unseen stranger
//! makes room, contacts and open connections stay.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use serde::Serialize;

use crate::guard::Origin;
use crate::keys::PeerKey;
use crate::link::PathKind;

mod record;
mod snapshot;

use record::Record;
pub use snapshot::{AddressSnapshot, FailureSnapshot, PathSnapshot, PeerSnapshot};

/// Peers remembered: a public swarm shows some thousands in a day; at about 1 KiB each the table stays near 4 MiB.
pub const MAX_PEERS: usize = 4096;
/// Addresses of one peer: its networks, v4 and v6, old and new.
pub const MAX_ADDRESSES: usize = 16;
/// Relay URLs of one peer: a home relay, a second one, and those just left.
pub const MAX_RELAYS: usize = 4;
/// Facts a peer may say of itself in its hello.
pub const MAX_HELLO: usize = 16;
/// Characters kept of any text a peer or a failing library gives.
pub const MAX_TEXT: usize = 256;

/// Who was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PeerId {
    /// A Weft peer, by the key it proves.
    Key(PeerKey),
    /// A peer of a public swarm, by its address.
    Address(SocketAddr),
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeerId::Key(key) => write!(f, "{key}"),
            PeerId::Address(address) => write!(f, "{address}"),
        }
    }
}

impl From<PeerKey> for PeerId {
    fn from(key: PeerKey) -> Self {
        PeerId::Key(key)
    }
}

impl From<SocketAddr> for PeerId {
    fn from(address: SocketAddr) -> Self {
        PeerId::Address(address)
    }
}

/// Who opened a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The peer.
    In,
    /// This node.
    Out,
}

/// Something this node saw of a peer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Observation {
    /// A connection is being tried.
    Attempt {
        /// Over which path.
        path: PathKind,
    },
    /// It failed, or broke.
    Failed {
        /// Over which path.
        path: PathKind,
        /// Why, for a person.
        reason: String,
    },
    /// A connection is open.
    Connected {
        /// Over which path.
        path: PathKind,
        /// Who opened it.
        direction: Direction,
        /// The address at the other end, if there is one.
        remote: Option<SocketAddr>,
    },
    /// The path of an open connection is another one now.
    Moved {
        /// The path it was on.
        from: PathKind,
        /// The path it is on.
        to: PathKind,
    },
    /// An open connection has ended.
    Disconnected {
        /// The path it was on.
        path: PathKind,
    },
    /// Its packets go through this relay, or through none.
    Via(Option<String>),
    /// A round trip was measured.
    Rtt(Duration),
    /// The peer delivered something asked of it.
    Served {
        /// How much.
        bytes: u64,
        /// From request to last byte.
        took: Duration,
    },
    /// An address of the peer was heard of.
    Address {
        /// Which.
        address: SocketAddr,
        /// From whom.
        origin: Origin,
    },
    /// A relay at which the peer can be reached.
    Relay(String),
    /// The program it says it runs.
    Agent(String),
    /// What it says of itself, as names and values.
    Hello(BTreeMap<String, String>),
    /// It is in the address book, or no longer.
    Contact(bool),
}

/// Where observations go.
pub trait Observe: Send + Sync + 'static {
    /// Notes what was seen of `peer` just now.
    fn observe(&self, peer: PeerId, what: Observation);
}

/// The table. Cheap to clone; all clones are the same table.
#[derive(Clone, Default)]
pub struct PeerTable {
    records: Arc<Mutex<HashMap<PeerId, Record>>>,
    /// Bytes exchanged with everybody, those who made room in the table too.
    everybody: Arc<Counts>,
}

impl PeerTable {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes what was seen of `peer` at `now`.
    pub fn observe_at(&self, peer: PeerId, what: Observation, now: SystemTime) {
        let now = unix_ms(now);
        let mut records = self.records.lock();
        if let Some(record) = entry(&mut records, peer, now) {
            record.note(what, now);
        }
    }

    /// Counters of the bytes exchanged with `peer`, to be added to without a lock.
    pub fn meter(&self, peer: PeerId) -> Meter {
        let mut records = self.records.lock();
        let record = entry(&mut records, peer, unix_ms(SystemTime::now()));
        let own = record.map(|record| record.meter.clone()).unwrap_or_default();
        Meter { everybody: Arc::clone(&self.everybody), ..own }
    }

    /// Bytes that came from and went to all peers over `path`, ever.
    pub fn exchanged(&self, path: PathKind) -> (u64, u64) {
        read(&self.everybody, path)
    }

    /// Everything known of at most `most` of the peers that are connected, the latest seen first.
    pub fn connected(&self, most: usize) -> Vec<PeerSnapshot> {
        let records = self.records.lock();
        let mut open: Vec<_> = records.iter().filter(|(_, record)| record.open > 0).collect();
        open.sort_by_key(|(peer, record)| (std::cmp::Reverse(record.last_seen_ms), **peer));
        open.into_iter().take(most).map(|(peer, record)| record.snapshot(peer)).collect()
    }

    /// Everything known of one peer.
    pub fn get(&self, peer: &PeerId) -> Option<PeerSnapshot> {
        self.records.lock().get(peer).map(|record| record.snapshot(peer))
    }

    /// Everything known of all peers, the latest seen first.
    pub fn snapshot(&self) -> Vec<PeerSnapshot> {
        let mut all: Vec<_> = self.records.lock().iter().map(|(peer, record)| record.snapshot(peer)).collect();
        all.sort_by(|a, b| b.last_seen_ms.cmp(&a.last_seen_ms).then_with(|| a.id.cmp(&b.id)));
        all
    }

    /// Addresses of `peer` and who gave them, the most promising first: those that worked, latest first, then the rest,
    /// latest heard first.
    pub fn addresses(&self, peer: &PeerId) -> Vec<(SocketAddr, Origin)> {
        self.records.lock().get(peer).map(Record::addresses_by_promise).unwrap_or_default()
    }

    /// How often it was tried to connect to `peer` by this path since that last led to a connection.
    pub fn tried_in_vain(&self, peer: &PeerId, path: PathKind) -> u64 {
        self.records.lock().get(peer).map_or(0, |record| record.in_vain(path))
    }

    /// Peers in the table.
    pub fn len(&self) -> usize {
        self.records.lock().len()
    }

    /// Whether nobody was ever seen.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets a peer, open connections or not.
    pub fn forget(&self, peer: &PeerId) -> bool {
        self.records.lock().remove(peer).is_some()
    }
}

impl Observe for PeerTable {
    fn observe(&self, peer: PeerId, what: Observation) {
        self.observe_at(peer, what, SystemTime::now());
    }
}

impl fmt::Debug for PeerTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerTable").field("peers", &self.len()).finish()
    }
}

/// The record of `peer`, made if there is room or somebody can make room.
fn entry(records: &mut HashMap<PeerId, Record>, peer: PeerId, now: u64) -> Option<&mut Record> {
    if !records.contains_key(&peer) && records.len() >= MAX_PEERS {
        // A scan of 4,096 entries a stranger, some 20 µs, and only while the table is full.
        let longest_unseen =
            records.iter().filter(|(_, r)| r.open == 0).min_by_key(|(_, r)| (r.contact, r.last_seen_ms));
        let victim = longest_unseen.map(|(id, _)| *id)?;
        records.remove(&victim);
    }
    Some(records.entry(peer).or_insert_with(|| Record::new(now)))
}

fn unix_ms(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)).unwrap_or(0)
}

/// Bytes exchanged with one peer, by path. Cheap to clone; all clones count together.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    own: Arc<Counts>,
    everybody: Arc<Counts>,
}

type Counts = [PathBytes; PathKind::ALL.len()];

#[derive(Debug, Default)]
struct PathBytes {
    received: AtomicU64,
    sent: AtomicU64,
}

impl Meter {
    /// Counts bytes that came.
    pub fn received(&self, path: PathKind, bytes: usize) {
        for counts in [&self.own, &self.everybody].into_iter().filter_map(|counts| counts.get(index_of(path))) {
            counts.received.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// Counts bytes that went.
    pub fn sent(&self, path: PathKind, bytes: usize) {
        for counts in [&self.own, &self.everybody].into_iter().filter_map(|counts| counts.get(index_of(path))) {
            counts.sent.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// Bytes that came and went over `path`.
    pub fn read(&self, path: PathKind) -> (u64, u64) {
        read(&self.own, path)
    }
}

fn read(counts: &Counts, path: PathKind) -> (u64, u64) {
    let of_path = counts.get(index_of(path));
    of_path.map_or((0, 0), |c| (c.received.load(Ordering::Relaxed), c.sent.load(Ordering::Relaxed)))
}

/// Where a path's figures are in the arrays of a record.
fn index_of(path: PathKind) -> usize {
    PathKind::ALL.iter().position(|kind| *kind == path).unwrap_or(0)
}

#[cfg(test)]
#[path = "peers/tests.rs"]
mod tests;
