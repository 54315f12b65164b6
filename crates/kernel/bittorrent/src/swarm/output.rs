//! What a swarm asks of its shell.

use std::net::SocketAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::pex::PexPeer;
use crate::wire::{BlockRef, Message};

/// A connected peer. Never reused within a swarm: a key of a peer that left names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PeerKey {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

/// Something for the shell to do. See the [module's documentation](super).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Send a message.
    Send {
        /// To whom.
        peer: PeerKey,
        /// What.
        message: Message,
    },
    /// Serve these blocks, in order. Every one ends in [`super::Swarm::on_uploaded`] or
    /// [`super::Swarm::upload_failed`]. All lie in verified pieces.
    Upload {
        /// To whom.
        peer: PeerKey,
        /// Which, at most 64.
        blocks: Vec<BlockRef>,
    },
    /// All blocks of a piece were accepted: verify it, write it, and say how that went.
    PieceComplete {
        /// Index of the piece.
        piece: u32,
    },
    /// A piece begun is no longer being fetched: drop its blocks.
    PieceAbandoned {
        /// Index of the piece.
        piece: u32,
    },
    /// Who sent most of a piece that was fetched and is verified now.
    PieceGiven {
        /// Index of the piece.
        piece: u32,
        /// Who; it may have left since.
        by: PeerKey,
    },
    /// The info dictionary of a magnet is complete, and its SHA-1 is the info-hash.
    MetadataComplete {
        /// Its bytes.
        metadata: Bytes,
    },
    /// Close the connection; the peer is already forgotten here.
    Drop {
        /// Whose.
        peer: PeerKey,
        /// Why.
        reason: DropReason,
        /// Do not speak with this peer again.
        ban: bool,
    },
    /// A peer that has left did what bans: do not speak with it again.
    Ban {
        /// Its address as it was.
        addr: SocketAddr,
        /// What it did.
        reason: DropReason,
    },
    /// A peer told addresses of others (BEP 11).
    PexPeers {
        /// Who told.
        from: PeerKey,
        /// At most [`crate::pex::MAX_PEERS`] of them.
        peers: Vec<PexPeer>,
    },
    /// A peer runs a DHT node at this address (BEP 5).
    DhtNode {
        /// Where.
        addr: SocketAddr,
    },
    /// More peers would help.
    NeedPeers,
    /// The swarm's state is now this.
    StateChanged(SwarmState),
}

/// What a swarm is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SwarmState {
    /// Fetching the info dictionary of a magnet.
    Metadata,
    /// Fetching pieces.
    Downloading,
    /// All wanted pieces are verified, others are missing.
    Finished,
    /// All pieces are verified.
    Seeding,
    /// Paused.
    Paused,
}

/// What to do with a block's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockVerdict {
    /// Keep it with its piece.
    Accept,
    /// It came before (endgame, a late answer): drop it.
    Duplicate,
    /// It was not asked for: drop it. A peer that goes on is dropped.
    Unrequested,
}

/// Why a peer was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DropReason {
    /// It sent data that failed verification.
    #[error("sent data that failed verification")]
    BadData,
    /// It sent an info dictionary that is not the torrent's.
    #[error("sent metadata of another torrent")]
    BadMetadata,
    /// It named a piece or block the torrent does not have.
    #[error("named a piece or block the torrent does not have")]
    OutOfRange,
    /// It asked for a block longer than [`super::MAX_REQUEST_LEN`].
    #[error("asked for a block that is too long")]
    RequestTooLong,
    /// It keeps sending requests that cannot be served.
    #[error("flooded us with requests")]
    RequestFlood,
    /// It keeps sending blocks nobody asked for.
    #[error("sent blocks that were not asked for")]
    Unrequested,
    /// It sent a message that its state or extensions do not allow.
    #[error("sent a message out of turn")]
    OutOfTurn,
    /// It sent an extended message that cannot be read.
    #[error("sent an extended message that cannot be read")]
    BadExtended,
    /// It keeps changing its mind or sending empty messages faster than anyone needs.
    #[error("flooded us with messages")]
    MessageFlood,
    /// Nothing came from it for too long.
    #[error("silent for too long")]
    Idle,
    /// Both ends have everything.
    #[error("both sides are seeds")]
    BothSeeds,
    /// The torrent was paused.
    #[error("the torrent is paused")]
    Paused,
    /// Its bitfield does not fit the torrent.
    #[error("sent a bitfield that does not fit the torrent")]
    BadBitfield,
}
