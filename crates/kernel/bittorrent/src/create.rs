//! Torrents made from files (BEP 3): without reading any, so that the caller hashes as it likes.
//!
//! A [`Builder`] takes names and lengths and gives a [`Plan`], which says what to hash; the hashes
//! in order give the [`Metainfo`].
//!
//! ```
//! use sha1::{Digest as _, Sha1};
//! use weft_bittorrent::create::Builder;
//!
//! let content = b"hello, swarm";
//! let plan = Builder::folder("greetings", [("en/hello.txt".to_owned(), content.len() as u64)]).plan()?;
//! assert_eq!((plan.piece_count(), plan.piece_length()), (1, 16 * 1024));
//! let hashes = [Sha1::digest(content).into()];
//! let metainfo = plan.finish(&hashes)?;
//! assert_eq!(metainfo.info.files()[0].path(), "en/hello.txt");
//! # Ok::<(), weft_bittorrent::create::CreateError>(())
//! ```

use crate::{
    bencode::Item,
    layout::{Layout, Spans},
    metainfo::{
        FileEntry, Info, MAX_FILES, MAX_METAINFO_LEN, MAX_PIECE_LEN, MAX_PIECES, Metainfo, MetainfoError, PathRules,
        sanitise_component, seed_url, settle, tracker_url,
    },
};

/// The shortest automatic piece: one block of the peer protocol.
const MIN_AUTO_PIECE: u32 = 16 << 10;
/// The longest automatic piece: 16 MiB, so that a piece still fits every client's buffers.
const MAX_AUTO_PIECE: u32 = 16 << 20;
/// Pieces are made longer until there are no more than this: 40 kB of hashes, and `HAVE`s and
/// bitfields stay small, while a piece is still soon complete and passed on.
const AUTO_PIECES: u64 = 2_000;

/// Why no torrent can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// There is not one byte to share.
    #[error("there is nothing to share: no file has any content")]
    Empty,
    /// A name that others could not store as it is.
    #[error(
        "{path:?} cannot be shared under this name: it has control characters, a backslash, \
         text-direction marks or is too long; rename it"
    )]
    Name {
        /// The name or path.
        path: String,
    },
    /// Two files have one path.
    #[error("{path:?} is there twice, or is both a file and a folder; rename one")]
    Duplicate {
        /// The path.
        path: String,
    },
    /// Over [`MAX_FILES`].
    #[error("there are {count} files, more than the {MAX_FILES} of one torrent; share parts of the folder")]
    TooManyFiles {
        /// How many.
        count: usize,
    },
    /// Not a multiple of 16 KiB up to [`MAX_PIECE_LEN`].
    #[error("a piece length of {piece_length} bytes is not a power of two from 16384 to {MAX_PIECE_LEN}")]
    PieceLength {
        /// The length asked for.
        piece_length: u32,
    },
    /// Over [`MAX_PIECES`].
    #[error("there would be {count} pieces, more than {MAX_PIECES}; choose a longer piece length")]
    TooManyPieces {
        /// How many.
        count: u64,
    },
    /// The torrent file would be over [`MAX_METAINFO_LEN`].
    #[error("the torrent file would be larger than {MAX_METAINFO_LEN} bytes; choose a longer piece length")]
    TooLarge,
    /// Not an `http`, `https` or `udp` URL.
    #[error("{url:?} is not a usable tracker or web seed URL (http://, https:// or udp://)")]
    Url {
        /// What was given.
        url: String,
    },
    /// Another number of hashes than pieces.
    #[error("{found} piece hashes were given for {needed} pieces")]
    HashCount {
        /// Hashes given.
        found: usize,
        /// Pieces.
        needed: u32,
    },
    /// The result is not metainfo we would read.
    #[error("the torrent could not be made")]
    Metainfo(#[from] MetainfoError),
}

/// Collects what goes into a torrent.
#[derive(Debug, Clone)]
pub struct Builder {
    name: String,
    files: Vec<(String, u64)>,
    folder: bool,
    piece_length: Option<u32>,
    private: bool,
    source: Option<String>,
    trackers: Vec<Vec<String>>,
    web_seeds: Vec<String>,
    comment: Option<String>,
    created_by: Option<String>,
    creation_date: Option<i64>,
}

