//! The command line, from which help, man pages and completions come too: the verbs, one file a group. A new service brings
//! one file, one line in [`Verb`] and one in [`run`].

mod config;
mod dashboard;
mod doctor;
mod events;
mod files;
mod generated;
mod get;
mod id;
mod lab;
mod ledger;
mod people;
mod share;
mod status;
mod torrents;
mod up;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::args::Global;
use crate::failure::Result;

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

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run a node in the foreground
    Up(up::Up),
    /// Print an address that signs a browser in to the dashboard
    Dashboard(dashboard::Dashboard),
    /// Show or change who you are
    Id(id::Id),
    /// List the people and devices you know
    Peers(people::Peers),
    /// Make an invitation link, with which others reach you
    Invite(people::Invite),
    /// Accept somebody's invitation link
    AddPeer(people::AddPeer),
    /// Share a file or folder
    Share(share::Share),
    /// Get what a link names
    Get(get::Get),
    /// List what you share and get
    Ls(torrents::Ls),
    /// Show one torrent with its peers, files and trackers
    Show(torrents::Show),
    /// Stop a torrent for now
    Pause(torrents::Pause),
    /// Go on with a paused torrent
    Resume(torrents::Resume),
    /// Take a torrent out of the list
    Remove(torrents::Remove),
    /// Say which files of a torrent come first
    Prioritize(files::Prioritize),
    /// Show or change how fast content may come and go
    Limit(files::Limit),
    /// Write a file to standard output while it arrives
    Cat(files::Cat),
    /// Show the running node and its services
    Status(status::StatusArgs),
    /// Find what is wrong, and say what to do
    Doctor(doctor::Doctor),
    /// Show and change settings
    Config(config::ConfigArgs),
    /// Follow what happens
    Events(events::Events),
    /// Make a chain, get onto one, and use it
    Ledger(ledger::LedgerArgs),
    /// Run a swarm of nodes on this machine, and check that it works
    Lab(lab::LabArgs),
    /// Print a completion script for a shell
    Completions(generated::Completions),
    /// Print the manual page
    Man(generated::Man),
}

/// Runs what was asked for.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode> {
    let global = &cli.global;
    match cli.verb {
        Verb::Up(args) => up::run(global, args).await,
        Verb::Dashboard(args) => dashboard::run(global, args).await,
        Verb::Id(args) => id::run(global, args).await,
        Verb::Peers(args) => people::peers(global, args).await,
        Verb::Invite(args) => people::invite(global, args).await,
        Verb::AddPeer(args) => people::add_peer(global, args).await,
        Verb::Share(args) => share::run(global, args).await,
        Verb::Get(args) => get::run(global, args).await,
        Verb::Ls(args) => torrents::ls(global, args).await,
        Verb::Show(args) => torrents::show(global, args).await,
        Verb::Pause(args) => torrents::pause(global, args).await,
        Verb::Resume(args) => torrents::resume(global, args).await,
        Verb::Remove(args) => torrents::remove(global, args).await,
        Verb::Prioritize(args) => files::prioritize(global, args).await,
        Verb::Limit(args) => files::limit(global, args).await,
        Verb::Cat(args) => files::cat(global, args).await,
        Verb::Status(args) => status::run(global, args).await,
        Verb::Doctor(args) => doctor::run(global, args).await,
        Verb::Config(args) => config::run(global, args),
        Verb::Events(args) => events::run(global, args).await,
        Verb::Ledger(args) => ledger::run(global, args).await,
        Verb::Lab(args) => lab::run(global, args).await,
        Verb::Completions(args) => generated::completions(args, Cli::command()),
        Verb::Man(args) => generated::man(args, Cli::command()),
    }
}
