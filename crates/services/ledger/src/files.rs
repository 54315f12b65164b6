//! The ledger's folder: the genesis that names the chain, the validator's key, the peers, the store.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use weft_overlay::{PeerAddresses, PeerKey};
use zeroize::Zeroizing;

use crate::peering::Named;

/// 16 MiB: a genesis with a hundred thousand accounts.
pub(crate) const MAX_GENESIS: u64 = 16 << 20;

const GENESIS: &str = "genesis.json";
const PEERS: &str = "peers.json";
const KEY: &str = "validator.key";
const FAUCET: &str = "faucet.json";
const STORE: &str = "store";
const SNAPSHOTS: &str = "snapshots";

/// 4 MiB: several times what the faucet's book may hold.
const MAX_FAUCET: u64 = 4 << 20;

/// Why a file of the ledger cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum FileError {
    /// The disk says no.
    #[error("{}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// The validator's key is damaged.
    #[error("{} holds no key of 32 bytes: put back a copy of it, or remove it to validate under a new key", .0.display())]
    Key(PathBuf),
    /// The system has no randomness to make a key of.
    #[error("the system gives no randomness")]
    Randomness(#[source] rand::rand_core::OsError),
}

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder(PathBuf);

#[derive(Serialize, Deserialize)]
struct PeerRow {
    peer: String,
    #[serde(flatten)]
    addresses: PeerAddresses,
}

impl Folder {
    /// The folder at a path; it is made when something is written.
    pub(crate) fn new(path: PathBuf) -> Self {
        Folder(path)
    }

    /// Where the chain is stored.
    pub(crate) fn store(&self) -> PathBuf {
        self.0.join(STORE)
    }

    /// Where snapshots for others are kept.
    pub(crate) fn snapshots(&self) -> PathBuf {
        self.0.join(SNAPSHOTS)
    }

