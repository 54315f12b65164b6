//! One peer connection: framing over any ordered byte stream, without doing any input or output itself.
//!
//! The shell asks for a [read plan](Connection::read_plan), fills its slices with one `readv`, says how many bytes came
//! ([`Connection::on_read`]) and takes events until there are none ([`Connection::next_event`]). While requested blocks
//! are outstanding the plan is a *prediction*: the header of the next block, a whole block buffer, the next header, and
//! so on, so that payload lands where it stays. Headers are checked in order; the bytes after the first surprise (a HAVE
//! between two blocks) are taken back and parsed the ordinary way. In the other direction the shell queues messages and
//! blocks, and writes the slices of the [write plan](Connection::write_plan) with one `writev`.
//!
//! ```
//! use weft_bittorrent::block::BlockPool;
//! use weft_bittorrent::connection::{Connection, Event};
//! use weft_bittorrent::id::{InfoHash, PeerId};
//! use weft_bittorrent::wire::{Handshake, Message, Reserved};
//!
//! let hash = InfoHash::from([7; 20]);
//! let hello = |id| Handshake { reserved: Reserved::ours(false), info_hash: hash, peer_id: PeerId::from([id; 20]) };
//! let pool = BlockPool::new(64);
//! let mut a = Connection::outgoing(pool.clone(), hello(1), Some(4));
//! let mut b = Connection::incoming(pool);
//!
//! // One direction of a network: what `a` has to write, `b` reads.
//! fn carry(from: &mut Connection, to: &mut Connection) {
//!     let bytes: Vec<u8> = from.write_plan().iter().flat_map(|s| s.to_vec()).collect();
//!     from.on_written(bytes.len());
//!     assert_eq!(to.feed(&bytes), bytes.len());
//! }
//! carry(&mut a, &mut b);
//! let Some(Event::Handshake(theirs)) = b.next_event()? else { panic!("a handshake comes first") };
//! assert_eq!(theirs.info_hash, hash);
//! b.accept(hello(2), Some(4));
//! b.send(&Message::HaveAll)?;
//! carry(&mut b, &mut a);
//! assert!(matches!(a.next_event()?, Some(Event::Handshake(_))));
//! assert_eq!(a.next_event()?, Some(Event::Message(Message::HaveAll)));
//! # Ok::<(), weft_bittorrent::connection::ProtocolError>(())
//! ```

mod reader;
mod slot;
#[cfg(test)]
mod tests;
mod writer;

use std::io::{IoSlice, IoSliceMut};

use bytes::Bytes;
use smallvec::SmallVec;

use crate::block::{BlockBuf, BlockPool};
use crate::wire::{BlockRef, Handshake, Message, WireError};

use reader::Reader;
use writer::Writer;

/// Most blocks one read plan predicts: half a megabyte in one `readv`. More no longer lowers the cost of a byte.
pub const MAX_PLANNED_BLOCKS: usize = 32;

/// Most bytes of an extended message's payload. The largest honest one is a metadata piece (16 KiB and a dictionary) or
/// a full PEX message (a few KiB).
pub const MAX_EXTENDED_LEN: usize = 64 * 1024;

/// Most bytes of a message of unknown kind, which is skipped without being buffered. The largest known of a later
/// protocol is BEP 52's `hashes` (some 16 KiB).
pub const MAX_UNKNOWN_LEN: usize = 128 * 1024;

/// Most bytes of a bitfield before the number of pieces is known (a magnet start): 1 Mi pieces.
pub const MAX_EARLY_BITFIELD_LEN: usize = 128 * 1024;

/// Most bytes of control messages waiting for a slow reader. Room for the bitfield of 4 Mi pieces and some 10,000 HAVEs;
/// a peer that lets more pile up is not reading.
pub const MAX_CONTROL_BYTES: usize = 768 * 1024;

