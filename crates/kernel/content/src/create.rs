//! Torrents made from files: a bounded walk, then hashing on all cores.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use tokio_util::sync::CancellationToken;
use weft_bittorrent::create::{Builder, Plan};
use weft_bittorrent::metainfo::{MAX_FILES, MAX_PATH_DEPTH, Metainfo};

use crate::config::CreateOptions;
use crate::error::CreateError;
use crate::storage::{Fingerprint, ReadOnlyFile, StorageError};

/// 1 MiB read at a time: fits the second-level cache beside its hash, and amortises the call.
const CHUNK: usize = 1 << 20;

/// Progress is told at most every 50 ms: a bar is no smoother for more.
const PROGRESS_EVERY: Duration = Duration::from_millis(50);

/// How far hashing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CreateProgress {
    /// Bytes hashed.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
    /// Files in all.
    pub files: usize,
}

/// Called with progress, from the hashing threads.
pub type ProgressFn = Arc<dyn Fn(CreateProgress) + Send + Sync>;

/// Watches and cancels the making of a torrent.
#[derive(Clone, Default)]
pub struct CreateControl {
    /// Told how far it is.
    pub progress: Option<ProgressFn>,
    /// Cancels it.
    pub cancel: CancellationToken,
}

/// Something in a folder that did not become part of the torrent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Skipped {
    /// Its path.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub path: PathBuf,
    /// Why it was left out.
    pub why: SkipReason,
}

/// Why something was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub enum SkipReason {
    /// Symbolic links are not followed.
    Symlink,
    /// A device, a socket or a FIFO.
    Special,
}

/// A torrent that was made, with where its content lies.
#[derive(Debug)]
pub(crate) struct Created {
    pub(crate) metainfo: Metainfo,
    /// The folder that holds the file or folder.
    pub(crate) root: PathBuf,
    pub(crate) skipped: Vec<Skipped>,
    /// How each file was when it was hashed.
    pub(crate) prints: Vec<Option<Fingerprint>>,
    pub(crate) took: Duration,
}

/// Makes a torrent of `path`. Blocks; uses `threads` threads.
pub(crate) fn create(
    path: &Path,
    options: &CreateOptions,
    control: &CreateControl,
    threads: usize,
) -> Result<Created, CreateError> {
    let started = Instant::now();
    // The one place where links are followed: the path the user named.
    let path = path.canonicalize().map_err(|source| CreateError::Read { path: path.to_owned(), source })?;
    let walked = walk(&path, control)?;
    let name = path.file_name().ok_or_else(|| CreateError::Empty(path.clone()))?;
    let name = name.to_str().ok_or_else(|| CreateError::Name(path.clone()))?.to_owned();
    let root = path.parent().unwrap_or(Path::new("/")).to_owned();
    let entries = walked.files.iter().map(|file| (file.relative.clone(), file.len()));
    let mut builder = if walked.folder {
        Builder::folder(name.as_str(), entries)
    } else {
        Builder::file(name.as_str(), walked.files.first().map_or(0, Walked::len))
    };
    builder = builder.private(options.private).trackers(options.trackers.clone());
    if let Some(length) = options.piece_length {
        builder = builder.piece_length(length);
    }
    if let Some(comment) = &options.comment {
        builder = builder.comment(comment.as_str());
    }
    let plan = builder.created_by(concat!("Weft ", env!("CARGO_PKG_VERSION"))).plan().map_err(|error| match error {
        weft_bittorrent::create::CreateError::Empty => CreateError::Empty(path.clone()),
        other => CreateError::Options(Box::new(other)),
    })?;
    let hashes = Hasher::new(&plan, &root, &name, &walked, control).run(threads)?;
    for file in &walked.files {
        let now = std::fs::symlink_metadata(&file.path);
        let same = now.is_ok_and(|now| now.len() == file.len() && now.modified().ok() == file.metadata.modified().ok());
        if !same {
            return Err(CreateError::Changed(file.path.clone()));
        }
    }
    let metainfo = plan.finish(&hashes).map_err(|error| CreateError::Options(Box::new(error)))?;
    let prints = walked.files.iter().map(|file| Some(Fingerprint::of_metadata(&file.metadata))).collect();
    Ok(Created { metainfo, root, skipped: walked.skipped, prints, took: started.elapsed() })
}

struct Walked {
    path: PathBuf,
    /// Components joined by `/`, below the folder.
    relative: String,
    metadata: Metadata,
}

impl Walked {
    fn len(&self) -> u64 {
        self.metadata.len()
    }
}

