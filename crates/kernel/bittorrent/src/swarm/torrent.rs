//! A torrent's pieces: which are verified, which are wanted, and how far those being fetched are.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Instant;

use super::{Geometry, PeerKey, Priority, TorrentInfo};
use crate::bitfield::Bitfield;
use crate::picker::Picker;
use crate::wire::{BLOCK_LEN, BlockRef};

/// The first 16 bytes of a strong hash of a block's data, for finding who sent a wrong one.
pub type BlockDigest = [u8; 16];

/// Failed pieces whose blocks' digests are kept to find who sent wrong ones. Each costs up to 16 bytes a block; older ones
/// are forgotten.
const MAX_SUSPECT_PIECES: usize = 64;

/// Who sent a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Contributor {
    pub(super) key: PeerKey,
    pub(super) addr: Option<SocketAddr>,
}

const NOBODY: u16 = u16::MAX;

#[derive(Debug, Clone, Copy)]
pub(super) struct BlockSlot {
    /// Live requests for it.
    pub(super) asked: u8,
    /// Index of its sender among the contributors, once received.
    from: u16,
}

impl BlockSlot {
    pub(super) fn received(self) -> bool {
        self.from != NOBODY
    }

    fn free(self) -> bool {
        self.asked == 0 && !self.received()
    }
}

/// A piece being fetched or verified.
#[derive(Debug)]
pub(super) struct ActivePiece {
    pub(super) blocks: Vec<BlockSlot>,
    pub(super) len: u32,
    /// Blocks neither received nor asked for.
    pub(super) free: u32,
    /// Blocks not received.
    pub(super) missing: u32,
    /// No block before this one is free.
    cursor: u32,
    /// The peer it was begun with; `None` once that peer no longer serves us.
    pub(super) owner: Option<PeerKey>,
    /// Only the owner may be asked: a failed piece, or an owner on parole.
    pub(super) exclusive: bool,
    pub(super) contributors: Vec<Contributor>,
}

impl ActivePiece {
    /// The first free block's index.
    fn next_free(&mut self) -> Option<u32> {
        if self.free == 0 {
            return None;
        }
        while self.blocks.get(self.cursor as usize).is_some_and(|b| !b.free()) {
            self.cursor += 1;
        }
        (self.cursor < self.blocks.len() as u32).then_some(self.cursor)
    }

    /// Who sent most of its blocks; of several who sent as many, whoever came first.
    pub(super) fn giver(&self) -> Option<Contributor> {
        let mut counts = vec![0u32; self.contributors.len()];
        for block in self.blocks.iter() {
            if let Some(count) = counts.get_mut(block.from as usize) {
                *count += 1;
            }
        }
        let (index, _) = (0usize..).zip(&counts).min_by_key(|(_, count)| std::cmp::Reverse(**count))?;
        self.contributors.get(index).copied()
    }

    /// Each block's sender.
    fn senders(&self) -> impl Iterator<Item = Option<Contributor>> + '_ {
        self.blocks.iter().map(|b| self.contributors.get(b.from as usize).copied())
    }
}

/// What a block's arrival means for its piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// New data; the piece is not yet complete.
    New,
    /// New data; the piece is complete.
    Complete,
    /// Not needed.
    Unneeded,
}

/// The pieces of a torrent whose info is known.
#[derive(Debug)]
pub(super) struct Torrent {
    pub(super) info: TorrentInfo,
    pub(super) have: Bitfield,
    /// Wanted and not verified.
    pub(super) missing: Bitfield,
    pub(super) picker: Picker,
    pub(super) active: BTreeMap<u32, ActivePiece>,
    /// Active pieces with free blocks.
    pub(super) open: BTreeSet<u32>,
    pub(super) inflight_bytes: u64,
    pub(super) deadlines: BTreeMap<u32, Instant>,
    /// Pieces that failed: fetched from one peer alone next time.
    pub(super) failed: BTreeSet<u32>,
    /// Blocks of failed attempts: who sent what.
    suspects: BTreeMap<u32, Vec<Vec<(Contributor, BlockDigest)>>>,
    /// Peers that have everything and are not counted by piece.
    pub(super) seeds: u32,
}

