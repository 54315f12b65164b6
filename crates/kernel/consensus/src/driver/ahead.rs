//! Messages of other heights: what is kept for the next one, and who lags behind whom.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Output;
use crate::types::{Address, Height, Message};

/// Most messages of the next height that are kept for a validator: a proposal and the votes of its first rounds. What
/// comes above is not kept; validators repeat their votes.
pub const MAX_AHEAD: usize = 8;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// Messages of the next height, by validators of this one, their signatures checked.
    pending: BTreeMap<Address, Vec<Message>>,
    /// The highest height that a validator was heard at.
    highest: Option<Height>,
    /// When to say that this node is behind.
    due: Option<Duration>,
    /// Whether it was said that the next height began.
    announced: bool,
    /// When each validator was last said to be behind.
    helped: BTreeMap<Address, Duration>,
}

impl Ahead {
    /// A new height begins: what was kept for it.
    pub(super) fn begin(&mut self, height: Height) -> Vec<Message> {
        (self.highest, self.due, self.announced) = (None, None, false);
        let pending = std::mem::take(&mut self.pending);
        pending.into_values().flatten().filter(|message| message.height() == height).collect()
    }

    /// Whether this very message of the next height is kept already, or there is no room for it: then its signature
    /// need not be checked.
    pub(super) fn is_full_or_known(&self, signer: &Address, message: &Message) -> bool {
        self.pending.get(signer).is_some_and(|kept| kept.len() >= MAX_AHEAD || kept.contains(message))
    }

    /// Keeps a message of the next height.
    pub(super) fn keep(&mut self, signer: Address, message: Message) {
        let kept = self.pending.entry(signer).or_default();
        if kept.len() < MAX_AHEAD {
            kept.push(message);
        }
    }

    /// A validator was heard at a later height.
    pub(super) fn heard(&mut self, height: Height, now: Duration, grace: Duration) {
        self.highest = self.highest.max(Some(height));
        self.due.get_or_insert(now.saturating_add(grace));
    }

    /// A validator began the height after this one, which is decided here: true the first time.
    pub(super) fn announce(&mut self) -> bool {
        !std::mem::replace(&mut self.announced, true)
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.due
    }

    /// The time has come to say that this node is behind.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<Output> {
        if self.due? > now {
            return None;
        }
        self.due = None;
        self.highest.take().map(|height| Output::Behind { height })
    }

    /// Whether a validator that is behind may be helped now. It is asked before the signature is checked, and told after.
    pub(super) fn may_help(&self, validator: &Address, now: Duration, grace: Duration) -> bool {
        self.helped.get(validator).is_none_or(|last| now >= last.saturating_add(grace))
    }

    /// A validator of the current set is helped. Those that left the set are forgotten.
    pub(super) fn help(&mut self, validator: Address, now: Duration, is_member: impl Fn(&Address) -> bool) {
        self.helped.retain(|validator, _| is_member(validator));
        self.helped.insert(validator, now);
    }
}
