//! Who is served (BEP 3): tit-for-tat, with an optimistic unchoke to find better partners.

use std::time::Duration;

use rand::Rng;

/// How often who is served is decided anew.
pub const RECHOKE_INTERVAL: Duration = Duration::from_secs(10);

/// How often the optimistic unchoke moves on.
pub const OPTIMISTIC_INTERVAL: Duration = Duration::from_secs(30);

/// A peer as the choker sees it.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    /// It wants what we have.
    pub interested: bool,
    /// What ranks it: bytes a second received from it while we fetch, sent to it while we seed.
    pub rate: u64,
    /// It was asked and does not answer: it gets nothing in return.
    pub snubbed: bool,
    /// It is served now.
    pub unchoked: bool,
    /// It is served now as the optimistic one.
    pub optimistic: bool,
    /// How many rounds ago it was last served; breaks ties so that equals take turns.
    pub waited: u64,
}

/// Which candidates are served, by index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// Those to be served, the optimistic one included.
    pub unchoke: Vec<usize>,
    /// The optimistic one.
    pub optimistic: Option<usize>,
}

/// Chooses at most `slots` interested peers: the best by rate, and one of the rest at random. The optimistic one stays
/// until `rotate`.
pub fn decide(candidates: &[Candidate], slots: usize, rotate: bool, rng: &mut impl Rng) -> Decision {
    let mut ranked: Vec<usize> = (0..candidates.len()).filter(|i| candidates[*i].interested).collect();
    ranked.sort_by_key(|i| {
        let c = &candidates[*i];
        (c.snubbed, std::cmp::Reverse(c.rate), std::cmp::Reverse(c.waited), *i)
    });
    if ranked.len() <= slots {
        return Decision { unchoke: ranked, optimistic: None };
    }
    // One slot is the optimistic one's; with a single slot rates decide alone.
    let regular = if slots > 1 { slots - 1 } else { slots };
    let rest = ranked.split_off(regular);
    let mut decision = Decision { unchoke: ranked, optimistic: None };
    if slots > regular {
        let stays = rest.iter().copied().find(|i| candidates[*i].optimistic && !rotate);
        let next = stays.or_else(|| pick_optimistic(candidates, &rest, rng));
        decision.unchoke.extend(next);
        decision.optimistic = next;
    }
    decision
}

/// Any of `rest`, one that is not served now if there is one.
fn pick_optimistic(candidates: &[Candidate], rest: &[usize], rng: &mut impl Rng) -> Option<usize> {
    let waiting: Vec<usize> = rest.iter().copied().filter(|i| !candidates[*i].unchoked).collect();
    let pool = if waiting.is_empty() { rest } else { &waiting };
    if pool.is_empty() { None } else { pool.get(rng.random_range(0..pool.len())).copied() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    use super::*;

    fn candidate(rate: u64) -> Candidate {
        Candidate { interested: true, rate, snubbed: false, unchoked: false, optimistic: false, waited: 0 }
    }

    #[test]
    fn the_best_and_one_more_are_served() {
        let mut rng = SmallRng::seed_from_u64(1);
        let mut all: Vec<_> = (0..10).map(|i| candidate(i * 100)).collect();
        all[9].snubbed = true;
        all[8].interested = false;
        let mut seen = BTreeSet::new();
        for _ in 0..200 {
            let d = decide(&all, 4, true, &mut rng);
            assert_eq!(d.unchoke[..3], [7, 6, 5]);
            assert_eq!(d.unchoke.len(), 4);
            seen.insert(d.optimistic.unwrap());
        }
        assert_eq!(seen, BTreeSet::from([0, 1, 2, 3, 4, 9]));
    }

    #[test]
    fn the_optimistic_one_stays_until_its_time_is_over() {
        let mut rng = SmallRng::seed_from_u64(2);
        let mut all: Vec<_> = (0..20).map(|_| candidate(0)).collect();
        all[17].optimistic = true;
        all[17].unchoked = true;
        for _ in 0..50 {
            assert_eq!(decide(&all, 4, false, &mut rng).optimistic, Some(17));
            assert_ne!(decide(&all, 4, true, &mut rng).optimistic, Some(17));
        }
    }

    #[test]
    fn few_peers_are_all_served_and_no_slots_serve_none() {
        let mut rng = SmallRng::seed_from_u64(3);
        let all = [candidate(0), candidate(5)];
        assert_eq!(decide(&all, 4, true, &mut rng).unchoke.len(), 2);
        assert_eq!(decide(&all, 0, true, &mut rng), Decision::default());
        assert_eq!(decide(&all, 1, true, &mut rng).unchoke, [1]);
    }
}
