use std::{borrow::Cow, collections::BTreeMap};

use proptest::prelude::*;

use super::*;

const L: Limits = Limits::METAINFO;

fn at(input: &[u8]) -> Result<Value<'_>, DecodeError> {
    decode(input, L)
}

#[test]
fn integers() {
    assert_eq!(at(b"i0e"), Ok(Value::Int(0)));
    assert_eq!(at(b"i-1e"), Ok(Value::Int(-1)));
    assert_eq!(at(b"i9223372036854775807e"), Ok(Value::Int(i64::MAX)));
    assert_eq!(at(b"i-9223372036854775808e"), Ok(Value::Int(i64::MIN)));
    for bad in ["ie", "i-e", "i00e", "i01e", "i-0e", "i-01e", "i+1e", "i 1e", "i1", "i1x", "i--1e"] {
        assert!(at(bad.as_bytes()).is_err(), "{bad}");
    }
    for bad in ["i9223372036854775808e", "i-9223372036854775809e", "i99999999999999999999e"] {
        assert_eq!(at(bad.as_bytes()), Err(DecodeError::Integer { at: 1 }), "{bad}");
    }
}

#[test]
fn strings() {
    assert_eq!(at(b"0:"), Ok(Value::Bytes(b"")));
    assert_eq!(at(b"3:a\0b"), Ok(Value::Bytes(b"a\0b")));
    assert_eq!(at(b"4:abc"), Err(DecodeError::Truncated { at: 5 }));
    assert_eq!(at(b"03:abc"), Err(DecodeError::Integer { at: 0 }));
    assert!(at(b"9223372036854775807:a").is_err());
    assert!(at(b"3abc").is_err());
    assert!(at(b"-1:a").is_err());
}

#[test]
fn dictionaries() {
    let value = at(b"d1:bi1e1:ali2eee").unwrap();
    let dict = value.as_dict().unwrap();
    assert!(!dict.is_sorted());
    assert_eq!(dict.int("b"), Some(1));
    assert_eq!(dict.get_raw("a"), Some(&b"li2ee"[..]));
    assert_eq!(dict.iter().map(|e| e.key).collect::<Vec<_>>(), [b"b", b"a"]);
    assert_eq!(at(b"d1:ai1e1:ai2ee"), Err(DecodeError::DuplicateKey { at: 0 }));
    assert_eq!(at(b"d1:ai1e1:bi0e1:ai2ee"), Err(DecodeError::DuplicateKey { at: 0 }));
    assert_eq!(at(b"di1ei2ee"), Err(DecodeError::Key { at: 1 }));
    assert!(at(b"d1:ae").is_err());
    assert!(at(b"d1:a").is_err());
}

#[test]
fn bounds() {
    let nested = |n: usize| [vec![b'l'; n], vec![b'e'; n]].concat();
    assert!(at(&nested(100)).is_ok());
    assert_eq!(at(&nested(101)), Err(DecodeError::TooDeep { limit: 100 }));
    assert_eq!(at(&vec![b'l'; 1 << 20]), Err(DecodeError::TooDeep { limit: 100 }));
    let few = Limits { depth: 2, items: 3 };
    assert!(decode(b"li1ei2ee", few).is_ok());
    assert_eq!(decode(b"li1ei2ei3ee", few), Err(DecodeError::TooManyItems { limit: 3 }));
}

#[test]
fn what_follows_is_counted() {
    assert_eq!(decode_prefix(b"i1etail", L), Ok((Value::Int(1), 3)));
    assert_eq!(at(b"i1etail"), Err(DecodeError::Trailing { extra: 4 }));
    assert_eq!(at(b""), Err(DecodeError::Truncated { at: 0 }));
}

fn item() -> impl Strategy<Value = Item<'static>> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..12);
    let leaf = prop_oneof![any::<i64>().prop_map(Item::Int), bytes().prop_map(Item::from)];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        let map = proptest::collection::btree_map(bytes().prop_map(Cow::Owned), inner.clone(), 0..6);
        prop_oneof![
            proptest::collection::vec(inner, 0..6).prop_map(Item::List),
            map.prop_map(|entries: BTreeMap<_, _>| Item::Dict(entries)),
        ]
    })
}

proptest! {
    #[test]
    fn encoding_round_trips(item in item(), tail in proptest::collection::vec(any::<u8>(), 0..8)) {
        let mut bytes = item.encode();
        let len = bytes.len();
        {
            let value = at(&bytes).unwrap();
            prop_assert_eq!(Item::from(&value).encode(), bytes.clone());
        }
        bytes.extend(tail);
        let (value, used) = decode_prefix(&bytes, L).unwrap();
        prop_assert_eq!(used, len);
        prop_assert_eq!(Item::from(&value), item);
    }

    #[test]
    fn every_cut_is_an_error(item in item()) {
        let bytes = item.encode();
        for cut in 0..bytes.len() {
            prop_assert!(decode_prefix(&bytes[..cut], L).is_err());
        }
    }

    #[test]
    fn any_bytes_decode_or_fail(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        let _ = decode_prefix(&bytes, L);
    }

    #[test]
    fn bencode_like_bytes_decode_or_fail(text in "[ilde0-9:a-]{0,64}") {
        if let Ok((value, used)) = decode_prefix(text.as_bytes(), L) {
            let dict_free_of_order = Item::from(&value).encode();
            prop_assert_eq!(dict_free_of_order.len(), used);
        }
    }
}
