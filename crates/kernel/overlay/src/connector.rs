//! The connector seam: whom to reach, over which paths, and for what.
//!
//! A service never opens a socket to a peer. It names a [`Target`], the paths it allows ([`PathPolicy`]) and the
//! [`StreamType`] it wants served, and gets a [`BoxLink`]. Circuits, splices and whatever comes later are
//! more implementations behind this one trait.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;

use crate::guard::Origin;
use crate::keys::PeerKey;
use crate::link::{BoxLink, PathKind};

/// Whom to reach.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// A Weft peer by its key, wherever it is now.
    Peer(PeerKey),
    /// A socket address: a peer of a public swarm.
    Socket(SocketAddr),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Peer(key) => write!(f, "{key}"),
            Target::Socket(address) => write!(f, "{address}"),
        }
    }
}

/// Which paths a request may take. Nothing of the request (a DHT lookup, a tracker, a DNS query) leaves it.
///
/// `Direct` and `Relayed` are two states of one overlay connection: to punch a hole, a peer is looked up and signalled
/// through relays first. The bytes of the link take only the kinds allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathPolicy {
    tcp: bool,
    tls: bool,
    direct: bool,
    relayed: bool,
    /// Who named the target, if it is a socket address. On a public network a stranger may not name private addresses.
    pub origin: Origin,
    /// How long to try before the attempt fails, over all paths together.
    pub timeout: Duration,
}

impl PathPolicy {
    /// 15 s: three lost SYNs and a relay dial fit, a person still waits.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);

    /// Any path: the cheapest safe one that works.
    pub const fn any() -> Self {
        PathPolicy {
            tcp: true,
            tls: true,
            direct: true,
            relayed: true,
            origin: Origin::Stranger,
            timeout: Self::DEFAULT_TIMEOUT,
        }
    }

    /// Only the kinds named.
    pub fn only(kinds: &[PathKind]) -> Self {
        let has = |kind| kinds.contains(&kind);
        PathPolicy {
            tcp: has(PathKind::Tcp),
            tls: has(PathKind::Tls),
            direct: has(PathKind::Direct),
            relayed: has(PathKind::Relayed),
            origin: Origin::Stranger,
            timeout: Self::DEFAULT_TIMEOUT,
        }
    }

    /// Whether this kind of path is allowed.
    pub fn allows(&self, kind: PathKind) -> bool {
        match kind {
            PathKind::Tcp => self.tcp,
            PathKind::Tls => self.tls,
            PathKind::Direct => self.direct,
            PathKind::Relayed => self.relayed,
        }
    }

    /// The same policy for an address that `origin` named.
    pub fn from_origin(self, origin: Origin) -> Self {
        PathPolicy { origin, ..self }
    }

    /// The same policy with another timeout.
    pub fn with_timeout(self, timeout: Duration) -> Self {
        PathPolicy { timeout, ..self }
    }
}

impl Default for PathPolicy {
    fn default() -> Self {
        Self::any()
    }
}

/// What a stream is for: the first thing said on it, so that one connection a pair carries every service.
///
/// On the wire: one length byte, then that many bytes of lower-case ASCII, at most [`StreamType::MAX_LEN`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct StreamType(&'static str);

impl StreamType {
    /// 32 bytes: room for `service/version`.
    pub const MAX_LEN: usize = 32;

    /// A stream type by its name, as `bt/1`.
    ///
    /// # Panics
    /// At compile time (in a `const`) if the name is empty or longer than [`Self::MAX_LEN`].
    pub const fn new(name: &'static str) -> Self {
        assert!(!name.is_empty() && name.len() <= Self::MAX_LEN, "a stream type has 1 to 32 bytes");
        StreamType(name)
    }

    /// The name.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for StreamType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Opens links.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// Opens a link to `target` for `purpose` over a path that `policy` allows; the cheapest that works is taken.
    async fn connect(&self, target: Target, purpose: StreamType, policy: PathPolicy) -> Result<BoxLink, ConnectError>;
}

/// Serves the links that peers open to us for one stream type.
///
/// Called on the accept loop: take the link, hand it to a task, return.
pub trait LinkHandler: Send + Sync + 'static {
    /// Takes an incoming link. Its [`info`](crate::Link::info) says who is there and over which path.
    fn accept(&self, link: BoxLink);
}

/// Why no link came about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The policy allows no path that could reach the target.
    #[error("no allowed path leads to {0}: the path policy excludes what this target needs")]
    NotAllowed(Target),
    /// The address is loopback, private or link-local, and came from a stranger on a public network.
    #[error(
        "{0} is not a public address, and this network is public: an address given by a stranger is never followed there"
    )]
    AddressRefused(SocketAddr),
    /// The peer is on the deny list, or an allow list is set and it is not on it.
    #[error("{0} is blocked here: unblock it in the address book, or change the allow list")]
    Blocked(Target),
    /// Nothing is known of where this peer is.
    #[error("no address of {0} is known: it may be offline; ask it for a fresh invitation link")]
    NoAddress(PeerKey),
    /// Somebody answered with another key.
    #[error("who answered for {expected} proved another key: the address is stale or somebody else's")]
    WrongPeer {
        /// The key that was dialled.
        expected: PeerKey,
    },
    /// The peer is of another network.
    #[error("{0} belongs to another network: both must have the same network name (setting `overlay.network`)")]
    WrongNetwork(Target),
    /// The peer refused the stream type.
    #[error("{target} does not serve {purpose}: the service is off there, or its Weft is older")]
    NotServed {
        /// Who refused.
        target: Target,
        /// What was asked for.
        purpose: StreamType,
    },
    /// Too many connections are open or being opened.
    #[error("too many connections: {limit} are allowed (setting `overlay.max_connections`)")]
    TooMany {
        /// The bound in force.
        limit: usize,
    },
    /// The time of the policy ran out.
    #[error("{target} did not answer within {} s", after.as_secs())]
    TimedOut {
        /// Who did not answer.
        target: Target,
        /// How long was tried.
        after: Duration,
    },
    /// The transport failed.
    #[error("cannot reach {target}")]
    Transport {
        /// Who was dialled.
        target: Target,
        /// What the transport said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The node is shutting down.
    #[error("this node is shutting down")]
    ShuttingDown,
}
