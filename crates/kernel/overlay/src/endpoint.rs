//! The QUIC endpoint, with nobody's servers in it but those we were told of.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use iroh::endpoint::{BindError, BindOpts, InvalidSocketAddr, PortmapperConfig, presets};
use iroh::{Endpoint, NetReportConfig, RelayMap, RelayMode, SecretKey};

use crate::alpn::{Alpns, Channel};
use crate::census::Census;
use crate::registry::HandlerRegistry;
use crate::relay::ca_tls_config;
use crate::transport_config;

/// What an endpoint is built of.
pub(crate) struct EndpointParts {
    pub(crate) secret: SecretKey,
    /// Where to bind; `None` speaks through relays only.
    pub(crate) bind: Option<SocketAddr>,
    pub(crate) alpns: Vec<Vec<u8>>,
    pub(crate) relays: RelayMap,
    pub(crate) resolver: iroh::dns::DnsResolver,
    pub(crate) census: Census,
    pub(crate) port_mapping: bool,
    pub(crate) external: Vec<SocketAddr>,
}

/// Why the endpoint could not be bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The address is none to bind to.
    #[error("cannot bind to this address")]
    Address(#[source] InvalidSocketAddr),
    /// The system or the library refused.
    #[error("cannot bind the UDP socket")]
    Bind(#[source] Box<BindError>),
}

pub(crate) async fn bind(parts: EndpointParts) -> Result<Endpoint, EndpointError> {
    let portmapper = if parts.port_mapping { PortmapperConfig::default() } else { PortmapperConfig::Disabled };
    // A captive portal is found out by asking relays over plain HTTP, which ours do not speak.
    let mut reports = NetReportConfig::default();
    reports.captive_portal_check = false;
    let mut builder = Endpoint::builder(presets::Minimal)
        .secret_key(parts.secret)
        .alpns(parts.alpns)
        .relay_mode(RelayMode::Custom(parts.relays))
        .dns_resolver(parts.resolver)
        .ca_tls_config(ca_tls_config())
        .transport_config(transport_config::quic())
        .hooks(parts.census)
        .portmapper_config(portmapper)
        .net_report_config(reports)
        .clear_ip_transports();
    if let Some(address) = parts.bind {
        builder = builder.bind_addr(address).map_err(EndpointError::Address)?;
        if address.ip() == IpAddr::V4(Ipv4Addr::UNSPECIFIED) {
            let any_v6 = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), address.port());
            let optional = BindOpts::default().set_is_required(false);
            builder = builder.bind_addr_with_opts(any_v6, optional).map_err(EndpointError::Address)?;
        }
    }
    for address in parts.external {
        builder = builder.external_addr(address);
    }
    builder.bind().await.map_err(|error| EndpointError::Bind(Box::new(error)))
}

/// The protocols we answer: control and gossip always, bulk while a bulk service is on.
pub(crate) fn accepted_alpns(alpns: &Alpns, registry: &HandlerRegistry) -> Vec<Vec<u8>> {
    let mut accepted = vec![alpns.of_channel(Channel::Control).to_vec(), alpns.gossip().to_vec()];
    if registry.stream_types().into_iter().any(|purpose| Channel::of(purpose) == Channel::Bulk) {
        accepted.push(alpns.of_channel(Channel::Bulk).to_vec());
    }
    accepted
}
