//! A ledger of real processes on this machine's loopback, and what they are asked.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use weft_lab::http::Http;
use weft_lab::peer::{Peer, PeerConfig};
use weft_lab::process::until;

use super::payer::Payer;
use crate::scene::weft_binary;

/// EIP-155.
pub(crate) const CHAIN_ID: u64 = 9338;

/// As long as anything may take that takes a moment.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// The nodes of a ledger.
pub(crate) struct Ledger {
    pub(crate) nodes: Vec<Peer>,
    dir: TempDir,
    pub(crate) http: Http,
}

/// A final block, as a node tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) height: u64,
    pub(crate) hash: String,
}

impl Ledger {
    /// `validators` nodes with a chain among them; `payers` have a million coins each.
    pub(crate) async fn of(validators: usize, payers: &[Payer]) -> Result<Ledger> {
        Self::with(validators, payers, json!({ "heartbeat_ms": 1_000 })).await
    }

    /// The same, made otherwise in what `settings` say.
    pub(crate) async fn with(validators: usize, payers: &[Payer], settings: Value) -> Result<Ledger> {
        let ledger = Self::without_chain(validators).await?;
        let mut others = Vec::new();
        for index in 1..validators {
            others.push(json!({ "candidate": ledger.get(index, "candidate").await?["candidate"] }));
        }
        let coins: BTreeMap<String, u64> =
            payers.iter().map(|payer| (payer.address().to_string(), 1_000_000)).collect();
        let mut init = json!({ "chain_id": CHAIN_ID, "validators": others, "coins": coins });
        for (name, value) in settings.as_object().into_iter().flatten() {
            init[name] = value.clone();
        }
        let entered = ledger.post(0, "init", init).await?;
        for index in 1..validators {
            ledger.post(index, "join", json!({ "ticket": entered["ticket"] })).await?;
        }
        until("the first block on all nodes", SOON, || async {
            let heads = ledger.heads().await?;
            Ok(heads.iter().all(|head| head.height > 0).then_some(()))
        })
        .await?;
        Ok(ledger)
    }

    /// So many nodes that are on no chain.
    pub(crate) async fn without_chain(count: usize) -> Result<Ledger> {
        let mut ledger = Ledger { nodes: Vec::new(), dir: tempfile::tempdir()?, http: Http::at(None)? };
        for _ in 0..count {
            ledger.add_node().await?;
        }
        Ok(ledger)
    }

    /// One node more, on no chain yet. Says its number.
    pub(crate) async fn add_node(&mut self) -> Result<usize> {
        let data = self.next_folder();
        self.start_in(&data).await
    }

    /// The folder of the node that comes next.
    pub(crate) fn next_folder(&self) -> std::path::PathBuf {
        self.dir.path().join(format!("validator-{}", self.nodes.len()))
    }

    /// Starts a node in a folder, which may have something in it. Says its number.
    pub(crate) async fn start_in(&mut self, data: &std::path::Path) -> Result<usize> {
        let index = self.nodes.len();
        // Ports that stay over a restart are asked for as any node's are: of the system, once.
        let config = PeerConfig::lab("ledger", std::net::Ipv4Addr::LOCALHOST)
            .without_dht()
            .set("overlay.port", i64::from(free_port()?))
            .set("ledger.rpc_listen", format!("127.0.0.1:{}", free_port()?))
            .set("ledger.rpc_debug", true)
            .set("log.level", crate::scene::log_level());
        let name = format!("validator-{index}");
        self.nodes.push(Peer::start(&weft_binary().await?, &name, data, None, &config).await?);
        Ok(index)
    }

    /// A path beside the nodes' folders.
    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// Asks a node's API under `/api/v1/ledger`.
    pub(crate) async fn get(&self, index: usize, path: &str) -> Result<Value> {
        self.nodes[index].api()?.get(&format!("/api/v1/ledger/{path}")).await
    }

    /// Tells it.
    pub(crate) async fn post(&self, index: usize, path: &str, body: Value) -> Result<Value> {
        self.nodes[index].api()?.post(&format!("/api/v1/ledger/{path}"), body).await
    }

    /// The address of a node's Ethereum RPC.
    pub(crate) async fn rpc(&self, index: usize) -> Result<String> {
        let status = self.get(index, "status").await?;
        Ok(status["chain"]["rpc"].as_str().context("no chain runs")?.to_owned())
    }

    /// One call of an Ethereum RPC.
    pub(crate) async fn call(&self, url: &str, method: &str, params: Value) -> Result<Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let sending = self.http.request(Method::POST, url).json(&request);
        let mut answer: Value = serde_json::from_slice(&self.http.send(sending).await?.body)?;
        if let Some(error) = answer.get("error") {
            bail!("{method}: {error}");
        }
        Ok(answer["result"].take())
    }

    /// The head of each node that runs.
    pub(crate) async fn heads(&self) -> Result<Vec<Head>> {
        let mut heads = Vec::new();
        for index in 0..self.nodes.len() {
            heads.push(self.head(index).await?);
        }
        Ok(heads)
    }

    /// The head of one.
    pub(crate) async fn head(&self, index: usize) -> Result<Head> {
        let status = self.get(index, "status").await?;
        let chain = &status["chain"];
        let height = chain["height"].as_u64().with_context(|| format!("no chain runs: {status}"))?;
        Ok(Head { height, hash: chain["hash"].as_str().unwrap_or_default().to_owned() })
    }

    /// Waits until a node is at `height`. Says how long that took.
    pub(crate) async fn reaches(&self, index: usize, height: u64, within: Duration) -> Result<Duration> {
        let begun = Instant::now();
        until(&format!("height {height} on {}", self.nodes[index].name()), within, || async {
            Ok((self.head(index).await?.height >= height).then_some(()))
        })
        .await
        .with_context(|| self.tail(index))?;
        Ok(begun.elapsed())
    }

    /// The hash of a final block, as a node has it.
    pub(crate) async fn block_hash(&self, index: usize, height: u64) -> Result<String> {
        let block = self.get(index, &format!("blocks/{height}")).await?;
        Ok(block["hash"].as_str().unwrap_or_default().to_owned())
    }

    /// Checks that all nodes have the same blocks, without a gap, up to the lowest head; says how high that is.
    pub(crate) async fn agree(&self) -> Result<u64> {
        let lowest = self.heads().await?.iter().map(|head| head.height).min().unwrap_or(0);
        let mut parent = self.block_hash(0, 0).await?;
        for height in 1..=lowest {
            let block = self.get(0, &format!("blocks/{height}")).await?;
            ensure!(block["parent"].as_str() == Some(&parent), "block {height} does not follow the one before");
            parent = block["hash"].as_str().unwrap_or_default().to_owned();
        }
        // A block's hash holds its parent's: the highest common one tells all below it.
        for index in 1..self.nodes.len() {
            ensure!(self.block_hash(index, lowest).await? == parent, "nodes differ at height {lowest}");
        }
        Ok(lowest)
    }

    fn tail(&self, index: usize) -> String {
        let log = std::fs::read_to_string(self.nodes[index].log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
