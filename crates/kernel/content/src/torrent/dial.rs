//! Connections: dialling candidates, taking in who dialled us, and what remains of a connection when it ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;
use weft_bittorrent::connection::{Connection, ProtocolError};
use weft_bittorrent::swarm::{PeerKey as SwarmKey, PeerParams, Refused};
use weft_bittorrent::wire::Handshake;
use weft_overlay::guard::Origin;
use weft_overlay::{BoxLink, ConnectError, PathKind, PathPolicy, Target};

use super::{MAX_EXCHANGED, Torrent};
use crate::event::ContentEvent;
use crate::peer::{GreetError, PeerTask, STREAM_TYPE, greet};
use crate::shell::{Mailbox, PeerEntry, Traffic};
use crate::sources::{Address, Outcome};
use crate::status::{ExchangeStatus, PeerOrigin, State};

/// While pieces are missing 40 peers are looked for: beyond that more add little.
const WANT_LEECHING: usize = 40;

/// A seed dials 20, for the sake of those who cannot be dialled; the rest comes by itself.
const WANT_SEEDING: usize = 20;

/// A connection that lasted a minute was worth something even if nothing moved.
const WORTHWHILE: Duration = Duration::from_secs(60);

impl Torrent {
    /// Whether links of this torrent are taken now.
    pub(crate) fn takes_peers(&self) -> bool {
        !self.cancel.is_cancelled() && !self.desk.lock().record.paused
    }

    /// Dials as many candidates as are wanted and allowed.
    pub(super) fn dial(self: &Arc<Self>) {
        let state = {
            let desk = self.desk.lock();
            if desk.record.paused || desk.phase != super::desk::Phase::Active {
                return;
            }
            desk.state()
        };
        let want = match state {
            State::Downloading | State::FetchingMetadata => WANT_LEECHING,
            _ => WANT_SEEDING,
        };
        let want = want.min(self.shared.config.max_connections_per_torrent);
        loop {
            let connected = self.shell.look(|core| core.peers().len());
            if connected + self.dialling.load(Ordering::Relaxed) >= want {
                return;
            }
            let Ok(half) = Arc::clone(&self.shared.half_open).try_acquire_owned() else { return };
            let Ok(slot) = Arc::clone(&self.shared.connections).try_acquire_owned() else { return };
            let candidate = self.candidates.lock().take(Instant::now(), &mut *self.rng.lock());
            let Some((address, origin)) = candidate else { return };
            self.dialling.fetch_add(1, Ordering::Relaxed);
            let torrent = Arc::clone(self);
            self.shared.tasks.spawn(async move {
                let outcome = torrent.dial_one(address, origin, half, slot).await;
                torrent.candidates.lock().ended(address, outcome, Instant::now(), &mut *torrent.rng.lock());
                torrent.wake();
            });
        }
    }

    /// Looks for a cheaper path to Weft peers that are connected over a dear one.
    pub(super) fn upgrade(self: &Arc<Self>) {
        let dear = self.shell.look(|core| {
            let dear = |entry: &PeerEntry| {
                let link = entry.link.lock();
                link.peer.filter(|_| link.path > PathKind::Tls)
            };
            core.peers().values().filter_map(dear).collect::<Vec<_>>()
        });
        for key in dear {
            let Ok(half) = Arc::clone(&self.shared.half_open).try_acquire_owned() else { return };
            let Ok(slot) = Arc::clone(&self.shared.connections).try_acquire_owned() else { return };
            let torrent = Arc::clone(self);
            let policy = PathPolicy::only(&[PathKind::Tls]);
            self.dialling.fetch_add(1, Ordering::Relaxed);
            self.shared.tasks.spawn(async move {
                torrent.dial_over(Address::Weft(key), PeerOrigin::Weft, policy, half, slot).await;
            });
        }
    }

