//! Topics: what one says, all who joined hear. For private networks, ledgers, roles; there is no topic of everybody.
//!
//! Gossip carries messages and signs nothing: whoever sends one signs what must be believed.

use bytes::Bytes;
use futures::StreamExt;
use iroh::Endpoint;
use iroh::endpoint::Connection;
use iroh_gossip::api::{Event, GossipReceiver, GossipSender};
use iroh_gossip::proto::TopicId;
use sha2::{Digest, Sha256};

use crate::config::Network;
use crate::connection::CloseCode;
use crate::keys::{PeerKey, endpoint_id, peer_key};
use crate::limits::Permit;
use crate::tasks::Tasks;

/// 4 KiB a message: an announcement or a small signed record. Larger things are content, and gossip names them.
pub const MAX_MESSAGE: usize = 4096;

/// 32 peers to join a topic by; more do not make it join faster.
const MAX_JOIN: usize = 32;

/// Why gossip did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GossipError {
    /// The message is too long.
    #[error(
        "a gossip message has at most {MAX_MESSAGE} bytes, this one has {0}: share it as content and gossip its link"
    )]
    TooLong(usize),
    /// The topic is closed; the overlay stops, or the reader fell behind.
    #[error("the topic is closed")]
    Closed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Gossip among this network's peers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gossip {
    inner: iroh_gossip::net::Gossip,
    network: String,
}

/// What was heard on a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heard {
    /// A message. Who handed it over is not who wrote it.
    Message {
        /// The message.
        content: Bytes,
        /// The neighbour it came from.
        from: PeerKey,
    },
    /// Somebody is our neighbour on this topic now.
    Joined(PeerKey),
    /// A neighbour left.
    Left(PeerKey),
}

impl Gossip {
    pub(crate) fn start(endpoint: Endpoint, network: &Network, alpn: &[u8]) -> Self {
        let inner = iroh_gossip::net::Gossip::builder().max_message_size(MAX_MESSAGE).alpn(alpn).spawn(endpoint);
        Gossip { inner, network: network.wire_name() }
    }

    /// Joins the topic `name` of this network by way of `peers`; none are needed if others will join by us.
    ///
    /// # Errors
    /// [`GossipError::Closed`] if the overlay stops.
    pub async fn topic(&self, name: &str, peers: &[PeerKey]) -> Result<(TopicSender, TopicReceiver), GossipError> {
        let digest = Sha256::digest(format!("weft gossip 1\n{}\n{name}", self.network));
        let topic = TopicId::from_bytes(digest.into());
        let peers = peers.iter().take(MAX_JOIN).filter_map(endpoint_id).collect();
        let joined = self.inner.subscribe(topic, peers).await.map_err(|error| GossipError::Closed(Box::new(error)))?;
        let (sender, receiver) = joined.split();
        Ok((TopicSender(sender), TopicReceiver(receiver)))
    }

    /// Takes a connection that a peer opened for gossip, and its place until it ends.
    pub(crate) async fn take(&self, connection: Connection, permit: Permit, tasks: &Tasks) {
        if self.inner.handle_connection(connection.clone()).await.is_err() {
            CloseCode::Refused.close(&connection);
            return;
        }
        tasks.spawn(async move {
            connection.closed().await;
            drop(permit);
        });
    }

    pub(crate) async fn stop(&self) {
        if let Err(error) = self.inner.shutdown().await {
            tracing::debug!(%error, "gossip ended");
        }
    }
}

/// Speaks on a topic. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TopicSender(GossipSender);

impl TopicSender {
    /// Says `message` to all on the topic.
    ///
    /// # Errors
    /// [`GossipError::TooLong`], or [`GossipError::Closed`] if the overlay stops.
    pub async fn broadcast(&self, message: Bytes) -> Result<(), GossipError> {
        if message.len() > MAX_MESSAGE {
            return Err(GossipError::TooLong(message.len()));
        }
        self.0.broadcast(message).await.map_err(|error| GossipError::Closed(Box::new(error)))
    }

    /// Joins by way of these peers too.
    ///
    /// # Errors
    /// [`GossipError::Closed`] if the overlay stops.
    pub async fn join(&self, peers: &[PeerKey]) -> Result<(), GossipError> {
        let peers = peers.iter().take(MAX_JOIN).filter_map(endpoint_id).collect();
        self.0.join_peers(peers).await.map_err(|error| GossipError::Closed(Box::new(error)))
    }
}

/// Hears a topic. Dropping it and every sender leaves the topic.
#[derive(Debug)]
pub struct TopicReceiver(GossipReceiver);

impl TopicReceiver {
    /// The next thing heard; `None` when the topic is closed: the overlay stops, or this reader fell too far behind and
    /// has to join again.
    pub async fn next(&mut self) -> Option<Heard> {
        loop {
            match self.0.next().await?.ok()? {
                Event::Received(message) => {
                    if let Some(from) = peer_key(&message.delivered_from) {
                        return Some(Heard::Message { content: message.content, from });
                    }
                }
                Event::NeighborUp(id) => {
                    if let Some(peer) = peer_key(&id) {
                        return Some(Heard::Joined(peer));
                    }
                }
                Event::NeighborDown(id) => {
                    if let Some(peer) = peer_key(&id) {
                        return Some(Heard::Left(peer));
                    }
                }
                Event::Lagged => return None,
            }
        }
    }
}