impl Builder {
    /// A torrent of one file.
    pub fn file(name: impl Into<String>, len: u64) -> Self {
        let name = name.into();
        Self::new(name.clone(), vec![(name, len)], false)
    }

    /// A torrent of a folder: paths relative to it with `/` between components, and lengths. The
    /// order is kept; sorted paths make the same folder the same torrent everywhere.
    pub fn folder(name: impl Into<String>, files: impl IntoIterator<Item = (String, u64)>) -> Self {
        Self::new(name.into(), files.into_iter().collect(), true)
    }

    fn new(name: String, files: Vec<(String, u64)>, folder: bool) -> Self {
        Self {
            name,
            files,
            folder,
            piece_length: None,
            private: false,
            source: None,
            trackers: Vec::new(),
            web_seeds: Vec::new(),
            comment: None,
            created_by: None,
            creation_date: None,
        }
    }

    /// Bytes in a piece, a power of two from 16 KiB. Without it: so long that there are about
    /// 1,000 to 2,000 pieces, from 16 KiB to 16 MiB.
    pub fn piece_length(mut self, piece_length: u32) -> Self {
        self.piece_length = Some(piece_length);
        self
    }

    /// Peers are to come from the trackers alone (BEP 27).
    pub fn private(mut self, private: bool) -> Self {
        self.private = private;
        self
    }

    /// A mark in the info dictionary that gives the same content another info-hash, as private
    /// trackers want it.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Tracker URLs in tiers, best first (BEP 12).
    pub fn trackers(mut self, tiers: Vec<Vec<String>>) -> Self {
        self.trackers = tiers;
        self
    }

    /// Web seeds that serve the files themselves (BEP 19).
    pub fn web_seeds(mut self, urls: Vec<String>) -> Self {
        self.web_seeds = urls;
        self
    }

    /// A remark for people.
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    /// The program that makes the file.
    pub fn created_by(mut self, program: impl Into<String>) -> Self {
        self.created_by = Some(program.into());
        self
    }

    /// When the file is made, in seconds since 1970.
    pub fn creation_date(mut self, seconds: i64) -> Self {
        self.creation_date = Some(seconds);
        self
    }

    /// Checks everything that can be checked before a byte is hashed.
    ///
    /// # Errors
    /// All of [`CreateError`] but those about hashes.
    pub fn plan(self) -> Result<Plan, CreateError> {
        if self.files.len() > MAX_FILES {
            return Err(CreateError::TooManyFiles { count: self.files.len() });
        }
        self.check_names()?;
        self.check_urls()?;
        let total = self.files.iter().try_fold(0u64, |sum, (_, len)| sum.checked_add(*len));
        let total = total.filter(|total| i64::try_from(*total).is_ok());
        let total = total.ok_or(CreateError::TooManyPieces { count: u64::MAX })?;
        if total == 0 {
            return Err(CreateError::Empty);
        }
        let piece_length = self.piece_length.unwrap_or_else(|| automatic_piece_length(total));
        if !piece_length.is_power_of_two() || !(MIN_AUTO_PIECE..=MAX_PIECE_LEN).contains(&piece_length) {
            return Err(CreateError::PieceLength { piece_length });
        }
        let count = total.div_ceil(piece_length.into());
        let piece_count = u32::try_from(count).ok().filter(|count| *count <= MAX_PIECES);
        let piece_count = piece_count.ok_or(CreateError::TooManyPieces { count })?;
        // What an entry takes beside its path: keys, lengths, and a prefix a component.
        let entries: usize = self.files.iter().map(|(path, _)| 2 * path.len() + 64).sum();
        if entries + piece_count as usize * 20 > MAX_METAINFO_LEN {
            return Err(CreateError::TooLarge);
        }
        let layout = Layout::of_lengths(self.files.iter().map(|(_, len)| *len), piece_length);
        let layout = layout.ok_or(CreateError::TooManyPieces { count })?;
        Ok(Plan { builder: self, piece_length, piece_count, total, layout })
    }

