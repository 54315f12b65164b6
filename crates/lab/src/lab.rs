//! `weft lab`: a swarm of real nodes on this machine, a seeder killed half-way, and everything compared at the end.
//!
//! Peer 1 begins a private network with a DHT of its own and shares a file and a folder. Peer 2 fetches both, unhindered.
//! The others then fetch with a limit on their rate, so that the swarm can be watched; half-way through peer 1, which
//! shared it all and began the network, is killed with `kill -9`. The others finish from peer 2 and one another.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use reqwest::Method;
use tempfile::TempDir;

use crate::api::Torrent;
use crate::clients::Source;
use crate::data::{TreeDigest, source_tree, toolchain_file};
use crate::peer::{Peer, PeerConfig};
use crate::process::until;
use crate::report::{ContentReport, LabReport, Moment, PeerReport, Screen, SourceReport, size};

/// Three peers at least: one that shares and is killed, one that goes on seeding, one that fetches from both.
pub const LEAST_PEERS: usize = 3;
/// More nodes than this on one machine measure the machine.
pub const MOST_PEERS: usize = 50;
/// Files in the folder that is shared if none is named.
const FOLDER_FILES: usize = 2_000;
/// How often the nodes are asked how far they are.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long a content takes to be fetched again while people watch.
const REPLAYED: Duration = Duration::from_secs(60);

/// What is whole stays so for a while.
const REST: Duration = Duration::from_secs(10);

/// Joining a DHT on one machine takes tenths of a second.
const JOINED: Duration = Duration::from_secs(30);

/// What a lab is to do.
#[derive(Debug, Clone)]
pub struct LabOptions {
    /// The `weft` binary.
    pub weft: PathBuf,
    /// How many peers.
    pub peers: usize,
    /// The file to share; the Rust toolchain's own compiler library if absent.
    pub file: Option<PathBuf>,
    /// The folder to share; 2,000 source files out of cargo's registry if absent.
    pub folder: Option<PathBuf>,
    /// Where the peers keep their data. Absent: a temporary folder that is deleted at the end.
    pub dir: Option<PathBuf>,
    /// Whether peer 1 is killed half-way.
    pub kill: bool,
    /// How long the watched part should take: sets the rate limit of peers 3 and up.
    pub pace: Duration,
    /// The whole run must be over by then.
    pub deadline: Duration,
    /// Redraw progress in place: standard output is a terminal.
    pub live: bool,
    /// Write nothing but the report, as JSON.
    pub json: bool,
}

impl LabOptions {
    /// The newcomer's demo with this binary: five peers, ten seconds of watching, five minutes at most.
    pub fn new(weft: impl Into<PathBuf>) -> Self {
        LabOptions {
            weft: weft.into(),
            peers: 5,
            file: None,
            folder: None,
            dir: None,
            kill: true,
            pace: Duration::from_secs(10),
            deadline: Duration::from_secs(300),
            live: false,
            json: false,
        }
    }
}

/// What is shared, and what it must look like at the others.
#[derive(Debug)]
struct Content {
    path: PathBuf,
    name: String,
    digest: TreeDigest,
    info_hash: String,
    link: String,
}

/// A running lab.
#[derive(Debug)]
pub struct Lab {
    options: LabOptions,
    dir: PathBuf,
    _temporary: Option<TempDir>,
    peers: Vec<Peer>,
    rows: Vec<PeerReport>,
    contents: Vec<Content>,
    begun: Instant,
}

impl Lab {
    /// Runs a whole lab and writes what happens to `out`. `Ok` says that it ran; whether every copy is right is in
    /// [`LabReport::ok`]. The peers live as long as the lab is held.
    pub async fn run(options: LabOptions, out: &mut (dyn std::io::Write + Send)) -> Result<(LabReport, Lab)> {
        ensure!(
            (LEAST_PEERS..=MOST_PEERS).contains(&options.peers),
            "a lab has {LEAST_PEERS} to {MOST_PEERS} peers, not {}",
            options.peers
        );
        let mut screen = Screen::new(out, options.live, options.json);
        let deadline = options.deadline;
        let mut lab = Lab::new(options)?;
        let failure = match tokio::time::timeout(deadline, lab.drive(&mut screen)).await {
            Ok(Ok(())) => None,
            Ok(Err(e)) => Some(format!("{e:#}")),
            Err(_) => Some(format!("not done after {} s: {}", deadline.as_secs(), lab.whereabouts().await)),
        };
        let report = lab.report(failure);
        screen.finish(&report)?;
        Ok((report, lab))
    }

