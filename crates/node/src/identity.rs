//! Who this node is: opened at its start, made at its first.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use weft_identity::{CreateError, OpenError, PassphraseError};
pub use weft_identity::{DeviceName, InvalidName, Keystore, Passphrase, PassphraseSource, RecoveryPhrase, Unlocked};

use crate::config::IdentityConfig;
use crate::data_dir::{DataDir, DataDirError};
use crate::life::Owner;

/// What a device is called whose machine has no usable name.
const PLAIN_NAME: &str = "device";

/// Why there is no identity to start with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The passphrase cannot be had.
    #[error("the passphrase of the keystore cannot be had")]
    Passphrase(#[from] PassphraseError),
    /// The keystore cannot be opened.
    #[error("your identity cannot be opened")]
    Open(#[from] OpenError),
    /// No identity can be made.
    #[error("no identity can be made")]
    Create(#[from] CreateError),
    /// The device cannot be called so.
    #[error("the device cannot be called so")]
    Name(#[from] InvalidName),
    /// The keystore's file cannot be moved.
    #[error("cannot move {}; check that this user owns the data folder", path.display())]
    Move {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// From where an unattended node has the passphrase: the setting, else the environment, else systemd.
#[must_use]
pub fn passphrase_source(config: &IdentityConfig) -> PassphraseSource {
    if config.passphrase_file.as_os_str().is_empty() {
        return PassphraseSource::from_environment(|name| std::env::var_os(name));
    }
    PassphraseSource::File(config.passphrase_file.clone())
}

/// Whether a node on this data folder needs a passphrase that nothing but a person can give.
///
/// # Errors
/// [`IdentityError`] if the keystore or the passphrase's file cannot be read.
pub fn needs_typing(data_dir: &Path, config: &IdentityConfig) -> Result<bool, IdentityError> {
    let keystore = Keystore::in_data_dir(data_dir);
    Ok(keystore.exists() && keystore.is_encrypted()? && passphrase_source(config).resolve()?.is_none())
}

/// The device's name: `given`, else the machine's.
///
/// # Errors
/// [`InvalidName`] if a device cannot be called as `given` says. A machine's name that is not fit is passed over.
pub fn device_name(given: Option<&str>) -> Result<DeviceName, InvalidName> {
    if let Some(given) = given {
        return DeviceName::new(given);
    }
    let uname = rustix::system::uname();
    let machine = uname.nodename().to_string_lossy();
    DeviceName::new(&machine).or_else(|_| DeviceName::new(PLAIN_NAME))
}

/// Makes the data folder if it is not there, for this user alone.
///
/// # Errors
/// [`DataDirError`] if it cannot be made, or a node runs on it.
pub fn prepare_data_dir(dir: &Path) -> Result<(), DataDirError> {
    DataDir::open(dir).map(drop)
}

/// Makes the node of this data folder another owner's: the identity that its first run made by itself gives way to the one
/// of `owner`'s phrase. The node must not run. If it fails, everything is as it was.
///
/// # Errors
/// [`IdentityError`] if the phrase's identity cannot be made or written.
pub fn hand_over(data_dir: &Path, owner: &Owner) -> Result<(), IdentityError> {
    let keystore = Keystore::in_data_dir(data_dir);
    let path = keystore.path();
    let aside = path.with_extension("replaced");
    let moved = |source| IdentityError::Move { path: path.clone(), source };
    // All that can fail without the files is done before they are touched.
    let device = owner.device.clone().map_or_else(|| device_name(None), Ok)?;
    std::fs::rename(&path, &aside).map_err(moved)?;
    match keystore.restore(&owner.phrase, device, None, now()) {
        Ok(_) => std::fs::remove_file(&aside).map_err(moved),
        Err(error) => {
            std::fs::rename(&aside, &path).map_err(moved)?;
            Err(error.into())
        }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Opens the identity, or makes one at the first start; says whether it is new. Blocks: opening is made slow on purpose.
pub(crate) fn open_or_create(
    data_dir: &Path,
    config: &IdentityConfig,
    typed: Option<Passphrase>,
) -> Result<(Unlocked, bool), IdentityError> {
    let keystore = Keystore::in_data_dir(data_dir);
    let passphrase = match typed {
        Some(typed) => Some(typed),
        None => passphrase_source(config).resolve()?,
    };
    if keystore.exists() {
        return Ok((keystore.open(passphrase.as_ref())?, false));
    }
    // The phrase is not shown here: a log is no place for it. `weft id --reveal-phrase` shows it.
    let (unlocked, _phrase) = keystore.create(device_name(None)?, passphrase.as_ref(), now())?;
    Ok((unlocked, true))
}
