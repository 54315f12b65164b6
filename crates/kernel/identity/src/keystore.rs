//! The keystore: one file, `keys/identity.weft` in the data folder, that holds the phrase and this device's key.
//!
//! Encrypted by `age` with a passphrase, or plain for a node that starts unattended without one; always 0600 in a 0700
//! folder. It is written beside its place, synced, and moved there, so that it is whole at every moment.
//!
//! Setting a passphrase later does not wipe what the disk held before: blocks of the earlier, plain file may survive
//! until they are overwritten.

mod disk;
mod sealed;

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    device::DeviceSecret,
    identity::{MakeIdentityError, Unlocked},
    name::DeviceName,
    passphrase::Passphrase,
    phrase::RecoveryPhrase,
    user::UserSecrets,
};
use disk::KeyFolder;
use sealed::{Contents, UnsealError};

/// Name of the folder below the data folder.
const FOLDER: &str = "keys";

/// Scrypt work factor (log2 of N) for new files: 128 MiB and about half a second on a small machine, which is felt once
/// a start and multiplies the price of guessing.
pub const DEFAULT_WORK_FACTOR: u8 = 17;

/// The identity on disk.
///
/// ```
/// use weft_identity::{DeviceName, Keystore};
///
/// let data = tempfile::tempdir()?;
/// let keystore = Keystore::in_data_dir(data.path());
/// let (made, phrase) = keystore.create(DeviceName::new("laptop")?, None, 1_700_000_000)?;
/// let opened = keystore.open(None)?;
/// assert_eq!(opened.identity.user_key(), made.identity.user_key());
///
/// // The same person on a second machine: same user key, another device key.
/// let other = tempfile::tempdir()?;
/// let restored = Keystore::in_data_dir(other.path()).restore(&phrase, DeviceName::new("phone")?, None, 1_700_000_001)?;
/// assert_eq!(restored.identity.user_key(), made.identity.user_key());
/// assert_ne!(restored.identity.device_key(), made.identity.device_key());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Keystore {
    folder: KeyFolder,
    work_factor: u8,
}

/// Why an identity could not be created or restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// There is one already.
    #[error(
        "there is already an identity at {0}: use it, or move that file away first (it is your only copy of the keys!)"
    )]
    Exists(PathBuf),
    /// The keys could not be made.
    #[error(transparent)]
    Make(#[from] MakeIdentityError),
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] KeyFileError),
}

/// Why the identity could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is none.
    #[error("there is no identity at {0}: create one, or restore yours from its recovery phrase")]
    Missing(PathBuf),
    /// The file is encrypted and no passphrase was given.
    #[error(
        "the identity at {0} is encrypted and no passphrase was given: type it, or name a file with it in WEFT_PASSPHRASE_FILE"
    )]
    PassphraseNeeded(PathBuf),
    /// The passphrase does not open it.
    #[error("wrong passphrase for {0}: try again; if it is lost, restore the identity from its recovery phrase")]
    WrongPassphrase(PathBuf),
    /// The file is damaged.
    #[error("{path} is damaged ({what}): put back a copy, or move it away and restore from the recovery phrase")]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A later Weft wrote it.
    #[error("{path} has format {found} and this Weft knows {known}: start a newer Weft")]
    NewerVersion {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// The file asks for more work than any Weft sets, as a tampered one would.
    #[error(
        "{path} asks for a key derivation of 2^{work_factor} steps, more than Weft allows: put back a copy of the file"
    )]
    TooMuchWork {
        /// Which file.
        path: PathBuf,
        /// What it asks for.
        work_factor: u8,
    },
    /// The file could not be read.
    #[error(transparent)]
    Read(#[from] KeyFileError),
}

/// What went wrong with the key file or its folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// Others could read the secret.
    #[error("{path} can be read or written by other users (mode {mode:03o}): run `chmod {mend:03o} {path}`", path = path.display())]
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// Its mode bits.
        mode: u32,
        /// What they should be.
        mend: u32,
    },
    /// The system refused.
    #[error("cannot {action} {path}: check that the folder exists, belongs to the user that runs Weft and has free space", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Encrypting failed.
    #[error("cannot encrypt the identity")]
    Encrypt(#[source] age::EncryptError),
}

/// Why the passphrase was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangePassphraseError {
    /// The identity could not be opened with the old one.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The new file could not be written; the old one is untouched.
    #[error("the passphrase was not changed")]
    Write(#[from] KeyFileError),
}

impl Keystore {
    /// The keystore of the data folder `data_dir`. Nothing is read or written yet.
    #[must_use]
    pub fn in_data_dir(data_dir: &Path) -> Self {
        Self { folder: KeyFolder::new(data_dir.join(FOLDER)), work_factor: DEFAULT_WORK_FACTOR }
    }

    /// Sets the scrypt work factor (log2 of N, 1 to 22) for files written from now on. Lower it in tests only.
    #[must_use]
    pub fn with_work_factor(mut self, log_n: u8) -> Self {
        self.work_factor = log_n.clamp(1, sealed::MAX_WORK_FACTOR);
        self
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.file()
    }

