//! One sender's transactions, by nonce: the first `pending` of them can be executed one after the other, the rest wait.

use std::collections::VecDeque;
use std::sync::Arc;

use alloy_primitives::U256;

use super::account::AccountState;
use super::transaction::{PoolTransaction, Price};

#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) tx: Arc<PoolTransaction>,
    /// The lowest price from the line's head to here: no block takes this one without those before it.
    pub(crate) floor: Price,
    /// Its place in the order of announcement, since it was first pending.
    pub(crate) announced: Option<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) account: AccountState,
    pub(crate) slots: VecDeque<Slot>,
    pub(crate) pending: usize,
    /// What the pending ones may cost together.
    spent: U256,
    pub(crate) bytes: usize,
    /// Price and arrival of the first one, if it is pending: kept here so that to look at all lines is to look at one
    /// stretch of memory.
    pub(crate) head: Option<(Price, u64)>,
    /// Of the pool's last change here.
    pub(crate) stamp: u64,
}

impl Line {
    pub(crate) fn new(account: AccountState) -> Self {
        Line { account, ..Line::default() }
    }

    pub(crate) fn position(&self, nonce: u64) -> Result<usize, usize> {
        // Nearly always a new nonce goes to the end.
        match self.slots.back() {
            Some(last) if last.tx.nonce() >= nonce => self.slots.binary_search_by_key(&nonce, |slot| slot.tx.nonce()),
            _ => Err(self.slots.len()),
        }
    }

    pub(crate) fn queued(&self) -> usize {
        self.slots.len() - self.pending
    }

    /// What the pending ones before `index` may cost together.
    pub(crate) fn spent_before(&self, index: usize) -> U256 {
        let after = self.slots.range(index.min(self.pending)..self.pending);
        after.fold(self.spent, |spent, slot| spent - slot.tx.cost())
    }

    /// Whether a transaction with `nonce` at `index` could be executed, if it can be paid.
    pub(crate) fn in_row(&self, index: usize, nonce: u64) -> bool {
        index <= self.pending && self.account.nonce.checked_add(index as u64) == Some(nonce)
    }

    /// The lowest price of those before `index` and of `price`.
    pub(crate) fn floor(&self, index: usize, price: Price) -> Price {
        match index.checked_sub(1).and_then(|before| self.slots.get(before)) {
            Some(before) => before.floor.meet(price),
            None => price,
        }
    }

    /// Puts a transaction at `index`, in place of the one there if `replace`, which is given back.
    pub(crate) fn put(&mut self, index: usize, tx: Arc<PoolTransaction>, replace: bool) -> Option<Slot> {
        self.cut(index);
        self.bytes += tx.bytes();
        let slot = Slot { floor: tx.price(), tx, announced: None };
        let old = match self.slots.get_mut(index).filter(|_| replace) {
            Some(place) => Some(std::mem::replace(place, slot)),
            None => {
                self.slots.insert(index, slot);
                None
            }
        };
        self.bytes -= old.as_ref().map_or(0, |old| old.tx.bytes());
        self.refloor(index);
        self.extend();
        old
    }

    pub(crate) fn remove(&mut self, index: usize) -> Option<Slot> {
        self.cut(index);
        let slot = self.slots.remove(index)?;
        self.bytes -= slot.tx.bytes();
        self.refloor(index);
        Some(slot)
    }

    /// Takes the account as it is now and gives what its nonce has gone past.
    pub(crate) fn advance(&mut self, account: AccountState) -> Vec<Slot> {
        self.cut(0);
        self.account = account;
        let stale = self.slots.partition_point(|slot| slot.tx.nonce() < account.nonce);
        let stale: Vec<Slot> = self.slots.drain(..stale).collect();
        self.bytes -= stale.iter().map(|slot| slot.tx.bytes()).sum::<usize>();
        if !stale.is_empty() {
            self.refloor(0);
        }
        self.extend();
        stale
    }

    /// Counts none from `index` on as pending.
    fn cut(&mut self, index: usize) {
        while self.pending > index {
            self.pending -= 1;
            self.spent -= self.slots[self.pending].tx.cost();
        }
    }

    /// Counts as pending all that can be executed.
    fn extend(&mut self) {
        while let Some(slot) = self.slots.get(self.pending) {
            let in_row = self.account.nonce.checked_add(self.pending as u64) == Some(slot.tx.nonce());
            match self.spent.checked_add(slot.tx.cost()) {
                Some(spent) if in_row && spent <= self.account.balance => {
                    self.spent = spent;
                    self.pending += 1;
                }
                _ => return,
            }
        }
    }

    /// To be called after all changes.
    pub(crate) fn set_head(&mut self) {
        let first = self.slots.front().filter(|_| self.pending > 0);
        self.head = first.map(|slot| (slot.tx.price(), slot.tx.arrival()));
    }

    fn refloor(&mut self, from: usize) {
        for index in from..self.slots.len() {
            let floor = self.floor(index, self.slots[index].tx.price());
            self.slots[index].floor = floor;
        }
    }

    #[cfg(test)]
    pub(crate) fn assert_sound(&self) {
        let mut spent = U256::ZERO;
        for (index, slot) in self.slots.iter().enumerate() {
            assert!(index == 0 || self.slots[index - 1].tx.nonce() < slot.tx.nonce());
            assert_eq!(slot.floor, self.floor(index, slot.tx.price()));
            if index < self.pending {
                assert_eq!(slot.tx.nonce(), self.account.nonce + index as u64);
                spent += slot.tx.cost();
            }
        }
        assert_eq!(self.spent, spent);
        let first = self.slots.front().filter(|_| self.pending > 0);
        assert_eq!(self.head, first.map(|slot| (slot.tx.price(), slot.tx.arrival())));
        assert!(spent <= self.account.balance);
        assert_eq!(self.bytes, self.slots.iter().map(|slot| slot.tx.bytes()).sum::<usize>());
    }
}
