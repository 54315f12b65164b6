//! Who was given, and who may be: no clock, no disk, no chain.

use alloy_primitives::{Address, U256};

use super::message::{Reason, Refusal};
use super::terms::Terms;

/// 24 hours, in seconds.
pub(super) const DAY: u64 = 24 * 60 * 60;

/// 4,096 gifts are remembered, a few hundred kilobytes on the disk. With more within a day or an interval the faucet waits
/// until the oldest is forgotten: what is not remembered could not be kept from being given twice.
pub(super) const MAX_GIVEN: usize = 4_096;

/// What somebody was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry<P> {
    /// When, in seconds since 1970 by this node's clock.
    pub(super) at: u64,
    /// Who asked.
    pub(super) peer: P,
    /// Which account was given.
    pub(super) account: Address,
    /// How much, in wei.
    pub(super) wei: U256,
}

/// The book.
#[derive(Debug)]
pub(super) struct Book<P> {
    terms: Terms,
    given: Vec<Entry<P>>,
}

impl<P: Copy + Eq> Book<P> {
    /// A book in which `given` is written already: what it holds of before counts, whatever the terms were then.
    pub(super) fn new(terms: Terms, given: Vec<Entry<P>>) -> Self {
        Book { terms, given }
    }

    /// The terms.
    pub(super) fn terms(&self) -> Terms {
        self.terms
    }

    /// Everything in it.
    pub(super) fn entries(&self) -> &[Entry<P>] {
        &self.given
    }

    /// Whether `peer` may be given for `account` at `now`. Forgets what does not count any more.
    pub(super) fn check(&mut self, now: u64, peer: P, account: Address) -> Result<(), Refusal> {
        let kept = self.terms.every_s.max(DAY);
        self.given.retain(|entry| left(now, entry.at, kept) > 0);
        // That somebody has to wait is said before how the faucet stands: it is theirs to know, and says when.
        let theirs = self.given.iter().filter(|entry| entry.peer == peer || entry.account == account);
        let again_s = theirs.map(|entry| left(now, entry.at, self.terms.every_s)).max().unwrap_or(0);
        if again_s > 0 {
            return Err(Refusal { reason: Reason::TooSoon, again_s });
        }
        let room = self.given.iter().map(|entry| left(now, entry.at, kept)).min();
        let until_room = room.filter(|_| self.given.len() >= MAX_GIVEN).unwrap_or(0);
        match self.until_a_day_has_room(now).max(until_room) {
            0 => Ok(()),
            again_s => Err(Refusal { reason: Reason::GivenOut, again_s }),
        }
    }

    /// Writes down that `peer` was given for `account`, as [`check`](Self::check) allowed.
    pub(super) fn add(&mut self, now: u64, peer: P, account: Address) {
        self.given.push(Entry { at: now, peer, account, wei: self.terms.wei });
    }

    /// Strikes out what was added last: it was not given.
    pub(super) fn strike_last(&mut self) {
        self.given.pop();
    }

    /// Wei given in the 24 hours before `now`.
    pub(super) fn given_in_a_day(&self, now: u64) -> U256 {
        let within = self.given.iter().filter(|entry| left(now, entry.at, DAY) > 0);
        within.fold(U256::ZERO, |sum, entry| sum.saturating_add(entry.wei))
    }

    /// Seconds until one more gift fits into the 24 hours before it.
    fn until_a_day_has_room(&self, now: u64) -> u64 {
        let mut within: Vec<(u64, U256)> = self
            .given
            .iter()
            .map(|entry| (left(now, entry.at, DAY), entry.wei))
            .filter(|(left, _)| *left > 0)
            .collect();
        within.sort_unstable();
        let (mut sum, mut wait) = (self.given_in_a_day(now), 0);
        for (left, wei) in within {
            if sum.saturating_add(self.terms.wei) <= self.terms.daily {
                break;
            }
            sum = sum.saturating_sub(wei);
            wait = left;
        }
        wait
    }
}

