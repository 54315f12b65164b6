//! What stands in front of the ledger for other programs, as the Ethereum RPC: the node wires it, so that this crate names
//! no façade.

use std::net::SocketAddr;

use async_trait::async_trait;

use crate::handle::Ledger;

/// Begins to serve a ledger.
#[async_trait]
pub trait Facade: Send + Sync + 'static {
    /// Serves `ledger` from now on.
    ///
    /// # Errors
    /// Why it cannot, in a user's words.
    async fn start(&self, ledger: Ledger) -> Result<Box<dyn Serving>, Box<dyn std::error::Error + Send + Sync>>;
}

/// A façade that serves.
#[async_trait]
pub trait Serving: Send + Sync + 'static {
    /// Where it listens.
    fn address(&self) -> SocketAddr;

    /// Ends it.
    async fn stop(self: Box<Self>);
}
