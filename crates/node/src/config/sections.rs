//! The sections. A key is never optional: its default says its type, which is how text from the environment, from flags
//! and from `weft config set` is read.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use weft_files::FilesConfig;
pub use weft_files::Rate;
pub use weft_ledger::Coins;
use weft_ledger::LedgerConfig;
use weft_network::{NetworkConfig, OverlaySection};

/// "WEFT" on a phone's keys.
const DEFAULT_API_PORT: u16 = 9338;

/// Everything that can be set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The HTTP API.
    pub api: ApiConfig,
    /// Which network.
    pub network: NetworkConfig,
    /// How this node stands in its network.
    pub overlay: OverlaySection,
    /// Sharing and getting files.
    pub files: FilesConfig,
    /// The chain among peers.
    pub ledger: LedgerConfig,
    /// Which services are on beside the core ones.
    pub services: ServicesConfig,
    /// What is logged.
    pub log: LogConfig,
    /// The identity's keystore.
    pub identity: IdentityConfig,
}

/// The `[api]` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiConfig {
    /// Where the API listens: a loopback address. Port 0 takes any that is free.
    pub listen: SocketAddr,
}

impl Default for ApiConfig {
    fn default() -> Self {
        ApiConfig { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_API_PORT)) }
    }
}

/// The `[services]` section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServicesConfig {
    /// Services to switch on beside the core ones.
    pub enable: Vec<String>,
}

/// The `[log]` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogConfig {
    /// What is logged: a level (`error`, `warn`, `info`, `debug`, `trace`), or a list as `warn,weft_overlay=debug`.
    pub level: String,
    /// `text` for people, `json` for machines.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for LogConfig {
    fn default() -> Self {
        // The libraries below speak at `info` about things only their authors need, and the DHT's calls it an error when
        // nobody is there yet: its state stands in the event feed.
        LogConfig { level: "warn,weft=info,mainline=off".into(), format: LogFormat::Text }
    }
}

/// The `[identity]` section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IdentityConfig {
    /// A file with the keystore's passphrase, for a node that starts unattended. Empty: the environment says
    /// (`WEFT_PASSPHRASE_FILE`, or systemd's credential `weft-passphrase`).
    pub passphrase_file: PathBuf,
}
