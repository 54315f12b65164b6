//! What is said to which peer, and what is made of what they say: without sockets, tasks or a clock.
//!
//! The owner hands over messages, what the replica wants done, and the time; and carries out what [`Exchange::poll`] gives.
//! Nothing here believes a peer: what decides anything is signed, and checked by the replica. What a peer can make this
//! machine hold or do has a bound with a name.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::time::Duration;

use alloy_primitives::{Address as Account, B256, Bytes};

use super::allowance::Allowance;
use super::catch_up::CatchUp;
use super::message::{Hello, Message, Named, VERSION};
use crate::handle::SyncStatus;
use crate::replica::To;

/// 4,000 messages of consensus a second, twice as many at once: a hundred validators with four blocks a second need 800.
const CONSENSUS: (u32, u32) = (4_000, 8_000);

/// 16 proposed blocks a second, 32 at once: one a height and round is due.
const PROPOSED: (u32, u32) = (16, 32);

/// 8 decided blocks a second that nobody asked for: one is sent to whoever lags.
const UNASKED: (u32, u32) = (8, 16);

/// 8 questions a second, 32 at once: for a proposed block, or a range of decided ones.
const QUESTIONS: (u32, u32) = (8, 32);

/// 300 ms until another peer is asked for a proposed block.
const ASK_AGAIN: Duration = Duration::from_millis(300);

/// 20 times a proposed block is asked for; after that another round has long begun.
const MAX_ASKED: u32 = 20;

/// Why a link is given up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Parting {
    /// It is on another chain.
    #[error("it is on the chain of genesis {0}")]
    OtherChain(B256),
    /// It said hello twice, or something else first.
    #[error("it does not say hello once and first")]
    Hello,
    /// It sent what cannot be read.
    #[error("it sent what is no {0}")]
    Unreadable(&'static str),
    /// It sent a block as decided that is not.
    #[error("it sent a block as decided that is not: {0}")]
    Forged(String),
    /// It troubled the pool.
    #[error("it sent transactions that nobody asked for, or that are none")]
    Pool,
}

/// What the owner does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output<P> {
    /// Send a message to these.
    Send(Vec<P>, Message),
    /// Close the link.
    Part(P, Parting),
    /// Give the replica a message of consensus.
    Consensus(P, Bytes),
    /// Give the replica a proposed block.
    Proposed(P, Bytes),
    /// Give the replica a decided block and its certificate, and say what came of it ([`Exchange::handled`]).
    Decided(P, Bytes, Bytes),
    /// Send the peer a proposed block, if the replica has it.
    Lookup(P, B256),
    /// Send the peer decided blocks from this height on, then an end.
    Serve(P, u64),
    /// Give the pool's gossip a message.
    Pool(P, Bytes),
    /// The peer has said hello: tell it of the pool and of other peers.
    Greeted(P),
    /// Others that may be on this ledger.
    Met(Vec<Named>),
    /// How far behind this node is has changed.
    Sync(Option<SyncStatus>),
}

#[derive(Debug)]
struct Peer {
    hello: Option<Hello>,
    consensus: Allowance,
    proposed: Allowance,
    unasked: Allowance,
    questions: Allowance,
}

#[derive(Debug, Clone, Copy)]
struct Wanted<P> {
    hash: B256,
    last: Option<P>,
    asked: u32,
    again: Duration,
}

/// The machine. See the [module](self).
#[derive(Debug)]
pub struct Exchange<P> {
    genesis: B256,
    validator: Option<Account>,
    height: u64,
    peers: BTreeMap<P, Peer>,
    wanted: Option<Wanted<P>>,
    catch_up: CatchUp<P>,
    /// Decided blocks on their way to the replica that were asked for; the others are not counted there.
    asked_for: VecDeque<bool>,
    started: u64,
    said: Option<SyncStatus>,
    out: VecDeque<Output<P>>,
}

