//! What is measured: processes of Weft or anvil, on this machine's loopback.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy_primitives::Address;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use weft_lab::http::Http;
use weft_lab::process::{Launch, Process, Usage, until};
use weft_lab::{Peer, PeerConfig};

use super::rpc::{Rpc, number};

/// EIP-155; anvil is told the same.
pub(crate) const CHAIN_ID: u64 = 9338;

/// As long as anything may take that takes a moment.
const SOON: Duration = Duration::from_secs(120);

/// What the account has that pays for everything.
const COINS: u64 = 1_000_000_000;

enum Processes {
    Weft(Vec<Peer>),
    Anvil(Process),
}

/// The servers of one chain.
pub(crate) struct Servers {
    processes: Processes,
    rpcs: Vec<Rpc>,
    _dir: TempDir,
}

impl Servers {
    /// anvil with blocks of one second; `bank` has coins.
    pub(crate) async fn anvil(program: &Path, http: &Http, scratch: &Path, bank: Address) -> Result<Servers> {
        let dir = tempfile::tempdir_in(scratch)?;
        let port = free_port()?;
        let process = Launch::new("anvil", program, dir.path().join("anvil.log"))
            .args(["--silent", "--block-time", "1", "--gas-limit", "1000000000", "--accounts", "1"])
            .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--chain-id", &CHAIN_ID.to_string()])
            .start()?;
        let rpc = Rpc::new(http, &format!("http://127.0.0.1:{port}"));
        until("anvil", SOON, || async { Ok(rpc.height().await.ok()) }).await.with_context(|| process.log_tail())?;
        let coins = format!("{:#x}", u128::from(COINS) * 1_000_000_000_000_000_000);
        rpc.call("anvil_setBalance", json!([bank, coins])).await?;
        Ok(Servers { processes: Processes::Anvil(process), rpcs: vec![rpc], _dir: dir })
    }

    /// Weft's validators on a new chain; `bank` has coins.
    pub(crate) async fn weft(
        weft: &Path,
        http: &Http,
        scratch: &Path,
        validators: usize,
        block_time_ms: u64,
        bank: Address,
    ) -> Result<Servers> {
        let dir = tempfile::tempdir_in(scratch)?;
        let mut nodes = Vec::new();
        for index in 0..validators {
            // A restarted node is to be found where it was.
            let config = PeerConfig::lab("bench-ledger", Ipv4Addr::LOCALHOST)
                .without_dht()
                .set("overlay.port", i64::from(free_port()?))
                .set("ledger.rpc_listen", format!("127.0.0.1:{}", free_port()?));
            let name = format!("validator-{index}");
            nodes.push(Peer::start(weft, &name, &dir.path().join(&name), None, &config).await?);
        }
        let mut others = Vec::new();
        for node in &nodes[1..] {
            let candidate: Value = node.api()?.get("/api/v1/ledger/candidate").await?;
            others.push(json!({ "candidate": candidate["candidate"] }));
        }
        let init = json!({ "chain_id": CHAIN_ID, "validators": others, "coins": { bank.to_string(): COINS },
            "block_time_ms": block_time_ms });
        let entered: Value = nodes[0].api()?.post("/api/v1/ledger/init", init).await?;
        for node in &nodes[1..] {
            let ticket = json!({ "ticket": entered["ticket"] });
            let _: Value = node.api()?.post("/api/v1/ledger/join", ticket).await?;
        }
        let mut rpcs = Vec::new();
        for node in &nodes {
            let status: Value = node.api()?.get("/api/v1/ledger/status").await?;
            rpcs.push(Rpc::new(http, status["chain"]["rpc"].as_str().context("no chain runs")?));
        }
        let servers = Servers { processes: Processes::Weft(nodes), rpcs, _dir: dir };
        servers.reach(1).await?;
        Ok(servers)
    }

    /// The RPCs of those that run.
    pub(crate) fn rpcs(&self) -> Vec<Rpc> {
        match &self.processes {
            Processes::Anvil(_) => self.rpcs.clone(),
            Processes::Weft(nodes) => {
                let up = nodes.iter().zip(&self.rpcs).filter(|(node, _)| node.usage().is_ok());
                up.map(|(_, rpc)| rpc.clone()).collect()
            }
        }
    }

    /// CPU time and memory of all that run, together.
    pub(crate) fn usage(&self) -> Result<Usage> {
        let usages: Vec<Usage> = match &self.processes {
            Processes::Anvil(process) => vec![process.usage()?],
            Processes::Weft(nodes) => nodes.iter().filter_map(|node| node.usage().ok()).collect(),
        };
        ensure!(!usages.is_empty(), "no server runs");
        Ok(Usage {
            cpu_seconds: usages.iter().map(|usage| usage.cpu_seconds).sum(),
            peak_rss: usages.iter().map(|usage| usage.peak_rss).sum(),
        })
    }

    /// Waits until all that run have this block.
    pub(crate) async fn reach(&self, height: u64) -> Result<()> {
        for rpc in self.rpcs() {
            until(&format!("block {height} everywhere"), SOON, || async {
                Ok((rpc.height().await? >= height).then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    /// `kill -9` of the last validator.
    pub(crate) fn kill_last(&mut self) -> Result<()> {
        match &mut self.processes {
            Processes::Weft(nodes) => nodes.last_mut().context("there is a validator")?.kill(),
            Processes::Anvil(_) => Ok(()),
        }
    }

    /// Starts it again, and waits until it has what the others have.
    pub(crate) async fn revive_last(&mut self) -> Result<()> {
        let Processes::Weft(nodes) = &mut self.processes else { return Ok(()) };
        nodes.last_mut().context("there is a validator")?.launch().await?;
        let height = number(&self.rpcs[0].call("eth_blockNumber", json!([])).await?)?;
        let last = self.rpcs.last().context("there is a validator")?;
        until("the validator to have caught up", SOON, || async {
            Ok(last.height().await.is_ok_and(|its| its >= height).then_some(()))
        })
        .await
    }
}

/// anvil, as `npm install` in `contracts` puts it there.
pub(crate) fn anvil_program() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/node_modules/@foundry-rs");
    let found = std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
    let mut programs = found.map(|entry| entry.path().join("bin/anvil")).filter(|program| program.is_file());
    programs.next().context("anvil is not in contracts/node_modules: `npm install` there puts it there")
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
