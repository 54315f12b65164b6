//! What a block is built of: price before nonce, a sender's own in its order.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, HashSet};
use std::sync::Arc;

use alloy_consensus::Transaction as _;
use alloy_primitives::Address;

use super::line::Line;
use super::transaction::PoolTransaction;

/// The pending transactions that pay a base fee, best first: of all senders' next ones the one with the highest effective
/// tip, of equals the one that came first. Making it takes one pass over the senders; each step is logarithmic.
#[derive(Debug)]
pub struct Best<'a> {
    heads: BinaryHeap<Head<'a>>,
    base_fee: u64,
    /// Whether the top of `heads` was given already.
    given: bool,
}

#[derive(Debug)]
struct Head<'a> {
    tip: i128,
    arrival: Reverse<u64>,
    line: &'a Line,
    index: usize,
}

impl Head<'_> {
    fn key(&self) -> (i128, Reverse<u64>) {
        (self.tip, self.arrival)
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Head<'_> {}
impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

fn head(line: &Line, index: usize, base_fee: u64) -> Option<Head<'_>> {
    let (price, arrival) = if index == 0 {
        line.head?
    } else {
        let slot = line.slots.get(index).filter(|_| index < line.pending)?;
        (slot.tx.price(), slot.tx.arrival())
    };
    let tip = price.effective_tip(base_fee);
    (tip >= 0).then_some(Head { tip, arrival: Reverse(arrival), line, index })
}

impl<'a> Best<'a> {
    pub(crate) fn new(lines: impl Iterator<Item = &'a Line>, base_fee: u64) -> Self {
        let heads: Vec<Head<'a>> = lines.filter_map(|line| head(line, 0, base_fee)).collect();
        Best { heads: heads.into(), base_fee, given: false }
    }

    /// Leaves out what else the sender of the last one has: it is invalid, or does not fit into the block.
    pub fn skip_sender(&mut self) {
        if std::mem::take(&mut self.given) {
            self.heads.pop();
        }
    }
}

impl<'a> Iterator for Best<'a> {
    type Item = &'a Arc<PoolTransaction>;

    fn next(&mut self) -> Option<Self::Item> {
        if std::mem::take(&mut self.given) {
            let mut top = self.heads.peek_mut()?;
            match head(top.line, top.index + 1, self.base_fee) {
                Some(next) => *top = next,
                None => {
                    PeekMut::pop(top);
                }
            }
        }
        let top = self.heads.peek()?;
        self.given = true;
        Some(&top.line.slots[top.index].tx)
    }
}

/// How much a block's builder wants to look at.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Transactions.
    pub count: usize,
    /// Their encoded bytes: what does not fit is left out, and its sender's later ones with it.
    pub bytes: usize,
    /// The sum of their gas limits. Few use all they ask for, so give more than a block has.
    pub gas: u64,
}

/// The best of the pool, taken out of it so that a block can be built while the pool goes on.
#[derive(Debug, Default)]
pub struct Candidates {
    transactions: std::vec::IntoIter<Arc<PoolTransaction>>,
    skipped: HashSet<Address>,
}

impl Candidates {
    pub(crate) fn take(mut best: Best<'_>, budget: Budget) -> Self {
        let (mut bytes, mut gas) = (0, 0);
        let mut transactions = Vec::with_capacity(budget.count.min(1024));
        while transactions.len() < budget.count && gas < budget.gas {
            let Some(tx) = best.next() else { break };
            if bytes + tx.bytes() > budget.bytes {
                best.skip_sender();
                continue;
            }
            bytes += tx.bytes();
            gas = gas.saturating_add(tx.transaction().gas_limit());
            transactions.push(tx.clone());
        }
        Candidates { transactions: transactions.into_iter(), skipped: HashSet::new() }
    }

    /// How many are left at most.
    pub fn len(&self) -> usize {
        self.transactions.len()
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Leaves out what else `sender` has: one of its is invalid, or does not fit into the block.
    pub fn skip_sender(&mut self, sender: Address) {
        self.skipped.insert(sender);
    }
}

impl Iterator for Candidates {
    type Item = Arc<PoolTransaction>;

    fn next(&mut self) -> Option<Self::Item> {
        self.transactions.find(|tx| self.skipped.is_empty() || !self.skipped.contains(&tx.sender()))
    }
}
