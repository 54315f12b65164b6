//! The byte stream of a TLS connection, as a [`Link`].
//!
//! rustls' connection is driven by hand rather than through `AsyncRead`/`AsyncWrite`, for three reasons: the slices of a
//! write are gathered into full 16 KiB records without a copy of ours, ciphertext is read from the socket in large pieces
//! and sent by one `writev` of many records, and plaintext is copied once, to where the read plan wants it.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

use crate::keys::PeerKey;
use crate::limits::Permit;
use crate::link::{Link, LinkInfo, PathKind};

/// Ciphertext waiting to be sent, at which no more plaintext is taken. 256 KiB: the socket never runs dry while the
/// caller is scheduled, and a thousand links together stay within the memory of a small machine.
const MAX_QUEUED: usize = 256 * 1024;

/// Plaintext taken by one write: eight full records, so that encrypting is interleaved with sending.
const MAX_TAKEN: usize = 8 * RECORD;

/// Plaintext of a full record (RFC 8446 §5.1).
const RECORD: usize = 16 * 1024;

/// What a record adds: header, content type, tag.
const RECORD_OVERHEAD: usize = 5 + 1 + 16;

/// Smallest read of ciphertext: an idle link holds no more.
const MIN_READ: usize = 4 * 1024;

/// Largest read of ciphertext: eight records to a system call.
const MAX_READ: usize = 128 * 1024;

/// A link over TLS 1.3 with both keys proven.
#[derive(Debug)]
pub struct TlsLink {
    stream: TcpStream,
    tls: rustls::Connection,
    incoming: Incoming,
    /// Ciphertext in `tls` not yet sent, as far as we put it there.
    queued: usize,
    closing: bool,
    peer: PeerKey,
    remote: Option<SocketAddr>,
    _permit: Option<Permit>,
}

impl TlsLink {
    pub(super) fn new(stream: TcpStream, mut tls: rustls::Connection, peer: PeerKey) -> Self {
        // The bound is ours (`MAX_QUEUED`): rustls' own cuts a write where it likes, and makes small records of it.
        tls.set_buffer_limit(None);
        let remote = stream.peer_addr().ok();
        let incoming = Incoming::default();
        TlsLink { stream, tls, incoming, queued: 0, closing: false, peer, remote, _permit: None }
    }

    /// The key the other side has proven.
    pub fn peer(&self) -> PeerKey {
        self.peer
    }

    /// Holds this place among the node's connections for as long as the link lives.
    #[must_use]
    pub fn with_permit(self, permit: Permit) -> Self {
        TlsLink { _permit: Some(permit), ..self }
    }

    #[cfg(test)]
    pub(super) fn into_parts(self) -> (TcpStream, rustls::Connection) {
        (self.stream, self.tls)
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.incoming.buffer.capacity()
    }

    /// Sends ciphertext until none is left.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.tls.wants_write() {
            ready!(self.stream.poll_write_ready(cx))?;
            match self.tls.write_tls(&mut Socket(&self.stream)) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(sent) => self.queued = self.queued.saturating_sub(sent),
                Err(error) if is_transient(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        self.queued = 0;
        Poll::Ready(Ok(()))
    }

    /// Decrypts the next piece of ciphertext, reading from the socket if none is there. `false` is the end of the TCP
    /// stream.
    fn poll_decrypt(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.incoming.is_empty() {
            ready!(self.incoming.poll_fill(&self.stream, cx))?;
        }
        // With nothing in the buffer this tells rustls of the end, so that it can tell a truncation from a close.
        let fed = self.tls.read_tls(&mut self.incoming)?;
        if let Err(error) = self.tls.process_new_packets() {
            // Tell the peer why, as far as the socket takes it now.
            let _ = self.poll_send(cx);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
        }
        Poll::Ready(Ok(fed > 0))
    }
}

