//! Executing what is in no block: the environment, the transaction, and the bounds.

use std::time::Instant;

use alloy_evm::eth::EthEvmFactory;
use alloy_evm::{Evm, EvmEnv, EvmFactory};
use alloy_primitives::{Address, TxKind, U256};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest, state::StateOverride};
use revm::context::TxEnv;
use revm::context_interface::ContextTr;
use revm::context_interface::either::Either;
use revm::context_interface::result::{
    EVMError, ExecutionResult, HaltReason, InvalidTransaction, OutOfGasError, ResultAndState,
};
use revm::inspector::{JournalExt, NoOpInspector};
use revm::interpreter::interpreter_types::MemoryTr;
use revm::interpreter::{CallInputs, CallOutcome, CreateInputs, CreateOutcome, InstructionResult, Interpreter};
use revm::{Database, Inspector};
use weft_evm::{Overlay, StateError, StateReader, StateView};

use crate::error::{INTERNAL, RpcError};
use crate::overrides::{self, Precompiles};
use crate::rpc::{At, Call};

/// 1,024 instructions between two looks at the clock.
const STEPS_A_LOOK: u32 = 1_024;

/// Up to 60 million gas, a fraction of a second's worth, nobody looks at the clock: the gas ends it.
const GAS_WITHOUT_CLOCK: u64 = 60_000_000;

/// 128 bytes for an instruction that is kept, beside its stack.
const STEP_BYTES: usize = 128;

/// 1,024 bytes for a call that is kept, beside its input.
const CALL_BYTES: usize = 1_024;

const TRACE_TOO_LARGE: &str =
    "the trace is larger than this node keeps; trace with callTracer, without memory, or one transaction alone";

/// Where and when something is executed.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) env: EvmEnv,
    pub(crate) view: StateView,
    pub(crate) overrides: StateOverride,
}

impl Setting {
    /// The state after a block, under that block's header; with what the call wants otherwise.
    pub(crate) fn of(
        call: &Call<'_>,
        at: At,
        overrides: Option<StateOverride>,
        block: Option<BlockOverrides>,
    ) -> Result<Self, RpcError> {
        let (_, header) = call.header(at)?;
        let mut env = call.chain().evm_env(&header);
        if let Some(block) = &block {
            overrides::of_block(&mut env, block)?;
        }
        relax(&mut env);
        Ok(Setting { env, view: call.state(at)?, overrides: overrides.unwrap_or_default() })
    }

    /// The state with the overrides.
    pub(crate) fn overlay(&self) -> Result<(Overlay<StateView>, Precompiles), RpcError> {
        let mut overlay = Overlay::new(self.view.clone());
        let precompiles = overrides::of_state(&mut overlay, &self.overrides)?;
        Ok((overlay, precompiles))
    }

    /// Executes one transaction on it and forgets what it did.
    pub(crate) fn run(
        &self,
        tx: TxEnv,
        deadline: Instant,
    ) -> Result<Result<ExecutionResult, InvalidTransaction>, RpcError> {
        let (overlay, precompiles) = self.overlay()?;
        let env = free_of_charge(self.env.clone(), &tx);
        if tx.gas_limit <= GAS_WITHOUT_CLOCK && precompiles.are_usual() {
            let mut evm = EthEvmFactory::default().create_evm(overlay, env);
            return Ok(sorted(evm.transact_raw(tx))?.map(|done| done.result));
        }
        let (done, ..) =
            run_with(overlay, env, &precompiles, tx, Bounded::new(NoOpInspector, Bounds::until(deadline)))?;
        Ok(done.map(|done| done.result))
    }
}

/// What asking does not have to obey.
pub(crate) fn relax(env: &mut EvmEnv) {
    env.cfg_env.disable_nonce_check = true;
    env.cfg_env.disable_block_gas_limit = true;
    env.cfg_env.disable_eip3607 = true;
    env.cfg_env.tx_gas_limit_cap = Some(u64::MAX);
    // A contract under development may be larger than the chain takes; deploying it will say so.
    env.cfg_env.disable_base_fee = false;
}

