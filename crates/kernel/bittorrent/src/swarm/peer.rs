//! One connected peer, and the table of them.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use super::{PeerKey, PeerParams};
use crate::bitfield::Bitfield;
use crate::extension::{self, ExtendedHandshake};
use crate::id::PeerId;
use crate::metadata::MetadataFetch;
use crate::rate::RateMeter;
use crate::wire::BlockRef;

/// Requests outstanding with a peer of which nothing is known yet.
pub(super) const FIRST_DEPTH: u32 = 16;

/// How a request we sent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its answer is waited for.
    Live,
    /// The peer was too slow or choked us; others may be asked. A late answer is still good.
    Released,
    /// Taken back; an answer may be under way all the same.
    Cancelled,
}

/// A request we sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending {
    pub(super) block: BlockRef,
    pub(super) standing: Standing,
}

/// Pieces that made way for urgent ones, and when.
#[derive(Debug, Clone)]
pub(super) struct GaveWay {
    pub(super) at: Instant,
    pub(super) pieces: BTreeSet<u32>,
}

/// One connected peer.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) addr: Option<SocketAddr>,
    pub(super) outgoing: bool,
    pub(super) weft: bool,
    pub(super) peer_id: PeerId,
    pub(super) fast: bool,
    pub(super) dht: bool,
    pub(super) extended: bool,
    pub(super) said: ExtendedHandshake,

    pub(super) pieces: Bitfield,
    /// A bitfield, HAVE-ALL or HAVE-NONE came.
    pub(super) told_pieces: bool,
    /// It has everything since it came and is counted as a seed, not piece by piece.
    pub(super) counted_seed: bool,
    /// It said HAVE-ALL before the number of pieces was known.
    pub(super) has_all: bool,
    /// Its bitfield from before the number of pieces was known.
    pub(super) early_bitfield: Option<bytes::Bytes>,
    /// Missing wanted pieces it has.
    pub(super) interesting: u32,
    /// Pieces that may be asked for although choked (BEP 6).
    pub(super) allowed_fast: BTreeSet<u32>,

    pub(super) am_choking: bool,
    pub(super) am_interested: bool,
    pub(super) peer_choking: bool,
    pub(super) peer_interested: bool,
    pub(super) optimistic: bool,
    pub(super) last_unchoked: Option<Instant>,

    // What we ask of it.
    pub(super) pending: VecDeque<Pending>,
    /// Entries of `pending` that are live.
    pub(super) live: u32,
    /// How many requests to keep outstanding.
    pub(super) depth: u32,
    /// When requests were last refilled, and blocks received since.
    pub(super) refilled_at: Instant,
    pub(super) since_refill: u32,
    /// Last progress on requests: a block came, or the first request after none was sent.
    pub(super) progress_at: Instant,
    /// It let requests time out; it is asked for one block at a time until it answers.
    pub(super) stalled: bool,
    pub(super) snubbed: bool,
    pub(super) parole: bool,
    pub(super) hash_failures: u32,
    /// Pieces begun with this peer.
    pub(super) own: Vec<u32>,
    /// Pieces taken back from it for urgent ones.
    pub(super) gave_way: Option<GaveWay>,
    /// The picker's epoch at which nothing was found to begin.
    pub(super) barren: Option<u64>,

    // What it asks of us.
    pub(super) queue: VecDeque<BlockRef>,
    /// Blocks handed to the shell of late that a cancel may still name without blame.
    pub(super) late: u32,
    /// Blocks handed to the shell and not yet reported.
    pub(super) handed: u32,
    pub(super) dirty: bool,
    /// How many blocks to hand to the shell at once, and when the last were.
    pub(super) window: u32,
    pub(super) handed_at: Instant,

    pub(super) down: RateMeter,
    pub(super) up: RateMeter,
    pub(super) downloaded: u64,
    pub(super) uploaded: u64,

    // Patience.
    pub(super) last_received: Instant,
    pub(super) last_sent: Instant,
    pub(super) unrequested: u32,
    pub(super) refused: u32,
    pub(super) useless: u32,

    // Extensions.
    pub(super) fetch: Option<MetadataFetch>,
    pub(super) fetch_progress_at: Instant,
    pub(super) fetch_failures: u32,
    pub(super) metadata_budget: u32,
    pub(super) pex_due: Instant,
    pub(super) pex_told: BTreeSet<SocketAddr>,
    pub(super) pex_budget: u32,
}

