//! What survives the process: two records a torrent.
//!
//! The *torrent record* says what was added and how; it is written when that changes. The *resume record* says which
//! pieces are verified and how each file was when that was so; it is written every second or so while pieces come in,
//! always after the pieces' data. Both with [`Durability::Buffer`]: `kill -9` undoes neither, a power cut may cost a recheck.
//!
//! # What is trusted after a restart
//! A saved bit counts only if every file the piece lies in is as it was when the bit was saved:
//! - a complete file: same size and modification time;
//! - a file in progress after an orderly end: the same;
//! - a file in progress after `kill -9`: not smaller, and written to no later than the engine can have written to it after
//!   the record ([`DIRTY_WINDOW`]), in the same boot of the machine. After a power cut nothing that was written shortly
//!   before is trusted.
//!
//! Everything else that has data on disk is hashed again; what the file system says is a hole is not.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use weft_bittorrent::bitfield::Bitfield;
use weft_bittorrent::id::InfoHash;
use weft_events::EventSink;
use weft_store::{Batch, Durability, Store, StoreHealth, Table};

use crate::config::RateLimits;
use crate::event::ContentEvent;
use crate::shell::Content;
use crate::status::{FilePriority, Trouble, TroubleKind};
use crate::storage::Fingerprint;

const TORRENTS: Table = Table::new("content-torrents");
const RESUME: Table = Table::new("content-resume");

/// A record in the store. Its first byte is a number: another layout gets another one.
trait Stored: Serialize + for<'a> Deserialize<'a> {
    const VERSION: u8;

    /// Reads an older layout; `None` for one that is not read any more, or never was one.
    fn of_older(_version: u8, _record: &[u8]) -> Option<Self> {
        None
    }
}

impl Stored for TorrentRecord {
    const VERSION: u8 = 2;

    fn of_older(version: u8, record: &[u8]) -> Option<Self> {
        let first = (version == 1).then(|| postcard::from_bytes::<TorrentRecord1>(record))?;
        first.ok().map(TorrentRecord::from)
    }
}

impl Stored for ResumeRecord {
    const VERSION: u8 = 2;
}

/// 256 records read at a time.
const SCAN: usize = 256;

/// 30 s: three times the longest pause between two saves. What changed a file later than that after the last save was
/// not this engine.
pub(crate) const DIRTY_WINDOW: Duration = Duration::from_secs(30);

/// 60 s after it was written data is on the disk (the kernel's default is 30).
pub(crate) const SETTLED_AFTER: Duration = Duration::from_secs(60);

/// What was added, and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TorrentRecord {
    /// The `.torrent` file, once its info dictionary is known.
    pub(crate) metainfo: Option<Vec<u8>>,
    pub(crate) name: Option<String>,
    pub(crate) dir: PathBuf,
    /// For each file how much it is wanted; all as usual if absent.
    pub(crate) priorities: Option<Vec<FilePriority>>,
    /// Ranges of wanted files of a magnet link (BEP 53), until the metadata is known.
    pub(crate) select: Vec<(u32, u32)>,
    pub(crate) paused: bool,
    pub(crate) limits: RateLimits,
    pub(crate) added_at: u64,
    pub(crate) completed_at: Option<u64>,
    /// Trackers of a magnet link.
    pub(crate) trackers: Vec<String>,
    /// Trackers the user added.
    pub(crate) user_trackers: Vec<String>,
    /// Addresses the user gave.
    pub(crate) user_peers: Vec<String>,
    /// Weft keys from the link or the user.
    pub(crate) weft_peers: Vec<String>,
    /// The `x.weft` values of a magnet link as they stand: the overlay reads them again after a restart.
    pub(crate) hints: Vec<String>,
}

/// [`TorrentRecord`] as version 1 had it: a file was wanted or not.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct TorrentRecord1 {
    metainfo: Option<Vec<u8>>,
    name: Option<String>,
    dir: PathBuf,
    selection: Option<Vec<bool>>,
    select: Vec<(u32, u32)>,
    paused: bool,
    limits: RateLimits,
    added_at: u64,
    completed_at: Option<u64>,
    trackers: Vec<String>,
    user_trackers: Vec<String>,
    user_peers: Vec<String>,
    weft_peers: Vec<String>,
    hints: Vec<String>,
}

