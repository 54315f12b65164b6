//! The settings while the node runs: as they stand, and changed one at a time. A few act at once; the rest at the next
//! start, and are said to.

use parking_lot::Mutex;
use weft_content::{Engine, RateLimits};

use crate::config::{self, Config, ConfigError, EditError, Loaded, Origin};
use crate::logging;

/// What acts at once when it is changed.
const LIVE: [&str; 3] = ["log.level", "files.download_rate", "files.upload_rate"];

/// Why a setting is not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    /// It cannot be written, or could not be followed.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// Something above the file says otherwise.
    #[error("`{key}` is set by {origin}, which wins over the configuration file")]
    Overruled {
        /// The key.
        key: String,
        /// Who wins.
        origin: Origin,
    },
}

/// The settings of a running node.
pub(crate) struct Settings {
    /// As they stand in file, environment and flags now.
    now: Mutex<Loaded>,
    engine: Engine,
}

/// One setting as it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    pub(crate) entry: config::Entry,
    /// What it is if nobody sets it.
    pub(crate) default: serde_json::Value,
    /// Whether a change acts at once.
    pub(crate) live: bool,
}

impl Settings {
    pub(crate) fn new(loaded: Loaded, engine: Engine) -> Self {
        Settings { now: Mutex::new(loaded), engine }
    }

    /// Every setting as it stands now.
    pub(crate) fn all(&self) -> Vec<Standing> {
        let loaded = self.now.lock().clone();
        loaded.entries.into_iter().map(standing).collect()
    }

    /// The configuration as it stands now.
    pub(crate) fn config(&self) -> Config {
        self.now.lock().config.clone()
    }

    /// Writes a setting to the configuration file; what can act at once does.
    ///
    /// # Errors
    /// [`ChangeError`]: nothing is changed.
    pub(crate) fn change(&self, key: &str, value: &str) -> Result<Standing, ChangeError> {
        let mut now = self.now.lock();
        let origin = now.origin(key);
        if matches!(origin, Origin::Env(_) | Origin::Flag(_)) {
            return Err(ChangeError::Overruled { key: key.to_owned(), origin });
        }
        let Some(file) = now.sources.file.clone() else {
            let source = std::io::Error::new(std::io::ErrorKind::NotFound, "this node has no configuration file");
            return Err(EditError::Write { path: std::path::PathBuf::new(), source }.into());
        };
        config::set(&file, key, value)?;
        *now = now.sources.load().map_err(EditError::from)?;
        self.follow(&now.config);
        let found = config::get(&now.sources, key).map_err(EditError::from)?;
        Ok(standing(found))
    }

    /// Has the running parts follow what may change while they run.
    fn follow(&self, config: &Config) {
        let limits =
            RateLimits { download: config.files.download_rate.limit(), upload: config.files.upload_rate.limit() };
        if self.engine.limits() != limits {
            self.engine.set_limits(limits);
        }
        if let Err(error) = logging::set_level(&config.log.level) {
            tracing::warn!(%error, "the log's level stays as it was until the next start");
        }
    }
}

fn standing(entry: config::Entry) -> Standing {
    let default = config::default_of(&entry.key);
    Standing { default, live: LIVE.contains(&entry.key.as_str()), entry }
}

impl From<ConfigError> for ChangeError {
    fn from(error: ConfigError) -> Self {
        ChangeError::Edit(error.into())
    }
}
