//! How others see our address, and what kind of NAT that speaks of.

use std::net::{IpAddr, SocketAddr};

use iroh::{Endpoint, Watcher};

use crate::status::NatVerdict;

/// How relays see us, and what follows from it.
pub(crate) fn view(endpoint: &Endpoint) -> (Vec<SocketAddr>, NatVerdict) {
    let Some(report) = endpoint.net_report().get() else { return (Vec::new(), NatVerdict::Unknown) };
    let v4 = report.global_v4.map(SocketAddr::V4);
    let v6 = report.global_v6.map(SocketAddr::V6);
    let outside: Vec<SocketAddr> = v4.into_iter().chain(v6).collect();
    if report.relay_latency.iter().next().is_none() {
        return (outside, NatVerdict::Unknown);
    }
    let interfaces = netdev::get_interfaces();
    let own: Vec<SocketAddr> = interfaces
        .iter()
        .flat_map(|interface| {
            let v4 = interface.ipv4.iter().map(|net| IpAddr::V4(net.addr()));
            v4.chain(interface.ipv6.iter().map(|net| IpAddr::V6(net.addr())))
        })
        .map(|ip| SocketAddr::new(ip, 0))
        .chain(endpoint.bound_sockets())
        .collect();
    let judged = verdict(report.has_udp(), outside.first().copied(), report.mapping_varies_by_dest(), &own);
    (outside, judged)
}

/// What relays say of our address, judged.
fn verdict(udp: bool, outside: Option<SocketAddr>, varies: Option<bool>, own: &[SocketAddr]) -> NatVerdict {
    match (udp, outside, varies) {
        (false, ..) => NatVerdict::UdpBlocked,
        (true, Some(outside), _) if own.iter().any(|address| address.ip() == outside.ip()) => NatVerdict::Open,
        (true, Some(_), Some(true)) => NatVerdict::Symmetric,
        (true, Some(_), Some(false)) => NatVerdict::EndpointIndependent,
        // One relay alone cannot tell.
        (true, ..) => NatVerdict::Unknown,
    }
}
