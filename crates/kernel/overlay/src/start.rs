//! Putting an overlay together.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::Arc;

use iroh::Endpoint;
use iroh_mdns_address_lookup::MdnsAddressLookup;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use weft_events::EventSink;
use weft_identity::DeviceSecret;

use crate::accept;
use crate::addresses::AddressBook;
use crate::alpn::{Alpns, network_tag};
use crate::census::Census;
use crate::config::{Network, OverlayConfig};
use crate::dht::{DhtNode, NodeCache};
use crate::discover;
use crate::endpoint::{self, EndpointError, EndpointParts};
use crate::event::OverlayEvent;
use crate::failover;
use crate::gossip::Gossip;
use crate::guard::{AddressGuard, Origin, Scope, local_subnets};
use crate::hello::Hello;
use crate::hub::Hub;
use crate::inner::Inner;
use crate::keys::transport_secret;
use crate::limits::Limits;
use crate::listener::{Listener, ListenerConfig, ListenerParts};
use crate::lookup::{self, BookLookup, DhtLookup, Finder, LanLookup};
use crate::members;
use crate::offer::Offer;

use crate::peers::PeerTable;
use crate::pool::Pool;
use crate::portmap::PortMapping;
use crate::presence::{self, TcpSide};
use crate::registry::HandlerRegistry;
use crate::relay::{ROLE_STREAM, RelayCache, RelayHint, RelayPool, RelayServerError, Source};
use crate::resolver::OverlayResolver;
use crate::roles::RoleHandler;
use crate::sweep;
use crate::tasks::Tasks;
use crate::tcp::TcpOptions;
use crate::tcp_dial::TcpDialer;
use crate::tls::{NetworkTag, TlsEndpoint, TlsError};

/// 8 ports tried until one is free for TCP and UDP both, when any will do.
const PORT_TRIES: usize = 8;

/// 64 newcomers wait for the members' gossip; it asks others for those that found no place.
const NEWCOMERS: usize = 64;

