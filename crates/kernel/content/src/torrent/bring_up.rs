//! From a record to a running machine, and back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use weft_bittorrent::bitfield::Bitfield;
use weft_bittorrent::metainfo::{Info, Metainfo};
use weft_bittorrent::swarm::{Geometry, Priority, Swarm, SwarmConfig, TorrentInfo};

use super::check::{self, Plan, file_priorities, selected, wanted_pieces};
use super::desk::Phase;
use super::{Known, Torrent};
use crate::event::ContentEvent;
use crate::shell::Content;
use crate::status::{FilePriority, Trouble, TroubleKind};
use crate::storage::{Fingerprint, Storage, StorageError, Urgency};

/// 64 MiB of pieces on their way for one torrent at most.
const MAX_INFLIGHT: u64 = 64 << 20;

/// What a torrent starts with.
struct Prepared {
    content: Arc<Content>,
    have: Bitfield,
    wanted: Vec<Priority>,
    geometry: Geometry,
    /// Why nothing may be fetched for now.
    trouble: Option<StorageError>,
    /// The check itself failed: it has to be made again.
    unchecked: bool,
    /// Files that somebody changed or took away since they were complete, and how they are now.
    guarded: Vec<(usize, Option<Fingerprint>)>,
}

impl Torrent {
    /// Checks what is on disk and starts the machine.
    pub(super) async fn bring_up(self: &Arc<Self>) {
        let (metainfo, known, paused) = {
            let mut desk = self.desk.lock();
            let known = std::mem::replace(&mut desk.known, Known::Nothing);
            desk.recheck = false;
            desk.suspects.clear();
            desk.suspect_probe = None;
            desk.phase = if desk.metainfo.is_some() { Phase::Checking } else { Phase::Active };
            (desk.metainfo.clone(), known, desk.record.paused)
        };
        let Some(metainfo) = metainfo else {
            let swarm = Swarm::from_magnet(self.swarm_config(), Instant::now());
            self.start_machine(swarm, None, &[], paused);
            return;
        };
        self.tell_state();
        let Some(prepared) = self.prepare(&metainfo, known).await else { return };
        let now = Instant::now();
        match Swarm::new(
            self.swarm_config(),
            torrent_info(&metainfo.info, prepared.geometry),
            prepared.have.clone(),
            now,
        ) {
            Ok(swarm) => {
                let geometry = prepared.geometry;
                self.adopt(&prepared);
                let held = self.begin_guard(&prepared.content, &prepared.guarded);
                self.start_machine(swarm, Some((geometry, prepared.wanted)), &held, paused);
                self.settle(prepared.trouble, prepared.unchecked);
            }
            // The bitfield was made for this very torrent.
            Err(error) => self.refuse_metadata(&error),
        }
    }

    /// Those of the `held` pieces that are not verified are held from the first moment: no peer comes in between.
    fn start_machine(
        self: &Arc<Self>,
        swarm: Swarm,
        pieces: Option<(Geometry, Vec<Priority>)>,
        held: &[u32],
        paused: bool,
    ) {
        self.shell.with(|core, now, effects| {
            core.install(swarm, pieces.as_ref().map(|(geometry, _)| *geometry));
            core.hold_missing(now, held.iter().copied(), effects);
            if let Some((_, wanted)) = pieces {
                core.set_wanted(now, wanted, effects);
            }
            if paused && let Some(swarm) = core.swarm_mut() {
                swarm.set_paused(now, true);
            }
        });
        self.candidates.lock().forgive(Instant::now());
    }

    fn adopt(&self, prepared: &Prepared) {
        self.shell.set_content(Some(Arc::clone(&prepared.content)));
        let mut desk = self.desk.lock();
        desk.phase = Phase::Active;
        let missing = |(piece, wanted): (u32, &Priority)| *wanted != Priority::Skip && !prepared.have.contains(piece);
        desk.was_complete = !(0u32..).zip(&prepared.wanted).any(missing);
        if desk.was_complete && desk.record.completed_at.is_none() {
            desk.record.completed_at = Some(crate::resume::unix_seconds());
        }
    }

