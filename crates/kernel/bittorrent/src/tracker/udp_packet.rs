//! The datagrams of UDP trackers (BEP 15, BEP 41).

use super::{Announce, AnnounceResponse, Event, MAX_SCRAPE, PeerList, ScrapeEntry, clamp_interval, reason};
use crate::id::InfoHash;

/// What every connect request begins with.
const PROTOCOL_ID: u64 = 0x0417_2710_1980;

const CONNECT: u32 = 0;
const ANNOUNCE: u32 = 1;
const SCRAPE: u32 = 2;
const ERROR: u32 = 3;

/// Option of BEP 41 that carries path and query of the tracker's URL.
const URL_DATA: u8 = 2;
/// The longest path and query sent: keeps an announce below the smallest MTU of IPv6 (1,280).
pub(super) const MAX_URL_DATA: usize = 1_000;

/// The address family of the tracker's socket address: it decides what an answer looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4: six bytes a peer.
    V4,
    /// IPv6: eighteen bytes a peer.
    V6,
}

/// What to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Announce and get peers.
    Announce(Announce),
    /// Figures of up to [`MAX_SCRAPE`] torrents.
    Scrape(Vec<InfoHash>),
}

/// A datagram from a tracker.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet {
    Connect { connection: u64 },
    Announce(AnnounceResponse),
    Scrape(Vec<ScrapeEntry>),
    Error { reason: String },
}

pub(super) fn connect_request(transaction: u32) -> Vec<u8> {
    let mut packet = Vec::with_capacity(16);
    packet.extend(PROTOCOL_ID.to_be_bytes());
    packet.extend(CONNECT.to_be_bytes());
    packet.extend(transaction.to_be_bytes());
    packet
}

pub(super) fn request(request: &Request, url_data: &str, connection: u64, transaction: u32) -> Vec<u8> {
    let mut packet = connection.to_be_bytes().to_vec();
    match request {
        Request::Announce(announce) => {
            packet.extend(ANNOUNCE.to_be_bytes());
            packet.extend(transaction.to_be_bytes());
            announce_body(&mut packet, announce);
            url_options(&mut packet, url_data);
        }
        Request::Scrape(torrents) => {
            packet.extend(SCRAPE.to_be_bytes());
            packet.extend(transaction.to_be_bytes());
            torrents.iter().take(MAX_SCRAPE).for_each(|torrent| packet.extend(torrent.as_bytes()));
        }
    }
    packet
}

fn announce_body(packet: &mut Vec<u8>, announce: &Announce) {
    packet.extend(announce.info_hash.as_bytes());
    packet.extend(announce.peer_id.as_bytes());
    packet.extend(announce.downloaded.to_be_bytes());
    packet.extend(announce.left.to_be_bytes());
    packet.extend(announce.uploaded.to_be_bytes());
    let event: u32 = match announce.event {
        Event::None => 0,
        Event::Completed => 1,
        Event::Started => 2,
        Event::Stopped => 3,
    };
    packet.extend(event.to_be_bytes());
    // Our address: the one the datagram comes from.
    packet.extend(0u32.to_be_bytes());
    packet.extend(announce.key.to_be_bytes());
    packet.extend(announce.num_want.to_be_bytes());
    packet.extend(announce.port.to_be_bytes());
}

fn url_options(packet: &mut Vec<u8>, url_data: &str) {
    if url_data.len() > MAX_URL_DATA {
        return;
    }
    for part in url_data.as_bytes().chunks(255) {
        packet.push(URL_DATA);
        // Chunks have at most 255 bytes.
        packet.push(part.len() as u8);
        packet.extend(part);
    }
}

/// The transaction that a datagram says it answers.
pub(super) fn transaction(datagram: &[u8]) -> Option<u32> {
    read_u32(datagram, 4)
}

