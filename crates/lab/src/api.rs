//! What a lab asks of a node over its HTTP API, and how the answers look to an outside program.
//!
//! The shapes are read here anew, with the few fields a lab needs: a change that breaks outside programs breaks this.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use data_encoding::BASE64;
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::clients::Source;
use crate::http::{Answer, Http};
use crate::netns::Netns;

/// One torrent as `/api/v1/files/torrents/{info_hash}` shows it.
#[derive(Debug, Clone, Deserialize)]
pub struct Torrent {
    /// Its v1 info-hash in hex.
    pub info_hash: String,
    /// Its name.
    pub name: String,
    /// `checking`, `fetching-metadata`, `downloading`, `seeding`, `paused` or `error`.
    pub state: String,
    /// Why it stopped, if it did.
    pub trouble: Option<Trouble>,
    /// Troubles that do not stop it.
    #[serde(default)]
    pub warnings: Vec<Trouble>,
    /// Every wanted piece is here and verified.
    pub complete: bool,
    /// Bytes.
    pub size: u64,
    /// Verified bytes.
    pub done: u64,
    /// Verified part, 0 to 1.
    pub progress: f64,
    /// Bytes a piece.
    pub piece_length: u32,
    /// Number of pieces.
    pub pieces: u32,
    /// Verified pieces.
    pub pieces_done: u32,
    /// Content bytes received, rejected ones too.
    pub downloaded: u64,
    /// Content bytes sent.
    pub uploaded: u64,
    /// Content bytes received that failed their hash.
    pub wasted: u64,
    /// Bytes a second from peers.
    pub rate_down: u64,
    /// Open connections.
    #[serde(default)]
    pub peers: Vec<Connection>,
    /// What came from and went to whom since the start, gone peers too.
    #[serde(default)]
    pub exchanged: Vec<Exchange>,
}

/// What is wrong with a torrent.
#[derive(Debug, Clone, Deserialize)]
pub struct Trouble {
    /// For programs: `disk-full`, `read-only`, …
    pub kind: String,
    /// What happened.
    pub message: String,
    /// What mends it.
    pub mend: String,
}

/// One open connection of a torrent.
#[derive(Debug, Clone, Deserialize)]
pub struct Connection {
    /// The proven key.
    pub key: Option<String>,
    /// The address, where there is one.
    pub address: Option<SocketAddr>,
    /// `tcp`, `tls`, `direct` or `relayed`.
    pub path: String,
    /// What client it says it is.
    pub client: String,
    /// Content bytes from it.
    pub downloaded: u64,
    /// Content bytes to it.
    pub uploaded: u64,
}

/// What was exchanged with one peer over all its connections.
#[derive(Debug, Clone, Deserialize)]
pub struct Exchange {
    /// Its key if proven, else its address.
    pub peer: String,
    /// Content bytes from it.
    pub downloaded: u64,
    /// Content bytes to it.
    pub uploaded: u64,
    /// The path of its last connection.
    pub path: String,
}

/// A node's API.
#[derive(Debug, Clone)]
pub struct Api {
    http: Http,
    base: String,
    token: String,
}

impl Api {
    /// The API at `base` (`http://127.0.0.1:PORT`) of a node inside `place`.
    pub fn new(place: Option<Arc<Netns>>, base: &str, token: &str) -> Result<Self> {
        Ok(Api { http: Http::at(place)?, base: base.trim_end_matches('/').to_owned(), token: token.trim().to_owned() })
    }

