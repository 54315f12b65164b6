//! Offering a relay: when, where, and until when.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tokio_util::sync::{CancellationToken, DropGuard};
use weft_identity::DeviceSecret;

use crate::config::{OverlayConfig, RelayRole};
use crate::dht::DhtNode;
use crate::discover;
use crate::event::OverlayEvent;
use crate::guard::{Origin, is_global};
use crate::hub::Hub;
use crate::relay::{RelayHint, RelayKey, RelayServer, RelayServerConfig, RelayServerError, Source};
use crate::status::OfferedRelay;
use crate::tls::TlsEndpoint;

/// The relay of this node, while it offers one.
pub(crate) struct Offer {
    secret: Arc<DeviceSecret>,
    tls: TlsEndpoint,
    dht: DhtNode,
    tcp_port: u16,
    /// The signed role record, for who asks.
    record: Arc<RwLock<Option<Vec<u8>>>>,
    running: tokio::sync::Mutex<Option<Running>>,
    shown: Mutex<Option<RelayHint>>,
}

struct Running {
    server: RelayServer,
    _announcing: DropGuard,
}

impl Offer {
    pub(crate) fn new(
        secret: Arc<DeviceSecret>,
        tls: TlsEndpoint,
        dht: DhtNode,
        tcp_port: u16,
        record: Arc<RwLock<Option<Vec<u8>>>>,
    ) -> Self {
        Offer { secret, tls, dht, tcp_port, record, running: tokio::sync::Mutex::default(), shown: Mutex::default() }
    }

    /// Starts the relay if the config wants one and there is an address for it.
    pub(crate) async fn start(&self, hub: &Arc<Hub>, config: &OverlayConfig) -> Result<(), RelayServerError> {
        let Some(server) = wanted(config)? else { return Ok(()) };
        let mut running = self.running.lock().await;
        if running.is_some() {
            return Ok(());
        }
        let key = relay_key(config.cache_dir.as_deref())?;
        let server = RelayServer::start(&server, &key, hub.limits.clone()).await?;
        let hint = server.hint().clone();
        let cancel = CancellationToken::new();
        let announcing = discover::announce(
            hub.clone(),
            self.dht.clone(),
            self.secret.clone(),
            hint.clone(),
            self.tcp_port,
            self.record.clone(),
        );
        let stop = cancel.clone();
        hub.tasks.spawn(async move {
            stop.run_until_cancelled(announcing).await;
        });
        self.tls.offer_role(true);
        self.shown.lock().replace(hint.clone());
        let (url, discovery_port) = (hint.url().to_string(), hint.discovery_port());
        hub.events.emit(&OverlayEvent::RelayOffered { url, discovery_port });
        // Who serves others is reached there too: by peers through whose network no UDP passes.
        hub.relays.learn(hint, Source::Configured, Origin::User, None).await;
        *running = Some(Running { server, _announcing: cancel.drop_guard() });
        Ok(())
    }

    /// Stops the relay.
    pub(crate) async fn stop(&self, hub: &Hub) {
        let Some(running) = self.running.lock().await.take() else { return };
        self.tls.offer_role(false);
        self.record.write().take();
        let hint = self.shown.lock().take();
        running.server.stop().await;
        if let Some(hint) = hint {
            hub.relays.forget(&hint).await;
            hub.events.emit(&OverlayEvent::RelayWithdrawn { url: hint.url().to_string() });
        }
    }

    pub(crate) fn status(&self) -> Option<OfferedRelay> {
        let running = self.running.try_lock().ok()?;
        let server = &running.as_ref()?.server;
        let hint = server.hint();
        let url = hint.url().to_string();
        Some(OfferedRelay { url, discovery_port: hint.discovery_port(), clients: server.clients() })
    }
}

fn relay_key(dir: Option<&Path>) -> Result<RelayKey, RelayServerError> {
    Ok(match dir {
        Some(dir) => RelayKey::load_or_create(dir)?,
        None => RelayKey::generate()?,
    })
}

/// The relay that the config and this machine's addresses call for.
fn wanted(config: &OverlayConfig) -> Result<Option<RelayServerConfig>, RelayServerError> {
    let offer = &config.relay;
    let bind_ip = offer.bind_ip.unwrap_or(config.bind_ip);
    let advertised = match offer.role {
        RelayRole::Off => return Ok(None),
        RelayRole::On | RelayRole::Auto => offer.advertised_ip.map(IpAddr::V4).or_else(|| own_address(bind_ip)),
    };
    let advertised_ip = match (offer.role, advertised) {
        (RelayRole::Auto, Some(ip)) if !is_global(ip) => return Ok(None),
        (RelayRole::Auto, None) => return Ok(None),
        (_, Some(ip)) => ip,
        (_, None) => return Err(RelayServerError::NoAddress),
    };
    Ok(Some(RelayServerConfig {
        bind_ip,
        advertised_ip,
        port: offer.port,
        discovery_port: offer.discovery_port,
        client_rate: offer.client_rate,
    }))
}

/// The address others find us at if we bind here: itself, or a global one of this machine's.
fn own_address(bind: IpAddr) -> Option<IpAddr> {
    if !bind.is_unspecified() {
        return Some(bind);
    }
    let interfaces = netdev::get_interfaces();
    let addresses = interfaces.iter().flat_map(|interface| interface.ipv4.iter().map(|net| net.addr()));
    addresses.map(|ip: Ipv4Addr| IpAddr::V4(ip)).find(|ip| is_global(*ip))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RelayOffer;

    fn config(role: RelayRole, bind: &str, advertised: Option<&str>) -> OverlayConfig {
        let advertised_ip = advertised.map(|ip| ip.parse().unwrap());
        let relay = RelayOffer { role, advertised_ip, ..RelayOffer::default() };
        OverlayConfig { relay, bind_ip: bind.parse().unwrap(), ..OverlayConfig::public() }
    }

    #[test]
    fn auto_serves_only_from_public_addresses() {
        assert!(wanted(&config(RelayRole::Auto, "192.168.1.2", None)).unwrap().is_none());
        let public = wanted(&config(RelayRole::Auto, "192.168.1.2", Some("8.8.4.4"))).unwrap().unwrap();
        assert_eq!(public.advertised_ip, "8.8.4.4".parse::<IpAddr>().unwrap());
        assert!(wanted(&config(RelayRole::Auto, "8.8.4.4", None)).unwrap().is_some());
    }

    #[test]
    fn on_serves_where_it_is_told_and_off_nowhere() {
        let told = wanted(&config(RelayRole::On, "127.0.0.1", None)).unwrap().unwrap();
        assert_eq!(told.advertised_ip, "127.0.0.1".parse::<IpAddr>().unwrap());
        assert!(wanted(&config(RelayRole::Off, "8.8.4.4", None)).unwrap().is_none());
    }
}
