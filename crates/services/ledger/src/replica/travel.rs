//! A block as it travels between peers: RLP of the Ethereum block and the evidence beside it.

use alloy_primitives::Bytes;
use alloy_rlp::{Decodable, Encodable, Header as ListHeader};
use weft_evm::{Block, MAX_BLOCK_BYTES};

/// Evidence takes little: four pieces of two signed votes.
const MAX_EVIDENCE_BYTES: usize = 4096;

/// The longest travelling block, in bytes.
pub const MAX_TRAVELLING_BYTES: usize = MAX_BLOCK_BYTES + MAX_EVIDENCE_BYTES + 16;

/// Why bytes are no block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockDecodeError {
    /// There are too many.
    #[error("a block has at most {MAX_TRAVELLING_BYTES} bytes, this one {0}")]
    TooLong(usize),
    /// They are not what was agreed.
    #[error("not an encoded block: {0}")]
    Malformed(String),
}

impl From<alloy_rlp::Error> for BlockDecodeError {
    fn from(error: alloy_rlp::Error) -> Self {
        BlockDecodeError::Malformed(error.to_string())
    }
}

/// The bytes of a block and its evidence.
pub fn encode(block: &Block, evidence: &Bytes) -> Vec<u8> {
    let payload_length = block.length() + evidence.length();
    let mut bytes = Vec::with_capacity(payload_length + 8);
    ListHeader { list: true, payload_length }.encode(&mut bytes);
    block.encode(&mut bytes);
    evidence.encode(&mut bytes);
    bytes
}

/// A block and its evidence of their bytes.
///
/// # Errors
/// [`BlockDecodeError`], if they are anything else.
pub fn decode(mut bytes: &[u8]) -> Result<(Block, Bytes), BlockDecodeError> {
    if bytes.len() > MAX_TRAVELLING_BYTES {
        return Err(BlockDecodeError::TooLong(bytes.len()));
    }
    let mut payload = ListHeader::decode_bytes(&mut bytes, true)?;
    let block = Block::decode(&mut payload)?;
    let evidence = Bytes::decode(&mut payload)?;
    if !payload.is_empty() || !bytes.is_empty() {
        return Err(BlockDecodeError::Malformed(String::from("bytes are left over")));
    }
    if evidence.len() > MAX_EVIDENCE_BYTES {
        return Err(BlockDecodeError::TooLong(evidence.len()));
    }
    Ok((block, evidence))
}
