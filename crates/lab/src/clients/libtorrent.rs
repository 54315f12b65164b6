//! libtorrent by its Python binding, one JSON object a line each way.

use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use data_encoding::BASE64;
use serde_json::{Value, json};

use super::{Source, Status};
use crate::netns::Netns;
use crate::process::{Launch, Process};

/// The interpreter Debian's binding is installed for.
pub(super) const PYTHON: &str = "/usr/bin/python3";
/// The port it listens on for peers.
const PEER_PORT: u16 = 6881;
const DRIVER: &str = include_str!("libtorrent_driver.py");

/// A running libtorrent session.
#[derive(Debug)]
pub struct Libtorrent {
    process: Process,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    version: String,
}

impl Libtorrent {
    /// Starts one inside `place`, speaking to peers from `address` by TCP. It finds peers by trackers and
    /// [`Libtorrent::connect`] alone unless `exchange` allows peer exchange.
    pub fn start(place: Arc<Netns>, address: Ipv4Addr, folder: &Path, exchange: bool) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let driver = folder.join("libtorrent_driver.py");
        std::fs::write(&driver, DRIVER)?;
        let options =
            json!({ "listen": format!("{address}:{PEER_PORT}"), "from": address.to_string(), "exchange": exchange });
        let mut process = Launch::new("libtorrent", PYTHON, folder.join("libtorrent.log"))
            .arg(&driver)
            .arg(options.to_string())
            .directory(folder)
            .inside(Some(place))
            .piped()
            .start()?;
        let (input, output) = process.pipes().context("libtorrent has no pipes")?;
        let mut client = Libtorrent { process, input, output: BufReader::new(output), version: String::new() };
        let hello = client.ask(json!({ "do": "hello" }))?;
        client.version = hello["version"].as_str().unwrap_or("").to_owned();
        Ok(client)
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Adds a torrent; returns its info-hash in hex.
    pub fn add(&mut self, source: Source<'_>, folder: &Path) -> Result<String> {
        let mut request = json!({ "do": "add", "folder": folder });
        match source {
            Source::Metainfo(bytes) => request["metainfo"] = BASE64.encode(bytes).into(),
            Source::Magnet(link) => request["magnet"] = link.into(),
        }
        Ok(self.ask(request)?["info_hash"].as_str().context("libtorrent gave no info-hash")?.to_owned())
    }

    /// Dials a peer.
    pub fn connect(&mut self, info_hash: &str, address: Ipv4Addr, port: u16) -> Result<()> {
        self.ask(json!({ "do": "connect", "info_hash": info_hash, "address": address.to_string(), "port": port }))?;
        Ok(())
    }

    /// How far it is with a torrent.
    pub fn status(&mut self, info_hash: &str) -> Result<Status> {
        let answer = self.ask(json!({ "do": "status", "info_hash": info_hash }))?;
        let peers = answer["peers"].as_array().into_iter().flatten();
        Ok(Status {
            progress: answer["progress"].as_f64().unwrap_or(0.0),
            complete: answer["complete"].as_bool().unwrap_or(false),
            downloaded: answer["downloaded"].as_u64().unwrap_or(0),
            uploaded: answer["uploaded"].as_u64().unwrap_or(0),
            peers: peers.filter_map(|peer| peer.as_str()?.parse().ok()).collect(),
            error: answer["error"].as_str().unwrap_or("").to_owned(),
        })
    }

    /// Makes a `.torrent` of a file or folder with libtorrent's own writer: an independent maker of metainfo.
    pub fn make(&mut self, path: &Path, piece_length: u32, tracker: &str, private: bool) -> Result<Vec<u8>> {
        let request =
            json!({ "do": "make", "path": path, "piece_length": piece_length, "tracker": tracker, "private": private });
        let answer = self.ask(request)?;
        Ok(BASE64.decode(answer["metainfo"].as_str().context("libtorrent made nothing")?.as_bytes())?)
    }

    fn ask(&mut self, request: Value) -> Result<Value> {
        let lost = |process: &Process| format!("libtorrent does not answer\n{}", process.log_tail());
        writeln!(self.input, "{request}").and_then(|()| self.input.flush()).with_context(|| lost(&self.process))?;
        let mut line = String::new();
        self.output.read_line(&mut line).with_context(|| lost(&self.process))?;
        let answer: Value = serde_json::from_str(&line).with_context(|| lost(&self.process))?;
        match answer["failed"].as_str() {
            Some(why) => bail!("libtorrent refused {}: {why}", request["do"]),
            None => Ok(answer),
        }
    }
}
