//! One node of the ledger: the consensus driver, the chain and the pool, brought together.
//!
//! A [`Replica`] is fed what peers send and when time passes, and says what is to be sent; it builds, executes and stores
//! blocks itself, and nothing else happens in it: no sockets, no tasks, and time comes from the [`Clock`] it was given. So
//! the same code runs in a node, on a thread of its own, and many times over in one process under a simulated network.
//!
//! # A height
//! 1. It begins at the [pace](Pace): at once while transactions wait, with the heartbeat otherwise, and whenever another
//!    validator began it.
//! 2. The proposer builds a block of the pool's best transactions and sends it to all; its hash is what is proposed.
//! 3. Each validator executes the block and stores it before it votes for it.
//! 4. What is decided is committed with its certificate in one batch, the pool hears of it, the next height waits.
//!
//! # Behind
//! Whoever hears of heights that it has not asks for blocks and certificates ([`Action::Behind`]); each is checked against
//! the validator set that decides its height before it is executed.

mod error;
mod pace;
mod proposals;
mod punish;
mod sets;
mod travel;
pub(crate) mod validators;
mod wal;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address as Account, B256, Bytes, address};
use weft_consensus::certificate::CommitCertificate;
use weft_consensus::codec::{decode_certificate, encode_certificate, encode_message};
use weft_consensus::driver::{Config, Driver, Identity, Output, SyncError, Verdict};
use weft_consensus::evidence::Evidence;
use weft_consensus::signing::Sign;
use weft_consensus::types::{Address, BlockHash, ChainId, Height, ValidatorSet};
use weft_evm::{Attributes, Block, BlockError, Chain, Executed, Limits, Outcome as BuildOutcome, RecoveredBlock};
use weft_store::Store;

pub use error::{InvalidBlock, ReplicaError, SyncRefused};
pub use pace::Pace;
pub use proposals::MAX_PROPOSALS;
pub use punish::{MAX_AGE, MAX_EVIDENCE, PreambleError};
pub use sets::{keep as keep_sets, set_of};
pub use travel::{BlockDecodeError, MAX_TRAVELLING_BYTES, decode as decode_block, encode as encode_block};
pub use wal::WalError;

use self::proposals::{Proposals, Proposed};
use self::sets::Sets;
use self::wal::Wal;
use crate::mempool::Mempool;

/// Where the staking contract is on every Weft chain.
pub const STAKING: Account = address!("0000000000000000000000000000000000001001");

/// A block may be dated this much later than the validator's own clock shows: clocks differ.
const MAX_CLOCK_LEAD: u64 = 15;

/// Half of the time the others wait for a proposal is for building; the other half is for its way and for executing it.
const BUILDING: u32 = 2;

/// What time it is.
pub trait Clock: Send + Sync + 'static {
    /// Since an origin that does not change while the process runs; never goes back.
    fn now(&self) -> Duration;
    /// Seconds since 1970, as far as this machine knows.
    fn unix(&self) -> u64;
}

/// To whom something goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// All peers of the ledger.
    All,
    /// The node of this validator, if it is known which that is; else all.
    Validator(Address),
}

/// What the shell does, in order.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Action {
    /// Send a message of consensus.
    Message(To, Vec<u8>),
    /// Send a block that is proposed.
    Block(To, Vec<u8>),
    /// Ask for blocks that are proposed, by hash.
    WantBlock(B256),
    /// Send a decided block with its certificate, from the chain.
    Decided(To, u64),
    /// Peers have decided heights that this node has not: get what follows its head.
    Behind {
        /// The last height that is surely decided.
        height: u64,
    },
    /// A round began.
    Round {
        /// Its height.
        height: u64,
        /// Its number.
        round: u32,
        /// Whose turn it is.
        proposer: Account,
    },
    /// A block is final, and committed.
    Committed(Arc<Executed>, CommitCertificate),
    /// These decide the next height.
    Validators(ValidatorSet),
    /// A validator contradicted itself.
    Evidence(Box<Evidence>),
    /// This node does not sign any more at this height, and why.
    Silent(String),
}

/// Who a replica is.
pub struct Validator<S> {
    /// Its account: where its stake is, and its tips go.
    pub account: Account,
    /// What signs for it.
    pub signer: S,
}

/// Where the replica stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// A height runs.
    Running,
    /// The height is decided; the next has not begun.
    Between,
}

