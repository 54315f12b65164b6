//! Files that a page hands over to be shared: a browser gives bytes, not paths.
//!
//! They are gathered in a folder of their own beside what is shared (`.uploads` in the download folder, on the same file
//! system) and moved from there to their final place, under a name that is free, when all are there. What was not shared
//! when the node stopped is thrown away at the next start: the page that sent it is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use parking_lot::Mutex;
use rand::Rng as _;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use tokio::io::AsyncWriteExt as _;
use weft_bittorrent::metainfo::{MAX_PATH_DEPTH, MAX_PATH_LEN, PathRules, sanitise_component};

/// 16 uploads at once: the pages of one user.
pub(crate) const MAX_UPLOADS: usize = 16;

/// 100,000 files an upload: far more than a browser hands over in one go.
const MAX_FILES: usize = 100_000;

/// After an hour without a byte an upload makes place for another one: its page is gone.
const IDLE: Duration = Duration::from_secs(3600);

/// Where uploads are gathered, in the download folder.
const FOLDER: &str = ".uploads";

/// `name (2)`, `name (3)`, … up to 1,000 are tried before the user is asked for another name.
const MAX_TRIES: u32 = 1_000;

/// Why something handed over was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    #[error("there is no such upload; it may have been shared or thrown away")]
    NotFound,
    #[error("{MAX_UPLOADS} uploads are under way already")]
    TooMany,
    #[error("an upload holds at most {MAX_FILES} files")]
    TooManyFiles,
    #[error("`{0}` is no name for a file")]
    Name(String),
    #[error("`{0}` is a file and a folder at once")]
    Clash(String),
    #[error("files of this upload are still being written, or it is being shared")]
    Busy,
    #[error("the upload has no file yet")]
    Empty,
    #[error("every name like `{0}` is taken in the download folder")]
    NoFreeName(String),
    #[error("the client went away, or its connection broke")]
    Body(#[source] axum::Error),
    #[error("{path} cannot be written")]
    Disk {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// What was handed over and not shared yet. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub(crate) struct Uploads {
    /// The download folder.
    dir: PathBuf,
    table: Arc<Mutex<BTreeMap<String, Upload>>>,
}

struct Upload {
    name: String,
    /// What is there whole, by its path.
    files: BTreeSet<String>,
    /// Files being written.
    writing: usize,
    sharing: bool,
    touched: Instant,
}

impl Uploads {
    pub(crate) fn new(dir: &Path) -> Self {
        Uploads { dir: dir.to_owned(), table: Arc::default() }
    }

    /// Throws away what an earlier run left.
    pub(crate) async fn clear(&self) {
        self.table.lock().clear();
        let folder = self.dir.join(FOLDER);
        match tokio::fs::remove_dir_all(&folder).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, folder = %folder.display(), "old uploads cannot be thrown away");
            }
            _ => {}
        }
    }

    /// Begins an upload that will be shared under `name`; gives its id.
    pub(crate) async fn begin(&self, name: &str) -> Result<String, UploadError> {
        let name = component(name)?;
        let (id, old) = {
            let mut table = self.table.lock();
            let idle = |upload: &Upload| upload.writing == 0 && !upload.sharing && upload.touched.elapsed() >= IDLE;
            let old: Vec<String> = table.iter().filter(|(_, upload)| idle(upload)).map(|(id, _)| id.clone()).collect();
            old.iter().for_each(|id| drop(table.remove(id)));
            if table.len() >= MAX_UPLOADS {
                return Err(UploadError::TooMany);
            }
            let id = format!("{:016x}", rand::rng().random::<u64>());
            let (files, touched) = (BTreeSet::new(), Instant::now());
            table.insert(id.clone(), Upload { name, files, writing: 0, sharing: false, touched });
            (id, old)
        };
        for id in old {
            self.remove_folder(&id).await;
        }
        for folder in [self.content(&id), self.parts(&id)] {
            if let Err(source) = tokio::fs::create_dir_all(&folder).await {
                self.table.lock().remove(&id);
                return Err(UploadError::Disk { path: folder, source });
            }
        }
        Ok(id)
    }

    /// Takes a file's bytes as they come. A file that was there already under this path is replaced; of one that does not
    /// come to its end nothing is left.
    pub(crate) async fn put(
        &self,
        id: &str,
        path: &str,
        mut body: impl Stream<Item = Result<Bytes, axum::Error>> + Unpin,
    ) -> Result<(), UploadError> {
        let path = relative(path)?;
        let writing = Writing::begin(self, id, &path)?;
        let part = self.parts(id).join(format!("{:016x}", rand::rng().random::<u64>()));
        let part = Part(part);
        let disk = |source| UploadError::Disk { path: part.0.clone(), source };
        let mut file = tokio::fs::File::create_new(&part.0).await.map_err(disk)?;
        while let Some(bytes) = body.next().await {
            file.write_all(&bytes.map_err(UploadError::Body)?).await.map_err(disk)?;
        }
        file.flush().await.map_err(disk)?;
        drop(file);
        let target = self.content(id).join(&path);
        let clash = |source: io::Error| match source.kind() {
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists | io::ErrorKind::IsADirectory => {
                UploadError::Clash(path.clone())
            }
            _ => UploadError::Disk { path: target.clone(), source },
        };
        if let Some(folder) = target.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(clash)?;
        }
        tokio::fs::rename(&part.0, &target).await.map_err(clash)?;
        writing.done(&path);
        Ok(())
    }

    /// Moves an upload to its place in the download folder. What is given goes back when it is dropped, unless it was
    /// [kept](Placed::keep).
    pub(crate) async fn place(&self, id: &str) -> Result<Placed, UploadError> {
        let (name, single) = {
            let mut table = self.table.lock();
            let upload = table.get_mut(id).ok_or(UploadError::NotFound)?;
            if upload.writing > 0 || upload.sharing {
                return Err(UploadError::Busy);
            }
            if upload.files.is_empty() {
                return Err(UploadError::Empty);
            }
            upload.sharing = true;
            let single = upload.files.len() == 1 && upload.files.contains(&upload.name);
            (upload.name.clone(), single)
        };
        let from = if single { self.content(id).join(&name) } else { self.content(id) };
        let mut placed = Placed { uploads: self.clone(), id: id.to_owned(), from, to: None };
        let (dir, from) = (self.dir.clone(), placed.from.clone());
        let moved = tokio::task::spawn_blocking(move || move_to_free_name(&from, &dir, &name, single)).await;
        placed.to = Some(
            moved.map_err(|error| UploadError::Disk { path: self.dir.clone(), source: io::Error::other(error) })??,
        );
        Ok(placed)
    }

    /// Throws an upload away.
    pub(crate) async fn discard(&self, id: &str) -> Result<(), UploadError> {
        {
            let mut table = self.table.lock();
            let upload = table.get(id).ok_or(UploadError::NotFound)?;
            if upload.sharing {
                return Err(UploadError::Busy);
            }
            // Whoever still writes to it finds it gone.
            table.remove(id);
        }
        self.remove_folder(id).await;
        Ok(())
    }

    async fn remove_folder(&self, id: &str) {
        let folder = self.folder(id);
        if let Err(error) = tokio::fs::remove_dir_all(&folder).await {
            tracing::warn!(%error, folder = %folder.display(), "an upload cannot be thrown away whole");
        }
        // The last one takes the folder of all with it.
        let _ = tokio::fs::remove_dir(self.dir.join(FOLDER)).await;
    }

    fn folder(&self, id: &str) -> PathBuf {
        self.dir.join(FOLDER).join(id)
    }

    fn content(&self, id: &str) -> PathBuf {
        self.folder(id).join("content")
    }

    fn parts(&self, id: &str) -> PathBuf {
        self.folder(id).join("parts")
    }
}

