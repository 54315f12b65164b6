//! What we say of ourselves, kept true: addresses, relays, services.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use iroh::Watcher;
use parking_lot::Mutex;

use crate::addresses::{MAX_RELAYS, PeerAddresses};
use crate::event::OverlayEvent;
use crate::hello::{self, Hello};
use crate::hub::Hub;
use crate::portmap::PortMapping;

/// 200 ms: what changes together is said once.
const SETTLE: Duration = Duration::from_millis(200);

/// Where our TCP listener can be reached.
pub(crate) struct TcpSide {
    pub(crate) bound: Vec<SocketAddr>,
    pub(crate) mapping: Option<PortMapping>,
    /// Addresses the operator says lead to us.
    pub(crate) external: Vec<SocketAddr>,
    /// Whether peers are told where it is.
    pub(crate) told: bool,
}

impl TcpSide {
    /// The address the router gave our TCP port.
    pub(crate) fn mapped(&self) -> Option<SocketAddr> {
        self.mapping.as_ref().and_then(PortMapping::external).map(SocketAddr::V4)
    }

    fn port(&self) -> Option<u16> {
        self.bound.first().map(SocketAddr::port)
    }
}

/// Keeps our hello true. Ends with the overlay.
pub(crate) async fn keep(hub: Arc<Hub>, tcp: Arc<TcpSide>) {
    let mut addresses = hub.endpoint.watch_addr();
    let mut home = hub.endpoint.home_relay_status();
    let mut mapped = tcp.mapping.as_ref().map(PortMapping::watch);
    let said: Mutex<PeerAddresses> = Mutex::default();
    loop {
        let ours = describe(&hub, &tcp);
        if *said.lock() != ours.addresses {
            said.lock().clone_from(&ours.addresses);
            hub.events.emit(&OverlayEvent::AddressesChanged {
                addresses: ours.addresses.udp.clone(),
                relays: ours.addresses.relays.iter().map(ToString::to_string).collect(),
            });
        }
        hub.hello.send_if_modified(|now| {
            let changed = **now != ours;
            if changed {
                *now = Arc::new(ours);
            }
            changed
        });
        let mapping = async {
            match &mut mapped {
                Some(mapped) => drop(mapped.changed().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = addresses.updated() => if changed.is_err() { return },
            changed = home.updated() => if changed.is_err() { return },
            () = mapping => {}
            () = hub.services_changed.notified() => {}
            () = hub.relays.changed() => {}
        }
        tokio::time::sleep(SETTLE).await;
    }
}

/// What is true of us now.
pub(crate) fn describe(hub: &Hub, tcp: &TcpSide) -> Hello {
    let endpoint = hub.endpoint.addr();
    let mut udp: Vec<SocketAddr> = endpoint.ip_addrs().copied().collect();
    if tcp.told {
        let more: Vec<SocketAddr> = tcp.external.iter().filter(|address| !udp.contains(address)).copied().collect();
        udp.extend(more);
    } else {
        udp.clear();
    }
    let mut ours = Hello {
        version: hello::VERSION,
        network: hub.network.wire_name(),
        addresses: PeerAddresses { tcp: tcp_addresses(&udp, tcp), udp, relays: relays(hub) },
        streams: hub.registry.stream_types().iter().map(|purpose| purpose.as_str().to_owned()).collect(),
        known_relays: hub.relays.used(),
        lost_relay: None,
    };
    hello::bound(&mut ours);
    ours
}

/// The relay we are reached at first, then those we go to when it dies.
fn relays(hub: &Hub) -> Vec<crate::relay::RelayHint> {
    let home = hub.endpoint.addr().relay_urls().next().cloned();
    let mut used = hub.relays.used();
    used.sort_by_key(|hint| Some(hint.url()) != home.as_ref());
    used.truncate(MAX_RELAYS);
    used
}

/// Addresses of the TCP listener: those of this machine with its port, and what the router or the operator gave.
fn tcp_addresses(udp: &[SocketAddr], tcp: &TcpSide) -> Vec<SocketAddr> {
    let Some(port) = tcp.port().filter(|_| tcp.told) else { return Vec::new() };
    let mut addresses: Vec<SocketAddr> = tcp.mapped().into_iter().chain(tcp.external.iter().copied()).collect();
    let bound_to: Vec<IpAddr> = tcp.bound.iter().map(SocketAddr::ip).collect();
    let any = bound_to.iter().any(IpAddr::is_unspecified);
    let here = udp.iter().map(SocketAddr::ip).filter(|ip| any || bound_to.contains(ip));
    for address in here.map(|ip| SocketAddr::new(ip, port)) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}
