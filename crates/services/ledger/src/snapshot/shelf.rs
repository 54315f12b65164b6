//! The snapshots that this node gives: made when somebody asks, kept as files.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::{B256, Bytes};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use weft_evm::Chain;
use weft_evm::snapshot::SnapshotError;

/// 256: snapshots are of heights that this divides, so that all nodes which are asked at about one time make the same, and
/// a chunk may come from any of them.
pub const SNAPSHOT_EVERY: u64 = 256;

/// A newer one is made when this many blocks were, and this much time went by.
const RENEW: (u64, Duration) = (2_048, Duration::from_secs(600));

/// 2 are kept: who takes the older one is let finish.
const KEPT: usize = 2;

/// 60 s after one could not be made, the next is tried.
const PAUSE: Duration = Duration::from_secs(60);

/// 8 peers take at once.
const AT_ONCE: usize = 8;

/// What there is to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// This manifest's.
    Manifest(Bytes),
    /// One is being made.
    Wait,
    /// None: the chain is too short for one, or it could not be made.
    Nothing,
}

/// Where snapshots are kept.
#[derive(Debug)]
pub struct Shelf {
    dir: PathBuf,
    state: Mutex<State>,
    places: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct State {
    /// Oldest first.
    made: Vec<Made>,
    making: bool,
    not_before: Option<Instant>,
}

#[derive(Debug)]
struct Made {
    height: u64,
    at: Instant,
    manifest: Bytes,
    chunks: HashMap<B256, PathBuf>,
    dir: PathBuf,
}

#[derive(Debug, thiserror::Error)]
enum MakeError {
    #[error("{}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

impl Shelf {
    /// An empty shelf in a folder of its own; what an earlier run left there is removed.
    pub fn new(dir: PathBuf) -> Arc<Self> {
        let shelf = Shelf { dir, state: Mutex::default(), places: Arc::new(Semaphore::new(AT_ONCE)) };
        shelf.clear();
        Arc::new(shelf)
    }

    /// Removes all of it.
    pub fn clear(&self) {
        self.state.lock().made.clear();
        if let Err(error) = fs::remove_dir_all(&self.dir)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(%error, "snapshots cannot be removed");
        }
    }

    /// A place for one more taker, while there is one.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// What there is to give. Has one made, on a thread of its own, if there is none or the newest is old. Called within a
    /// tokio runtime.
    pub fn offer(self: &Arc<Self>, chain: &Arc<Chain>) -> Offer {
        let height = chain.height() / SNAPSHOT_EVERY * SNAPSHOT_EVERY;
        let mut state = self.state.lock();
        let newest = state.made.last();
        let due = newest.is_none_or(|made| made.height + RENEW.0 <= height && made.at.elapsed() >= RENEW.1);
        let allowed = height > 0 && !state.making && state.not_before.is_none_or(|then| then <= Instant::now());
        let offer = match newest {
            Some(made) => Offer::Manifest(made.manifest.clone()),
            None if allowed || state.making => Offer::Wait,
            None => Offer::Nothing,
        };
        if due && allowed {
            state.making = true;
            let (shelf, chain) = (Arc::clone(self), Arc::clone(chain));
            tokio::task::spawn_blocking(move || shelf.stock(&chain, height));
        }
        offer
    }

    /// A chunk of one of them. Reads the disk.
    pub(super) fn chunk(&self, hash: &B256) -> Option<Bytes> {
        let path = self.state.lock().made.iter().rev().find_map(|made| made.chunks.get(hash).cloned())?;
        match fs::read(&path) {
            Ok(chunk) => Some(chunk.into()),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "a snapshot's chunk cannot be read");
                None
            }
        }
    }

    fn stock(&self, chain: &Chain, height: u64) {
        let dir = self.dir.join(height.to_string());
        let made = make(chain, height, &dir);
        let mut state = self.state.lock();
        state.making = false;
        match made {
            Ok(made) => {
                tracing::info!(height, chunks = made.chunks.len(), "a snapshot of the ledger is there for others");
                state.made.push(made);
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, height, "no snapshot could be made");
                state.not_before = Some(Instant::now() + PAUSE);
                drop(state);
                let _ = fs::remove_dir_all(&dir);
                return;
            }
        }
        let gone = if state.made.len() > KEPT { Some(state.made.remove(0)) } else { None };
        drop(state);
        if let Some(gone) = gone
            && let Err(error) = fs::remove_dir_all(&gone.dir)
        {
            tracing::debug!(%error, "an old snapshot cannot be removed");
        }
    }
}

fn make(chain: &Chain, height: u64, dir: &Path) -> Result<Made, MakeError> {
    let at = |path: &Path| {
        let path = path.to_path_buf();
        move |source| MakeError::File { path, source }
    };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(at(dir))?;
    let mut snapshot = chain.snapshot(height)?;
    let mut chunks = HashMap::new();
    while let Some(chunk) = snapshot.next_chunk()? {
        let path = dir.join(chunks.len().to_string());
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        file.as_mut().map_or(Ok(()), |file| file.write_all(&chunk)).map_err(at(&path))?;
        file.map_err(at(&path))?;
        chunks.insert(alloy_primitives::keccak256(&chunk), path);
    }
    let manifest = snapshot.manifest()?.encode().into();
    Ok(Made { height, at: Instant::now(), manifest, chunks, dir: dir.to_path_buf() })
}
