//! The driver: what goes in.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use arc_malachitebft_core_consensus::{
    Error, Input, LocallyProposedValue, Params, PeerId, ProposedValue, State, process,
};
use arc_malachitebft_core_types::{Round, Validity, ValueOrigin, ValuePayload, ValueResponse, VoteExtensionPolicy};

use super::ahead::Ahead;
use super::effects::Host;
use super::guard::Guard;
use super::presence::Presence;
use super::record::Record;
use super::{Config, Identity, Output, Refusal, Slot, Step, Verdict};
use crate::certificate::{CertificateError, CommitCertificate};
use crate::codec::{DecodeError, decode_message};
use crate::signing::{Sign, verify_proposal, verify_vote};
use crate::types::{Address, BlockHash, Height, MAX_ROUND, Message, ValidatorSet, Weft};

/// Heights the core's own store for later messages has room for. It stays empty: [`Ahead`] knows what to keep, by
/// validator and with its signature checked.
const CORE_QUEUE: usize = 1;

/// The state machine of one node. See [the module's documentation](super) for how to drive it.
pub struct Driver<S> {
    pub(super) core: Option<State<Weft>>,
    pub(super) host: Host<S>,
    ahead: Ahead,
    /// What was proposed at the height before: evidence may still come in.
    previous: Option<Record>,
    /// Since when this height runs, or is decided.
    since: Duration,
}

/// Why a decided block was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// No height runs, or another one.
    #[error("the driver is at height {0:?}")]
    Height(Option<Height>),
    /// The certificate shows nothing.
    #[error("the certificate is refused")]
    Certificate(#[from] CertificateError),
    /// Another block is decided at this height, with a certificate as good. More than a third of the power broke the
    /// rules: stop, and let people look.
    #[error("another block is already decided at this height: the chain forked")]
    Fork,
}

impl<S> std::fmt::Debug for Driver<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver")
            .field("height", &self.height())
            .field("round", &self.round())
            .field("decided", &self.host.decided.is_some())
            .field("timers", &self.host.timers)
            .finish_non_exhaustive()
    }
}

impl<S: Sign> Driver<S> {
    /// A driver that has not begun. Without an identity, or while it is not in the set, the node follows what the others
    /// decide.
    pub fn new(config: Config, identity: Option<Identity<S>>) -> Self {
        let host = Host {
            config,
            identity,
            now: Duration::ZERO,
            out: VecDeque::new(),
            last: Vec::new(),
            timers: BTreeMap::new(),
            guard: Guard::default(),
            presence: Presence::default(),
            record: None,
            wanted: None,
            own_proposal: None,
            decided: None,
            silenced: false,
            replay: None,
            checked: None,
        };
        Self { core: None, host, ahead: Ahead::default(), previous: None, since: Duration::ZERO }
    }

    /// Begins a height with the validators that decide it. Once the height before is decided and stored; or any time, to
    /// skip to a height whose blocks before are all stored (from a snapshot).
    pub fn start_height(&mut self, now: Duration, height: Height, set: ValidatorSet) {
        self.tick(now);
        let kept = self.prepare(height, set.clone());
        self.feed(Input::StartHeight(height, set, false, None, VoteExtensionPolicy::Disabled));
        for message in kept {
            self.handle_message(now, message);
        }
    }

    /// Makes everything ready for a height; gives the messages that were kept for it.
    pub(super) fn prepare(&mut self, height: Height, set: ValidatorSet) -> Vec<Message> {
        self.since = self.host.now;
        self.previous = self.host.record.take().filter(|record| record.height.next() == height);
        self.host.record = Some(Record::new(height, set.clone()));
        self.host.guard.forget_below(height);
        self.host.presence.begin(height, &set);
        self.host.decided = None;
        self.host.silenced = false;
        self.host.wanted = None;
        self.host.own_proposal = None;
        let address = self.host.identity.as_ref().map(|identity| identity.address);
        let votes = self.host.identity.as_ref().is_some_and(|identity| {
            let key = identity.signer.public_key();
            set.get(&identity.address).is_some_and(|validator| validator.public_key.to_bytes() == key)
        });
        let core = self.core.get_or_insert_with(|| {
            let params = Params {
                address: address.unwrap_or(Address([0; 20])),
                threshold_params: Default::default(),
                // In the core's `ProposalOnly` mode a proposal counts as valid before anybody looked at the block.
                value_payload: ValuePayload::ProposalAndParts,
                enabled: votes,
            };
            State::new(Weft, height, set, params, CORE_QUEUE, CORE_QUEUE)
        });
        core.params.enabled = votes;
        self.ahead.begin(height)
    }

    /// A message that a peer sent, as it came.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are no message: the peer is broken or hostile.
    pub fn handle_bytes(&mut self, now: Duration, bytes: &[u8]) -> Result<(), DecodeError> {
        let message = decode_message(bytes)?;
        self.handle_message(now, message);
        Ok(())
    }

