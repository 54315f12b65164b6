//! The torrent's own task: waits for notes, commands and time, and does what is due.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rand::Rng;
use tokio::sync::mpsc;
use weft_bittorrent::tracker::{Announce, DEFAULT_NUM_WANT, Event};

use super::desk::Desk;
use super::{Known, Torrent};
use crate::discovery::DiscoveryError;
use crate::event::ContentEvent;
use crate::resume::{ResumeRecord, SETTLED_AFTER, unix_seconds};
use crate::shell::{Counts, Note};
use crate::sources::{Address, Answer};
use crate::status::{FilePriority, PeerOrigin, Weave};
use crate::storage::Urgency;

/// While something moves the task looks around once a second.
const LIVELY: Duration = Duration::from_secs(1);

/// Otherwise once in a minute.
const QUIET: Duration = Duration::from_secs(60);

/// A few complete files are looked at after 5 s, then after twice the time, at most every minute; every 5 s while peers
/// are there.
const WATCH: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// The DHT is asked every 15 minutes (an announce is forgotten there after 30), and every minute while peers are
/// missing.
const DHT_EVERY: Duration = Duration::from_secs(15 * 60);
const DHT_HUNGRY: Duration = Duration::from_secs(60);

/// While the DHT has no nodes it is asked again after 5 s.
const DHT_NOT_READY: Duration = Duration::from_secs(5);

/// 200 peers of one lookup are enough.
const DHT_ENOUGH: usize = 200;

/// A cheaper path to a Weft peer is looked for 5 s after it came, then after twice the time, at most every 5 minutes.
const UPGRADE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// Trackers have 3 s to hear that we leave.
const GOODBYE: Duration = Duration::from_secs(3);

/// The disk has 10 s to take what is on its way, and 10 s to keep it, before the end is not called clean.
const SYNC_TIMEOUT: Duration = Duration::from_secs(10);

/// How often resume state is saved while pieces come in: every second, and a second more for each 64 KiB of the record.
const SAVE_EVERY: Duration = Duration::from_secs(1);
const SAVE_SCALE: usize = 64 << 10;

/// The longest pause between two saves.
const SAVE_AT_MOST_EVERY: Duration = Duration::from_secs(10);

/// What the store did not take is offered again after 2 s.
const SAVE_AGAIN: Duration = Duration::from_secs(2);

/// Totals alone (nothing verified, much uploaded) are saved once a minute.
const SAVE_TOTALS_EVERY: Duration = Duration::from_secs(60);

/// Why serving ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Recheck,
    Stop,
}

