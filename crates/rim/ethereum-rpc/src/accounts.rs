//! Accounts at a height: balance, nonce, code, storage, and proofs of them.

use std::collections::BTreeMap;

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, U256, hex};
use serde_json::json as object;
use weft_evm::{StateReader, StateView};
use weft_ledger::pool::StateAccounts;

use crate::error::RpcError;
use crate::rpc::{At, Call, Reply, json};

/// 1,024: slots of one call.
const MAX_SLOTS: usize = 1_024;

/// `eth_getBalance`.
pub(crate) fn balance(call: &Call<'_>) -> Reply {
    let address: Address = call.args.required(0)?;
    let account = call.state(call.block_id(1)?)?.account(address)?;
    json(&account.map_or(U256::ZERO, |account| account.balance))
}

/// `eth_getTransactionCount`: `pending` counts what waits in the pool and can be executed.
pub(crate) fn nonce(call: &Call<'_>) -> Reply {
    let address: Address = call.args.required(0)?;
    let at = call.block_id(1)?;
    if at == At::Pending {
        let accounts = StateAccounts(call.chain().state());
        return json(&U64::from(call.rpc.ledger.pool().lock().pending_nonce(address, &accounts)?));
    }
    let account = call.state(at)?.account(address)?;
    json(&U64::from(account.map_or(0, |account| account.nonce)))
}

/// The code of an account.
pub(crate) fn code_of(state: &StateView, address: Address) -> Result<Bytes, RpcError> {
    match state.account(address)? {
        Some(account) if account.code_hash != KECCAK256_EMPTY => Ok(state.code(account.code_hash)?),
        _ => Ok(Bytes::new()),
    }
}

/// `eth_getCode`.
pub(crate) fn code(call: &Call<'_>) -> Reply {
    let address: Address = call.args.required(0)?;
    json(&code_of(&call.state(call.block_id(1)?)?, address)?)
}

/// A slot's number: up to 32 bytes of hex, with or without leading zeros.
fn slot(text: &str) -> Result<U256, RpcError> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    if digits.len() > 64 {
        return Err(RpcError::params(format!("storage key too long (want at most 32 bytes): {text:.80?}")));
    }
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(RpcError::params(format!("invalid hex in storage key: {text:?}")));
    }
    U256::from_str_radix(digits, 16).map_err(|_| RpcError::params(format!("invalid hex in storage key: {text:?}")))
}

/// `eth_getStorageAt`.
pub(crate) fn storage(call: &Call<'_>) -> Reply {
    let address: Address = call.args.required(0)?;
    let slot = slot(&call.args.required::<String>(1)?)?;
    json(&B256::from(call.state(call.block_id(2)?)?.storage(address, slot)?))
}

/// `eth_getStorageValues`: many slots of many accounts.
pub(crate) fn storage_values(call: &Call<'_>) -> Reply {
    let wanted: BTreeMap<Address, Vec<String>> = call.args.required(0)?;
    let count: usize = wanted.values().map(Vec::len).sum();
    if count == 0 {
        return Err(RpcError::params("empty request"));
    }
    if count > MAX_SLOTS {
        return Err(RpcError::params(format!("too many slots (max {MAX_SLOTS})")));
    }
    let state = call.state(call.block_id(1)?)?;
    let mut all: BTreeMap<Address, Vec<B256>> = BTreeMap::new();
    for (address, slots) in wanted {
        let values = all.entry(address).or_default();
        for text in slots {
            values.push(state.storage(address, slot(&text)?)?.into());
        }
    }
    json(&all)
}

/// `eth_getProof` (EIP-1186), for the last 256 blocks.
pub(crate) fn proof(call: &Call<'_>) -> Reply {
    let address: Address = call.args.required(0)?;
    let keys: Vec<String> = call.args.optional(1)?.unwrap_or_default();
    if keys.len() > MAX_SLOTS {
        return Err(RpcError::params(format!("too many slots (max {MAX_SLOTS})")));
    }
    let slots = keys.iter().map(|key| slot(key)).collect::<Result<Vec<_>, _>>()?;
    let id: Option<BlockId> = call.args.optional(2)?;
    let height = match call.at(id.unwrap_or(BlockId::latest()))? {
        At::Height(height) => height,
        At::Pending => call.chain().height(),
    };
    let proved = call.chain().proof(address, &slots, height)?;
    let storage: Vec<_> = proved
        .slots
        .iter()
        .zip(&keys)
        .map(|(slot, key)| {
            // As it was asked for: a full word stays one, a number stays one.
            let key = if key.len() == 66 {
                format!("0x{}", hex::encode(slot.slot.to_be_bytes::<32>()))
            } else {
                format!("{:#x}", slot.slot)
            };
            object!({ "key": key, "value": slot.value, "proof": slot.proof })
        })
        .collect();
    let account = proved.account.unwrap_or_default();
    json(&object!({
        "address": address,
        "accountProof": proved.proof,
        "balance": account.balance,
        "codeHash": account.code_hash,
        "nonce": U64::from(account.nonce),
        "storageHash": account.storage_root,
        "storageProof": storage,
    }))
}

/// `eth_accounts`: nothing here signs with a key of the node.
pub(crate) fn none(_: &Call<'_>) -> Reply {
    json::<[Address]>(&[])
}

/// `eth_sign`, `eth_sendTransaction` and their kin.
pub(crate) fn no_keys(_: &Call<'_>) -> Reply {
    Err(RpcError::server(
        "unknown account: this node signs for nobody; sign in your wallet and send with eth_sendRawTransaction",
    ))
}
