//! What every test here begins with: a folder, a switch with a tracker, and peers of all makes plugged into it.

use std::fmt;
use std::io::Write;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard, OnceCell};
use weft_lab::api::Torrent;
use weft_lab::binary::{self, Build};
use weft_lab::clients::{self, Client, Libtorrent, Source, Transmission};
use weft_lab::netns::{self, Netns, Switch};
use weft_lab::peer::{Peer, PeerConfig};
use weft_lab::process::until;
use weft_lab::tracker::Tracker;

/// One test at a time: they measure times and share a machine of few cores.
static TURN: Mutex<()> = Mutex::const_new(());

/// The longest any single transfer here may take. The slowest honest one is transmission on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(150);

/// How much the nodes log: `WEFT_TEST_LOG=debug` together with `WEFT_TEST_KEEP=1`, which keeps the folders, helps to find
/// out why a test failed.
pub(crate) fn log_level() -> String {
    std::env::var("WEFT_TEST_LOG").unwrap_or_else(|_| "info".into())
}

/// The name of the private network in these tests.
pub(crate) const NETWORK: &str = "tests";

/// Says something although the test harness captures output: what was measured, and what was skipped.
pub(crate) fn say(what: impl fmt::Display) {
    let _ = writeln!(std::io::stderr(), "    {what}");
}

/// Whether the long form was asked for.
pub(crate) fn soak() -> bool {
    std::env::var_os("WEFT_SOAK").is_some()
}

/// Waits for the machine, for a test that needs no place of its own.
pub(crate) async fn quiet() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

/// A place for one test; it ends with everything in it.
pub(crate) struct Scene {
    name: &'static str,
    begun: Instant,
    pub(crate) weft: PathBuf,
    pub(crate) switch: Switch,
    pub(crate) tracker: Tracker,
    next: AtomicU8,
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Scene {
    /// Sets the scene, or says why it cannot be set here.
    pub(crate) async fn set(name: &'static str) -> Result<Option<Scene>> {
        Scene::on(name, [10, 77, 0]).await
    }

    /// On a network of these numbers.
    pub(crate) async fn on(name: &'static str, subnet: [u8; 3]) -> Result<Option<Scene>> {
        let turn = TURN.lock().await;
        if let Some(why) = netns::refusal().or_else(clients::missing) {
            say(format!("skipped: {name}: {why}"));
            return Ok(None);
        }
        let switch = Switch::new(subnet)?;
        let tracker = Tracker::start(Some(switch.netns().clone()), SocketAddrV4::new(switch.at(1), 6969)).await?;
        let mut folder = tempfile::Builder::new().prefix("weft-e2e-").tempdir()?;
        if std::env::var_os("WEFT_TEST_KEEP").is_some() {
            folder.disable_cleanup(true);
            say(format!("{name}: kept in {}", folder.path().display()));
        }
        let weft = weft_binary().await?;
        let next = AtomicU8::new(2);
        Ok(Some(Scene { name, begun: Instant::now(), weft, switch, tracker, next, folder, _turn: turn }))
    }

    /// A path in the test's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A new machine on the switch, with its last number.
    pub(crate) fn machine(&self, role: &str) -> Result<(Arc<Netns>, u8)> {
        let host = self.next.fetch_add(1, Ordering::Relaxed);
        Ok((self.switch.machine(role, host)?, host))
    }

    /// The configuration of a node at `host`: alone in its private network, DHT off.
    pub(crate) fn config(&self, host: u8) -> PeerConfig {
        PeerConfig::lab(NETWORK, self.switch.at(host)).without_dht().set("log.level", log_level())
    }

    /// A Weft node on a machine of its own.
    pub(crate) async fn weft(&self, name: &str) -> Result<Peer> {
        self.weft_with(name, |config| config).await
    }

    /// A Weft node on a machine of its own, configured further.
    pub(crate) async fn weft_with(&self, name: &str, change: impl FnOnce(PeerConfig) -> PeerConfig) -> Result<Peer> {
        let (place, host) = self.machine("weft")?;
        self.weft_at(name, place, &change(self.config(host))).await
    }

    /// A Weft node on this machine.
    pub(crate) async fn weft_at(&self, name: &str, place: Arc<Netns>, config: &PeerConfig) -> Result<Peer> {
        Peer::start(&self.weft, name, &self.path(name), Some(place), config).await
    }

    /// A client of another maker on a machine of its own.
    pub(crate) async fn other(&self, make: Make, name: &str, exchange: bool) -> Result<Client> {
        let (place, host) = self.machine("other")?;
        let (address, folder) = (self.switch.at(host), self.path(name));
        std::fs::create_dir_all(&folder)?;
        Ok(match make {
            Make::Transmission => Client::Transmission(Transmission::start(place, address, &folder, exchange).await?),
            Make::Libtorrent => Client::Libtorrent(Libtorrent::start(place, address, &folder, exchange)?),
        })
    }

    /// A `.torrent` by libtorrent's own writer.
    pub(crate) fn torrent_of(&self, path: &Path, piece_length: u32, tracker: &str) -> Result<Vec<u8>> {
        let folder = self.path("maker");
        let mut maker = Libtorrent::start(self.switch.netns().clone(), self.switch.at(1), &folder, false)?;
        maker.make(path, piece_length, tracker, false)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        say(format!("{}: {:.1} s", self.name, self.begun.elapsed().as_secs_f64()));
    }
}

/// Which other client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Make {
    Transmission,
    Libtorrent,
}

