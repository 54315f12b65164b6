//! What goes wrong on disk, with cause and mend.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::status::{Trouble, TroubleKind};

/// Why files could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The disk, or this user's quota of it, is full.
    #[error("the disk that holds {path} is full{}: free some space, or move the torrent to another folder", needs(.missing))]
    DiskFull {
        /// What was written.
        path: PathBuf,
        /// Bytes that lack, where that was found out beforehand.
        missing: Option<u64>,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The user may not do it.
    #[error("{path} may not be {action}: change its permissions or its owner")]
    PermissionDenied {
        /// What was touched.
        path: PathBuf,
        /// What was tried.
        action: Action,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file system is read-only.
    #[error("{path} is on a read-only file system: mount it writable, or choose another folder")]
    ReadOnly {
        /// What was touched.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file that should be there is not.
    #[error("{path} is missing: put it back, or recheck the torrent to fetch it anew")]
    Missing {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file is shorter than the torrent says, although it was complete.
    #[error("{path} was changed: put the old file back, or recheck the torrent to fetch what differs")]
    Changed {
        /// Which.
        path: PathBuf,
    },
    /// A symlink, a device or a file stands where a folder or plain file belongs.
    #[error(
        "{path} is not a plain file in the torrent's folder (a symlink, a device, or a file in place of a folder): move it out of the way"
    )]
    Unsafe {
        /// What was refused.
        path: PathBuf,
    },
    /// The process or system has no descriptors left.
    #[error("no file descriptor is left for {path}: raise the limit of open files (`ulimit -n`)")]
    TooManyFiles {
        /// What was opened.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The device failed, or something not foreseen.
    #[error(
        "{path} cannot be {action}: the disk or file system reports an error: check the disk and its cables, then recheck"
    )]
    Io {
        /// What was touched.
        path: PathBuf,
        /// What was tried.
        action: Action,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Opening or reading.
    Read,
    /// Creating or writing.
    Write,
    /// Deleting.
    Delete,
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Action::Read => "read",
            Action::Write => "written",
            Action::Delete => "deleted",
        })
    }
}

fn needs(missing: &Option<u64>) -> String {
    missing.map_or_else(String::new, |bytes| format!(" ({} MiB more are needed)", bytes.div_ceil(1 << 20)))
}

impl StorageError {
    /// Reads a system error.
    pub(crate) fn new(path: &Path, action: Action, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.raw_os_error().map(Errno::from_raw_os_error) {
            // EFBIG is what a process limit on file size or a small file system says.
            Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => StorageError::DiskFull { path, missing: None, source },
            Some(Errno::ACCESS | Errno::PERM) => StorageError::PermissionDenied { path, action, source },
            Some(Errno::ROFS) => StorageError::ReadOnly { path, source },
            Some(Errno::NOENT) => StorageError::Missing { path, source },
            Some(Errno::LOOP | Errno::NOTDIR | Errno::ISDIR) => StorageError::Unsafe { path },
            Some(Errno::MFILE | Errno::NFILE) => StorageError::TooManyFiles { path, source },
            _ => StorageError::Io { path, action, source },
        }
    }

    pub(crate) fn errno(path: &Path, action: Action, source: Errno) -> Self {
        Self::new(path, action, source.into())
    }

    /// What kind of trouble this is to a torrent.
    pub fn kind(&self) -> TroubleKind {
        match self {
            StorageError::DiskFull { .. } => TroubleKind::DiskFull,
            StorageError::PermissionDenied { .. } => TroubleKind::PermissionDenied,
            StorageError::ReadOnly { .. } => TroubleKind::ReadOnly,
            StorageError::Missing { .. } => TroubleKind::FileMissing,
            StorageError::Changed { .. } => TroubleKind::FileChanged,
            StorageError::Unsafe { .. } => TroubleKind::UnsafePath,
            StorageError::TooManyFiles { .. } => TroubleKind::TooManyFiles,
            StorageError::Io { .. } => TroubleKind::Io,
        }
    }

    /// The trouble in words: the message up to its last colon is the cause, the rest the mend.
    pub fn trouble(&self) -> Trouble {
        let text = self.to_string();
        let (message, mend) = text.rsplit_once(": ").unwrap_or((text.as_str(), "check the disk"));
        Trouble { kind: self.kind(), message: message.to_owned(), mend: mend.to_owned() }
    }
}
