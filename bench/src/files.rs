//! The row `files`: one peer gives content to another over veth.
//!
//! Every run is a fresh pair of processes in fresh network namespaces. The seeder has checked its data before the clock
//! starts; the clock stops when the leecher says that everything is there and verified. CPU is that of both processes
//! from just before the torrent is added to just after; memory is the larger peak of the two.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use weft_lab::binary::{self, Build};
use weft_lab::clients::{Client, Libtorrent, Source, Transmission};
use weft_lab::netns::{Netns, Switch};
use weft_lab::process::{Usage, until};
use weft_lab::tracker::Tracker;
use weft_lab::{Peer, PeerConfig, data, netns};

use crate::figures::{Figure, Row, median};

/// The longest a single transfer may take before the row gives up.
const PATIENCE: Duration = Duration::from_secs(180);

const SEEDER: u8 = 2;
const LEECHER: u8 = 3;
const TRACKER_PORT: u16 = 6969;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Interleaved rounds; medians are taken over them
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Size of the one large file, in MiB
    #[arg(long, default_value_t = 1024)]
    mib: u64,
    /// Number of small files
    #[arg(long, default_value_t = 2000)]
    files: usize,
    /// Only these clients: weft, weft-tls, weft-overlay, libtorrent, transmission
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Where the table goes as JSON
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

/// Who carries the content, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Contender {
    Weft,
    WeftTls,
    WeftOverlay,
    Libtorrent,
    Transmission,
}

impl Contender {
    const ALL: [Contender; 5] =
        [Contender::Weft, Contender::Libtorrent, Contender::Transmission, Contender::WeftTls, Contender::WeftOverlay];

    fn name(self) -> &'static str {
        match self {
            Contender::Weft => "weft",
            Contender::WeftTls => "weft-tls",
            Contender::WeftOverlay => "weft-overlay",
            Contender::Libtorrent => "libtorrent",
            Contender::Transmission => "transmission",
        }
    }

    /// Others' programs, which figures are compared with.
    fn is_peer(self) -> bool {
        matches!(self, Contender::Libtorrent | Contender::Transmission)
    }
}

/// One kind of work: what is moved.
struct Work {
    name: String,
    content: PathBuf,
    bytes: u64,
    piece_length: u32,
}

/// What one run took.
#[derive(Debug, Clone, Copy)]
struct Run {
    seconds: f64,
    cpu_s_per_gb: f64,
    peak_rss_mib: f64,
}

pub(crate) async fn run(options: Options) -> Result<()> {
    if let Some(why) = netns::refusal() {
        bail!("this row needs network namespaces: {why}");
    }
    let contenders: Vec<Contender> = Contender::ALL
        .into_iter()
        .filter(|contender| options.only.is_empty() || options.only.iter().any(|name| name == contender.name()))
        .collect();
    ensure!(!contenders.is_empty(), "--only names no client of this row");
    let weft = binary::weft(Build::Release)?;
    let scratch = scratch(options.mib)?;
    println!("content in {}", scratch.path().display());
    let works = prepare(scratch.path(), &options)?;

    let mut runs: BTreeMap<(usize, Contender), Vec<Run>> = BTreeMap::new();
    for round in 1..=options.rounds {
        for (index, work) in works.iter().enumerate() {
            for &contender in &contenders {
                let place = tempfile::tempdir_in(scratch.path())?;
                let run = transfer(contender, work, place.path(), &weft)
                    .await
                    .with_context(|| format!("{} carrying {}", contender.name(), work.name))?;
                println!(
                    "round {round}  {:<22} {:<13} {:>7.2} s  {:>6.2} CPU-s/GB  {:>5.0} MiB",
                    work.name,
                    contender.name(),
                    run.seconds,
                    run.cpu_s_per_gb,
                    run.peak_rss_mib
                );
                runs.entry((index, contender)).or_default().push(run);
            }
        }
    }
    let figures = figures(&works, &contenders, &runs);
    print_table(&works, &contenders, &runs);
    if figures.is_empty() {
        println!("no figures are written: Weft itself was not among the clients");
        return Ok(());
    }
    let path = Row::new("files", options.rounds, figures).write(&options.out)?;
    println!("written to {}", path.display());
    Ok(())
}

