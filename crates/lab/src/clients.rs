//! Real BitTorrent clients of other makers, driven the way their own front ends drive them.

mod libtorrent;
mod transmission;

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Result;

pub use libtorrent::Libtorrent;
pub use transmission::Transmission;

use crate::command::run;
use crate::process::Usage;

/// Where a torrent comes from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// The bytes of a `.torrent` file.
    Metainfo(&'a [u8]),
    /// A magnet link.
    Magnet(&'a str),
}

/// How far a client is with a torrent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Status {
    /// What part of the wanted bytes is there and verified, 0 to 1.
    pub progress: f64,
    /// All wanted bytes are there, verified, and it seeds.
    pub complete: bool,
    /// Payload bytes received.
    pub downloaded: u64,
    /// Payload bytes sent.
    pub uploaded: u64,
    /// Whom it is connected with.
    pub peers: Vec<SocketAddr>,
    /// What it says is wrong, or nothing.
    pub error: String,
}

/// A real client of whichever make.
#[derive(Debug)]
#[non_exhaustive]
pub enum Client {
    /// transmission-daemon
    Transmission(Transmission),
    /// python3-libtorrent
    Libtorrent(Libtorrent),
}

impl Client {
    /// The maker's name.
    pub fn name(&self) -> &'static str {
        match self {
            Client::Transmission(_) => "transmission",
            Client::Libtorrent(_) => "libtorrent",
        }
    }

    /// Adds a torrent whose data lie, or are to lie, in `folder`; what is there already is checked and kept. Returns its
    /// v1 info-hash in hex.
    pub async fn add(&mut self, source: Source<'_>, folder: &Path) -> Result<String> {
        match self {
            Client::Transmission(c) => c.add(source, folder).await,
            Client::Libtorrent(c) => c.add(source, folder),
        }
    }

    /// How far it is.
    pub async fn status(&mut self, info_hash: &str) -> Result<Status> {
        match self {
            Client::Transmission(c) => c.status(info_hash).await,
            Client::Libtorrent(c) => c.status(info_hash),
        }
    }

    /// CPU time and memory so far.
    pub fn usage(&self) -> Result<Usage> {
        match self {
            Client::Transmission(c) => c.process().usage(),
            Client::Libtorrent(c) => c.process().usage(),
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        match self {
            Client::Transmission(c) => c.process().pid(),
            Client::Libtorrent(c) => c.process().pid(),
        }
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        match self {
            Client::Transmission(c) => c.process().log_tail(),
            Client::Libtorrent(c) => c.process().log_tail(),
        }
    }
}

/// Which of the two are missing, and how to get them; `None` if both are here.
pub fn missing() -> Option<String> {
    if run("transmission-daemon", &["--version"]).is_err() {
        return Some("transmission-daemon is missing: apt-get install transmission-daemon".into());
    }
    if run(libtorrent::PYTHON, &["-c", "import libtorrent"]).is_err() {
        return Some("libtorrent's Python binding is missing: apt-get install python3-libtorrent".into());
    }
    None
}
