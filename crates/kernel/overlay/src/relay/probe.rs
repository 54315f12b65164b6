//! Whether a relay lives, asked once a second while something depends on it.
//!
//! The endpoint itself pings its relays each 15 s. That is enough to notice a relay that went away politely; one that is
//! stopped, or behind a line that was cut, must be noticed while its users still wait. The probe is a client of the relay
//! like any other, with a throwaway key, that sends a ping a second on one connection.

use std::time::{Duration, Instant, SystemTime};

use futures::{SinkExt, StreamExt};
use iroh::SecretKey;
use iroh::dns::DnsResolver;
use iroh_relay::client::ClientBuilder;
use iroh_relay::protos::relay::{ClientToRelayMsg, RelayToClientMsg};
use weft_identity::DeviceSecret;

use super::certificate::ca_tls_config;
use super::name::RelayHint;
use super::token;
use crate::keys::transport_secret;

/// Once a second: what a dead relay may cost its users, and 40 bytes a second of a live one.
const INTERVAL: Duration = Duration::from_secs(1);

/// 1 s without an answer: three times the round trip around the world.
const ANSWER: Duration = Duration::from_secs(1);

/// 3 s for TCP, TLS, HTTP upgrade and login: five round trips around the world, and a lost packet.
const CONNECT: Duration = Duration::from_secs(3);

/// Why a relay is taken for dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Death {
    #[error("it cannot be reached")]
    Unreachable,
    #[error("it closed the connection")]
    Closed,
    #[error("it does not answer")]
    Silent,
}

/// Measures one round trip: connects, pings once, leaves.
pub(crate) async fn measure(hint: &RelayHint, resolver: DnsResolver) -> Result<Duration, Death> {
    let mut client = tokio::time::timeout(CONNECT, connect(hint, resolver)).await.map_err(|_| Death::Unreachable)??;
    ping(&mut client, 0).await
}

/// Watches a relay until it dies. `alive` hears each round trip.
pub(crate) async fn watch(hint: &RelayHint, resolver: DnsResolver, mut alive: impl FnMut(Duration)) -> Death {
    let mut client = match tokio::time::timeout(CONNECT, connect(hint, resolver)).await {
        Ok(Ok(client)) => client,
        Ok(Err(death)) => return death,
        Err(_) => return Death::Unreachable,
    };
    for number in 0u64.. {
        match ping(&mut client, number).await {
            Ok(rtt) => alive(rtt),
            Err(death) => return death,
        }
        let pause = tokio::time::sleep(INTERVAL);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => break,
                said = client.next() => match said {
                    Some(Ok(RelayToClientMsg::Ping(payload))) => {
                        if client.send(ClientToRelayMsg::Pong(payload)).await.is_err() {
                            return Death::Closed;
                        }
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Death::Closed,
                },
            }
        }
    }
    Death::Closed
}

async fn connect(hint: &RelayHint, resolver: DnsResolver) -> Result<iroh_relay::client::Client, Death> {
    let throwaway = DeviceSecret::generate().map_err(|_| Death::Unreachable)?;
    let secret: SecretKey = transport_secret(&throwaway);
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = ca_tls_config().client_config(provider).map_err(|_| Death::Unreachable)?;
    let mut builder = ClientBuilder::new(hint.url().clone(), secret, resolver).tls_client_config(tls);
    if let Some(name) = hint.name() {
        builder = builder.auth_token(token::issue(&throwaway, &name.key, SystemTime::now()));
    }
    builder.connect().await.map_err(|error| {
        tracing::debug!(%error, relay = %hint, "probe");
        Death::Unreachable
    })
}

async fn ping(client: &mut iroh_relay::client::Client, number: u64) -> Result<Duration, Death> {
    let sent = Instant::now();
    let payload = number.to_be_bytes();
    let answer = async {
        client.send(ClientToRelayMsg::Ping(payload)).await.map_err(|_| Death::Closed)?;
        loop {
            match client.next().await {
                Some(Ok(RelayToClientMsg::Pong(echoed))) if echoed == payload => return Ok(sent.elapsed()),
                Some(Ok(RelayToClientMsg::Ping(asked))) => {
                    client.send(ClientToRelayMsg::Pong(asked)).await.map_err(|_| Death::Closed)?;
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(Death::Closed),
            }
        }
    };
    tokio::time::timeout(ANSWER, answer).await.unwrap_or(Err(Death::Silent))
}
