//! Where peers are, asked by key: our address book, the DHT, the local network.
//!
//! A peer's record in the DHT is a BEP 44 item under its key: a signed DNS packet (the format pkarr uses) with its
//! addresses, its relays and its TCP port. Put again every half hour, and soon after it changed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use iroh::address_lookup::{AddressLookup, Error, Item};
use iroh::endpoint_info::{EndpointData, EndpointInfo, UserData};
use iroh::{EndpointId, SecretKey, TransportAddr};
use iroh_dns::pkarr::SignedPacket;
use iroh_mdns_address_lookup::MdnsAddressLookup;
use mainline::MutableItem;
use tokio::sync::watch;

use crate::addresses::{AddressBook, PeerAddresses};
use crate::dht::DhtNode;
use crate::guard::{AddressGuard, Origin};
use crate::hello::Hello;
use crate::keys::peer_key;
use crate::relay::{RelayHint, RelayPool};
use crate::tasks::Tasks;

/// 30 min: BEP 44 items are forgotten after two hours.
const REPUBLISH: Duration = Duration::from_secs(30 * 60);

/// 1 s: addresses come in one after another when a node starts.
const SETTLE: Duration = Duration::from_secs(1);

/// 5 s, then twice as long each time up to the regular interval, when nobody stored it.
const FIRST_RETRY: Duration = Duration::from_secs(5);

/// 5 min: how long resolvers may keep the record.
const TTL_SECONDS: u32 = 300;

/// 8 addresses and 2 relays fit in the 1,000 bytes that BEP 44 allows.
const MAX_PUBLISHED: usize = 8;
const MAX_PUBLISHED_RELAYS: usize = 2;

/// 30 s: as long as the dial for which a record was looked up.
const PASSAGE: Duration = Duration::from_secs(30);

/// What all lookups share: what is found passes the guard, goes into the book, and its relays are made usable.
#[derive(Clone)]
pub(crate) struct Finder {
    pub(crate) guard: AddressGuard,
    pub(crate) book: Arc<AddressBook>,
    pub(crate) relays: Arc<RelayPool>,
    pub(crate) tasks: Tasks,
}

impl Finder {
    /// Takes in what was found, and gives what of it may be dialled.
    fn found(&self, info: &EndpointInfo, origin: Origin, provenance: &'static str) -> Option<Item> {
        let peer = peer_key(&info.endpoint_id)?;
        let udp: Vec<SocketAddr> = info.ip_addrs().copied().collect();
        let tcp_port = info.user_data().and_then(|data| tcp_port(data.as_ref()));
        let tcp = tcp_port.map(|port| udp.iter().map(|address| SocketAddr::new(address.ip(), port)).collect());
        let relays = info.relay_urls().filter_map(|url| url.to_string().parse().ok()).collect();
        let found = PeerAddresses { udp, tcp: tcp.unwrap_or_default(), relays }.checked(&self.guard, origin);
        self.book.add(peer, found.clone(), Instant::now());
        Some(self.item(info.endpoint_id, found, provenance))
    }

    fn item(&self, id: EndpointId, addresses: PeerAddresses, provenance: &'static str) -> Item {
        self.hold_open(&addresses.relays);
        let udp = addresses.udp.into_iter().map(TransportAddr::Ip);
        let relays = addresses.relays.iter().map(|hint| TransportAddr::Relay(hint.url().clone()));
        let data = EndpointData::new(udp.chain(relays).collect());
        Item::new(EndpointInfo::from_parts(id, data), provenance, None)
    }

    fn hold_open(&self, hints: &[RelayHint]) {
        if hints.is_empty() {
            return;
        }
        let passage = self.relays.passage(hints);
        self.tasks.spawn(async move {
            tokio::time::sleep(PASSAGE).await;
            drop(passage);
        });
    }
}

impl std::fmt::Debug for Finder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Finder").field("guard", &self.guard).finish_non_exhaustive()
    }
}

/// Answers from our own book: what invitations, hellos and members' gossip said.
#[derive(Debug)]
pub(crate) struct BookLookup(pub(crate) Finder);

impl AddressLookup for BookLookup {
    fn resolve(&self, id: EndpointId) -> Option<BoxStream<'static, Result<Item, Error>>> {
        let addresses = self.0.book.get(&peer_key(&id)?, Instant::now());
        if addresses.is_empty() {
            return None;
        }
        let item = self.0.item(id, addresses, "book");
        Some(stream::once(async move { Ok(item) }).boxed())
    }
}

/// Answers from the DHT.
pub(crate) struct DhtLookup {
    pub(crate) finder: Finder,
    pub(crate) dht: DhtNode,
}

impl std::fmt::Debug for DhtLookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DhtLookup").finish_non_exhaustive()
    }
}

impl AddressLookup for DhtLookup {
    fn resolve(&self, id: EndpointId) -> Option<BoxStream<'static, Result<Item, Error>>> {
        let (finder, dht) = (self.finder.clone(), self.dht.clone());
        let items = dht.get(id.as_bytes(), None).ok()?;
        let found = items.filter_map(move |item| {
            let found = packet_of(&id, &item).and_then(|packet| {
                let info = EndpointInfo::from_pkarr_signed_packet(&packet).ok()?;
                finder.found(&info, Origin::Stranger, "dht")
            });
            std::future::ready(found.map(Ok))
        });
        Some(found.boxed())
    }
}

/// Answers from the local network, held to what may be named there.
#[derive(Debug)]
pub(crate) struct LanLookup {
    pub(crate) finder: Finder,
    pub(crate) mdns: MdnsAddressLookup,
}

impl AddressLookup for LanLookup {
    fn publish(&self, data: &EndpointData) {
        self.mdns.publish(data);
    }

