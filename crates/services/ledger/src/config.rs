//! The `[ledger]` section of the configuration.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

/// Where Ethereum's tools look first.
pub const RPC_PORT: u16 = 8545;

/// The `[ledger]` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LedgerConfig {
    /// Where the Ethereum RPC listens (HTTP and WebSocket): a loopback address. Port 0 takes any that is free.
    pub rpc_listen: SocketAddr,
    /// Web pages that may call it, as `scheme://host:port`; browser extensions (wallets) always may.
    pub rpc_origins: Vec<String>,
    /// Whether `debug_*` and `txpool_*` answer.
    pub rpc_debug: bool,
    /// Blocks before the head whose state can be read (`eth_call` and balances of then).
    pub history: u64,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        LedgerConfig {
            rpc_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, RPC_PORT)),
            rpc_origins: Vec::new(),
            rpc_debug: false,
            history: weft_evm::ChainOptions::default().history,
        }
    }
}
