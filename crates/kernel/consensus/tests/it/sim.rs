//! The simulator: one queue of events, links that delay, lose and cut, and the judge of what must always hold.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest as _, Sha256};
use weft_consensus::certificate::CommitCertificate;
use weft_consensus::codec::{decode_message, encode_message};
use weft_consensus::driver::{Output, Verdict};
use weft_consensus::signing::{Sign as _, proposal_sign_bytes, vote_sign_bytes};
use weft_consensus::types::{
    Address, BlockHash, Height, Message, NilOrVal, Proposal, Signature, SignedProposal, SignedVote, ValidatorSet, Vote,
};

use super::block::{Block, CHAIN, address, height, set};
use super::node::Node;
use super::plan::{Nature, Plan, ms};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Event {
    Boot,
    Deliver(Vec<u8>),
    Wake,
    /// The shell begins a height.
    Start(u64),
    /// A block is built.
    Built(Height, u32),
    /// The block's body is looked for.
    Fetch(Height, BlockHash),
    /// The body is executed.
    Executed(Height, BlockHash),
    /// Somebody is asked for the next decided block.
    AskSync,
    /// What it answered.
    Synced {
        body: Box<Block>,
        certificate: Box<CommitCertificate>,
    },
}

/// What a validator signed in a place: height, round, kind, and whether it proposed.
type Place = (Address, u64, u32, u8);

pub(crate) struct Sim {
    pub(crate) plan: Plan,
    pub(crate) nodes: Vec<Node>,
    pub(crate) now: Duration,
    queue: BinaryHeap<Reverse<(Duration, u64, usize)>>,
    events: BTreeMap<u64, Event>,
    sequence: u64,
    rng: ChaCha8Rng,
    bodies: BTreeMap<BlockHash, Block>,
    pub(crate) decided: BTreeMap<u64, BlockHash>,
    signed: BTreeMap<Place, Vec<u8>>,
    trace: Sha256,
    pub(crate) crashed: usize,
    pub(crate) lies_refused: usize,
    pub(crate) rounds: u32,
    loud: bool,
}

/// Longest time in which all honest nodes must reach the goal, once the faults are over.
const PATIENCE: Duration = Duration::from_secs(180);

impl Sim {
    pub(crate) fn new(plan: Plan) -> Self {
        let nodes = (0..plan.len()).map(|index| Node::new(&plan, index)).collect();
        let mut sim = Self {
            rng: ChaCha8Rng::seed_from_u64(plan.seed),
            nodes,
            now: Duration::ZERO,
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            sequence: 0,
            bodies: BTreeMap::new(),
            decided: BTreeMap::new(),
            signed: BTreeMap::new(),
            trace: Sha256::new(),
            crashed: 0,
            lies_refused: 0,
            rounds: 0,
            loud: std::env::var_os("WEFT_SEED").is_some(),
            plan,
        };
        for index in 0..sim.plan.len() {
            if sim.plan.natures[index] != Nature::Dead {
                let wait = ms(sim.rng.random_range(0..200));
                sim.at(wait, index, Event::Boot);
            }
        }
        sim
    }

    /// Runs until all honest nodes are at the goal. Gives a hash of everything that happened.
    pub(crate) fn run(&mut self) -> [u8; 32] {
        while !self.is_done() {
            let Reverse((time, sequence, index)) = self.queue.pop().expect("a node always waits for something");
            assert!(time < self.plan.calm + PATIENCE, "no progress: {}", self.standing());
            self.now = time;
            let event = self.events.remove(&sequence).unwrap();
            self.trace.update(format!("{time:?} {index} {event:?}"));
            self.step(index, event);
        }
        self.trace.clone().finalize().into()
    }

    fn is_done(&self) -> bool {
        self.nodes.iter().filter(|node| node.is_honest()).all(|node| node.chain.len() as u64 >= self.plan.goal)
    }

    fn standing(&self) -> String {
        let nodes = self.nodes.iter().map(|node| {
            let round = node.driver.as_ref().and_then(|driver| driver.round());
            format!("{:?} decided {} round {round:?}", node.nature, node.chain.len())
        });
        nodes.collect::<Vec<_>>().join("; ")
    }

    fn at(&mut self, time: Duration, index: usize, event: Event) {
        self.sequence += 1;
        self.events.insert(self.sequence, event);
        self.queue.push(Reverse((time, self.sequence, index)));
    }

    fn after(&mut self, wait: u64, index: usize, event: Event) {
        self.at(self.now + ms(wait), index, event);
    }

    pub(crate) fn set_at(&self, height: u64) -> ValidatorSet {
        set(self.plan.seed, self.plan.powers_at(height))
    }