struct Walk {
    folder: bool,
    files: Vec<Walked>,
    skipped: Vec<Skipped>,
}

fn walk(path: &Path, control: &CreateControl) -> Result<Walk, CreateError> {
    let read = |path: &Path, source| CreateError::Read { path: path.to_owned(), source };
    let metadata = std::fs::symlink_metadata(path).map_err(|e| read(path, e))?;
    let mut walk = Walk { folder: metadata.is_dir(), files: Vec::new(), skipped: Vec::new() };
    if !walk.folder {
        if !metadata.is_file() {
            return Err(CreateError::Empty(path.to_owned()));
        }
        walk.files.push(Walked { path: path.to_owned(), relative: String::new(), metadata });
        return Ok(walk);
    }
    let mut folders = vec![(path.to_owned(), String::new(), 1)];
    while let Some((folder, prefix, depth)) = folders.pop() {
        if control.cancel.is_cancelled() {
            return Err(CreateError::Cancelled);
        }
        if depth > MAX_PATH_DEPTH {
            let what = format!("folders nested more than {MAX_PATH_DEPTH} deep");
            return Err(CreateError::TooLarge { path: path.to_owned(), what });
        }
        for entry in std::fs::read_dir(&folder).map_err(|e| read(&folder, e))? {
            let entry = entry.map_err(|e| read(&folder, e))?;
            let path_here = entry.path();
            let metadata = entry.metadata().map_err(|e| read(&path_here, e))?; // does not follow links
            let kind = metadata.file_type();
            if kind.is_symlink() || !(kind.is_dir() || kind.is_file()) {
                let why = if kind.is_symlink() { SkipReason::Symlink } else { SkipReason::Special };
                walk.skipped.push(Skipped { path: path_here, why });
            } else {
                let name = entry.file_name().into_string().map_err(|_| CreateError::Name(path_here.clone()))?;
                let relative = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
                if kind.is_dir() {
                    folders.push((path_here, relative, depth + 1));
                } else {
                    walk.files.push(Walked { path: path_here, relative, metadata });
                }
            }
            if walk.files.len() + walk.skipped.len() + folders.len() > MAX_FILES {
                let what = format!("more than {MAX_FILES} entries");
                return Err(CreateError::TooLarge { path: path.to_owned(), what });
            }
        }
    }
    // Sorted, so that the same folder is the same torrent everywhere.
    walk.files.sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
    walk.skipped.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(walk)
}

/// Hashes pieces on several threads, each taking the next piece that nobody has taken.
struct Hasher<'a> {
    plan: &'a Plan,
    root: &'a Path,
    name: &'a str,
    walked: &'a Walk,
    control: &'a CreateControl,
    next: AtomicU32,
    done: AtomicU64,
    stop: AtomicBool,
    told: Mutex<Instant>,
    hashes: Mutex<Vec<[u8; 20]>>,
}

impl<'a> Hasher<'a> {
    fn new(plan: &'a Plan, root: &'a Path, name: &'a str, walked: &'a Walk, control: &'a CreateControl) -> Self {
        let hashes = vec![[0; 20]; plan.piece_count() as usize];
        Hasher {
            plan,
            root,
            name,
            walked,
            control,
            next: AtomicU32::new(0),
            done: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            told: Mutex::new(Instant::now()),
            hashes: Mutex::new(hashes),
        }
    }