    async fn dial_one(
        self: &Arc<Self>,
        address: Address,
        origin: PeerOrigin,
        half: OwnedSemaphorePermit,
        slot: OwnedSemaphorePermit,
    ) -> Outcome {
        // Whether it may be dialled was asked when it was named; the overlay asks again, and must hear who named it.
        let named_by = match origin {
            PeerOrigin::User => Origin::User,
            PeerOrigin::Pex => Origin::Lan,
            _ => Origin::Stranger,
        };
        self.dial_over(address, origin, PathPolicy::any().from_origin(named_by), half, slot).await
    }

    async fn dial_over(
        self: &Arc<Self>,
        address: Address,
        origin: PeerOrigin,
        policy: PathPolicy,
        half: OwnedSemaphorePermit,
        slot: OwnedSemaphorePermit,
    ) -> Outcome {
        let opened = tokio::select! {
            opened = self.open(address, policy) => opened,
            () = self.cancel.cancelled() => Err(Outcome::Worked),
        };
        drop(half);
        self.dialling.fetch_sub(1, Ordering::Relaxed);
        let (link, connection, theirs) = match opened {
            Ok(opened) => opened,
            Err(outcome) => return outcome,
        };
        match self.admit(link.info(), theirs, origin, true) {
            Ok((peer, entry)) => self.stay(link, connection, peer, entry, slot).await,
            Err(Refused::Duplicate) => Outcome::Failed,
            Err(_) => Outcome::Worked,
        }
    }

    async fn open(
        self: &Arc<Self>,
        address: Address,
        policy: PathPolicy,
    ) -> Result<(BoxLink, Connection, Handshake), Outcome> {
        let target = match address {
            Address::Socket(address) => Target::Socket(address),
            Address::Weft(key) => Target::Peer(key),
        };
        let connected = self.shared.seams.connector.connect(target, STREAM_TYPE, policy).await;
        let mut link = connected.map_err(|error| {
            tracing::debug!(torrent = %self.id, %address, %error, "not connected");
            match error {
                ConnectError::AddressRefused(_) | ConnectError::Blocked(_) | ConnectError::NotServed { .. } => {
                    Outcome::Useless
                }
                _ => Outcome::Failed,
            }
        })?;
        let pieces = self.shell.look(|core| core.piece_count());
        let mut connection = Connection::outgoing(self.shell.tools.blocks.clone(), self.handshake(), pieces);
        match greet(&mut link, &mut connection).await {
            Ok(theirs) => Ok((link, connection, theirs)),
            Err(error) => {
                tracing::debug!(torrent = %self.id, %address, %error, "no greeting");
                let ourselves = matches!(error, GreetError::Protocol(ProtocolError::Ourselves));
                if ourselves {
                    self.candidates.lock().ban(address, Instant::now());
                }
                Err(Outcome::Failed)
            }
        }
    }

    /// Serves a link that somebody opened to us, whose handshake named this torrent.
    pub(crate) async fn serve(
        self: &Arc<Self>,
        link: BoxLink,
        mut connection: Connection,
        theirs: Handshake,
        slot: OwnedSemaphorePermit,
    ) {
        let pieces = self.shell.look(|core| core.piece_count());
        connection.accept(self.handshake(), pieces);
        match self.admit(link.info(), theirs, PeerOrigin::Incoming, false) {
            Ok((peer, entry)) => {
                // Known by its key it can be dialled back as soon as this link dies.
                let address = entry.key().map(Address::Weft);
                if let Some(address) = address {
                    let mut candidates = self.candidates.lock();
                    candidates.add(address, PeerOrigin::Weft, Instant::now());
                    candidates.connected(address);
                }
                let outcome = self.stay(link, connection, peer, entry, slot).await;
                if let Some(address) = address {
                    self.candidates.lock().ended(address, outcome, Instant::now(), &mut *self.rng.lock());
                    self.wake();
                }
            }
            Err(refused) => tracing::debug!(torrent = %self.id, %refused, "an incoming link is refused"),
        }
    }

