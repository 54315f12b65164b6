//! The simulated network: nodes, messages under way, time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use alloy_primitives::{Address, B256, U256};
use ed25519_dalek::SigningKey;
use parking_lot::Mutex;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use weft_evm::{Chain, ChainOptions, Genesis, Recovered};
use weft_ledger::genesis::{FirstValidator, NewChain, ONE_COIN, make};
use weft_ledger::handle::{Ledger, Origin};
use weft_ledger::peering::RANGE;
use weft_ledger::peering::exchange::{Exchange, Output, Parting};
use weft_ledger::peering::message::{FrameReader, Message};
use weft_ledger::pool::{Limits, Pool};
use weft_ledger::replica::{Action, Clock, Pace, Replica, ReplicaParts, SyncRefused, Validator, encode_block};
use weft_store::MemoryStore;

use crate::wallet::Wallet;

pub(crate) const CHAIN_ID: u64 = 9338;
const GENESIS_TIME: u64 = 1_800_000_000;

/// Simulated time, in nanoseconds since the run began.
#[derive(Debug, Default)]
pub(crate) struct SimClock(AtomicU64);

impl Clock for SimClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
    fn unix(&self) -> u64 {
        GENESIS_TIME + 1 + self.now().as_secs()
    }
}

/// A node: what survives it, and itself while it runs.
struct Node {
    store: Arc<MemoryStore>,
    key: SigningKey,
    account: Address,
    running: Option<Running>,
}

struct Running {
    replica: Replica<SigningKey>,
    chain: Arc<Chain>,
    ledger: Ledger,
    exchange: Exchange<usize>,
}

/// How a node lies to one that is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// A signature in each certificate is another.
    Signature,
    /// Each block has another one's certificate.
    Certificate,
    /// Nothing is given of what it says it has.
    Nothing,
}

/// The network.
pub(crate) struct Net {
    pub(crate) seed: u64,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) rng: ChaCha8Rng,
    nodes: Vec<Node>,
    genesis: Genesis,
    pace: Pace,
    /// By time and number.
    under_way: BTreeMap<(Duration, u64), (usize, usize, Vec<u8>)>,
    sent: u64,
    last_arrival: BTreeMap<(usize, usize), Duration>,
    /// Parts of a hundred that are lost.
    pub(crate) loss: u32,
    /// Nodes that hear nobody and are heard by nobody.
    pub(crate) cut_off: Vec<usize>,
    /// Nodes that lie to those that are behind.
    pub(crate) liars: BTreeMap<usize, Lie>,
    /// Who parted with whom, and why.
    pub(crate) parted: Vec<(usize, usize, Parting)>,
    pub(crate) wallets: Vec<Wallet>,
    nonces: Vec<u64>,
    /// Every block that was committed anywhere, by height.
    pub(crate) final_blocks: BTreeMap<u64, B256>,
}

