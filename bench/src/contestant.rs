//! Who competes, and how each is started as a seeder or a leecher in a namespace of its own.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use weft_lab::clients::{Client, Libtorrent, Source, Transmission};
use weft_lab::netns::Netns;
use weft_lab::peer::{Peer, PeerConfig};
use weft_lab::process::Usage;
use weft_lab::shape;

/// A client and the path its bytes take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Contestant {
    /// Weft to Weft as any BitTorrent client: plain TCP, found by the tracker.
    Weft,
    /// libtorrent to libtorrent.
    Libtorrent,
    /// transmission to transmission.
    Transmission,
    /// Weft to Weft over TLS, found by key.
    WeftTls,
    /// Weft to Weft over an overlay stream: TCP is blocked between them.
    WeftOverlay,
}

impl Contestant {
    /// In the order of a round.
    pub(crate) const ALL: [Contestant; 5] = [
        Contestant::Weft,
        Contestant::Libtorrent,
        Contestant::Transmission,
        Contestant::WeftTls,
        Contestant::WeftOverlay,
    ];

    /// The name in the table and in the JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Contestant::Weft => "weft",
            Contestant::Libtorrent => "libtorrent",
            Contestant::Transmission => "transmission",
            Contestant::WeftTls => "weft-tls",
            Contestant::WeftOverlay => "weft-overlay",
        }
    }

    /// The path its bytes must have taken, as the API names it.
    pub(crate) fn path(self) -> Option<&'static str> {
        match self {
            Contestant::Weft => Some("tcp"),
            Contestant::WeftTls => Some("tls"),
            Contestant::WeftOverlay => Some("direct"),
            Contestant::Libtorrent | Contestant::Transmission => None,
        }
    }

    /// Whether the leecher finds the seeder by its key instead of by the tracker.
    pub(crate) fn by_key(self) -> bool {
        matches!(self, Contestant::WeftTls | Contestant::WeftOverlay)
    }

    /// Starts one, empty.
    pub(crate) async fn start(self, weft: &Path, place: &Arc<Netns>, address: Ipv4Addr, folder: &Path) -> Result<Seat> {
        std::fs::create_dir_all(folder)?;
        let place = place.clone();
        Ok(match self {
            Contestant::Libtorrent => {
                Seat::Other(Client::Libtorrent(Libtorrent::start(place, address, folder, false)?))
            }
            Contestant::Transmission => {
                Seat::Other(Client::Transmission(Transmission::start(place, address, folder, false).await?))
            }
            Contestant::Weft | Contestant::WeftTls | Contestant::WeftOverlay => {
                if self == Contestant::WeftOverlay {
                    shape::block(&place, "tcp")?;
                }
                // The DHT stays off: what is measured is the transfer, and both find each other without it.
                let config = PeerConfig::lab("bench", address).without_dht();
                let data = folder.join("weft");
                Seat::Weft(Box::new(Peer::start(weft, self.name(), &data, Some(place), &config).await?))
            }
        })
    }
}

/// A started contestant.
#[derive(Debug)]
pub(crate) enum Seat {
    /// A Weft node.
    Weft(Box<Peer>),
    /// Another maker's client.
    Other(Client),
}

/// How far a seat is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    /// Everything is there and verified.
    pub(crate) complete: bool,
    /// Verified part, 0 to 1.
    pub(crate) progress: f64,
    /// What is wrong, in words.
    pub(crate) error: Option<String>,
    /// Paths that content came over, with bytes (Weft only).
    pub(crate) paths: Vec<(String, u64)>,
}

impl Seat {
    /// Adds the torrent with its data in, or to be put into, `folder`.
    pub(crate) async fn add(&mut self, source: Source<'_>, folder: &Path) -> Result<String> {
        match self {
            Seat::Weft(peer) => peer.api()?.add(source, Some(folder)).await,
            Seat::Other(client) => client.add(source, folder).await,
        }
    }

    /// How far it is.
    pub(crate) async fn standing(&mut self, info_hash: &str) -> Result<Standing> {
        match self {
            Seat::Weft(peer) => {
                let torrent = peer.api()?.torrent(info_hash).await?;
                Ok(Standing {
                    complete: torrent.complete && torrent.state == "seeding",
                    progress: torrent.progress,
                    error: torrent.trouble.map(|t| t.message),
                    paths: torrent.exchanged.into_iter().map(|e| (e.path, e.downloaded)).collect(),
                })
            }
            Seat::Other(client) => {
                let status = client.status(info_hash).await?;
                let error = (!status.error.is_empty()).then_some(status.error);
                Ok(Standing { complete: status.complete, progress: status.progress, error, paths: Vec::new() })
            }
        }
    }

    /// What it used so far.
    pub(crate) fn usage(&self) -> Result<Usage> {
        match self {
            Seat::Weft(peer) => peer.usage(),
            Seat::Other(client) => client.usage(),
        }
    }

    /// Forgets the peak of its memory, so that only what follows counts.
    pub(crate) fn forget_peak(&mut self) -> Result<()> {
        let pid = match self {
            Seat::Weft(peer) => peer.process()?.pid(),
            Seat::Other(client) => client.pid(),
        };
        // 5 resets the high water mark (proc(5)).
        std::fs::write(format!("/proc/{pid}/clear_refs"), "5").context("cannot reset the memory peak")
    }

    /// The Weft node in it.
    pub(crate) fn weft(&self) -> Option<&Peer> {
        match self {
            Seat::Weft(peer) => Some(peer),
            Seat::Other(_) => None,
        }
    }

    /// The end of its log.
    pub(crate) fn log_tail(&self) -> String {
        match self {
            Seat::Weft(peer) => peer.log_tail(),
            Seat::Other(client) => client.log_tail(),
        }
    }
}

/// Where a contestant's files are.
pub(crate) fn folder(root: &Path, contestant: Contestant, role: &str) -> PathBuf {
    root.join(format!("{}-{role}", contestant.name()))
}
