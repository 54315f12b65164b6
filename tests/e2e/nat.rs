//! Two people behind two routers, with two other peers as relays.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::task::JoinHandle;
use weft_lab::api::Api;
use weft_lab::clients::Source;
use weft_lab::data::{random_file, same};
use weft_lab::nat::{Home, NatKind};
use weft_lab::peer::{Peer, PeerConfig};
use weft_lab::process::until;

use crate::scene::{NETWORK, Scene, introduce, say, weft_completes};

/// How fast the folder goes, so that there is a middle to kill a relay in: slower than any path here.
const RATE: u64 = 6 << 20;
const LENGTH: u64 = 72 << 20;
/// What the issue allows between the last byte before a relay's death and the first after it.
const ALLOWED: Duration = Duration::from_secs(2);

/// Ann and Ben at home, and two relays in the open.
struct Neighbourhood {
    ann: Peer,
    ben: Peer,
    relays: [Peer; 2],
    _homes: [Home; 2],
}

impl Neighbourhood {
    async fn build(scene: &Scene, kind: NatKind) -> Result<Self> {
        let open = |host: u8| PeerConfig::lab(NETWORK, scene.switch.at(host)).set("overlay.relay", "on");
        let (place, host) = scene.machine("relay")?;
        let one = scene.weft_at("relay-one", place, &open(host)).await?;
        let (place, host) = scene.machine("relay")?;
        let two = scene.weft_at("relay-two", place, &open(host).joining(one.node()?)).await?;
        let homes = [Home::new(&scene.switch, 110, kind)?, Home::new(&scene.switch, 120, kind)?];
        let hints = [&one, &two].map(|relay| relay.node().map(|node| node.relay.clone()));
        let mut urls = Vec::new();
        for hint in hints {
            urls.push(hint?.context("a relay says no URL")?);
        }
        let inside = |home: &Home| {
            let config = PeerConfig::lab(NETWORK, home.inside()).joining(one.node()?);
            Ok::<_, anyhow::Error>(config.set("overlay.relay_hints", urls.clone()))
        };
        let ann = scene.weft_at("ann", homes[0].machine().clone(), &inside(&homes[0])?).await?;
        let ben = scene.weft_at("ben", homes[1].machine().clone(), &inside(&homes[1])?).await?;
        for peer in [&ann, &ben] {
            home_relay(peer).await?;
        }
        Ok(Neighbourhood { ann, ben, relays: [one, two], _homes: homes })
    }

    /// Ann invites Ben and shares; Ben begins to fetch. Returns the info-hash.
    async fn begin(&self, original: &std::path::Path) -> Result<String> {
        introduce(&self.ann, &self.ben).await?;
        let shared = self.ann.api()?.share(original).await?;
        self.ben.api()?.limit(Some(RATE), None).await?;
        self.ben.api()?.add(Source::Magnet(&shared.link), None).await
    }
}

/// Waits until a node is connected to a relay, and says which.
async fn home_relay(peer: &Peer) -> Result<String> {
    until(&format!("{} to find a relay", peer.name()), Duration::from_secs(40), || async {
        let status: Value = peer.api()?.get("/api/v1/network/status").await?;
        Ok(status["home_relay"].as_str().map(str::to_owned))
    })
    .await
    .with_context(|| peer.log_tail())
}

/// Content bytes received by then.
type Count = (Instant, u64);

/// When content bytes came, looked at every 10 ms.
struct Flow {
    task: JoinHandle<Result<Vec<Count>>>,
}

