//! Files of a torrent, from the raw list to paths that are safe and distinct.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use super::{
    MAX_DUPLICATE_NAMES, MAX_PATH_DEPTH, MAX_PATH_LEN, MetainfoError, PathRules,
    path::{numbered, sanitise_component},
};
use crate::{bencode::Value, merkle};

/// What a file entry stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileKind {
    /// Content to store.
    Regular,
    /// Zeros that only align the next file to a piece (BEP 47); never written.
    Pad,
    /// A symbolic link of length 0 to another path of the same torrent (BEP 47). The target is a
    /// file or folder that exists in the torrent and is no ancestor of the link; entries whose
    /// target could lead anywhere else are empty regular files instead.
    Symlink {
        /// Relative to the torrent's root, as [`FileEntry::path`] is.
        target: Box<str>,
    },
}

/// One file of a torrent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    pub(super) path: Box<str>,
    pub(super) offset: u64,
    pub(super) len: u64,
    pub(super) kind: FileKind,
    pub(super) executable: bool,
    pub(super) pieces_root: Option<merkle::Hash>,
}

impl FileEntry {
    /// A file that is to be shared.
    pub(crate) fn plain(path: &str, len: u64) -> Self {
        let path = path.into();
        Self { path, offset: 0, len, kind: FileKind::Regular, executable: false, pieces_root: None }
    }

    /// The safe path, components joined by `/`: relative to the torrent's folder, or for a torrent
    /// of one file that file's name. Distinct among the files that are written.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where the file begins in the torrent's bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the file has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What the entry stands for.
    pub fn kind(&self) -> &FileKind {
        &self.kind
    }

    /// Whether this is padding, which is never written.
    pub fn is_pad(&self) -> bool {
        self.kind == FileKind::Pad
    }

    /// Whether the maker marked the file as executable (BEP 47).
    pub fn is_executable(&self) -> bool {
        self.executable
    }

    /// Root of the file's SHA-256 tree (BEP 52), absent for v1 torrents, pads and empty files.
    pub fn pieces_root(&self) -> Option<&merkle::Hash> {
        self.pieces_root.as_ref()
    }
}

/// The flags of BEP 47 that matter here.
#[derive(Clone, Copy, Default)]
pub(super) struct Attr {
    pub(super) pad: bool,
    pub(super) symlink: bool,
    pub(super) executable: bool,
}

impl Attr {
    pub(super) fn parse(attr: Option<&[u8]>) -> Self {
        let has = |flag| attr.is_some_and(|attr| attr.contains(&flag));
        Self { pad: has(b'p'), symlink: has(b'l'), executable: has(b'x') }
    }
}

/// Makes a safe path of raw components; components of which nothing is left are left out.
pub(super) fn safe_path<'a>(
    components: impl IntoIterator<Item = &'a [u8]>,
    rules: PathRules,
) -> Result<String, MetainfoError> {
    let mut path = String::new();
    for (depth, raw) in components.into_iter().enumerate() {
        if depth >= MAX_PATH_DEPTH {
            return Err(MetainfoError::PathTooLong);
        }
        let Some(component) = sanitise_component(raw, rules) else { continue };
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(&component);
        if path.len() > MAX_PATH_LEN {
            return Err(MetainfoError::PathTooLong);
        }
    }
    if path.is_empty() {
        path.push('_');
    }
    Ok(path)
}

/// The target of a link entry: a safe path, or nothing usable.
pub(super) fn link_target(value: Option<&Value<'_>>, rules: PathRules) -> Option<Box<str>> {
    let list = value?.as_list()?;
    let components: Option<Vec<&[u8]>> = list.iter().map(Value::as_bytes).collect();
    safe_path(components?, rules).ok().map(Into::into)
}

