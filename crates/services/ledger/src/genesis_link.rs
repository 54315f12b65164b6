//! Getting a chain's genesis from a peer that is on it: the stream `ledger-genesis/1`.
//!
//! Who asks sends the hash (32 bytes); who has it answers with four length bytes (big-endian) and the file. A hash that is
//! another's is answered with nothing. The file is checked against the hash before anything is made of it.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use parking_lot::RwLock;
use tokio::sync::Semaphore;
use weft_evm::Genesis;
use weft_overlay::{BoxLink, ConnectError, Connector, LinkHandler, PathPolicy, StreamType, Target};

use crate::files::MAX_GENESIS;
use crate::peering::Named;

/// The stream.
pub(crate) const STREAM: StreamType = StreamType::new("ledger-genesis/1");

/// 4 peers are given it at once.
const AT_ONCE: usize = 4;

/// 60 s for the whole file.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why nobody gave it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum FetchError {
    /// The ticket names nobody.
    #[error("nobody is named who could have it: ask for a ticket that names peers, or for the genesis file")]
    Nobody,
    /// A peer was not reached.
    #[error("the last of {tried} peers was not reached")]
    Connect {
        /// How many were tried.
        tried: usize,
        /// Why the last was not.
        source: ConnectError,
    },
    /// A peer was reached and did not give it.
    #[error("the peers that were reached are not on that chain, or did not send its genesis")]
    NotGiven,
}

/// The chain this node is on: the hash of its genesis, and the file.
pub(crate) type OnChain = Arc<RwLock<Option<(B256, Arc<[u8]>)>>>;

/// Gives the genesis of the chain this node is on.
pub(crate) struct Giver {
    genesis: OnChain,
    places: Arc<Semaphore>,
}

impl Giver {
    /// Gives what `genesis` holds.
    pub(crate) fn new(genesis: OnChain) -> Self {
        Giver { genesis, places: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl LinkHandler for Giver {
    fn accept(&self, mut link: BoxLink) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { return };
        let genesis = Arc::clone(&self.genesis);
        tokio::spawn(async move {
            let _place = place;
            let give = async {
                let mut hash = [0; 32];
                link.read_exact(&mut hash).await?;
                let file = genesis.read().as_ref().filter(|(ours, _)| *ours == hash).map(|(_, file)| Arc::clone(file));
                if let Some(file) = file {
                    let length = u32::try_from(file.len()).map_err(std::io::Error::other)?;
                    link.write_all(&length.to_be_bytes()).await?;
                    link.write_all(&file).await?;
                }
                link.flush().await?;
                link.close().await
            };
            if !matches!(tokio::time::timeout(PATIENCE, give).await, Ok(Ok(()))) {
                tracing::debug!("a peer did not take the genesis");
            }
        });
    }
}

/// Gets the genesis with this hash from one of `peers`.
///
/// # Errors
/// [`FetchError`], if none of them gives it.
pub(crate) async fn fetch(connector: &dyn Connector, peers: &[Named], hash: B256) -> Result<Vec<u8>, FetchError> {
    let mut failed = FetchError::Nobody;
    for (index, named) in peers.iter().enumerate() {
        match connector.connect(Target::Peer(named.peer), STREAM, PathPolicy::any()).await {
            Ok(link) => match tokio::time::timeout(PATIENCE, ask(link, hash)).await {
                Ok(Ok(file)) if is(&file, hash) => return Ok(file),
                _ => failed = FetchError::NotGiven,
            },
            Err(source) if matches!(failed, FetchError::NotGiven) => tracing::debug!(%source, "a peer was not reached"),
            Err(source) => failed = FetchError::Connect { tried: index + 1, source },
        }
    }
    Err(failed)
}

async fn ask(mut link: BoxLink, hash: B256) -> std::io::Result<Vec<u8>> {
    link.write_all(hash.as_slice()).await?;
    link.flush().await?;
    let mut length = [0; 4];
    link.read_exact(&mut length).await?;
    let length = u64::from(u32::from_be_bytes(length));
    if length > MAX_GENESIS {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    // Room is made as bytes come, not as they are promised.
    let mut file = Vec::new();
    let mut left = usize::try_from(length).map_err(std::io::Error::other)?;
    while left > 0 {
        let step = left.min(64 << 10);
        let at = file.len();
        file.resize(at + step, 0);
        link.read_exact(&mut file[at..]).await?;
        left -= step;
    }
    Ok(file)
}

/// Whether a file is the genesis with this hash.
pub(crate) fn is(file: &[u8], hash: B256) -> bool {
    hash_of(file).is_some_and(|ours| ours == hash)
}

/// The hash of a genesis; `None` if the file is none.
pub(crate) fn hash_of(file: &[u8]) -> Option<B256> {
    let (header, _) = Genesis::from_json(file).ok()?.seal().ok()?;
    Some(header.hash_slow())
}
