//! A light client of a Weft ledger: it follows the chain by headers and certificates that any node gives it over this RPC,
//! believes none of them, and checks accounts against the state root it has arrived at.
//!
//! It begins with the genesis file: the hash that names the chain, and the validators of its first blocks. Nothing here
//! does I/O: who uses it asks `weft_getLightBlocks`, `weft_getValidatorSet` and `eth_getProof`, and hands over the answers.

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rlp::Decodable as _;
use serde::{Deserialize, Serialize};
use weft_consensus::codec::{DecodeError, decode_certificate};
use weft_consensus::light::{LightClient, LightError, Trusted};
use weft_consensus::types::{BlockHash, ChainId, Height, ValidatorSet};
use weft_evm::{AccountProof, Genesis, SlotProof, VerifyError};

/// 256 headers are asked for at once.
pub const MAX_LIGHT_BLOCKS: u64 = 256;

/// A header and what shows that it was decided, as `weft_getLightBlocks` gives them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LightBlock {
    /// The header, RLP.
    pub header: Bytes,
    /// The certificate, as validators encode it.
    pub certificate: Bytes,
}

/// Why something is not believed.
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
    /// An account's proof does not lead from the state root to it.
    #[error("the proof does not show this: it is of another block, or made up")]
    Proof(#[from] VerifyError),
    /// A proof is of something else than was asked for.
    #[error("the proof is of something else than was asked for")]
    OtherThing,
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

/// An account as it was proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProvedAccount {
    /// At which height.
    pub height: u64,
    /// What it has, in wei.
    pub balance: U256,
    /// Its next nonce.
    pub nonce: u64,
    /// The hash of its code.
    pub code_hash: B256,
    /// The slots that were asked for, and their values.
    pub slots: Vec<(U256, U256)>,
}

/// `eth_getProof`'s answer (EIP-1186), as far as it is looked at.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProofAnswer {
    address: Address,
    account_proof: Vec<Bytes>,
    balance: U256,
    nonce: U256,
    code_hash: B256,
    storage_hash: B256,
    #[serde(default)]
    storage_proof: Vec<SlotAnswer>,
}

#[derive(Debug, Clone, Deserialize)]
struct SlotAnswer {
    key: U256,
    value: U256,
    proof: Vec<Bytes>,
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
        let set = weft_ledger::genesis::first_set(&genesis)?.ok_or(LightRefused::NoValidators)?;
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

    /// Checks `eth_getProof`'s answer for `address` and `slots` against the state root of the block it has arrived at.
    ///
    /// # Errors
    /// [`LightRefused`], if it shows something else, or nothing.
    pub fn account(
        &self,
        address: Address,
        slots: &[U256],
        answer: &serde_json::Value,
    ) -> Result<ProvedAccount, LightRefused> {
        let answer: ProofAnswer = serde_json::from_value(answer.clone()).map_err(|_| LightRefused::OtherThing)?;
        let asked =
            answer.address == address && answer.storage_proof.iter().map(|slot| slot.key).eq(slots.iter().copied());
        if !asked {
            return Err(LightRefused::OtherThing);
        }
        let nonce = u64::try_from(answer.nonce).map_err(|_| LightRefused::OtherThing)?;
        let slot = |slot: SlotAnswer| SlotProof { slot: slot.key, value: slot.value, proof: slot.proof };
        let slots: Vec<SlotProof> = answer.storage_proof.into_iter().map(slot).collect();
        let there = answer.balance != U256::ZERO || nonce != 0 || answer.code_hash != alloy_primitives::KECCAK256_EMPTY;
        let account = weft_evm::Account {
            nonce,
            balance: answer.balance,
            code_hash: answer.code_hash,
            storage_root: answer.storage_hash,
        };
        let proof = AccountProof {
            address,
            height: self.height(),
            account: there.then_some(account),
            proof: answer.account_proof,
            slots,
        };
        proof.verify(self.head.state_root)?;
        Ok(ProvedAccount {
            height: self.height(),
            balance: answer.balance,
            nonce,
            code_hash: answer.code_hash,
            slots: proof.slots.iter().map(|slot| (slot.slot, slot.value)).collect(),
        })
    }
}
