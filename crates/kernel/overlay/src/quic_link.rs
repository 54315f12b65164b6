//! An overlay stream as a [`Link`].

use std::io::{self, IoSlice, IoSliceMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use iroh::endpoint::{RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connection::{LinkGuard, Path};
use crate::link::{Link, LinkInfo};
use crate::peers::{Meter, PeerId, PeerTable};

/// A bidirectional stream of an overlay connection, after the words that open it.
pub(crate) struct QuicLink {
    send: SendStream,
    recv: RecvStream,
    guard: LinkGuard,
    meter: Meter,
    /// The stream gave an end; a later read gives it again.
    ended: bool,
}

impl QuicLink {
    pub(crate) fn new(send: SendStream, recv: RecvStream, guard: LinkGuard, peers: &PeerTable) -> Self {
        let meter = peers.meter(PeerId::Key(guard.connection().peer));
        QuicLink { send, recv, guard, meter, ended: false }
    }

    /// Counts what was read, if anything was, and gives it.
    fn counted(&self, read: usize) -> Poll<io::Result<usize>> {
        if read > 0 {
            self.meter.received(self.guard.connection().path_kind(), read);
        }
        Poll::Ready(Ok(read))
    }
}

impl Link for QuicLink {
    fn poll_read(&mut self, cx: &mut Context<'_>, plan: &mut [IoSliceMut<'_>]) -> Poll<io::Result<usize>> {
        let mut total = 0;
        for part in plan.iter_mut().filter(|part| !part.is_empty()) {
            let mut filled = 0;
            while filled < part.len() && !self.ended {
                let Some(rest) = part.get_mut(filled..) else { break };
                let mut buffer = ReadBuf::new(rest);
                match AsyncRead::poll_read(Pin::new(&mut self.recv), cx, &mut buffer) {
                    Poll::Ready(Ok(())) if buffer.filled().is_empty() => self.ended = true,
                    Poll::Ready(Ok(())) => filled += buffer.filled().len(),
                    // What was read before an error is given first; the error comes again at the next read.
                    Poll::Ready(Err(_)) | Poll::Pending if total + filled > 0 => {
                        return self.counted(total + filled);
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => return Poll::Pending,
                }
            }
            total += filled;
        }
        self.counted(total)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut total = 0;
        for slice in slices.iter().filter(|slice| !slice.is_empty()) {
            match AsyncWrite::poll_write(Pin::new(&mut self.send), cx, slice) {
                Poll::Ready(Ok(taken)) => {
                    total += taken;
                    if taken < slice.len() {
                        break;
                    }
                }
                Poll::Ready(Err(_)) | Poll::Pending if total > 0 => break,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        if total > 0 {
            self.meter.sent(self.guard.connection().path_kind(), total);
        }
        Poll::Ready(Ok(total))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.send).poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.send).poll_shutdown(cx)
    }

    fn info(&self) -> LinkInfo {
        let connection = self.guard.connection();
        let path = connection.path();
        let remote = match &path {
            Path::Direct(address) => Some(*address),
            Path::Relayed(_) | Path::Unknown => None,
        };
        LinkInfo { peer: Some(connection.peer), path: path.kind(), remote }
    }
}