/// Reads a datagram; `None` if it is none of the four. Longer ones are taken, as BEP 15 asks.
pub(super) fn parse(datagram: &[u8], family: Family) -> Option<Packet> {
    match read_u32(datagram, 0)? {
        CONNECT => {
            let connection = u64::from_be_bytes(*datagram.get(8..)?.first_chunk()?);
            Some(Packet::Connect { connection })
        }
        ANNOUNCE => announce_response(datagram, family).map(Packet::Announce),
        SCRAPE => {
            let entry = |chunk: &[u8; 12]| {
                Some(ScrapeEntry {
                    seeders: read_u32(chunk, 0)?,
                    completed: read_u32(chunk, 4)?,
                    leechers: read_u32(chunk, 8)?,
                })
            };
            let chunks = datagram.get(8..)?.as_chunks::<12>().0;
            Some(Packet::Scrape(chunks.iter().take(MAX_SCRAPE).filter_map(entry).collect()))
        }
        ERROR => Some(Packet::Error { reason: reason(datagram.get(8..)?) }),
        _ => None,
    }
}

fn announce_response(datagram: &[u8], family: Family) -> Option<AnnounceResponse> {
    let mut peers = PeerList::default();
    let compact = datagram.get(20..)?;
    match family {
        Family::V4 => peers.add_compact_v4(compact),
        Family::V6 => peers.add_compact_v6(compact),
    }
    Some(AnnounceResponse {
        interval: clamp_interval(read_u32(datagram, 8)?.into()),
        min_interval: None,
        peers: peers.peers,
        seeders: Some(read_u32(datagram, 16)?),
        leechers: Some(read_u32(datagram, 12)?),
        warning: None,
        tracker_id: None,
    })
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{InfoHash, PeerId};

    #[test]
    fn requests_have_the_layout_of_the_spec() {
        assert_eq!(hex::encode(connect_request(0x0102_0304)), "00000417271019800000000001020304");
        let announce = Announce {
            info_hash: InfoHash([0xaa; 20]),
            peer_id: PeerId([0xbb; 20]),
            port: 0x1ae1,
            uploaded: 3,
            downloaded: 1,
            left: 2,
            event: Event::Started,
            key: 0x0c0c_0c0c,
            num_want: u32::MAX,
            tracker_id: None,
        };
        let packet = request(&Request::Announce(announce), "/a?b", 7, 9);
        let wanted = [
            "0000000000000007",
            "00000001",
            "00000009",
            &"aa".repeat(20),
            &"bb".repeat(20),
            "0000000000000001",
            "0000000000000002",
            "0000000000000003",
            "00000002",
            "00000000",
            "0c0c0c0c",
            "ffffffff",
            "1ae1",
            "0204",
            "2f613f62",
        ];
        assert_eq!(hex::encode(packet), wanted.concat());
        let scrape = request(&Request::Scrape(vec![InfoHash([1; 20]); 100]), "/x", 7, 9);
        assert_eq!(scrape.len(), 16 + 20 * MAX_SCRAPE);
    }

    #[test]
    fn long_url_data_comes_in_options() {
        let mut packet = Vec::new();
        url_options(&mut packet, &"x".repeat(300));
        assert_eq!((packet[1], packet[257], packet[258], packet.len()), (255, URL_DATA, 45, 304));
        packet.clear();
        url_options(&mut packet, &"x".repeat(MAX_URL_DATA + 1));
        assert!(packet.is_empty());
    }

    #[test]
    fn answers() {
        let mut bytes = [1u32, 9, 1800, 5, 6].map(u32::to_be_bytes).concat();
        bytes.extend([192, 0, 2, 1, 0, 7, 99]);
        let Some(Packet::Announce(answer)) = parse(&bytes, Family::V4) else { panic!() };
        assert_eq!(answer.peers, ["192.0.2.1:7".parse().unwrap()]);
        assert_eq!((answer.leechers, answer.seeders), (Some(5), Some(6)));
        assert!(matches!(parse(&bytes, Family::V6), Some(Packet::Announce(answer)) if answer.peers.is_empty()));
        for cut in 0..20 {
            assert_eq!(parse(&bytes[..cut], Family::V4), None);
        }
        assert_eq!(
            parse(&[0, 0, 0, 3, 0, 0, 0, 9, b'n', b'o'], Family::V4),
            Some(Packet::Error { reason: "no".into() })
        );
        assert_eq!(parse(&[0, 0, 0, 4, 0, 0, 0, 9], Family::V4), None);
    }
}