impl Link for TlsLink {
    fn poll_read(&mut self, cx: &mut Context<'_>, plan: &mut [IoSliceMut<'_>]) -> Poll<io::Result<usize>> {
        // A reader that never flushes must not hold back what it wrote, nor TLS its own messages.
        if self.tls.wants_write()
            && let Poll::Ready(Err(error)) = self.poll_send(cx)
        {
            return Poll::Ready(Err(error));
        }
        let mut cursor = Cursor::new(plan);
        loop {
            match cursor.fill(&mut self.tls.reader()) {
                Ok(Filled::Whole | Filled::End) => return Poll::Ready(Ok(cursor.filled)),
                Ok(Filled::Part) => {}
                // What came before the fault is handed out first; the fault stays and comes again.
                Err(_) if cursor.filled > 0 => return Poll::Ready(Ok(cursor.filled)),
                Err(error) => return Poll::Ready(Err(error)),
            }
            match self.poll_decrypt(cx) {
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) | Poll::Pending if cursor.filled > 0 => return Poll::Ready(Ok(cursor.filled)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.closing {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.queued >= MAX_QUEUED {
            ready!(self.poll_send(cx))?;
        }
        let taken = write_prefix(&mut self.tls.writer(), slices, MAX_TAKEN)?;
        self.queued += taken + taken.div_ceil(RECORD) * RECORD_OVERHEAD;
        match self.poll_send(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(taken)),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_send(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.closing {
            self.tls.send_close_notify();
            self.closing = true;
        }
        ready!(self.poll_send(cx))?;
        match ready!(Pin::new(&mut self.stream).poll_shutdown(cx)) {
            // The peer was faster: there is no sending side left to end.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            done => Poll::Ready(done),
        }
    }

    fn info(&self) -> LinkInfo {
        LinkInfo { peer: Some(self.peer), path: PathKind::Tls, remote: self.remote }
    }
}

/// Hands a prefix of `slices`, at most `limit` bytes, to `writer` as one write.
fn write_prefix(writer: &mut impl Write, slices: &[IoSlice<'_>], limit: usize) -> io::Result<usize> {
    let total = slices.iter().fold(0usize, |sum, slice| sum.saturating_add(slice.len()));
    if total <= limit {
        return writer.write_vectored(slices);
    }
    let mut left = limit;
    let mut prefix = Vec::with_capacity(slices.len().min(64));
    for slice in slices {
        let part = slice.get(..left.min(slice.len())).unwrap_or_default();
        prefix.push(IoSlice::new(part));
        left -= part.len();
        if left == 0 {
            break;
        }
    }
    writer.write_vectored(&prefix)
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// The socket as rustls writes to it.
struct Socket<'a>(&'a TcpStream);

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where in a read plan the next byte goes.
struct Cursor<'p, 'b> {
    plan: &'p mut [IoSliceMut<'b>],
    buffer: usize,
    offset: usize,
    filled: usize,
}

enum Filled {
    /// The plan is full.
    Whole,
    /// More plaintext is needed.
    Part,
    /// The peer has ended its side.
    End,
}

impl<'p, 'b> Cursor<'p, 'b> {
    fn new(plan: &'p mut [IoSliceMut<'b>]) -> Self {
        Cursor { plan, buffer: 0, offset: 0, filled: 0 }
    }

    fn fill(&mut self, plaintext: &mut impl Read) -> io::Result<Filled> {
        loop {
            let Some(buffer) = self.plan.get_mut(self.buffer) else { return Ok(Filled::Whole) };
            let Some(room) = buffer.get_mut(self.offset..).filter(|room| !room.is_empty()) else {
                self.buffer += 1;
                self.offset = 0;
                continue;
            };
            match plaintext.read(room) {
                Ok(0) => return Ok(Filled::End),
                Ok(n) => {
                    self.offset += n;
                    self.filled += n;
                }
                Err(error) if is_transient(&error) => return Ok(Filled::Part),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Ciphertext read from the socket and not yet decrypted. The buffer grows while the socket fills it and shrinks when it
/// does not, so that an idle link costs little.
#[derive(Debug, Default)]
struct Incoming {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Incoming {
    fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// Reads once. Nothing read is the end of the stream.
    fn poll_fill(&mut self, stream: &TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.buffer.is_empty() {
            self.buffer.resize(MIN_READ, 0);
        }
        let n = loop {
            ready!(stream.poll_read_ready(cx))?;
            match stream.try_read(&mut self.buffer) {
                Ok(n) => break n,
                Err(error) if is_transient(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        };
        (self.start, self.end) = (0, n);
        if n == self.buffer.len() && n < MAX_READ {
            self.buffer.resize((n * 4).min(MAX_READ), 0);
        } else if n < self.buffer.len() / 16 && self.buffer.len() > MIN_READ {
            self.buffer.truncate((self.buffer.len() / 2).max(MIN_READ));
            self.buffer.shrink_to_fit();
        }
        Poll::Ready(Ok(()))
    }
}

/// As rustls reads it.
impl Read for Incoming {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let available = self.buffer.get(self.start..self.end).unwrap_or_default();
        let n = available.len().min(room.len());
        let (now, _) = available.split_at(n);
        if let Some(room) = room.get_mut(..n) {
            room.copy_from_slice(now);
        }
        self.start += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_prefix_is_written_in_order(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..8), limit in 1usize..200) {
            let slices: Vec<_> = parts.iter().map(|p| IoSlice::new(p)).collect();
            let mut out = Vec::new();
            let n = write_prefix(&mut out, &slices, limit).unwrap();
            let all = parts.concat();
            prop_assert_eq!(n, all.len().min(limit));
            prop_assert_eq!(&out[..], &all[..n]);
        }
    }
}
