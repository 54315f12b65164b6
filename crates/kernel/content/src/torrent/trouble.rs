//! Trouble with the disk: say what it is, keep what is right in service, look whether it is mended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Torrent;
use super::check;
use super::desk::{Probe, Suspect};
use crate::shell::Content;
use crate::status::{Trouble, TroubleKind};
use crate::storage::{Fingerprint, StorageError, Urgency};

/// A trouble that comes back within a minute is the same one: its probe goes on where it was, so that a torrent does not
/// flap.
const SAME_TROUBLE: Duration = Duration::from_secs(60);

/// 32 sealed files are looked at in one turn of the watch.
const WATCHED_AT_ONCE: usize = 32;

impl Torrent {
    /// Fetching has stopped because of the disk.
    pub(super) fn begin_trouble(&self, error: &StorageError, unchecked: bool) {
        tracing::warn!(torrent = %self.id, %error, "fetching stops");
        let mut desk = self.desk.lock();
        desk.trouble = Some(error.trouble());
        desk.recheck_when_mended |= unchecked;
        if desk.trouble_probe.is_none() {
            let mut probe = Probe::new(self.shared.config.mend_probe);
            if let Some((_, delay)) = desk.mended.filter(|(at, _)| at.elapsed() < SAME_TROUBLE) {
                probe.delay = delay;
                probe.later();
            }
            desk.trouble_probe = Some(probe);
        }
    }

    /// A file was changed by somebody, or cannot be read: its pieces are out of service already.
    pub(super) fn begin_suspicion(&self, file: usize, error: Option<&StorageError>) {
        let content = self.shell.content();
        let path = content.as_ref().map(|content| content.storage.path(file)).unwrap_or_default();
        let complete = content.is_some_and(|content| content.is_complete(file));
        let trouble = error.map_or_else(|| changed(&path), StorageError::trouble);
        tracing::warn!(torrent = %self.id, message = %trouble.message, "pieces are taken out of service");
        let mut desk = self.desk.lock();
        // Until it was looked at nobody can say that it is changed; then the trouble is told.
        let suspect = || Suspect { seen: None, failed: true, complete, trouble: None };
        desk.suspects.entry(file).or_insert_with(suspect).trouble = error.map(|_| trouble);
        desk.suspect_probe = Some(Probe { next: Instant::now(), delay: self.shared.config.mend_probe });
    }

    /// Takes a file's pieces out of service.
    pub(super) fn hold_file(self: &Arc<Self>, content: &Content, file: usize) {
        self.shell.with(|core, now, effects| core.hold(now, content.storage.layout().file_pieces(file), effects));
    }

    /// When something is to be looked at.
    pub(super) fn probe_at(&self) -> Option<Instant> {
        let desk = self.desk.lock();
        [desk.trouble_probe, desk.suspect_probe].into_iter().flatten().map(|probe| probe.next).min()
    }

    /// Looks whether what is due is mended.
    pub(super) async fn probe(self: &Arc<Self>) {
        let now = Instant::now();
        let due = |probe: Option<Probe>| probe.is_some_and(|probe| probe.next <= now);
        let (trouble, suspect) = {
            let desk = self.desk.lock();
            (due(desk.trouble_probe), due(desk.suspect_probe))
        };
        if trouble {
            self.probe_trouble().await;
        }
        if suspect {
            self.probe_suspects().await;
        }
    }

    async fn probe_trouble(self: &Arc<Self>) {
        let Some(content) = self.shell.content() else { return };
        let room = self.missing_bytes();
        let (kind, selected) = {
            let desk = self.desk.lock();
            let Some(trouble) = &desk.trouble else { return };
            let priorities = check::file_priorities(content.storage.info(), desk.record.priorities.as_deref());
            (trouble.kind, check::selected(&priorities))
        };
        let probed = Arc::clone(&content);
        let result = self.shell.tools.pool.run(Urgency::Peer, move || -> Result<bool, StorageError> {
            if kind == TroubleKind::BadMetadata {
                return Ok(false);
            }
            probed.storage.check_room(room)?;
            probed.storage.make_empty_files(&selected)?;
            let next = probed.stored_files().find(|file| selected[*file] && !probed.is_complete(*file));
            next.map_or(Ok(()), |file| probed.storage.probe_write(file))?;
            Ok(true)
        });
        match result.await {
            Some(Ok(true)) => {
                let mut desk = self.desk.lock();
                let delay = desk.trouble_probe.take().map_or(self.shared.config.mend_probe, |probe| probe.delay);
                desk.mended = Some((Instant::now(), delay));
                desk.trouble = None;
                desk.recheck |= std::mem::take(&mut desk.recheck_when_mended);
                drop(desk);
                tracing::info!(torrent = %self.id, "the trouble is mended, fetching goes on");
                self.shell.with(|core, now, effects| core.set_halted(now, false, effects));
                // Seeds saw no use in us meanwhile.
                self.candidates.lock().forgive(Instant::now());
            }
            Some(Err(error)) => {
                let mut desk = self.desk.lock();
                desk.trouble = Some(error.trouble());
                later(&mut desk.trouble_probe);
            }
            _ => later(&mut self.desk.lock().trouble_probe),
        }
    }

