//! Asking peers for coins, one after another, until one gives.

use weft_overlay::{Connector, PeerKey};

use super::link::ask;
use super::message::{Answer, Gift, Reason, Refusal, Request};

/// A year: no honest faucet makes anybody wait longer, and whoever says so is not taken at the word.
const MAX_AGAIN: u64 = 365 * 24 * 60 * 60;

/// What several faucets said, and which of it helps most.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    best: Option<Refusal>,
    /// How many were asked.
    asked: usize,
}

/// Why nobody gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum NotGiven {
    /// There was nobody to ask.
    #[error("this node reaches no peer of its chain")]
    Nobody,
    /// Nobody who was asked is a faucet.
    #[error("none of the {0} peers of this chain that were asked runs a faucet")]
    NoFaucet(usize),
    /// A faucet refused.
    #[error("{}", .0.reason)]
    Refused(Refusal),
}

impl Refusals {
    /// Takes note of a refusal.
    pub(crate) fn note(&mut self, refusal: Refusal) {
        let refusal = Refusal { again_s: refusal.again_s.min(MAX_AGAIN), ..refusal };
        self.asked += 1;
        if self.best.is_none_or(|best| rank(&refusal) < rank(&best)) {
            self.best = Some(refusal);
        }
    }

    /// Takes note of one who did not answer.
    fn silent(&mut self) {
        self.asked += 1;
    }

    /// The reason that helps most.
    pub(crate) fn best(&self) -> NotGiven {
        match self.best {
            Some(refusal) if !matches!(refusal.reason, Reason::Off | Reason::OtherChain) => NotGiven::Refused(refusal),
            _ if self.asked == 0 => NotGiven::Nobody,
            _ => NotGiven::NoFaucet(self.asked),
        }
    }
}

/// Less is better: the soonest that says when to come back, then what says most of the account that asks.
fn rank(refusal: &Refusal) -> (u8, u64) {
    match refusal {
        Refusal { reason: Reason::OtherChain | Reason::Off, .. } => (4, 0),
        Refusal { again_s, .. } if *again_s > 0 => (0, *again_s),
        Refusal { reason: Reason::Plenty | Reason::Contract, .. } => (1, 0),
        Refusal { reason: Reason::Empty, .. } => (2, 0),
        _ => (3, 0),
    }
}

/// Asks `peers` in turn. Says who gave and what; `None` if nobody did: `refusals` holds why.
pub(crate) async fn in_turn(
    connector: &dyn Connector,
    peers: &[PeerKey],
    request: &Request,
    refusals: &mut Refusals,
) -> Option<(PeerKey, Gift)> {
    for peer in peers {
        match ask(connector, *peer, request).await {
            Ok(Answer::Given(gift)) => return Some((*peer, gift)),
            Ok(Answer::Refused(refusal)) => refusals.note(refusal),
            Err(error) => {
                tracing::debug!(peer = %peer.short(), error = &error as &dyn std::error::Error, "no faucet there");
                refusals.silent();
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(said: &[(Reason, u64)]) -> NotGiven {
        let mut refusals = Refusals::default();
        for (reason, again_s) in said {
            refusals.note(Refusal { reason: *reason, again_s: *again_s });
        }
        refusals.best()
    }

    fn refused(reason: Reason, again_s: u64) -> NotGiven {
        NotGiven::Refused(Refusal { reason, again_s })
    }

    #[test]
    fn the_reason_that_says_when_to_come_back_is_told() {
        use Reason::{Contract, Empty, Failed, GivenOut, Off, OtherChain, Plenty, TooSoon};
        assert_eq!(best(&[]), NotGiven::Nobody);
        assert_eq!(best(&[(Off, 0), (OtherChain, 5)]), NotGiven::NoFaucet(2));
        assert_eq!(best(&[(Off, 0), (Empty, 0), (Plenty, 0)]), refused(Plenty, 0));
        assert_eq!(best(&[(Failed, 0), (Empty, 0)]), refused(Empty, 0));
        assert_eq!(best(&[(Contract, 0), (TooSoon, 90), (GivenOut, 70), (Off, 0)]), refused(GivenOut, 70));
        assert_eq!(best(&[(TooSoon, u64::MAX)]), refused(TooSoon, MAX_AGAIN));
    }
}
