//! The book as it is kept on the disk: JSON, so that whoever runs a faucet can read it.

use alloy_primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};
use weft_overlay::PeerKey;

use super::book::{Entry, MAX_GIVEN};

/// The version of the format.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    version: u32,
    genesis: B256,
    given: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    at: u64,
    peer: PeerKey,
    account: Address,
    wei: U256,
}

/// Why bytes are no record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RecordError {
    /// It is no JSON of this form.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Another version wrote it.
    #[error("it has version {0}, and this Weft reads version {VERSION}")]
    Version(u32),
    /// It has more entries than a book may.
    #[error("it has {0} entries, more than {MAX_GIVEN}")]
    TooMany(usize),
}

/// What a faucet on the chain of `genesis` keeps.
pub(super) fn encode(genesis: B256, given: &[Entry<PeerKey>]) -> Result<Vec<u8>, serde_json::Error> {
    let row = |entry: &Entry<PeerKey>| {
        let Entry { at, peer, account, wei } = *entry;
        Row { at, peer, account, wei }
    };
    serde_json::to_vec_pretty(&Record { version: VERSION, genesis, given: given.iter().map(row).collect() })
}

/// Reads it again. What was given on another chain is no matter of this one.
pub(super) fn decode(genesis: B256, bytes: &[u8]) -> Result<Vec<Entry<PeerKey>>, RecordError> {
    let record: Record = serde_json::from_slice(bytes)?;
    if record.version != VERSION {
        return Err(RecordError::Version(record.version));
    }
    if record.genesis != genesis {
        return Ok(Vec::new());
    }
    if record.given.len() > MAX_GIVEN {
        return Err(RecordError::TooMany(record.given.len()));
    }
    let entry = |Row { at, peer, account, wei }: Row| Entry { at, peer, account, wei };
    Ok(record.given.into_iter().map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seed: u8) -> Entry<PeerKey> {
        let peer = weft_identity::DeviceSecret::from_bytes(&[seed; 32]).public();
        Entry { at: u64::from(seed), peer, account: Address::repeat_byte(seed), wei: U256::MAX }
    }

    #[test]
    fn what_is_kept_is_read_again_on_its_chain_alone() {
        let genesis = B256::repeat_byte(1);
        let given = [entry(1), entry(2)];
        let bytes = encode(genesis, &given).unwrap();
        assert_eq!(decode(genesis, &bytes).unwrap(), given);
        assert_eq!(decode(B256::repeat_byte(2), &bytes).unwrap(), []);
    }

    #[test]
    fn what_is_no_record_is_said_to_be_none() {
        let genesis = B256::repeat_byte(1);
        assert!(matches!(decode(genesis, b"{}"), Err(RecordError::Json(_))));
        let bytes = String::from_utf8(encode(genesis, &[]).unwrap()).unwrap();
        let newer = bytes.replace("\"version\": 1", "\"version\": 2");
        assert!(matches!(decode(genesis, newer.as_bytes()), Err(RecordError::Version(2))));
        let many = encode(genesis, &vec![entry(1); MAX_GIVEN + 1]).unwrap();
        assert!(matches!(decode(genesis, &many), Err(RecordError::TooMany(_))));
    }
}
