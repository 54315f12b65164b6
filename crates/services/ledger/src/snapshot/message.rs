//! What is asked and answered on the stream `ledger-snapshot/1`.
//!
//! Who opens it sends the hash of the genesis (32 bytes), then questions of 33 bytes; each is answered before the next one
//! is looked at.
//!
//! | byte | question | then 32 bytes |
//! |---|---|---|
//! | 1 | headers | the first height (8), zeros |
//! | 2 | manifest | zeros |
//! | 3 | chunk | its hash |
//!
//! An answer is four length bytes (big-endian) and, in what they count, a byte that says how it stands, and the rest:
//!
//! | byte | answer | then |
//! |---|---|---|
//! | 0 | nothing | it is not kept here |
//! | 1 | wait | it is being made: ask again in a second |
//! | 2 | here | RLP of [`DecidedBlock`]s, the manifest, or the chunk |

use alloy_primitives::{B256, Bytes};
use alloy_rlp::{Decodable as _, RlpDecodable, RlpEncodable};
use weft_evm::snapshot::{MAX_CHUNK_BYTES, MAX_MANIFEST_BYTES};

use crate::light::MAX_LIGHT_BLOCKS;

/// Bytes of a question.
pub(super) const QUESTION_BYTES: usize = 33;

/// 4 MiB of headers are given at once, or [`MAX_LIGHT_BLOCKS`].
pub(super) const MAX_HEADERS_BYTES: usize = 4 << 20;

/// The longest answer, in bytes after its length.
pub const MAX_ANSWER: usize = 1 + longest([MAX_HEADERS_BYTES, MAX_MANIFEST_BYTES, MAX_CHUNK_BYTES]);

const fn longest([a, b, c]: [usize; 3]) -> usize {
    let ab = if a > b { a } else { b };
    if ab > c { ab } else { c }
}

const HEADERS: u8 = 1;
const MANIFEST: u8 = 2;
const CHUNK: u8 = 3;

const NOTHING: u8 = 0;
const WAIT: u8 = 1;
const HERE: u8 = 2;

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// For decided headers from this height on.
    Headers(u64),
    /// For the manifest of the newest snapshot.
    Manifest,
    /// For the chunk with this hash.
    Chunk(B256),
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is not kept here.
    Nothing,
    /// It is being made.
    Wait,
    /// What was asked for.
    Here(Bytes),
}

/// A header as it travels: what decides it, and the set that decides the next height where that is another.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct DecidedBlock {
    /// The header, RLP.
    pub header: Bytes,
    /// Its certificate, as validators encode it.
    pub certificate: Bytes,
    /// The set of the next height if it is not that of this one, else nothing.
    pub set: Bytes,
}

/// Why bytes are no message: who sent them is broken or hostile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotMessageError {
    /// A kind that nobody knows.
    #[error("a message of kind {0}, which there is not")]
    Kind(u8),
    /// It is longer than any, or empty.
    #[error("an answer of {0} bytes, where 1 to {MAX_ANSWER} may be")]
    Length(usize),
    /// It has more headers than are given at once, or none.
    #[error("{0} headers at once, where 1 to {MAX_LIGHT_BLOCKS} may be")]
    Headers(usize),
    /// It is not what was agreed.
    #[error("headers that cannot be read: {0}")]
    Malformed(alloy_rlp::Error),
}

impl Question {
    /// As bytes.
    pub fn encode(&self) -> [u8; QUESTION_BYTES] {
        let mut bytes = [0; QUESTION_BYTES];
        match self {
            Question::Headers(from) => {
                bytes[0] = HEADERS;
                bytes[1..9].copy_from_slice(&from.to_be_bytes());
            }
            Question::Manifest => bytes[0] = MANIFEST,
            Question::Chunk(hash) => {
                bytes[0] = CHUNK;
                bytes[1..].copy_from_slice(hash.as_slice());
            }
        }
        bytes
    }

    /// From bytes.
    ///
    /// # Errors
    /// [`SnapshotMessageError::Kind`].
    pub fn decode(bytes: &[u8; QUESTION_BYTES]) -> Result<Self, SnapshotMessageError> {
        let [kind, body @ ..] = bytes;
        match *kind {
            HEADERS => {
                let mut from = [0; 8];
                from.copy_from_slice(&body[..8]);
                Ok(Question::Headers(u64::from_be_bytes(from)))
            }
            MANIFEST => Ok(Question::Manifest),
            CHUNK => Ok(Question::Chunk(B256::from(body))),
            other => Err(SnapshotMessageError::Kind(other)),
        }
    }
}

