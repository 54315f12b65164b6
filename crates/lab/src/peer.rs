//! A Weft node as a child process: its folder, its configuration, its life and its death.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::api::Api;
use crate::netns::Netns;
use crate::process::{Launch, Process, Usage, until};

/// How long a node may take until it says it is ready. Making keys and opening the store take tenths of a second; a busy
/// machine with a cold disk takes some seconds.
const READY: Duration = Duration::from_secs(30);
/// How long a node may take to end when asked.
const STOPPED: Duration = Duration::from_secs(20);

/// A node's `config.toml`, built key by key.
#[derive(Debug, Clone, Default)]
pub struct PeerConfig(toml::Table);

impl PeerConfig {
    /// A node of a private network at `address`: nothing in it leaves the machine. It begins the network; see
    /// [`joining`](PeerConfig::joining).
    pub fn lab(network: &str, address: Ipv4Addr) -> Self {
        PeerConfig::default()
            .set("api.listen", "127.0.0.1:0")
            .set("network.name", network)
            .set("network.bootstrap", toml::Value::Array(Vec::new()))
            .set("network.dht", true)
            .set("network.dht_listen", format!("{address}:0"))
            .set("network.mdns", false)
            .set("network.port_mapping", false)
            .set("overlay.bind", address.to_string())
            .set("overlay.port", 0)
            .set("overlay.relay", "off")
            .set("overlay.relay_port", 0)
    }

    /// What a key is set to.
    fn get(&self, key: &str) -> Option<&toml::Value> {
        let (section, key) = key.split_once('.')?;
        self.0.get(section)?.get(key)
    }

    /// Joins the network of a running node by its DHT node.
    pub fn joining(self, first: &Node) -> Self {
        match first.dht {
            Some(dht) => self.set("network.bootstrap", vec![dht.to_string()]),
            None => self,
        }
    }

    /// Switches the DHT off.
    pub fn without_dht(self) -> Self {
        self.set("network.dht", false)
    }

    /// The same as environment variables.
    fn variables(&self) -> Vec<(String, String)> {
        let sections = self.0.iter().filter_map(|(section, keys)| Some((section, keys.as_table()?)));
        let all = sections.flat_map(|(section, keys)| keys.iter().map(move |(key, value)| (section, key, value)));
        let text = |value: &toml::Value| match value {
            toml::Value::String(text) => text.clone(),
            toml::Value::Array(_) => serde_json::to_string(value).unwrap_or_default(),
            other => other.to_string(),
        };
        all.map(|(section, key, value)| (format!("WEFT_{section}__{key}").to_uppercase(), text(value))).collect()
    }

    /// Sets `section.key`.
    pub fn set(mut self, key: &str, value: impl Into<toml::Value>) -> Self {
        let (section, key) = key.split_once('.').unwrap_or(("", key));
        let section = self.0.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        if let Some(table) = section.as_table_mut() {
            table.insert(key.to_owned(), value.into());
        }
        self
    }
}

/// What a running node writes to `node.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct Node {
    /// Its process.
    pub pid: u32,
    /// Its API: `http://127.0.0.1:PORT`.
    pub api: String,
    /// Its peer key.
    pub peer: String,
    /// Where its TCP listens.
    pub tcp: SocketAddr,
    /// Where its DHT node listens, if it has one.
    pub dht: Option<SocketAddr>,
    /// The relay it offers, if it does, as another node's `overlay.relay_hints` takes it: URL, `#`, discovery port.
    pub relay: Option<String>,
}

/// A node in a folder, running or not. Dropping it kills the process; the folder stays.
#[derive(Debug)]
pub struct Peer {
    name: String,
    weft: PathBuf,
    data: PathBuf,
    place: Option<Arc<Netns>>,
    config: PeerConfig,
    /// Without a configuration file: what it is set to comes by the environment.
    fresh: bool,
    process: Option<Process>,
    node: Option<(Node, Api)>,
    started: Duration,
}

impl Peer {
    /// Starts the binary `weft` with the data folder `data`, and waits until it is ready.
    pub async fn start(
        weft: &Path,
        name: &str,
        data: &Path,
        place: Option<Arc<Netns>>,
        config: &PeerConfig,
    ) -> Result<Self> {
        let mut peer = Peer::new(weft, name, data, place, config, false);
        peer.write_config()?;
        peer.launch().await?;
        Ok(peer)
    }

    /// The same without a configuration file, as on the first day: `config` comes by the environment.
    pub async fn start_fresh(
        weft: &Path,
        name: &str,
        data: &Path,
        place: Option<Arc<Netns>>,
        config: &PeerConfig,
    ) -> Result<Self> {
        let mut peer = Peer::new(weft, name, data, place, config, true);
        fs::create_dir_all(&peer.data)?;
        peer.launch().await?;
        Ok(peer)
    }

