//! The hot path: one torrent's swarm machine between its peers' tasks and the disk threads.
//!
//! A peer's task reads a batch, hands it to [`Shell::deliver`], which locks the machine once, and finds what the machine
//! wants of it in its [`Mailbox`]. Complete pieces go to a disk thread, which hashes and writes them and tells the
//! machine. What is slow or rare becomes a [`Note`] for the torrent's own task.
//!
//! Nothing is awaited and nothing blocks while the machine is locked. Lock order: the machine, then a mailbox.

mod assembly;
mod content;
mod core;
mod deadlines;
mod effects;
mod givers;
mod mailbox;
mod peer_entry;
mod throttle;

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Instant;

use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, watch};
use weft_bittorrent::block::BlockPool;
use weft_bittorrent::connection::{Event, Written};
use weft_bittorrent::swarm::PeerKey as SwarmKey;
use weft_bittorrent::wire::BlockRef;

use crate::storage::{DiskPool, ReadBuffers, ReadFailure, Urgency, Wait};

pub(crate) use self::core::{Core, Counts};
pub(crate) use assembly::{PieceMemory, Verdict};
pub(crate) use content::Content;
pub(crate) use effects::{Effects, Note};
pub(crate) use mailbox::{Letter, Mailbox};
pub(crate) use peer_entry::{PeerEntry, Traffic};
pub(crate) use throttle::{Allowance, Limiter, Throttle, Way};

/// What all torrents share.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) pool: DiskPool,
    /// Buffers that blocks are received into.
    pub(crate) blocks: BlockPool,
    /// Buffers that blocks are read into.
    pub(crate) buffers: ReadBuffers,
    /// Blocks in memory on their way to the disk, over all torrents.
    pub(crate) memory: Arc<PieceMemory>,
    /// How many bytes of those there may be.
    pub(crate) memory_limit: usize,
    /// Content bytes exchanged since the start, over all torrents.
    pub(crate) moved: Arc<Traffic>,
}

/// One torrent's hot path.
pub(crate) struct Shell {
    core: Mutex<Core>,
    /// The files, once the metadata is known and they were checked.
    content: RwLock<Option<Arc<Content>>>,
    pub(crate) tools: Tools,
    pub(crate) throttle: Throttle,
    /// Counts what came and went of the pieces: readers look again.
    pieces: watch::Sender<u64>,
    notes: Mutex<Vec<Note>>,
    /// Wakes the torrent's own task.
    pub(crate) wake: Notify,
    /// Pieces on the disk threads.
    jobs: watch::Sender<usize>,
    /// Peers' tasks that read on when one of those is done.
    waiting: Mutex<Vec<Waker>>,
}

impl Shell {
    pub(crate) fn new(tools: Tools, throttle: Throttle) -> Arc<Self> {
        let core = Mutex::new(Core::new(Arc::clone(&tools.memory), Arc::clone(&tools.moved)));
        let (content, notes) = (RwLock::new(None), Mutex::default());
        Arc::new(Shell {
            core,
            content,
            tools,
            throttle,
            pieces: watch::Sender::new(0),
            notes,
            wake: Notify::new(),
            jobs: watch::Sender::new(0),
            waiting: Mutex::default(),
        })
    }

    /// Works on the machine, then does what it asks for.
    pub(crate) fn with<R>(self: &Arc<Self>, work: impl FnOnce(&mut Core, Instant, &mut Effects) -> R) -> R {
        let mut effects = Effects::default();
        let now = Instant::now();
        let result = {
            let mut core = self.core.lock();
            let result = work(&mut core, now, &mut effects);
            core.drain(&mut effects);
            if self.tools.memory.bytes() > self.tools.memory_limit {
                core.spill(&mut effects);
            }
            result
        };
        self.act(effects);
        result
    }