    /// An address that signs a browser in to the dashboard of the last peer, once.
    pub async fn dashboard(&self) -> Result<String> {
        let peer = self.peers.last().context("a lab without peers")?;
        let link = peer.api()?.post("/api/v1/session/links", serde_json::json!({})).await?;
        Ok(link["url"].as_str().context("no address")?.to_owned())
    }

    /// Keeps the network moving until it is dropped, so that there is something to watch: the last peer forgets what it
    /// fetched and gets it again from the others, slowly.
    pub async fn keep_moving(&self) -> Result<()> {
        let api = self.peers.last().context("a lab without peers")?.api()?;
        loop {
            for content in &self.contents {
                let path = format!("/api/v1/files/torrents/{}", content.info_hash);
                api.call(Method::DELETE, &format!("{path}?data=true"), None).await?;
                let rate = (content.digest.bytes() / REPLAYED.as_secs()).max(1);
                api.limit(Some(rate), None).await?;
                api.add(Source::Magnet(&content.link), None).await?;
                until("the last peer to have it again", REPLAYED * 10, || async {
                    Ok(api.torrent(&content.info_hash).await?.complete.then_some(()))
                })
                .await?;
                tokio::time::sleep(REST).await;
            }
        }
    }

    fn new(options: LabOptions) -> Result<Self> {
        let (dir, temporary) = match &options.dir {
            Some(dir) => (dir.clone(), None),
            None => {
                let made = tempfile::Builder::new().prefix("weft-lab-").tempdir()?;
                (made.path().to_owned(), Some(made))
            }
        };
        let (peers, rows, contents) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Lab { options, dir, _temporary: temporary, peers, rows, contents, begun: Instant::now() })
    }

    async fn drive(&mut self, screen: &mut Screen<'_>) -> Result<()> {
        let paths = self.choose(screen)?;
        let digests = [TreeDigest::of(&paths[0])?, TreeDigest::of(&paths[1])?];
        let total: u64 = digests.iter().map(TreeDigest::bytes).sum();
        let rate = ((total as f64 / self.options.pace.as_secs_f64().max(0.1)) as u64).max(1);
        self.begun = Instant::now();
        for number in 0..self.options.peers {
            self.start_peer(number, (number >= 2).then_some(rate)).await?;
        }
        self.joined().await?;
        screen.say(&format!("{} peers on a private network, begun by peer 1", self.options.peers))?;
        self.share(paths, digests, screen).await?;

        self.fetch_all(1).await?;
        self.follow(&[1], false, screen).await?;
        screen.say("peer 2 has everything and seeds too")?;

        let rest: Vec<usize> = (2..self.options.peers).collect();
        for &number in &rest {
            self.fetch_all(number).await?;
        }
        screen.say(&format!("peers 3 to {} fetch, with at most {}/s each", self.options.peers, size(rate)))?;
        self.follow(&rest, self.options.kill, screen).await?;
        screen.say("all have everything; comparing with the originals")?;
        self.compare().await
    }

    /// Waits until every peer's DHT node knows another one: what is announced before has few places to be kept.
    async fn joined(&self) -> Result<()> {
        for peer in &self.peers {
            let api = peer.api()?;
            until(&format!("{} to join the network's DHT", peer.name()), JOINED, || async {
                let status: serde_json::Value = api.get("/api/v1/network/status").await?;
                Ok((status["dht"]["state"] == "joined").then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    /// Finds what to share. A default folder is made of real sources.
    fn choose(&self, screen: &mut Screen<'_>) -> Result<[PathBuf; 2]> {
        std::fs::create_dir_all(&self.dir).with_context(|| format!("cannot make {}", self.dir.display()))?;
        let file = self.options.file.clone().map_or_else(toolchain_file, Ok)?;
        let folder = match &self.options.folder {
            Some(folder) => folder.clone(),
            None => {
                let made = self.dir.join("sources");
                if !made.exists() {
                    source_tree(&made, FOLDER_FILES)?;
                }
                made
            }
        };
        screen.say(&format!("sharing {} and {}", file.display(), folder.display()))?;
        Ok([file.canonicalize()?, folder.canonicalize()?])
    }

    /// Starts one peer at a loopback address of its own.
    async fn start_peer(&mut self, number: usize, rate: Option<u64>) -> Result<()> {
        let name = format!("peer {}", number + 1);
        // Labs that run at once differ by the process id; DHT routing tables keep few nodes of one address.
        let pid = std::process::id().to_be_bytes();
        let address = Ipv4Addr::new(127, 64 | (pid[2] & 63), pid[3], number as u8 + 1);
        let mut config = PeerConfig::lab("lab", address);
        if let Some(first) = self.peers.first() {
            config = config.joining(first.node()?);
        }
        if let Some(rate) = rate {
            config = config.set("files.download_rate", i64::try_from(rate)?);
        }
        let data = self.dir.join(format!("peer-{}", number + 1));
        let peer = Peer::start(&self.options.weft, &name, &data, None, &config).await?;
        let (key, address) = (peer.node()?.peer.clone(), peer.node()?.tcp.to_string());
        let role = if number == 0 { "shared" } else { "fetched" };
        self.rows.push(PeerReport { peer: name, key, address, role, ..PeerReport::default() });
        self.peers.push(peer);
        Ok(())
    }

    async fn share(&mut self, paths: [PathBuf; 2], digests: [TreeDigest; 2], screen: &mut Screen<'_>) -> Result<()> {
        for (path, digest) in paths.into_iter().zip(digests) {
            let shared = self.peers[0].api()?.share(&path).await?;
            let name = path.file_name().context("a path without a name")?.to_string_lossy().into_owned();
            screen.say(&format!("peer 1 shares {name}: {} in {} files", size(digest.bytes()), digest.files()))?;
            self.contents.push(Content { path, name, digest, info_hash: shared.info_hash, link: shared.link });
        }
        Ok(())
    }

    async fn fetch_all(&mut self, number: usize) -> Result<()> {
        for content in &self.contents {
            self.peers[number].api()?.add(Source::Magnet(&content.link), None).await?;
        }
        Ok(())
    }

    /// Watches `numbers` until all are complete; kills peer 1 when they are half-way if `kill`.
    async fn follow(&mut self, numbers: &[usize], mut kill: bool, screen: &mut Screen<'_>) -> Result<()> {
        let begun = Instant::now();
        loop {
            let mut moments = Vec::new();
            let mut complete = 0;
            for &number in numbers {
                let torrents = self.torrents(number).await?;
                complete += usize::from(self.note(number, &torrents, begun.elapsed())?);
                moments.push(self.moment(number, &torrents));
            }
            screen.show(&moments)?;
            let half = moments.iter().all(|m| m.progress >= 0.4)
                && moments.iter().map(|m| m.progress).sum::<f64>() >= 0.5 * moments.len() as f64;
            if kill && half {
                ensure!(complete < numbers.len(), "the peers were done before peer 1 could be killed: give more data");
                kill = false;
                self.peers[0].kill()?;
                self.rows[0].killed = true;
                screen.say("peer 1 was killed half-way (kill -9); the others go on")?;
            }
            if complete == numbers.len() {
                ensure!(!kill, "the peers were done before peer 1 could be killed: give more data");
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn torrents(&self, number: usize) -> Result<Vec<Torrent>> {
        let api = self.peers[number].api()?;
        let mut torrents = Vec::new();
        for content in &self.contents {
            let torrent = api.torrent(&content.info_hash).await;
            torrents.push(
                torrent.with_context(|| format!("{}\n{}", self.rows[number].peer, self.peers[number].log_tail()))?,
            );
        }
        Ok(torrents)
    }

    /// Writes down from whom a peer had what; says whether it has everything.
    fn note(&mut self, number: usize, torrents: &[Torrent], after: Duration) -> Result<bool> {
        for torrent in torrents {
            if let (Some(trouble), "error") = (&torrent.trouble, torrent.state.as_str()) {
                bail!("{}: {}. {}", self.rows[number].peer, trouble.message, trouble.mend);
            }
        }
        let mut sources: Vec<SourceReport> = Vec::new();
        for from in torrents.iter().flat_map(|t| &t.exchanged).filter(|from| from.downloaded > 0) {
            let peer = self.name_of(&from.peer);
            match sources.iter_mut().find(|s| s.peer == peer && s.path == from.path) {
                Some(source) => source.bytes += from.downloaded,
                None => sources.push(SourceReport { peer, bytes: from.downloaded, path: from.path.clone() }),
            }
        }
        sources.sort_by_key(|source| std::cmp::Reverse(source.bytes));
        let complete = torrents.len() == self.contents.len() && torrents.iter().all(|t| t.complete);
        let row = &mut self.rows[number];
        row.sources = sources;
        row.fetched = torrents.iter().map(|t| t.done).sum();
        if row.seconds == 0.0 && complete {
            row.seconds = after.as_secs_f64();
        }
        Ok(complete)
    }

    /// A peer of the lab by its key or its address (each has an IP of its own), or what it is called elsewhere.
    fn name_of(&self, peer: &str) -> String {
        let ip = |text: &str| text.rsplit_once(':').map(|(ip, _)| ip.to_owned());
        let known =
            self.rows.iter().find(|row| row.key == peer || (ip(peer).is_some() && ip(&row.address) == ip(peer)));
        known.map_or_else(|| peer.to_owned(), |row| row.peer.clone())
    }

    fn moment(&self, number: usize, torrents: &[Torrent]) -> Moment {
        let all: u64 = self.contents.iter().map(|c| c.digest.bytes()).sum();
        let done: u64 = torrents.iter().map(|t| t.done).sum();
        Moment {
            peer: self.rows[number].peer.clone(),
            progress: done as f64 / all.max(1) as f64,
            rate: torrents.iter().map(|t| t.rate_down).sum(),
            connections: torrents.iter().map(|t| t.peers.len()).max().unwrap_or(0),
            killed: self.rows[number].killed,
        }
    }

    async fn compare(&mut self) -> Result<()> {
        for number in 1..self.peers.len() {
            let mut identical = 0;
            for content in &self.contents {
                let copy = self.peers[number].data().join("files").join(&content.name);
                let differences = compare_trees(&content.digest, &copy)?;
                ensure!(differences.is_empty(), "{}: {}", self.rows[number].peer, differences.join(", "));
                identical += 1;
            }
            self.rows[number].identical = identical;
        }
        // What is compared with must not have changed meanwhile either.
        for content in &self.contents {
            let now = compare_trees(&content.digest, &content.path)?;
            ensure!(now.is_empty(), "the original {} changed meanwhile", content.name);
        }
        self.rows[0].identical = self.contents.len();
        Ok(())
    }

    /// How far everybody is, for the message when time is up.
    async fn whereabouts(&mut self) -> String {
        let mut parts = Vec::new();
        for number in 0..self.peers.len() {
            if self.rows[number].killed {
                continue;
            }
            let state = match self.torrents(number).await {
                Ok(torrents) => torrents
                    .iter()
                    .map(|t| format!("{} {:.0} %", t.state, t.progress * 100.0))
                    .collect::<Vec<_>>()
                    .join(", "),
                Err(e) => format!("{e:#}"),
            };
            parts.push(format!("{}: {state}", self.rows[number].peer));
        }
        parts.join("; ")
    }

    fn report(&self, failure: Option<String>) -> LabReport {
        let content = |c: &Content| ContentReport {
            name: c.name.clone(),
            files: c.digest.files(),
            bytes: c.digest.bytes(),
            digest: c.digest.to_string(),
            info_hash: c.info_hash.clone(),
        };
        LabReport {
            peers: self.rows.clone(),
            contents: self.contents.iter().map(content).collect(),
            seconds: self.begun.elapsed().as_secs_f64(),
            failures: failure.into_iter().collect(),
        }
    }
}

fn compare_trees(original: &TreeDigest, copy: &Path) -> Result<Vec<String>> {
    let found = original.differences(&TreeDigest::of(copy)?);
    Ok(found.into_iter().take(5).map(|difference| format!("{}: {difference}", copy.display())).collect())
}
