//! The pool itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::map::{AddressMap, B256Map};
use alloy_primitives::{Address, B256};

use super::account::{AccountState, Accounts, SenderCode};
use super::best::{Best, Budget, Candidates};
use super::error::AdmissionError;
use super::line::{Line, Slot};
use super::outcome::{DropReason, Fate, Outcome, Totals};
use super::transaction::{Candidate, PoolTransaction};
use super::worst::{Worst, Worth};

/// How much the pool holds.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Transactions in all. One takes some 700 bytes of memory beside its data.
    pub count: usize,
    /// Their encoded bytes in all.
    pub bytes: usize,
    /// Pending ones of a sender. Filling a gap may make up to [`queued_per_sender`](Self::queued_per_sender) more so.
    pub pending_per_sender: usize,
    /// Queued ones of a sender.
    pub queued_per_sender: usize,
    /// Encoded bytes of a sender.
    pub bytes_per_sender: usize,
    /// Transactions of a sender that delegates (EIP-7702): anybody may spend its balance, and so make all of them invalid
    /// at the price of one.
    pub delegated: usize,
    /// How long one may be queued.
    pub queued_for: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            count: 100_000,
            bytes: 64 << 20,
            pending_per_sender: 1024,
            queued_per_sender: 64,
            bytes_per_sender: 4 << 20,
            delegated: 16,
            queued_for: Duration::from_secs(3 * 60 * 60),
        }
    }
}

/// A transaction that was accepted.
#[derive(Debug, Clone)]
pub struct Inserted {
    /// It.
    pub tx: Arc<PoolTransaction>,
    /// Whether it can be executed now.
    pub pending: bool,
    /// The one whose place it took.
    pub replaced: Option<B256>,
}

/// The transactions that wait for a block.
#[derive(Debug)]
pub struct Pool {
    pub(super) limits: Limits,
    pub(super) base_fee: u64,
    pub(super) lines: AddressMap<Line>,
    pub(super) by_hash: B256Map<Arc<PoolTransaction>>,
    /// The pending ones in the order in which they became so.
    pub(super) announced: BTreeMap<u64, Arc<PoolTransaction>>,
    pub(super) pending: usize,
    pub(super) bytes: usize,
    pub(super) totals: Totals,
    worst: Worst,
    outcomes: Vec<Outcome>,
    next_arrival: u64,
    next_announcement: u64,
    stamps: u64,
}

/// Where a newcomer belongs.
struct Place {
    index: usize,
    replace: bool,
    pending: bool,
}

impl Pool {
    /// An empty pool; `base_fee` is that of the next block.
    pub fn new(limits: Limits, base_fee: u64) -> Self {
        Pool {
            limits,
            base_fee,
            lines: AddressMap::default(),
            by_hash: B256Map::default(),
            announced: BTreeMap::new(),
            pending: 0,
            bytes: 0,
            totals: Totals::default(),
            worst: Worst::default(),
            outcomes: Vec::new(),
            next_arrival: 0,
            next_announcement: 0,
            stamps: 0,
        }
    }

    /// Takes a transaction, or says why not. `accounts` is asked for senders that have nothing in the pool yet. What had
    /// to go for it is among the [outcomes](Self::drain_outcomes).
    pub fn insert(
        &mut self,
        now: Duration,
        candidate: Candidate,
        accounts: &(impl Accounts + ?Sized),
    ) -> Result<Inserted, AdmissionError> {
        self.insert_as(self.next_arrival, now, candidate, accounts)
    }

    /// The same for one that came before a restart.
    pub(super) fn insert_as(
        &mut self,
        arrival: u64,
        now: Duration,
        candidate: Candidate,
        accounts: &(impl Accounts + ?Sized),
    ) -> Result<Inserted, AdmissionError> {
        let inserted = self.try_insert(arrival, now, candidate, accounts);
        match inserted {
            Ok(_) => self.totals.accepted += 1,
            Err(_) => self.totals.refused += 1,
        }
        inserted
    }

    fn try_insert(
        &mut self,
        arrival: u64,
        now: Duration,
        candidate: Candidate,
        accounts: &(impl Accounts + ?Sized),
    ) -> Result<Inserted, AdmissionError> {
        if self.by_hash.contains_key(&candidate.hash()) {
            return Err(AdmissionError::AlreadyKnown);
        }
        let sender = candidate.sender();
        let new;
        let line = match self.lines.get(&sender) {
            Some(line) => line,
            None => {
                new = Line::new(accounts.account(sender)?);
                &new
            }
        };
        let (account, place) = (line.account, self.place(line, &candidate)?);
        let newcomer = Worth {
            pending: place.pending,
            tip: line.floor(place.index, candidate.price).effective_tip(self.base_fee),
            arrival: std::cmp::Reverse(arrival),
        };
        let freed = if place.replace { line.slots[place.index].tx.bytes() } else { 0 };
        self.make_room(&candidate, newcomer, place.replace, freed)?;

        let tx = Arc::new(PoolTransaction::new(candidate, arrival, now));
        self.next_arrival = self.next_arrival.max(arrival + 1);
        self.by_hash.insert(tx.hash(), tx.clone());
        self.lines.entry(sender).or_insert_with(|| Line::new(account));
        let put = tx.clone();
        let old = self.edit(sender, place.index, move |line| line.put(place.index, put, place.replace)).flatten();
        let replaced = old.as_ref().map(|old| old.tx.hash());
        if let Some(old) = old {
            self.gone(old, Fate::Replaced { by: tx.hash() });
        }
        // Dearer than the one it replaced, it may leave too little for those after it.
        self.trim(sender);
        Ok(Inserted { tx, pending: place.pending, replaced })
    }