impl Net {
    pub(crate) fn new(seed: u64, powers: &[u64], pace: Pace) -> Net {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let keys: Vec<SigningKey> = powers.iter().map(|_| SigningKey::from_bytes(&rng.random())).collect();
        let first = |(index, (key, power)): (usize, (&SigningKey, &u64))| FirstValidator {
            address: Wallet::new(1_000 + index as u64).address,
            public_key: key.verifying_key().to_bytes().into(),
            power: power * ONE_COIN,
        };
        let validators: Vec<FirstValidator> = keys.iter().zip(powers).enumerate().map(first).collect();
        let wallets: Vec<Wallet> = (0..8).map(Wallet::new).collect();
        let mut chain = NewChain::new(CHAIN_ID, GENESIS_TIME, validators.clone());
        for wallet in &wallets {
            chain.balances.insert(wallet.address, U256::from(10).pow(U256::from(18)));
        }
        let genesis = Genesis::from_json(&make(&chain).unwrap()).unwrap();
        let clock = Arc::new(SimClock::default());
        let nodes = keys.into_iter().zip(validators).map(|(key, validator)| Node {
            store: Arc::default(),
            key,
            account: validator.address,
            running: None,
        });
        let nonces = vec![0; wallets.len()];
        let mut net = Net {
            seed,
            clock,
            rng,
            nodes: nodes.collect(),
            genesis,
            pace,
            under_way: BTreeMap::new(),
            sent: 0,
            last_arrival: BTreeMap::new(),
            loss: 0,
            cut_off: Vec::new(),
            liars: BTreeMap::new(),
            parted: Vec::new(),
            wallets,
            nonces,
            final_blocks: BTreeMap::new(),
        };
        for index in 0..net.nodes.len() {
            net.start(index);
        }
        net
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Starts a node from what its store has.
    pub(crate) fn start(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let chain = Chain::open(node.store.clone(), &self.genesis, ChainOptions::default()).unwrap();
        let chain = Arc::new(chain);
        let (_, head) = chain.head();
        let base_fee = chain.spec().next_base_fee(&head).unwrap();
        let pool = Arc::new(Mutex::new(Pool::new(Limits::default(), base_fee)));
        let ledger = Ledger::new(Arc::clone(&chain), pool, None);
        let replica = Replica::open(ReplicaParts {
            chain: Arc::clone(&chain),
            pool: Arc::new(ledger.clone()),
            store: node.store.clone(),
            clock: self.clock.clone(),
            validator: Some(Validator { account: node.account, signer: node.key.clone() }),
            pace: self.pace,
        });
        let replica =
            replica.unwrap_or_else(|error| panic!("seed {}: node {index} does not start: {error}", self.seed));
        let genesis = chain.genesis_hash();
        let exchange = Exchange::new(genesis, chain.height(), Some(node.account));
        node.running = Some(Running { replica, chain, ledger, exchange });
        for other in (0..self.nodes.len()).filter(|other| *other != index) {
            self.link(index, other);
        }
        self.collect(index);
    }

    /// A link between two that run comes about.
    fn link(&mut self, one: usize, other: usize) {
        if !self.is_up(one) || !self.is_up(other) {
            return;
        }
        let now = self.clock.now();
        for (here, there) in [(one, other), (other, one)] {
            if let Some(running) = &mut self.nodes[here].running {
                running.exchange.connected(now, there);
            }
        }
        self.collect(one);
        self.collect(other);
    }

    /// Kills a node: what it had not stored is gone, what it had not sent is not sent.
    pub(crate) fn kill(&mut self, index: usize) {
        self.nodes[index].running = None;
        // What was under way on its links ends with them.
        self.under_way.retain(|_, (from, to, _)| *from != index && *to != index);
        let now = self.clock.now();
        for other in 0..self.nodes.len() {
            if let Some(running) = &mut self.nodes[other].running {
                running.exchange.disconnected(now, index);
            }
            self.collect(other);
        }
    }

    pub(crate) fn is_up(&self, index: usize) -> bool {
        self.nodes[index].running.is_some()
    }

    pub(crate) fn height(&self, index: usize) -> u64 {
        self.nodes[index].running.as_ref().map_or(0, |running| running.chain.height())
    }

    pub(crate) fn lowest(&self) -> u64 {
        (0..self.len()).filter(|index| self.is_up(*index)).map(|index| self.height(index)).min().unwrap_or(0)
    }

    pub(crate) fn balance(&self, index: usize, account: Address) -> U256 {
        use weft_evm::StateReader;
        let chain = &self.nodes[index].running.as_ref().unwrap().chain;
        chain.state().account(account).unwrap().unwrap_or_default().balance
    }

    pub(crate) fn state_root(&self, index: usize) -> B256 {
        self.nodes[index].running.as_ref().unwrap().chain.head().1.state_root
    }

    /// Somebody pays somebody, and tells every node that runs.
    pub(crate) fn pay(&mut self) {
        let from = self.rng.random_range(0..self.wallets.len());
        let to = self.wallets[(from + 1) % self.wallets.len()].address;
        let tx = self.wallets[from].send(CHAIN_ID, self.nonces[from], to, 1);
        self.nonces[from] += 1;
        self.submit(&tx);
    }

    fn submit(&mut self, tx: &Recovered) {
        for index in 0..self.nodes.len() {
            let Some(running) = &mut self.nodes[index].running else { continue };
            // One that was down may not have those before this one: then it waits there.
            let taken = running.ledger.submit_recovered(vec![tx.clone()], Origin::Peer);
            assert!(taken.iter().all(Result::is_ok), "{taken:?}");
            running.replica.transactions_came().unwrap();
            self.collect(index);
        }
    }

    /// Runs until `done`, at most for `limit` of simulated time.
    pub(crate) fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&mut Net) -> bool) -> Option<Duration> {
        let began = self.clock.now();
        while !done(self) {
            self.step()?;
            if self.clock.now() - began > limit {
                return None;
            }
        }
        Some(self.clock.now() - began)
    }

    /// The next thing that happens. `None` if nothing ever will.
    fn step(&mut self) -> Option<()> {
        let arrival = self.under_way.keys().next().copied();
        let deadlines = self.nodes.iter().enumerate();
        let deadline = deadlines
            .filter_map(|(index, node)| {
                let running = node.running.as_ref()?;
                let due = running.replica.deadline().into_iter().chain(running.exchange.deadline()).min()?;
                Some((due, index))
            })
            .min();
        let timer_first = match (arrival, deadline) {
            (None, None) => return None,
            (Some((at, _)), Some((due, _))) => due < at,
            (arrival, _) => arrival.is_none(),
        };
        if timer_first {
            let (due, index) = deadline?;
            self.advance(due);
            let now = self.clock.now();
            let running = self.nodes[index].running.as_mut()?;
            if running.replica.deadline().is_some_and(|deadline| deadline <= now) {
                running.replica.handle_timeout().unwrap();
            }
            running.exchange.tick(now);
            self.collect(index);
        } else {
            let ((at, _), (from, to, frame)) = self.under_way.pop_first()?;
            self.advance(at);
            if let Some(running) = &mut self.nodes[to].running {
                let mut reader = FrameReader::default();
                reader.push(&frame);
                let message = reader.read().unwrap().unwrap();
                running.exchange.received(self.clock.now(), from, message);
                self.collect(to);
            }
        }
        Some(())
    }

    fn advance(&self, to: Duration) {
        let nanos = u64::try_from(to.as_nanos()).unwrap();
        self.clock.0.fetch_max(nanos, Ordering::Relaxed);
    }

    /// A decided block, as a node gives it to one that is behind.
    fn decided(&self, index: usize, height: u64) -> Option<Message> {
        let chain = &self.nodes[index].running.as_ref()?.chain;
        let stored = chain.block(height).unwrap().filter(|_| height > 0)?;
        let block = encode_block(&stored.block.block, &stored.block.preamble.bytes).into();
        let certificate = match self.liars.get(&index) {
            None => stored.certificate,
            Some(Lie::Nothing) => return None,
            Some(Lie::Certificate) => chain.certificate(height.saturating_sub(1).max(1)).unwrap()?,
            Some(Lie::Signature) => {
                let mut bytes = stored.certificate.to_vec();
                *bytes.last_mut()? ^= 1;
                bytes.into()
            }
        };
        Some(Message::Decided { block, certificate })
    }

    /// Takes what a node wants done, until it wants nothing more.
    fn collect(&mut self, index: usize) {
        while let Some(running) = &mut self.nodes[index].running {
            if let Some(action) = running.replica.poll() {
                self.act(index, action);
            } else if let Some(output) = running.exchange.poll() {
                self.carry_out(index, output);
            } else {
                break;
            }
        }
    }

    /// As the node's hub does.
    fn act(&mut self, index: usize, action: Action) {
        let now = self.clock.now();
        let decided = match &action {
            Action::Decided(_, height) => self.decided(index, *height),
            _ => None,
        };
        let Some(running) = &mut self.nodes[index].running else { return };
        match action {
            Action::Message(to, bytes) => running.exchange.say(to, Message::Consensus(bytes.into())),
            Action::Block(to, bytes) => running.exchange.say(to, Message::Proposed(bytes.into())),
            Action::WantBlock(hash) => running.exchange.want(now, hash),
            Action::Decided(to, _) => decided.into_iter().for_each(|message| running.exchange.say(to, message)),
            Action::Behind { .. } => running.exchange.behind(now),
            Action::Committed(executed, certificate) => {
                assert_eq!(certificate.block.0, executed.hash().0);
                let height = executed.header().number;
                running.exchange.committed(now, height);
                let known = *self.final_blocks.entry(height).or_insert(executed.hash());
                assert_eq!(known, executed.hash(), "seed {}: two blocks are final at {height}", self.seed);
            }
            Action::Silent(why) => panic!("seed {}: node {index} is silent: {why}", self.seed),
            _ => {}
        }
    }

    fn carry_out(&mut self, index: usize, output: Output<usize>) {
        let (now, seed) = (self.clock.now(), self.seed);
        let Some(running) = &mut self.nodes[index].running else { return };
        match output {
            Output::Send(peers, message) => peers.into_iter().for_each(|peer| self.send(index, peer, &message)),
            Output::Part(peer, why) => {
                self.parted.push((index, peer, why));
                if let Some(other) = &mut self.nodes[peer].running {
                    other.exchange.disconnected(now, index);
                }
            }
            Output::Consensus(_, bytes) => assert!(running.replica.handle_message(&bytes).unwrap()),
            Output::Proposed(_, bytes) => assert!(running.replica.handle_block(&bytes).unwrap()),
            Output::Decided(peer, block, certificate) => {
                let taken = running.replica.handle_decided(&block, &certificate);
                let taken = taken.unwrap_or_else(|error| panic!("seed {seed}: node {index}: {error}"));
                // One that came twice, or after it was decided here, is refused, and nobody is to blame.
                let forged = taken.err().filter(|refused| !matches!(refused, SyncRefused::Height { .. }));
                running.exchange.handled(now, peer, forged.map(|refused| refused.to_string()));
            }
            Output::Lookup(peer, hash) => {
                if let Some(block) = running.replica.proposed(&hash) {
                    self.send(index, peer, &Message::Proposed(block.into()));
                }
            }
            Output::Serve(peer, from) => {
                for height in from..from + RANGE {
                    let Some(message) = self.decided(index, height) else { break };
                    self.send(index, peer, &message);
                }
                let height = self.height(index);
                self.send(index, peer, &Message::End(height));
            }
            _ => {}
        }
    }

    fn send(&mut self, from: usize, to: usize, message: &Message) {
        // A link says hello when it comes about, or does not come about.
        let hello = matches!(message, Message::Hello(_));
        let lost = self.rng.random_range(0..100) < self.loss && !hello;
        let delay = Duration::from_micros(self.rng.random_range(2_000..40_000));
        let apart = self.cut_off.contains(&from) != self.cut_off.contains(&to) && !hello;
        if from == to || lost || apart {
            return;
        }
        self.sent += 1;
        // What one says to another stays in order.
        let last = self.last_arrival.entry((from, to)).or_default();
        let arrival = (self.clock.now() + delay).max(*last);
        *last = arrival;
        self.under_way.insert((arrival, self.sent), (from, to, message.encode()));
    }
}
