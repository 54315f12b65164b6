//! Open files, bounded in number, the least recently used closed first.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::process::{Resource, getrlimit};

/// 512 open files over all torrents at most: enough that a swarm over many small files reopens few, and half of the
/// usual limit of 1,024.
const MAX_OPEN: usize = 512;

/// An open file is looked up by its name again after 5 s: a file that was replaced meanwhile is noticed then, and one
/// that was deleted gives its space back.
const MAX_AGE: Duration = Duration::from_secs(5);

/// Which file of which storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    /// The storage, by a number of its own.
    pub(crate) storage: u64,
    /// The file's place in it.
    pub(crate) file: u32,
}

/// A file that is open.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) file: File,
    pub(crate) writable: bool,
    opened: Instant,
    used: AtomicU64,
}

/// The open files of all storages.
#[derive(Debug)]
pub(crate) struct FileCache {
    open: Mutex<HashMap<Slot, Arc<OpenFile>>>,
    limit: usize,
    clock: AtomicU64,
    next_storage: AtomicU64,
}

impl FileCache {
    /// A cache that leaves most of the process's descriptors to sockets.
    pub(crate) fn new() -> Self {
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        Self::with_limit(usize::try_from(descriptors / 3).unwrap_or(MAX_OPEN).clamp(8, MAX_OPEN))
    }

    fn with_limit(limit: usize) -> Self {
        FileCache { open: Mutex::default(), limit, clock: AtomicU64::new(0), next_storage: AtomicU64::new(0) }
    }

    /// A number for a new storage.
    pub(crate) fn register(&self) -> u64 {
        self.next_storage.fetch_add(1, Ordering::Relaxed)
    }

    /// The open file of `slot`, opened by `open(writable)` if it is not there, is too old, or is to be written and was
    /// opened for reading.
    pub(crate) fn get<E>(
        &self,
        slot: Slot,
        write: bool,
        open: impl FnOnce() -> Result<File, E>,
    ) -> Result<Arc<OpenFile>, E> {
        let now = Instant::now();
        let stamp = self.clock.fetch_add(1, Ordering::Relaxed);
        let mut files = self.open.lock();
        if let Some(file) = files.get(&slot)
            && (file.writable || !write)
            && now.duration_since(file.opened) < MAX_AGE
        {
            file.used.store(stamp, Ordering::Relaxed);
            return Ok(Arc::clone(file));
        }
        drop(files); // opening may take long on a slow file system
        let file = Arc::new(OpenFile { file: open()?, writable: write, opened: now, used: AtomicU64::new(stamp) });
        files = self.open.lock();
        let closed = files.insert(slot, Arc::clone(&file));
        let evicted = if files.len() > self.limit { evict(&mut files) } else { None };
        drop(files); // closing may write
        drop((closed, evicted));
        Ok(file)
    }

    /// Forgets one file, so that it is looked up by its name again.
    pub(crate) fn forget(&self, slot: Slot) {
        let closed = self.open.lock().remove(&slot);
        drop(closed);
    }

    /// Closes every file of a storage.
    pub(crate) fn close(&self, storage: u64) {
        let mut closed = Vec::new();
        self.open.lock().retain(|slot, file| {
            let keep = slot.storage != storage;
            if !keep {
                closed.push(Arc::clone(file));
            }
            keep
        });
    }
}

fn evict(files: &mut HashMap<Slot, Arc<OpenFile>>) -> Option<Arc<OpenFile>> {
    let oldest = files.iter().min_by_key(|(_, file)| file.used.load(Ordering::Relaxed)).map(|(slot, _)| *slot)?;
    files.remove(&oldest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_its_bound_and_the_files_in_use() {
        let cache = FileCache::with_limit(3);
        let storage = cache.register();
        let mut opened = 0;
        let mut get = |file: u32, write: bool| {
            let slot = Slot { storage, file };
            cache
                .get(slot, write, || {
                    opened += 1;
                    tempfile::tempfile()
                })
                .unwrap();
            opened
        };
        assert_eq!(get(0, false), 1);
        assert_eq!(get(0, false), 1);
        assert_eq!(get(0, true), 2, "reopened for writing");
        assert_eq!(get(0, false), 2);
        get(1, false);
        get(2, false);
        get(0, false);
        assert_eq!(get(3, false), 5);
        assert_eq!(get(0, false), 5, "in use, so kept");
        assert_eq!(get(1, false), 6, "the least recently used was closed");
        assert!(cache.open.lock().len() <= 3);
        cache.close(storage);
        assert!(cache.open.lock().is_empty());
    }
}