    /// Removes the store of a chain that this node did not get onto. With a genesis there is one, and nothing is removed.
    pub(crate) fn clear_store(&self) -> Result<(), FileError> {
        if self.genesis()?.is_some() {
            return Ok(());
        }
        self.make()?;
        match fs::remove_dir_all(self.store()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&self.store())(error)),
            _ => Ok(()),
        }
    }

    /// The genesis file of the chain this node is on; `None` if it is on none.
    pub(crate) fn genesis(&self) -> Result<Option<Vec<u8>>, FileError> {
        read(&self.0.join(GENESIS), MAX_GENESIS)
    }

    /// Keeps the genesis: from then on this node is on its chain.
    pub(crate) fn keep_genesis(&self, genesis: &[u8]) -> Result<(), FileError> {
        self.make()?;
        write(&self.0.join(GENESIS), genesis)
    }

    /// Puts a chain aside: its folder gets another name, nothing is removed. The validator's key stays.
    pub(crate) fn put_aside(&self, name: &str) -> Result<PathBuf, FileError> {
        let aside = self.0.with_file_name(format!("ledger-{name}"));
        let target = (0..).map(|n| if n == 0 { aside.clone() } else { aside.with_extension(n.to_string()) });
        let target = target.into_iter().find(|path| !path.exists()).unwrap_or(aside);
        fs::rename(&self.0, &target).map_err(at(&target))?;
        self.make()?;
        let key = target.join(KEY);
        if key.exists() {
            fs::copy(&key, self.0.join(KEY)).map_err(at(&key))?;
        }
        Ok(target)
    }

    /// Peers that were known when it last ran.
    pub(crate) fn peers(&self) -> Vec<Named> {
        let rows = read(&self.0.join(PEERS), 1 << 20).ok().flatten();
        let rows: Vec<PeerRow> = rows.and_then(|rows| serde_json::from_slice(&rows).ok()).unwrap_or_default();
        let named = |row: PeerRow| Some(Named { peer: row.peer.parse::<PeerKey>().ok()?, addresses: row.addresses });
        rows.into_iter().filter_map(named).collect()
    }

    /// Keeps them.
    pub(crate) fn keep_peers(&self, peers: &[Named]) {
        let row = |named: &Named| PeerRow { peer: named.peer.to_string(), addresses: named.addresses.clone() };
        let rows: Vec<PeerRow> = peers.iter().map(row).collect();
        let written = serde_json::to_vec(&rows).map_err(io::Error::other).map_err(at(&self.0));
        if let Err(error) = written.and_then(|rows| write(&self.0.join(PEERS), &rows)) {
            tracing::debug!(%error, "the ledger's peers could not be kept");
        }
    }

    /// What the faucet gave before, as [`keep_faucet`](Self::keep_faucet) was told; `None` if it gave nothing yet.
    pub(crate) fn faucet(&self) -> Result<Option<Vec<u8>>, FileError> {
        read(&self.0.join(FAUCET), MAX_FAUCET)
    }

    /// Keeps what the faucet gave.
    pub(crate) fn keep_faucet(&self, record: &[u8]) -> Result<(), FileError> {
        self.make()?;
        write(&self.0.join(FAUCET), record)
    }

    /// The validator's key: that of before, or a new one.
    ///
    /// It is random and belongs to this node alone, unlike the account, which the phrase gives to each of a user's
    /// devices: two nodes that sign with one key would contradict each other, and be punished for it.
    pub(crate) fn validator_key(&self) -> Result<SigningKey, FileError> {
        let path = self.0.join(KEY);
        let mut bytes = Zeroizing::new([0_u8; 32]);
        match File::open(&path) {
            Ok(mut file) => {
                let length = file.metadata().map_err(at(&path))?.len();
                if length != 32 || file.read_exact(&mut *bytes).is_err() {
                    return Err(FileError::Key(path));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                use rand::TryRngCore as _;
                self.make()?;
                rand::rngs::OsRng.try_fill_bytes(&mut *bytes).map_err(FileError::Randomness)?;
                write(&path, &*bytes)?;
            }
            Err(error) => return Err(at(&path)(error)),
        }
        Ok(SigningKey::from_bytes(&bytes))
    }

    fn make(&self) -> Result<(), FileError> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(at(&self.0))
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> FileError {
    let path = path.to_path_buf();
    move |source| FileError::Io { path: path.clone(), source }
}

fn read(path: &Path, most: u64) -> Result<Option<Vec<u8>>, FileError> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(most).read_to_end(&mut bytes).map(|_| Some(bytes)).map_err(at(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path)(error)),
    }
}

/// Whole or not at all, on the disk when it returns, for its owner alone.
fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let new = path.with_extension("new");
    let written = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        File::open(path.parent().unwrap_or(path))?.sync_all()
    };
    written().map_err(at(path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_validator_has_the_same_key_after_a_restart_and_nobody_else_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path().join("ledger"));
        let key = folder.validator_key().unwrap();
        assert_eq!(folder.validator_key().unwrap(), key);
        let path = dir.path().join("ledger").join(KEY);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, b"short").unwrap();
        assert!(matches!(folder.validator_key(), Err(FileError::Key(_))));
    }

    #[test]
    fn what_the_faucet_gave_is_kept_for_the_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path().join("ledger"));
        assert_eq!(folder.faucet().unwrap(), None);
        folder.keep_faucet(b"first").unwrap();
        folder.keep_faucet(b"then").unwrap();
        assert_eq!(folder.faucet().unwrap().as_deref(), Some(b"then".as_slice()));
        let path = dir.path().join("ledger").join(FAUCET);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_chain_put_aside_leaves_the_key_and_room_for_another() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path().join("ledger"));
        let key = folder.validator_key().unwrap();
        folder.keep_genesis(b"{}").unwrap();
        let first = folder.put_aside("7").unwrap();
        assert_eq!(folder.genesis().unwrap(), None);
        assert_eq!(folder.validator_key().unwrap(), key);
        folder.keep_genesis(b"{}").unwrap();
        assert_ne!(folder.put_aside("7").unwrap(), first);
        assert_eq!(fs::read(first.join(GENESIS)).unwrap(), b"{}");
    }
}
