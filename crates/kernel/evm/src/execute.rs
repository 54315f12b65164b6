//! Executing blocks.

use std::sync::Arc;

use alloy_consensus::{Header, ReceiptWithBloom, Transaction as _, TxReceipt};
use alloy_eips::eip4895::Withdrawals;
use alloy_eips::eip7685::{EMPTY_REQUESTS_HASH, Requests};
use alloy_evm::block::SystemCaller;
use alloy_evm::block::state_changes::post_block_balance_increments;
use alloy_evm::eth::EthEvmFactory;
use alloy_evm::{Evm, EvmEnv, EvmFactory, FromRecoveredTx};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, B256, Bloom, Bytes};
use revm::context::TxEnv;
use revm::context_interface::Cfg;
use revm::context_interface::result::{EVMError, ExecutionResult, ResultAndState};
use revm::inspector::NoOpInspector;
use revm::primitives::hardfork::SpecId;
use revm::{DatabaseCommit, Inspector};

use crate::block::{Executed, Preamble, Receipt, RecoveredBlock, SYSTEM_ADDRESS, Transaction};
use crate::recover::DecodeError;
use crate::spec::{ChainSpec, Rules};
use crate::state::{Overlay, RootUpdate, StateChanges, StateError, StateReader};
use crate::validate::{BlockError, TransactionError, expect, expect_option};

/// The interpreter over a state, with a tracer.
pub type WeftEvm<S, I = NoOpInspector> = <EthEvmFactory as EvmFactory>::Evm<Overlay<S>, I>;

/// A state whose root can be computed.
pub trait Rooted: StateReader {
    /// The root after `changes`, in which it sets the storage roots.
    fn root_after(&self, changes: &mut StateChanges) -> Result<RootUpdate, StateError>;
}

/// The interpreter as it stands within a block: after its preamble and the transactions executed so far.
pub struct Session<'a, S: StateReader, I = NoOpInspector>
where
    I: Inspector<<EthEvmFactory as EvmFactory>::Context<Overlay<S>>>,
{
    spec: &'a ChainSpec,
    evm: WeftEvm<S, I>,
    receipts: Vec<Receipt>,
    gas_used: u64,
    blob_gas_used: u64,
    calls: Vec<bool>,
}

/// What a block's execution gave, before any of it is compared with a header.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) receipts: Vec<Receipt>,
    pub(crate) calls: Vec<bool>,
    pub(crate) gas_used: u64,
    pub(crate) blob_gas_used: u64,
    pub(crate) bloom: Bloom,
    pub(crate) receipts_root: B256,
    pub(crate) requests_hash: B256,
    pub(crate) changes: StateChanges,
}

impl<'a, S: StateReader> Session<'a, S> {
    /// Begins a block with `header`'s parent hash, number, time, beneficiary, limits and base fee over its parent's state.
    pub fn begin(spec: &'a ChainSpec, header: &Header, preamble: &Preamble, state: S) -> Result<Self, BlockError> {
        Session::begin_with(spec, header, preamble, state, NoOpInspector)
    }
}