/// What the task remembers from turn to turn.
struct Clock {
    dht_at: Instant,
    upgrade_at: Instant,
    upgrade_wait: Duration,
    watch_at: Instant,
    watch_wait: Duration,
    watch_from: usize,
    told_at: Instant,
    told: Counts,
    saved_at: Instant,
    saved: Saved,
    save_pause: Duration,
    /// When what is on disk counts as settled, once nothing was written since.
    settle_at: Option<Instant>,
    hungry: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Saved {
    pieces: u32,
    moved: u64,
}

impl Torrent {
    /// Runs until it is cancelled. What is worth keeping is saved when this returns.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            self.bring_up().await;
            self.tell_state();
            self.save(false).await;
            let end = if self.cancel.is_cancelled() { End::Stop } else { self.serve_until().await };
            if end == End::Stop {
                break;
            }
            self.tear_down("the torrent is being rechecked");
        }
        self.leave().await;
    }

    async fn serve_until(self: &Arc<Self>) -> End {
        let (answer, mut answers) = mpsc::channel::<Answer>(4);
        let mut clock = Clock::new();
        loop {
            self.turn(&mut clock, &answer).await;
            if self.desk.lock().recheck {
                return End::Recheck;
            }
            let deadline = self.deadline(&clock);
            tokio::select! {
                () = self.cancel.cancelled() => return End::Stop,
                () = self.shell.wake.notified() => {}
                Some(answer) = answers.recv() => self.answered(answer),
                () = tokio::time::sleep_until(deadline.into()) => {}
            }
        }
    }

    /// Everything that may be due.
    async fn turn(self: &Arc<Self>, clock: &mut Clock, answer: &mpsc::Sender<Answer>) {
        self.shell.with(|core, now, _| {
            let due = core.swarm().and_then(|swarm| swarm.next_deadline()).is_some_and(|at| at <= now);
            if due && let Some(swarm) = core.swarm_mut() {
                swarm.tick(now);
            }
        });
        for note in self.shell.take_notes() {
            self.take_note(note, clock).await;
        }
        self.probe().await;
        let counts = self.shell.look(|core| core.counts());
        self.look_at_progress(counts, clock);
        self.tell_state();
        self.announce(answer);
        self.ask_dht(clock);
        self.dial();
        let now = Instant::now();
        if self.dear.swap(false, Ordering::Relaxed) {
            clock.upgrade_wait = UPGRADE.0;
            clock.upgrade_at = clock.upgrade_at.min(now + UPGRADE.0);
        }
        if clock.upgrade_at <= now {
            self.upgrade();
            clock.upgrade_wait = (clock.upgrade_wait * 2).min(UPGRADE.1);
            clock.upgrade_at = now + clock.upgrade_wait;
        }
        if clock.watch_at <= now {
            clock.watch_from = self.watch_files(clock.watch_from).await;
            let quiet = self.shell.look(|core| core.peers().is_empty());
            clock.watch_wait = if quiet { (clock.watch_wait * 2).min(WATCH.1) } else { WATCH.0 };
            clock.watch_at = Instant::now() + clock.watch_wait;
        }
        self.save_if_due(counts, clock).await;
    }

    fn deadline(&self, clock: &Clock) -> Instant {
        let now = Instant::now();
        let (machine, peers) =
            self.shell.look(|core| (core.swarm().and_then(|s| s.next_deadline()), core.peers().len()));
        let unsaved = self.desk.lock().unsaved;
        let lively = unsaved || peers > 0 || self.dialling.load(Ordering::Relaxed) > 0 || clock.told != self.counts();
        let mut at = now + if lively { LIVELY } else { QUIET };
        if let Some(machine) = machine {
            at = at.min(machine);
        }
        let paused = self.desk.lock().record.paused;
        if !paused {
            let free = self.candidates.lock().next_at().filter(|_| peers == 0 || clock.hungry);
            let tracker = self.trackers.lock().deadline(now);
            at = [free, tracker, clock.settle_at, Some(clock.dht_at)].into_iter().flatten().fold(at, Instant::min);
            if self.is_complete() {
                at = at.min(clock.watch_at);
            }
        }
        if let Some(probe) = self.probe_at() {
            at = at.min(probe);
        }
        // A candidate that may be dialled now but is not (a bound is reached) must not spin the task.
        at.max(now + Duration::from_millis(10))
    }

    async fn take_note(self: &Arc<Self>, note: Note, clock: &mut Clock) {
        let now = Instant::now();
        match note {
            Note::Metadata(raw) => self.take_metadata(raw).await,
            Note::Banned { address, key } => {
                let mut candidates = self.candidates.lock();
                // A person's own peers are not banned by key for what a shared address did.
                address.into_iter().for_each(|address| candidates.ban(Address::Socket(address), now));
                key.into_iter().for_each(|key| candidates.ban(Address::Weft(key), now));
            }
            Note::PexPeers { from, peers } => {
                let told_by = from.map(|address| address.ip());
                self.offer(peers.into_iter().map(|peer| peer.addr), PeerOrigin::Pex, told_by);
            }
            Note::NeedPeers => {
                clock.hungry = true;
                self.trackers.lock().want_peers(now);
                clock.dht_at = clock.dht_at.min(now + DHT_HUNGRY);
            }
            Note::State => {} // the turn that follows looks at it
            Note::FileCompleted { file } => self.file_completed(file),
            Note::FileChanged { file } => self.begin_suspicion(file, None),
            Note::Unreadable { file, error } => {
                if let Some(content) = self.shell.content() {
                    self.hold_file(&content, file);
                }
                self.begin_suspicion(file, Some(&error));
            }
            Note::Unwritten(error) => self.begin_trouble(&error, false),
        }
    }

    /// Notes addresses that somebody named, as far as they may be dialled.
    pub(crate) fn offer(
        &self,
        addresses: impl Iterator<Item = std::net::SocketAddr>,
        origin: PeerOrigin,
        told_by: Option<IpAddr>,
    ) {
        // BEP 27: a private torrent hears of peers from its trackers and its user alone.
        if self.desk.lock().is_private() && matches!(origin, PeerOrigin::Pex | PeerOrigin::Dht) {
            return;
        }
        let now = Instant::now();
        let mut candidates = self.candidates.lock();
        for address in addresses.filter(|address| self.shared.may_dial(*address, origin, told_by)) {
            candidates.add(Address::Socket(address), origin, now);
        }
    }

    fn file_completed(&self, file: usize) {
        let Some(content) = self.shell.content() else { return };
        let Some(entry) = content.storage.info().files().get(file) else { return };
        if self.priority(file) != FilePriority::Skip {
            let (path, size) = (entry.path().to_owned(), entry.len());
            self.shared.emit(&ContentEvent::FileCompleted { info_hash: self.id, index: file, path, size });
        }
    }

    fn look_at_progress(&self, counts: Counts, clock: &mut Clock) {
        let complete = counts.is_complete();
        let newly = {
            let mut desk = self.desk.lock();
            let newly = complete && !desk.was_complete;
            desk.was_complete = complete;
            if newly {
                desk.record.completed_at = Some(unix_seconds());
                self.save_record(&mut desk);
            }
            newly
        };
        if counts != clock.told && (newly || clock.told_at.elapsed() >= LIVELY) {
            clock.told_at = Instant::now();
            clock.told = counts;
            let weave = self.shell.look(|core| core.weave()).map(|weave| Weave::clone(&weave)).unwrap_or_default();
            self.shared.emit(&ContentEvent::PieceBatch {
                info_hash: self.id,
                pieces_done: counts.pieces_done,
                pieces: counts.pieces,
                done: counts.done_bytes,
                wanted: counts.wanted_bytes,
                weave,
            });
        }
        if newly {
            self.trackers.lock().completed(Instant::now());
            clock.hungry = false;
            if let Some(content) = self.shell.content() {
                content.storage.drop_parts();
            }
            self.changed.send_modify(|count| *count += 1);
            self.shared.emit(&ContentEvent::TorrentCompleted { info_hash: self.id, wanted: counts.wanted_bytes });
        }
    }

    /// Tells the state if it is another than the last told.
    pub(super) fn tell_state(&self) {
        let (state, trouble) = {
            let mut desk = self.desk.lock();
            let now = (desk.state(), desk.shown_trouble());
            if desk.told.as_ref() == Some(&now) {
                return;
            }
            desk.told = Some(now.clone());
            now
        };
        self.shared.emit(&ContentEvent::StateChanged { info_hash: self.id, state, trouble });
        self.changed.send_modify(|count| *count += 1);
    }

    fn announce(self: &Arc<Self>, answer: &mpsc::Sender<Answer>) {
        if self.desk.lock().record.paused {
            return;
        }
        let due = self.trackers.lock().poll(Instant::now());
        let Some((due, origin)) = due else { return };
        let announce = self.announcement(due.event, due.tracker_id.clone());
        let (torrent, answer) = (Arc::clone(self), answer.clone());
        self.shared.tasks.spawn(async move {
            tokio::select! {
                said = torrent.shared.announcer.announce(due, origin, announce) => drop(answer.send(said).await),
                () = torrent.cancel.cancelled() => {}
            }
        });
    }

    fn announcement(&self, event: Event, tracker_id: Option<Vec<u8>>) -> Announce {
        let (down, up, left) = self.shell.look(|core| {
            let counts = core.counts();
            let moved = core.swarm().map(|swarm| swarm.traffic()).unwrap_or_default();
            // While the metadata is missing something is, and a tracker must not take us for a seed.
            let left = if counts.pieces == 0 { 1 << 14 } else { counts.wanted_bytes - counts.done_bytes };
            (moved.downloaded, moved.uploaded, left)
        });
        Announce {
            info_hash: self.id,
            peer_id: self.peer_id,
            // 9 is the discard port: nobody listens there, which is what is meant.
            port: self.shared.listen_port().unwrap_or(9),
            uploaded: up,
            downloaded: down,
            left,
            event,
            key: self.announce_key,
            num_want: if left == 0 || event == Event::Stopped { 0 } else { DEFAULT_NUM_WANT },
            tracker_id,
        }
    }

    fn answered(&self, answer: Answer) {
        let peers = self.trackers.lock().answered(answer, Instant::now());
        self.offer(peers.into_iter(), PeerOrigin::Tracker, None);
    }

    /// Asks the DHT for peers and tells it of us.
    fn ask_dht(self: &Arc<Self>, clock: &mut Clock) {
        let now = Instant::now();
        let Some(discovery) = &self.shared.seams.discovery else {
            clock.dht_at = now + DHT_EVERY;
            return;
        };
        let (paused, private) = {
            let desk = self.desk.lock();
            (desk.record.paused, desk.is_private())
        };
        let not_before = now + Duration::from_millis(self.dht_not_before.swap(0, Ordering::Relaxed));
        if not_before > now {
            clock.dht_at = not_before;
        }
        if paused || private || clock.dht_at > now {
            return;
        }
        clock.dht_at = now + if clock.hungry { DHT_HUNGRY } else { DHT_EVERY };
        let (torrent, discovery) = (Arc::clone(self), Arc::clone(discovery));
        self.shared.tasks.spawn(async move {
            let lookup = async {
                if let Some(port) = torrent.shared.listen_port() {
                    discovery.announce(torrent.id, port).await?;
                }
                if torrent.is_complete() {
                    return Ok(());
                }
                let mut found = 0;
                let mut take = |address| {
                    found += 1;
                    torrent.offer(std::iter::once(address), PeerOrigin::Dht, None);
                    torrent.wake();
                    found < DHT_ENOUGH
                };
                discovery.find(torrent.id, &mut take).await
            };
            let result: Option<Result<(), DiscoveryError>> = tokio::select! {
                result = lookup => Some(result),
                () = torrent.cancel.cancelled() => None,
            };
            if let Some(Err(error)) = result {
                tracing::debug!(torrent = %torrent.id, %error, "the DHT");
                let wait = u64::try_from(DHT_NOT_READY.as_millis()).unwrap_or(u64::MAX);
                torrent.dht_not_before.store(wait, Ordering::Relaxed);
                torrent.wake();
            }
        });
    }

    async fn save_if_due(self: &Arc<Self>, counts: Counts, clock: &mut Clock) {
        let now = Instant::now();
        let current = self.saved_state(counts);
        let pieces = current.pieces != clock.saved.pieces && clock.saved_at.elapsed() >= clock.save_pause;
        let totals = current.moved != clock.saved.moved && clock.saved_at.elapsed() >= SAVE_TOTALS_EVERY;
        let settle = clock.settle_at.is_some_and(|at| at <= now);
        let again = self.desk.lock().unsaved && clock.saved_at.elapsed() >= SAVE_AGAIN;
        if !(pieces || totals || settle || again) {
            return;
        }
        let size = self.save(false).await;
        let scale = u32::try_from(1 + size / SAVE_SCALE).unwrap_or(u32::MAX);
        clock.save_pause = SAVE_EVERY.saturating_mul(scale).min(SAVE_AT_MOST_EVERY);
        clock.settle_at = if pieces { Some(now + SETTLED_AFTER + LIVELY) } else { clock.settle_at.filter(|_| !settle) };
        clock.saved = current;
        clock.saved_at = Instant::now();
    }

    fn saved_state(&self, counts: Counts) -> Saved {
        let moved = self.shell.look(|core| core.swarm().map(|swarm| swarm.traffic())).unwrap_or_default();
        Saved { pieces: counts.pieces_done, moved: moved.downloaded + moved.uploaded }
    }

    /// Saves which pieces are verified. Gives the record's size.
    pub(super) async fn save(self: &Arc<Self>, clean: bool) -> usize {
        {
            let mut desk = self.desk.lock();
            if desk.unsaved {
                self.save_record(&mut desk);
            }
        }
        let Some(content) = self.shell.content() else { return 0 };
        // The bits first: whatever is written after this makes the files newer than the record, not the record wrong.
        let have = self.shell.look(|core| core.swarm().map(|swarm| swarm.have().clone()));
        let Some(have) = have else { return 0 };
        let totals = self.totals();
        let torrent = Arc::clone(self);
        let suspects: Vec<(usize, bool)> = self.desk.lock().suspects.iter().map(|(f, s)| (*f, s.complete)).collect();
        let saved = self.shell.tools.pool.run(Urgency::Peer, move || {
            let mut record = ResumeRecord::take(&have, &content, clean && suspects.is_empty()).with_totals(totals);
            // A file that somebody changed is not trusted later either.
            for (file, was_complete) in suspects {
                if was_complete {
                    record.note_changed(file);
                } else if let Some(file) = record.files.get_mut(file) {
                    *file = None;
                }
            }
            torrent.shared.records.save_resume(torrent.id, &record)
        });
        let (saved, size) = saved.await.unwrap_or((false, 0));
        self.desk.lock().unsaved |= !saved;
        size
    }

    /// Saves the torrent record.
    pub(super) fn save_record(&self, desk: &mut Desk) {
        desk.unsaved = !self.shared.records.save_torrent(self.id, &desk.record);
    }

    /// The end: everything closed, told and saved.
    async fn leave(self: &Arc<Self>) {
        // Peers go, begun pieces are given up; those that are complete are still hashed and written.
        self.shell.with(|core, now, _| {
            if let Some(swarm) = core.swarm_mut() {
                swarm.set_paused(now, true);
            }
        });
        let settled = tokio::time::timeout(SYNC_TIMEOUT, self.shell.idle()).await.is_ok();
        let content = self.shell.content();
        if self.removed.load(Ordering::Relaxed) {
            // Nothing of it is kept.
        } else if let Some(content) = &content {
            let storage = Arc::clone(&content.storage);
            let fresh = {
                let content = Arc::clone(content);
                move || {
                    let recent = ResumeRecord::recently_written(&content);
                    storage.sync(&recent).is_ok()
                }
            };
            let synced = tokio::time::timeout(SYNC_TIMEOUT, self.shell.tools.pool.run(Urgency::Peer, fresh)).await;
            self.save(settled && synced.ok().flatten().unwrap_or(false)).await;
        } else {
            self.save(false).await;
        }
        self.say_goodbye().await;
        self.tear_down("the torrent is stopped");
        self.tell_state();
    }

    /// Tells the trackers that we leave.
    async fn say_goodbye(&self) {
        self.trackers.lock().stop();
        let goodbye = async {
            loop {
                let Some((due, origin)) = self.trackers.lock().poll(Instant::now()) else { return };
                let announce = self.announcement(Event::Stopped, due.tracker_id.clone());
                let answer = self.shared.announcer.announce(due, origin, announce).await;
                self.trackers.lock().answered(answer, Instant::now());
            }
        };
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }

    fn counts(&self) -> Counts {
        self.shell.look(|core| core.counts())
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.desk.lock().was_complete
    }

    /// Has everything on disk hashed again.
    pub(crate) fn recheck(&self) {
        let mut desk = self.desk.lock();
        desk.known = Known::Nothing;
        desk.recheck = true;
        desk.trouble = None;
        desk.trouble_probe = None;
        drop(desk);
        self.wake();
    }
}

impl Clock {
    fn new() -> Self {
        let now = Instant::now();
        let jitter = Duration::from_millis(rand::rng().random_range(0..1_000));
        Clock {
            dht_at: now,
            upgrade_at: now + UPGRADE.0,
            upgrade_wait: UPGRADE.0,
            watch_at: now + WATCH.0 + jitter,
            watch_wait: WATCH.0,
            watch_from: 0,
            told_at: now,
            told: Counts::default(),
            saved_at: now,
            saved: Saved::default(),
            save_pause: SAVE_EVERY,
            settle_at: None,
            hungry: false,
        }
    }
}
