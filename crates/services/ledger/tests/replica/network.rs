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
use weft_ledger::pool::{Limits, Pool};
use weft_ledger::replica::{Action, Clock, Pace, Replica, ReplicaParts, To, Validator, encode_block};
use weft_store::MemoryStore;

use crate::wallet::Wallet;

pub(crate) const CHAIN_ID: u64 = 9338;
const GENESIS_TIME: u64 = 1_800_000_000;
/// Blocks given to one that is behind at a time.
const RANGE: u64 = 8;

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

/// What is under way.
#[derive(Debug, Clone)]
enum Parcel {
    Message(Vec<u8>),
    Block(Vec<u8>),
    Want(B256),
    /// "What follows this height?"
    Follow(u64),
    Decided(Vec<u8>, Vec<u8>),
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
    under_way: BTreeMap<(Duration, u64), (usize, usize, Parcel)>,
    sent: u64,
    /// Parts of a hundred that are lost.
    pub(crate) loss: u32,
    /// Nodes that hear nobody and are heard by nobody.
    pub(crate) cut_off: Vec<usize>,
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
            loss: 0,
            cut_off: Vec::new(),
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
        let replica = replica.unwrap_or_else(|error| panic!("seed {}: node {index} does not start: {error}", self.seed));
        node.running = Some(Running { replica, chain, ledger });
        self.collect(index);
    }

    /// Kills a node: what it had not stored is gone, what it had not sent is not sent.
    pub(crate) fn kill(&mut self, index: usize) {
        self.nodes[index].running = None;
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
            .filter_map(|(index, node)| Some((node.running.as_ref()?.replica.deadline()?, index)))
            .min();
        let timer_first = match (arrival, deadline) {
            (None, None) => return None,
            (Some((at, _)), Some((due, _))) => due < at,
            (arrival, _) => arrival.is_none(),
        };
        if timer_first {
            let (due, index) = deadline?;
            self.advance(due);
            self.nodes[index].running.as_mut()?.replica.handle_timeout().unwrap();
            self.collect(index);
        } else {
            let ((at, _), (from, to, parcel)) = self.under_way.pop_first()?;
            self.advance(at);
            if self.is_up(to) {
                self.deliver(from, to, parcel);
            }
        }
        Some(())
    }

    fn advance(&self, to: Duration) {
        let nanos = u64::try_from(to.as_nanos()).unwrap();
        self.clock.0.fetch_max(nanos, Ordering::Relaxed);
    }

    fn deliver(&mut self, from: usize, to: usize, parcel: Parcel) {
        let seed = self.seed;
        let Some(running) = &mut self.nodes[to].running else { return };
        match parcel {
            Parcel::Message(bytes) => assert!(running.replica.handle_message(&bytes).unwrap()),
            Parcel::Block(bytes) => assert!(running.replica.handle_block(&bytes).unwrap()),
            Parcel::Decided(block, certificate) => {
                let taken = running.replica.handle_decided(&block, &certificate);
                // One that came twice, or after it was decided here, is refused.
                let _ = taken.unwrap_or_else(|error| panic!("seed {seed}: node {to}: {error}"));
            }
            Parcel::Want(hash) => {
                if let Some(block) = running.replica.proposed(&hash) {
                    self.send(to, from, Parcel::Block(block));
                }
            }
            Parcel::Follow(height) => {
                for height in height + 1..=height + RANGE {
                    let Some(parcel) = self.decided(to, height) else { break };
                    self.send(to, from, parcel);
                }
            }
        }
        self.collect(to);
    }

    fn decided(&self, index: usize, height: u64) -> Option<Parcel> {
        let chain = &self.nodes[index].running.as_ref()?.chain;
        let stored = chain.block(height).unwrap()?;
        let block = encode_block(&stored.block.block, &stored.block.preamble.bytes);
        Some(Parcel::Decided(block, stored.certificate.to_vec()))
    }

    /// Takes what a node wants done.
    fn collect(&mut self, index: usize) {
        while let Some(action) = self.nodes[index].running.as_mut().and_then(|running| running.replica.poll()) {
            match action {
                Action::Message(to, bytes) => self.send_to(index, to, &Parcel::Message(bytes)),
                Action::Block(to, bytes) => self.send_to(index, to, &Parcel::Block(bytes)),
                Action::WantBlock(hash) => self.send_to(index, To::All, &Parcel::Want(hash)),
                Action::Decided(to, height) => {
                    if let Some(parcel) = self.decided(index, height) {
                        self.send_to(index, to, &parcel);
                    }
                }
                Action::Behind { .. } => {
                    let other = self.rng.random_range(0..self.len());
                    let height = self.height(index);
                    self.send(index, other, Parcel::Follow(height));
                }
                Action::Committed(executed, certificate) => {
                    assert_eq!(certificate.block.0, executed.hash().0);
                    let height = executed.header().number;
                    let known = *self.final_blocks.entry(height).or_insert(executed.hash());
                    assert_eq!(known, executed.hash(), "seed {}: two blocks are final at {height}", self.seed);
                }
                Action::Silent(why) => panic!("seed {}: node {index} is silent: {why}", self.seed),
                _ => {}
            }
        }
    }

    fn send_to(&mut self, from: usize, to: To, parcel: &Parcel) {
        let named = match to {
            To::Validator(address) => self.nodes.iter().position(|node| node.account.as_slice() == address.0),
            To::All => None,
        };
        match named {
            Some(index) => self.send(from, index, parcel.clone()),
            None => (0..self.len()).for_each(|index| self.send(from, index, parcel.clone())),
        }
    }

    fn send(&mut self, from: usize, to: usize, parcel: Parcel) {
        let lost = self.rng.random_range(0..100) < self.loss;
        let delay = Duration::from_micros(self.rng.random_range(2_000..40_000));
        let apart = self.cut_off.contains(&from) != self.cut_off.contains(&to);
        if from == to || lost || apart {
            return;
        }
        self.sent += 1;
        self.under_way.insert((self.clock.now() + delay, self.sent), (from, to, parcel));
    }
}
