//! Bencoding (BEP 3): the encoding of metainfo files, extension messages and tracker answers.
//!
//! The decoder borrows from its input and keeps, for each dictionary entry, the exact bytes of the
//! value ([`Dict::get_raw`]), because an info-hash is a hash over the bytes as they came. It is
//! strict about numbers (no leading zeros, no `-0`, nothing outside 64 bits) and about keys that
//! occur twice, so that two readers cannot see two different torrents; it takes unsorted keys,
//! which real files have ([`Dict::is_sorted`] tells). The encoder writes canonical form alone.
//!
//! ```
//! use weft_bittorrent::bencode::{Item, Limits, decode, decode_prefix};
//!
//! let bytes = Item::dict([("msg_type", Item::from(1)), ("piece", Item::from(0))]).encode();
//! assert_eq!(bytes, b"d8:msg_typei1e5:piecei0ee");
//!
//! let value = decode(&bytes, Limits::MESSAGE)?;
//! assert_eq!(value.as_dict().and_then(|d| d.int("msg_type")), Some(1));
//!
//! // A metadata message of BEP 9 is a dictionary with raw data after it.
//! let message = [bytes.as_slice(), b"the data"].concat();
//! let (_, used) = decode_prefix(&message, Limits::MESSAGE)?;
//! assert_eq!(&message[used..], b"the data");
//! # Ok::<(), weft_bittorrent::bencode::DecodeError>(())
//! ```

mod decode;
mod encode;
mod value;

pub use decode::{DecodeError, Limits, decode, decode_prefix};
pub use encode::Item;
pub use value::{Dict, Entry, Value};

#[cfg(test)]
mod tests;
