//! Standing in the network: the face of the overlay.
//!
//! The overlay (`weft-overlay`) does the work; this crate gives it routes under `/api/v1/network`, a snapshot, metrics,
//! health, and the `[network]` and `[overlay]` sections of the configuration. It is built on the
//! [service contract](weft_service) alone, as every service is.
//!
//! ```
//! use weft_network::{NetworkConfig, OverlaySection, overlay_config};
//!
//! let network = NetworkConfig { name: "home".into(), ..NetworkConfig::default() };
//! let config = overlay_config(&network, &OverlaySection::default(), "/var/lib/weft".as_ref())?;
//! assert!(config.bootstrap.is_empty(), "a private network begins with nobody's nodes but its own");
//! # Ok::<(), weft_network::BadValue>(())
//! ```
//!
//! # Concepts
//! - The **public network** begins with the public DHT's bootstrap list and works without reaching it; a **private** one
//!   has a name and bootstrap nodes of its own.
//! - A **peer** is what was observed of somebody: path, round trip, bytes, failures. Contacts are the `people` service's.
//! - A **relay** carries packets of peers that cannot reach one another. Peers are relays; there are no others.

mod api;
mod config;
mod pace;
mod samples;
mod service;

pub use config::{
    BadValue, DEFAULT_PORT, DEFAULT_RELAY_PORT, NetworkConfig, OverlaySection, Relay, network_name, overlay_config,
};
pub use service::NetworkService;
