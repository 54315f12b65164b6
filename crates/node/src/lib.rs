//! A Weft node: the kernel and the services put together, their configuration, and the HTTP API.
//!
//! ```no_run
//! use weft_node::{Node, NodeConfig, Paths, Sources};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let paths = Paths::within("/var/lib/weft");
//! let loaded = Sources::of_process(paths.config_file.clone()).load()?;
//! let node = Node::start(NodeConfig::new(paths, loaded)).await?;
//! assert!(node.address().api.starts_with("http://127.0.0.1:"));
//! node.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Concepts
//! - The **data folder** is one node's own: identity, store, API token, and `node.json`, by which programs on the machine
//!   find the running node.
//! - The **configuration** has layers (defaults, file, environment, flags) and remembers where each value came from.
//! - The **registry** is the one file that names the services; **adapters** are where one service's need meets another's
//!   offer. Everything else here works for the twentieth service as for the first.
//! - The **switchboard** starts and stops services at run time; the API answers for those that are off.
//! - The **guard** stands before every API request: loopback, Host, Origin, token.

mod adapters;
mod api;
mod config;
mod data_dir;
mod error;
mod event;
mod figures;
mod first_run;
mod health;
mod history;
pub mod identity;
mod kernel;
mod life;
pub mod logging;
mod node;
mod page;
mod paths;
mod registry;
mod sampler;
mod sessions;
mod settings;
mod switchboard;

pub use config::{
    ApiConfig, Coins, Config, ConfigError, EditError, Entry, IdentityConfig, Loaded, LogConfig, LogFormat, Origin,
    Rate, ServicesConfig, Sources, get as get_setting, set as set_setting,
};
pub use data_dir::{ApiToken, DataDirError, NodeAddress, read_token, running_node};
pub use error::StartError;
pub use event::NodeEvent;
pub use figures::{Figures, IdleCost, ServiceFigures};
pub use life::{Again, Owner};
pub use node::{Node, NodeConfig};
pub use paths::{NoHome, Paths};
pub use sessions::NoRandomness;
pub use weft_ethereum_rpc::light;
pub use weft_ethereum_rpc::{DEV_CHAIN_ID, DevLedger, DevLedgerConfig, DevLedgerError, DevOptions};
