//! The `[files]` section of the configuration.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use weft_content::{Allocation, EngineConfig, RateLimits};

use crate::rate::Rate;

/// The `[files]` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FilesConfig {
    /// Where torrents go that name no folder of their own. Empty: `files` in the data folder.
    pub dir: PathBuf,
    /// Bytes a second from peers over all torrents; 0 is no limit.
    pub download_rate: Rate,
    /// Bytes a second to peers over all torrents; 0 is no limit.
    pub upload_rate: Rate,
    /// Torrents in the list.
    pub max_torrents: usize,
    /// Peer connections over all torrents.
    pub max_connections: usize,
    /// Peer connections of one torrent.
    pub max_connections_per_torrent: usize,
    /// Bytes of pieces that may be in memory on their way to the disk.
    pub piece_memory: usize,
    /// How room is made on disk: `sparse` or `full`.
    pub allocation: Allocation,
}

impl Default for FilesConfig {
    fn default() -> Self {
        let engine = EngineConfig::new("");
        FilesConfig {
            dir: PathBuf::new(),
            download_rate: Rate::NONE,
            upload_rate: Rate::NONE,
            max_torrents: engine.max_torrents,
            max_connections: engine.max_connections,
            max_connections_per_torrent: engine.max_connections_per_torrent,
            piece_memory: engine.piece_memory,
            allocation: engine.allocation,
        }
    }
}

impl FilesConfig {
    /// What the engine is told, for a node whose data is in `data_dir`.
    pub fn engine_config(&self, data_dir: &Path) -> EngineConfig {
        let mut config = EngineConfig::new(self.download_dir(data_dir));
        config.limits = RateLimits { download: self.download_rate.limit(), upload: self.upload_rate.limit() };
        config.max_torrents = self.max_torrents;
        config.max_connections = self.max_connections;
        config.max_connections_per_torrent = self.max_connections_per_torrent;
        config.piece_memory = self.piece_memory;
        config.allocation = self.allocation;
        config
    }

    /// Where torrents go that name no folder of their own.
    pub fn download_dir(&self, data_dir: &Path) -> PathBuf {
        if self.dir.as_os_str().is_empty() { data_dir.join("files") } else { self.dir.clone() }
    }
}
