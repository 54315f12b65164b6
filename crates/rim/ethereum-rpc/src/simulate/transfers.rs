//! Logs as they come, by the call that wrote them; with `traceTransfers` those of value moved, too, as an ERC-20 token would
//! write them.

use alloy_primitives::{Address, B256, Bytes, Log, LogData, U256, address, b256};
use revm::Inspector;
use revm::context_interface::{ContextTr, JournalTr};
use revm::interpreter::{CallInputs, CallOutcome, CreateInputs, CreateOutcome, Interpreter};

/// Who seems to write the logs of transfers (execution-apis, `eth_simulateV1`).
const EMITTER: Address = address!("eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");

/// `Transfer(address,address,uint256)`.
const TRANSFER: B256 = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// A log, and which of its block it is, those counted that a revert took back.
pub(super) type Counted = (u64, Log);

#[derive(Debug, Default)]
pub(super) struct LogWatcher {
    with_transfers: bool,
    count: u64,
    /// One list for each call that is open.
    open: Vec<Vec<Counted>>,
    done: Vec<Counted>,
}

impl LogWatcher {
    pub(super) fn new(with_transfers: bool) -> Self {
        LogWatcher { with_transfers, ..LogWatcher::default() }
    }

    /// The logs of the transaction that has ended.
    pub(super) fn take(&mut self) -> Vec<Counted> {
        self.open.clear();
        std::mem::take(&mut self.done)
    }

    fn add(&mut self, log: Log) {
        let counted = (self.count, log);
        self.count += 1;
        match self.open.last_mut() {
            Some(call) => call.push(counted),
            None => self.done.push(counted),
        }
    }

    fn moved(&mut self, from: Address, to: Address, value: U256) {
        if self.with_transfers && !value.is_zero() {
            let topics = vec![TRANSFER, from.into_word(), to.into_word()];
            let data = Bytes::from(value.to_be_bytes::<32>());
            self.add(Log { address: EMITTER, data: LogData::new_unchecked(topics, data) });
        }
    }

    fn ended(&mut self, well: bool) {
        let Some(logs) = self.open.pop() else { return };
        if well {
            self.open.last_mut().unwrap_or(&mut self.done).extend(logs);
        }
    }
}

impl<CTX: ContextTr> Inspector<CTX> for LogWatcher {
    fn log(&mut self, _: &mut CTX, log: Log) {
        self.add(log);
    }

    fn log_full(&mut self, _: &mut Interpreter, _: &mut CTX, log: Log) {
        self.add(log);
    }

    fn call(&mut self, _: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.open.push(Vec::new());
        if let Some(value) = inputs.transfer_value() {
            self.moved(inputs.transfer_from(), inputs.transfer_to(), value);
        }
        None
    }

    fn call_end(&mut self, _: &mut CTX, _: &CallInputs, outcome: &mut CallOutcome) {
        self.ended(outcome.result.result.is_ok());
    }

    fn create(&mut self, context: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.open.push(Vec::new());
        if self.with_transfers && !inputs.value().is_zero() {
            // It was loaded to pay for this; if it cannot be read, execution fails by itself.
            let nonce = context.journal_mut().load_account(inputs.caller()).ok()?.data.info.nonce;
            self.moved(inputs.caller(), inputs.created_address(nonce), inputs.value());
        }
        None
    }

    fn create_end(&mut self, _: &mut CTX, _: &CreateInputs, outcome: &mut CreateOutcome) {
        self.ended(outcome.result.result.is_ok());
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        self.moved(contract, target, value);
    }
}
