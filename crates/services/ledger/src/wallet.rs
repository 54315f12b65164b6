//! Transactions of the user's own account, signed with the key that the recovery phrase gives.

use std::sync::Arc;

use alloy_consensus::{EthereumTxEnvelope, Header, SignableTransaction, TxEip1559};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use revm::context::TxEnv;
use revm::context::result::{EVMError, ExecutionResult};
use weft_evm::{Overlay, Recovered, StateError, Transaction, execute_alone};
use weft_identity::Identity;

use crate::handle::{Ledger, Origin, SubmitError};
use crate::pool::StateAccounts;

/// 30 million gas at most for one transaction of the wallet (EIP-7825 allows less than 17 million).
const MAX_GAS: u64 = 16_777_216;

/// 1 gwei: the tip, so that the wallet's transactions come before those that tip nothing.
const TIP: u128 = 1_000_000_000;

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    /// To whom; `None` makes a contract of the data.
    pub(crate) to: Option<Address>,
    /// Wei that go along.
    pub(crate) value: U256,
    /// What a contract is called with, or made of.
    pub(crate) data: Bytes,
    /// Gas it may use; `None` finds out what it needs.
    pub(crate) gas: Option<u64>,
}

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum SendError {
    /// Executed now, it would fail.
    #[error("it would fail: {0}")]
    Reverts(String),
    /// No amount of gas that is allowed is enough.
    #[error("it needs more than {MAX_GAS} gas, which no transaction may have")]
    Gas,
    /// The key could not sign.
    #[error("the account's key could not sign")]
    Sign(#[source] weft_identity::LedgerSignError),
    /// The pool does not take it.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
}

/// The wallet.
#[derive(Clone)]
pub(crate) struct Wallet {
    identity: Arc<Identity>,
    /// One at a time: two must not take the same nonce.
    sending: Arc<parking_lot::Mutex<()>>,
}

impl std::fmt::Debug for Wallet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wallet({})", self.address())
    }
}

impl Wallet {
    /// Of an identity.
    pub(crate) fn new(identity: Arc<Identity>) -> Self {
        Wallet { identity, sending: Arc::default() }
    }

    /// The account.
    pub(crate) fn address(&self) -> Address {
        Address::from(*self.identity.ledger_address().as_bytes())
    }

    /// Signs and submits what was ordered, with the account's next nonce. When it returns it is on the disk. It blocks.
    ///
    /// # Errors
    /// [`SendError`], if it would fail, or is not taken.
    pub(crate) fn send(&self, ledger: &Ledger, order: Order) -> Result<B256, SendError> {
        let _sending = self.sending.lock();
        let chain = ledger.chain();
        let (_, head) = chain.head();
        let gas_limit = match order.gas {
            Some(gas) => gas,
            None => self.gas(ledger, &head, &order)?,
        };
        let nonce = {
            let pool = ledger.pool().lock();
            pool.pending_nonce(self.address(), &StateAccounts(chain.state()))?
        };
        let base_fee = u128::from(chain.spec().next_base_fee(&head).unwrap_or_default());
        let transaction = TxEip1559 {
            chain_id: chain.spec().chain_id,
            nonce,
            gas_limit,
            // The base fee may double many times over before the transaction's turn comes, and is what is paid.
            max_fee_per_gas: base_fee * 4 + TIP,
            max_priority_fee_per_gas: TIP,
            to: order.to.map_or(TxKind::Create, TxKind::Call),
            value: order.value,
            input: order.data,
            ..TxEip1559::default()
        };
        let digest = transaction.signature_hash();
        let signed = self.identity.sign_ledger_digest(&digest.0).map_err(SendError::Sign)?;
        let signature = Signature::new(U256::from_be_bytes(signed.r), U256::from_be_bytes(signed.s), signed.y_odd);
        let transaction: Transaction = EthereumTxEnvelope::Eip1559(transaction.into_signed(signature));
        let recovered = Recovered::new_unchecked(transaction, self.address());
        match ledger.submit_recovered(vec![recovered], Origin::User).pop() {
            Some(result) => Ok(result?),
            None => Err(SubmitError::NotStored.into()),
        }
    }

    /// The gas it needs now, and a fifth more: other transactions may come before it.
    fn gas(&self, ledger: &Ledger, head: &Header, order: &Order) -> Result<u64, SendError> {
        let (mut enough, used) = match self.run(ledger, head, order, MAX_GAS)? {
            ExecutionResult::Success { gas, .. } => (MAX_GAS, gas.tx_gas_used()),
            other => return Err(failure(other)),
        };
        // What a call gives back at its end it needs before, and a call within a call gets 63 parts of 64.
        let mut too_little = used.saturating_sub(1);
        let mut next = used.saturating_mul(65) / 64 + 2_500;
        while enough - too_little > enough / 64 + 1 {
            let gas = next.clamp(too_little + 1, enough);
            match self.run(ledger, head, order, gas)? {
                ExecutionResult::Success { .. } => enough = gas,
                _ if gas == enough => break,
                _ => too_little = gas,
            }
            next = too_little + (enough - too_little) / 2;
        }
        Ok((enough + enough / 5).min(MAX_GAS))
    }

    fn run(&self, ledger: &Ledger, head: &Header, order: &Order, gas: u64) -> Result<ExecutionResult, SendError> {
        let chain = ledger.chain();
        let next = Header { number: head.number + 1, ..head.clone() };
        let mut env = chain.spec().evm_env(&next);
        env.cfg_env.disable_base_fee = true;
        env.cfg_env.disable_nonce_check = true;
        let call = TxEnv {
            caller: self.address(),
            kind: order.to.map_or(TxKind::Create, TxKind::Call),
            data: order.data.clone(),
            gas_limit: gas,
            gas_price: 0,
            value: order.value,
            chain_id: Some(chain.spec().chain_id),
            ..TxEnv::default()
        };
        match execute_alone(env, Overlay::new(chain.state()), call) {
            Ok((result, _)) => Ok(result),
            Err(EVMError::Database(error)) => Err(error.into()),
            Err(error) => Err(SendError::Reverts(error.to_string())),
        }
    }
}

/// What a failed call says.
fn failure(result: ExecutionResult) -> SendError {
    match result {
        ExecutionResult::Revert { output, .. } => SendError::Reverts(
            alloy_sol_types::decode_revert_reason(&output)
                .unwrap_or_else(|| format!("the contract reverts with {output}")),
        ),
        ExecutionResult::Halt { reason, .. } => SendError::Reverts(format!("the contract halts: {reason:?}")),
        ExecutionResult::Success { .. } => SendError::Gas,
    }
}