    /// A message that a peer sent.
    pub fn handle_message(&mut self, now: Duration, message: Message) {
        self.tick(now);
        let Some(record) = &self.host.record else { return };
        if message.round().as_u32().is_none_or(|round| round > MAX_ROUND) {
            return;
        }
        if let Some((signer, _)) = message.signer() {
            self.host.presence.hear(signer, record.height);
        }
        match message.height().cmp(&record.height) {
            std::cmp::Ordering::Less => self.on_past(message),
            std::cmp::Ordering::Equal if self.host.decided.is_some() => self.on_past(message),
            std::cmp::Ordering::Equal => self.on_present(message),
            std::cmp::Ordering::Greater => self.on_future(message),
        }
    }

    /// The answer to [`Output::NeedBlock`]. Says whether the block came in time to be proposed.
    pub fn propose(&mut self, now: Duration, height: Height, round: u32, block: BlockHash) -> bool {
        self.tick(now);
        if self.host.wanted != Some((height, round)) {
            return false;
        }
        self.host.wanted = None;
        self.feed(Input::Propose(LocallyProposedValue::new(height, Round::new(round), block)));
        true
    }

    /// The answer to [`Output::NeedValidation`]. The first answer for a block counts; what was not asked for is ignored.
    pub fn validated(&mut self, now: Duration, height: Height, block: BlockHash, verdict: Verdict) {
        self.tick(now);
        let Some(record) = self.host.record.as_ref().filter(|record| record.height == height) else { return };
        let Some(proposed) = record.blocks.get(&block).filter(|proposed| proposed.verdict.is_none()) else { return };
        if self.host.decided.is_some() {
            return;
        }
        let value = ProposedValue {
            height,
            round: proposed.first.round,
            valid_round: proposed.first.polka_round,
            proposer: proposed.first.validator,
            value: block,
            validity: if verdict == Verdict::Valid { Validity::Valid } else { Validity::Invalid },
        };
        self.feed(Input::ProposedValue(value, ValueOrigin::Consensus));
    }

    /// A block of this height that others decided. The shell has executed it and found it valid; the certificate is
    /// checked here. (Before it executes what a peer sent, the shell checks the certificate itself, by
    /// [`CommitCertificate::verify`].) [`Output::Decided`] follows, as if the node had been there.
    ///
    /// # Errors
    /// If this is another height, or the certificate does not decide it.
    pub fn sync(&mut self, now: Duration, certificate: &CommitCertificate) -> Result<(), SyncError> {
        self.tick(now);
        let record = self.host.record.as_ref().filter(|record| record.height == certificate.height);
        let record = record.ok_or(SyncError::Height(self.height()))?;
        let set = record.set.clone();
        certificate.verify(&self.host.config.chain, &set)?;
        if let Some(decided) = &self.host.decided {
            return if decided.block == certificate.block { Ok(()) } else { Err(SyncError::Fork) };
        }
        // The core names a peer when it refuses a certificate; this one is checked, and comes from nobody in particular.
        // The empty identity multihash is a peer id.
        let Ok(peer) = PeerId::from_bytes(&[0, 0]) else { return Ok(()) };
        self.host.checked = Some(certificate.clone());
        self.feed(Input::SyncValueResponse(ValueResponse::new(peer, Default::default(), certificate.to_core())));
        if self.host.decided.is_none() {
            let value = ProposedValue {
                height: certificate.height,
                round: Round::new(certificate.round),
                valid_round: Round::Nil,
                proposer: set.proposer(certificate.height, certificate.round).address,
                value: certificate.block,
                validity: Validity::Valid,
            };
            self.feed(Input::ProposedValue(value, ValueOrigin::Sync));
        }
        Ok(())
    }