/// A scratch folder in memory where there is room, so that the disk of the machine is not what is measured.
fn scratch(mib: u64) -> Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    // The content, a copy of it, and as much again for what writers hold back.
    let needed = mib * 1024 * 1024 * 3;
    if data::free_space(memory).is_ok_and(|free| free > needed) {
        return Ok(tempfile::Builder::new().prefix("weft-bench-").tempdir_in(memory)?);
    }
    Ok(tempfile::Builder::new().prefix("weft-bench-").tempdir()?)
}

fn prepare(scratch: &Path, options: &Options) -> Result<Vec<Work>> {
    let source = scratch.join("source");
    std::fs::create_dir_all(&source)?;
    let big = source.join("big.bin");
    data::random_file(&big, options.mib * 1024 * 1024, 1)?;
    let small = source.join("small");
    data::random_tree(&small, options.files, 2)?;
    let small_bytes = data::TreeDigest::of(&small)?.bytes();
    Ok(vec![
        Work {
            name: format!("{} MiB", options.mib),
            content: big,
            bytes: options.mib * 1024 * 1024,
            piece_length: 1 << 20,
        },
        Work { name: format!("{} files", options.files), content: small, bytes: small_bytes, piece_length: 1 << 18 },
    ])
}

/// A switch with the tracker, a machine for the seeder and one for the leecher.
struct Net {
    switch: Switch,
    seeder: Arc<Netns>,
    leecher: Arc<Netns>,
    tracker: Tracker,
}

impl Net {
    async fn new() -> Result<Self> {
        let switch = Switch::new([10, 99, 0])?;
        let seeder = switch.machine("seeder", SEEDER)?;
        let leecher = switch.machine("leecher", LEECHER)?;
        let tracker =
            Tracker::start(Some(switch.netns().clone()), SocketAddrV4::new(switch.at(1), TRACKER_PORT)).await?;
        Ok(Net { switch, seeder, leecher, tracker })
    }

    fn address(&self, host: u8) -> Ipv4Addr {
        self.switch.at(host)
    }
}

async fn transfer(contender: Contender, work: &Work, place: &Path, weft: &Path) -> Result<Run> {
    let net = Net::new().await?;
    let target = place.join("received");
    std::fs::create_dir_all(&target)?;
    let run = match contender {
        Contender::Libtorrent | Contender::Transmission => others(contender, work, place, &target, &net).await?,
        Contender::Weft => weft_by_tracker(work, place, &target, weft, &net).await?,
        Contender::WeftTls | Contender::WeftOverlay => weft_by_key(contender, work, place, &target, weft, &net).await?,
    };
    let name = work.content.file_name().context("the content has a name")?;
    data::same(&work.content, &target.join(name)).context("the copy differs from the original")?;
    Ok(run)
}

/// A `.torrent` of the work by libtorrent's own writer: the same for every client, and private, so that the tracker alone
/// brings them together.
fn metainfo(work: &Work, place: &Path, net: &Net) -> Result<Vec<u8>> {
    let mut maker = Libtorrent::start(net.switch.netns().clone(), net.address(1), &place.join("maker"), false)?;
    maker.make(&work.content, work.piece_length, &net.tracker.http_url(), true)
}

async fn others(contender: Contender, work: &Work, place: &Path, target: &Path, net: &Net) -> Result<Run> {
    let metainfo = metainfo(work, place, net)?;
    let mut seeder = start(contender, net.seeder.clone(), net.address(SEEDER), &place.join("seeder")).await?;
    let mut leecher = start(contender, net.leecher.clone(), net.address(LEECHER), &place.join("leecher")).await?;
    let from = work.content.parent().context("the content lies in a folder")?;
    let info_hash = seeder.add(Source::Metainfo(&metainfo), from).await?;
    wait_seeding(net, &info_hash).await?;

    let clock = Clock::start(&[seeder.usage()?, leecher.usage()?]);
    leecher.add(Source::Metainfo(&metainfo), target).await?;
    let deadline = Instant::now() + PATIENCE;
    while !leecher.status(&info_hash).await?.complete {
        ensure!(Instant::now() < deadline, "not complete after {PATIENCE:?}\n{}", leecher.log_tail());
        tokio::time::sleep(POLL).await;
    }
    clock.stop(work.bytes, || Ok([seeder.usage()?, leecher.usage()?])).await
}

