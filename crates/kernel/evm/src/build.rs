//! Making a block of transactions that wait.

use std::collections::HashSet;
use std::sync::Arc;

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::eip4895::Withdrawals;
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, B256, Bytes};
use alloy_trie::EMPTY_ROOT_HASH;
use revm::context_interface::result::InvalidTransaction;

use crate::block::{Block, Body, Executed, MAX_BLOCK_BYTES, Preamble, Recovered, RecoveredBlock};
use crate::execute::{Rooted, Session};
use crate::spec::{ChainSpec, Rules};
use crate::validate::{BlockError, TransactionError, mix_hash};

/// What the proposer decides of a block.
#[derive(Debug, Clone)]
pub struct Attributes {
    /// Seconds since 1970; raised to the parent's if it is earlier.
    pub timestamp: u64,
    /// Whom the tips go to: the proposer's account.
    pub beneficiary: Address,
    /// The 32 bytes of `extraData`: the hash of the validator set of the next height.
    pub extra_data: B256,
    /// What the chain itself does first.
    pub preamble: Preamble,
}

/// How large a block may get.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Gas, at most the chain's gas limit.
    pub gas: u64,
    /// Bytes of transactions, at most [`MAX_BLOCK_BYTES`].
    pub bytes: usize,
}

impl Default for Limits {
    /// As much as a block holds.
    fn default() -> Self {
        Limits { gas: u64::MAX, bytes: MAX_BLOCK_BYTES }
    }
}

/// What became of a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is in the block, and used this much gas.
    Included(u64),
    /// It may fit a later block.
    Skipped(SkipReason),
    /// It can never be executed as it is: forget it.
    Kicked(TransactionError),
}

/// Why a candidate waits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// The block has not so much gas left.
    Gas,
    /// The block has not so many bytes left.
    Bytes,
    /// An earlier transaction of its sender did not get in.
    BehindAnother,
    /// It does not pay the base fee of this block.
    BaseFee,
    /// It waits for the sender's transaction with this nonce.
    Nonce(u64),
    /// Its sender has not the funds now.
    Funds,
}

/// A block that was built, executed as it is, and what became of each candidate looked at, by hash and in order.
#[derive(Debug)]
pub struct Built {
    /// The block; committing it needs no further execution.
    pub executed: Arc<Executed>,
    /// Candidates and their fates. Those behind a `stop` are not here.
    pub outcomes: Vec<(B256, Outcome)>,
}

/// Builds the block after `parent` of `candidates`, in their order, until they, the gas or the bytes are used up or
/// `stop` says so (it is asked before each candidate).
pub fn build_block<S: Rooted>(
    spec: &ChainSpec,
    parent: (&Header, B256),
    attributes: Attributes,
    candidates: impl IntoIterator<Item = Recovered>,
    limits: Limits,
    mut stop: impl FnMut() -> bool,
    state: &S,
) -> Result<Built, BlockError> {
    let (parent, parent_hash) = parent;
    let mut header = next_header(spec, parent, parent_hash, &attributes);
    let gas = limits.gas.min(header.gas_limit);
    let bytes = limits.bytes.min(MAX_BLOCK_BYTES);
    let mut session = Session::begin(spec, &header, &attributes.preamble, state)?;
    let mut body = Body::default();
    let (mut senders, mut outcomes) = (Vec::new(), Vec::new());
    let mut left_out = HashSet::new();
    let (mut gas_used, mut bytes_used) = (0, 0);
    for candidate in candidates {
        // Less gas than any transaction needs: nothing more fits.
        if stop() || gas - gas_used < 21_000 {
            break;
        }
        let hash = *candidate.inner().tx_hash();
        let sender = candidate.signer();
        let size = candidate.inner().encode_2718_len();
        let outcome = if left_out.contains(&sender) {
            Outcome::Skipped(SkipReason::BehindAnother)
        } else if bytes_used + size > bytes {
            Outcome::Skipped(SkipReason::Bytes)
        } else if alloy_consensus::Transaction::gas_limit(candidate.inner()) > gas - gas_used {
            skipped_or_kicked(
                TransactionError::GasLeft {
                    limit: alloy_consensus::Transaction::gas_limit(candidate.inner()),
                    left: header.gas_limit - gas_used,
                },
                header.gas_limit,
            )
        } else {
            match session.transact(candidate.inner(), sender)? {
                Ok(used) => Outcome::Included(used),
                Err(error) => skipped_or_kicked(error, header.gas_limit),
            }
        };
        if let Outcome::Included(used) = outcome {
            gas_used += used;
            bytes_used += size;
            senders.push(sender);
            body.transactions.push(candidate.into_inner());
        } else {
            left_out.insert(sender);
        }
        outcomes.push((hash, outcome));
    }
    if header.withdrawals_root.is_some() {
        body.withdrawals = Some(Withdrawals::default());
    }
    let mut output = session.finish(&[], body.withdrawals.as_ref())?;
    let root = state.root_after(&mut output.changes)?;
    header.transactions_root = alloy_consensus::proofs::calculate_transaction_root(&body.transactions);
    header.gas_used = output.gas_used;
    header.receipts_root = output.receipts_root;
    header.logs_bloom = output.bloom;
    header.state_root = root.root;
    let block = Arc::new(RecoveredBlock::new(Block { header, body }, senders, attributes.preamble));
    let executed = Executed { block, receipts: output.receipts, changes: output.changes, calls: output.calls, root };
    Ok(Built { executed: Arc::new(executed), outcomes })
}

/// The header of the block after `parent` as far as it is known before execution: what `pending` is in a call.
pub fn next_header(spec: &ChainSpec, parent: &Header, parent_hash: B256, attributes: &Attributes) -> Header {
    let number = parent.number + 1;
    let earliest = if spec.rules == Rules::Weft { parent.timestamp } else { parent.timestamp + 1 };
    let timestamp = attributes.timestamp.max(earliest);
    let cancun = spec.is_cancun_active_at_timestamp(timestamp);
    Header {
        parent_hash,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: attributes.beneficiary,
        number,
        gas_limit: parent.gas_limit,
        timestamp,
        extra_data: Bytes::copy_from_slice(attributes.extra_data.as_slice()),
        mix_hash: mix_hash(parent_hash, attributes.beneficiary, number),
        base_fee_per_gas: spec.next_base_fee(parent),
        withdrawals_root: spec.is_shanghai_active_at_timestamp(timestamp).then_some(EMPTY_ROOT_HASH),
        blob_gas_used: cancun.then_some(0),
        excess_blob_gas: cancun.then_some(0),
        parent_beacon_block_root: cancun.then_some(attributes.preamble.commitment),
        requests_hash: spec
            .is_prague_active_at_timestamp(timestamp)
            .then_some(alloy_eips::eip7685::EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

fn skipped_or_kicked(error: TransactionError, gas_limit: u64) -> Outcome {
    use InvalidTransaction as Invalid;
    match error {
        TransactionError::GasLeft { limit, .. } if limit <= gas_limit => Outcome::Skipped(SkipReason::Gas),
        TransactionError::Invalid(Invalid::GasPriceLessThanBasefee) => Outcome::Skipped(SkipReason::BaseFee),
        TransactionError::Invalid(Invalid::NonceTooHigh { state, .. }) => Outcome::Skipped(SkipReason::Nonce(state)),
        TransactionError::Invalid(Invalid::LackOfFundForMaxFee { .. }) => Outcome::Skipped(SkipReason::Funds),
        other => Outcome::Kicked(other),
    }
}
