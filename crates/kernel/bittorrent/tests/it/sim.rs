//! The simulator: nodes with a [`Swarm`] and connections, links with latency and bandwidth, one queue of events.
//!
//! It is also the judge: on every message an honest node sends it checks that no unverified piece is announced or served.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use sha1::{Digest, Sha1};
use weft_bittorrent::bitfield::Bitfield;
use weft_bittorrent::block::BlockPool;
use weft_bittorrent::connection::{Connection, Event, Written};
use weft_bittorrent::id::{InfoHash, PeerId};
use weft_bittorrent::swarm::{
    BlockDigest, BlockVerdict, DropReason, Geometry, Output, PeerKey, PeerParams, Swarm, SwarmConfig, SwarmState,
    TorrentInfo,
};
use weft_bittorrent::wire::{BLOCK_LEN, BlockRef, Handshake, Message, Reserved};

/// Virtual time after which a run counts as stuck.
const GIVE_UP: Duration = Duration::from_secs(4 * 3600);

/// Bytes on their way in one direction of a link: a socket's buffers.
const IN_FLIGHT: usize = 256 * 1024;

/// A torrent's content and metadata.
pub(crate) struct Content {
    pub(crate) geometry: Geometry,
    pub(crate) metadata: Bytes,
    pub(crate) info_hash: InfoHash,
    pub(crate) private: bool,
    data: Vec<u8>,
}

impl Content {
    pub(crate) fn new(piece_len: u32, total: u64, private: bool, metadata_len: usize) -> Arc<Self> {
        let mut rng = SmallRng::seed_from_u64(total);
        let data: Vec<u8> = (0..total).map(|_| rng.random()).collect();
        let metadata: Vec<u8> = (0..metadata_len).map(|_| rng.random()).collect();
        let hash: [u8; 20] = Sha1::digest(&metadata).into();
        Arc::new(Self {
            geometry: Geometry::new(piece_len, total).unwrap(),
            info_hash: InfoHash::from(hash),
            metadata: metadata.into(),
            private,
            data,
        })
    }

    pub(crate) fn info(&self) -> TorrentInfo {
        TorrentInfo { geometry: self.geometry, private: self.private, metadata: self.metadata.clone() }
    }

    pub(crate) fn block(&self, block: &BlockRef) -> &[u8] {
        let start = block.piece as usize * self.geometry.nominal_piece_len() as usize + block.begin as usize;
        &self.data[start..start + block.len as usize]
    }

    fn blocks(&self, piece: u32) -> impl Iterator<Item = BlockRef> + '_ {
        (0..self.geometry.block_count(piece)).filter_map(move |i| self.geometry.block(piece, i))
    }
}

/// How a node behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Nature {
    Honest,
    /// Claims everything and sends wrong bytes with this probability a block.
    Poisons(f64),
    /// Claims everything and sends nothing.
    Lies,
    /// Answers metadata requests with garbage.
    FalseMetadata,
}

pub(crate) struct NodeConfig {
    pub(crate) seed: bool,
    pub(crate) magnet: bool,
    pub(crate) nature: Nature,
    /// Upload bandwidth in bytes a second.
    pub(crate) up: u64,
    pub(crate) fast: bool,
    pub(crate) digests: bool,
    pub(crate) swarm: Box<dyn Fn(&mut SwarmConfig)>,
}

impl NodeConfig {
    pub(crate) fn leecher() -> Self {
        Self {
            seed: false,
            magnet: false,
            nature: Nature::Honest,
            up: 4_000_000,
            fast: true,
            digests: false,
            swarm: Box::new(|_| {}),
        }
    }

    pub(crate) fn seeder() -> Self {
        Self { seed: true, ..Self::leecher() }
    }
}

pub(crate) struct Node {
    pub(crate) swarm: Swarm,
    pub(crate) config: NodeConfig,
    pub(crate) addr: SocketAddr,
    /// Verified pieces: what may be announced and served.
    pub(crate) verified: BTreeSet<u32>,
    partial: BTreeMap<u32, BTreeMap<u32, Vec<u8>>>,
    links: BTreeMap<PeerKey, (usize, usize)>,
    pool: BlockPool,
    up_free: Instant,
    ticking: Option<Instant>,
    pub(crate) alive: bool,
    pub(crate) completed_at: Option<Duration>,
    pub(crate) drops: Vec<(SocketAddr, DropReason, bool)>,
    pub(crate) banned: BTreeSet<IpAddr>,
    pub(crate) pex_sent: u64,
    pub(crate) states: Vec<SwarmState>,
    /// The most bytes ever in flight by the swarm's own count.
    pub(crate) peak_inflight: u64,
}

