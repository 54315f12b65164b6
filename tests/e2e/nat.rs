//! Two people behind two routers, with two other peers as relays.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use weft_lab::api::{Api, Torrent};
use weft_lab::clients::Source;
use weft_lab::data::{random_file, same};
use weft_lab::nat::{Home, NatKind};
use weft_lab::peer::{Peer, PeerConfig};
use weft_lab::process::until;

use crate::scene::{NETWORK, Scene, introduce, log_level, say, weft_completes, weft_reaches};

/// How fast the folder goes, so that there is a middle to kill a relay in: slower than any path here.
const RATE: u64 = 6 << 20;
/// The folder's files.
const LENGTHS: [u64; 4] = [40 << 20, 24 << 20, 8 << 20, 12_345];
/// Punching takes tenths of a second here, dialling the other ways before it some seconds.
const PUNCHED: Duration = Duration::from_secs(30);
/// From a home to the middle of the network: 40 ms from one home to the other and back.
const DELAY: Duration = Duration::from_millis(10);
/// So slow that the folder takes longer than a dead relay is remembered.
const SLOW: u64 = 1 << 20;
/// A dead relay's paths are forgotten within 30 s, what hung on them soon after.
const LATE: Duration = Duration::from_secs(50);
/// What the issue allows between the last byte before a relay's death and the first after it.
const ALLOWED: Duration = Duration::from_secs(2);

/// Ann and Ben at home, and two relays in the open.
struct Neighbourhood {
    ann: Peer,
    ben: Peer,
    relays: [Peer; 2],
    hints: [String; 2],
    _homes: [Home; 2],
}

impl Neighbourhood {
    /// The relays are `told` to Ann and Ben, or found by them in the DHT.
    async fn build(scene: &Scene, kind: NatKind, told: bool) -> Result<Self> {
        let open = |host: u8| {
            PeerConfig::lab(NETWORK, scene.switch.at(host)).set("overlay.relay", "on").set("log.level", log_level())
        };
        let (place, host) = scene.machine("relay")?;
        let one = scene.weft_at("relay-one", place, &open(host)).await?;
        let (place, host) = scene.machine("relay")?;
        let two = scene.weft_at("relay-two", place, &open(host).joining(one.node()?)).await?;
        let homes = [Home::new(&scene.switch, 110, kind, DELAY)?, Home::new(&scene.switch, 120, kind, DELAY)?];
        let hints = [&one, &two].map(|relay| relay.node().map(|node| node.relay.clone().unwrap_or_default()));
        let [first, second] = hints;
        let hints = [first?, second?];
        // As a person would who has seen another node's status.
        let known: Vec<String> = if told { hints.to_vec() } else { Vec::new() };
        let inside = |home: &Home| {
            let config = PeerConfig::lab(NETWORK, home.inside()).joining(one.node()?).set("log.level", log_level());
            Ok::<_, anyhow::Error>(config.set("overlay.relay_hints", known.clone()))
        };
        let ann = scene.weft_at("ann", homes[0].machine().clone(), &inside(&homes[0])?).await?;
        let ben = scene.weft_at("ben", homes[1].machine().clone(), &inside(&homes[1])?).await?;
        for peer in [&ann, &ben] {
            home_relay(peer).await?;
        }
        Ok(Neighbourhood { ann, ben, relays: [one, two], hints, _homes: homes })
    }

    /// Ann invites Ben and shares; Ben begins to fetch. Returns the info-hash.
    async fn begin(&self, original: &std::path::Path) -> Result<String> {
        introduce(&self.ann, &self.ben).await?;
        let shared = self.ann.api()?.share(original).await?;
        self.ben.api()?.limit(Some(RATE), None).await?;
        self.ben.api()?.add(Source::Magnet(&shared.link), None).await
    }
}

