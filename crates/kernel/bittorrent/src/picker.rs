//! Which piece to begin next: rarest first, ties at random (BEP 3), in constant time a change.
//!
//! Pieces that may be begun lie in buckets by priority and availability. A HAVE moves one piece to the next bucket, and
//! beginning a piece takes it out. Peers that have everything are not counted a piece at a time: they make no piece
//! rarer than another.

use rand::Rng;

use crate::bitfield::Bitfield;
use crate::swarm::Priority;

/// Availabilities told apart. Above it pieces count as equally common.
const LEVELS: usize = 64;

/// Entries of the buckets looked at for one pick before any suitable piece is taken: bounds the work for a peer that has
/// few of the pieces wanted.
const SCAN: usize = 4096;

/// A peer with at most this many pieces is searched through its own pieces instead of the buckets.
const FEW: u32 = 256;

const NOWHERE: u32 = u32::MAX;

/// The pieces that may be begun, by how much they are wanted and how rare they are.
#[derive(Debug)]
pub struct Picker {
    availability: Vec<u32>,
    priority: Vec<Priority>,
    buckets: Vec<Vec<u32>>,
    /// Index of each piece in its bucket.
    place: Vec<u32>,
    pickable: Bitfield,
    epoch: u64,
}

impl Picker {
    /// A picker over `pieces`, none of which may be begun yet.
    pub fn new(pieces: u32) -> Self {
        let n = pieces as usize;
        Self {
            availability: vec![0; n],
            priority: vec![Priority::Normal; n],
            buckets: vec![Vec::new(); 3 * LEVELS],
            place: vec![NOWHERE; n],
            pickable: Bitfield::new(pieces),
            epoch: 0,
        }
    }

    /// Grows whenever a piece becomes available for beginning: a search that found nothing need not be repeated before.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Number of pieces that may be begun.
    pub fn len(&self) -> u32 {
        self.pickable.count()
    }

    /// Whether no piece may be begun.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `piece` may be begun.
    pub fn contains(&self, piece: u32) -> bool {
        self.pickable.contains(piece)
    }

    /// How much `piece` is wanted.
    pub fn priority(&self, piece: u32) -> Priority {
        self.priority.get(piece as usize).copied().unwrap_or(Priority::Skip)
    }

    /// Peers known to have `piece`, those that have everything not counted.
    pub fn availability(&self, piece: u32) -> u32 {
        self.availability.get(piece as usize).copied().unwrap_or(0)
    }

    /// [`Picker::availability`] of every piece in order.
    pub fn availabilities(&self) -> &[u32] {
        &self.availability
    }

    /// Lets `piece` be begun, unless it is not wanted at all.
    pub fn insert(&mut self, piece: u32) {
        if self.priority(piece) == Priority::Skip || !self.pickable.insert(piece) {
            return;
        }
        self.epoch += 1;
        self.enter(piece);
    }

    /// Takes `piece` out: it was begun or is no longer missing.
    pub fn remove(&mut self, piece: u32) {
        if self.pickable.remove(piece) {
            self.leave(piece);
        }
    }

    /// One more peer has `piece`.
    pub fn gained(&mut self, piece: u32) {
        self.change(piece, |n| n.saturating_add(1));
    }

    /// One peer less has `piece`.
    pub fn lost(&mut self, piece: u32) {
        self.change(piece, |n| n.saturating_sub(1));
    }

    /// Changes how much `piece` is wanted. Does not make it available for beginning: [`Picker::insert`] does.
    pub fn set_priority(&mut self, piece: u32, priority: Priority) {
        let listed = self.pickable.contains(piece);
        if listed {
            self.leave(piece);
        }
        if let Some(p) = self.priority.get_mut(piece as usize) {
            *p = priority;
        }
        if listed && priority == Priority::Skip {
            self.pickable.remove(piece);
        } else if listed {
            self.enter(piece);
        }
    }

    /// The best piece to begin with a peer that has `have`: highest priority, then rarest, then any.
    pub fn rarest(&self, have: &Bitfield, rng: &mut impl Rng) -> Option<u32> {
        if have.count() <= FEW {
            return self.rarest_of(have, rng);
        }
        let mut looked = 0;
        for bucket in self.buckets.iter().filter(|b| !b.is_empty()) {
            let start = rng.random_range(0..bucket.len());
            let (before, after) = bucket.split_at(start);
            for piece in after.iter().chain(before) {
                if have.contains(*piece) {
                    return Some(*piece);
                }
                looked += 1;
                if looked >= SCAN {
                    return self.any(have, rng);
                }
            }
        }
        None
    }

    /// The first piece to begin in order with a peer that has `have`, a more wanted one before a less wanted one.
    pub fn in_order(&self, have: &Bitfield) -> Option<u32> {
        let best_present = self.buckets.iter().position(|b| !b.is_empty())? / LEVELS;
        let mut best: Option<(usize, u32)> = None;
        let mut from = 0;
        for _ in 0..SCAN {
            let Some(piece) = self.pickable.first_common(have, from) else { break };
            let rank = self.rank(piece);
            if best.is_none_or(|(r, _)| rank < r) {
                best = Some((rank, piece));
            }
            if rank == best_present {
                break;
            }
            from = piece + 1;
        }
        best.map(|(_, piece)| piece)
    }

    fn rarest_of(&self, have: &Bitfield, rng: &mut impl Rng) -> Option<u32> {
        let candidates = have.iter().filter(|p| self.pickable.contains(*p));
        candidates.map(|p| (self.class(p), rng.random::<u32>(), p)).min().map(|(_, _, piece)| piece)
    }

