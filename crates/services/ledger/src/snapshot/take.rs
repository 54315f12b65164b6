//! Taking a snapshot from peers: one after the other is asked, and what one gave that was good is not asked for again.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{B256, Bytes};
use weft_evm::Genesis;
use weft_evm::snapshot::{Import, Manifest, SnapshotError};
use weft_overlay::{BoxLink, ConnectError, Connector, PathPolicy, PeerKey, Target};
use weft_store::Store;

use super::message::{Answer, MAX_ANSWER, Question, SnapshotMessageError, decode_headers};
use super::walk::{Walk, WalkError};
use super::{STREAM, shelf::SNAPSHOT_EVERY};
use crate::peering::Named;

/// 60 s for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// 1 s from one look to the next while a peer makes its snapshot.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// 15 min a peer may take to make it.
const MAX_LOOKS: u32 = 900;

/// 64 KiB of room at once for what a peer says will come.
const ROOM: usize = 64 << 10;

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A peer makes its snapshot.
    Waiting,
    /// Headers are followed.
    Headers {
        /// Up to this height.
        height: u64,
        /// Of the snapshot's.
        of: u64,
    },
    /// The state comes.
    State {
        /// Chunks that are in.
        chunks: u64,
        /// Of so many.
        of: u64,
    },
    /// All is there; its root is computed.
    Root,
}

