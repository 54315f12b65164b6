//! Settings of a driver.

use std::time::Duration;

use arc_malachitebft_core_types::TimeoutKind;

use crate::types::{Address, ChainId};

/// Whom the node votes as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<S> {
    /// The validator's account.
    pub address: Address,
    /// What signs with the validator's key.
    pub signer: S,
}

/// Settings of a driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// The chain.
    pub chain: ChainId,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// How long a node may lag behind the others before anybody acts on it: long enough for a message under way, short
    /// enough to catch up soon.
    pub grace: Duration,
    /// Whether the first sight of a proposal is passed on. It costs each node one short message from each other a
    /// round. For it, a proposal that reached one honest node reaches all, and a proposer that tells different nodes
    /// different things is found out.
    pub relay_proposals: bool,
}

impl Config {
    /// The defaults, for a chain.
    pub fn new(chain: ChainId) -> Self {
        let grace = Duration::from_millis(300);
        Self { chain, timeouts: Timeouts::default(), grace, relay_proposals: true }
    }
}

/// How long a step of a round waits: a base and an addition a round, up to a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a proposal and its block to arrive and be checked.
    pub propose: Duration,
    /// The same for a proposal of a validator that has said nothing for two heights: long enough for one that has just
    /// come back.
    pub propose_of_silent: Duration,
    /// What each round adds to both.
    pub propose_delta: Duration,
    /// For prevotes to agree, once two thirds are there.
    pub prevote: Duration,
    /// What each round adds to it.
    pub prevote_delta: Duration,
    /// For precommits to agree, once two thirds are there.
    pub precommit: Duration,
    /// What each round adds to it.
    pub precommit_delta: Duration,
    /// Between repetitions of the last votes while nothing moves.
    pub rebroadcast: Duration,
    /// No step waits longer than this.
    pub cap: Duration,
}

impl Default for Timeouts {
    /// For a network that answers within a few hundred milliseconds and blocks that execute within as many.
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            propose: ms(1500),
            propose_of_silent: ms(300),
            propose_delta: ms(500),
            prevote: ms(500),
            prevote_delta: ms(250),
            precommit: ms(500),
            precommit_delta: ms(250),
            rebroadcast: ms(1000),
            cap: ms(10_000),
        }
    }
}

impl Timeouts {
    /// How long to wait. `is_silent` says that the round's proposer has said nothing for a while.
    pub(super) fn duration(&self, kind: TimeoutKind, round: u32, is_silent: bool) -> Duration {
        let (base, delta) = match kind {
            TimeoutKind::Propose if is_silent => (self.propose_of_silent.min(self.propose), self.propose_delta),
            TimeoutKind::Propose => (self.propose, self.propose_delta),
            TimeoutKind::Prevote => (self.prevote, self.prevote_delta),
            TimeoutKind::Precommit => (self.precommit, self.precommit_delta),
            TimeoutKind::Rebroadcast => (self.rebroadcast, Duration::ZERO),
            TimeoutKind::FinalizeHeight(wait) => (wait, Duration::ZERO),
        };
        // Never 0: a timer that sets itself again must let time go on.
        base.saturating_add(delta.saturating_mul(round)).min(self.cap).max(Duration::from_millis(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_grow_by_the_round_up_to_the_cap() {
        let timeouts = Timeouts::default();
        let at = |round| timeouts.duration(TimeoutKind::Propose, round, false).as_millis();
        assert_eq!([at(0), at(1), at(2), at(17), at(18), at(u32::MAX)], [1500, 2000, 2500, 10_000, 10_000, 10_000]);
        let silent = |round| timeouts.duration(TimeoutKind::Propose, round, true).as_millis();
        assert_eq!([silent(0), silent(1), silent(20)], [300, 800, 10_000], "no wait shrinks as rounds go by");
        let none = Timeouts { rebroadcast: Duration::ZERO, ..timeouts };
        assert_eq!(none.duration(TimeoutKind::Rebroadcast, 5, false), Duration::from_millis(1));
    }
}
