//! Whom to ask for what.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

use alloy_primitives::map::{B256Map, B256Set};
use alloy_primitives::{B256, Bytes, keccak256};

use super::message::{MAX_ANSWER_BYTES, MAX_HASHES, Message};
use super::recent::Recent;
use crate::pool::Pool;

/// 2 s until another peer is asked: an answer has at most half a megabyte.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// 8 s more an answer is welcome, and keeps one of the peer's [`MAX_REQUESTS`].
const LATE_FOR: Duration = Duration::from_secs(8);

/// 4 requests to one peer wait for answers at once.
const MAX_REQUESTS: usize = 4;

/// 4,096 hashes of one announcer wait to be asked for; what it announces beyond is not listened to, and comes by others.
const MAX_WANTED_PER_PEER: usize = 4096;

/// 65,536 hashes wait to be asked for in all.
const MAX_WANTED: usize = 1 << 16;

/// 8 times all who announced a transaction are asked for it, [`REQUEST_TIMEOUT`] apart: a peer may have answered enough to
/// us for now.
const MAX_ROUNDS: u32 = 8;

/// 8 more peers are remembered as having a transaction.
const MAX_OTHERS: usize = 8;

/// 16,384 hashes (twice at most) that a peer is known to have.
const KNOWN_PER_PEER: usize = 1 << 14;

/// 32,768 hashes (twice at most) that were refused or are in a block, and are not asked for again.
const DONE: usize = 1 << 15;

/// 256 peers; the overlay has fewer.
const MAX_PEERS: usize = 256;

/// 8 MiB a second are answered to one peer, and as many at once: the pool's 64 MiB take a newcomer eight seconds.
const ANSWER_BYTES_A_SECOND: u64 = 8 << 20;

/// A peer with this score does nothing but harm.
pub const BAN_SCORE: u32 = 100;

/// A score halves in 60 s.
const SCORE_HALF_LIFE: Duration = Duration::from_secs(60);

/// What a peer should not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Bytes that are no message. Counts 100.
    Malformed,
    /// A transaction that can be valid nowhere. Counts 50.
    InvalidTransaction,
    /// An answer to nothing, or with what was not asked for. Counts 20.
    Unasked,
    /// No answer in time. Counts 2.
    Timeout,
}

impl Fault {
    fn points(self) -> u32 {
        match self {
            Fault::Malformed => 100,
            Fault::InvalidTransaction => 50,
            Fault::Unasked => 20,
            Fault::Timeout => 2,
        }
    }
}

/// What the pool said of a transaction that a peer sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Taken, or already there.
    Accepted,
    /// Not taken for reasons that may not hold elsewhere or later: no fault.
    Refused,
    /// No transaction of this chain in any state.
    Invalid,
}

/// What the owner has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output<P> {
    /// Send a message.
    Send {
        /// To whom.
        peer: P,
        /// What.
        message: Message,
    },
    /// A peer did what it should not; above [`BAN_SCORE`] part with it.
    Misbehaved {
        /// Who.
        peer: P,
        /// What.
        fault: Fault,
        /// All that counts against it now.
        score: u32,
    },
}

/// Figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GossipStatus {
    /// Peers.
    pub peers: usize,
    /// Hashes that are to be asked for, or are.
    pub wanted: usize,
    /// Requests that wait for an answer.
    pub requests: usize,
    /// Hashes announced to us that were not known.
    pub announced: u64,
    /// Transactions that came as asked for.
    pub received: u64,
    /// Transactions sent as asked for.
    pub served: u64,
    /// Hashes that nobody gave who had announced them.
    pub lost: u64,
}

#[derive(Debug)]
struct Peer {
    known: Recent,
    /// Announcements of the pool before this place were told.
    cursor: u64,
    /// Hashes for which it is this peer's turn, or will be.
    wanted: usize,
    /// To be asked for. What is another's turn by now is passed over.
    queue: VecDeque<B256>,
    /// By name: what was asked, until when.
    requests: BTreeMap<u32, Request>,
    allowance: u64,
    allowed_at: Duration,
    score: u32,
    scored_at: Duration,
}

#[derive(Debug)]
struct Request {
    hashes: Vec<B256>,
    deadline: Duration,
    /// Others are asked by now; the answer is still welcome.
    late: bool,
}

/// A hash that somebody announced. It is in the queue or in a request of the peer whose turn it is, or among the retries.
#[derive(Debug)]
struct Want<P> {
    turn: P,
    asked: bool,
    /// Who else has it.
    others: VecDeque<P>,
    /// How often all were asked.
    rounds: u32,
}

