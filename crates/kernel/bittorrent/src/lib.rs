//! BitTorrent, v1 with the types of v2, as state machines and formats without any input or output of
//! their own: no sockets, no files, no clock, no global randomness. Bytes and times go in; bytes,
//! plans and deadlines come out. The shell that moves bytes is `weft-content`.
//!
//! ```
//! use sha1::{Digest as _, Sha1};
//! use weft_bittorrent::{create::Builder, layout::Layout, magnet::Magnet, metainfo::Metainfo};
//!
//! // Make a torrent of a folder with two files. The caller reads and hashes; here from memory.
//! let content = [b"first".as_slice(), b"second"];
//! let files = [("a.txt".to_owned(), 5), ("b/c.txt".to_owned(), 6)];
//! let plan = Builder::folder("things", files).created_by("weft").plan()?;
//! let mut hashes = Vec::new();
//! for piece in 0..plan.piece_count() {
//!     let mut sha1 = Sha1::new();
//!     for span in plan.spans(piece) {
//!         let start = span.offset as usize;
//!         sha1.update(&content[span.file as usize][start..start + span.len as usize]);
//!     }
//!     hashes.push(sha1.finalize().into());
//! }
//! let torrent = plan.finish(&hashes)?.to_bytes();
//!
//! // Read it, as a stranger would.
//! let meta = Metainfo::from_bytes(&torrent)?;
//! assert_eq!(meta.info.disk_path(1).unwrap(), std::path::Path::new("things/b/c.txt"));
//!
//! // Where do bytes 3 to 8 of piece 0 belong?
//! let layout = Layout::new(&meta.info);
//! let spans: Vec<_> = layout.spans(0, 3, 5).map(|span| (span.file, span.offset, span.len)).collect();
//! assert_eq!(spans, [(0, 3, 2), (1, 0, 3)]);
//!
//! // The link by which others find it.
//! let link = Magnet::new(&meta.info).to_string();
//! assert_eq!(link.parse::<Magnet>()?.info_hash(), Some(meta.info.info_hash()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Concepts
//!
//! *Formats* (no state): [`bencode`] is the encoding of everything; [`metainfo`] is the torrent file
//! and the info dictionary, whose exact bytes give the info-hash ([`id`]); [`magnet`] is the link;
//! [`create`] makes torrents; [`layout`] says which bytes of which files a piece is; [`merkle`] has
//! the hash trees of v2.
//!
//! *Trackers*: [`tracker`] builds and reads announces over HTTP and UDP, and says which tracker is due.
//!
//! *Peers*: [`wire`] is the vocabulary of the peer protocol, [`connection`] its framing over any
//! ordered byte stream by read and write plans, [`swarm`] the machine of one torrent that decides
//! what to ask of whom and whom to serve.
//!
//! # What holds everywhere
//!
//! - **All input is hostile.** Whatever a stranger can make grow has a named bound (`MAX_…`); nothing
//!   panics on any input; arithmetic on what was read is checked. The parsers are fuzzed (`fuzz/`),
//!   and the corpora are replayed by this crate's tests.
//! - **One reading.** Bencoding that two readers could take differently (a key twice, `i07e`, `i-0e`)
//!   is refused. libtorrent's test torrents are accepted and refused as libtorrent does.
//! - **Names are made safe once**, when the info dictionary is read: [`metainfo::FileEntry::path`] is
//!   relative, has no `..`, and is distinct from all others of the torrent.
//! - **Addresses are only data.** Trackers, peers and nodes that a stranger names are checked for
//!   form alone; whether they may be dialled (loopback, private ranges) is the caller's decision.
//!
//! # Specifications
//!
//! | BEP | here |
//! |-----|------|
//! | 3 | [`bencode`], [`metainfo`], [`wire`], [`swarm`], [`tracker::http`] |
//! | 5, 6, 10, 11 | [`wire`], [`connection`], [`swarm`], [`pex`] |
//! | 7, 23, 31, 48 | [`tracker::http`]: IPv6, compact peers, `retry in`, scrape |
//! | 9, 53 | [`magnet`]; metadata from peers in [`swarm`] |
//! | 12 | [`metainfo::Metainfo::announce`], [`tracker::schedule`] |
//! | 15, 41 | [`tracker::udp`] |
//! | 17, 19 | web seeds: read and written in [`metainfo`] and [`magnet`], fetched by the shell |
//! | 20 | [`id::PeerId`] |
//! | 27 | [`metainfo::Info::is_private`] |
//! | 47 | pads and links in [`metainfo`], [`layout`] |
//! | 52 | read, checked and hashed in [`metainfo`] and [`merkle`]; not yet traded over the wire |

pub mod addr;
pub mod bencode;
pub mod bitfield;
pub mod block;
pub mod choker;
pub mod connection;
pub mod create;
pub mod extension;
pub mod id;
pub mod layout;
pub mod magnet;
pub mod merkle;
pub mod metadata;
pub mod metainfo;
pub mod pex;
pub mod picker;
pub mod rate;
pub mod swarm;
pub mod tracker;
pub mod wire;
