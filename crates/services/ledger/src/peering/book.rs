//! Whom this node knows on its ledger, and when each is dialled next.

use std::collections::BTreeMap;
use std::time::Duration;

/// 256 peers are known; of those that never answered, the one tried most makes room.
pub(super) const MAX_KNOWN: usize = 256;

/// 24 links are kept up by dialling; beyond them it is left to others.
const ENOUGH: usize = 24;

/// 8 dials run at once.
const DIALS: usize = 8;

/// 500 ms, doubled at each failure, up to …
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// … 30 s: a validator that comes back is found within that.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Away { next: Duration, failures: u32 },
    Dialling { failures: u32 },
    Linked,
}

/// The book.
#[derive(Debug)]
pub(super) struct Book<P> {
    peers: BTreeMap<P, State>,
}

impl<P: Copy + Ord> Book<P> {
    pub(super) fn new() -> Self {
        Book { peers: BTreeMap::new() }
    }

    /// A peer may be on this ledger. Says whether that is new.
    pub(super) fn learn(&mut self, now: Duration, peer: P) -> bool {
        if self.peers.contains_key(&peer) {
            return false;
        }
        if self.peers.len() >= MAX_KNOWN && !self.make_room() {
            return false;
        }
        self.peers.insert(peer, State::Away { next: now, failures: 0 });
        true
    }

    fn make_room(&mut self) -> bool {
        let away = self.peers.iter().filter_map(|(peer, state)| match state {
            State::Away { failures, .. } if *failures > 0 => Some((*failures, *peer)),
            _ => None,
        });
        let Some((_, worst)) = away.max() else { return false };
        self.peers.remove(&worst).is_some()
    }

    /// A link to a peer is there, whoever dialled.
    pub(super) fn linked(&mut self, peer: P) {
        if self.peers.len() < MAX_KNOWN || self.peers.contains_key(&peer) || self.make_room() {
            self.peers.insert(peer, State::Linked);
        }
    }

    /// The last link to a peer is gone. `spread`, from 0 to 1, keeps two that lost one another from dialling at once.
    pub(super) fn lost(&mut self, now: Duration, peer: P, spread: f64) {
        if let Some(state) = self.peers.get_mut(&peer) {
            *state = State::Away { next: now + FIRST_PAUSE.mul_f64(spread), failures: 0 };
        }
    }

    /// Nobody answered.
    pub(super) fn failed(&mut self, now: Duration, peer: P, spread: f64) {
        if let Some(state @ State::Dialling { .. }) = self.peers.get_mut(&peer) {
            let State::Dialling { failures } = *state else { return };
            let pause = LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.saturating_pow(failures.min(10)));
            *state =
                State::Away { next: now + pause.mul_f64(0.5 + spread / 2.0), failures: failures.saturating_add(1) };
        }
    }

    /// It is not on this ledger, or does harm.
    pub(super) fn forget(&mut self, peer: P) {
        self.peers.remove(&peer);
    }

    /// Whom to dial now: those are marked as being dialled.
    pub(super) fn due(&mut self, now: Duration) -> Vec<P> {
        let count = |wanted: fn(&State) -> bool| self.peers.values().filter(|state| wanted(state)).count();
        let linked = count(|state| matches!(state, State::Linked));
        let dialling = count(|state| matches!(state, State::Dialling { .. }));
        let room = ENOUGH.saturating_sub(linked + dialling).min(DIALS.saturating_sub(dialling));
        let mut due = Vec::new();
        for (peer, state) in &mut self.peers {
            if due.len() == room {
                break;
            }
            if let State::Away { next, failures } = *state
                && next <= now
            {
                *state = State::Dialling { failures };
                due.push(*peer);
            }
        }
        due
    }

    /// When [`due`](Self::due) may give somebody.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let dialling = self.peers.values().filter(|state| matches!(state, State::Dialling { .. })).count();
        let linked = self.peers.values().filter(|state| matches!(state, State::Linked)).count();
        if linked + dialling >= ENOUGH || dialling >= DIALS {
            // One that ends makes room, and is an event of its own.
            return None;
        }
        let next = |state: &State| match state {
            State::Away { next, .. } => Some(*next),
            _ => None,
        };
        self.peers.values().filter_map(next).min()
    }

    /// Everybody known.
    pub(super) fn all(&self) -> impl Iterator<Item = P> {
        self.peers.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(50);

    #[test]
    fn who_does_not_answer_is_tried_ever_more_seldom() {
        let mut book = Book::new();
        assert!(book.learn(NOW, 1));
        assert!(!book.learn(NOW, 1));
        let mut now = NOW;
        let mut pauses = Vec::new();
        for _ in 0..9 {
            assert_eq!(book.due(now), [1]);
            assert_eq!(book.due(now), [0_u8; 0], "it is being dialled");
            book.failed(now, 1, 1.0);
            let next = book.deadline().unwrap();
            pauses.push((next - now).as_millis());
            now = next;
        }
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        assert_eq!(book.due(now), [1]);
        book.linked(1);
        assert_eq!(book.deadline(), None);
        book.lost(now, 1, 0.0);
        assert_eq!(book.due(now), [1], "tried at once, as if it had never failed");
    }

    #[test]
    fn the_book_is_bounded_and_those_who_answer_stay() {
        let mut book = Book::new();
        for peer in 0..MAX_KNOWN {
            book.linked(peer);
        }
        assert!(!book.learn(NOW, 9_999), "nobody makes room");
        book.lost(NOW, 7, 0.0);
        assert_eq!(book.due(NOW), Vec::<usize>::new(), "there are enough links");
        for peer in 0..MAX_KNOWN {
            book.lost(NOW, peer, 0.0);
        }
        let dialled = book.due(NOW);
        assert_eq!(dialled.len(), DIALS);
        book.failed(NOW, dialled[0], 0.0);
        assert!(book.learn(NOW, 9_999));
        assert!(!book.all().any(|peer| peer == dialled[0]));
    }
}
