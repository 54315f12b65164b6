//! The verbs, one file a group. A new service brings one file here and one line in [`run`] and in the arguments.

pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod generated;
pub(crate) mod get;
pub(crate) mod id;
pub(crate) mod lab;
pub(crate) mod people;
pub(crate) mod share;
pub(crate) mod status;
pub(crate) mod torrents;
pub(crate) mod up;

use std::process::ExitCode;

use crate::args::{Cli, Verb};
use crate::failure::{Failure, Result};

/// Runs what was asked for.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode> {
    let global = &cli.global;
    match cli.verb {
        Verb::Up(args) => up::run(global, args).await,
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
        Verb::Status(args) => status::run(global, args).await,
        Verb::Doctor(args) => doctor::run(global, args).await,
        Verb::Config(args) => config::run(global, args),
        Verb::Events(args) => events::run(global, args).await,
        Verb::Lab(args) => lab::run(global, args).await,
        Verb::Completions(args) => generated::completions(args),
        Verb::Man(args) => generated::man(args),
    }
}

/// Ctrl-C, or `kill`: whoever waits for it stops cleanly.
pub(crate) async fn interrupted() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let no_signals = |error: std::io::Error| Failure::new(format!("the system gives no signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
