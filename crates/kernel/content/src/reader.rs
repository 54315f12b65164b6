//! Reading a file that is still arriving.
//!
//! A [`Reader`] gives the bytes of one file of a torrent from any place of it, in any order. What is here and verified is
//! read from disk at once. What is not here is fetched before everything else: the reader sets a deadline on the piece it
//! waits for and on those after it, [`READ_AHEAD`] bytes, and takes them back when it goes elsewhere or is dropped. It
//! never gives a byte that is not verified.
//!
//! It is the one way by which others read content: the API's range requests, and whatever plays or serves files later.
//!
//! ```no_run
//! # async fn play(engine: weft_content::Engine, id: weft_content::InfoHash) -> Result<(), weft_content::ReadError> {
//! let mut reader = engine.reader(id, 0)?;
//! let mut at = 0;
//! loop {
//!     let bytes = reader.read_at(at, 64 << 10).await?;
//!     if bytes.is_empty() {
//!         return Ok(());
//!     }
//!     at += bytes.len() as u64;
//! }
//! # }
//! ```
//!
//! # What it waits for, and what it does not
//! It waits for peers, for a check of what is on disk, and for a piece that failed to come again, for as long as it takes:
//! who reads decides how long that is, and dropping the future costs nothing. It does not wait for a person: a torrent that
//! is paused, removed or in trouble, a file that is not wanted and one that somebody changed are errors that say what to do.
//! What is here can be read all the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, watch};
use weft_bittorrent::wire::BlockRef;

pub use crate::config::MAX_READERS;
use crate::error::ReadError;
use crate::shell::Content;
use crate::status::FilePriority;
use crate::storage::{READ_BUFFER, ReadFailure, Urgency, Wait};
use crate::torrent::Torrent;

/// 16 MiB after the place that is read are fetched ahead of everything else: eight seconds of a film of 16 Mbit/s.
pub const READ_AHEAD: u64 = 16 << 20;

/// 64 pieces ahead at most, however small they are: what is looked at for every request that is sent.
const MAX_AHEAD: u32 = 64;

/// 2 pieces ahead at least, however large they are: the one that is read, and the one after it.
const MIN_AHEAD: u32 = 2;

/// 2 MiB a second: how fast a film is taken to be read. A piece's deadline is when it would be needed then.
const PACE: u64 = 2 << 20;

/// 1 MiB at most are given by one read: what one buffer holds.
pub const MAX_READ: usize = READ_BUFFER;

/// Reads one file, whatever of it is here. See the [module's documentation](self).
pub struct Reader {
    torrent: Arc<Torrent>,
    number: u64,
    file: usize,
    len: u64,
    /// Nothing from here on is fetched ahead.
    end: u64,
    /// The piece that deadlines were last set for.
    armed: Option<u32>,
    /// Deadlines as they were set: they stand, however slowly their pieces come.
    ahead: Vec<(u32, Instant)>,
    pieces: watch::Receiver<u64>,
    state: watch::Receiver<u64>,
    _slot: OwnedSemaphorePermit,
}

/// What can be done about a place in the file.
enum Found {
    /// These blocks are here, one after another.
    Here(Arc<Content>, Vec<BlockRef>),
    /// This piece is not.
    Missing(Arc<Content>, u32),
    /// Nothing is known yet: what is on disk is being checked.
    Unknown,
}

impl Reader {
    pub(crate) fn new(
        torrent: Arc<Torrent>,
        number: u64,
        file: usize,
        slot: OwnedSemaphorePermit,
    ) -> Result<Self, ReadError> {
        let id = torrent.id;
        let len = torrent.with_info(|info| {
            let info = info.ok_or(ReadError::NoMetadata(id))?;
            let files = info.files().len();
            let stored = info.files().get(file).filter(|file| crate::storage::is_stored(file));
            stored.map(|file| file.len()).ok_or(ReadError::NoSuchFile { index: file, files })
        })?;
        let (pieces, state) = (torrent.shell.pieces(), torrent.changed.subscribe());
        let (armed, ahead) = (None, Vec::new());
        Ok(Reader { torrent, number, file, len, end: len, armed, ahead, pieces, state, _slot: slot })
    }

