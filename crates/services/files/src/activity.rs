//! What the service does at this moment, for who looks each second.

use std::cmp::Reverse;

use serde_json::{Value, json};
use weft_content::{Engine, TorrentActivity};
use weft_service::Activity;

/// 64 torrents are told of: the most active ones, which is more than a person watches at once.
pub(crate) const MAX_TORRENTS_TOLD: usize = 64;

/// 6,000 bytes of them, within the 6 KiB that a service's detail may have: some twenty torrents with large numbers.
const MAX_DETAIL_BYTES: usize = 6000;

/// 32 partners are named: more lines than a picture can show.
pub(crate) const MAX_PARTNERS: usize = 32;

/// What the service does now.
pub(crate) fn activity(engine: &Engine) -> Activity {
    let torrents = engine.activity();
    let status = engine.status();
    let mut partners = engine.partners();
    partners.truncate(MAX_PARTNERS);
    Activity {
        busy: torrents.iter().any(|torrent| torrent.rate_down + torrent.rate_up > 0),
        bytes_in: status.downloaded,
        bytes_out: status.uploaded,
        carries: false,
        partners,
        detail: detail(torrents),
    }
}

/// `{torrents: […]}`: those that move most first, then those with peers, then those that moved most so far.
fn detail(mut torrents: Vec<TorrentActivity>) -> Value {
    torrents.sort_by_key(|torrent| {
        let now = torrent.rate_down + torrent.rate_up;
        (Reverse((now, torrent.peers, torrent.downloaded + torrent.uploaded)), torrent.info_hash)
    });
    let mut bytes = 0;
    let mut told = Vec::new();
    for mut torrent in torrents.into_iter().take(MAX_TORRENTS_TOLD) {
        // Nobody sees more than these digits, and sixteen of them are a tenth of the event.
        torrent.progress = (torrent.progress * 10_000.0).floor() / 10_000.0;
        torrent.ratio = (torrent.ratio * 1_000.0).round() / 1_000.0;
        let torrent = json!(torrent);
        bytes += torrent.to_string().len() + 1;
        if bytes > MAX_DETAIL_BYTES {
            break;
        }
        told.push(torrent);
    }
    json!({ "torrents": told })
}

#[cfg(test)]
mod tests {
    use weft_content::{InfoHash, State};

    use super::*;

    fn torrent(n: u8, rate: u64) -> TorrentActivity {
        TorrentActivity {
            info_hash: InfoHash([n; 20]),
            state: State::Downloading,
            progress: 0.123_456_789_012_345,
            done: u64::from(u32::MAX) * 1000,
            rate_down: rate,
            rate_up: rate,
            eta_seconds: Some(1 << 30),
            peers: 200,
            downloaded: 1 << 50,
            uploaded: 1 << 50,
            ratio: 123.456_789_012_345,
        }
    }

    #[test]
    fn the_most_active_are_told_and_fit_an_event() {
        let detail = detail((0..=255).map(|n| torrent(n, u64::from(n) * 1_000_000)).collect());
        let told = detail["torrents"].as_array().expect("a list");
        assert!((20..=MAX_TORRENTS_TOLD).contains(&told.len()), "{} are told", told.len());
        assert_eq!(told[0]["info_hash"], InfoHash([255; 20]).to_hex());
        assert_eq!(told[19]["info_hash"], InfoHash([236; 20]).to_hex());
        assert_eq!((&told[0]["progress"], &told[0]["ratio"]), (&json!(0.1234), &json!(123.457)));
        assert!(
            detail.to_string().len() < MAX_DETAIL_BYTES + 20 && detail.to_string().len() <= 6 << 10,
            "{} bytes",
            detail.to_string().len()
        );
    }
}
