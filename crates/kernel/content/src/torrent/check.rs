//! Hashing what is on disk: only what cannot be trusted, on the disk threads, a few pieces at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use weft_bittorrent::bitfield::Bitfield;
use weft_bittorrent::metainfo::Info;
use weft_bittorrent::swarm::Priority;

use super::Known;
use crate::resume::ResumeRecord;
use crate::shell::Tools;
use crate::status::FilePriority;
use crate::storage::{Fingerprint, Storage, StorageError, Urgency, is_stored};

/// 4 MiB hashed by one job: short enough that peers' reads come in between, long enough that handing over costs nothing.
const BYTES_A_JOB: u32 = 4 << 20;

/// 256 KiB read at a time while hashing: stays in the cache between the read and the hash.
const HASH_BUFFER: usize = 256 << 10;

/// For each file of `info` how much it is wanted.
pub(super) fn file_priorities(info: &Info, priorities: Option<&[FilePriority]>) -> Vec<FilePriority> {
    let priority = |i: usize| priorities.and_then(|p| p.get(i)).copied().unwrap_or_default();
    (0..info.files().len()).map(priority).collect()
}

/// For each file whether it is wanted at all.
pub(super) fn selected(priorities: &[FilePriority]) -> Vec<bool> {
    priorities.iter().map(|priority| *priority != FilePriority::Skip).collect()
}

/// For each piece how much it is wanted: as much as the most wanted file with bytes in it.
pub(super) fn wanted_pieces(storage: &Storage, priorities: &[FilePriority]) -> Vec<Priority> {
    let info = storage.info();
    if priorities.iter().all(|priority| *priority == FilePriority::Normal) {
        return vec![Priority::Normal; info.piece_count() as usize];
    }
    let mut wanted = vec![Priority::Skip; info.piece_count() as usize];
    for (index, priority) in priorities.iter().enumerate() {
        if !info.files().get(index).is_some_and(is_stored) {
            continue;
        }
        for piece in storage.layout().file_pieces(index) {
            let piece = &mut wanted[piece as usize];
            *piece = (*piece).max((*priority).into());
        }
    }
    wanted
}

/// The pieces that can be believed, and those that must be hashed.
pub(super) struct Plan {
    pub(super) trusted: Bitfield,
    pub(super) to_hash: Vec<u32>,
    /// How the files were before anything of them was hashed.
    pub(super) prints: Vec<Option<Fingerprint>>,
    /// Files that were complete until somebody changed them or took them away.
    pub(super) guarded: Vec<usize>,
}

impl Plan {
    /// Looks at the files. Blocks.
    pub(super) fn new(storage: &Storage, known: &Known) -> Result<Self, StorageError> {
        let info = storage.info();
        let pieces = info.piece_count();
        let mut plan =
            Plan { trusted: Bitfield::new(pieces), to_hash: Vec::new(), prints: Vec::new(), guarded: Vec::new() };
        for (index, file) in info.files().iter().enumerate() {
            let print = if is_stored(file) && !file.is_empty() { storage.fingerprint(index)? } else { None };
            plan.prints.push(print);
        }
        let prints = &plan.prints;
        let resume = match known {
            Known::Everything(then) => {
                let same =
                    |i: usize| !is_stored(&info.files()[i]) || info.files()[i].is_empty() || prints[i] == then[i];
                if (0..prints.len()).all(same) {
                    plan.trusted = Bitfield::full(pieces);
                    return Ok(plan);
                }
                None
            }
            Known::Resume(resume) => Some(resume),
            Known::Nothing => None,
        };
        let saved = resume.and_then(|r| Bitfield::from_bytes(&r.have, pieces).ok()).unwrap_or(Bitfield::new(pieces));
        let clean = resume.is_some_and(|r| r.clean);
        let trusts: Vec<bool> = (0..prints.len())
            .map(|i| match resume {
                // What is in the parts file is the engine's own.
                Some(resume) => !storage.is_placed(i) || resume.trusts(i, prints[i].as_ref()),
                None => false,
            })
            .collect();
        if let Some(resume) = resume {
            let guards = |i: &usize| {
                let file = &info.files()[*i];
                is_stored(file)
                    && !file.is_empty()
                    && storage.is_placed(*i)
                    && resume.somebody_changed(*i, plan.prints[*i].as_ref())
            };
            plan.guarded = (0..plan.prints.len()).filter(guards).collect();
        }
        let prints = &plan.prints;
        // A folder that is not there at all needs no look at each piece.
        if prints.iter().all(Option::is_none) && saved.count() == 0 {
            return Ok(plan);
        }
        for piece in 0..pieces {
            let trusted = storage.files_of(piece).all(|file| trusts[file]);
            if trusted && saved.contains(piece) {
                plan.trusted.insert(piece);
            } else if !(trusted && clean) && storage.may_have_data(piece) {
                plan.to_hash.push(piece);
            }
        }
        Ok(plan)
    }

