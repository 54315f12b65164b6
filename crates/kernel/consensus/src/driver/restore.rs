//! Going on after a restart.
//!
//! The log's entries of this height are given to the core again, in order. From them it derives the very votes and
//! proposals that the log holds of this node, and takes those instead of signing anew; where the log ends, the node is
//! where it was. What it sent last it sends again, because nobody knows whether it got out.

use std::time::Duration;

use arc_malachitebft_core_consensus::{Input, State};
use arc_malachitebft_core_types::{Timeout, VoteExtensionPolicy};

use super::Output;
use super::effects::Replay;
use super::machine::Driver;
use crate::codec::{WalEntry, encode_wal_entry};
use crate::signing::Sign;
use crate::types::{Height, Message, ValidatorSet, Weft};

/// Most messages that are sent again: those of the round that runs (a round certificate, a proposal and its polka, two
/// votes), and the votes of the one before.
const MAX_REPEATED: usize = 8;

impl<S: Sign> Driver<S> {
    /// Begins at the first height that is not durably stored, with everything that the log holds, in its order. Entries
    /// of other heights count for what must not be contradicted.
    pub fn restore(&mut self, now: Duration, height: Height, set: ValidatorSet, entries: &[WalEntry]) {
        self.tick(now);
        if let Some(identity) = &self.host.identity {
            for entry in entries {
                self.host.guard.note(&identity.address, entry);
            }
        }
        let kept = self.prepare(height, set.clone());
        let mine: Vec<&WalEntry> = entries.iter().filter(|entry| entry.height() == height).collect();
        let inputs: Vec<Input<Weft>> = mine.iter().map(|entry| entry.to_input()).collect();
        if let Some(core) = &mut self.core {
            core.index_wal_entries(&inputs);
        }
        let kept_entries = mine.iter().map(|entry| encode_wal_entry(entry)).collect();
        self.host.replay = Some(Replay { kept: kept_entries, messages: Vec::new() });
        self.feed(Input::StartHeight(height, set, false, None, VoteExtensionPolicy::Disabled));
        for input in inputs {
            self.feed(input);
        }
        if let Some(core) = &mut self.core {
            core.reset_entries_index();
        }
        let replay = self.host.replay.take().unwrap_or_default();
        self.resume(height, entries, replay);
        for message in kept {
            self.handle_message(now, message);
        }
    }

    /// Asks and says again what the log leaves open.
    fn resume(&mut self, height: Height, entries: &[WalEntry], replay: Replay) {
        let Some(round) = self.core.as_ref().map(State::round) else { return };
        let own = entries.iter().rev().find_map(|entry| match entry {
            WalEntry::Proposal(proposal)
                if proposal.height == height && self.host.is_me(&proposal.message.validator) =>
            {
                Some(proposal.clone())
            }
            _ => None,
        });
        if let Some(own) = own.filter(|own| own.round == round) {
            self.host.own_proposal.get_or_insert_with(|| own.clone());
            if !replay.messages.contains(&Message::Proposal(own.clone())) {
                self.host.out.push_back(Output::Broadcast(Message::Proposal(own)));
            }
        }
        let recent = replay.messages.len().saturating_sub(MAX_REPEATED);
        self.host.out.extend(replay.messages.into_iter().skip(recent).map(Output::Broadcast));
        self.host.out.extend(self.host.last.drain(..));
        if self.host.decided.is_some() {
            return;
        }
        let numbered = round.as_u32().unwrap_or(0);
        let proposer = self.host.record.as_ref().map(|record| record.set.proposer(height, numbered).address);
        self.host.out.extend(proposer.map(|proposer| Output::NewRound { height, round: numbered, proposer }));
        if self.host.own_proposal.as_ref().is_some_and(|own| own.round == round) {
            self.host.wanted = None;
        }
        self.host.ask_for_block(Timeout::propose(round));
        let open: Vec<_> = self.host.record.iter().flat_map(|record| record.blocks.values()).collect();
        let open = open.iter().filter(|proposed| proposed.verdict.is_none()).map(|proposed| proposed.first);
        for proposal in open.collect::<Vec<_>>() {
            if !self.host.is_me(&proposal.validator) {
                self.host.ask_for_verdict(&proposal);
            }
        }
    }
}
