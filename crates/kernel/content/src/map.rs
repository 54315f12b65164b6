//! A torrent's pieces drawn in columns: who gave them, who has them, and what is being fetched now.
//!
//! The machine is held only as long as its bits are copied; everything else is counted afterwards.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use weft_bittorrent::bitfield::Bitfield;
use weft_bittorrent::swarm::{PeerView, PieceView};
use weft_overlay::{PathKind, PeerKey};

/// 2,048 columns: more than a screen has pixels to tell apart.
pub const MAX_COLUMNS: u32 = 2_048;

/// 32 peers have a row: what fits a screen. The map says of all of them how many have each column.
pub(crate) const MAX_ROWS: usize = 32;

/// A torrent's pieces in columns. Column `c` covers the pieces from `c * pieces / columns` up to, and without,
/// `(c + 1) * pieces / columns`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TorrentMap {
    /// Number of pieces.
    pub pieces: u32,
    /// Bytes a piece.
    pub piece_length: u32,
    /// Number of columns: as many as were asked for, at most one a piece.
    pub columns: u32,
    /// Number of verified pieces.
    pub pieces_done: u32,
    /// Who gave pieces, the first being nobody: here before this start, or our own.
    pub givers: Vec<MapGiver>,
    /// For each column the index among `givers` of who gave most of its verified pieces; -1 where none is here.
    pub giver: Vec<i32>,
    /// For each column the percentage of its pieces that are verified.
    pub have: Vec<u8>,
    /// Columns with a piece that is being fetched now, ascending.
    pub reading: Vec<u32>,
    /// For each column how many connected peers have its rarest piece.
    pub availability: Vec<u32>,
    /// Connected peers, those that gave most over this connection first; 32 at most.
    pub rows: Vec<MapRow>,
}

/// Who gave pieces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct MapGiver {
    /// Its key if proven, else its address; empty for what was here before this start, or is our own.
    pub peer: String,
    /// How many of the verified pieces it gave.
    pub pieces: u32,
}

/// One connected peer's pieces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct MapRow {
    /// What it is called: its key if proven, else its address.
    pub peer: String,
    /// Its key, if it has proven one.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub key: Option<PeerKey>,
    /// Its address, where there is one.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub address: Option<SocketAddr>,
    /// The client, as its peer id or extended handshake names it.
    pub client: String,
    /// The path bytes take.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub path: PathKind,
    /// It has everything.
    pub seed: bool,
    /// For each column the percentage of its pieces that this peer has; none for a seed.
    pub have: Option<Vec<u8>>,
    /// Columns with a piece that is asked of this peer now, ascending.
    pub reading: Vec<u32>,
}

/// The pieces of each of `columns` columns over `pieces`: the first, and the first after them.
pub(crate) fn columns(pieces: u32, columns: u32) -> impl Iterator<Item = (u32, u32)> {
    let edge = move |column: u32| {
        // Never more than `pieces`, which has 32 bits.
        (u64::from(column) * u64::from(pieces) / u64::from(columns.max(1))) as u32
    };
    (0..columns).map(move |column| (edge(column), edge(column + 1)))
}

/// Finds who is named most often, again and again without a new table.
pub(crate) struct Tally {
    counts: Vec<u32>,
    named: Vec<u16>,
}

impl Tally {
    /// For indices below `indices`.
    pub(crate) fn new(indices: usize) -> Self {
        Tally { counts: vec![0; indices], named: Vec::new() }
    }

    /// The index named most often, the lowest of several; 0 if none is.
    pub(crate) fn most(&mut self, named: impl Iterator<Item = u16>) -> u16 {
        for index in named {
            let Some(count) = self.counts.get_mut(usize::from(index)) else { continue };
            if *count == 0 {
                self.named.push(index);
            }
            *count += 1;
        }
        let mut best = (0, 0);
        for index in self.named.drain(..) {
            let count = std::mem::take(&mut self.counts[usize::from(index)]);
            if count > best.0 || (count == best.0 && index < best.1) {
                best = (count, index);
            }
        }
        best.1
    }
}

/// What is known of the pieces and of who gave them.
pub(crate) struct Drawn {
    pub(crate) view: PieceView,
    /// For each piece the index of its giver; empty if nobody gave any.
    pub(crate) of_piece: Vec<u16>,
    /// Everybody's name by index.
    pub(crate) names: Vec<String>,
}

impl Drawn {
    /// The map without its rows.
    pub(crate) fn map(&self, wanted: u32) -> TorrentMap {
        let view = &self.view;
        let pieces = view.have.len();
        let columns = wanted.clamp(1, MAX_COLUMNS).min(pieces);
        let (givers, index) = self.givers();
        let mut tally = Tally::new(self.names.len());
        let mut map = TorrentMap {
            pieces,
            piece_length: view.geometry.nominal_piece_len(),
            columns,
            pieces_done: view.have.count(),
            givers,
            giver: Vec::new(),
            have: percent(&view.have, columns),
            reading: column_of(&view.reading, pieces, columns),
            availability: Vec::new(),
            rows: Vec::new(),
        };
        for (from, to) in self::columns(pieces, columns) {
            let here = (from..to).filter(|piece| view.have.contains(*piece));
            map.giver.push(match view.have.count_between(from, to) {
                0 => -1,
                _ if self.of_piece.is_empty() => 0,
                _ => index[usize::from(tally.most(here.map(|piece| self.of(piece))))],
            });
            let span = view.availability.get(from as usize..to as usize).unwrap_or_default();
            map.availability.push(span.iter().min().copied().unwrap_or_default() + view.seeds);
        }
        map
    }

