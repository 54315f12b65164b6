//! A light client of a Weft ledger over this RPC: it follows the chain by headers and certificates that any node gives it,
//! believes none of them ([`Light`]), and checks accounts against the state root it has arrived at ([`prove_account`]).
//!
//! Nothing here does I/O: who uses it asks `weft_getLightBlocks`, `weft_getValidatorSet` and `eth_getProof`, and hands over
//! the answers.

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};
use weft_evm::{AccountProof, SlotProof, VerifyError};

pub use weft_ledger::light::{Light, LightBlock, LightRefused, MAX_LIGHT_BLOCKS};

/// Why what is said of an account is not believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofRefused {
    /// The proof does not lead from the state root to it.
    #[error("the proof does not show this: it is of another block, or made up")]
    Proof(#[from] VerifyError),
    /// The proof is of something else than was asked for.
    #[error("the proof is of something else than was asked for")]
    OtherThing,
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

/// Checks `eth_getProof`'s answer for `address` and `slots` against the state root of the block that `light` has arrived at.
///
/// # Errors
/// [`ProofRefused`], if it shows something else, or nothing.
pub fn prove_account(
    light: &Light,
    address: Address,
    slots: &[U256],
    answer: &serde_json::Value,
) -> Result<ProvedAccount, ProofRefused> {
    let answer: ProofAnswer = serde_json::from_value(answer.clone()).map_err(|_| ProofRefused::OtherThing)?;
    let asked = answer.address == address && answer.storage_proof.iter().map(|slot| slot.key).eq(slots.iter().copied());
    if !asked {
        return Err(ProofRefused::OtherThing);
    }
    let nonce = u64::try_from(answer.nonce).map_err(|_| ProofRefused::OtherThing)?;
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
        height: light.height(),
        account: there.then_some(account),
        proof: answer.account_proof,
        slots,
    };
    proof.verify(light.head().state_root)?;
    Ok(ProvedAccount {
        height: light.height(),
        balance: answer.balance,
        nonce,
        code_hash: answer.code_hash,
        slots: proof.slots.iter().map(|slot| (slot.slot, slot.value)).collect(),
    })
}