/// A place among the files being written.
struct Writing<'a> {
    uploads: &'a Uploads,
    id: &'a str,
}

impl<'a> Writing<'a> {
    fn begin(uploads: &'a Uploads, id: &'a str, path: &str) -> Result<Self, UploadError> {
        let mut table = uploads.table.lock();
        let upload = table.get_mut(id).ok_or(UploadError::NotFound)?;
        if upload.sharing {
            return Err(UploadError::Busy);
        }
        if upload.files.len() + upload.writing >= MAX_FILES && !upload.files.contains(path) {
            return Err(UploadError::TooManyFiles);
        }
        upload.writing += 1;
        drop(table);
        Ok(Writing { uploads, id })
    }

    fn done(self, path: &str) {
        if let Some(upload) = self.uploads.table.lock().get_mut(self.id) {
            upload.files.insert(path.to_owned());
        }
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if let Some(upload) = self.uploads.table.lock().get_mut(self.id) {
            upload.writing -= 1;
            upload.touched = Instant::now();
        }
    }
}

/// A file that is not whole yet: gone with whoever writes it.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // Where it was moved to its place, or its upload was thrown away, nothing is there.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// An upload in its final place.
pub(crate) struct Placed {
    uploads: Uploads,
    id: String,
    from: PathBuf,
    to: Option<PathBuf>,
}

