//! A node that begins at a snapshot: real chains, real links, and peers that lie.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_rlp::Decodable as _;
use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use weft_evm::snapshot::{Manifest, SnapshotError};
use weft_evm::{Chain, ChainOptions, Genesis, LogFilter, LogsError, StateReader as _};
use weft_ledger::dev::{DEV_KEYS, DevChain, DevOptions};
use weft_ledger::handle::Origin;
use weft_ledger::peering::Named;
use weft_ledger::pool::{Limits, Pool};
use weft_ledger::replica::{Clock, Pace, Replica, ReplicaParts, encode_block, set_of};
use weft_ledger::runner::SystemClock;
use weft_ledger::snapshot::{
    Answer, DecidedBlock, Offer, Question, SNAPSHOT_EVERY, STREAM, Shelf, Step, TakeError, WalkError, give, take,
};
use weft_overlay::link::BoxLink;
use weft_overlay::tcp::{self, TcpLink, TcpOptions};
use weft_overlay::{ConnectError, Connector, PathPolicy, PeerAddresses, PeerKey, StreamType, Target};
use weft_store::{MemoryStore, Store};

use crate::wallet::Wallet;

/// 300 blocks, so that there is a snapshot at 256 and something that follows it.
const BLOCKS: u64 = 300;

/// What a peer makes of its own answers.
type Lie = Box<dyn Fn(Question, Answer) -> Answer + Send + Sync>;

fn honest() -> Lie {
    Box::new(|_, answer| answer)
}

struct Giver {
    chain: Arc<Chain>,
    shelf: Arc<Shelf>,
    lie: Lie,
    /// What it was asked for, by the byte that says what.
    asked: Mutex<BTreeMap<u8, usize>>,
}

/// Peers of this process, reached over loopback TCP.
#[derive(Default)]
struct Peers(BTreeMap<PeerKey, Arc<Giver>>);

#[async_trait]
impl Connector for Peers {
    async fn connect(&self, target: Target, purpose: StreamType, _: PathPolicy) -> Result<BoxLink, ConnectError> {
        assert_eq!(purpose, STREAM);
        let Target::Peer(key) = &target else { return Err(ConnectError::NotAllowed(target)) };
        let Some(peer) = self.0.get(key) else { return Err(ConnectError::NotAllowed(target)) };
        let ((ours, theirs), (inner, giver)) = (pair().await, pair().await);
        tokio::spawn(give(giver, Arc::clone(&peer.chain), Arc::clone(&peer.shelf)));
        let peer = Arc::clone(peer);
        tokio::spawn(async move {
            // It ends when the taker has all, or has enough of it.
            let _ = between(theirs, inner, &peer).await;
        });
        Ok(ours)
    }
}

async fn pair() -> (BoxLink, BoxLink) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = tcp::connect(listener.local_addr().unwrap(), &TcpOptions::default()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    (Box::new(TcpLink::new(client)), Box::new(TcpLink::new(server)))
}

/// Carries questions to the node's own giver, and its answers back as the peer would have them.
async fn between(mut taker: BoxLink, mut giver: BoxLink, peer: &Giver) -> std::io::Result<()> {
    let mut genesis = [0; 32];
    taker.read_exact(&mut genesis).await?;
    giver.write_all(&genesis).await?;
    loop {
        let mut question = [0; 33];
        taker.read_exact(&mut question).await?;
        *peer.asked.lock().entry(question[0]).or_default() += 1;
        giver.write_all(&question).await?;
        giver.flush().await?;
        let mut length = [0; 4];
        giver.read_exact(&mut length).await?;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        giver.read_exact(&mut answer).await?;
        let answer = Answer::decode(&answer.into()).unwrap();
        let answer = (peer.lie)(Question::decode(&question).unwrap(), answer);
        taker.write_all(&answer.encode()).await?;
        taker.flush().await?;
    }
}

/// A chain of [`BLOCKS`] blocks and what stands around it.
struct World {
    dev: DevChain,
    genesis: Vec<u8>,
    dir: tempfile::TempDir,
    peers: Peers,
    named: Vec<Named>,
}