impl From<TorrentRecord1> for TorrentRecord {
    fn from(old: TorrentRecord1) -> Self {
        let priority = |wanted: bool| if wanted { FilePriority::Normal } else { FilePriority::Skip };
        TorrentRecord {
            metainfo: old.metainfo,
            name: old.name,
            dir: old.dir,
            priorities: old.selection.map(|wanted| wanted.into_iter().map(priority).collect()),
            select: old.select,
            paused: old.paused,
            limits: old.limits,
            added_at: old.added_at,
            completed_at: old.completed_at,
            trackers: old.trackers,
            user_trackers: old.user_trackers,
            user_peers: old.user_peers,
            weft_peers: old.weft_peers,
            hints: old.hints,
        }
    }
}

/// Which pieces are verified, and how the files were then.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResumeRecord {
    /// In the bit order of the wire.
    pub(crate) have: Vec<u8>,
    pub(crate) files: Vec<Option<FileRecord>>,
    pub(crate) downloaded: u64,
    pub(crate) uploaded: u64,
    pub(crate) wasted: u64,
    /// Nothing was written after this record, and everything before it is on the disk.
    pub(crate) clean: bool,
    /// Which boot of the machine this was.
    pub(crate) boot: String,
    /// Nanoseconds since the Unix epoch.
    pub(crate) saved_at: i128,
}

/// How a file was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileRecord {
    pub(crate) fingerprint: Fingerprint,
    /// All its pieces were verified.
    pub(crate) complete: bool,
    /// All its pieces were verified, and then somebody changed it or took it away.
    pub(crate) changed: bool,
}

impl ResumeRecord {
    /// The record of how things are now. The bits come first, then how the files are: what is written in between makes
    /// a file newer, never a bit too many.
    pub(crate) fn take(have: &Bitfield, content: &Content, clean: bool) -> Self {
        let mut files = vec![None; content.storage.info().files().len()];
        for file in content.stored_files() {
            let complete = content.is_complete(file);
            let begun = complete || content.storage.layout().file_pieces(file).any(|piece| have.contains(piece));
            let fingerprint = match content.storage.sealed(file) {
                Some(sealed) if complete => Some(sealed),
                _ if begun => content.storage.fingerprint(file).ok().flatten(),
                _ => None,
            };
            files[file] = fingerprint.map(|fingerprint| FileRecord { fingerprint, complete, changed: false });
        }
        ResumeRecord { have: have.to_bytes(), files, clean, boot: boot_id(), saved_at: now(), ..Self::default() }
    }

    /// The files that were written so shortly ago that they may not be on the disk yet.
    pub(crate) fn recently_written(content: &Content) -> Vec<usize> {
        let since = now() - nanos(SETTLED_AFTER);
        let recent =
            |file: &usize| matches!(content.storage.fingerprint(*file), Ok(Some(print)) if print.mtime >= since);
        content.stored_files().filter(recent).collect()
    }

    /// Whether the file was on the disk when this was saved.
    fn settled(&self, file: &FileRecord) -> bool {
        file.fingerprint.mtime + nanos(SETTLED_AFTER) < self.saved_at
    }

    /// Whether a file that was complete is not what it was because somebody changed it or took it away. After a loss of
    /// power a file that was written shortly before is not what it was either, and that was nobody.
    pub(crate) fn somebody_changed(&self, file: usize, now: Option<&Fingerprint>) -> bool {
        let Some(Some(then)) = self.files.get(file) else { return false };
        let lasting = self.clean || self.boot == boot_id() || self.settled(then);
        let print = |print: &Fingerprint| (print.size, print.mtime);
        then.changed || (then.complete && lasting && now.map(print) != Some(print(&then.fingerprint)))
    }

    /// Notes a file that was complete until somebody changed it: it is not trusted later either.
    pub(crate) fn note_changed(&mut self, file: usize) {
        if let Some(record) = self.files.get_mut(file) {
            let nothing = Fingerprint { size: 0, mtime: 0, inode: 0 };
            let fingerprint = record.map_or(nothing, |record| record.fingerprint);
            *record = Some(FileRecord { fingerprint, complete: true, changed: true });
        }
    }