impl Placed {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.to.as_deref().unwrap_or(&self.from)
    }

    /// It is shared from there: the upload is over.
    pub(crate) async fn keep(mut self) {
        self.to = None;
        self.uploads.table.lock().remove(&self.id);
        self.uploads.remove_folder(&self.id).await;
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if let Some(to) = self.to.take()
            && let Err(error) = std::fs::rename(&to, &self.from)
        {
            tracing::warn!(%error, path = %to.display(), "what could not be shared stays there");
        }
        if let Some(upload) = self.uploads.table.lock().get_mut(&self.id) {
            upload.sharing = false;
            upload.touched = Instant::now();
        }
    }
}

/// Moves `from` into `dir` under `name`, or under `name (2)` and so on if that is taken. Nothing there is overwritten.
fn move_to_free_name(from: &Path, dir: &Path, name: &str, file: bool) -> Result<PathBuf, UploadError> {
    for number in 1..=MAX_TRIES {
        let Some(name) = numbered(name, number, file) else { break };
        let to = dir.join(name);
        match renameat_with(CWD, from, CWD, &to, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(to),
            Err(rustix::io::Errno::EXIST) => {}
            // A file system that cannot promise it: looking first is the next best.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if std::fs::symlink_metadata(&to).is_err() => {
                return std::fs::rename(from, &to)
                    .map(|()| to.clone())
                    .map_err(|source| UploadError::Disk { path: to, source });
            }
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {}
            Err(error) => return Err(UploadError::Disk { path: to, source: error.into() }),
        }
    }
    Err(UploadError::NoFreeName(name.to_owned()))
}

/// `name`, `name (2)`: before the extension of a file. `None` if it would be too long.
fn numbered(name: &str, number: u32, file: bool) -> Option<String> {
    if number == 1 {
        return Some(name.to_owned());
    }
    let split = if file { name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()) } else { None };
    let text = match split {
        Some((stem, extension)) => format!("{stem} ({number}).{extension}"),
        None => format!("{name} ({number})"),
    };
    component(&text).ok().filter(|same| *same == text)
}

/// A name as a torrent may have it.
fn component(name: &str) -> Result<String, UploadError> {
    let refused = || UploadError::Name(name.to_owned());
    let clean = sanitise_component(name.as_bytes(), PathRules::native()).ok_or_else(refused)?;
    // What is gathered must not be shared as a part of something else.
    if clean == FOLDER { Err(refused()) } else { Ok(clean) }
}

