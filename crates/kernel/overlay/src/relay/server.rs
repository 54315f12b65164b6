//! The relay that this node offers: iroh's relay server, with our certificate, our door and our bounds.
//!
//! iroh's server has no bound on connections that are being established, so its own listener stays on loopback and ours
//! hands it the connections it may have.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use iroh::EndpointId;
use iroh_relay::server::http_server::TlsConfig as HttpTls;
use iroh_relay::server::{
    Access, AccessControl, CertConfig, ClientRateLimit, ClientRequest, ConnectionId, QuicConfig, RelayConfig, Server,
    ServerConfig, SpawnError, TlsConfig,
};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::certificate::{RelayKey, RelayKeyError};
use super::name::{RelayHint, RelayName};
use super::token;
use crate::keys::{PeerKey, peer_key};
use crate::limits::Limits;

/// 64 logins at a time: each is a TLS handshake, and a flood of them must not starve the clients there are.
const MAX_LOGINS: usize = 64;

/// 4 logins at a time from one address: peers behind one NAT get in one after another.
const MAX_LOGINS_PER_IP: usize = 4;

/// 256 clients: at the default rate more would be empty promises.
const MAX_CLIENTS: usize = 256;

/// 8 connections a client key: its own, one that it just lost, and probes do not count here.
const MAX_PER_CLIENT: usize = 8;

/// 10 s for TLS, HTTP upgrade and login: three round trips on the worst line.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);

/// 1,024 client keys kept decoded: four times the clients.
const KEY_CACHE: usize = 1024;

/// Where and how to serve.
#[derive(Debug, Clone)]
pub(crate) struct RelayServerConfig {
    /// Where both sockets listen.
    pub(crate) bind_ip: IpAddr,
    /// The address in the name.
    pub(crate) advertised_ip: IpAddr,
    /// TCP port; 0 takes any.
    pub(crate) port: u16,
    /// UDP port of address discovery; 0 takes the same number as TCP if it is free.
    pub(crate) discovery_port: u16,
    /// Bytes a second a client may send.
    pub(crate) client_rate: u32,
}