/// Why this node has no chain from a snapshot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TakeError {
    /// Nobody is named.
    #[error("nobody is named who could have a snapshot: ask for a ticket that names peers")]
    Nobody,
    /// A peer was not reached.
    #[error("a peer of the chain was not reached")]
    Connect(#[from] ConnectError),
    /// A peer has none.
    #[error("the peer has no snapshot: its chain has fewer than {SNAPSHOT_EVERY} blocks, or it could not make one")]
    None,
    /// A peer does not answer any more.
    #[error("the peer's link ended, or it was silent for {} s", PATIENCE.as_secs())]
    Link(#[from] std::io::Error),
    /// A peer says what cannot be read.
    #[error("the peer sent what cannot be read")]
    Message(#[from] SnapshotMessageError),
    /// A peer does not give what its own manifest names.
    #[error("the peer does not give all of its snapshot")]
    Incomplete,
    /// The headers are not the chain's, or cannot be stored.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// The snapshot is no good, or cannot be stored.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The genesis cannot be used.
    #[error("the genesis file cannot be used")]
    Genesis(#[from] weft_evm::GenesisError),
    /// It was interrupted.
    #[error("it was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl TakeError {
    /// Whether the fault is this node's, so that no other peer can help.
    fn is_here(&self) -> bool {
        match self {
            TakeError::Genesis(_) | TakeError::Interrupted(_) => true,
            TakeError::Walk(error) => !matches!(error, WalkError::Refused(_)),
            TakeError::Snapshot(error) => {
                matches!(error, SnapshotError::NotEmpty | SnapshotError::Store(_))
            }
            _ => false,
        }
    }
}

/// Makes the empty `store` hold the chain of a genesis file, beginning at a snapshot that one of `peers` gives. Says the
/// height. `say` is told how far it is. After an error the store is of no use to a chain, but may be tried again.
///
/// # Errors
/// [`TakeError`]: of the last peer, if none was good.
pub async fn take(
    connector: &dyn Connector,
    peers: &[Named],
    genesis: &[u8],
    store: Arc<dyn Store>,
    say: &(dyn Fn(Step) + Send + Sync),
) -> Result<u64, TakeError> {
    let parsed = Arc::new(Genesis::from_json(genesis)?);
    let (file, its_store) = (genesis.to_vec(), Arc::clone(&store));
    let walk = tokio::task::spawn_blocking(move || Walk::begin(&file, its_store)).await??;
    let hash = parsed.seal().map_err(SnapshotError::from)?.0.hash_slow();
    let mut taking = Taking { genesis: parsed, hash, store, walk: Some(walk), import: None, say };
    let mut failed = TakeError::Nobody;
    for named in peers {
        failed = match taking.from(connector, named.peer).await {
            Ok(height) => return Ok(height),
            Err(error) => error,
        };
        if failed.is_here() {
            break;
        }
        tracing::info!(peer = %named.peer.short(), error = &failed as &dyn std::error::Error, "no snapshot from this peer");
    }
    Err(failed)
}

struct Taking<'a> {
    genesis: Arc<Genesis>,
    hash: B256,
    store: Arc<dyn Store>,
    /// Always there but while a thread goes on with it.
    walk: Option<Walk>,
    import: Option<Import>,
    say: &'a (dyn Fn(Step) + Send + Sync),
}

impl Taking<'_> {
    async fn from(&mut self, connector: &dyn Connector, peer: PeerKey) -> Result<u64, TakeError> {
        let link = connector.connect(Target::Peer(peer), STREAM, PathPolicy::any()).await?;
        let mut source = Source(link);
        source.greet(self.hash).await?;
        let manifest = self.manifest(&mut source).await?;
        let height = manifest.header().map_or(0, |header| header.number);
        self.walk_to(&mut source, height).await?;
        self.state(&mut source, manifest, height).await?;
        let _ = source.0.close().await;
        Ok(height)
    }

    async fn manifest(&self, source: &mut Source) -> Result<Manifest, TakeError> {
        for _ in 0..MAX_LOOKS {
            match source.ask(Question::Manifest).await? {
                Answer::Here(bytes) => return Ok(Manifest::decode(&bytes)?),
                Answer::Nothing => return Err(TakeError::None),
                Answer::Wait => {
                    (self.say)(Step::Waiting);
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
            }
        }
        Err(TakeError::None)
    }

    /// Follows the headers to a height. The next ones come while the last ones are checked.
    async fn walk_to(&mut self, source: &mut Source, to: u64) -> Result<(), TakeError> {
        let mut at = self.walk()?.height();
        if at < to {
            source.say(Question::Headers(at + 1)).await?;
        }
        while at < to {
            (self.say)(Step::Headers { height: at, of: to });
            let Answer::Here(bytes) = source.hear().await? else { return Err(TakeError::Incomplete) };
            let blocks = decode_headers(&bytes)?;
            at = at.saturating_add(blocks.len() as u64);
            if at < to {
                source.say(Question::Headers(at + 1)).await?;
            }
            let mut walk = self.walk.take().ok_or(TakeError::Incomplete)?;
            let (walk, went) = tokio::task::spawn_blocking(move || {
                let went = walk.go(blocks, to);
                (walk, went)
            })
            .await?;
            self.walk = Some(walk);
            went?;
        }
        Ok(())
    }

    fn walk(&self) -> Result<&Walk, TakeError> {
        self.walk.as_ref().ok_or(TakeError::Incomplete)
    }

    /// Takes the state in. A chunk comes while the last one is stored.
    async fn state(&mut self, source: &mut Source, manifest: Manifest, height: u64) -> Result<(), TakeError> {
        let trusted = self.walk()?.hash_at(height)?.ok_or(TakeError::Incomplete)?;
        let of = manifest.chunks.len() as u64;
        let mut import = match self.import.take() {
            // What came from another peer is of the same snapshot.
            Some(import) if import.is_of(&manifest) => import,
            _ => {
                let (store, genesis) = (Arc::clone(&self.store), Arc::clone(&self.genesis));
                let begin = move || Import::begin(store, &genesis, manifest, trusted);
                tokio::task::spawn_blocking(begin).await??
            }
        };
        let mut asked = import.wanted();
        if let Some((_, hash)) = asked {
            source.say(Question::Chunk(hash)).await?;
        }
        while let Some((index, _)) = asked {
            (self.say)(Step::State { chunks: index as u64, of });
            let chunk = match source.hear().await {
                Ok(Answer::Here(chunk)) => chunk,
                Ok(_) => {
                    self.import = Some(import);
                    return Err(TakeError::Incomplete);
                }
                Err(error) => {
                    self.import = Some(import);
                    return Err(error);
                }
            };
            asked = import.after(index);
            if let Some((_, hash)) = asked {
                source.say(Question::Chunk(hash)).await?;
            }
            let (back, added) = tokio::task::spawn_blocking(move || {
                let added = import.add(index, &chunk);
                (import, added)
            })
            .await?;
            import = back;
            if let Err(error) = added {
                // One that is not what its hash says is this peer's fault alone.
                if matches!(error, SnapshotError::WrongChunk { .. }) {
                    self.import = Some(import);
                }
                return Err(error.into());
            }
        }
        (self.say)(Step::Root);
        tokio::task::spawn_blocking(move || import.finish()).await??;
        Ok(())
    }
}

/// A peer that is asked.
struct Source(BoxLink);

impl Source {
    async fn greet(&mut self, genesis: B256) -> Result<(), TakeError> {
        self.write(genesis.as_slice()).await
    }

    async fn ask(&mut self, question: Question) -> Result<Answer, TakeError> {
        self.say(question).await?;
        self.hear().await
    }

    async fn say(&mut self, question: Question) -> Result<(), TakeError> {
        self.write(&question.encode()).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), TakeError> {
        let write = async {
            self.0.write_all(bytes).await?;
            self.0.flush().await
        };
        Ok(in_time(write).await?)
    }

    async fn hear(&mut self) -> Result<Answer, TakeError> {
        let mut length = [0; 4];
        in_time(self.0.read_exact(&mut length)).await?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > MAX_ANSWER {
            return Err(SnapshotMessageError::Length(length).into());
        }
        // Room is made as bytes come, not as they are promised; and each piece must come in time.
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let at = bytes.len();
            bytes.resize(length.min(at + ROOM), 0);
            in_time(self.0.read_exact(&mut bytes[at..])).await?;
        }
        Ok(Answer::decode(&Bytes::from(bytes))?)
    }
}

async fn in_time<T>(work: impl Future<Output = std::io::Result<T>>) -> std::io::Result<T> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    }
}
