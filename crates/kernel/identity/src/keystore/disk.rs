//! The key file on disk: permissions, whole-or-not-at-all writes, and cleaning up after an interrupted one.

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile};
use zeroize::Zeroizing;

use super::KeyFileError;

const FILE: &str = "identity.weft";
/// Begins the names of files being written. One that is still there after a crash is removed at the next write.
const UNFINISHED: &str = ".identity.weft.";
const LOCK: &str = ".lock";

const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
/// Bits that let somebody else read, write or run.
const OTHERS: u32 = 0o077;
/// Bits that let somebody else put files into the folder.
const OTHERS_WRITE: u32 = 0o022;

/// Largest file read. A keystore has under 600 bytes; more is not ours.
const MAX_FILE_BYTES: u64 = 64 * 1024;

#[derive(Debug, Clone)]
pub(super) struct KeyFolder(PathBuf);

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyFileError {
    let path = path.to_owned();
    move |source| KeyFileError::Io { action, path, source }
}

/// Refuses a path whose mode has any of the `forbidden` bits.
fn refuse_exposed(path: &Path, mode: u32, forbidden: u32, mend: u32) -> Result<(), KeyFileError> {
    let mode = mode & 0o777;
    if mode & forbidden == 0 {
        return Ok(());
    }
    Err(KeyFileError::Exposed { path: path.to_owned(), mode, mend })
}

impl KeyFolder {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub(super) fn file(&self) -> PathBuf {
        self.0.join(FILE)
    }

    /// The file's bytes, or `None` if there is no file.
    pub(super) fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, KeyFileError> {
        let path = self.file();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("open", &path)(error)),
        };
        // Asked of the open file, so that nobody can swap it between the question and the reading.
        let metadata = file.metadata().map_err(io_error("examine", &path))?;
        refuse_exposed(&path, metadata.permissions().mode(), OTHERS, FILE_MODE)?;
        self.check_folder()?;
        let room = usize::try_from(metadata.len().min(MAX_FILE_BYTES)).unwrap_or(0).saturating_add(1);
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(io_error("read", &path))?;
        Ok(Some(bytes))
    }

    /// Writes the file where none is. `false` if there was one: it is untouched.
    pub(super) fn write_new(&self, bytes: &[u8]) -> Result<bool, KeyFileError> {
        self.make_folder()?;
        let _lock = self.lock()?;
        let unfinished = self.write_unfinished(bytes)?;
        match unfinished.persist_noclobber(self.file()) {
            Ok(_) => {}
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(io_error("write", &self.file())(error.error)),
        }
        sync_folder(&self.0)?;
        Ok(true)
    }

    /// Puts new content in the file's place, at once.
    pub(super) fn replace(&self, bytes: &[u8]) -> Result<(), KeyFileError> {
        self.check_folder()?;
        let _lock = self.lock()?;
        let unfinished = self.write_unfinished(bytes)?;
        unfinished.persist(self.file()).map_err(|error| io_error("replace", &self.file())(error.error))?;
        sync_folder(&self.0)
    }

    fn make_folder(&self) -> Result<(), KeyFileError> {
        if !self.0.exists() {
            DirBuilder::new()
                .recursive(true)
                .mode(FOLDER_MODE)
                .create(&self.0)
                .map_err(io_error("create folder", &self.0))?;
            if let Some(parent) = self.0.parent() {
                sync_folder(parent)?;
            }
        }
        self.check_folder()
    }

    fn check_folder(&self) -> Result<(), KeyFileError> {
        let metadata = fs::metadata(&self.0).map_err(io_error("examine", &self.0))?;
        refuse_exposed(&self.0, metadata.permissions().mode(), OTHERS_WRITE, FOLDER_MODE)
    }

    /// Holds off other processes that write here, until dropped.
    fn lock(&self) -> Result<File, KeyFileError> {
        let path = self.0.join(LOCK);
        let file =
            File::options().create(true).truncate(false).write(true).open(&path).map_err(io_error("open", &path))?;
        file.lock().map_err(io_error("lock", &path))?;
        Ok(file)
    }

    /// The new content in a file beside the real one, synced. Removed again when dropped. The lock must be held.
    fn write_unfinished(&self, bytes: &[u8]) -> Result<NamedTempFile, KeyFileError> {
        self.remove_unfinished()?;
        let mut file = Builder::new()
            .prefix(UNFINISHED)
            .permissions(Permissions::from_mode(FILE_MODE))
            .tempfile_in(&self.0)
            .map_err(io_error("create a file in", &self.0))?;
        file.write_all(bytes).map_err(io_error("write", file.path()))?;
        file.as_file().sync_all().map_err(io_error("sync", file.path()))?;
        Ok(file)
    }

    /// A crash can leave a half-written file with secrets in it.
    fn remove_unfinished(&self) -> Result<(), KeyFileError> {
        for entry in fs::read_dir(&self.0).map_err(io_error("list", &self.0))? {
            let entry = entry.map_err(io_error("list", &self.0))?;
            if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
                fs::remove_file(entry.path()).map_err(io_error("remove", &entry.path()))?;
            }
        }
        Ok(())
    }
}

/// A rename lasts once its folder is synced.
fn sync_folder(folder: &Path) -> Result<(), KeyFileError> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder).and_then(|file| file.sync_all()).map_err(io_error("sync", folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn files_are_private_and_never_overwritten_by_new_ones() {
        let data = tempfile::tempdir().unwrap();
        let folder = KeyFolder::new(data.path().join("keys"));
        assert!(folder.read().unwrap().is_none());
        assert!(folder.write_new(b"one").unwrap());
        assert_eq!((mode(&folder.0), mode(&folder.file())), (0o700, 0o600));
        assert!(!folder.write_new(b"two").unwrap());
        assert_eq!(folder.read().unwrap().unwrap().as_slice(), b"one");
        folder.replace(b"three").unwrap();
        assert_eq!(folder.read().unwrap().unwrap().as_slice(), b"three");
        assert_eq!(mode(&folder.file()), 0o600);
    }

    #[test]
    fn exposed_files_and_folders_are_refused_with_the_mend() {
        let data = tempfile::tempdir().unwrap();
        let folder = KeyFolder::new(data.path().join("keys"));
        folder.write_new(b"one").unwrap();
        fs::set_permissions(folder.file(), Permissions::from_mode(0o640)).unwrap();
        let error = folder.read().unwrap_err().to_string();
        assert!(error.contains("mode 640") && error.contains("chmod 600"), "{error}");
        fs::set_permissions(folder.file(), Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(&folder.0, Permissions::from_mode(0o770)).unwrap();
        assert!(folder.read().unwrap_err().to_string().contains("chmod 700"));
        assert!(folder.replace(b"two").is_err());
    }

    #[test]
    fn what_a_crash_left_is_removed() {
        let data = tempfile::tempdir().unwrap();
        let folder = KeyFolder::new(data.path().join("keys"));
        folder.write_new(b"one").unwrap();
        let left = folder.0.join(".identity.weft.Ab12");
        fs::write(&left, b"half").unwrap();
        folder.replace(b"two").unwrap();
        assert!(!left.exists());
        let names: Vec<_> = fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "the file and the lock: {names:?}");
    }

    #[test]
    fn two_who_create_at_once_do_not_both_succeed() {
        let data = tempfile::tempdir().unwrap();
        let folder = KeyFolder::new(data.path().join("keys"));
        let made: Vec<bool> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8u8)
                .map(|n| {
                    let folder = folder.clone();
                    scope.spawn(move || folder.write_new(&[n]).unwrap())
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(made.iter().filter(|&&made| made).count(), 1);
    }
}
