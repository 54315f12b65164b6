//! Following a ledger by its headers and certificates, believing nobody who gives them.
//!
//! It begins with the genesis file: the hash that names the chain, and the validators of its first blocks. Nothing here
//! does I/O: who uses it hands over what some node gave, and is told whether it may be so.

use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes};
use alloy_rlp::Decodable as _;
use serde::{Deserialize, Serialize};
use weft_consensus::codec::{DecodeError, decode_certificate};
use weft_consensus::light::{LightClient, LightError, Trusted};
use weft_consensus::types::{BlockHash, ChainId, Height, ValidatorSet};
use weft_evm::Genesis;

/// 256 headers are asked for at once.
pub const MAX_LIGHT_BLOCKS: u64 = 256;

/// A header and what shows that it was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LightBlock {
    /// The header, RLP.
    pub header: Bytes,
    /// The certificate, as validators encode it.
    pub certificate: Bytes,
}

/// Why a header is not believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LightRefused {
    /// The genesis file cannot be used.
    #[error("the genesis file cannot be used")]
    Genesis(#[from] weft_evm::GenesisError),
    /// Its state cannot be computed.
    #[error(transparent)]
    State(#[from] weft_evm::StateError),
    /// It names no validators.
    #[error("the genesis names no validators")]
    NoValidators,
    /// A header is none.
    #[error("what was given as a header is none")]
    Header(#[source] alloy_rlp::Error),
    /// A certificate is none.
    #[error("what was given as a certificate is none")]
    Certificate(#[source] DecodeError),
    /// A set is none.
    #[error("what was given as a validator set is none")]
    Set(#[source] DecodeError),
    /// The header is not shown to be decided.
    #[error("the header is not shown to be decided")]
    Light(#[from] LightError),
}

impl LightRefused {
    /// The height whose set is needed to go on, if that is all that is missing.
    pub fn needs_set_of(&self) -> Option<u64> {
        match self {
            LightRefused::Light(LightError::SetNeeded(height)) => Some(height.0 + 1),
            _ => None,
        }
    }
}

struct Checked<'a>(&'a Header, B256);

impl weft_consensus::light::Header for Checked<'_> {
    fn height(&self) -> Height {
        Height(self.0.number)
    }
    fn hash(&self) -> BlockHash {
        BlockHash(self.1.0)
    }
    fn parent(&self) -> BlockHash {
        BlockHash(self.0.parent_hash.0)
    }
    fn next_set_hash(&self) -> [u8; 32] {
        // A header whose extraData is no hash names no set that there is.
        self.0.extra_data.as_ref().try_into().unwrap_or([0; 32])
    }
}

/// The light client.
#[derive(Debug, Clone)]
pub struct Light {
    client: LightClient,
    head: Header,
    set_changes: u64,
}

impl Light {
    /// Begins at the genesis, whose file is trusted.
    ///
    /// # Errors
    /// [`LightRefused`], if it is no genesis of a Weft ledger.
    pub fn from_genesis(file: &[u8]) -> Result<Self, LightRefused> {
        let genesis = Genesis::from_json(file)?;
        let (head, _) = genesis.seal()?;
        let set = crate::genesis::first_set(&genesis)?.ok_or(LightRefused::NoValidators)?;
        let hash = head.hash_slow();
        let trusted = Trusted { height: Height(0), block: BlockHash(hash.0), next_set_hash: set.hash() };
        let client = LightClient::new(ChainId(hash.0), trusted, set)?;
        Ok(Light { client, head, set_changes: 0 })
    }

    /// The height it has arrived at.
    pub fn height(&self) -> u64 {
        self.client.trusted().height.0
    }

    /// The hash of that block.
    pub fn hash(&self) -> B256 {
        B256::from(self.client.trusted().block.0)
    }

    /// Its header.
    pub fn head(&self) -> &Header {
        &self.head
    }

    /// How often the validators changed on the way.
    pub fn set_changes(&self) -> u64 {
        self.set_changes
    }

    /// The set that decides the height after it.
    pub fn set(&self) -> &ValidatorSet {
        self.client.set()
    }

    /// Takes the next header. Where [`LightRefused::needs_set_of`] says so, it is given again with that set.
    ///
    /// # Errors
    /// [`LightRefused`]: it stays where it was.
    pub fn advance(&mut self, block: &LightBlock, set: Option<&[u8]>) -> Result<(), LightRefused> {
        let mut bytes = block.header.as_ref();
        let header = Header::decode(&mut bytes).map_err(LightRefused::Header)?;
        if !bytes.is_empty() {
            return Err(LightRefused::Header(alloy_rlp::Error::UnexpectedLength));
        }
        let certificate = decode_certificate(&block.certificate).map_err(LightRefused::Certificate)?;
        let set = set.map(ValidatorSet::decode).transpose().map_err(LightRefused::Set)?;
        // Of the very bytes that were read: what is canonical in RLP has one encoding.
        let checked = Checked(&header, alloy_primitives::keccak256(&block.header));
        let changes = self.client.changes_set(&checked);
        self.client.advance(&checked, &certificate, set.as_ref())?;
        self.set_changes += u64::from(changes);
        self.head = header;
        Ok(())
    }
}
