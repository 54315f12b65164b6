//! One torrent's trackers: when to announce, what came of it, and how that is shown.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use rand::RngCore;
use url::Url;
use weft_bittorrent::tracker::schedule::{Due, Schedule, TrackerKey};
use weft_bittorrent::tracker::{Announce, AnnounceResponse};
use weft_overlay::guard::{AddressGuard, Origin};

use super::http::{AnnounceError, HttpTrackers};
use super::udp;
use crate::status::{TrackerState, TrackerStatus};

/// What came of an announce.
#[derive(Debug)]
pub(crate) struct Answer {
    tracker: TrackerKey,
    result: Result<AnnounceResponse, AnnounceError>,
}

/// What a tracker last said.
#[derive(Debug, Default, Clone)]
struct Said {
    message: Option<String>,
    asked: bool,
    seeders: Option<u32>,
    leechers: Option<u32>,
}

/// The schedule of announces with what the trackers said.
#[derive(Debug)]
pub(crate) struct Trackers {
    schedule: Schedule,
    said: HashMap<TrackerKey, Said>,
    /// Trackers the user named: their addresses may be private.
    by_user: HashSet<String>,
}

/// How announces are made.
#[derive(Clone)]
pub(crate) struct Announcer {
    pub(crate) http: HttpTrackers,
    pub(crate) guard: AddressGuard,
}

impl Announcer {
    /// Makes an announce.
    pub(crate) async fn announce(&self, due: Due, origin: Origin, announce: Announce) -> Answer {
        let result = if due.url.starts_with("udp:") {
            udp::announce(&self.guard, &due.url, &announce, origin).await
        } else {
            self.http.announce(&due.url, &announce, origin).await
        };
        Answer { tracker: due.tracker, result }
    }
}

impl Trackers {
    pub(crate) fn new(tiers: &[Vec<String>], rng: &mut impl RngCore) -> Self {
        Trackers { schedule: Schedule::new(tiers, rng), said: HashMap::new(), by_user: HashSet::new() }
    }

    /// Adds trackers the user named.
    pub(crate) fn add_by_user(&mut self, urls: &[String], rng: &mut impl RngCore) {
        self.by_user.extend(urls.iter().cloned());
        self.schedule.add_tier(urls, rng);
    }

    /// Adds trackers.
    pub(crate) fn add(&mut self, tiers: &[Vec<String>], rng: &mut impl RngCore) {
        tiers.iter().for_each(|tier| self.schedule.add_tier(tier, rng));
    }

    /// The announce to make now, with who named the tracker.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<(Due, Origin)> {
        let due = self.schedule.poll(now)?;
        let origin = if self.by_user.contains(&due.url) { Origin::User } else { Origin::Stranger };
        Some((due, origin))
    }

    pub(crate) fn deadline(&self, now: Instant) -> Option<Instant> {
        self.schedule.deadline(now)
    }

    pub(crate) fn completed(&mut self, now: Instant) {
        self.schedule.completed(now);
    }

    pub(crate) fn want_peers(&mut self, now: Instant) {
        self.schedule.want_peers(now);
    }

    pub(crate) fn stop(&mut self) {
        self.schedule.stop();
    }

    /// Takes an answer in and gives the peers it named.
    pub(crate) fn answered(&mut self, answer: Answer, now: Instant) -> Vec<std::net::SocketAddr> {
        let said = self.said.entry(answer.tracker).or_default();
        said.asked = true;
        match answer.result {
            Ok(response) => {
                said.message = response.warning;
                said.seeders = response.seeders;
                said.leechers = response.leechers;
                let (interval, least) = (response.interval, response.min_interval);
                self.schedule.succeeded(answer.tracker, now, interval, least, response.tracker_id);
                response.peers
            }
            Err(error) => {
                said.message = Some(error.to_string());
                self.schedule.failed(answer.tracker, now, error.retry());
                Vec::new()
            }
        }
    }

    pub(crate) fn status(&self, now: Instant) -> Vec<TrackerStatus> {
        let one = |(key, tracker): (TrackerKey, weft_bittorrent::tracker::schedule::TrackerStatus<'_>)| {
            let said = self.said.get(&key).cloned().unwrap_or_default();
            TrackerStatus {
                url: shown(tracker.url),
                tier: tracker.tier,
                state: match (said.asked, tracker.working) {
                    (false, _) => TrackerState::NotContacted,
                    (true, true) => TrackerState::Working,
                    (true, false) => TrackerState::Failed,
                },
                message: said.message,
                seeders: said.seeders,
                leechers: said.leechers,
                next_announce_seconds: tracker.not_before.map(|at| at.saturating_duration_since(now).as_secs()),
            }
        };
        self.schedule.trackers().map(one).collect()
    }
}

/// A tracker's URL as it may be shown: without what could be a secret (user, password, passkey in path or query).
fn shown(url: &str) -> String {
    let Ok(parsed) = Url::parse(url) else { return "(not a URL)".to_owned() };
    let host = parsed.host_str().unwrap_or_default();
    let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
    let long = |part: &&str| part.len() >= 16;
    let path = if parsed.path().split('/').any(|part| long(&part)) { "/…" } else { parsed.path() };
    let query = if parsed.query().is_some() { "?…" } else { "" };
    format!("{}://{host}{port}{path}{query}", parsed.scheme())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_urls_are_not_shown() {
        assert_eq!(shown("http://u:p@t.example:80/announce"), "http://t.example/announce");
        assert_eq!(shown("udp://t.example:6969/announce"), "udp://t.example:6969/announce");
        assert_eq!(shown("https://t.example/0123456789abcdef/announce"), "https://t.example/…");
        assert_eq!(shown("https://t.example/announce?passkey=s"), "https://t.example/announce?…");
    }
}
