//! The ledger as a node has it: transactions that wait, validators that decide, peers that speak, and an account.
//!
//! Blocks and their execution are `weft-evm`'s, agreement on them is `weft-consensus`'s; this crate wires the two to the
//! overlay and to users.
//!
//! ```
//! use std::sync::Arc;
//! use weft_ledger::dev::{DevChain, DevOptions, dev_accounts};
//! use weft_store::MemoryStore;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! // One validator in this process, with accounts that have coins.
//! let chain = DevChain::start(Arc::new(MemoryStore::default()), DevOptions::default()).unwrap();
//! assert_eq!(chain.ledger().chain().height(), 0);
//! assert_eq!(dev_accounts().len(), 10);
//! # });
//! ```
//!
//! # Concepts
//! - The [**pool**](pool) holds what was accepted and is in no block yet. Nothing leaves it silently.
//! - A [**replica**](replica) is one node of the ledger without sockets or a clock: the driver of consensus, the chain and
//!   the pool. A [**runner**](runner) gives it a thread and time.
//! - [**Peering**](peering) is what nodes of one ledger say to one another: votes and proposed blocks, decided blocks for
//!   who is behind, transactions.
//! - The [**handle**](handle::Ledger) is what façades and panels read, and where they bring transactions.
//! - A **chain** begins with a [genesis](genesis) file; a [**ticket**](ticket::Ticket) brings others onto it.
//! - A [**faucet**](faucet) gives coins of the node's own account to peers that ask, where somebody switches one on.
//! - The **account** is the user's, of the recovery phrase. The **validator key** is the node's own and random: two devices
//!   of a user have one account, and only one of them may vote for it.

mod api;
mod coins;
mod config;
pub mod dev;
mod event;
mod facade;
pub mod faucet;
mod files;
pub mod genesis;
mod genesis_link;
pub mod handle;
mod instance;
pub mod light;
mod membership;
pub mod mempool;
pub mod peering;
pub mod pool;
pub mod replica;
pub mod runner;
mod service;
pub mod snapshot;
mod status;
pub mod ticket;
mod view;
mod wallet;
pub mod watch;

pub use coins::{Coins, ParseCoinsError};
pub use config::{LedgerConfig, RPC_PORT};
pub use event::LedgerEvent;
pub use facade::{Facade, Serving};
pub use service::{LedgerParts, LedgerService};
pub use status::{ChainStatus, EnteringStatus, EnteringStep, FaucetStatus, LedgerStatus, PoolStatus};
pub use view::{
    AccountView, BlockDetail, BlockView, EvidenceView, LedgerPeerView, LogView, Stage, TransactionView, ValidatorView,
};
