//! A small real tracker for tests: HTTP (BEP 3, BEP 23) and UDP (BEP 15) on one port, one swarm table.
//!
//! It remembers every announce, so that a test can ask who said what.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::StatusCode;
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;
use weft_bittorrent::bencode::Item;

use crate::netns::Netns;

/// What clients are told to wait between announces: short, so that late comers are found soon. Seconds.
const INTERVAL: u32 = 5;
/// Peers in one answer.
const MOST_PEERS: usize = 200;
/// BEP 15: what a connect request begins with.
const UDP_MAGIC: [u8; 8] = 0x0417_2710_1980_u64.to_be_bytes();

/// One announce, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announce {
    /// Of which torrent.
    pub info_hash: [u8; 20],
    /// Who, and on which port it listens.
    pub peer: SocketAddrV4,
    /// Bytes it still lacks.
    pub left: u64,
    /// `started`, `completed`, `stopped`, or empty.
    pub event: String,
    /// Whether it came by UDP.
    pub udp: bool,
}

#[derive(Debug, Default)]
struct Book {
    swarms: BTreeMap<[u8; 20], BTreeMap<SocketAddrV4, u64>>,
    announces: Vec<Announce>,
}

impl Book {
    /// Notes an announce and gives the other peers of the swarm with the counts of seeds and leechers.
    fn announce(&mut self, announce: Announce) -> (Vec<SocketAddrV4>, u32, u32) {
        let swarm = self.swarms.entry(announce.info_hash).or_default();
        if announce.event == "stopped" {
            swarm.remove(&announce.peer);
        } else {
            swarm.insert(announce.peer, announce.left);
        }
        let others = swarm.keys().copied().filter(|peer| *peer != announce.peer).take(MOST_PEERS).collect();
        let seeds = swarm.values().filter(|left| **left == 0).count() as u32;
        let leechers = swarm.len() as u32 - seeds;
        self.announces.push(announce);
        (others, seeds, leechers)
    }
}

type Shared = Arc<Mutex<Book>>;

/// A running tracker; it ends when dropped.
#[derive(Debug)]
pub struct Tracker {
    address: SocketAddrV4,
    book: Shared,
    tasks: Vec<JoinHandle<()>>,
    _place: Option<Arc<Netns>>,
}

impl Tracker {
    /// Starts one at `address` (TCP and UDP) inside `place`.
    pub async fn start(place: Option<Arc<Netns>>, address: SocketAddrV4) -> Result<Self> {
        let book = Shared::default();
        let handle = match &place {
            Some(netns) => netns.runtime()?,
            None => tokio::runtime::Handle::current(),
        };
        let state = book.clone();
        let started = handle.spawn(async move {
            let tcp = TcpListener::bind(address).await?;
            let udp = UdpSocket::bind(tcp.local_addr()?).await?;
            let SocketAddr::V4(address) = tcp.local_addr()? else {
                return Err(std::io::Error::other("an IPv4 address is needed"));
            };
            let router =
                axum::Router::new().route("/announce", axum::routing::get(http_announce)).with_state(state.clone());
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            let web = tokio::spawn(async move { drop(axum::serve(tcp, service).await) });
            Ok((address, vec![web, tokio::spawn(serve_udp(udp, state))]))
        });
        let (address, tasks) = started.await?.with_context(|| format!("no tracker at {address}"))?;
        Ok(Tracker { address, book, tasks, _place: place })
    }

    /// `http://…/announce`
    pub fn http_url(&self) -> String {
        format!("http://{}/announce", self.address)
    }

    /// `udp://…/announce`
    pub fn udp_url(&self) -> String {
        format!("udp://{}/announce", self.address)
    }