/// Why the relay did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayServerError {
    /// The port cannot be had.
    #[error("cannot listen for relay clients on {address}: choose another port (setting `overlay.relay.port`)")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The key or the certificate failed.
    #[error(transparent)]
    Key(#[from] RelayKeyError),
    /// iroh's server failed.
    #[error("the relay server does not start")]
    Server(#[source] Box<SpawnError>),
    /// The name it would have is none.
    #[error("the relay has no address to advertise: set `overlay.relay.advertised_ip`")]
    NoAddress,
}

/// A relay that serves.
pub(crate) struct RelayServer {
    hint: RelayHint,
    door: Arc<Door>,
    server: Server,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl RelayServer {
    pub(crate) async fn start(
        config: &RelayServerConfig,
        key: &RelayKey,
        limits: Limits,
    ) -> Result<Self, RelayServerError> {
        let wanted = SocketAddr::new(config.bind_ip, config.port);
        let bind_failed = |source| RelayServerError::Bind { address: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(bind_failed)?;
        let port = listener.local_addr().map_err(bind_failed)?.port();
        let name = RelayName { key: key.public(), address: SocketAddr::new(config.advertised_ip, port) };
        let tls = key.server_config(&name)?;
        let door = Arc::new(Door::new(key.public(), limits));

        let server = Self::spawn(config, port, &tls, &door).await?;
        let discovery = server.quic_addr().map_or(port, |address| address.port());
        let url = name.url().parse().map_err(|_| RelayServerError::NoAddress)?;
        let this = RelayServer {
            hint: RelayHint::new(url, discovery),
            door,
            server,
            cancel: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        this.serve(listener, HttpTls::new(Arc::new(tls)));
        Ok(this)
    }

    /// iroh's server, its TCP listener on loopback, its UDP socket where the world can reach it.
    async fn spawn(
        config: &RelayServerConfig,
        port: u16,
        tls: &rustls::ServerConfig,
        door: &Arc<Door>,
    ) -> Result<Server, RelayServerError> {
        let inner = SocketAddr::from(([127, 0, 0, 1], 0));
        // The same number as TCP, so that a bare URL says both; any other where that is taken.
        let candidates = match config.discovery_port {
            0 => vec![port, 0],
            chosen => vec![chosen],
        };
        let mut failure = RelayServerError::NoAddress;
        for discovery in candidates {
            let mut relay = RelayConfig::new(inner);
            relay.tls = Some(TlsConfig::new(inner, CertConfig::Manual { server_config: tls.clone() }));
            relay.limits.client_rx = NonZeroU32::new(config.client_rate).map(ClientRateLimit::new);
            relay.key_cache_capacity = Some(KEY_CACHE);
            relay.access = door.clone();
            let mut quic = QuicConfig::new(SocketAddr::new(config.bind_ip, discovery));
            quic.server_config = Some(tls.clone());
            let mut server = ServerConfig::default();
            server.relay = Some(relay);
            server.quic = Some(quic);
            match Server::spawn(server).await {
                Ok(server) => return Ok(server),
                Err(error) => failure = RelayServerError::Server(Box::new(error)),
            }
        }
        Err(failure)
    }

    /// Takes connections in, as many as the bounds allow, and hands them to iroh's server.
    fn serve(&self, listener: TcpListener, tls: HttpTls) {
        let Some(service) = self.server.relay_service().cloned() else { return };
        let (cancel, tasks, door) = (self.cancel.clone(), self.tasks.clone(), self.door.clone());
        let logins = Arc::new(Semaphore::new(MAX_LOGINS));
        self.tasks.spawn(cancel.clone().run_until_cancelled_owned(async move {
            loop {
                let Ok(permit) = logins.clone().acquire_owned().await else { return };
                let Ok((stream, remote)) = listener.accept().await else {
                    // Out of descriptors, most likely: wait for some to come free.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let Some(place) = door.enter(remote.ip()) else { continue };
                let _ = stream.set_nodelay(true);
                let login = service.clone().handle_connection(stream, Some(tls.clone()), LOGIN_TIMEOUT);
                tasks.spawn(cancel.clone().run_until_cancelled_owned(async move {
                    let _held = (permit, place);
                    login.await;
                }));
            }
        }));
    }

    /// Where it is, as peers are told.
    pub(crate) fn hint(&self) -> &RelayHint {
        &self.hint
    }

    /// Clients that are connected.
    pub(crate) fn clients(&self) -> usize {
        self.door.state.lock().clients
    }

    /// Stops serving and closes every client's connection.
    pub(crate) async fn stop(self) {
        self.cancel.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        if let Err(error) = self.server.shutdown().await {
            tracing::debug!(%error, "relay server ended");
        }
    }
}

/// Who may come in.
#[derive(Debug)]
struct Door {
    relay: PeerKey,
    limits: Limits,
    state: Mutex<DoorState>,
}

#[derive(Debug, Default)]
struct DoorState {
    logins: HashMap<IpAddr, usize>,
    clients: usize,
    per_client: HashMap<EndpointId, usize>,
}

/// A login in progress from one address.
struct Place {
    door: Arc<Door>,
    ip: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.door.state.lock();
        if let Some(count) = state.logins.get_mut(&self.ip) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                state.logins.remove(&self.ip);
            }
        }
    }
}

impl Door {
    fn new(relay: PeerKey, limits: Limits) -> Self {
        Door { relay, limits, state: Mutex::default() }
    }

    fn enter(self: &Arc<Self>, ip: IpAddr) -> Option<Place> {
        if self.limits.refuses(None, Some(ip)) {
            return None;
        }
        let mut state = self.state.lock();
        let count = state.logins.entry(ip).or_insert(0);
        if *count >= MAX_LOGINS_PER_IP {
            return None;
        }
        *count += 1;
        drop(state);
        Some(Place { door: self.clone(), ip })
    }

    fn admit(&self, id: EndpointId, token: Option<&str>) -> Result<(), String> {
        let key = peer_key(&id).ok_or("this key is too weak to be proven")?;
        token::check(token.unwrap_or_default(), &key, &self.relay, SystemTime::now()).map_err(|e| e.to_string())?;
        // Only the deny list holds here: probes come with throwaway keys, which no allow list can name.
        if self.limits.config().deny_keys.contains(&key) {
            return Err("this peer is blocked here".to_owned());
        }
        let mut state = self.state.lock();
        if state.clients >= MAX_CLIENTS {
            return Err("this relay is full: use another one".to_owned());
        }
        let count = state.per_client.entry(id).or_insert(0);
        if *count >= MAX_PER_CLIENT {
            return Err("too many connections of this key".to_owned());
        }
        *count += 1;
        state.clients += 1;
        Ok(())
    }
}

impl AccessControl for Door {
    async fn on_connect(&self, request: &ClientRequest) -> Access {
        match self.admit(request.endpoint_id(), request.auth_token().as_deref()) {
            Ok(()) => Access::Allow,
            Err(reason) => {
                tracing::debug!(client = %request.endpoint_id().fmt_short(), reason, "relay client refused");
                Access::Deny { reason: Some(reason) }
            }
        }
    }

    fn on_disconnect(&self, id: EndpointId, _connection: ConnectionId) {
        let mut state = self.state.lock();
        state.clients = state.clients.saturating_sub(1);
        if let Some(count) = state.per_client.get_mut(&id) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                state.per_client.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use weft_identity::DeviceSecret;

    use super::*;
    use crate::limits::LimitConfig;

    fn door() -> Arc<Door> {
        let relay = DeviceSecret::from_bytes(&[9; 32]).public();
        Arc::new(Door::new(relay, Limits::new(LimitConfig::default())))
    }

    fn client(seed: u8) -> (DeviceSecret, EndpointId) {
        let secret = DeviceSecret::from_bytes(&[seed; 32]);
        let id = EndpointId::from_bytes(secret.public().as_bytes()).unwrap();
        (secret, id)
    }

    #[test]
    fn the_door_asks_for_a_token_made_for_this_relay() {
        let door = door();
        let (secret, id) = client(1);
        assert!(door.admit(id, None).is_err());
        let foreign = token::issue(&secret, &secret.public(), SystemTime::now());
        assert!(door.admit(id, Some(&foreign)).is_err());
        let own = token::issue(&secret, &door.relay, SystemTime::now());
        assert!(door.admit(id, Some(&own)).is_ok());
        assert!(door.admit(client(2).1, Some(&own)).is_err(), "a token is worth nothing with another key");
        door.limits.modify(|limits| {
            limits.deny_keys.insert(secret.public());
        });
        assert!(door.admit(id, Some(&own)).is_err());
    }

    #[test]
    fn clients_and_logins_are_bounded() {
        let door = door();
        let (secret, id) = client(1);
        let own = token::issue(&secret, &door.relay, SystemTime::now());
        for _ in 0..MAX_PER_CLIENT {
            door.admit(id, Some(&own)).unwrap();
        }
        assert!(door.admit(id, Some(&own)).is_err());
        door.state.lock().clients = MAX_CLIENTS;
        let (secret, other) = client(2);
        let own = token::issue(&secret, &door.relay, SystemTime::now());
        assert!(door.admit(other, Some(&own)).is_err());

        let ip = IpAddr::from([192, 0, 2, 1]);
        let places: Vec<_> = (0..MAX_LOGINS_PER_IP).map(|_| door.enter(ip).unwrap()).collect();
        assert!(door.enter(ip).is_none());
        assert!(door.enter(IpAddr::from([192, 0, 2, 2])).is_some());
        drop(places);
        assert!(door.enter(ip).is_some());
    }
}
