//! The relays in the endpoint's map, with the tickets to enter them.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use iroh::{Endpoint, RelayMap, RelayUrl};
use iroh_relay::{RelayConfig, RelayQuicConfig};
use parking_lot::Mutex;
use tokio::sync::Notify;
use weft_events::EventSink;
use weft_identity::DeviceSecret;

use super::book::{Change, RelayBook, Source};
use super::name::RelayHint;
use super::token;
use crate::addresses::relay_allowed;
use crate::event::OverlayEvent;
use crate::guard::{AddressGuard, Origin};

/// 32 foreign relays at a time are held open for dials: more dials at once wait for nothing, they go without.
const MAX_PASSAGES: usize = 32;

/// Which relays are known, used and lost, and the endpoint's map that follows them.
pub(crate) struct RelayPool {
    /// Shared with the endpoint. What is put in here directly is not weighed as a home, only used.
    map: RelayMap,
    endpoint: OnceLock<Endpoint>,
    secret: Arc<DeviceSecret>,
    guard: AddressGuard,
    events: EventSink,
    book: Mutex<RelayBook>,
    passages: Mutex<HashMap<RelayUrl, usize>>,
    /// When a relay in use was found dead, until another is home.
    lost_at: Mutex<Option<Instant>>,
    changed: Notify,
}

impl RelayPool {
    pub(crate) fn new(secret: Arc<DeviceSecret>, guard: AddressGuard, events: EventSink) -> Arc<Self> {
        Arc::new(RelayPool {
            map: RelayMap::empty(),
            endpoint: OnceLock::new(),
            secret,
            guard,
            events,
            book: Mutex::default(),
            passages: Mutex::default(),
            lost_at: Mutex::default(),
            changed: Notify::new(),
        })
    }

    /// The map to build the endpoint with.
    pub(crate) fn map(&self) -> RelayMap {
        self.map.clone()
    }

    /// The endpoint exists now: what is learned from here on goes into its map.
    pub(crate) fn attach(&self, endpoint: Endpoint) {
        let _ = self.endpoint.set(endpoint);
    }

    /// A relay was named by `origin`; it is used if there is need.
    pub(crate) async fn learn(&self, hint: RelayHint, source: Source, origin: Origin, rtt: Option<Duration>) {
        if !relay_allowed(&hint, &self.guard, origin) {
            tracing::debug!(relay = %hint, "a relay at an address that its source may not name is not used");
            return;
        }
        let changes = self.book.lock().learn(hint, source, rtt);
        self.apply(changes).await;
    }