    /// Every announce so far, in order.
    pub fn announces(&self) -> Vec<Announce> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).announces.clone()
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn http_announce(
    State(book): State<Shared>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
) -> (StatusCode, Vec<u8>) {
    let failure = |why: &str| (StatusCode::OK, Item::dict([("failure reason", why.into())]).encode());
    let query = query.unwrap_or_default();
    let field = |key: &str| {
        let pair = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(k, _)| *k == key);
        pair.map(|(_, value)| percent_encoding::percent_decode_str(value).collect::<Vec<u8>>())
    };
    let number = |key: &str| field(key).and_then(|v| String::from_utf8(v).ok()?.parse::<u64>().ok());
    let Some(info_hash) = field("info_hash").and_then(|v| <[u8; 20]>::try_from(v).ok()) else {
        return failure("info_hash must have 20 bytes");
    };
    let (Some(port), SocketAddr::V4(from)) = (number("port").and_then(|p| u16::try_from(p).ok()), from) else {
        return failure("a port and an IPv4 address are needed");
    };
    if field("peer_id").is_none_or(|id| id.len() != 20) {
        return failure("peer_id must have 20 bytes");
    }
    let announce = Announce {
        info_hash,
        peer: SocketAddrV4::new(*from.ip(), port),
        left: number("left").unwrap_or(u64::MAX),
        event: field("event").and_then(|v| String::from_utf8(v).ok()).unwrap_or_default(),
        udp: false,
    };
    let (peers, seeds, leechers) = book.lock().unwrap_or_else(PoisonError::into_inner).announce(announce);
    let answer = Item::dict([
        ("interval", INTERVAL.into()),
        ("min interval", 1_u32.into()),
        ("complete", seeds.into()),
        ("incomplete", leechers.into()),
        ("peers", compact(&peers).into()),
    ]);
    (StatusCode::OK, answer.encode())
}

/// BEP 23: four bytes of address and two of port a peer.
fn compact(peers: &[SocketAddrV4]) -> Vec<u8> {
    peers.iter().flat_map(|peer| peer.ip().octets().into_iter().chain(peer.port().to_be_bytes())).collect()
}

async fn serve_udp(socket: UdpSocket, book: Shared) {
    let mut packet = [0; 2048];
    while let Ok((length, from)) = socket.recv_from(&mut packet).await {
        if let (SocketAddr::V4(v4), Some(request)) = (from, packet.get(..length))
            && let Some(answer) = udp_answer(request, v4, &book)
        {
            let _ = socket.send_to(&answer, from).await;
        }
    }
}

/// Connect (action 0) and announce (action 1) of BEP 15; anything else gets an error (action 3).
fn udp_answer(request: &[u8], from: SocketAddrV4, book: &Shared) -> Option<Vec<u8>> {
    let head: &[u8; 8] = request.first_chunk()?;
    let action = u32::from_be_bytes(request.get(8..12)?.try_into().ok()?);
    let transaction = request.get(12..16)?;
    // The connection id proves the source address; here it is simply derived from it.
    let connection = connection_id(from);
    match (action, head) {
        (0, head) if *head == UDP_MAGIC => Some([&0_u32.to_be_bytes()[..], transaction, &connection].concat()),
        (1, head) if *head == connection => {
            let word = |at: usize| Some(u32::from_be_bytes(request.get(at..at + 4)?.try_into().ok()?));
            let announce = Announce {
                info_hash: request.get(16..36)?.try_into().ok()?,
                left: u64::from_be_bytes(request.get(64..72)?.try_into().ok()?),
                event: ["", "completed", "started", "stopped"].get(word(80)? as usize)?.to_string(),
                peer: SocketAddrV4::new(*from.ip(), u16::from_be_bytes(request.get(96..98)?.try_into().ok()?)),
                udp: true,
            };
            let (peers, seeds, leechers) = book.lock().unwrap_or_else(PoisonError::into_inner).announce(announce);
            let words = [INTERVAL, leechers, seeds].map(u32::to_be_bytes).concat();
            Some([&1_u32.to_be_bytes()[..], transaction, &words, &compact(&peers)].concat())
        }
        _ => Some([&3_u32.to_be_bytes()[..], transaction, b"connect first"].concat()),
    }
}

fn connection_id(from: SocketAddrV4) -> [u8; 8] {
    let [a, b, c, d] = Ipv4Addr::octets(from.ip());
    let [e, f] = from.port().to_be_bytes();
    [b'w', b'f', a, b, c, d, e, f]
}