    /// Whether a file is as it was when the bits were saved, so that they may be believed.
    pub(crate) fn trusts(&self, file: usize, now: Option<&Fingerprint>) -> bool {
        let Some(Some(then)) = self.files.get(file) else { return false };
        let Some(now) = now.filter(|_| !then.changed) else { return false };
        let same = then.fingerprint.size == now.size && then.fingerprint.mtime == now.mtime;
        if self.clean || (self.boot == boot_id() && then.complete) || (then.complete && self.settled(then)) {
            return same;
        }
        let window = then.fingerprint.mtime..=self.saved_at.max(then.fingerprint.mtime) + nanos(DIRTY_WINDOW);
        self.boot == boot_id() && now.size >= then.fingerprint.size && window.contains(&now.mtime)
    }
}

/// The records in the store. While the store cannot write, the engine goes on in memory and says so.
pub(crate) struct Records {
    store: Arc<dyn Store>,
    events: EventSink,
    /// Why the last write failed, while it is so.
    trouble: Mutex<Option<Trouble>>,
}

impl Records {
    pub(crate) fn new(store: Arc<dyn Store>, events: EventSink) -> Self {
        Records { store, events, trouble: Mutex::default() }
    }

    /// Every torrent that can be read.
    pub(crate) fn load(&self) -> Vec<(InfoHash, TorrentRecord, Option<ResumeRecord>)> {
        let mut all = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = match self.store.scan(TORRENTS, b"", after.as_deref(), SCAN) {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(%error, "the list of torrents cannot be read");
                    return all;
                }
            };
            let Some((last, _)) = page.last() else { return all };
            after = Some(last.clone());
            for (key, value) in &page {
                let Some(id) = InfoHash::from_slice(key) else { continue };
                let Some(torrent) = decode::<TorrentRecord>(value) else {
                    tracing::error!(%id, "the record of a torrent cannot be read; add it again");
                    continue;
                };
                let resume = self.store.get(RESUME, key).ok().flatten();
                all.push((id, torrent, resume.as_deref().and_then(decode)));
            }
        }
    }

    /// Saves a torrent record; `false` if that failed.
    pub(crate) fn save_torrent(&self, id: InfoHash, record: &TorrentRecord) -> bool {
        self.commit(Batch::new().put(TORRENTS, id.as_bytes().to_vec(), encode(record)))
    }

    /// Saves a resume record; `false` if that failed. Gives its size too, by which the pauses between saves are chosen.
    pub(crate) fn save_resume(&self, id: InfoHash, record: &ResumeRecord) -> (bool, usize) {
        let value = encode(record);
        let size = value.len();
        (self.commit(Batch::new().put(RESUME, id.as_bytes().to_vec(), value)), size)
    }

    pub(crate) fn remove(&self, id: InfoHash) {
        let key = id.as_bytes().to_vec();
        self.commit(Batch::new().delete(TORRENTS, key.clone()).delete(RESUME, key));
    }

    /// Why nothing can be saved at the moment.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        match self.store.health() {
            StoreHealth::ReadOnly { because, mend } => Some(not_saved(&because, mend)),
            _ => self.trouble.lock().clone(),
        }
    }

    fn commit(&self, batch: Batch) -> bool {
        let result = self.store.commit(batch, Durability::Buffer);
        let trouble = result.err().map(|error| match self.store.health() {
            StoreHealth::ReadOnly { because, mend } => not_saved(&because, mend),
            _ => not_saved(&error.to_string(), "check the disk of the data folder".to_owned()),
        });
        let saved = trouble.is_none();
        let before = std::mem::replace(&mut *self.trouble.lock(), trouble.clone());
        if before != trouble {
            self.events.emit(&ContentEvent::Warning { info_hash: None, trouble });
        }
        saved
    }
}

fn not_saved(because: &str, mend: String) -> Trouble {
    Trouble {
        kind: TroubleKind::ResumeNotSaved,
        message: format!("progress cannot be saved, transfers go on without: {because}"),
        mend,
    }
}

fn encode<T: Stored>(record: &T) -> Vec<u8> {
    // Into a vector with a type of our own: it cannot fail, and an empty value would be read as no record.
    postcard::to_extend(record, vec![T::VERSION]).unwrap_or_default()
}