struct End {
    node: usize,
    conn: Connection,
    key: Option<PeerKey>,
    /// Bytes sent by this end and not yet delivered.
    on_the_way: usize,
    pumping: bool,
}

struct Link {
    ends: [End; 2],
    open: bool,
    latency: Duration,
}

#[derive(Debug)]
enum What {
    Deliver { link: usize, to: usize, bytes: Vec<u8> },
    Pump { link: usize, end: usize },
    Tick { node: usize },
    Verify { node: usize, piece: u32 },
}

pub(crate) struct Sim {
    pub(crate) now: Instant,
    start: Instant,
    seed: u64,
    pub(crate) rng: SmallRng,
    pub(crate) content: Arc<Content>,
    pub(crate) nodes: Vec<Node>,
    links: Vec<Link>,
    queue: BinaryHeap<Reverse<(Instant, u64, usize)>>,
    events: BTreeMap<usize, What>,
    sequence: u64,
    pub(crate) latency: Duration,
    /// Messages of each kind sent, for assertions.
    pub(crate) sent: BTreeMap<&'static str, u64>,
    pub(crate) follow_pex: bool,
    pub(crate) watch_memory: bool,
}

impl Drop for Sim {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the failing run's seed: {}", self.seed);
        }
    }
}

impl Sim {
    pub(crate) fn new(seed: u64, content: Arc<Content>) -> Self {
        let start = Instant::now();
        Self {
            now: start,
            start,
            seed,
            rng: SmallRng::seed_from_u64(seed),
            content,
            nodes: Vec::new(),
            links: Vec::new(),
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            sequence: 0,
            latency: Duration::from_millis(20),
            sent: BTreeMap::new(),
            follow_pex: true,
            watch_memory: false,
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    pub(crate) fn add(&mut self, config: NodeConfig) -> usize {
        let index = self.nodes.len();
        let addr = SocketAddr::new(Ipv4Addr::new(10, 0, (index >> 8) as u8, index as u8 + 1).into(), 6881);
        let mut settings = SwarmConfig::new(self.content.info_hash, self.rng.random());
        settings.listen_port = Some(6881);
        (config.swarm)(&mut settings);
        let pieces = self.content.geometry.piece_count();
        let claims = config.seed || matches!(config.nature, Nature::Poisons(_) | Nature::Lies);
        let have = if claims { Bitfield::full(pieces) } else { Bitfield::new(pieces) };
        let verified = if config.seed { (0..pieces).collect() } else { BTreeSet::new() };
        let swarm = if config.magnet {
            Swarm::from_magnet(settings, self.now)
        } else {
            Swarm::new(settings, self.content.info(), have, self.now).unwrap()
        };
        self.nodes.push(Node {
            swarm,
            config,
            addr,
            verified,
            partial: BTreeMap::new(),
            links: BTreeMap::new(),
            pool: BlockPool::new(256),
            up_free: self.now,
            ticking: None,
            alive: true,
            completed_at: None,
            drops: Vec::new(),
            banned: BTreeSet::new(),
            pex_sent: 0,
            states: Vec::new(),
            peak_inflight: 0,
        });
        self.serve(index);
        index
    }

    fn handshake(&self, node: usize) -> Handshake {
        let mut id = [0; 20];
        id[..8].copy_from_slice(b"-WF0001-");
        id[12..].copy_from_slice(&(node as u64).to_be_bytes());
        let reserved =
            if self.nodes[node].config.fast { Reserved::ours(false) } else { Reserved([0, 0, 0, 0, 0, 0x10, 0, 0]) };
        Handshake { reserved, info_hash: self.content.info_hash, peer_id: PeerId::from(id) }
    }

    fn piece_count(&self, node: usize) -> Option<u32> {
        Some(self.nodes[node].swarm.have().len()).filter(|n| *n > 0)
    }

    pub(crate) fn connect(&mut self, from: usize, to: usize) {
        let banned = |a: usize, b: usize| self.nodes[a].banned.contains(&self.nodes[b].addr.ip());
        let linked = |l: &Link| l.open && [from, to].iter().all(|n| l.ends.iter().any(|e| e.node == *n));
        if from == to || banned(from, to) || banned(to, from) || self.links.iter().any(linked) {
            return;
        }
        if !self.nodes[from].alive || !self.nodes[to].alive {
            return;
        }
        let pool = |n: usize| self.nodes[n].pool.clone();
        let out = Connection::outgoing(pool(from), self.handshake(from), self.piece_count(from));
        let inc = Connection::incoming(pool(to));
        let end = |node, conn| End { node, conn, key: None, on_the_way: 0, pumping: false };
        let jitter = self.rng.random_range(0.5..2.0);
        self.links.push(Link {
            ends: [end(from, out), end(to, inc)],
            open: true,
            latency: self.latency.mul_f64(jitter),
        });
        self.pump(self.links.len() - 1, 0);
    }

    pub(crate) fn connect_all(&mut self) {
        for a in 0..self.nodes.len() {
            for b in a + 1..self.nodes.len() {
                if self.rng.random() {
                    self.connect(a, b);
                } else {
                    self.connect(b, a);
                }
            }
        }
    }

    /// Each node dials this many others.
    pub(crate) fn connect_some(&mut self, each: usize) {
        for a in 0..self.nodes.len() {
            for _ in 0..each {
                let b = self.rng.random_range(0..self.nodes.len());
                self.connect(a, b);
            }
        }
    }

    fn schedule(&mut self, at: Instant, what: What) {
        self.sequence += 1;
        let id = self.sequence as usize;
        self.queue.push(Reverse((at.max(self.now), self.sequence, id)));
        self.events.insert(id, what);
    }

    /// Takes a node away without a word.
    pub(crate) fn kill(&mut self, node: usize) {
        self.nodes[node].alive = false;
        for link in 0..self.links.len() {
            if self.links[link].open && self.links[link].ends.iter().any(|e| e.node == node) {
                self.close(link);
            }
        }
    }

    /// Breaks a random open link; true if there was one.
    pub(crate) fn break_a_link(&mut self) -> bool {
        let open: Vec<usize> = (0..self.links.len()).filter(|l| self.links[*l].open).collect();
        if open.is_empty() {
            return false;
        }
        let link = open[self.rng.random_range(0..open.len())];
        let [a, b] = [0, 1].map(|e| self.links[link].ends[e].node);
        self.close(link);
        self.connect(a, b);
        true
    }

    fn close(&mut self, link: usize) {
        self.links[link].open = false;
        for end in 0..2 {
            let End { node, key, .. } = self.links[link].ends[end];
            if let Some(key) = key {
                self.nodes[node].swarm.peer_disconnected(self.now, key);
                self.serve(node);
            }
        }
    }

    /// Does what a node's machine wants after it was called from outside.
    pub(crate) fn settle(&mut self, node: usize) {
        self.serve(node);
    }

    /// Runs until `done` holds, one event at a time.
    pub(crate) fn run_until(&mut self, mut done: impl FnMut(&mut Sim) -> bool) {
        while !done(self) {
            assert!(self.elapsed() < GIVE_UP, "stuck: {}", self.describe());
            assert!(self.step(), "nothing left to happen: {}", self.describe());
        }
    }

    /// Runs until every honest leecher alive has everything.
    pub(crate) fn run(&mut self) {
        self.run_until(|sim| sim.all_complete());
    }

    pub(crate) fn all_complete(&self) -> bool {
        let wants = |n: &&Node| n.alive && n.config.nature == Nature::Honest;
        self.nodes.iter().filter(wants).all(|n| n.verified.len() as u32 == self.content.geometry.piece_count())
    }

    pub(crate) fn describe(&self) -> String {
        let node = |(i, n): (usize, &Node)| {
            let stats = n.swarm.stats();
            format!("\n{i}: {:?} {stats:?}\n    {:?}", n.drops, n.swarm.peer_stats())
        };
        self.nodes.iter().enumerate().filter(|(_, n)| n.alive).map(node).collect()
    }

    fn step(&mut self) -> bool {
        let Some(Reverse((at, _, id))) = self.queue.pop() else { return false };
        let Some(what) = self.events.remove(&id) else { return true };
        self.now = at;
        match what {
            What::Deliver { link, to, bytes } => {
                self.links[link].ends[1 - to].on_the_way -= bytes.len();
                if self.links[link].open {
                    self.receive(link, to, &bytes);
                    self.pump(link, 1 - to);
                }
            }
            What::Pump { link, end } => {
                self.links[link].ends[end].pumping = false;
                self.pump(link, end);
            }
            What::Tick { node } => {
                if self.nodes[node].ticking == Some(at) && self.nodes[node].alive {
                    self.nodes[node].ticking = None;
                    self.nodes[node].swarm.tick(self.now);
                    self.serve(node);
                }
            }
            What::Verify { node, piece } => self.verify(node, piece),
        }
        true
    }

    fn receive(&mut self, link: usize, to: usize, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = self.links[link].ends[to].conn.feed(rest);
            assert!(taken > 0);
            rest = &rest[taken..];
            loop {
                if !self.links[link].open {
                    return;
                }
                match self.links[link].ends[to].conn.next_event() {
                    Ok(Some(event)) => self.on_event(link, to, event),
                    Ok(None) => break,
                    Err(_) => return self.close(link),
                }
            }
        }
        self.serve(self.links[link].ends[to].node);
        self.pump(link, to);
    }

    fn on_event(&mut self, link: usize, end: usize, event: Event) {
        let node = self.links[link].ends[end].node;
        let now = self.now;
        match event {
            Event::Handshake(handshake) => {
                if end == 1 {
                    let (ours, count) = (self.handshake(node), self.piece_count(node));
                    self.links[link].ends[end].conn.accept(ours, count);
                }
                let other = &self.nodes[self.links[link].ends[1 - end].node];
                let port = if end == 1 { 40_000 + link as u16 } else { 6881 };
                let addr = Some(SocketAddr::new(other.addr.ip(), port));
                let mut params = PeerParams { addr, outgoing: end == 0, handshake, weft: false };
                if !self.nodes[node].config.fast {
                    // A machine takes its own side for fast; this node plays one that is not.
                    params.handshake.reserved.0[7] = 0;
                }
                match self.nodes[node].swarm.peer_connected(now, params) {
                    Ok(key) => {
                        self.links[link].ends[end].key = Some(key);
                        self.nodes[node].links.insert(key, (link, end));
                    }
                    Err(_) => self.close(link),
                }
            }
            Event::Message(message) => {
                let key = self.links[link].ends[end].key.unwrap();
                self.nodes[node].swarm.on_message(now, key, message);
            }
            Event::Block { block, data } => {
                let key = self.links[link].ends[end].key.unwrap();
                let node = &mut self.nodes[node];
                if node.swarm.on_block(now, key, block) == BlockVerdict::Accept {
                    let before = node.partial.entry(block.piece).or_default().insert(block.begin, data.to_vec());
                    assert!(before.is_none(), "a block was accepted twice");
                    assert!(!node.verified.contains(&block.piece), "a block of a verified piece was accepted");
                }
            }
            _ => {}
        }
    }

    fn link_of(&self, node: usize, key: PeerKey) -> Option<(usize, usize)> {
        self.nodes[node].links.get(&key).copied().filter(|(link, _)| self.links[*link].open)
    }

    /// Does what a node's swarm asks for.
    fn serve(&mut self, node: usize) {
        let mut touched = BTreeSet::new();
        while let Some(output) = self.nodes[node].swarm.poll_output() {
            match output {
                Output::Send { peer, message } => {
                    self.judge(node, &message);
                    let message = self.disguise(node, message);
                    if let Some((link, end)) = self.link_of(node, peer) {
                        if self.links[link].ends[end].conn.send(&message).is_err() {
                            self.close(link);
                        }
                        touched.insert((link, end));
                    }
                }
                Output::Upload { peer, blocks } => {
                    if let Some((link, end)) = self.link_of(node, peer) {
                        self.upload(node, link, end, &blocks);
                        touched.insert((link, end));
                    }
                }
                Output::PieceComplete { piece } => {
                    let after = Duration::from_micros(self.rng.random_range(0..3000));
                    self.schedule(self.now + after, What::Verify { node, piece });
                }
                Output::PieceAbandoned { piece } => {
                    self.nodes[node].partial.remove(&piece);
                }
                Output::MetadataComplete { metadata } => self.on_metadata(node, &metadata),
                Output::Drop { peer, reason, ban } => {
                    if let Some((link, end)) = self.link_of(node, peer) {
                        let addr = self.nodes[self.links[link].ends[1 - end].node].addr;
                        self.nodes[node].drops.push((addr, reason, ban));
                        if ban {
                            self.nodes[node].banned.insert(addr.ip());
                        }
                        self.links[link].ends[end].key = None;
                        self.close(link);
                    }
                }
                Output::Ban { addr, .. } => {
                    self.nodes[node].banned.insert(addr.ip());
                }
                Output::PexPeers { peers, .. } if self.follow_pex => {
                    for peer in peers {
                        if let Some(to) = self.nodes.iter().position(|n| n.addr == peer.addr) {
                            self.connect(node, to);
                        }
                    }
                }
                Output::StateChanged(state) => {
                    self.nodes[node].states.push(state);
                    if state == SwarmState::Seeding && self.nodes[node].completed_at.is_none() {
                        self.nodes[node].completed_at = Some(self.elapsed());
                    }
                }
                _ => {}
            }
        }
        if self.watch_memory {
            let stats = self.nodes[node].swarm.stats();
            let peak = &mut self.nodes[node].peak_inflight;
            *peak = (*peak).max(stats.inflight_bytes);
        }
        for (link, end) in touched {
            self.pump(link, end);
        }
        self.arm(node);
    }

    fn arm(&mut self, node: usize) {
        let Some(due) = self.nodes[node].swarm.next_deadline().map(|at| at.max(self.now)) else { return };
        if self.nodes[node].ticking.is_none_or(|at| at > due) {
            self.nodes[node].ticking = Some(due);
            self.schedule(due, What::Tick { node });
        }
    }

    fn upload(&mut self, node: usize, link: usize, end: usize, blocks: &[BlockRef]) {
        for block in blocks {
            let honest = self.nodes[node].config.nature == Nature::Honest;
            assert!(!honest || self.nodes[node].verified.contains(&block.piece), "an unverified piece is served");
            let mut data = self.content.block(block).to_vec();
            match self.nodes[node].config.nature {
                Nature::Lies => continue,
                Nature::Poisons(p) if self.rng.random_bool(p) => data[0] ^= 1,
                _ => {}
            }
            let _ = self.links[link].ends[end].conn.send_block(block.piece, block.begin, data.into());
        }
    }

    /// The invariant: nothing unverified is ever announced.
    fn judge(&mut self, node: usize, message: &Message) {
        let n = &mut self.nodes[node];
        let kind = match message {
            Message::Have { .. } => "have",
            Message::Bitfield(_) | Message::HaveAll => "bitfield",
            Message::Request(_) => "request",
            Message::Cancel(_) => "cancel",
            Message::Reject(_) => "reject",
            Message::Extended { id: 2, .. } => "pex",
            Message::Extended { .. } => "extended",
            Message::Choke | Message::Unchoke => "choke",
            _ => "other",
        };
        *self.sent.entry(kind).or_default() += 1;
        n.pex_sent += u64::from(kind == "pex");
        if n.config.nature != Nature::Honest {
            return;
        }
        let pieces = self.content.geometry.piece_count();
        let announced: Vec<u32> = match message {
            Message::Have { piece } => vec![*piece],
            Message::HaveAll => (0..pieces).collect(),
            Message::Bitfield(bits) => Bitfield::from_bytes(bits, pieces).unwrap().iter().collect(),
            _ => Vec::new(),
        };
        assert!(announced.iter().all(|p| n.verified.contains(p)), "an unverified piece is announced by {node}");
    }

    fn disguise(&self, node: usize, message: Message) -> Message {
        match message {
            Message::Extended { id, payload }
                if id == 1 && self.nodes[node].config.nature == Nature::FalseMetadata && payload.len() > 200 =>
            {
                let mut payload = payload.to_vec();
                let last = payload.len() - 1;
                payload[last] ^= 1;
                Message::Extended { id, payload: payload.into() }
            }
            message => message,
        }
    }

    fn on_metadata(&mut self, node: usize, metadata: &Bytes) {
        assert_eq!(*metadata, self.content.metadata);
        let pieces = self.content.geometry.piece_count();
        for link in self.links.iter_mut().filter(|l| l.open) {
            for end in link.ends.iter_mut().filter(|e| e.node == node) {
                end.conn.set_piece_count(pieces);
            }
        }
        self.nodes[node].swarm.set_info(self.now, self.content.info(), Bitfield::new(pieces)).unwrap();
    }

    fn verify(&mut self, node: usize, piece: u32) {
        let content = Arc::clone(&self.content);
        let n = &mut self.nodes[node];
        if !n.alive {
            return;
        }
        let data = n.partial.remove(&piece).expect("the blocks of a complete piece");
        assert_eq!(data.len() as u32, content.geometry.block_count(piece));
        let right = content.blocks(piece).all(|b| data.get(&b.begin).is_some_and(|d| d == content.block(&b)));
        let digest = |d: &[u8]| -> BlockDigest { Sha1::digest(d)[..16].try_into().unwrap() };
        if right {
            if n.swarm.wants_digests(piece) {
                let digests: Vec<_> = data.values().map(|d| digest(d)).collect();
                n.swarm.piece_digests(self.now, piece, &digests);
            }
            n.verified.insert(piece);
            n.swarm.piece_verified(self.now, piece);
        } else {
            let digests: Vec<_> =
                if n.config.digests { data.values().map(|d| digest(d)).collect() } else { Vec::new() };
            n.swarm.piece_failed(self.now, piece, &digests);
        }
        self.serve(node);
    }

    /// Sends what a connection has to send, as far as link and uplink carry it.
    fn pump(&mut self, link: usize, end: usize) {
        let entry = &self.links[link];
        if !entry.open || entry.ends[end].pumping || !entry.ends[end].conn.wants_write() {
            return;
        }
        let room = IN_FLIGHT.saturating_sub(entry.ends[end].on_the_way).min(32 * 1024);
        if room == 0 {
            return;
        }
        let (node, latency) = (entry.ends[end].node, entry.latency);
        let bytes: Vec<u8> = entry.ends[end].conn.write_plan().iter().flat_map(|s| s.to_vec()).take(room).collect();
        let n = bytes.len();
        let written = self.links[link].ends[end].conn.on_written(n);
        self.links[link].ends[end].on_the_way += n;
        let started = self.nodes[node].up_free.max(self.now);
        let sent = started + Duration::from_secs_f64(n as f64 / self.nodes[node].config.up as f64);
        self.nodes[node].up_free = sent;
        self.schedule(sent + latency, What::Deliver { link, to: 1 - end, bytes });
        // The next chunk once this one has left.
        self.links[link].ends[end].pumping = true;
        self.schedule(sent, What::Pump { link, end });
        if let Some(key) = self.links[link].ends[end].key
            && written != Written::default()
        {
            self.nodes[node].swarm.on_uploaded(self.now, key, written);
            self.serve(node);
        }
    }

    /// Sends a message past the machine, as only a hostile peer would.
    pub(crate) fn inject(&mut self, from: usize, to: usize, message: &Message) -> bool {
        let link = (0..self.links.len()).filter(|l| self.links[*l].open).find_map(|l| {
            let end = self.links[l].ends.iter().position(|e| e.node == from)?;
            (self.links[l].ends[1 - end].node == to).then_some((l, end))
        });
        let Some((link, end)) = link else { return false };
        let sent = self.links[link].ends[end].conn.send(message).is_ok();
        self.pump(link, end);
        sent
    }

    pub(crate) fn connected(&self, a: usize, b: usize) -> bool {
        self.links
            .iter()
            .any(|l| l.open && [a, b].iter().all(|n| l.ends.iter().any(|e| e.node == *n && e.key.is_some())))
    }

    /// Bytes that came twice, as a share of what came.
    pub(crate) fn duplicate_percent(&self) -> f64 {
        let stats: Vec<_> = self.nodes.iter().map(|n| n.swarm.stats()).collect();
        let sum = |f: fn(&weft_bittorrent::swarm::SwarmStats) -> u64| stats.iter().map(f).sum::<u64>() as f64;
        100.0 * sum(|s| s.duplicate) / sum(|s| s.downloaded).max(1.0)
    }
}

pub(crate) fn blocks(n: u32) -> u32 {
    n * BLOCK_LEN
}