/// The `weft` binary, brought up to date once.
pub(crate) async fn weft_binary() -> Result<PathBuf> {
    static BINARY: OnceCell<PathBuf> = OnceCell::const_new();
    let built = || async { tokio::task::spawn_blocking(|| binary::weft(Build::Dev)).await? };
    BINARY.get_or_try_init(built).await.cloned()
}

/// A magnet link that names the tracker and nothing of Weft's.
pub(crate) fn plain_magnet(info_hash: &str, tracker: &str) -> String {
    format!("magnet:?xt=urn:btih:{info_hash}&tr={tracker}")
}

/// Waits until a node holds everything and seeds.
pub(crate) async fn weft_completes(peer: &Peer, info_hash: &str) -> Result<Torrent> {
    weft_reaches(peer, info_hash, LONG, "complete", |t| t.complete && t.state == "seeding").await
}

/// Waits until a torrent of a node is as `wanted` says. Trouble ends the wait unless that is wanted.
pub(crate) async fn weft_reaches(
    peer: &Peer,
    info_hash: &str,
    within: Duration,
    what: &str,
    wanted: impl Fn(&Torrent) -> bool,
) -> Result<Torrent> {
    let api = peer.api()?;
    let deadline = Instant::now() + within;
    loop {
        let torrent = api.torrent(info_hash).await.with_context(|| peer.log_tail())?;
        if wanted(&torrent) {
            return Ok(torrent);
        }
        if Instant::now() > deadline {
            bail!("{}: waited {within:?} in vain for {what}: {torrent:#?}\n{}", peer.name(), peer.log_tail());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until another maker's client holds everything and seeds.
pub(crate) async fn other_completes(client: &mut Client, info_hash: &str) -> Result<()> {
    let name = client.name();
    let shared = Mutex::new(client);
    let probe = || async { Ok(shared.lock().await.status(info_hash).await?.complete.then_some(())) };
    let done = until(&format!("{name} to complete"), LONG, probe).await;
    if let Err(e) = done {
        let mut client = shared.lock().await;
        let status = client.status(info_hash).await?;
        return Err(e.context(format!("{status:?}\n{}", client.log_tail())));
    }
    Ok(())
}

/// `guest` comes to know `host` by an invitation link.
pub(crate) async fn introduce(host: &Peer, guest: &Peer) -> Result<()> {
    let link = host.api()?.invite().await?;
    guest.api()?.accept(&link).await
}

/// Adds a torrent to a node, its data going to a folder of this name beside the node's own.
pub(crate) async fn weft_adds(peer: &Peer, source: Source<'_>, folder: &Path) -> Result<String> {
    std::fs::create_dir_all(folder)?;
    peer.api()?.add(source, Some(folder)).await
}