    fn any(&self, have: &Bitfield, rng: &mut impl Rng) -> Option<u32> {
        let from = rng.random_range(0..have.len().max(1));
        self.pickable.first_common(have, from).or_else(|| self.pickable.first_common(have, 0))
    }

    fn rank(&self, piece: u32) -> usize {
        match self.priority(piece) {
            Priority::High => 0,
            Priority::Normal => 1,
            Priority::Low | Priority::Skip => 2,
        }
    }

    fn class(&self, piece: u32) -> usize {
        self.rank(piece) * LEVELS + (self.availability(piece) as usize).min(LEVELS - 1)
    }

    fn change(&mut self, piece: u32, by: impl Fn(u32) -> u32) {
        let before = self.class(piece);
        let listed = self.pickable.contains(piece);
        let Some(n) = self.availability.get(piece as usize).copied() else { return };
        let moves = {
            let after = (by(n) as usize).min(LEVELS - 1);
            listed && before % LEVELS != after
        };
        if moves {
            self.leave(piece);
        }
        if let Some(slot) = self.availability.get_mut(piece as usize) {
            *slot = by(n);
        }
        if moves {
            self.enter(piece);
        }
    }

    fn enter(&mut self, piece: u32) {
        let class = self.class(piece);
        let Some(bucket) = self.buckets.get_mut(class) else { return };
        if let Some(place) = self.place.get_mut(piece as usize) {
            *place = bucket.len() as u32;
            bucket.push(piece);
        }
    }

    fn leave(&mut self, piece: u32) {
        let class = self.class(piece);
        let Some(bucket) = self.buckets.get_mut(class) else { return };
        let Some(at) = self.place.get(piece as usize).map(|at| *at as usize).filter(|at| *at < bucket.len()) else {
            return;
        };
        bucket.swap_remove(at);
        if let Some(moved) = bucket.get(at)
            && let Some(place) = self.place.get_mut(*moved as usize)
        {
            *place = at as u32;
        }
        if let Some(place) = self.place.get_mut(piece as usize) {
            *place = NOWHERE;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    use super::*;

    #[derive(Debug, Clone)]
    enum Op {
        Insert(u32),
        Remove(u32),
        Gained(u32),
        Lost(u32),
        Priority(u32, Priority),
    }

    fn any_op(pieces: u32) -> impl Strategy<Value = Op> {
        let priority =
            prop_oneof![Just(Priority::Skip), Just(Priority::Low), Just(Priority::Normal), Just(Priority::High)];
        prop_oneof![
            (0..pieces).prop_map(Op::Insert),
            (0..pieces).prop_map(Op::Remove),
            (0..pieces).prop_map(Op::Gained),
            (0..pieces).prop_map(Op::Lost),
            (0..pieces, priority).prop_map(|(p, q)| Op::Priority(p, q)),
        ]
    }

    proptest! {
        /// After any changes the pick is one a plain search through all pieces would make.
        #[test]
        fn picks_what_a_full_search_picks(
            ops in proptest::collection::vec(any_op(400), 0..900),
            have in proptest::collection::vec(0u32..400, 0..500),
            seed in any::<u64>(),
        ) {
            let mut picker = Picker::new(400);
            let mut listed = BTreeSet::new();
            for op in ops {
                match op {
                    Op::Insert(p) => {
                        picker.insert(p);
                        if picker.priority(p) != Priority::Skip {
                            listed.insert(p);
                        }
                    }
                    Op::Remove(p) => {
                        picker.remove(p);
                        listed.remove(&p);
                    }
                    Op::Gained(p) => picker.gained(p),
                    Op::Lost(p) => picker.lost(p),
                    Op::Priority(p, q) => {
                        picker.set_priority(p, q);
                        if q == Priority::Skip {
                            listed.remove(&p);
                        }
                    }
                }
            }
            prop_assert_eq!(picker.len() as usize, listed.len());
            let mut rng = SmallRng::seed_from_u64(seed);
            let mut bits = Bitfield::new(400);
            for p in have {
                bits.insert(p);
            }
            for bits in [bits, Bitfield::full(400), Bitfield::new(400)] {
                let possible = || listed.iter().copied().filter(|p| bits.contains(*p));
                let best = possible().map(|p| picker.class(p)).min();
                prop_assert_eq!(picker.rarest(&bits, &mut rng).map(|p| picker.class(p)), best);
                let first = possible().min_by_key(|p| (picker.rank(*p), *p));
                prop_assert_eq!(picker.in_order(&bits), first);
            }
        }
    }

    #[test]
    fn ties_are_broken_at_random() {
        let mut picker = Picker::new(1000);
        (0..1000).for_each(|p| picker.insert(p));
        let full = Bitfield::full(1000);
        let mut rng = SmallRng::seed_from_u64(5);
        let seen: BTreeSet<_> = (0..200).filter_map(|_| picker.rarest(&full, &mut rng)).collect();
        assert!(seen.len() > 150);
        picker.gained(3);
        (0..1000).filter(|p| *p != 7).for_each(|p| picker.gained(p));
        assert_eq!(picker.rarest(&full, &mut rng), Some(7));
    }

    #[test]
    fn indices_outside_do_nothing() {
        let mut picker = Picker::new(2);
        picker.insert(9);
        picker.gained(9);
        picker.lost(9);
        picker.remove(9);
        picker.set_priority(9, Priority::High);
        assert!(picker.is_empty());
    }
}
