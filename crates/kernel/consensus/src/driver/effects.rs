//! What the Malachite core asks for while it handles an input.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use arc_malachitebft_core_consensus::{
    ConsensusMsg, Effect, Input, LivenessMsg, MisbehaviorEvidence, Resumable as _, Resume, SignedConsensusMsg,
};
use arc_malachitebft_core_types::{Timeout, TimeoutKind};

use super::guard::Guard;
use super::presence::Presence;
use super::record::Record;
use super::{Config, Identity, Output, Refusal, Slot, Verdict};
use crate::certificate::{CommitCertificate, verify_polka, verify_round};
use crate::codec::{WalEntry, encode_wal_entry};
use crate::evidence::Evidence;
use crate::signing::{Sign, SignBytes, verify_proposal, verify_vote};
use crate::types::{Height, Message, Round, Signature, SignedProposal, SignedVote, Weft};

/// A timer's name: what it is for, and its round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timer(u8, Round);

impl Timer {
    pub(super) fn new(timeout: Timeout) -> Self {
        let kind = match timeout.kind {
            TimeoutKind::Propose => 0,
            TimeoutKind::Prevote => 1,
            TimeoutKind::Precommit => 2,
            TimeoutKind::Rebroadcast => 3,
            TimeoutKind::FinalizeHeight(_) => 4,
        };
        Self(kind, timeout.round)
    }

    pub(super) fn timeout(self) -> Timeout {
        let kind = match self.0 {
            0 => TimeoutKind::Propose,
            1 => TimeoutKind::Prevote,
            2 => TimeoutKind::Precommit,
            3 => TimeoutKind::Rebroadcast,
            _ => TimeoutKind::FinalizeHeight(Duration::ZERO),
        };
        Timeout::new(self.1, kind)
    }

    pub(super) fn repeats_votes(self) -> bool {
        self.0 == 3
    }
}

/// What is collected while the log is read again.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// The entries the log has.
    pub(super) kept: BTreeSet<Vec<u8>>,
    /// Messages of this node that come up again.
    pub(super) messages: Vec<Message>,
}

/// Everything of the driver but the core itself, which holds a borrow of it while it runs.
#[derive(Debug)]
pub(super) struct Host<S> {
    pub(super) config: Config,
    pub(super) identity: Option<Identity<S>>,
    /// The latest time told.
    pub(super) now: Duration,
    pub(super) out: VecDeque<Output>,
    /// What comes after all that one input leads to: storing a block takes time, and the votes for it go first.
    pub(super) last: Vec<Output>,
    pub(super) timers: BTreeMap<Timer, Duration>,
    pub(super) guard: Guard,
    /// Who says something.
    pub(super) presence: Presence,
    /// What was proposed at this height.
    pub(super) record: Option<Record>,
    /// The block that was asked for.
    pub(super) wanted: Option<(Height, u32)>,
    /// What this node proposed last.
    pub(super) own_proposal: Option<SignedProposal>,
    pub(super) decided: Option<CommitCertificate>,
    /// Something was refused: nothing more is signed at this height.
    pub(super) silenced: bool,
    pub(super) replay: Option<Replay>,
    /// A certificate that was just checked.
    pub(super) checked: Option<CommitCertificate>,
}

