//! Targets of `weft-bittorrent`. This file is included by the crate's tests too, which replay the
//! corpora: it may use nothing but `weft_bittorrent`, `rand` and the standard library.

use std::{
    path::Component,
    time::{Duration, Instant},
};

use rand::SeedableRng as _;
use weft_bittorrent::{
    bencode::{Item, Limits, Value, decode, decode_prefix},
    id::{InfoHash, PeerId},
    layout::Layout,
    magnet::{MAX_MAGNET_LEN, Magnet},
    metainfo::{Info, Metainfo, PathRules, sanitise_component},
    tracker::{
        Announce, AnnounceResponse, Event, MAX_INTERVAL, MAX_PEERS, MAX_SCRAPE, MIN_INTERVAL, http,
        udp::{Family, Output, Request, Response, UdpExchange},
    },
};

/// Bencoding: what decodes encodes to the same value, and to the same bytes if its keys were sorted.
pub fn bencode(data: &[u8]) {
    let Ok((value, used)) = decode_prefix(data, Limits::METAINFO) else {
        assert!(decode_prefix(data, Limits::MESSAGE).is_err(), "less is allowed in a message");
        return;
    };
    let canonical = Item::from(&value).encode();
    assert_eq!(canonical.len(), used);
    if is_sorted(&value) {
        assert_eq!(canonical, &data[..used]);
    }
    let again = decode(&canonical, Limits::METAINFO).expect("what was encoded decodes");
    assert_eq!(Item::from(&again), Item::from(&value));
}

fn is_sorted(value: &Value<'_>) -> bool {
    match value {
        Value::Int(_) | Value::Bytes(_) => true,
        Value::List(items) => items.iter().all(is_sorted),
        Value::Dict(dict) => dict.is_sorted() && dict.iter().all(|entry| is_sorted(&entry.value)),
    }
}

/// Metainfo: what is taken is safe, whole and the same after a round trip.
pub fn metainfo(data: &[u8]) {
    if let Ok(meta) = Metainfo::from_bytes(data) {
        assert_eq!(Metainfo::from_bytes(&meta.to_bytes()).as_ref(), Ok(&meta));
        assert_eq!(Info::from_bytes(meta.info.raw()).as_ref(), Ok(&meta.info));
        check_info(&meta.info, PathRules::native());
    }
    for rules in [PathRules::UNIX, PathRules::WINDOWS] {
        if let Ok(info) = Info::from_bytes_with(data, rules) {
            check_info(&info, rules);
        }
    }
}

fn check_info(info: &Info, rules: PathRules) {
    let is_safe = |name: &str| sanitise_component(name.as_bytes(), rules).as_deref() == Some(name);
    assert!(is_safe(info.name()), "{:?}", info.name());
    let mut end = 0;
    let mut paths = std::collections::HashSet::new();
    for (index, file) in info.files().iter().enumerate() {
        assert_eq!(file.offset(), end);
        end += file.len();
        let path = info.disk_path(index);
        assert_eq!(path.is_none(), file.is_pad());
        if let Some(path) = path {
            assert!(file.path().split('/').all(is_safe), "{path:?}");
            assert!(path.components().all(|part| matches!(part, Component::Normal(_))), "{path:?}");
            assert!(path.to_str().is_some_and(|path| !path.contains(['\0', '\\'])), "{path:?}");
            assert!(paths.insert(path));
        }
    }
    assert_eq!(info.total_len(), end);
    let layout = Layout::new(info);
    let last = info.piece_count() - 1;
    for piece in [0, 1, last / 2, last, last.saturating_add(1)] {
        let covered: u64 = layout.spans(piece, 0, u32::MAX).map(|span| u64::from(span.len)).sum();
        assert_eq!(covered, u64::from(info.piece_len(piece)));
    }
    assert_eq!(info.piece_len(last).min(1), 1);
}

/// Magnet links: what parses names a torrent and comes back from its text.
pub fn magnet(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(magnet) = text.parse::<Magnet>() else { return };
    assert!(magnet.info_hash().is_some());
    let text = magnet.to_string();
    // Escaping can make a link longer than what is read.
    if text.len() <= MAX_MAGNET_LEN {
        assert_eq!(text.parse::<Magnet>(), Ok(magnet));
    }
}

