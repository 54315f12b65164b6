//! The file that sessions are kept in: digests of secrets, for this user alone.

use std::path::{Path, PathBuf};

use super::Kept;
use crate::data_dir::write_private;

const SESSIONS_FILE: &str = "sessions.json";

#[derive(Debug)]
pub(super) struct File(PathBuf);

impl File {
    pub(super) fn in_data_dir(data_dir: &Path) -> Self {
        File(data_dir.join(SESSIONS_FILE))
    }

    /// What was kept. A file that cannot be read signs everybody out: they sign in anew.
    pub(super) fn read(&self) -> Kept {
        match std::fs::read(&self.0) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(%error, file = %self.0.display(), "who is signed in cannot be read; sign in anew");
                Kept::default()
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Kept::default(),
            Err(error) => {
                tracing::warn!(%error, file = %self.0.display(), "who is signed in cannot be read; sign in anew");
                Kept::default()
            }
        }
    }

    /// Keeps it. A full disk costs a login at the next start, nothing more.
    pub(super) fn write(&self, kept: &Kept) {
        let written = serde_json::to_vec(kept).map_err(std::io::Error::from);
        if let Err(error) = written.and_then(|bytes| write_private(&self.0, &bytes)) {
            tracing::warn!(%error, file = %self.0.display(), "who is signed in is not on disk; a restart signs them out");
        }
    }
}