    async fn probe_suspects(self: &Arc<Self>) {
        let Some(content) = self.shell.content() else { return };
        let files: Vec<usize> = self.desk.lock().suspects.keys().copied().collect();
        for file in files {
            self.probe_suspect(&content, file).await;
        }
        let mut desk = self.desk.lock();
        if desk.suspects.is_empty() {
            desk.suspect_probe = None;
        } else {
            later(&mut desk.suspect_probe);
        }
    }

    /// Hashes a suspect file again if it is not as it was when it was last looked at.
    async fn probe_suspect(self: &Arc<Self>, content: &Arc<Content>, file: usize) {
        let storage = Arc::clone(&content.storage);
        let print = self.shell.tools.pool.run(Urgency::Background, move || storage.fingerprint(file)).await;
        let Some(suspect) = self.desk.lock().suspects.get(&file).cloned() else { return };
        let print = match print {
            Some(Ok(print)) => print,
            Some(Err(error)) => return self.still_suspect(file, None, true, error.trouble()),
            None => return,
        };
        if !suspect.failed && suspect.seen == print {
            return;
        }
        let path = content.storage.path(file);
        if print.is_none() {
            let trouble = StorageError::Missing { path, source: std::io::ErrorKind::NotFound.into() }.trouble();
            return self.still_suspect(file, None, false, trouble);
        }
        // As it is now; whoever changes it while it is hashed is noticed by the next read.
        content.storage.seal_as(file, print);
        let pieces: Vec<u32> = content.storage.layout().file_pieces(file).collect();
        let held: Vec<u32> = self.shell.look(|core| pieces.into_iter().filter(|p| core.held().contains(*p)).collect());
        let count = held.len();
        let hashed = check::hash(&self.shell.tools, &content.storage, held, Arc::default(), self.cancel.child_token());
        match hashed.await {
            Ok(right) => {
                let whole = right.len() == count;
                self.shell.with(|core, now, effects| {
                    right.iter().for_each(|piece| core.release(now, *piece, true, effects));
                });
                if whole {
                    tracing::info!(torrent = %self.id, path = %path.display(), "the file is right again");
                    self.desk.lock().suspects.remove(&file);
                } else {
                    self.still_suspect(file, print, false, changed(&path));
                }
            }
            Err(error) => self.still_suspect(file, print, true, error.trouble()),
        }
    }

    fn still_suspect(&self, file: usize, seen: Option<Fingerprint>, failed: bool, trouble: Trouble) {
        let mut desk = self.desk.lock();
        let complete = desk.suspects.get(&file).is_some_and(|suspect| suspect.complete);
        desk.suspects.insert(file, Suspect { seen, failed, complete, trouble: Some(trouble) });
    }

    /// Files that somebody changed or took away while the engine was not there are suspect as if it had been. Gives their
    /// pieces.
    pub(super) fn begin_guard(&self, content: &Content, guarded: &[(usize, Option<Fingerprint>)]) -> Vec<u32> {
        let mut desk = self.desk.lock();
        for (file, seen) in guarded {
            let path = content.storage.path(*file);
            tracing::warn!(torrent = %self.id, path = %path.display(), "changed since it was complete: nothing is fetched over it");
            let trouble = match seen {
                Some(_) => changed(&path),
                None => StorageError::Missing { path, source: std::io::ErrorKind::NotFound.into() }.trouble(),
            };
            desk.suspects.insert(*file, Suspect { seen: *seen, failed: false, complete: true, trouble: Some(trouble) });
            desk.suspect_probe.get_or_insert_with(|| Probe::new(self.shared.config.mend_probe));
        }
        guarded.iter().flat_map(|(file, _)| content.storage.layout().file_pieces(*file)).collect()
    }

    /// Looks at a few of the complete files, the next ones each time: a file that was changed is noticed even if nobody
    /// asks for it.
    pub(super) async fn watch_files(self: &Arc<Self>, from: usize) -> usize {
        let Some(content) = self.shell.content() else { return 0 };
        let watched = Arc::clone(&content);
        let suspects: Vec<usize> = self.desk.lock().suspects.keys().copied().collect();
        let look = move || {
            let complete = watched.stored_files().filter(|f| *f >= from && watched.is_complete(*f));
            let files: Vec<usize> = complete.take(WATCHED_AT_ONCE).collect();
            let next = if files.len() < WATCHED_AT_ONCE { 0 } else { files.last().map_or(0, |file| file + 1) };
            let unchanged = |file: &usize| watched.storage.is_unchanged(*file).unwrap_or(true);
            let changed: Vec<usize> = files.into_iter().filter(|f| !suspects.contains(f) && !unchanged(f)).collect();
            (next, changed)
        };
        let Some((next, changed)) = self.shell.tools.pool.run(Urgency::Background, look).await else { return 0 };
        for file in changed {
            self.hold_file(&content, file);
            self.begin_suspicion(file, None);
        }
        next
    }

    fn missing_bytes(&self) -> u64 {
        self.shell.look(|core| {
            let counts = core.counts();
            counts.wanted_bytes - counts.done_bytes
        })
    }
}

fn changed(path: &std::path::Path) -> Trouble {
    StorageError::Changed { path: path.to_owned() }.trouble()
}

fn later(probe: &mut Option<Probe>) {
    if let Some(probe) = probe {
        probe.later();
    }
}
