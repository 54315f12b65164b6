use proptest::prelude::*;

use super::*;
use crate::bencode::Item;

fn v1_info(files: Item<'_>, len_for_pieces: u64) -> Vec<u8> {
    let pieces = vec![7u8; len_for_pieces.div_ceil(16_384) as usize * 20];
    Item::dict([
        ("files", files),
        ("name", Item::from("folder")),
        ("piece length", Item::from(16_384)),
        ("pieces", Item::from(pieces)),
    ])
    .encode()
}

fn file(len: i64, path: &[&'static str]) -> Item<'static> {
    Item::dict([("length", Item::from(len)), ("path", Item::list(path.iter().map(|part| Item::from(*part))))])
}

#[test]
fn pieces_and_lengths() {
    let raw = v1_info(Item::list([file(20_000, &["a"]), file(0, &["e"]), file(15_000, &["d", "b"])]), 35_000);
    let info = Info::from_bytes(&raw).unwrap();
    assert_eq!((info.piece_count(), info.total_len(), info.version()), (3, 35_000, Version::V1));
    assert_eq!([0, 1, 2, 3, u32::MAX].map(|piece| info.piece_len(piece)), [16_384, 16_384, 2_232, 0, 0]);
    assert_eq!(info.piece_hash(2), Some([7; 20]));
    assert_eq!(info.piece_hash(3), None);
    assert_eq!(info.files().iter().map(FileEntry::offset).collect::<Vec<_>>(), [0, 20_000, 20_000]);
    assert_eq!(info.disk_path(2).unwrap(), std::path::Path::new("folder/d/b"));
    assert_eq!(info.disk_path(3), None);
    assert!(!info.is_private());
    assert_eq!(info.raw(), &raw);
}

#[test]
fn the_outside_is_read_and_written_again() {
    let raw = v1_info(Item::list([file(1, &["a"])]), 1);
    let tiers = Item::list([
        Item::list([Item::from("udp://t1.example:80"), Item::from("not a url"), Item::from("udp://t1.example:80")]),
        Item::list([Item::from(" https://t2.example/announce ")]),
        Item::list([Item::from("javascript:alert(1)")]),
    ]);
    let bytes = Item::dict([
        ("announce", Item::from("http://ignored.example/")),
        ("announce-list", tiers),
        ("comment", Item::from("two\nlines\x1b[31m")),
        ("creation date", Item::from(5)),
        ("httpseeds", Item::list([Item::from("http://s.example/x")])),
        ("info", Item::from(&bencode_value(&raw))),
        (
            "nodes",
            Item::list([
                Item::list([Item::from("n.example"), Item::from(6881)]),
                Item::list([Item::from("n.example"), Item::from(70_000)]),
            ]),
        ),
        ("url-list", Item::from("http://w.example/f")),
    ])
    .encode();
    let meta = Metainfo::from_bytes(&[&bytes[..], b"\r\n"].concat()).unwrap();
    assert_eq!(meta.announce, [["udp://t1.example:80"], ["https://t2.example/announce"]]);
    assert_eq!(meta.comment.as_deref(), Some("two\nlines[31m"));
    assert_eq!((meta.url_list.len(), meta.http_seeds.len(), meta.nodes.len()), (1, 1, 1));
    assert_eq!(meta.info.raw(), &raw);
    assert_eq!(Metainfo::from_bytes(&meta.to_bytes()).unwrap(), meta);
}

fn bencode_value(raw: &[u8]) -> crate::bencode::Value<'_> {
    crate::bencode::decode(raw, crate::bencode::Limits::METAINFO).unwrap()
}

#[test]
fn private_is_whatever_is_not_plainly_public() {
    let with = |private: Item<'static>| {
        let raw = Item::dict([
            ("length", Item::from(1)),
            ("name", Item::from("n")),
            ("piece length", Item::from(16_384)),
            ("pieces", Item::from(vec![0; 20])),
            ("private", private),
        ]);
        Info::from_bytes(&raw.encode()).unwrap().is_private()
    };
    assert!(with(Item::from(1)) && with(Item::from("1")) && with(Item::from(-1)));
    assert!(!with(Item::from(0)));
}

#[test]
fn bounds_hold() {
    let many = Item::list((0..=MAX_FILES).map(|_| file(1, &["a"])));
    let raw = v1_info(many, 1);
    assert_eq!(Info::from_bytes(&raw), Err(MetainfoError::TooManyFiles));
    let deep = Item::list([file(1, &["d"; MAX_PATH_DEPTH + 1])]);
    assert_eq!(Info::from_bytes(&v1_info(deep, 1)), Err(MetainfoError::PathTooLong));
    let sum = Item::list((0..3).map(|_| file(i64::MAX, &["a"])));
    assert_eq!(Info::from_bytes(&v1_info(sum, 1)), Err(MetainfoError::Length));
    let pieces = Item::list([file(i64::MAX, &["a"])]);
    assert!(matches!(Info::from_bytes(&v1_info(pieces, 1)), Err(MetainfoError::TooManyPieces { .. })));
    let large = vec![b'l'; MAX_METAINFO_LEN + 1];
    assert_eq!(Metainfo::from_bytes(&large), Err(MetainfoError::TooLarge { len: MAX_METAINFO_LEN + 1 }));
}

proptest! {
    #[test]
    fn damaged_torrents_never_panic(at in 0usize..10_000, byte in any::<u8>(), cut in 0usize..10_000) {
        let mut raw = v1_info(Item::list([file(20_000, &["a", ".."]), file(15_000, &["d", "b"])]), 35_000);
        let at = at % raw.len();
        raw[at] = byte;
        let _ = Info::from_bytes(&raw);
        let cut = cut % raw.len();
        prop_assert!(Info::from_bytes(&raw[..cut]).is_err());
    }
}