impl World {
    async fn new() -> World {
        let options = DevOptions::default();
        let dev = DevChain::start(Arc::new(MemoryStore::default()), options).unwrap();
        let (ledger, miner) = (dev.ledger().clone(), dev.miner());
        let made = tokio::task::spawn_blocking(move || {
            let payer = Wallet::of(DEV_KEYS[1]);
            let mut nonce = 0;
            while ledger.chain().height() < BLOCKS {
                // Some blocks have something in them, and each leaves an account that was not there.
                if ledger.chain().height() % 4 == 0 {
                    let to = Address::from_word(keccak256([nonce as u8]));
                    let paid = payer.send(options.chain_id, nonce, to, 7);
                    ledger.submit_recovered(vec![paid], Origin::User).remove(0).unwrap();
                    nonce += 1;
                }
                miner().unwrap();
            }
        });
        made.await.unwrap();
        let (genesis, dir) = (options.genesis().unwrap(), tempfile::tempdir().unwrap());
        World { dev, genesis, dir, peers: Peers::default(), named: Vec::new() }
    }

    fn chain(&self) -> &Arc<Chain> {
        self.dev.ledger().chain()
    }

    /// One more peer, asked after those that are there.
    fn peer(&mut self, lie: Lie) -> Arc<Giver> {
        let seed = u8::try_from(self.named.len() + 1).unwrap();
        let peer = weft_identity::DeviceSecret::from_bytes(&[seed; 32]).public();
        let shelf = Shelf::new(self.dir.path().join(seed.to_string()));
        let giver = Giver { chain: Arc::clone(self.chain()), shelf, lie, asked: Mutex::default() };
        let giver = Arc::new(giver);
        self.peers.0.insert(peer, Arc::clone(&giver));
        self.named.push(Named { peer, addresses: PeerAddresses::default() });
        giver
    }

    async fn take(&self, store: &Arc<dyn Store>) -> Result<u64, TakeError> {
        take(&self.peers, &self.named, &self.genesis, Arc::clone(store), &|_| ()).await
    }

    fn open(&self, store: &Arc<dyn Store>) -> Arc<Chain> {
        let genesis = Genesis::from_json(&self.genesis).unwrap();
        Arc::new(Chain::open(Arc::clone(store), &genesis, ChainOptions::default()).unwrap())
    }
}

fn empty() -> Arc<dyn Store> {
    Arc::new(MemoryStore::default())
}

