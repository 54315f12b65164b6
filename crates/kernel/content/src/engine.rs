//! The engine: the list of torrents, and what may be asked of it.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use weft_bittorrent::connection::Connection;
use weft_bittorrent::id::InfoHash;
use weft_bittorrent::magnet::Magnet;
use weft_bittorrent::metainfo::{Metainfo, Version};
use weft_overlay::{BoxLink, LinkHandler};

use crate::config::{AddOptions, CreateOptions, EngineConfig, KnownPeer, RateLimits, Source};
use crate::create::{self, CreateControl, Skipped};
use crate::error::{AddError, ControlError, CreateError, ReadError, StartError};
use crate::event::ContentEvent;
use crate::map::TorrentMap;
use crate::peer::greet;
use crate::reader::Reader;
use crate::resume::{TorrentRecord, unix_seconds};
use crate::seams::{Seams, Shared};
use crate::status::{EngineStatus, FilePriority, PeerOrigin, State, TorrentActivity, TorrentStatus, Trouble};
use crate::storage::Urgency;
use crate::torrent::{Beginning, Known, Torrent, note_peers, selection_of};

/// The content engine. Cheap to clone; all clones are the same engine, which stops when the last one is gone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    torrents: RwLock<HashMap<InfoHash, Handle>>,
}

