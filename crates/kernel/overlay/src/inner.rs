//! What an overlay is made of, and its orderly end.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::OverlayConfig;
use crate::connection::CloseCode;
use crate::dht::DhtNode;
use crate::event::OverlayEvent;
use crate::gossip::Gossip;
use crate::hub::Hub;
use crate::listener::Listener;
use crate::offer::Offer;
use crate::presence::TcpSide;
use crate::tcp_dial::TcpDialer;

pub(crate) struct Inner {
    pub(crate) config: OverlayConfig,
    pub(crate) hub: Arc<Hub>,
    pub(crate) dht: DhtNode,
    pub(crate) gossip: Gossip,
    pub(crate) dialer: TcpDialer,
    pub(crate) listener: Mutex<Option<Listener>>,
    pub(crate) tcp: Arc<TcpSide>,
    pub(crate) offer: Arc<Offer>,
}

impl Inner {
    /// Says goodbye to peers and ends every task. The UDP socket is free when the last handle is dropped.
    pub(crate) async fn shutdown(&self) {
        let hub = &self.hub;
        self.offer.stop(hub).await;
        self.gossip.stop().await;
        for connection in hub.pool.all() {
            connection.close(CloseCode::Shutdown);
        }
        hub.tasks.stop().await;
        let listener = self.listener.lock().take();
        if let Some(listener) = listener {
            listener.shutdown().await;
        }
        if let Some(mapping) = &self.tcp.mapping {
            mapping.stop();
        }
        self.dht.stop();
        hub.endpoint.close().await;
        hub.events.emit(&OverlayEvent::Stopped);
    }
}