fn announce(event: Event) -> Announce {
    Announce {
        info_hash: InfoHash([1; 20]),
        peer_id: PeerId([2; 20]),
        port: 6881,
        uploaded: 1,
        downloaded: 2,
        left: 3,
        event,
        key: 4,
        num_want: 5,
        tracker_id: None,
    }
}

fn check_announce(answer: &AnnounceResponse) {
    assert!(answer.peers.len() <= MAX_PEERS);
    assert!((MIN_INTERVAL..=MAX_INTERVAL).contains(&answer.interval));
    assert!(answer.min_interval.is_none_or(|interval| interval <= MAX_INTERVAL));
    assert!(answer.peers.iter().all(|peer| peer.port() != 0 && !peer.ip().is_unspecified()));
}

/// HTTP trackers: the first line as a URL, the rest as an answer to an announce and to a scrape.
pub fn tracker_http(data: &[u8]) {
    if let Ok(answer) = http::parse_announce(data) {
        check_announce(&answer);
    }
    if let Ok(entries) = http::parse_scrape(data) {
        assert!(entries.len() <= MAX_SCRAPE);
    }
    if let Ok(text) = std::str::from_utf8(data) {
        if let Some(url) = http::announce_url(text, &announce(Event::Started)) {
            assert!(
                url.query().is_some_and(|query| query.contains("info_hash=%01") && query.ends_with("event=started"))
            );
            assert!(url.fragment().is_none());
        }
        if let Some(url) = http::scrape_url(text, &[InfoHash([1; 20])]) {
            assert!(url.path().contains("/scrape"));
        }
    }
}

/// UDP trackers: the first byte chooses family and request, then datagrams follow, each after a byte
/// with its length (6 bits), whether it knows our transaction, and whether a minute passed.
pub fn tracker_udp(data: &[u8]) {
    let Some((&kind, mut rest)) = data.split_first() else { return };
    let family = if kind & 1 == 0 { Family::V4 } else { Family::V6 };
    let ask = || {
        if kind & 2 == 0 {
            Request::Announce(announce(Event::None))
        } else {
            Request::Scrape(vec![InfoHash([1; 20]); 3])
        }
    };
    let mut rng = rand::rngs::StdRng::seed_from_u64(1);
    let mut exchange = UdpExchange::new(family, "/announce?x=y");
    let mut now = Instant::now();
    let mut transaction = [0; 4];
    exchange.start(ask(), now);
    // Takes what the exchange gives until it waits; asks again when it is through.
    let mut drain = |exchange: &mut UdpExchange, now: Instant, transaction: &mut [u8; 4]| loop {
        match exchange.poll(now, &mut rng) {
            Output::Send(datagram) => transaction.copy_from_slice(&datagram[12..16]),
            Output::Wait(until) => {
                assert!(until > now && until - now <= Duration::from_secs(15 << 8));
                return until;
            }
            Output::Done(Ok(Response::Announce(answer))) => {
                assert_eq!(kind & 2, 0);
                check_announce(&answer);
            }
            Output::Done(Ok(Response::Scrape(entries))) => {
                assert_eq!(kind & 2, 2);
                assert!(entries.len() <= MAX_SCRAPE);
            }
            Output::Done(Err(_)) => {}
            Output::Idle => exchange.start(ask(), now),
        }
    };
    while let Some((&head, tail)) = rest.split_first() {
        let (datagram, after) = tail.split_at(usize::from(head & 63).min(tail.len()));
        rest = after;
        let until = drain(&mut exchange, now, &mut transaction);
        if head & 128 != 0 {
            now = until;
            drain(&mut exchange, now, &mut transaction);
        }
        let mut datagram = datagram.to_vec();
        if let (64, Some(slot)) = (head & 64, datagram.get_mut(4..8)) {
            slot.copy_from_slice(&transaction);
        }
        exchange.handle(&datagram, now);
    }
    drain(&mut exchange, now, &mut transaction);
}
