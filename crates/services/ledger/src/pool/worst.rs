//! What goes first when the pool is full: the last of each sender's line, by what the line pays up to there.
//!
//! A heap that is made only when room is needed, and kept while it is: a changed line adds a new entry, and old ones are
//! known by their stamp. So a pool that is not full pays nothing for it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use alloy_primitives::Address;
use alloy_primitives::map::AddressMap;

use super::line::Line;

/// How much a transaction is worth keeping; more is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Worth {
    /// Whether it can be executed.
    pub(crate) pending: bool,
    /// The lowest effective tip of it and those before it: no block gets its tip without theirs.
    pub(crate) tip: i128,
    /// Of equals the older one stays.
    pub(crate) arrival: Reverse<u64>,
}

type Entry = Reverse<(Worth, Address, u64, usize)>;

#[derive(Debug, Default)]
pub(crate) struct Worst {
    heap: Option<(u64, BinaryHeap<Entry>)>,
}

/// 64: for one newcomer no more go than this; it would have to be much longer than they are.
pub(crate) const MAX_VICTIMS: usize = 64;

fn worth(line: &Line, depth: usize, base_fee: u64) -> Option<Worth> {
    let index = line.slots.len().checked_sub(depth + 1)?;
    let slot = &line.slots[index];
    let tip = slot.floor.effective_tip(base_fee);
    Some(Worth { pending: index < line.pending, tip, arrival: Reverse(slot.tx.arrival()) })
}

fn entry(address: Address, line: &Line, depth: usize, base_fee: u64) -> Option<Entry> {
    Some(Reverse((worth(line, depth, base_fee)?, address, line.stamp, depth)))
}

impl Worst {
    /// After a change of a line.
    pub(crate) fn changed(&mut self, address: Address, line: &Line, lines: usize) {
        let Some((base_fee, heap)) = &mut self.heap else { return };
        if heap.len() > 2 * lines + 1024 {
            self.heap = None;
            return;
        }
        heap.extend(entry(address, line, 0, *base_fee));
    }

    /// Forgets the heap: there is room again.
    pub(crate) fn rest(&mut self) {
        self.heap = None;
    }

    /// How many to take from the end of which lines, worst first, until `enough` says so of what goes (count and bytes).
    /// All are worth less than `newcomer`, none is of its sender with a nonce up to its own. If that cannot be, the error
    /// is what the worst one that has to stay tips.
    pub(crate) fn plan(
        &mut self,
        lines: &AddressMap<Line>,
        base_fee: u64,
        newcomer: (Address, u64, Worth),
        enough: impl Fn(usize, usize) -> bool,
    ) -> Result<Vec<(Address, usize)>, i128> {
        if self.heap.as_ref().is_none_or(|(of, _)| *of != base_fee) {
            let all: Vec<Entry> = lines.iter().filter_map(|(at, line)| entry(*at, line, 0, base_fee)).collect();
            self.heap = Some((base_fee, all.into()));
        }
        let Some((_, heap)) = &mut self.heap else { return Err(0) };
        let mut plan: Vec<(Address, usize)> = Vec::new();
        let mut popped = Vec::new();
        let (mut count, mut bytes) = (0, 0);
        let refused = loop {
            if enough(count, bytes) {
                break None;
            }
            let Some(Reverse((worth, address, stamp, depth))) = heap.pop() else { break Some(newcomer.2.tip) };
            let Some(line) = lines.get(&address).filter(|line| line.stamp == stamp) else { continue };
            // Deeper entries of a plan that came to nothing.
            let planned = plan.iter_mut().find(|(of, _)| *of == address);
            if planned.as_ref().map_or(0, |(_, planned)| *planned) != depth {
                continue;
            }
            if depth == 0 {
                popped.push(Reverse((worth, address, stamp, depth)));
            }
            let victim = &line.slots[line.slots.len() - 1 - depth].tx;
            let own = address == newcomer.0 && victim.nonce() <= newcomer.1;
            if own || worth >= newcomer.2 || count == MAX_VICTIMS {
                break Some(worth.tip);
            }
            count += 1;
            bytes += victim.bytes();
            match planned {
                Some((_, planned)) => *planned += 1,
                None => plan.push((address, 1)),
            }
            heap.extend(entry(address, line, depth + 1, base_fee));
        };
        let Some(worst) = refused else { return Ok(plan) };
        heap.extend(popped);
        Err(worst)
    }
}
