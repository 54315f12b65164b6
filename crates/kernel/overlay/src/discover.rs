//! Finding relays among strangers, and being found as one.
//!
//! A peer that offers a relay announces the TCP port of its listener in the DHT under the role's info-hash. A seeker dials
//! it accepting any key, learns the key, asks for the signed role record, measures the relay, and only then uses it. The
//! record is in the DHT too, under the peer's key with the role as salt, for those who know the key.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use mainline::{MutableItem, SigningKey};
use parking_lot::RwLock;
use weft_identity::DeviceSecret;
use zeroize::Zeroizing;

use crate::addresses::relay_allowed;
use crate::dht::DhtNode;
use crate::guard::Origin;
use crate::hub::Hub;
use crate::relay::{
    RECORD_LIFE, RELAY_ROLE, RELAY_SALT, ROLE_STREAM, RelayHint, RoleRecord, Source, probe, role_info_hash,
};
use crate::roles;
use crate::tcp_dial::TcpDialer;

/// One list of relays; more shards come when one list is too long to be fair.
const SHARD: u32 = 0;

/// 15 min: DHT nodes forget announcements after half an hour.
const ANNOUNCE: Duration = Duration::from_secs(15 * 60);

/// 30 s when an announcement failed.
const ANNOUNCE_RETRY: Duration = Duration::from_secs(30);

/// 8 strangers asked a search: among them is one that lives.
const MAX_ASKED: usize = 8;

/// 64 addresses gathered before some are drawn: who answers first is not who is asked.
const MAX_GATHERED: usize = 64;

/// 5 s to gather.
const GATHER: Duration = Duration::from_secs(5);

/// 5 s for a stranger to answer.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// 3 s, then twice as long each time up to 10 min, between searches while relays are wanted.
const FIRST_SEARCH: Duration = Duration::from_secs(3);
const LAST_SEARCH: Duration = Duration::from_secs(600);

/// 10 s between looks at whether relays are wanted, once there were enough.
const CONTENT: Duration = Duration::from_secs(10);

/// Announces the relay we offer. Ends when it is dropped.
pub(crate) async fn announce(
    hub: Arc<Hub>,
    dht: DhtNode,
    secret: Arc<DeviceSecret>,
    hint: RelayHint,
    tcp_port: u16,
    record: Arc<RwLock<Option<Vec<u8>>>>,
) {
    let info_hash = role_info_hash(&hub.network, RELAY_ROLE, SHARD);
    loop {
        // A fresh record, for who asks us and for who asks the DHT.
        let now = SystemTime::now();
        let signed = RoleRecord::relay(&secret, &hub.network, hint.clone(), now).sign(&secret);
        *record.write() = Some(signed.clone());
        // Without a DHT the record is still given to who asks us.
        if tokio::time::timeout(RECORD_LIFE / 2, dht.joined()).await.is_err() {
            continue;
        }
        let announced = dht.announce(info_hash, tcp_port).await;
        let stored = dht.put(item(&secret, &signed, now)).await;
        let wait = match (announced, stored) {
            (Ok(()), Ok(())) => ANNOUNCE,
            (announced, stored) => {
                tracing::debug!(?announced, ?stored, "the relay is not announced yet");
                ANNOUNCE_RETRY
            }
        };
        tokio::time::sleep(wait).await;
    }
}

fn item(secret: &DeviceSecret, record: &[u8], now: SystemTime) -> MutableItem {
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seed: Zeroizing<[u8; 32]> = secret.expose_for_transport();
    let signer = SigningKey::from_bytes(&seed);
    MutableItem::new(signer, record, i64::try_from(seconds).unwrap_or(i64::MAX), Some(RELAY_SALT))
}

/// Searches relays while there are too few. Ends with the overlay.
pub(crate) async fn seek(hub: Arc<Hub>, dht: DhtNode, dialer: TcpDialer) {
    let mut wait = FIRST_SEARCH;
    loop {
        if !hub.relays.wants_more() {
            wait = FIRST_SEARCH;
            tokio::time::sleep(CONTENT).await;
            continue;
        }
        dht.joined().await;
        search(&hub, &dht, &dialer).await;
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LAST_SEARCH);
    }
}

async fn search(hub: &Arc<Hub>, dht: &DhtNode, dialer: &TcpDialer) {
    let mut candidates = gather(hub, dht).await;
    for _ in 0..MAX_ASKED.min(candidates.len()) {
        if !hub.relays.wants_more() {
            return;
        }
        let chosen = rand::random_range(0..candidates.len());
        let address = candidates.swap_remove(chosen);
        for hint in ask(hub, dialer, address).await {
            hub.measure_and_use(hint, Source::Found, Origin::Stranger).await;
        }
    }
}

async fn gather(hub: &Hub, dht: &DhtNode) -> Vec<SocketAddr> {
    let Ok(mut found) = dht.get_peers(role_info_hash(&hub.network, RELAY_ROLE, SHARD)) else { return Vec::new() };
    let mut candidates: Vec<SocketAddr> = Vec::new();
    let gathering = async {
        while let Some(addresses) = found.next().await {
            for address in addresses {
                if candidates.len() < MAX_GATHERED && !candidates.contains(&address) {
                    candidates.push(address);
                }
            }
        }
    };
    let _ = tokio::time::timeout(GATHER, gathering).await;
    candidates
}

/// The relay a stranger offers, if its record is good; else those it names.
async fn ask(hub: &Hub, dialer: &TcpDialer, address: SocketAddr) -> Vec<RelayHint> {
    let (peer, link) = match dialer.role(address, Origin::Stranger, ROLE_STREAM, ASK_TIMEOUT).await {
        Ok(found) => found,
        Err(error) => {
            tracing::debug!(%error, %address, "a relay that was announced cannot be asked");
            return Vec::new();
        }
    };
    // Our own relay is announced too; it is in use already.
    if peer == hub.key {
        return Vec::new();
    }
    let answer = match roles::ask(link).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::debug!(%error, %address, "no role answer");
            return Vec::new();
        }
    };
    let record = answer.record.map(|bytes| RoleRecord::verify(&bytes, &peer, &hub.network, SystemTime::now()));
    match record {
        Some(Ok(record)) => vec![record.relay],
        Some(Err(error)) => {
            tracing::debug!(%error, %address, "a role record that is not believed");
            Vec::new()
        }
        None => answer.relays,
    }
}

impl Hub {
    /// Looks at relays that somebody named, if more are wanted and nobody else is looking.
    pub(crate) fn consider(self: &Arc<Self>, relays: Vec<RelayHint>, source: Source, origin: Origin) {
        if relays.is_empty() || !self.relays.wants_more() {
            return;
        }
        // One look at a time: peers may name relays as often as they like.
        let Ok(looking) = self.looking.clone().try_acquire_owned() else { return };
        let hub = self.clone();
        self.tasks.spawn(async move {
            for hint in relays {
                if hub.relays.wants_more() {
                    hub.measure_and_use(hint, source, origin).await;
                }
            }
            drop(looking);
        });
    }

    /// Measures a relay that somebody named and uses it if it answers: nothing is trusted for more than a try.
    async fn measure_and_use(&self, hint: RelayHint, source: Source, origin: Origin) {
        let known = self.relays.all().iter().any(|(known, ..)| *known == hint);
        if known || !relay_allowed(&hint, &self.guard, origin) {
            return;
        }
        match probe::measure(&hint, self.resolver.clone()).await {
            Ok(rtt) => self.relays.learn(hint, source, origin, Some(rtt)).await,
            Err(death) => tracing::debug!(%death, relay = %hint, "a relay that was named does not work"),
        }
    }
}
