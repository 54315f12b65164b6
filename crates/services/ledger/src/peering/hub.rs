//! The task that brings peers, the replica and the pool together: the shell around [`Exchange`], the pool's
//! [`Gossip`] and the [`Book`].

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{B256, Bytes};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;
use weft_evm::recover_raw;
use weft_overlay::{BoxLink, Connector, Overlay, PathPolicy, PeerKey, StreamType, Target};

use super::book::Book;
use super::catch_up::RANGE;
use super::exchange::{Exchange, Output, Parting};
use super::link::{Ended, Outbox, drive, outbox};
use super::message::{Hello, MAX_PEERS, Message, Named};
use crate::handle::{Ledger, Origin};
use crate::pool::PoolTransaction;
use crate::pool::gossip::{self, BAN_SCORE, Gossip, Verdict};
use crate::replica::{Action, Clock, SyncRefused, encode_block};
use crate::runner::{Mail, Mailbox, Notice};
use crate::view::LedgerPeerView;
use crate::watch::Watch;

/// What ledger peers speak.
pub const STREAM: StreamType = StreamType::new("ledger/1");

/// 64 links; more are not needed for gossip to reach everybody.
const MAX_LINKS: usize = 64;

/// 1,024 messages from all links wait for this task; then links are held up.
const MAX_EVENTS: usize = 1_024;

/// 4 MiB of decided blocks are sent for one question.
const SERVED_BYTES: usize = 4 << 20;

/// 1 MiB waits for a peer: it is told of no more transactions until it has taken some.
const ANNOUNCE_BELOW: usize = 1 << 20;

/// 10 s: peers hear of this node that often at least.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// 5 s: two links that come about within it were dialled by both at once.
const AT_ONCE: Duration = Duration::from_secs(5);

/// What happens on links.
#[derive(Debug)]
enum Event {
    Linked { peer: PeerKey, link: Pending, dialled: bool },
    Heard { id: u64, peer: PeerKey, message: Message },
    Lost { id: u64, peer: PeerKey, why: Ended },
    Unreached { peer: PeerKey, other: bool },
    Checked(Vec<(PeerKey, B256, Verdict)>),
}

/// A link that nobody drives yet.
struct Pending(BoxLink);

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pending")
    }
}

struct Linked {
    id: u64,
    outbox: Outbox,
    since: Duration,
    dialler: PeerKey,
}

/// Where links that peers open are handed in, and peers are named. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Peering {
    events: mpsc::Sender<Event>,
    named: mpsc::Sender<Vec<Named>>,
}

impl Peering {
    /// Takes a link that a peer opened. With too many at once it is closed.
    pub fn accept(&self, link: BoxLink) {
        let Some(peer) = link.info().peer else { return };
        // Dropping a link closes it.
        let _ = self.events.try_send(Event::Linked { peer, link: Pending(link), dialled: false });
    }

    /// Tells of peers that are on this ledger, as a user or an invitation says.
    pub async fn introduce(&self, peers: Vec<Named>) {
        // The task ends with the ledger; then nobody is dialled.
        let _ = self.named.send(peers).await;
    }
}

/// Keeps peers across restarts. Called on the task: it hands them on, and does not wait for a disk.
pub type Keep = Box<dyn Fn(Vec<Named>) + Send>;

/// What the task is made of.
pub struct HubParts {
    /// The chain and its pool.
    pub ledger: Ledger,
    /// Where the replica's mail is put.
    pub mailbox: Mailbox,
    /// What the replica says.
    pub notices: mpsc::UnboundedReceiver<Notice>,
    /// The replica's clock.
    pub clock: Arc<dyn Clock>,
    /// Whom this node validates for.
    pub validator: Option<alloy_primitives::Address>,
    /// What reaches peers.
    pub overlay: Overlay,
    /// Who watches.
    pub watch: Arc<Watch>,
    /// Keeps the peers across restarts.
    pub keep: Keep,
}

