//! `debug_trace*`: what a transaction did, step by step, call by call, or account by account.

use std::time::Instant;

use alloy_evm::{Evm, FromRecoveredTx};
use alloy_primitives::{Address, B256, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::geth::{
    GethDebugBuiltInTracerType, GethDebugTracerType, GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace,
};
use parking_lot::Mutex;
use revm::bytecode::Bytecode;
use revm::context::TxEnv;
use revm::context_interface::result::ResultAndState;
use revm::state::AccountInfo;
use revm::{Database, DatabaseCommit, DatabaseRef};
use revm_inspectors::tracing::{DebugInspector, TransactionContext};
use serde_json::json as object;
use weft_evm::{Overlay, StateError, StateView, StoredBlock};

use crate::error::RpcError;
use crate::execute::{Bounded, Bounds, Setting, free_of_charge, run_with, tx_env};
use crate::rpc::{At, Call, Reply, json};

/// 128 MiB: what the traces of one answer may take in memory. As JSON it is as much again.
const MAX_TRACE_BYTES: u64 = 128 << 20;

/// An overlay that is read without being changed; what it caches is behind a lock that nobody contends for.
struct Readable<'a>(Mutex<&'a mut Overlay<StateView>>);

impl DatabaseRef for Readable<'_> {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.0.lock().basic(address)
    }
    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, StateError> {
        self.0.lock().code_by_hash(hash)
    }
    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        Database::storage(&mut **self.0.lock(), address, slot)
    }
    fn block_hash_ref(&self, number: u64) -> Result<B256, StateError> {
        Database::block_hash(&mut **self.0.lock(), number)
    }
}

/// The tracer that the options name, and its bounds; one in JavaScript is not run here.
fn tracer(options: &GethDebugTracingOptions, deadline: Instant) -> Result<Bounded<DebugInspector>, RpcError> {
    use GethDebugBuiltInTracerType as BuiltIn;
    let steps = match &options.tracer {
        None => true,
        Some(GethDebugTracerType::BuiltInTracer(BuiltIn::Erc7562Tracer | BuiltIn::MuxTracer)) => true,
        Some(GethDebugTracerType::BuiltInTracer(_)) => false,
        Some(GethDebugTracerType::JsTracer(_)) => {
            let known = "callTracer, prestateTracer, 4byteTracer, flatCallTracer or none";
            return Err(RpcError::server(format!("tracer not found: use {known}")));
        }
    };
    let memory = options.config.enable_memory.unwrap_or(false);
    let inspector = DebugInspector::new(options.clone()).map_err(|error| RpcError::params(error.to_string()))?;
    Ok(Bounded::new(inspector, Bounds { deadline, bytes: MAX_TRACE_BYTES, steps, memory }))
}

fn result(
    inspector: &mut DebugInspector,
    context: TransactionContext,
    tx: &TxEnv,
    block: &revm::context::BlockEnv,
    done: &ResultAndState,
    state: &mut Overlay<StateView>,
) -> Result<GethTrace, RpcError> {
    let mut state = Readable(Mutex::new(state));
    let trace = inspector.get_result(Some(context), tx, block, done, &mut state);
    let mut trace = trace.map_err(|error| RpcError::server(error.to_string()))?;
    if let GethTrace::Default(frame) = &mut trace {
        // What is nothing is left out, as geth does and execution-apis says.
        for step in &mut frame.struct_logs {
            step.refund_counter = step.refund_counter.filter(|refund| *refund > 0);
            step.return_data = step.return_data.take().filter(|data| !data.is_empty());
            step.memory = step.memory.take().filter(|memory| !memory.is_empty());
        }
    }
    Ok(trace)
}

