//! Connections that peers dial to us: how many, from whom, for what.

use std::sync::Arc;
use std::time::Duration;

use iroh::endpoint::{Connection, Incoming, IncomingAddr};
use tokio::sync::Semaphore;

use crate::connection::{CloseCode, PeerConnection};
use crate::gossip::Gossip;
use crate::hub::Hub;
use crate::keys::peer_key;
use crate::limits::Permit;

/// 64 handshakes at a time: each costs a signature and up to 16 KiB; a flood of them waits in the socket's buffer.
const MAX_HANDSHAKES: usize = 64;

/// Above 16 handshakes at a time, an address must first show that it is not forged (QUIC Retry).
const VALIDATE_ABOVE: usize = 16;

/// One place in 8 is kept for peers that the user named: strangers with many keys cannot lock friends out.
const KEPT_FOR_KNOWN: usize = 8;

/// 10 s for a handshake: three lost packets.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Takes connections in until the endpoint closes.
pub(crate) async fn run(hub: Arc<Hub>, gossip: Option<Gossip>) {
    let handshakes = Arc::new(Semaphore::new(MAX_HANDSHAKES));
    loop {
        let Ok(slot) = handshakes.clone().acquire_owned().await else { return };
        let Some(incoming) = hub.endpoint.accept().await else { return };
        let remote = match incoming.remote_addr() {
            IncomingAddr::Ip(address) => Some(address),
            _ => None,
        };
        let busy = handshakes.available_permits() < MAX_HANDSHAKES - VALIDATE_ABOVE;
        if busy && remote.is_some() && !incoming.remote_addr_validated() {
            let _ = incoming.retry();
            continue;
        }
        let permit = match hub.limits.admit(remote) {
            Ok(permit) => permit,
            Err(error) => {
                tracing::debug!(%error, ?remote, "connection refused");
                incoming.refuse();
                continue;
            }
        };
        let (shared, gossip) = (hub.clone(), gossip.clone());
        hub.tasks.spawn(async move {
            let shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake(incoming)).await;
            drop(slot);
            if let Ok(Some(connection)) = shaken {
                welcome(shared, connection, permit, gossip).await;
            }
        });
    }
}

async fn handshake(incoming: Incoming) -> Option<Connection> {
    match incoming.await {
        Ok(connection) => Some(connection),
        Err(error) => {
            tracing::debug!(%error, "handshake failed");
            None
        }
    }
}

/// A connection whose peer has proven its key.
async fn welcome(hub: Arc<Hub>, connection: Connection, mut permit: Permit, gossip: Option<Gossip>) {
    let Some(peer) = peer_key(&connection.remote_id()) else {
        CloseCode::Refused.close(&connection);
        return;
    };
    if let Err(error) = permit.bind(peer) {
        tracing::debug!(%error, "peer refused");
        CloseCode::Refused.close(&connection);
        return;
    }
    let max = hub.limits.config().max_connections;
    if !hub.is_known(&peer) && hub.limits.open() > max - max / KEPT_FOR_KNOWN {
        CloseCode::Refused.close(&connection);
        return;
    }
    let alpn = connection.alpn().to_vec();
    if alpn == hub.alpns.gossip() {
        match gossip {
            Some(gossip) => gossip.take(connection, permit, &hub.tasks).await,
            None => CloseCode::Refused.close(&connection),
        }
        return;
    }
    let Some(channel) = hub.alpns.channel(&alpn) else {
        CloseCode::Refused.close(&connection);
        return;
    };
    let hellos = match channel {
        crate::alpn::Channel::Bulk => None,
        crate::alpn::Channel::Control => match hub.be_greeted(&connection).await {
            Ok(hellos) => Some(hellos),
            Err(error) => {
                tracing::debug!(%error, peer = %peer.short(), "no hello");
                CloseCode::Violation.close(&connection);
                return;
            }
        },
    };
    let lost = hellos.as_ref().and_then(|hellos| hellos.theirs.lost_relay.clone());
    let connection = PeerConnection::new(peer, channel, true, hub.key, connection, permit);
    hub.adopt(&connection, lost.as_ref().map(|hint| hint.url()));
    hub.live(connection, hellos);
    if let Some(lost) = lost.filter(|lost| hub.relays.uses(lost.url())) {
        // A peer says that our relay is dead. It is asked, not believed.
        hub.relay_suspected(lost);
    }
}
