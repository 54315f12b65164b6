//! The seams through which peers are found: the node wires them to the overlay.

use std::net::SocketAddr;

use async_trait::async_trait;
use weft_bittorrent::id::InfoHash;
use weft_overlay::PeerKey;

/// Finds peers of a swarm that no tracker named, and tells others of us.
///
/// Never called for private torrents (BEP 27).
#[async_trait]
pub trait PeerDiscovery: Send + Sync + 'static {
    /// Tells the world that we serve `info_hash` on TCP `port`.
    async fn announce(&self, info_hash: InfoHash, port: u16) -> Result<(), DiscoveryError>;

    /// Looks `info_hash` up and hands each address to `found` as it comes. Returns when the lookup has ended, or when
    /// `found` said `false`: enough.
    async fn find(
        &self,
        info_hash: InfoHash,
        found: &mut (dyn FnMut(SocketAddr) -> bool + Send),
    ) -> Result<(), DiscoveryError>;
}

/// Why a lookup or an announce came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// The DHT knows no node yet.
    #[error("the DHT has no nodes yet: it is asked again once it has joined")]
    NotReady,
    /// The lookup failed.
    #[error("the DHT lookup failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Reads and writes the `x.weft` parameter of magnet links: a device key, and hints where that device is. Content
/// knows the key alone; the hints are the overlay's.
pub trait WeftHints: Send + Sync + 'static {
    /// The key that `value` names, after its hints were noted; `None` if it cannot be read.
    fn read(&self, value: &str) -> Option<PeerKey>;

    /// What a link of ours says; `None` if we are not to be named.
    fn write(&self) -> Option<String>;
}