    fn new(weft: &Path, name: &str, data: &Path, place: Option<Arc<Netns>>, config: &PeerConfig, fresh: bool) -> Self {
        let (name, weft, data) = (name.to_owned(), weft.to_owned(), data.to_owned());
        let config = config.clone();
        Peer { name, weft, data, place, config, fresh, process: None, node: None, started: Duration::ZERO }
    }

    /// Changes its configuration; the next start follows it.
    pub fn configure(&mut self, config: &PeerConfig) -> Result<()> {
        self.config = config.clone();
        self.write_config()
    }

    fn write_config(&self) -> Result<()> {
        fs::create_dir_all(&self.data)?;
        fs::write(self.data.join("config.toml"), toml::to_string(&self.config.0)?)?;
        Ok(())
    }

    /// Starts it again in the same folder after [`kill`](Peer::kill) or [`stop`](Peer::stop).
    pub async fn launch(&mut self) -> Result<()> {
        let begun = Instant::now();
        let ready = self.data.join("node.json");
        // What a killed node left behind must not be taken for the new one's.
        if let Err(e) = fs::remove_file(&ready)
            && e.kind() != std::io::ErrorKind::NotFound
        {
            return Err(anyhow!(e).context(format!("cannot remove {}", ready.display())));
        }
        let mut launch = Launch::new(&self.name, &self.weft, self.log())
            .arg("--data-dir")
            .arg(&self.data)
            .arg("up")
            .without_env("WEFT_")
            .inside(self.place.clone());
        if self.fresh {
            for (variable, value) in self.config.variables() {
                launch = launch.env(variable, value);
            }
        }
        let mut process = launch.start()?;
        let mut node = loop {
            if let Ok(text) = fs::read_to_string(&ready) {
                break serde_json::from_str::<Node>(&text).with_context(|| format!("in {}", ready.display()))?;
            }
            if let Some(status) = process.ended()? {
                bail!("{} ended at its start ({status})\n{}", self.name, process.log_tail());
            }
            if begun.elapsed() > READY {
                bail!("{} was not ready after {READY:?}\n{}", self.name, process.log_tail());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        if node.pid != process.pid() {
            bail!("{} says it is process {}, but {} was started", ready.display(), node.pid, process.pid());
        }
        let token = fs::read_to_string(self.data.join("api-token")).context("the node wrote no API token")?;
        let api = Api::new(self.place.clone(), &node.api, &token)?;
        self.started = begun.elapsed();
        self.complete(&mut node, &api).await.with_context(|| process.log_tail())?;
        self.process = Some(process);
        self.node = Some((node, api));
        Ok(())
    }

    /// A node is ready before its DHT node listens and before it offers its relay: waits for what its configuration says
    /// it will have.
    async fn complete(&self, node: &mut Node, api: &Api) -> Result<()> {
        let wants_dht = self.config.get("network.dht").and_then(toml::Value::as_bool) == Some(true);
        let wants_relay = self.config.get("overlay.relay").and_then(toml::Value::as_str) == Some("on");
        let (dht, relay) = until(&format!("the DHT node and the relay of {}", self.name), READY, || async {
            let status: Value = api.get("/api/v1/network/status").await?;
            let dht = status["dht"]["bound"].as_str().and_then(|address| address.parse().ok());
            let offered = &status["offered_relay"];
            let relay = offered["url"].as_str().zip(offered["discovery_port"].as_u64());
            let relay = relay.map(|(url, port)| format!("{url}#{port}"));
            let complete = (dht.is_some() || !wants_dht) && (relay.is_some() || !wants_relay);
            Ok(complete.then_some((dht, relay)))
        })
        .await?;
        (node.dht, node.relay) = (dht, relay);
        Ok(())
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Its log file; a restart appends.
    pub fn log(&self) -> PathBuf {
        self.data.with_extension("log")
    }

    /// How long its last start took.
    pub fn start_time(&self) -> Duration {
        self.started
    }

    /// Whether it is running.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| matches!(process.ended(), Ok(None)))
    }

    /// What it wrote at its last start.
    pub fn node(&self) -> Result<&Node> {
        Ok(&self.node.as_ref().context("the node never started")?.0)
    }

    /// Its API.
    pub fn api(&self) -> Result<&Api> {
        Ok(&self.node.as_ref().context("the node never started")?.1)
    }

    /// The running process.
    pub fn process(&mut self) -> Result<&mut Process> {
        self.process.as_mut().with_context(|| format!("{} is not running", self.name))
    }

    /// CPU time and memory of the running process.
    pub fn usage(&self) -> Result<Usage> {
        self.process.as_ref().with_context(|| format!("{} is not running", self.name))?.usage()
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        self.process.as_ref().map_or_else(String::new, Process::log_tail)
    }

    /// `kill -9`.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.kill())
    }

    /// SIGTERM, and waits for an orderly end; another end than success is an error.
    pub async fn stop(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let status = process.stop(STOPPED).await?;
        if !status.success() {
            bail!("{} ended with {status} when asked to stop\n{}", self.name, process.log_tail());
        }
        Ok(())
    }
}