/// What Ann shares.
fn folder(scene: &Scene, seed: u64) -> Result<PathBuf> {
    let folder = scene.path("original");
    std::fs::create_dir(&folder)?;
    for (number, length) in LENGTHS.into_iter().enumerate() {
        random_file(&folder.join(format!("{number}.bin")), length, seed + number as u64)?;
    }
    Ok(folder)
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

/// What a look at the torrent showed when something had changed.
struct Look {
    when: Instant,
    bytes: u64,
}

/// When content bytes came, looked at every 10 ms.
struct Flow {
    task: JoinHandle<Result<Vec<Look>>>,
    latest: watch::Receiver<Instant>,
}

impl Flow {
    /// Watches until the torrent is complete.
    fn of(api: &Api, hash: &str) -> Flow {
        let (api, hash) = (api.clone(), hash.to_owned());
        let (tell, latest) = watch::channel(Instant::now());
        Flow {
            latest,
            task: tokio::spawn(async move {
                let mut seen: Vec<Look> = Vec::new();
                loop {
                    let torrent = api.torrent(&hash).await?;
                    let bytes = torrent.downloaded;
                    if seen.last().is_none_or(|last| last.bytes != bytes) {
                        seen.push(Look { when: Instant::now(), bytes });
                        tell.send_replace(Instant::now());
                    }
                    if torrent.complete {
                        return Ok(seen);
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }),
        }
    }

    /// Waits until bytes came after `moment`, or all is there.
    async fn until(&self, moment: Instant) {
        let _ = self.latest.clone().wait_for(|latest| *latest > moment).await;
    }
}

/// The longest time without a new byte that reaches into or begins within `span` after `from`.
fn longest_pause(seen: &[Look], from: Instant, span: Duration) -> Duration {
    let steps = seen.windows(2).map(|pair| (pair[0].when, pair[1].when));
    let within = steps.filter(|(before, after)| *after >= from && *before <= from + span);
    within.map(|(before, after)| after - before).max().unwrap_or_default()
}

/// The paths to other peers that a node's event feed tells of from its beginning, in order, up to the first that is `last`.
async fn path_story(api: &Api, last: &str) -> Result<Vec<String>> {
    let mut feed = api.events(0);
    let (mut text, mut story) = (String::new(), Vec::new());
    while story.last().is_none_or(|path| path != last) {
        let chunk = tokio::time::timeout(Duration::from_secs(5), feed.recv()).await;
        let chunk = chunk.ok().flatten().with_context(|| format!("the event feed tells only of {story:?}"))?;
        text.push_str(&chunk);
        while let Some(end) = text.find('\n') {
            let line: String = text.drain(..=end).collect();
            let Some(data) = line.strip_prefix("data:") else { continue };
            let event: Value = serde_json::from_str(data).context("an event that is no JSON")?;
            story.extend(path_told(&event).map(str::to_owned));
        }
    }
    story.dedup();
    Ok(story)
}

/// The path that an event of the overlay tells of.
fn path_told(event: &Value) -> Option<&str> {
    match (event["source"].as_str()?, event["kind"].as_str()?) {
        ("network", "peer-connected") => event["data"]["path"].as_str(),
        ("network", "peer-path-changed") => event["data"]["to"].as_str(),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn easy_nats_are_punched_and_then_need_no_relay() -> Result<()> {
    let Some(scene) = Scene::on("easy_nats_are_punched_and_then_need_no_relay", [203, 0, 113]).await? else {
        return Ok(());
    };
    let original = folder(&scene, 31)?;
    let mut here = Neighbourhood::build(&scene, NatKind::Easy, false).await?;
    let hash = here.begin(&original).await?;
    let flow = Flow::of(here.ben.api()?, &hash);
    let direct = |t: &Torrent| t.peers.iter().any(|peer| peer.path == "direct");
    weft_reaches(&here.ben, &hash, PUNCHED, "a direct path", direct).await?;
    let done = weft_completes_to(&here.ben, &hash, 0.4).await?;
    let killed = Instant::now();
    for relay in &mut here.relays {
        relay.kill()?;
    }
    weft_completes(&here.ben, &hash).await?;
    let seen = flow.task.await??;
    let story = path_story(here.ben.api()?, "direct").await?;
    let first = seen.iter().find(|look| look.bytes > 0).context("no bytes")?.when;
    let before = longest_pause(&seen, first, killed - first);
    let after = longest_pause(&seen, killed, Duration::from_secs(60));
    say(format!(
        "paths {}; both relays killed at {:.0} %; longest pause {before:.2?} before, {after:.2?} after",
        story.join(", then "),
        done * 100.0
    ));
    same(&original, &here.ben.data().join("files/original"))?;
    ensure!(story == ["relayed", "direct"], "the paths were {story:?}\n{}", here.ben.log_tail());
    ensure!(after < Duration::from_secs(1), "the relays' death made a pause of {after:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn symmetric_nats_change_the_relay_that_dies() -> Result<()> {
    let Some(scene) = Scene::on("symmetric_nats_change_the_relay_that_dies", [203, 0, 113]).await? else {
        return Ok(());
    };
    let original = folder(&scene, 32)?;
    let mut here = Neighbourhood::build(&scene, NatKind::Hard, true).await?;
    let hash = here.begin(&original).await?;
    let flow = Flow::of(here.ben.api()?, &hash);
    weft_completes_to(&here.ben, &hash, 0.5).await?;
    let torrent = here.ben.api()?.torrent(&hash).await?;
    ensure!(torrent.peers.iter().all(|p| p.path == "relayed"), "symmetric NATs were punched: {:?}", torrent.peers);
    // Whose relay is in use: Ben dialled Ann at hers.
    let used = home_relay(&here.ann).await?;
    let number = here
        .hints
        .iter()
        .position(|hint| hint.starts_with(&used))
        .with_context(|| format!("{used} is no relay of ours"))?;
    let in_use = &mut here.relays[number];
    let name = in_use.name().to_owned();
    let killed = Instant::now();
    in_use.kill()?;
    let torrent = weft_completes(&here.ben, &hash).await?;
    let seen = flow.task.await??;
    let pause = longest_pause(&seen, killed, Duration::from_secs(60));
    same(&original, &here.ben.data().join("files/original"))?;
    say(format!("{name}, in use, killed at 50 %: bytes flowed again after {pause:.2?}; {} wasted", torrent.wasted));
    ensure!(torrent.wasted == 0, "{} bytes arrived damaged", torrent.wasted);
    ensure!(pause <= ALLOWED, "bytes flowed again only after {pause:?}\n{}", here.ben.log_tail());
    Ok(())
}

/// What the library forgets of a dead relay's paths it forgets 15 s and 30 s later: a transfer goes on through both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_relay_leaves_behind_stops_no_transfer() -> Result<()> {
    let Some(scene) = Scene::on("what_a_dead_relay_leaves_behind_stops_no_transfer", [203, 0, 113]).await? else {
        return Ok(());
    };
    let original = folder(&scene, 33)?;
    let mut here = Neighbourhood::build(&scene, NatKind::Hard, true).await?;
    let hash = here.begin(&original).await?;
    here.ben.api()?.limit(Some(SLOW), None).await?;
    let flow = Flow::of(here.ben.api()?, &hash);
    weft_completes_to(&here.ben, &hash, 0.05).await?;
    let used = relay_between(&here.ben, &here.ann).await?;
    let in_use = here.relays.iter_mut().zip(&here.hints).find(|(_, hint)| hint.starts_with(&used));
    let (in_use, _) = in_use.with_context(|| format!("{used} is no relay of ours"))?;
    let name = in_use.name().to_owned();
    in_use.kill()?;
    let killed = Instant::now();
    tokio::time::timeout(LATE * 2, flow.until(killed + LATE)).await.context("no bytes for long")?;
    let next = relay_between(&here.ben, &here.ann).await?;
    here.ben.api()?.limit(None, None).await?;
    let torrent = weft_completes(&here.ben, &hash).await?;
    let seen = flow.task.await??;
    let pause = longest_pause(&seen, killed, LATE);
    same(&original, &here.ben.data().join("files/original"))?;
    let after = LATE.as_secs();
    say(format!(
        "{name}, in use, killed: longest pause in the {after} s after it {pause:.2?}; {} wasted",
        torrent.wasted
    ));
    ensure!(next != used, "the relay in use is still said to be {used}, which is dead");
    ensure!(pause <= ALLOWED, "bytes paused for {pause:?}\n{}", here.ben.log_tail());
    Ok(())
}

/// The relay that carries what two peers exchange, as `of` tells.
async fn relay_between(of: &Peer, other: &Peer) -> Result<String> {
    until("the relay in use to be told", Duration::from_secs(10), || async {
        let seen: Value = of.api()?.get(&format!("/api/v1/network/peers/{}", other.node()?.peer)).await?;
        Ok(seen["via_relay"].as_str().map(str::to_owned))
    })
    .await
}

/// Waits until this part of the torrent is there; returns the part then.
async fn weft_completes_to(peer: &Peer, hash: &str, part: f64) -> Result<f64> {
    let reached = |t: &Torrent| t.size > 0 && t.downloaded as f64 >= part * t.size as f64;
    let torrent = weft_reaches(peer, hash, Duration::from_secs(90), "the middle", reached).await?;
    Ok(torrent.downloaded as f64 / torrent.size as f64)
}
