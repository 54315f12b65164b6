//! HTTP trackers: the URL to get, and the body that came (BEP 3, 7, 23, 31, 48).
//!
//! ```
//! use weft_bittorrent::tracker::http::parse_announce;
//!
//! let answer = parse_announce(b"d8:intervali1800e5:peers6:\xc0\x00\x02\x01\x1a\xe1e")?;
//! assert_eq!(answer.peers, ["192.0.2.1:6881".parse().unwrap()]);
//! # Ok::<(), weft_bittorrent::tracker::http::HttpTrackerError>(())
//! ```

use std::{fmt::Write as _, net::IpAddr, time::Duration};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use url::Url;

use super::{
    Announce, AnnounceResponse, DEFAULT_INTERVAL, Event, MAX_ANSWER_LEN, MAX_INTERVAL, MAX_REASON_LEN, MAX_SCRAPE,
    PeerList, ScrapeEntry, clamp_interval, reason,
};
use crate::{
    bencode::{DecodeError, Dict, Limits, Value, decode_prefix},
    id::InfoHash,
};

/// Why an HTTP tracker's answer is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpTrackerError {
    /// Over [`MAX_ANSWER_LEN`].
    #[error("the tracker's answer has {len} bytes, more than the {MAX_ANSWER_LEN} that are read")]
    TooLarge {
        /// Bytes given.
        len: usize,
    },
    /// Not bencoding.
    #[error("the tracker's answer is not bencoded; is this URL a tracker?")]
    Bencode(#[from] DecodeError),
    /// Not a dictionary of the expected shape.
    #[error("the tracker's answer has not the expected form")]
    Shape,
    /// The tracker refused.
    #[error("the tracker refused: {reason}")]
    Failure {
        /// What it said.
        reason: String,
        /// When it wants to be asked again, if it said so (BEP 31).
        retry: Option<Retry>,
    },
}

/// When a tracker that refused may be asked again (BEP 31).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// After this time.
    After(Duration),
    /// Not while this torrent runs.
    Never,
}

/// What needs no escaping in a query (RFC 3986, unreserved).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The URL of an announce: the tracker's own with our figures added to its query; `None` if the
/// tracker's is no `http` or `https` URL.
pub fn announce_url(tracker: &str, announce: &Announce) -> Option<Url> {
    let mut url = http_url(tracker)?;
    let mut query = url.query().map(|query| format!("{query}&")).unwrap_or_default();
    // Writing into a string cannot fail.
    let _ = write!(
        query,
        "info_hash={}&peer_id={}&port={}&uploaded={}&downloaded={}&left={}&key={:08x}&numwant={}&compact=1&no_peer_id=1",
        escape(announce.info_hash.as_bytes()),
        escape(announce.peer_id.as_bytes()),
        announce.port,
        announce.uploaded,
        announce.downloaded,
        announce.left,
        announce.key,
        announce.num_want,
    );
    match announce.event {
        Event::None => {}
        Event::Completed => query.push_str("&event=completed"),
        Event::Started => query.push_str("&event=started"),
        Event::Stopped => query.push_str("&event=stopped"),
    }
    if let Some(id) = &announce.tracker_id {
        let _ = write!(query, "&trackerid={}", escape(id));
    }
    url.set_query(Some(&query));
    Some(url)
}

/// The URL of a scrape of up to [`MAX_SCRAPE`] torrents, where the tracker's URL has one: its last
/// path component begins with `announce` (BEP 48).
pub fn scrape_url(tracker: &str, torrents: &[InfoHash]) -> Option<Url> {
    let mut url = http_url(tracker)?;
    let (folder, rest) = url.path().rsplit_once('/')?;
    let path = format!("{folder}/scrape{}", rest.strip_prefix("announce")?);
    url.set_path(&path);
    let mut query = url.query().map(|query| format!("{query}&")).unwrap_or_default();
    for (index, torrent) in torrents.iter().take(MAX_SCRAPE).enumerate() {
        let separator = if index == 0 { "" } else { "&" };
        let _ = write!(query, "{separator}info_hash={}", escape(torrent.as_bytes()));
    }
    url.set_query(Some(&query));
    Some(url)
}

fn http_url(tracker: &str) -> Option<Url> {
    let mut url = Url::parse(tracker.trim()).ok()?;
    url.set_fragment(None);
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

fn escape(bytes: &[u8]) -> percent_encoding::PercentEncode<'_> {
    percent_encode(bytes, ESCAPED)
}

