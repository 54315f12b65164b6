//! transmission-daemon over its RPC.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use data_encoding::BASE64;
use serde_json::{Value, json};

use super::{Source, Status};
use crate::http::Http;
use crate::netns::Netns;
use crate::process::{Launch, Process, until};

/// The port it listens on for peers.
const PEER_PORT: u16 = 51413;
/// What transmission calls a torrent that seeds (`tr_torrent_activity`).
const SEEDING: u64 = 6;
const SESSION: &str = "X-Transmission-Session-Id";

/// A running transmission-daemon with a configuration of its own.
#[derive(Debug)]
pub struct Transmission {
    process: Process,
    http: Http,
    session: String,
}

impl Transmission {
    /// Starts it in `folder`, inside `place`, speaking to peers from `address`. It finds peers by trackers alone unless
    /// `exchange` allows peer exchange: no DHT, no local discovery, no port mapping.
    pub async fn start(place: Arc<Netns>, address: Ipv4Addr, folder: &Path, exchange: bool) -> Result<Self> {
        let configuration = folder.join("transmission");
        fs::create_dir_all(&configuration)?;
        let settings = json!({
            "rpc-bind-address": "127.0.0.1", "rpc-port": 9091, "rpc-authentication-required": false,
            "rpc-whitelist-enabled": false, "rpc-host-whitelist-enabled": false,
            "bind-address-ipv4": address.to_string(), "peer-port": PEER_PORT, "port-forwarding-enabled": false,
            "dht-enabled": false, "lpd-enabled": false, "pex-enabled": exchange, "utp-enabled": false,
            "encryption": 0, "download-dir": folder, "incomplete-dir-enabled": false, "rename-partial-files": false,
            "watch-dir-enabled": false, "message-level": 2, "peer-limit-per-torrent": 60, "upload-slots-per-torrent": 14,
            "speed-limit-up-enabled": false, "speed-limit-down-enabled": false, "preallocation": 1,
            "ratio-limit-enabled": false, "idle-seeding-limit-enabled": false,
        });
        fs::write(configuration.join("settings.json"), settings.to_string())?;
        let process = Launch::new("transmission", "transmission-daemon", folder.join("transmission.log"))
            .args(["--foreground", "--config-dir"])
            .arg(&configuration)
            .env("HOME", folder)
            .inside(Some(place.clone()))
            .start()?;
        let mut client = Transmission { process, http: Http::at(Some(place))?, session: String::new() };
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while let Err(e) = client.call("session-get", json!({})).await {
            if client.process.ended()?.is_some() || std::time::Instant::now() > deadline {
                return Err(e.context(format!("transmission did not come up\n{}", client.process.log_tail())));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(client)
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Adds a torrent; returns its info-hash in hex.
    pub async fn add(&mut self, source: Source<'_>, folder: &Path) -> Result<String> {
        let mut arguments = json!({ "download-dir": folder, "paused": false });
        match source {
            Source::Metainfo(bytes) => arguments["metainfo"] = BASE64.encode(bytes).into(),
            Source::Magnet(link) => arguments["filename"] = link.into(),
        }
        let answer = self.call("torrent-add", arguments).await?;
        let added = answer.get("torrent-added").context("transmission had this torrent already")?;
        Ok(added["hashString"].as_str().context("no hash in transmission's answer")?.to_owned())
    }

    /// How far it is with a torrent.
    pub async fn status(&mut self, info_hash: &str) -> Result<Status> {
        let fields = [
            "status",
            "leftUntilDone",
            "percentDone",
            "sizeWhenDone",
            "metadataPercentComplete",
            "downloadedEver",
            "uploadedEver",
            "errorString",
            "peers",
        ];
        let answer = self.call("torrent-get", json!({ "ids": [info_hash], "fields": fields })).await?;
        let torrent = answer["torrents"].get(0).context("transmission does not know this torrent")?;
        let number = |key: &str| torrent[key].as_u64().unwrap_or(0);
        let whole = torrent["metadataPercentComplete"].as_f64() == Some(1.0) && number("sizeWhenDone") > 0;
        let peer = |peer: &Value| {
            let address: IpAddr = peer["address"].as_str()?.parse().ok()?;
            Some(SocketAddr::new(address, u16::try_from(peer["port"].as_u64()?).ok()?))
        };
        Ok(Status {
            progress: torrent["percentDone"].as_f64().unwrap_or(0.0),
            complete: whole && number("leftUntilDone") == 0 && number("status") == SEEDING,
            downloaded: number("downloadedEver"),
            uploaded: number("uploadedEver"),
            peers: torrent["peers"].as_array().into_iter().flatten().filter_map(peer).collect(),
            error: torrent["errorString"].as_str().unwrap_or("").to_owned(),
        })
    }

    /// Asks the tracker for more peers now.
    pub async fn reannounce(&mut self, info_hash: &str) -> Result<()> {
        self.call("torrent-reannounce", json!({ "ids": [info_hash] })).await?;
        Ok(())
    }

    /// Waits until it seeds, that is, until it has checked data that were there before.
    pub async fn seeds(&mut self, info_hash: &str, within: Duration) -> Result<()> {
        let client = tokio::sync::Mutex::new(self);
        until("transmission to have checked its data", within, || async {
            Ok(client.lock().await.status(info_hash).await?.complete.then_some(()))
        })
        .await
    }

    /// One RPC. A 409 carries the session id to say from then on.
    async fn call(&mut self, method: &str, arguments: Value) -> Result<Value> {
        let body = json!({ "method": method, "arguments": arguments });
        for _ in 0..2 {
            let request = self.http.request(reqwest::Method::POST, "http://127.0.0.1:9091/transmission/rpc");
            let answer = self.http.send(request.header(SESSION, &self.session).json(&body)).await?;
            if answer.status == 409 {
                let session = answer.headers.get(SESSION).context("transmission gave no session id")?;
                self.session = session.to_str()?.to_owned();
                continue;
            }
            let mut value: Value = serde_json::from_slice(&answer.body).context("transmission's answer is no JSON")?;
            if value["result"] != "success" {
                bail!("transmission refused {method}: {}", value["result"]);
            }
            return Ok(value["arguments"].take());
        }
        bail!("transmission keeps changing its session id")
    }
}