    /// All checks that need the sender's account or transactions.
    fn place(&self, line: &Line, candidate: &Candidate) -> Result<Place, AdmissionError> {
        let (account, sender, nonce) = (line.account, candidate.sender(), candidate.nonce());
        if account.code == SenderCode::Contract {
            return Err(AdmissionError::SenderHasCode(sender));
        }
        if nonce < account.nonce {
            return Err(AdmissionError::NonceTooLow { next: account.nonce, found: nonce });
        }
        let (index, replace) = match line.position(nonce) {
            Ok(index) => (index, true),
            Err(index) => (index, false),
        };
        let pending = line.in_row(index, nonce);
        let old = line.slots.get(index).filter(|_| replace).map(|slot| &slot.tx);
        if let Some(old) = old {
            let needed = old.price().replacement();
            if candidate.price.tip < needed.tip || candidate.price.fee_cap < needed.fee_cap {
                let (needed_fee_cap, needed_tip) = (needed.fee_cap, needed.tip);
                return Err(AdmissionError::ReplacementUnderpriced { needed_fee_cap, needed_tip });
            }
        }
        let (balance, cost) = (account.balance, candidate.cost);
        let before = if pending { line.spent_before(index) } else { Default::default() };
        if before.checked_add(cost).is_none_or(|sum| sum > balance) {
            return Err(AdmissionError::InsufficientFunds { sender, balance, before, cost });
        }
        if !replace && account.code == SenderCode::Delegation && line.slots.len() >= self.limits.delegated {
            return Err(AdmissionError::DelegatedLimit { sender, count: line.slots.len() });
        }
        let full = match pending {
            _ if replace => false,
            true => line.pending >= self.limits.pending_per_sender,
            false => line.queued() >= self.limits.queued_per_sender,
        };
        let bytes = line.bytes - old.map_or(0, |old| old.bytes()) + candidate.bytes;
        if full || bytes > self.limits.bytes_per_sender {
            let (pending, queued, bytes) = (line.pending, line.queued(), line.bytes);
            return Err(AdmissionError::AccountLimit { sender, pending, queued, bytes });
        }
        Ok(Place { index, replace, pending })
    }

    fn make_room(
        &mut self,
        candidate: &Candidate,
        newcomer: Worth,
        replace: bool,
        freed: usize,
    ) -> Result<(), AdmissionError> {
        let (count, bytes) = (self.by_hash.len() + usize::from(!replace), self.bytes + candidate.bytes - freed);
        let (most, most_bytes) = (self.limits.count, self.limits.bytes);
        if count <= most && bytes <= most_bytes {
            return Ok(());
        }
        let enough = |fewer: usize, less: usize| count - fewer <= most && bytes - less <= most_bytes;
        let who = (candidate.sender(), candidate.nonce(), newcomer);
        let plan = self.worst.plan(&self.lines, self.base_fee, who, enough);
        for (address, count) in plan.map_err(|worst| AdmissionError::Full { worst })? {
            for _ in 0..count {
                let last = |line: &mut Line| line.remove(line.slots.len().saturating_sub(1));
                if let Some(slot) = self.edit_keep(address, usize::MAX, last).flatten() {
                    self.gone(slot, Fate::Dropped(DropReason::PoolFull));
                }
            }
            self.sweep(address);
        }
        Ok(())
    }

    /// Changes a line and all that is counted over lines; from `from` on it may have newly pending ones. An empty line
    /// goes.
    pub(super) fn edit<R>(&mut self, sender: Address, from: usize, change: impl FnOnce(&mut Line) -> R) -> Option<R> {
        let result = self.edit_keep(sender, from, change);
        self.sweep(sender);
        result
    }

    fn edit_keep<R>(&mut self, sender: Address, from: usize, change: impl FnOnce(&mut Line) -> R) -> Option<R> {
        let lines = self.lines.len();
        let line = self.lines.get_mut(&sender)?;
        self.pending -= line.pending;
        self.bytes -= line.bytes;
        let result = change(line);
        line.set_head();
        self.pending += line.pending;
        self.bytes += line.bytes;
        self.stamps += 1;
        line.stamp = self.stamps;
        for slot in line.slots.range_mut(from.min(line.pending)..line.pending) {
            if slot.announced.is_none() {
                slot.announced = Some(self.next_announcement);
                self.announced.insert(self.next_announcement, slot.tx.clone());
                self.next_announcement += 1;
            }
        }
        self.worst.changed(sender, line, lines);
        Some(result)
    }

