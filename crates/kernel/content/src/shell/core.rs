//! The machine with what belongs to it: the peers' mailboxes, and the blocks of pieces on their way.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use weft_bittorrent::bitfield::Bitfield;
use weft_bittorrent::connection::{Event, Written};
use weft_bittorrent::id::PeerId;
use weft_bittorrent::swarm::{
    BlockVerdict, Geometry, Output, PeerKey as SwarmKey, PeerParams, Priority, Refused, SetInfoError, Swarm,
    TorrentInfo,
};
use weft_bittorrent::wire::BlockRef;

use super::assembly::{Assembly, Complete, PieceMemory, Verdict};
use super::deadlines::Deadlines;
use super::effects::{CompleteJob, Effects, Note, SpillJob};
use super::givers::Givers;
use super::mailbox::Letter;
use super::peer_entry::{PeerEntry, Traffic};
use crate::status::Weave;
use crate::storage::StorageError;

/// Two connections to one peer that came up within 5 s of each other were dialled from both ends at once.
const SIMULTANEOUS: std::time::Duration = std::time::Duration::from_secs(5);

/// How much is wanted and how much of it is here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) pieces: u32,
    /// Verified pieces, wanted or not.
    pub(crate) pieces_done: u32,
    pub(crate) wanted_bytes: u64,
    /// Bytes of wanted pieces that are verified.
    pub(crate) done_bytes: u64,
}

impl Counts {
    /// Whether everything wanted is here. Not so while nothing is known.
    pub(crate) fn is_complete(&self) -> bool {
        self.pieces > 0 && self.done_bytes == self.wanted_bytes
    }
}

/// The machine with its peers and pieces.
#[derive(Debug)]
pub(crate) struct Core {
    swarm: Option<Swarm>,
    /// Counts the machines: a job begun for an earlier one is not told to a later.
    epoch: u64,
    geometry: Option<Geometry>,
    peers: HashMap<SwarmKey, PeerEntry>,
    assemblies: HashMap<u32, Assembly>,
    memory: Arc<PieceMemory>,
    /// How much each piece is wanted; all as usual while the metadata is missing.
    wanted: Vec<Priority>,
    givers: Givers,
    deadlines: Deadlines,
    /// Over all torrents.
    moved: Arc<Traffic>,
    /// [`Core::counts`] and [`Core::weave`] until a piece comes or goes: each is a look at every piece.
    counted: Cell<Option<Counts>>,
    woven: RefCell<Option<Arc<Weave>>>,
    /// Pieces of files that somebody changed: neither served nor fetched.
    held: Bitfield,
    /// Nothing is fetched: the disk is in trouble.
    halted: bool,
}

impl Core {
    pub(super) fn new(memory: Arc<PieceMemory>, moved: Arc<Traffic>) -> Self {
        Core {
            swarm: None,
            epoch: 0,
            geometry: None,
            peers: HashMap::new(),
            assemblies: HashMap::new(),
            memory,
            wanted: Vec::new(),
            givers: Givers::default(),
            deadlines: Deadlines::default(),
            moved,
            counted: Cell::default(),
            woven: RefCell::default(),
            held: Bitfield::default(),
            halted: false,
        }
    }

    /// Puts a machine to work.
    pub(crate) fn install(&mut self, swarm: Swarm, geometry: Option<Geometry>) {
        self.epoch += 1;
        self.swarm = Some(swarm);
        self.geometry = geometry;
        self.held = Bitfield::new(geometry.map_or(0, |g| g.piece_count()));
        self.assemblies.clear();
        // Whatever was found on disk now counts as having been there.
        self.givers.forget_pieces();
        self.touch();
    }

    /// A piece came or went, or what is wanted changed.
    fn touch(&self) {
        self.counted.set(None);
        self.woven.replace(None);
    }

