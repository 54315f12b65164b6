//! What the API and the events show of the ledger: plain data. Accounts and hashes are hexadecimal with `0x`, amounts are
//! decimal wei in text, since a number of JSON does not hold them.

use alloy_consensus::{Header, Transaction as _, TxReceipt as _};
use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_consensus::certificate::CommitCertificate;
use weft_consensus::evidence::Evidence;
use weft_evm::{Block, Receipt, Transaction};

use crate::handle::ValidatorInfo;

/// 4 KiB of a call's data are shown; the rest is told by its length.
const MAX_DATA: usize = 4 << 10;

/// 64 logs of a transaction are shown.
const MAX_LOGS: usize = 64;

/// A final block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BlockView {
    /// Its height.
    pub height: u64,
    /// Its hash.
    pub hash: String,
    /// The block before it.
    pub parent: String,
    /// When it was made, in seconds since 1970, by the proposer's clock.
    pub timestamp: u64,
    /// The account of the validator that made it.
    pub proposer: String,
    /// How many transactions it has.
    pub transactions: usize,
    /// Gas used.
    pub gas_used: u64,
    /// Gas it may use.
    pub gas_limit: u64,
    /// The base fee, in wei per gas.
    pub base_fee: u64,
    /// The state's root after it.
    pub state_root: String,
    /// The hash of the validators that decide the next height, as consensus and light clients know them.
    pub validators_hash: String,
    /// The round that decided it; 0 if the first proposer was heard in time. `None` for the genesis.
    pub round: Option<u32>,
    /// The accounts whose precommits are in the certificate: with more than two thirds of the power.
    pub signers: Vec<String>,
}

impl BlockView {
    /// Of a block and its certificate.
    pub fn of(hash: B256, header: &Header, transactions: usize, certificate: Option<&CommitCertificate>) -> Self {
        let signers = certificate.map(signers).unwrap_or_default();
        BlockView {
            height: header.number,
            hash: hash.to_string(),
            parent: header.parent_hash.to_string(),
            timestamp: header.timestamp,
            proposer: header.beneficiary.to_string(),
            transactions,
            gas_used: header.gas_used,
            gas_limit: header.gas_limit,
            base_fee: header.base_fee_per_gas.unwrap_or_default(),
            state_root: header.state_root.to_string(),
            validators_hash: header.extra_data.to_string(),
            round: certificate.map(|certificate| certificate.round),
            signers,
        }
    }
}

/// Who signed a certificate.
pub(crate) fn signers(certificate: &CommitCertificate) -> Vec<String> {
    certificate.signatures.iter().map(|(address, _)| Address::from(address.0).to_string()).collect()
}

/// A block with its transactions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BlockDetail {
    /// The block.
    #[serde(flatten)]
    pub block: BlockView,
    /// Its transactions, in order; at most 1,000 of them.
    pub list: Vec<TransactionView>,
    /// The header's bytes (RLP), hexadecimal: the block's hash is their Keccak-256.
    pub header: String,
    /// The certificate as validators and light clients encode it, hexadecimal.
    pub certificate: String,
    /// The validators that decided this height, as their hash in headers is computed of (SHA-256), hexadecimal; `None` for the
    /// genesis, and where the state of then is not kept.
    pub set: Option<String>,
}

/// How far a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It waits for one of its sender before it, or for balance.
    Queued,
    /// It will be in one of the next blocks.
    Pending,
    /// It is in a final block.
    Final,
    /// Another of its sender took its place.
    Replaced,
    /// It will not be in a block, and why is said.
    Dropped,
}

/// A log that a contract wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogView {
    /// The contract.
    pub address: String,
    /// The event's signature hash, and indexed values.
    pub topics: Vec<String>,
    /// The rest, hexadecimal.
    pub data: String,
}

