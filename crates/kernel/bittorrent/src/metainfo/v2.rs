//! The v2 half of an info dictionary: the file tree, and the layers of piece hashes beside it
//! (BEP 52).

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use super::{
    FileEntry, FileKind, MAX_FILES, MAX_PATH_DEPTH, MetainfoError, PathRules,
    file::{Attr, link_target, safe_path},
};
use crate::{
    bencode::{Dict, Value},
    merkle,
};

/// The hashes of a file's pieces by the file's pieces root: 32 bytes a piece, in order. Files of
/// one piece have none, their root is their hash.
pub type PieceLayers = BTreeMap<merkle::Hash, Bytes>;

/// The files of the tree in its order, offsets not yet set.
pub(super) fn files(info: &Dict<'_>, rules: PathRules) -> Result<Vec<FileEntry>, MetainfoError> {
    let tree = info.dict("file tree").ok_or(MetainfoError::FileTree("absent"))?;
    let mut walk = Walk { files: Vec::new(), path: Vec::new(), rules };
    walk.folder(tree)?;
    if walk.files.is_empty() {
        return Err(MetainfoError::NoFiles);
    }
    Ok(walk.files)
}

struct Walk<'a> {
    files: Vec<FileEntry>,
    path: Vec<&'a [u8]>,
    rules: PathRules,
}

impl<'a> Walk<'a> {
    /// Recursion is bounded by [`MAX_PATH_DEPTH`], and by the decoder before.
    fn folder(&mut self, tree: &Dict<'a>) -> Result<(), MetainfoError> {
        if !tree.is_sorted() {
            return Err(MetainfoError::FileTree("names are not in order"));
        }
        if self.path.len() >= MAX_PATH_DEPTH {
            return Err(MetainfoError::PathTooLong);
        }
        for entry in tree {
            if entry.key.is_empty() {
                return Err(MetainfoError::FileTree("an empty name"));
            }
            let child = entry.value.as_dict().ok_or(MetainfoError::FileTree("an entry is no dictionary"))?;
            self.path.push(entry.key);
            match child.get(b"") {
                None => self.folder(child)?,
                Some(Value::Dict(file)) if child.len() == 1 => self.file(file)?,
                Some(_) => return Err(MetainfoError::FileTree("an entry is both file and folder")),
            }
            self.path.pop();
        }
        Ok(())
    }

    fn file(&mut self, dict: &Dict<'a>) -> Result<(), MetainfoError> {
        if self.files.len() >= MAX_FILES {
            return Err(MetainfoError::TooManyFiles);
        }
        let attr = Attr::parse(dict.bytes("attr"));
        if attr.pad {
            return Err(MetainfoError::PadFile);
        }
        let path = safe_path(self.path.iter().copied(), self.rules)?.into();
        let mut len = dict.int("length").and_then(|len| u64::try_from(len).ok()).ok_or(MetainfoError::Length)?;
        let mut kind = FileKind::Regular;
        if attr.symlink {
            len = 0;
            if let Some(target) = link_target(dict.get("symlink path"), self.rules) {
                kind = FileKind::Symlink { target };
            }
        }
        let pieces_root = if len == 0 { None } else { Some(root(dict)?) };
        self.files.push(FileEntry { path, offset: 0, len, kind, executable: attr.executable, pieces_root });
        Ok(())
    }
}

fn root(dict: &Dict<'_>) -> Result<merkle::Hash, MetainfoError> {
    let root: Option<merkle::Hash> = dict.bytes("pieces root").and_then(|root| root.try_into().ok());
    root.filter(|root| root != &[0; 32]).ok_or(MetainfoError::PiecesRoot)
}

/// Puts pads between the files of a v2-only torrent, where each file begins with a piece.
pub(super) fn align(files: Vec<FileEntry>, piece_length: u32) -> Vec<FileEntry> {
    let mut aligned: Vec<FileEntry> = Vec::with_capacity(files.len());
    let mut offset: u64 = 0;
    for file in files {
        let over = offset % u64::from(piece_length);
        if file.len > 0 && over > 0 {
            let len = u64::from(piece_length) - over;
            let path = format!(".pad/{len}").into();
            aligned.push(FileEntry { path, offset, len, kind: FileKind::Pad, executable: false, pieces_root: None });
            offset = offset.saturating_add(len);
        }
        // Lengths are summed with checks once the list is complete.
        offset = offset.saturating_add(file.len);
        aligned.push(file);
    }
    aligned
}

/// Gives the v1 files of a hybrid torrent the roots of the v2 tree, if both describe the same
/// files: same order, paths and lengths, each file beginning with a piece.
pub(super) fn join(v1: &mut [FileEntry], v2: Vec<FileEntry>, piece_length: u32) -> Result<(), MetainfoError> {
    let mut offset: u64 = 0;
    let mut v2 = v2.into_iter();
    for file in v1 {
        if !file.is_pad() {
            let twin = v2.next().ok_or(MetainfoError::Inconsistent)?;
            let aligned = file.len == 0 || offset.is_multiple_of(u64::from(piece_length));
            if twin.path != file.path || twin.len != file.len || twin.kind != file.kind || !aligned {
                return Err(MetainfoError::Inconsistent);
            }
            file.pieces_root = twin.pieces_root;
        }
        offset = offset.checked_add(file.len).ok_or(MetainfoError::Length)?;
    }
    if v2.next().is_some() { Err(MetainfoError::Inconsistent) } else { Ok(()) }
}

/// Reads `piece layers`: each layer belongs to a file of more than one piece and hashes to its
/// root. Layers may be missing; peers can be asked for them.
pub(super) fn piece_layers(
    value: Option<&Value<'_>>,
    files: &[FileEntry],
    piece_length: u32,
) -> Result<PieceLayers, MetainfoError> {
    let Some(value) = value else { return Ok(PieceLayers::new()) };
    let dict = value.as_dict().ok_or(MetainfoError::PieceLayer)?;
    let height = merkle::piece_layer_height(piece_length).ok_or(MetainfoError::PieceLength)?;
    let lengths: HashMap<&merkle::Hash, u64> = files
        .iter()
        .filter(|file| file.len > u64::from(piece_length))
        .filter_map(|file| Some((file.pieces_root()?, file.len)))
        .collect();
    let mut layers = PieceLayers::new();
    for entry in dict {
        let (root, layer) =
            piece_layer(entry.key, &entry.value, &lengths, piece_length, height).ok_or(MetainfoError::PieceLayer)?;
        layers.insert(root, layer);
    }
    Ok(layers)
}

fn piece_layer(
    key: &[u8],
    value: &Value<'_>,
    lengths: &HashMap<&merkle::Hash, u64>,
    piece_length: u32,
    height: u32,
) -> Option<(merkle::Hash, Bytes)> {
    let root: merkle::Hash = key.try_into().ok()?;
    let layer = value.as_bytes()?;
    let pieces = lengths.get(&root)?.div_ceil(u64::from(piece_length));
    let (hashes, rest) = layer.as_chunks::<32>();
    if !rest.is_empty() || hashes.len() as u64 != pieces {
        return None;
    }
    (merkle::root(hashes.iter().copied(), height) == root).then(|| (root, Bytes::copy_from_slice(layer)))
}
