//! Dialling peers: one attempt for all who need it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use iroh::endpoint::{ConnectError as IrohConnectError, ConnectWithOptsError};
use iroh::{EndpointAddr, TransportAddr};
use tokio::sync::watch;

use crate::alpn::Channel;
use crate::connection::{CloseCode, PeerConnection};
use crate::hub::Hub;
use crate::keys::{PeerKey, endpoint_id};
use crate::limits::LimitError;
use crate::link::PathKind;
use crate::peers::{Observation, Observe};
use crate::pool::{Claim, DialError, Outcome};
use crate::relay::RelayHint;

/// 20 s for a dial, lookups included, for whoever still waits: a DHT lookup takes 5 s on a bad day.
const DIAL_TIMEOUT: Duration = Duration::from_secs(20);

impl Hub {
    /// The connection with `peer`, made if there is none. All who ask at once wait for one dial.
    pub(crate) async fn connection(self: &Arc<Self>, peer: PeerKey, channel: Channel) -> Outcome {
        match self.pool.claim(peer, channel) {
            Claim::Live(connection) => Ok(connection),
            Claim::Wait(outcome) => wait(outcome).await,
            Claim::Dial(report, outcome) => {
                let hub = self.clone();
                self.tasks.spawn(async move {
                    let result = match tokio::time::timeout(DIAL_TIMEOUT, hub.dial(peer, channel, None)).await {
                        Ok(result) => result,
                        Err(elapsed) => Err(DialError::transport(elapsed)),
                    };
                    hub.pool.dialed(peer, channel);
                    report.send_replace(Some(result));
                });
                wait(outcome).await
            }
        }
    }

    /// One dial, over every address known at once; the transport keeps what answers first. `lost` is a relay that died
    /// and is not tried.
    pub(crate) async fn dial(self: &Arc<Self>, peer: PeerKey, channel: Channel, lost: Option<&RelayHint>) -> Outcome {
        if self.tasks.stopping() {
            return Err(DialError::ShuttingDown);
        }
        let Some(id) = endpoint_id(&peer).filter(|_| peer != self.key) else { return Err(DialError::NoAddress) };
        let mut permit = self.limits.admit(None).map_err(limit_error)?;
        permit.bind(peer).map_err(limit_error)?;

        let known = self.book.get(&peer, Instant::now());
        let relays: Vec<RelayHint> = known.relays.into_iter().filter(|hint| Some(hint) != lost).collect();
        let passage = self.relays.passage(&relays);
        let udp = known.udp.into_iter().map(TransportAddr::Ip);
        let through = relays.iter().map(|hint| TransportAddr::Relay(hint.url().clone()));
        let address = EndpointAddr::from_parts(id, udp.chain(through));
        let started = Instant::now();
        tracing::debug!(peer = %peer.short(), ?channel, ?address.addrs, "dialling");
        let dialled = self.endpoint.connect(address, self.alpns.of_channel(channel)).await;
        let connection = dialled.map_err(|error| self.dial_failed(&peer, error))?;
        drop(passage);

        let hellos = match channel {
            Channel::Bulk => None,
            Channel::Control => match self.greet(&connection, lost.cloned()).await {
                Ok(hellos) => Some(hellos),
                Err(error) => {
                    CloseCode::Refused.close(&connection);
                    return Err(error);
                }
            },
        };
        tracing::debug!(peer = %peer.short(), ?channel, after = ?started.elapsed(), "connected");
        let connection = PeerConnection::new(peer, channel, false, self.key, connection, permit);
        self.adopt(&connection, lost.map(RelayHint::url));
        self.live(connection.clone(), hellos);
        Ok(connection)
    }

    fn dial_failed(&self, peer: &PeerKey, error: IrohConnectError) -> DialError {
        tracing::debug!(peer = %peer.short(), %error, "dial failed");
        let failed = Observation::Failed { path: PathKind::Direct, reason: error.to_string() };
        self.peers.observe((*peer).into(), failed);
        match error {
            IrohConnectError::Connect { source: ConnectWithOptsError::NoAddress { .. }, .. } => DialError::NoAddress,
            error => DialError::transport(error),
        }
    }
}

async fn wait(mut outcome: watch::Receiver<Option<Outcome>>) -> Outcome {
    match outcome.wait_for(Option::is_some).await {
        Ok(result) => result.clone().unwrap_or(Err(DialError::ShuttingDown)),
        // The dial was cut off: the overlay stops.
        Err(_) => Err(DialError::ShuttingDown),
    }
}

fn limit_error(error: LimitError) -> DialError {
    match error {
        LimitError::Blocked(_) => DialError::Blocked,
        LimitError::TooMany { limit }
        | LimitError::TooManyOfPeer { limit, .. }
        | LimitError::TooManyOfIp { limit, .. } => DialError::TooMany { limit },
    }
}