    fn connected(&self, a: usize, b: usize) -> bool {
        let cut = |partition: &super::plan::Partition| {
            (partition.from..partition.until).contains(&self.now) && partition.side[a] != partition.side[b]
        };
        !self.plan.partitions.iter().any(cut)
    }

    fn link(&mut self, from: usize, to: usize) -> Option<Duration> {
        let delay = ms(self.rng.random_range(self.plan.delay.0..=self.plan.delay.1));
        let lost = self.rng.random_bool(self.plan.loss);
        (self.connected(from, to) && !lost).then_some(self.now + delay)
    }

    fn step(&mut self, index: usize, event: Event) {
        if event == Event::Boot {
            return self.boot(index);
        }
        let now = self.nodes[index].local(self.now);
        if event == Event::Wake {
            self.nodes[index].wake = None;
        }
        let chain = self.nodes[index].chain.len() as u64;
        let Some(driver) = &mut self.nodes[index].driver else { return };
        match event {
            Event::Boot => {}
            Event::Deliver(bytes) => driver.handle_bytes(now, &bytes).unwrap(),
            Event::Wake => driver.handle_timeout(now),
            Event::Start(number) => {
                if number == chain + 1 && driver.height() == Some(Height(chain)) {
                    let set = self.set_at(number);
                    self.nodes[index].driver.as_mut().unwrap().start_height(now, Height(number), set);
                }
            }
            Event::Built(height, round) => {
                if height.0 == chain + 1 {
                    self.build(index, height, round);
                }
            }
            Event::Fetch(height, block) => {
                if height.0 == chain + 1 {
                    self.fetch(index, height, block);
                }
            }
            Event::Executed(height, block) => {
                let verdict = if self.bodies[&block].sound { Verdict::Valid } else { Verdict::Invalid };
                driver.validated(now, height, block, verdict);
            }
            Event::AskSync => self.ask_sync(index),
            Event::Synced { body, certificate } => self.synced(index, *body, &certificate),
        }
        self.drain(index);
    }

    fn boot(&mut self, index: usize) {
        let number = self.nodes[index].height();
        let set = self.set_at(number);
        let node = &mut self.nodes[index];
        let entries = node.fresh_driver(index);
        let now = node.local(self.now);
        node.driver.as_mut().unwrap().restore(now, Height(number), set, &entries);
        self.after(1, index, Event::AskSync);
        self.drain(index);
    }

    /// Carries out what the node wants, until nothing is left or it crashes.
    fn drain(&mut self, index: usize) {
        loop {
            let node = &mut self.nodes[index];
            let Some(driver) = &mut node.driver else { return };
            let Some(output) = driver.poll() else { break };
            let is_entry = matches!(output, Output::Persist(_));
            let crash = node.crashes.last_mut().filter(|crash| is_entry || !crash.entries);
            let crash = crash.and_then(|crash| {
                let now = crash.countdown == 0;
                crash.countdown = crash.countdown.saturating_sub(1);
                now.then_some(*crash)
            });
            match crash {
                None => self.carry_out(index, output),
                Some(crash) => {
                    self.nodes[index].crashes.pop();
                    if crash.after {
                        self.carry_out(index, output);
                        if is_entry && crash.entries {
                            self.nodes[index].flush();
                        }
                    }
                    return self.crash(index, crash.down_for);
                }
            }
        }
        let node = &self.nodes[index];
        let due = node.driver.as_ref().unwrap().deadline().map(|local| node.global(local).max(self.now));
        if let Some(due) = due
            && node.wake.is_none_or(|wake| due < wake)
        {
            self.nodes[index].wake = Some(due);
            self.at(due, index, Event::Wake);
        }
    }

    /// Everything in memory is gone, and a part of what was not flushed.
    fn crash(&mut self, index: usize, down_for: Duration) {
        let whole = self.nodes[index].unflushed.len();
        let left = self.rng.random_range(0..=whole);
        let node = &mut self.nodes[index];
        node.unflushed.truncate(left);
        node.flush();
        node.driver = None;
        self.crashed += 1;
        self.at(self.now + down_for, index, Event::Boot);
    }

