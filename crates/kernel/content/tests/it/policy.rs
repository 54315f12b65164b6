//! Who may tell of peers, and which addresses are dialled.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use weft_content::{AddOptions, CreateOptions, DiscoveryError, InfoHash, PeerDiscovery, Source};
use weft_overlay::guard::AddressGuard;

use crate::world::{Setup, Tracker, random, until};

/// A directory of peers that counts who asks.
#[derive(Default)]
struct Dht {
    announced: std::sync::Mutex<Vec<SocketAddr>>,
    asked: AtomicUsize,
}

#[async_trait]
impl PeerDiscovery for Dht {
    async fn announce(&self, _: InfoHash, port: u16) -> Result<(), DiscoveryError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.announced.lock().unwrap().push(([127, 0, 0, 1], port).into());
        Ok(())
    }
    async fn find(
        &self,
        _: InfoHash,
        found: &mut (dyn FnMut(SocketAddr) -> bool + Send),
    ) -> Result<(), DiscoveryError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let known = self.announced.lock().unwrap().clone();
        known.into_iter().all(found);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dht_alone_brings_peers_together() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let dht = Arc::new(Dht::default());
    let mut nodes = Vec::new();
    for dir in [&a_dir, &b_dir] {
        let mut setup = Setup::new(dir.path());
        setup.discovery = Some(Arc::clone(&dht) as Arc<dyn PeerDiscovery>);
        nodes.push(setup.start().await);
    }
    let [a, b] = &nodes[..] else { unreachable!() };
    std::fs::write(a_dir.path().join("f"), random(300_000, 1)).unwrap();
    let id = a.share(&a_dir.path().join("f"), CreateOptions::default()).await;
    until("the announce", || (!dht.announced.lock().unwrap().is_empty()).then_some(())).await;
    b.engine.add(Source::InfoHash(id), AddOptions::default()).await.unwrap();
    b.complete(id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_torrent_uses_its_tracker_alone() {
    let dirs: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let (tracker, dht) = (Tracker::start().await, Arc::new(Dht::default()));
    let mut nodes = Vec::new();
    for dir in &dirs {
        let mut setup = Setup::new(dir.path());
        setup.discovery = Some(Arc::clone(&dht) as Arc<dyn PeerDiscovery>);
        nodes.push(setup.start().await);
    }
    std::fs::write(dirs[0].path().join("f"), random(1_000_000, 2)).unwrap();
    let trackers = vec![vec![tracker.url.clone()]];
    let options = CreateOptions { private: true, trackers, ..CreateOptions::default() };
    let id = nodes[0].share(&dirs[0].path().join("f"), options).await;
    assert!(nodes[0].engine.get(id).unwrap().private);
    until("the announce", || (!tracker.events().is_empty()).then_some(())).await;
    let metainfo = nodes[0].engine.metainfo(id).unwrap();
    for node in &nodes[1..] {
        let other = AddOptions { trackers: vec!["http://127.0.0.1:1/announce".into()], ..AddOptions::default() };
        node.engine.add(Source::Metainfo(metainfo.clone()), other).await.unwrap();
        node.complete(id).await;
        assert_eq!(node.engine.get(id).unwrap().trackers.len(), 1, "no tracker is added to a private torrent");
    }
    assert_eq!(dht.asked.load(Ordering::SeqCst), 0, "the DHT never heard of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_public_network_strangers_name_no_private_address() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, tracker) = (Setup::new(a_dir.path()).start().await, Tracker::start().await);
    let mut setup = Setup::new(b_dir.path());
    setup.guard = AddressGuard::public();
    let dht = Arc::new(Dht::default());
    dht.announced.lock().unwrap().push(a.address);
    setup.discovery = Some(Arc::clone(&dht) as Arc<dyn PeerDiscovery>);
    let b = setup.start().await;
    std::fs::write(a_dir.path().join("f"), random(100_000, 3)).unwrap();
    let trackers = vec![vec![tracker.url.clone(), tracker.url.replace("127.0.0.1", "localhost")]];
    let id = a.share(&a_dir.path().join("f"), CreateOptions { trackers, ..CreateOptions::default() }).await;
    until("a's announces", || (!tracker.events().is_empty()).then_some(())).await;
    let before = tracker.events().len();
    let magnet = format!("{}&x.pe={}", a.engine.magnet(id, false).unwrap(), a.address);
    b.engine.add(Source::Magnet(magnet), AddOptions::default()).await.unwrap();
    let refused = until("both trackers refused", || {
        let trackers = b.engine.get(id).unwrap().trackers;
        (trackers.len() == 2 && trackers.iter().all(|t| t.message.is_some())).then_some(trackers)
    });
    for tracker in refused.await {
        let message = tracker.message.unwrap();
        assert!(message.contains("not followed") || message.contains("not looked up"), "{message}");
    }
    until("the DHT's answer", || (dht.asked.load(Ordering::SeqCst) >= 2).then_some(())).await;
    tokio::time::sleep(Duration::from_millis(200)).await; // nothing must happen in this time
    assert_eq!(b.connector.dials.load(Ordering::SeqCst), 0, "nobody was dialled");
    assert_eq!(tracker.events().len(), before, "no tracker was asked");
    // What the user gives is followed.
    b.engine.add_peers(id, vec![weft_content::KnownPeer::Socket(a.address)]).unwrap();
    b.complete(id).await;
}
