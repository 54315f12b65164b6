//! Whether a block may follow its parent.

use std::fmt::Display;

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, B64, B256, U256, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use revm::context_interface::result::InvalidTransaction;
use revm::primitives::hardfork::SpecId;

use crate::block::{Body, MAX_BLOCK_BYTES, Preamble, RecoveredBlock};
use crate::recover::DecodeError;
use crate::spec::{ChainSpec, Rules};
use crate::state::StateError;

/// Why a block is refused, or could not be executed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// A field of the header is not what it must be.
    #[error("the block's {field} is {found}, not {expected}")]
    Header {
        /// Which, by its name in JSON.
        field: &'static str,
        /// What the parent, the body or the execution asks for.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// The parent is not known, or not the head.
    #[error("the block's parent {0} is not the head")]
    UnknownParent(B256),
    /// The encoded body is too long.
    #[error("the block's transactions have {0} bytes; at most {MAX_BLOCK_BYTES} are taken")]
    TooLong(usize),
    /// A transaction may not stand where it does.
    #[error("transaction {index} of the block ({hash}) is not valid: {source}")]
    Transaction {
        /// Its place.
        index: usize,
        /// Its hash.
        hash: B256,
        /// Why.
        source: TransactionError,
    },
    /// A call that the chain itself makes failed in a way that no valid chain sees.
    #[error("a call of the chain itself failed: {0}")]
    System(String),
    /// The state could not be read: no fault of the block.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Why a transaction cannot be executed now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransactionError {
    /// It is none of this chain.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The block has not so much gas left.
    #[error("its gas limit is {limit}, the block has {left} left")]
    GasLeft {
        /// The transaction's.
        limit: u64,
        /// The block's.
        left: u64,
    },
    /// The rules of the fork refuse it in this state.
    #[error("{0}")]
    Invalid(InvalidTransaction),
}

pub(crate) fn expect<T: PartialEq + Display>(field: &'static str, expected: T, found: T) -> Result<(), BlockError> {
    if expected == found {
        return Ok(());
    }
    Err(BlockError::Header { field, expected: expected.to_string(), found: found.to_string() })
}

pub(crate) fn expect_option<T: PartialEq + std::fmt::Debug>(
    field: &'static str,
    expected: Option<T>,
    found: Option<T>,
) -> Result<(), BlockError> {
    if expected == found {
        return Ok(());
    }
    let plain = |value: Option<T>| value.map_or_else(|| String::from("absent"), |value| format!("{value:?}"));
    Err(BlockError::Header { field, expected: plain(expected), found: plain(found) })
}

fn require(ok: bool, field: &'static str, expected: impl Display, found: impl Display) -> Result<(), BlockError> {
    if ok {
        return Ok(());
    }
    Err(BlockError::Header { field, expected: expected.to_string(), found: found.to_string() })
}

/// What `mixHash` (and `PREVRANDAO`) is on a Weft chain: predictable by anyone, and so no source of chance.
pub fn mix_hash(parent: B256, proposer: Address, height: u64) -> B256 {
    let mut bytes = [0; 60];
    bytes[..32].copy_from_slice(parent.as_slice());
    bytes[32..52].copy_from_slice(proposer.as_slice());
    bytes[52..].copy_from_slice(&height.to_be_bytes());
    keccak256(bytes)
}

impl ChainSpec {
    /// Checks all of a block that needs no execution.
    pub fn validate(&self, parent: &Header, parent_hash: B256, block: &RecoveredBlock) -> Result<(), BlockError> {
        let header = block.header();
        self.validate_header(parent, parent_hash, header)?;
        self.validate_body(header, &block.block.body)?;
        self.validate_preamble(header, &block.preamble)?;
        expect("transactions' senders", block.block.body.transactions.len(), block.senders.len())
    }