    /// Looks at the machine without touching it.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&Core) -> R) -> R {
        look(&self.core.lock())
    }

    /// Hands over what came from a peer and what was sent to it.
    pub(crate) fn deliver(self: &Arc<Self>, peer: SwarmKey, events: &mut Vec<Event>, written: Written) {
        self.with(|core, now, effects| core.deliver(now, peer, events, written, effects));
    }

    /// Changes whenever pieces came or went.
    pub(crate) fn pieces(&self) -> watch::Receiver<u64> {
        self.pieces.subscribe()
    }

    /// The files, once they are known and checked.
    pub(crate) fn content(&self) -> Option<Arc<Content>> {
        self.content.read().clone()
    }

    pub(crate) fn set_content(&self, content: Option<Arc<Content>>) {
        *self.content.write() = content;
    }

    /// Leaves a note for the torrent's own task.
    pub(crate) fn note(&self, note: Note) {
        self.notes.lock().push(note);
        self.wake.notify_one();
    }

    pub(crate) fn take_notes(&self) -> Vec<Note> {
        std::mem::take(&mut *self.notes.lock())
    }

    fn job_done(&self) {
        self.jobs.send_modify(|jobs| *jobs -= 1);
        let waiting = std::mem::take(&mut *self.waiting.lock());
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Whether blocks may be received: not while too many are in memory and a disk thread is about to make room. The
    /// task is woken when it has. While no disk thread works for this torrent it may always: the next batch makes one.
    pub(crate) fn has_room(&self, cx: &Context<'_>) -> bool {
        let full = || self.tools.memory.bytes() > self.tools.memory_limit && *self.jobs.borrow() > 0;
        if !full() {
            return true;
        }
        self.waiting.lock().push(cx.waker().clone());
        // Once more: the last job may have ended before the waker was there to be woken.
        !full()
    }

    /// Waits until no piece is on the disk threads.
    pub(crate) async fn idle(&self) {
        let _ = self.jobs.subscribe().wait_for(|jobs| *jobs == 0).await;
    }

    fn act(self: &Arc<Self>, effects: Effects) {
        let Effects { wakers, complete, spills, notes, pieces } = effects;
        if pieces {
            self.pieces.send_modify(|count| *count += 1);
        }
        wakers.into_iter().for_each(std::task::Waker::wake);
        // Without files the torrent is being taken down, and its pieces with it.
        if let Some(content) = self.content().filter(|_| !complete.is_empty() || !spills.is_empty()) {
            self.jobs.send_modify(|jobs| *jobs += complete.len() + spills.len());
            for job in complete {
                let (shell, content) = (Arc::clone(self), Arc::clone(&content));
                self.tools.pool.submit(Urgency::Peer, move || {
                    let piece = job.complete.piece;
                    let verdict = job.complete.settle(&content.storage, job.digests);
                    shell.settled(job.epoch, &content, piece, verdict);
                    shell.job_done();
                });
            }
            for job in spills {
                let (shell, content) = (Arc::clone(self), Arc::clone(&content));
                self.tools.pool.submit(Urgency::Peer, move || {
                    let result = job.spill.write(&content.storage, job.piece);
                    shell.with(|core, _, effects| core.spilled(job.epoch, job.piece, result, effects));
                    shell.job_done();
                });
            }
        }
        if !notes.is_empty() {
            self.notes.lock().extend(notes);
            self.wake.notify_one();
        }
    }

    /// A complete piece was hashed and, if right, written.
    fn settled(self: &Arc<Self>, epoch: u64, content: &Content, piece: u32, verdict: Verdict) {
        if let Verdict::Verified(_) = verdict {
            // Before the piece is announced, so that whoever asks for it reads a file whose state is known.
            for file in content.count_verified(piece) {
                self.note(Note::FileCompleted { file });
            }
        }
        self.with(|core, now, effects| core.settled(now, epoch, piece, verdict, effects));
    }

    /// Reads blocks for a peer: from the page cache if they are there, else on a disk thread, which leaves them in the
    /// peer's mailbox. Whatever cannot be read is told to the machine.
    pub(crate) fn read_for(
        self: &Arc<Self>,
        peer: SwarmKey,
        mailbox: &Arc<Mailbox>,
        blocks: Vec<BlockRef>,
    ) -> Option<Vec<(BlockRef, bytes::Bytes)>> {
        match self.read_blocks(&blocks, Wait::No) {
            Ok(data) => Some(data),
            Err(ReadFailure::WouldBlock) => {
                let (shell, mailbox) = (Arc::clone(self), Arc::clone(mailbox));
                self.tools.pool.submit(Urgency::Peer, move || {
                    let data = shell.read_blocks(&blocks, Wait::Yes).unwrap_or_else(|failure| {
                        shell.unreadable(peer, &blocks, failure);
                        Vec::new()
                    });
                    if let Some(waker) = mailbox.push(Letter::Data(data)) {
                        waker.wake();
                    }
                });
                None
            }
            Err(failure) => {
                self.unreadable(peer, &blocks, failure);
                Some(Vec::new())
            }
        }
    }

    fn read_blocks(&self, blocks: &[BlockRef], wait: Wait) -> Result<Vec<(BlockRef, bytes::Bytes)>, ReadFailure> {
        let Some(content) = self.content() else { return Ok(Vec::new()) };
        let bytes = self.read_bytes(&content, blocks, wait)?;
        let mut from = 0;
        let slice = |block: &BlockRef| {
            let to = from + block.len as usize;
            let data = bytes.slice(from..to);
            from = to;
            (*block, data)
        };
        Ok(blocks.iter().map(slice).collect())
    }

    /// Reads blocks one after another; together they are at most [`READ_BUFFER`](crate::storage::READ_BUFFER) long.
    pub(crate) fn read_bytes(
        &self,
        content: &Content,
        blocks: &[BlockRef],
        wait: Wait,
    ) -> Result<bytes::Bytes, ReadFailure> {
        let len = blocks.iter().map(|block| block.len as usize).sum();
        let mut buffer = self.tools.buffers.take(len);
        content.storage.read_blocks(blocks, &mut buffer.room()[..len], wait)?;
        Ok(buffer.freeze().slice(..len))
    }

    /// Takes a file's pieces out of service that was found changed or cannot be read, and has the torrent look at it.
    pub(crate) fn distrust(self: &Arc<Self>, failure: ReadFailure) {
        match failure {
            ReadFailure::Changed { file } => {
                if let Some(content) = self.content() {
                    self.with(|core, now, effects| {
                        core.hold(now, content.storage.layout().file_pieces(file), effects);
                    });
                }
                self.note(Note::FileChanged { file });
            }
            ReadFailure::Storage { file, error } => self.note(Note::Unreadable { file, error }),
            ReadFailure::WouldBlock => {}
        }
    }

    fn unreadable(self: &Arc<Self>, peer: SwarmKey, blocks: &[BlockRef], failure: ReadFailure) {
        let content = self.content();
        let note = self.with(|core, now, effects| {
            let note = match failure {
                ReadFailure::Changed { file } => {
                    if let Some(content) = &content {
                        core.hold(now, content.storage.layout().file_pieces(file), effects);
                    }
                    Some(Note::FileChanged { file })
                }
                ReadFailure::Storage { file, error } => Some(Note::Unreadable { file, error }),
                ReadFailure::WouldBlock => None,
            };
            core.upload_failed(now, peer, blocks, effects);
            note
        });
        if let Some(note) = note {
            self.note(note);
        }
    }
}
