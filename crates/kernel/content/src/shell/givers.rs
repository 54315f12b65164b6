//! Who gave each piece since this start.
//!
//! Two bytes a piece, from the first piece that is given on: a torrent that only seeds keeps nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;

use weft_bittorrent::bitfield::Bitfield;
use weft_bittorrent::swarm::PeerKey as SwarmKey;

use super::peer_entry::PeerEntry;
use crate::map::{Tally, columns};
use crate::status::Weave;

/// 1,000 givers have a name, as many as are remembered with what was exchanged with them. What comes from more (a peer may
/// come back from another port each time) counts as given by [`OTHERS`].
const MAX_GIVERS: u16 = 1_000;

/// Who gave what came from more peers than have a name.
const OTHERS: &str = "others";

/// The index of nobody: here before this start, or our own.
const OURS: u16 = 0;

/// 64 names of peers that left are kept: their last pieces are verified within moments.
const MAX_LEFT: usize = 64;

/// 64 columns: what a list shows of a torrent in one line.
const WEAVE_COLUMNS: u32 = 64;

/// A character an index in a weave.
const LETTERS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Who gave each piece.
#[derive(Debug, Default)]
pub(crate) struct Givers {
    /// Names from index 1 on.
    names: Vec<String>,
    by_name: HashMap<String, u16>,
    /// The index of each piece's giver. Empty until one was given.
    of_piece: Vec<u16>,
    left: VecDeque<(SwarmKey, String)>,
}

impl Givers {
    /// A peer's connection ended: pieces that it gave may still be verified.
    pub(super) fn left(&mut self, peer: SwarmKey, entry: &PeerEntry) {
        if entry.traffic.down.load(Ordering::Relaxed) == 0 {
            return;
        }
        if self.left.len() >= MAX_LEFT {
            self.left.pop_front();
        }
        self.left.push_back((peer, entry.name()));
    }

    /// A piece of `pieces` was given by `peer`, whose entry is there unless it left.
    pub(super) fn gave(&mut self, piece: u32, pieces: u32, peer: SwarmKey, entry: Option<&PeerEntry>) {
        let name = match entry {
            Some(entry) => entry.name(),
            None => {
                let left = self.left.iter().find(|(left, _)| *left == peer);
                left.map_or_else(|| OTHERS.to_owned(), |(_, name)| name.clone())
            }
        };
        let index = self.index(name);
        if self.of_piece.is_empty() {
            self.of_piece = vec![OURS; pieces as usize];
        }
        if let Some(giver) = self.of_piece.get_mut(piece as usize) {
            *giver = index;
        }
    }

    fn index(&mut self, name: String) -> u16 {
        if let Some(index) = self.by_name.get(&name) {
            return *index;
        }
        let next = u16::try_from(self.names.len() + 1).unwrap_or(u16::MAX);
        let (name, index) = if next < MAX_GIVERS { (name, next) } else { (OTHERS.to_owned(), next.min(MAX_GIVERS)) };
        if let Some(index) = self.by_name.get(&name) {
            return *index;
        }
        self.names.push(name.clone());
        self.by_name.insert(name, index);
        index
    }

    /// A piece was lost: whoever gives it next is its giver.
    pub(super) fn forget(&mut self, piece: u32) {
        if let Some(giver) = self.of_piece.get_mut(piece as usize) {
            *giver = OURS;
        }
    }

    /// Every piece is as it was found on disk.
    pub(super) fn forget_pieces(&mut self) {
        *self = Self::default();
    }

    /// The index of a piece's giver; 0 is nobody.
    pub(crate) fn of(&self, piece: u32) -> u16 {
        self.of_piece.get(piece as usize).copied().unwrap_or(OURS)
    }

