//! What the tests run in: engines that listen on loopback, a connector over TCP, a tracker, trees of files.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use rand::{Rng, RngCore, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use weft_bittorrent::bencode::Item;
use weft_content::{
    AddOptions, CreateControl, CreateOptions, Engine, EngineConfig, InfoHash, KnownPeer, Seams, Source, TorrentStatus,
};
use weft_events::Feed;
use weft_overlay::guard::AddressGuard;
use weft_overlay::tcp::TcpLink;
use weft_overlay::{
    BoxLink, ConnectError, Connector, Link, LinkInfo, PathKind, PathPolicy, PeerKey, StreamType, Target,
};
use weft_store::{MemoryStore, Store};

/// Everything ends by an event; this is for what should never be reached.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Waits for something that must happen.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("{what} did not happen in {DEADLINE:?}"))
}

/// Looks again and again until `look` gives something. Where there is an event, wait for that instead.
pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    soon(what, async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
}

/// Where Weft peers are, and over which path they are reached.
pub(crate) type Directory = Arc<Mutex<HashMap<PeerKey, (SocketAddr, PathKind)>>>;

/// Dials socket addresses over TCP. A Weft key is looked up in the directory; its link says who dials first, so that both
/// ends see a proven key, as TLS would show it.
pub(crate) struct TcpConnector {
    pub(crate) me: PeerKey,
    pub(crate) directory: Directory,
    pub(crate) dials: AtomicUsize,
}

#[async_trait]
impl Connector for TcpConnector {
    async fn connect(&self, target: Target, _: StreamType, policy: PathPolicy) -> Result<BoxLink, ConnectError> {
        self.dials.fetch_add(1, Ordering::SeqCst);
        let fail = |target: &Target, source: io::Error| ConnectError::Transport {
            target: target.clone(),
            source: source.into(),
        };
        match target {
            Target::Socket(address) => {
                let stream = TcpStream::connect(address).await.map_err(|e| fail(&target, e))?;
                Ok(Box::new(TcpLink::new(stream)))
            }
            Target::Peer(key) => {
                let found = self.directory.lock().unwrap().get(&key).copied();
                let (address, path) = found.ok_or(ConnectError::NoAddress(key))?;
                if !policy.allows(path) {
                    return Err(ConnectError::NotAllowed(target));
                }
                let mut stream = TcpStream::connect(address).await.map_err(|e| fail(&target, e))?;
                let mut hello = vec![b'W', path as u8];
                hello.extend_from_slice(self.me.as_bytes());
                stream.write_all(&hello).await.map_err(|e| fail(&target, e))?;
                Ok(Box::new(KeyedLink { inner: TcpLink::new(stream), peer: key, path }))
            }
            _ => Err(ConnectError::NotAllowed(target)),
        }
    }
}

/// A TCP link that says of itself what a TLS or overlay link would.
struct KeyedLink {
    inner: TcpLink,
    peer: PeerKey,
    path: PathKind,
}

impl Link for KeyedLink {
    fn poll_read(&mut self, cx: &mut Context<'_>, plan: &mut [IoSliceMut<'_>]) -> Poll<io::Result<usize>> {
        self.inner.poll_read(cx, plan)
    }
    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.inner.poll_write(cx, slices)
    }
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.poll_flush(cx)
    }
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.poll_close(cx)
    }
    fn info(&self) -> LinkInfo {
        LinkInfo { peer: Some(self.peer), path: self.path, ..self.inner.info() }
    }
}

/// One engine with its port, its folder and what it keeps.
pub(crate) struct Node {
    pub(crate) engine: Engine,
    pub(crate) address: SocketAddr,
    pub(crate) key: PeerKey,
    pub(crate) dir: PathBuf,
    pub(crate) feed: Feed,
    pub(crate) connector: Arc<TcpConnector>,
    listener: JoinHandle<()>,
}

/// How a node is made.
pub(crate) struct Setup {
    pub(crate) dir: PathBuf,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) guard: AddressGuard,
    pub(crate) directory: Directory,
    pub(crate) discovery: Option<Arc<dyn weft_content::PeerDiscovery>>,
    pub(crate) config: Box<dyn Fn(&mut EngineConfig)>,
}

impl Setup {
    pub(crate) fn new(dir: &Path) -> Self {
        Setup {
            dir: dir.to_owned(),
            store: Arc::new(MemoryStore::default()),
            guard: AddressGuard::private(),
            directory: Directory::default(),
            discovery: None,
            config: Box::new(|_| {}),
        }
    }

    pub(crate) async fn start(self) -> Node {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let key = weft_identity::DeviceSecret::generate().unwrap().public();
        let connector = Arc::new(TcpConnector { me: key, directory: self.directory, dials: AtomicUsize::new(0) });
        let feed = Feed::new();
        let seams = Seams {
            connector: Arc::clone(&connector) as Arc<dyn Connector>,
            guard: self.guard,
            store: self.store,
            events: feed.sink(),
            discovery: self.discovery,
            hints: None,
            device: Some(key),
        };
        let mut config = EngineConfig::new(&self.dir);
        config.listen_port = Some(address.port());
        config.mend_probe = Duration::from_millis(100);
        (self.config)(&mut config);
        let engine = Engine::start(config, seams).await.unwrap();
        let handler = engine.link_handler();
        let listener = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let handler = Arc::clone(&handler);
                tokio::spawn(async move {
                    let mut first = [0; 1];
                    if stream.peek(&mut first).await.is_ok_and(|n| n == 1) {
                        let link: Option<BoxLink> = match first[0] {
                            b'W' => keyed(stream).await,
                            _ => Some(Box::new(TcpLink::new(stream))),
                        };
                        link.into_iter().for_each(|link| handler.accept(link));
                    }
                });
            }
        });
        Node { engine, address, key, dir: self.dir, feed, connector, listener }
    }
}

