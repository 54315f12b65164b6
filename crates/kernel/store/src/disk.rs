//! The store on disk: `fjall`, watched.
//!
//! An IO error, a full disk too, poisons a fjall database until it is reopened. So this store looks at the free space
//! before it writes, refuses while there is too little, and after a failure closes the database and opens it again as
//! soon as the disk takes a write.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use parking_lot::{Mutex, RwLock};

use crate::batch::{Batch, Durability, Op, Table};
use crate::error::{CommitError, OpenError, ReadError, StoreHealth};
use crate::memory::check_keys;
use crate::{Entry, Store};

/// How a store on disk behaves.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Below this many free bytes on its disk the store does not write. The journal, a flush and a compaction must fit
    /// into what is left, or the database poisons itself.
    pub min_free_bytes: u64,
    /// Block cache.
    pub cache_bytes: u64,
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions { min_free_bytes: 64 * MIB, cache_bytes: 16 * MIB }
    }
}

const MIB: u64 = 1024 * 1024;

/// 64 MiB of journals: node state is small, and a journal is replayed at every start.
const MAX_JOURNAL_BYTES: u64 = 64 * MIB;

/// 8 MiB of unflushed writes.
const WRITE_BUFFER_BYTES: u64 = 8 * MIB;

/// 1 s for an owner that closed the database to let go of its lock: its threads end within milliseconds.
const LETTING_GO: Duration = Duration::from_secs(1);

/// One `statvfs` and at most one try to reopen in this time, however many callers write.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);

/// A store in a folder.
pub struct FjallStore {
    dir: PathBuf,
    options: StoreOptions,
    open: RwLock<Option<Open>>,
    state: Mutex<State>,
}

struct Open {
    database: Database,
    tables: Mutex<HashMap<Table, Keyspace>>,
}

struct State {
    health: StoreHealth,
    probed: Option<Instant>,
}

impl FjallStore {
    /// Opens the store in `dir`, which is made if it is not there.
    pub fn open(dir: impl Into<PathBuf>, options: StoreOptions) -> Result<Self, OpenError> {
        let dir = dir.into();
        std::fs::create_dir_all(&dir).map_err(|source| OpenError::Folder { dir: dir.clone(), source })?;
        let open = open_patiently(&dir, &options).map_err(|error| open_error(&dir, error))?;
        let state = State { health: StoreHealth::Ok, probed: None };
        let store = FjallStore { dir, options, open: RwLock::new(Some(open)), state: Mutex::new(state) };
        store.probe();
        Ok(store)
    }

    /// Looks at the disk if that was not done just now, and opens the database again if it is closed and the disk is
    /// well. Gives the health that follows.
    fn probe(&self) -> StoreHealth {
        let mut state = self.state.lock();
        if state.probed.is_some_and(|at| at.elapsed() < PROBE_INTERVAL) {
            return state.health.clone();
        }
        state.probed = Some(Instant::now());
        let before = state.health.clone();
        state.health = self.look();
        if before != state.health {
            match &state.health {
                StoreHealth::Ok => tracing::info!(dir = %self.dir.display(), "the store writes again"),
                StoreHealth::ReadOnly { because, mend } => tracing::warn!(%because, %mend, "the store is read-only"),
            }
        }
        state.health.clone()
    }

    fn look(&self) -> StoreHealth {
        match free_bytes(&self.dir) {
            Err(error) => {
                return read_only(format!("its disk cannot be asked for free space ({error})"), "check the disk");
            }
            Ok(free) if free < self.options.min_free_bytes => return self.nearly_full(free),
            Ok(_) => {}
        }
        if self.open.read().is_some() {
            return StoreHealth::Ok;
        }
        match open_database(&self.dir, &self.options) {
            Ok(open) => {
                *self.open.write() = Some(open);
                StoreHealth::Ok
            }
            Err(error) => {
                read_only(format!("it does not open again ({})", plain(&error)), "check its disk and its permissions")
            }
        }
    }

    fn nearly_full(&self, free: u64) -> StoreHealth {
        let because = format!("the disk of {} has {} MiB left", self.dir.display(), free / MIB);
        read_only(because, &format!("free at least {} MiB there", self.options.min_free_bytes.div_ceil(MIB)))
    }

    /// Closes the database after it failed, and says so until it is open again.
    fn close_after(&self, error: &fjall::Error) {
        // A failed database may keep its folder locked until its last handle is gone: drop it whole before any reopen.
        *self.open.write() = None;
        let mut state = self.state.lock();
        state.health =
            read_only(format!("a write failed ({})", plain(error)), "see to its disk: it opens again by itself");
        state.probed = Some(Instant::now());
        tracing::error!(dir = %self.dir.display(), %error, "the store failed and is closed until its disk is well");
    }

