//! What a server allows.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// How a server listens, whom it lets in, and how much it does for one request. The defaults are for a node that serves
/// the programs of its own machine.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens; a port of its own, loopback by default. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Names, beside loopback's and the listening address, by which clients may call this host (DNS rebinding is what the
    /// check is against). Without a port.
    pub hosts: Vec<String>,
    /// Web pages that may call, as `scheme://host[:port]`; `*` lets all pages in. Browser extensions (wallets) always may.
    pub origins: Vec<String>,
    /// `debug_*` and `txpool_*`.
    pub debug: bool,
    /// Makes a block now: what `evm_mine` does on a chain for developers. Without it there is no such method.
    pub mine: Option<Mine>,
    /// 10 MiB: the longest body of a request, or message of a WebSocket.
    pub max_request_bytes: u32,
    /// 64 MiB: the longest answer.
    pub max_response_bytes: u32,
    /// 1,000: the most calls in a batch.
    pub max_batch: u32,
    /// 512: connections at once, HTTP and WebSocket together.
    pub max_connections: u32,
    /// 64: subscriptions of a connection.
    pub max_subscriptions: u32,
    /// 1,024: filters in all (`eth_newFilter` and its kin).
    pub max_filters: usize,
    /// 5 minutes: a filter that nobody asks for that long is gone.
    pub filter_lifetime: Duration,
    /// Calls that execute or search at once; others wait their turn.
    pub max_executions: usize,
    /// 256: transactions being accepted at once.
    pub max_submissions: usize,
    /// 10 s: the longest a call may take, waiting for its turn included.
    pub deadline: Duration,
    /// 30 s: the longest a batch may take, which makes its calls one after the other.
    pub batch_deadline: Duration,
    /// 50 million: the most gas of one `eth_call`, and of all calls of an `eth_simulateV1`.
    pub gas_cap: u64,
    /// 10,000: the most logs of one answer.
    pub max_logs: usize,
    /// 100,000: the most blocks of one log query.
    pub max_log_blocks: u64,
    /// 1 wei: the tip proposed while no transactions say what is usual.
    pub default_tip: u128,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8545)),
            hosts: Vec::new(),
            origins: Vec::new(),
            debug: false,
            mine: None,
            max_request_bytes: 10 << 20,
            max_response_bytes: 64 << 20,
            max_batch: 1_000,
            max_connections: 512,
            max_subscriptions: 64,
            max_filters: 1_024,
            filter_lifetime: Duration::from_secs(5 * 60),
            max_executions: std::thread::available_parallelism().map_or(4, |threads| threads.get().max(4)),
            max_submissions: 256,
            deadline: Duration::from_secs(10),
            batch_deadline: Duration::from_secs(30),
            gas_cap: 50_000_000,
            max_logs: weft_evm::MAX_LOGS,
            max_log_blocks: weft_evm::MAX_LOG_BLOCKS,
            default_tip: 1,
        }
    }
}

/// Makes a block now and returns when it is final; the error is told to the caller. It may block.
#[derive(Clone)]
pub struct Mine(std::sync::Arc<dyn Fn() -> Result<(), String> + Send + Sync>);

impl Mine {
    /// From what makes the block.
    pub fn new(mine: impl Fn() -> Result<(), String> + Send + Sync + 'static) -> Self {
        Mine(std::sync::Arc::new(mine))
    }

    pub(crate) fn call(&self) -> Result<(), String> {
        (self.0)()
    }
}

impl std::fmt::Debug for Mine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Mine")
    }
}
