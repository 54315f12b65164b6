//! `x.weft` of a magnet link: a device key and where that device may be, so that a link alone leads from one Weft peer to
//! another, with no DHT and no tracker.
//!
//! Its text is the key, then hints, each after a semicolon: `u=` and `t=` are UDP and TCP addresses, `r=` a relay. What
//! cannot be read is passed over: a newer Weft may say more. Links come from strangers, so on a public network an address
//! that strangers may not name is not followed.

use std::net::SocketAddr;

use weft_content::WeftHints;
use weft_overlay::guard::{AddressGuard, Origin};
use weft_overlay::{Overlay, PeerAddresses, PeerKey, RelayHint};

/// 4 KiB of hints are read: a link is something people paste.
const MAX_TEXT_BYTES: usize = 4096;

/// 4 addresses of a kind and 2 relays are written: a link stays short.
const WRITTEN_ADDRESSES: usize = 4;
const WRITTEN_RELAYS: usize = 2;

/// Reads and writes `x.weft` with what the overlay knows.
pub(crate) struct MagnetHints(pub(crate) Overlay);

impl WeftHints for MagnetHints {
    fn read(&self, value: &str) -> Option<PeerKey> {
        let (key, mut addresses) = parse(value)?;
        keep_public(&mut addresses, self.0.guard());
        if key != self.0.key() && !addresses.is_empty() {
            self.0.add_peer(key, addresses);
        }
        Some(key)
    }

    fn write(&self) -> Option<String> {
        Some(format(self.0.key(), &self.0.addresses()))
    }
}

fn parse(value: &str) -> Option<(PeerKey, PeerAddresses)> {
    if value.len() > MAX_TEXT_BYTES {
        return None;
    }
    let mut parts = value.split(';');
    let key = parts.next()?.parse().ok()?;
    let mut addresses = PeerAddresses::default();
    for part in parts {
        match part.split_once('=') {
            Some(("u", text)) => addresses.udp.extend(text.parse::<SocketAddr>()),
            Some(("t", text)) => addresses.tcp.extend(text.parse::<SocketAddr>()),
            Some(("r", text)) => addresses.relays.extend(text.parse::<RelayHint>()),
            _ => {}
        }
    }
    addresses.udp.truncate(weft_overlay::MAX_ADDRESSES);
    addresses.tcp.truncate(weft_overlay::MAX_ADDRESSES);
    addresses.relays.truncate(weft_overlay::MAX_RELAYS);
    Some((key, addresses))
}

fn format(key: PeerKey, addresses: &PeerAddresses) -> String {
    let mut text = key.to_string();
    for (name, list) in [("t", &addresses.tcp), ("u", &addresses.udp)] {
        for address in list.iter().take(WRITTEN_ADDRESSES) {
            text.push_str(&format!(";{name}={address}"));
        }
    }
    for relay in addresses.relays.iter().take(WRITTEN_RELAYS) {
        text.push_str(&format!(";r={relay}"));
    }
    text
}

/// Leaves what a stranger may name on this network. A relay by domain is left out: its name could lead anywhere.
fn keep_public(addresses: &mut PeerAddresses, guard: &AddressGuard) {
    let allowed = |address: &SocketAddr| guard.allows(*address, Origin::Stranger);
    addresses.udp.retain(allowed);
    addresses.tcp.retain(allowed);
    addresses.relays.retain(|relay: &RelayHint| relay.name().is_some_and(|name| allowed(&name.address)));
}

#[cfg(test)]
mod tests {
    use weft_identity::DeviceSecret;

    use super::*;

    fn key() -> PeerKey {
        DeviceSecret::from_bytes(&[5; 32]).public()
    }

    #[test]
    fn what_is_written_is_read() {
        let addresses = PeerAddresses {
            udp: vec!["203.0.113.1:1".parse().expect("an address"), "[2001:db8::1]:2".parse().expect("an address")],
            tcp: vec!["203.0.113.1:3".parse().expect("an address")],
            relays: vec!["https://relay.example:444#555".parse().expect("a relay")],
        };
        assert_eq!(parse(&format(key(), &addresses)), Some((key(), addresses)));
        assert_eq!(parse(&key().to_string()), Some((key(), PeerAddresses::default())));
    }

    #[test]
    fn what_cannot_be_read_is_passed_over_and_what_is_too_long_refused() {
        let text = format!("{};u=here;x=1;t;;t=203.0.113.1:3", key());
        assert_eq!(parse(&text).map(|(_, addresses)| addresses.tcp.len()), Some(1));
        assert_eq!(parse("not a key;t=203.0.113.1:3"), None);
        assert_eq!(parse(&format!("{}{}", key(), ";t=203.0.113.1:3".repeat(999))), None);
        let many = format!("{}{}", key(), ";t=203.0.113.1:3".repeat(100));
        assert_eq!(parse(&many).map(|(_, addresses)| addresses.tcp.len()), Some(weft_overlay::MAX_ADDRESSES));
    }

    #[test]
    fn a_link_does_not_lead_into_private_networks_on_the_public_one() {
        let text = format!("{};t=127.0.0.1:1;t=10.0.0.1:1;t=8.8.8.8:1;u=[fe80::1]:1;u=169.254.1.1:1", key());
        let (_, mut addresses) = parse(&text).expect("it reads");
        keep_public(&mut addresses, &AddressGuard::public());
        assert_eq!(addresses.tcp, ["8.8.8.8:1".parse().expect("an address")]);
        assert!(addresses.udp.is_empty());
        let (_, mut addresses) = parse(&text).expect("it reads");
        keep_public(&mut addresses, &AddressGuard::private());
        assert!(addresses.tcp.len() > 1, "the members of a private network may be anywhere");
    }
}