/// Gives each file that is written a path of its own, and makes links that lead nowhere in the
/// torrent empty files.
pub(crate) fn settle(files: &mut [FileEntry], rules: PathRules) -> Result<(), MetainfoError> {
    let mut folders = HashSet::new();
    for file in files.iter().filter(|file| !file.is_pad()) {
        let folded = rules.fold(&file.path);
        folders.extend(folded.match_indices('/').map(|(at, _)| digest(folded.get(..at).unwrap_or_default())));
    }
    let mut taken = HashSet::new();
    let mut renames = 0;
    for file in files.iter_mut().filter(|file| !file.is_pad()) {
        let original = std::mem::take(&mut file.path);
        let mut path = String::from(&*original);
        loop {
            let name = digest(&rules.fold(&path));
            if !folders.contains(&name) && taken.insert(name) {
                break;
            }
            renames += 1;
            if renames > MAX_DUPLICATE_NAMES {
                return Err(MetainfoError::TooManyDuplicates);
            }
            path = numbered(&original, renames);
        }
        file.path = path.into();
    }
    settle_links(files);
    Ok(())
}

/// Paths are compared by a 64-bit digest, which keeps the sets small for any file list (2²⁰ folder
/// names are 16 MB). Two paths that were made to collide only cost their maker a rename.
fn digest(path: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

fn settle_links(files: &mut [FileEntry]) {
    if !files.iter().any(|file| matches!(file.kind, FileKind::Symlink { .. })) {
        return;
    }
    // A digest made to collide lets a link name a path that is absent; it stays inside all the same.
    let mut reachable = HashSet::new();
    for file in files.iter().filter(|file| file.kind == FileKind::Regular) {
        reachable.insert(digest(&file.path));
        let folders = file.path.match_indices('/').map(|(at, _)| file.path.get(..at).unwrap_or_default());
        reachable.extend(folders.map(digest));
    }
    for file in files.iter_mut() {
        if let FileKind::Symlink { target } = &file.kind {
            let inside_itself = file.path.strip_prefix(&**target).is_some_and(|rest| rest.starts_with('/'));
            if inside_itself || !reachable.contains(&digest(target)) {
                file.kind = FileKind::Regular;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, kind: FileKind) -> FileEntry {
        FileEntry { path: path.into(), offset: 0, len: 0, kind, executable: false, pieces_root: None }
    }

    fn settled(paths: &[&str], rules: PathRules) -> Result<Vec<String>, MetainfoError> {
        let mut files: Vec<_> = paths.iter().map(|path| file(path, FileKind::Regular)).collect();
        settle(&mut files, rules)?;
        Ok(files.iter().map(|file| file.path.to_string()).collect())
    }

    #[test]
    fn same_paths_get_numbers() {
        assert_eq!(settled(&["a/b.c", "a/b.c"], PathRules::UNIX).unwrap(), ["a/b.c", "a/b.1.c"]);
        assert_eq!(settled(&["a.1", "a", "a"], PathRules::UNIX).unwrap(), ["a.1", "a", "a.2"]);
        assert_eq!(settled(&["a"; 51], PathRules::UNIX).map(|names| names.len()), Ok(51));
        assert_eq!(settled(&["a"; 52], PathRules::UNIX), Err(MetainfoError::TooManyDuplicates));
    }

    #[test]
    fn a_file_gives_way_to_a_folder() {
        assert_eq!(settled(&["a", "a/b"], PathRules::UNIX).unwrap(), ["a.1", "a/b"]);
        assert_eq!(settled(&["x/y/z", "x/y"], PathRules::UNIX).unwrap(), ["x/y/z", "x/y.1"]);
    }

    #[test]
    fn case_matters_where_the_system_says_so() {
        assert_eq!(settled(&["Read", "read"], PathRules::UNIX).unwrap(), ["Read", "read"]);
        assert_eq!(settled(&["Read", "read"], PathRules::MACOS).unwrap(), ["Read", "read.1"]);
        assert_eq!(settled(&["A/x", "a"], PathRules::WINDOWS).unwrap(), ["A/x", "a.1"]);
    }

    #[test]
    fn links_stay_inside() {
        let link = |path, target: &str| file(path, FileKind::Symlink { target: target.into() });
        let mut files = [
            file("a/b/c", FileKind::Regular),
            link("good", "a/b/c"),
            link("folder", "a/b"),
            link("chain", "good"),
            link("nowhere", "etc/passwd"),
            link("a/loop", "a"),
        ];
        settle(&mut files, PathRules::UNIX).unwrap();
        let kept: Vec<_> =
            files.iter().filter(|f| matches!(f.kind, FileKind::Symlink { .. })).map(FileEntry::path).collect();
        assert_eq!(kept, ["good", "folder"]);
    }
}