    fn admit(
        self: &Arc<Self>,
        info: weft_overlay::LinkInfo,
        theirs: Handshake,
        origin: PeerOrigin,
        outgoing: bool,
    ) -> Result<(SwarmKey, PeerEntry), Refused> {
        let banned = {
            let candidates = self.candidates.lock();
            info.remote.is_some_and(|address| candidates.is_banned(&Address::Socket(address)))
                || info.peer.is_some_and(|key| candidates.is_banned(&Address::Weft(key)))
        };
        if banned || theirs.peer_id == self.peer_id {
            return Err(Refused::Duplicate);
        }
        // An overlay path's address is not one at which others reach the peer by TCP: it is not told to them.
        let told = info.remote.filter(|_| matches!(info.path, PathKind::Tcp | PathKind::Tls));
        let params = PeerParams { addr: told, outgoing, handshake: theirs, weft: info.peer.is_some() };
        let entry = PeerEntry {
            mailbox: Mailbox::new(),
            link: Arc::new(Mutex::new(info)),
            peer_id: theirs.peer_id,
            origin,
            outgoing,
            since: Instant::now(),
            traffic: Arc::new(Traffic::default()),
        };
        let peer =
            self.shell.with(|core, now, effects| core.connect(now, self.peer_id, params, entry.clone(), effects))?;
        Ok((peer, entry))
    }

    /// Runs a connection to its end.
    async fn stay(
        self: &Arc<Self>,
        link: BoxLink,
        connection: Connection,
        peer: SwarmKey,
        entry: PeerEntry,
        slot: OwnedSemaphorePermit,
    ) -> Outcome {
        let name = entry.name();
        let path = entry.link.lock().path;
        if entry.key().is_some() && path > PathKind::Tls {
            self.dear.store(true, Ordering::Relaxed);
        }
        self.shared.emit(&ContentEvent::PeerConnected {
            info_hash: self.id,
            peer: name.clone(),
            path,
            origin: entry.origin,
        });
        self.wake();
        self.exchanged.lock().present.push(entry.clone());
        let (mailbox, info) = (Arc::clone(&entry.mailbox), Arc::clone(&entry.link));
        let task = PeerTask::new(Arc::clone(&self.shell), peer, mailbox, info, link, connection);
        let reason = task.run().await;
        self.shell.with(|core, now, effects| core.close(now, peer, &reason, effects));
        drop(slot);
        tracing::debug!(torrent = %self.id, peer = %name, %reason, "a peer is gone");
        self.account(&name, &entry);
        let (downloaded, uploaded) = moved(&entry);
        let path = entry.link.lock().path;
        let event =
            ContentEvent::PeerDisconnected { info_hash: self.id, peer: name, path, downloaded, uploaded, reason };
        self.shared.emit(&event);
        self.wake();
        let leeching = !self.desk.lock().was_complete;
        let worthwhile = downloaded + uploaded > 0 || entry.since.elapsed() >= WORTHWHILE;
        match (leeching, worthwhile) {
            (true, true) => Outcome::Worked,
            (true, false) => Outcome::Failed,
            (false, _) => Outcome::Useless,
        }
    }

    /// Adds a finished connection to what was exchanged with that peer.
    fn account(&self, name: &str, entry: &PeerEntry) {
        let (downloaded, uploaded) = moved(entry);
        let mut exchanged = self.exchanged.lock();
        exchanged.present.retain(|other| !Arc::ptr_eq(&other.traffic, &entry.traffic));
        if downloaded + uploaded == 0 {
            return;
        }
        let all = &mut exchanged.past;
        if all.len() >= MAX_EXCHANGED && !all.contains_key(name) {
            let least = all.values().min_by_key(|e| e.downloaded + e.uploaded).map(|e| e.peer.clone());
            least.map(|peer| all.remove(&peer));
        }
        let path = entry.link.lock().path;
        let sum = all.entry(name.to_owned()).or_insert_with(|| ExchangeStatus {
            peer: name.to_owned(),
            downloaded: 0,
            uploaded: 0,
            path,
        });
        sum.downloaded += downloaded;
        sum.uploaded += uploaded;
        sum.path = path;
    }
}

/// Content bytes of a connection: received, sent.
pub(super) fn moved(entry: &PeerEntry) -> (u64, u64) {
    (entry.traffic.down.load(Ordering::Relaxed), entry.traffic.up.load(Ordering::Relaxed))
}
