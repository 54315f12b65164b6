//! Opening what lies beneath a folder, and nothing else.
//!
//! Every component is opened by itself with `O_NOFOLLOW`, relative to the folder opened before it. So neither a name
//! in a torrent nor a symlink planted in the folder (before or meanwhile) leads outside.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::error::{Action, StorageError};

/// What a file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Reading; it must be there.
    Read,
    /// Reading and writing; it and its folders are made if absent.
    Write,
}

impl Access {
    fn action(self) -> Action {
        match self {
            Access::Read => Action::Read,
            Access::Write => Action::Write,
        }
    }
}

/// Opens the plain file `relative` (components joined by `/`) beneath `root`.
pub(crate) fn open(root: &Path, relative: &str, access: Access) -> Result<File, StorageError> {
    let shown = || root.join(relative);
    let (name, folders) = split(relative).ok_or_else(|| StorageError::Unsafe { path: shown() })?;
    let folder = open_folder(root, folders, access)?;
    // NONBLOCK: a FIFO in the place of a file must not hang the thread before it is found out below.
    let mut flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    flags |= match access {
        Access::Read => OFlags::RDONLY,
        Access::Write => OFlags::RDWR | OFlags::CREATE,
    };
    let mode = Mode::from_raw_mode(0o666); // as every program: the user's umask decides
    let fd = fs::openat(&folder, name, flags, mode).map_err(|e| refuse(shown(), access.action(), e))?;
    let stat = fs::fstat(&fd).map_err(|e| StorageError::errno(&shown(), Action::Read, e))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(StorageError::Unsafe { path: shown() });
    }
    Ok(File::from(fd))
}

/// A file opened for reading alone.
#[derive(Debug)]
pub(crate) struct ReadOnlyFile {
    file: File,
    path: PathBuf,
}

impl ReadOnlyFile {
    pub(crate) fn open(root: &Path, relative: &str) -> Result<Self, StorageError> {
        Ok(ReadOnlyFile { file: open(root, relative, Access::Read)?, path: root.join(relative) })
    }

    /// Fills `buffer` from `offset` on; `false` if the file ends before.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<bool, StorageError> {
        match self.file.read_exact_at(buffer, offset) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
            Err(e) => Err(StorageError::new(&self.path, Action::Read, e)),
        }
    }
}