/// Most blocks waiting to be written. The swarm hands out fewer ([`crate::swarm::MAX_UPLOAD_WINDOW`]).
pub const MAX_QUEUED_BLOCKS: usize = 1024;

/// The slices the next read fills, in order.
pub type ReadPlan<'a> = SmallVec<[IoSliceMut<'a>; 2 * MAX_PLANNED_BLOCKS + 1]>;

/// The slices the next write sends, in order: control messages and up to [`MAX_WRITTEN_BLOCKS`] blocks.
pub type WritePlan<'a> = SmallVec<[IoSlice<'a>; 2 * MAX_WRITTEN_BLOCKS + 2]>;

/// Most blocks one write plan holds: one megabyte in one `writev`.
pub const MAX_WRITTEN_BLOCKS: usize = 64;

/// What came from the peer.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The peer's handshake. An incoming connection goes on after [`Connection::accept`].
    Handshake(Handshake),
    /// A message for [`crate::swarm::Swarm::on_message`].
    Message(Message),
    /// A block for [`crate::swarm::Swarm::on_block`], which says whether its data is wanted.
    Block {
        /// Which block the peer says it is. `len` is the length of `data`.
        block: BlockRef,
        /// The data.
        data: BlockBuf,
    },
}

/// What a write carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Blocks whose last byte was written.
    pub blocks: u32,
    /// Bytes of block data written.
    pub payload: u64,
}

/// Why a connection must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// What the peer sent is not peer wire protocol.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The peer answered with another torrent's info-hash.
    #[error("the peer answered for another torrent")]
    WrongTorrent,
    /// The peer is this node.
    #[error("connected to ourselves")]
    Ourselves,
    /// A message is longer than its kind may be.
    #[error("message {id} of {len} bytes, at most {max} are allowed")]
    TooLong {
        /// The message's id.
        id: u8,
        /// Bytes announced.
        len: u32,
        /// Bytes allowed.
        max: u32,
    },
    /// The peer does not read what it asked for; too much is waiting for it.
    #[error("the peer reads too slowly, its outgoing queue is full")]
    Backlog,
}

/// One peer connection's framing.
#[derive(Debug)]
pub struct Connection {
    reader: Reader,
    writer: Writer,
    ours: Option<Handshake>,
    theirs: Option<Handshake>,
}

impl Connection {
    /// A connection we open: queues our handshake and expects the peer's. `piece_count` is `None` while a magnet's
    /// metadata is unknown.
    pub fn outgoing(pool: BlockPool, ours: Handshake, piece_count: Option<u32>) -> Self {
        let mut connection = Self { ours: Some(ours), ..Self::incoming(pool) };
        connection.reader.set_piece_count(piece_count);
        connection.writer.push_bytes(&ours.encode());
        connection
    }

    /// A connection opened to us: the peer's handshake comes first and names the torrent.
    pub fn incoming(pool: BlockPool) -> Self {
        Self { reader: Reader::new(pool), writer: Writer::default(), ours: None, theirs: None }
    }

    /// Goes on with an incoming connection after [`Event::Handshake`] named a torrent we serve: queues our handshake and
    /// lets messages through.
    pub fn accept(&mut self, ours: Handshake, piece_count: Option<u32>) {
        self.ours = Some(ours);
        self.reader.set_piece_count(piece_count);
        self.writer.push_bytes(&ours.encode());
        self.reader.start();
    }

    /// Tells the number of pieces once a magnet's metadata is known; bounds the peer's bitfield from then on.
    pub fn set_piece_count(&mut self, piece_count: u32) {
        self.reader.set_piece_count(Some(piece_count));
    }

    /// The peer's handshake, once it came.
    pub fn handshake(&self) -> Option<&Handshake> {
        self.theirs.as_ref()
    }

    /// Whether both ends speak the fast extension (BEP 6).
    pub fn fast(&self) -> bool {
        let fast = |h: &Option<Handshake>| h.is_some_and(|h| h.reserved.fast());
        fast(&self.ours) && fast(&self.theirs)
    }

