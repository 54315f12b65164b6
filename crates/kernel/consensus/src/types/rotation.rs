//! Whose turn it is.
//!
//! Turns are points of a Weyl sequence: with `n = height + round`, the point is the fraction of `n / φ` (φ the golden
//! ratio), and the proposer is the validator into whose stretch of the line `0..total power` (stretches in order of
//! address) the point falls. In 64 bits the fraction of `n / φ` is `n · 0x9E3779B97F4A7C15 mod 2^64`.
//!
//! - It needs the set, the height and the round, and no memory of earlier heights: a set may change at any height, and a
//!   light client can name the proposer of a block.
//! - The sequence is spread as evenly as one can be: over `N` turns each validator's share differs from its power's by
//!   less than about `log N / N`, and nobody waits much longer than the inverse of its share.
//! - A validator with less than 38 % of the power is never twice in a row, so a dead proposer costs one round.
//! - It is predictable, as round robin is. Nothing may be drawn from it as if it were chance.

use super::{Height, Validator, ValidatorSet};

/// `2^64 / φ`, odd.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

impl ValidatorSet {
    /// Who proposes at this height and round.
    pub fn proposer(&self, height: Height, round: u32) -> &Validator {
        let turn = height.0.wrapping_add(u64::from(round));
        let fraction = u128::from(turn.wrapping_mul(GOLDEN));
        // Below 2^64 · total / 2^64.
        let point = ((fraction * u128::from(self.total_power())) >> 64) as u64;
        let mut end = 0;
        let found = self.validators().iter().find(|validator| {
            end += validator.power;
            point < end
        });
        // The point is below the total, so somebody is found.
        found.unwrap_or(&self.validators()[0])
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Address, ValidatorEntry};
    use super::*;

    fn set(powers: &[u64]) -> ValidatorSet {
        let entries = powers.iter().zip(1u8..).map(|(&power, n)| ValidatorEntry {
            address: Address([n; 20]),
            public_key: ed25519_dalek::SigningKey::from_bytes(&[n; 32]).verifying_key().to_bytes(),
            power,
        });
        ValidatorSet::from_entries(&entries.collect::<Vec<_>>()).unwrap()
    }

    fn turns(set: &ValidatorSet, heights: std::ops::Range<u64>, who: u8) -> u64 {
        heights.filter(|h| set.proposer(Height(*h), 0).address == Address([who; 20])).count() as u64
    }

    #[test]
    fn turns_are_in_proportion_to_power() {
        for powers in [&[1, 1, 1, 1][..], &[10, 20, 30, 40], &[1, 1000], &[7, 1, 3, 3, 9, 2, 5], &[1 << 60, 1 << 59]] {
            let set = set(powers);
            // Anywhere on the line, over a long time and over a short one.
            for (start, count, slack) in [(1, 100_000u64, 12.0), (987_654_321, 1000, 8.0), (u64::MAX - 500, 400, 8.0)] {
                for (power, who) in powers.iter().zip(1u8..) {
                    let fair = count as f64 * *power as f64 / set.total_power() as f64;
                    let got = turns(&set, start..start + count, who) as f64;
                    assert!(
                        (got - fair).abs() <= slack,
                        "{powers:?}: {who} had {got} turns of {count}, fair is {fair}"
                    );
                }
            }
        }
    }

    #[test]
    fn nobody_is_twice_in_a_row_and_rounds_move_on() {
        let set = set(&[25, 25, 25, 25]);
        for height in 1..2000 {
            let who = |round| set.proposer(Height(height), round).address;
            assert_ne!(who(0), who(1));
            let first_six: std::collections::BTreeSet<_> = (0..6).map(who).collect();
            assert_eq!(first_six.len(), 4, "all have a turn within six rounds");
        }
        assert_eq!(set.proposer(Height(u64::MAX), u32::MAX), set.proposer(Height(u64::from(u32::MAX) - 1), 0));
    }
}