impl Flow {
    /// Watches until the torrent is complete.
    fn of(api: &Api, hash: &str) -> Flow {
        let (api, hash) = (api.clone(), hash.to_owned());
        Flow {
            task: tokio::spawn(async move {
                let mut seen: Vec<Count> = Vec::new();
                loop {
                    let torrent = api.torrent(&hash).await?;
                    if seen.last().is_none_or(|(_, bytes)| *bytes != torrent.downloaded) {
                        seen.push((Instant::now(), torrent.downloaded));
                    }
                    if torrent.complete {
                        return Ok(seen);
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }),
        }
    }
}

/// The longest time without a new byte that reaches into or begins within `span` after `from`.
fn longest_pause(seen: &[Count], from: Instant, span: Duration) -> Duration {
    let steps = seen.windows(2).map(|pair| (pair[0].0, pair[1].0));
    let within = steps.filter(|(before, after)| *after >= from && *before <= from + span);
    within.map(|(before, after)| after - before).max().unwrap_or_default()
}

/// The paths a node's events tell of, in order, as `relayed`, `direct`.
fn path_story(events: &str) -> Vec<String> {
    let data = events.lines().filter_map(|line| line.strip_prefix("data:"));
    let mut story = Vec::new();
    for event in data.filter_map(|text| serde_json::from_str::<Value>(text).ok()) {
        collect_paths(&event, &mut story);
    }
    story.dedup();
    story
}

/// Events may be wrapped: whatever object says `kind` is one.
fn collect_paths(value: &Value, story: &mut Vec<String>) {
    let told = match value["kind"].as_str() {
        Some("peer-connected") => value["path"].as_str(),
        Some("peer-path-changed") => value["to"].as_str(),
        _ => None,
    };
    if let (Some(path @ ("relayed" | "direct")), true) = (told, value["info_hash"].is_null()) {
        story.push(path.to_owned());
    }
    for inner in value.as_object().into_iter().flat_map(|o| o.values()).filter(|v| v.is_object()) {
        collect_paths(inner, story);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn easy_nats_are_punched_and_then_need_no_relay() -> Result<()> {
    let Some(scene) = Scene::on("easy_nats_are_punched_and_then_need_no_relay", [203, 0, 113]).await? else {
        return Ok(());
    };
    let original = scene.path("original.bin");
    random_file(&original, LENGTH, 31)?;
    let mut here = Neighbourhood::build(&scene, NatKind::Easy).await?;
    let mut events = here.ben.api()?.events();
    let hash = here.begin(&original).await?;
    let flow = Flow::of(here.ben.api()?, &hash);
    let mut text = String::new();
    let story = loop {
        let chunk = tokio::time::timeout(Duration::from_secs(30), events.recv()).await;
        let Ok(Some(chunk)) = chunk else {
            bail!("never direct: {:?}\n{}", path_story(&text), here.ben.log_tail());
        };
        text.push_str(&chunk);
        let story = path_story(&text);
        if story.last().is_some_and(|path| path == "direct") {
            break story;
        }
    };
    ensure!(story.first().is_some_and(|path| path == "relayed"), "it did not begin relayed: {story:?}");
    let done = weft_completes_to(&here.ben, &hash, 0.4).await?;
    let killed = Instant::now();
    for relay in &mut here.relays {
        relay.kill()?;
    }
    weft_completes(&here.ben, &hash).await?;
    let seen = flow.task.await??;
    let (before, after) =
        (longest_pause(&seen, seen[0].0, killed - seen[0].0), longest_pause(&seen, killed, Duration::from_secs(10)));
    say(format!(
        "paths {}; both relays killed at {:.0} %; longest pause {before:.0?} before, {after:.0?} after",
        story.join(", then "),
        done * 100.0
    ));
    same(&original, &here.ben.data().join("files/original.bin"))?;
    ensure!(after < Duration::from_secs(1), "the relays' death made a pause of {after:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn symmetric_nats_change_the_relay_that_dies() -> Result<()> {
    let Some(scene) = Scene::on("symmetric_nats_change_the_relay_that_dies", [203, 0, 113]).await? else {
        return Ok(());
    };
    let original = scene.path("original.bin");
    random_file(&original, LENGTH, 32)?;
    let mut here = Neighbourhood::build(&scene, NatKind::Hard).await?;
    let hash = here.begin(&original).await?;
    let flow = Flow::of(here.ben.api()?, &hash);
    weft_completes_to(&here.ben, &hash, 0.5).await?;
    let torrent = here.ben.api()?.torrent(&hash).await?;
    ensure!(torrent.peers.iter().all(|p| p.path == "relayed"), "symmetric NATs were punched: {:?}", torrent.peers);
    // Whose relay is in use: Ben dialled Ann at hers.
    let used = home_relay(&here.ann).await?;
    let mut relays = here.relays.iter_mut();
    let in_use = relays.find(|r| r.node().is_ok_and(|n| n.relay.as_deref() == Some(used.as_str())));
    let in_use = in_use.with_context(|| format!("{used} is no relay of ours"))?;
    let name = in_use.name().to_owned();
    let killed = Instant::now();
    in_use.kill()?;
    let torrent = weft_completes(&here.ben, &hash).await?;
    let seen = flow.task.await??;
    let pause = longest_pause(&seen, killed, Duration::from_secs(60));
    same(&original, &here.ben.data().join("files/original.bin"))?;
    say(format!("{name}, in use, killed at 50 %: bytes flowed again after {pause:.2?}; {} wasted", torrent.wasted));
    ensure!(torrent.wasted == 0, "{} bytes arrived damaged", torrent.wasted);
    ensure!(pause <= ALLOWED, "bytes flowed again only after {pause:?}\n{}", here.ben.log_tail());
    Ok(())
}

/// Waits until this part of the torrent is there; returns the part then.
async fn weft_completes_to(peer: &Peer, hash: &str, part: f64) -> Result<f64> {
    let reached = |t: &weft_lab::api::Torrent| t.size > 0 && t.downloaded as f64 >= part * t.size as f64;
    let torrent = crate::scene::weft_reaches(peer, hash, Duration::from_secs(90), "the middle", reached).await?;
    Ok(torrent.downloaded as f64 / torrent.size as f64)
}
