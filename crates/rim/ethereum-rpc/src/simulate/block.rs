//! One simulated block.

use alloy_consensus::{Block, BlockBody, Header, Transaction as _, TxReceipt};
use alloy_eips::eip7685::Requests;
use alloy_evm::block::state_changes::post_block_balance_increments;
use alloy_evm::block::{BlockExecutionError, SystemCaller};
use alloy_evm::eth::EthEvmFactory;
use alloy_evm::{Evm, EvmFactory};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, B256, Bloom, U64};
use alloy_rpc_types_eth::{Log, TransactionRequest};
use revm::DatabaseCommit;
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::context_interface::result::{ExecutionResult, InvalidTransaction};
use revm::primitives::hardfork::SpecId;
use serde_json::{Value, json as object};
use weft_evm::{Overlay, Receipt, Rules, Transaction};

use super::Wanted;
use super::transfers::{Counted, LogWatcher};
use super::world::World;
use crate::error::{INTERNAL, REVERTED, RpcError, reverted_message};
use crate::execute::{Bounded, Bounds, halt_message, refusal, relax, sorted, tx_env};
use crate::rpc::Call;
use crate::{blocks, fill, overrides};

/// The call failed, and not by reverting.
const VM_ERROR: i32 = -32015;
/// The block has less gas left than the call is given.
const BLOCK_GAS: i32 = -38015;

/// What a simulation has come to.
pub(super) struct Simulation<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) world: World,
    pub(super) parent: Header,
    pub(super) parent_hash: B256,
    /// Of what the server gives to one read.
    pub(super) gas_left: u64,
    pub(super) validation: bool,
    pub(super) trace_transfers: bool,
    pub(super) full: bool,
}

/// What a call came to, its block's hash yet unknown.
struct Called {
    result: ExecutionResult,
    logs: Vec<Counted>,
}

type SimEvm<'a> = <EthEvmFactory as EvmFactory>::Evm<Overlay<&'a World>, Bounded<LogWatcher>>;

fn system(error: &dyn std::fmt::Display) -> RpcError {
    RpcError::new(INTERNAL, format!("what the chain itself does in a block failed: {error}"))
}

