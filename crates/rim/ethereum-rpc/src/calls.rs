//! `eth_call`, `eth_estimateGas`, `eth_createAccessList`.

use alloy_eips::BlockId;
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, Bytes, TxKind, U64, U256};
use alloy_rpc_types_eth::TransactionRequest;
use revm::context::TxEnv;
use revm::context_interface::result::{ExecutionResult, InvalidTransaction};
use revm_inspectors::access_list::AccessListInspector;
use serde_json::json as object;
use weft_evm::StateReader;

use crate::error::RpcError;
use crate::execute::{Bounded, Bounds, Setting, free_of_charge, halt_message, refusal, run_with, tx_env};
use crate::rpc::{At, Call, Reply, json};

/// 21,000: what every transaction costs.
const TRANSFER: u64 = 21_000;

/// What a call to a contract keeps back at least (EIP-150), and what a transfer of value hands on.
const STIPEND: u64 = 2_300;

/// Estimates may be too high by 1.5 %, as geth's: exactness costs as many executions again.
const TOLERANCE: f64 = 0.015;

/// 16: an access list that is not stable after so many rounds never is.
const MAX_ROUNDS: usize = 16;

fn at(call: &Call<'_>, place: usize) -> Result<At, RpcError> {
    let id: Option<BlockId> = call.args.optional(place)?;
    call.at(id.unwrap_or(BlockId::latest()))
}

/// The gas of a request, bounded by what this node gives to reads.
fn gas(call: &Call<'_>, request: &TransactionRequest) -> u64 {
    request.gas.unwrap_or(u64::MAX).min(call.rpc.config.gas_cap)
}

fn refused(setting: &Setting, error: &InvalidTransaction, tx: &TxEnv) -> RpcError {
    match setting.overlay() {
        Ok((mut overlay, _)) => RpcError::server(refusal(error, tx, &setting.env, &mut overlay).1),
        Err(error) => error,
    }
}

/// What a finished execution returns; a failed one is an error as clients know it.
fn output(result: ExecutionResult) -> Result<Bytes, RpcError> {
    match result {
        ExecutionResult::Success { output, .. } => Ok(output.into_data()),
        ExecutionResult::Revert { output, .. } => Err(RpcError::reverted(&output)),
        ExecutionResult::Halt { reason, .. } => Err(RpcError::server(halt_message(&reason))),
    }
}

/// `eth_call`.
pub(crate) fn call(call: &Call<'_>) -> Reply {
    let request: TransactionRequest = call.args.required(0)?;
    let setting = Setting::of(call, at(call, 1)?, call.args.optional(2)?, call.args.optional(3)?)?;
    let tx = tx_env(call.chain().spec().chain_id, &request, gas(call, &request))?;
    match setting.run(tx.clone(), call.deadline)? {
        Ok(result) => json(&output(result)?),
        Err(error) => Err(refused(&setting, &error, &tx)),
    }
}

/// `eth_estimateGas`: the least gas with which the transaction succeeds, by halving.
pub(crate) fn estimate(call: &Call<'_>) -> Reply {
    let request: TransactionRequest = call.args.required(0)?;
    let setting = Setting::of(call, at(call, 1)?, call.args.optional(2)?, call.args.optional(3)?)?;
    json(&U64::from(estimate_in(call, &setting, &request)?))
}

