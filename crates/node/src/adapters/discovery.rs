//! Content finds swarms by the overlay's DHT node.

use std::net::SocketAddr;

use async_trait::async_trait;
use futures::StreamExt as _;
use weft_content::{DiscoveryError, InfoHash, PeerDiscovery};
use weft_overlay::{DhtError, Overlay};

/// The overlay's DHT node, as content asks for it.
pub(crate) struct DhtDiscovery(pub(crate) Overlay);

#[async_trait]
impl PeerDiscovery for DhtDiscovery {
    async fn announce(&self, info_hash: InfoHash, port: u16) -> Result<(), DiscoveryError> {
        self.0.dht().announce(*info_hash.as_bytes(), port).await.map_err(error)
    }

    async fn find(
        &self,
        info_hash: InfoHash,
        found: &mut (dyn FnMut(SocketAddr) -> bool + Send),
    ) -> Result<(), DiscoveryError> {
        let mut answers = self.0.dht().get_peers(*info_hash.as_bytes()).map_err(error)?;
        while let Some(addresses) = answers.next().await {
            for address in addresses {
                if !found(address) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

fn error(error: DhtError) -> DiscoveryError {
    match error {
        DhtError::Alone => DiscoveryError::NotReady,
        other => DiscoveryError::Failed(Box::new(other)),
    }
}
