//! What the decoder gives: values that borrow from the input.

/// One decoded value, borrowing from the bytes it was decoded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// `i…e`
    Int(i64),
    /// `N:…`; any bytes, not only text.
    Bytes(&'a [u8]),
    /// `l…e`
    List(Vec<Value<'a>>),
    /// `d…e`
    Dict(Dict<'a>),
}

impl<'a> Value<'a> {
    /// The integer, if this is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(*n),
            _ => None,
        }
    }

    /// The byte string, if this is one.
    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The byte string as text, if this is a byte string and valid UTF-8.
    pub fn as_str(&self) -> Option<&'a str> {
        self.as_bytes().and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// The list's items, if this is a list.
    pub fn as_list(&self) -> Option<&[Value<'a>]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The dictionary, if this is one.
    pub fn as_dict(&self) -> Option<&Dict<'a>> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }
}

/// One key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The key's bytes.
    pub key: &'a [u8],
    /// The decoded value.
    pub value: Value<'a>,
    /// The exact bytes that encode the value.
    pub raw: &'a [u8],
}

/// A dictionary in the order of its input. No key occurs twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dict<'a> {
    entries: Vec<Entry<'a>>,
    sorted: bool,
}

impl<'a> Dict<'a> {
    /// Takes the entries over unless a key occurs twice.
    pub(super) fn new(entries: Vec<Entry<'a>>) -> Option<Self> {
        let sorted = entries.is_sorted_by(|a, b| a.key < b.key);
        if !sorted {
            let mut keys: Vec<_> = entries.iter().map(|entry| entry.key).collect();
            keys.sort_unstable();
            if !keys.is_sorted_by(|a, b| a < b) {
                return None;
            }
        }
        Some(Self { entries, sorted })
    }

    /// Whether the keys came in order, as BEP 3 demands and not all writers do.
    pub fn is_sorted(&self) -> bool {
        self.sorted
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries in the order of the input.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry<'a>> {
        self.entries.iter()
    }

    fn entry(&self, key: impl AsRef<[u8]>) -> Option<&Entry<'a>> {
        let key = key.as_ref();
        if self.sorted {
            let at = self.entries.binary_search_by(|entry| entry.key.cmp(key)).ok()?;
            self.entries.get(at)
        } else {
            self.entries.iter().find(|entry| entry.key == key)
        }
    }

    /// The value under a key.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<&Value<'a>> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The exact bytes that encode the value under a key: what an info-hash is taken over.
    pub fn get_raw(&self, key: impl AsRef<[u8]>) -> Option<&'a [u8]> {
        self.entry(key).map(|entry| entry.raw)
    }

    /// The integer under a key, if it is one.
    pub fn int(&self, key: impl AsRef<[u8]>) -> Option<i64> {
        self.get(key)?.as_int()
    }

    /// The byte string under a key, if it is one.
    pub fn bytes(&self, key: impl AsRef<[u8]>) -> Option<&'a [u8]> {
        self.get(key)?.as_bytes()
    }

    /// The text under a key, if it is a byte string of valid UTF-8.
    pub fn str(&self, key: impl AsRef<[u8]>) -> Option<&'a str> {
        self.get(key)?.as_str()
    }

    /// The list under a key, if it is one.
    pub fn list(&self, key: impl AsRef<[u8]>) -> Option<&[Value<'a>]> {
        self.get(key)?.as_list()
    }

    /// The dictionary under a key, if it is one.
    pub fn dict(&self, key: impl AsRef<[u8]>) -> Option<&Dict<'a>> {
        self.get(key)?.as_dict()
    }
}

impl<'s, 'a> IntoIterator for &'s Dict<'a> {
    type Item = &'s Entry<'a>;
    type IntoIter = std::slice::Iter<'s, Entry<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
