//! Trackers: what is asked and answered over HTTP ([`http`], BEP 3, 7, 23, 31, 48) and over UDP
//! ([`udp`], BEP 15, 41), and which tracker to ask when ([`schedule`], BEP 12).
//!
//! Nothing here opens a socket or reads a clock. The addresses in an answer are what a stranger
//! wrote: the caller decides which of them may be dialled.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use crate::id::{InfoHash, PeerId};

pub mod http;
pub mod schedule;
pub mod udp;

mod udp_packet;

/// The most peers taken from one answer: five times what we ask for.
pub const MAX_PEERS: usize = 1_000;
/// The largest answer read from an HTTP tracker, in bytes: [`MAX_PEERS`] in the dictionary form.
pub const MAX_ANSWER_LEN: usize = 512 << 10;
/// The most torrents in one scrape: what BEP 15 says fits a datagram.
pub const MAX_SCRAPE: usize = 74;
/// The longest reason, warning or tracker id kept, in bytes.
pub const MAX_REASON_LEN: usize = 512;
/// How many peers are asked for if nothing else is said.
pub const DEFAULT_NUM_WANT: u32 = 200;
/// The shortest interval followed: a tracker cannot make us announce more often.
pub const MIN_INTERVAL: Duration = Duration::from_secs(60);
/// The longest interval followed: a tracker cannot keep us away for longer than a working day.
pub const MAX_INTERVAL: Duration = Duration::from_secs(6 * 3600);
/// The interval if an answer names none: what most trackers say.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(30 * 60);

/// Why an announce is made (BEP 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Event {
    /// The interval is over.
    #[default]
    None,
    /// The last piece came in just now.
    Completed,
    /// The first announce to this tracker.
    Started,
    /// We leave.
    Stopped,
}

/// One announce: who we are and how far we got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announce {
    /// The torrent.
    pub info_hash: InfoHash,
    /// Our id.
    pub peer_id: PeerId,
    /// The TCP port where we listen.
    pub port: u16,
    /// Bytes sent to peers since `Started`.
    pub uploaded: u64,
    /// Bytes received from peers since `Started`.
    pub downloaded: u64,
    /// Bytes still missing.
    pub left: u64,
    /// Why we announce.
    pub event: Event,
    /// A random number that stays the same for the torrent while our address changes (BEP 7).
    pub key: u32,
    /// How many peers we would like.
    pub num_want: u32,
    /// What the tracker gave us to send back (HTTP alone).
    pub tracker_id: Option<Vec<u8>>,
}

/// What a tracker answered to an announce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnounceResponse {
    /// When to announce again, from [`MIN_INTERVAL`] to [`MAX_INTERVAL`].
    pub interval: Duration,
    /// Never to announce before that, if the tracker says so; at most [`MAX_INTERVAL`].
    pub min_interval: Option<Duration>,
    /// Peers, at most [`MAX_PEERS`], none twice, all with a port and a unicast address.
    pub peers: Vec<SocketAddr>,
    /// Peers that have everything.
    pub seeders: Option<u32>,
    /// Peers that have not.
    pub leechers: Option<u32>,
    /// Something people should know.
    pub warning: Option<String>,
    /// To be sent with the next announce.
    pub tracker_id: Option<Vec<u8>>,
}

/// A torrent's figures from a scrape (BEP 48).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScrapeEntry {
    /// Peers that have everything.
    pub seeders: u32,
    /// Downloads ever completed.
    pub completed: u32,
    /// Peers that have not everything.
    pub leechers: u32,
}

/// An interval that a tracker asks for, within bounds.
fn clamp_interval(seconds: i64) -> Duration {
    Duration::from_secs(seconds.try_into().unwrap_or(0)).clamp(MIN_INTERVAL, MAX_INTERVAL)
}

/// Peers of an answer: usable ones, each once, up to the bound.
#[derive(Debug, Default)]
struct PeerList {
    peers: Vec<SocketAddr>,
    seen: std::collections::HashSet<SocketAddr>,
}

impl PeerList {
    fn add(&mut self, ip: IpAddr, port: u16) {
        let addr = SocketAddr::new(ip.to_canonical(), port);
        let ip = addr.ip();
        let broadcast = ip == IpAddr::V4(std::net::Ipv4Addr::BROADCAST);
        if port == 0 || ip.is_unspecified() || ip.is_multicast() || broadcast {
            return;
        }
        if self.peers.len() < MAX_PEERS && self.seen.insert(addr) {
            self.peers.push(addr);
        }
    }

    /// Six bytes a peer (BEP 23); what is left at the end is ignored.
    fn add_compact_v4(&mut self, bytes: &[u8]) {
        for [a, b, c, d, high, low] in bytes.as_chunks::<6>().0 {
            self.add([*a, *b, *c, *d].into(), u16::from_be_bytes([*high, *low]));
        }
    }

    /// Eighteen bytes a peer (BEP 7).
    fn add_compact_v6(&mut self, bytes: &[u8]) {
        for peer in bytes.as_chunks::<18>().0 {
            let (ip, port) = peer.split_at(16);
            if let (Ok(ip), Ok(port)) = (<[u8; 16]>::try_from(ip), <[u8; 2]>::try_from(port)) {
                self.add(ip.into(), u16::from_be_bytes(port));
            }
        }
    }
}

/// Text from a tracker, for people: bounded and without control characters.
fn reason(bytes: &[u8]) -> String {
    let mut text: String = String::from_utf8_lossy(bytes.get(..MAX_REASON_LEN).unwrap_or(bytes))
        .chars()
        .filter(|c| !c.is_control())
        .collect();
    while text.len() > MAX_REASON_LEN {
        text.pop();
    }
    text
}