    /// Checks a header against its parent's.
    pub fn validate_header(&self, parent: &Header, parent_hash: B256, header: &Header) -> Result<(), BlockError> {
        if header.parent_hash != parent_hash {
            return Err(BlockError::UnknownParent(header.parent_hash));
        }
        expect("number", parent.number.saturating_add(1), header.number)?;
        require(
            header.gas_used <= header.gas_limit,
            "gasUsed",
            format!("at most {}", header.gas_limit),
            header.gas_used,
        )?;
        match self.rules {
            Rules::Weft => self.validate_weft(parent, parent_hash, header)?,
            Rules::Ethereum => self.validate_ethereum(parent, header)?,
        }
        expect_option("baseFeePerGas", self.next_base_fee(parent), header.base_fee_per_gas)?;
        let id = self.spec_id(header.number, header.timestamp);
        if id.is_enabled_in(SpecId::MERGE) {
            expect("difficulty", U256::ZERO, header.difficulty)?;
            expect("nonce", B64::ZERO, header.nonce)?;
            expect("sha3Uncles", EMPTY_OMMER_ROOT_HASH, header.ommers_hash)?;
        }
        let shanghai = id.is_enabled_in(SpecId::SHANGHAI);
        require(
            header.withdrawals_root.is_some() == shanghai,
            "withdrawalsRoot",
            presence(shanghai),
            presence(!shanghai),
        )?;
        let cancun = id.is_enabled_in(SpecId::CANCUN);
        let beacon = header.parent_beacon_block_root.is_some();
        require(beacon == cancun, "parentBeaconBlockRoot", presence(cancun), presence(beacon))?;
        require(header.blob_gas_used.is_some() == cancun, "blobGasUsed", presence(cancun), presence(!cancun))?;
        let excess = self.blob_params(header.timestamp).map(|params| {
            let parent_fee = parent.base_fee_per_gas.unwrap_or_default();
            let (excess, used) = (parent.excess_blob_gas.unwrap_or(0), parent.blob_gas_used.unwrap_or(0));
            // The formula is EIP-7918's from Osaka on and EIP-4844's before; the library chooses by the base cost.
            params.next_block_excess_blob_gas_osaka(excess, used, parent_fee)
        });
        expect_option("excessBlobGas", excess, header.excess_blob_gas)?;
        let prague = id.is_enabled_in(SpecId::PRAGUE);
        require(header.requests_hash.is_some() == prague, "requestsHash", presence(prague), presence(!prague))?;
        expect_option("blockAccessListHash", None, header.block_access_list_hash)
    }

    fn validate_weft(&self, parent: &Header, parent_hash: B256, header: &Header) -> Result<(), BlockError> {
        let earliest = parent.timestamp;
        require(header.timestamp >= earliest, "timestamp", format!("at least {earliest}"), header.timestamp)?;
        expect("gasLimit", parent.gas_limit, header.gas_limit)?;
        expect("extraData's length", 32, header.extra_data.len())?;
        expect("mixHash", mix_hash(parent_hash, header.beneficiary, header.number), header.mix_hash)?;
        expect_option("withdrawalsRoot", Some(EMPTY_ROOT_HASH), header.withdrawals_root)?;
        expect_option("blobGasUsed", Some(0), header.blob_gas_used)?;
        if self.is_prague_active_at_timestamp(header.timestamp) {
            expect_option("requestsHash", Some(EMPTY_REQUESTS_HASH), header.requests_hash)?;
        }
        Ok(())
    }

    fn validate_ethereum(&self, parent: &Header, header: &Header) -> Result<(), BlockError> {
        let after = format!("later than {}", parent.timestamp);
        require(header.timestamp > parent.timestamp, "timestamp", after, header.timestamp)?;
        require(header.extra_data.len() <= 32, "extraData's length", "at most 32", header.extra_data.len())?;
        let london = self.is_london_active_at_block(header.number);
        // The first block with a base fee has a doubled gas limit (EIP-1559).
        let before = if london && parent.base_fee_per_gas.is_none() { parent.gas_limit * 2 } else { parent.gas_limit };
        let ok = header.gas_limit.abs_diff(before) < before / 1024 && header.gas_limit >= 5_000;
        let near = format!("within a 1024th of {before} and at least 5000");
        require(ok && header.gas_limit <= i64::MAX as u64, "gasLimit", near, header.gas_limit)?;
        if let (Some(params), Some(used)) = (self.blob_params(header.timestamp), header.blob_gas_used) {
            let most = params.max_blob_gas_per_block();
            let ok = used <= most && used.is_multiple_of(alloy_eips::eip4844::DATA_GAS_PER_BLOB);
            require(ok, "blobGasUsed", format!("whole blobs and at most {most}"), used)?;
        }
        Ok(())
    }

    /// Checks a body against its header.
    pub fn validate_body(&self, header: &Header, body: &Body) -> Result<(), BlockError> {
        let bytes: usize = body.transactions.iter().map(Encodable2718::encode_2718_len).sum();
        if bytes > MAX_BLOCK_BYTES {
            return Err(BlockError::TooLong(bytes));
        }
        let root = alloy_consensus::proofs::calculate_transaction_root(&body.transactions);
        expect("transactionsRoot", root, header.transactions_root)?;
        expect("sha3Uncles", body.calculate_ommers_root(), header.ommers_hash)?;
        expect_option("withdrawalsRoot", body.calculate_withdrawals_root(), header.withdrawals_root)
    }

    /// On a Weft chain the header commits to the preamble; elsewhere there is none.
    fn validate_preamble(&self, header: &Header, preamble: &Preamble) -> Result<(), BlockError> {
        match self.rules {
            Rules::Weft => {
                expect_option("parentBeaconBlockRoot", Some(preamble.commitment), header.parent_beacon_block_root)
            }
            Rules::Ethereum => expect("preamble's calls", 0, preamble.calls.len()),
        }
    }
}

fn presence(there: bool) -> &'static str {
    if there { "present" } else { "absent" }
}