/// Reads the body of an answer to an announce, of whatever HTTP status: trackers send their
/// refusals with any.
///
/// # Errors
/// [`HttpTrackerError::Failure`] if the tracker refused, the others if this is no answer.
pub fn parse_announce(body: &[u8]) -> Result<AnnounceResponse, HttpTrackerError> {
    let value = parse(body)?;
    let dict = accepted(&value)?;
    let mut peers = PeerList::default();
    match dict.get("peers") {
        Some(Value::Bytes(compact)) => peers.add_compact_v4(compact),
        Some(Value::List(list)) => list.iter().filter_map(Value::as_dict).for_each(|peer| add_peer(&mut peers, peer)),
        None => {}
        Some(_) => return Err(HttpTrackerError::Shape),
    }
    if let Some(compact) = dict.bytes("peers6") {
        peers.add_compact_v6(compact);
    }
    let tracker_id = dict.bytes("tracker id").filter(|id| (1..=MAX_REASON_LEN).contains(&id.len()));
    Ok(AnnounceResponse {
        interval: dict.int("interval").map_or(DEFAULT_INTERVAL, clamp_interval),
        min_interval: dict
            .int("min interval")
            .and_then(|seconds| u64::try_from(seconds).ok())
            .map(|seconds| Duration::from_secs(seconds).min(MAX_INTERVAL)),
        peers: peers.peers,
        seeders: count(dict, "complete"),
        leechers: count(dict, "incomplete"),
        warning: dict.bytes("warning message").map(reason).filter(|warning| !warning.is_empty()),
        tracker_id: tracker_id.map(<[u8]>::to_vec),
    })
}

/// Reads the body of an answer to a scrape: at most [`MAX_SCRAPE`] torrents, the first of each.
///
/// # Errors
/// As [`parse_announce`].
pub fn parse_scrape(body: &[u8]) -> Result<Vec<(InfoHash, ScrapeEntry)>, HttpTrackerError> {
    let value = parse(body)?;
    let files = accepted(&value)?.dict("files").ok_or(HttpTrackerError::Shape)?;
    let entry = |entry: &crate::bencode::Entry<'_>| {
        let dict = entry.value.as_dict()?;
        let figures = ScrapeEntry {
            seeders: count(dict, "complete").unwrap_or(0),
            completed: count(dict, "downloaded").unwrap_or(0),
            leechers: count(dict, "incomplete").unwrap_or(0),
        };
        Some((InfoHash::from_slice(entry.key)?, figures))
    };
    Ok(files.iter().filter_map(entry).take(MAX_SCRAPE).collect())
}

fn parse(body: &[u8]) -> Result<Value<'_>, HttpTrackerError> {
    if body.len() > MAX_ANSWER_LEN {
        return Err(HttpTrackerError::TooLarge { len: body.len() });
    }
    Ok(decode_prefix(body, Limits::TRACKER)?.0)
}

fn accepted<'s, 'a>(value: &'s Value<'a>) -> Result<&'s Dict<'a>, HttpTrackerError> {
    let dict = value.as_dict().ok_or(HttpTrackerError::Shape)?;
    let Some(failure) = dict.get("failure reason") else { return Ok(dict) };
    let retry = match dict.get("retry in") {
        Some(Value::Bytes(b"never")) => Some(Retry::Never),
        Some(Value::Int(minutes)) => Some(Retry::After(clamp_interval(minutes.saturating_mul(60)))),
        _ => None,
    };
    Err(HttpTrackerError::Failure { reason: reason(failure.as_bytes().unwrap_or_default()), retry })
}

/// A peer of the dictionary form. Host names are left out: a stranger shall not make us ask a name
/// server for names of its choice.
fn add_peer(peers: &mut PeerList, peer: &Dict<'_>) {
    let ip = peer.str("ip").and_then(|ip| ip.parse::<IpAddr>().ok());
    let port = peer.int("port").and_then(|port| u16::try_from(port).ok());
    if let (Some(ip), Some(port)) = (ip, port) {
        peers.add(ip, port);
    }
}