/// Traces transactions of a block: one, or all.
fn traced(
    call: &Call<'_>,
    stored: &StoredBlock,
    only: Option<usize>,
    options: &GethDebugTracingOptions,
) -> Result<Vec<(B256, GethTrace)>, RpcError> {
    let block = &stored.block;
    if block.header().number == 0 {
        return Err(RpcError::server("genesis is not traceable"));
    }
    let transactions = &block.block.body.transactions;
    let (first, last) = only.map_or((0, transactions.len()), |index| (index, index + 1));
    let mut session = call.chain().replay(block, first, tracer(options, call.deadline)?)?;
    session.evm().enable_inspector();
    let mut traces = Vec::new();
    for index in first..last {
        call.in_time()?;
        let (Some(transaction), Some(sender)) = (transactions.get(index), block.senders.get(index)) else { break };
        let failed = |error: &dyn std::fmt::Display| RpcError::server(format!("tracing failed: {error}"));
        let done = session.execute(transaction, *sender)?.map_err(|error| failed(&error))?;
        let context = TransactionContext {
            block_hash: Some(block.hash),
            tx_index: Some(index),
            tx_hash: Some(*transaction.tx_hash()),
        };
        let tx = TxEnv::from_recovered_tx(transaction, *sender);
        let evm = session.evm();
        let env = evm.block().clone();
        let (state, bounded, _) = evm.components_mut();
        bounded.check()?;
        traces.push((*transaction.tx_hash(), result(&mut bounded.inner, context, &tx, &env, &done, state)?));
        bounded.inner.fuse().map_err(|error| RpcError::server(error.to_string()))?;
        state.commit(done.state);
    }
    Ok(traces)
}

/// `debug_traceTransaction`.
pub(crate) fn transaction(call: &Call<'_>) -> Reply {
    let hash = call.args.hash(0)?;
    let options = call.args.optional(1)?.unwrap_or_default();
    let Some((_, place, stored)) = call.chain().transaction(hash)? else {
        return Err(RpcError::server("transaction not found"));
    };
    match traced(call, &stored, Some(place.index), &options)?.pop() {
        Some((_, trace)) => json(&trace),
        None => Err(RpcError::server("transaction not found")),
    }
}

fn block(call: &Call<'_>, height: u64) -> Reply {
    let options = call.args.optional(1)?.unwrap_or_default();
    let traces = traced(call, &call.whole(height)?.stored, None, &options)?;
    let all = traces.iter().map(|(hash, trace)| object!({ "txHash": hash, "result": trace }));
    json(&all.collect::<Vec<_>>())
}

/// `debug_traceBlockByNumber`.
pub(crate) fn block_by_number(call: &Call<'_>) -> Reply {
    match call.numbered(call.args.required(0)?)? {
        At::Height(height) => block(call, height),
        At::Pending => Err(RpcError::server("the pending block is not executed and cannot be traced")),
    }
}

/// `debug_traceBlockByHash`.
pub(crate) fn block_by_hash(call: &Call<'_>) -> Reply {
    let hash = call.args.hash(0)?;
    match call.chain().height_of(hash)? {
        Some(height) => block(call, height),
        None => Err(RpcError::server(format!("block {hash} not found"))),
    }
}

/// `debug_traceCall`.
pub(crate) fn call(call: &Call<'_>) -> Reply {
    let request: TransactionRequest = call.args.required(0)?;
    let options: GethDebugTracingCallOptions = call.args.optional(2)?.unwrap_or_default();
    let setting = Setting::of(call, call.block_id(1)?, options.state_overrides, options.block_overrides)?;
    let gas = request.gas.unwrap_or(u64::MAX).min(call.rpc.config.gas_cap);
    let tx = tx_env(call.chain().spec().chain_id, &request, gas)?;
    let bounded = tracer(&options.tracing_options, call.deadline)?;
    let (overlay, precompiles) = setting.overlay()?;
    let env = free_of_charge(setting.env.clone(), &tx);
    let (done, mut evm) = run_with(overlay, env, &precompiles, tx.clone(), bounded)?;
    let done = done.map_err(|error| RpcError::server(format!("tracing failed: {error}")))?;
    let env = evm.block().clone();
    let (state, bounded, _) = evm.components_mut();
    json(&result(&mut bounded.inner, TransactionContext::default(), &tx, &env, &done, state)?)
}
