//! A node to work with: the one that runs on the data folder, or one inside this process.

use std::net::SocketAddr;

use weft_node::identity::Passphrase;
use weft_node::{Config, LogConfig, Node, NodeConfig, Paths, Sources};

use crate::args::{Global, NetworkArgs};
use crate::client::Client;
use crate::failure::{Exit, Failure, Result};
use crate::shapes::Status;
use crate::{output, prompt};

/// A node to work with.
pub(crate) struct Session {
    pub(crate) client: Client,
    /// The node of this process, if there was none to use.
    own: Option<Node>,
}

impl Session {
    /// Whether the node lives in this process and ends with it.
    pub(crate) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Stops the node of this process gracefully; a node of its own lives on.
    pub(crate) async fn end(self) {
        if let Some(node) = self.own {
            node.stop().await;
        }
    }
}

/// Where this command's configuration and data are.
pub(crate) fn paths(global: &Global) -> Result<Paths> {
    Ok(Paths::choose(global.data_dir.as_deref())?)
}

/// The node that runs on the data folder, or why there is none.
pub(crate) fn running(global: &Global) -> Result<Client> {
    let paths = paths(global)?;
    Client::of_running(&paths.data_dir)?.ok_or_else(|| {
        Failure::new(format!("no node runs on {}", paths.data_dir.display()))
            .exit(Exit::Unreachable)
            .mend("start one with `weft up`, or name another folder with --data-dir")
    })
}

/// The node that runs on the data folder, else one inside this process.
pub(crate) async fn running_or_own(global: &Global, network: &NetworkArgs) -> Result<Session> {
    let paths = paths(global)?;
    if let Some(client) = Client::of_running(&paths.data_dir)? {
        network.agrees_with(&client.get::<Status>("/api/v1/status").await?)?;
        return Ok(Session { client, own: None });
    }
    // Beside another node of this user's, on another folder, the usual port is taken; nobody types this one.
    let sources = sources(&paths, global, network).flag("this command", "api.listen", "127.0.0.1:0");
    let loaded = sources.load()?;
    let quiet = loaded.origin("log.level") == weft_node::Origin::Default;
    let mut log = loaded.config.log.clone();
    if quiet {
        // The progress is what people look at; what is wrong is said there too.
        "error".clone_into(&mut log.level);
    }
    start_logging(&log)?;
    let node = start_node(NodeConfig::new(paths, loaded), None).await?;
    let client = Client::new(&node.address().api, node.token().clone())?;
    Ok(Session { client, own: Some(node) })
}

/// Every layer of the configuration, with the flags that the command line gave.
pub(crate) fn sources(paths: &Paths, global: &Global, network: &NetworkArgs) -> Sources {
    let mut sources = Sources::of_process(paths.config_file.clone());
    if let Some(level) = &global.log {
        sources = sources.flag("--log", "log.level", level);
    }
    network.apply(sources)
}

/// Starts a node in this process, its API where it was `before`, and says so if that made an identity.
pub(crate) async fn start_node(mut config: NodeConfig, before: Option<SocketAddr>) -> Result<Node> {
    if let Some(before) = before {
        config = config.api_as_before(before);
    }
    if prompt::is_interactive() && config.needs_passphrase()? {
        config = config.passphrase(Passphrase::new(prompt::secret("Passphrase: ")?)?);
    }
    let node = Node::start(config).await?;
    if node.identity_is_new() {
        output::note("A new identity was made for you. Write its recovery phrase down: `weft id --reveal-phrase`.");
    }
    Ok(node)
}

/// Logs go to standard error; what a verb answers goes to standard output.
pub(crate) fn start_logging(log: &LogConfig) -> Result<()> {
    Ok(weft_node::logging::start(log)?)
}

/// The configuration, or its defaults where it cannot be read: for verbs that must work then too.
pub(crate) fn config_or_default(sources: &Sources) -> (Config, Option<Failure>) {
    match sources.load() {
        Ok(loaded) => (loaded.config, None),
        Err(error) => (Config::default(), Some(Failure::of(&error))),
    }
}