/// A transaction and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TransactionView {
    /// Its hash.
    pub hash: String,
    /// Who sent it.
    pub from: String,
    /// To whom; `None` if it makes a contract.
    pub to: Option<String>,
    /// Wei that go along.
    pub value: String,
    /// Its number among its sender's.
    pub nonce: u64,
    /// Gas it may use.
    pub gas_limit: u64,
    /// Bytes of its data.
    pub data_bytes: usize,
    /// Its data, hexadecimal; the first 4 KiB.
    pub data: String,
    /// How far it is.
    pub stage: Stage,
    /// The height of its block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u64>,
    /// Its place in the block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// Whether it did what it should; one that failed has paid its gas all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub succeeded: Option<bool>,
    /// Gas used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gas_used: Option<u64>,
    /// What it cost, in wei.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee: Option<String>,
    /// The contract it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// What contracts logged; at most 64 of them.
    pub logs: Vec<LogView>,
    /// The validators that executed its block and signed it.
    pub verified_by: Vec<String>,
    /// Why it was dropped, or what took its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl TransactionView {
    /// Of a transaction that is in no block.
    pub fn waiting(transaction: &Transaction, from: Address, stage: Stage) -> Self {
        let data = transaction.input();
        TransactionView {
            hash: transaction.tx_hash().to_string(),
            from: from.to_string(),
            to: transaction.to().map(|to| to.to_string()),
            value: transaction.value().to_string(),
            nonce: transaction.nonce(),
            gas_limit: transaction.gas_limit(),
            data_bytes: data.len(),
            data: alloy_primitives::hex::encode_prefixed(&data[..data.len().min(MAX_DATA)]),
            stage,
            height: None,
            index: None,
            succeeded: None,
            gas_used: None,
            fee: None,
            contract: None,
            logs: Vec::new(),
            verified_by: Vec::new(),
            reason: None,
        }
    }

    /// Of one in a final block: `before` is the gas that those before it in the block used.
    pub fn in_block(
        block: &Block,
        index: usize,
        from: Address,
        receipt: &Receipt,
        before: u64,
        verified_by: Vec<String>,
    ) -> Option<Self> {
        let transaction = block.body.transactions.get(index)?;
        let mut view = TransactionView::waiting(transaction, from, Stage::Final);
        let used = receipt.cumulative_gas_used().saturating_sub(before);
        let price = transaction.effective_gas_price(block.header.base_fee_per_gas);
        view.height = Some(block.header.number);
        view.index = Some(index);
        view.succeeded = Some(receipt.status());
        view.gas_used = Some(used);
        view.fee = Some((u128::from(used).saturating_mul(price)).to_string());
        view.contract =
            (transaction.to().is_none() && receipt.status()).then(|| from.create(transaction.nonce()).to_string());
        view.logs = receipt
            .logs()
            .iter()
            .take(MAX_LOGS)
            .map(|log| LogView {
                address: log.address.to_string(),
                topics: log.topics().iter().map(ToString::to_string).collect(),
                data: log.data.data.to_string(),
            })
            .collect();
        view.verified_by = verified_by;
        Some(view)
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AccountView {
    /// Its address.
    pub address: String,
    /// What it has, in wei.
    pub balance: String,
    /// The next nonce, by final blocks.
    pub nonce: u64,
    /// The next nonce, with what waits in the pool.
    pub pending_nonce: u64,
    /// Bytes of its code; 0 if it is no contract.
    pub code_bytes: usize,
}

/// A validator of the next height.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ValidatorView {
    /// Its account.
    pub address: String,
    /// Its node's Ed25519 key, hexadecimal.
    pub public_key: String,
    /// Its voting power.
    pub power: u64,
    /// Its share of all power, in thousandths of a percent.
    pub share: u64,
    /// Whether it is this node.
    pub me: bool,
}

impl ValidatorView {
    /// Of a whole set.
    pub fn of(set: &[ValidatorInfo], me: Option<Address>) -> Vec<Self> {
        let total: u128 = set.iter().map(|validator| u128::from(validator.power)).sum();
        let view = |validator: &ValidatorInfo| ValidatorView {
            address: validator.address.to_string(),
            public_key: validator.public_key.to_string(),
            power: validator.power,
            share: u64::try_from(u128::from(validator.power) * 100_000 / total.max(1)).unwrap_or_default(),
            me: me == Some(validator.address),
        };
        set.iter().map(view).collect()
    }
}

/// A validator that contradicted itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EvidenceView {
    /// Whose account.
    pub validator: String,
    /// At which height.
    pub height: u64,
    /// In which round.
    pub round: u32,
    /// What it signed twice: `proposal`, `prevote`, `precommit`.
    pub what: &'static str,
}

impl EvidenceView {
    /// Of evidence.
    pub fn of(evidence: &Evidence) -> Self {
        let key = evidence.key();
        EvidenceView {
            validator: Address::from(key.validator.0).to_string(),
            height: key.height.0,
            round: key.round,
            what: match key.step {
                1 => "proposal",
                2 => "prevote",
                _ => "precommit",
            },
        }
    }
}

/// A peer on this ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerPeerView {
    /// Its key, z-base-32.
    pub peer: String,
    /// The height it says it has.
    pub height: u64,
    /// The account it says it validates for.
    pub validator: Option<String>,
}
