//! The swarm's public face.

use std::time::Instant;

use super::{
    BlockVerdict, Output, PeerKey, PeerParams, PeerStats, Priority, Refused, SetInfoError, SwarmConfig, SwarmState,
    SwarmStats, TorrentInfo,
};
use crate::bitfield::Bitfield;
use crate::connection::Written;
use crate::wire::{BlockRef, Message};

/// The first 16 bytes of a strong hash of a block's data, for finding who sent a wrong one.
pub type BlockDigest = [u8; 16];

/// One torrent's state machine. See the [module's documentation](super) for how to drive it.
#[derive(Debug)]
pub struct Swarm {
    have: Bitfield,
}

#[expect(unused_variables, reason = "signatures first")]
impl Swarm {
    /// A torrent whose metainfo is known. `have` are the pieces verified before; nothing else is ever announced or served.
    ///
    /// # Errors
    /// [`SetInfoError::WrongLength`] if `have` does not cover exactly the torrent's pieces.
    pub fn new(
        config: SwarmConfig,
        info: TorrentInfo,
        have: Bitfield,
        now: Instant,
    ) -> Result<Self, SetInfoError> {
        Ok(Self { have })
    }

    /// A torrent of which only the info-hash is known: the info dictionary comes from peers (BEP 9).
    pub fn from_magnet(config: SwarmConfig, now: Instant) -> Self {
        Self { have: Bitfield::new(0) }
    }

    /// Gives a torrent begun by [`Swarm::from_magnet`] its info. Peers whose bitfield does not fit are dropped.
    ///
    /// # Errors
    /// If the info is already known or `have` does not cover exactly the torrent's pieces.
    pub fn set_info(&mut self, now: Instant, info: TorrentInfo, have: Bitfield) -> Result<(), SetInfoError> {
        Ok(())
    }

    // ---- peers ----

    /// A peer's connection is up and both handshakes are exchanged.
    ///
    /// # Errors
    /// [`Refused`]: close the connection.
    pub fn peer_connected(&mut self, now: Instant, params: PeerParams) -> Result<PeerKey, Refused> {
        Err(Refused::Full)
    }

    /// A peer's connection is gone. Does nothing if the peer was dropped before.
    pub fn peer_disconnected(&mut self, now: Instant, peer: PeerKey) {}

    /// A message came. Does nothing if the peer was dropped before.
    pub fn on_message(&mut self, now: Instant, peer: PeerKey, message: Message) {}

    /// A block came. Says what to do with its data.
    pub fn on_block(&mut self, now: Instant, peer: PeerKey, block: BlockRef) -> BlockVerdict {
        BlockVerdict::Unrequested
    }

    /// Blocks of [`Output::Upload`] were written to the connection (whole or in part).
    pub fn on_uploaded(&mut self, now: Instant, peer: PeerKey, written: Written) {}

    /// A block of [`Output::Upload`] will not be sent: it could not be read.
    pub fn upload_failed(&mut self, now: Instant, peer: PeerKey, block: BlockRef) {}

    // ---- pieces ----

    /// A complete piece has the right hash and is on disk. From now on it is announced and served.
    pub fn piece_verified(&mut self, now: Instant, piece: u32) {}

    /// A complete piece has the wrong hash. `digests` are those of its blocks in order, or empty if they are not at hand.
    pub fn piece_failed(&mut self, now: Instant, piece: u32, digests: &[BlockDigest]) {}

    /// A complete piece could not be written: it is wanted again and nobody is blamed. Pause the swarm if the disk stays
    /// bad, or it fetches the piece again at once.
    pub fn piece_unwritten(&mut self, now: Instant, piece: u32) {}

    /// Whether digests of this piece's right blocks would show who sent wrong ones before.
    pub fn wants_digests(&self, piece: u32) -> bool {
        false
    }

    /// The digests of a right piece's blocks in order; call before [`Swarm::piece_verified`].
    pub fn piece_digests(&mut self, now: Instant, piece: u32, digests: &[BlockDigest]) {}

    /// A piece verified earlier is no longer what it was (the file changed underneath): it is not served any more and,
    /// if wanted, fetched again.
    pub fn piece_lost(&mut self, now: Instant, piece: u32) {}

    /// The pieces verified so far.
    pub fn have(&self) -> &Bitfield {
        &self.have
    }

    // ---- settings ----

    /// How much each piece is wanted; pieces beyond the slice stay as they are. Begun pieces that are no longer wanted are
    /// abandoned.
    pub fn set_priorities(&mut self, now: Instant, priorities: &[Priority]) {}

    /// Fetch in order rather than rarest first.
    pub fn set_sequential(&mut self, now: Instant, sequential: bool) {}

    /// Fetch `piece` before all others, those with an earlier deadline first; `None` takes it back. A deadline ends when the
    /// piece is verified.
    pub fn set_deadline(&mut self, now: Instant, piece: u32, deadline: Option<Instant>) {}

    /// Pausing drops all peers and abandons pieces begun; peers are refused until it is lifted.
    pub fn set_paused(&mut self, now: Instant, paused: bool) {}

    /// How many peers are served at once.
    pub fn set_upload_slots(&mut self, now: Instant, slots: usize) {}

    // ---- time and outputs ----

    /// Does what is due: choking, timeouts, keep-alives, peer exchange.
    pub fn tick(&mut self, now: Instant) {}

    /// When [`Swarm::tick`] is due next; `None` while nothing waits for time to pass.
    pub fn next_deadline(&self) -> Option<Instant> {
        None
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }

    // ---- looking in ----

    /// What the swarm is doing.
    pub fn state(&self) -> SwarmState {
        SwarmState::Metadata
    }

    /// The swarm's counters.
    pub fn stats(&self) -> SwarmStats {
        todo!()
    }

    /// One entry a connected peer.
    pub fn peer_stats(&self) -> Vec<PeerStats> {
        Vec::new()
    }
}