    /// Every name must come out of the reader as it went in, or a peer that shares a file would
    /// not find it again under the torrent's path.
    fn check_names(&self) -> Result<(), CreateError> {
        let rules = PathRules::native();
        let unchanged = |name: &str| sanitise_component(name.as_bytes(), rules).as_deref() == Some(name);
        if !unchanged(&self.name) {
            return Err(CreateError::Name { path: self.name.clone() });
        }
        if let Some((path, _)) = self.files.iter().find(|(path, _)| !path.split('/').all(unchanged)) {
            return Err(CreateError::Name { path: path.clone() });
        }
        let mut entries: Vec<FileEntry> = self.files.iter().map(|(path, len)| FileEntry::plain(path, *len)).collect();
        let settled = settle(&mut entries, rules);
        let renamed = self.files.iter().zip(&entries).find(|((path, _), entry)| path != entry.path());
        match (settled, renamed) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(((path, _), _))) => Err(CreateError::Duplicate { path: path.clone() }),
            (Err(error), _) => Err(error.into()),
        }
    }

    fn check_urls(&self) -> Result<(), CreateError> {
        let tracker = self.trackers.iter().flatten().find(|url| tracker_url(url).as_ref() != Some(url));
        let seed = self.web_seeds.iter().find(|url| seed_url(url).as_ref() != Some(url));
        match tracker.or(seed) {
            Some(url) => Err(CreateError::Url { url: url.clone() }),
            None => Ok(()),
        }
    }
}

fn automatic_piece_length(total: u64) -> u32 {
    let mut length = MIN_AUTO_PIECE;
    while length < MAX_AUTO_PIECE && total.div_ceil(length.into()) > AUTO_PIECES {
        length *= 2;
    }
    length
}

/// A torrent to be made, all but its piece hashes.
#[derive(Debug, Clone)]
pub struct Plan {
    builder: Builder,
    piece_length: u32,
    piece_count: u32,
    total: u64,
    layout: Layout,
}

impl Plan {
    /// Bytes in each piece but the last.
    pub fn piece_length(&self) -> u32 {
        self.piece_length
    }

    /// How many hashes [`Plan::finish`] wants.
    pub fn piece_count(&self) -> u32 {
        self.piece_count
    }

    /// Bytes in all.
    pub fn total_len(&self) -> u64 {
        self.total
    }

    /// The files, as they were given.
    pub fn files(&self) -> &[(String, u64)] {
        &self.builder.files
    }

