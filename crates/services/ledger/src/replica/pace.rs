//! When the next height begins: at once under load, seldom when nobody wants anything.

use std::time::Duration;

/// How often blocks are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// From the beginning of one height to that of the next, while transactions wait.
    pub block_time: Duration,
    /// Without transactions, a block this often shows that the chain lives; `None` makes none at all.
    pub heartbeat: Option<Duration>,
}

impl Default for Pace {
    /// Four blocks a second under load, one in five seconds without.
    fn default() -> Self {
        Pace { block_time: Duration::from_millis(250), heartbeat: Some(Duration::from_secs(5)) }
    }
}

impl Pace {
    /// Blocks as soon as there is a transaction, and none without: for a validator that is alone, while a contract is
    /// developed.
    pub fn on_demand() -> Self {
        Pace { block_time: Duration::ZERO, heartbeat: None }
    }

    /// When the height after one that began at `began` begins, as things stand. `None` is "not before somebody wants it".
    pub(super) fn next(&self, began: Duration, transactions_wait: bool) -> Option<Duration> {
        if transactions_wait {
            return Some(began + self.block_time);
        }
        self.heartbeat.map(|heartbeat| began + heartbeat.max(self.block_time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_fast_under_load_and_slowly_without() {
        let began = Duration::from_secs(9);
        let pace = Pace::default();
        assert_eq!(pace.next(began, true), Some(began + pace.block_time));
        assert_eq!(pace.next(began, false), Some(began + Duration::from_secs(5)));
        assert_eq!(Pace::on_demand().next(began, true), Some(began));
        assert_eq!(Pace::on_demand().next(began, false), None);
    }
}
