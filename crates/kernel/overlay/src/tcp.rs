//! TCP: the cheapest link, and what every TLS link stands on.
//!
//! One `readv` fills a whole read plan and one `writev` sends a whole list of slices, without a copy of ours between the
//! kernel and the buffers of the caller.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::AsyncWrite;
use tokio::net::{TcpSocket, TcpStream};

use crate::congestion::Congestion;
use crate::limits::Permit;
use crate::link::{Link, LinkInfo, PathKind};

/// A silent connection is probed after a minute: below the two minutes after which home routers forget it.
pub const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
/// Four probes, 15 s apart: a dead peer is known after two minutes.
pub const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);
/// See [`KEEPALIVE_EVERY`].
pub const KEEPALIVE_PROBES: u32 = 4;

/// How sockets are set up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TcpOptions {
    /// The local address connections go out from; none lets the system choose.
    pub source: Option<IpAddr>,
    /// Congestion control of bulk sockets.
    pub congestion: Congestion,
}

/// Opens a connection. Bound its time by a timeout around it; check the address with the
/// [`AddressGuard`](crate::guard::AddressGuard) before.
///
/// # Errors
/// The system's answer.
pub async fn connect(address: SocketAddr, options: &TcpOptions) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = options.source.filter(|source| source.is_ipv4() == address.is_ipv4()) {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    // Before connecting, so that the slow start is already the chosen control's. The default serves where it fails.
    let _ = options.congestion.apply(&SockRef::from(&socket));
    let stream = socket.connect(address).await?;
    // A socket whose own ephemeral port was its target (simultaneous open with itself) is nobody's.
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    set_up(&stream)?;
    Ok(stream)
}

/// What every connection gets, opened or accepted: no Nagle delay, and probes so that a vanished peer is noticed.
///
/// # Errors
/// The system's answer: the connection is dead already.
pub fn set_up(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER);
    #[cfg(not(any(target_os = "openbsd", target_os = "redox", target_os = "solaris")))]
    let keepalive = keepalive.with_interval(KEEPALIVE_EVERY);
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "macos", target_os = "freebsd"))]
    let keepalive = keepalive.with_retries(KEEPALIVE_PROBES);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// A plain TCP link.
#[derive(Debug)]
pub struct TcpLink {
    stream: TcpStream,
    remote: Option<SocketAddr>,
    /// Bytes read while deciding what the connection is; handed out first.
    replay: Vec<u8>,
    replayed: usize,
    _permit: Option<Permit>,
}

impl TcpLink {
    /// A link over an open connection.
    pub fn new(stream: TcpStream) -> Self {
        let remote = stream.peer_addr().ok();
        TcpLink { stream, remote, replay: Vec::new(), replayed: 0, _permit: None }
    }

    /// Gives these bytes to the reader before those of the network.
    #[must_use]
    pub fn with_replay(self, replay: Vec<u8>) -> Self {
        TcpLink { replay, replayed: 0, ..self }
    }

    /// Holds this place among the node's connections for as long as the link lives.
    #[must_use]
    pub fn with_permit(self, permit: Permit) -> Self {
        TcpLink { _permit: Some(permit), ..self }
    }

    /// Hands out what is left of the replay. Nothing, once it is used up.
    fn take_replay(&mut self, plan: &mut [IoSliceMut<'_>]) -> Option<usize> {
        let left = self.replay.get(self.replayed..).filter(|left| !left.is_empty())?;
        let n = scatter(left, plan);
        self.replayed += n;
        if self.replayed >= self.replay.len() {
            self.replay = Vec::new();
            self.replayed = 0;
        }
        Some(n)
    }
}

/// Copies as much of `bytes` as fits into the buffers of `plan`, in order, and says how much.
pub(crate) fn scatter(mut bytes: &[u8], plan: &mut [IoSliceMut<'_>]) -> usize {
    let before = bytes.len();
    for buffer in plan {
        let n = bytes.len().min(buffer.len());
        let (now, later) = bytes.split_at(n);
        if let Some(room) = buffer.get_mut(..n) {
            room.copy_from_slice(now);
        }
        bytes = later;
        if bytes.is_empty() {
            break;
        }
    }
    before - bytes.len()
}

impl Link for TcpLink {
    fn poll_read(&mut self, cx: &mut Context<'_>, plan: &mut [IoSliceMut<'_>]) -> Poll<io::Result<usize>> {
        if let Some(n) = self.take_replay(plan) {
            return Poll::Ready(Ok(n));
        }
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            match self.stream.try_read_vectored(plan) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return Poll::Ready(done),
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            match self.stream.try_write_vectored(slices) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return Poll::Ready(done),
            }
        }
    }

    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(Pin::new(&mut self.stream).poll_shutdown(cx)) {
            // The peer was faster: there is no sending side left to end.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            done => Poll::Ready(done),
        }
    }

    fn info(&self) -> LinkInfo {
        LinkInfo { peer: None, path: PathKind::Tcp, remote: self.remote }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn scatter_fills_in_order(bytes: Vec<u8>, shape in prop::collection::vec(0usize..40, 0..12)) {
            let mut buffers: Vec<Vec<u8>> = shape.iter().map(|n| vec![0; *n]).collect();
            let mut plan: Vec<_> = buffers.iter_mut().map(|b| IoSliceMut::new(b)).collect();
            let n = scatter(&bytes, &mut plan);
            let room: usize = shape.iter().sum();
            prop_assert_eq!(n, bytes.len().min(room));
            prop_assert_eq!(&buffers.concat()[..n], &bytes[..n]);
        }
    }
}
