//! The node's own record of what it signed. It depends on nothing but the node's statements, so that no mistake in the
//! rest of the machine, and no crash, makes it sign two things that contradict each other.

use std::collections::BTreeMap;

use crate::codec::WalEntry;
use crate::types::{Address, BlockHash, Height, NilOrVal, Proposal, Round, Vote, VoteType};

/// What a validator states in a round, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A proposal.
    Propose,
    /// A prevote.
    Prevote,
    /// A precommit.
    Precommit,
}

/// A place for one statement. They are filled in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// The height.
    pub height: Height,
    /// The round.
    pub round: u32,
    /// The step.
    pub step: Step,
}

impl Slot {
    pub(super) fn of_vote(vote: &Vote) -> Self {
        let step = match vote.kind {
            VoteType::Prevote => Step::Prevote,
            VoteType::Precommit => Step::Precommit,
        };
        Self { height: vote.height, round: vote.round.as_u32().unwrap_or(0), step }
    }

    pub(super) fn of_proposal(proposal: &Proposal) -> Self {
        Self { height: proposal.height, round: proposal.round.as_u32().unwrap_or(0), step: Step::Propose }
    }
}

/// Why something is not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Something else was signed in this very slot.
    #[error("another statement was signed here before")]
    Conflict,
    /// Later slots are filled.
    #[error("this is before what was signed last")]
    Past,
    /// The key could not be used.
    #[error(transparent)]
    Key(crate::signing::SignError),
    /// The log leads to another statement than the one it holds: it is not this node's, or damaged.
    #[error("the write-ahead log does not lead to what it holds")]
    Log,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Statement {
    Vote(NilOrVal<BlockHash>),
    Proposal(BlockHash, Round),
}

/// What was signed, and where the last of it stands.
#[derive(Debug, Default)]
pub(super) struct Guard {
    statements: BTreeMap<Slot, Statement>,
    /// The statements that are in the log.
    kept: std::collections::BTreeSet<Slot>,
    last: Option<Slot>,
}

impl Guard {
    /// Takes note of what the log holds of this validator.
    pub(super) fn note(&mut self, me: &Address, entry: &WalEntry) {
        let (slot, statement) = match entry {
            WalEntry::Vote(vote) if vote.message.validator == *me => {
                (Slot::of_vote(&vote.message), Statement::Vote(vote.message.block))
            }
            WalEntry::Proposal(proposal) if proposal.message.validator == *me => {
                let Proposal { block, polka_round, .. } = proposal.message;
                (Slot::of_proposal(&proposal.message), Statement::Proposal(block, polka_round))
            }
            _ => return,
        };
        self.statements.entry(slot).or_insert(statement);
        self.kept.insert(slot);
        self.last = self.last.max(Some(slot));
    }

    /// Whether a statement is in the log.
    pub(super) fn is_kept(&self, slot: Slot) -> bool {
        self.kept.contains(&slot)
    }

    pub(super) fn vote(&mut self, vote: &Vote) -> Result<(), Refusal> {
        self.state(Slot::of_vote(vote), Statement::Vote(vote.block))
    }

    pub(super) fn proposal(&mut self, proposal: &Proposal) -> Result<(), Refusal> {
        self.state(Slot::of_proposal(proposal), Statement::Proposal(proposal.block, proposal.polka_round))
    }

    fn state(&mut self, slot: Slot, statement: Statement) -> Result<(), Refusal> {
        match self.statements.get(&slot) {
            Some(earlier) if *earlier == statement => return Ok(()),
            Some(_) => return Err(Refusal::Conflict),
            None if Some(slot) < self.last => return Err(Refusal::Past),
            None => {}
        }
        self.statements.insert(slot, statement);
        self.last = Some(slot);
        Ok(())
    }

    /// Forgets the statements of heights that are over; where the last of them stood stays known.
    pub(super) fn forget_below(&mut self, height: Height) {
        self.statements.retain(|slot, _| slot.height >= height);
        self.kept.retain(|slot| slot.height >= height);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(height: u64, round: u32, kind: VoteType, block: u8) -> Vote {
        Vote {
            kind,
            height: Height(height),
            round: Round::new(round),
            block: NilOrVal::Val(BlockHash([block; 32])),
            validator: Address([1; 20]),
        }
    }

    #[test]
    fn nothing_is_signed_twice_differently_or_backwards() {
        let mut guard = Guard::default();
        assert_eq!(guard.vote(&vote(5, 1, VoteType::Prevote, 1)), Ok(()));
        assert_eq!(guard.vote(&vote(5, 1, VoteType::Prevote, 1)), Ok(()), "the same again is harmless");
        assert_eq!(guard.vote(&vote(5, 1, VoteType::Prevote, 2)), Err(Refusal::Conflict));
        assert_eq!(
            guard.vote(&Vote { block: NilOrVal::Nil, ..vote(5, 1, VoteType::Prevote, 1) }),
            Err(Refusal::Conflict)
        );
        assert_eq!(guard.vote(&vote(5, 0, VoteType::Precommit, 1)), Err(Refusal::Past));
        assert_eq!(guard.vote(&vote(4, 9, VoteType::Precommit, 1)), Err(Refusal::Past));
        assert_eq!(guard.vote(&vote(5, 1, VoteType::Precommit, 2)), Ok(()));
        guard.forget_below(Height(9));
        assert_eq!(guard.vote(&vote(5, 1, VoteType::Prevote, 1)), Err(Refusal::Past), "what is forgotten stays closed");
        assert_eq!(guard.vote(&vote(9, 0, VoteType::Prevote, 3)), Ok(()));
    }

    #[test]
    fn proposals_differ_by_their_polka_too() {
        let proposal = |polka_round| Proposal {
            height: Height(1),
            round: Round::new(2),
            block: BlockHash([1; 32]),
            polka_round,
            validator: Address([1; 20]),
        };
        let mut guard = Guard::default();
        assert_eq!(guard.proposal(&proposal(Round::Nil)), Ok(()));
        assert_eq!(guard.proposal(&proposal(Round::new(0))), Err(Refusal::Conflict));
        assert_eq!(guard.vote(&vote(1, 2, VoteType::Prevote, 1)), Ok(()));
    }
}
