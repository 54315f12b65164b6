//! The encoder: owned or borrowed items, written in canonical form.

use std::{borrow::Cow, collections::BTreeMap, io::Write as _};

use super::Value;

/// A value to encode. Dictionaries are kept by key, so what is written is always sorted and never
/// has a key twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item<'a> {
    /// `i…e`
    Int(i64),
    /// `N:…`
    Bytes(Cow<'a, [u8]>),
    /// `l…e`
    List(Vec<Item<'a>>),
    /// `d…e`
    Dict(BTreeMap<Cow<'a, [u8]>, Item<'a>>),
    /// Bytes that are bencoding already and are written as they are: an info dictionary, whose
    /// hash must not change.
    Raw(Cow<'a, [u8]>),
}

impl<'a> Item<'a> {
    /// A byte string.
    pub fn bytes(bytes: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self::Bytes(Cow::Borrowed(bytes.as_ref()))
    }

    /// A dictionary of these entries; of two with one key the later stays.
    pub fn dict<K: AsRef<[u8]> + ?Sized + 'a>(entries: impl IntoIterator<Item = (&'a K, Item<'a>)>) -> Self {
        Self::Dict(entries.into_iter().map(|(key, item)| (Cow::Borrowed(key.as_ref()), item)).collect())
    }

    /// A list of these items.
    pub fn list(items: impl IntoIterator<Item = Item<'a>>) -> Self {
        Self::List(items.into_iter().collect())
    }

    /// The encoded bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_to(&mut out);
        out
    }

    /// Appends the encoded bytes.
    pub fn encode_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(n) => write_ascii(out, format_args!("i{n}e")),
            Self::Bytes(bytes) => write_bytes(out, bytes),
            Self::List(items) => {
                out.push(b'l');
                items.iter().for_each(|item| item.encode_to(out));
                out.push(b'e');
            }
            Self::Dict(entries) => {
                out.push(b'd');
                for (key, item) in entries {
                    write_bytes(out, key);
                    item.encode_to(out);
                }
                out.push(b'e');
            }
            Self::Raw(raw) => out.extend_from_slice(raw),
        }
    }
}

fn write_ascii(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing into a vector cannot fail.
    let _ = out.write_fmt(text);
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_ascii(out, format_args!("{}:", bytes.len()));
    out.extend_from_slice(bytes);
}

impl From<i64> for Item<'_> {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<i32> for Item<'_> {
    fn from(n: i32) -> Self {
        Self::Int(n.into())
    }
}

impl From<u32> for Item<'_> {
    fn from(n: u32) -> Self {
        Self::Int(n.into())
    }
}

impl<'a> From<&'a [u8]> for Item<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl<'a> From<&'a str> for Item<'a> {
    fn from(text: &'a str) -> Self {
        Self::Bytes(Cow::Borrowed(text.as_bytes()))
    }
}

impl From<Vec<u8>> for Item<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(Cow::Owned(bytes))
    }
}

impl From<String> for Item<'_> {
    fn from(text: String) -> Self {
        Self::Bytes(Cow::Owned(text.into_bytes()))
    }
}

impl<'a> From<&Value<'a>> for Item<'a> {
    fn from(value: &Value<'a>) -> Self {
        match value {
            Value::Int(n) => Self::Int(*n),
            Value::Bytes(bytes) => Self::Bytes(Cow::Borrowed(bytes)),
            Value::List(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Dict(dict) => {
                Self::Dict(dict.iter().map(|e| (Cow::Borrowed(e.key), Self::from(&e.value))).collect())
            }
        }
    }
}
