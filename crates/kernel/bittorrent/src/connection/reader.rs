//! The incoming half: a read plan that predicts blocks, and the slow parser behind it.
//!
//! Unparsed bytes stand in one of three places: `plain`, ordinary input; or `rope`, what was read into slots after a
//! surprise; or `slots`, of which the first `filled` bytes (counted over headers and blocks in order) hold data. A slot is
//! only ever posted where a message begins, so a first slot with a matching header is a block, and one without is a
//! surprise: everything from there on becomes the rope, and its blocks are copied once to where they belong.

use std::collections::VecDeque;
use std::fmt;
use std::io::IoSliceMut;

use super::slot::{PREFIX, Rope, Slot, prefix};
use super::{
    Event, MAX_EARLY_BITFIELD_LEN, MAX_EXTENDED_LEN, MAX_PLANNED_BLOCKS, MAX_UNKNOWN_LEN, ProtocolError, ReadPlan,
};
use crate::bitfield::Bitfield;
use crate::block::BlockPool;
use crate::wire::{
    BLOCK_LEN, BlockRef, HANDSHAKE_LEN, Handshake, ID_BITFIELD, ID_EXTENDED, ID_PIECE, Kind, Message, PIECE_HEADER_LEN,
    PieceHeader, WireError,
};

/// Ordinary input read at once from an idle peer. Small, so that hundreds of idle peers cost little.
const PLAIN_MIN: usize = 1024;

/// Ordinary input read at once from a peer that sends much of it (requests, HAVEs).
const PLAIN_MAX: usize = 64 * 1024;

/// What an incoming connection may send ahead of being accepted: handshake, bitfield of a small torrent, extension
/// handshake.
const MAX_UNACCEPTED: usize = 4096;

/// Requests remembered for prediction; above that the rest is not predicted. The swarm asks for fewer.
const MAX_EXPECTED: usize = 8192;

/// The longest message that is neither a block, a bitfield nor extended, length prefix excluded.
const MAX_FIXED_LEN: u32 = 13;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Handshake,
    /// An incoming connection whose handshake was given out and not yet answered.
    Unaccepted,
    Messages,
}

pub(super) struct Reader {
    pool: BlockPool,
    phase: Phase,
    bitfield_max: u32,
    plain: Vec<u8>,
    start: usize,
    end: usize,
    /// How much ordinary input to offer room for.
    plain_target: usize,
    /// Bytes of an unknown message still to be dropped.
    skip: usize,
    rope: Rope,
    slots: VecDeque<Slot>,
    filled: usize,
    /// How many blocks to predict.
    window: usize,
    expected: VecDeque<BlockRef>,
    /// Length of the plan's part in `plain`.
    planned_plain: usize,
}

impl Reader {
    pub(super) fn new(pool: BlockPool) -> Self {
        Self {
            pool,
            phase: Phase::Handshake,
            bitfield_max: MAX_EARLY_BITFIELD_LEN as u32,
            plain: Vec::new(),
            start: 0,
            end: 0,
            plain_target: PLAIN_MIN,
            skip: 0,
            rope: Rope::default(),
            slots: VecDeque::new(),
            filled: 0,
            window: 2,
            expected: VecDeque::new(),
            planned_plain: 0,
        }
    }

    pub(super) fn set_piece_count(&mut self, piece_count: Option<u32>) {
        let len = piece_count.map_or(MAX_EARLY_BITFIELD_LEN, Bitfield::byte_len);
        self.bitfield_max = u32::try_from(len).unwrap_or(u32::MAX);
    }

    pub(super) fn start(&mut self) {
        self.phase = Phase::Messages;
    }

    pub(super) fn expect(&mut self, block: BlockRef) {
        if self.expected.len() < MAX_EXPECTED && (1..=BLOCK_LEN).contains(&block.len) {
            self.expected.push_back(block);
        }
    }

    pub(super) fn unexpect(&mut self, block: &BlockRef) {
        if self.expected.front() == Some(block) {
            self.expected.pop_front();
        } else if let Some(at) = self.expected.iter().position(|b| b == block) {
            self.expected.remove(at);
        }
    }

    pub(super) fn expect_nothing(&mut self) {
        self.expected.clear();
    }

    // ---- the plan ----