    /// Takes the machine out; its peers' connections close.
    pub(crate) fn uninstall(&mut self, reason: &str, effects: &mut Effects) -> Option<Swarm> {
        self.epoch += 1;
        for entry in self.peers.values() {
            effects.wakers.extend(entry.mailbox.close(reason.to_owned()));
        }
        self.assemblies.clear();
        self.touch();
        self.swarm.take()
    }

    pub(crate) fn swarm(&self) -> Option<&Swarm> {
        self.swarm.as_ref()
    }

    /// The machine, for calls whose outputs are drained when the lock is let go of.
    pub(crate) fn swarm_mut(&mut self) -> Option<&mut Swarm> {
        self.swarm.as_mut()
    }

    pub(crate) fn peers(&self) -> &HashMap<SwarmKey, PeerEntry> {
        &self.peers
    }

    pub(crate) fn piece_count(&self) -> Option<u32> {
        self.geometry.map(|g| g.piece_count())
    }

    pub(crate) fn held(&self) -> &Bitfield {
        &self.held
    }

    /// Gives a machine that began with the info-hash alone its metadata.
    pub(crate) fn set_info(
        &mut self,
        now: Instant,
        info: TorrentInfo,
        have: Bitfield,
        effects: &mut Effects,
    ) -> Result<(), SetInfoError> {
        let Some(swarm) = &mut self.swarm else { return Ok(()) };
        let geometry = info.geometry;
        swarm.set_info(now, info, have)?;
        self.geometry = Some(geometry);
        self.touch();
        self.held = Bitfield::new(geometry.piece_count());
        for entry in self.peers.values() {
            effects.wakers.extend(entry.mailbox.push(Letter::PieceCount(geometry.piece_count())));
        }
        self.drain(effects);
        Ok(())
    }

    /// Takes a peer in, unless the machine or another connection to the same peer stands against it.
    pub(crate) fn connect(
        &mut self,
        now: Instant,
        ours: PeerId,
        params: PeerParams,
        entry: PeerEntry,
        effects: &mut Effects,
    ) -> Result<SwarmKey, Refused> {
        if let Some(twin) = self.twin(&entry) {
            if !prefer(&entry, &self.peers[&twin], ours, now) {
                return Err(Refused::Duplicate);
            }
            self.close(now, twin, "a better connection to this peer is up", effects);
        }
        let swarm = self.swarm.as_mut().ok_or(Refused::Paused)?;
        let key = swarm.peer_connected(now, params)?;
        if let Some(pieces) = self.piece_count() {
            // The metadata may have come between the greeting and now.
            effects.wakers.extend(entry.mailbox.push(Letter::PieceCount(pieces)));
        }
        self.peers.insert(key, entry);
        self.drain(effects);
        Ok(key)
    }

    /// Another live connection to the same peer.
    fn twin(&self, entry: &PeerEntry) -> Option<SwarmKey> {
        let (key, ip) = (entry.key(), entry.address().map(|a| a.ip()));
        let same = |other: &PeerEntry| match (key, other.key()) {
            (Some(a), Some(b)) => a == b,
            _ => other.peer_id == entry.peer_id && other.address().map(|a| a.ip()) == ip,
        };
        self.peers.iter().find(|(_, other)| same(other)).map(|(key, _)| *key)
    }

    /// Closes a connection.
    pub(crate) fn close(&mut self, now: Instant, peer: SwarmKey, reason: &str, effects: &mut Effects) {
        if let Some(entry) = self.peers.remove(&peer) {
            self.givers.left(peer, &entry);
            effects.wakers.extend(entry.mailbox.close(reason.to_owned()));
        }
        if let Some(swarm) = &mut self.swarm {
            swarm.peer_disconnected(now, peer);
        }
        self.drain(effects);
    }

