//! Where a peer may be reached, and the book of what we know of that.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Instant;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::guard::{AddressGuard, Origin};
use crate::keys::PeerKey;
use crate::relay::RelayHint;

/// 16 addresses of a kind: more than a machine with two providers, VPN and both IP versions has.
pub const MAX_ADDRESSES: usize = 16;

/// 3 relays of a peer: its home, its second, and one to spare.
pub const MAX_RELAYS: usize = 3;

/// 4,096 peers whose addresses are remembered; the one asked for longest ago makes room.
const MAX_PEERS: usize = 4096;

/// Where a peer can be reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerAddresses {
    /// UDP addresses of its overlay endpoint.
    pub udp: Vec<SocketAddr>,
    /// TCP addresses of its listener (TLS and BitTorrent).
    pub tcp: Vec<SocketAddr>,
    /// Relays through which it can be reached; its home is the first one.
    pub relays: Vec<RelayHint>,
}

impl PeerAddresses {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.udp.is_empty() && self.tcp.is_empty() && self.relays.is_empty()
    }

    /// Holds what a peer said to its bounds and to what its origin may name.
    pub(crate) fn checked(mut self, guard: &AddressGuard, origin: Origin) -> PeerAddresses {
        for addresses in [&mut self.udp, &mut self.tcp] {
            addresses.retain(|address| guard.allows(*address, origin));
            dedup(addresses);
            addresses.truncate(MAX_ADDRESSES);
        }
        self.relays.retain(|hint| relay_allowed(hint, guard, origin));
        dedup(&mut self.relays);
        self.relays.truncate(MAX_RELAYS);
        self
    }

    /// Puts what is newer before what was known, within the bounds.
    fn merge(&mut self, newer: PeerAddresses) {
        front(&mut self.udp, newer.udp, MAX_ADDRESSES);
        front(&mut self.tcp, newer.tcp, MAX_ADDRESSES);
        front(&mut self.relays, newer.relays, MAX_RELAYS);
    }
}

/// Whether a relay that `origin` named may be dialled. Names of real domains are looked up only if the operator gave them.
pub(crate) fn relay_allowed(hint: &RelayHint, guard: &AddressGuard, origin: Origin) -> bool {
    match hint.name() {
        Some(name) => guard.allows(name.address, origin),
        None => origin == Origin::User,
    }
}

fn dedup<T: PartialEq>(items: &mut Vec<T>) {
    let mut kept: Vec<T> = Vec::with_capacity(items.len().min(MAX_ADDRESSES));
    for item in items.drain(..) {
        if kept.len() < MAX_ADDRESSES && !kept.contains(&item) {
            kept.push(item);
        }
    }
    *items = kept;
}

fn front<T: PartialEq>(old: &mut Vec<T>, newer: Vec<T>, max: usize) {
    let mut merged = newer;
    for item in old.drain(..) {
        if !merged.contains(&item) {
            merged.push(item);
        }
    }
    merged.truncate(max);
    *old = merged;
}

/// What is known of where peers are. Everything in it has passed the guard.
#[derive(Debug, Default)]
pub(crate) struct AddressBook {
    peers: Mutex<HashMap<PeerKey, Known>>,
}

#[derive(Debug)]
struct Known {
    addresses: PeerAddresses,
    used: Instant,
}

impl AddressBook {
    /// Adds addresses (checked by the caller) before those known.
    pub(crate) fn add(&self, peer: PeerKey, addresses: PeerAddresses, now: Instant) {
        if addresses.is_empty() {
            return;
        }
        let mut peers = self.peers.lock();
        make_room(&mut peers, &peer);
        let known = peers.entry(peer).or_insert_with(|| Known { addresses: PeerAddresses::default(), used: now });
        known.used = now;
        known.addresses.merge(addresses);
    }

    /// Where the peer may be.
    pub(crate) fn get(&self, peer: &PeerKey, now: Instant) -> PeerAddresses {
        let mut peers = self.peers.lock();
        match peers.get_mut(peer) {
            Some(known) => {
                known.used = now;
                known.addresses.clone()
            }
            None => PeerAddresses::default(),
        }
    }
}

fn make_room(peers: &mut HashMap<PeerKey, Known>, newcomer: &PeerKey) {
    if peers.len() < MAX_PEERS || peers.contains_key(newcomer) {
        return;
    }
    let oldest = peers.iter().min_by_key(|(_, known)| known.used).map(|(key, _)| *key);
    if let Some(key) = oldest {
        peers.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::Scope;

    fn key(n: u32) -> PeerKey {
        let mut seed = [7; 32];
        seed[..4].copy_from_slice(&n.to_be_bytes());
        weft_identity::DeviceSecret::from_bytes(&seed).public()
    }

    fn address(n: u8) -> SocketAddr {
        SocketAddr::from(([203, 0, 112, n], 1000))
    }

    #[test]
    fn strangers_may_not_name_private_places_or_domains() {
        let guard = AddressGuard::new(Scope::Public, Vec::new());
        let relay = crate::relay::RelayName { key: key(1), address: "192.168.1.1:443".parse().unwrap() };
        let said = PeerAddresses {
            udp: vec!["127.0.0.1:1".parse().unwrap(), "8.8.4.4:1".parse().unwrap(), "10.0.0.1:1".parse().unwrap()],
            tcp: vec!["192.168.1.1:80".parse().unwrap()],
            relays: vec![relay.url().parse().unwrap(), "https://relay.example/".parse().unwrap()],
        };
        let kept = said.clone().checked(&guard, Origin::Stranger);
        assert_eq!(kept.udp, ["8.8.4.4:1".parse().unwrap()]);
        assert!(kept.tcp.is_empty() && kept.relays.is_empty());
        assert_eq!(said.checked(&guard, Origin::User).relays.len(), 2);
    }

    #[test]
    fn what_is_said_is_bounded() {
        let guard = AddressGuard::private();
        let said = PeerAddresses { udp: (0..200).map(|n| address(n % 100)).collect(), ..PeerAddresses::default() };
        assert_eq!(said.checked(&guard, Origin::Stranger).udp.len(), MAX_ADDRESSES);
    }

    #[test]
    fn newer_addresses_come_first_and_the_book_is_bounded() {
        let book = AddressBook::default();
        let start = Instant::now();
        let at = |n| PeerAddresses { udp: vec![address(n)], ..PeerAddresses::default() };
        book.add(key(0), at(1), start);
        book.add(key(0), at(2), start);
        assert_eq!(book.get(&key(0), start).udp, [address(2), address(1)]);
        for n in 1..=MAX_PEERS as u32 {
            book.add(key(n), at(3), start + std::time::Duration::from_millis(u64::from(n)));
        }
        assert!(book.get(&key(0), start).is_empty(), "the one used longest ago made room");
        assert_eq!(book.peers.lock().len(), MAX_PEERS);
    }
}
