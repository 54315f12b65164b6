//! Why a configuration cannot be followed, or not be changed.

use std::path::PathBuf;

use super::origin::Origin;

/// Why a configuration cannot be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file is there and cannot be read.
    #[error("cannot read the configuration {}: check that this user may read it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration {} is not valid TOML: correct it there, or move it away to begin with the defaults", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and what.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no such key.
    #[error("there is no setting `{key}` (from {origin}){}; `weft config show` lists all", suggestion(nearest))]
    UnknownKey {
        /// What was set.
        key: String,
        /// Where.
        origin: Origin,
        /// The known key nearest to it.
        nearest: Option<String>,
    },
    /// The value has the wrong type or cannot be followed.
    #[error("the setting `{key}` (from {origin}) cannot be followed: {reason}; correct it there")]
    BadValue {
        /// The key.
        key: String,
        /// Where it was set.
        origin: Origin,
        /// What is wrong with it.
        reason: String,
    },
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|key| format!("; did you mean `{key}`?")).unwrap_or_default()
}

/// Why a setting was not changed. The file is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// What it would be then cannot be followed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file cannot be written.
    #[error("cannot write the configuration {}: check the folder's permissions and the disk's free space", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}