    fn carry_out(&mut self, index: usize, output: Output) {
        if self.loud {
            println!("{:?} node {index}: {output:?}", self.now);
        }
        self.trace.update(format!("{index} {output:?}"));
        let node = &mut self.nodes[index];
        node.carried_out += 1;
        if !matches!(output, Output::Persist(_)) {
            node.flush();
        }
        match output {
            Output::Persist(entry) => node.persist(&entry),
            Output::Broadcast(message) | Output::Rebroadcast(message) => self.broadcast(index, message),
            Output::Relay(message) => self.send_all(index, &message, None),
            Output::NeedBlock { height, round, .. } => {
                let wait = self.rng.random_range(1..40);
                self.after(wait, index, Event::Built(height, round));
            }
            Output::NeedValidation { height, block, .. } => self.fetch(index, height, block),
            Output::Decided { certificate } => self.on_decided(index, certificate),
            Output::Evidence(evidence) => {
                let key = evidence.key();
                assert_eq!(evidence.verify(&CHAIN, &self.set_at(key.height.0)), Ok(()));
                let accused = (0..self.plan.len()).find(|other| address(*other) == key.validator).unwrap();
                let nature = self.plan.natures[accused];
                assert_eq!(nature, Nature::Equivocates, "an honest node is accused: {evidence:?}");
                self.nodes[index].evidence.push(evidence);
            }
            Output::NextHeight { height } => self.after(0, index, Event::Start(height.0)),
            Output::Behind { .. } => self.ask_sync(index),
            Output::PeerBehind { validator, height } => {
                let peer = (0..self.plan.len()).find(|other| address(*other) == validator).unwrap();
                self.answer_sync(index, peer, height.0);
            }
            Output::Refused { slot, reason } => {
                assert!(
                    !self.nodes[index].is_honest(),
                    "an honest node was about to contradict itself: {slot:?} {reason}"
                );
                self.nodes[index].refused += 1;
            }
            Output::NewRound { round, .. } => self.rounds = self.rounds.max(round),
            _ => {}
        }
    }

    fn on_decided(&mut self, index: usize, certificate: CommitCertificate) {
        let number = certificate.height.0;
        let block = certificate.block;
        let node = &mut self.nodes[index];
        assert_eq!(number, node.height(), "a height is decided once");
        if node.is_honest() {
            assert_eq!(certificate.verify(&CHAIN, &self.set_at(number)), Ok(()));
            let first = *self.decided.entry(number).or_insert(block);
            assert_eq!(first, block, "agreement at height {number}");
            let body = &self.bodies[&block];
            assert!(body.sound && body.height == number, "a block that does not execute was decided");
        }
        let node = &mut self.nodes[index];
        node.bodies.insert(block);
        node.store(certificate);
        let wait = self.rng.random_range(0..400);
        self.after(wait, index, Event::Start(number + 1));
    }

    /// Makes a block and proposes it.
    fn build(&mut self, index: usize, height: Height, round: u32) {
        let node = &self.nodes[index];
        let parent = node.chain.last().map_or(BlockHash(CHAIN.0), |certificate| certificate.block);
        let sound = node.nature != Nature::ProposesRubbish;
        let mut make = || {
            let salt = self.rng.random();
            let body = Block { height: height.0, parent, proposer: address(index), salt, sound };
            let hash = body.hash();
            self.bodies.insert(hash, body);
            self.nodes[index].bodies.insert(hash);
            hash
        };
        let block = make();
        if self.plan.natures[index] == Nature::Equivocates {
            let twin = make();
            self.nodes[index].twins.insert(block, twin);
        }
        let node = &mut self.nodes[index];
        let now = node.local(self.now);
        node.driver.as_mut().unwrap().propose(now, height, round, block);
    }

    /// Gets a block's body from somebody who has it.
    fn fetch(&mut self, index: usize, height: Height, block: BlockHash) {
        let has = |other: &usize| {
            let node = &self.nodes[*other];
            node.driver.is_some() && node.bodies.contains(&block) && self.connected(index, *other)
        };
        let found = (0..self.plan.len()).find(has);
        let arrives = found.and_then(|other| self.link(other, index));
        match arrives {
            Some(time) => {
                self.nodes[index].bodies.insert(block);
                let work = ms(self.rng.random_range(1..30));
                self.at(time + work, index, Event::Executed(height, block));
            }
            None => self.after(100, index, Event::Fetch(height, block)),
        }
    }

    fn broadcast(&mut self, index: usize, message: Message) {
        assert_eq!(decode_message(&encode_message(&message)).as_ref(), Ok(&message));
        if self.nodes[index].is_honest() {
            self.judge(index, &message);
        }
        let twin = self.twin(index, &message);
        self.send_all(index, &message, twin.as_ref());
    }

    fn send_all(&mut self, index: usize, message: &Message, twin: Option<&Message>) {
        let bytes = encode_message(message);
        let other_bytes = twin.map(encode_message);
        for to in (0..self.plan.len()).filter(|to| *to != index) {
            if let Some(time) = self.link(index, to) {
                let bytes = other_bytes.as_ref().filter(|_| to % 2 == 1).unwrap_or(&bytes);
                self.at(time, to, Event::Deliver(bytes.clone()));
            }
        }
    }