    /// One request; `path` begins with `/`. An answer that is no success is an error with its problem text.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let answer = self.raw(method.clone(), path, body).await?;
        if !(200..300).contains(&answer.status) {
            bail!("{method} {path}: {} {}", answer.status, answer.text());
        }
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body)
            .with_context(|| format!("{method} {path} answered no JSON: {}", answer.text()))
    }

    /// One request with whatever answer it gets.
    pub async fn raw(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer> {
        let mut request = self.http.request(method, &format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.http.send(request).await
    }

    /// GET, read as `T`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let value = self.call(Method::GET, path, None).await?;
        serde_json::from_value(value).with_context(|| format!("{path} has another shape than expected"))
    }

    /// POST.
    pub async fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// The text of the event feed after this record, as it comes.
    pub fn events(&self, after: u64) -> tokio::sync::mpsc::Receiver<String> {
        let url = format!("{}/api/v1/events?after={after}", self.base);
        self.http.stream(self.http.request(Method::GET, &url).bearer_auth(&self.token))
    }

    /// One torrent.
    pub async fn torrent(&self, info_hash: &str) -> Result<Torrent> {
        self.get(&format!("/api/v1/files/torrents/{info_hash}")).await
    }

    /// The `.torrent` file of a torrent.
    pub async fn metainfo(&self, info_hash: &str) -> Result<Vec<u8>> {
        let answer = self.raw(Method::GET, &format!("/api/v1/files/torrents/{info_hash}/metainfo"), None).await?;
        ensure!(answer.status == 200, "no metainfo of {info_hash}: {} {}", answer.status, answer.text());
        Ok(answer.body)
    }

    /// Changes the node's rate limits, in bytes a second; `None` is no limit.
    pub async fn limit(&self, download: Option<u64>, upload: Option<u64>) -> Result<()> {
        let body = json!({ "download": download, "upload": upload });
        self.call(Method::PUT, "/api/v1/files/limits", Some(body)).await?;
        Ok(())
    }

    /// Tells a torrent to `pause`, `resume` or `recheck`.
    pub async fn tell(&self, info_hash: &str, what: &str) -> Result<()> {
        self.call(Method::POST, &format!("/api/v1/files/torrents/{info_hash}/{what}"), None).await?;
        Ok(())
    }

    /// A fresh invitation link.
    pub async fn invite(&self) -> Result<String> {
        let answer = self.post("/api/v1/people/invitations", json!({})).await?;
        Ok(answer["link"].as_str().context("the invitation holds no link")?.to_owned())
    }

    /// Takes an invitation: its user becomes a contact.
    pub async fn accept(&self, link: &str) -> Result<()> {
        self.post("/api/v1/people/invitations/accept", json!({ "link": link })).await?;
        Ok(())
    }

    /// Shares a file or folder where it lies.
    pub async fn share(&self, path: &Path) -> Result<Shared> {
        self.share_with(path, json!({})).await
    }

    /// Shares with more options: `trackers`, `private`, `piece_length`.
    pub async fn share_with(&self, path: &Path, options: Value) -> Result<Shared> {
        let mut body = json!({ "path": path });
        merge(&mut body, options);
        Ok(serde_json::from_value(self.post("/api/v1/files/torrents", body).await?)?)
    }

    /// Adds a torrent whose data go to `folder`, or to the node's own folder; returns its info-hash.
    pub async fn add(&self, source: Source<'_>, folder: Option<&Path>) -> Result<String> {
        self.add_with(source, json!({ "dir": folder })).await
    }

    /// Adds with more options: `dir`, `peers`, `paused`, `trackers`.
    pub async fn add_with(&self, source: Source<'_>, options: Value) -> Result<String> {
        let mut body = match source {
            Source::Metainfo(bytes) => json!({ "metainfo": BASE64.encode(bytes) }),
            Source::Magnet(link) => json!({ "magnet": link }),
        };
        merge(&mut body, options);
        let added: Shared = serde_json::from_value(self.post("/api/v1/files/torrents", body).await?)?;
        Ok(added.info_hash)
    }
}

/// What the node says of a torrent it was given.
#[derive(Debug, Clone, Deserialize)]
pub struct Shared {
    /// Its v1 info-hash in hex.
    pub info_hash: String,
    /// The link that others get it by.
    #[serde(alias = "magnet")]
    pub link: String,
}

fn merge(body: &mut Value, options: Value) {
    if let (Some(body), Value::Object(options)) = (body.as_object_mut(), options) {
        body.extend(options.into_iter().filter(|(_, value)| !value.is_null()));
    }
}
