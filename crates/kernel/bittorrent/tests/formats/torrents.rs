//! libtorrent's 108 test torrents: we accept what it accepts and refuse what it refuses.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sha1::Digest as _;
use weft_bittorrent::{
    bencode::DecodeError,
    metainfo::{FileKind, Metainfo, MetainfoError, Version},
};

type Judge = fn(&MetainfoError) -> bool;

/// Refused by both, but we meet another fault first.
const OTHER_FAULT_FIRST: &[(&str, Judge)] = &[
    // It also has a key twice, which we never take.
    ("bad_name.torrent", |e| matches!(e, MetainfoError::Bencode(DecodeError::DuplicateKey { .. }))),
    // The file is so large that it has too many pieces; we have no bound of its own on a length.
    ("v2_large_file.torrent", |e| matches!(e, MetainfoError::TooManyPieces { .. })),
];

/// Whether our error is what libtorrent calls this.
fn is_reason(reason: &str, error: &MetainfoError) -> bool {
    use MetainfoError as E;
    match reason {
        "torrent_is_no_dict" | "torrent_missing_info" => matches!(error, E::MissingInfo),
        "torrent_missing_name" => matches!(error, E::Name),
        "torrent_invalid_name" => matches!(error, E::Path),
        "torrent_invalid_length" => matches!(error, E::Length),
        "torrent_missing_piece_length" => matches!(error, E::PieceLength),
        "torrent_missing_pieces" => matches!(error, E::MissingPieces),
        "torrent_invalid_hashes" => matches!(error, E::PieceHashes { .. }),
        "too_many_pieces_in_torrent" => matches!(error, E::TooManyPieces { .. }),
        "too_many_duplicate_filenames" => matches!(error, E::TooManyDuplicates),
        "no_files_in_torrent" => matches!(error, E::NoFiles),
        "torrent_file_parse_failed" => matches!(error, E::FileTree(_)),
        "torrent_inconsistent_files" => matches!(error, E::Inconsistent),
        "torrent_invalid_pad_file" => matches!(error, E::PadFile),
        "torrent_invalid_piece_layer" => matches!(error, E::PieceLayer),
        "torrent_missing_pieces_root" => matches!(error, E::PiecesRoot),
        "depth_exceeded" => matches!(error, E::Bencode(DecodeError::TooDeep { .. })),
        "invalid_bencoding" => matches!(error, E::Bencode(DecodeError::Integer { .. }) | E::FileTree(_)),
        _ => false,
    }
}

/// Files that libtorrent's own tests do not load as whole torrents: file, and whether we take it.
const OTHERS: &[(&str, bool)] = &[
    // Both are sound torrents; libtorrent uses them in other tests.
    ("sample.torrent", true),
    ("v2_empty_file.torrent", true),
    // BEP 52 does not ask for padding after the last file.
    ("v2_hybrid-missing-tailpad.torrent", true),
    // Its piece layer does not hash to the file's root.
    ("v2_invalid_root_hash.torrent", false),
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/fixtures/bittorrent")
}

/// Unpacks the torrents below the target folder; `None` (and a line that says so) without fixtures.
fn unpack() -> Option<(PathBuf, String)> {
    let skip = || eprintln_skip("libtorrent's test torrents (tests/torrents of its repository)");
    let Ok(expected) = fs::read_to_string(fixtures().join("expected.tsv")) else {
        skip();
        return None;
    };
    let archive = fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()).find(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libtorrent-test-torrents-"))
    });
    let Some(archive) = archive else {
        skip();
        return None;
    };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap().keep();
    let status = Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&folder).status().unwrap();
    assert!(status.success(), "tar could not unpack {}", archive.display());
    Some((folder, expected))
}

#[allow(clippy::print_stderr)]
fn eprintln_skip(source: &str) {
    eprintln!("skipped: {source} are not in ../shared/fixtures/bittorrent");
}

