//! One torrent's files.

use std::io::{IoSlice, IoSliceMut};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;
use rustix::fs::{FallocateFlags, Mode, OFlags, SeekFrom, Stat};
use rustix::io::{Errno, ReadWriteFlags};
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use smallvec::SmallVec;
use weft_bittorrent::block::BlockBuf;
use weft_bittorrent::layout::{Layout, Span};
use weft_bittorrent::metainfo::{FileEntry, FileKind, Info};
use weft_bittorrent::wire::BlockRef;

use super::beneath::{self, Access};
use super::cache::{FileCache, OpenFile, Slot};
use super::error::{Action, StorageError};
use crate::config::Allocation;

/// 1,024 slices a call: what Linux takes (`IOV_MAX`); a piece has more blocks than that from 16 MiB on.
const MAX_SLICES: usize = 1024;

/// 64 files are handed to the disk one by one; for more its whole file system is.
const MAX_SYNCS: usize = 64;

/// The place of the parts file in the cache of open files.
const PARTS: u32 = u32::MAX;

/// What tells whether a file was written to by somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    pub(crate) size: u64,
    /// Nanoseconds since the Unix epoch.
    pub(crate) mtime: i128,
    pub(crate) inode: u64,
}

impl Fingerprint {
    fn of(stat: &Stat) -> Self {
        let mtime = i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec);
        Fingerprint { size: u64::try_from(stat.st_size).unwrap_or(0), mtime, inode: stat.st_ino }
    }

    pub(crate) fn of_metadata(metadata: &std::fs::Metadata) -> Self {
        let mtime = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        Fingerprint { size: metadata.len(), mtime, inode: metadata.ino() }
    }

    /// Whether content is the same. The inode is not asked: a file restored with its time is the same file.
    fn same_content(&self, other: &Fingerprint) -> bool {
        self.size == other.size && self.mtime == other.mtime
    }
}

/// Whether a read may wait for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Only what is in the page cache: for the network's threads.
    No,
    /// As long as it takes.
    Yes,
}

/// Why blocks could not be read.
#[derive(Debug)]
pub(crate) enum ReadFailure {
    /// Not in the page cache, or that cannot be told on this file system: ask with [`Wait::Yes`].
    WouldBlock,
    /// Somebody wrote to this file since its pieces were verified.
    Changed { file: usize },
    /// It cannot be read.
    Storage { file: usize, error: StorageError },
}

/// Where a file's bytes are kept, and what is known of them.
#[derive(Debug, Clone, Default)]
struct FileState {
    /// In its own place. Otherwise (not wanted) what pieces it shares with its neighbours is in the parts file.
    placed: bool,
    /// As it was when all its pieces were verified.
    sealed: Option<Fingerprint>,
    /// Room was reserved ([`Allocation::Full`]).
    allocated: bool,
}

/// One torrent's files on disk.
#[derive(Debug)]
pub(crate) struct Storage {
    number: u64,
    cache: Arc<FileCache>,
    root: PathBuf,
    info: Info,
    layout: Layout,
    allocation: Allocation,
    files: RwLock<Vec<FileState>>,
}

impl Storage {
    /// The files of `info` under `root`. `selected` says which are wanted; nothing is touched yet.
    pub(crate) fn new(
        cache: Arc<FileCache>,
        root: PathBuf,
        info: Info,
        selected: &[bool],
        allocation: Allocation,
    ) -> Self {
        let placed = |i: usize| selected.get(i).copied().unwrap_or(true);
        let files = (0..info.files().len()).map(|i| FileState { placed: placed(i), ..FileState::default() }).collect();
        let layout = Layout::new(&info);
        let number = cache.register();
        let storage = Storage { number, cache, root, info, layout, allocation, files: RwLock::new(files) };
        for file in 0..storage.info.files().len() {
            // A file of an earlier selection stays where it is.
            if !placed(file) && matches!(storage.stat(file), Ok(Some(_))) {
                storage.set(file, |state| state.placed = true);
            }
        }
        storage
    }

