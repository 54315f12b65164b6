//! What happens in a run: everything is drawn from the seed.

use std::time::Duration;

use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// How a node behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    Honest,
    /// Tells one half of the others one thing and the other half another: proposals, prevotes and precommits.
    Equivocates,
    /// Proposes blocks that do not execute.
    ProposesRubbish,
    /// Answers with forged certificates and wrong blocks when others want to catch up.
    LiesToSync,
    /// Never runs.
    Dead,
}

/// A crash, counted in the outputs that the node carries out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crash {
    /// How many outputs are carried out before it. Only entries of the log count if `entries`.
    pub(crate) countdown: usize,
    pub(crate) entries: bool,
    /// Whether the output at which it happens is carried out.
    pub(crate) after: bool,
    pub(crate) down_for: Duration,
}

/// Links between the two sides are cut.
#[derive(Debug, Clone)]
pub(crate) struct Partition {
    pub(crate) from: Duration,
    pub(crate) until: Duration,
    /// On which side each node is.
    pub(crate) side: Vec<bool>,
}

/// A run's script.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) natures: Vec<Nature>,
    /// Powers of all nodes from a height on; 0 is a follower.
    pub(crate) powers: Vec<(u64, Vec<u64>)>,
    pub(crate) loss: f64,
    pub(crate) delay: (u64, u64),
    pub(crate) partitions: Vec<Partition>,
    /// For each node, one after the other.
    pub(crate) crashes: Vec<Vec<Crash>>,
    /// What each node's clock shows at the start, and how many thousandths it is fast.
    pub(crate) clocks: Vec<(Duration, i64)>,
    /// When the faults above are over.
    pub(crate) calm: Duration,
    /// The height that all honest nodes must reach.
    pub(crate) goal: u64,
}

impl Plan {
    /// Nothing goes wrong.
    pub(crate) fn peaceful(seed: u64, powers: &[u64], goal: u64) -> Self {
        let n = powers.len();
        Self {
            seed,
            natures: vec![Nature::Honest; n],
            powers: vec![(0, powers.to_vec())],
            loss: 0.0,
            delay: (5, 50),
            partitions: Vec::new(),
            crashes: vec![Vec::new(); n],
            clocks: vec![(Duration::ZERO, 0); n],
            calm: Duration::ZERO,
            goal,
        }
    }

    /// Much goes wrong.
    pub(crate) fn draw(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed);
        let n = *[4, 4, 4, 4, 4, 7, 7, 7, 7, 20].choose_mut(&mut rng);
        let powers: Vec<u64> = (0..n).map(|_| rng.random_range(10..=14)).collect();
        let mut plan = Self::peaceful(seed, &powers, if n == 20 { 6 } else { 10 });
        plan.calm = ms(rng.random_range(5_000..20_000));
        plan.loss = *[0.0, 0.01, 0.05, 0.10].choose_mut(&mut rng);
        plan.delay = *[(1, 20), (5, 100), (20, 300)].choose_mut(&mut rng);
        for clock in &mut plan.clocks {
            *clock = (ms(rng.random_range(0..100_000_000)), rng.random_range(-20..=20));
        }
        // Less than a third of the power misbehaves, whatever the draw: the heaviest are 14, the others at least 10.
        let villains = match n {
            4 => 1,
            7 => 2,
            _ => 5,
        };
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(&mut rng);
        let kinds = [
            Nature::Honest,
            Nature::Equivocates,
            Nature::Equivocates,
            Nature::ProposesRubbish,
            Nature::LiesToSync,
            Nature::Dead,
        ];
        for &villain in order.iter().take(villains) {
            plan.natures[villain] = kinds[rng.random_range(0..kinds.len())];
        }
        for _ in 0..rng.random_range(0..3) {
            let from = ms(rng.random_range(0..plan.calm.as_millis() as u64));
            let side = (0..n).map(|_| rng.random()).collect();
            let until = (from + ms(rng.random_range(500..6000))).min(plan.calm);
            plan.partitions.push(Partition { from, until, side });
        }
        for (node, crashes) in plan.crashes.iter_mut().enumerate() {
            if plan.natures[node] == Nature::Equivocates || rng.random_bool(0.4) {
                continue;
            }
            for _ in 0..rng.random_range(1..5) {
                crashes.push(Crash {
                    countdown: rng.random_range(0..60),
                    entries: rng.random(),
                    after: rng.random(),
                    down_for: ms(rng.random_range(1..3000)),
                });
            }
        }
        if rng.random_bool(0.5) {
            plan.draw_set_changes(&mut rng, &powers, &order[..villains]);
        }
        plan
    }

    /// An honest node joins at some height, and another's power changes or it leaves.
    fn draw_set_changes(&mut self, rng: &mut ChaCha8Rng, powers: &[u64], villains: &[usize]) {
        let honest: Vec<usize> = (0..powers.len()).filter(|index| !villains.contains(index)).collect();
        let mut now = powers.to_vec();
        // With a validator less, the villains of four would have a third.
        let is_safe = |powers: &[u64]| {
            let bad: u64 = villains.iter().map(|villain| powers[*villain]).sum();
            bad * 3 < powers.iter().sum()
        };
        let mut from = 0;
        self.powers.clear();
        for _ in 0..4 {
            let who = honest[rng.random_range(0..honest.len())];
            let mut next = now.clone();
            next[who] = if now[who] == 0 { powers[who] } else { [0, 11, 17][rng.random_range(0..3)] };
            if is_safe(&next) {
                now = next;
            }
            self.powers.push((from, now.clone()));
            from += rng.random_range(1..4);
        }
    }

    /// The powers that decide a height.
    pub(crate) fn powers_at(&self, height: u64) -> &[u64] {
        let last = self.powers.iter().rev().find(|(from, _)| *from <= height);
        &last.unwrap_or(&self.powers[0]).1
    }

    pub(crate) fn len(&self) -> usize {
        self.natures.len()
    }
}

trait ChooseMut<T> {
    fn choose_mut(&self, rng: &mut ChaCha8Rng) -> &T;
}

impl<T, const N: usize> ChooseMut<T> for [T; N] {
    fn choose_mut(&self, rng: &mut ChaCha8Rng) -> &T {
        &self[rng.random_range(0..N)]
    }
}
