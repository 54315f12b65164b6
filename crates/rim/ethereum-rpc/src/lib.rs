//! Ethereum's JSON-RPC over a Weft ledger, on a port of its own: what ethers, viem, web3.py, cast, hardhat and MetaMask
//! speak, over HTTP and WebSocket.
//!
//! ```no_run
//! use std::sync::Arc;
//! use weft_ethereum_rpc::{Config, Mine, Server};
//! use weft_ledger::dev::{DevChain, DevOptions};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! // A chain for developers, or the handle of a ledger among peers.
//! let chain = DevChain::start(Arc::new(weft_store::MemoryStore::default()), DevOptions::default())?;
//! let config = Config { mine: Some(Mine::new(chain.miner())), debug: true, ..Config::default() };
//! let server = Server::start(chain.ledger().clone(), config).await?;
//! // `cast block-number --rpc-url http://127.0.0.1:8545`
//! assert_eq!(server.http(), "http://127.0.0.1:8545");
//! server.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Concepts
//!
//! - **Methods** are one table: what they are called, what serves them, and whether they run at once or aside on one of few
//!   threads. `debug_*` and `txpool_*` are there by [switch](Config::debug), `evm_mine` on a chain for developers.
//!   [`InProcess`] answers the same calls without a socket.
//! - **A block is final when it is made**, so that `latest`, `safe` and `finalized` are one. `pending` is the state of the
//!   head with the next block's header; nonces count what waits in the pool.
//! - **Nothing here signs.** There is no account of the node: `eth_accounts` is empty, and `eth_sendTransaction` says where
//!   to sign.
//! - **Who may call**: the protocol has no credentials, so that the `Host` must be one of the node's and the `Origin`, if
//!   there is one, a wallet's extension or one that [is listed](Config::origins).
//! - **Everything is bounded** ([`Config`] names the numbers): bytes, calls of a batch, connections, subscriptions, filters,
//!   gas, time, logs, what a trace keeps. What exceeds a bound is told which one, and what to do.
//! - **Errors** have the codes and first words of geth, which clients match.
//!
//! Beyond Ethereum's methods there are `weft_getCertificate`, `weft_validators`, `weft_evidence` and `weft_genesisHash`:
//! what a light client needs. Proofs (`eth_getProof`) reach 256 blocks back, states as far as the node keeps them.

mod accounts;
mod args;
mod batch;
mod blocks;
mod calls;
mod config;
mod dev;
mod dispatch;
mod error;
mod execute;
mod fees;
mod fill;
mod filters;
mod gate;
mod in_process;
pub mod light;
mod logs;
mod methods;
mod node;
mod overrides;
mod recent;
mod rpc;
mod send;
mod server;
mod simulate;
mod subscriptions;
mod trace;
mod transactions;
mod txpool;

pub use config::{Config, Mine};
pub use dev::{DevLedger, DevLedgerConfig, DevLedgerError};
pub use error::RpcError;
pub use in_process::InProcess;
pub use server::{Running, Server, StartError};
pub use weft_ledger::dev::{DEV_CHAIN_ID, DevOptions};