    /// Goes on after the check, with or without trouble.
    fn settle(self: &Arc<Self>, trouble: Option<StorageError>, unchecked: bool) {
        match trouble {
            Some(error) => {
                self.shell.with(|core, now, effects| core.set_halted(now, true, effects));
                self.begin_trouble(&error, unchecked);
            }
            None => {
                self.desk.lock().trouble = None;
                self.shell.with(|core, now, effects| core.set_halted(now, false, effects));
            }
        }
    }

    /// Takes the info dictionary that peers sent. If data is on disk already it is checked first, which closes the
    /// connections for that time.
    pub(super) async fn take_metadata(self: &Arc<Self>, raw: Bytes) {
        let info = match Info::from_bytes(&raw) {
            Ok(info) if info.info_hash() == self.id => info,
            Ok(_) => return,
            Err(error) => return self.refuse_metadata(&error),
        };
        let mut metainfo = Metainfo::new(info);
        {
            let mut desk = self.desk.lock();
            metainfo.announce = desk.record.trackers.iter().map(|tracker| vec![tracker.clone()]).collect();
            desk.record.metainfo = Some(metainfo.to_bytes());
            desk.record.name = Some(metainfo.info.name().to_owned());
            let ranges = std::mem::take(&mut desk.record.select);
            if !ranges.is_empty() && desk.record.priorities.is_none() {
                let selected = |i: u32| ranges.iter().any(|(first, last)| (*first..=*last).contains(&i));
                let priority = |i: u32| if selected(i) { FilePriority::Normal } else { FilePriority::Skip };
                let files = metainfo.info.files().len();
                desk.record.priorities = Some((0u32..).take(files).map(priority).collect());
            }
            self.save_record(&mut desk);
        }
        self.shared.emit(&ContentEvent::MetadataReceived {
            info_hash: self.id,
            name: metainfo.info.name().to_owned(),
            size: metainfo.info.total_len(),
            files: metainfo.info.files().len(),
        });
        let metainfo = Arc::new(metainfo);
        self.desk.lock().metainfo = Some(Arc::clone(&metainfo));
        let Some(prepared) = self.prepare(&metainfo, Known::Nothing).await else { return };
        let info = torrent_info(&metainfo.info, prepared.geometry);
        self.adopt(&prepared);
        let Prepared { have, wanted, trouble, unchecked, .. } = prepared;
        let taken = self.shell.with(|core, now, effects| {
            core.set_info(now, info, have, effects)?;
            core.set_wanted(now, wanted, effects);
            Ok::<_, weft_bittorrent::swarm::SetInfoError>(())
        });
        match taken {
            Ok(()) => self.settle(trouble, unchecked),
            Err(error) => self.refuse_metadata(&error),
        }
    }