/// Makes the task, and the handle to it. It ends when the replica's thread has ended.
pub fn hub(parts: HubParts) -> (Peering, impl Future<Output = ()> + Send) {
    let (events_in, events) = mpsc::channel(MAX_EVENTS);
    let (named_in, named) = mpsc::channel(8);
    let peering = Peering { events: events_in.clone(), named: named_in };
    let hub = Hub {
        exchange: Exchange::new(parts.ledger.chain().genesis_hash(), parts.ledger.chain().height(), parts.validator),
        gossip: Gossip::new(),
        book: Book::new(),
        kept: Vec::new(),
        links: HashMap::new(),
        next_id: 0,
        events: events_in,
        tasks: JoinSet::new(),
        status_at: parts.clock.now() + STATUS_EVERY,
        parts,
    };
    (peering, hub.run(events, named))
}

struct Hub {
    parts: HubParts,
    exchange: Exchange<PeerKey>,
    gossip: Gossip<PeerKey>,
    book: Book<PeerKey>,
    /// The peers that were kept last.
    kept: Vec<Named>,
    links: HashMap<PeerKey, Linked>,
    next_id: u64,
    events: mpsc::Sender<Event>,
    /// Links, dials, and what is looked up for peers. All end with this task.
    tasks: JoinSet<()>,
    status_at: Duration,
}

impl Hub {
    async fn run(mut self, mut events: mpsc::Receiver<Event>, mut named: mpsc::Receiver<Vec<Named>>) {
        let mut pending = self.parts.ledger.transactions();
        let mut outcomes = self.parts.ledger.outcomes();
        loop {
            self.settle();
            let now = self.parts.clock.now();
            let deadline =
                [self.exchange.deadline(), self.gossip.next_tick(), self.book.deadline(), Some(self.status_at)];
            let deadline = deadline.into_iter().flatten().min().unwrap_or(self.status_at);
            tokio::select! {
                notice = self.parts.notices.recv() => match notice {
                    Some(notice) => self.noticed(notice),
                    None => return,
                },
                Some(event) = events.recv() => self.happened(event),
                Some(peers) = named.recv() => self.met(peers, true),
                told = pending.recv() => self.pending(&mut pending, told.err()),
                left = outcomes.recv() => {
                    // What is missed of many at once is only not explained later.
                    let mut left = left.ok();
                    // A block brings thousands.
                    while let Some(outcome) = left {
                        self.parts.watch.left_pool(outcome);
                        left = outcomes.try_recv().ok();
                    }
                }
                Some(_) = self.tasks.join_next() => {}
                () = tokio::time::sleep(deadline.saturating_sub(now)) => {}
            }
            let now = self.parts.clock.now();
            self.exchange.tick(now);
            self.gossip.tick(now);
            if self.status_at <= now {
                self.status_at = now + STATUS_EVERY;
                let height = self.parts.ledger.chain().height();
                self.exchange.say(crate::replica::To::All, Message::Status(height));
            }
        }
    }

    /// Carries out what the machines want.
    fn settle(&mut self) {
        loop {
            if let Some(output) = self.exchange.poll() {
                self.carry_out(output);
            } else if let Some(output) = self.gossip.poll() {
                self.gossiped(output);
            } else {
                break;
            }
        }
        for peer in self.book.due(self.parts.clock.now()) {
            self.dial(peer);
        }
    }

    fn carry_out(&mut self, output: Output<PeerKey>) {
        match output {
            Output::Send(peers, message) => self.send(&peers, &message),
            Output::Part(peer, why) => self.part(peer, &why),
            Output::Consensus(peer, bytes) => self.post(Mail::Message(peer, bytes)),
            Output::Proposed(peer, bytes) => self.post(Mail::Block(peer, bytes)),
            Output::Decided(peer, block, certificate) => {
                if !self.parts.mailbox.post(Mail::Decided(peer, block, certificate)) {
                    // Asked for again when the others are through.
                    let now = self.parts.clock.now();
                    self.exchange.handled(now, peer, None);
                }
            }
            Output::Lookup(peer, hash) => self.post(Mail::Lookup(peer, hash)),
            Output::Serve(peer, from) => self.serve(peer, from),
            Output::Pool(peer, bytes) => self.pool_said(peer, &bytes),
            Output::Greeted(peer) => self.greeted(peer),
            Output::Met(named) => self.met(named, false),
            Output::Sync(sync) => {
                self.parts.ledger.set_sync(sync);
                self.parts.watch.sync(sync);
            }
        }
    }

