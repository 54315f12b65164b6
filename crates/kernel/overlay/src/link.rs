//! The link: one ordered, reliable byte stream to a peer, whatever carries it.
//!
//! `AsyncRead` has no vectored read, and the cheapest way to move content is one `readv` that scatters headers and
//! blocks to where they belong. So a link is a trait of our own: it fills a *read plan* (several buffers at once) and
//! sends several slices at once. TCP does it with `readv`/`writev`; TLS and QUIC copy once from their plaintext.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::task::{Context, Poll};

use serde::{Deserialize, Serialize};

use crate::keys::PeerKey;

/// How a link gets to the peer, from the cheapest to the dearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PathKind {
    /// Plain TCP: no key proven, nothing encrypted. What public BitTorrent swarms speak.
    Tcp,
    /// TLS 1.3 on TCP with both peer keys proven.
    Tls,
    /// An overlay (QUIC) stream on a direct path.
    Direct,
    /// An overlay (QUIC) stream through a relay peer.
    Relayed,
}

impl PathKind {
    /// Every kind, cheapest first.
    pub const ALL: [PathKind; 4] = [PathKind::Tcp, PathKind::Tls, PathKind::Direct, PathKind::Relayed];

    /// The word the CLI, the API and metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            PathKind::Tcp => "tcp",
            PathKind::Tls => "tls",
            PathKind::Direct => "direct",
            PathKind::Relayed => "relayed",
        }
    }

    /// What moving a byte this way costs both ends together, in CPU-seconds per GB as measured when the design was
    /// made. Only the order and the rough ratio matter: pickers compare them.
    pub fn cost(self) -> f32 {
        match self {
            PathKind::Tcp => 0.5,
            PathKind::Tls => 0.8,
            PathKind::Direct => 3.2,
            PathKind::Relayed => 8.6,
        }
    }
}

impl fmt::Display for PathKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of a link at this moment. An overlay link's path may change while it lives (relayed, then direct).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkInfo {
    /// The peer's key, if the transport has proven it.
    pub peer: Option<PeerKey>,
    /// The path bytes take now.
    pub path: PathKind,
    /// The remote socket address, where there is one (none through a relay).
    pub remote: Option<SocketAddr>,
}

/// One ordered, reliable, full-duplex byte stream to a peer.
///
/// Both directions are polled from one task; each remembers the waker of its own last poll.
pub trait Link: Send + 'static {
    /// Fills the buffers of `plan` in order with whatever is there. `Ok(0)` is the end of the stream.
    fn poll_read(&mut self, cx: &mut Context<'_>, plan: &mut [IoSliceMut<'_>]) -> Poll<io::Result<usize>>;

    /// Sends a prefix of `slices`, taken in order, and says how many bytes it took.
    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;

    /// Hands buffered bytes to the network.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends the sending side after what was written has been handed over.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// What is known of the link now. Cheap: no lock that a writer holds.
    fn info(&self) -> LinkInfo;
}

/// A link of any kind.
pub type BoxLink = Box<dyn Link>;

impl dyn Link {
    /// Reads into `plan` once.
    pub async fn read_vectored(&mut self, plan: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        poll_fn(|cx| self.poll_read(cx, plan)).await
    }

    /// Fills `buffer` wholly, or fails with `UnexpectedEof`.
    pub async fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            let n = self.read_vectored(&mut [IoSliceMut::new(&mut buffer[filled..])]).await?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += n;
        }
        Ok(())
    }

    /// Writes all of `bytes`.
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let n = poll_fn(|cx| self.poll_write(cx, &[IoSlice::new(bytes)])).await?;
            if n == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = &bytes[n..];
        }
        Ok(())
    }

    /// Hands buffered bytes to the network.
    pub async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Ends the sending side.
    pub async fn close(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_close(cx)).await
    }
}