    /// Whether there is an identity (which may still need a passphrase, or be damaged).
    #[must_use]
    pub fn exists(&self) -> bool {
        self.path().exists()
    }

    /// Makes a new user on a new device and stores it. The phrase is returned to be shown to its owner now; later
    /// [`reveal_phrase`](Self::reveal_phrase) shows it. `now` is in Unix seconds.
    ///
    /// # Errors
    /// [`CreateError::Exists`] if there is an identity already: this never overwrites one.
    pub fn create(
        &self,
        device: DeviceName,
        passphrase: Option<&Passphrase>,
        now: u64,
    ) -> Result<(Unlocked, RecoveryPhrase), CreateError> {
        let phrase = RecoveryPhrase::generate().map_err(MakeIdentityError::from)?;
        let unlocked = self.restore(&phrase, device, passphrase, now)?;
        Ok((unlocked, phrase))
    }

    /// Brings a user back from the phrase, on a new device: same user key, ledger account and publishing key; new random
    /// device key, certified anew. `now` is in Unix seconds.
    ///
    /// # Errors
    /// [`CreateError::Exists`] if there is an identity already: this never overwrites one.
    pub fn restore(
        &self,
        phrase: &RecoveryPhrase,
        device: DeviceName,
        passphrase: Option<&Passphrase>,
        now: u64,
    ) -> Result<Unlocked, CreateError> {
        if self.exists() {
            return Err(CreateError::Exists(self.path()));
        }
        let unlocked = Unlocked::new(phrase, device, now)?;
        let contents = Contents::of(phrase, unlocked.identity.device(), unlocked.identity.certificate());
        let bytes = contents.seal(passphrase, self.work_factor).map_err(KeyFileError::Encrypt)?;
        if !self.folder.write_new(&bytes)? {
            return Err(CreateError::Exists(self.path()));
        }
        Ok(unlocked)
    }

    /// Opens the identity. A passphrase given for a file that has none is not an error.
    ///
    /// # Errors
    /// [`OpenError`] tells apart: missing, passphrase needed, wrong passphrase, damaged, too new, exposed to others.
    pub fn open(&self, passphrase: Option<&Passphrase>) -> Result<Unlocked, OpenError> {
        let contents = self.contents(passphrase)?;
        let corrupt = |what| OpenError::Corrupt { path: self.path(), what };
        let user = UserSecrets::from_phrase(&contents.phrase()).map_err(|_| corrupt("its phrase has no keys"))?;
        let device = DeviceSecret::from_bytes(contents.device_secret());
        let certificate = contents.certificate().clone();
        if user.user_key() != certificate.user() || device.public() != certificate.device() {
            return Err(corrupt("keys and certificate do not belong together"));
        }
        Ok(Unlocked::assemble(user, device, certificate))
    }

    /// The recovery phrase, for its owner's eyes. Asks for the passphrase again even while a node runs.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn reveal_phrase(&self, passphrase: Option<&Passphrase>) -> Result<RecoveryPhrase, OpenError> {
        Ok(self.contents(passphrase)?.phrase())
    }

    /// Sets, changes or (with `new` = `None`) removes the passphrase. Keys stay the same.
    ///
    /// # Errors
    /// [`ChangePassphraseError`]; whatever happens, the file opens with either the old or the new passphrase.
    pub fn change_passphrase(
        &self,
        old: Option<&Passphrase>,
        new: Option<&Passphrase>,
    ) -> Result<(), ChangePassphraseError> {
        let contents = self.contents(old)?;
        let bytes = contents.seal(new, self.work_factor).map_err(KeyFileError::Encrypt)?;
        self.folder.replace(&bytes)?;
        Ok(())
    }

    /// Whether the file is encrypted.
    ///
    /// # Errors
    /// [`OpenError`] if it cannot be read or is no keystore.
    pub fn is_encrypted(&self) -> Result<bool, OpenError> {
        sealed::is_encrypted(&self.bytes()?).map_err(|error| self.explain(error))
    }

    fn bytes(&self) -> Result<zeroize::Zeroizing<Vec<u8>>, OpenError> {
        match self.folder.read()? {
            Some(bytes) => Ok(bytes),
            None => Err(OpenError::Missing(self.path())),
        }
    }

    fn contents(&self, passphrase: Option<&Passphrase>) -> Result<Contents, OpenError> {
        Contents::unseal(&self.bytes()?, passphrase).map_err(|error| self.explain(error))
    }

    fn explain(&self, error: UnsealError) -> OpenError {
        let path = self.path();
        match error {
            UnsealError::PassphraseNeeded => OpenError::PassphraseNeeded(path),
            UnsealError::WrongPassphrase => OpenError::WrongPassphrase(path),
            UnsealError::Corrupt(what) => OpenError::Corrupt { path, what },
            UnsealError::NewerVersion(found) => OpenError::NewerVersion { path, found, known: sealed::FORMAT_VERSION },
            UnsealError::TooMuchWork(work_factor) => OpenError::TooMuchWork { path, work_factor },
        }
    }
}
