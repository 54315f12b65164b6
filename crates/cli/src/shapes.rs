//! What the API answers, with the fields that people are shown. `--json` shows the answers whole.

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Status {
    pub(crate) version: String,
    pub(crate) pid: u32,
    pub(crate) peer: String,
    pub(crate) user: String,
    pub(crate) device_name: String,
    pub(crate) network: String,
    pub(crate) data_dir: String,
    pub(crate) files_dir: String,
    pub(crate) api: String,
    pub(crate) tcp: Option<String>,
    pub(crate) dht: Option<String>,
    pub(crate) relay: Option<String>,
    pub(crate) uptime_seconds: u64,
    pub(crate) health: String,
    pub(crate) services: Vec<Service>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) summary: String,
    pub(crate) on: bool,
    pub(crate) health: Option<Health>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub(crate) enum Health {
    Ok,
    Degraded { because: String, mend: String },
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct HealthReport {
    pub(crate) parts: std::collections::BTreeMap<String, Health>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Trouble {
    pub(crate) message: String,
    pub(crate) mend: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Torrent {
    pub(crate) info_hash: String,
    pub(crate) name: String,
    pub(crate) dir: String,
    pub(crate) state: String,
    pub(crate) trouble: Option<Trouble>,
    #[serde(default)]
    pub(crate) warnings: Vec<Trouble>,
    pub(crate) private: bool,
    pub(crate) complete: bool,
    pub(crate) size: u64,
    pub(crate) wanted: u64,
    pub(crate) done: u64,
    pub(crate) progress: f64,
    pub(crate) piece_length: u32,
    pub(crate) pieces: u32,
    pub(crate) pieces_done: u32,
    pub(crate) downloaded: u64,
    pub(crate) uploaded: u64,
    pub(crate) ratio: f64,
    pub(crate) rate_down: u64,
    pub(crate) rate_up: u64,
    pub(crate) eta_seconds: Option<u64>,
    pub(crate) limits: Limits,
    #[serde(default)]
    pub(crate) peers: Vec<Peer>,
    #[serde(default)]
    pub(crate) trackers: Vec<Tracker>,
    #[serde(default)]
    pub(crate) files: Vec<File>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Added {
    pub(crate) link: String,
    #[serde(flatten)]
    pub(crate) torrent: Torrent,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Peer {
    pub(crate) key: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) path: String,
    pub(crate) client: String,
    pub(crate) progress: f64,
    pub(crate) downloaded: u64,
    pub(crate) uploaded: u64,
    pub(crate) rate_down: u64,
    pub(crate) rate_up: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Tracker {
    pub(crate) url: String,
    pub(crate) state: String,
    pub(crate) message: Option<String>,
    pub(crate) seeders: Option<u32>,
    pub(crate) leechers: Option<u32>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct File {
    pub(crate) index: usize,
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) done: u64,
    pub(crate) priority: String,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct Limits {
    pub(crate) download: Option<u64>,
    pub(crate) upload: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Creation {
    pub(crate) path: String,
    pub(crate) done: u64,
    pub(crate) total: u64,
}
