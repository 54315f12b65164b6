//! The first run: from the moment an identity was made by itself until its owner has seen it, or brought their own.
//!
//! A mark in the data folder says that it is still going on: written beside the new identity, taken away at the end. A
//! node that was configured or given an identity by hand never has one.

use std::path::{Path, PathBuf};

use crate::data_dir::write_private;

const MARK_FILE: &str = "first-run";

/// What the mark says to a person who looks into the folder.
const MARK: &str = "This node's owner has not gone through its first run yet. The dashboard takes this file away.\n";

/// Whether this node's first run is still going on.
#[derive(Debug, Clone)]
pub(crate) struct FirstRun(PathBuf);

impl FirstRun {
    /// Of the node whose data is in `data_dir`; begins with a new identity, unless there is a configuration already.
    pub(crate) fn open(data_dir: &Path, identity_is_new: bool, config_file: &Path) -> Self {
        let run = FirstRun(data_dir.join(MARK_FILE));
        if identity_is_new
            && !config_file.exists()
            && let Err(error) = write_private(&run.0, MARK.as_bytes())
        {
            tracing::warn!(%error, "the first run is not offered");
        }
        run
    }

    pub(crate) fn is_going_on(&self) -> bool {
        self.0.exists()
    }

    /// Ends it.
    ///
    /// # Errors
    /// If the mark cannot be taken away.
    pub(crate) fn end(&self) -> std::io::Result<()> {
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