async fn start(contender: Contender, place: Arc<Netns>, address: Ipv4Addr, folder: &Path) -> Result<Client> {
    Ok(match contender {
        Contender::Libtorrent => Client::Libtorrent(Libtorrent::start(place, address, folder, false)?),
        _ => Client::Transmission(Transmission::start(place, address, folder, false).await?),
    })
}

async fn weft_by_tracker(work: &Work, place: &Path, target: &Path, weft: &Path, net: &Net) -> Result<Run> {
    let metainfo = metainfo(work, place, net)?;
    let seeder = node(weft, "seeder", place, net, SEEDER).await?;
    let leecher = node(weft, "leecher", place, net, LEECHER).await?;
    let from = work.content.parent().context("the content lies in a folder")?;
    let info_hash = seeder.api()?.add(Source::Metainfo(&metainfo), Some(from)).await?;
    wait_seeding(net, &info_hash).await?;

    let clock = Clock::start(&[seeder.usage()?, leecher.usage()?]);
    leecher.api()?.add(Source::Metainfo(&metainfo), Some(target)).await?;
    wait_complete(&leecher, &info_hash).await?;
    let run = clock.stop(work.bytes, || Ok([seeder.usage()?, leecher.usage()?])).await?;
    check_path(&leecher, &info_hash, "tcp").await?;
    Ok(run)
}

/// Two nodes that know one another by an invitation; nothing else brings them together.
async fn weft_by_key(
    contender: Contender,
    work: &Work,
    place: &Path,
    target: &Path,
    weft: &Path,
    net: &Net,
) -> Result<Run> {
    let path = match contender {
        Contender::WeftOverlay => "direct",
        _ => "tls",
    };
    if path == "direct" {
        // Where TCP does not get through, content goes over the overlay.
        for machine in [&net.seeder, &net.leecher] {
            weft_lab::shape::block(machine, "tcp")?;
        }
    }
    let seeder = node(weft, "seeder", place, net, SEEDER).await?;
    let leecher = node(weft, "leecher", place, net, LEECHER).await?;
    leecher.api()?.accept(&seeder.api()?.invite().await?).await?;
    let shared = seeder.api()?.share_with(&work.content, json!({ "piece_length": work.piece_length })).await?;
    until("the seeder to have hashed its content", PATIENCE, || async {
        Ok((seeder.api()?.torrent(&shared.info_hash).await?.state == "seeding").then_some(()))
    })
    .await?;

    let clock = Clock::start(&[seeder.usage()?, leecher.usage()?]);
    leecher.api()?.add(Source::Magnet(&shared.link), Some(target)).await?;
    wait_complete(&leecher, &shared.info_hash).await?;
    let run = clock.stop(work.bytes, || Ok([seeder.usage()?, leecher.usage()?])).await?;
    check_path(&leecher, &shared.info_hash, path).await?;
    Ok(run)
}

async fn node(weft: &Path, name: &str, place: &Path, net: &Net, host: u8) -> Result<Peer> {
    let machine = if host == SEEDER { &net.seeder } else { &net.leecher };
    let config = PeerConfig::lab("bench", net.address(host)).without_dht();
    Peer::start(weft, name, &place.join(name), Some(machine.clone()), &config).await
}

/// Waits for the seeder's announce: it has checked its data and can be found.
async fn wait_seeding(net: &Net, info_hash: &str) -> Result<()> {
    until("the seeder to announce itself complete", PATIENCE, || async {
        let announced = |a: &weft_lab::tracker::Announce| a.left == 0 && hex(&a.info_hash) == info_hash;
        Ok(net.tracker.announces().iter().any(announced).then_some(()))
    })
    .await
}

