//! `weft lab`: a swarm of real nodes on this machine.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use weft_lab::{Lab, LabOptions};

use crate::args::Global;
use crate::failure::{Failure, Result};
use crate::interrupt::interrupted;
use crate::{output, session};

/// Start peers on this machine, share a file and a folder from one, kill it half-way, and compare everything.
///
/// Every peer is a process of its own with a data folder of its own, on a private network that stays on this machine.
/// With --json, the report and nothing else.
#[derive(Debug, Args)]
pub(crate) struct LabArgs {
    /// How many peers
    #[arg(long, value_name = "N", default_value_t = 5)]
    peers: usize,
    /// End with exit code 1 unless every copy is byte-identical
    #[arg(long)]
    check: bool,
    /// The file to share [default: a library of the Rust toolchain]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The folder to share [default: sources from cargo's registry]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Keep the peers' data in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Let the first seeder live
    #[arg(long)]
    no_kill: bool,
    /// Leave the peers running afterwards, with something to watch, until Ctrl-C; prints the address of a dashboard
    #[arg(long, conflicts_with = "json")]
    stay: bool,
}

pub(crate) async fn run(global: &Global, args: LabArgs) -> Result<ExitCode> {
    let (config, _) = session::config_or_default(&weft_node::Sources::default());
    session::start_logging(&config.log)?;
    let weft =
        std::env::current_exe().map_err(|error| Failure::new(format!("this program does not find itself: {error}")))?;
    let mut options = LabOptions::new(weft);
    options.peers = args.peers;
    options.file = args.file;
    options.folder = args.folder;
    options.dir = args.keep;
    options.kill = !args.no_kill;
    options.live = std::io::stdout().is_terminal() && !global.json;
    options.json = global.json;
    let mut out = std::io::stdout();
    let mut stop = std::pin::pin!(interrupted());
    let (report, lab) = tokio::select! {
        // Dropping the lab kills its peers.
        stopped = stop.as_mut() => return stopped.and_then(|()| Err(Failure::new("stopped"))),
        ran = Lab::run(options, &mut out) => ran.map_err(|error| Failure::new(format!("{error:#}")))?,
    };
    if args.check && !report.ok() {
        return Ok(ExitCode::FAILURE);
    }
    if args.stay {
        let address = lab.dashboard().await.map_err(|error| Failure::new(format!("{error:#}")))?;
        output::say("");
        output::say("The network goes on. Look at it in a browser, as the last peer sees it:");
        output::say(format!("  {address}"));
        output::say("It gets everything once more, slowly, so that there is something to watch. Ctrl-C ends all.");
        tokio::select! {
            stopped = stop => return stopped.map(|()| ExitCode::SUCCESS),
            moved = lab.keep_moving() => moved.map_err(|error| Failure::new(format!("{error:#}")))?,
        }
    }
    Ok(ExitCode::SUCCESS)
}