    fn run(self, threads: usize) -> Result<Vec<[u8; 20]>, CreateError> {
        let threads = threads.clamp(1, self.plan.piece_count().max(1) as usize);
        let result = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| self.work())).collect();
            // All are waited for, also after an error. One that panicked is a bug; it must not pass for hashed.
            let results: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
            results.into_iter().try_for_each(|result| result.unwrap_or(Err(CreateError::Cancelled)))
        });
        result?;
        self.tell(true);
        Ok(self.hashes.into_inner())
    }

    fn work(&self) -> Result<(), CreateError> {
        let mut buffer = vec![0; CHUNK];
        let mut open: Option<(u32, ReadOnlyFile)> = None;
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            if self.control.cancel.is_cancelled() {
                self.stop.store(true, Ordering::Relaxed);
                return Err(CreateError::Cancelled);
            }
            let piece = self.next.fetch_add(1, Ordering::Relaxed);
            if piece >= self.plan.piece_count() {
                return Ok(());
            }
            match self.hash(piece, &mut buffer, &mut open) {
                Ok(hash) => self.hashes.lock()[piece as usize] = hash,
                Err(error) => {
                    self.stop.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
            self.tell(false);
        }
    }

    fn hash(
        &self,
        piece: u32,
        buffer: &mut [u8],
        open: &mut Option<(u32, ReadOnlyFile)>,
    ) -> Result<[u8; 20], CreateError> {
        let mut hash = Sha1::new();
        for span in self.plan.spans(piece) {
            let Some(walked) = self.walked.files.get(span.file as usize) else { continue };
            let failed = |error: StorageError| CreateError::Read {
                path: walked.path.clone(),
                source: std::io::Error::other(error),
            };
            if open.as_ref().is_none_or(|(file, _)| *file != span.file) {
                let relative = match self.walked.folder {
                    true => format!("{}/{}", self.name, walked.relative),
                    false => self.name.to_owned(),
                };
                *open = Some((span.file, ReadOnlyFile::open(self.root, &relative).map_err(failed)?));
            }
            let Some((_, file)) = open else { continue };
            let mut done = 0;
            while done < span.len {
                let n = (span.len - done).min(CHUNK as u32);
                let chunk = &mut buffer[..n as usize];
                if !file.read_at(chunk, span.offset + u64::from(done)).map_err(failed)? {
                    return Err(CreateError::Changed(walked.path.clone()));
                }
                hash.update(&*chunk);
                done += n;
                self.done.fetch_add(n.into(), Ordering::Relaxed);
            }
        }
        Ok(hash.finalize().into())
    }

    fn tell(&self, last: bool) {
        let Some(progress) = &self.control.progress else { return };
        let now = Instant::now();
        {
            let mut told = self.told.lock();
            if !last && now.duration_since(*told) < PROGRESS_EVERY {
                return;
            }
            *told = now;
        }
        progress(CreateProgress {
            done: self.done.load(Ordering::Relaxed),
            total: self.plan.total_len(),
            files: self.walked.files.len(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(path: &Path, options: &CreateOptions) -> Result<Created, CreateError> {
        create(path, options, &CreateControl::default(), 2)
    }

    #[test]
    fn a_folder_is_the_same_torrent_everywhere() {
        let make_tree = |order: &[&str]| {
            let dir = tempfile::tempdir().unwrap();
            let top = dir.path().join("tree");
            for name in order {
                let path = top.join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, name.repeat(9_000)).unwrap();
            }
            std::os::unix::fs::symlink("/etc/passwd", top.join("link")).unwrap();
            let created = make(&top, &CreateOptions::default()).unwrap();
            (dir, created)
        };
        let (dir, a) = make_tree(&["b/x", "a", "b.txt", "c/d/e"]);
        let (_other, b) = make_tree(&["c/d/e", "b.txt", "b/x", "a"]);
        assert_eq!(a.metainfo.info, b.metainfo.info);
        let paths: Vec<_> = a.metainfo.info.files().iter().map(|f| f.path().to_owned()).collect();
        assert_eq!(paths, ["a", "b.txt", "b/x", "c/d/e"]);
        let link = dir.path().canonicalize().unwrap().join("tree/link");
        assert_eq!(a.skipped, [Skipped { path: link, why: SkipReason::Symlink }]);
        assert_eq!(a.root, dir.path().canonicalize().unwrap());
    }

    #[test]
    fn piece_hashes_are_those_of_the_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let bytes: Vec<u8> = (0..100_000u32).map(|i| (i * 7) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let options = CreateOptions { piece_length: Some(32768), ..CreateOptions::default() };
        let info = make(&path, &options).unwrap().metainfo.info;
        assert_eq!(info.piece_count(), 4);
        for (piece, chunk) in bytes.chunks(32768).enumerate() {
            assert_eq!(info.piece_hash(piece as u32), Some(Sha1::digest(chunk).into()));
        }
    }

    #[test]
    fn refusals_name_the_cause() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(make(&dir.path().join("none"), &CreateOptions::default()), Err(CreateError::Read { .. })));
        assert!(matches!(make(dir.path(), &CreateOptions::default()), Err(CreateError::Empty(_))));
        std::fs::write(dir.path().join("f"), b"x").unwrap();
        let control = CreateControl::default();
        control.cancel.cancel();
        let cancelled = create(dir.path(), &CreateOptions::default(), &control, 2);
        assert!(matches!(cancelled, Err(CreateError::Cancelled)));
        let odd = CreateOptions { piece_length: Some(1000), ..CreateOptions::default() };
        assert!(matches!(make(dir.path(), &odd), Err(CreateError::Options(_))));
    }
}