fn decode<T: Stored>(value: &[u8]) -> Option<T> {
    let (version, rest) = value.split_first()?;
    if *version != T::VERSION {
        return T::of_older(*version, rest);
    }
    postcard::from_bytes(rest).ok()
}

/// Seconds since the Unix epoch.
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn now() -> i128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, nanos)
}

fn nanos(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

/// Which boot of the machine this is; empty where that cannot be told, which counts as the same one.
fn boot_id() -> String {
    static BOOT: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    BOOT.get_or_init(|| std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default()).clone()
}

#[cfg(test)]
mod tests {
    use weft_store::MemoryStore;

    use super::*;

    fn print(size: u64, mtime: i128) -> Fingerprint {
        Fingerprint { size, mtime, inode: 1 }
    }

    fn record(complete: bool, clean: bool) -> ResumeRecord {
        let file = FileRecord { fingerprint: print(100, 1_000_000), complete, changed: false };
        ResumeRecord { files: vec![Some(file)], clean, boot: boot_id(), saved_at: 2_000_000, ..Default::default() }
    }

    #[test]
    fn only_what_the_engine_can_have_written_is_trusted() {
        let (same, grown) = (print(100, 1_000_000), print(200, 1_500_000));
        for complete in [true, false] {
            for clean in [true, false] {
                let record = record(complete, clean);
                assert!(record.trusts(0, Some(&same)));
                assert!(!record.trusts(0, None), "the file is gone");
                assert!(!record.trusts(1, Some(&same)), "nothing is known of it");
                assert!(!record.trusts(0, Some(&print(99, 1_000_000))), "cut off");
                assert_eq!(record.trusts(0, Some(&grown)), !complete && !clean);
                let late = print(200, 2_000_001 + nanos(DIRTY_WINDOW));
                assert!(!record.trusts(0, Some(&late)), "written when the engine was dead");
            }
        }
    }

    #[test]
    fn after_a_power_cut_fresh_data_is_not_trusted() {
        let mut record = record(false, false);
        record.boot = "another".into();
        assert!(!record.trusts(0, Some(&print(100, 1_000_000))));
        record.files[0].as_mut().unwrap().complete = true;
        assert!(!record.trusts(0, Some(&print(100, 1_000_000))), "written just before");
        record.saved_at = 1_000_001 + nanos(SETTLED_AFTER);
        assert!(record.trusts(0, Some(&print(100, 1_000_000))), "long on the disk");
        record.saved_at = 2_000_000;
        record.clean = true;
        assert!(record.trusts(0, Some(&print(100, 1_000_000))));
    }

    #[test]
    fn records_come_back() {
        let records = Records::new(Arc::new(MemoryStore::default()), weft_events::Feed::new().sink());
        let id = InfoHash([7; 20]);
        let torrent = TorrentRecord { dir: "/data".into(), paused: true, ..Default::default() };
        let resume = record(true, false);
        records.save_torrent(id, &torrent);
        assert!(records.save_resume(id, &resume).0);
        assert_eq!(records.load(), [(id, torrent, Some(resume))]);
        records.remove(id);
        assert!(records.load().is_empty());
    }

    #[test]
    fn a_record_of_the_first_layout_is_read() {
        // As the first version wrote it, byte by byte: it stands here so that a change of the old type is noticed.
        let mut bytes = vec![1, 0, 1, 1, b'n', 5];
        bytes.extend_from_slice(b"/data");
        bytes.extend_from_slice(&[1, 2, 1, 0, 0, 1, 1, 0xe8, 7, 0, 77, 0, 1, 1, b't', 0, 1, 2, b'p', b'q', 0, 0]);
        let read: TorrentRecord = decode(&bytes).expect("it is read");
        let expected = TorrentRecord {
            name: Some("n".into()),
            dir: "/data".into(),
            priorities: Some(vec![FilePriority::Normal, FilePriority::Skip]),
            paused: true,
            limits: RateLimits { download: Some(1000), upload: None },
            added_at: 77,
            trackers: vec!["t".into()],
            user_peers: vec!["pq".into()],
            ..TorrentRecord::default()
        };
        assert_eq!(read, expected);
        let again: TorrentRecord = decode(&encode(&read)).expect("the new layout");
        assert_eq!(again, expected);
        bytes[0] = 9;
        assert_eq!(decode::<TorrentRecord>(&bytes), None, "a layout of the future");
    }
}