/// Why the overlay did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The TCP port cannot be had.
    #[error(
        "cannot listen on {address}: is another program, or another node, there? Choose another port (setting `overlay.port`)"
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The UDP port cannot be had.
    #[error("cannot bind UDP on {address}: is another program there? Choose another port (setting `overlay.port`)")]
    Udp {
        /// Where.
        address: SocketAddr,
        /// What the endpoint said.
        #[source]
        source: EndpointError,
    },
    /// The device's key cannot be used for TLS.
    #[error("TLS cannot be set up")]
    Tls(#[source] TlsError),
    /// The folder for what is kept between starts cannot be made.
    #[error("cannot use the folder {path} for what is kept between starts: check its permissions and free space")]
    CacheDir {
        /// The folder.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The relay that the config asks for does not start.
    #[error("the relay does not start")]
    Relay(#[source] RelayServerError),
}

fn guard_of(config: &OverlayConfig) -> AddressGuard {
    let scope = match &config.network {
        Network::Public => Scope::Public,
        _ => Scope::Private { nets: config.nets.clone() },
    };
    AddressGuard::new(scope, local_subnets())
}

fn make_cache_dir(dir: Option<&Path>) -> Result<(), StartError> {
    let Some(dir) = dir else { return Ok(()) };
    std::fs::create_dir_all(dir).map_err(|source| StartError::CacheDir { path: dir.display().to_string(), source })
}

pub(crate) async fn start(config: OverlayConfig, secret: DeviceSecret, events: EventSink) -> Result<Inner, StartError> {
    make_cache_dir(config.cache_dir.as_deref())?;
    let secret = Arc::new(secret);
    let tasks = Tasks::default();
    let guard = guard_of(&config);
    let relays = RelayPool::new(secret.clone(), guard.clone(), events.clone());
    let registry = HandlerRegistry::new();
    let record = Arc::new(RwLock::new(None));
    registry.serve(ROLE_STREAM, Arc::new(RoleHandler::new(record.clone(), relays.clone(), tasks.clone())));

    let parts = ListenerParts {
        registry: registry.clone(),
        limits: Limits::new(config.limits.clone()),
        tls: TlsEndpoint::new(&secret, NetworkTag::of(&config.network.wire_name())).map_err(StartError::Tls)?,
        peers: PeerTable::new(),
    };
    let alpns = Alpns::of(&config.network);
    let resolver = OverlayResolver::new(config.relays.iter().filter_map(domain_of)).into_dns();
    let census = Census::new(parts.limits.clone());
    let (listener, endpoint) = bind(&config, &parts, &alpns, &secret, &relays, &resolver, &census).await?;
    relays.attach(endpoint.clone());

    let cache = NodeCache::new(config.cache_dir.as_deref());
    let bootstrap = config.bootstrap.clone();
    let dht = DhtNode::start(config.dht.clone(), bootstrap, guard.clone(), cache, events.clone(), &tasks);
    let book = Arc::new(AddressBook::default());
    let finder = Finder { guard: guard.clone(), book: book.clone(), relays: relays.clone(), tasks: tasks.clone() };
    add_lookups(&endpoint, &config, finder, dht.clone());

    let gossip = Gossip::start(endpoint.clone(), &config.network, alpns.gossip());
    let (newcomers, arrived) = mpsc::channel(NEWCOMERS);
    let hub = Arc::new(Hub {
        key: secret.public(),
        network: config.network.clone(),
        alpns,
        endpoint,
        census,
        resolver,
        guard: guard.clone(),
        limits: parts.limits.clone(),
        registry,
        events: events.clone(),
        book,
        peers: parts.peers.clone(),
        relays,
        pool: Pool::default(),
        tasks,
        services_changed: Notify::new(),
        hello: watch::Sender::new(Arc::new(Hello::default())),
        newcomers,
        looking: Arc::new(Semaphore::new(1)),
        known: RwLock::new(HashSet::new()),
    });
    let tcp = Arc::new(tcp_side(&config, &listener));
    // Before anybody is greeted.
    hub.hello.send_replace(Arc::new(presence::describe(&hub, &tcp)));
    let tcp_port = tcp.bound.first().map_or(0, SocketAddr::port);
    let offer = Arc::new(Offer::new(secret.clone(), parts.tls.clone(), dht.clone(), tcp_port, record));
    let dialer = TcpDialer {
        guard,
        limits: parts.limits,
        tls: parts.tls,
        peers: parts.peers,
        options: TcpOptions { source: source_of(config.bind_ip), ..TcpOptions::default() },
    };
    let started = OverlayEvent::Started {
        key: hub.key,
        tcp: tcp.bound.first().copied().unwrap_or(SocketAddr::new(config.bind_ip, 0)),
        udp: hub.endpoint.bound_sockets(),
    };
    events.emit(&started);
    let inner = Inner { hub, dht, gossip, dialer, listener: Mutex::new(Some(listener)), tcp, offer, config };
    run(&inner, secret, arrived).await;
    if let Err(error) = inner.offer.start(&inner.hub, &inner.config).await {
        inner.shutdown().await;
        return Err(StartError::Relay(error));
    }
    Ok(inner)
}

/// Relay hosts with real domains, which the operator named.
fn domain_of(hint: &RelayHint) -> Option<String> {
    if hint.name().is_some() { None } else { hint.url().host_str().map(str::to_owned) }
}

/// Connections go out from where we listen, if that is one address.
fn source_of(ip: IpAddr) -> Option<IpAddr> {
    (!ip.is_unspecified()).then_some(ip)
}

/// TCP and UDP on the same port.
async fn bind(
    config: &OverlayConfig,
    parts: &ListenerParts,
    alpns: &Alpns,
    secret: &DeviceSecret,
    relays: &RelayPool,
    resolver: &iroh::dns::DnsResolver,
    census: &Census,
) -> Result<(Listener, Endpoint), StartError> {
    let tries = if config.port == 0 { PORT_TRIES } else { 1 };
    let mut attempt = 1;
    loop {
        let wanted = SocketAddr::new(config.bind_ip, config.port);
        let listener = Listener::bind(ListenerConfig::at(config.bind_ip, config.port), parts.clone())
            .map_err(|source| StartError::Listen { address: wanted, source })?;
        let port = listener.local_addrs().first().map_or(config.port, SocketAddr::port);
        let bound = endpoint::bind(EndpointParts {
            secret: transport_secret(secret),
            bind: config.direct.then_some(SocketAddr::new(config.bind_ip, port)),
            alpns: endpoint::accepted_alpns(alpns, &parts.registry),
            relays: relays.map(),
            resolver: resolver.clone(),
            census: census.clone(),
            port_mapping: config.port_mapping,
            external: if config.direct { config.external.clone() } else { Vec::new() },
        });
        match bound.await {
            Ok(endpoint) => return Ok((listener, endpoint)),
            Err(source) => {
                listener.shutdown().await;
                if attempt >= tries {
                    return Err(StartError::Udp { address: SocketAddr::new(config.bind_ip, port), source });
                }
                attempt += 1;
            }
        }
    }
}

fn add_lookups(endpoint: &Endpoint, config: &OverlayConfig, finder: Finder, dht: DhtNode) {
    let Ok(lookups) = endpoint.address_lookup() else { return };
    lookups.add(BookLookup(finder.clone()));
    if config.dht.enabled {
        lookups.add(DhtLookup { finder: finder.clone(), dht });
    }
    if config.mdns && config.direct {
        let name = network_tag(&config.network).map_or_else(|| "weft".to_owned(), |tag| format!("weft-{tag}"));
        match MdnsAddressLookup::builder().service_name(name).build(endpoint.id()) {
            Ok(mdns) => lookups.add(LanLookup { finder, mdns }),
            Err(error) => {
                tracing::warn!(%error, "no multicast DNS: peers on the local network are found by other means")
            }
        }
    }
}

fn tcp_side(config: &OverlayConfig, listener: &Listener) -> TcpSide {
    let bound = listener.local_addrs().to_vec();
    let port = bound.first().and_then(|address| NonZeroU16::new(address.port()));
    let mapping = port.filter(|_| config.port_mapping && config.direct).map(PortMapping::start);
    TcpSide { bound, mapping, external: config.external.clone(), told: config.direct }
}

/// Starts the tasks.
async fn run(inner: &Inner, secret: Arc<DeviceSecret>, newcomers: mpsc::Receiver<crate::keys::PeerKey>) {
    let (hub, config, dht) = (&inner.hub, &inner.config, &inner.dht);
    let tasks = &hub.tasks;
    let public = config.network.is_public();

    tasks.spawn(accept::run(hub.clone(), Some(inner.gossip.clone())));
    tasks.spawn(presence::keep(hub.clone(), inner.tcp.clone()));
    tasks.spawn(failover::watch_home(hub.clone()));
    tasks.spawn(failover::probe_relays(hub.clone()));
    tasks.spawn(sweep::run(hub.clone()));
    if config.dht.enabled {
        let record =
            lookup::publish(dht.clone(), transport_secret(&secret), public, hub.guard.clone(), hub.hello.subscribe());
        tasks.spawn(record);
        tasks.spawn(discover::seek(hub.clone(), dht.clone(), inner.dialer.clone()));
    }
    if !public {
        tasks.spawn(members::run(hub.clone(), inner.gossip.clone(), secret, newcomers));
    }
    for relay in &config.relays {
        hub.relays.learn(relay.clone(), Source::Configured, Origin::User, None).await;
    }
    let cache = RelayCache::new(config.cache_dir.as_deref());
    for relay in cache.load() {
        hub.relays.learn(relay, Source::Cached, Origin::Stranger, None).await;
    }
    let relays = hub.clone();
    tasks.spawn(async move { cache.keep(&relays.relays).await });
}