    pub(crate) fn info(&self) -> &Info {
        &self.info
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Makes what has no bytes: empty files and links that are wanted.
    pub(crate) fn make_empty_files(&self, selected: &[bool]) -> Result<(), StorageError> {
        for (index, file) in self.info.files().iter().enumerate() {
            if !selected.get(index).copied().unwrap_or(true) || (!file.is_empty() && is_stored(file)) {
                continue;
            }
            match file.kind() {
                FileKind::Regular => drop(beneath::open(&self.root, &self.relative(index), Access::Write)?),
                FileKind::Symlink { target } => {
                    let up = "../".repeat(file.path().matches('/').count());
                    beneath::link(&self.root, &self.relative(index), &format!("{up}{target}"))?;
                }
                FileKind::Pad => {}
            }
        }
        Ok(())
    }

    /// Whether the file system has room for `bytes` more.
    pub(crate) fn check_room(&self, bytes: u64) -> Result<(), StorageError> {
        let folder = beneath::nearest_folder(&self.root)?;
        let stat = rustix::fs::fstatvfs(&folder).map_err(|e| StorageError::errno(&self.root, Action::Read, e))?;
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        if free >= bytes {
            return Ok(());
        }
        let source = std::io::Error::from(Errno::NOSPC);
        Err(StorageError::DiskFull { path: self.root.clone(), missing: Some(bytes - free), source })
    }

    /// Whether something can be written where file `file` belongs: opens it for writing.
    pub(crate) fn probe_write(&self, file: usize) -> Result<(), StorageError> {
        self.cache.forget(self.slot(file));
        self.open(file, Access::Write).map(drop)
    }

    /// Writes neighbouring blocks of a piece from offset `begin` of it on: one call a file for as many blocks as one
    /// call takes.
    pub(crate) fn write(&self, piece: u32, begin: u32, blocks: &[&BlockBuf]) -> Result<(), StorageError> {
        let mut cursor = BlockCursor { blocks, block: 0, within: 0 };
        let len = blocks.iter().map(|block| block.len() as u32).sum(); // of one piece, whose length is 32 bits
        for span in self.layout.spans(piece, begin, len) {
            if span.pad {
                cursor.skip(span.len as usize);
                continue;
            }
            let file = span.file as usize;
            let open = self.open(file, Access::Write)?;
            self.reserve(&open, file)?;
            let mut offset = self.position(&span);
            let mut left = span.len as usize;
            while left > 0 {
                let slices = cursor.slices(left);
                let n = rustix::io::pwritev(&open.file, &slices, offset)
                    .and_then(|n| if n == 0 { Err(Errno::IO) } else { Ok(n) });
                let n = match n {
                    Err(Errno::INTR) => continue,
                    other => other.map_err(|e| self.fail(file, Action::Write, e))?,
                };
                cursor.skip(n);
                offset += n as u64;
                left -= n;
            }
        }
        Ok(())
    }

    /// Reads `blocks` one after another into `out`, neighbours with one call, and makes sure afterwards that nobody
    /// wrote to their files since they were verified. Gives the number of bytes.
    pub(crate) fn read_blocks(&self, blocks: &[BlockRef], out: &mut [u8], wait: Wait) -> Result<usize, ReadFailure> {
        let mut filled = 0;
        let mut i = 0;
        while let Some(first) = blocks.get(i) {
            let mut len = first.len;
            i += 1;
            while let Some(next) = blocks.get(i).filter(|b| b.piece == first.piece && b.begin == first.begin + len) {
                len += next.len;
                i += 1;
            }
            let to = filled + len as usize;
            self.read_run(first.piece, first.begin, &mut out[filled..to], wait)?;
            filled = to;
        }
        Ok(filled)
    }

    /// Reads a block of a piece that is not verified yet. Gives its length.
    pub(crate) fn read_unverified(&self, piece: u32, begin: u32, out: &mut [u8]) -> Result<usize, StorageError> {
        let len = self.info.piece_len(piece).saturating_sub(begin).min(u32::try_from(out.len()).unwrap_or(0)) as usize;
        let mut filled = 0;
        for span in self.layout.spans(piece, begin, len as u32) {
            let room = &mut out[filled..filled + span.len as usize];
            filled += span.len as usize;
            if span.pad {
                room.fill(0);
                continue;
            }
            let open = self.open(span.file as usize, Access::Read)?;
            open.file
                .read_exact_at(room, self.position(&span))
                .map_err(|e| StorageError::new(&self.path(span.file as usize), Action::Read, e))?;
        }
        Ok(filled)
    }

    fn read_run(&self, piece: u32, begin: u32, out: &mut [u8], wait: Wait) -> Result<(), ReadFailure> {
        let mut filled = 0;
        for span in self.layout.spans(piece, begin, out.len() as u32) {
            let room = &mut out[filled..filled + span.len as usize];
            filled += span.len as usize;
            if span.pad {
                room.fill(0);
                continue;
            }
            let file = span.file as usize;
            let failed = |error| ReadFailure::Storage { file, error };
            let open = self.open(file, Access::Read).map_err(failed)?;
            self.read_span(&open, &span, room, wait)?;
            // After the read: a write that came before or during it has set the time by now.
            if let Some(sealed) = self.get(file, |state| state.sealed) {
                let stat = rustix::fs::fstat(&open.file).map_err(|e| failed(self.fail(file, Action::Read, e)))?;
                if !sealed.same_content(&Fingerprint::of(&stat)) {
                    self.cache.forget(self.slot(file));
                    return Err(ReadFailure::Changed { file });
                }
            }
        }
        Ok(())
    }

    fn read_span(&self, open: &OpenFile, span: &Span, room: &mut [u8], wait: Wait) -> Result<(), ReadFailure> {
        let flags = match wait {
            Wait::No => ReadWriteFlags::NOWAIT,
            Wait::Yes => ReadWriteFlags::empty(),
        };
        let mut offset = self.position(span);
        let mut rest = room;
        while !rest.is_empty() {
            match rustix::io::preadv2(&open.file, &mut [IoSliceMut::new(rest)], offset, flags) {
                Ok(0) => return Err(ReadFailure::Changed { file: span.file as usize }),
                Ok(n) => {
                    offset += n as u64;
                    rest = &mut rest[n..];
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) if wait == Wait::No => {
                    return Err(ReadFailure::WouldBlock);
                }
                Err(e) => {
                    let file = span.file as usize;
                    return Err(ReadFailure::Storage { file, error: self.fail(file, Action::Read, e) });
                }
            }
        }
        Ok(())
    }

    /// The SHA-1 of what is on disk of a piece; `None` if some of it is not there.
    pub(crate) fn hash_piece(&self, piece: u32, buffer: &mut [u8]) -> Result<Option<[u8; 20]>, StorageError> {
        let mut hash = Sha1::new();
        for span in self.piece_spans(piece) {
            let file = span.file as usize;
            let open = match span.pad {
                true => None,
                false => match self.open(file, Access::Read) {
                    Ok(open) => Some(open),
                    Err(StorageError::Missing { .. }) => return Ok(None),
                    Err(error) => return Err(error),
                },
            };
            let len = span.len as usize;
            let mut done = 0;
            while done < len {
                let n = (len - done).min(buffer.len());
                let chunk = &mut buffer[..n];
                match &open {
                    None => chunk.fill(0),
                    Some(open) => match open.file.read_exact_at(chunk, self.position(&span) + done as u64) {
                        Ok(()) => {}
                        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
                        Err(e) => return Err(StorageError::new(&self.path(file), Action::Read, e)),
                    },
                }
                hash.update(&*chunk);
                done += n;
            }
        }
        Ok(Some(hash.finalize().into()))
    }

    /// Whether any byte of a piece was ever written: `false` only if the file system says that all of it is a hole or
    /// beyond the end of its file.
    pub(crate) fn may_have_data(&self, piece: u32) -> bool {
        self.piece_spans(piece).filter(|span| !span.pad).any(|span| {
            let Ok(open) = self.open(span.file as usize, Access::Read) else { return false };
            let start = self.position(&span);
            match rustix::fs::seek(&open.file, SeekFrom::Data(start)) {
                Ok(data) => data < start + u64::from(span.len),
                Err(Errno::NXIO) => false,
                Err(_) => true,
            }
        })
    }

    /// The stored files that hold bytes of a piece.
    pub(crate) fn files_of(&self, piece: u32) -> impl Iterator<Item = usize> + '_ {
        self.piece_spans(piece).filter(|span| !span.pad).map(|span| span.file as usize)
    }