impl<S: Sign> Host<S> {
    /// Carries out one effect.
    pub(super) fn handle(&mut self, effect: Effect<Weft>) -> Result<Resume<Weft>, Refusal> {
        let chain = self.config.chain;
        Ok(match effect {
            Effect::CancelAllTimeouts(r) => {
                self.timers.clear();
                r.resume_with(())
            }
            Effect::CancelTimeout(timeout, r) => {
                self.timers.remove(&Timer::new(timeout));
                r.resume_with(())
            }
            Effect::ScheduleTimeout(timeout, r) => {
                let round = timeout.round.as_u32().unwrap_or(0);
                let is_silent = self.record.as_ref().is_some_and(|record| {
                    let proposer = record.set.proposer(record.height, round).address;
                    !self.is_me(&proposer) && self.presence.is_silent(&proposer, record.height)
                });
                let wait = self.config.timeouts.duration(timeout.kind, round, is_silent);
                self.timers.insert(Timer::new(timeout), self.now.saturating_add(wait));
                r.resume_with(())
            }
            Effect::StartRound(height, round, proposer, _, r) => {
                self.wanted = None;
                if self.replay.is_none() {
                    self.out.push_back(Output::NewRound { height, round: round.as_u32().unwrap_or(0), proposer });
                }
                r.resume_with(())
            }
            Effect::PublishConsensusMsg(message, r) => {
                self.publish(message);
                r.resume_with(())
            }
            Effect::PublishLivenessMsg(message, r) => {
                self.send(match message {
                    LivenessMsg::Vote(vote) => Message::Vote(vote),
                    LivenessMsg::PolkaCertificate(certificate) => Message::Polka(certificate),
                    LivenessMsg::SkipRoundCertificate(certificate) => Message::Round(certificate),
                });
                r.resume_with(())
            }
            Effect::RepublishVote(vote, r) => {
                self.out.push_back(Output::Rebroadcast(Message::Vote(vote)));
                r.resume_with(())
            }
            Effect::RepublishRoundCertificate(certificate, r) => {
                self.out.push_back(Output::Rebroadcast(Message::Round(certificate)));
                r.resume_with(())
            }
            Effect::GetValue(height, round, timeout, r) => {
                self.wanted = Some((height, round.as_u32().unwrap_or(0)));
                if self.replay.is_none() {
                    self.ask_for_block(timeout);
                }
                r.resume_with(())
            }
            Effect::RestreamProposal(height, _, _, _, block, r) => {
                if self.replay.is_none() {
                    self.out.push_back(Output::Restream { height, block });
                }
                r.resume_with(())
            }
            // `Driver::sync` gives the block's verdict right after its certificate, and has checked that itself.
            Effect::CertVerifiedSyncValue(_, _, r) => r.resume_with(()),
            Effect::CertRejectedSyncValue(_, _, _, r) => r.resume_with(()),
            Effect::Decide(certificate, _, r) => {
                self.decide(CommitCertificate::from_core(&certificate));
                r.resume_with(())
            }
            Effect::Finalize(_, _, evidence, r) => {
                self.show(evidence);
                r.resume_with(())
            }
            Effect::SignVote(vote, r) => {
                let bytes = SignBytes::vote(&chain, &vote);
                let signature = match self.guard.vote(&vote) {
                    Ok(()) => self.sign(&bytes),
                    Err(refusal) => Err(refusal),
                };
                let signature = signature.map_err(|refusal| self.refuse(Slot::of_vote(&vote), refusal))?;
                r.resume_with(SignedVote::new(vote, signature))
            }
            Effect::SignProposal(proposal, r) => {
                let bytes = SignBytes::proposal(&chain, &proposal);
                let signature = match self.guard.proposal(&proposal) {
                    Ok(()) => self.sign(&bytes),
                    Err(refusal) => Err(refusal),
                };
                let signature = signature.map_err(|refusal| self.refuse(Slot::of_proposal(&proposal), refusal))?;
                r.resume_with(SignedProposal::new(proposal, signature))
            }
            Effect::VerifySignature(signed, key, r) => {
                let signature = signed.signature;
                r.resume_with(match signed.message {
                    ConsensusMsg::Vote(vote) => verify_vote(&chain, &SignedVote::new(vote, signature), &key),
                    ConsensusMsg::Proposal(proposal) => {
                        verify_proposal(&chain, &SignedProposal::new(proposal, signature), &key)
                    }
                })
            }
            Effect::VerifyCommitCertificate(certificate, set, _, r) => {
                let certificate = CommitCertificate::from_core(&certificate);
                r.resume_with(certificate.verify(&chain, &set).map_err(Into::into))
            }
            Effect::VerifyExtendedCommitCertificate(certificate, set, _, _, r) => {
                let certificate = CommitCertificate::from_core(&certificate.trim_vote_extensions());
                if self.checked.take().is_some_and(|checked| checked == certificate) {
                    return Ok(r.resume_with(Ok(())));
                }
                r.resume_with(certificate.verify(&chain, &set).map_err(Into::into))
            }
            Effect::VerifyPolkaCertificate(certificate, set, _, r) => {
                r.resume_with(verify_polka(&chain, &set, &certificate).map_err(Into::into))
            }
            Effect::VerifyRoundCertificate(certificate, set, _, r) => {
                r.resume_with(verify_round(&chain, &set, &certificate).map_err(Into::into))
            }
            Effect::WalAppend(height, input, r) => {
                self.keep(height, &input);
                r.resume_with(())
            }
            // Weft has no vote extensions; the core is told so at each height.
            Effect::ExtendVote(_, _, _, _, r) => r.resume_with(None),
            Effect::VerifyVoteExtension(_, _, _, _, _, _, r) => r.resume_with(Ok(())),
        })
    }

    /// Whether this validator is the node.
    pub(super) fn is_me(&self, address: &crate::types::Address) -> bool {
        self.identity.as_ref().is_some_and(|identity| identity.address == *address)
    }

    /// Asks for a block for the turn in `wanted`.
    pub(super) fn ask_for_block(&mut self, timeout: Timeout) {
        let Some((height, round)) = self.wanted else { return };
        let deadline = self.timers.get(&Timer::new(timeout)).copied().unwrap_or(self.now);
        self.out.push_back(Output::NeedBlock { height, round, deadline });
    }

