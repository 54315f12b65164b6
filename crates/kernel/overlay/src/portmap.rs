//! A door in the home router for the TCP port: PCP, NAT-PMP, UPnP.
//!
//! The overlay's QUIC endpoint maps its own UDP port; this maps the TCP port that BitTorrent and TLS share. It speaks to
//! the default gateway only, and only if the configuration switches it on; laboratories and tests never do.

use std::net::SocketAddrV4;
use std::num::NonZeroU16;

use portmapper::{Client, Config, Protocol};
use tokio::sync::watch;

/// Keeps the TCP port mapped for as long as it lives; leases are renewed, and dropping it ends them.
#[derive(Debug)]
pub struct PortMapping {
    client: Client,
}

impl PortMapping {
    /// Asks the router for `port` and goes on asking. Must be called within a tokio runtime.
    pub fn start(port: NonZeroU16) -> Self {
        let config = Config { enable_upnp: true, enable_pcp: true, enable_nat_pmp: true, protocol: Protocol::Tcp };
        let client = Client::new(config);
        client.update_local_port(port);
        client.procure_mapping();
        PortMapping { client }
    }

    /// The public address the port has now, if a router gave one.
    pub fn external(&self) -> Option<SocketAddrV4> {
        *self.client.watch_external_address().borrow()
    }

    /// The public address as it comes and goes.
    pub fn watch(&self) -> watch::Receiver<Option<SocketAddrV4>> {
        self.client.watch_external_address()
    }

    /// Asks again now: after the network changed.
    pub fn refresh(&self) {
        self.client.procure_mapping();
    }

    /// Takes the mapping down.
    pub fn stop(&self) {
        self.client.deactivate();
    }
}
