//! One torrent's state machine: its peers, its pieces, who asks whom for what, and who is served.
//!
//! A [`Swarm`] holds no payload, no socket and no clock. Messages and times go in, and what is to be done comes out of
//! [`Swarm::poll_output`]. One [`crate::connection::Connection`] a peer does the framing beside it.
//!
//! # How a shell drives it
//!
//! **Rule one**: after calls that take `&mut self`, take outputs until there are none. One round of outputs for all
//! events of one read is best: requests that came together are then served together. **Rule two**: call
//! [`Swarm::tick`] whenever [`Swarm::next_deadline`] has passed. Nothing else makes time go on.
//!
//! *Start.* With metainfo at hand, [`Swarm::new`] takes it with the pieces already verified (from resume data). With a
//! magnet, [`Swarm::from_magnet`] fetches the info dictionary from peers; [`Output::MetadataComplete`] gives its bytes
//! (their SHA-1 is the info-hash), and the shell parses them and answers with [`Swarm::set_info`] and
//! `Connection::set_piece_count` on each connection.
//!
//! *A peer.* Dial or accept, exchange handshakes through a `Connection`, then [`Swarm::peer_connected`], which gives the
//! [`PeerKey`] all further calls name. The machine queues what a connection begins with (bitfield, extension handshake)
//! as ordinary outputs. Then, for each event of the connection:
//!
//! | from the connection           | call                        | then                                              |
//! |-------------------------------|-----------------------------|---------------------------------------------------|
//! | `Event::Message(message)`     | [`Swarm::on_message`]       |                                                   |
//! | `Event::Block { block, data }`| [`Swarm::on_block`]         | on [`BlockVerdict::Accept`] keep `data` with its piece, else drop it |
//! | `on_written` gave [`Written`] | [`Swarm::on_uploaded`]      | (skip it when both numbers are 0)                 |
//! | error, end of stream          | [`Swarm::peer_disconnected`]| forget the key                                    |
//!
//! *Outputs.*
//!
//! | output                        | the shell's part                                                                |
//! |-------------------------------|---------------------------------------------------------------------------------|
//! | [`Output::Send`]              | `Connection::send`; on error `peer_disconnected` and close                      |
//! | [`Output::Upload`]            | read the blocks (neighbours with one `pread`), `Connection::send_block` each; a block that cannot be read: [`Swarm::upload_failed`] |
//! | [`Output::PieceComplete`]     | all blocks of the piece were accepted: hash, write, then exactly one of [`Swarm::piece_verified`] (the hash is right *and* the data is written), [`Swarm::piece_failed`] (the hash is wrong), [`Swarm::piece_unwritten`] (the disk failed) |
//! | [`Output::PieceAbandoned`]    | drop the blocks kept for the piece, it is no longer being fetched               |
//! | [`Output::Drop`]              | close that connection. The peer is already forgotten: the key is dead. If `ban`, do not speak with that address again |
//! | [`Output::Ban`]               | the same for a peer that has already left                                       |
//! | [`Output::PieceGiven`]        | note who gave it, if anybody wants to know                                      |
//! | [`Output::MetadataComplete`]  | see *Start*                                                                     |
//! | [`Output::PexPeers`], [`Output::DhtNode`] | candidates to dial; filter private addresses by the node's policy    |
//! | [`Output::NeedPeers`]         | ask peer sources; repeated while it holds                                       |
//! | [`Output::StateChanged`]      | events, tracker's `completed`                                                   |
//!
//! *Bad pieces.* After `piece_failed` the contributors are on parole: each fetches whole pieces alone until one is
//! right, and a piece that one peer sent alone and that is wrong bans it. A shell that still has the wrong data can help
//! by giving the digest of each block to [`Swarm::piece_failed`] (16 bytes of any strong hash, for instance the first of
//! SHA-1): when the piece is right later and [`Swarm::wants_digests`] says so, it gives those of the right data to
//! [`Swarm::piece_digests`] *before* `piece_verified`, and exactly the peers that sent differing blocks are banned.
//!
//! *Memory.* Data accepted and not yet answered for (`PieceComplete` included) never exceeds
//! [`SwarmConfig::max_inflight_bytes`], or one piece if a piece is larger.

mod clock;
mod config;
mod download;
mod extend;
mod geometry;
mod haste;
mod machine;
mod messages;
mod output;
mod peer;
mod report;
mod stats;
mod torrent;
mod upload;
mod verify;
mod view;

pub use config::{PeerParams, Priority, Refused, SetInfoError, SwarmConfig, TorrentInfo};
pub use geometry::Geometry;
pub use machine::Swarm;
pub use output::{BlockVerdict, DropReason, Output, PeerKey, SwarmState};
pub use stats::{PeerStats, SwarmStats};
pub use torrent::BlockDigest;
pub use view::{PeerView, PieceView, Traffic};

#[cfg(doc)]
use crate::connection::Written;

/// Longest block a peer may ask for. Everyone asks for 16 KiB; some old clients for 32 KiB. A longer request closes the
/// connection.
pub const MAX_REQUEST_LEN: u32 = 32 * 1024;

/// Most blocks handed to the shell for one peer and not yet reported as sent: 4 MiB of 16 KiB blocks keep reading,
/// queueing and writing busy at the same time.
pub const MAX_UPLOAD_WINDOW: usize = 256;