    pub(super) fn deliver(
        &mut self,
        now: Instant,
        peer: SwarmKey,
        events: &mut Vec<Event>,
        written: Written,
        effects: &mut Effects,
    ) {
        if written != Written::default()
            && let Some(swarm) = &mut self.swarm
        {
            swarm.on_uploaded(now, peer, written);
            if let Some(entry) = self.peers.get(&peer) {
                entry.traffic.up.fetch_add(written.payload, Ordering::Relaxed);
                self.moved.up.fetch_add(written.payload, Ordering::Relaxed);
            }
            self.drain(effects);
        }
        let mut received = 0;
        for event in events.drain(..) {
            let Some(swarm) = &mut self.swarm else { continue };
            match event {
                Event::Message(message) => swarm.on_message(now, peer, message),
                Event::Block { block, data } => {
                    if swarm.on_block(now, peer, block) == BlockVerdict::Accept
                        && let Some(geometry) = self.geometry
                        && let Some(index) = geometry.block_index(&block)
                    {
                        let blocks = geometry.block_count(block.piece);
                        let assembly = self.assemblies.entry(block.piece).or_insert_with(|| Assembly::new(blocks));
                        assembly.put(index, data, &self.memory);
                        received += u64::from(block.len);
                    }
                }
                _ => {}
            }
            self.drain(effects);
        }
        if received > 0
            && let Some(entry) = self.peers.get(&peer)
        {
            entry.traffic.down.fetch_add(received, Ordering::Relaxed);
            self.moved.down.fetch_add(received, Ordering::Relaxed);
        }
    }

    pub(super) fn upload_failed(&mut self, now: Instant, peer: SwarmKey, blocks: &[BlockRef], effects: &mut Effects) {
        for block in blocks {
            if let Some(swarm) = &mut self.swarm {
                swarm.upload_failed(now, peer, *block);
            }
            self.drain(effects);
        }
    }

    pub(super) fn settled(&mut self, now: Instant, epoch: u64, piece: u32, verdict: Verdict, effects: &mut Effects) {
        if epoch != self.epoch {
            return;
        }
        if let Verdict::Unwritten(_) = verdict {
            // First, or the machine would ask for the piece again at once.
            self.set_halted(now, true, effects);
        }
        self.touch();
        effects.pieces = true;
        let Some(swarm) = &mut self.swarm else { return };
        match verdict {
            Verdict::Verified(digests) => {
                if !digests.is_empty() {
                    swarm.piece_digests(now, piece, &digests);
                    self.drain(effects);
                }
                if let Some(swarm) = &mut self.swarm {
                    swarm.piece_verified(now, piece);
                }
            }
            Verdict::Wrong(digests) => swarm.piece_failed(now, piece, &digests),
            Verdict::Unwritten(error) => {
                swarm.piece_unwritten(now, piece);
                effects.notes.push(Note::Unwritten(error));
            }
        }
        self.drain(effects);
    }

    /// Blocks were written unverified.
    pub(super) fn spilled(&mut self, epoch: u64, piece: u32, result: Result<(), StorageError>, effects: &mut Effects) {
        if epoch != self.epoch {
            return;
        }
        if let Some(assembly) = self.assemblies.get_mut(&piece) {
            assembly.spilling -= 1;
            assembly.failed |= result.is_err();
            if assembly.complete && assembly.spilling == 0 {
                self.finish(piece, effects);
            }
        }
        if let Err(error) = result {
            self.set_halted(Instant::now(), true, effects);
            effects.notes.push(Note::Unwritten(error));
        }
    }

    /// Writes the fullest unfinished piece's blocks to disk: too many are in memory.
    pub(super) fn spill(&mut self, effects: &mut Effects) {
        let unfinished = self.assemblies.iter_mut().filter(|(_, a)| !a.complete && a.in_memory() > 0);
        if let Some((piece, assembly)) = unfinished.max_by_key(|(_, a)| a.in_memory()) {
            effects.spills.push(SpillJob { epoch: self.epoch, piece: *piece, spill: assembly.spill() });
        }
    }