    /// Bytes to be hashed.
    pub(super) fn bytes(&self, info: &Info) -> u64 {
        self.to_hash.iter().map(|piece| u64::from(info.piece_len(*piece))).sum()
    }
}

/// Hashes pieces, with all disk threads but one. Gives those that are right.
pub(super) async fn hash(
    tools: &Tools,
    storage: &Arc<Storage>,
    pieces: Vec<u32>,
    done: Arc<AtomicU64>,
    cancel: CancellationToken,
) -> Result<Vec<u32>, StorageError> {
    let a_job = (BYTES_A_JOB / storage.info().piece_length()).max(1);
    let work = Arc::new(Work {
        storage: Arc::clone(storage),
        pieces,
        next: AtomicU32::new(0),
        a_job,
        right: Mutex::default(),
        error: Mutex::default(),
        done,
        cancel,
    });
    let lanes = tools.pool.threads().saturating_sub(1).max(1);
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..lanes {
        let (work, pool) = (Arc::clone(&work), tools.pool.clone());
        running.spawn(async move {
            // One job after another, so that the pool's queue stays short.
            while pool
                .run(Urgency::Background, {
                    let work = Arc::clone(&work);
                    move || work.step()
                })
                .await
                == Some(true)
            {}
        });
    }
    while running.join_next().await.is_some() {}
    if let Some(error) = work.error.lock().take() {
        return Err(error);
    }
    let right = std::mem::take(&mut *work.right.lock());
    Ok(right)
}

struct Work {
    storage: Arc<Storage>,
    pieces: Vec<u32>,
    next: AtomicU32,
    a_job: u32,
    right: Mutex<Vec<u32>>,
    error: Mutex<Option<StorageError>>,
    done: Arc<AtomicU64>,
    cancel: CancellationToken,
}

impl Work {
    /// Hashes the next few pieces; `false` if there are none left.
    fn step(&self) -> bool {
        let from = self.next.fetch_add(self.a_job, Ordering::Relaxed) as usize;
        let to = (from + self.a_job as usize).min(self.pieces.len());
        let Some(pieces) = self.pieces.get(from..to).filter(|pieces| !pieces.is_empty()) else { return false };
        let mut buffer = vec![0; HASH_BUFFER];
        for piece in pieces {
            if self.cancel.is_cancelled() || self.error.lock().is_some() {
                return false;
            }
            match self.storage.hash_piece(*piece, &mut buffer) {
                Ok(Some(hash)) if self.storage.info().piece_hash(*piece) == Some(hash) => {
                    self.right.lock().push(*piece)
                }
                Ok(_) => {}
                Err(error) => {
                    self.error.lock().get_or_insert(error);
                    return false;
                }
            }
            self.done.fetch_add(u64::from(self.storage.info().piece_len(*piece)), Ordering::Relaxed);
        }
        true
    }
}

impl ResumeRecord {
    /// With the totals of the torrent.
    pub(super) fn with_totals(self, totals: super::desk::Totals) -> Self {
        ResumeRecord { downloaded: totals.downloaded, uploaded: totals.uploaded, wasted: totals.wasted, ..self }
    }
}