/// A path below the upload, each part of it as a torrent may have it. What leads elsewhere is refused, not mended.
fn relative(path: &str) -> Result<String, UploadError> {
    let refused = || UploadError::Name(path.to_owned());
    let parts = path.split('/').map(component).collect::<Result<Vec<_>, _>>().map_err(|_| refused())?;
    let clean = parts.join("/");
    if parts.len() > MAX_PATH_DEPTH || clean.len() > MAX_PATH_LEN { Err(refused()) } else { Ok(clean) }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn body(chunks: &[&'static [u8]]) -> impl Stream<Item = Result<Bytes, axum::Error>> + Unpin {
        stream::iter(chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk))).collect::<Vec<_>>())
    }

    fn tree(at: &Path) -> Vec<String> {
        let mut all = Vec::new();
        let mut folders = vec![at.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    all.push(path.strip_prefix(at).expect("below").to_string_lossy().into_owned());
                }
            }
        }
        all.sort();
        all
    }

    #[tokio::test]
    async fn a_folder_and_a_file_come_to_their_place_and_overwrite_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let uploads = Uploads::new(dir.path());
        std::fs::write(dir.path().join("a.txt"), "old").expect("a file");
        for expected in ["a (2).txt", "a (3).txt"] {
            let id = uploads.begin("a.txt").await.expect("begun");
            assert!(matches!(uploads.place(&id).await.err(), Some(UploadError::Empty)));
            uploads.put(&id, "a.txt", body(&[b"n", b"ew"])).await.expect("written");
            let placed = uploads.place(&id).await.expect("placed");
            assert_eq!(placed.path(), dir.path().join(expected));
            placed.keep().await;
            assert!(matches!(uploads.put(&id, "x", body(&[])).await, Err(UploadError::NotFound)), "it is over");
        }
        let id = uploads.begin("folder").await.expect("begun");
        for path in ["one", "deep/er/two", "folder"] {
            uploads.put(&id, path, body(&[path.as_bytes()])).await.expect("written");
        }
        uploads.put(&id, "one", body(&[b"again"])).await.expect("replaced");
        for path in ["one/below", "deep"] {
            assert!(matches!(uploads.put(&id, path, body(&[b"x"])).await, Err(UploadError::Clash(_))), "{path}");
        }
        drop(uploads.place(&id).await.expect("placed"));
        assert!(!dir.path().join("folder").exists(), "what was not kept goes back");
        uploads.place(&id).await.expect("placed again").keep().await;
        assert_eq!(
            tree(dir.path()),
            ["a (2).txt", "a (3).txt", "a.txt", "folder/deep/er/two", "folder/folder", "folder/one"]
        );
        assert_eq!(std::fs::read(dir.path().join("folder/one")).expect("a file"), b"again");
        assert_eq!(std::fs::read(dir.path().join("a.txt")).expect("a file"), b"old");
        assert!(!dir.path().join(FOLDER).exists());
    }

    #[tokio::test]
    async fn no_name_leads_elsewhere() {
        let dir = tempfile::tempdir().expect("a folder");
        let uploads = Uploads::new(&dir.path().join("down"));
        for bad in ["", ".", "..", FOLDER] {
            assert!(matches!(uploads.begin(bad).await, Err(UploadError::Name(_))), "{bad:?}");
        }
        let id = uploads.begin("/etc/x").await.expect("made harmless");
        for bad in ["", "/abs", "../x", "a/../../x", "a//b", "a/", "./a", &"d/".repeat(101), &"x/".repeat(2000)] {
            assert!(matches!(uploads.put(&id, bad, body(&[b"x"])).await, Err(UploadError::Name(_))), "{bad:?}");
        }
        uploads.put(&id, "a\\..\\b\0\u{202e}", body(&[b"x"])).await.expect("made harmless");
        uploads.place(&id).await.expect("placed").keep().await;
        assert_eq!(tree(dir.path()), ["down/_etc_x/a_.._b"]);
    }

    #[tokio::test]
    async fn what_does_not_come_to_its_end_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let uploads = Uploads::new(dir.path());
        let id = uploads.begin("a").await.expect("begun");
        let broken = stream::iter([Ok(Bytes::from_static(b"half")), Err(axum::Error::new(io::Error::other("gone")))]);
        assert!(matches!(uploads.put(&id, "a", broken).await, Err(UploadError::Body(_))));
        // A client that hangs: its request is dropped.
        {
            let hangs = Box::pin(body(&[b"half"]).chain(stream::pending()));
            let put = std::pin::pin!(uploads.put(&id, "a", hangs));
            let written = async {
                while tree(dir.path()).is_empty() {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                done = put => panic!("{done:?}"),
                () = written => {}
            }
            assert!(matches!(uploads.place(&id).await.err(), Some(UploadError::Busy)));
        }
        assert_eq!(tree(dir.path()), Vec::<String>::new());
        assert!(matches!(uploads.place(&id).await.err(), Some(UploadError::Empty)));
        uploads.put(&id, "a", body(&[b"whole"])).await.expect("written");
        uploads.discard(&id).await.expect("thrown away");
        assert!(matches!(uploads.discard(&id).await, Err(UploadError::NotFound)));
        assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 0);
    }

    #[tokio::test]
    async fn uploads_are_bounded_and_old_ones_are_thrown_away() {
        let dir = tempfile::tempdir().expect("a folder");
        let uploads = Uploads::new(dir.path());
        let mut ids = Vec::new();
        for _ in 0..MAX_UPLOADS {
            ids.push(uploads.begin("a").await.expect("begun"));
        }
        assert!(matches!(uploads.begin("a").await, Err(UploadError::TooMany)));
        let long_ago = Instant::now().checked_sub(IDLE).expect("the machine runs that long, or its clock can say so");
        uploads.table.lock().get_mut(&ids[3]).expect("it is there").touched = long_ago;
        uploads.begin("b").await.expect("an idle one made place");
        assert!(!uploads.folder(&ids[3]).exists() && uploads.folder(&ids[4]).exists());
        let again = Uploads::new(dir.path());
        again.clear().await;
        assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 0);
        again.clear().await;
    }
}