/// Who offers no price is not charged one, and sees none in the block.
pub(crate) fn free_of_charge(mut env: EvmEnv, tx: &TxEnv) -> EvmEnv {
    if tx.gas_price == 0 {
        env.block_env.basefee = 0;
    }
    if tx.max_fee_per_blob_gas == 0
        && let Some(blobs) = &mut env.block_env.blob_excess_gas_and_price
    {
        blobs.blob_gasprice = 0;
    }
    env
}

type Overlaid<S, I> = <EthEvmFactory as EvmFactory>::Evm<Overlay<S>, Bounded<I>>;

/// Executes with a tracer, within bounds; gives the interpreter back for what the tracer wants to know of it.
#[expect(clippy::type_complexity, reason = "two kinds of failure, and what the interpreter gives")]
pub(crate) fn run_with<S, I>(
    overlay: Overlay<S>,
    env: EvmEnv,
    precompiles: &Precompiles,
    tx: TxEnv,
    bounded: Bounded<I>,
) -> Result<(Result<ResultAndState, InvalidTransaction>, Overlaid<S, I>), RpcError>
where
    S: StateReader,
    I: Inspector<<EthEvmFactory as EvmFactory>::Context<Overlay<S>>>,
{
    let mut evm = EthEvmFactory::default().create_evm_with_inspector(overlay, env, bounded);
    precompiles.apply(&mut evm)?;
    let done = sorted(evm.transact_raw(tx))?;
    evm.inspector().check()?;
    Ok((done, evm))
}

/// Failures of the node apart from refusals of the transaction.
pub(crate) fn sorted<T>(done: Result<T, EVMError<StateError>>) -> Result<Result<T, InvalidTransaction>, RpcError> {
    match done {
        Ok(done) => Ok(Ok(done)),
        Err(EVMError::Transaction(error)) => Ok(Err(error)),
        Err(EVMError::Database(error)) => Err(error.into()),
        Err(other) => Err(RpcError::new(INTERNAL, other.to_string())),
    }
}

/// How long execution may go on, and how much a tracer may keep of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Until when.
    pub(crate) deadline: Instant,
    /// Bytes that the tracer may keep.
    pub(crate) bytes: u64,
    /// It keeps every instruction with the stack.
    pub(crate) steps: bool,
    /// It keeps the memory before every instruction.
    pub(crate) memory: bool,
}

impl Bounds {
    pub(crate) fn until(deadline: Instant) -> Self {
        Bounds { deadline, bytes: u64::MAX, steps: false, memory: false }
    }
}

/// A tracer that is stopped, and execution with it, at its bounds.
#[derive(Debug)]
pub(crate) struct Bounded<I> {
    pub(crate) inner: I,
    bounds: Bounds,
    steps: u32,
    kept: u64,
    exceeded: Option<&'static str>,
}

impl<I> Bounded<I> {
    pub(crate) fn new(inner: I, bounds: Bounds) -> Self {
        Bounded { inner, bounds, steps: 0, kept: 0, exceeded: None }
    }

    /// Whether it was within its bounds.
    pub(crate) fn check(&self) -> Result<(), RpcError> {
        match self.exceeded {
            None => Ok(()),
            Some(why) => Err(RpcError::server(why)),
        }
    }

    /// Counts what the tracer keeps; execution ends at the next instruction if it is too much.
    fn keep(&mut self, bytes: usize) {
        self.kept = self.kept.saturating_add(bytes as u64);
        if self.kept > self.bounds.bytes {
            self.exceeded = Some(TRACE_TOO_LARGE);
        }
    }
}