    /// Everybody's name by index, nobody's (which is empty) first.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once("").chain(self.names.iter().map(String::as_str))
    }

    /// For each piece the index of its giver; empty if nobody gave any.
    pub(crate) fn of_pieces(&self) -> &[u16] {
        &self.of_piece
    }

    /// The pieces in `have` as a strip.
    pub(crate) fn weave(&self, have: &Bitfield) -> Weave {
        let mut tally = Tally::new(self.names.len() + 1);
        let mut cells: Vec<Option<u16>> = Vec::new();
        for (column, (from, to)) in (0..).zip(columns(have.len(), have.len().min(WEAVE_COLUMNS))) {
            let here = have.count_between(from, to);
            cells.push(is_woven(column, here, to - from).then(|| match self.of_piece.is_empty() {
                true => OURS,
                false => tally.most((from..to).filter(|piece| have.contains(*piece)).map(|piece| self.of(piece))),
            }));
        }
        // Only those that can be seen, in the order in which they first gave something.
        let mut seen: Vec<u16> = cells.iter().flatten().copied().filter(|index| *index != OURS).collect();
        seen.sort_unstable();
        seen.dedup();
        let shown = LETTERS.len() - 2; // beside nobody and, if need be, the others
        let crowded = seen.len() > shown + 1;
        if crowded {
            seen.truncate(shown);
        }
        let all: Vec<&str> = self.names().collect();
        let name = |index: &u16| all.get(usize::from(*index)).map_or_else(String::new, |name| (*name).to_owned());
        let mut givers: Vec<String> = std::iter::once(String::new()).chain(seen.iter().map(name)).collect();
        if crowded {
            givers.push(OTHERS.to_owned());
        }
        let letter = |cell: &Option<u16>| match cell {
            None => '.',
            Some(OURS) => '0',
            Some(index) => {
                let at = seen.binary_search(index).map_or(givers.len() - 1, |at| at + 1);
                char::from(LETTERS[at.min(LETTERS.len() - 1)])
            }
        };
        let cells = cells.iter().map(letter).collect();
        Weave { givers, cells }
    }
}

/// Whether a column of which `here` of `pieces` pieces are here is drawn as woven.
///
/// Pieces come rarest first, so every column of a large torrent fills at the same pace: with one threshold for all of them
/// a strip would stay empty and then be full at once. With 64 thresholds, spread as evenly as bit reversal spreads them,
/// as many columns are woven as the torrent is done, and one that is woven stays so.
fn is_woven(column: u32, here: u32, pieces: u32) -> bool {
    let threshold = column.reverse_bits() >> (u32::BITS - WEAVE_COLUMNS.ilog2());
    u64::from(here) * u64::from(WEAVE_COLUMNS) > u64::from(threshold) * u64::from(pieces)
}

