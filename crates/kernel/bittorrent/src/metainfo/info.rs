//! The info dictionary: what a torrent is, and what its info-hash is taken over (BEP 3, BEP 52).

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::{FileEntry, MAX_METAINFO_LEN, MAX_PIECE_LEN, MAX_PIECES, MetainfoError, PathRules, file, path, v1, v2};
use crate::{
    bencode::{self, Dict, Limits, Value},
    id::{InfoHash, InfoHashV2},
    merkle,
};

/// Which of the two formats a torrent has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// SHA-1 pieces alone (BEP 3).
    V1,
    /// Both formats, for the same files (BEP 52).
    Hybrid,
    /// SHA-256 trees alone (BEP 52).
    V2,
}

/// A torrent's info dictionary, checked and with safe paths. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    raw: Bytes,
    version: Version,
    info_hash: InfoHash,
    info_hash_v2: Option<InfoHashV2>,
    name: Arc<str>,
    folder: bool,
    private: bool,
    piece_length: u32,
    piece_count: u32,
    total_len: u64,
    hashes: Bytes,
    files: Arc<[FileEntry]>,
}

impl Info {
    /// Reads the bytes of an info dictionary: what `info` holds in a torrent file, and what peers
    /// send for a magnet link (BEP 9). Names are made safe by [`PathRules::native`].
    ///
    /// # Errors
    /// Everything [`MetainfoError`] names.
    pub fn from_bytes(raw: &[u8]) -> Result<Self, MetainfoError> {
        Self::from_bytes_with(raw, PathRules::native())
    }

    /// [`Info::from_bytes`] with other rules for names.
    ///
    /// # Errors
    /// Everything [`MetainfoError`] names.
    pub fn from_bytes_with(raw: &[u8], rules: PathRules) -> Result<Self, MetainfoError> {
        if raw.len() > MAX_METAINFO_LEN {
            return Err(MetainfoError::TooLarge { len: raw.len() });
        }
        let value = bencode::decode(raw, Limits::METAINFO)?;
        Self::from_value(&value, raw, rules)
    }

    pub(super) fn from_value(value: &Value<'_>, raw: &[u8], rules: PathRules) -> Result<Self, MetainfoError> {
        let dict = value.as_dict().ok_or(MetainfoError::MissingInfo)?;
        let version = version(dict)?;
        let piece_length = piece_length(dict, version)?;
        let (raw_name, name) = name(dict, rules)?;

        let (mut files, folder) = match version {
            Version::V1 => v1::files(dict, &name, rules)?,
            Version::Hybrid => {
                let (mut files, folder) = v1::files(dict, &name, rules)?;
                v2::join(&mut files, v2::files(dict, rules)?, piece_length)?;
                (files, folder)
            }
            Version::V2 => {
                let files = v2::files(dict, rules)?;
                let folder = !is_lone_file(dict, raw_name);
                (v2::align(files, piece_length), folder)
            }
        };
        let total_len = place(&mut files)?;
        let piece_count = piece_count(total_len, piece_length)?;
        let hashes = match version {
            Version::V2 => Bytes::new(),
            Version::V1 | Version::Hybrid => v1_hashes(dict, piece_count)?,
        };
        file::settle(&mut files, rules)?;

        let info_hash_v2 = (version != Version::V1).then(|| InfoHashV2(Sha256::digest(raw).into()));
        let info_hash = match (version, info_hash_v2) {
            (Version::V2, Some(v2)) => v2.truncated(),
            _ => InfoHash(Sha1::digest(raw).into()),
        };
        Ok(Self {
            raw: Bytes::copy_from_slice(raw),
            version,
            info_hash,
            info_hash_v2,
            name: name.into(),
            folder,
            private: is_private(dict),
            piece_length,
            piece_count,
            total_len,
            hashes,
            files: files.into(),
        })
    }

    /// The exact bytes: what the info-hash is over, and what peers ask for (BEP 9).
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The 20 bytes under which the swarm meets: SHA-1 of the info dictionary, or for a v2-only
    /// torrent the beginning of its SHA-256 (BEP 52).
    pub fn info_hash(&self) -> InfoHash {
        self.info_hash
    }

    /// The v2 info-hash, of v2 and hybrid torrents.
    pub fn info_hash_v2(&self) -> Option<InfoHashV2> {
        self.info_hash_v2
    }

    /// Which formats the torrent has.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The torrent's name, safe as a path component: the name of its folder, or of its only file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the content is a folder (of any number of files) rather than one file.
    pub fn is_folder(&self) -> bool {
        self.folder
    }

    /// Whether peers may come from the torrent's own trackers alone (BEP 27).
    pub fn is_private(&self) -> bool {
        self.private
    }

