//! The `[ledger]` section of the configuration.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::coins::Coins;

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
    /// Whether this node is a faucet: it gives coins of its user's account to peers of its chain that ask.
    pub faucet: bool,
    /// What the faucet gives to one who asks.
    pub faucet_coins: Coins,
    /// Seconds until the faucet gives to the same account again, or to the same peer.
    pub faucet_every_s: u64,
    /// What the faucet gives to all together in any 24 hours.
    pub faucet_daily: Coins,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        LedgerConfig {
            rpc_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, RPC_PORT)),
            rpc_origins: Vec::new(),
            rpc_debug: false,
            history: weft_evm::ChainOptions::default().history,
            faucet: false,
            faucet_coins: Coins::from(10),
            faucet_every_s: 24 * 60 * 60,
            faucet_daily: Coins::from(1_000),
        }
    }
}