    /// Bytes of the file.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the file has no byte.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Fetches nothing ahead from `end` on: who asked for a part of the file does not need the rest.
    pub fn set_end(&mut self, end: u64) {
        self.end = end.min(self.len);
    }

    /// Bytes from `offset` on, at least one and at most `most` (and [`MAX_READ`]), as many as are here; none at the end of
    /// the file. Waits until the first of them is verified. Dropping the future is fine, and takes nothing back: the reader
    /// goes on fetching until it reads elsewhere or is dropped.
    ///
    /// # Errors
    /// [`ReadError`]: what is waited for will not come by itself, or the disk failed.
    pub async fn read_at(&mut self, offset: u64, most: usize) -> Result<Bytes, ReadError> {
        if offset >= self.len || most == 0 {
            return Ok(Bytes::new());
        }
        let most = most.min(MAX_READ);
        loop {
            // Before looking, so that what changes meanwhile is not missed.
            self.pieces.borrow_and_update();
            self.state.borrow_and_update();
            match self.find(offset, most)? {
                Found::Here(content, blocks) => {
                    self.fetch_ahead(&content, offset);
                    return self.read(content, blocks).await;
                }
                Found::Missing(content, piece) => {
                    self.fetch_ahead(&content, offset);
                    self.check_waiting(&content, piece)?;
                }
                Found::Unknown => self.check_running()?,
            }
            tokio::select! {
                _ = self.pieces.changed() => {}
                _ = self.state.changed() => {}
                () = self.torrent.cancel.cancelled() => return Err(self.torrent.gone()),
            }
        }
    }

    /// Whether the byte at `offset` is here now. Asks for nothing and waits for nothing.
    ///
    /// # Errors
    /// [`ReadError`]: it is not, and will not come by itself.
    pub fn check(&self, offset: u64) -> Result<bool, ReadError> {
        if offset >= self.len {
            return Ok(true);
        }
        match self.find(offset, 1)? {
            Found::Here(..) => Ok(true),
            Found::Missing(content, piece) => self.check_waiting(&content, piece).map(|()| false),
            Found::Unknown => self.check_running().map(|()| false),
        }
    }

    /// Its name: the last part of its path.
    pub fn name(&self) -> String {
        let file = self.file;
        self.torrent.with_info(|info| {
            let path = info.and_then(|info| info.files().get(file)).map_or("", |file| file.path());
            let name = path.rsplit('/').next().unwrap_or_default();
            if name.is_empty() { info.map_or("", |info| info.name()).to_owned() } else { name.to_owned() }
        })
    }

    fn find(&self, offset: u64, most: usize) -> Result<Found, ReadError> {
        let Some(content) = self.torrent.shell.content() else { return Ok(Found::Unknown) };
        let Some((first, begin)) = content.storage.layout().locate(self.file, offset) else {
            return Ok(Found::Unknown);
        };
        let info = content.storage.info();
        let mut left = (self.len - offset).min(most as u64) as u32; // at most `MAX_READ`
        let blocks = self.torrent.shell.look(|core| {
            let have = core.swarm()?.have();
            let mut blocks = Vec::new();
            let (mut piece, mut begin) = (first, begin);
            while left > 0 && have.contains(piece) {
                let len = info.piece_len(piece).saturating_sub(begin).min(left);
                blocks.push(BlockRef { piece, begin, len });
                left -= len;
                (piece, begin) = (piece + 1, 0);
            }
            Some(blocks)
        });
        Ok(match blocks {
            None => Found::Unknown,
            Some(blocks) if blocks.is_empty() => Found::Missing(content, first),
            Some(blocks) => Found::Here(content, blocks),
        })
    }

