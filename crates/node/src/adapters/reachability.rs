//! People put into invitations where the overlay says that this node is.

use weft_identity::{NetworkName, Reach, RelayHint};
use weft_overlay::{Overlay, PeerAddresses};
use weft_people::Reachability;

/// Where this node is.
pub(crate) struct Reachable {
    overlay: Overlay,
    network: NetworkName,
}

impl Reachable {
    pub(crate) fn new(overlay: Overlay, network: NetworkName) -> Self {
        Reachable { overlay, network }
    }
}

impl Reachability for Reachable {
    fn reach(&self) -> Reach {
        reach_of(&self.overlay.addresses())
    }

    fn network(&self) -> NetworkName {
        self.network.clone()
    }
}

/// Addresses of the overlay, as identity keeps them: it knows a relay's text alone.
pub(crate) fn reach_of(addresses: &PeerAddresses) -> Reach {
    let relays: Vec<_> = addresses.relays.iter().filter_map(|relay| RelayHint::new(&relay.to_string()).ok()).collect();
    Reach::new(&addresses.udp, &addresses.tcp, &relays)
}

/// A contact's reach, as the overlay takes it. A relay whose text the overlay cannot read is of another version.
pub(crate) fn addresses_of(reach: &Reach) -> PeerAddresses {
    PeerAddresses {
        udp: reach.udp().to_vec(),
        tcp: reach.tcp().to_vec(),
        relays: reach.relays().iter().filter_map(|relay| relay.as_str().parse().ok()).collect(),
    }
}