    /// A relay in use does not answer: out of the map, so that another becomes home at once. Says whether it was in use.
    pub(crate) async fn lost(&self, url: &RelayUrl, reason: &str) -> bool {
        let lost = {
            let mut book = self.book.lock();
            let hint = book.find(url).cloned();
            hint.and_then(|hint| book.lost(&hint, Instant::now()))
        };
        let Some((retry, changes)) = lost else { return false };
        self.lost_at.lock().get_or_insert_with(Instant::now);
        let retry_ms = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX);
        self.events.emit(&OverlayEvent::RelayLost { url: url.to_string(), reason: reason.to_owned(), retry_ms });
        self.apply(changes).await;
        true
    }

    /// A home relay is connected. Gives the time since one was lost, if one was.
    pub(crate) fn is_home(&self, url: &RelayUrl) -> Option<Duration> {
        self.works(url, None);
        self.lost_at.lock().take().map(|at| at.elapsed())
    }

    /// A relay answers.
    pub(crate) fn works(&self, url: &RelayUrl, rtt: Option<Duration>) {
        let mut book = self.book.lock();
        if let Some(hint) = book.find(url).cloned() {
            book.works(&hint, rtt);
        }
    }

    /// The relay is not offered any more.
    pub(crate) async fn forget(&self, hint: &RelayHint) {
        let changes = self.book.lock().forget(hint);
        self.apply(changes).await;
    }

    /// Lost relays that are to be tried again now.
    pub(crate) fn due(&self) -> Vec<RelayHint> {
        self.book.lock().due(Instant::now())
    }

    /// A lost relay was tried: it answered in this time, or is lost still.
    pub(crate) async fn retried(&self, hint: &RelayHint, rtt: Option<Duration>) {
        let changes = self.book.lock().retried(hint, rtt, Instant::now());
        self.apply(changes).await;
    }

    /// Makes the endpoint look again which relay is nearest.
    pub(crate) async fn look_again(&self) {
        let Some(endpoint) = self.endpoint.get() else { return };
        if let Some(hint) = self.used().first() {
            endpoint.insert_relay(hint.url().clone(), self.config(hint, true)).await;
        }
    }

    /// New tickets for the relays in use. (A connection takes its ticket from the map when it is made.)
    pub(crate) fn renew_tickets(&self) {
        for hint in self.used() {
            self.map.insert(hint.url().clone(), self.config(&hint, true));
        }
    }

    /// Relays in use.
    pub(crate) fn used(&self) -> Vec<RelayHint> {
        self.book.lock().used().cloned().collect()
    }

    /// Whether this relay is one of ours to be reached at.
    pub(crate) fn uses(&self, url: &RelayUrl) -> bool {
        self.book.lock().used().any(|hint| hint.url() == url)
    }

    /// Waits until other relays are in use.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// All relays known: whether it is in use, and its round trip.
    pub(crate) fn all(&self) -> Vec<(RelayHint, bool, Option<Duration>)> {
        self.book.lock().all().map(|(hint, used, rtt)| (hint.clone(), used, rtt)).collect()
    }

    /// Whether more relays should be looked for.
    pub(crate) fn wants_more(&self) -> bool {
        self.book.lock().wants_more()
    }

    /// Lets a dial go through relays that are not ours, for as long as the guard lives. (Without an entry in the map the
    /// endpoint has no ticket for them. Connections made meanwhile keep theirs.)
    pub(crate) fn passage(self: &Arc<Self>, hints: &[RelayHint]) -> Passage {
        let mut open = Vec::new();
        let mut passages = self.passages.lock();
        for hint in hints {
            if self.uses(hint.url()) || (passages.len() >= MAX_PASSAGES && !passages.contains_key(hint.url())) {
                continue;
            }
            *passages.entry(hint.url().clone()).or_insert(0) += 1;
            self.map.insert(hint.url().clone(), self.config(hint, false));
            open.push(hint.url().clone());
        }
        Passage { pool: self.clone(), open }
    }

    fn close_passage(&self, url: &RelayUrl) {
        let mut passages = self.passages.lock();
        let Some(count) = passages.get_mut(url) else { return };
        *count -= 1;
        if *count == 0 {
            passages.remove(url);
            if !self.uses(url) {
                self.map.remove(url);
            }
        }
    }

    fn config(&self, hint: &RelayHint, home: bool) -> Arc<RelayConfig> {
        let quic = home.then(|| RelayQuicConfig::new(hint.discovery_port()));
        let config = RelayConfig::new(hint.url().clone(), quic);
        Arc::new(match hint.name() {
            Some(name) => config.with_auth_token(token::issue(&self.secret, &name.key, SystemTime::now())),
            None => config,
        })
    }

    async fn apply(&self, changes: Vec<Change>) {
        if !changes.is_empty() {
            self.changed.notify_one();
        }
        for change in changes {
            match change {
                Change::Insert(hint) => {
                    let config = self.config(&hint, true);
                    match self.endpoint.get() {
                        Some(endpoint) => drop(endpoint.insert_relay(hint.url().clone(), config).await),
                        None => drop(self.map.insert(hint.url().clone(), config)),
                    }
                    self.events.emit(&OverlayEvent::RelayAdded { url: hint.url().to_string() });
                }
                Change::Remove(hint) => match self.endpoint.get() {
                    Some(endpoint) => drop(endpoint.remove_relay(hint.url()).await),
                    None => drop(self.map.remove(hint.url())),
                },
            }
        }
    }
}

/// Foreign relays held open for a dial.
pub(crate) struct Passage {
    pool: Arc<RelayPool>,
    open: Vec<RelayUrl>,
}

impl Drop for Passage {
    fn drop(&mut self) {
        for url in &self.open {
            self.pool.close_passage(url);
        }
    }
}