    pub(super) fn plan(&mut self) -> ReadPlan<'_> {
        if self.rope.left > 0 {
            self.spill_rope();
        }
        self.adopt_partial_block();
        let have = self.end - self.start;
        // Slots may stand behind ordinary input only if that input then ends where a message ends.
        let (room, slots) = if self.filled > 0 {
            (0, true)
        } else if self.phase != Phase::Messages {
            (MAX_UNACCEPTED.saturating_sub(have).min(PLAIN_MIN), false)
        } else if have == 0 && self.skip == 0 {
            if self.expected.is_empty() { (self.plain_target, false) } else { (0, true) }
        } else {
            match self.rest_of_message() {
                // Grown step by step: what a length prefix claims is not allocated before it comes.
                Some(rest) => {
                    let step = rest.min(have.max(self.plain_target));
                    if self.expected.is_empty() { (step.max(self.plain_target), false) } else { (step, step == rest) }
                }
                None => (self.plain_target, false),
            }
        };
        self.make_room(room);
        self.post_slots(if slots { self.window } else { 0 });
        self.planned_plain = room;
        self.slices(room)
    }

    fn slices(&mut self, room: usize) -> ReadPlan<'_> {
        let mut plan = ReadPlan::new();
        if room > 0
            && let Some(slice) = self.plain.get_mut(self.end..self.end + room)
        {
            plan.push(IoSliceMut::new(slice));
        }
        let mut filled = self.filled;
        for slot in &mut self.slots {
            let head = filled.min(PIECE_HEADER_LEN);
            if head < PIECE_HEADER_LEN {
                plan.push(IoSliceMut::new(&mut slot.header[head..]));
            }
            let body = filled - head;
            if let Some(slice) = slot.data.room().get_mut(body..slot.want as usize)
                && !slice.is_empty()
            {
                plan.push(IoSliceMut::new(slice));
            }
            filled = 0;
        }
        plan
    }

    /// Turns the beginning of a block at the end of ordinary input into the first slot.
    fn adopt_partial_block(&mut self) {
        let have = self.end - self.start;
        if self.phase != Phase::Messages || have == 0 || self.filled > 0 || self.skip > 0 {
            return;
        }
        let Some(bytes) = self.plain.get(self.start..self.end) else { return };
        let want = match bytes.first_chunk::<PREFIX>() {
            Some([a, b, c, d, ID_PIECE]) => u32::from_be_bytes([*a, *b, *c, *d]).wrapping_sub(9),
            Some(_) => return,
            None => match self.expected.front() {
                Some(next) if bytes == &prefix(next.len)[..have] => next.len,
                _ => return,
            },
        };
        if want > BLOCK_LEN || have >= PIECE_HEADER_LEN + want as usize {
            return;
        }
        let mut slot = self.slots.pop_front().unwrap_or_else(|| Slot::new(&self.pool));
        slot.want = want;
        let (head, body) = bytes.split_at(have.min(PIECE_HEADER_LEN));
        slot.header[..head.len()].copy_from_slice(head);
        slot.data.room()[..body.len()].copy_from_slice(body);
        self.slots.push_front(slot);
        self.filled = have;
        self.start = 0;
        self.end = 0;
    }

    /// Bytes that complete the message at the end of ordinary input, where that can be told.
    fn rest_of_message(&self) -> Option<usize> {
        if self.skip > 0 {
            return None;
        }
        let bytes = self.plain.get(self.start..self.end)?;
        // With the id seen, the length has been checked against the bound of its kind.
        let [a, b, c, d, _] = bytes.first_chunk::<PREFIX>()?;
        let len = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        (len + 4).checked_sub(bytes.len())
    }

    fn make_room(&mut self, room: usize) {
        let have = self.end - self.start;
        if self.start > 0 {
            self.plain.copy_within(self.start..self.end, 0);
            self.start = 0;
            self.end = have;
        }
        let need = have + room;
        if self.plain.len() > (2 * need).max(PLAIN_MIN) {
            self.plain.truncate(need);
            self.plain.shrink_to_fit();
        } else if self.plain.len() < need {
            self.plain.resize(need, 0);
        }
    }

    /// Sets up `window` slots at most, as many as blocks are expected; a slot with data in it stays.
    fn post_slots(&mut self, window: usize) {
        let mut kept = 0;
        let mut known = None;
        if self.filled > 0
            && let Some(first) = self.slots.front()
        {
            kept = 1;
            known = if self.filled >= PIECE_HEADER_LEN {
                let block = PieceHeader::decode(&first.header).map(|h| h.0);
                self.expected.iter().position(|b| Some(*b) == block)
            } else {
                Some(0)
            };
        }
        let mut next = kept;
        for (i, block) in self.expected.iter().enumerate() {
            if next >= window {
                break;
            }
            if known == Some(i) {
                continue;
            }
            match self.slots.get_mut(next) {
                Some(slot) => slot.want = block.len,
                None => self.slots.push_back(Slot { want: block.len, ..Slot::new(&self.pool) }),
            }
            next += 1;
        }
        self.slots.truncate(next.max(kept));
    }

    pub(super) fn on_read(&mut self, n: usize) {
        let plain = n.min(self.planned_plain);
        self.end += plain;
        if plain > 0 {
            if plain == self.planned_plain {
                self.plain_target = (self.plain_target * 4).min(PLAIN_MAX);
            } else if plain < self.plain_target / 8 {
                self.plain_target = (self.plain_target / 2).max(PLAIN_MIN);
            }
        }
        let posted: usize = self.slots.iter().map(Slot::len).sum::<usize>() - self.filled;
        let slots = (n - plain).min(posted);
        debug_assert_eq!(plain + slots, n, "more was read than was planned");
        self.filled += slots;
        self.planned_plain = 0;
        if posted > 0 {
            self.adapt_window(slots, posted);
        }
    }

    /// Predicts more when a read filled what was posted, less when most of it stayed empty.
    fn adapt_window(&mut self, read: usize, posted: usize) {
        if read + BLOCK_LEN as usize >= posted {
            self.window = (self.window * 2).min(MAX_PLANNED_BLOCKS);
        } else if read < posted / 4 {
            self.window = (self.window / 2).max(2);
        }
    }

    // ---- the parser ----

    pub(super) fn next_event(&mut self) -> Result<Option<Event>, ProtocolError> {
        match self.phase {
            Phase::Handshake => return self.next_handshake(),
            Phase::Unaccepted => return Ok(None),
            Phase::Messages => {}
        }
        loop {
            if self.skip > 0 {
                let plain = self.skip.min(self.end - self.start);
                self.start += plain;
                self.skip -= plain;
                self.skip -= self.rope.skip(self.skip);
                if self.skip > 0 {
                    return Ok(None);
                }
            }
            if self.start < self.end {
                match self.next_plain()? {
                    Parsed::Event(event) => return Ok(Some(event)),
                    Parsed::Skipped => continue,
                    Parsed::Incomplete => return Ok(None),
                }
            }
            if self.rope.left > 0 {
                match self.next_of_rope()? {
                    Parsed::Event(event) => return Ok(Some(event)),
                    Parsed::Skipped | Parsed::Incomplete => continue,
                }
            }
            let Some(first) = self.slots.front() else { return Ok(None) };
            if self.filled == 0 {
                return Ok(None);
            }
            if first.matches(self.filled) {
                return Ok(self.take_slot());
            }
            self.rope = Rope::new(&mut self.slots, std::mem::take(&mut self.filled));
        }
    }

    fn next_handshake(&mut self) -> Result<Option<Event>, ProtocolError> {
        let bytes = self.plain.get(self.start..self.end).unwrap_or_default();
        if !Handshake::is_prefix(bytes) {
            return Err(WireError::NotBitTorrent.into());
        }
        let Some(head) = bytes.first_chunk::<HANDSHAKE_LEN>() else { return Ok(None) };
        let handshake = Handshake::decode(head)?;
        self.start += HANDSHAKE_LEN;
        self.phase = Phase::Unaccepted;
        Ok(Some(Event::Handshake(handshake)))
    }

    /// The first slot as a block, if all of it is there.
    fn take_slot(&mut self) -> Option<Event> {
        let len = self.slots.front()?.len();
        if self.filled < len {
            return None;
        }
        let Slot { header, mut data, want } = self.slots.pop_front()?;
        self.filled -= len;
        data.set_len(want);
        let block = PieceHeader::decode(&header)?.0;
        self.unexpect(&block);
        Some(Event::Block { block, data })
    }

    fn next_plain(&mut self) -> Result<Parsed, ProtocolError> {
        let bytes = self.plain.get(self.start..self.end).unwrap_or_default();
        let Some((prefix, rest)) = bytes.split_first_chunk::<4>() else { return Ok(Parsed::Incomplete) };
        let len = u32::from_be_bytes(*prefix);
        if len == 0 {
            self.start += 4;
            return Ok(Parsed::Event(Event::Message(Message::KeepAlive)));
        }
        let Some(&id) = rest.first() else { return Ok(Parsed::Incomplete) };
        self.check_length(id, len)?;
        if Kind::of(id) == Kind::Unknown {
            self.skip = len as usize;
            self.start += 4;
            return Ok(Parsed::Skipped);
        }
        let Some(frame) = rest.get(..len as usize) else { return Ok(Parsed::Incomplete) };
        let event = if Kind::of(id) == Kind::Piece {
            let header = bytes.first_chunk().and_then(PieceHeader::decode);
            let block = header.ok_or(WireError::Length { id, len })?.0;
            let mut data = self.pool.take();
            data.fill_from(frame.get(9..).unwrap_or_default());
            Some(Event::Block { block, data })
        } else {
            Message::decode(frame)?.map(Event::Message)
        };
        self.start += 4 + len as usize;
        if let Some(Event::Block { block, .. }) = &event {
            let block = *block;
            self.unexpect(&block);
        }
        Ok(event.map_or(Parsed::Skipped, Parsed::Event))
    }

    /// The next message of the rope. What is not a whole message becomes ordinary input.
    fn next_of_rope(&mut self) -> Result<Parsed, ProtocolError> {
        let head: [u8; PIECE_HEADER_LEN] = self.rope.peek();
        let len = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let id = head[4];
        let whole = if self.rope.left < 4 || (len > 0 && self.rope.left < PREFIX) {
            false
        } else if len == 0 {
            self.rope.skip(4);
            return Ok(Parsed::Event(Event::Message(Message::KeepAlive)));
        } else {
            self.check_length(id, len)?;
            if Kind::of(id) == Kind::Unknown {
                self.rope.skip(4);
                self.skip = len as usize;
                return Ok(Parsed::Skipped);
            }
            self.rope.left >= 4 + len as usize
        };
        if !whole {
            self.spill_rope();
            return Ok(Parsed::Incomplete);
        }
        if let Some(PieceHeader(block)) = PieceHeader::decode(&head) {
            self.rope.skip(PIECE_HEADER_LEN);
            let mut data = self.pool.take();
            self.rope.copy_to(data.room().get_mut(..block.len as usize).unwrap_or_default());
            data.set_len(block.len);
            self.unexpect(&block);
            return Ok(Parsed::Event(Event::Block { block, data }));
        }
        self.rope.skip(4);
        let mut frame = vec![0; len as usize];
        self.rope.copy_to(&mut frame);
        Ok(Message::decode(&frame)?.map_or(Parsed::Skipped, |m| Parsed::Event(Event::Message(m))))
    }

    /// Moves what is left of the rope to ordinary input.
    fn spill_rope(&mut self) {
        let have = self.end - self.start;
        let left = self.rope.left;
        self.make_room(left);
        if let Some(room) = self.plain.get_mut(have..have + left) {
            self.rope.copy_to(room);
            self.end += left;
        }
    }

    /// Refuses a message by its announced length before any of it is buffered.
    fn check_length(&self, id: u8, len: u32) -> Result<(), ProtocolError> {
        let max = match (Kind::of(id), id) {
            (Kind::Piece, _) if len < 9 => return Err(WireError::Length { id, len }.into()),
            (Kind::Piece, _) => 9 + BLOCK_LEN,
            (Kind::Unknown, _) => MAX_UNKNOWN_LEN as u32,
            (_, ID_BITFIELD) => self.bitfield_max.saturating_add(1),
            (_, ID_EXTENDED) => MAX_EXTENDED_LEN as u32 + 2,
            _ => MAX_FIXED_LEN,
        };
        if len > max { Err(ProtocolError::TooLong { id, len, max }) } else { Ok(()) }
    }
}

enum Parsed {
    Event(Event),
    /// A message that means nothing to us.
    Skipped,
    Incomplete,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("phase", &self.phase)
            .field("plain", &(self.end - self.start))
            .field("slots", &self.slots.len())
            .field("expected", &self.expected.len())
            .finish()
    }
}
