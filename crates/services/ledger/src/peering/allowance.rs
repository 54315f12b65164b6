//! How much of a kind a peer may send in a time.

use std::time::Duration;

/// A token bucket: so many at once, so many a second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    a_second: u32,
    at_once: u32,
    left: f64,
    at: Duration,
}

impl Allowance {
    /// Full at `now`.
    pub(super) fn new(now: Duration, a_second: u32, at_once: u32) -> Self {
        Allowance { a_second, at_once, left: f64::from(at_once), at: now }
    }

    /// Takes one. Says whether there was one.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        let since = now.saturating_sub(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.left = f64::from(self.at_once).min(self.left + since * f64::from(self.a_second));
        let there = self.left >= 1.0;
        if there {
            self.left -= 1.0;
        }
        there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_comes_again_with_time() {
        let second = Duration::from_secs(1);
        let mut allowance = Allowance::new(Duration::ZERO, 2, 3);
        let taken = |allowance: &mut Allowance, now| (0..10).filter(|_| allowance.take(now)).count();
        assert_eq!(taken(&mut allowance, Duration::ZERO), 3);
        assert_eq!(taken(&mut allowance, second), 2);
        assert_eq!(taken(&mut allowance, second * 100), 3);
        // Time that goes back gives nothing.
        assert_eq!(taken(&mut allowance, second), 0);
    }
}