    fn of(&self, piece: u32) -> u16 {
        self.of_piece.get(piece as usize).copied().unwrap_or_default()
    }

    /// Who gave any of the verified pieces, and for each index of ours the one in that list.
    fn givers(&self) -> (Vec<MapGiver>, Vec<i32>) {
        let mut pieces = vec![0u32; self.names.len().max(1)];
        if self.of_piece.is_empty() {
            pieces[0] = self.view.have.count();
        } else {
            self.view.have.iter().for_each(|piece| pieces[usize::from(self.of(piece))] += 1);
        }
        let mut givers = Vec::new();
        let mut index = vec![0; pieces.len()];
        for (at, (name, pieces)) in self.names.iter().zip(&pieces).enumerate() {
            if at == 0 || *pieces > 0 {
                index[at] = givers.len() as i32; // as many as have a name, which are few
                givers.push(MapGiver { peer: name.clone(), pieces: *pieces });
            }
        }
        (givers, index)
    }
}

/// What a row says of a peer's pieces: `have` and `reading`.
pub(crate) fn row(view: &PeerView, columns: u32) -> (bool, Option<Vec<u8>>, Vec<u32>) {
    let pieces = view.pieces.len();
    let seed = pieces > 0 && view.pieces.is_full();
    let have = (!seed).then(|| percent(&view.pieces, columns));
    (seed, have, column_of(&view.reading, pieces, columns))
}

/// For each column the percentage of its pieces in `set`: 100 only if all are, 0 only if none is.
fn percent(set: &Bitfield, columns: u32) -> Vec<u8> {
    let share = |(from, to): (u32, u32)| {
        let (part, whole) = (u64::from(set.count_between(from, to)), u64::from(to - from).max(1));
        let percent = if part == 0 { 0 } else { (part * 100 / whole).max(1) };
        percent as u8 // 100 at most
    };
    self::columns(set.len(), columns).map(share).collect()
}

/// The columns that hold `pieces`, which are ascending.
fn column_of(pieces: &[u32], all: u32, columns: u32) -> Vec<u32> {
    let column = |piece: &u32| {
        // The last column that begins at or before the piece.
        let (piece, all) = (u64::from(*piece), u64::from(all.max(1)));
        (((piece + 1) * u64::from(columns) - 1) / all) as u32
    };
    let mut found: Vec<u32> = pieces.iter().map(column).collect();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use weft_bittorrent::swarm::Geometry;

    use super::*;

    fn drawn(pieces: u32, have: impl IntoIterator<Item = u32>, of_piece: Vec<u16>, names: &[&str]) -> Drawn {
        let mut set = Bitfield::new(pieces);
        have.into_iter().for_each(|piece| assert!(set.insert(piece)));
        let view = PieceView {
            geometry: Geometry::new(1 << 14, u64::from(pieces) << 14).unwrap(),
            have: set,
            reading: vec![2, 3, 9],
            availability: (0..pieces).map(|piece| piece % 3).collect(),
            seeds: 2,
        };
        Drawn { view, of_piece, names: names.iter().map(|name| (*name).to_owned()).collect() }
    }

    #[test]
    fn columns_say_who_gave_most_of_what_is_here() {
        let by = vec![0, 1, 3, 3, 3, 0, 0, 0, 0, 0];
        let map = drawn(10, [0, 1, 2, 3], by, &["", "a", "gone", "b"]).map(5);
        assert_eq!((map.columns, map.pieces, map.pieces_done, map.piece_length), (5, 10, 4, 1 << 14));
        let giver = |peer: &str, pieces| MapGiver { peer: peer.into(), pieces };
        assert_eq!(map.givers, [giver("", 1), giver("a", 1), giver("b", 2)]);
        assert_eq!(map.giver, [0, 2, -1, -1, -1]);
        assert_eq!(map.have, [100, 100, 0, 0, 0]);
        assert_eq!(map.reading, [1, 4]);
        assert_eq!(map.availability, [2, 2, 3, 2, 2]);
        let own = drawn(3, [0, 1, 2], Vec::new(), &[""]).map(MAX_COLUMNS + 9);
        assert_eq!((own.columns, own.givers, own.giver), (3, vec![giver("", 3)], vec![0, 0, 0]));
    }

    #[test]
    fn a_row_of_a_seed_needs_no_columns() {
        let view = PeerView { pieces: Bitfield::full(100), reading: vec![0, 50, 51] };
        assert_eq!(row(&view, 10), (true, None, vec![0, 5]));
        let mut some = Bitfield::new(1000);
        some.insert(999);
        let (seed, have, _) = row(&PeerView { pieces: some, reading: Vec::new() }, 2);
        assert_eq!((seed, have), (false, Some(vec![0, 1])), "a little is not nothing");
    }

    proptest! {
        #[test]
        fn every_piece_is_in_the_column_that_covers_it(pieces in 1u32..5_000, wanted in 1u32..3_000) {
            let count = wanted.min(MAX_COLUMNS).min(pieces);
            let spans: Vec<(u32, u32)> = columns(pieces, count).collect();
            prop_assert_eq!((spans[0].0, spans.last().unwrap().1), (0, pieces));
            prop_assert!(spans.windows(2).all(|pair| pair[0].1 == pair[1].0) && spans.iter().all(|(a, b)| a < b));
            for piece in [0, pieces / 3, pieces / 2, pieces - 1] {
                let column = column_of(&[piece], pieces, count)[0];
                let (from, to) = spans[column as usize];
                prop_assert!((from..to).contains(&piece), "{} in {}", piece, column);
            }
        }
    }
}
