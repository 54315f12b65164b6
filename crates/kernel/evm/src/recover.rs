//! From bytes to transactions with senders.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_consensus::Transaction as _;
use alloy_consensus::transaction::SignerRecoverable;
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::Bytes;
use alloy_rlp::Decodable;

use crate::block::{Block, MAX_BLOCK_BYTES, Recovered, Transaction};
use crate::spec::ChainSpec;

/// 128 KiB: the longest transaction, as in other clients' pools.
pub const MAX_TRANSACTION_BYTES: usize = 128 << 10;

/// 1 KiB: a header has about 600 bytes, and the lists of a body some more.
pub const MAX_HEADER_BYTES: usize = 1 << 10;

/// 16: threads that recover senders at once, whatever the machine has.
pub const MAX_RECOVERY_THREADS: usize = 16;

/// A thread takes this many signatures at a time: recovery costs some 30 µs, starting a thread about as much.
const SIGNATURES_A_STEP: usize = 16;

/// Why bytes are no transaction, or no block, of this chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There are too many.
    #[error("a transaction has {0} bytes; at most {MAX_TRANSACTION_BYTES} are taken")]
    TooLong(usize),
    /// It is longer than any block.
    #[error("a block has {0} bytes; at most {MAX_BLOCK_BYTES} of transactions are taken")]
    BlockTooLong(usize),
    /// They are not the encoding of a transaction (EIP-2718) or a block.
    #[error("not a valid encoding: {0}")]
    Malformed(String),
    /// It carries blobs, which this chain has not.
    #[error("blob transactions (EIP-4844, type 3) are not taken: this chain has no blobs; send the data as calldata")]
    Blob,
    /// It is signed for another chain.
    #[error("the transaction is for chain {found}, this is chain {expected}")]
    WrongChain {
        /// This chain.
        expected: u64,
        /// The one it names.
        found: u64,
    },
    /// The signature is of nobody.
    #[error("the transaction's signature is not valid")]
    Signature,
}

/// Reads one transaction in its network form (EIP-2718: a type byte and a payload, or a legacy list).
pub fn decode_transaction(spec: &ChainSpec, raw: &[u8]) -> Result<Transaction, DecodeError> {
    if raw.len() > MAX_TRANSACTION_BYTES {
        return Err(DecodeError::TooLong(raw.len()));
    }
    if raw.first() == Some(&3) && !spec.takes_blobs() {
        return Err(DecodeError::Blob);
    }
    let transaction = Transaction::decode_2718_exact(raw).map_err(|error| DecodeError::Malformed(error.to_string()))?;
    check(spec, &transaction)?;
    Ok(transaction)
}

/// Reads a block (header, transactions, ommers, withdrawals in RLP) that a stranger sent. Nothing of it is checked but that
/// it is one, and not too long.
pub fn decode_block(raw: &[u8]) -> Result<Block, DecodeError> {
    if raw.len() > MAX_BLOCK_BYTES + MAX_HEADER_BYTES {
        return Err(DecodeError::BlockTooLong(raw.len()));
    }
    let mut rest = raw;
    let block = Block::decode(&mut rest).map_err(|error| DecodeError::Malformed(error.to_string()))?;
    if rest.is_empty() { Ok(block) } else { Err(DecodeError::Malformed(String::from("something follows it"))) }
}

fn check(spec: &ChainSpec, transaction: &Transaction) -> Result<(), DecodeError> {
    if transaction.is_eip4844() && !spec.takes_blobs() {
        return Err(DecodeError::Blob);
    }
    match transaction.chain_id() {
        Some(found) if found != spec.chain_id => Err(DecodeError::WrongChain { expected: spec.chain_id, found }),
        _ => Ok(()),
    }
}

/// The sender of a transaction of this chain.
pub fn recover(spec: &ChainSpec, transaction: Transaction) -> Result<Recovered, DecodeError> {
    check(spec, &transaction)?;
    let sender = transaction.recover_signer().map_err(|_| DecodeError::Signature)?;
    Ok(Recovered::new_unchecked(transaction, sender))
}

/// Decodes and recovers many, on at most `threads` threads, in the order given.
pub fn recover_raw(spec: &ChainSpec, raw: &[Bytes], threads: NonZero<usize>) -> Vec<Result<Recovered, DecodeError>> {
    in_parallel(raw, threads, |raw| recover(spec, decode_transaction(spec, raw)?))
}

/// Recovers the senders of a block's transactions, on at most `threads` threads; fails with the place of the first one
/// that is not valid.
pub fn recover_senders(
    spec: &ChainSpec,
    transactions: &[Transaction],
    threads: NonZero<usize>,
) -> Result<Vec<alloy_primitives::Address>, (usize, DecodeError)> {
    let sender = |transaction: &Transaction| {
        check(spec, transaction)?;
        transaction.recover_signer().map_err(|_| DecodeError::Signature)
    };
    let senders = in_parallel(transactions, threads, sender);
    senders.into_iter().enumerate().map(|(index, sender)| sender.map_err(|error| (index, error))).collect()
}

fn in_parallel<T: Sync, U: Send>(items: &[T], threads: NonZero<usize>, work: impl Fn(&T) -> U + Sync) -> Vec<U> {
    let threads = threads.get().min(MAX_RECOVERY_THREADS).min(items.len().div_ceil(SIGNATURES_A_STEP));
    if threads <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len().div_ceil(SIGNATURES_A_STEP)));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let step = next.fetch_add(1, Ordering::Relaxed);
                    let start = step * SIGNATURES_A_STEP;
                    if start >= items.len() {
                        return;
                    }
                    let end = items.len().min(start + SIGNATURES_A_STEP);
                    let part: Vec<U> = items[start..end].iter().map(&work).collect();
                    done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((step, part));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    done.sort_unstable_by_key(|(step, _)| *step);
    done.into_iter().flat_map(|(_, part)| part).collect()
}