/// One node of the ledger. See [the module's documentation](self).
pub struct Replica<S> {
    chain: Arc<Chain>,
    pool: Arc<dyn Mempool>,
    clock: Arc<dyn Clock>,
    driver: Driver<S>,
    wal: Wal,
    account: Option<Account>,
    pace: Pace,
    id: ChainId,
    sets: Sets,
    proposals: Proposals,
    evidence: punish::Waiting,
    stage: Stage,
    /// When the height that runs, or was decided last, began.
    began: Duration,
    out: VecDeque<Action>,
}

/// What a replica is made of.
pub struct ReplicaParts<S> {
    /// The chain.
    pub chain: Arc<Chain>,
    /// The pool of transactions.
    pub pool: Arc<dyn Mempool>,
    /// Where the log is kept.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whom the node votes as, if it is a validator.
    pub validator: Option<Validator<S>>,
    /// How often blocks are made.
    pub pace: Pace,
}

impl<S: Sign> Replica<S> {
    /// Goes on where the store's chain and log end.
    ///
    /// # Errors
    /// [`ReplicaError`] if they cannot be read.
    pub fn open(parts: ReplicaParts<S>) -> Result<Self, ReplicaError> {
        let ReplicaParts { chain, pool, store, clock, validator, pace } = parts;
        let id = ChainId(chain.genesis_hash().0);
        let (wal, entries) = Wal::open(store)?;
        let account = validator.as_ref().map(|validator| validator.account);
        let identity =
            validator.map(|Validator { account, signer }| Identity { address: Address(account.into_array()), signer });
        let sets = Sets::open(&chain)?;
        let mut replica = Replica {
            driver: Driver::new(Config::new(id), identity),
            began: clock.now(),
            chain,
            pool,
            clock,
            wal,
            account,
            pace,
            id,
            sets,
            proposals: Proposals::default(),
            evidence: punish::Waiting::default(),
            stage: Stage::Running,
            out: VecDeque::new(),
        };
        replica.out.push_back(Action::Validators(replica.sets.deciding().clone()));
        let height = replica.next_height();
        for bytes in replica.wal.blocks(height)? {
            // What was stored here was decoded before; a damaged row is as if it were not there, and is asked for.
            if let Ok((block, evidence)) = travel::decode(&bytes) {
                let hash = block.header.hash_slow();
                let proposed = Proposed { block: Arc::new(block), evidence, executed: None, kept: true };
                replica.proposals.insert(hash, proposed);
            }
        }
        if entries.is_empty() && pace.heartbeat.is_none() {
            // Nothing was begun, and nobody wants a block yet.
            replica.stage = Stage::Between;
            return Ok(replica);
        }
        let set = replica.sets.deciding().clone();
        replica.driver.restore(replica.clock.now(), Height(height), set, &entries);
        replica.settle()?;
        Ok(replica)
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Action> {
        self.out.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called next.
    pub fn deadline(&self) -> Option<Duration> {
        self.begins().into_iter().chain(self.driver.deadline()).min()
    }

    /// Time went on.
    ///
    /// # Errors
    /// [`ReplicaError`]: the replica is of no more use.
    pub fn handle_timeout(&mut self) -> Result<(), ReplicaError> {
        let now = self.clock.now();
        if self.begins().is_some_and(|begins| begins <= now) {
            self.begin();
        }
        self.driver.handle_timeout(now);
        self.settle()
    }

    /// A message of consensus came. Says whether it was one.
    ///
    /// # Errors
    /// [`ReplicaError`]: the replica is of no more use.
    pub fn handle_message(&mut self, bytes: &[u8]) -> Result<bool, ReplicaError> {
        let understood = self.driver.handle_bytes(self.clock.now(), bytes).is_ok();
        self.settle()?;
        Ok(understood)
    }

    /// A proposed block came. Says whether it was one.
    ///
    /// # Errors
    /// [`ReplicaError`]: the replica is of no more use.
    pub fn handle_block(&mut self, bytes: &[u8]) -> Result<bool, ReplicaError> {
        let Ok((block, evidence)) = travel::decode(bytes) else { return Ok(false) };
        let height = block.header.number;
        if height != self.next_height() || self.stage != Stage::Running {
            // Of a height that is past, or not begun here: it is asked for when it is needed.
            return Ok(true);
        }
        let hash = block.header.hash_slow();
        let proposed = Proposed { block: Arc::new(block), evidence, executed: None, kept: false };
        if self.proposals.insert(hash, proposed) {
            self.validate(hash)?;
        }
        self.settle()?;
        Ok(true)
    }

    /// A decided block came with its certificate.
    ///
    /// # Errors
    /// Outside, [`ReplicaError`]: the replica is of no more use. Inside, [`SyncRefused`]: the peer is.
    pub fn handle_decided(
        &mut self,
        block: &[u8],
        certificate: &[u8],
    ) -> Result<Result<(), SyncRefused>, ReplicaError> {
        let checked = self.check_decided(block, certificate);
        let (certificate, hash, proposed) = match checked {
            Ok(checked) => checked,
            Err(refused) => return Ok(Err(refused)),
        };
        if self.stage == Stage::Between {
            self.begin();
            self.settle()?;
        }
        self.proposals.want(hash);
        self.proposals.insert(hash, proposed);
        self.execute_decided(hash, certificate.height.0)?;
        match self.driver.sync(self.clock.now(), &certificate) {
            Ok(()) | Err(SyncError::Height(_)) => {}
            Err(SyncError::Certificate(error)) => return Ok(Err(error.into())),
            Err(_) => return Err(ReplicaError::Fork(certificate.height.0)),
        }
        self.settle()?;
        Ok(Ok(()))
    }

    fn check_decided(
        &self,
        bytes: &[u8],
        certificate: &[u8],
    ) -> Result<(CommitCertificate, B256, Proposed), SyncRefused> {
        let certificate = decode_certificate(certificate)?;
        let next = self.next_height();
        if certificate.height.0 != next {
            return Err(SyncRefused::Height { found: certificate.height.0, next });
        }
        let (block, evidence) = travel::decode(bytes)?;
        let hash = block.header.hash_slow();
        if certificate.block.0 != hash.0 {
            return Err(SyncRefused::OtherBlock);
        }
        certificate.verify(&self.id, self.sets.deciding())?;
        Ok((certificate, hash, Proposed { block: Arc::new(block), evidence, executed: None, kept: false }))
    }

    /// Executes a block that more than two thirds of the power signed: if that does not work, the fault is here.
    fn execute_decided(&mut self, hash: B256, height: u64) -> Result<(), ReplicaError> {
        self.execute(hash)?.map_err(|source| ReplicaError::Differs { height, hash, source: Box::new(source) })
    }

    /// Transactions came into the pool: a block may be due.
    ///
    /// # Errors
    /// [`ReplicaError`]: the replica is of no more use.
    pub fn transactions_came(&mut self) -> Result<(), ReplicaError> {
        if self.begins().is_some_and(|begins| begins <= self.clock.now()) {
            self.begin();
            self.settle()?;
        }
        Ok(())
    }

    /// Begins the next height now, if none runs: somebody wants a block.
    ///
    /// # Errors
    /// [`ReplicaError`]: the replica is of no more use.
    pub fn begin_now(&mut self) -> Result<(), ReplicaError> {
        if self.stage == Stage::Between {
            self.begin();
            self.settle()?;
        }
        Ok(())
    }

    /// A block of the height that runs, for a peer that asks for it.
    pub fn proposed(&self, hash: &B256) -> Option<Vec<u8>> {
        self.proposals.get(hash).map(|proposed| travel::encode(&proposed.block, &proposed.evidence))
    }

    /// The height that is decided next.
    pub fn next_height(&self) -> u64 {
        self.chain.height() + 1
    }

    /// Who decides the next height.
    pub fn validators(&self) -> &ValidatorSet {
        self.sets.deciding()
    }

    /// When the next height begins, if none runs.
    fn begins(&self) -> Option<Duration> {
        match self.stage {
            Stage::Running => None,
            Stage::Between => self.pace.next(self.began, self.pool.is_waiting()),
        }
    }

    fn begin(&mut self) {
        self.stage = Stage::Running;
        self.began = self.clock.now();
        self.proposals.clear();
        self.driver.start_height(self.began, Height(self.next_height()), self.sets.deciding().clone());
    }

    /// Carries out what the driver wants, in its order.
    fn settle(&mut self) -> Result<(), ReplicaError> {
        while let Some(output) = self.driver.poll() {
            if let Output::Persist(entry) = &output {
                self.wal.append(entry);
                continue;
            }
            // Rule two of the driver: nothing leaves before what guards it is on the disk.
            self.wal.flush()?;
            self.carry_out(output)?;
        }
        self.wal.flush()?;
        Ok(())
    }

    fn carry_out(&mut self, output: Output) -> Result<(), ReplicaError> {
        match output {
            Output::Persist(_) => {}
            Output::Broadcast(message) | Output::Rebroadcast(message) | Output::Relay(message) => {
                self.out.push_back(Action::Message(To::All, encode_message(&message)));
            }
            Output::NeedBlock { height, round, deadline } => self.propose(height, round, deadline)?,
            Output::NeedValidation { round, polka_round, block, .. } => {
                let hash = B256::from(block.0);
                // Proposed again after a polka, it was made by the proposer of that round or of one before.
                let rounds = polka_round.map_or(round..=round, |polka| 0..=polka);
                self.proposals.expect(hash, rounds);
                if self.proposals.get(&hash).is_some() {
                    self.validate(hash)?;
                } else {
                    self.proposals.want(hash);
                    self.out.push_back(Action::WantBlock(hash));
                }
            }
            Output::Restream { block, .. } => {
                if let Some(proposed) = self.proposals.get(&B256::from(block.0)) {
                    let bytes = travel::encode(&proposed.block, &proposed.evidence);
                    self.out.push_back(Action::Block(To::All, bytes));
                }
            }
            Output::NewRound { height, round, proposer } => {
                let proposer = Account::from(proposer.0);
                self.out.push_back(Action::Round { height: height.0, round, proposer });
            }
            Output::Decided { certificate } => self.commit(certificate)?,
            Output::Evidence(evidence) => {
                self.evidence.add(evidence.clone());
                self.out.push_back(Action::Evidence(Box::new(evidence)));
            }
            Output::NextHeight { .. } if self.stage == Stage::Between => self.begin(),
            Output::NextHeight { .. } => {}
            Output::Behind { height } => self.out.push_back(Action::Behind { height: height.0.saturating_sub(1) }),
            Output::PeerBehind { validator, height } => {
                self.out.push_back(Action::Decided(To::Validator(validator), height.0));
            }
            Output::Refused { reason, .. } => self.out.push_back(Action::Silent(format!("{reason:?}"))),
            _ => {}
        }
        Ok(())
    }

    /// Builds a block and proposes it.
    fn propose(&mut self, height: Height, round: u32, deadline: Duration) -> Result<(), ReplicaError> {
        let Some(account) = self.account else { return Ok(()) };
        if height.0 != self.next_height() {
            return Ok(());
        }
        let now = self.clock.now();
        let until = now + deadline.saturating_sub(now) / BUILDING;
        let attributes = Attributes {
            timestamp: self.clock.unix(),
            beneficiary: account,
            extra_data: B256::from(self.sets.following().hash()),
            preamble: self.evidence.preamble(),
        };
        let evidence = attributes.preamble.bytes.clone();
        let clock = Arc::clone(&self.clock);
        let candidates = self.pool.candidates();
        let built = self.chain.build(attributes, candidates, Limits::default(), || clock.now() >= until);
        let built = match built {
            Ok(built) => built,
            Err(BlockError::State(error)) => return Err(error.into()),
            Err(error) => {
                tracing::error!(%error, height = height.0, "no block can be built");
                return Ok(());
            }
        };
        let kicked = built.outcomes.into_iter().filter_map(|(hash, outcome)| match outcome {
            BuildOutcome::Kicked(error) => Some((hash, error.to_string())),
            _ => None,
        });
        self.pool.kicked(kicked.collect());
        let executed = built.executed;
        let (hash, block) = (executed.hash(), Arc::new(executed.block.block.clone()));
        let bytes = travel::encode(&block, &evidence);
        self.wal.keep_block(height.0, hash, bytes.clone());
        self.proposals.want(hash);
        self.proposals.insert(hash, Proposed { block, evidence, executed: Some(executed), kept: true });
        self.out.push_back(Action::Block(To::All, bytes));
        self.driver.propose(self.clock.now(), height, round, BlockHash(hash.0));
        Ok(())
    }

    /// Finds out whether a block may be voted for, and tells the driver.
    fn validate(&mut self, hash: B256) -> Result<(), ReplicaError> {
        let height = self.next_height();
        let verdict = match self.execute(hash)? {
            Ok(()) => Verdict::Valid,
            Err(reason) => {
                tracing::warn!(%hash, height, %reason, "a proposed block is not valid");
                Verdict::Invalid
            }
        };
        if verdict == Verdict::Valid
            && let Some(proposed) = self.proposals.get_mut(&hash)
            && !proposed.kept
        {
            proposed.kept = true;
            let bytes = travel::encode(&proposed.block, &proposed.evidence);
            self.wal.keep_block(height, hash, bytes);
        }
        self.driver.validated(self.clock.now(), Height(height), BlockHash(hash.0), verdict);
        Ok(())
    }

    /// Executes a block at hand, if it was not before. Inside, why it is not valid.
    fn execute(&mut self, hash: B256) -> Result<Result<(), InvalidBlock>, ReplicaError> {
        let Some(proposed) = self.proposals.get(&hash) else { return Ok(Err(InvalidBlock::Missing)) };
        if proposed.executed.is_some() {
            return Ok(Ok(()));
        }
        let (block, evidence) = (Arc::clone(&proposed.block), proposed.evidence.clone());
        let recovered = match self.examine(hash, &block, &evidence) {
            Ok(recovered) => recovered,
            Err(reason) => return Ok(Err(reason)),
        };
        let executed = match self.chain.execute(Arc::new(recovered)) {
            Ok(executed) => executed,
            Err(BlockError::State(error)) => return Err(error.into()),
            Err(error) => return Ok(Err(InvalidBlock::Executing(error))),
        };
        if let Some(proposed) = self.proposals.get_mut(&hash) {
            proposed.executed = Some(executed);
        }
        Ok(Ok(()))
    }

    /// What can be said of a block without executing it.
    fn examine(&self, hash: B256, block: &Arc<Block>, evidence: &[u8]) -> Result<RecoveredBlock, InvalidBlock> {
        let header = &block.header;
        let latest = self.clock.unix() + MAX_CLOCK_LEAD;
        if header.timestamp > latest {
            return Err(InvalidBlock::Early { timestamp: header.timestamp, latest });
        }
        if header.extra_data.as_ref() != self.sets.following().hash() {
            return Err(InvalidBlock::Set);
        }
        let maker = Address(header.beneficiary.into_array());
        let set = self.sets.deciding();
        let its_turn = match self.proposals.rounds(&hash) {
            Some(mut rounds) => rounds.any(|round| set.proposer(Height(header.number), round).address == maker),
            // Nobody proposes it here any more: it is decided, by those who looked at that.
            None => set.get(&maker).is_some(),
        };
        if !its_turn {
            return Err(InvalidBlock::Proposer(header.beneficiary));
        }
        let set_of = |height: Height| self.sets.of(&self.chain, height.0);
        let preamble = punish::check(evidence, header.number, &self.id, set_of)?;
        let senders = self
            .pool
            .senders(&block.body.transactions)
            .map_err(|(index, source)| InvalidBlock::Sender { index, source })?;
        let block = RecoveredBlock::new(Block::clone(block), senders, preamble);
        debug_assert_eq!(block.hash, hash);
        Ok(block)
    }

    fn commit(&mut self, certificate: CommitCertificate) -> Result<(), ReplicaError> {
        let hash = B256::from(certificate.block.0);
        // Executed it was when the driver was told that it is valid; after a restart, it is executed again here.
        self.execute_decided(hash, certificate.height.0)?;
        let executed = self.proposals.get(&hash).and_then(|proposed| proposed.executed.clone());
        let executed = executed.ok_or(ReplicaError::Fork(certificate.height.0))?;
        let proof = Bytes::from(encode_certificate(&certificate));
        self.chain.commit(hash, proof.clone()).map_err(|source| ReplicaError::Commit { hash, source })?;
        self.wal.forget(certificate.height.0)?;
        self.evidence.carried(&executed.block.preamble.bytes);
        self.evidence.forget_below(certificate.height.0.saturating_sub(MAX_AGE));
        let before = self.sets.deciding().hash();
        self.sets.advance(&self.chain)?;
        if self.sets.deciding().hash() != before {
            self.out.push_back(Action::Validators(self.sets.deciding().clone()));
        }
        self.pool.committed(Arc::clone(&executed), proof);
        self.stage = Stage::Between;
        self.out.push_back(Action::Committed(executed, certificate));
        Ok(())
    }
}
