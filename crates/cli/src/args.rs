//! Arguments that several verbs share.

use std::path::PathBuf;

use clap::Args;
use weft_node::Sources;

use crate::failure::{Failure, Result};
use crate::shapes::Status;

/// What every verb takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// The folder for data and configuration [default: the XDG folders]
    #[arg(long, global = true, value_name = "DIR", env = "WEFT_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Answer in JSON: one value, or one a line where there is progress
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What is logged to standard error: a level, or a list as `warn,weft_overlay=debug`
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) log: Option<String>,
}

/// Which network a node that this command starts is of.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct NetworkArgs {
    /// A private network's name [default: the public network]
    #[arg(long, value_name = "NAME")]
    pub(crate) network: Option<String>,
    /// A DHT node to begin with; may be given several times
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) bootstrap: Vec<String>,
}

impl NetworkArgs {
    /// The flags as a layer of the configuration.
    pub(crate) fn apply(&self, mut sources: Sources) -> Sources {
        if let Some(name) = &self.network {
            sources = sources.flag("--network", "network.name", name);
        }
        if !self.bootstrap.is_empty() {
            sources = sources.flag("--bootstrap", "network.bootstrap", self.bootstrap.join(","));
        }
        sources
    }

    /// A node that runs already does not change its network for one command.
    pub(crate) fn agrees_with(&self, status: &Status) -> Result<()> {
        let Some(asked) = &self.network else { return Ok(()) };
        let there = status.network.strip_prefix("private/").unwrap_or_default();
        if asked == there {
            return Ok(());
        }
        Err(Failure::new(format!("the running node is of the network `{}`, not `{asked}`", status.network))
            .mend("leave --network out, or name another folder with --data-dir"))
    }
}