    /// Where a piece's bytes come from; [`Span::file`](crate::layout::Span::file) is an index in
    /// [`Plan::files`].
    pub fn spans(&self, piece: u32) -> Spans<'_> {
        self.layout.spans(piece, 0, self.piece_length)
    }

    /// The torrent, from the SHA-1 of each piece in order.
    ///
    /// # Errors
    /// [`CreateError::HashCount`]; [`CreateError::Metainfo`] if what was made would not be read.
    pub fn finish(self, hashes: &[[u8; 20]]) -> Result<Metainfo, CreateError> {
        if hashes.len() != self.piece_count as usize {
            return Err(CreateError::HashCount { found: hashes.len(), needed: self.piece_count });
        }
        let info = Info::from_bytes(&self.info_bytes(hashes))?;
        let builder = self.builder;
        let mut metainfo = Metainfo::new(info);
        metainfo.announce = builder.trackers.into_iter().filter(|tier| !tier.is_empty()).collect();
        metainfo.url_list = builder.web_seeds;
        metainfo.comment = builder.comment;
        metainfo.created_by = builder.created_by;
        metainfo.creation_date = builder.creation_date;
        Ok(metainfo)
    }

    fn info_bytes(&self, hashes: &[[u8; 20]]) -> Vec<u8> {
        // Lengths were checked to fit 63 bits.
        let length = |len: u64| Item::Int(len as i64);
        let mut entries = vec![
            ("name", Item::from(self.builder.name.as_str())),
            ("piece length", Item::from(self.piece_length)),
            ("pieces", Item::bytes(hashes.as_flattened())),
        ];
        if self.builder.folder {
            let file = |(path, len): &'_ (String, u64)| {
                let path = Item::list(path.split('/').map(|part| Item::from(part.to_owned())));
                Item::dict([("length", length(*len)), ("path", path)])
            };
            entries.push(("files", Item::list(self.builder.files.iter().map(file))));
        } else {
            entries.push(("length", length(self.total)));
        }
        if self.builder.private {
            entries.push(("private", Item::from(1)));
        }
        if let Some(source) = &self.builder.source {
            entries.push(("source", Item::from(source.as_str())));
        }
        Item::dict(entries).encode()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(plan: &Plan) -> Vec<[u8; 20]> {
        (0..plan.piece_count()).map(|piece| [piece as u8; 20]).collect()
    }

    #[test]
    fn a_folder_comes_back_as_it_was() {
        let files = [("a/x".to_owned(), 40_000), ("a/y".to_owned(), 0), ("b".to_owned(), 7)];
        let plan = Builder::folder("things", files.clone())
            .private(true)
            .source("S")
            .trackers(vec![vec!["http://t.example/announce".into(), "udp://u.example:1".into()], vec![]])
            .web_seeds(vec!["http://w.example/".into()])
            .comment("c")
            .created_by("weft")
            .creation_date(1)
            .plan()
            .unwrap();
        let covered: u64 = (0..plan.piece_count()).flat_map(|piece| plan.spans(piece)).map(|s| u64::from(s.len)).sum();
        assert_eq!(covered, plan.total_len());
        let hashes = hashes(&plan);
        let meta = plan.finish(&hashes).unwrap();
        assert!(meta.info.is_private() && meta.info.is_folder());
        let paths: Vec<_> = meta.info.files().iter().map(|f| (f.path().to_owned(), f.len())).collect();
        assert_eq!(paths, files);
        assert_eq!(meta.info.piece_hash(2), Some([2; 20]));
        assert_eq!(Metainfo::from_bytes(&meta.to_bytes()).unwrap(), meta);
        assert_eq!(meta.announce.len(), 1);
    }

    #[test]
    fn the_source_changes_the_info_hash() {
        let make = |builder: Builder| {
            let plan = builder.plan().unwrap();
            let hashes = hashes(&plan);
            plan.finish(&hashes).unwrap().info.info_hash()
        };
        let file = || Builder::file("f", 1);
        assert_eq!(make(file()), make(file().comment("outside")));
        assert_ne!(make(file()), make(file().source("x")));
    }

    #[test]
    fn automatic_piece_lengths() {
        let auto = |total| Builder::file("f", total).plan().map(|plan| (plan.piece_length(), plan.piece_count()));
        assert_eq!(auto(1), Ok((16 << 10, 1)));
        assert_eq!(auto(1 << 30), Ok((1 << 20, 1024)));
        assert_eq!(auto(1 << 40), Ok((16 << 20, 65_536)));
        for shift in 25..34 {
            let (_, count) = auto(3 << shift).unwrap();
            assert!((1_000..=2_000).contains(&count), "{count}");
        }
        assert!(matches!(auto(u64::MAX), Err(CreateError::TooManyPieces { .. })));
        assert!(matches!(auto(1 << 46), Err(CreateError::TooManyPieces { .. })));
    }

    #[test]
    fn refusals() {
        let folder = |paths: &[&str]| {
            Builder::folder("n", paths.iter().map(|path| ((*path).to_owned(), 1))).plan().map(|_| ()).unwrap_err()
        };
        for bad in ["../x", "/x", "a//b", "a\\b", "", ".", "a\nb", "\u{202e}x"] {
            assert!(matches!(folder(&[bad]), CreateError::Name { .. }), "{bad:?}");
        }
        assert_eq!(folder(&["a", "a"]), CreateError::Duplicate { path: "a".into() });
        assert_eq!(folder(&["a/b", "a"]), CreateError::Duplicate { path: "a".into() });
        assert_eq!(folder(&[]), CreateError::Empty);
        let file = || Builder::file("f", 1);
        let tracker = file().trackers(vec![vec!["nonsense".into()]]).plan().map(|_| ());
        assert_eq!(tracker, Err(CreateError::Url { url: "nonsense".into() }));
        for bad in [0, 1, 8 << 10, 48 << 10, 1 << 30] {
            let refused = file().piece_length(bad).plan().map(|_| ());
            assert_eq!(refused, Err(CreateError::PieceLength { piece_length: bad }));
        }
        let plan = file().plan().unwrap();
        assert!(matches!(plan.finish(&[]), Err(CreateError::HashCount { found: 0, needed: 1 })));
    }
}
