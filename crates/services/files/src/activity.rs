//! What the service does at this moment, for who looks each second.

use serde_json::{Value, json};
use weft_content::{Engine, TorrentActivity};
use weft_service::Activity;

/// 20 torrents are told of: the most active ones, which is more than a person watches at once, within the 6 KiB that a
/// service's detail may have.
pub(crate) const MAX_TORRENTS_TOLD: usize = 20;

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

/// `{torrents: […]}` with the most active first: those that move most, then those that were added last to the list of
/// those that moved anything.
fn detail(mut torrents: Vec<TorrentActivity>) -> Value {
    torrents.sort_by_key(|torrent| {
        let now = torrent.rate_down + torrent.rate_up;
        (std::cmp::Reverse((now, torrent.peers, torrent.downloaded + torrent.uploaded)), torrent.info_hash)
    });
    torrents.truncate(MAX_TORRENTS_TOLD);
    json!({ "torrents": torrents })
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
        assert_eq!(told.len(), MAX_TORRENTS_TOLD);
        assert_eq!(told[0]["info_hash"], InfoHash([255; 20]).to_hex());
        assert_eq!(told[19]["info_hash"], InfoHash([236; 20]).to_hex());
        assert!(detail.to_string().len() <= 6 << 10, "{} bytes", detail.to_string().len());
    }
}