    /// Whether a file is in its own place rather than in the parts file.
    pub(crate) fn is_placed(&self, file: usize) -> bool {
        self.get(file, |state| state.placed)
    }

    /// What is at a file's own place now; `None` if nothing is.
    pub(crate) fn fingerprint(&self, file: usize) -> Result<Option<Fingerprint>, StorageError> {
        Ok(self.stat(file)?.as_ref().map(Fingerprint::of))
    }

    /// Notes a file as it is now: all its pieces are verified, and whoever writes to it from here on changes it.
    pub(crate) fn seal(&self, file: usize) -> Result<(), StorageError> {
        // By its name, so that the open file is not an older one that was replaced.
        self.cache.forget(self.slot(file));
        let now = self.fingerprint(file)?;
        self.set(file, |state| state.sealed = now);
        Ok(())
    }

    /// Notes how a file was when its pieces were verified.
    pub(crate) fn seal_as(&self, file: usize, print: Option<Fingerprint>) {
        self.cache.forget(self.slot(file));
        self.set(file, |state| state.sealed = print);
    }

    /// Whether a sealed file is still as it was.
    pub(crate) fn is_unchanged(&self, file: usize) -> Result<bool, StorageError> {
        let Some(sealed) = self.get(file, |state| state.sealed) else { return Ok(true) };
        Ok(self.fingerprint(file)?.is_some_and(|now| sealed.same_content(&now)))
    }