impl<'a, S, I> Session<'a, S, I>
where
    S: StateReader,
    I: Inspector<<EthEvmFactory as EvmFactory>::Context<Overlay<S>>>,
{
    /// As [`begin`](Session::begin), with a tracer, which is off until it is [switched on](Self::evm).
    pub fn begin_with(
        spec: &'a ChainSpec,
        header: &Header,
        preamble: &Preamble,
        state: S,
        inspector: I,
    ) -> Result<Self, BlockError> {
        let mut evm = inspected(spec.evm_env(header), state, inspector);
        evm.set_inspector_enabled(false);
        let mut session = Session { spec, evm, receipts: Vec::new(), gas_used: 0, blob_gas_used: 0, calls: Vec::new() };
        let system = |error: alloy_evm::block::BlockExecutionError| BlockError::System(error.to_string());
        let mut caller = SystemCaller::new(spec);
        caller.apply_blockhashes_contract_call(header.parent_hash, &mut session.evm).map_err(system)?;
        if spec.rules == Rules::Ethereum {
            let beacon = header.parent_beacon_block_root;
            caller.apply_beacon_root_contract_call(beacon, &mut session.evm).map_err(system)?;
        }
        for call in &preamble.calls {
            let done = session.system_call(call.to, call.data.clone())?;
            session.calls.push(done);
        }
        Ok(session)
    }

    fn system_call(&mut self, to: Address, data: Bytes) -> Result<bool, BlockError> {
        let done = self.evm.transact_system_call(SYSTEM_ADDRESS, to, data).map_err(|error| match error {
            EVMError::Database(error) => BlockError::State(error),
            other => BlockError::System(other.to_string()),
        })?;
        let success = done.result.is_success();
        self.evm.db_mut().commit(done.state);
        Ok(success)
    }

    /// The interpreter: to switch the tracer on, to read the state, to execute what is thrown away.
    pub fn evm(&mut self) -> &mut WeftEvm<S, I> {
        &mut self.evm
    }

    /// Gas that the block has left.
    pub fn gas_left(&self) -> u64 {
        revm::context_interface::Block::gas_limit(self.evm.block()).saturating_sub(self.gas_used)
    }

    /// Executes the next transaction of the block. After an error of `Ok(Err(_))` nothing has happened and the block goes on.
    pub fn transact(
        &mut self,
        transaction: &Transaction,
        sender: Address,
    ) -> Result<Result<u64, TransactionError>, StateError> {
        let (result, state) = match self.execute(transaction, sender)? {
            Ok(ResultAndState { result, state }) => (result, state),
            Err(error) => return Ok(Err(error)),
        };
        let used = result.tx_gas_used();
        self.gas_used += used;
        self.blob_gas_used += transaction.blob_gas_used().unwrap_or_default();
        self.receipts.push(Receipt {
            tx_type: transaction.tx_type(),
            success: result.is_success(),
            cumulative_gas_used: self.gas_used,
            logs: result.into_logs(),
        });
        self.evm.db_mut().commit(state);
        Ok(Ok(used))
    }

    /// Executes a transaction as the block's next, without taking it into the block.
    pub fn execute(
        &mut self,
        transaction: &Transaction,
        sender: Address,
    ) -> Result<Result<ResultAndState, TransactionError>, StateError> {
        if transaction.is_eip4844() && !self.spec.takes_blobs() {
            return Ok(Err(DecodeError::Blob.into()));
        }
        let left = self.gas_left();
        let limit = transaction.gas_limit();
        // Osaka bounds the gas of a transaction (EIP-7825); a larger limit is refused by the interpreter.
        if limit.min(self.evm.cfg_env().tx_gas_limit_cap()) > left {
            return Ok(Err(TransactionError::GasLeft { limit, left }));
        }
        match self.evm.transact_raw(TxEnv::from_recovered_tx(transaction, sender)) {
            Ok(result) => Ok(Ok(result)),
            Err(EVMError::Transaction(error)) => Ok(Err(TransactionError::Invalid(error))),
            Err(EVMError::Database(error)) => Err(error),
            Err(other) => Err(StateError::damaged("block environment", other)),
        }
    }

    /// The state as it stands, without what ends a block.
    pub fn into_overlay(self) -> Overlay<S> {
        self.evm.into_db()
    }

    /// The receipts so far.
    pub fn receipts(&self) -> &[Receipt] {
        &self.receipts
    }

    /// What comes after the last transaction, and the sum of it all.
    pub(crate) fn finish(mut self, ommers: &[Header], withdrawals: Option<&Withdrawals>) -> Result<Output, BlockError> {
        let timestamp = revm::context_interface::Block::timestamp(self.evm.block()).saturating_to();
        let mut requests_hash = EMPTY_REQUESTS_HASH;
        if self.spec.rules == Rules::Ethereum {
            if self.spec.is_prague_active_at_timestamp(timestamp) {
                requests_hash = self.requests()?.requests_hash();
            }
            let withdrawals = withdrawals.map(|withdrawals| &withdrawals[..]);
            let rewards = post_block_balance_increments(self.spec, self.evm.block(), ommers, withdrawals);
            for (address, amount) in rewards {
                // Before EIP-161 even nothing makes an account; since then it makes none.
                let spurious = self.evm.cfg_env().spec.is_enabled_in(SpecId::SPURIOUS_DRAGON);
                if amount > 0 || !spurious {
                    self.evm.db_mut().increment_balance(address, amount)?;
                }
            }
        }
        let blooms: Vec<ReceiptWithBloom<&Receipt>> = self.receipts.iter().map(TxReceipt::with_bloom_ref).collect();
        let bloom = blooms.iter().fold(Bloom::ZERO, |bloom, receipt| bloom | receipt.logs_bloom);
        let receipts_root = alloy_consensus::proofs::calculate_receipt_root(&blooms);
        drop(blooms);
        let changes = self.evm.into_db().into_changes()?;
        Ok(Output {
            receipts: self.receipts,
            calls: self.calls,
            gas_used: self.gas_used,
            blob_gas_used: self.blob_gas_used,
            bloom,
            receipts_root,
            requests_hash,
            changes,
        })
    }

    fn requests(&mut self) -> Result<Requests, BlockError> {
        let system = |error: alloy_evm::block::BlockExecutionError| BlockError::System(error.to_string());
        let mut requests = Requests::default();
        let deposits = alloy_evm::eth::eip6110::parse_deposits_from_receipts(self.spec, &self.receipts)
            .map_err(|error| BlockError::System(error.to_string()))?;
        if !deposits.is_empty() {
            requests.push_request_with_type(alloy_evm::eth::eip6110::DEPOSIT_REQUEST_TYPE, deposits);
        }
        SystemCaller::new(self.spec).append_post_execution_changes(&mut self.evm, &mut requests).map_err(system)?;
        Ok(requests)
    }
}

