//! What the user tells a torrent.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use weft_bittorrent::magnet::Magnet;

use super::Torrent;
use super::check::{file_priorities, selected, wanted_pieces};
use crate::config::{KnownPeer, RateLimits};
use crate::error::ControlError;
use crate::resume::TorrentRecord;
use crate::sources::Address;
use crate::status::{FilePriority, PeerOrigin};
use crate::storage::{StorageError, Urgency};

impl Torrent {
    /// Stops or goes on.
    pub(crate) fn set_paused(self: &Arc<Self>, paused: bool) {
        {
            let mut desk = self.desk.lock();
            desk.record.paused = paused;
            self.save_record(&mut desk);
            if !paused && let Some(probe) = &mut desk.trouble_probe {
                // Whoever presses the button has mended something.
                probe.next = Instant::now();
            }
        }
        self.shell.with(|core, now, _| {
            if let Some(swarm) = core.swarm_mut() {
                swarm.set_paused(now, paused);
            }
        });
        if !paused {
            self.candidates.lock().forgive(Instant::now());
        }
        self.tell_state();
        self.wake();
    }

    /// The store did not take its record: it is offered again.
    pub(crate) fn not_saved(&self) {
        self.desk.lock().unsaved = true;
        self.wake();
    }

    /// Changes its own limits.
    pub(crate) fn set_limits(&self, limits: RateLimits) {
        self.own_limits.set(limits);
        let mut desk = self.desk.lock();
        desk.record.limits = limits;
        self.save_record(&mut desk);
    }

    /// Chooses the wanted files. Those that were wanted before stay as much wanted as they were.
    pub(crate) async fn set_selection(self: &Arc<Self>, files: Vec<usize>) -> Result<(), ControlError> {
        self.check_files(files.iter().copied())?;
        let select = move |file: usize, before: FilePriority| match (files.contains(&file), before) {
            (false, _) => FilePriority::Skip,
            (true, FilePriority::Skip) => FilePriority::Normal,
            (true, before) => before,
        };
        self.change_priorities(select).await
    }

    /// Says how much some files are wanted; the others stay as they are.
    pub(crate) async fn set_priorities(
        self: &Arc<Self>,
        priorities: Vec<(usize, FilePriority)>,
    ) -> Result<(), ControlError> {
        self.check_files(priorities.iter().map(|(file, _)| *file))?;
        let priorities: HashMap<usize, FilePriority> = priorities.into_iter().collect();
        self.change_priorities(move |file, before| priorities.get(&file).copied().unwrap_or(before)).await
    }

    fn check_files(&self, mut named: impl Iterator<Item = usize>) -> Result<(), ControlError> {
        let content = self.shell.content().ok_or(ControlError::NoMetadata(self.id))?;
        let files = content.storage.info().files().len();
        named.find(|index| *index >= files).map_or(Ok(()), |index| Err(ControlError::NoSuchFile { index, files }))
    }

    /// Changes how much each file is wanted, by its place and what it was before.
    async fn change_priorities(
        self: &Arc<Self>,
        change: impl Fn(usize, FilePriority) -> FilePriority,
    ) -> Result<(), ControlError> {
        let content = self.shell.content().ok_or(ControlError::NoMetadata(self.id))?;
        let changed = |record: &TorrentRecord| -> Vec<FilePriority> {
            let before = file_priorities(content.storage.info(), record.priorities.as_deref());
            before.into_iter().enumerate().map(|(file, before)| change(file, before)).collect()
        };
        let chosen = selected(&changed(&self.desk.lock().record));
        let have = self.shell.look(|core| core.swarm().map(|swarm| swarm.have().clone()));
        let placed = Arc::clone(&content);
        let place = self.shell.tools.pool.run(Urgency::Peer, move || -> Result<(), StorageError> {
            for (file, _) in chosen.iter().enumerate().filter(|(_, chosen)| **chosen) {
                placed.storage.place(file, |piece| have.as_ref().is_some_and(|have| have.contains(piece)))?;
            }
            placed.storage.make_empty_files(&chosen)
        });
        place.await.unwrap_or(Ok(()))?;
        {
            let mut desk = self.desk.lock();
            // Anew: another call may have changed other files meanwhile.
            let priorities = changed(&desk.record);
            let wanted = wanted_pieces(&content.storage, &priorities);
            desk.record.priorities = Some(priorities);
            desk.was_complete &= self.shell.with(|core, now, effects| {
                core.set_wanted(now, wanted, effects);
                core.counts().is_complete()
            });
            self.save_record(&mut desk);
        }
        self.candidates.lock().forgive(Instant::now());
        self.tell_state();
        self.wake();
        Ok(())
    }