#[test]
fn verdicts_are_those_of_libtorrent() {
    let Some((folder, expected)) = unpack() else { return };
    let mut wrong = Vec::new();
    let mut judged = 0;
    for line in expected.lines().skip(1) {
        let mut columns = line.split('\t');
        let (name, verdict) = (columns.next().unwrap(), columns.next().unwrap());
        let reason = columns.next().unwrap_or_default();
        let accept = match verdict {
            "accept" => true,
            "refuse" => false,
            "other" => OTHERS.iter().find(|(other, _)| *other == name).unwrap_or_else(|| panic!("{name}")).1,
            unknown => panic!("verdict {unknown} of {name}"),
        };
        let bytes = fs::read(folder.join("torrents").join(name)).unwrap();
        let ours = Metainfo::from_bytes(&bytes);
        judged += 1;
        let right = match &ours {
            Ok(meta) => {
                check(name, meta);
                accept
            }
            Err(error) if verdict == "refuse" => {
                let other = OTHER_FAULT_FIRST.iter().find(|(file, _)| *file == name);
                other.map_or_else(|| is_reason(reason, error), |(_, expected)| expected(error))
            }
            Err(_) => !accept,
        };
        if !right {
            wrong.push(format!("{name}: {verdict} {reason}; we say {:?}", ours.map(|_| "accept")));
        }
    }
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(judged, 108);
    assert!(wrong.is_empty(), "{} verdicts differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// What holds for every torrent that we take.
fn check(name: &str, meta: &Metainfo) {
    let info = &meta.info;
    assert_eq!(&Metainfo::from_bytes(&meta.to_bytes()).unwrap(), meta, "{name}: round trip");
    let mut end = 0;
    let mut paths = std::collections::HashSet::new();
    for (index, file) in info.files().iter().enumerate() {
        assert_eq!(file.offset(), end, "{name}: files follow one another");
        end += file.len();
        let Some(path) = info.disk_path(index) else {
            assert!(file.is_pad(), "{name}");
            continue;
        };
        let inside = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        assert!(inside && path.is_relative(), "{name}: {}", path.display());
        assert!(paths.insert(path), "{name}: {} twice", file.path());
        if let FileKind::Symlink { target } = file.kind() {
            assert!(file.is_empty() && !target.split('/').any(|part| part == ".."), "{name}");
        }
    }
    assert_eq!(info.total_len(), end, "{name}");
    let pieces: u64 = (0..info.piece_count()).map(|piece| u64::from(info.piece_len(piece))).sum();
    assert_eq!(pieces, end, "{name}");
    let last_hash = info.piece_hash(info.piece_count() - 1);
    assert_eq!(last_hash.is_some(), info.version() != Version::V2, "{name}");
}

#[test]
fn details_of_some_torrents() {
    let Some((folder, _)) = unpack() else { return };
    let load = |name: &str| Metainfo::from_bytes(&fs::read(folder.join("torrents").join(name)).unwrap()).unwrap();
    let paths = |name: &str| load(name).info.files().iter().map(|f| f.path().to_owned()).collect::<Vec<_>>();

    assert_eq!(paths("parent_path.torrent"), ["bar"]);
    assert_eq!(paths("hidden_parent_path.torrent"), ["foo_.._.._.._bar/bar"]);
    assert_eq!(paths("absolute_filename.torrent"), ["abcde", "_foobar"]);
    assert_eq!(paths("duplicate_files.torrent"), ["foo/bar.txt", "foo/bar.1.txt"]);
    assert_eq!(load("slash_path3.torrent").info.name(), "temp_.._.._abc");
    assert_eq!(load("invalid_name2.torrent").info.name(), "_");
    assert!(load("pad_file.torrent").info.files()[1].is_pad());
    assert!(load("pad_file_no_path.torrent").info.files()[1].is_pad());
    // The info-hash is over the bytes as they came, although their keys are out of order.
    let bytes = fs::read(folder.join("torrents/unordered.torrent")).unwrap();
    let at = bytes.windows(6).position(|window| window == b"4:info").unwrap() + 6;
    let digest: [u8; 20] = sha1::Sha1::digest(&bytes[at..bytes.len() - 1]).into();
    assert_eq!(load("unordered.torrent").info.info_hash().0, digest);
    assert_eq!(load("whitespace_url.torrent").announce, [["udp://test.com/announce"]]);
    assert_eq!(load("dht_nodes.torrent").nodes.len(), 2);
    assert_eq!(load("duplicate_web_seeds.torrent").url_list.len(), 3);

    let link = load("symlink1.torrent");
    assert_eq!(link.info.files()[1].kind(), &FileKind::Symlink { target: "a/b/bar".into() });

    let v2 = load("v2_multiple_files.torrent");
    assert_eq!(v2.info.version(), Version::V2);
    assert_eq!(v2.piece_layers.len(), 3);
    assert_eq!(v2.info.info_hash_v2().unwrap().truncated(), v2.info.info_hash());
    let hybrid = load("v2_hybrid.torrent");
    assert_eq!(hybrid.info.version(), Version::Hybrid);
    assert!(hybrid.info.files().iter().all(|f| f.is_pad() || f.pieces_root().is_some()));
    assert!(!load("v2_only.torrent").info.is_folder());
    fs::remove_dir_all(&folder).unwrap();
}