fn inspected<S, I>(env: EvmEnv, state: S, inspector: I) -> WeftEvm<S, I>
where
    S: StateReader,
    I: Inspector<<EthEvmFactory as EvmFactory>::Context<Overlay<S>>>,
{
    EthEvmFactory::default().create_evm_with_inspector(Overlay::new(state), env, inspector)
}

/// Executes one transaction over a state in an environment of the caller's making (`eth_call`, `eth_estimateGas`, a state
/// test) and gives what it changed.
pub fn execute_alone<S: StateReader>(
    env: EvmEnv,
    state: Overlay<S>,
    transaction: TxEnv,
) -> Result<(ExecutionResult, Overlay<S>), EVMError<StateError>> {
    let mut evm = EthEvmFactory::default().create_evm(state, env);
    let done = evm.transact_raw(transaction)?;
    evm.db_mut().commit(done.state);
    Ok((done.result, evm.into_db()))
}

/// Executes a block over its parent's state and checks every field of its header.
pub fn execute_block<S: Rooted>(
    spec: &ChainSpec,
    parent: &Header,
    parent_hash: B256,
    block: Arc<RecoveredBlock>,
    state: &S,
) -> Result<Executed, BlockError> {
    spec.validate(parent, parent_hash, &block)?;
    let header = block.header();
    let mut session = Session::begin(spec, header, &block.preamble, state)?;
    for (index, (transaction, sender)) in block.block.body.transactions.iter().zip(&block.senders).enumerate() {
        if let Err(source) = session.transact(transaction, *sender)? {
            return Err(BlockError::Transaction { index, hash: *transaction.tx_hash(), source });
        }
    }
    let body = &block.block.body;
    let mut output = session.finish(&body.ommers, body.withdrawals.as_ref())?;
    let id = spec.spec_id(header.number, header.timestamp);
    expect("gasUsed", output.gas_used, header.gas_used)?;
    if id.is_enabled_in(SpecId::CANCUN) {
        expect_option("blobGasUsed", Some(output.blob_gas_used), header.blob_gas_used)?;
    }
    if id.is_enabled_in(SpecId::PRAGUE) {
        expect_option("requestsHash", Some(output.requests_hash), header.requests_hash)?;
    }
    expect("logsBloom", output.bloom, header.logs_bloom)?;
    // Before Byzantium a receipt has the state root after its transaction, which nobody asks for today.
    if id.is_enabled_in(SpecId::BYZANTIUM) {
        expect("receiptsRoot", output.receipts_root, header.receipts_root)?;
    }
    let root = state.root_after(&mut output.changes)?;
    expect("stateRoot", root.root, header.state_root)?;
    Ok(Executed { receipts: output.receipts, changes: output.changes, calls: output.calls, root, block })
}