/// A follower of the chain, fed with what its giver decided after the snapshot.
fn follow(world: &World, chain: &Arc<Chain>, store: &Arc<dyn Store>) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let pool = Pool::new(Limits::default(), 7);
    let ledger = weft_ledger::handle::Ledger::new(Arc::clone(chain), Arc::new(Mutex::new(pool)), None);
    let mut replica: Replica<ed25519_dalek::SigningKey> = Replica::open(ReplicaParts {
        chain: Arc::clone(chain),
        pool: Arc::new(ledger),
        store: Arc::clone(store),
        clock,
        validator: None,
        pace: Pace::on_demand(),
    })
    .unwrap();
    for height in chain.height() + 1..=world.chain().height() {
        let stored = world.chain().block(height).unwrap().unwrap();
        let block = encode_block(&stored.block.block, &stored.block.preamble.bytes);
        replica.handle_decided(&block, &stored.certificate).unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_chain_begun_at_a_snapshot_goes_on_as_the_others_do() {
    let mut world = World::new().await;
    let giver = world.peer(honest());
    let (store, steps) = (empty(), Mutex::new(Vec::new()));
    let say = |step| steps.lock().push(step);
    let height = take(&world.peers, &world.named, &world.genesis, Arc::clone(&store), &say).await.unwrap();
    assert_eq!(height, SNAPSHOT_EVERY);
    assert!(steps.lock().contains(&Step::Waiting), "nothing was made before somebody asked");
    assert_eq!(steps.lock().last(), Some(&Step::Root));
    let chain = world.open(&store);
    assert_eq!((chain.height(), chain.oldest_block().unwrap()), (SNAPSHOT_EVERY, SNAPSHOT_EVERY + 1));
    // All of the way is there: whoever follows headers may follow them here, from the first.
    for height in 1..=SNAPSHOT_EVERY {
        assert_eq!(chain.header(height).unwrap(), world.chain().header(height).unwrap());
        assert_eq!(chain.certificate(height).unwrap(), world.chain().certificate(height).unwrap());
        assert_eq!(set_of(&chain, height).unwrap(), set_of(world.chain(), height).unwrap());
        assert!(set_of(&chain, height).unwrap().is_some());
    }
    follow(&world, &chain, &store);
    assert_eq!(chain.head(), world.chain().head());
    let account = Wallet::of(DEV_KEYS[1]).address;
    assert_eq!(chain.state().account(account).unwrap(), world.chain().state().account(account).unwrap());
    // And it has what it says it has after a restart.
    drop(chain);
    let chain = world.open(&store);
    assert_eq!(chain.head(), world.chain().head());
    // A second taker gets what is on the shelf.
    assert!(matches!(giver.shelf.offer(&giver.chain), Offer::Manifest(_)));
    // What is of before is not there, and that is said: a block of before may have had the logs that are asked for.
    assert!(chain.block(8).unwrap().is_none() && chain.block(0).unwrap().is_some());
    let anything = chain.logs(&LogFilter::default(), 1..=chain.height(), 10, || false);
    assert!(matches!(anything, Err(LogsError::NotKept { oldest: 257, .. })), "{anything:?}");
    let kept = chain.logs(&LogFilter::default(), SNAPSHOT_EVERY + 1..=chain.height(), 10, || false);
    assert_eq!(kept.unwrap(), Vec::new());
}

#[tokio::test]
async fn a_node_that_began_at_a_snapshot_gives_one() {
    let mut world = World::new().await;
    world.peer(honest());
    let first = empty();
    world.take(&first).await.unwrap();
    let chain = world.open(&first);
    follow(&world, &chain, &first);
    let (ledger, miner) = (world.dev.ledger().clone(), world.dev.miner());
    let made = tokio::task::spawn_blocking(move || {
        while ledger.chain().height() < 2 * SNAPSHOT_EVERY {
            miner().unwrap();
        }
    });
    made.await.unwrap();
    follow(&world, &chain, &first);
    let giver =
        Giver { chain, shelf: Shelf::new(world.dir.path().join("first")), lie: honest(), asked: Mutex::default() };
    let key = world.named[0].peer;
    world.peers.0.insert(key, Arc::new(giver));
    let second = empty();
    assert_eq!(world.take(&second).await.unwrap(), 2 * SNAPSHOT_EVERY);
    assert_eq!(world.open(&second).head(), world.chain().head());
}

/// The first peer lies and the second does not: what the first gave that was good is kept, the rest comes from the second.
async fn refused_and_made_good(
    lie: fn(Question, Answer) -> Answer,
    is_refused: impl Fn(&TakeError) -> bool,
) -> Arc<Giver> {
    let mut world = World::new().await;
    world.peer(Box::new(lie));
    let alone = world.take(&empty()).await.unwrap_err();
    assert!(is_refused(&alone), "{alone:?}");
    let second = world.peer(honest());
    let store = empty();
    assert_eq!(world.take(&store).await.unwrap(), SNAPSHOT_EVERY);
    assert_eq!(world.open(&store).height(), SNAPSHOT_EVERY);
    second
}

fn changed(bytes: &Bytes) -> Bytes {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes.into()
}

#[tokio::test]
async fn a_chunk_that_is_not_what_its_hash_says_is_refused() {
    fn lie(question: Question, answer: Answer) -> Answer {
        match (question, answer) {
            (Question::Chunk(_), Answer::Here(chunk)) => Answer::Here(changed(&chunk)),
            (_, answer) => answer,
        }
    }
    let wrong = |error: &TakeError| matches!(error, TakeError::Snapshot(SnapshotError::WrongChunk { index: 0 }));
    let second = refused_and_made_good(lie, wrong).await;
    assert_eq!(second.asked.lock().get(&1), None, "the headers were good, and are not asked for again");
}

#[tokio::test]
async fn a_state_that_is_not_the_headers_is_refused() {
    // Somebody has a little more: chunks and hashes agree with each other, and not with the header.
    let mut world = World::new().await;
    let chunk = world.chain().snapshot(SNAPSHOT_EVERY).unwrap().next_chunk().unwrap().unwrap();
    let mut richer = chunk.to_vec();
    // Nonce 0, 7 wei, no code.
    let at = richer.windows(3).position(|row| row == [0x80, 7, 0x80]).unwrap();
    richer[at + 1] = 8;
    let (richer, hash) = (Bytes::from(richer.clone()), keccak256(&richer));
    world.peer(Box::new(move |question, answer| match (question, answer) {
        (Question::Manifest, Answer::Here(bytes)) => {
            let mut manifest = Manifest::decode(&bytes).unwrap();
            manifest.chunks[0] = hash;
            Answer::Here(manifest.encode().into())
        }
        (Question::Chunk(wanted), _) if wanted == hash => Answer::Here(richer.clone()),
        (_, answer) => answer,
    }));
    let store = empty();
    let refused = world.take(&store).await.unwrap_err();
    assert!(matches!(refused, TakeError::Snapshot(SnapshotError::WrongRoot { .. })), "{refused:?}");
    world.peer(honest());
    assert_eq!(world.take(&store).await.unwrap(), SNAPSHOT_EVERY, "in the very store");
    let account = Address::from_word(keccak256([0_u8]));
    assert_eq!(world.open(&store).state().account(account).unwrap().unwrap().balance, U256::from(7));
}

#[tokio::test]
async fn forged_headers_are_refused() {
    fn forge(bytes: &Bytes, with: impl Fn(&mut DecidedBlock)) -> Answer {
        let mut blocks = Vec::<DecidedBlock>::decode(&mut &bytes[..]).unwrap();
        let last = blocks.len() - 1;
        with(&mut blocks[last]);
        let mut bytes = Vec::new();
        alloy_rlp::encode_list(&blocks, &mut bytes);
        Answer::Here(bytes.into())
    }
    fn header(question: Question, answer: Answer) -> Answer {
        match (question, answer) {
            (Question::Headers(_), Answer::Here(bytes)) => forge(&bytes, |block| block.header = changed(&block.header)),
            (_, answer) => answer,
        }
    }
    fn certificate(question: Question, answer: Answer) -> Answer {
        match (question, answer) {
            (Question::Headers(_), Answer::Here(bytes)) => {
                forge(&bytes, |block| block.certificate = changed(&block.certificate))
            }
            (_, answer) => answer,
        }
    }
    for lie in [header as fn(_, _) -> _, certificate] {
        let refused = |error: &TakeError| matches!(error, TakeError::Walk(WalkError::Refused(_)));
        refused_and_made_good(lie, refused).await;
    }
}

#[tokio::test]
async fn who_has_none_or_ends_early_is_passed_over() {
    fn none(question: Question, answer: Answer) -> Answer {
        if question == Question::Manifest { Answer::Nothing } else { answer }
    }
    fn no_chunks(question: Question, answer: Answer) -> Answer {
        if matches!(question, Question::Chunk(_)) { Answer::Nothing } else { answer }
    }
    refused_and_made_good(none, |error| matches!(error, TakeError::None)).await;
    refused_and_made_good(no_chunks, |error| matches!(error, TakeError::Incomplete)).await;
}

#[tokio::test]
async fn a_short_chain_has_no_snapshot() {
    let options = DevOptions::default();
    let dev = DevChain::start(Arc::new(MemoryStore::default()), options).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let shelf = Shelf::new(dir.path().join("snapshots"));
    assert_eq!(shelf.offer(dev.ledger().chain()), Offer::Nothing);
}