async fn wait_complete(leecher: &Peer, info_hash: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !leecher.api()?.torrent(info_hash).await?.complete {
        ensure!(Instant::now() < deadline, "not complete after {PATIENCE:?}\n{}", leecher.log_tail());
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// The content must have come the way the figure is named after.
async fn check_path(leecher: &Peer, info_hash: &str, path: &str) -> Result<()> {
    let exchanged = leecher.api()?.torrent(info_hash).await?.exchanged;
    ensure!(
        exchanged.iter().any(|e| e.downloaded > 0) && exchanged.iter().all(|e| e.downloaded == 0 || e.path == path),
        "the content should have come by {path}: {exchanged:?}"
    );
    Ok(())
}

/// How often a leecher is asked whether it is done. Asking costs every client a little.
const POLL: Duration = Duration::from_millis(20);

/// What CPU is spent just after completion (flushing, telling others) belongs to the work.
const AFTERGLOW: Duration = Duration::from_secs(1);

struct Clock {
    at: Instant,
    cpu: f64,
}

impl Clock {
    fn start(usages: &[Usage]) -> Self {
        Clock { at: Instant::now(), cpu: usages.iter().map(|usage| usage.cpu_seconds).sum() }
    }

    async fn stop(self, bytes: u64, usages: impl Fn() -> Result<[Usage; 2]>) -> Result<Run> {
        let seconds = self.at.elapsed().as_secs_f64();
        tokio::time::sleep(AFTERGLOW).await;
        let usages = usages()?;
        let cpu = usages.iter().map(|usage| usage.cpu_seconds).sum::<f64>() - self.cpu;
        let peak = usages.iter().map(|usage| usage.peak_rss).max().unwrap_or(0);
        Ok(Run { seconds, cpu_s_per_gb: cpu / (bytes as f64 / 1e9), peak_rss_mib: peak as f64 / (1024.0 * 1024.0) })
    }
}

type Runs = BTreeMap<(usize, Contender), Vec<Run>>;

/// How a metric is read off a run.
type Read = fn(&Run) -> f64;

/// The metrics of a run: name, how to read it, and the goal as a ratio to the best peer.
const METRICS: [(&str, Read, Option<f64>); 3] = [
    ("seconds", |run| run.seconds, None),
    ("cpu_s_per_gb", |run| run.cpu_s_per_gb, Some(1.0)),
    ("peak_rss_mib", |run| run.peak_rss_mib, None),
];

fn figures(works: &[Work], contenders: &[Contender], runs: &Runs) -> Vec<Figure> {
    let values = |index, contender, read: Read| -> Vec<f64> {
        runs.get(&(index, contender)).map_or_else(Vec::new, |runs| runs.iter().map(read).collect())
    };
    let mut figures = Vec::new();
    for (index, work) in works.iter().enumerate() {
        for &contender in contenders.iter().filter(|contender| !contender.is_peer()) {
            let path = match contender {
                Contender::WeftTls => ", over TLS",
                Contender::WeftOverlay => ", over the overlay",
                _ => "",
            };
            for (metric, read, goal) in METRICS {
                let peers = contenders.iter().filter(|peer| peer.is_peer());
                let peers = peers.map(|peer| (peer.name().to_owned(), median(&values(index, *peer, read)))).collect();
                let goal = goal.filter(|_| contender == Contender::Weft);
                let work = format!("{}, one to one, veth{path}", work.name);
                figures.push(Figure::less(&work, metric, values(index, contender, read), peers, goal));
            }
        }
    }
    figures
}

fn print_table(works: &[Work], contenders: &[Contender], runs: &Runs) {
    let header = ["work", "client", "seconds", "CPU-s/GB", "peak RSS MiB", "CPU ratio to best peer"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for (index, work) in works.iter().enumerate() {
        let read = |contender, metric: usize| {
            let values: Vec<f64> = runs
                .get(&(index, contender))
                .map_or_else(Vec::new, |runs| runs.iter().map(METRICS[metric].1).collect());
            median(&values)
        };
        let peers = contenders.iter().filter(|peer| peer.is_peer());
        let best = peers.map(|&peer| read(peer, 1)).fold(f64::INFINITY, f64::min);
        for &contender in contenders {
            rows.push(vec![
                work.name.clone(),
                contender.name().to_owned(),
                format!("{:.2}", read(contender, 0)),
                format!("{:.2}", read(contender, 1)),
                format!("{:.0}", read(contender, 2)),
                if best.is_finite() { format!("{:.2}", read(contender, 1) / best) } else { "–".into() },
            ]);
        }
    }
    println!("\nmedians\n{}", weft_lab::report::columns(&rows));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