/// What is at `relative`, without following a symlink; `None` if nothing is.
pub(crate) fn stat(root: &Path, relative: &str) -> Result<Option<Stat>, StorageError> {
    let shown = || root.join(relative);
    let (name, folders) = split(relative).ok_or_else(|| StorageError::Unsafe { path: shown() })?;
    let folder = match open_folder(root, folders, Access::Read) {
        Ok(folder) => folder,
        Err(StorageError::Missing { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    match fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => Ok(Some(stat)),
        Ok(_) => Err(StorageError::Unsafe { path: shown() }),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(StorageError::errno(&shown(), Action::Read, error)),
    }
}

/// Deletes the plain file `relative`, then its folders from the innermost out as long as they are empty.
pub(crate) fn remove(root: &Path, relative: &str) -> Result<(), StorageError> {
    let shown = || root.join(relative);
    let (name, folders) = split(relative).ok_or_else(|| StorageError::Unsafe { path: shown() })?;
    let folder = match open_folder(root, folders, Access::Read) {
        Ok(folder) => folder,
        Err(StorageError::Missing { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    match fs::unlinkat(&folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(StorageError::errno(&shown(), Action::Delete, error)),
    }
    let mut inner = folders;
    while let Some((name, above)) = split(inner) {
        let Ok(folder) = open_folder(root, above, Access::Read) else { break };
        // Not empty, or not ours to delete: then it stays.
        if fs::unlinkat(&folder, name, AtFlags::REMOVEDIR).is_err() {
            break;
        }
        inner = above;
    }
    Ok(())
}

/// Makes `relative` a symbolic link to `target` (relative to the link's folder) unless something is there already.
pub(crate) fn link(root: &Path, relative: &str, target: &str) -> Result<(), StorageError> {
    let shown = || root.join(relative);
    let (name, folders) = split(relative).ok_or_else(|| StorageError::Unsafe { path: shown() })?;
    let folder = open_folder(root, folders, Access::Write)?;
    match fs::symlinkat(target, &folder, name) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(StorageError::errno(&shown(), Action::Write, error)),
    }
}

/// Opens `root`, or the nearest folder above it that is there: for questions to its file system.
pub(crate) fn nearest_folder(root: &Path) -> Result<OwnedFd, StorageError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut last = Errno::NOENT;
    for folder in root.ancestors() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        match fs::openat(CWD, folder, flags, Mode::empty()) {
            Ok(fd) => return Ok(fd),
            Err(Errno::NOENT) => last = Errno::NOENT,
            Err(error) => {
                last = error;
                break;
            }
        }
    }
    Err(StorageError::errno(root, Action::Read, last))
}

fn open_folder(root: &Path, folders: &str, access: Access) -> Result<OwnedFd, StorageError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    if access == Access::Write && !root.is_dir() {
        std::fs::create_dir_all(root).map_err(|e| StorageError::new(root, Action::Write, e))?;
    }
    let mut folder =
        fs::openat(CWD, root, flags, Mode::empty()).map_err(|e| StorageError::errno(root, access.action(), e))?;
    for name in folders.split('/').filter(|_| !folders.is_empty()) {
        let shown = || root.join(folders);
        if !is_plain(name) {
            return Err(StorageError::Unsafe { path: shown() });
        }
        let open = || fs::openat(&folder, name, flags | OFlags::NOFOLLOW, Mode::empty());
        let next = match open() {
            Err(Errno::NOENT) if access == Access::Write => {
                match fs::mkdirat(&folder, name, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => open(),
                    Err(error) => Err(error),
                }
            }
            other => other,
        };
        folder = next.map_err(|e| refuse(shown(), access.action(), e))?;
    }
    Ok(folder)
}

fn refuse(path: PathBuf, action: Action, error: Errno) -> StorageError {
    match error {
        // NXIO: a FIFO without a reader, or a socket.
        Errno::NXIO => StorageError::Unsafe { path },
        _ => StorageError::errno(&path, action, error),
    }
}

/// The name and the folders before it.
fn split(relative: &str) -> Option<(&str, &str)> {
    let (folders, name) = relative.rsplit_once('/').unwrap_or(("", relative));
    (is_plain(name) && !relative.starts_with('/')).then_some((name, folders))
}

/// The last line of defence: metainfo with such names is refused when it is parsed.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0'])
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn makes_folders_and_removes_them_when_empty() {
        let root = tempfile::tempdir().unwrap();
        let below = root.path().join("new");
        open(&below, "a/b/c", Access::Write).unwrap();
        open(&below, "a/d", Access::Write).unwrap();
        assert!(stat(&below, "a/b/c").unwrap().is_some());
        remove(&below, "a/b/c").unwrap();
        assert!(!below.join("a/b").exists() && below.join("a/d").exists());
        assert!(stat(&below, "a/b/c").unwrap().is_none());
        assert!(matches!(open(&below, "a/x", Access::Read), Err(StorageError::Missing { .. })));
    }

    #[test]
    fn no_name_and_no_symlink_leads_outside() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), b"s").unwrap();
        let root = tempfile::tempdir().unwrap();
        symlink(outside.path(), root.path().join("folder")).unwrap();
        symlink(outside.path().join("secret"), root.path().join("file")).unwrap();
        std::fs::create_dir(root.path().join("dir")).unwrap();
        for bad in ["folder/secret", "file", "../x", "dir/../../x", ".", "", "/x", "dir//x", "dir", "dir/", "nul\0"] {
            for access in [Access::Read, Access::Write] {
                let result = open(root.path(), bad, access);
                assert!(matches!(result, Err(StorageError::Unsafe { .. })), "{bad:?} {access:?}: {result:?}");
            }
        }
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
        remove(root.path(), "folder/secret").unwrap_err();
        assert!(outside.path().join("secret").exists());
    }

    #[test]
    fn a_fifo_is_refused_at_once() {
        let root = tempfile::tempdir().unwrap();
        let fifo = root.path().join("pipe");
        rustix::fs::mkfifoat(CWD, &fifo, Mode::from_raw_mode(0o600)).unwrap();
        for access in [Access::Read, Access::Write] {
            assert!(matches!(open(root.path(), "pipe", access), Err(StorageError::Unsafe { .. })));
        }
    }
}
