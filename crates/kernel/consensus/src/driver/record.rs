//! What was proposed at a height: which blocks are to be validated, and who proposed two.

use std::collections::BTreeMap;

use super::Verdict;
use crate::evidence::Evidence;
use crate::signing::verify_proposal;
use crate::types::{BlockHash, ChainId, Height, Proposal, Round, SignedProposal, ValidatorSet};

/// A block that was proposed.
#[derive(Debug, Clone)]
pub(super) struct Proposed {
    /// The first proposal that named it.
    pub(super) first: Proposal,
    /// What is known of it.
    pub(super) verdict: Option<Verdict>,
}

/// The proposals of a height that the core took in: at most two a round, so their number is bounded by the rounds that
/// were really run.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) height: Height,
    pub(super) set: ValidatorSet,
    pub(super) blocks: BTreeMap<BlockHash, Proposed>,
    rounds: BTreeMap<Round, Vec<SignedProposal>>,
    /// Whether a pair was already shown, by round.
    shown: std::collections::BTreeSet<Round>,
}

/// Most proposals a round that are looked at: two are what evidence needs.
const MAX_PER_ROUND: usize = 2;

impl Record {
    pub(super) fn new(height: Height, set: ValidatorSet) -> Self {
        let (blocks, rounds, shown) = Default::default();
        Self { height, set, blocks, rounds, shown }
    }

    /// Takes note of a proposal that the core accepted.
    pub(super) fn accept(&mut self, proposal: &SignedProposal) {
        let round = self.rounds.entry(proposal.round).or_default();
        if round.len() < MAX_PER_ROUND && !round.iter().any(|known| known.message == proposal.message) {
            round.push(proposal.clone());
        }
        let proposed = Proposed { first: proposal.message, verdict: None };
        self.blocks.entry(proposal.message.block).or_insert(proposed);
    }

    /// Whether there is nothing new in this proposal, so that its signature need not be checked.
    pub(super) fn is_known(&self, proposal: &Proposal) -> bool {
        self.rounds.get(&proposal.round).is_some_and(|round| round.iter().any(|known| known.message == *proposal))
    }

    /// Whether the round has as many proposals as are looked at.
    pub(super) fn is_full(&self, round: Round) -> bool {
        self.rounds.get(&round).is_some_and(|round| round.len() >= MAX_PER_ROUND)
    }

    /// A pair was shown by the core.
    pub(super) fn set_shown(&mut self, round: Round) {
        self.shown.insert(round);
    }

    /// A proposal that came after the height was decided: evidence, if it contradicts one that came before.
    pub(super) fn late(&mut self, chain: &ChainId, proposal: SignedProposal) -> Option<Evidence> {
        let known = self.rounds.get(&proposal.round)?.first()?;
        if self.shown.contains(&proposal.round) {
            return None;
        }
        let evidence = Evidence::proposals(known.clone(), proposal.clone()).ok()?;
        let key = &self.set.get(&proposal.message.validator)?.public_key;
        if !verify_proposal(chain, &proposal, key) {
            return None;
        }
        self.shown.insert(proposal.round);
        Some(evidence)
    }
}
