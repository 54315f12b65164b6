//! The handshake, over any link.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use weft_bittorrent::connection::{Connection, Event, ProtocolError};
use weft_bittorrent::wire::Handshake;
use weft_overlay::BoxLink;

/// 10 s from the link to the handshake: two round trips to the far side of the world, and slow machines.
const GREET_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the greeting failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GreetError {
    #[error("no handshake within {} s", GREET_TIMEOUT.as_secs())]
    TimedOut,
    #[error("the peer closed the connection before its handshake")]
    Closed,
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    #[error("the connection broke before the handshake")]
    Link(#[from] std::io::Error),
}

/// Sends what is queued and waits for the peer's handshake. What came after it stays in `connection`.
pub(crate) async fn greet(link: &mut BoxLink, connection: &mut Connection) -> Result<Handshake, GreetError> {
    let greeting = poll_fn(|cx| poll_greet(cx, link, connection));
    tokio::time::timeout(GREET_TIMEOUT, greeting).await.unwrap_or(Err(GreetError::TimedOut))
}

fn poll_greet(
    cx: &mut Context<'_>,
    link: &mut BoxLink,
    connection: &mut Connection,
) -> Poll<Result<Handshake, GreetError>> {
    loop {
        let mut flush = false;
        while connection.wants_write() {
            let plan = connection.write_plan();
            let written = link.poll_write(cx, &plan)?;
            drop(plan);
            match written {
                Poll::Ready(0) => return Poll::Ready(Err(GreetError::Closed)),
                Poll::Ready(n) => drop(connection.on_written(n)),
                Poll::Pending => break,
            }
            flush = true;
        }
        if flush {
            // What is not flushed now is with the next poll, or by the peer's task.
            let _ = link.poll_flush(cx)?;
        }
        if let Some(Event::Handshake(theirs)) = connection.next_event()? {
            return Poll::Ready(Ok(theirs));
        }
        let mut plan = connection.read_plan();
        if plan.is_empty() {
            return Poll::Pending;
        }
        match link.poll_read(cx, &mut plan)? {
            Poll::Ready(0) => return Poll::Ready(Err(GreetError::Closed)),
            Poll::Ready(n) => {
                drop(plan);
                connection.on_read(n);
            }
            Poll::Pending => return Poll::Pending,
        }
    }
}