fn count(dict: &Dict<'_>, key: &str) -> Option<u32> {
    dict.int(key).and_then(|count| u32::try_from(count).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        bencode::Item,
        id::PeerId,
        tracker::{MAX_PEERS, MIN_INTERVAL},
    };

    fn announce(event: Event) -> Announce {
        Announce {
            info_hash: InfoHash(*b"\x00\xff~abc. /?&=+%#12345"),
            peer_id: PeerId(*b"-WF0010-abcdefghijkl"),
            port: 6881,
            uploaded: 1,
            downloaded: u64::MAX,
            left: 3,
            event,
            key: 0xab,
            num_want: 50,
            tracker_id: Some(b"t&1".to_vec()),
        }
    }

    #[test]
    fn announce_urls() {
        let url = announce_url("http://t.example:8080/announce?passkey=x%20y#top", &announce(Event::Started)).unwrap();
        assert_eq!(
            url.as_str(),
            "http://t.example:8080/announce?passkey=x%20y&info_hash=%00%FF~abc.%20%2F%3F%26%3D%2B%25%2312345\
             &peer_id=-WF0010-abcdefghijkl&port=6881&uploaded=1&downloaded=18446744073709551615&left=3\
             &key=000000ab&numwant=50&compact=1&no_peer_id=1&event=started&trackerid=t%261"
        );
        let plain = announce_url("https://t.example/", &announce(Event::None)).unwrap();
        assert!(!plain.as_str().contains("event"));
        assert_eq!(announce_url("udp://t.example:1", &announce(Event::None)), None);
        assert_eq!(announce_url("nonsense", &announce(Event::None)), None);
    }

    #[test]
    fn scrape_urls() {
        let scrape = |tracker| scrape_url(tracker, &[InfoHash([b'a'; 20]), InfoHash([0; 20])]).map(String::from);
        let query = format!("info_hash={}&info_hash={}", "a".repeat(20), "%00".repeat(20));
        assert_eq!(scrape("http://t/x/announce.php?k=1"), Some(format!("http://t/x/scrape.php?k=1&{query}")));
        assert_eq!(scrape("http://t/announce"), Some(format!("http://t/scrape?{query}")));
        assert_eq!(scrape("http://t/x/announcements/y"), None);
        assert_eq!(scrape("http://t/"), None);
    }

    #[test]
    fn compact_peers_of_both_families() {
        let mut peers = [192, 0, 2, 1, 0x1a, 0xe1].repeat(3);
        peers.extend([192, 0, 2, 2, 0, 0]);
        peers.extend([0, 0, 0, 0, 0, 9]);
        peers.push(1);
        let mut peers6 = vec![0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 5];
        peers6.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 9, 0, 7]);
        let body = Item::dict([
            ("complete", Item::from(4)),
            ("incomplete", Item::from(-1)),
            ("interval", Item::from(1)),
            ("min interval", Item::from(i64::MAX)),
            ("peers", Item::from(peers)),
            ("peers6", Item::from(peers6)),
            ("tracker id", Item::from("id")),
            ("warning message", Item::from("slow\x1b[0m")),
        ]);
        let answer = parse_announce(&body.encode()).unwrap();
        let peers: Vec<_> = answer.peers.iter().map(ToString::to_string).collect();
        assert_eq!(peers, ["192.0.2.1:6881", "[2001:db8::1]:5", "192.0.2.9:7"]);
        assert_eq!((answer.seeders, answer.leechers), (Some(4), None));
        assert_eq!((answer.interval, answer.min_interval), (MIN_INTERVAL, Some(MAX_INTERVAL)));
        assert_eq!(answer.warning.as_deref(), Some("slow[0m"));
        assert_eq!(answer.tracker_id.as_deref(), Some(&b"id"[..]));
    }

    #[test]
    fn peers_as_dictionaries() {
        let peer = |ip: &'static str, port: i64| Item::dict([("ip", Item::from(ip)), ("port", Item::from(port))]);
        let list = Item::list([
            peer("192.0.2.1", 1),
            peer("2001:db8::2", 2),
            peer("name.example", 3),
            peer("192.0.2.4", 70_000),
            Item::from(5),
        ]);
        let answer = parse_announce(&Item::dict([("peers", list)]).encode()).unwrap();
        let peers: Vec<_> = answer.peers.iter().map(ToString::to_string).collect();
        assert_eq!(peers, ["192.0.2.1:1", "[2001:db8::2]:2"]);
        assert_eq!(answer.interval, DEFAULT_INTERVAL);
    }

    #[test]
    fn refusals_and_nonsense() {
        let refused = parse_announce(b"d14:failure reason4:gone8:retry in5:nevere");
        let never = HttpTrackerError::Failure { reason: "gone".into(), retry: Some(Retry::Never) };
        assert_eq!(refused, Err(never));
        let later = parse_announce(b"d14:failure reason4:busy8:retry ini5ee");
        let after = Some(Retry::After(Duration::from_secs(300)));
        assert_eq!(later, Err(HttpTrackerError::Failure { reason: "busy".into(), retry: after }));
        assert!(matches!(parse_announce(b"<html>"), Err(HttpTrackerError::Bencode(_))));
        assert_eq!(parse_announce(b"li1ee"), Err(HttpTrackerError::Shape));
        assert_eq!(parse_announce(b"d5:peersi1ee"), Err(HttpTrackerError::Shape));
        let large = vec![b'd'; MAX_ANSWER_LEN + 1];
        assert!(matches!(parse_announce(&large), Err(HttpTrackerError::TooLarge { .. })));
    }

    #[test]
    fn peers_are_bounded() {
        let peers: Vec<u8> = (0..2_000u16).flat_map(|i| [10, 0, (i >> 8) as u8, i as u8, 0, 1]).collect();
        let answer = parse_announce(&Item::dict([("peers", Item::from(peers))]).encode()).unwrap();
        assert_eq!(answer.peers.len(), MAX_PEERS);
    }

    #[test]
    fn scrapes() {
        let body = b"d5:filesd20:xxxxxxxxxxxxxxxxxxxxd8:completei11e10:downloadedi13772e10:incompletei19ee3:bad0:ee";
        let entry = ScrapeEntry { seeders: 11, completed: 13_772, leechers: 19 };
        assert_eq!(parse_scrape(body), Ok(vec![(InfoHash([b'x'; 20]), entry)]));
        assert_eq!(parse_scrape(b"de"), Err(HttpTrackerError::Shape));
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_announce(&body);
            let _ = parse_scrape(&body);
        }
    }
}