impl Peer {
    pub(super) fn new(now: Instant, params: &PeerParams, pieces: u32) -> Self {
        let reserved = params.handshake.reserved;
        Self {
            addr: params.addr,
            outgoing: params.outgoing,
            weft: params.weft,
            peer_id: params.handshake.peer_id,
            fast: reserved.fast(),
            dht: reserved.dht(),
            extended: reserved.extended(),
            said: ExtendedHandshake::default(),
            pieces: Bitfield::new(pieces),
            told_pieces: false,
            counted_seed: false,
            has_all: false,
            early_bitfield: None,
            interesting: 0,
            allowed_fast: BTreeSet::new(),
            am_choking: true,
            am_interested: false,
            peer_choking: true,
            peer_interested: false,
            optimistic: false,
            last_unchoked: None,
            pending: VecDeque::new(),
            live: 0,
            depth: FIRST_DEPTH,
            refilled_at: now,
            since_refill: 0,
            progress_at: now,
            stalled: false,
            snubbed: false,
            parole: false,
            hash_failures: 0,
            own: Vec::new(),
            gave_way: None,
            barren: None,
            queue: VecDeque::new(),
            late: 0,
            handed: 0,
            dirty: false,
            window: super::upload::MIN_WINDOW,
            handed_at: now,
            down: RateMeter::new(now),
            up: RateMeter::new(now),
            downloaded: 0,
            uploaded: 0,
            last_received: now,
            last_sent: now,
            unrequested: 0,
            refused: 0,
            useless: 0,
            fetch: None,
            fetch_progress_at: now,
            fetch_failures: 0,
            metadata_budget: 0,
            pex_due: now,
            pex_told: BTreeSet::new(),
            pex_budget: 3,
        }
    }

    /// Where others reach it.
    pub(super) fn listen_addr(&self) -> Option<SocketAddr> {
        extension::listen_addr(self.addr, self.outgoing, self.said.port)
    }

    /// Requests it holds at once.
    pub(super) fn reqq(&self) -> u32 {
        self.said.reqq.unwrap_or(extension::DEFAULT_REQQ)
    }

    /// Client name, from the extension handshake or the peer id (BEP 20).
    pub(super) fn client(&self) -> String {
        self.said.client.clone().unwrap_or_else(|| {
            let id = self.peer_id.as_bytes();
            match id {
                [b'-', name @ ..] if id.get(7) == Some(&b'-') => extension::printable(name.get(..6).unwrap_or(name)),
                _ => String::from("unknown"),
            }
        })
    }

    /// Takes the request for `block` off the list.
    pub(super) fn take_pending(&mut self, block: &BlockRef) -> Option<Standing> {
        // Answers come in the order of the requests, so the first entry is nearly always the one.
        let at = self.pending.iter().position(|p| p.block == *block)?;
        let pending = self.pending.remove(at)?;
        if pending.standing == Standing::Live {
            self.live -= 1;
        }
        Some(pending.standing)
    }

    /// Gives a live request to others; its answer, should it still come, is good.
    pub(super) fn give_up(&mut self, block: &BlockRef) {
        let live = self.pending.iter_mut().rev().find(|p| p.block == *block && p.standing == Standing::Live);
        if let Some(pending) = live {
            pending.standing = Standing::Released;
            self.live -= 1;
        }
    }

    pub(super) fn is_pending(&self, block: &BlockRef) -> bool {
        self.pending.iter().any(|p| p.block == *block)
    }
}

/// The connected peers. Keys of peers that left name nobody, ever.
#[derive(Debug, Default)]
pub(super) struct Peers {
    slots: Vec<(u32, Option<Peer>)>,
    free: Vec<u32>,
    count: usize,
}

impl Peers {
    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn insert(&mut self, peer: Peer) -> PeerKey {
        self.count += 1;
        if let Some(slot) = self.free.pop()
            && let Some((generation, entry)) = self.slots.get_mut(slot as usize)
        {
            *generation = generation.wrapping_add(1);
            *entry = Some(peer);
            return PeerKey { slot, generation: *generation };
        }
        let slot = self.slots.len() as u32;
        self.slots.push((0, Some(peer)));
        PeerKey { slot, generation: 0 }
    }

    pub(super) fn remove(&mut self, key: PeerKey) -> Option<Peer> {
        let (generation, entry) = self.slots.get_mut(key.slot as usize)?;
        if *generation != key.generation {
            return None;
        }
        let peer = entry.take()?;
        self.count -= 1;
        self.free.push(key.slot);
        Some(peer)
    }

    pub(super) fn get(&self, key: PeerKey) -> Option<&Peer> {
        let (generation, entry) = self.slots.get(key.slot as usize)?;
        entry.as_ref().filter(|_| *generation == key.generation)
    }

    pub(super) fn get_mut(&mut self, key: PeerKey) -> Option<&mut Peer> {
        let (generation, entry) = self.slots.get_mut(key.slot as usize)?;
        entry.as_mut().filter(|_| *generation == key.generation)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (PeerKey, &Peer)> {
        self.slots.iter().enumerate().filter_map(|(slot, (generation, entry))| {
            Some((PeerKey { slot: slot as u32, generation: *generation }, entry.as_ref()?))
        })
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (PeerKey, &mut Peer)> {
        self.slots.iter_mut().enumerate().filter_map(|(slot, (generation, entry))| {
            Some((PeerKey { slot: slot as u32, generation: *generation }, entry.as_mut()?))
        })
    }

    pub(super) fn keys(&self) -> Vec<PeerKey> {
        self.iter().map(|(key, _)| key).collect()
    }
}