struct Handle {
    torrent: Arc<Torrent>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What was shared by [`Engine::create_and_share`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SharedContent {
    /// Its info-hash.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub info_hash: InfoHash,
    /// Number of files.
    pub files: usize,
    /// Bytes.
    pub size: u64,
    /// What of the folder did not become part of it, and why.
    pub skipped: Vec<Skipped>,
    /// How long walking and hashing took, in milliseconds.
    pub took_ms: u64,
    /// It was in the list already.
    pub existed: bool,
}

impl Engine {
    /// Starts the engine and takes up every torrent of the last run.
    ///
    /// # Errors
    /// If threads or the HTTP client cannot be had.
    pub async fn start(config: EngineConfig, seams: Seams) -> Result<Engine, StartError> {
        let shared = Shared::new(config, seams)?;
        let engine = Engine { inner: Arc::new(Inner { shared, torrents: RwLock::default() }) };
        let loading = Arc::clone(&engine.inner.shared);
        let records = loading.tools.pool.clone().run(Urgency::Peer, move || loading.records.load()).await;
        for (id, record, resume) in records.unwrap_or_default() {
            let metainfo = record.metainfo.as_deref().map(Metainfo::from_bytes);
            let metainfo = match metainfo.transpose() {
                Ok(metainfo) => metainfo,
                Err(error) => {
                    tracing::error!(%id, %error, "the saved metadata of a torrent cannot be read; it is fetched anew");
                    None
                }
            };
            for hint in &record.hints {
                engine.inner.shared.read_hint(hint);
            }
            let known = resume.map_or(Known::Nothing, Known::Resume);
            engine.inner.begin(Beginning { id, record, metainfo, known });
        }
        Ok(engine)
    }

    /// Adds a torrent; it starts at once unless [`AddOptions::paused`]. What is on disk already is checked first.
    ///
    /// # Errors
    /// [`AddError::Exists`] if it is in the list; the peers and trackers named are added to it all the same.
    pub async fn add(&self, source: Source, options: AddOptions) -> Result<InfoHash, AddError> {
        let (id, metainfo, mut record, peers) = self.inner.read_source(source)?;
        if let Some(existing) = self.inner.torrent(id) {
            existing
                .add_trackers(&options.trackers, &record.trackers.iter().map(|t| vec![t.clone()]).collect::<Vec<_>>());
            existing.add_peers(&options.peers);
            let weft = record.weft_peers.iter().filter_map(|key| key.parse().ok()).map(KnownPeer::Weft);
            existing.add_peers(&weft.collect::<Vec<_>>());
            existing.offer(peers.into_iter(), PeerOrigin::Magnet, None);
            return Err(AddError::Exists(id));
        }
        if let (Some(selection), Some(metainfo)) = (&options.selection, &metainfo) {
            let files = metainfo.info.files().len();
            let flags = selection_of(selection, files).map_err(|index| AddError::NoSuchFile { index, files })?;
            record.priorities = Some(flags);
        } else if let Some(selection) = &options.selection {
            // The metadata is not here yet: the places are kept as ranges until it is.
            let place = |index: &usize| u32::try_from(*index).ok().map(|index| (index, index));
            record.select = selection.iter().filter_map(place).collect();
        }
        record.dir = options.dir.unwrap_or_else(|| self.inner.shared.config.download_dir.clone());
        record.paused = options.paused;
        record.limits = options.limits;
        if !metainfo.as_ref().is_some_and(|metainfo| metainfo.info.is_private()) {
            record.user_trackers = options.trackers;
        }
        note_peers(&mut record, &options.peers);
        let torrent = self.inner.insert(Beginning { id, record, metainfo, known: Known::Nothing })?;
        torrent.offer(peers.into_iter(), PeerOrigin::Magnet, None);
        torrent.shell.wake.notify_one();
        Ok(id)
    }

    /// Makes a torrent of a file or folder and seeds it where it lies. If the same content is in the list already, that
    /// is what is given.
    ///
    /// # Errors
    /// See [`CreateError`].
    pub async fn create_and_share(
        &self,
        path: PathBuf,
        options: CreateOptions,
        control: CreateControl,
    ) -> Result<SharedContent, CreateError> {
        if self.inner.shared.cancel.is_cancelled() {
            return Err(AddError::ShuttingDown.into());
        }
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let limits = options.limits;
        let made = tokio::task::spawn_blocking(move || create::create(&path, &options, &control, threads)).await;
        let created = made.map_err(|_| CreateError::Cancelled)??;
        let info = created.metainfo.info.clone();
        let mut content = SharedContent {
            info_hash: info.info_hash(),
            files: info.files().len(),
            size: info.total_len(),
            skipped: created.skipped,
            took_ms: millis(created.took),
            existed: false,
        };
        let record = TorrentRecord {
            metainfo: Some(created.metainfo.to_bytes()),
            name: Some(info.name().to_owned()),
            dir: created.root,
            limits,
            added_at: unix_seconds(),
            completed_at: Some(unix_seconds()),
            ..TorrentRecord::default()
        };
        let known = Known::Everything(created.prints);
        let metainfo = Some(created.metainfo);
        match self.inner.insert(Beginning { id: content.info_hash, record, metainfo, known }) {
            Ok(_) => {}
            Err(AddError::Exists(_)) => content.existed = true,
            Err(error) => return Err(error.into()),
        }
        // Whoever hands the link out now may count on it being served.
        let up = self.wait_until(content.info_hash, |status| status.state != State::Checking).await;
        up.map_err(|_| AddError::ShuttingDown)?;
        Ok(content)
    }

    /// Where torrents go that name no folder of their own.
    pub fn download_dir(&self) -> &Path {
        &self.inner.shared.config.download_dir
    }

    /// Every torrent, oldest first. Peers, trackers and files are left out: ask [`get`](Engine::get).
    pub fn list(&self) -> Vec<TorrentStatus> {
        let mut list: Vec<_> = self.inner.all().iter().map(|torrent| torrent.status(false)).collect();
        list.sort_by_key(|status| (status.added_at, status.info_hash));
        list
    }

    /// One torrent with everything.
    pub fn get(&self, id: InfoHash) -> Option<TorrentStatus> {
        self.inner.torrent(id).map(|torrent| torrent.status(true))
    }

    /// Sums over all torrents.
    pub fn status(&self) -> EngineStatus {
        let shared = &self.inner.shared;
        let mut status = EngineStatus {
            connections: shared.config.max_connections - shared.connections.available_permits(),
            half_open: shared.config.max_half_open - shared.half_open.available_permits(),
            piece_memory: shared.tools.memory.bytes(),
            downloaded: shared.tools.moved.down.load(Ordering::Relaxed),
            uploaded: shared.tools.moved.up.load(Ordering::Relaxed),
            resume_trouble: shared.records.trouble(),
            ..EngineStatus::default()
        };
        for torrent in self.inner.all() {
            let (down, up) = torrent.rates();
            status.torrents += 1;
            status.rate_down += down;
            status.rate_up += up;
        }
        status
    }

    /// What each torrent does now: the figures of [`list`](Engine::list) that change all the time, for who asks often.
    pub fn activity(&self) -> Vec<TorrentActivity> {
        self.inner.all().iter().map(|torrent| torrent.activity()).collect()
    }

    /// The peers that content comes from or goes to at this moment, over all torrents, each once: its key if proven, else
    /// its address.
    pub fn partners(&self) -> Vec<String> {
        let all: BTreeSet<String> = self.inner.all().iter().flat_map(|torrent| torrent.partners()).collect();
        all.into_iter().collect()
    }

    /// The torrents in trouble, by name. As cheap as can be: asked each second.
    pub fn troubles(&self) -> Vec<(String, Trouble)> {
        self.inner.all().iter().filter_map(|torrent| torrent.trouble()).collect()
    }

    /// Why resume state cannot be saved at the moment, if so.
    pub fn resume_trouble(&self) -> Option<Trouble> {
        self.inner.shared.records.trouble()
    }

    /// A torrent's pieces in at most `columns` columns (and at most [`MAX_COLUMNS`](crate::MAX_COLUMNS)): who gave them, who
    /// has them, and what is being fetched now.
    ///
    /// # Errors
    /// [`ControlError::NotFound`], [`ControlError::NoMetadata`] while it is being fetched or checked.
    pub fn map(&self, id: InfoHash, columns: u32) -> Result<TorrentMap, ControlError> {
        self.inner.find(id)?.map(columns)
    }

    /// Reads a file, by its place in the torrent, while it arrives: see [`reader`](crate::reader).
    ///
    /// # Errors
    /// [`ReadError::NotFound`], [`ReadError::NoMetadata`], [`ReadError::NoSuchFile`], [`ReadError::Busy`].
    pub fn reader(&self, id: InfoHash, file: usize) -> Result<Reader, ReadError> {
        let torrent = self.inner.torrent(id).ok_or(ReadError::NotFound(id))?;
        let shared = &self.inner.shared;
        let slot = Arc::clone(&shared.readers).try_acquire_owned().map_err(|_| ReadError::Busy)?;
        Reader::new(torrent, shared.next_reader(), file, slot)
    }

    /// Waits until every wanted piece is verified, and gives the status then.
    ///
    /// # Errors
    /// [`ControlError::NotFound`] if it is not in the list or leaves it meanwhile.
    pub async fn wait_complete(&self, id: InfoHash) -> Result<TorrentStatus, ControlError> {
        let torrent = self.inner.find(id)?;
        let mut changed = torrent.changed.subscribe();
        loop {
            if torrent.is_complete() {
                return Ok(torrent.status(true));
            }
            tokio::select! {
                _ = changed.changed() => {}
                () = torrent.cancel.cancelled() => return Err(ControlError::NotFound(id)),
            }
        }
    }

    /// Waits until `wanted` holds for the status, which is looked at whenever state or completeness change.
    ///
    /// # Errors
    /// [`ControlError::NotFound`] if it is not in the list or leaves it meanwhile.
    pub async fn wait_until(
        &self,
        id: InfoHash,
        mut wanted: impl FnMut(&TorrentStatus) -> bool,
    ) -> Result<TorrentStatus, ControlError> {
        let torrent = self.inner.find(id)?;
        let mut changed = torrent.changed.subscribe();
        loop {
            let status = torrent.status(true);
            if wanted(&status) {
                return Ok(status);
            }
            tokio::select! {
                _ = changed.changed() => {}
                () = torrent.cancel.cancelled() => return Err(ControlError::NotFound(id)),
            }
        }
    }

    /// Stops a torrent until [`resume`](Engine::resume); its connections close.
    ///
    /// # Errors
    /// [`ControlError::NotFound`].
    pub async fn pause(&self, id: InfoHash) -> Result<(), ControlError> {
        self.inner.find(id)?.set_paused(true);
        Ok(())
    }

    /// Goes on with a paused torrent, and looks at once whether a trouble is mended.
    ///
    /// # Errors
    /// [`ControlError::NotFound`].
    pub async fn resume(&self, id: InfoHash) -> Result<(), ControlError> {
        self.inner.find(id)?.set_paused(false);
        Ok(())
    }

    /// Takes a torrent out of the list, its files too if `with_data`: only those it names, and folders that are empty
    /// then.
    ///
    /// # Errors
    /// [`ControlError::Storage`] if files could not be deleted; it is out of the list all the same.
    pub async fn remove(&self, id: InfoHash, with_data: bool) -> Result<(), ControlError> {
        let handle = self.inner.torrents.write().remove(&id).ok_or(ControlError::NotFound(id))?;
        let content = handle.torrent.shell.content();
        handle.torrent.remove();
        let task = handle.task.lock().take();
        if let Some(task) = task {
            let _ = task.await;
        }
        self.inner.shared.records.remove(id);
        let deleted = match content.filter(|_| with_data) {
            Some(content) => {
                let pool = &self.inner.shared.tools.pool;
                pool.run(Urgency::Peer, move || content.storage.delete()).await.unwrap_or(Ok(()))
            }
            None => Ok(()),
        };
        self.inner.shared.emit(&ContentEvent::TorrentRemoved { info_hash: id, with_data });
        Ok(deleted?)
    }

    /// Hashes everything on disk again. What somebody changed counts as missing from then on and is fetched anew.
    ///
    /// # Errors
    /// [`ControlError::NotFound`], [`ControlError::NoMetadata`].
    pub async fn recheck(&self, id: InfoHash) -> Result<(), ControlError> {
        let torrent = self.inner.find(id)?;
        torrent.metainfo()?;
        torrent.recheck();
        Ok(())
    }

    /// Chooses the wanted files by their place in the torrent.
    ///
    /// # Errors
    /// [`ControlError::NoMetadata`] while it is being fetched or checked, [`ControlError::NoSuchFile`].
    pub async fn set_selection(&self, id: InfoHash, files: Vec<usize>) -> Result<(), ControlError> {
        self.inner.find(id)?.set_selection(files).await
    }

    /// Says how much some files are wanted, by their place in the torrent; the others stay as they are. Lasts.
    ///
    /// # Errors
    /// [`ControlError::NoMetadata`] while it is being fetched or checked, [`ControlError::NoSuchFile`].
    pub async fn set_priorities(
        &self,
        id: InfoHash,
        priorities: Vec<(usize, FilePriority)>,
    ) -> Result<(), ControlError> {
        self.inner.find(id)?.set_priorities(priorities).await
    }

    /// Changes the limits over all torrents.
    pub fn set_limits(&self, limits: RateLimits) {
        self.inner.shared.limits.set(limits);
    }

    /// The limits over all torrents.
    pub fn limits(&self) -> RateLimits {
        self.inner.shared.limits.limits()
    }

    /// Changes one torrent's own limits.
    ///
    /// # Errors
    /// [`ControlError::NotFound`].
    pub fn set_torrent_limits(&self, id: InfoHash, limits: RateLimits) -> Result<(), ControlError> {
        self.inner.find(id)?.set_limits(limits);
        Ok(())
    }

    /// Tells a torrent of peers the user knows.
    ///
    /// # Errors
    /// [`ControlError::NotFound`].
    pub fn add_peers(&self, id: InfoHash, peers: Vec<KnownPeer>) -> Result<(), ControlError> {
        self.inner.find(id)?.add_peers(&peers);
        Ok(())
    }

    /// The `.torrent` file.
    ///
    /// # Errors
    /// [`ControlError::NotFound`], [`ControlError::NoMetadata`].
    pub fn metainfo(&self, id: InfoHash) -> Result<Bytes, ControlError> {
        self.inner.find(id)?.metainfo()
    }

    /// A magnet link that any client opens, with our own device in `x.weft` if `with_key`.
    ///
    /// # Errors
    /// [`ControlError::NotFound`].
    pub fn magnet(&self, id: InfoHash, with_key: bool) -> Result<String, ControlError> {
        Ok(self.inner.find(id)?.magnet(with_key))
    }

    /// Takes incoming links: plain BitTorrent over TCP, and stream type [`STREAM_TYPE`](crate::STREAM_TYPE) over TLS and
    /// the overlay. The handshake on the link says which torrent is meant.
    pub fn link_handler(&self) -> Arc<dyn LinkHandler> {
        Arc::new(Incoming { inner: Arc::downgrade(&self.inner) })
    }

    /// Changes the TCP port that trackers and the DHT are told: a port mapping came or went.
    pub fn set_listen_port(&self, port: Option<u16>) {
        self.inner.shared.set_listen_port(port);
    }

    /// Saves resume state, says goodbye to trackers, closes every connection. Done when it returns; nothing can be added
    /// afterwards.
    pub async fn shutdown(&self) {
        self.inner.shared.cancel.cancel();
        let tasks: Vec<_> = self.inner.torrents.read().values().filter_map(|h| h.task.lock().take()).collect();
        for task in tasks {
            let _ = task.await;
        }
        self.inner.shared.tasks.close();
        self.inner.shared.tasks.wait().await;
    }
}

type Read = (InfoHash, Option<Metainfo>, TorrentRecord, Vec<std::net::SocketAddr>);

impl Inner {
    fn torrent(&self, id: InfoHash) -> Option<Arc<Torrent>> {
        self.torrents.read().get(&id).map(|handle| Arc::clone(&handle.torrent))
    }

    fn all(&self) -> Vec<Arc<Torrent>> {
        self.torrents.read().values().map(|handle| Arc::clone(&handle.torrent)).collect()
    }

    fn find(&self, id: InfoHash) -> Result<Arc<Torrent>, ControlError> {
        self.torrent(id).ok_or(ControlError::NotFound(id))
    }

    /// Reads what a torrent is added from: its id, its metadata, the beginning of its record, and peers named in a link.
    fn read_source(&self, source: Source) -> Result<Read, AddError> {
        let mut record = TorrentRecord { added_at: unix_seconds(), ..TorrentRecord::default() };
        match source {
            Source::Metainfo(bytes) => {
                let metainfo = Metainfo::from_bytes(&bytes).map_err(|e| AddError::Metainfo(Box::new(e)))?;
                if metainfo.info.version() == Version::V2 {
                    return Err(AddError::Metainfo(Box::new(Unsupported)));
                }
                record.name = Some(metainfo.info.name().to_owned());
                record.metainfo = Some(metainfo.to_bytes());
                Ok((metainfo.info.info_hash(), Some(metainfo), record, Vec::new()))
            }
            Source::Magnet(text) => {
                let magnet: Magnet = text.parse().map_err(|e| AddError::Magnet(Box::new(e)))?;
                let id = magnet.v1.ok_or_else(|| AddError::Magnet(Box::new(Unsupported)))?;
                record.name = magnet.name;
                record.trackers = magnet.trackers;
                record.select = magnet.select_only;
                let keys = magnet.weft.iter().filter_map(|value| self.shared.read_hint(value));
                record.weft_peers = keys.map(|key| key.to_string()).collect();
                record.hints = magnet.weft;
                let peers = magnet.peers.iter().filter_map(|peer| peer.socket_addr()).collect();
                Ok((id, None, record, peers))
            }
            Source::InfoHash(id) => Ok((id, None, record, Vec::new())),
        }
    }

    /// Puts a new torrent into the list, on disk first.
    fn insert(&self, beginning: Beginning) -> Result<Arc<Torrent>, AddError> {
        if self.shared.cancel.is_cancelled() {
            return Err(AddError::ShuttingDown);
        }
        let id = beginning.id;
        {
            let torrents = self.torrents.read();
            if torrents.contains_key(&id) {
                return Err(AddError::Exists(id));
            }
            let limit = self.shared.config.max_torrents;
            if torrents.len() >= limit {
                return Err(AddError::TooMany { limit });
            }
        }
        let saved = self.shared.records.save_torrent(id, &beginning.record);
        let info = beginning.metainfo.as_ref().map(|metainfo| &metainfo.info);
        let event = ContentEvent::TorrentAdded {
            info_hash: id,
            name: beginning.record.name.clone().unwrap_or_else(|| id.to_hex()),
            dir: beginning.record.dir.clone(),
            size: info.map_or(0, |info| info.total_len()),
            private: info.is_some_and(|info| info.is_private()),
        };
        let torrent = self.begin(beginning);
        if !saved {
            torrent.not_saved();
        }
        self.shared.emit(&event);
        Ok(torrent)
    }

    /// Starts a torrent's task. If another call added the same torrent meanwhile, that one stays.
    fn begin(&self, beginning: Beginning) -> Arc<Torrent> {
        let mut torrents = self.torrents.write();
        if let Some(existing) = torrents.get(&beginning.id) {
            return Arc::clone(&existing.torrent);
        }
        let torrent = Torrent::new(&self.shared, beginning);
        let task = Mutex::new(Some(tokio::spawn(Arc::clone(&torrent).run())));
        torrents.insert(torrent.id, Handle { torrent: Arc::clone(&torrent), task });
        torrent
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.cancel.cancel();
    }
}

/// Serves links that peers open to us.
struct Incoming {
    inner: Weak<Inner>,
}

impl LinkHandler for Incoming {
    fn accept(&self, mut link: BoxLink) {
        let Some(inner) = self.inner.upgrade().filter(|inner| !inner.shared.cancel.is_cancelled()) else { return };
        // Over the bound: closed at once, so that the peer tries somewhere else.
        let Ok(slot) = Arc::clone(&inner.shared.connections).try_acquire_owned() else { return };
        let weak = Weak::clone(&self.inner);
        let mut connection = Connection::incoming(inner.shared.tools.blocks.clone());
        let cancel = inner.shared.cancel.clone();
        inner.shared.tasks.spawn(async move {
            let greeting = tokio::select! {
                greeting = greet(&mut link, &mut connection) => greeting,
                () = cancel.cancelled() => return,
            };
            let theirs = match greeting {
                Ok(theirs) => theirs,
                Err(error) => return tracing::debug!(%error, "an incoming link is closed"),
            };
            let torrent = weak.upgrade().and_then(|inner| inner.torrent(theirs.info_hash));
            if let Some(torrent) = torrent.filter(|torrent| torrent.takes_peers()) {
                torrent.serve(link, connection, theirs, slot).await;
            }
        });
    }
}

/// A torrent with SHA-256 trees alone.
#[derive(Debug, thiserror::Error)]
#[error("it is a v2-only torrent (BEP 52), which this version does not transfer: ask for a v1 or hybrid one")]
struct Unsupported;

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
