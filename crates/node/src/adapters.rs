//! Where what one part needs meets what another offers. Each adapter implements a trait that its user declares.

mod discovery;
mod ethereum;
mod hints;
mod introductions;
mod reachability;
mod sightings;

pub(crate) use discovery::DhtDiscovery;
pub(crate) use ethereum::EthereumRpc;
pub(crate) use hints::MagnetHints;
pub(crate) use introductions::Introducer;
pub(crate) use reachability::{Reachable, addresses_of};
pub(crate) use sightings::Lookout;
