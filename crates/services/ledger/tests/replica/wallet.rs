//! Accounts that sign.

use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip1559};
use alloy_primitives::{Address, B256, Signature, TxKind, U256, keccak256};
use k256::ecdsa::SigningKey;
use weft_evm::{Recovered, Transaction};

/// An account with its key.
pub(crate) struct Wallet {
    key: SigningKey,
    pub(crate) address: Address,
}

impl Wallet {
    pub(crate) fn new(seed: u64) -> Wallet {
        Wallet::of(keccak256(seed.to_be_bytes()))
    }

    /// That of a key.
    pub(crate) fn of(secret: B256) -> Wallet {
        let key = SigningKey::from_slice(secret.as_slice()).unwrap();
        let address = Address::from_public_key(key.verifying_key());
        Wallet { key, address }
    }

    /// A transfer, signed.
    pub(crate) fn send(&self, chain_id: u64, nonce: u64, to: Address, value: u64) -> Recovered {
        let tx = TxEip1559 {
            chain_id,
            nonce,
            gas_limit: 21_000,
            max_fee_per_gas: 1_000_000_000,
            max_priority_fee_per_gas: 1,
            to: TxKind::Call(to),
            value: U256::from(value),
            ..TxEip1559::default()
        };
        let (signature, recovery) = self.key.sign_prehash_recoverable(tx.signature_hash().as_slice()).unwrap();
        let signature = Signature::from((signature, recovery));
        let signed: Transaction = EthereumTxEnvelope::Eip1559(tx.into_signed(signature));
        Recovered::new_unchecked(signed, self.address)
    }
}