impl<CTX, I> Inspector<CTX> for Bounded<I>
where
    CTX: ContextTr<Journal: JournalExt>,
    I: Inspector<CTX>,
{
    fn initialize_interp(&mut self, interp: &mut Interpreter, context: &mut CTX) {
        self.inner.initialize_interp(interp, context);
    }
    fn step(&mut self, interp: &mut Interpreter, context: &mut CTX) {
        self.steps = self.steps.wrapping_add(1);
        if self.bounds.steps {
            let memory = if self.bounds.memory { interp.memory.size() } else { 0 };
            self.keep(STEP_BYTES + 32 * interp.stack.len() + memory);
        }
        if self.steps.is_multiple_of(STEPS_A_LOOK) && Instant::now() >= self.bounds.deadline {
            self.exceeded = Some("execution aborted: the call took longer than this node allows");
        }
        if self.exceeded.is_some() {
            interp.halt(InstructionResult::OutOfGas);
            return;
        }
        self.inner.step(interp, context);
    }
    fn step_end(&mut self, interp: &mut Interpreter, context: &mut CTX) {
        if self.exceeded.is_none() {
            self.inner.step_end(interp, context);
        }
    }
    fn log(&mut self, context: &mut CTX, log: alloy_primitives::Log) {
        self.inner.log(context, log);
    }
    fn log_full(&mut self, interp: &mut Interpreter, context: &mut CTX, log: alloy_primitives::Log) {
        self.inner.log_full(interp, context, log);
    }
    fn call(&mut self, context: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.keep(CALL_BYTES + inputs.input.len());
        self.inner.call(context, inputs)
    }
    fn call_end(&mut self, context: &mut CTX, inputs: &CallInputs, outcome: &mut CallOutcome) {
        self.inner.call_end(context, inputs, outcome);
    }
    fn create(&mut self, context: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.keep(CALL_BYTES + inputs.init_code().len());
        self.inner.create(context, inputs)
    }
    fn create_end(&mut self, context: &mut CTX, inputs: &CreateInputs, outcome: &mut CreateOutcome) {
        self.inner.create_end(context, inputs, outcome);
    }
    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        self.inner.selfdestruct(contract, target, value);
    }
}

/// The transaction that a request describes, as the interpreter wants it.
pub(crate) fn tx_env(chain_id: u64, request: &TransactionRequest, gas: u64) -> Result<TxEnv, RpcError> {
    if request.gas_price.is_some() && (request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some())
    {
        return Err(RpcError::server("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified"));
    }
    if let Some(other) = request.chain_id.filter(|other| *other != chain_id) {
        return Err(RpcError::server(format!("chainId does not match node's (have={other}, want={chain_id})")));
    }
    if let (Some(input), Some(data)) = (&request.input.input, &request.input.data)
        && input != data
    {
        return Err(RpcError::params("both \"data\" and \"input\" are set and not equal; use \"input\""));
    }
    let tip = request.max_priority_fee_per_gas;
    let dynamic = request.max_fee_per_gas.is_some() || tip.is_some();
    let blobs = request.blob_versioned_hashes.clone().unwrap_or_default();
    let authorizations = request.authorization_list.clone();
    let tx_type = match () {
        () if authorizations.is_some() => 4,
        () if !blobs.is_empty() => 3,
        () if dynamic => 2,
        () if request.access_list.is_some() => 1,
        () => 0,
    };
    let gas_price = request.gas_price.or(request.max_fee_per_gas).or(tip).unwrap_or(0);
    if tip.is_some_and(|tip| tip > gas_price) {
        let tip = tip.unwrap_or_default();
        return Err(RpcError::server(format!("maxFeePerGas ({gas_price}) < maxPriorityFeePerGas ({tip})")));
    }
    Ok(TxEnv {
        tx_type,
        caller: request.from.unwrap_or_default(),
        gas_limit: gas,
        gas_price,
        kind: request.to.unwrap_or(TxKind::Create),
        value: request.value.unwrap_or_default(),
        data: request.input.input().cloned().unwrap_or_default(),
        nonce: request.nonce.unwrap_or_default(),
        chain_id: Some(chain_id),
        access_list: request.access_list.clone().unwrap_or_default(),
        gas_priority_fee: (tx_type >= 2).then(|| tip.unwrap_or(0)),
        blob_hashes: blobs,
        max_fee_per_blob_gas: request.max_fee_per_blob_gas.unwrap_or_default(),
        authorization_list: authorizations.unwrap_or_default().into_iter().map(Either::Left).collect(),
    })
}