    fn post(&self, mail: Mail) {
        // What is lost is said again: consensus repeats itself, and what is missing is asked for.
        if !self.parts.mailbox.post(mail) {
            tracing::debug!("the replica's mailbox is full");
        }
    }

    fn send(&mut self, peers: &[PeerKey], message: &Message) {
        let frame = Bytes::from(message.encode());
        for peer in peers {
            let Some(linked) = self.links.get(peer) else { continue };
            if !linked.outbox.put(message, frame.clone()) {
                tracing::info!(peer = %peer.short(), "a ledger peer takes too little to follow, its link is closed");
                self.unlink(*peer);
            }
        }
    }

    /// What the replica's thread says.
    fn noticed(&mut self, notice: Notice) {
        let now = self.parts.clock.now();
        match notice {
            Notice::Action(action) => self.act(now, action),
            Notice::Found(peer, block) => self.send(&[peer], &Message::Proposed(block.into())),
            Notice::Handled(peer, refused) => {
                let forged = refused.filter(|refused| !matches!(refused, SyncRefused::Height { .. }));
                self.exchange.handled(now, peer, forged.map(|refused| refused.to_string()));
            }
            Notice::Unreadable(peer, what) => self.exchange.part(now, peer, Parting::Unreadable(what)),
        }
    }

    fn act(&mut self, now: Duration, action: Action) {
        match &action {
            Action::Message(to, bytes) => self.exchange.say(*to, Message::Consensus(Bytes::copy_from_slice(bytes))),
            Action::Block(to, bytes) => self.exchange.say(*to, Message::Proposed(Bytes::copy_from_slice(bytes))),
            Action::WantBlock(hash) => self.exchange.want(now, *hash),
            Action::Decided(to, height) => {
                if let Some(message) = decided(&self.parts.ledger, *height) {
                    self.exchange.say(*to, message);
                }
            }
            Action::Behind { .. } => self.exchange.behind(now),
            Action::Committed(executed, _) => {
                self.exchange.committed(now, executed.header().number);
                self.gossip.included(executed.block.block.body.transactions.iter().map(|tx| *tx.tx_hash()));
            }
            _ => {}
        }
        self.parts.watch.acted(&self.parts.ledger, &action);
    }

    fn happened(&mut self, event: Event) {
        let now = self.parts.clock.now();
        match event {
            Event::Linked { peer, link, dialled } => self.linked(now, peer, link, dialled),
            Event::Heard { id, peer, message } => {
                // One that was replaced may have said something before it ended.
                if self.links.get(&peer).is_some_and(|linked| linked.id == id) {
                    let of_peer = matches!(message, Message::Hello(_) | Message::Status(_));
                    self.exchange.received(now, peer, message);
                    if of_peer {
                        self.tell_peers();
                    }
                }
            }
            Event::Lost { id, peer, why } => {
                tracing::debug!(peer = %peer.short(), %why, "a link to a ledger peer ended");
                if self.links.get(&peer).is_some_and(|linked| linked.id == id) {
                    self.unlink(peer);
                }
            }
            Event::Unreached { peer, other } => {
                if other {
                    self.book.forget(peer);
                } else {
                    self.book.failed(now, peer, rand::random());
                }
            }
            Event::Checked(verdicts) => {
                for (peer, hash, verdict) in verdicts {
                    self.gossip.verdict(now, peer, hash, verdict);
                }
            }
        }
    }

