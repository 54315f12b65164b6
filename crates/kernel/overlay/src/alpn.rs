//! The protocols a connection can be for.
//!
//! A private network's ALPNs carry a tag of its name, so that a stranger fails in the TLS handshake, before any of our
//! code runs. (The name is a fence, not a lock: who knows it can say it. Who may do what is decided by keys.)

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::config::Network;
use crate::connector::StreamType;

/// What a connection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Channel {
    /// Everything small: one such connection a pair.
    Control,
    /// Bulk content, with a congestion control of its own, so that it does not stand before what is small.
    Bulk,
}

impl Channel {
    pub(crate) const ALL: [Channel; 2] = [Channel::Control, Channel::Bulk];

    /// The channel that streams of this type go on.
    pub(crate) fn of(purpose: StreamType) -> Channel {
        if purpose.as_str().starts_with("bt/") { Channel::Bulk } else { Channel::Control }
    }
}

/// The ALPNs of one network.
#[derive(Debug, Clone)]
pub(crate) struct Alpns {
    control: Vec<u8>,
    bulk: Vec<u8>,
    gossip: Vec<u8>,
}

/// 16 hex digits: 64 bits, no two networks that meet have the same by chance.
const TAG_BYTES: usize = 8;

/// A short name of the network that does not tell its long one: for ALPNs and mDNS.
pub(crate) fn network_tag(network: &Network) -> Option<String> {
    match network {
        Network::Public => None,
        private => {
            let digest = Sha256::digest(format!("weft network 1\n{}", private.wire_name()));
            Some(HEXLOWER.encode(digest.get(..TAG_BYTES)?))
        }
    }
}

impl Alpns {
    pub(crate) fn of(network: &Network) -> Alpns {
        let name = |base: &str| match network_tag(network) {
            None => base.as_bytes().to_vec(),
            Some(tag) => format!("{base}/{tag}").into_bytes(),
        };
        Alpns { control: name("weft/1"), bulk: name("weft/bt/1"), gossip: name("weft/gossip/1") }
    }

    pub(crate) fn of_channel(&self, channel: Channel) -> &[u8] {
        match channel {
            Channel::Control => &self.control,
            Channel::Bulk => &self.bulk,
        }
    }

    pub(crate) fn channel(&self, alpn: &[u8]) -> Option<Channel> {
        [Channel::Control, Channel::Bulk].into_iter().find(|&channel| self.of_channel(channel) == alpn)
    }

    pub(crate) fn gossip(&self) -> &[u8] {
        &self.gossip
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_names_are_plain_and_private_ones_differ() {
        let public = Alpns::of(&Network::Public);
        assert_eq!(public.of_channel(Channel::Control), b"weft/1");
        assert_eq!(public.of_channel(Channel::Bulk), b"weft/bt/1");
        let private = |name: &str| Alpns::of(&Network::Private { name: name.parse().unwrap() });
        assert_ne!(private("a").control, private("b").control);
        assert_ne!(private("public").control, public.control);
        assert_eq!(private("a").channel(&private("a").bulk), Some(Channel::Bulk));
        assert_eq!(private("a").channel(b"weft/1"), None);
    }

    #[test]
    fn bulk_streams_have_their_own_connection() {
        assert_eq!(Channel::of(StreamType::new("bt/1")), Channel::Bulk);
        assert_eq!(Channel::of(StreamType::new("role/1")), Channel::Control);
    }
}