impl Torrent {
    pub(super) fn new(info: TorrentInfo, have: Bitfield) -> Self {
        let pieces = info.geometry.piece_count();
        let mut picker = Picker::new(pieces);
        let mut missing = Bitfield::new(pieces);
        for piece in (0..pieces).filter(|p| !have.contains(*p)) {
            missing.insert(piece);
            picker.insert(piece);
        }
        Self {
            info,
            have,
            missing,
            picker,
            active: BTreeMap::new(),
            open: BTreeSet::new(),
            inflight_bytes: 0,
            deadlines: BTreeMap::new(),
            failed: BTreeSet::new(),
            suspects: BTreeMap::new(),
            seeds: 0,
        }
    }

    pub(super) fn geometry(&self) -> &Geometry {
        &self.info.geometry
    }

    /// Pieces that are wanted, verified or not.
    pub(super) fn wanted_count(&self) -> u32 {
        let wanted = |p: &u32| self.picker.priority(*p) != Priority::Skip;
        self.missing.count() + self.have.iter().filter(wanted).count() as u32
    }

    /// Begins a piece with a peer.
    pub(super) fn begin(&mut self, piece: u32, owner: PeerKey, exclusive: bool) {
        let len = self.info.geometry.piece_len(piece);
        let blocks = self.info.geometry.block_count(piece);
        if blocks == 0 || self.active.contains_key(&piece) {
            return;
        }
        self.picker.remove(piece);
        self.inflight_bytes += u64::from(len);
        self.open.insert(piece);
        self.active.insert(
            piece,
            ActivePiece {
                blocks: vec![BlockSlot { asked: 0, from: NOBODY }; blocks as usize],
                len,
                free: blocks,
                missing: blocks,
                cursor: 0,
                owner: Some(owner),
                exclusive,
                contributors: Vec::new(),
            },
        );
    }

    /// Stops fetching a piece (verified, failed or given up) and gives what is known of it. It may be begun again if it
    /// is missing.
    pub(super) fn end(&mut self, piece: u32) -> Option<ActivePiece> {
        let active = self.active.remove(&piece)?;
        self.open.remove(&piece);
        self.inflight_bytes -= u64::from(active.len);
        if self.missing.contains(piece) {
            self.picker.insert(piece);
        }
        Some(active)
    }

    /// Whether one more piece of this length may be begun.
    pub(super) fn has_room(&self, piece_len: u32, max_bytes: u64) -> bool {
        self.active.is_empty() || self.inflight_bytes + u64::from(piece_len) <= max_bytes
    }

    /// Marks the next free block of `piece` as asked for.
    pub(super) fn ask_next(&mut self, piece: u32) -> Option<BlockRef> {
        let active = self.active.get_mut(&piece)?;
        let index = active.next_free()?;
        active.blocks.get_mut(index as usize)?.asked += 1;
        active.free -= 1;
        if active.free == 0 {
            self.open.remove(&piece);
        }
        self.info.geometry.block(piece, index)
    }

    /// Marks a block as asked for once more (endgame). False if it is not outstanding.
    pub(super) fn ask_again(&mut self, block: &BlockRef) -> bool {
        let active = self.active.get_mut(&block.piece);
        match active.and_then(|a| a.blocks.get_mut((block.begin / BLOCK_LEN) as usize)) {
            Some(slot) if !slot.received() && slot.asked == 1 => {
                slot.asked += 1;
                true
            }
            _ => false,
        }
    }

    /// A live request ended without data.
    pub(super) fn release(&mut self, block: &BlockRef) {
        let Some(active) = self.active.get_mut(&block.piece) else { return };
        let index = block.begin / BLOCK_LEN;
        let Some(slot) = active.blocks.get_mut(index as usize) else { return };
        if slot.asked == 0 {
            return;
        }
        slot.asked -= 1;
        if slot.free() {
            active.free += 1;
            active.cursor = active.cursor.min(index);
            self.open.insert(block.piece);
        }
    }

