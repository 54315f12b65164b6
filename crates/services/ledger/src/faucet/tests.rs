//! Faucets that give on a real chain to peers that ask over links in memory.

use std::collections::BTreeMap;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip1559};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, B256, Signature, TxKind, U256};
use async_trait::async_trait;
use k256::ecdsa::SigningKey;
use tempfile::TempDir;
use tokio::io::{AsyncRead as _, AsyncWrite as _, DuplexStream, ReadBuf, duplex};
use tokio::task::JoinSet;
use weft_evm::{StateReader as _, Transaction};
use weft_identity::{DeviceName, DeviceSecret, RecoveryPhrase, Unlocked};
use weft_overlay::{
    BoxLink, ConnectError, Connector, Link, LinkHandler, LinkInfo, PathKind, PathPolicy, PeerKey, StreamType, Target,
};
use weft_store::MemoryStore;

use super::link::ask;
use super::message::{Answer, Gift, Reason, Refusal, Request};
use super::{Faucet, NotGiven, OpenFaucetError, Refusals, STREAM, Server, in_turn};
use crate::coins::Coins;
use crate::config::LedgerConfig;
use crate::dev::{DEV_KEYS, DevChain, DevOptions};
use crate::files::Folder;
use crate::handle::{Ledger, SyncStatus};
use crate::replica::{Clock, STAKING};
use crate::wallet::Wallet;

/// As long as anything may take that takes a moment.
const SOON: Duration = Duration::from_secs(60);

/// One end of a link in memory.
struct Pipe {
    stream: DuplexStream,
    peer: PeerKey,
}

impl Link for Pipe {
    fn poll_read(&mut self, cx: &mut Context<'_>, plan: &mut [IoSliceMut<'_>]) -> Poll<io::Result<usize>> {
        let Some(buffer) = plan.iter_mut().find(|buffer| !buffer.is_empty()) else { return Poll::Ready(Ok(0)) };
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let Some(slice) = slices.iter().find(|slice| !slice.is_empty()) else { return Poll::Ready(Ok(0)) };
        Pin::new(&mut self.stream).poll_write(cx, slice)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn info(&self) -> LinkInfo {
        LinkInfo { peer: Some(self.peer), path: PathKind::Direct, remote: None }
    }
}

/// A peer who reaches those who serve the stream.
struct Reach {
    me: PeerKey,
    served: BTreeMap<PeerKey, Arc<dyn LinkHandler>>,
}

impl Reach {
    fn of(me: u8, served: impl IntoIterator<Item = (u8, Arc<dyn LinkHandler>)>) -> Reach {
        Reach { me: key(me), served: served.into_iter().map(|(peer, handler)| (key(peer), handler)).collect() }
    }
}

#[async_trait]
impl Connector for Reach {
    async fn connect(&self, target: Target, purpose: StreamType, _: PathPolicy) -> Result<BoxLink, ConnectError> {
        assert_eq!(purpose, STREAM);
        let Target::Peer(peer) = target else { return Err(ConnectError::NotAllowed(target)) };
        let handler = self.served.get(&peer).ok_or(ConnectError::NotServed { target, purpose })?;
        let (here, there) = duplex(64);
        handler.accept(Box::new(Pipe { stream: there, peer: self.me }));
        Ok(Box::new(Pipe { stream: here, peer }))
    }
}

/// Says the same to everybody, whatever they ask.
struct Says(Vec<u8>);

impl LinkHandler for Says {
    fn accept(&self, mut link: BoxLink) {
        let said = self.0.clone();
        tokio::spawn(async move {
            // Whoever asked may have heard enough.
            let _ = link.write_all(&said).await;
            let _ = link.close().await;
        });
    }
}

/// The faucets' clock.
#[derive(Default)]
struct Told(AtomicU64);

