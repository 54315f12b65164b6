//! Opening TCP links: guard, limits, connection, handshake, and what was seen of the peer, in that order.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::connector::{ConnectError, StreamType, Target};
use crate::guard::{AddressGuard, GuardError, Origin};
use crate::keys::PeerKey;
use crate::limits::{Limits, Permit};
use crate::link::{BoxLink, Link, PathKind};
use crate::metered::Metered;
use crate::peers::{Direction, Observation, Observe, PeerId, PeerTable};
use crate::registry::Status;
use crate::tcp::{self, TcpLink, TcpOptions};
use crate::tls::{Expect, TlsEndpoint, TlsError};

/// Opens links over TCP. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TcpDialer {
    /// Which addresses are followed.
    pub guard: AddressGuard,
    /// How many connections there may be, and with whom.
    pub limits: Limits,
    /// This node's side of TLS.
    pub tls: TlsEndpoint,
    /// Where what was seen goes.
    pub peers: PeerTable,
    /// How sockets are set up.
    pub options: TcpOptions,
}

impl TcpDialer {
    /// A plain link to a peer of a public swarm.
    ///
    /// # Errors
    /// [`ConnectError`], within `timeout`.
    pub async fn plain(&self, address: SocketAddr, origin: Origin, timeout: Duration) -> Result<BoxLink, ConnectError> {
        let target = Target::Socket(address);
        if self.limits.refuses_plain(address.ip()) {
            return Err(ConnectError::Blocked(target));
        }
        let peer = PeerId::Address(address);
        let dial = async {
            let (stream, permit) = self.open(address, origin, &target).await?;
            Ok(TcpLink::new(stream).with_permit(permit))
        };
        self.observed(dial, peer, PathKind::Tcp, target.clone(), timeout).await
    }

    /// A TLS link for `purpose` to `peer` at `address`.
    ///
    /// # Errors
    /// [`ConnectError`], within `timeout`.
    pub async fn tls(
        &self,
        peer: PeerKey,
        address: SocketAddr,
        origin: Origin,
        purpose: StreamType,
        timeout: Duration,
    ) -> Result<BoxLink, ConnectError> {
        let target = Target::Peer(peer);
        if self.limits.refuses(Some(peer), None) {
            return Err(ConnectError::Blocked(target));
        }
        let dial = async {
            let (stream, mut permit) = self.open(address, origin, &target).await?;
            permit.bind(peer)?;
            let link = self.tls.connect(stream, Expect::Peer(peer), purpose).await;
            Ok(link.map_err(|error| tls_error(error, &target, purpose))?.with_permit(permit))
        };
        let link = self.observed(dial, peer.into(), PathKind::Tls, target.clone(), timeout).await?;
        // Only an address where the key was proven is the peer's: a stranger can name any.
        self.peers.observe(peer.into(), Observation::Address { address, origin });
        Ok(link)
    }

    /// A TLS link for `purpose` to whoever offers a public role at `address`, and the key they proved. They see a
    /// throwaway key of ours.
    ///
    /// # Errors
    /// [`ConnectError`], within `timeout`.
    pub async fn role(
        &self,
        address: SocketAddr,
        origin: Origin,
        purpose: StreamType,
        timeout: Duration,
    ) -> Result<(PeerKey, BoxLink), ConnectError> {
        let target = Target::Socket(address);
        let dial = async {
            let (stream, mut permit) = self.open(address, origin, &target).await?;
            let link = self.tls.connect(stream, Expect::AnyRole, purpose).await;
            let link = link.map_err(|error| tls_error(error, &target, purpose))?;
            permit.bind(link.peer())?;
            Ok(link.with_permit(permit))
        };
        let link = within(dial, &target, timeout).await?;
        let key = link.peer();
        self.peers.observe(key.into(), Observation::Address { address, origin });
        Ok((key, Box::new(Metered::new(link, key.into(), Direction::Out, &self.peers))))
    }

    async fn open(
        &self,
        address: SocketAddr,
        origin: Origin,
        target: &Target,
    ) -> Result<(TcpStream, Permit), ConnectError> {
        self.guard.check(address, origin).map_err(|_: GuardError| ConnectError::AddressRefused(address))?;
        let permit = self.limits.admit(Some(address))?;
        let stream = tcp::connect(address, &self.options).await.map_err(|source| transport(target, source))?;
        Ok((stream, permit))
    }

    /// Runs `dial` in `timeout` and notes the attempt and its outcome.
    async fn observed<L: Link>(
        &self,
        dial: impl Future<Output = Result<L, ConnectError>>,
        peer: PeerId,
        path: PathKind,
        target: Target,
        timeout: Duration,
    ) -> Result<BoxLink, ConnectError> {
        self.peers.observe(peer, Observation::Attempt { path });
        match within(dial, &target, timeout).await {
            Ok(link) => Ok(Box::new(Metered::new(link, peer, Direction::Out, &self.peers))),
            Err(error) => {
                // Our own refusals say nothing of the peer.
                if !matches!(error, ConnectError::AddressRefused(_) | ConnectError::TooMany { .. }) {
                    self.peers.observe(peer, Observation::Failed { path, reason: with_causes(&error) });
                }
                Err(error)
            }
        }
    }
}

async fn within<T>(
    dial: impl Future<Output = Result<T, ConnectError>>,
    target: &Target,
    timeout: Duration,
) -> Result<T, ConnectError> {
    let elapsed = |_| Err(ConnectError::TimedOut { target: target.clone(), after: timeout });
    tokio::time::timeout(timeout, dial).await.unwrap_or_else(elapsed)
}

fn transport(target: &Target, source: impl std::error::Error + Send + Sync + 'static) -> ConnectError {
    ConnectError::Transport { target: target.clone(), source: Box::new(source) }
}

fn tls_error(error: TlsError, target: &Target, purpose: StreamType) -> ConnectError {
    match error {
        TlsError::WrongPeer { expected } => ConnectError::WrongPeer { expected },
        TlsError::Refused(Status::WrongNetwork) => ConnectError::WrongNetwork(target.clone()),
        TlsError::Refused(Status::NotServed) => ConnectError::NotServed { target: target.clone(), purpose },
        other => transport(target, other),
    }
}

/// An error with its causes, on one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