    fn with_table<T>(&self, table: Table, read: impl Fn(&Keyspace) -> fjall::Result<T>) -> Result<T, ReadError> {
        if self.open.read().is_none() {
            self.probe();
        }
        let guard = self.open.read();
        let Some(open) = guard.as_ref() else {
            let because = match &self.state.lock().health {
                StoreHealth::ReadOnly { because, .. } => because.clone(),
                StoreHealth::Ok => String::from("it is being opened"),
            };
            return Err(ReadError::Closed { because });
        };
        open.table(table).and_then(|table| read(&table)).map_err(|error| ReadError::Failed(Box::new(error)))
    }
}

impl Store for FjallStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        self.with_table(table, |table| Ok(table.get(key)?.map(|value| value.to_vec())))
    }

    fn scan(&self, table: Table, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, ReadError> {
        self.with_table(table, |table| {
            let start = match after {
                Some(after) if after >= prefix => std::ops::Bound::Excluded(after.to_vec()),
                _ => std::ops::Bound::Included(prefix.to_vec()),
            };
            let mut entries = Vec::new();
            for entry in table.range::<Vec<u8>, _>((start, std::ops::Bound::Unbounded)).take(limit) {
                let (key, value) = entry.into_inner()?;
                if !key.starts_with(prefix) {
                    break;
                }
                entries.push((key.to_vec(), value.to_vec()));
            }
            Ok(entries)
        })
    }

    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), CommitError> {
        check_keys(&batch)?;
        if let StoreHealth::ReadOnly { because, mend } = self.probe() {
            return Err(CommitError::ReadOnly { because, mend });
        }
        let result = {
            let guard = self.open.read();
            match guard.as_ref() {
                Some(open) => open.apply(batch, durability),
                None => Err(fjall::Error::Poisoned),
            }
        };
        result.map_err(|error| {
            self.close_after(&error);
            CommitError::Failed(Box::new(error))
        })
    }

    fn health(&self) -> StoreHealth {
        self.probe()
    }
}

impl Open {
    fn table(&self, table: Table) -> fjall::Result<Keyspace> {
        let mut tables = self.tables.lock();
        if let Some(keyspace) = tables.get(&table) {
            return Ok(keyspace.clone());
        }
        let options = || KeyspaceCreateOptions::default().max_memtable_size(WRITE_BUFFER_BYTES);
        let keyspace = self.database.keyspace(table.name(), options)?;
        tables.insert(table, keyspace.clone());
        Ok(keyspace)
    }

    fn apply(&self, batch: Batch, durability: Durability) -> fjall::Result<()> {
        let mode = match durability {
            Durability::Buffer => PersistMode::Buffer,
            Durability::Sync => PersistMode::SyncData,
        };
        let mut writes = self.database.batch().durability(Some(mode));
        for op in batch.ops {
            match op {
                Op::Put(table, key, value) => writes.insert(&self.table(table)?, key, value),
                Op::Delete(table, key) => writes.remove(&self.table(table)?, key),
            }
        }
        writes.commit()
    }
}

fn open_database(dir: &Path, options: &StoreOptions) -> fjall::Result<Open> {
    let database = Database::builder(dir)
        .cache_size(options.cache_bytes)
        .max_journaling_size(MAX_JOURNAL_BYTES)
        .worker_threads(1)
        .open()?;
    Ok(Open { database, tables: Mutex::default() })
}

/// As [`open_database`], with patience for an owner in this process that has just closed it: its threads let go of the
/// lock some moments after its last handle is gone. A node that restarts itself would stumble over them.
fn open_patiently(dir: &Path, options: &StoreOptions) -> fjall::Result<Open> {
    let began = Instant::now();
    loop {
        match open_database(dir, options) {
            Err(fjall::Error::Locked) if began.elapsed() < LETTING_GO => std::thread::sleep(LETTING_GO / 100),
            result => return result,
        }
    }
}

fn open_error(dir: &Path, error: fjall::Error) -> OpenError {
    let dir = dir.to_path_buf();
    match error {
        fjall::Error::Locked => OpenError::InUse { dir },
        fjall::Error::Io(source) => OpenError::Folder { dir, source },
        other => OpenError::Damaged { dir, source: Box::new(other) },
    }
}

fn read_only(because: String, mend: &str) -> StoreHealth {
    StoreHealth::ReadOnly { because, mend: mend.into() }
}

fn free_bytes(dir: &Path) -> std::io::Result<u64> {
    let stat = rustix::fs::statvfs(dir)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// What the system said, where that is what happened; the database's own words are for its developers.
fn plain(error: &fjall::Error) -> String {
    match error {
        fjall::Error::Io(source) | fjall::Error::Storage(fjall::LsmError::Io(source)) => source.to_string(),
        other => other.to_string(),
    }
}