    /// The fingerprint a file was sealed with.
    pub(crate) fn sealed(&self, file: usize) -> Option<Fingerprint> {
        self.get(file, |state| state.sealed)
    }

    /// Brings a file that was not wanted to its own place, with the bytes its neighbours' pieces brought.
    pub(crate) fn place(&self, file: usize, is_verified: impl Fn(u32) -> bool) -> Result<(), StorageError> {
        if self.get(file, |state| state.placed) {
            return Ok(());
        }
        let Some(entry) = self.info.files().get(file).filter(|f| is_stored(f) && !f.is_empty()) else {
            self.set(file, |state| state.placed = true);
            return Ok(());
        };
        for piece in self.layout.file_pieces(file).filter(|piece| is_verified(*piece)) {
            let Some(span) = self.piece_spans(piece).find(|span| span.file as usize == file) else { continue };
            let from = self.open(file, Access::Read)?;
            let to = beneath::open(&self.root, &self.relative(file), Access::Write)?;
            let mut bytes = vec![0; span.len as usize];
            from.file
                .read_exact_at(&mut bytes, entry.offset() + span.offset)
                .map_err(|e| StorageError::new(&self.parts_path(), Action::Read, e))?;
            to.write_all_at(&bytes, span.offset).map_err(|e| StorageError::new(&self.path(file), Action::Write, e))?;
        }
        self.set(file, |state| state.placed = true);
        Ok(())
    }

    /// Deletes the parts file: every file is in its own place.
    pub(crate) fn drop_parts(&self) {
        if self.files.read().iter().all(|state| state.placed) {
            self.cache.forget(Slot { storage: self.number, file: PARTS });
            let _ = beneath::remove(&self.root, &self.parts_name());
        }
    }

    /// Deletes the torrent's files, its parts file, and the folders that are empty then.
    pub(crate) fn delete(&self) -> Result<(), StorageError> {
        self.close();
        let mut first_error = None;
        for (index, _) in self.info.files().iter().enumerate().filter(|(_, file)| !file.is_pad()) {
            if let Err(error) = beneath::remove(&self.root, &self.relative(index)) {
                first_error.get_or_insert(error);
            }
        }
        let _ = beneath::remove(&self.root, &self.parts_name());
        first_error.map_or(Ok(()), Err)
    }