impl Clock for Told {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn unix(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Told {
    fn goes_on(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

fn key(seed: u8) -> PeerKey {
    DeviceSecret::from_bytes(&[seed; 32]).public()
}

fn account(seed: u8) -> Address {
    Address::repeat_byte(seed)
}

/// A chain, and a wallet on it.
struct Scene {
    chain: DevChain,
    wallet: Wallet,
    clock: Arc<Told>,
    dir: TempDir,
}

impl Scene {
    /// The wallet has so many coins.
    async fn with(coins: Coins) -> Scene {
        let chain = DevChain::start(Arc::new(MemoryStore::default()), DevOptions::default()).unwrap();
        let phrase = RecoveryPhrase::generate().unwrap();
        let unlocked = Unlocked::new(&phrase, DeviceName::new("test").unwrap(), 0).unwrap();
        let wallet = Wallet::new(Arc::new(unlocked.identity));
        let clock = Arc::new(Told(AtomicU64::new(1_800_000_000)));
        let scene = Scene { chain, wallet, clock, dir: tempfile::tempdir().unwrap() };
        scene.fund(scene.wallet.address(), coins.wei()).await;
        scene
    }

    fn ledger(&self) -> &Ledger {
        self.chain.ledger()
    }

    fn genesis(&self) -> B256 {
        self.ledger().chain().genesis_hash()
    }

    /// A faucet of 10 coins an hour and account, 30 coins a day.
    fn try_faucet(&self) -> Result<Arc<Faucet>, OpenFaucetError> {
        let config = LedgerConfig {
            faucet: true,
            faucet_every_s: 3_600,
            faucet_daily: Coins::from(30),
            ..LedgerConfig::default()
        };
        let folder = Folder::new(self.dir.path().to_owned());
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let faucet = Faucet::open(&config, self.wallet.clone(), self.ledger().clone(), folder, clock)?;
        Ok(faucet.expect("it is switched on"))
    }

    fn faucet(&self) -> Arc<Faucet> {
        self.try_faucet().unwrap()
    }

    /// A node of this chain, with this faucet.
    fn node(&self, faucet: Option<&Arc<Faucet>>) -> Arc<dyn LinkHandler> {
        let (genesis, faucet) = (self.genesis(), faucet.map(Arc::clone));
        Arc::new(Server::new(Arc::new(move || Some((genesis, faucet.clone())))))
    }

    fn request(&self, to: u8) -> Request {
        Request { genesis: self.genesis(), account: account(to) }
    }

    fn balance(&self, of: Address) -> U256 {
        let account = self.ledger().chain().state().account(of).unwrap();
        account.map(|account| account.balance).unwrap_or_default()
    }

    /// Waits until an account has this much.
    async fn has(&self, of: Address, wei: U256) {
        let mut blocks = self.ledger().blocks();
        let reached = async {
            while self.balance(of) != wei {
                blocks.recv().await.unwrap();
            }
        };
        tokio::time::timeout(SOON, reached).await.unwrap_or_else(|_| panic!("{of} has {}", self.balance(of)));
    }

    /// Coins from one who has some from the beginning.
    async fn fund(&self, to: Address, wei: U256) {
        let key = SigningKey::from_slice(DEV_KEYS[0].as_slice()).unwrap();
        let payment = TxEip1559 {
            chain_id: self.ledger().chain().spec().chain_id,
            gas_limit: 21_000,
            max_fee_per_gas: 1_000_000_000,
            to: TxKind::Call(to),
            value: wei,
            ..TxEip1559::default()
        };
        let signature = Signature::from(key.sign_prehash_recoverable(payment.signature_hash().as_slice()).unwrap());
        let signed: Transaction = EthereumTxEnvelope::Eip1559(payment.into_signed(signature));
        self.ledger().submit(vec![signed.encoded_2718().into()]).remove(0).unwrap();
        self.has(to, wei).await;
    }
}

fn refused(reason: Reason, again_s: u64) -> Answer {
    Answer::Refused(Refusal { reason, again_s })
}

async fn answered(reach: &Reach, peer: u8, request: Request) -> Answer {
    ask(reach, key(peer), &request).await.unwrap()
}

fn gift(answer: Answer) -> Gift {
    match answer {
        Answer::Given(gift) => gift,
        Answer::Refused(refusal) => panic!("refused: {}", refusal.reason),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_is_given_once_and_told_when_to_come_back() {
    let scene = Scene::with(Coins::from(100)).await;
    let faucet = scene.faucet();
    let node = scene.node(Some(&faucet));
    let (ann, ben) = (Reach::of(1, [(9, Arc::clone(&node))]), Reach::of(2, [(9, node)]));

    let given = gift(answered(&ann, 9, scene.request(1)).await);
    assert_eq!(given.wei, Coins::from(10).wei());
    scene.has(account(1), given.wei).await;
    assert!(scene.ledger().chain().place(given.hash).unwrap().is_some());
    assert_eq!(faucet.given_in_a_day(), given.wei);

    scene.clock.goes_on(600);
    assert_eq!(answered(&ann, 9, scene.request(1)).await, refused(Reason::TooSoon, 3_000));
    assert_eq!(answered(&ann, 9, scene.request(3)).await, refused(Reason::TooSoon, 3_000), "another account");
    assert_eq!(answered(&ben, 9, scene.request(1)).await, refused(Reason::TooSoon, 3_000), "another peer");
    scene.clock.goes_on(3_000);
    assert_eq!(answered(&ann, 9, scene.request(1)).await, refused(Reason::Plenty, 0));
    assert_eq!(answered(&ann, 9, Request { account: STAKING, ..scene.request(1) }).await, refused(Reason::Contract, 0));
    gift(answered(&ann, 9, scene.request(3)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_ask_at_once_get_transactions_of_their_own_and_no_more_than_a_day_has() {
    let scene = Scene::with(Coins::from(100)).await;
    let faucet = scene.faucet();
    let node = scene.node(Some(&faucet));
    let mut asking = JoinSet::new();
    for peer in 1..=5 {
        let (reach, request) = (Reach::of(peer, [(9, Arc::clone(&node))]), scene.request(peer));
        asking.spawn(async move { (request.account, answered(&reach, 9, request).await) });
    }
    let answers = asking.join_all().await;
    let given: Vec<_> = answers
        .iter()
        .filter_map(|(account, answer)| match answer {
            Answer::Given(gift) => Some((*account, *gift)),
            Answer::Refused(refusal) => {
                assert_eq!((refusal.reason, refusal.again_s), (Reason::GivenOut, 86_400));
                None
            }
        })
        .collect();
    assert_eq!(given.len(), 3, "30 coins are three times 10: {answers:?}");
    for (account, gift) in given {
        scene.has(account, gift.wei).await;
    }
    assert_eq!(faucet.given_in_a_day(), Coins::from(30).wei());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_is_known_after_a_restart() {
    let scene = Scene::with(Coins::from(100)).await;
    gift(scene.faucet().give(key(1), account(1)));
    let file = scene.dir.path().join("faucet.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let again = scene.faucet();
    assert_eq!(again.give(key(1), account(2)), refused(Reason::TooSoon, 3_600));
    assert_eq!(again.given_in_a_day(), Coins::from(10).wei());
    again.close();
    assert_eq!(again.give(key(2), account(2)), refused(Reason::Off, 0));

    std::fs::write(&file, b"{").unwrap();
    let error = scene.try_faucet().err().expect("a damaged record is no empty one");
    assert!(matches!(error, OpenFaucetError::Record(_)), "{error}");
    assert!(error.mend().contains("remove it"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sent_is_not_booked() {
    // Enough for the gift, and nothing for its gas.
    let scene = Scene::with(Coins::from(10)).await;
    let faucet = scene.faucet();
    assert_eq!(faucet.give(key(1), account(1)), refused(Reason::Empty, 0));
    assert_eq!(faucet.given_in_a_day(), U256::ZERO);
    assert_eq!(scene.faucet().given_in_a_day(), U256::ZERO, "nor on the disk");

    let unkept = Scene::with(Coins::from(100)).await;
    let faucet = unkept.faucet();
    block(unkept.dir.path());
    assert_eq!(faucet.give(key(1), account(1)), refused(Reason::Failed, 60));
    assert_eq!(faucet.given_in_a_day(), U256::ZERO);
    assert!(!unkept.ledger().pool().lock().offers(u64::MAX), "nothing was sent that is not in the record");
}

/// Puts something where the record goes, so that it cannot be written.
fn block(dir: &Path) {
    std::fs::create_dir_all(dir.join("faucet.json/x")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faucet_that_is_behind_waits_until_it_has_caught_up() {
    let scene = Scene::with(Coins::from(100)).await;
    let faucet = scene.faucet();
    scene.ledger().set_sync(Some(SyncStatus { starting: 1, highest: 50 }));
    assert_eq!(faucet.give(key(1), account(1)), refused(Reason::Failed, 60));
    scene.ledger().set_sync(None);
    gift(faucet.give(key(1), account(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_faucet_says_so_and_others_are_asked() {
    let scene = Scene::with(Coins::from(100)).await;
    let faucet = scene.faucet();
    let elsewhere: Arc<dyn LinkHandler> = Arc::new(Server::new(Arc::new(|| Some((B256::repeat_byte(7), None)))));
    let nowhere: Arc<dyn LinkHandler> = Arc::new(Server::new(Arc::new(|| None)));
    let babbles: Arc<dyn LinkHandler> = Arc::new(Says(vec![0xff; 300]));
    let stops: Arc<dyn LinkHandler> = Arc::new(Says(vec![0; 40]));
    // A whole answer, and one byte more.
    let goes_on: Arc<dyn LinkHandler> = Arc::new(Says(vec![0; 66]));
    let plain = scene.node(None);
    let gives = scene.node(Some(&faucet));
    let served = [(3, elsewhere), (4, nowhere), (5, babbles), (6, stops), (7, goes_on), (8, plain), (9, gives)];
    let reach = Reach::of(1, served);
    assert_eq!(answered(&reach, 3, scene.request(1)).await, refused(Reason::OtherChain, 0));
    assert_eq!(answered(&reach, 4, scene.request(1)).await, refused(Reason::OtherChain, 0));
    assert_eq!(answered(&reach, 8, scene.request(1)).await, refused(Reason::Off, 0));

    let request = scene.request(1);
    let without: Vec<PeerKey> = [2, 3, 4, 5, 6, 7, 8].map(key).to_vec();
    let mut refusals = Refusals::default();
    assert_eq!(in_turn(&reach, &without, &request, &mut refusals).await, None);
    assert_eq!(refusals.best(), NotGiven::NoFaucet(7));
    let all = [without, vec![key(9)]].concat();
    let (peer, given) = in_turn(&reach, &all, &request, &mut Refusals::default()).await.expect("the last one gives");
    assert_eq!((peer, given.wei), (key(9), Coins::from(10).wei()));
    let mut refusals = Refusals::default();
    assert_eq!(in_turn(&reach, &all, &request, &mut refusals).await, None);
    assert_eq!(refusals.best(), NotGiven::Refused(Refusal { reason: Reason::TooSoon, again_s: 3_600 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_has_one_place_and_leaves_the_others_theirs() {
    let scene = Scene::with(Coins::from(100)).await;
    let faucet = scene.faucet();
    let node = scene.node(Some(&faucet));
    let (slow, other) = (Reach::of(1, [(9, Arc::clone(&node))]), Reach::of(2, [(9, node)]));
    let connect = |reach: &Reach| {
        let (me, served) = (reach.me, reach.served.clone());
        async move { Reach { me, served }.connect(Target::Peer(key(9)), STREAM, PathPolicy::any()).await.unwrap() }
    };
    // It has a place, and says only half of what it wants.
    let mut first = connect(&slow).await;
    first.write_all(&scene.request(1).encode()[..20]).await.unwrap();
    let mut second = connect(&slow).await;
    let ended = second.read_exact(&mut [0]).await.unwrap_err();
    assert_eq!(ended.kind(), io::ErrorKind::UnexpectedEof, "a second place is none");
    gift(answered(&other, 9, scene.request(2)).await);
    first.write_all(&scene.request(1).encode()[20..]).await.unwrap();
    let mut kind = [1];
    first.read_exact(&mut kind).await.unwrap();
    assert_eq!(kind, [0], "it was only slow");
}