    /// Bytes in each piece but the last.
    pub fn piece_length(&self) -> u32 {
        self.piece_length
    }

    /// Number of pieces, at least 1.
    pub fn piece_count(&self) -> u32 {
        self.piece_count
    }

    /// Bytes in a piece; 0 for one that does not exist.
    pub fn piece_len(&self, piece: u32) -> u32 {
        let start = u64::from(piece) * u64::from(self.piece_length);
        let left = self.total_len.saturating_sub(start);
        // At most the piece length, which is 32 bits.
        left.min(u64::from(self.piece_length)) as u32
    }

    /// Bytes of all files and pads.
    pub fn total_len(&self) -> u64 {
        self.total_len
    }

    /// The SHA-1 of a piece; `None` for a piece that does not exist, and for v2-only torrents.
    pub fn piece_hash(&self, piece: u32) -> Option<[u8; 20]> {
        self.hashes.as_chunks::<20>().0.get(piece as usize).copied()
    }

    /// The files in the torrent's order, pads among them.
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// Where a file belongs, relative to the download folder; `None` for a file that does not
    /// exist, and for pads.
    pub fn disk_path(&self, file: usize) -> Option<PathBuf> {
        let file = self.files.get(file).filter(|file| !file.is_pad())?;
        let mut path = PathBuf::from(&*self.name);
        if self.folder {
            path.extend(file.path().split('/'));
        }
        Some(path)
    }
}

fn version(dict: &Dict<'_>) -> Result<Version, MetainfoError> {
    let meta_version = match dict.get("meta version") {
        None => 1,
        Some(value) => value.as_int().unwrap_or(-1),
    };
    match (meta_version, dict.get("pieces").is_some()) {
        (1, _) => Ok(Version::V1),
        (2, true) => Ok(Version::Hybrid),
        (2, false) => Ok(Version::V2),
        (unknown, _) => Err(MetainfoError::Version(unknown)),
    }
}

fn piece_length(dict: &Dict<'_>, version: Version) -> Result<u32, MetainfoError> {
    let length = dict.int("piece length").and_then(|length| u32::try_from(length).ok());
    let fits = |length: &u32| {
        (1..=MAX_PIECE_LEN).contains(length)
            && (version == Version::V1 || merkle::piece_layer_height(*length).is_some())
    };
    length.filter(fits).ok_or(MetainfoError::PieceLength)
}

/// The name as it stands and as it is used. Names of dots alone are replaced, blank ones refused.
fn name<'a>(dict: &Dict<'a>, rules: PathRules) -> Result<(&'a [u8], String), MetainfoError> {
    let utf8 = dict.bytes("name.utf-8").filter(|name| !path::is_blank(name, rules));
    let raw = utf8.or_else(|| dict.bytes("name")).filter(|name| !path::is_blank(name, rules));
    let raw = raw.ok_or(MetainfoError::Name)?;
    Ok((raw, path::sanitise_component(raw, rules).unwrap_or_else(|| "_".to_owned())))
}

/// A v2 torrent is one file without a folder if its tree holds one file of the torrent's name.
fn is_lone_file(dict: &Dict<'_>, name: &[u8]) -> bool {
    let Some(tree) = dict.dict("file tree") else { return false };
    tree.len() == 1 && tree.dict(name).is_some_and(|entry| entry.get(b"").is_some())
}

/// BEP 27. Whatever is not plainly "no" counts as yes: a leak cannot be taken back.
fn is_private(dict: &Dict<'_>) -> bool {
    !matches!(dict.get("private"), None | Some(Value::Int(0)))
}

/// Sets the offsets and gives the sum.
fn place(files: &mut [FileEntry]) -> Result<u64, MetainfoError> {
    let mut offset: u64 = 0;
    for file in files {
        file.offset = offset;
        offset = offset.checked_add(file.len).ok_or(MetainfoError::Length)?;
    }
    if offset == 0 { Err(MetainfoError::Length) } else { Ok(offset) }
}

fn piece_count(total_len: u64, piece_length: u32) -> Result<u32, MetainfoError> {
    let count = total_len.div_ceil(u64::from(piece_length));
    u32::try_from(count).ok().filter(|count| *count <= MAX_PIECES).ok_or(MetainfoError::TooManyPieces { count })
}

fn v1_hashes(dict: &Dict<'_>, piece_count: u32) -> Result<Bytes, MetainfoError> {
    let hashes = dict.bytes("pieces").ok_or(MetainfoError::MissingPieces)?;
    let needed = u64::from(piece_count) * 20;
    if hashes.len() as u64 != needed {
        return Err(MetainfoError::PieceHashes { found: hashes.len(), needed });
    }
    Ok(Bytes::copy_from_slice(hashes))
}
