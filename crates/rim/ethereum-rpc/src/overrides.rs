//! What a call wants to be otherwise: accounts and fields of the block.

use alloy_evm::eth::EthEvmContext;
use alloy_evm::precompiles::PrecompilesMap;
use alloy_evm::{EthEvm, Evm, EvmEnv};
use alloy_primitives::map::AddressSet;
use alloy_primitives::{Address, B256, U256};
use alloy_rpc_types_eth::BlockOverrides;
use alloy_rpc_types_eth::state::{AccountOverride, StateOverride};
use revm::Inspector;
use revm::bytecode::Bytecode;
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::context_interface::{ContextTr, JournalTr};
use revm::state::AccountInfo;
use weft_evm::{Overlay, StateReader};

use crate::error::RpcError;

/// What becomes of precompiles: an account that is overridden is none any more, and may be elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Precompiles {
    moves: Vec<(Address, Address)>,
    overridden: Vec<Address>,
}

impl Precompiles {
    /// Whether all are where they always are.
    pub(crate) fn are_usual(&self) -> bool {
        self.moves.is_empty() && self.overridden.is_empty()
    }

    /// Puts them where they are wanted.
    pub(crate) fn apply<S, I>(&self, evm: &mut EthEvm<Overlay<S>, I, PrecompilesMap>) -> Result<(), RpcError>
    where
        S: StateReader,
        I: Inspector<EthEvmContext<Overlay<S>>>,
    {
        if self.are_usual() {
            return Ok(());
        }
        // What is warm from the start is the fork's list of precompiles (EIP-2929), wherever they are now.
        let usual: AddressSet = evm.precompiles().addresses().copied().collect();
        evm.ctx_mut().journal_mut().warm_precompiles(&usual);
        if let Some((none, _)) = self.moves.iter().find(|(from, _)| evm.precompiles().get(from).is_none()) {
            return Err(RpcError::server(format!("account {none} is not a precompile")));
        }
        let all = evm.precompiles_mut();
        let mut taken = Vec::new();
        for (from, to) in &self.moves {
            all.apply_precompile(from, |precompile| {
                taken.extend(precompile.map(|precompile| (*to, precompile)));
                None
            });
        }
        for address in &self.overridden {
            all.apply_precompile(address, |_| None);
        }
        for (to, precompile) in taken {
            all.apply_precompile(&to, |_| Some(precompile));
        }
        Ok(())
    }
}

/// Precompiles have small numbers for addresses; whether there is one is the interpreter's to know.
fn may_be_precompile(address: Address) -> bool {
    address.as_slice()[..18].iter().all(|byte| *byte == 0)
}

/// Puts accounts as they are wanted. The caller applies what is to become of precompiles.
pub(crate) fn of_state<S: StateReader>(
    state: &mut Overlay<S>,
    wanted: &StateOverride,
) -> Result<Precompiles, RpcError> {
    let mut precompiles = Precompiles::default();
    let mut all: Vec<(&Address, &AccountOverride)> = wanted.iter().collect();
    all.sort_unstable_by_key(|(address, _)| **address);
    for (address, own) in all {
        if let Some(to) = own.move_precompile_to {
            if may_be_precompile(*address) && wanted.contains_key(&to) {
                return Err(RpcError::server(format!("account {to} is already overridden")));
            }
            precompiles.moves.push((*address, to));
        }
        if may_be_precompile(*address) {
            precompiles.overridden.push(*address);
        }
        account(state, *address, own)?;
    }
    Ok(precompiles)
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
