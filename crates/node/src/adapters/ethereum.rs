//! The ledger is served by the Ethereum RPC.

use std::io;
use std::net::SocketAddr;

use async_trait::async_trait;
use weft_ethereum_rpc::{Config, Running, Server, StartError};
use weft_ledger::handle::Ledger;
use weft_ledger::{Facade, LedgerConfig, RPC_PORT, Serving};

/// Serves it as the configuration says.
pub(crate) struct EthereumRpc {
    config: Config,
    /// Nobody chose the port: if it is taken, another will do.
    any_port: bool,
}

impl EthereumRpc {
    pub(crate) fn new(config: &LedgerConfig) -> Self {
        let any_port = config.rpc_listen.port() == RPC_PORT;
        let config = Config {
            listen: config.rpc_listen,
            origins: config.rpc_origins.clone(),
            debug: config.rpc_debug,
            ..Config::default()
        };
        EthereumRpc { config, any_port }
    }
}

#[async_trait]
impl Facade for EthereumRpc {
    async fn start(&self, ledger: Ledger) -> Result<Box<dyn Serving>, Box<dyn std::error::Error + Send + Sync>> {
        let started = match Server::start(ledger.clone(), self.config.clone()).await {
            Err(error) if self.any_port && is_taken(&error) => {
                tracing::warn!(port = RPC_PORT, "the usual port of the Ethereum RPC is taken; it takes another");
                let listen = SocketAddr::new(self.config.listen.ip(), 0);
                Server::start(ledger, Config { listen, ..self.config.clone() }).await
            }
            started => started,
        };
        Ok(Box::new(Rpc(started?)))
    }
}

fn is_taken(error: &StartError) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::AddrInUse) {
            return true;
        }
        cause = error.source();
    }
    false
}

struct Rpc(Running);

#[async_trait]
impl Serving for Rpc {
    fn address(&self) -> SocketAddr {
        self.0.address()
    }

    async fn stop(self: Box<Self>) {
        self.0.stop().await;
    }
}