    /// Opens the files and finds out what of them is right. `None` if the torrent cannot run at all.
    async fn prepare(self: &Arc<Self>, metainfo: &Metainfo, known: Known) -> Option<Prepared> {
        let info = metainfo.info.clone();
        let Some(geometry) = Geometry::new(info.piece_length(), info.total_len()) else {
            self.refuse_metadata(&"its pieces are longer than this version fetches (64 MiB)");
            return None;
        };
        let (root, priorities) = {
            let desk = self.desk.lock();
            (desk.record.dir.clone(), file_priorities(&info, desk.record.priorities.as_deref()))
        };
        let selected = selected(&priorities);
        let (files, allocation) = (Arc::clone(&self.shared.files), self.shared.config.allocation);
        let placed = selected.clone();
        let planned = self.shell.tools.pool.run(Urgency::Peer, move || {
            let storage = Arc::new(Storage::new(files, root, info, &placed, allocation));
            let plan = Plan::new(&storage, &known);
            (storage, plan)
        });
        let (storage, plan) = planned.await?;
        let wanted = wanted_pieces(&storage, &priorities);
        let mut failed = None;
        let (mut have, to_hash, prints, guarded) = match plan {
            Ok(plan) => {
                self.to_check.store(plan.bytes(storage.info()), Ordering::Relaxed);
                self.checked.store(0, Ordering::Relaxed);
                (plan.trusted, plan.to_hash, plan.prints, plan.guarded)
            }
            Err(error) => {
                failed = Some(error);
                (Bitfield::new(geometry.piece_count()), Vec::new(), Vec::new(), Vec::new())
            }
        };
        let hashed =
            check::hash(&self.shell.tools, &storage, to_hash, Arc::clone(&self.checked), self.cancel.child_token())
                .await;
        match hashed {
            Ok(right) => right.into_iter().for_each(|piece| {
                have.insert(piece);
            }),
            Err(error) => failed = failed.or(Some(error)),
        }
        let content = Arc::new(Content::new(Arc::clone(&storage), &have));
        for file in content.stored_files().filter(|file| content.is_complete(*file)) {
            storage.seal_as(file, prints.get(file).copied().flatten());
        }
        let unchecked = failed.is_some();
        let wrong = |file: &usize| !content.is_complete(*file) && selected.get(*file).copied().unwrap_or(true);
        let guarded: Vec<_> =
            guarded.into_iter().filter(wrong).map(|f| (f, prints.get(f).copied().flatten())).collect();
        let mut fetched = wanted.clone();
        for piece in guarded.iter().flat_map(|(file, _)| storage.layout().file_pieces(*file)) {
            fetched[piece as usize] = Priority::Skip;
        }
        let room = self.room_needed(&have, &fetched, geometry);
        let made = self.shell.tools.pool.run(Urgency::Peer, move || {
            if room > 0 {
                storage.check_room(room)?;
                storage.make_empty_files(&selected)?;
            }
            Ok(())
        });
        let trouble = failed.or(made.await.unwrap_or(Ok(())).err());
        Some(Prepared { content, have, wanted, geometry, trouble, unchecked, guarded })
    }

    /// Bytes of wanted pieces that are missing.
    pub(super) fn room_needed(&self, have: &Bitfield, wanted: &[Priority], geometry: Geometry) -> u64 {
        let missing =
            (0u32..).zip(wanted).filter(|(piece, wanted)| **wanted != Priority::Skip && !have.contains(*piece));
        missing.map(|(piece, _)| u64::from(geometry.piece_len(piece))).sum()
    }

    /// Stops the machine; its counters are kept.
    pub(super) fn tear_down(self: &Arc<Self>, reason: &str) {
        let moved = self.shell.with(|core, _, effects| core.uninstall(reason, effects).map(|swarm| swarm.traffic()));
        self.shell.set_content(None);
        let mut desk = self.desk.lock();
        if let Some(moved) = moved {
            desk.base = desk.base.with(&moved);
        }
        desk.phase = Phase::Idle;
    }

    fn refuse_metadata(&self, why: &dyn std::fmt::Display) {
        let mut desk = self.desk.lock();
        desk.phase = Phase::Active;
        desk.trouble = Some(Trouble {
            kind: TroubleKind::BadMetadata,
            message: format!("the metadata of this torrent cannot be used: {why}"),
            mend: "remove the torrent, and ask whoever gave the link for another".to_owned(),
        });
    }

    fn swarm_config(&self) -> SwarmConfig {
        let config = &self.shared.config;
        let seed = rand::Rng::random(&mut *self.rng.lock());
        SwarmConfig {
            listen_port: self.shared.listen_port(),
            max_inflight_bytes: MAX_INFLIGHT.min(config.piece_memory as u64 / 2),
            max_peers: config.max_connections_per_torrent,
            ..SwarmConfig::new(self.id, seed)
        }
    }
}

fn torrent_info(info: &Info, geometry: Geometry) -> TorrentInfo {
    TorrentInfo { geometry, private: info.is_private(), metadata: info.raw().clone() }
}
