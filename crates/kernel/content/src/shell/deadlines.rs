//! Who waits for which pieces: a piece's deadline is the earliest of all its readers'.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use weft_bittorrent::swarm::Swarm;

/// What each reader waits for. Bounded by the number of readers and by how far each looks ahead (see
/// [`reader`](crate::reader)).
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    readers: BTreeMap<u64, BTreeMap<u32, Instant>>,
}

impl Deadlines {
    /// Sets what a reader waits for in place of what it waited for before.
    pub(super) fn set(&mut self, now: Instant, reader: u64, pieces: Vec<(u32, Instant)>, swarm: Option<&mut Swarm>) {
        let pieces: BTreeMap<u32, Instant> = pieces.into_iter().collect();
        let mut changed: BTreeSet<u32> = pieces.keys().copied().collect();
        let before = match pieces.is_empty() {
            true => self.readers.remove(&reader),
            false => self.readers.insert(reader, pieces),
        };
        changed.extend(before.unwrap_or_default().into_keys());
        if let Some(swarm) = swarm {
            self.apply(now, changed, swarm);
        }
    }

    /// Tells a machine everything.
    pub(super) fn apply_all(&self, now: Instant, swarm: &mut Swarm) {
        self.apply(now, self.readers.values().flat_map(|pieces| pieces.keys().copied()).collect(), swarm);
    }

    fn apply(&self, now: Instant, pieces: BTreeSet<u32>, swarm: &mut Swarm) {
        for piece in pieces {
            let earliest = self.readers.values().filter_map(|pieces| pieces.get(&piece)).min();
            swarm.set_deadline(now, piece, earliest.copied());
        }
    }
}
