//! Why a node does not start.

use std::net::SocketAddr;

use weft_network::BadValue;

use crate::data_dir::DataDirError;
use crate::identity::IdentityError;
use crate::sessions::NoRandomness;

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The data folder cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// There is no identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A setting cannot be followed.
    #[error("the setting `{}` cannot be followed: {}; see `weft config show --origin`", .0.key, .0.reason)]
    Setting(BadValue),
    /// The API would be open to others.
    #[error(
        "the API would listen on {0}, which is not loopback; set `api.listen` to 127.0.0.1 and reach it from elsewhere through ssh"
    )]
    NotLoopback(SocketAddr),
    /// The API's port cannot be had.
    #[error(
        "the API cannot listen on {address}; stop what listens there, or choose another port with the setting `api.listen`"
    )]
    ApiListen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] weft_store::OpenError),
    /// The overlay does not start.
    #[error(transparent)]
    Overlay(#[from] weft_overlay::StartError),
    /// The content engine does not start.
    #[error(transparent)]
    Content(#[from] weft_content::StartError),
    /// A core service does not start.
    #[error(transparent)]
    Service(#[from] weft_service::StartError),
    /// There is no randomness for a login.
    #[error("no browser can sign in")]
    NoRandomness(#[source] NoRandomness),
    /// A step of the start was cut off.
    #[error("the start was cut off; start the node again")]
    Interrupted(#[source] tokio::task::JoinError),
}
