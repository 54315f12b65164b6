//! Where peers are, and over which path: the overlay.
//!
//! A service names a peer by its key, the paths it allows and the stream type it wants served, and gets a byte stream.
//! How the peer was found and which way the bytes go is the overlay's affair.
//!
//! ```no_run
//! use std::sync::Arc;
//! use weft_overlay::{BoxLink, Connector, LinkHandler, Overlay, OverlayConfig, PathPolicy, StreamType, Target};
//!
//! const ECHO: StreamType = StreamType::new("echo/1");
//!
//! struct Echo;
//!
//! impl LinkHandler for Echo {
//!     fn accept(&self, mut link: BoxLink) {
//!         tokio::spawn(async move {
//!             let mut word = [0; 5];
//!             if link.read_exact(&mut word).await.is_ok() {
//!                 let _ = link.write_all(&word).await;
//!                 let _ = link.close().await;
//!             }
//!         });
//!     }
//! }
//!
//! # async fn example(secret: weft_identity::DeviceSecret, friend: weft_overlay::PeerKey) -> Result<(), Box<dyn std::error::Error>> {
//! let feed = weft_events::Feed::new();
//! let config = OverlayConfig::private("home".parse()?);
//! let overlay = Overlay::start(config, secret, feed.sink()).await?;
//! overlay.serve(ECHO, Arc::new(Echo));
//!
//! let mut link = overlay.connect(Target::Peer(friend), ECHO, PathPolicy::any()).await?;
//! link.write_all(b"hello").await?;
//! println!("over {}", link.info().path);
//! overlay.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Concepts
//! - **Two kinds of path.** Overlay (QUIC) connections find peers, prove keys, punch holes through NATs, and carry what is
//!   small and what only they can carry. Bulk takes TLS on TCP wherever a port is reachable: a fifth of the CPU.
//! - **One control connection a pair** carries every service; each stream begins with its [`StreamType`]. Bulk content has
//!   a connection of its own, so that it does not stand before what is small. Connections are shared: all who need one at
//!   once wait for one dial.
//! - **Hello.** On a control connection the peers first say their network, addresses, TCP port, relays (the second one
//!   too, for when the first dies) and services, and say it again when it changes.
//! - **Relays are peers.** A relay's URL carries its key and address, so it needs no domain and no authority. Who can be
//!   reached may offer one; others find it in the DHT and measure it before they use it. When a relay dies, another is
//!   home within a fraction of a second, and connections through the dead one are dialled anew by both ends.
//! - **One DHT node** (BitTorrent's Mainline) serves for swarms, roles and peers' addresses.
//! - **Whose word.** Every address has an [`Origin`](guard::Origin); on a public network what a stranger says is never
//!   followed into private address ranges.
//! - **Networks.** A private network has bootstrap nodes, a DHT and ALPNs of its own; strangers fail in the handshake.
//!
//! # Layers
//! `config`, `event`, `status`, `addresses`, `alpn`, `keys`, `hello`, and `relay`'s names and records at the bottom;
//! `connection`, `pool`, `relay`'s pool and server, `dht`, `gossip`, and the TCP side (`tcp`, `tls`, `listener`,
//! `tcp_dial`) above them; `hub` and its tasks (`session`, `accept`, `dial`, `failover`, `presence`, `members`, `discover`,
//! `offer`, `sweep`) above those; [`Overlay`] in front.

mod accept;
mod addresses;
mod alpn;
mod census;
mod config;
pub mod congestion;
mod connection;
pub mod connector;
mod dht;
mod dial;
mod discover;
mod endpoint;
mod event;
mod failover;
mod gossip;
pub mod guard;
mod hello;
mod hub;
mod inner;
mod keys;
pub mod limits;
pub mod link;
pub mod listener;
mod lookup;
mod members;
pub mod metered;
mod offer;
mod outside;
mod overlay;
pub mod peers;
mod pool;
pub mod portmap;
mod presence;
mod quic_link;
pub mod registry;
pub mod relay;
mod resolver;
mod roles;
mod session;
mod start;
pub mod status;
mod sweep;
mod tasks;
pub mod tcp;
pub mod tcp_dial;
pub mod tls;
mod transport_config;

pub use addresses::{MAX_ADDRESSES, MAX_RELAYS, PeerAddresses};
pub use config::{
    DEFAULT_RELAY_CLIENT_RATE, DhtConfig, Network, OverlayConfig, PUBLIC_BOOTSTRAP, RelayOffer, RelayRole,
};
pub use connector::{ConnectError, Connector, LinkHandler, PathPolicy, StreamType, Target};
pub use dht::{DhtError, DhtNode};
pub use endpoint::EndpointError;
pub use event::{DhtState, OverlayEvent};
pub use gossip::{Gossip, GossipError, Heard, MAX_MESSAGE, TopicReceiver, TopicSender};
pub use keys::PeerKey;
pub use limits::{LimitConfig, Limits};
pub use link::{BoxLink, Link, LinkInfo, PathKind};
pub use overlay::Overlay;
pub use peers::{PeerId, PeerSnapshot, PeerTable};
pub use relay::{InvalidRelay, RelayHint, RelayName};
pub use start::StartError;
pub use status::{DhtStatus, NatVerdict, OfferedRelay, OverlayStatus, RelayStatus};
