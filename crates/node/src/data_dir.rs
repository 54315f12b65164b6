//! The data folder: one node's own, locked while it runs; the API token; and `node.json`, by which programs on this
//! machine find a running node.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use data_encoding::BASE64URL_NOPAD;
use rand::TryRngCore as _;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

/// 256 bits: nobody guesses it, and nobody has to type it.
const TOKEN_BYTES: usize = 32;

const LOCK_FILE: &str = "lock";
const TOKEN_FILE: &str = "api-token";
const ADDRESS_FILE: &str = "node.json";

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataDirError {
    /// Another node has it.
    #[error("another node{} runs on the data folder {}; use that one, stop it, or choose another --data-dir", with_pid(pid), dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
        /// The other node's process, if it says.
        pid: Option<u32>,
    },
    /// Something in it cannot be read or written.
    #[error("cannot use {}; check that this user owns the data folder and that its disk is not full", path.display())]
    Io {
        /// What was touched.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system gives no randomness for a token.
    #[error("the system gives no randomness for the API token; try again once the machine has started wholly")]
    NoRandomness(#[source] rand::rand_core::OsError),
    /// The token file holds something else.
    #[error("{} does not hold an API token; delete it and start the node again", path.display())]
    BadToken {
        /// The token file.
        path: PathBuf,
    },
}

fn with_pid(pid: &Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

/// A data folder that this process holds. Unlocked when dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    dir: PathBuf,
    _lock: File,
}

/// The API's token: what proves a program may speak for this node's owner. Zeroised on drop, redacted in `Debug`.
#[derive(Clone)]
pub struct ApiToken(Zeroizing<String>);

impl ApiToken {
    /// The token as the `Authorization: Bearer …` header carries it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiToken(<secret>)")
    }
}

/// What `node.json` says of a running node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAddress {
    /// Its process.
    pub pid: u32,
    /// Its API: `http://127.0.0.1:9338`.
    pub api: String,
    /// Its device key.
    pub peer: String,
    /// Its user key.
    pub user: String,
    /// Where it listens on TCP.
    pub tcp: Option<SocketAddr>,
    /// Where it listens on UDP.
    pub udp: Option<SocketAddr>,
    /// Where its DHT node listens.
    pub dht: Option<SocketAddr>,
    /// The relay it offers.
    pub relay: Option<String>,
    /// Its version.
    pub version: String,
}

impl DataDir {
    /// Makes the folder if it is not there (0700) and locks it.
    ///
    /// # Errors
    /// [`DataDirError::InUse`] if another node holds it, [`DataDirError::Io`] if it cannot be used.
    pub(crate) fn open(dir: &Path) -> Result<Self, DataDirError> {
        if !dir.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(at(dir))?;
        }
        let path = dir.join(LOCK_FILE);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(at(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let pid = lock.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                return Err(DataDirError::InUse { dir: dir.to_path_buf(), pid });
            }
            Err(TryLockError::Error(source)) => return Err(DataDirError::Io { path, source }),
        }
        // A remark for people and for the error above; the lock itself is the kernel's and ends with the process.
        let remark = lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| write!(lock, "{}", std::process::id()));
        if let Err(error) = remark {
            tracing::debug!(%error, "the lock file does not take the process id");
        }
        // Of a node that was killed.
        remove_if_there(&dir.join(ADDRESS_FILE))?;
        Ok(DataDir { dir: dir.to_path_buf(), _lock: lock })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    /// The API token, made at the first start.
    ///
    /// # Errors
    /// [`DataDirError`] if it can be neither read nor made.
    pub(crate) fn api_token(&self) -> Result<ApiToken, DataDirError> {
        let path = self.dir.join(TOKEN_FILE);
        if path.exists() {
            // A backup or a careless copy may have opened it to others.
            fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(at(&path))?;
            return read_token(&self.dir);
        }
        let mut bytes = Zeroizing::new([0_u8; TOKEN_BYTES]);
        rand::rngs::OsRng.try_fill_bytes(bytes.as_mut_slice()).map_err(DataDirError::NoRandomness)?;
        let token = Zeroizing::new(BASE64URL_NOPAD.encode(bytes.as_slice()));
        write_private(&path, token.as_bytes()).map_err(at(&path))?;
        Ok(ApiToken(token))
    }

    /// Says where this node is, for programs on this machine.
    ///
    /// # Errors
    /// [`DataDirError::Io`] if the file cannot be written.
    pub(crate) fn publish(&self, address: &NodeAddress) -> Result<(), DataDirError> {
        let path = self.dir.join(ADDRESS_FILE);
        let text = serde_json::to_vec_pretty(address).map_err(|error| at(&path)(error.into()))?;
        write_private(&path, &text).map_err(at(&path))
    }

    /// Takes back what [`publish`](Self::publish) said: the node stops.
    pub(crate) fn withdraw(&self) {
        if let Err(error) = remove_if_there(&self.dir.join(ADDRESS_FILE)) {
            tracing::warn!(%error, "node.json is left behind; the next start removes it");
        }
    }
}

