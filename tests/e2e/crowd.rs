//! A crowd behind the real API: 200 torrents, 300 peers and 500 events a second, made up, for the page to keep up with.
//!
//! The node is real, with its feed, its guard and its page; the `files` and `network` services are replaced by ones whose
//! torrents and peers do not exist.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use async_trait::async_trait;
use axum::Json;
use axum::extract::{Path, State};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use weft_node::{Node, NodeConfig, Paths, Sources};
use weft_service::{Activity, Health, Service, StartError};

/// What the issue asks for.
pub(crate) const TORRENTS: u64 = 200;
pub(crate) const PEERS: u64 = 300;
pub(crate) const EVENTS_A_SECOND: u64 = 500;

/// Pieces of each torrent.
const PIECES: u64 = 1024;
/// Columns of a weave.
const COLUMNS: u64 = 64;
/// Bytes of a piece.
const PIECE: u64 = 1 << 20;
/// Events come in bursts this far apart, as batches of real services do.
const BURST: Duration = Duration::from_millis(20);

/// The made-up state: one number, from which everything follows. It grows with every event.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicU64>);

impl Clock {
    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

fn hash(torrent: u64) -> String {
    format!("{:040x}", torrent + 1)
}

fn peer(number: u64) -> String {
    // 52 characters of z-base-32, as a key has.
    let alphabet = b"ybndrfg8ejkmcpqxot1uwisza345h769";
    let mut rng = StdRng::seed_from_u64(number);
    (0..52).map(|_| char::from(alphabet[rng.random_range(0..32)])).collect()
}

/// Each torrent is at another place of the same story: 0 to all pieces, and from the beginning again.
fn done(torrent: u64, now: u64) -> u64 {
    (now / TORRENTS + torrent * 37) % (PIECES + 1)
}

fn weave(torrent: u64, now: u64) -> Value {
    let woven = done(torrent, now) * COLUMNS / PIECES;
    let givers: Vec<String> =
        std::iter::once(String::new()).chain((0..8).map(|n| peer((torrent + n) % PEERS))).collect();
    let cells = (0..COLUMNS).map(|column| if column < woven { char::from(b'1' + (column % 8) as u8) } else { '.' });
    json!({ "givers": givers, "cells": cells.collect::<String>() })
}

fn torrent(number: u64, now: u64) -> Value {
    let pieces_done = done(number, now);
    let state = if pieces_done == PIECES { "seeding" } else { "downloading" };
    json!({
        "info_hash": hash(number), "name": format!("crowd {number:03}.bin"), "dir": "/srv/files", "state": state,
        "trouble": null, "warnings": [], "private": false, "complete": pieces_done == PIECES, "added_at": 1_790_000_000 + number,
        "completed_at": null, "size": PIECES * PIECE, "wanted": PIECES * PIECE, "done": pieces_done * PIECE,
        "progress": pieces_done as f64 / PIECES as f64, "piece_length": PIECE, "pieces": PIECES, "pieces_done": pieces_done,
        "downloaded": pieces_done * PIECE, "uploaded": number * PIECE, "wasted": 0, "ratio": 0.5,
        "rate_down": 1_000_000 + number, "rate_up": 500_000, "eta_seconds": 60, "limits": { "download": null, "upload": null },
        "peers": [], "exchanged": [], "candidates": 0, "trackers": [], "files": [], "weave": weave(number, now),
    })
}

fn known_peer(number: u64, now: u64) -> Value {
    let at = unix_ms();
    let path = ["tls", "direct", "relayed", "tcp"][(number % 4) as usize];
    json!({
        "id": peer(number), "key": peer(number), "contact": number.is_multiple_of(10), "connections": 1, "path": path,
        "direction": "out", "connected_since_ms": at - 60_000, "first_seen_ms": at - 3_600_000, "last_seen_ms": at,
        "rtt_ms": 5.0 + (number % 90) as f64, "rtt_min_ms": 4.0, "served_bytes_per_s": 100_000.0, "bytes_in": now * number,
        "bytes_out": now, "paths": [], "failures_in_a_row": 0, "last_failure": null, "addresses": [], "relays": [],
        "agent": "weft/0.1.0", "hello": {},
    })
}

fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Two hundred torrents that do not exist.
struct Files(Clock);

/// Three hundred peers that do not exist.
struct Network(Clock);

#[utoipa::path(get, path = "/torrents", operation_id = "files_torrents", responses((status = OK)))]
async fn torrents(State(clock): State<Clock>) -> Json<Value> {
    Json((0..TORRENTS).map(|number| torrent(number, clock.now())).collect())
}

#[utoipa::path(get, path = "/torrents/{info_hash}", operation_id = "files_torrent", responses((status = OK)))]
async fn one(State(clock): State<Clock>, Path(id): Path<String>) -> Json<Value> {
    let number = u64::from_str_radix(&id, 16).unwrap_or(1).saturating_sub(1);
    Json(torrent(number, clock.now()))
}

#[utoipa::path(get, path = "/peers", operation_id = "network_list", responses((status = OK)))]
async fn peers(State(clock): State<Clock>) -> Json<Value> {
    Json((0..PEERS).map(|number| known_peer(number, clock.now())).collect())
}

#[async_trait]
impl Service for Files {
    fn name(&self) -> &'static str {
        "files"
    }
    fn summary(&self) -> &'static str {
        "a crowd of torrents"
    }
    fn api(&self) -> OpenApiRouter {
        let router = OpenApiRouter::new().routes(utoipa_axum::routes!(torrents)).routes(utoipa_axum::routes!(one));
        router.with_state(self.0.clone())
    }
    fn snapshot(&self) -> Value {
        let now = self.0.now();
        json!({ "torrents": (0..TORRENTS).map(|number| torrent(number, now)).collect::<Vec<_>>(),
            "totals": { "torrents": TORRENTS, "connections": PEERS, "half_open": 0, "rate_down": 200_000_000, "rate_up": 100_000_000,
                "downloaded": now * PIECE, "uploaded": now * PIECE / 2, "piece_memory": 0, "resume_trouble": null } })
    }
    fn activity(&self) -> Activity {
        let now = self.0.now();
        let live = (0..20).map(|number| {
            let done = done(number, now);
            json!({ "info_hash": hash(number), "state": "downloading", "progress": done as f64 / PIECES as f64,
                "done": done * PIECE, "rate_down": 1_000_000, "rate_up": 500_000, "eta_seconds": 60, "peers": 8,
                "downloaded": done * PIECE, "uploaded": number * PIECE, "ratio": 0.5 })
        });
        Activity {
            busy: true,
            bytes_in: now * PIECE,
            bytes_out: now * PIECE / 2,
            carries: false,
            partners: (0..32).map(peer).collect(),
            detail: json!({ "torrents": live.collect::<Vec<_>>() }),
        }
    }
    fn health(&self) -> Health {
        Health::Ok
    }
    fn is_core(&self) -> bool {
        true
    }
    async fn start(&self) -> Result<(), StartError> {
        Ok(())
    }
    async fn stop(&self) {}
}

