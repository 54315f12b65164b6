//! What a call wants to be otherwise: accounts and fields of the block.

use alloy_evm::EvmEnv;
use alloy_primitives::{Address, B256, U256};
use alloy_rpc_types_eth::BlockOverrides;
use alloy_rpc_types_eth::state::{AccountOverride, StateOverride};
use revm::bytecode::Bytecode;
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::state::AccountInfo;
use weft_evm::{Overlay, StateReader};

use crate::error::RpcError;

/// Precompiles that are to be elsewhere.
pub(crate) type Moves = Vec<(Address, Address)>;

/// Puts accounts as they are wanted. The caller moves the precompiles.
pub(crate) fn of_state<S: StateReader>(state: &mut Overlay<S>, wanted: &StateOverride) -> Result<Moves, RpcError> {
    let mut moves = Vec::new();
    let mut all: Vec<(&Address, &AccountOverride)> = wanted.iter().collect();
    all.sort_unstable_by_key(|(address, _)| **address);
    for (address, wanted) in all {
        if let Some(to) = wanted.move_precompile_to {
            moves.push((*address, to));
        }
        account(state, *address, wanted)?;
    }
    Ok(moves)
}

fn account<S: StateReader>(state: &mut Overlay<S>, address: Address, wanted: &AccountOverride) -> Result<(), RpcError> {
    let mut info: AccountInfo = state.info(address)?.unwrap_or_default();
    if let Some(balance) = wanted.balance {
        info.balance = balance;
    }
    if let Some(nonce) = wanted.nonce {
        info.nonce = nonce;
    }
    if let Some(code) = &wanted.code {
        let code = Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code.clone()));
        info.code_hash = code.hash_slow();
        info.code = Some(code);
    }
    if wanted.balance.is_some() || wanted.nonce.is_some() || wanted.code.is_some() || wanted.state.is_some() {
        state.set_account(address, info)?;
    }
    let slots = match (&wanted.state, &wanted.state_diff) {
        (Some(_), Some(_)) => {
            return Err(RpcError::params(format!("account {address} has both 'state' and 'stateDiff'")));
        }
        (Some(slots), None) => {
            state.clear_storage(address)?;
            Some(slots)
        }
        (None, slots) => slots.as_ref(),
    };
    for (slot, value) in slots.into_iter().flatten() {
        let (slot, value): (&B256, &B256) = (slot, value);
        state.set_storage(address, U256::from_be_bytes(slot.0), U256::from_be_bytes(value.0))?;
    }
    Ok(())
}

/// Puts the block's fields as they are wanted.
pub(crate) fn of_block(env: &mut EvmEnv, wanted: &BlockOverrides) -> Result<(), RpcError> {
    if wanted.block_hash.as_ref().is_some_and(|hashes| !hashes.is_empty()) {
        return Err(RpcError::params("block hashes cannot be overridden here"));
    }
    let block = &mut env.block_env;
    if let Some(number) = wanted.number {
        block.number = number;
    }
    if let Some(difficulty) = wanted.difficulty {
        block.difficulty = difficulty;
    }
    if let Some(time) = wanted.time {
        block.timestamp = U256::from(time);
    }
    if let Some(gas_limit) = wanted.gas_limit {
        block.gas_limit = gas_limit;
    }
    if let Some(coinbase) = wanted.coinbase {
        block.beneficiary = coinbase;
    }
    if let Some(random) = wanted.random {
        block.prevrandao = Some(random);
    }
    if let Some(base_fee) = wanted.base_fee {
        block.basefee = base_fee.saturating_to();
    }
    if let Some(price) = wanted.blob_base_fee {
        block.blob_excess_gas_and_price =
            Some(BlobExcessGasAndPrice { excess_blob_gas: 0, blob_gasprice: price.saturating_to() });
    }
    Ok(())
}
