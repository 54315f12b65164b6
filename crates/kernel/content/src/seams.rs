//! What the engine is given by the node, and what all its torrents have of it in common.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weft_bittorrent::block::BlockPool;
use weft_events::EventSink;
use weft_overlay::guard::{AddressGuard, Origin};
use weft_overlay::{Connector, PeerKey};
use weft_store::Store;

use crate::config::{EngineConfig, MAX_READERS};
use crate::discovery::{PeerDiscovery, WeftHints};
use crate::error::StartError;
use crate::event::ContentEvent;
use crate::resume::Records;
use crate::shell::{Limiter, PieceMemory, Tools};
use crate::sources::{Announcer, HttpTrackers};
use crate::status::PeerOrigin;
use crate::storage::{DiskPool, FileCache, ReadBuffers};

/// 1,024 free block buffers (16 MiB) are kept: what a fast swarm has on its way between network and disk.
const KEEP_BLOCKS: usize = 1024;

/// What the engine is given by the node.
#[derive(Clone)]
pub struct Seams {
    /// Opens links to peers.
    pub connector: Arc<dyn Connector>,
    /// Says which addresses may be dialled.
    pub guard: AddressGuard,
    /// Keeps resume state.
    pub store: Arc<dyn Store>,
    /// Where events go.
    pub events: EventSink,
    /// The DHT, if it is on.
    pub discovery: Option<Arc<dyn PeerDiscovery>>,
    /// Reads and writes `x.weft` of magnet links. Without it the value is a bare device key.
    pub hints: Option<Arc<dyn WeftHints>>,
    /// This node's device key: what a magnet link names without `hints`, and what is never dialled.
    pub device: Option<PeerKey>,
}

pub(crate) struct Shared {
    pub(crate) config: EngineConfig,
    pub(crate) seams: Seams,
    pub(crate) tools: Tools,
    pub(crate) files: Arc<FileCache>,
    pub(crate) announcer: Announcer,
    pub(crate) records: Records,
    /// Limits over all torrents.
    pub(crate) limits: Arc<Limiter>,
    /// One permit a peer connection.
    pub(crate) connections: Arc<Semaphore>,
    /// One permit a connection being opened.
    pub(crate) half_open: Arc<Semaphore>,
    /// One permit a reader of a file.
    pub(crate) readers: Arc<Semaphore>,
    next_reader: AtomicU64,
    /// 0: not reachable.
    listen_port: AtomicU32,
    pub(crate) tasks: TaskTracker,
    pub(crate) cancel: CancellationToken,
}

impl Shared {
    pub(crate) fn new(config: EngineConfig, seams: Seams) -> Result<Arc<Self>, StartError> {
        let pool = DiskPool::new(config.disk_threads).map_err(StartError::Threads)?;
        let tools = Tools {
            pool,
            blocks: BlockPool::new(KEEP_BLOCKS),
            buffers: ReadBuffers::default(),
            memory: Arc::new(PieceMemory::default()),
            memory_limit: config.piece_memory,
            moved: Arc::default(),
        };
        let http = HttpTrackers::new(seams.guard.clone(), config.http_timeout).map_err(StartError::Http)?;
        Ok(Arc::new(Shared {
            announcer: Announcer { http, guard: seams.guard.clone() },
            records: Records::new(Arc::clone(&seams.store), seams.events.clone()),
            limits: Limiter::new(config.limits),
            connections: Arc::new(Semaphore::new(config.max_connections)),
            half_open: Arc::new(Semaphore::new(config.max_half_open)),
            readers: Arc::new(Semaphore::new(MAX_READERS)),
            next_reader: AtomicU64::new(0),
            listen_port: AtomicU32::new(config.listen_port.map_or(0, u32::from)),
            files: Arc::new(FileCache::new()),
            tasks: TaskTracker::new(),
            cancel: CancellationToken::new(),
            config,
            seams,
            tools,
        }))
    }

    pub(crate) fn listen_port(&self) -> Option<u16> {
        u16::try_from(self.listen_port.load(Ordering::Relaxed)).ok().filter(|port| *port != 0)
    }

    /// A number for a reader.
    pub(crate) fn next_reader(&self) -> u64 {
        self.next_reader.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn set_listen_port(&self, port: Option<u16>) {
        self.listen_port.store(port.map_or(0, u32::from), Ordering::Relaxed);
    }

    pub(crate) fn emit(&self, event: &ContentEvent) {
        self.seams.events.emit(event);
    }

    /// Whether an address may be dialled, by who named it.
    pub(crate) fn may_dial(&self, address: SocketAddr, origin: PeerOrigin, told_by: Option<IpAddr>) -> bool {
        let origin = match origin {
            PeerOrigin::User => Origin::User,
            PeerOrigin::Pex => told_by.map_or(Origin::Stranger, |ip| self.seams.guard.origin_of(ip)),
            _ => Origin::Stranger,
        };
        self.seams.guard.allows(address, origin)
    }

    /// The key that an `x.weft` value names.
    pub(crate) fn read_hint(&self, value: &str) -> Option<PeerKey> {
        match &self.seams.hints {
            Some(hints) => hints.read(value),
            None => value.parse().ok(),
        }
    }

    /// Our own `x.weft` value.
    pub(crate) fn write_hint(&self) -> Option<String> {
        match &self.seams.hints {
            Some(hints) => hints.write(),
            None => self.seams.device.map(|key| key.to_string()),
        }
    }
}
