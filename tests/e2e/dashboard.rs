//! The dashboard in a real browser, against a real lab of five peers: two people behind two routers, two relay peers in the
//! open, and a newcomer.
//!
//! Each peer's page is opened by a browser on that peer's own machine (network namespace). The scenes are in `web/e2e`; they
//! ask for faults by a line of JSON on standard output, and this side answers each with one.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use weft_lab::nat::{Home, NatKind};
use weft_lab::netns::Netns;
use weft_lab::peer::{Peer, PeerConfig};
use weft_lab::process::{Launch, Process};

use crate::crowd::{Crowd, EVENTS_A_SECOND, PEERS, TORRENTS};
use crate::ledger::chain::Ledger;
use crate::scene::{NETWORK, Scene, log_level, quiet, say, soak};

/// Every page is at the usual port: each machine has a loopback of its own.
const API: &str = "127.0.0.1:9338";
/// From a home to the middle of the network.
const DELAY: Duration = Duration::from_millis(5);
/// All the scenes of one lab.
const SCENES: Duration = Duration::from_secs(600);
/// Five minutes of watching in the long form, and what surrounds them.
const CROWD: Duration = Duration::from_secs(480);

/// A peer and the machine its browser runs on.
struct Seat {
    peer: Peer,
    place: Arc<Netns>,
}

/// The peers by name, and what is shared with the scenes.
struct Town {
    seats: Vec<(&'static str, Seat)>,
    _homes: [Home; 2],
}

impl Town {
    async fn build(scene: &Scene) -> Result<Town> {
        let config = |address| {
            let config = PeerConfig::lab(NETWORK, address).set("api.listen", API).set("log.level", log_level());
            config.set("overlay.relay_port", 9340)
        };
        let mut seats = Vec::new();
        let (place, host) = scene.machine("oak")?;
        let relay = config(scene.switch.at(host)).set("overlay.relay", "on");
        let oak = scene.weft_at("oak", place.clone(), &relay).await?;
        let hint = oak.node()?.relay.clone().context("oak offers no relay")?;
        let first = oak.node()?.clone();
        seats.push(("oak", Seat { peer: oak, place }));
        let (place, host) = scene.machine("elm")?;
        let relay = config(scene.switch.at(host)).set("overlay.relay", "on").joining(&first);
        let elm = scene.weft_at("elm", place.clone(), &relay).await?;
        let hints = vec![hint, elm.node()?.relay.clone().context("elm offers no relay")?];
        seats.push(("elm", Seat { peer: elm, place }));
        let homes = [
            Home::new(&scene.switch, 110, NatKind::Hard, DELAY)?,
            Home::new(&scene.switch, 120, NatKind::Hard, DELAY)?,
        ];
        for (name, home) in ["ann", "ben"].into_iter().zip(&homes) {
            let place = home.machine().clone();
            let inside = config(home.inside()).joining(&first).set("overlay.relay_hints", hints.clone());
            seats.push((name, Seat { peer: scene.weft_at(name, place.clone(), &inside).await?, place }));
        }
        let (place, host) = scene.machine("cara")?;
        let fresh = config(scene.switch.at(host)).joining(&first);
        let cara = Peer::start_fresh(&scene.weft, "cara", &scene.path("cara"), Some(place.clone()), &fresh).await?;
        seats.push(("cara", Seat { peer: cara, place }));
        Ok(Town { seats, _homes: homes })
    }

    fn peer(&mut self, name: &str) -> Result<&mut Peer> {
        let found = self.seats.iter_mut().find(|(known, _)| *known == name);
        Ok(&mut found.with_context(|| format!("there is no {name}"))?.1.peer)
    }

    /// What the scenes are told of the lab.
    fn told(&self) -> Result<Value> {
        let mut peers = serde_json::Map::new();
        for (name, seat) in &self.seats {
            let token = std::fs::read_to_string(seat.peer.data().join("api-token"))?;
            let node = seat.peer.node()?;
            let told = json!({ "netns": seat.place.name(), "api": node.api, "key": node.peer, "token": token.trim(),
                "data": seat.peer.data() });
            peers.insert((*name).to_owned(), told);
        }
        Ok(Value::Object(peers))
    }

    /// Does what a scene asks for.
    async fn obey(&mut self, order: &Value) -> Result<Value> {
        let name = order["peer"].as_str().unwrap_or_default().to_owned();
        let peer = self.peer(&name)?;
        match order["do"].as_str().unwrap_or_default() {
            "kill" => peer.kill()?,
            "stop" => peer.stop().await?,
            "start" => peer.launch().await?,
            "login" => return peer.api()?.post("/api/v1/session/links", json!({})).await,
            other => bail!("no such order: {other}"),
        }
        Ok(Value::Null)
    }
}

/// The folder of the page's source, built already.
fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../web")
}

