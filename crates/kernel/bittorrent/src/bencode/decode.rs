//! The decoder: one pass, bounded in depth and in number of values.

use super::{Dict, Entry, Value};

/// How much a sender may make the decoder build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Lists and dictionaries inside one another.
    pub depth: u32,
    /// Values in all, keys not counted.
    pub items: u32,
}

impl Limits {
    /// For metainfo: the depth is libtorrent's (a v2 file tree nests once a folder); two million
    /// values hold 2¹⁸ files with eight values each, and cost 130 MB at the very worst.
    pub const METAINFO: Self = Self { depth: 100, items: 2_000_000 };

    /// For extension messages: handshakes and peer exchange have a few dozen values.
    pub const MESSAGE: Self = Self { depth: 16, items: 2_048 };

    /// For tracker answers: five values a peer in the dictionary form, for some thousand peers
    /// or scraped torrents.
    pub const TRACKER: Self = Self { depth: 16, items: 32_768 };
}

/// Why bytes are not bencoding that we take. Offsets count from the start of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The input ends inside a value.
    #[error("bencoding ends in the middle of a value at byte {at}; the data was cut short")]
    Truncated {
        /// Where.
        at: usize,
    },
    /// A byte that begins no value.
    #[error("unexpected byte 0x{byte:02x} at byte {at}; this is not bencoding")]
    Unexpected {
        /// The byte.
        byte: u8,
        /// Where.
        at: usize,
    },
    /// Empty, with leading zeros, `-0`, or outside 64 bits.
    #[error("malformed or too large integer at byte {at}")]
    Integer {
        /// Where.
        at: usize,
    },
    /// A dictionary key that is not a byte string.
    #[error("dictionary key at byte {at} is not a string")]
    Key {
        /// Where.
        at: usize,
    },
    /// A dictionary has one key twice.
    #[error("a key occurs twice in the dictionary that begins at byte {at}")]
    DuplicateKey {
        /// Where the dictionary begins.
        at: usize,
    },
    /// Deeper than [`Limits::depth`].
    #[error("bencoding is nested deeper than {limit} levels")]
    TooDeep {
        /// The bound.
        limit: u32,
    },
    /// More values than [`Limits::items`].
    #[error("bencoding has more than {limit} values")]
    TooManyItems {
        /// The bound.
        limit: u32,
    },
    /// Bytes follow the value ([`decode`] alone refuses them).
    #[error("{extra} bytes follow the value")]
    Trailing {
        /// How many.
        extra: usize,
    },
}

/// Decodes a value that must fill the whole input.
pub fn decode(input: &[u8], limits: Limits) -> Result<Value<'_>, DecodeError> {
    let (value, used) = decode_prefix(input, limits)?;
    match input.len().saturating_sub(used) {
        0 => Ok(value),
        extra => Err(DecodeError::Trailing { extra }),
    }
}

/// Decodes the value at the start of the input and says how many bytes it took: messages of BEP 9
/// carry raw data after the dictionary.
pub fn decode_prefix(input: &[u8], limits: Limits) -> Result<(Value<'_>, usize), DecodeError> {
    let mut decoder = Decoder { input, at: 0, items_left: limits.items, limits };
    let value = decoder.value(limits.depth)?;
    Ok((value, decoder.at))
}

/// The most digits of a 64-bit integer (`-9223372036854775808` has 19) or of a length.
const MAX_DIGITS: usize = 19;

struct Decoder<'a> {
    input: &'a [u8],
    at: usize,
    items_left: u32,
    limits: Limits,
}

impl<'a> Decoder<'a> {
    fn peek(&self) -> Result<u8, DecodeError> {
        self.input.get(self.at).copied().ok_or(DecodeError::Truncated { at: self.at })
    }

    /// Recursion is at most [`Limits::depth`] frames deep.
    fn value(&mut self, depth_left: u32) -> Result<Value<'a>, DecodeError> {
        self.items_left =
            self.items_left.checked_sub(1).ok_or(DecodeError::TooManyItems { limit: self.limits.items })?;
        match self.peek()? {
            b'i' => {
                self.at += 1;
                self.integer(b'e').map(Value::Int)
            }
            b'0'..=b'9' => self.bytes().map(Value::Bytes),
            b'l' => self.list(self.deeper(depth_left)?),
            b'd' => self.dict(self.deeper(depth_left)?),
            byte => Err(DecodeError::Unexpected { byte, at: self.at }),
        }
    }

    fn deeper(&self, depth_left: u32) -> Result<u32, DecodeError> {
        depth_left.checked_sub(1).ok_or(DecodeError::TooDeep { limit: self.limits.depth })
    }

    fn list(&mut self, depth_left: u32) -> Result<Value<'a>, DecodeError> {
        self.at += 1;
        let mut items = Vec::new();
        while self.peek()? != b'e' {
            items.push(self.value(depth_left)?);
        }
        self.at += 1;
        Ok(Value::List(items))
    }

    fn dict(&mut self, depth_left: u32) -> Result<Value<'a>, DecodeError> {
        let start = self.at;
        self.at += 1;
        let mut entries = Vec::new();
        while self.peek()? != b'e' {
            if !self.peek()?.is_ascii_digit() {
                return Err(DecodeError::Key { at: self.at });
            }
            let key = self.bytes()?;
            let value_at = self.at;
            let value = self.value(depth_left)?;
            let raw = self.input.get(value_at..self.at).unwrap_or_default();
            entries.push(Entry { key, value, raw });
        }
        self.at += 1;
        Dict::new(entries).map(Value::Dict).ok_or(DecodeError::DuplicateKey { at: start })
    }

    fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self.integer(b':')?;
        let truncated = DecodeError::Truncated { at: self.input.len() };
        let end = usize::try_from(len).ok().and_then(|len| self.at.checked_add(len)).ok_or(truncated)?;
        let bytes = self.input.get(self.at..end).ok_or(truncated)?;
        self.at = end;
        Ok(bytes)
    }

    /// Reads digits up to the end mark and steps over it. Lengths (`:`) are entered on a digit,
    /// so a sign cannot stand there.
    fn integer(&mut self, end: u8) -> Result<i64, DecodeError> {
        let start = self.at;
        let malformed = DecodeError::Integer { at: start };
        let negative = self.peek()? == b'-';
        if negative {
            self.at += 1;
        }
        let digits_at = self.at;
        let mut magnitude: u64 = 0;
        loop {
            match self.peek()? {
                byte @ b'0'..=b'9' if self.at - digits_at < MAX_DIGITS => {
                    // Nineteen digits are below 10^19 and so fit 64 bits unsigned.
                    magnitude = magnitude * 10 + u64::from(byte - b'0');
                    self.at += 1;
                }
                byte if byte == end => break,
                _ => return Err(malformed),
            }
        }
        let digits = self.at - digits_at;
        let first_is_zero = self.input.get(digits_at) == Some(&b'0');
        if digits == 0 || first_is_zero && (digits > 1 || negative) {
            return Err(malformed);
        }
        self.at += 1;
        if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }.ok_or(malformed)
    }
}
