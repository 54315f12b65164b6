//! What can be said of a transaction without knowing any account.

use alloy_consensus::{Transaction as _, TxType, Typed2718};
use revm::context_interface::cfg::GasParams;
use revm::primitives::hardfork::SpecId;
use revm::primitives::{eip3860, eip7825};
use weft_evm::{ChainSpec, MAX_TRANSACTION_BYTES, Recovered};

use super::error::AdmissionError;
use super::transaction::Candidate;

/// The rules by which the next block takes transactions. Cheap to clone, so that transactions can be checked without
/// holding the pool.
#[derive(Debug, Clone)]
pub struct Rules {
    chain_id: u64,
    fork: SpecId,
    gas: GasParams,
    gas_limit: u64,
    min_base_fee: u64,
    min_tip: u128,
}

impl Rules {
    /// The rules of the block with this number, timestamp and gas limit.
    pub fn at(spec: &ChainSpec, number: u64, timestamp: u64, gas_limit: u64) -> Self {
        let fork = spec.spec_id(number, timestamp);
        let gas = GasParams::new_spec(fork);
        Rules { chain_id: spec.chain_id, fork, gas, gas_limit, min_base_fee: spec.min_base_fee, min_tip: 0 }
    }

    /// With a tip a gas below which this node takes nothing.
    pub fn with_min_tip(mut self, tip: u128) -> Self {
        self.min_tip = tip;
        self
    }

    /// Checks all that depends on the transaction alone, in geth's order.
    pub fn check(&self, transaction: Recovered) -> Result<Candidate, AdmissionError> {
        let candidate = Candidate::new(transaction);
        let (tx, sender) = (&candidate.transaction, candidate.sender());
        self.check_kind(tx)?;
        if candidate.bytes > MAX_TRANSACTION_BYTES {
            return Err(AdmissionError::Oversized { bytes: candidate.bytes });
        }
        let (bytes, limit) = (tx.input().len(), eip3860::MAX_INITCODE_SIZE);
        if tx.is_create() && self.fork >= SpecId::SHANGHAI && bytes > limit {
            return Err(AdmissionError::InitcodeSize { bytes, limit });
        }
        let gas = tx.gas_limit();
        if self.fork >= SpecId::OSAKA && gas > eip7825::TX_GAS_LIMIT_CAP {
            return Err(AdmissionError::GasCap { gas, cap: eip7825::TX_GAS_LIMIT_CAP });
        }
        if gas > self.gas_limit {
            return Err(AdmissionError::BlockGasLimit { gas, limit: self.gas_limit });
        }
        let price = candidate.price;
        if price.tip > price.fee_cap {
            return Err(AdmissionError::TipAboveFeeCap { tip: price.tip, fee_cap: price.fee_cap });
        }
        if tx.nonce() == u64::MAX {
            return Err(AdmissionError::NonceMax(sender));
        }
        self.check_gas(tx)?;
        if price.tip < self.min_tip {
            return Err(AdmissionError::TipTooLow { tip: price.tip, needed: self.min_tip });
        }
        if price.fee_cap < u128::from(self.min_base_fee) {
            let (fee_cap, base_fee) = (price.fee_cap, self.min_base_fee);
            return Err(AdmissionError::FeeCapTooLow { sender, fee_cap, base_fee });
        }
        if let Some(authorizations) = tx.authorization_list() {
            if tx.is_create() {
                return Err(AdmissionError::SetCodeCreates(sender));
            }
            if authorizations.is_empty() {
                return Err(AdmissionError::EmptyAuthorizations(sender));
            }
        }
        Ok(candidate)
    }

    fn check_kind(&self, tx: &Recovered) -> Result<(), AdmissionError> {
        let since = match tx.tx_type() {
            TxType::Legacy => SpecId::FRONTIER,
            TxType::Eip2930 => SpecId::BERLIN,
            TxType::Eip1559 => SpecId::LONDON,
            TxType::Eip4844 => return Err(AdmissionError::Blob),
            TxType::Eip7702 => SpecId::PRAGUE,
        };
        if self.fork < since {
            return Err(AdmissionError::Type(tx.ty()));
        }
        match tx.chain_id() {
            Some(found) if found != self.chain_id => {
                Err(AdmissionError::ChainId { expected: self.chain_id, found: Some(found) })
            }
            _ => Ok(()),
        }
    }

    fn check_gas(&self, tx: &Recovered) -> Result<(), AdmissionError> {
        let (accounts, slots) = tx
            .access_list()
            .map_or((0, 0), |list| (list.len() as u64, list.iter().map(|item| item.storage_keys.len() as u64).sum()));
        let authorizations = tx.authorization_list().map_or(0, |list| list.len() as u64);
        let need = self.gas.initial_tx_gas(tx.input(), tx.is_create(), accounts, slots, authorizations, None);
        let gas = tx.gas_limit();
        if gas < need.initial_total_gas() {
            return Err(AdmissionError::IntrinsicGas { gas, needed: need.initial_total_gas() });
        }
        if self.fork >= SpecId::PRAGUE && gas < need.floor_gas() {
            return Err(AdmissionError::FloorDataGas { gas, needed: need.floor_gas() });
        }
        Ok(())
    }
}
