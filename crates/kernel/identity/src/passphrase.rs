//! Where a passphrase comes from when nobody may be there to type it.

use std::{
    ffi::OsString,
    fmt,
    fs::File,
    io::{self, Read as _},
    path::PathBuf,
};

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// Longest passphrase in bytes. Far above what people type, and enough for any generated one.
pub const MAX_PASSPHRASE_BYTES: usize = 1024;

/// The environment variable that names a file with the passphrase.
pub const PASSPHRASE_FILE_VARIABLE: &str = "WEFT_PASSPHRASE_FILE";
/// The name of the systemd credential (`LoadCredential=weft-passphrase:…`).
pub const PASSPHRASE_CREDENTIAL: &str = "weft-passphrase";

/// A passphrase. Zeroised on drop, redacted in `Debug`.
#[derive(Clone)]
pub struct Passphrase(SecretString);

impl Passphrase {
    /// Takes a passphrase as typed: every byte counts, also spaces.
    ///
    /// # Errors
    /// [`PassphraseError::Empty`] or [`PassphraseError::TooLong`].
    pub fn new(text: Zeroizing<String>) -> Result<Self, PassphraseError> {
        if text.is_empty() {
            return Err(PassphraseError::Empty);
        }
        if text.len() > MAX_PASSPHRASE_BYTES {
            return Err(PassphraseError::TooLong);
        }
        Ok(Self(SecretString::from(text.as_str().to_owned())))
    }

    pub(crate) fn secret(&self) -> SecretString {
        self.0.clone()
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Passphrase {
    /// For tests and for "type it again"; not constant-time, as both come from the same person.
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(<secret>)")
    }
}

/// Why there is no passphrase.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PassphraseError {
    /// Nothing in it.
    #[error("the passphrase is empty: give at least one character, or none at all for an identity without passphrase")]
    Empty,
    /// Longer than [`MAX_PASSPHRASE_BYTES`].
    #[error("the passphrase is longer than {MAX_PASSPHRASE_BYTES} bytes: is this the right file?")]
    TooLong,
    /// Not text.
    #[error("the passphrase is not UTF-8 text: is this the right file?")]
    NotText,
    /// The file could not be read.
    #[error("cannot read the passphrase from {path}: check that the file exists and the node's user may read it")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Where to get the passphrase.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum PassphraseSource {
    /// There is none: the keystore is not encrypted.
    None,
    /// Somebody typed it.
    Given(Passphrase),
    /// A file's content, without one line end at its end: a secret mounted by a container runtime, or a systemd
    /// credential.
    File(PathBuf),
}

impl PassphraseSource {
    /// What the environment says: the file named by `WEFT_PASSPHRASE_FILE`, else systemd's credential
    /// `weft-passphrase` if the service has one, else none.
    ///
    /// ```
    /// use weft_identity::PassphraseSource;
    ///
    /// let source = PassphraseSource::from_environment(|name| std::env::var_os(name));
    /// # drop(source);
    /// ```
    #[must_use]
    pub fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let non_empty = |name| variable(name).filter(|value| !value.is_empty());
        if let Some(path) = non_empty(PASSPHRASE_FILE_VARIABLE) {
            return Self::File(path.into());
        }
        if let Some(directory) = non_empty("CREDENTIALS_DIRECTORY") {
            let path = PathBuf::from(directory).join(PASSPHRASE_CREDENTIAL);
            // A service may have other credentials and not this one.
            if path.exists() {
                return Self::File(path);
            }
        }
        Self::None
    }

    /// Gets it.
    ///
    /// # Errors
    /// [`PassphraseError`] if the file cannot be read or holds no usable passphrase.
    pub fn resolve(&self) -> Result<Option<Passphrase>, PassphraseError> {
        match self {
            Self::None => Ok(None),
            Self::Given(passphrase) => Ok(Some(passphrase.clone())),
            Self::File(path) => read(path).map(Some),
        }
    }
}

fn read(path: &PathBuf) -> Result<Passphrase, PassphraseError> {
    let failed = |source| PassphraseError::Read { path: path.clone(), source };
    // One byte more than allowed plus a line end, so that "too long" is noticed without reading a device to its end.
    let limit = MAX_PASSPHRASE_BYTES.saturating_add(3);
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit));
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    File::open(path).map_err(failed)?.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| PassphraseError::NotText)?;
    let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    Passphrase::new(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
    }

    #[test]
    fn file_loses_one_line_end_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p");
        for (content, expected) in [("a b", "a b"), ("a b\n", "a b"), ("a b\r\n", "a b"), ("a b \n\n", "a b \n")] {
            fs::write(&path, content).unwrap();
            let got = PassphraseSource::File(path.clone()).resolve().unwrap().unwrap();
            assert_eq!(got, passphrase(expected), "{content:?}");
        }
    }

    #[test]
    fn bad_files_say_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p");
        let resolve = || PassphraseSource::File(path.clone()).resolve().unwrap_err();
        assert!(matches!(resolve(), PassphraseError::Read { .. }));
        fs::write(&path, "\n").unwrap();
        assert!(matches!(resolve(), PassphraseError::Empty));
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(matches!(resolve(), PassphraseError::NotText));
        fs::write(&path, "x".repeat(MAX_PASSPHRASE_BYTES + 1)).unwrap();
        assert!(matches!(resolve(), PassphraseError::TooLong));
        fs::write(&path, "x".repeat(MAX_PASSPHRASE_BYTES) + "\r\n").unwrap();
        assert!(PassphraseSource::File(path.clone()).resolve().is_ok());
    }

    #[test]
    fn environment_order_is_file_credential_none() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().to_path_buf();
        let both = |name: &str| match name {
            PASSPHRASE_FILE_VARIABLE => Some(OsString::from("/named/file")),
            "CREDENTIALS_DIRECTORY" => Some(directory.clone().into()),
            _ => None,
        };
        let credential_only = |name: &str| both(name).filter(|_| name == "CREDENTIALS_DIRECTORY");
        assert!(matches!(PassphraseSource::from_environment(both), PassphraseSource::File(p) if p.ends_with("file")));
        assert!(matches!(PassphraseSource::from_environment(credential_only), PassphraseSource::None));
        fs::write(directory.join(PASSPHRASE_CREDENTIAL), "secret").unwrap();
        let source = PassphraseSource::from_environment(credential_only);
        assert_eq!(source.resolve().unwrap().unwrap(), passphrase("secret"));
        assert!(matches!(PassphraseSource::from_environment(|_| None), PassphraseSource::None));
    }

    #[test]
    fn debug_tells_nothing() {
        let source = PassphraseSource::Given(passphrase("correct horse"));
        let shown = format!("{source:?}{source:#?}");
        assert!(shown.contains("<secret>") && !shown.contains("horse"));
    }
}