async fn keyed(mut stream: TcpStream) -> Option<BoxLink> {
    let mut hello = [0; 34];
    stream.read_exact(&mut hello).await.ok()?;
    let path = PathKind::ALL.into_iter().find(|path| *path as u8 == hello[1])?;
    let peer = PeerKey::from_bytes(hello[2..].try_into().ok()?).ok()?;
    Some(Box::new(KeyedLink { inner: TcpLink::new(stream), peer, path }))
}

impl Node {
    /// Takes what is at `path` into the list and gives its id.
    pub(crate) async fn share(&self, path: &Path, options: CreateOptions) -> InfoHash {
        let shared = self.engine.create_and_share(path.to_owned(), options, CreateControl::default()).await.unwrap();
        shared.info_hash
    }

    /// Adds a torrent that `other` has, told of `other`.
    pub(crate) async fn get_from(&self, other: &Node, id: InfoHash) -> InfoHash {
        self.add_from(other, id, AddOptions::default()).await
    }

    pub(crate) async fn add_from(&self, other: &Node, id: InfoHash, mut options: AddOptions) -> InfoHash {
        options.peers.push(KnownPeer::Socket(other.address));
        let metainfo = other.engine.metainfo(id).unwrap();
        self.engine.add(Source::Metainfo(metainfo), options).await.unwrap()
    }

    pub(crate) async fn complete(&self, id: InfoHash) -> TorrentStatus {
        match tokio::time::timeout(DEADLINE, self.engine.wait_complete(id)).await {
            Ok(status) => status.unwrap(),
            Err(_) => {
                let status = self.engine.get(id).map(|status| TorrentStatus { files: Vec::new(), ..status });
                panic!("not complete in {DEADLINE:?}: {status:?}")
            }
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Random bytes of a seed.
pub(crate) fn random(len: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; len];
    rand::rngs::StdRng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

/// A folder with many small files, a large one, an empty one and nested folders.
pub(crate) fn make_tree(at: &Path, seed: u64) {
    let mut rng = rand::rngs::StdRng::seed_from_u64(seed);
    for i in 0..60u64 {
        let folder = at.join(format!("folder {}", i % 7)).join(if i % 2 == 0 { "even" } else { "ödd" });
        std::fs::create_dir_all(&folder).unwrap();
        let len = rng.random_range(0..60_000);
        std::fs::write(folder.join(format!("file {i}.bin")), random(len, seed * 1000 + i)).unwrap();
    }
    std::fs::write(at.join("empty"), b"").unwrap();
    std::fs::write(at.join("large"), random(5_000_000, seed + 7)).unwrap();
}

/// Every file below `at` with its bytes.
pub(crate) fn read_tree(at: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![at.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.insert(path.strip_prefix(at).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    all
}

/// An HTTP tracker that remembers who announced what and gives everybody everybody.
pub(crate) struct Tracker {
    pub(crate) url: String,
    pub(crate) announces: Arc<Mutex<Vec<HashMap<String, String>>>>,
    task: JoinHandle<()>,
}

impl Tracker {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/announce", listener.local_addr().unwrap());
        let announces: Arc<Mutex<Vec<HashMap<String, String>>>> = Arc::default();
        let seen = Arc::clone(&announces);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                tokio::spawn(async move { drop(answer(stream, &seen).await) });
            }
        });
        Tracker { url, announces, task }
    }

    /// The events announced so far.
    pub(crate) fn events(&self) -> Vec<String> {
        self.announces.lock().unwrap().iter().map(|a| a.get("event").cloned().unwrap_or_default()).collect()
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: TcpStream, seen: &Mutex<Vec<HashMap<String, String>>>) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|w| w == b"\r\n\r\n") {
        let mut chunk = [0; 2048];
        match stream.read(&mut chunk).await? {
            0 => return Ok(()),
            n => request.extend_from_slice(&chunk[..n]),
        }
    }
    let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
    let query = line.split(['?', ' ']).nth(2).unwrap_or_default();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let announce: HashMap<String, String> = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let mut peers = Vec::new();
    {
        let mut seen = seen.lock().unwrap();
        let mut ports: BTreeMap<&str, bool> = BTreeMap::new();
        for other in seen.iter().filter(|other| other.get("info_hash") == announce.get("info_hash")) {
            let left = other.get("event").is_some_and(|event| event == "stopped");
            ports.insert(other.get("port").map_or("", String::as_str), !left);
        }
        for (port, _) in
            ports.into_iter().filter(|(port, here)| *here && Some(*port) != announce.get("port").map(String::as_str))
        {
            peers.extend_from_slice(&[127, 0, 0, 1]);
            peers.extend_from_slice(&port.parse::<u16>().unwrap_or(0).to_be_bytes());
        }
        seen.push(announce);
    }
    let body = Item::dict([("interval", Item::Int(60)), ("peers", Item::bytes(&peers))]).encode();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await
}