/// A refusal in geth's words, with the code that `eth_simulateV1` gives it.
pub(crate) fn refusal<S: StateReader>(
    error: &InvalidTransaction,
    tx: &TxEnv,
    env: &EvmEnv,
    state: &mut Overlay<S>,
) -> (i32, String) {
    use InvalidTransaction as E;
    let from = tx.caller;
    let (code, text) = match error {
        E::NonceTooLow { tx, state } => (-38010, format!("nonce too low: address {from}, tx: {tx} state: {state}")),
        E::NonceTooHigh { tx, state } => (-38011, format!("nonce too high: address {from}, tx: {tx} state: {state}")),
        E::NonceOverflowInTransaction => (-32603, format!("nonce has max value: address {from}, nonce: {}", u64::MAX)),
        E::GasPriceLessThanBasefee => {
            let (price, base) = (tx.gas_price, env.block_env.basefee);
            (
                -38012,
                format!(
                    "max fee per gas less than block base fee: address {from}, maxFeePerGas: {price}, baseFee: {base}"
                ),
            )
        }
        E::CallGasCostMoreThanGasLimit { initial_gas, gas_limit } => {
            (-38013, format!("intrinsic gas too low: have {gas_limit}, want {initial_gas}"))
        }
        E::GasFloorMoreThanGasLimit { gas_floor, gas_limit } => {
            (-38013, format!("insufficient gas for floor data gas cost: have {gas_limit}, want {gas_floor}"))
        }
        E::LackOfFundForMaxFee { fee, .. } => {
            let have = Database::basic(state, from).ok().flatten().unwrap_or_default().balance;
            (-38014, format!("insufficient funds for gas * price + value: address {from} have {have} want {fee}"))
        }
        E::CallerGasLimitMoreThanBlock => (-38015, String::from("block gas limit reached")),
        E::CreateInitCodeSizeLimit => (-38025, String::from("max initcode size exceeded")),
        E::RejectCallerWithCode => (-38024, format!("sender not an eoa: address {from}")),
        E::PriorityFeeGreaterThanMaxFee => {
            (-32603, format!("max priority fee per gas higher than max fee per gas: address {from}"))
        }
        other => (-32603, other.to_string()),
    };
    (code, format!("err: {text} (supplied gas {})", tx.gas_limit))
}

/// Why execution stopped, in geth's words.
pub(crate) fn halt_message(reason: &HaltReason) -> String {
    match reason {
        HaltReason::OutOfGas(OutOfGasError::Precompile) | HaltReason::OutOfGas(_) => String::from("out of gas"),
        HaltReason::InvalidFEOpcode => String::from("invalid opcode: INVALID"),
        HaltReason::OpcodeNotFound => String::from("invalid opcode: opcode not defined"),
        HaltReason::InvalidJump => String::from("invalid jump destination"),
        HaltReason::StackUnderflow => String::from("stack underflow"),
        HaltReason::StackOverflow => String::from("stack limit reached 1024 (1023)"),
        HaltReason::OutOfOffset => String::from("return data out of bounds"),
        HaltReason::CreateCollision => String::from("contract address collision"),
        HaltReason::StateChangeDuringStaticCall | HaltReason::CallNotAllowedInsideStatic => {
            String::from("write protection")
        }
        HaltReason::CallTooDeep => String::from("max call depth exceeded"),
        HaltReason::OutOfFunds => String::from("insufficient balance for transfer"),
        HaltReason::CreateContractSizeLimit => String::from("max code size exceeded"),
        HaltReason::CreateContractStartingWithEF => String::from("invalid code: must not begin with 0xef"),
        other => other.to_string(),
    }
}
