//! The command line, from which help, man pages and completions come too.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use weft_node::Sources;

use crate::failure::{Failure, Result};
use crate::shapes::Status;
use crate::verbs;

/// Share files with people, without a server between.
#[derive(Debug, Parser)]
#[command(name = "weft", version, about, long_about = None, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 ok, 1 failure, 2 usage, 3 unreachable, 4 denied, 5 timed out.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

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

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run a node in the foreground
    Up(verbs::up::Up),
    /// Show or change who you are
    Id(verbs::id::Id),
    /// List the people and devices you know
    Peers(verbs::people::Peers),
    /// Make an invitation link, with which others reach you
    Invite(verbs::people::Invite),
    /// Accept somebody's invitation link
    AddPeer(verbs::people::AddPeer),
    /// Share a file or folder
    Share(verbs::share::Share),
    /// Get what a link names
    Get(verbs::get::Get),
    /// List what you share and get
    Ls(verbs::torrents::Ls),
    /// Show one torrent with its peers, files and trackers
    Show(verbs::torrents::Show),
    /// Stop a torrent for now
    Pause(verbs::torrents::Pause),
    /// Go on with a paused torrent
    Resume(verbs::torrents::Resume),
    /// Take a torrent out of the list
    Remove(verbs::torrents::Remove),
    /// Show the running node and its services
    Status(verbs::status::StatusArgs),
    /// Find what is wrong, and say what to do
    Doctor(verbs::doctor::Doctor),
    /// Show and change settings
    Config(verbs::config::ConfigArgs),
    /// Follow what happens
    Events(verbs::events::Events),
    /// Run a swarm of nodes on this machine, and check that it works
    Lab(verbs::lab::LabArgs),
    /// Print a completion script for a shell
    Completions(verbs::generated::Completions),
    /// Print the manual page
    Man(verbs::generated::Man),
}