impl Answer {
    /// As bytes, with their length.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, body): (u8, &[u8]) = match self {
            Answer::Nothing => (NOTHING, &[]),
            Answer::Wait => (WAIT, &[]),
            Answer::Here(body) => (HERE, body),
        };
        let length = u32::try_from(1 + body.len()).unwrap_or(u32::MAX);
        [&length.to_be_bytes()[..], &[kind], body].concat()
    }

    /// From the bytes after the length.
    ///
    /// # Errors
    /// [`SnapshotMessageError`].
    pub fn decode(bytes: &Bytes) -> Result<Self, SnapshotMessageError> {
        match bytes.first() {
            _ if bytes.len() > MAX_ANSWER => Err(SnapshotMessageError::Length(bytes.len())),
            None => Err(SnapshotMessageError::Length(0)),
            Some(&NOTHING) => Ok(Answer::Nothing),
            Some(&WAIT) => Ok(Answer::Wait),
            Some(&HERE) => Ok(Answer::Here(bytes.slice(1..))),
            Some(&other) => Err(SnapshotMessageError::Kind(other)),
        }
    }
}

/// The bytes of headers.
pub(super) fn encode_headers(blocks: &[DecidedBlock]) -> Bytes {
    let mut bytes = Vec::new();
    alloy_rlp::encode_list(blocks, &mut bytes);
    bytes.into()
}

/// Headers of their bytes.
pub(super) fn decode_headers(mut bytes: &[u8]) -> Result<Vec<DecidedBlock>, SnapshotMessageError> {
    let blocks = Vec::<DecidedBlock>::decode(&mut bytes).map_err(SnapshotMessageError::Malformed)?;
    if !bytes.is_empty() {
        return Err(SnapshotMessageError::Malformed(alloy_rlp::Error::UnexpectedLength));
    }
    let most = usize::try_from(MAX_LIGHT_BLOCKS).unwrap_or(usize::MAX);
    if blocks.is_empty() || blocks.len() > most {
        return Err(SnapshotMessageError::Headers(blocks.len()));
    }
    Ok(blocks)
}

/// What a fuzzer gives to the readers of this module: they may refuse anything and panic at nothing. Says whether it was a
/// question, or headers.
#[doc(hidden)]
pub fn fuzz(bytes: &[u8]) -> bool {
    let question = bytes.first_chunk::<QUESTION_BYTES>().and_then(|bytes| Question::decode(bytes).ok());
    if let Some(question) = question {
        assert_eq!(Question::decode(&question.encode()), Ok(question));
    }
    let headers = match Answer::decode(&Bytes::copy_from_slice(bytes)) {
        Ok(Answer::Here(body)) => decode_headers(&body).ok(),
        _ => None,
    };
    if let Some(headers) = &headers {
        assert_eq!(decode_headers(&encode_headers(headers)).as_ref(), Ok(headers));
    }
    question.is_some() || headers.is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_asked_and_answered_is_read_as_it_was_written() {
        for question in [Question::Headers(u64::MAX), Question::Manifest, Question::Chunk(B256::repeat_byte(7))] {
            assert_eq!(Question::decode(&question.encode()), Ok(question));
        }
        for answer in [Answer::Nothing, Answer::Wait, Answer::Here(Bytes::from_static(b"chunk"))] {
            let bytes = answer.encode();
            let (length, rest) = bytes.split_first_chunk::<4>().unwrap();
            assert_eq!(u32::from_be_bytes(*length) as usize, rest.len());
            assert_eq!(Answer::decode(&Bytes::copy_from_slice(rest)), Ok(answer));
        }
    }

    #[test]
    fn more_headers_than_are_given_at_once_are_refused_and_so_are_none() {
        let block = DecidedBlock { header: Bytes::new(), certificate: Bytes::new(), set: Bytes::new() };
        for count in [0, 257] {
            let bytes = encode_headers(&vec![block.clone(); count]);
            assert_eq!(decode_headers(&bytes), Err(SnapshotMessageError::Headers(count)));
        }
        assert_eq!(decode_headers(&encode_headers(&vec![block; 256])).map(|blocks| blocks.len()), Ok(256));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(bytes: Vec<u8>) {
            fuzz(&bytes);
        }
    }
}