    /// A link came about. Of two that both sides dialled at once, the one of the lower key stays: both know which that is.
    fn linked(&mut self, now: Duration, peer: PeerKey, link: Pending, dialled: bool) {
        let me = self.parts.overlay.key();
        let dialler = if dialled { me } else { peer };
        match self.links.get(&peer) {
            Some(old) if old.since + AT_ONCE > now && old.dialler == me.min(peer) && dialler != old.dialler => return,
            None if self.links.len() >= MAX_LINKS => return,
            Some(_) => self.unlink(peer),
            None => {}
        }
        let (outbox, outgoing) = outbox();
        self.next_id += 1;
        let (id, events) = (self.next_id, self.events.clone());
        self.tasks.spawn(async move {
            let why = drive(link.0, outgoing, &events, |message| Event::Heard { id, peer, message }).await;
            let _ = events.send(Event::Lost { id, peer, why }).await;
        });
        self.links.insert(peer, Linked { id, outbox, since: now, dialler });
        self.book.linked(peer);
        self.exchange.connected(now, peer);
    }

    fn unlink(&mut self, peer: PeerKey) {
        let now = self.parts.clock.now();
        if self.links.remove(&peer).is_some() {
            self.book.lost(now, peer, rand::random());
            self.gossip.disconnected(now, peer);
            self.exchange.disconnected(now, peer);
            self.tell_peers();
        }
    }

    fn part(&mut self, peer: PeerKey, why: &Parting) {
        tracing::info!(peer = %peer.short(), %why, "parted with a ledger peer");
        self.unlink(peer);
        self.book.forget(peer);
        self.tell_peers();
    }

    fn dial(&mut self, peer: PeerKey) {
        let (overlay, events) = (self.parts.overlay.clone(), self.events.clone());
        self.tasks.spawn(async move {
            use weft_overlay::connector::ConnectError;
            let event = match overlay.connect(Target::Peer(peer), STREAM, PathPolicy::any()).await {
                Ok(link) => Event::Linked { peer, link: Pending(link), dialled: true },
                Err(error) => {
                    tracing::debug!(peer = %peer.short(), %error, "a ledger peer was not reached");
                    Event::Unreached { peer, other: matches!(error, ConnectError::WrongNetwork(_)) }
                }
            };
            let _ = events.send(event).await;
        });
    }

    /// A peer is there: it hears of the pool, and of others.
    fn greeted(&mut self, peer: PeerKey) {
        self.gossip.connected(self.parts.clock.now(), peer);
        self.announce(peer);
        let others = self.exchange.peers().map(|(other, _)| other).filter(|other| *other != peer);
        let named = self.named(others.take(MAX_PEERS).collect());
        if !named.is_empty() {
            self.send(&[peer], &Message::Peers(named));
        }
        self.keep();
    }

    fn named(&self, peers: Vec<PeerKey>) -> Vec<Named> {
        let named = |peer: PeerKey| Named { peer, addresses: self.parts.overlay.addresses_of(&peer) };
        peers.into_iter().map(named).collect()
    }

    fn met(&mut self, named: Vec<Named>, by_user: bool) {
        let now = self.parts.clock.now();
        let mut new = false;
        for Named { peer, addresses } in named {
            if peer == self.parts.overlay.key() {
                continue;
            }
            if by_user {
                self.parts.overlay.add_peer(peer, addresses);
            } else {
                self.parts.overlay.hear_of(peer, addresses);
            }
            new |= self.book.learn(now, peer);
        }
        if new && by_user {
            self.keep();
        }
    }

    /// Says to those who watch which peers there are.
    fn tell_peers(&self) {
        let view = |(peer, hello): (PeerKey, &Hello)| LedgerPeerView {
            peer: peer.to_string(),
            height: hello.height,
            validator: hello.validator.map(|account| account.to_string()),
        };
        self.parts.watch.peers(&self.parts.ledger, self.exchange.peers().map(view).collect());
    }

    fn keep(&mut self) {
        let named = self.named(self.book.all().collect());
        if named != self.kept {
            self.kept.clone_from(&named);
            (self.parts.keep)(named);
        }
    }

    /// Sends decided blocks, off this task: they are read from the disk.
    fn serve(&mut self, peer: PeerKey, from: u64) {
        let Some(linked) = self.links.get(&peer) else { return };
        let (ledger, outbox) = (self.parts.ledger.clone(), linked.outbox.clone());
        self.tasks.spawn_blocking(move || {
            let mut bytes = 0;
            for height in from..from.saturating_add(RANGE) {
                let Some(message) = decided(&ledger, height) else { break };
                let frame = Bytes::from(message.encode());
                bytes += frame.len();
                if !outbox.put(&message, frame) {
                    return;
                }
                if bytes >= SERVED_BYTES {
                    break;
                }
            }
            let end = Message::End(ledger.chain().height());
            outbox.put(&end, end.encode().into());
        });
    }

