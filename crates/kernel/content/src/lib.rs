//! The content engine: files in swarms, stored where the user put them.
//!
//! The shell around the sans-IO crate [`weft_bittorrent`]: storage, connections, peer sources, limits, resume. An
//! [`Engine`] holds a list of torrents; each is added from a `.torrent` file, a magnet link or an info-hash, or made from
//! a file or folder.
//!
//! ```no_run
//! use weft_content::{AddOptions, CreateControl, CreateOptions, Engine, EngineConfig, Seams, Source};
//!
//! # async fn example(seams: Seams) -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::start(EngineConfig::new("/home/ada/Downloads"), seams).await?;
//!
//! // Share a folder.
//! let shared = engine
//!     .create_and_share("/home/ada/photos".into(), CreateOptions::default(), CreateControl::default())
//!     .await?;
//! println!("{}", engine.magnet(shared.info_hash, true)?);
//!
//! // Get something.
//! let link = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567".to_owned();
//! let id = engine.add(Source::Magnet(link), AddOptions::default()).await?;
//! let done = engine.wait_complete(id).await?;
//! println!("{} is here: {} bytes", done.name, done.size);
//! engine.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Concepts
//! - A **torrent** is in one [`State`]. Trouble with the disk is a state too, with a message and what mends it; verified
//!   pieces stay in service, and the torrent goes on by itself when the trouble is mended.
//! - A **link** to a peer is whatever the [`Connector`](weft_overlay::Connector) opens: plain TCP to a socket address,
//!   TLS or the overlay to a Weft key. Peers of all kinds are in the same swarm; one peer has one connection, over the
//!   cheapest path that works.
//! - **Verified** means: the piece's hash was right and its data was written, in this order, before anybody is told of it.
//!   After a restart saved pieces count only while their files are as they were (see [`TroubleKind::FileChanged`]).
//! - A [`Reader`] reads a file while it arrives: what is read is fetched first (see [`reader`]).
//! - **Seams** are what the node gives the engine: connector, address guard, store, event sink, the DHT.
//! - Addresses that strangers name are dialled only if the [address guard](weft_overlay::guard) allows it. A **private**
//!   torrent (BEP 27) hears of peers from its own trackers and from its user alone.
//!
//! # Layers
//! From the bottom: `status`, `config`, `event` (types); `storage` (files, disk threads); `shell` (the hot path around the
//! swarm machine: peers' mailboxes, blocks on their way to pieces, rate limits); `peer` (one task a connection); `sources`
//! (trackers, candidates), `resume` (what survives); `torrent` (one task a torrent); `engine`.

mod config;
mod create;
mod discovery;
mod engine;
mod error;
mod event;
mod map;
mod peer;
pub mod reader;
mod resume;
mod seams;
mod shell;
mod sources;
mod status;
mod storage;
mod torrent;

pub use config::{AddOptions, Allocation, CreateOptions, EngineConfig, KnownPeer, RateLimits, Source};
pub use create::{CreateControl, CreateProgress, ProgressFn, SkipReason, Skipped};
pub use discovery::{DiscoveryError, PeerDiscovery, WeftHints};
pub use engine::{Engine, SharedContent};
pub use error::{AddError, ControlError, CreateError, ReadError, StartError};
pub use event::ContentEvent;
pub use map::{MAX_COLUMNS, MapGiver, MapRow, TorrentMap};
pub use peer::STREAM_TYPE;
pub use reader::Reader;
pub use seams::Seams;
pub use status::{
    EngineStatus, ExchangeStatus, FilePriority, FileStatus, PeerOrigin, PeerStatus, State, TorrentActivity,
    TorrentStatus, TrackerState, TrackerStatus, Trouble, TroubleKind, Weave,
};
pub use storage::{Action, StorageError};
pub use weft_bittorrent::id::InfoHash;