    fn sign(&self, bytes: &SignBytes) -> Result<Signature, Refusal> {
        let missing = || crate::signing::SignError("this node has no validator key".to_owned());
        let identity = self.identity.as_ref().ok_or_else(|| Refusal::Key(missing()))?;
        identity.signer.sign(bytes.as_slice()).map_err(Refusal::Key)
    }

    /// Says that something is not signed, and that nothing more will be.
    pub(super) fn refuse(&mut self, slot: Slot, reason: Refusal) -> Refusal {
        self.silenced = true;
        self.out.push_back(Output::Refused { slot, reason: reason.clone() });
        reason
    }

    /// Sends a message that this node signed, or another's that it stands for.
    fn publish(&mut self, message: SignedConsensusMsg<Weft>) {
        let (entry, slot, message) = match message {
            SignedConsensusMsg::Vote(vote) => {
                (WalEntry::Vote(vote.clone()), Slot::of_vote(&vote.message), Message::Vote(vote))
            }
            SignedConsensusMsg::Proposal(proposal) => {
                if self.is_me(&proposal.message.validator) {
                    self.own_proposal = Some(proposal.clone());
                }
                let slot = Slot::of_proposal(&proposal.message);
                (WalEntry::Proposal(proposal.clone()), slot, Message::Proposal(proposal))
            }
        };
        // The core logs what it signs before it publishes it, unless it has heard it before from elsewhere.
        if message.signer().is_some_and(|(signer, _)| self.is_me(signer)) && !self.guard.is_kept(slot) {
            self.persist(entry);
        }
        self.send(message);
    }

    fn send(&mut self, message: Message) {
        match &mut self.replay {
            Some(replay) => replay.messages.push(message),
            None => self.out.push_back(Output::Broadcast(message)),
        }
    }

    fn persist(&mut self, entry: WalEntry) {
        if let Some(identity) = &self.identity {
            self.guard.note(&identity.address, &entry);
        }
        if let Some(replay) = &self.replay
            && replay.kept.contains(&encode_wal_entry(&entry))
        {
            return;
        }
        self.out.push_back(Output::Persist(entry));
    }

    /// Something was taken in.
    fn keep(&mut self, height: Height, input: &Input<Weft>) {
        if let Some(entry) = WalEntry::from_input(height, input) {
            self.persist(entry);
        }
        let Some(record) = &mut self.record else { return };
        match input {
            Input::ProposedValue(value, _) => {
                let verdict = if value.validity.is_valid() { Verdict::Valid } else { Verdict::Invalid };
                if let Some(proposed) = record.blocks.get_mut(&value.value) {
                    proposed.verdict = Some(verdict);
                }
            }
            Input::Proposal(proposal) => {
                let is_new = !record.blocks.contains_key(&proposal.message.block);
                record.accept(proposal);
                let is_mine = self.is_me(&proposal.message.validator);
                if self.replay.is_some() || is_mine {
                    return;
                }
                if self.config.relay_proposals {
                    self.out.push_back(Output::Relay(Message::Proposal(proposal.clone())));
                }
                if is_new {
                    self.ask_for_verdict(&proposal.message);
                }
            }
            _ => {}
        }
    }

    /// Asks whether a block is valid.
    pub(super) fn ask_for_verdict(&mut self, proposal: &crate::types::Proposal) {
        self.out.push_back(Output::NeedValidation {
            height: proposal.height,
            round: proposal.round.as_u32().unwrap_or(0),
            polka_round: proposal.polka_round.as_u32(),
            proposer: proposal.validator,
            block: proposal.block,
        });
    }

    fn decide(&mut self, certificate: CommitCertificate) {
        self.wanted = None;
        self.decided = Some(certificate.clone());
        self.last.push(Output::Decided { certificate });
    }

    /// Shows each fault once.
    fn show(&mut self, evidence: MisbehaviorEvidence<Weft>) {
        let votes = evidence.votes.into_iter().flat_map(|(_, pairs)| pairs);
        let proposals = evidence.proposals.into_iter().flat_map(|(_, pairs)| pairs);
        let votes = votes.filter_map(|(a, b)| Evidence::votes(a, b).ok());
        let proposals = proposals.filter_map(|(a, b)| Evidence::proposals(a, b).ok());
        let mut seen = BTreeSet::new();
        for evidence in votes.chain(proposals) {
            if !seen.insert(evidence.key()) {
                continue;
            }
            if let (Evidence::Proposals(proposal, _), Some(record)) = (&evidence, &mut self.record) {
                record.set_shown(proposal.round);
            }
            self.last.push(Output::Evidence(evidence));
        }
    }
}
