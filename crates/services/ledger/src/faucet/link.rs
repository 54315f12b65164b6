//! The stream `ledger-faucet/1`: serving peers that ask, and asking one.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use weft_overlay::{BoxLink, ConnectError, Connector, LinkHandler, PathPolicy, PeerKey, StreamType, Target};

use super::giver::Faucet;
use super::message::{Answer, MessageError, REQUEST_BYTES, Reason, Request};

/// The stream.
pub(crate) const STREAM: StreamType = StreamType::new("ledger-faucet/1");

/// 8 peers are served at once; who comes beyond them is not answered. They are given one after another anyway.
const AT_ONCE: usize = 8;

/// 10 s for a request's 52 bytes, and as much to take the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// 3 s to reach one who is asked: peers of a chain are connected.
const REACHED: Duration = Duration::from_secs(3);

/// 8 s for an answer: it takes the faucet two writes to its disk, and others may be before this one.
const ANSWERED: Duration = Duration::from_secs(8);

/// The chain this node is on now, by the hash of its genesis, and its faucet if it is one.
pub(crate) type Current = dyn Fn() -> Option<(B256, Option<Arc<Faucet>>)> + Send + Sync;

/// Serves peers that ask.
pub(crate) struct Server {
    current: Arc<Current>,
    places: Arc<Semaphore>,
    served: Arc<Mutex<BTreeSet<PeerKey>>>,
}

/// A place at the faucet: one of [`AT_ONCE`], and the only one of its peer.
struct Place {
    peer: PeerKey,
    served: Arc<Mutex<BTreeSet<PeerKey>>>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.served.lock().remove(&self.peer);
    }
}

impl Server {
    /// Serves for whatever chain and faucet there are when a peer asks.
    pub(crate) fn new(current: Arc<Current>) -> Self {
        Server { current, places: Arc::new(Semaphore::new(AT_ONCE)), served: Arc::default() }
    }

    fn place(&self, peer: PeerKey) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let free = self.served.lock().insert(peer);
        free.then(|| Place { peer, served: Arc::clone(&self.served), _permit: permit })
    }
}

impl LinkHandler for Server {
    fn accept(&self, link: BoxLink) {
        let Some(peer) = link.info().peer else { return };
        let Some(place) = self.place(peer) else { return };
        let current = Arc::clone(&self.current);
        tokio::spawn(async move {
            if let Err(error) = serve(link, place, &*current).await {
                tracing::debug!(peer = %peer.short(), %error, "a peer did not take what the faucet says");
            }
        });
    }
}

async fn serve(mut link: BoxLink, place: Place, current: &Current) -> io::Result<()> {
    let peer = place.peer;
    let mut bytes = [0; REQUEST_BYTES];
    timeout(PATIENCE, link.read_exact(&mut bytes)).await??;
    let request = Request::decode(&bytes).map_err(io::Error::other)?;
    let answer = match current() {
        Some((genesis, faucet)) if genesis == request.genesis => match faucet {
            // It executes and writes: not among async tasks.
            Some(faucet) => tokio::task::spawn_blocking(move || faucet.give(peer, request.account)).await?,
            None => Answer::Refused(Reason::Off.into()),
        },
        _ => Answer::Refused(Reason::OtherChain.into()),
    };
    let answered = async {
        link.write_all(&answer.encode()).await?;
        link.flush().await?;
        // Whoever has seen the end of the answer may ask again.
        drop(place);
        link.close().await
    };
    timeout(PATIENCE, answered).await?
}

/// Why a peer gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum AskError {
    /// It was not reached, or does not know the stream.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The link failed, or ended before the answer did.
    #[error("the peer did not answer")]
    Link(#[from] io::Error),
    /// It took too long.
    #[error("the peer did not answer within {} s", ANSWERED.as_secs())]
    TimedOut(#[from] tokio::time::error::Elapsed),
    /// It said something else.
    #[error("the peer's answer is none")]
    Message(#[from] MessageError),
}

/// Asks one peer.
///
/// # Errors
/// [`AskError`], if it does not answer.
pub(super) async fn ask(connector: &dyn Connector, peer: PeerKey, request: &Request) -> Result<Answer, AskError> {
    let mut link = connector.connect(Target::Peer(peer), STREAM, PathPolicy::any().with_timeout(REACHED)).await?;
    timeout(ANSWERED, async {
        link.write_all(&request.encode()).await?;
        link.flush().await?;
        let mut bytes = vec![0];
        link.read_exact(&mut bytes).await?;
        bytes.resize(Answer::length(bytes[0])?, 0);
        link.read_exact(&mut bytes[1..]).await?;
        let answer = Answer::decode(&bytes)?;
        match link.read_vectored(&mut [io::IoSliceMut::new(&mut [0])]).await? {
            0 => Ok(answer),
            more => Err(MessageError::Length(bytes.len() + more).into()),
        }
    })
    .await?
}
