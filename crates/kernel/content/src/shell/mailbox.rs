//! What others have for a peer's task: the swarm machine's outputs, blocks that were read, the order to close.

use std::sync::Arc;
use std::task::Waker;

use bytes::Bytes;
use parking_lot::Mutex;
use weft_bittorrent::wire::{BlockRef, Message};

/// Something for a peer's task.
#[derive(Debug)]
pub(crate) enum Letter {
    /// Send a message.
    Message(Message),
    /// Serve these blocks.
    Upload(Vec<BlockRef>),
    /// Blocks that were read for it.
    Data(Vec<(BlockRef, Bytes)>),
    /// The metadata is known now: the torrent has so many pieces.
    PieceCount(u32),
}

/// One peer's letters. Bounded by the swarm machine, which keeps a peer's outstanding requests and uploads bounded, and
/// by the connection, which fails when too much waits to be written.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    letters: Vec<Letter>,
    closed: Option<String>,
    waker: Option<Waker>,
}

impl Mailbox {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Leaves a letter. Gives the task's waker if it has to be woken: after the caller has let go of its locks.
    #[must_use]
    pub(crate) fn push(&self, letter: Letter) -> Option<Waker> {
        let mut inner = self.inner.lock();
        inner.letters.push(letter);
        inner.waker.take()
    }

    /// Tells the task to close the connection.
    #[must_use]
    pub(crate) fn close(&self, reason: String) -> Option<Waker> {
        let mut inner = self.inner.lock();
        inner.closed.get_or_insert(reason);
        inner.waker.take()
    }

    /// Moves all letters to `into` and has `waker` woken by the next. `Some`: close, for this reason.
    pub(crate) fn take(&self, into: &mut Vec<Letter>, waker: &Waker) -> Option<String> {
        let mut inner = self.inner.lock();
        into.append(&mut inner.letters);
        match &inner.waker {
            Some(known) if known.will_wake(waker) => {}
            _ => inner.waker = Some(waker.clone()),
        }
        inner.closed.clone()
    }
}