    fn resolve(&self, id: EndpointId) -> Option<BoxStream<'static, Result<Item, Error>>> {
        let finder = self.finder.clone();
        let found = self.mdns.resolve(id)?.filter_map(move |item| {
            let checked = match item {
                Ok(item) => finder.found(item.endpoint_info(), Origin::Lan, "mdns").map(Ok),
                Err(error) => Some(Err(error)),
            };
            std::future::ready(checked)
        });
        Some(found.boxed())
    }
}

/// Keeps our record in the DHT. Ends with the overlay.
pub(crate) async fn publish(
    dht: DhtNode,
    secret: SecretKey,
    public: bool,
    guard: AddressGuard,
    mut ours: watch::Receiver<Arc<Hello>>,
) {
    let mut retry = FIRST_RETRY;
    loop {
        dht.joined().await;
        let addresses = ours.borrow_and_update().addresses.clone();
        let wait = match record(&secret, addresses, public.then_some(&guard)) {
            None => REPUBLISH,
            Some(item) => match dht.put(item).await {
                Ok(()) => {
                    retry = FIRST_RETRY;
                    REPUBLISH
                }
                Err(error) => {
                    tracing::debug!(%error, "our record was not stored");
                    retry = (retry * 2).min(REPUBLISH);
                    retry
                }
            },
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            changed = ours.changed() => match changed {
                Ok(()) => tokio::time::sleep(SETTLE).await,
                Err(_) => return,
            },
        }
    }
}

/// Our record as a BEP 44 item. In public only addresses that mean something to the public are named.
fn record(secret: &SecretKey, mut ours: PeerAddresses, public: Option<&AddressGuard>) -> Option<MutableItem> {
    if let Some(guard) = public {
        ours = ours.checked(guard, Origin::Stranger);
    }
    if ours.is_empty() {
        return None;
    }
    let mut count = MAX_PUBLISHED;
    loop {
        let udp = ours.udp.iter().take(count).copied().map(TransportAddr::Ip);
        let relays = ours.relays.iter().take(MAX_PUBLISHED_RELAYS).map(|hint| TransportAddr::Relay(hint.url().clone()));
        let mut data = EndpointData::new(relays.chain(udp).collect());
        let port = ours.tcp.first().map(|address| address.port());
        data.set_user_data(port.and_then(|port| format!("tcp:{port}").parse::<UserData>().ok()));
        let info = EndpointInfo::from_parts(secret.public(), data);
        match info.to_pkarr_signed_packet(secret, TTL_SECONDS) {
            Ok(packet) => return Some(item_of(&packet)),
            Err(_) if count > 0 => count -= 1,
            Err(_) => return None,
        }
    }
}

fn tcp_port(data: &str) -> Option<u16> {
    data.split(' ').find_map(|word| word.strip_prefix("tcp:"))?.parse().ok().filter(|port| *port != 0)
}

fn item_of(packet: &SignedPacket) -> MutableItem {
    let seq = i64::try_from(packet.timestamp().as_micros()).unwrap_or(i64::MAX);
    MutableItem::new_signed_unchecked(
        *packet.public_key().as_bytes(),
        packet.signature().to_bytes(),
        packet.encoded_packet(),
        seq,
        None,
    )
}

/// The packet in an item, its signature checked once more over the bytes that are used.
fn packet_of(id: &EndpointId, item: &MutableItem) -> Option<SignedPacket> {
    let mut payload = Vec::with_capacity(72 + item.value().len());
    payload.extend_from_slice(item.signature());
    payload.extend_from_slice(&u64::try_from(item.seq()).ok()?.to_be_bytes());
    payload.extend_from_slice(item.value());
    SignedPacket::from_relay_payload(id, &payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::Scope;

    fn secret() -> SecretKey {
        SecretKey::from_bytes(&[5; 32])
    }

    fn addresses() -> PeerAddresses {
        let relay = "https://relay.example/".parse().unwrap();
        PeerAddresses {
            udp: (0..16).map(|n| SocketAddr::from(([8, 8, 4, n], 4000))).collect(),
            tcp: vec!["8.8.4.1:5000".parse().unwrap()],
            relays: vec![relay],
        }
    }

    #[test]
    fn a_record_says_addresses_relays_and_the_tcp_port() {
        let item = record(&secret(), addresses(), None).unwrap();
        assert!(item.value().len() <= 1000);
        let packet = packet_of(&secret().public(), &item).unwrap();
        let info = EndpointInfo::from_pkarr_signed_packet(&packet).unwrap();
        assert_eq!(info.ip_addrs().count(), MAX_PUBLISHED);
        assert_eq!(info.relay_urls().count(), 1);
        assert_eq!(info.user_data().and_then(|data| tcp_port(data.as_ref())), Some(5000));
        assert!(packet_of(&SecretKey::from_bytes(&[6; 32]).public(), &item).is_none(), "another key did not sign it");
    }

    #[test]
    fn the_public_does_not_learn_private_addresses() {
        let guard = AddressGuard::new(Scope::Public, Vec::new());
        let mut ours = addresses();
        ours.udp = vec!["192.168.1.2:4000".parse().unwrap(), "8.8.4.4:4000".parse().unwrap()];
        let item = record(&secret(), ours, Some(&guard)).unwrap();
        let info = EndpointInfo::from_pkarr_signed_packet(&packet_of(&secret().public(), &item).unwrap()).unwrap();
        assert_eq!(info.ip_addrs().copied().collect::<Vec<_>>(), ["8.8.4.4:4000".parse().unwrap()]);
        let hidden = PeerAddresses { udp: vec!["10.0.0.1:1".parse().unwrap()], ..PeerAddresses::default() };
        assert!(record(&secret(), hidden, Some(&guard)).is_none());
    }
}
