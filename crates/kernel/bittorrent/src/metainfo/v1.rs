//! The v1 half of an info dictionary: a flat list of files over one run of bytes (BEP 3, BEP 47).

use super::{
    FileEntry, FileKind, MAX_FILES, MetainfoError, PathRules,
    file::{Attr, link_target, safe_path},
};
use crate::bencode::{Dict, Value};

/// What BitComet called its padding before BEP 47.
const OLD_PAD_MARK: &[u8] = b"_____padding_file_";

/// The files in order, offsets not yet set, and whether they lie in a folder.
pub(super) fn files(info: &Dict<'_>, name: &str, rules: PathRules) -> Result<(Vec<FileEntry>, bool), MetainfoError> {
    let Some(list) = info.get("files") else {
        let len = length(info)?;
        return Ok((vec![entry(name.to_owned(), len, FileKind::Regular, Attr::default())], false));
    };
    let list = list.as_list().ok_or(MetainfoError::NoFiles)?;
    if list.len() > MAX_FILES {
        return Err(MetainfoError::TooManyFiles);
    }
    if list.is_empty() {
        return Err(MetainfoError::NoFiles);
    }
    let files: Result<Vec<_>, _> =
        list.iter().map(|value| file(value.as_dict().ok_or(MetainfoError::Path)?, rules)).collect();
    Ok((files?, true))
}

fn file(dict: &Dict<'_>, rules: PathRules) -> Result<FileEntry, MetainfoError> {
    let mut attr = Attr::parse(dict.bytes("attr"));
    let components = components(dict)?;
    attr.pad |= components.iter().flatten().any(|part| part.starts_with(OLD_PAD_MARK));
    let path = match components {
        Some(components) => safe_path(components, rules)?,
        None if attr.pad => ".pad".to_owned(),
        None => return Err(MetainfoError::Name),
    };
    if attr.pad {
        return Ok(entry(path, length(dict)?, FileKind::Pad, attr));
    }
    if attr.symlink {
        // A link takes no bytes of the torrent, whatever its length says.
        let target = link_target(dict.get("symlink path"), rules);
        let kind = target.map_or(FileKind::Regular, |target| FileKind::Symlink { target });
        return Ok(entry(path, 0, kind, attr));
    }
    Ok(entry(path, length(dict)?, FileKind::Regular, attr))
}

/// The path's components, the UTF-8 form first where a maker wrote both.
fn components<'a>(dict: &Dict<'a>) -> Result<Option<Vec<&'a [u8]>>, MetainfoError> {
    let Some(value) = dict.get("path.utf-8").or_else(|| dict.get("path")) else { return Ok(None) };
    let list = value.as_list().filter(|list| !list.is_empty()).ok_or(MetainfoError::Path)?;
    let components: Option<Vec<_>> = list.iter().map(Value::as_bytes).collect();
    components.ok_or(MetainfoError::Path).map(Some)
}

fn length(dict: &Dict<'_>) -> Result<u64, MetainfoError> {
    dict.int("length").and_then(|len| u64::try_from(len).ok()).ok_or(MetainfoError::Length)
}

fn entry(path: String, len: u64, kind: FileKind, attr: Attr) -> FileEntry {
    let executable = attr.executable;
    FileEntry { path: path.into(), offset: 0, len, kind, executable, pieces_root: None }
}
