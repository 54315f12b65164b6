//! Who validates: read from the staking contract.
//!
//! The set that decides height h + 1 is what the contract says on the state after block h − 1, asked as in block h. So the
//! proposer of h knows it before it builds the block, and names its hash in the header's `extraData`.

use alloy_consensus::Header;
use alloy_primitives::{Address as Account, U256};
use alloy_sol_types::{SolCall, sol};
use revm::context::TxEnv;
use revm::context::result::{EVMError, ExecutionResult};
use revm::primitives::TxKind;
use weft_consensus::types::{Address, ValidatorEntry, ValidatorSet};
use weft_evm::{ChainSpec, Overlay, SYSTEM_ADDRESS, StateError, StateReader, execute_alone};

use super::STAKING;

/// 30 million gas, as the chain's own calls have: reading a full set takes less than one, making it 14.
const CALL_GAS: u64 = 30_000_000;

sol! {
    /// Accounts by ascending address, their nodes' keys, their power.
    function validators() returns (address[] accounts, bytes32[] keys, uint64[] powers);
}

/// The set that the contract gives on `state`, asked as if in the block `next`. `None` if it gives none that could
/// decide anything: then the set stays as it is.
pub(crate) fn read<S: StateReader>(
    spec: &ChainSpec,
    next: &Header,
    state: S,
) -> Result<Option<ValidatorSet>, StateError> {
    let asked = call(spec, next, Overlay::new(state), validatorsCall {}.abi_encode())?;
    let Some((ExecutionResult::Success { output, .. }, _)) = asked else { return Ok(None) };
    let Ok(given) = validatorsCall::abi_decode_returns(output.data()) else { return Ok(None) };
    if given.accounts.len() != given.keys.len() || given.keys.len() != given.powers.len() {
        return Ok(None);
    }
    let rows = given.accounts.iter().zip(&given.keys).zip(&given.powers);
    let entries: Vec<ValidatorEntry> = rows.map(|((account, key), power)| entry(account, &key.0, *power)).collect();
    // Who put a useless key into the contract keeps nobody else from validating.
    Ok(ValidatorSet::admit(&entries).ok().map(|(set, _)| set))
}

/// Calls the staking contract as the chain itself. `None` if the interpreter refuses the call as such.
pub(crate) fn call<S: StateReader>(
    spec: &ChainSpec,
    block: &Header,
    state: Overlay<S>,
    data: Vec<u8>,
) -> Result<Option<(ExecutionResult, Overlay<S>)>, StateError> {
    let mut env = spec.evm_env(block);
    env.cfg_env.disable_balance_check = true;
    env.cfg_env.disable_base_fee = true;
    env.cfg_env.disable_nonce_check = true;
    env.cfg_env.disable_block_gas_limit = true;
    let call = TxEnv {
        caller: SYSTEM_ADDRESS,
        kind: TxKind::Call(STAKING),
        data: data.into(),
        gas_limit: CALL_GAS,
        gas_price: 0,
        value: U256::ZERO,
        chain_id: Some(spec.chain_id),
        ..TxEnv::default()
    };
    match execute_alone(env, state, call) {
        Ok(done) => Ok(Some(done)),
        Err(EVMError::Database(error)) => Err(error),
        Err(error) => {
            tracing::warn!(%error, "the staking contract cannot be called");
            Ok(None)
        }
    }
}

/// What the contract gave, for consensus to check.
pub(crate) fn entry(account: &Account, key: &[u8; 32], power: u64) -> ValidatorEntry {
    ValidatorEntry { address: Address(account.into_array()), public_key: *key, power }
}
