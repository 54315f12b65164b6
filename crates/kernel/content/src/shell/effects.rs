//! What is to be done after the machine was let go of.

use std::net::SocketAddr;
use std::task::Waker;

use bytes::Bytes;
use weft_bittorrent::pex::PexPeer;
use weft_overlay::PeerKey;

use super::assembly::{Complete, Spill};
use crate::storage::StorageError;

/// Collected under the lock, done after it.
#[derive(Default)]
pub(crate) struct Effects {
    pub(super) wakers: Vec<Waker>,
    pub(super) complete: Vec<CompleteJob>,
    pub(super) spills: Vec<SpillJob>,
    pub(super) notes: Vec<Note>,
    /// Pieces came or went.
    pub(super) pieces: bool,
}

/// A complete piece for a disk thread.
pub(super) struct CompleteJob {
    pub(super) epoch: u64,
    pub(super) complete: Complete,
    /// Whether the machine wants the digests of right blocks.
    pub(super) digests: bool,
}

/// Blocks to be written unverified.
pub(super) struct SpillJob {
    pub(super) epoch: u64,
    pub(super) piece: u32,
    pub(super) spill: Spill,
}

/// Something for the torrent's own task.
#[derive(Debug)]
pub(crate) enum Note {
    /// The info dictionary is complete.
    Metadata(Bytes),
    /// Do not speak with this peer again.
    Banned { address: Option<SocketAddr>, key: Option<PeerKey> },
    /// A peer told of others.
    PexPeers { from: Option<SocketAddr>, peers: Vec<PexPeer> },
    /// More peers would help.
    NeedPeers,
    /// The machine's state changed.
    State,
    /// Every piece of a file is verified.
    FileCompleted { file: usize },
    /// Somebody wrote to a file whose pieces were verified.
    FileChanged { file: usize },
    /// A file cannot be read.
    Unreadable { file: usize, error: StorageError },
    /// A piece could not be written; fetching has stopped.
    Unwritten(StorageError),
}