/// Why no browser can be driven here.
fn missing() -> Option<String> {
    let found = |program: &str| {
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|dir| dir.join(program).is_file())
    };
    let program = ["node", "chromium", "ffmpeg"].into_iter().find(|program| !found(program));
    let installed = web().join("node_modules/playwright-core").is_dir() && web().join("dist/index.html").is_file();
    match program {
        Some(program) => Some(format!("{program} is not installed: `make test` installs it")),
        None if !installed => Some("web/ is not built: `make web`".into()),
        None => None,
    }
}

/// A running scene file: what it says, line by line.
struct Scenes {
    process: Process,
    orders: mpsc::Receiver<String>,
    answers: std::process::ChildStdin,
}

impl Scenes {
    fn start(scene: &Scene, file: &str, told: &Value) -> Result<Scenes> {
        Scenes::start_in(&scene.path(""), file, told)
    }

    /// The same for a test whose files are in `folder`.
    fn start_in(folder: &Path, file: &str, told: &Value) -> Result<Scenes> {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| web().join("../target"), PathBuf::from);
        let screens = target.join("screens");
        std::fs::create_dir_all(&screens)?;
        let mut process = Launch::new(file, "node", folder.join("browser.log"))
            .args(["--import", "tsx"])
            .arg(web().join("e2e").join(file))
            .directory(web())
            .env("WEFT_PEERS", told.to_string())
            .env("WEFT_SCREENS", &screens)
            .env("WEFT_FOLDER", folder)
            .env("WEFT_LONG", if soak() { "1" } else { "" })
            .piped()
            .start()?;
        let (answers, said) = process.pipes().context("no pipes")?;
        let (sender, orders) = mpsc::channel(16);
        std::thread::spawn(move || {
            for line in BufReader::new(said).lines().map_while(std::io::Result::ok) {
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Scenes { process, orders, answers })
    }

    /// Runs the scenes to their end. A line that begins with `@` is an order; every other one is for people.
    async fn run(mut self, mut town: Option<&mut Town>, within: Duration) -> Result<()> {
        let all = async {
            while let Some(line) = self.orders.recv().await {
                let Some(order) = line.strip_prefix('@') else {
                    say(line);
                    continue;
                };
                let order: Value = serde_json::from_str(order).with_context(|| format!("no order: {order}"))?;
                let obeyed = match &mut town {
                    Some(town) => town.obey(&order).await,
                    None => Err(anyhow::anyhow!("there is no lab to order about")),
                };
                let answer = match obeyed {
                    Ok(value) => json!({ "ok": value }),
                    Err(error) => json!({ "error": format!("{error:#}") }),
                };
                writeln!(self.answers, "{answer}")?;
                self.answers.flush()?;
            }
            Ok::<(), anyhow::Error>(())
        };
        tokio::time::timeout(within, all).await.context("the scenes do not end").and_then(|ended| ended)?;
        let ended = self.process.wait(Duration::from_secs(20)).await?.context("the browser's driver does not end")?;
        ensure!(ended.success(), "a scene failed\n{}", self.process.log_tail());
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_peers_are_seen_and_steered_in_a_browser() -> Result<()> {
    let name = "five_peers_are_seen_and_steered_in_a_browser";
    let Some(scene) = Scene::on(name, [203, 0, 113]).await? else { return Ok(()) };
    if let Some(why) = missing() {
        say(format!("skipped: {name}: {why}"));
        return Ok(());
    }
    let mut town = Town::build(&scene).await?;
    let told = town.told()?;
    Scenes::start(&scene, "five-peers.ts", &told)?.run(Some(&mut town), SCENES).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_is_made_joined_and_used_in_a_browser() -> Result<()> {
    let _turn = quiet().await;
    if let Some(why) = missing() {
        bail!("no browser can be driven: {why}");
    }
    let ledger = Ledger::without_chain(2).await?;
    let mut told = serde_json::Map::new();
    for (name, node) in ["ann", "ben"].into_iter().zip(&ledger.nodes) {
        node.api()?.call(Method::PUT, "/api/v1/setup", Some(json!({ "done": true }))).await?;
        let link = node.api()?.post("/api/v1/session/links", json!({})).await?;
        told.insert(name.to_owned(), json!({ "login": link["url"] }));
    }
    Scenes::start_in(&ledger.path(""), "ledger.ts", &json!({ "ledger": told }))?.run(None, SCENES).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_keeps_up_with_a_crowd() -> Result<()> {
    let name = "a_page_keeps_up_with_a_crowd";
    let Some(scene) = Scene::set(name).await? else { return Ok(()) };
    if let Some(why) = missing() {
        say(format!("skipped: {name}: {why}"));
        return Ok(());
    }
    let crowd = Crowd::gather().await?;
    let told = json!({ "crowd": { "api": crowd.node.address().api, "login": crowd.node.login_address()?,
        "token": crowd.node.token().reveal(), "torrents": TORRENTS, "peers": PEERS, "events": EVENTS_A_SECOND } });
    Scenes::start(&scene, "crowd.ts", &told)?.run(None, CROWD).await?;
    crowd.disperse().await;
    Ok(())
}
