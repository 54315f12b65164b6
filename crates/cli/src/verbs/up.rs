//! `weft up`: a node in the foreground.

use std::process::ExitCode;

use clap::Args;
use weft_node::{Again, Node, NodeConfig, identity};

use crate::args::{Global, NetworkArgs};
use crate::failure::Result;
use crate::interrupt::interrupted;
use crate::{output, session};

/// Run a node in the foreground, until Ctrl-C.
///
/// With --json, one line when the node is ready: what stands in `node.json` of the data folder, and `login`, an address that
/// signs one browser in to the dashboard.
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
    let mut loaded = sources.load()?;
    session::start_logging(&loaded.config.log)?;
    let mut before = None;
    loop {
        let node = tokio::select! {
            stopped = stop.as_mut() => return stopped.map(|()| ExitCode::SUCCESS),
            node = session::start_node(NodeConfig::new(paths.clone(), loaded).restartable(), before) => node?,
        };
        before = Some(node.api_address());
        told(global, &node)?;
        let again = tokio::select! {
            stopped = stop.as_mut() => Err(stopped),
            again = node.asked_to_restart() => Ok(again),
        };
        node.stop().await;
        match again {
            Err(stopped) => return stopped.map(|()| ExitCode::SUCCESS),
            Ok(Again::AsItIs) => {}
            Ok(Again::As(owner)) => identity::hand_over(&paths.data_dir, &owner)?,
        }
        loaded = sources.load()?;
        weft_node::logging::set_level(&loaded.config.log.level)?;
    }
}

/// Says where the node is, and how a browser signs in to it.
fn told(global: &Global, node: &Node) -> Result<()> {
    let (address, login) = (node.address(), node.login_address()?);
    if global.json {
        let mut said = serde_json::to_value(&address).unwrap_or_default();
        said["login"] = login.into();
        output::say_json(&said);
        return Ok(());
    }
    output::say(format!("weft {} is up", address.version));
    output::say(format!("  device    {}", address.peer));
    output::say(format!("  user      {}", address.user));
    output::say(format!("  network   {}", node.network()));
    output::say(format!("  api       {}", address.api));
    output::say(format!("  data      {}", node.data_dir().display()));
    output::say(format!("  dashboard {login}"));
    output::say(
        "The dashboard's address signs in once, within 10 minutes; `weft dashboard` prints another. Ctrl-C stops the node.",
    );
    Ok(())
}