    /// A block came; `live` if the request was still waited for.
    pub(super) fn receive(&mut self, block: &BlockRef, from: Contributor, live: bool) -> Arrival {
        let Some(active) = self.active.get_mut(&block.piece) else { return Arrival::Unneeded };
        let Some(slot) = active.blocks.get_mut((block.begin / BLOCK_LEN) as usize) else { return Arrival::Unneeded };
        let foreign = active.exclusive && active.owner != Some(from.key);
        let who = active.contributors.iter().position(|c| *c == from).unwrap_or(active.contributors.len());
        // A piece of 65,535 contributors does not exist: peers are bounded far below.
        let Some(index) = u16::try_from(who).ok().filter(|w| *w != NOBODY) else { return Arrival::Unneeded };
        if slot.received() || foreign {
            if live {
                slot.asked = slot.asked.saturating_sub(1);
                if slot.free() {
                    active.free += 1;
                    active.cursor = active.cursor.min(block.begin / BLOCK_LEN);
                    self.open.insert(block.piece);
                }
            }
            return Arrival::Unneeded;
        }
        if slot.free() {
            active.free -= 1;
        }
        if live {
            slot.asked = slot.asked.saturating_sub(1);
        }
        slot.from = index;
        if who == active.contributors.len() {
            active.contributors.push(from);
        }
        active.missing -= 1;
        if active.free == 0 {
            self.open.remove(&block.piece);
        }
        if active.missing == 0 { Arrival::Complete } else { Arrival::New }
    }

    /// Whether others were asked for this block too.
    pub(super) fn asked_elsewhere(&self, block: &BlockRef) -> bool {
        let slot = self.active.get(&block.piece).and_then(|a| a.blocks.get((block.begin / BLOCK_LEN) as usize));
        slot.is_some_and(|s| s.asked > 0)
    }

    /// A piece is verified.
    pub(super) fn verified(&mut self, piece: u32) -> Option<ActivePiece> {
        self.missing.remove(piece);
        self.have.insert(piece);
        self.picker.remove(piece);
        self.deadlines.remove(&piece);
        self.failed.remove(&piece);
        self.end(piece)
    }

    /// Notes who sent what of a piece that failed.
    pub(super) fn suspect(&mut self, piece: u32, active: &ActivePiece, digests: &[BlockDigest]) {
        if digests.len() != active.blocks.len() {
            return;
        }
        while self.suspects.len() >= MAX_SUSPECT_PIECES && !self.suspects.contains_key(&piece) {
            self.suspects.pop_first();
        }
        let attempt = active.senders().zip(digests).filter_map(|(who, digest)| Some((who?, *digest))).collect();
        let attempts = self.suspects.entry(piece).or_default();
        // Two attempts tell enough; a third would only cost memory.
        attempts.truncate(1);
        attempts.push(attempt);
    }

    pub(super) fn is_suspect(&self, piece: u32) -> bool {
        self.suspects.contains_key(&piece)
    }

    /// Who sent blocks of `piece` that differ from the right ones.
    pub(super) fn culprits(&mut self, piece: u32, right: &[BlockDigest]) -> Vec<Contributor> {
        let mut found: Vec<Contributor> = Vec::new();
        for attempt in self.suspects.remove(&piece).unwrap_or_default() {
            for ((who, digest), right) in attempt.iter().zip(right) {
                if digest != right && !found.contains(who) {
                    found.push(*who);
                }
            }
        }
        found
    }

    /// Changes how much a piece is wanted; true if whether it is missing changed.
    pub(super) fn set_priority(&mut self, piece: u32, priority: Priority) -> bool {
        self.picker.set_priority(piece, priority);
        if self.have.contains(piece) {
            return false;
        }
        if priority == Priority::Skip {
            self.deadlines.remove(&piece);
            return self.missing.remove(piece);
        }
        let changed = self.missing.insert(piece);
        if !self.active.contains_key(&piece) {
            self.picker.insert(piece);
        }
        changed
    }

    /// A verified piece is gone.
    pub(super) fn lost(&mut self, piece: u32) -> bool {
        if !self.have.remove(piece) {
            return false;
        }
        if self.picker.priority(piece) != Priority::Skip {
            self.missing.insert(piece);
            self.picker.insert(piece);
        }
        true
    }

    /// Counts a peer's pieces in or out of the availability.
    pub(super) fn count_pieces(&mut self, pieces: &Bitfield, joins: bool) {
        for piece in pieces.iter() {
            if joins {
                self.picker.gained(piece);
            } else {
                self.picker.lost(piece);
            }
        }
    }
}
