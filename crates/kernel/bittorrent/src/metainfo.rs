//! Metainfo: torrent files and the info dictionaries in them (BEP 3, 12, 19, 27, 47, 52).
//!
//! [`Info`] is what a torrent *is*: its bytes give the info-hash, and the files, pieces and hashes
//! follow from it. [`Metainfo`] is a torrent file: an [`Info`] and where to find peers.
//!
//! Everything here comes from strangers. Sizes are bounded by the constants below, paths are made
//! relative, distinct and free of tricks ([`sanitise_component`]), pads are never written, links
//! stay inside the torrent, and the two halves of a hybrid torrent must agree.

mod error;
mod file;
mod info;
mod outer;
mod path;
mod v1;
mod v2;

pub use error::MetainfoError;
pub(crate) use file::settle;
pub use file::{FileEntry, FileKind};
pub use info::{Info, Version};
pub use outer::Metainfo;
pub(crate) use outer::{seed_url, tracker_url};
pub use path::{MAX_COMPONENT_LEN, MAX_PATH_DEPTH, MAX_PATH_LEN, PathRules, sanitise_component};
pub use v2::PieceLayers;

/// The largest torrent file, and the largest info dictionary taken from peers, in bytes: the hashes
/// of 25 TiB in pieces of 16 MiB; libtorrent takes 30 MiB from peers.
pub const MAX_METAINFO_LEN: usize = 32 << 20;
/// The most pieces (libtorrent's bound): state a piece stays in the tens of megabytes.
pub const MAX_PIECES: u32 = 1 << 21;
/// The longest piece (libtorrent's bound). Pieces this long never sit in memory whole.
pub const MAX_PIECE_LEN: u32 = 536_854_528;
/// The most files, pads included: some 25 MB of entries. Twice the largest source trees.
pub const MAX_FILES: usize = 1 << 18;
/// The most renames of files whose path another file has (libtorrent's bound).
pub const MAX_DUPLICATE_NAMES: u32 = 50;
/// The most trackers kept: announcing to more is no use.
pub const MAX_TRACKERS: usize = 128;
/// The most web seeds kept, of each kind.
pub const MAX_WEB_SEEDS: usize = 64;
/// The most DHT nodes kept (BEP 5); a routing bucket has 8.
pub const MAX_NODES: usize = 64;
/// The longest URL kept, in bytes: what browsers and proxies take.
pub const MAX_URL_LEN: usize = 2_048;
/// The longest comment or program name kept, in bytes: what a page can show.
pub const MAX_TEXT_LEN: usize = 4_096;

#[cfg(test)]
mod tests;