/// How many of the `span` seconds that began at `at` are left at `now`. A clock that was set back gives nobody more: what
/// lies ahead of it counts as long as it says.
fn left(now: u64, at: u64, span: u64) -> u64 {
    at.saturating_add(span).saturating_sub(now)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: u64 = 1_800_000_000;

    fn terms(wei: u64, every_s: u64, daily: u64) -> Terms {
        Terms { wei: U256::from(wei), every_s, daily: U256::from(daily) }
    }

    fn account(number: u8) -> Address {
        Address::repeat_byte(number)
    }

    fn give(book: &mut Book<u8>, now: u64, peer: u8, to: u8) -> Result<(), Refusal> {
        book.check(now, peer, account(to))?;
        book.add(now, peer, account(to));
        Ok(())
    }

    fn refused(reason: Reason, again_s: u64) -> Result<(), Refusal> {
        Err(Refusal { reason, again_s })
    }

    #[test]
    fn nobody_is_given_twice_within_the_interval_by_peer_or_by_account() {
        let mut book = Book::new(terms(1, 600, 100), Vec::new());
        assert_eq!(give(&mut book, NOON, 1, 1), Ok(()));
        assert_eq!(give(&mut book, NOON, 1, 2), refused(Reason::TooSoon, 600), "the peer");
        assert_eq!(give(&mut book, NOON + 1, 2, 1), refused(Reason::TooSoon, 599), "the account");
        assert_eq!(give(&mut book, NOON + 599, 1, 1), refused(Reason::TooSoon, 1));
        assert_eq!(give(&mut book, NOON + 600, 1, 1), Ok(()));
        assert_eq!(give(&mut book, NOON + 600, 2, 2), Ok(()), "others need not wait");
    }

    #[test]
    fn the_day_rolls_and_the_time_told_is_when_enough_is_free() {
        let mut book = Book::new(terms(4, 0, 10), Vec::new());
        assert_eq!(give(&mut book, NOON, 1, 1), Ok(()));
        assert_eq!(give(&mut book, NOON + 100, 2, 2), Ok(()));
        assert_eq!(book.given_in_a_day(NOON + 100), U256::from(8));
        assert_eq!(give(&mut book, NOON + 200, 3, 3), refused(Reason::GivenOut, DAY - 200));
        assert_eq!(give(&mut book, NOON + DAY, 3, 3), Ok(()));
        assert_eq!(give(&mut book, NOON + DAY, 4, 4), refused(Reason::GivenOut, 100));
        assert_eq!(book.given_in_a_day(NOON + 3 * DAY), U256::ZERO);
    }

    #[test]
    fn what_was_given_on_other_terms_counts() {
        let before = Entry { at: NOON, peer: 1, account: account(1), wei: U256::from(95) };
        let mut book = Book::new(terms(10, 60, 100), vec![before]);
        assert_eq!(give(&mut book, NOON + 60, 2, 2), refused(Reason::GivenOut, DAY - 60));
        assert_eq!(give(&mut book, NOON + 60, 1, 1), refused(Reason::GivenOut, DAY - 60), "the interval is over");
    }

    #[test]
    fn what_is_struck_out_was_not_given() {
        let mut book = Book::new(terms(1, 600, 1), Vec::new());
        assert_eq!(give(&mut book, NOON, 1, 1), Ok(()));
        book.strike_last();
        assert_eq!(give(&mut book, NOON, 1, 1), Ok(()));
    }

    #[test]
    fn a_full_book_gives_to_nobody_and_an_old_one_is_emptied() {
        let entry = |number: usize| Entry {
            at: NOON + number as u64,
            peer: number,
            account: Address::from_word(U256::from(number).into()),
            wei: U256::from(1),
        };
        let mut book = Book::new(terms(1, 2 * DAY, u64::MAX), (0..MAX_GIVEN).map(entry).collect());
        let (peer, last) = (MAX_GIVEN, NOON + MAX_GIVEN as u64);
        let full = book.check(last, peer, account(0xff));
        assert_eq!(full, refused(Reason::GivenOut, 2 * DAY - MAX_GIVEN as u64));
        assert_eq!(book.check(NOON + 2 * DAY, peer, account(0xff)), Ok(()));
        assert_eq!(book.entries().len(), MAX_GIVEN - 1);
        assert_eq!(book.check(last + 2 * DAY, peer, account(0xff)), Ok(()));
        assert!(book.entries().is_empty());
    }

    #[test]
    fn a_clock_that_is_set_back_gives_nobody_more() {
        let mut book = Book::new(terms(1, 600, 1), Vec::new());
        assert_eq!(give(&mut book, NOON, 1, 1), Ok(()));
        assert_eq!(give(&mut book, NOON - 7_200, 1, 1), refused(Reason::TooSoon, 7_800));
        assert_eq!(give(&mut book, NOON - 7_200, 2, 2), refused(Reason::GivenOut, DAY + 7_200));
    }

    proptest! {
        #[test]
        fn the_limits_hold_whoever_asks_whenever(
            wei in 1_u64..5,
            gifts in 1_u64..6,
            spare in 0_u64..4,
            every_s in prop_oneof![Just(0), 1_u64..3 * DAY],
            asked in prop::collection::vec((0_u64..DAY / 2, 0_u8..6, 0_u8..6), 1..120),
        ) {
            let terms = terms(wei, every_s, wei * gifts + spare);
            let mut book = Book::new(terms, Vec::new());
            let mut now = NOON;
            let mut given: Vec<(u64, u8, u8)> = Vec::new();
            for (later, peer, to) in asked {
                now += later;
                match give(&mut book, now, peer, to) {
                    Ok(()) => {
                        for (at, other, theirs) in &given {
                            prop_assert!(now - at >= every_s || (*other != peer && *theirs != to));
                        }
                        given.push((now, peer, to));
                        let within = given.iter().filter(|(at, ..)| now - at < DAY).count() as u64;
                        prop_assert!(U256::from(within * wei) <= terms.daily);
                        prop_assert_eq!(book.given_in_a_day(now), U256::from(within * wei));
                    }
                    Err(refusal) => {
                        prop_assert!(refusal.again_s > 0);
                        // The time told is the first at which that reason is none.
                        let at = |now| Book::new(terms, book.entries().to_vec()).check(now, peer, account(to));
                        let reason = |checked: Result<(), Refusal>| checked.err().map(|refusal| refusal.reason);
                        prop_assert_eq!(reason(at(now + refusal.again_s - 1)), Some(refusal.reason));
                        prop_assert_ne!(reason(at(now + refusal.again_s)), Some(refusal.reason));
                    }
                }
            }
            prop_assert!(book.entries().len() <= MAX_GIVEN);
        }
    }
}