    fn pool_said(&mut self, peer: PeerKey, bytes: &Bytes) {
        let now = self.parts.clock.now();
        let taken = {
            let pool = self.parts.ledger.pool().lock();
            self.gossip.received(now, peer, bytes, &pool)
        };
        if taken.is_empty() {
            return;
        }
        let (ledger, events) = (self.parts.ledger.clone(), self.events.clone());
        self.tasks.spawn(async move {
            let checked = tokio::task::spawn_blocking(move || check(&ledger, peer, taken)).await;
            if let Ok(verdicts) = checked {
                let _ = events.send(Event::Checked(verdicts)).await;
            }
        });
    }

    fn gossiped(&mut self, output: gossip::Output<PeerKey>) {
        match output {
            gossip::Output::Send { peer, message } => self.send(&[peer], &Message::Pool(message.encode().into())),
            gossip::Output::Misbehaved { peer, score, .. } if score >= BAN_SCORE => {
                self.exchange.part(self.parts.clock.now(), peer, Parting::Pool);
            }
            gossip::Output::Misbehaved { .. } => {}
        }
    }

    /// Transactions came into the pool.
    fn pending(&mut self, pending: &mut broadcast::Receiver<Arc<PoolTransaction>>, error: Option<RecvError>) {
        if matches!(error, Some(RecvError::Closed)) {
            return;
        }
        // With many at once one notice is enough: all that wait are announced.
        while pending.try_recv().is_ok() {}
        self.post(Mail::Transactions);
        let peers: Vec<PeerKey> = self.exchange.peers().map(|(peer, _)| peer).collect();
        for peer in peers {
            self.announce(peer);
        }
    }

    fn announce(&mut self, peer: PeerKey) {
        let ledger = self.parts.ledger.clone();
        while self.links.get(&peer).is_some_and(|linked| linked.outbox.waiting() < ANNOUNCE_BELOW) {
            let message = {
                let pool = ledger.pool().lock();
                self.gossip.announcements(peer, &pool)
            };
            let Some(message) = message else { break };
            self.send(&[peer], &Message::Pool(message.encode().into()));
        }
    }
}

/// A decided block as it travels; `None` if it is not, or no more, here.
fn decided(ledger: &Ledger, height: u64) -> Option<Message> {
    if height == 0 {
        return None;
    }
    match ledger.chain().block(height) {
        Ok(stored) => stored.map(|stored| Message::Decided {
            block: encode_block(&stored.block.block, &stored.block.preamble.bytes).into(),
            certificate: stored.certificate,
        }),
        Err(error) => {
            tracing::warn!(%error, height, "a block cannot be read for a peer");
            None
        }
    }
}

/// Checks transactions that a peer gave, and takes those that are good.
fn check(ledger: &Ledger, peer: PeerKey, taken: Vec<(B256, Bytes)>) -> Vec<(PeerKey, B256, Verdict)> {
    let (hashes, raw): (Vec<B256>, Vec<Bytes>) = taken.into_iter().unzip();
    let recovered = recover_raw(ledger.chain().spec(), &raw, ledger.threads());
    let mut verdicts = Vec::with_capacity(hashes.len());
    let mut good = Vec::new();
    for (hash, recovered) in hashes.into_iter().zip(recovered) {
        match recovered {
            Ok(recovered) => good.push(recovered),
            Err(_) => verdicts.push((peer, hash, Verdict::Invalid)),
        }
    }
    let hashes: Vec<B256> = good.iter().map(|tx| *tx.tx_hash()).collect();
    for (hash, result) in hashes.into_iter().zip(ledger.submit_recovered(good, Origin::Peer)) {
        let verdict = if result.is_ok() { Verdict::Accepted } else { Verdict::Refused };
        verdicts.push((peer, hash, verdict));
    }
    verdicts
}