/// The exchange of transactions with all peers. `P` names a peer.
#[derive(Debug)]
pub struct Gossip<P> {
    peers: HashMap<P, Peer>,
    wanted: B256Map<Want<P>>,
    /// To be asked for again, by time.
    retries: VecDeque<(Duration, B256)>,
    /// Peers who may be asked for something.
    ready: BTreeSet<P>,
    /// Refused, or in a block.
    done: Recent,
    outputs: VecDeque<Output<P>>,
    next_request: u32,
    totals: GossipStatus,
}

impl<P: Copy + Eq + Ord + Hash + Debug> Default for Gossip<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Copy + Eq + Ord + Hash + Debug> Gossip<P> {
    /// With no peers.
    pub fn new() -> Self {
        Gossip {
            peers: HashMap::new(),
            wanted: B256Map::default(),
            retries: VecDeque::new(),
            ready: BTreeSet::new(),
            done: Recent::new(DONE),
            outputs: VecDeque::new(),
            next_request: 0,
            totals: GossipStatus::default(),
        }
    }

    /// A peer is there. It will be told of the whole pool. Says whether there is room for it.
    pub fn connected(&mut self, now: Duration, peer: P) -> bool {
        if self.peers.len() >= MAX_PEERS && !self.peers.contains_key(&peer) {
            return false;
        }
        self.disconnected(now, peer);
        let state = Peer {
            known: Recent::new(KNOWN_PER_PEER),
            cursor: 0,
            wanted: 0,
            queue: VecDeque::new(),
            requests: BTreeMap::new(),
            allowance: ANSWER_BYTES_A_SECOND,
            allowed_at: now,
            score: 0,
            scored_at: now,
        };
        self.peers.insert(peer, state);
        true
    }

    /// A peer is gone; others are asked for what it owes.
    pub fn disconnected(&mut self, now: Duration, peer: P) {
        let Some(gone) = self.peers.remove(&peer) else { return };
        self.ready.remove(&peer);
        let owed = gone.requests.into_values().filter(|request| !request.late).flat_map(|request| request.hashes);
        // Where it is not its turn, it is found missing when it would be.
        for hash in owed.chain(gone.queue) {
            self.pass_on(now, hash, peer);
        }
        self.ask(now);
    }

    /// What the next message to a peer with hashes it is not known to have should be; `None` if it knows all. To be called
    /// when its stream takes more, after new transactions came or were asked for.
    pub fn announcements(&mut self, peer: P, pool: &Pool) -> Option<Message> {
        let state = self.peers.get_mut(&peer)?;
        let mut hashes = Vec::new();
        for (place, tx) in pool.announced_since(state.cursor) {
            if hashes.len() == MAX_HASHES {
                break;
            }
            state.cursor = place + 1;
            if !state.known.contains(&tx.hash()) {
                hashes.push(tx.hash());
            }
        }
        (!hashes.is_empty()).then_some(Message::Announce { hashes })
    }

    /// A peer's message came. Gives transactions that were asked for, with their hashes: check them and say what came of
    /// each ([`verdict`](Self::verdict)).
    pub fn received(&mut self, now: Duration, peer: P, bytes: &Bytes, pool: &Pool) -> Vec<(B256, Bytes)> {
        if !self.peers.contains_key(&peer) {
            return Vec::new();
        }
        let transactions = match Message::decode(bytes) {
            Ok(Message::Announce { hashes }) => {
                self.announced(peer, hashes, pool);
                Vec::new()
            }
            Ok(Message::Get { request, hashes }) => {
                self.answer(now, peer, request, &hashes, pool);
                Vec::new()
            }
            Ok(Message::Transactions { request, raw }) => self.answered(now, peer, request, raw),
            Err(_) => {
                self.fault(now, peer, Fault::Malformed);
                Vec::new()
            }
        };
        self.ask(now);
        transactions
    }