    /// Hears of peers from the user.
    pub(crate) fn add_peers(&self, peers: &[KnownPeer]) {
        {
            let mut desk = self.desk.lock();
            note_peers(&mut desk.record, peers);
            self.save_record(&mut desk);
        }
        let now = Instant::now();
        let mut candidates = self.candidates.lock();
        for peer in peers {
            match peer {
                KnownPeer::Socket(address) => drop(candidates.add(Address::Socket(*address), PeerOrigin::User, now)),
                KnownPeer::Weft(key) if Some(*key) != self.shared.seams.device => {
                    candidates.add(Address::Weft(*key), PeerOrigin::Weft, now);
                }
                KnownPeer::Weft(_) => {}
            }
        }
        drop(candidates);
        self.wake();
    }

    /// Hears of trackers from the user, or from another copy of the same link.
    pub(crate) fn add_trackers(&self, user: &[String], others: &[Vec<String>]) {
        if self.desk.lock().is_private() {
            return;
        }
        let mut trackers = self.trackers.lock();
        let mut rng = self.rng.lock();
        trackers.add_by_user(user, &mut *rng);
        trackers.add(others, &mut *rng);
        drop((trackers, rng));
        self.wake();
    }

    /// The `.torrent` file.
    pub(crate) fn metainfo(&self) -> Result<Bytes, ControlError> {
        let metainfo = self.desk.lock().metainfo.clone().ok_or(ControlError::NoMetadata(self.id))?;
        Ok(metainfo.to_bytes().into())
    }

    /// A magnet link, with our own device in it if `with_key`.
    pub(crate) fn magnet(&self, with_key: bool) -> String {
        let mut magnet = {
            let desk = self.desk.lock();
            match &desk.metainfo {
                Some(metainfo) => {
                    let trackers = metainfo.announce.iter().flatten().cloned().collect();
                    Magnet { trackers, ..Magnet::new(&metainfo.info) }
                }
                None => Magnet {
                    v1: Some(self.id),
                    name: desk.record.name.clone(),
                    trackers: desk.record.trackers.clone(),
                    ..Magnet::default()
                },
            }
        };
        if with_key && self.shared.config.show_device_key {
            magnet.weft.extend(self.shared.write_hint());
        }
        magnet.to_string()
    }

    /// Ends it for good: nothing of it is kept in the store.
    pub(crate) fn remove(&self) {
        self.removed.store(true, Ordering::Relaxed);
        self.cancel.cancel();
    }
}

/// Notes peers in a record, each once.
pub(crate) fn note_peers(record: &mut TorrentRecord, peers: &[KnownPeer]) {
    for peer in peers {
        let (list, text) = match peer {
            KnownPeer::Socket(address) => (&mut record.user_peers, address.to_string()),
            KnownPeer::Weft(key) => (&mut record.weft_peers, key.to_string()),
        };
        if !list.contains(&text) {
            list.push(text);
        }
    }
}

/// A selection by place as one priority a file; the first place that does not exist is the error.
pub(crate) fn selection_of(files: &[usize], count: usize) -> Result<Vec<FilePriority>, usize> {
    let mut selection = vec![FilePriority::Skip; count];
    for file in files {
        *selection.get_mut(*file).ok_or(*file)? = FilePriority::Normal;
    }
    Ok(selection)
}