    /// Sets deadlines on what is missing from `offset` on.
    fn fetch_ahead(&mut self, content: &Content, offset: u64) {
        let layout = content.storage.layout();
        let Some((first, _)) = layout.locate(self.file, offset) else { return };
        let until = (offset + READ_AHEAD).min(self.end).max(offset + 1);
        let last = layout.locate(self.file, until - 1).map_or(first, |(piece, _)| piece);
        let last = last.clamp(first, first + MAX_AHEAD - 1);
        let end = layout.locate(self.file, self.end.max(offset + 1) - 1).map_or(last, |(piece, _)| piece);
        let last = last.max((first + MIN_AHEAD - 1).min(end));
        // Nothing new since the last time: what is verified meanwhile needs no word.
        if self.armed == Some(first) && !self.ahead.is_empty()
            || content.is_complete(self.file) && self.ahead.is_empty()
        {
            return;
        }
        let piece_length = u64::from(content.storage.info().piece_length());
        let now = Instant::now();
        let due = |piece: u32| {
            let known = self.ahead.iter().find(|(other, _)| *other == piece).map(|(_, at)| *at);
            let away = u64::from(piece - first) * piece_length;
            known.unwrap_or(now + Duration::from_millis(away * 1_000 / PACE))
        };
        let number = self.number;
        let ahead = self.torrent.shell.with(|core, now, _| {
            let missing = core.missing(first..=last);
            let ahead: Vec<(u32, Instant)> = missing.into_iter().map(|piece| (piece, due(piece))).collect();
            core.set_deadlines(now, number, ahead.clone());
            ahead
        });
        if self.ahead.is_empty() && !ahead.is_empty() {
            // The machine's clock ticks faster now.
            self.torrent.wake();
        }
        self.armed = Some(first);
        self.ahead = ahead;
    }

    /// Whether a missing piece will come without anybody's doing.
    fn check_waiting(&self, content: &Content, piece: u32) -> Result<(), ReadError> {
        self.check_running()?;
        let path = || content.storage.path(self.file);
        if self.torrent.priority(self.file) == FilePriority::Skip {
            return Err(ReadError::NotWanted(path()));
        }
        if self.torrent.shell.look(|core| core.held().contains(piece)) {
            return Err(ReadError::Changed(path()));
        }
        self.torrent.stopped_by().map_or(Ok(()), |trouble| Err(ReadError::Trouble(trouble)))
    }

    fn check_running(&self) -> Result<(), ReadError> {
        if self.torrent.cancel.is_cancelled() {
            return Err(self.torrent.gone());
        }
        if self.torrent.is_paused() { Err(ReadError::Paused(self.torrent.id)) } else { Ok(()) }
    }

    async fn read(&self, content: Arc<Content>, blocks: Vec<BlockRef>) -> Result<Bytes, ReadError> {
        let shell = &self.torrent.shell;
        let result = match shell.read_bytes(&content, &blocks, Wait::No) {
            Err(ReadFailure::WouldBlock) => {
                let (reading, content) = (Arc::clone(shell), Arc::clone(&content));
                let read = move || reading.read_bytes(&content, &blocks, Wait::Yes);
                shell.tools.pool.run(Urgency::Peer, read).await.ok_or(ReadError::ShuttingDown)?
            }
            done => done,
        };
        match result {
            Ok(bytes) => Ok(bytes),
            // With `Wait::Yes` nothing says that it would block.
            Err(ReadFailure::WouldBlock) => Err(ReadError::ShuttingDown),
            Err(ReadFailure::Changed { file }) => {
                shell.distrust(ReadFailure::Changed { file });
                Err(ReadError::Changed(content.storage.path(file)))
            }
            Err(ReadFailure::Storage { file, error }) => {
                let trouble = error.trouble();
                shell.distrust(ReadFailure::Storage { file, error });
                Err(ReadError::Trouble(trouble))
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.ahead.is_empty() {
            let number = self.number;
            self.torrent.shell.with(|core, now, _| core.set_deadlines(now, number, Vec::new()));
        }
    }
}