#[async_trait]
impl Service for Network {
    fn name(&self) -> &'static str {
        "network"
    }
    fn summary(&self) -> &'static str {
        "a crowd of peers"
    }
    fn api(&self) -> OpenApiRouter {
        OpenApiRouter::new().routes(utoipa_axum::routes!(peers)).with_state(self.0.clone())
    }
    fn snapshot(&self) -> Value {
        let now = self.0.now();
        let dht = json!({ "state": "joined", "bound": "127.0.0.1:6881", "nodes": 120, "estimated": 90_000, "server": true,
            "ipv4_only": true, "lookups": now / 100, "lookups_running": 2, "announces": now / 500 });
        let status = json!({ "key": peer(9999), "network": "private/crowd", "tcp": "127.0.0.1:1", "tcp_mapped": null, "udp": [],
            "addresses": [], "reflexive": [], "nat": "open", "home_relay": null, "relays": [], "offered_relay": null,
            "dht": dht, "connections": PEERS, "max_connections": 400 });
        json!({ "status": status, "peers": (0..PEERS).map(|number| known_peer(number, now)).collect::<Vec<_>>() })
    }
    fn activity(&self) -> Activity {
        let now = self.0.now();
        let live = (0..24).map(|number| {
            json!({ "id": peer(number), "path": "direct", "rtt_ms": 5.0 + (now % 50) as f64, "rate_in": 100_000 + now % 1000,
                "rate_out": 50_000, "bytes_in": now * number, "bytes_out": now })
        });
        let dht = json!({ "state": "joined", "nodes": 120, "lookups": now / 100, "lookups_running": 2, "announces": now / 500 });
        let detail = json!({ "peers": live.collect::<Vec<_>>(), "dht": dht });
        Activity {
            busy: true,
            bytes_in: now * PIECE,
            bytes_out: now * PIECE,
            carries: true,
            partners: Vec::new(),
            detail,
        }
    }
    fn health(&self) -> Health {
        Health::Ok
    }
    fn is_core(&self) -> bool {
        true
    }
    async fn start(&self) -> Result<(), StartError> {
        Ok(())
    }
    async fn stop(&self) {}
}