pub(crate) fn estimate_in(call: &Call<'_>, setting: &Setting, request: &TransactionRequest) -> Result<u64, RpcError> {
    let chain_id = call.chain().spec().chain_id;
    let block_limit = setting.env.block_env.gas_limit;
    let asked = request.gas.filter(|gas| *gas >= TRANSFER).unwrap_or(block_limit);
    let mut high = asked.min(call.rpc.config.gas_cap).min(block_limit.max(TRANSFER));
    let mut tx = tx_env(chain_id, request, high)?;
    if tx.gas_price > 0 {
        high = high.min(affordable(setting, &tx)?);
        tx.gas_limit = high;
    }
    // Whatever else such a transaction carries, it shows by failing if that costs more.
    let plain = tx.data.is_empty() && tx.authorization_list.is_empty();
    if let TxKind::Call(to) = tx.kind
        && plain
        && high >= TRANSFER
        && is_plain_account(setting, to)?
    {
        let try_it = TxEnv { gas_limit: TRANSFER, ..tx.clone() };
        if matches!(setting.run(try_it, call.deadline)?, Ok(result) if result.is_success()) {
            return Ok(TRANSFER);
        }
    }
    let first = match setting.run(tx.clone(), call.deadline)? {
        Ok(result) => result,
        Err(
            InvalidTransaction::CallGasCostMoreThanGasLimit { .. }
            | InvalidTransaction::GasFloorMoreThanGasLimit { .. },
        ) => {
            return Err(RpcError::server(format!("gas required exceeds allowance ({high})")));
        }
        Err(error) => return Err(refused(setting, &error, &tx)),
    };
    match &first {
        ExecutionResult::Success { .. } => {}
        ExecutionResult::Revert { output, .. } => return Err(RpcError::reverted(output)),
        ExecutionResult::Halt { reason: revm::context_interface::result::HaltReason::OutOfGas(_), .. } => {
            return Err(RpcError::server(format!("gas required exceeds allowance ({high})")));
        }
        ExecutionResult::Halt { reason, .. } => return Err(RpcError::server(halt_message(reason))),
    }
    let used = first.gas().tx_gas_used();
    let mut low = used.saturating_sub(1);
    let enough = |gas: u64| -> Result<bool, RpcError> {
        call.in_time()?;
        Ok(
            matches!(setting.run(TxEnv { gas_limit: gas, ..tx.clone() }, call.deadline)?, Ok(result) if result.is_success()),
        )
    };
    // Most transactions need what they use, what is refunded, a stipend, and the 64th that calls keep back.
    let likely = (first.gas().total_gas_spent() + STIPEND).saturating_mul(64) / 63;
    if likely < high {
        if enough(likely)? { high = likely } else { low = likely }
    }
    while low.saturating_add(1) < high {
        if (high - low) as f64 / (high as f64) < TOLERANCE {
            break;
        }
        // Rather too low than too high: what is needed is mostly near what is used.
        let middle = (low + (high - low) / 2).min(low.saturating_mul(2).max(1));
        if enough(middle)? { high = middle } else { low = middle }
    }
    Ok(high)
}

fn is_plain_account(setting: &Setting, address: Address) -> Result<bool, RpcError> {
    let (mut overlay, precompiles) = setting.overlay()?;
    let info = overlay.info(address)?;
    let precompile = address.as_slice()[..18].iter().all(|byte| *byte == 0);
    Ok(!precompile && precompiles.are_usual() && info.is_none_or(|info| info.is_empty_code_hash()))
}

/// The gas that the sender can pay at the price it offers.
fn affordable(setting: &Setting, tx: &TxEnv) -> Result<u64, RpcError> {
    let (mut overlay, _) = setting.overlay()?;
    let balance = overlay.info(tx.caller)?.map_or(U256::ZERO, |info| info.balance);
    let Some(left) = balance.checked_sub(tx.value) else {
        return Err(RpcError::server("insufficient funds for transfer"));
    };
    Ok((left / U256::from(tx.gas_price)).saturating_to())
}

/// `eth_createAccessList`.
pub(crate) fn access_list(call: &Call<'_>) -> Reply {
    let request: TransactionRequest = call.args.required(0)?;
    let setting = Setting::of(call, at(call, 1)?, call.args.optional(2)?, None)?;
    let mut tx = tx_env(call.chain().spec().chain_id, &request, gas(call, &request))?;
    let to = match tx.kind {
        TxKind::Call(to) => to,
        TxKind::Create => tx.caller.create(setting.view.account(tx.caller)?.map_or(0, |account| account.nonce)),
    };
    if tx.tx_type == 0 {
        tx.tx_type = 1;
    }
    let mut list = tx.access_list.clone();
    for _ in 0..MAX_ROUNDS {
        call.in_time()?;
        tx.access_list = list.clone();
        let (overlay, precompiles) = setting.overlay()?;
        let env = free_of_charge(setting.env.clone(), &tx);
        let inspector = Bounded::new(AccessListInspector::new(list.clone()), Bounds::until(call.deadline));
        let (done, evm) = run_with(overlay, env, &precompiles, tx.clone(), inspector)?;
        let done = done.map_err(|error| refused(&setting, &error, &tx))?;
        let next = without(evm_list(evm), tx.caller, to);
        if next == list {
            let mut answer = object!({ "accessList": list, "gasUsed": U64::from(done.result.tx_gas_used()) });
            let error = match &done.result {
                ExecutionResult::Success { .. } => None,
                ExecutionResult::Revert { output, .. } => Some(crate::error::reverted_message(output)),
                ExecutionResult::Halt { reason, .. } => Some(halt_message(reason)),
            };
            if let (Some(error), Some(fields)) = (error, answer.as_object_mut()) {
                fields.insert("error".into(), error.into());
            }
            return json(&answer);
        }
        list = next;
    }
    Err(RpcError::server("the access list does not settle"))
}

fn evm_list<E: alloy_evm::Evm<Inspector = Bounded<AccessListInspector>>>(evm: E) -> AccessList {
    evm.inspector().inner.access_list()
}

/// Naming the sender, or the recipient without slots, costs more than it saves.
fn without(mut list: AccessList, caller: Address, to: Address) -> AccessList {
    list.0.retain(|item| !((item.address == caller || item.address == to) && item.storage_keys.is_empty()));
    list
}
