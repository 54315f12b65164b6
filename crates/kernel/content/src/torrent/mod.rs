//! One torrent: its slow path. The hot path is the [`Shell`]; here is what happens seldom.
//!
//! One task a torrent ([`Torrent::run`]) brings it up (hash what is on disk, start the machine), then waits for notes of
//! the shell, for commands and for time, and each time looks what is due: the machine's clock, announces, dialling, saving,
//! telling, probing whether a trouble is mended.

mod bring_up;
mod check;
mod command;
mod desk;
mod dial;
mod report;
mod run;
mod trouble;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use weft_bittorrent::id::{InfoHash, PeerId};
use weft_bittorrent::metainfo::{Info, Metainfo};
use weft_bittorrent::wire::{Handshake, Reserved};

use crate::error::ReadError;
use crate::resume::{ResumeRecord, TorrentRecord};
use crate::seams::Shared;
use crate::shell::{Limiter, PeerEntry, Shell, Throttle};
use crate::sources::{Address, Candidates, Trackers};
use crate::status::{ExchangeStatus, FilePriority, PeerOrigin, Trouble};
use crate::storage::Fingerprint;

pub(crate) use command::{note_peers, selection_of};
use desk::Desk;

/// 1,000 peers are remembered with what was exchanged with them.
const MAX_EXCHANGED: usize = 1_000;

/// One torrent.
pub(crate) struct Torrent {
    pub(crate) id: InfoHash,
    shared: Arc<Shared>,
    pub(crate) shell: Arc<Shell>,
    own_limits: Arc<Limiter>,
    desk: Mutex<Desk>,
    candidates: Mutex<Candidates>,
    trackers: Mutex<Trackers>,
    exchanged: Mutex<Exchanged>,
    rng: Mutex<StdRng>,
    /// Our name in this swarm.
    peer_id: PeerId,
    /// The announce key (BEP 7).
    announce_key: u32,
    pub(crate) cancel: CancellationToken,
    /// Counts what was told: whoever waits for a state looks again.
    pub(crate) changed: watch::Sender<u64>,
    checked: Arc<AtomicU64>,
    to_check: AtomicU64,
    /// Connections being opened.
    dialling: AtomicUsize,
    /// A Weft peer came over a dear path, and a cheaper one was not looked for since.
    dear: AtomicBool,
    /// Milliseconds before the DHT is asked again after a failure; 0 if nothing is to be waited for.
    dht_not_before: AtomicU64,
    /// It was taken out of the list: nothing of it is saved any more.
    removed: AtomicBool,
}

/// What was exchanged with whom.
#[derive(Default)]
struct Exchanged {
    /// Over connections that ended.
    past: HashMap<String, ExchangeStatus>,
    /// Connections that have not ended.
    present: Vec<PeerEntry>,
}

/// How a torrent begins.
pub(crate) struct Beginning {
    pub(crate) id: InfoHash,
    pub(crate) record: TorrentRecord,
    pub(crate) metainfo: Option<Metainfo>,
    pub(crate) known: Known,
}

/// What is known of the data on disk.
pub(crate) enum Known {
    /// Nothing: what is there is hashed.
    Nothing,
    /// What the last run saved.
    Resume(ResumeRecord),
    /// All of it was hashed just now, when the files were so.
    Everything(Vec<Option<Fingerprint>>),
}

impl Torrent {
    pub(crate) fn new(shared: &Arc<Shared>, beginning: Beginning) -> Arc<Self> {
        let Beginning { id, record, metainfo, known } = beginning;
        let mut rng = StdRng::from_os_rng();
        let own_limits = Limiter::new(record.limits);
        let throttle = Throttle { all: Arc::clone(&shared.limits), own: Arc::clone(&own_limits) };
        let mut trackers = match &metainfo {
            Some(metainfo) => Trackers::new(&metainfo.announce, &mut rng),
            None => Trackers::new(&record.trackers.iter().map(|t| vec![t.clone()]).collect::<Vec<_>>(), &mut rng),
        };
        trackers.add_by_user(&record.user_trackers, &mut rng);
        let mut candidates = Candidates::default();
        let now = std::time::Instant::now();
        let addresses = record.user_peers.iter().filter_map(|p| p.parse().ok());
        for address in addresses {
            candidates.add(Address::Socket(address), PeerOrigin::User, now);
        }
        let keys = record.weft_peers.iter().filter_map(|k| k.parse().ok()).filter(|k| Some(*k) != shared.seams.device);
        for key in keys {
            candidates.add(Address::Weft(key), PeerOrigin::Weft, now);
        }
        Arc::new(Torrent {
            id,
            shared: Arc::clone(shared),
            shell: Shell::new(shared.tools.clone(), throttle),
            own_limits,
            desk: Mutex::new(Desk::new(record, metainfo, known)),
            candidates: Mutex::new(candidates),
            trackers: Mutex::new(trackers),
            exchanged: Mutex::default(),
            peer_id: PeerId::random(&mut rng),
            announce_key: rand::Rng::random(&mut rng),
            rng: Mutex::new(rng),
            cancel: shared.cancel.child_token(),
            changed: watch::Sender::new(0),
            checked: Arc::default(),
            to_check: AtomicU64::new(0),
            dialling: AtomicUsize::new(0),
            dear: AtomicBool::new(false),
            dht_not_before: AtomicU64::new(0),
            removed: AtomicBool::new(false),
        })
    }

    /// Our handshake in this swarm.
    fn handshake(&self) -> Handshake {
        let dht = self.shared.seams.discovery.is_some() && !self.desk.lock().is_private();
        Handshake { reserved: Reserved::ours(dht), info_hash: self.id, peer_id: self.peer_id }
    }

    /// Looks at its info dictionary, if that is here.
    pub(crate) fn with_info<R>(&self, look: impl FnOnce(Option<&Info>) -> R) -> R {
        look(self.desk.lock().info())
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.desk.lock().record.paused
    }

    /// Why nothing is fetched, if that is so.
    pub(crate) fn stopped_by(&self) -> Option<Trouble> {
        self.desk.lock().trouble.clone()
    }

    /// How much a file is wanted.
    pub(crate) fn priority(&self, file: usize) -> FilePriority {
        self.desk.lock().record.priorities.as_ref().and_then(|p| p.get(file)).copied().unwrap_or_default()
    }

    /// Why it does not run any more.
    pub(crate) fn gone(&self) -> ReadError {
        if self.removed.load(Ordering::Relaxed) { ReadError::NotFound(self.id) } else { ReadError::ShuttingDown }
    }

    /// Has the torrent's task look around.
    pub(crate) fn wake(&self) {
        self.shell.wake.notify_one();
    }
}
