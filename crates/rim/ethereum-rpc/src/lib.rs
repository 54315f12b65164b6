//! Ethereum JSON-RPC over the ledger.

mod accounts;
pub mod args;
mod blocks;
mod calls;
mod config;
mod dev;
mod error;
mod execute;
mod fees;
mod fill;
mod filters;
mod gate;
mod logs;
mod methods;
mod node;
mod overrides;
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
pub use server::{Running, Server, StartError};
pub use weft_ledger::dev::{DEV_CHAIN_ID, DevOptions};