    fn sweep(&mut self, sender: Address) {
        if self.lines.get(&sender).is_some_and(|line| line.slots.is_empty()) {
            self.lines.remove(&sender);
        }
    }

    /// Drops what a sender has queued above its bound.
    pub(super) fn trim(&mut self, sender: Address) {
        while self.lines.get(&sender).is_some_and(|line| line.queued() > self.limits.queued_per_sender) {
            let last = |line: &mut Line| line.remove(line.slots.len().saturating_sub(1));
            let Some(slot) = self.edit(sender, usize::MAX, last).flatten() else { return };
            self.gone(slot, Fate::Dropped(DropReason::QueueFull));
        }
    }

    pub(super) fn gone(&mut self, slot: Slot, fate: Fate) {
        let (hash, sender, nonce) = (slot.tx.hash(), slot.tx.sender(), slot.tx.nonce());
        self.by_hash.remove(&hash);
        if let Some(place) = slot.announced {
            self.announced.remove(&place);
        }
        match &fate {
            Fate::Included { .. } => self.totals.included += 1,
            Fate::Replaced { .. } => self.totals.replaced += 1,
            Fate::Dropped(_) => self.totals.dropped += 1,
        }
        self.outcomes.push(Outcome { hash, sender, nonce, fate });
    }

    pub(super) fn set_base_fee(&mut self, base_fee: u64) {
        self.base_fee = base_fee;
        if self.by_hash.len() < self.limits.count / 10 * 9 && self.bytes < self.limits.bytes / 10 * 9 {
            self.worst.rest();
        }
    }

    /// Drops a transaction that a block's builder found invalid, or that could not be stored. Those after it wait for
    /// another with its nonce. Says whether it was there.
    pub fn remove(&mut self, hash: B256, reason: DropReason) -> bool {
        let Some(tx) = self.by_hash.get(&hash).cloned() else { return false };
        let sender = tx.sender();
        let slot = self.edit(sender, usize::MAX, |line| {
            let index = line.position(tx.nonce()).ok()?;
            line.remove(index)
        });
        if let Some(slot) = slot.flatten() {
            self.gone(slot, Fate::Dropped(reason));
        }
        self.trim(sender);
        true
    }

    /// Drops what was queued for too long. To be called every minute or so: it looks at every sender.
    pub fn expire(&mut self, now: Duration) {
        let late = |slot: &Slot| now.saturating_sub(slot.tx.since()) > self.limits.queued_for;
        let queued = self.lines.values().filter(|line| line.queued() > 0);
        let late: Vec<Arc<PoolTransaction>> = queued
            .flat_map(|line| line.slots.range(line.pending..).filter(|slot| late(slot)).map(|slot| slot.tx.clone()))
            .collect();
        for tx in late {
            self.remove(tx.hash(), DropReason::Expired);
        }
    }

    /// What became of transactions since this was last called, in order. To be called after every change.
    pub fn drain_outcomes(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.outcomes)
    }

    /// What a block at this base fee is best built of.
    pub fn best(&self, base_fee: u64) -> Best<'_> {
        Best::new(self.lines.values(), base_fee)
    }

    /// Whether a block at this base fee could be built of anything.
    pub fn offers(&self, base_fee: u64) -> bool {
        let pays = |line: &Line| line.head.is_some_and(|(price, _)| price.effective_tip(base_fee) >= 0);
        self.pending > 0 && self.lines.values().any(pays)
    }

    /// The [best](Self::best), taken out so that the pool need not be held while the block is built.
    pub fn candidates(&self, base_fee: u64, budget: Budget) -> Candidates {
        Candidates::take(self.best(base_fee), budget)
    }

    /// The nonce an account's next transaction has to have, after all that are pending.
    pub fn pending_nonce(
        &self,
        address: Address,
        accounts: &(impl Accounts + ?Sized),
    ) -> Result<u64, weft_evm::StateError> {
        match self.lines.get(&address) {
            Some(line) => Ok(line.account.nonce + line.pending as u64),
            None => Ok(accounts.account(address)?.nonce),
        }
    }

    /// The account of a sender as the pool has it.
    pub(super) fn account(&self, address: Address) -> Option<AccountState> {
        self.lines.get(&address).map(|line| line.account)
    }

    #[cfg(test)]
    pub(crate) fn assert_sound(&self) {
        self.lines.values().for_each(Line::assert_sound);
        assert!(self.lines.values().all(|line| !line.slots.is_empty()));
        assert_eq!(self.pending, self.lines.values().map(|line| line.pending).sum::<usize>());
        assert_eq!(self.bytes, self.lines.values().map(|line| line.bytes).sum::<usize>());
        assert_eq!(self.by_hash.len(), self.lines.values().map(|line| line.slots.len()).sum::<usize>());
        let pending = self.lines.values().flat_map(|line| line.slots.range(..line.pending));
        assert!(pending.into_iter().all(|slot| slot.announced.is_some()));
        assert!(self.announced.values().all(|tx| self.by_hash.contains_key(&tx.hash())));
        assert!(self.by_hash.len() <= self.limits.count && self.bytes <= self.limits.bytes);
    }
}
