//! Where configuration and data are: the XDG folders, or one folder for both.

use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy as _, choose_base_strategy};

/// Where a node keeps its configuration and its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The configuration file.
    pub config_file: PathBuf,
    /// The data folder: identity, store, token, `node.json`.
    pub data_dir: PathBuf,
}

/// There is no home folder to begin from.
#[derive(Debug, thiserror::Error)]
#[error("this user has no home folder; name a folder with --data-dir")]
pub struct NoHome(#[source] Box<dyn std::error::Error + Send + Sync>);

impl Paths {
    /// Both in one folder: what `--data-dir` asks for.
    pub fn within(data_dir: impl AsRef<Path>) -> Self {
        // Absolute, because the node tells others (its clients in other folders) where things are.
        let data_dir = std::path::absolute(data_dir.as_ref()).unwrap_or_else(|_| data_dir.as_ref().to_path_buf());
        Paths { config_file: data_dir.join("config.toml"), data_dir }
    }

    /// `data_dir` for both if given, else the XDG folders (`~/.config/weft`, `~/.local/share/weft`).
    ///
    /// # Errors
    /// [`NoHome`] if no folder was given and the user has no home.
    pub fn choose(data_dir: Option<&Path>) -> Result<Self, NoHome> {
        if let Some(data_dir) = data_dir {
            return Ok(Self::within(data_dir));
        }
        let base = choose_base_strategy().map_err(|error| NoHome(Box::new(error)))?;
        Ok(Paths {
            config_file: base.config_dir().join("weft").join("config.toml"),
            data_dir: base.data_dir().join("weft"),
        })
    }
}
