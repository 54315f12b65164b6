//! Where peers are, and over which path: the overlay.

pub mod congestion;
pub mod connector;
pub mod guard;
pub mod limits;
pub mod link;
pub mod listener;
pub mod metered;
pub mod peers;
pub mod portmap;
pub mod registry;
pub mod tcp;
pub mod tcp_dial;
pub mod tls;

pub use connector::{ConnectError, Connector, LinkHandler, PathPolicy, StreamType, Target};
pub use link::{BoxLink, Link, LinkInfo, PathKind};

/// A peer's key: the device key its certificate names. The same bytes are its iroh endpoint id, its TLS key and the
/// key of its DHT records.
pub use weft_identity::DeviceKey as PeerKey;