/// Where the API token of this data folder is.
pub(crate) fn token_file(dir: &Path) -> PathBuf {
    dir.join(TOKEN_FILE)
}

/// Where the node of this data folder is, if one runs. What a killed node left behind does not count.
pub fn running_node(dir: &Path) -> Option<NodeAddress> {
    let lock = File::open(dir.join(LOCK_FILE)).ok()?;
    // Shared: two clients that look at once do not take one another for a node.
    if lock.try_lock_shared().is_ok() {
        return None;
    }
    let text = fs::read(dir.join(ADDRESS_FILE)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Reads the API token of the node of this data folder.
///
/// # Errors
/// [`DataDirError`] if there is none, or this user may not read it.
pub fn read_token(dir: &Path) -> Result<ApiToken, DataDirError> {
    let path = dir.join(TOKEN_FILE);
    let mut text = fs::read_to_string(&path).map_err(at(&path))?;
    let token = Zeroizing::new(text.trim().to_owned());
    text.zeroize();
    match BASE64URL_NOPAD.decode(token.as_bytes()).map(Zeroizing::new) {
        Ok(bytes) if bytes.len() == TOKEN_BYTES => Ok(ApiToken(token)),
        _ => Err(DataDirError::BadToken { path }),
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> DataDirError + use<> {
    let path = path.to_path_buf();
    move |source| DataDirError::Io { path, source }
}

/// Whole or not at all, readable by this user alone from the first byte on.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // tempfile makes its files 0600.
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().sync_data()?;
    file.persist(path)?;
    Ok(())
}

fn remove_if_there(path: &Path) -> Result<(), DataDirError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    fn address() -> NodeAddress {
        NodeAddress {
            pid: std::process::id(),
            api: "http://127.0.0.1:1".into(),
            peer: "p".into(),
            user: "u".into(),
            tcp: None,
            udp: None,
            dht: None,
            relay: None,
            version: "0".into(),
        }
    }

    #[test]
    fn one_folder_is_one_nodes() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("data");
        let held = DataDir::open(&dir).expect("the first node");
        assert_eq!(mode(&dir), 0o700);
        let error = DataDir::open(&dir).expect_err("the second node");
        assert!(matches!(&error, DataDirError::InUse { pid: Some(pid), .. } if *pid == std::process::id()));
        let text = error.to_string();
        assert!(text.contains("--data-dir") && text.contains(&std::process::id().to_string()), "{text}");
        drop(held);
        DataDir::open(&dir).expect("after the first is gone");
    }

    #[test]
    fn the_token_is_made_once_and_for_this_user_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = DataDir::open(folder.path()).expect("a data folder");
        let token = dir.api_token().expect("a token");
        let path = folder.path().join(TOKEN_FILE);
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("opened to others");
        assert_eq!(dir.api_token().expect("the same").reveal(), token.reveal());
        assert_eq!(mode(&path), 0o600);
        assert!(!format!("{token:?}").contains(token.reveal()));
        fs::write(&path, "short").expect("damaged");
        assert!(matches!(dir.api_token(), Err(DataDirError::BadToken { .. })));
    }

    #[test]
    fn a_running_node_is_found_and_a_dead_one_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(running_node(folder.path()), None);
        let dir = DataDir::open(folder.path()).expect("a data folder");
        assert_eq!(running_node(folder.path()), None, "not ready yet");
        dir.publish(&address()).expect("it is said");
        assert_eq!(mode(&folder.path().join(ADDRESS_FILE)), 0o600);
        assert_eq!(running_node(folder.path()), Some(address()));
        drop(dir);
        assert_eq!(running_node(folder.path()), None, "killed: the file is there, the lock is not");
        let dir = DataDir::open(folder.path()).expect("a data folder");
        assert!(!folder.path().join(ADDRESS_FILE).exists());
        dir.publish(&address()).expect("it is said");
        dir.withdraw();
        assert!(!folder.path().join(ADDRESS_FILE).exists());
    }
}
