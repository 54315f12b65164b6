//! Why an operation on the engine failed: one enum an operation.

use std::path::PathBuf;

use weft_bittorrent::id::InfoHash;

use crate::config::MAX_READERS;
use crate::status::Trouble;
use crate::storage::StorageError;

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The HTTP client for trackers could not be built.
    #[error("the HTTP client for trackers could not be set up")]
    Http(#[source] reqwest::Error),
    /// The threads for reading and writing could not be started.
    #[error("the disk threads could not be started: the system's limit of threads may be reached")]
    Threads(#[source] std::io::Error),
}

/// Why a torrent was not added.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// The metainfo is not a torrent, or one that is refused.
    #[error("this is not a usable torrent")]
    Metainfo(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The magnet link cannot be read.
    #[error("this is not a usable magnet link")]
    Magnet(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It is in the list already.
    #[error("{0} is in the list already")]
    Exists(InfoHash),
    /// The list is full.
    #[error("the list holds {limit} torrents, which is its bound: remove one, or raise `content.max_torrents`")]
    TooMany {
        /// The bound in force.
        limit: usize,
    },
    /// A selection names a file the torrent does not have.
    #[error("file {index} is not in this torrent, which has {files}: see `weft show`")]
    NoSuchFile {
        /// What was named.
        index: usize,
        /// How many there are.
        files: usize,
    },
    /// The engine is shutting down.
    #[error("the node is shutting down")]
    ShuttingDown,
}

/// Why no torrent was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// Nothing is there, or it may not be read.
    #[error("cannot read {path}: check that it is there and that this user may read it")]
    Read {
        /// What was read.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// No file below the path has a byte.
    #[error("{0} holds nothing to share: choose a file or a folder with at least one non-empty file")]
    Empty(PathBuf),
    /// The folder is deeper or has more entries than a torrent may have.
    #[error("{path} has {what}: share a part of it")]
    TooLarge {
        /// What was walked.
        path: PathBuf,
        /// Which bound it breaks.
        what: String,
    },
    /// A name cannot stand in a torrent.
    #[error("the name of {0} is not UTF-8: rename it, torrents hold UTF-8 names only")]
    Name(PathBuf),
    /// A file changed while it was hashed.
    #[error("{0} changed while it was hashed: share it again once nothing writes to it")]
    Changed(PathBuf),
    /// It was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The options cannot be followed.
    #[error("no torrent can be made with these options")]
    Options(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It was made but not added.
    #[error("the torrent was made but cannot be shared")]
    Add(#[from] AddError),
}

/// Why a file could not be read, now or at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is not in the list, or left it meanwhile.
    #[error("{0} is not in the list: see `weft ls`")]
    NotFound(InfoHash),
    /// Its metadata is not here yet.
    #[error("the metadata of {0} is not here yet: wait until a peer has sent it")]
    NoMetadata(InfoHash),
    /// The torrent has no such file.
    #[error("file {index} is not in this torrent, which has {files}: see `weft show`")]
    NoSuchFile {
        /// What was named.
        index: usize,
        /// How many there are.
        files: usize,
    },
    /// As many readers as there may be are reading.
    #[error("{} files are being read already: close one", MAX_READERS)]
    Busy,
    /// It is paused, and what is to be read is not here.
    #[error("{0} is paused and this part of it is not here: go on with it first")]
    Paused(InfoHash),
    /// The file is not among those that are fetched.
    #[error("{0} is not wanted, so it is not fetched: select it first")]
    NotWanted(PathBuf),
    /// Somebody changed the file, so that it is not what the torrent says.
    #[error("{0} was changed: put the old file back, or recheck the torrent to fetch what differs")]
    Changed(PathBuf),
    /// The torrent is in trouble, and what is to be read is not here.
    #[error("{}: {}", .0.message, .0.mend)]
    Trouble(Trouble),
    /// The engine is shutting down.
    #[error("the node is shutting down")]
    ShuttingDown,
}

/// Why a torrent could not be told something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// It is not in the list.
    #[error("{0} is not in the list: see `weft ls`")]
    NotFound(InfoHash),
    /// Its metadata is not here yet.
    #[error("the metadata of {0} is not here yet: wait until a peer has sent it")]
    NoMetadata(InfoHash),
    /// A selection names a file the torrent does not have.
    #[error("file {index} is not in this torrent, which has {files}: see `weft show`")]
    NoSuchFile {
        /// What was named.
        index: usize,
        /// How many there are.
        files: usize,
    },
    /// The files could not be touched.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The engine is shutting down.
    #[error("the node is shutting down")]
    ShuttingDown,
}