    fn announced(&mut self, peer: P, hashes: Vec<B256>, pool: &Pool) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        let idle = state.requests.len() < MAX_REQUESTS;
        for hash in hashes {
            state.known.insert(hash);
            let full = state.wanted >= MAX_WANTED_PER_PEER || state.queue.len() >= 2 * MAX_WANTED_PER_PEER;
            if full || pool.contains(hash) || self.done.contains(&hash) {
                continue;
            }
            let room = self.wanted.len() < MAX_WANTED;
            match self.wanted.entry(hash) {
                Entry::Vacant(place) if room => {
                    self.totals.announced += 1;
                    place.insert(Want { turn: peer, asked: false, others: VecDeque::new(), rounds: 1 });
                    state.queue.push_back(hash);
                }
                Entry::Vacant(_) => continue,
                Entry::Occupied(mut want) => {
                    let want = want.get_mut();
                    if want.turn == peer || want.others.contains(&peer) || want.others.len() >= MAX_OTHERS {
                        continue;
                    }
                    // Somebody busy has its turn: this one is asked at once.
                    if idle && !want.asked {
                        want.others.push_front(std::mem::replace(&mut want.turn, peer));
                        state.queue.push_back(hash);
                    } else {
                        want.others.push_back(peer);
                    }
                }
            }
            state.wanted += 1;
        }
        self.ready.insert(peer);
    }

    fn answer(&mut self, now: Duration, peer: P, request: u32, hashes: &[B256], pool: &Pool) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        let since = now.saturating_sub(state.allowed_at);
        let earned = u64::try_from(since.as_millis()).unwrap_or(u64::MAX).saturating_mul(ANSWER_BYTES_A_SECOND) / 1000;
        if earned > 0 {
            state.allowance = state.allowance.saturating_add(earned).min(ANSWER_BYTES_A_SECOND);
            state.allowed_at = now;
        }
        let (mut raw, mut bytes) = (Vec::new(), 0);
        for tx in hashes.iter().filter_map(|hash| pool.get(*hash)) {
            let cost = tx.bytes() as u64;
            let fits = raw.is_empty() || bytes + tx.bytes() <= MAX_ANSWER_BYTES;
            if !fits || cost > state.allowance {
                break;
            }
            state.allowance -= cost;
            bytes += tx.bytes();
            raw.push(tx.encoded());
        }
        self.totals.served += raw.len() as u64;
        self.outputs.push_back(Output::Send { peer, message: Message::Transactions { request, raw } });
    }

    fn answered(&mut self, now: Duration, peer: P, request: u32, raw: Vec<Bytes>) -> Vec<(B256, Bytes)> {
        let Some(state) = self.peers.get_mut(&peer) else { return Vec::new() };
        let Some(asked) = state.requests.remove(&request) else {
            self.fault(now, peer, Fault::Unasked);
            return Vec::new();
        };
        let mut left: B256Set = asked.hashes.iter().copied().collect();
        let (mut taken, mut unasked) = (Vec::new(), false);
        for each in raw {
            let hash = keccak256(&each);
            if left.remove(&hash) {
                state.known.insert(hash);
                taken.push((hash, each));
            } else {
                unasked = true;
            }
        }
        if unasked {
            self.fault(now, peer, Fault::Unasked);
        }
        self.ready.insert(peer);
        let some = !taken.is_empty();
        // If others are asked by now, it may have come before, and has been looked at.
        taken.retain(|(hash, _)| self.forget(*hash));
        self.totals.received += taken.len() as u64;
        if asked.late {
            return taken;
        }
        for hash in asked.hashes.into_iter().filter(|hash| left.contains(hash)) {
            // An answer may be cut; one that has something of what was asked may have the rest next time.
            match (self.wanted.get_mut(&hash), self.peers.get_mut(&peer)) {
                (Some(want), Some(state)) if some && want.turn == peer && want.others.is_empty() => {
                    want.asked = false;
                    state.queue.push_back(hash);
                }
                _ => self.pass_on(now, hash, peer),
            }
        }
        taken
    }

    /// What the pool said of a transaction that came from a peer.
    pub fn verdict(&mut self, now: Duration, peer: P, hash: B256, verdict: Verdict) {
        if verdict != Verdict::Accepted {
            self.done.insert(hash);
        }
        if verdict == Verdict::Invalid {
            self.fault(now, peer, Fault::InvalidTransaction);
        }
    }

    /// These are in a block: nobody is asked for them any more.
    pub fn included(&mut self, hashes: impl IntoIterator<Item = B256>) {
        for hash in hashes {
            self.forget(hash);
            self.done.insert(hash);
        }
    }

    /// Takes a hash out of what is wanted; says whether it was there.
    fn forget(&mut self, hash: B256) -> bool {
        let Some(want) = self.wanted.remove(&hash) else { return false };
        for peer in want.others.iter().chain([&want.turn]) {
            if let Some(state) = self.peers.get_mut(peer) {
                state.wanted = state.wanted.saturating_sub(1);
            }
        }
        true
    }

    /// `peer` does not give `hash`: it is the next one's turn, or all are asked again later, until it is enough.
    fn pass_on(&mut self, now: Duration, hash: B256, peer: P) {
        let Some(want) = self.wanted.get_mut(&hash).filter(|want| want.turn == peer) else { return };
        want.asked = false;
        while let Some(next) = want.others.pop_front() {
            let Some(state) = self.peers.get_mut(&next) else { continue };
            want.turn = next;
            state.queue.push_back(hash);
            self.ready.insert(next);
            if let Some(state) = self.peers.get_mut(&peer) {
                state.wanted = state.wanted.saturating_sub(1);
            }
            return;
        }
        let room = self.retries.len() < 2 * MAX_WANTED;
        if want.rounds < MAX_ROUNDS && room && self.peers.contains_key(&peer) {
            want.rounds += 1;
            self.retries.push_back((now + REQUEST_TIMEOUT, hash));
        } else {
            self.forget(hash);
            self.totals.lost += 1;
        }
    }

    /// Asks all peers that can be for what is their turn.
    fn ask(&mut self, now: Duration) {
        while let Some(peer) = self.ready.pop_first() {
            let Some(state) = self.peers.get_mut(&peer) else { continue };
            while state.requests.len() < MAX_REQUESTS && !state.queue.is_empty() {
                let mut hashes = Vec::new();
                while hashes.len() < MAX_HASHES {
                    let Some(hash) = state.queue.pop_front() else { break };
                    let want = self.wanted.get_mut(&hash).filter(|want| want.turn == peer && !want.asked);
                    let Some(want) = want else { continue };
                    want.asked = true;
                    hashes.push(hash);
                }
                if hashes.is_empty() {
                    break;
                }
                let request = self.next_request;
                self.next_request = self.next_request.wrapping_add(1);
                let deadline = now + REQUEST_TIMEOUT;
                state.requests.insert(request, Request { hashes: hashes.clone(), deadline, late: false });
                self.outputs.push_back(Output::Send { peer, message: Message::Get { request, hashes } });
            }
        }
    }

    /// Time went by: asks others for what did not come.
    pub fn tick(&mut self, now: Duration) {
        let mut late = Vec::new();
        for (peer, state) in &mut self.peers {
            let before = late.len();
            for request in state.requests.values_mut().filter(|request| !request.late && request.deadline <= now) {
                request.late = true;
                late.push((*peer, request.hashes.clone()));
            }
            if late.len() > before {
                // It is slow: what others have is not left to it.
                late.push((*peer, state.queue.drain(..).collect()));
            }
            // A peer that does not answer gets its slots back late.
            let requests = state.requests.len();
            state.requests.retain(|_, request| now < request.deadline + LATE_FOR);
            if state.requests.len() < requests {
                self.ready.insert(*peer);
            }
        }
        late.sort_by_key(|(peer, _)| *peer);
        let mut slow = BTreeSet::new();
        for (peer, hashes) in late {
            if slow.insert(peer) {
                self.fault(now, peer, Fault::Timeout);
            }
            for hash in hashes {
                self.pass_on(now, hash, peer);
            }
        }
        while self.retries.front().is_some_and(|(due, _)| *due <= now) {
            let Some((_, hash)) = self.retries.pop_front() else { break };
            let Some(want) = self.wanted.get(&hash).filter(|want| !want.asked) else { continue };
            match self.peers.get_mut(&want.turn) {
                Some(state) => {
                    state.queue.push_back(hash);
                    self.ready.insert(want.turn);
                }
                None => {
                    let gone = want.turn;
                    self.pass_on(now, hash, gone);
                }
            }
        }
        self.ask(now);
    }

    /// When to call [`tick`](Self::tick) at the latest.
    pub fn next_tick(&self) -> Option<Duration> {
        let requests = self.peers.values().flat_map(|peer| peer.requests.values());
        let due = requests.map(|request| if request.late { request.deadline + LATE_FOR } else { request.deadline });
        due.chain(self.retries.front().map(|(due, _)| *due)).min()
    }

    /// What to do, in order. To be drained after every call.
    pub fn poll(&mut self) -> Option<Output<P>> {
        self.outputs.pop_front()
    }

    fn fault(&mut self, now: Duration, peer: P, fault: Fault) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        let halvings = now.saturating_sub(state.scored_at).as_secs() / SCORE_HALF_LIFE.as_secs();
        if halvings > 0 {
            state.score = state.score.checked_shr(u32::try_from(halvings).unwrap_or(u32::MAX)).unwrap_or(0);
            state.scored_at = now;
        }
        state.score = state.score.saturating_add(fault.points());
        self.outputs.push_back(Output::Misbehaved { peer, fault, score: state.score });
    }

    /// Figures.
    pub fn status(&self) -> GossipStatus {
        let requests = self.peers.values().map(|peer| peer.requests.len()).sum();
        GossipStatus { peers: self.peers.len(), wanted: self.wanted.len(), requests, ..self.totals }
    }
}