impl Simulation<'_> {
    /// Simulates the block with this header, which becomes the parent of the next; gives what the client is told of it.
    pub(super) fn block(&mut self, wanted: &Wanted, mut header: Header) -> Result<Value, RpcError> {
        let spec = self.call.chain().spec();
        let mut env = spec.evm_env(&header);
        relax(&mut env);
        env.cfg_env.disable_nonce_check = !self.validation;
        if let Some(price) = wanted.overrides().blob_base_fee {
            let blobs = BlobExcessGasAndPrice { excess_blob_gas: 0, blob_gasprice: price.saturating_to() };
            env.block_env.blob_excess_gas_and_price = Some(blobs);
        }
        let mut overlay = Overlay::new(&self.world);
        let precompiles = overrides::of_state(&mut overlay, &wanted.block.state_overrides.clone().unwrap_or_default())?;
        let bounded = Bounded::new(LogWatcher::new(self.trace_transfers), Bounds::until(self.call.deadline));
        let mut evm: SimEvm<'_> = EthEvmFactory::default().create_evm_with_inspector(overlay, env, bounded);
        precompiles.apply(&mut evm)?;
        let mut caller = SystemCaller::new(spec);
        let failed = |error: BlockExecutionError| system(&error);
        evm.set_inspector_enabled(false);
        caller.apply_blockhashes_contract_call(header.parent_hash, &mut evm).map_err(failed)?;
        if spec.rules == Rules::Ethereum {
            caller.apply_beacon_root_contract_call(header.parent_beacon_block_root, &mut evm).map_err(failed)?;
        }
        evm.set_inspector_enabled(true);
        let (mut transactions, mut senders, mut receipts, mut called) = (vec![], vec![], vec![], vec![]);
        let mut blob_gas_used = 0;
        for request in &wanted.block.calls {
            self.call.in_time()?;
            let before = header.gas_used;
            let (transaction, done) = self.call_in(&mut evm, &mut header, request.clone())?;
            self.gas_left -= header.gas_used - before;
            blob_gas_used += transaction.blob_gas_used().unwrap_or_default();
            receipts.push(Receipt {
                tx_type: transaction.tx_type(),
                success: done.result.is_success(),
                cumulative_gas_used: header.gas_used,
                logs: done.result.logs().to_vec(),
            });
            transactions.push(transaction);
            senders.push(request.from.unwrap_or_default());
            called.push(done);
        }
        evm.set_inspector_enabled(false);
        let mut body = BlockBody { transactions, ommers: Vec::new(), withdrawals: None };
        body.withdrawals = header.withdrawals_root.map(|_| Default::default());
        if spec.is_prague_active_at_timestamp(header.timestamp) {
            let mut requests = Requests::default();
            if spec.rules == Rules::Ethereum {
                let deposits = alloy_evm::eth::eip6110::parse_deposits_from_receipts(spec, &receipts);
                let deposits = deposits.map_err(|error| system(&error))?;
                if !deposits.is_empty() {
                    requests.push_request_with_type(alloy_evm::eth::eip6110::DEPOSIT_REQUEST_TYPE, deposits);
                }
                caller.append_post_execution_changes(&mut evm, &mut requests).map_err(failed)?;
            }
            header.requests_hash = Some(requests.requests_hash());
        }
        if spec.rules == Rules::Ethereum {
            let spurious = evm.cfg_env().spec.is_enabled_in(SpecId::SPURIOUS_DRAGON);
            for (address, amount) in post_block_balance_increments(spec, evm.block(), &body.ommers, None) {
                if amount > 0 || !spurious {
                    evm.db_mut().increment_balance(address, amount)?;
                }
            }
        }
        let changes = evm.into_db().into_changes()?;
        header.blob_gas_used = header.blob_gas_used.map(|_| blob_gas_used);
        header.state_root = self.world.apply(self.call.chain(), changes)?;
        let blooms: Vec<_> = receipts.iter().map(TxReceipt::with_bloom_ref).collect();
        header.logs_bloom = blooms.iter().fold(Bloom::ZERO, |bloom, receipt| bloom | receipt.logs_bloom);
        header.receipts_root = alloy_consensus::proofs::calculate_receipt_root(&blooms);
        header.transactions_root = alloy_consensus::proofs::calculate_transaction_root(&body.transactions);
        let hash = header.hash_slow();
        self.world.remember(header.number, hash);
        let block = Block { header, body };
        let mut value = blocks::rpc_block(hash, &block, &senders, self.full)?;
        let results = called.into_iter().zip(&block.body.transactions).enumerate();
        let results = results
            .map(|(index, (called, transaction))| told(called, &block.header, hash, (index, *transaction.tx_hash())));
        if let Some(fields) = value.as_object_mut() {
            fields.insert("calls".into(), Value::Array(results.collect()));
        }
        (self.parent, self.parent_hash) = (block.header, hash);
        Ok(value)
    }

    /// Executes a call as the block's next transaction.
    fn call_in(
        &self,
        evm: &mut SimEvm<'_>,
        header: &mut Header,
        mut request: TransactionRequest,
    ) -> Result<(Transaction, Called), RpcError> {
        let chain_id = self.call.chain().spec().chain_id;
        let from: Address = request.from.unwrap_or_default();
        if request.nonce.is_none() {
            request.nonce = Some(evm.db_mut().info(from)?.map_or(0, |info| info.nonce));
        }
        let left = header.gas_limit.saturating_sub(header.gas_used);
        let gas = request.gas.unwrap_or(left);
        if gas > left {
            let (used, limit) = (header.gas_used, header.gas_limit);
            return Err(RpcError::new(BLOCK_GAS, format!("block gas limit reached: {used} >= {limit}")));
        }
        let gas = gas.min(self.gas_left);
        request.gas = Some(gas);
        match (header.base_fee_per_gas, request.gas_price) {
            (Some(_), None) => {
                request.max_fee_per_gas.get_or_insert(0);
                request.max_priority_fee_per_gas.get_or_insert(0);
            }
            (None, None) => request.gas_price = Some(0),
            (_, Some(_)) => {}
        }
        let tx = tx_env(chain_id, &request, gas)?;
        let transaction = fill::unsigned(&request, chain_id)?;
        let refused = |evm: &mut SimEvm<'_>, error: &InvalidTransaction| {
            let env = alloy_evm::EvmEnv::new(evm.cfg_env().clone(), evm.block().clone());
            let (code, message) = refusal(error, &tx, &env, evm.db_mut());
            RpcError::new(code, message)
        };
        if self.validation
            && tx.nonce == u64::MAX
            && evm.db_mut().info(from)?.is_some_and(|info| info.nonce == tx.nonce)
        {
            // The interpreter looks at prices first.
            return Err(refused(evm, &InvalidTransaction::NonceOverflowInTransaction));
        }
        // Who offers nothing, and is not validated, pays nothing; who offers something must offer enough.
        evm.ctx_mut().cfg.disable_base_fee = !self.validation && tx.gas_price == 0;
        let done = match sorted(evm.transact_raw(tx.clone()))? {
            Ok(done) => done,
            Err(error) => return Err(refused(evm, &error)),
        };
        evm.inspector().check()?;
        header.gas_used += done.result.tx_gas_used();
        evm.db_mut().commit(done.state);
        let logs = evm.inspector_mut().inner.take();
        Ok((
            transaction,
            Called { logs: if done.result.is_success() { logs } else { Vec::new() }, result: done.result },
        ))
    }
}

/// What the client is told of a call.
fn told(called: Called, header: &Header, block: B256, (index, transaction): (usize, B256)) -> Value {
    let logs = called.logs.into_iter().map(|(log_index, inner)| Log {
        inner,
        block_hash: Some(block),
        block_number: Some(header.number),
        block_timestamp: Some(header.timestamp),
        transaction_hash: Some(transaction),
        transaction_index: Some(index as u64),
        log_index: Some(log_index),
        removed: false,
    });
    let gas = called.result.gas();
    let mut value = object!({
        // What a revert gave is in the error.
        "returnData": called.result.output().filter(|_| called.result.is_success()).cloned().unwrap_or_default(),
        "logs": logs.collect::<Vec<_>>(),
        "gasUsed": U64::from(gas.tx_gas_used()),
        "maxUsedGas": U64::from(gas.total_gas_spent().max(gas.tx_gas_used())),
        "status": U64::from(u64::from(called.result.is_success())),
    });
    let error = match &called.result {
        ExecutionResult::Success { .. } => None,
        ExecutionResult::Revert { output, .. } => {
            Some(object!({ "message": reverted_message(output), "code": REVERTED, "data": output }))
        }
        ExecutionResult::Halt { reason, .. } => Some(object!({ "message": halt_message(reason), "code": VM_ERROR })),
    };
    if let (Some(error), Some(fields)) = (error, value.as_object_mut()) {
        fields.insert("error".into(), error);
    }
    value
}