impl<P: Copy + Ord + Debug> Exchange<P> {
    /// For a node whose head is at `height`.
    pub fn new(genesis: B256, height: u64, validator: Option<Account>) -> Self {
        Exchange {
            genesis,
            validator,
            height,
            peers: BTreeMap::new(),
            wanted: None,
            catch_up: CatchUp::new(height),
            asked_for: VecDeque::new(),
            started: height,
            said: None,
            out: VecDeque::new(),
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output<P>> {
        self.out.pop_front()
    }

    /// Peers that have said hello.
    pub fn peers(&self) -> impl Iterator<Item = (P, &Hello)> {
        self.peers.iter().filter_map(|(peer, state)| Some((*peer, state.hello.as_ref()?)))
    }

    /// A link to a peer is there.
    pub fn connected(&mut self, now: Duration, peer: P) {
        let of = |(a_second, at_once)| Allowance::new(now, a_second, at_once);
        let state = Peer {
            hello: None,
            consensus: of(CONSENSUS),
            proposed: of(PROPOSED),
            unasked: of(UNASKED),
            questions: of(QUESTIONS),
        };
        self.peers.insert(peer, state);
        let hello = Hello { version: VERSION, genesis: self.genesis, height: self.height, validator: self.validator };
        self.out.push_back(Output::Send(vec![peer], Message::Hello(hello)));
    }

    /// The link is gone.
    pub fn disconnected(&mut self, now: Duration, peer: P) {
        self.peers.remove(&peer);
        self.catch_up.gone(peer);
        self.go_on(now);
    }

    /// A peer said something.
    pub fn received(&mut self, now: Duration, peer: P, message: Message) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        if let Message::Hello(hello) = message {
            if state.hello.is_some() {
                return self.part(now, peer, Parting::Hello);
            }
            if hello.genesis != self.genesis {
                return self.part(now, peer, Parting::OtherChain(hello.genesis));
            }
            state.hello = Some(hello);
            self.catch_up.heard(now, peer, hello.height);
            self.out.push_back(Output::Greeted(peer));
            return self.go_on(now);
        }
        if state.hello.is_none() {
            return self.part(now, peer, Parting::Hello);
        }
        match message {
            Message::Hello(_) | Message::Unknown(_) => {}
            Message::Status(height) => {
                if let Some(hello) = &mut state.hello {
                    hello.height = height;
                }
                self.catch_up.heard(now, peer, height);
            }
            Message::Consensus(bytes) => {
                if state.consensus.take(now) {
                    self.out.push_back(Output::Consensus(peer, bytes));
                }
            }
            Message::Proposed(bytes) => {
                if state.proposed.take(now) {
                    self.out.push_back(Output::Proposed(peer, bytes));
                }
            }
            Message::Want(hash) => {
                if state.questions.take(now) {
                    self.out.push_back(Output::Lookup(peer, hash));
                }
            }
            Message::Follow(from) => {
                // An answer comes to every question, so that whoever asks does not wait in vain.
                if state.questions.take(now) {
                    self.out.push_back(Output::Serve(peer, from));
                } else {
                    self.out.push_back(Output::Send(vec![peer], Message::End(self.height)));
                }
            }
            Message::Decided { block, certificate } => {
                let asked_for = self.catch_up.takes(now, peer);
                if asked_for || state.unasked.take(now) {
                    self.asked_for.push_back(asked_for);
                    self.out.push_back(Output::Decided(peer, block, certificate));
                }
            }
            Message::End(height) => {
                self.catch_up.heard(now, peer, height);
                self.catch_up.ended(now, peer);
            }
            Message::Pool(bytes) => self.out.push_back(Output::Pool(peer, bytes)),
            Message::Peers(named) => self.out.push_back(Output::Met(named)),
        }
        self.go_on(now);
    }

    /// The replica is done with the oldest decided block given to it. `forged` says why it cannot have been decided.
    pub fn handled(&mut self, now: Duration, peer: P, forged: Option<String>) {
        if self.asked_for.pop_front() == Some(true) {
            self.catch_up.handled();
        }
        if let Some(why) = forged {
            self.part(now, peer, Parting::Forged(why));
        }
        self.go_on(now);
    }

    /// A peer did what only a broken or hostile one does.
    pub fn part(&mut self, now: Duration, peer: P, why: Parting) {
        if self.peers.remove(&peer).is_some() {
            self.catch_up.gone(peer);
            self.out.push_back(Output::Part(peer, why));
            self.go_on(now);
        }
    }

    /// The replica wants something said.
    pub fn say(&mut self, to: To, message: Message) {
        let named: Vec<P> = match to {
            To::All => Vec::new(),
            To::Validator(address) => {
                let is = |hello: &Hello| hello.validator.is_some_and(|account| account.as_slice() == address.0);
                self.peers().filter(|(_, hello)| is(hello)).map(|(peer, _)| peer).collect()
            }
        };
        let peers = if named.is_empty() { self.peers().map(|(peer, _)| peer).collect() } else { named };
        if !peers.is_empty() {
            self.out.push_back(Output::Send(peers, message));
        }
    }

    /// The replica needs a proposed block.
    pub fn want(&mut self, now: Duration, hash: B256) {
        self.wanted = Some(Wanted { hash, last: None, asked: 0, again: now });
        self.go_on(now);
    }

    /// The driver has seen that others are further.
    pub fn behind(&mut self, now: Duration) {
        self.catch_up.is_behind();
        self.go_on(now);
    }

    /// A block is committed here.
    pub fn committed(&mut self, now: Duration, height: u64) {
        self.height = height;
        self.wanted = None;
        self.catch_up.committed(now, height);
        self.say(To::All, Message::Status(height));
        self.go_on(now);
    }

    /// When [`tick`](Self::tick) is to be called next.
    pub fn deadline(&self) -> Option<Duration> {
        self.wanted.map(|wanted| wanted.again).into_iter().chain(self.catch_up.deadline()).min()
    }

    /// Time went on.
    pub fn tick(&mut self, now: Duration) {
        self.go_on(now);
    }

    fn go_on(&mut self, now: Duration) {
        self.ask_for_block(now);
        if let Some((peer, from)) = self.catch_up.next(now) {
            if self.said.is_none() {
                self.started = self.height;
            }
            self.out.push_back(Output::Send(vec![peer], Message::Follow(from)));
        }
        let highest = self.catch_up.highest();
        let sync = (self.catch_up.is_running() && highest > self.height + 1)
            .then_some(SyncStatus { starting: self.started, highest });
        if sync != self.said {
            self.said = sync;
            self.out.push_back(Output::Sync(sync));
        }
    }

    fn ask_for_block(&mut self, now: Duration) {
        let Some(wanted) = self.wanted.filter(|wanted| wanted.again <= now) else { return };
        if wanted.asked >= MAX_ASKED {
            self.wanted = None;
            return;
        }
        // The next in turn after the one asked last: all come by.
        let all: Vec<P> = self.peers().map(|(peer, _)| peer).collect();
        let next = all.iter().find(|peer| Some(**peer) > wanted.last).or(all.first()).copied();
        if let Some(peer) = next {
            self.out.push_back(Output::Send(vec![peer], Message::Want(wanted.hash)));
        }
        self.wanted = Some(Wanted { last: next, asked: wanted.asked + 1, again: now + ASK_AGAIN, ..wanted });
    }
}

#[cfg(test)]
mod tests;