    /// Time went on. To be called when [`Self::deadline`] has passed; earlier or later does no harm.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.tick(now);
        // In the order in which they are due, whatever the shell's delay.
        while let Some((due, timer)) = self.host.timers.iter().map(|(timer, due)| (*due, *timer)).min() {
            if due > self.host.now {
                break;
            }
            self.host.timers.remove(&timer);
            if timer.repeats_votes() {
                self.repeat_proposal();
            }
            self.feed(Input::TimeoutElapsed(timer.timeout()));
        }
        let behind = self.ahead.take_due(self.host.now);
        self.host.out.extend(behind);
    }

    /// When [`Self::handle_timeout`] is to be called next.
    pub fn deadline(&self) -> Option<Duration> {
        self.host.timers.values().copied().chain(self.ahead.deadline()).min()
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.host.out.pop_front()
    }

    pub(super) fn tick(&mut self, now: Duration) {
        self.host.now = self.host.now.max(now);
    }

    /// Gives the core an input.
    pub(super) fn feed(&mut self, input: Input<Weft>) {
        let Some(core) = &mut self.core else { return };
        let host = &mut self.host;
        let was_decided = host.decided.is_some();
        let result: Result<(), Error<Weft>> =
            process!(input: input, state: core, metrics: &(), with: effect => host.handle(effect));
        if let Err(Error::ReplayDivergence(_, height, round)) = result {
            // Which step it was the core says only in words.
            let slot = Slot { height, round: round.as_u32().unwrap_or(0), step: Step::Prevote };
            host.refuse(slot, Refusal::Log);
        }
        // What else the core reports is about inputs that came too late; it has left its state as it was.
        if host.silenced {
            core.params.enabled = false;
        }
        if host.replay.is_none() {
            host.out.extend(host.last.drain(..));
        }
        if host.decided.is_some() {
            // Votes are not repeated any more: whoever misses some repeats its own, and is helped with the block.
            host.timers.clear();
            if !was_decided {
                self.since = host.now;
            }
        }
    }

    fn on_present(&mut self, message: Message) {
        if let (Message::Proposal(proposal), Some(record), Some(core)) = (&message, &self.host.record, &self.core) {
            // The core checks a signature before it looks whether it needs the proposal.
            let has_polka = || core.polka_certificate(proposal.round, &proposal.message.block).is_some();
            if record.is_known(&proposal.message) || (record.is_full(proposal.round) && !has_polka()) {
                return;
            }
        }
        self.feed(match message {
            Message::Vote(vote) => Input::Vote(vote),
            Message::Proposal(proposal) => Input::Proposal(proposal),
            Message::Polka(certificate) => Input::PolkaCertificate(certificate),
            Message::Round(certificate) => Input::RoundCertificate(certificate),
        });
    }

    /// A message of a height that is decided here.
    fn on_past(&mut self, message: Message) {
        let (now, grace, chain) = (self.host.now, self.host.config.grace, self.host.config.chain);
        let Some(record) = &mut self.host.record else { return };
        let height = message.height();
        match message {
            Message::Proposal(proposal) => {
                let record = if height == record.height { Some(record) } else { self.previous.as_mut() };
                let record = record.filter(|record| record.height == height);
                let evidence = record.and_then(|record| record.late(&chain, proposal));
                self.host.out.extend(evidence.map(Output::Evidence));
            }
            Message::Vote(vote) => {
                // A vote for the height just decided is only late, unless it goes on.
                let is_last = height == record.height || height.next() == record.height && self.host.decided.is_none();
                if is_last && now < self.since.saturating_add(grace) {
                    return;
                }
                let validator = vote.message.validator;
                let Some(member) = record.set.get(&validator) else { return };
                if self.ahead.may_help(&validator, now, grace) && verify_vote(&chain, &vote, &member.public_key) {
                    self.ahead.help(validator, now, |address| record.set.get(address).is_some());
                    self.host.out.push_back(Output::PeerBehind { validator, height });
                }
            }
            // Not signed as a whole: they prove nothing about who sent them.
            Message::Polka(_) | Message::Round(_) => {}
        }
    }

    /// A message of a height that has not begun here.
    fn on_future(&mut self, message: Message) {
        let Some(record) = &self.host.record else { return };
        let (height, next) = (message.height(), record.height.next());
        let Some((&signer, _)) = message.signer() else { return };
        // Who joins at the next height is heard from then on: votes are repeated.
        let Some(member) = record.set.get(&signer) else { return };
        if height == next && self.ahead.is_full_or_known(&signer, &message) {
            return;
        }
        let chain = &self.host.config.chain;
        let is_signed = match &message {
            Message::Vote(vote) => verify_vote(chain, vote, &member.public_key),
            Message::Proposal(proposal) => verify_proposal(chain, proposal, &member.public_key),
            Message::Polka(_) | Message::Round(_) => false,
        };
        if !is_signed {
            return;
        }
        if height == next {
            self.ahead.keep(signer, message);
        }
        if height == next && self.host.decided.is_some() {
            if self.ahead.announce() {
                self.host.out.push_back(Output::NextHeight { height });
            }
        } else {
            self.ahead.heard(height, self.host.now, self.host.config.grace);
        }
    }

    /// The core repeats votes, not proposals.
    fn repeat_proposal(&mut self) {
        let round = self.core.as_ref().map(|core| core.round());
        if let Some(proposal) = self.host.own_proposal.as_ref().filter(|proposal| Some(proposal.round) == round) {
            self.host.out.push_back(Output::Rebroadcast(Message::Proposal(proposal.clone())));
        }
    }
}

impl<S> Driver<S> {
    /// The height that runs, if any does.
    pub fn height(&self) -> Option<Height> {
        self.host.record.as_ref().map(|record| record.height)
    }

    /// The round that runs.
    pub fn round(&self) -> Option<u32> {
        self.core.as_ref().and_then(|core| core.round().as_u32())
    }

    /// What decided this height, if it is decided.
    pub fn decided(&self) -> Option<&CommitCertificate> {
        self.host.decided.as_ref()
    }

    /// The validators of this height.
    pub fn validators(&self) -> Option<&ValidatorSet> {
        self.host.record.as_ref().map(|record| &record.set)
    }
}
