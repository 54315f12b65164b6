//! Accounts with their keys, and what they sign.

use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip1559, TxEip4844};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, hex, keccak256};
use anyhow::{Context, Result};
use k256::ecdsa::SigningKey;

/// 1,000 gwei: above what a base fee rises to while full blocks follow one another.
const FEE_CAP: u128 = 1_000_000_000_000;

/// One gwei to the proposer.
const TIP: u128 = 1_000_000_000;

/// What a transaction does.
pub(crate) struct Order {
    pub(crate) to: TxKind,
    pub(crate) value: U256,
    pub(crate) input: Bytes,
    pub(crate) gas: u64,
}

/// A transaction, ready to be sent.
pub(crate) struct Signed {
    pub(crate) hash: B256,
    pub(crate) raw: String,
}

/// An account and the nonce of its next transaction.
pub(crate) struct Account {
    key: SigningKey,
    pub(crate) address: Address,
    pub(crate) nonce: u64,
}

impl Account {
    /// The account of a name: the same in every run.
    pub(crate) fn named(name: &str, number: usize) -> Result<Account> {
        Account::of(keccak256(format!("weft-bench {name} {number}")))
    }

    /// The account of a key.
    pub(crate) fn of(secret: B256) -> Result<Account> {
        let key = SigningKey::from_slice(secret.as_slice()).context("this is no key")?;
        let address = Address::from_public_key(key.verifying_key());
        Ok(Account { key, address, nonce: 0 })
    }

    /// Signs the account's next transaction.
    pub(crate) fn sign(&mut self, chain_id: u64, order: Order) -> Result<Signed> {
        let transaction = TxEip1559 {
            chain_id,
            nonce: self.nonce,
            gas_limit: order.gas,
            max_fee_per_gas: FEE_CAP,
            max_priority_fee_per_gas: TIP,
            to: order.to,
            value: order.value,
            input: order.input,
            ..TxEip1559::default()
        };
        self.nonce += 1;
        let (signature, recovery) = self.key.sign_prehash_recoverable(transaction.signature_hash().as_slice())?;
        let signed: EthereumTxEnvelope<TxEip4844> =
            EthereumTxEnvelope::Eip1559(transaction.into_signed(Signature::from((signature, recovery))));
        Ok(Signed { hash: *signed.tx_hash(), raw: hex::encode_prefixed(signed.encoded_2718()) })
    }
}

/// The bytes of a call: the selector of a signature, and words.
pub(crate) fn call_data(signature: &str, words: &[U256]) -> Bytes {
    let mut data = keccak256(signature)[..4].to_vec();
    for word in words {
        data.extend(word.to_be_bytes::<32>());
    }
    data.into()
}

/// An address as a word of a call.
pub(crate) fn word(address: Address) -> U256 {
    address.into_word().into()
}