    fn finish(&mut self, piece: u32, effects: &mut Effects) {
        let Some(assembly) = self.assemblies.get_mut(&piece) else { return };
        assembly.complete = true;
        if assembly.spilling > 0 {
            return;
        }
        let Some(assembly) = self.assemblies.remove(&piece) else { return };
        if assembly.failed {
            // Its peers are not to blame for what the disk did not keep.
            if let Some(swarm) = &mut self.swarm {
                swarm.piece_unwritten(Instant::now(), piece);
            }
            return;
        }
        let digests = self.swarm.as_ref().is_some_and(|swarm| swarm.wants_digests(piece));
        let complete = Complete::new(piece, assembly);
        effects.complete.push(CompleteJob { epoch: self.epoch, complete, digests });
    }

    /// Says how much each piece is wanted.
    pub(crate) fn set_wanted(&mut self, now: Instant, wanted: Vec<Priority>, effects: &mut Effects) {
        self.wanted = wanted;
        self.touch();
        self.set_priorities(now, effects);
    }

    /// Stops fetching, or goes on. What is verified is served all the time.
    pub(crate) fn set_halted(&mut self, now: Instant, halted: bool, effects: &mut Effects) {
        if self.halted != halted {
            self.halted = halted;
            self.set_priorities(now, effects);
        }
    }

    /// Takes pieces out of service: somebody changed their file. They are not fetched either, which would overwrite
    /// what that somebody wrote.
    pub(crate) fn hold(&mut self, now: Instant, pieces: impl Iterator<Item = u32>, effects: &mut Effects) {
        let pieces: Vec<u32> = pieces.filter(|piece| self.held.insert(*piece)).collect();
        self.set_priorities(now, effects);
        self.touch();
        effects.pieces = true;
        for piece in pieces {
            self.givers.forget(piece);
            if let Some(swarm) = &mut self.swarm {
                swarm.piece_lost(now, piece);
            }
            self.drain(effects);
        }
    }

    /// Holds those of the pieces that are not verified.
    pub(crate) fn hold_missing(&mut self, now: Instant, pieces: impl Iterator<Item = u32>, effects: &mut Effects) {
        let Some(swarm) = &self.swarm else { return };
        let missing: Vec<u32> = pieces.filter(|piece| !swarm.have().contains(*piece)).collect();
        self.hold(now, missing.into_iter(), effects);
    }

    /// Puts a held piece back: verified anew, or to be fetched.
    pub(crate) fn release(&mut self, now: Instant, piece: u32, verified: bool, effects: &mut Effects) {
        self.held.remove(piece);
        self.touch();
        effects.pieces = true;
        if verified && let Some(swarm) = &mut self.swarm {
            swarm.piece_verified(now, piece);
            self.drain(effects);
        }
    }

    /// Wanted pieces and how many of them are verified.
    pub(crate) fn counts(&self) -> Counts {
        if let Some(counts) = self.counted.get() {
            return counts;
        }
        let counts = self.count();
        self.counted.set(Some(counts));
        counts
    }

    fn count(&self) -> Counts {
        let (Some(swarm), Some(geometry)) = (&self.swarm, self.geometry) else { return Counts::default() };
        let have = swarm.have();
        let mut counts = Counts { pieces: geometry.piece_count(), pieces_done: have.count(), ..Counts::default() };
        for piece in 0..geometry.piece_count() {
            if self.wanted(piece) != Priority::Skip {
                let len = u64::from(geometry.piece_len(piece));
                counts.wanted_bytes += len;
                counts.done_bytes += if have.contains(piece) { len } else { 0 };
            }
        }
        counts
    }

    /// Those of the pieces that are not verified.
    pub(crate) fn missing(&self, pieces: std::ops::RangeInclusive<u32>) -> Vec<u32> {
        let Some(swarm) = &self.swarm else { return Vec::new() };
        pieces.filter(|piece| !swarm.have().contains(*piece)).collect()
    }

    /// Says which pieces a reader waits for, and when it needs each; its earlier word is taken back.
    pub(crate) fn set_deadlines(&mut self, now: Instant, reader: u64, pieces: Vec<(u32, Instant)>) {
        self.deadlines.set(now, reader, pieces, self.swarm.as_mut());
    }