    /// No honest node says two things in one place, however often it crashed in between.
    fn judge(&mut self, index: usize, message: &Message) {
        let (place, said) = match message {
            Message::Vote(vote) => {
                let kind = 1 + vote.message.kind as u8;
                (
                    (vote.message.validator, vote.height.0, vote.round.as_u32().unwrap(), kind),
                    format!("{:?}", vote.message),
                )
            }
            Message::Proposal(proposal) => {
                let Proposal { validator, height, round, .. } = proposal.message;
                ((validator, height.0, round.as_u32().unwrap(), 0), format!("{:?}", proposal.message))
            }
            _ => return,
        };
        if place.0 == address(index) {
            let first = self.signed.entry(place).or_insert_with(|| said.clone().into_bytes());
            assert_eq!(std::str::from_utf8(first).unwrap(), said, "an honest node signed twice");
        }
    }

    /// What an equivocator tells the other half.
    fn twin(&self, index: usize, message: &Message) -> Option<Message> {
        let node = &self.nodes[index];
        if node.nature != Nature::Equivocates {
            return None;
        }
        match message {
            Message::Proposal(proposal) if proposal.message.validator == address(index) => {
                let twin = Proposal { block: *node.twins.get(&proposal.message.block)?, ..proposal.message };
                let signature = node.key.sign_it(&proposal_sign_bytes(&CHAIN, &twin));
                Some(Message::Proposal(SignedProposal::new(twin, signature)))
            }
            Message::Vote(vote) => {
                let block = match vote.message.block {
                    NilOrVal::Val(block) => node.twins.get(&block).map_or(NilOrVal::Nil, |twin| NilOrVal::Val(*twin)),
                    NilOrVal::Nil => return None,
                };
                let twin = Vote { block, ..vote.message };
                let signature = node.key.sign_it(&vote_sign_bytes(&CHAIN, &twin));
                Some(Message::Vote(SignedVote::new(twin, signature)))
            }
            _ => None,
        }
    }

    /// Asks anybody who is ahead.
    fn ask_sync(&mut self, index: usize) {
        let next = self.nodes[index].height();
        let ahead = |other: &usize| {
            let node = &self.nodes[*other];
            *other != index && node.driver.is_some() && node.height() > next && self.connected(index, *other)
        };
        let ahead: Vec<usize> = (0..self.plan.len()).filter(ahead).collect();
        if !ahead.is_empty() {
            let peer = ahead[self.rng.random_range(0..ahead.len())];
            self.answer_sync(peer, index, next);
        }
    }

    /// A node sends another the block of a height with its certificate, or a lie.
    fn answer_sync(&mut self, index: usize, peer: usize, number: u64) {
        let Some(mut certificate) = self.nodes[index].chain.get(number as usize - 1).cloned() else { return };
        let mut body = self.bodies[&certificate.block].clone();
        if self.nodes[index].nature == Nature::LiesToSync {
            let forged = Block { salt: body.salt ^ 1, ..body.clone() };
            match self.rng.random_range(0..5) {
                0 => body = forged,
                1 => (certificate.block, body) = (forged.hash(), forged),
                2 => certificate.signatures.truncate(certificate.signatures.len() / 2),
                3 => {
                    let (_, signature) = &mut certificate.signatures[0];
                    signature.0[self.rng.random_range(0..64)] ^= 1 << self.rng.random_range(0..8);
                }
                _ => {
                    let first = certificate.signatures[0];
                    certificate.signatures = vec![first; certificate.signatures.len()];
                }
            }
        }
        if let Some(time) = self.link(index, peer) {
            let (body, certificate) = (Box::new(body), Box::new(certificate));
            self.at(time, peer, Event::Synced { body, certificate });
        }
    }

    fn synced(&mut self, index: usize, body: Block, certificate: &CommitCertificate) {
        let number = certificate.height;
        let now = self.nodes[index].local(self.now);
        if number != height(self.nodes[index].height() as usize) {
            return;
        }
        if self.nodes[index].driver.as_ref().unwrap().height() != Some(number) {
            let set = self.set_at(number.0);
            self.nodes[index].driver.as_mut().unwrap().start_height(now, number, set);
        }
        // The shell's part: the body is the one that the certificate is about.
        let fits = body.hash() == certificate.block && body.height == number.0;
        let driver = self.nodes[index].driver.as_mut().unwrap();
        if !fits || driver.sync(now, certificate).is_err() {
            self.lies_refused += 1;
            return self.after(50, index, Event::AskSync);
        }
        // There may be more to catch up with.
        self.after(20, index, Event::AskSync);
    }
}

trait SignIt {
    fn sign_it(&self, bytes: &[u8]) -> Signature;
}

impl SignIt for ed25519_dalek::SigningKey {
    fn sign_it(&self, bytes: &[u8]) -> Signature {
        self.sign(bytes).unwrap()
    }
}