    /// Waits until what was written is on the disk.
    pub(crate) fn sync(&self, files: &[usize]) -> Result<(), StorageError> {
        if files.len() > MAX_SYNCS {
            let folder = beneath::nearest_folder(&self.root)?;
            let folder = rustix::fs::openat(&folder, ".", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
            let synced = folder.and_then(|folder| rustix::fs::syncfs(&folder));
            return synced.map_err(|e| StorageError::errno(&self.root, Action::Write, e));
        }
        for file in files {
            let open = self.open(*file, Access::Read)?;
            rustix::fs::fdatasync(&open.file).map_err(|e| self.fail(*file, Action::Write, e))?;
        }
        Ok(())
    }

    /// Closes every open file.
    pub(crate) fn close(&self) {
        self.cache.close(self.number);
    }

    /// Where a file belongs, for people.
    pub(crate) fn path(&self, file: usize) -> PathBuf {
        self.root.join(self.relative(file))
    }

    fn relative(&self, file: usize) -> String {
        let path = self.info.files().get(file).map_or("", |file| file.path());
        if self.info.is_folder() { format!("{}/{path}", self.info.name()) } else { self.info.name().to_owned() }
    }

    fn parts_name(&self) -> String {
        format!(".{}.parts", self.info.info_hash())
    }

    fn parts_path(&self) -> PathBuf {
        self.root.join(self.parts_name())
    }

    fn open(&self, file: usize, access: Access) -> Result<Arc<OpenFile>, StorageError> {
        let placed = self.get(file, |state| state.placed);
        let slot = if placed { self.slot(file) } else { Slot { storage: self.number, file: PARTS } };
        self.cache.get(slot, access == Access::Write, || {
            let name = if placed { self.relative(file) } else { self.parts_name() };
            beneath::open(&self.root, &name, access)
        })
    }

    /// Where a span is in the file that keeps it. In the parts file every byte is where it is in the torrent: the file
    /// is sparse and needs no index.
    fn position(&self, span: &Span) -> u64 {
        let base = self.info.files().get(span.file as usize).map_or(0, |file| file.offset());
        if self.get(span.file as usize, |state| state.placed) { span.offset } else { base + span.offset }
    }

    fn reserve(&self, open: &OpenFile, file: usize) -> Result<(), StorageError> {
        if self.allocation == Allocation::Sparse || self.get(file, |state| state.allocated || !state.placed) {
            return Ok(());
        }
        let len = self.info.files().get(file).map_or(0, |file| file.len());
        match rustix::fs::fallocate(&open.file, FallocateFlags::empty(), 0, len) {
            // A file system without reservation: as good as sparse.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
            Err(error) => return Err(self.fail(file, Action::Write, error)),
        }
        self.set(file, |state| state.allocated = true);
        Ok(())
    }

    fn piece_spans(&self, piece: u32) -> impl Iterator<Item = Span> + '_ {
        self.layout.spans(piece, 0, self.info.piece_length())
    }

    fn stat(&self, file: usize) -> Result<Option<Stat>, StorageError> {
        beneath::stat(&self.root, &self.relative(file))
    }

    fn slot(&self, file: usize) -> Slot {
        Slot { storage: self.number, file: u32::try_from(file).unwrap_or(PARTS) }
    }

    fn fail(&self, file: usize, action: Action, error: Errno) -> StorageError {
        StorageError::errno(&self.path(file), action, error)
    }

    fn get<R: Default>(&self, file: usize, read: impl FnOnce(&FileState) -> R) -> R {
        self.files.read().get(file).map(read).unwrap_or_default()
    }

    fn set(&self, file: usize, write: impl FnOnce(&mut FileState)) {
        if let Some(state) = self.files.write().get_mut(file) {
            write(state);
        }
    }
}

/// Whether bytes of this entry are kept on disk.
pub(crate) fn is_stored(file: &FileEntry) -> bool {
    *file.kind() == FileKind::Regular
}

impl Drop for Storage {
    fn drop(&mut self) {
        self.close();
    }
}

/// A place in a piece's list of blocks.
struct BlockCursor<'a> {
    blocks: &'a [&'a BlockBuf],
    block: usize,
    within: usize,
}

impl<'a> BlockCursor<'a> {
    /// The next `len` bytes as slices, or as many as one call takes.
    fn slices(&self, len: usize) -> SmallVec<[IoSlice<'a>; 64]> {
        let mut slices = SmallVec::new();
        let mut left = len;
        let mut from = self.within;
        for block in self.blocks.iter().skip(self.block).take(MAX_SLICES) {
            let bytes = block.as_slice().get(from..).unwrap_or_default();
            let n = bytes.len().min(left);
            slices.push(IoSlice::new(&bytes[..n]));
            left -= n;
            from = 0;
            if left == 0 {
                break;
            }
        }
        slices
    }

    fn skip(&mut self, mut len: usize) {
        while let Some(block) = self.blocks.get(self.block).filter(|_| len > 0) {
            let n = (block.len() - self.within).min(len);
            len -= n;
            self.within += n;
            if self.within == block.len() {
                self.block += 1;
                self.within = 0;
            }
        }
    }
}