    fn wanted(&self, piece: u32) -> Priority {
        self.wanted.get(piece as usize).copied().unwrap_or_default()
    }

    /// Who gave the verified pieces; `None` while nothing is known of the pieces.
    pub(crate) fn weave(&self) -> Option<Arc<Weave>> {
        let have = self.swarm.as_ref()?.have();
        let mut woven = self.woven.borrow_mut();
        Some(Arc::clone(woven.get_or_insert_with(|| Arc::new(self.givers.weave(have)))))
    }

    /// Who gave each piece.
    pub(crate) fn givers(&self) -> &Givers {
        &self.givers
    }

    /// Tells the machine what is wanted now.
    pub(crate) fn set_priorities(&mut self, now: Instant, effects: &mut Effects) {
        let Some(pieces) = self.piece_count() else { return };
        let skip = |piece: u32| self.halted || self.held.contains(piece);
        let priorities: Vec<Priority> =
            (0..pieces).map(|piece| if skip(piece) { Priority::Skip } else { self.wanted(piece) }).collect();
        if let Some(swarm) = &mut self.swarm {
            swarm.set_priorities(now, &priorities);
            // What was not wanted for a while has lost its deadline.
            self.deadlines.apply_all(now, swarm);
        }
        self.drain(effects);
    }

    /// Takes outputs until there are none.
    pub(super) fn drain(&mut self, effects: &mut Effects) {
        while let Some(output) = self.swarm.as_mut().and_then(Swarm::poll_output) {
            match output {
                Output::Send { peer, message } => self.letter(peer, Letter::Message(message), effects),
                Output::Upload { peer, blocks } => self.letter(peer, Letter::Upload(blocks), effects),
                Output::PieceComplete { piece } => self.finish(piece, effects),
                Output::PieceAbandoned { piece } => drop(self.assemblies.remove(&piece)),
                Output::PieceGiven { piece, by } => {
                    let pieces = self.geometry.map_or(0, |g| g.piece_count());
                    self.givers.gave(piece, pieces, by, self.peers.get(&by));
                }
                Output::MetadataComplete { metadata } => effects.notes.push(Note::Metadata(metadata)),
                Output::Drop { peer, reason, ban } => {
                    let Some(entry) = self.peers.remove(&peer) else { continue };
                    self.givers.left(peer, &entry);
                    if ban {
                        effects.notes.push(Note::Banned { address: entry.address(), key: entry.key() });
                    }
                    effects.wakers.extend(entry.mailbox.close(reason.to_string()));
                }
                Output::Ban { addr, .. } => effects.notes.push(Note::Banned { address: Some(addr), key: None }),
                Output::PexPeers { from, peers } => {
                    let from = self.peers.get(&from).and_then(PeerEntry::address);
                    effects.notes.push(Note::PexPeers { from, peers });
                }
                Output::NeedPeers => effects.notes.push(Note::NeedPeers),
                Output::StateChanged(_) => effects.notes.push(Note::State),
                _ => {}
            }
        }
    }

    fn letter(&self, peer: SwarmKey, letter: Letter, effects: &mut Effects) {
        if let Some(entry) = self.peers.get(&peer) {
            effects.wakers.extend(entry.mailbox.push(letter));
        }
    }
}

/// Whether a new connection takes the place of an old one to the same peer: if its path is cheaper; and, where both
/// ends dialled at once, if it was opened by the end with the greater peer id, so that both ends keep the same one.
fn prefer(new: &PeerEntry, old: &PeerEntry, ours: PeerId, now: Instant) -> bool {
    let (new_path, old_path) = (new.link.lock().path, old.link.lock().path);
    if new_path != old_path {
        return new_path.cost() < old_path.cost();
    }
    let opener = |entry: &PeerEntry| if entry.outgoing { ours } else { entry.peer_id };
    new.outgoing != old.outgoing && now.saturating_duration_since(old.since) < SIMULTANEOUS && opener(new) > opener(old)
}
