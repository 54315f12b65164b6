//! Every connection of the endpoint, whoever made it: ours, and those that gossip dials on its own.
//!
//! The endpoint remembers one path a peer for all connections with it. When the relay of that path dies, all of them must
//! be closed, or new ones are dialled into the void. And the lists of whom we speak with hold for all of them.

use std::collections::HashMap;
use std::sync::Arc;

use iroh::EndpointAddr;
use iroh::endpoint::{AfterHandshakeOutcome, BeforeConnectOutcome, Connection, EndpointHooks, WeakConnectionHandle};
use parking_lot::Mutex;

use crate::keys::peer_key;
use crate::limits::Limits;

/// The endpoint's connections. Cheap to clone; all clones are the same census.
#[derive(Debug, Clone)]
pub(crate) struct Census {
    limits: Limits,
    /// By the connection's number within this process. As many as there are connections, which are bounded elsewhere.
    connections: Arc<Mutex<HashMap<usize, WeakConnectionHandle>>>,
}

impl Census {
    pub(crate) fn new(limits: Limits) -> Self {
        Census { limits, connections: Arc::default() }
    }

    /// Every connection that lives.
    pub(crate) fn all(&self) -> Vec<Connection> {
        let connections = self.connections.lock();
        let live = connections.values().filter_map(WeakConnectionHandle::upgrade);
        live.filter(|connection| connection.close_reason().is_none()).collect()
    }

    fn refuses(&self, id: &iroh::EndpointId) -> bool {
        peer_key(id).is_none_or(|key| self.limits.refuses(Some(key), None))
    }
}

impl EndpointHooks for Census {
    async fn before_connect(&self, remote: &EndpointAddr, _alpn: &[u8]) -> BeforeConnectOutcome {
        if self.refuses(&remote.id) { BeforeConnectOutcome::Reject } else { BeforeConnectOutcome::Accept }
    }

    async fn after_handshake(&self, connection: &Connection) -> AfterHandshakeOutcome {
        let mut connections = self.connections.lock();
        connections.retain(|_, handle| handle.upgrade().is_some_and(|live| live.close_reason().is_none()));
        connections.insert(connection.stable_id(), connection.weak_handle());
        AfterHandshakeOutcome::accept()
    }
}
