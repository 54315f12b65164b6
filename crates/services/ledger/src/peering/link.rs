//! One link to a ledger peer: frames in, frames out, what is urgent first.

use std::io::{self, IoSlice, IoSliceMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use alloy_primitives::Bytes;
use tokio::sync::mpsc::{Sender, UnboundedReceiver, UnboundedSender, unbounded_channel};
use weft_overlay::BoxLink;

use super::message::{FrameReader, Message, MessageError};

/// 64 MiB wait for one peer: several of the largest blocks. Who takes less than comes for so long is too slow to follow.
const MAX_WAITING: usize = 64 << 20;

/// 64 KiB are read at once.
const READ: usize = 64 << 10;

/// 30 s without a word: three times as long as peers are silent at most.
const SILENCE: Duration = Duration::from_secs(30);

/// How urgent a message is. Those of one class stay in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Consensus,
    Block,
    Rest,
}

impl Class {
    fn of(message: &Message) -> Class {
        match message {
            Message::Hello(_) | Message::Status(_) | Message::Consensus(_) | Message::Want(_) => Class::Consensus,
            Message::Proposed(_) => Class::Block,
            _ => Class::Rest,
        }
    }
}

/// Why a link ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum Ended {
    /// The peer closed it.
    #[error("the peer closed it")]
    ByPeer,
    /// This node closed it.
    #[error("this node closed it")]
    Here,
    /// The peer is silent.
    #[error("the peer was silent for {} s", SILENCE.as_secs())]
    Silent,
    /// The peer sent what is no message.
    #[error("the peer sent what is no message")]
    Message(#[from] MessageError),
    /// The transport failed.
    #[error("the transport failed")]
    Transport(#[from] io::Error),
}

/// Where messages for a peer are put. Dropping the last clone closes the link when all is sent.
#[derive(Debug, Clone)]
pub(super) struct Outbox {
    classes: [UnboundedSender<Bytes>; 3],
    waiting: Arc<AtomicUsize>,
}

impl Outbox {
    /// Puts a frame in. Says whether there was room: if not, the peer is too slow.
    pub(super) fn put(&self, message: &Message, frame: Bytes) -> bool {
        let length = frame.len();
        if self.waiting.fetch_add(length, Ordering::Relaxed) + length > MAX_WAITING {
            return false;
        }
        self.classes[Class::of(message) as usize].send(frame).is_ok()
    }

    /// Bytes that wait to be sent.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// The other end of an [`Outbox`].
#[derive(Debug)]
pub(super) struct Outgoing {
    classes: [UnboundedReceiver<Bytes>; 3],
    waiting: Arc<AtomicUsize>,
    frame: Bytes,
    unflushed: bool,
}

/// An outbox and what sends from it.
pub(super) fn outbox() -> (Outbox, Outgoing) {
    let waiting = Arc::new(AtomicUsize::new(0));
    let [(a, x), (b, y), (c, z)] = [unbounded_channel(), unbounded_channel(), unbounded_channel()];
    let outgoing =
        Outgoing { classes: [x, y, z], waiting: Arc::clone(&waiting), frame: Bytes::new(), unflushed: false };
    (Outbox { classes: [a, b, c], waiting }, outgoing)
}

impl Outgoing {
    /// Sends as much as the link takes. Ready when the link failed or the outbox is gone.
    fn poll_send(&mut self, link: &mut BoxLink, cx: &mut Context<'_>) -> Poll<Ended> {
        loop {
            if self.frame.is_empty() {
                match self.poll_frame(cx) {
                    Poll::Ready(Some(frame)) => self.frame = frame,
                    Poll::Ready(None) => return Poll::Ready(Ended::Here),
                    Poll::Pending => {
                        if self.unflushed {
                            if let Err(error) = ready!(link.poll_flush(cx)) {
                                return Poll::Ready(error.into());
                            }
                            self.unflushed = false;
                        }
                        return Poll::Pending;
                    }
                }
            }
            match ready!(link.poll_write(cx, &[IoSlice::new(&self.frame)])) {
                Ok(0) => return Poll::Ready(Ended::Transport(io::ErrorKind::WriteZero.into())),
                Ok(sent) => {
                    self.unflushed = true;
                    self.waiting.fetch_sub(sent, Ordering::Relaxed);
                    self.frame = self.frame.slice(sent..);
                }
                Err(error) => return Poll::Ready(error.into()),
            }
        }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut open = false;
        for class in &mut self.classes {
            match class.poll_recv(cx) {
                Poll::Ready(Some(frame)) => return Poll::Ready(Some(frame)),
                Poll::Ready(None) => {}
                Poll::Pending => open = true,
            }
        }
        if open { Poll::Pending } else { Poll::Ready(None) }
    }
}

/// Carries messages both ways until the link ends. Each that comes goes to `heard`, as `wrap` makes it; while there is no
/// room, nothing more is read or sent, so a peer that says more than this node takes is held up by its own transport.
pub(super) async fn drive<T: Send>(
    mut link: BoxLink,
    mut outgoing: Outgoing,
    heard: &Sender<T>,
    wrap: impl Fn(Message) -> T + Send,
) -> Ended {
    let mut reader = FrameReader::default();
    let mut buffer = vec![0; READ];
    loop {
        loop {
            match reader.read() {
                Ok(Some(message)) => {
                    if heard.send(wrap(message)).await.is_err() {
                        return Ended::Here;
                    }
                }
                Ok(None) => break,
                Err(error) => return error.into(),
            }
        }
        let turn = std::future::poll_fn(|cx| {
            if let Poll::Ready(ended) = outgoing.poll_send(&mut link, cx) {
                return Poll::Ready(Err(ended));
            }
            match ready!(link.poll_read(cx, &mut [IoSliceMut::new(&mut buffer)])) {
                Ok(0) => Poll::Ready(Err(Ended::ByPeer)),
                Ok(read) => Poll::Ready(Ok(read)),
                Err(error) => Poll::Ready(Err(error.into())),
            }
        });
        match tokio::time::timeout(SILENCE, turn).await {
            Ok(Ok(read)) => reader.push(&buffer[..read]),
            Ok(Err(Ended::Here)) => {
                let _ = link.close().await;
                return Ended::Here;
            }
            Ok(Err(ended)) => return ended,
            Err(_) => return Ended::Silent,
        }
    }
}