    /// The slices the next read is to fill in order. Take all events first. An empty plan means: do not read now (an
    /// incoming connection not yet accepted has sent as much as may wait).
    pub fn read_plan(&mut self) -> ReadPlan<'_> {
        self.reader.plan()
    }

    /// Says that the first `n` bytes of the last read plan were filled.
    pub fn on_read(&mut self, n: usize) {
        self.reader.on_read(n);
    }

    /// Copies a prefix of `bytes` into a read plan and says how many it took: for streams that have decrypted bytes at
    /// hand. Take all events after each call. Takes none only where a read plan would be empty.
    pub fn feed(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        for slice in self.reader.plan().iter_mut() {
            let (now, later) = rest.split_at(slice.len().min(rest.len()));
            slice[..now.len()].copy_from_slice(now);
            rest = later;
        }
        let n = bytes.len() - rest.len();
        self.reader.on_read(n);
        n
    }

    /// The next thing the peer sent, in order. `Ok(None)`: read more first. After an error the connection is to be
    /// closed.
    pub fn next_event(&mut self) -> Result<Option<Event>, ProtocolError> {
        let event = self.reader.next_event()?;
        match &event {
            Some(Event::Handshake(theirs)) => {
                self.theirs = Some(*theirs);
                if let Some(ours) = self.ours {
                    if theirs.info_hash != ours.info_hash {
                        return Err(ProtocolError::WrongTorrent);
                    }
                    if theirs.peer_id == ours.peer_id {
                        return Err(ProtocolError::Ourselves);
                    }
                    self.reader.start();
                }
            }
            Some(Event::Message(Message::Reject(block))) => self.reader.unexpect(block),
            Some(Event::Message(Message::Choke)) if !self.fast() => self.reader.expect_nothing(),
            _ => {}
        }
        Ok(event)
    }

    /// Queues a message. Requests also steer the prediction of the read plan.
    ///
    /// # Errors
    /// [`ProtocolError::Backlog`] when more than [`MAX_CONTROL_BYTES`] wait: close the connection.
    pub fn send(&mut self, message: &Message) -> Result<(), ProtocolError> {
        match message {
            Message::Request(block) => self.reader.expect(*block),
            // With the fast extension a cancelled request is still answered, by a block or a reject.
            Message::Cancel(block) if !self.fast() => self.reader.unexpect(block),
            _ => {}
        }
        self.writer.push(message)
    }

    /// Queues a block the peer asked for. `data` is a slice of a shared read buffer; its length makes the header's.
    ///
    /// # Errors
    /// [`ProtocolError::Backlog`] when more than [`MAX_QUEUED_BLOCKS`] wait: close the connection.
    pub fn send_block(&mut self, piece: u32, begin: u32, data: Bytes) -> Result<(), ProtocolError> {
        self.writer.push_block(piece, begin, data)
    }

    /// Whether anything waits to be written.
    pub fn wants_write(&self) -> bool {
        !self.writer.is_empty()
    }

    /// The slices the next write is to send in order: control messages before blocks not yet begun. Empty when there is
    /// nothing to write.
    pub fn write_plan(&self) -> WritePlan<'_> {
        self.writer.plan(usize::MAX)
    }

    /// Like [`Connection::write_plan`], holding at most about `payload` bytes of block data: for a rate limit. Control
    /// messages are always in it, and the rest of a block already begun.
    pub fn write_plan_up_to(&self, payload: usize) -> WritePlan<'_> {
        self.writer.plan(payload)
    }

    /// Says that the first `n` bytes of the last write plan were sent.
    pub fn on_written(&mut self, n: usize) -> Written {
        self.writer.on_written(n)
    }

    /// Bytes of block data waiting to be written.
    pub fn queued_payload(&self) -> u64 {
        self.writer.queued_payload()
    }
}
