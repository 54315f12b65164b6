//! Relays are peers: what they are called, how they prove it, who may use them, which of them we use.
//!
//! Layers: `name`, `certificate`, `token` and `record` say what a relay is; `book` decides which are used; `pool`, `probe`
//! and `server` do it.

mod book;
mod cache;
mod certificate;
mod name;
mod pool;
pub(crate) mod probe;
mod record;
mod server;
mod token;

pub use certificate::RelayKeyError;
pub use name::{InvalidRelay, RelayHint, RelayName};
pub use record::{BadRecord, RELAY_ROLE, ROLE_STREAM, RoleRecord};
pub use server::RelayServerError;

pub(crate) use book::Source;
pub(crate) use cache::RelayCache;
pub(crate) use certificate::{RelayKey, ca_tls_config};
pub(crate) use pool::RelayPool;
pub(crate) use record::{MAX_RECORD, RECORD_LIFE, RELAY_SALT, role_info_hash};
pub(crate) use server::{RelayServer, RelayServerConfig};
