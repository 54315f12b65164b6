//! What peers say, as bytes. A message is one frame of the overlay; all of it is the message.
//!
//! | first byte | then |
//! |---|---|
//! | 1 announce | 1 to 256 different hashes |
//! | 2 get | request (4 bytes, big-endian), 1 to 256 different hashes |
//! | 3 transactions | request (4 bytes), at most 256 times: length (4 bytes), encoded transaction (EIP-2718) |
//!
//! A `get` is answered by one `transactions`, with what the peer has of what was asked, in that order, cut where the answer
//! would get longer than [`MAX_ANSWER_BYTES`] (but never before the first).

use alloy_primitives::{B256, Bytes};
use weft_evm::MAX_TRANSACTION_BYTES;

/// 256 hashes in a message.
pub const MAX_HASHES: usize = 256;

/// 512 KiB of transactions in an answer: one of the longest fits four times.
pub const MAX_ANSWER_BYTES: usize = 512 << 10;

/// The longest message: an answer with its 256 lengths.
pub const MAX_MESSAGE_BYTES: usize = 5 + 4 * MAX_HASHES + MAX_ANSWER_BYTES;

const ANNOUNCE: u8 = 1;
const GET: u8 = 2;
const TRANSACTIONS: u8 = 3;

/// A message between pools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// The sender has these.
    Announce {
        /// Transaction hashes.
        hashes: Vec<B256>,
    },
    /// The sender asks for these.
    Get {
        /// The asker's name for it.
        request: u32,
        /// Transaction hashes.
        hashes: Vec<B256>,
    },
    /// The answer to a `Get`.
    Transactions {
        /// The asker's name for it.
        request: u32,
        /// Encoded transactions, not yet looked at.
        raw: Vec<Bytes>,
    },
}

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// There are too many.
    #[error("a message of {0} bytes; at most {MAX_MESSAGE_BYTES} are read")]
    TooLong(usize),
    /// There are none, or fewer than the first ones say.
    #[error("a message ends too early")]
    Short,
    /// The first byte is none that is known.
    #[error("no message begins with {0}")]
    Kind(u8),
    /// Too few or too many hashes or transactions.
    #[error("a list of {0}; 1 to {MAX_HASHES} are read")]
    Count(usize),
    /// A hash stands there twice.
    #[error("a hash stands in a message twice")]
    Twice,
    /// A transaction of no or too many bytes.
    #[error("a transaction of {0} bytes; 1 to {MAX_TRANSACTION_BYTES} are read")]
    Transaction(usize),
}

impl Message {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.encoded_len());
        match self {
            Message::Announce { hashes } => {
                bytes.push(ANNOUNCE);
                hashes.iter().for_each(|hash| bytes.extend(hash));
            }
            Message::Get { request, hashes } => {
                bytes.push(GET);
                bytes.extend(request.to_be_bytes());
                hashes.iter().for_each(|hash| bytes.extend(hash));
            }
            Message::Transactions { request, raw } => {
                bytes.push(TRANSACTIONS);
                bytes.extend(request.to_be_bytes());
                for each in raw {
                    // At most MAX_TRANSACTION_BYTES by construction.
                    bytes.extend(u32::try_from(each.len()).unwrap_or(u32::MAX).to_be_bytes());
                    bytes.extend(each);
                }
            }
        }
        bytes
    }

    /// Length of the bytes.
    pub fn encoded_len(&self) -> usize {
        match self {
            Message::Announce { hashes } => 1 + 32 * hashes.len(),
            Message::Get { hashes, .. } => 5 + 32 * hashes.len(),
            Message::Transactions { raw, .. } => 5 + raw.iter().map(|each| 4 + each.len()).sum::<usize>(),
        }
    }

    /// From bytes. Transactions share them.
    pub fn decode(bytes: &Bytes) -> Result<Self, MessageError> {
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(MessageError::TooLong(bytes.len()));
        }
        let (kind, rest) = bytes.split_first().ok_or(MessageError::Short)?;
        if *kind == ANNOUNCE {
            return Ok(Message::Announce { hashes: hashes(rest)? });
        }
        if *kind != GET && *kind != TRANSACTIONS {
            return Err(MessageError::Kind(*kind));
        }
        let (request, rest) = rest.split_first_chunk::<4>().ok_or(MessageError::Short)?;
        let request = u32::from_be_bytes(*request);
        if *kind == GET {
            return Ok(Message::Get { request, hashes: hashes(rest)? });
        }
        let (mut at, mut raw) = (5, Vec::new());
        while at < bytes.len() {
            let (len, _) = bytes[at..].split_first_chunk::<4>().ok_or(MessageError::Short)?;
            let len = u32::from_be_bytes(*len) as usize;
            if len == 0 || len > MAX_TRANSACTION_BYTES {
                return Err(MessageError::Transaction(len));
            }
            if raw.len() == MAX_HASHES {
                return Err(MessageError::Count(raw.len() + 1));
            }
            at += 4;
            if bytes.len() - at < len {
                return Err(MessageError::Short);
            }
            raw.push(bytes.slice(at..at + len));
            at += len;
        }
        Ok(Message::Transactions { request, raw })
    }
}

fn hashes(bytes: &[u8]) -> Result<Vec<B256>, MessageError> {
    let (chunks, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() {
        return Err(MessageError::Short);
    }
    if chunks.is_empty() || chunks.len() > MAX_HASHES {
        return Err(MessageError::Count(chunks.len()));
    }
    let hashes: Vec<B256> = chunks.iter().map(|hash| B256::from(*hash)).collect();
    let mut sorted = hashes.clone();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(MessageError::Twice);
    }
    Ok(hashes)
}