impl Weave {
    /// A strip of `pieces` of which nothing is known yet.
    pub(crate) fn unknown(pieces: u32) -> Self {
        Weave { givers: vec![String::new()], cells: ".".repeat(pieces.min(WEAVE_COLUMNS) as usize) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use weft_bittorrent::id::PeerId;

    use super::*;

    fn given(givers: &mut Givers, piece: u32, pieces: u32, name: &str) {
        let index = givers.index(name.to_owned());
        if givers.of_piece.is_empty() {
            givers.of_piece = vec![OURS; pieces as usize];
        }
        givers.of_piece[piece as usize] = index;
    }

    #[test]
    fn a_strip_names_who_gave_most_of_each_column() {
        let mut givers = Givers::default();
        let mut have = Bitfield::new(128);
        assert_eq!(givers.weave(&have), Weave::unknown(128));
        (0..8).for_each(|p| assert!(have.insert(p)));
        have.insert(9); // one of its column's two
        have.insert(12);
        for piece in [2, 3, 4, 12] {
            given(&mut givers, piece, 128, if piece < 4 { "a" } else { "b" });
        }
        let weave = givers.weave(&have);
        assert_eq!(weave.givers, ["", "a", "b"]);
        assert_eq!(&weave.cells[..8], "01000.2.", "a tie goes to who was there first");
        givers.forget(2);
        givers.forget(3);
        assert_eq!(&givers.weave(&have).cells[..2], "00");
        assert_eq!(givers.weave(&have).givers, ["", "b"], "who cannot be seen is not named");
    }

    #[test]
    fn as_many_columns_are_woven_as_the_torrent_is_done() {
        for pieces in [1, 3, 11, 64, 1000] {
            let mut before = 0;
            for here in 0..=pieces {
                let woven = (0..WEAVE_COLUMNS).filter(|column| is_woven(*column, here, pieces)).count() as u32;
                assert!(woven >= before, "one that is woven stays so");
                assert!(woven.abs_diff(WEAVE_COLUMNS * here / pieces) <= 1, "{woven} columns at {here} of {pieces}");
                before = woven;
            }
            assert_eq!(before, WEAVE_COLUMNS);
        }
    }

    #[test]
    fn more_givers_than_letters_are_others() {
        let mut givers = Givers::default();
        let have = Bitfield::full(64);
        for piece in 0..64 {
            given(&mut givers, piece, 64, &format!("{}-{piece}", "x".repeat(64)));
        }
        let weave = givers.weave(&have);
        assert_eq!((weave.givers.len(), weave.cells.len()), (62, 64));
        assert_eq!(weave.givers.last().map(String::as_str), Some(OTHERS));
        assert!(weave.cells.ends_with("YZZZZ"), "{}", weave.cells);
        let size = serde_json_len(&weave);
        assert!(size < weft_events::MAX_EVENT_BYTES / 2, "{size} bytes");
    }

    /// What it takes as JSON: names have nothing to escape.
    fn serde_json_len(weave: &Weave) -> usize {
        weave.givers.iter().map(|name| name.len() + 3).sum::<usize>() + weave.cells.len() + 30
    }

    #[test]
    fn names_are_bounded() {
        let mut givers = Givers::default();
        for piece in 0..3_000 {
            given(&mut givers, piece, 3_000, &format!("{piece}"));
        }
        assert_eq!((givers.names.len(), givers.by_name.len()), (usize::from(MAX_GIVERS), usize::from(MAX_GIVERS)));
        assert_eq!((givers.of(998), givers.of(999), givers.of(2_999)), (999, MAX_GIVERS, MAX_GIVERS));
        assert_eq!(givers.names().last(), Some(OTHERS));
        assert_eq!(givers.names().nth(usize::from(givers.of(7))), Some("7"));
    }

    #[test]
    fn one_that_left_is_still_named() {
        let mut swarm = weft_bittorrent::swarm::Swarm::from_magnet(
            weft_bittorrent::swarm::SwarmConfig::new(weft_bittorrent::id::InfoHash([1; 20]), 1),
            std::time::Instant::now(),
        );
        let handshake = weft_bittorrent::wire::Handshake {
            reserved: weft_bittorrent::wire::Reserved::ours(false),
            info_hash: weft_bittorrent::id::InfoHash([1; 20]),
            peer_id: PeerId::from([2; 20]),
        };
        let params = weft_bittorrent::swarm::PeerParams { addr: None, outgoing: true, handshake, weft: false };
        let peer = swarm.peer_connected(std::time::Instant::now(), params).unwrap();
        let mut givers = Givers { left: [(peer, "gone".to_owned())].into(), ..Givers::default() };
        givers.gave(1, 4, peer, None);
        givers.left.clear();
        givers.gave(2, 4, peer, None);
        givers.gave(9, 4, peer, None);
        let name = |piece| givers.names().nth(usize::from(givers.of(piece)));
        assert_eq!((name(0), name(1), name(2), name(9)), (Some(""), Some("gone"), Some(OTHERS), Some("")));
    }

    proptest! {
        /// The strip agrees with its definition whatever is here and whoever gave it.
        #[test]
        fn the_strip_is_what_it_is_said_to_be(
            pieces in 1u32..300,
            here in proptest::collection::vec(any::<bool>(), 300),
            by in proptest::collection::vec(0u8..80, 300),
        ) {
            let mut givers = Givers::default();
            let mut have = Bitfield::new(pieces);
            for piece in 0..pieces {
                if here[piece as usize] {
                    have.insert(piece);
                    if by[piece as usize] > 0 {
                        given(&mut givers, piece, pieces, &format!("g{}", by[piece as usize]));
                    }
                }
            }
            let weave = givers.weave(&have);
            let columns = pieces.min(64);
            prop_assert_eq!(weave.cells.len() as u32, columns);
            prop_assert!(weave.givers.len() <= 62 && weave.givers[0].is_empty());
            for (c, cell) in (0..columns).zip(weave.cells.bytes()) {
                let range = c * pieces / columns..(c + 1) * pieces / columns;
                let mine: Vec<u32> = range.clone().filter(|p| have.contains(*p)).collect();
                prop_assert_eq!(cell != b'.', is_woven(c, mine.len() as u32, range.len() as u32));
                if cell != b'.' {
                    let at = LETTERS.iter().position(|l| *l == cell).unwrap();
                    let name = &weave.givers[at];
                    let count = |index: u16| mine.iter().filter(|p| givers.of(**p) == index).count();
                    let most = mine.iter().map(|p| count(givers.of(*p))).max().unwrap();
                    let index = givers.names().position(|n| n == name);
                    prop_assert!(name == OTHERS || index.is_some_and(|i| count(i as u16) == most));
                }
            }
        }
    }
}