/// One event of the crowd.
struct Said {
    source: &'static str,
    kind: &'static str,
    data: Value,
}

/// Three of four events are of torrents; the rest of peers that come, go and change their path.
fn event(now: u64) -> Said {
    let number = now * 7919;
    let (which, who) = (number % TORRENTS, peer(number % PEERS));
    let info_hash = hash(which);
    let of_files = |kind, data| Said { source: "files", kind, data };
    let of_network = |kind, data| Said { source: "network", kind, data };
    match now % 8 {
        0 => of_files(
            "peer-connected",
            json!({ "kind": "peer-connected", "info_hash": info_hash, "peer": who, "path": "tls", "origin": "dht" }),
        ),
        1 => of_files(
            "peer-disconnected",
            json!({ "kind": "peer-disconnected", "info_hash": info_hash, "peer": who, "path": "tls",
            "downloaded": now, "uploaded": 0, "reason": "it closed" }),
        ),
        2 => of_network(
            "peer-path-changed",
            json!({ "kind": "peer-path-changed", "peer": who, "from": "relayed", "to": "direct" }),
        ),
        3 => of_network(
            "peer-connected",
            json!({ "kind": "peer-connected", "peer": who, "path": "direct", "incoming": false }),
        ),
        _ => {
            let pieces_done = done(which, now);
            of_files(
                "piece-batch",
                json!({ "kind": "piece-batch", "info_hash": info_hash, "pieces_done": pieces_done, "pieces": PIECES,
                "done": pieces_done * PIECE, "wanted": PIECES * PIECE, "weave": weave(which, now) }),
            )
        }
    }
}

/// A node with a crowd in it.
pub(crate) struct Crowd {
    pub(crate) node: Node,
    task: tokio::task::JoinHandle<()>,
    _dir: tempfile::TempDir,
}

impl Crowd {
    pub(crate) async fn gather() -> Result<Crowd> {
        let dir = tempfile::tempdir()?;
        let paths = Paths::within(dir.path());
        let sources = Sources { file: Some(paths.config_file.clone()), ..Sources::default() };
        let settings = [
            ("api.listen", "127.0.0.1:0"),
            ("network.name", "crowd"),
            ("network.dht", "false"),
            ("network.mdns", "false"),
            ("network.port_mapping", "false"),
            ("overlay.bind", "127.99.0.1"),
            ("overlay.port", "0"),
            ("overlay.relay", "off"),
        ];
        let sources = settings.into_iter().fold(sources, |sources, (key, value)| sources.flag("crowd", key, value));
        let clock = Clock::default();
        let config = NodeConfig::new(paths, sources.load()?);
        let config = config.service(Arc::new(Files(clock.clone()))).service(Arc::new(Network(clock.clone())));
        let node = Node::start(config).await.context("the node of the crowd does not start")?;
        let sink = node.events();
        let task = tokio::spawn(async move {
            let mut bursts = tokio::time::interval(BURST);
            let each = EVENTS_A_SECOND * u64::try_from(BURST.as_millis()).unwrap_or(0) / 1000;
            loop {
                bursts.tick().await;
                for _ in 0..each {
                    let now = clock.0.fetch_add(1, Ordering::Relaxed);
                    let said = event(now);
                    sink.emit_value(said.source, said.kind, &said.data);
                }
            }
        });
        Ok(Crowd { node, task, _dir: dir })
    }

    pub(crate) async fn disperse(self) {
        self.task.abort();
        self.node.stop().await;
    }
}
