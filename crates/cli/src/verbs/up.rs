//! `weft up`: a node in the foreground.

use std::process::ExitCode;

use clap::Args;

use crate::args::{Global, NetworkArgs};
use crate::failure::Result;
use crate::interrupt::interrupted;
use crate::{output, session};

/// Run a node in the foreground, until Ctrl-C.
///
/// With --json, one line when the node is ready: what stands in `node.json` of the data folder.
#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    network: NetworkArgs,
    /// Where the API listens: a loopback address and a port [default: 127.0.0.1:9338]
    #[arg(long, value_name = "IP:PORT")]
    api: Option<String>,
}

pub(crate) async fn run(global: &Global, args: Up) -> Result<ExitCode> {
    // First, so that a signal that comes while the node starts is not lost.
    let mut stop = std::pin::pin!(interrupted());
    let paths = session::paths(global)?;
    let mut sources = session::sources(&paths, global, &args.network);
    if let Some(api) = &args.api {
        sources = sources.flag("--api", "api.listen", api);
    }
    let loaded = sources.load()?;
    session::start_logging(&loaded.config.log)?;
    let node = tokio::select! {
        stopped = stop.as_mut() => return stopped.map(|()| ExitCode::SUCCESS),
        node = session::start_node(paths, loaded) => node?,
    };
    let address = node.address();
    if global.json {
        output::say_json(&address);
    } else {
        output::say(format!("weft {} is up", address.version));
        output::say(format!("  device  {}", address.peer));
        output::say(format!("  user    {}", address.user));
        output::say(format!("  network {}", node.network()));
        output::say(format!("  api     {}", address.api));
        output::say(format!("  data    {}", node.data_dir().display()));
        output::say("Ctrl-C stops it.");
    }
    stop.await?;
    node.stop().await;
    Ok(ExitCode::SUCCESS)
}
