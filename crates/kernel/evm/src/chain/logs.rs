//! Logs over ranges of blocks: each header's bloom says which blocks are worth reading.

use std::ops::RangeInclusive;

use alloy_primitives::{Address, B256, Bloom, BloomInput, Log};

use super::Chain;
use super::tables::{self, height_key};
use crate::state::StateError;

/// 10,000: the most logs that one query gives.
pub const MAX_LOGS: usize = 10_000;

/// 100,000: the most blocks that one query looks at.
pub const MAX_LOG_BLOCKS: u64 = 100_000;

/// Headers read at once.
const HEADERS_A_STEP: usize = 256;

/// Which logs are wanted. An empty list stands for any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Of one of these contracts.
    pub addresses: Vec<Address>,
    /// At each place one of these topics; at most four places.
    pub topics: Vec<Vec<B256>>,
}

/// A log and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// The block's height.
    pub height: u64,
    /// The block's hash.
    pub block: B256,
    /// The block's time.
    pub timestamp: u64,
    /// The hash of the transaction.
    pub transaction: B256,
    /// Its index in the block.
    pub index: usize,
    /// The log's index in the block.
    pub log_index: usize,
    /// The log.
    pub log: Log,
}

/// Why logs were not given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogsError {
    /// The range is too long.
    #[error("the query covers {blocks} blocks; at most {MAX_LOG_BLOCKS} are searched at once")]
    TooManyBlocks {
        /// How many it covers.
        blocks: u64,
    },
    /// There are too many of them.
    #[error("the query matches more than {limit} logs; heights {from} to {to} have as many as are given at once")]
    TooManyLogs {
        /// The limit.
        limit: usize,
        /// The first height asked for.
        from: u64,
        /// Up to here they are not too many.
        to: u64,
    },
    /// The chain began from a snapshot here, and blocks of before may have some.
    #[error(
        "logs of block {height} are wanted; this node began from a snapshot and keeps blocks from {oldest} on: ask one that has the whole history"
    )]
    NotKept {
        /// The first that may have some.
        height: u64,
        /// The oldest block kept.
        oldest: u64,
    },
    /// They could not be read.
    #[error(transparent)]
    State(#[from] StateError),
}

impl LogFilter {
    /// Whether a block with this bloom may have such a log.
    pub fn may_be_in(&self, bloom: &Bloom) -> bool {
        let has = |bytes: &[u8]| bloom.contains_input(BloomInput::Raw(bytes));
        let any = |topics: &Vec<B256>| topics.is_empty() || topics.iter().any(|topic| has(topic.as_slice()));
        (self.addresses.is_empty() || self.addresses.iter().any(|address| has(address.as_slice())))
            && self.topics.iter().all(any)
    }

    /// Whether a log is wanted.
    pub fn matches(&self, log: &Log) -> bool {
        let topics = log.topics();
        (self.addresses.is_empty() || self.addresses.contains(&log.address))
            && self.topics.len() <= topics.len()
            && self.topics.iter().zip(topics).all(|(wanted, topic)| wanted.is_empty() || wanted.contains(topic))
    }
}

impl Chain {
    /// The logs that a filter wants of the blocks at these heights (those above the head have none), at most `limit`.
    /// `stop` is asked before each block that is read, so that a deadline holds; what it stops is an error of the caller's.
    pub fn logs(
        &self,
        filter: &LogFilter,
        heights: RangeInclusive<u64>,
        limit: usize,
        mut stop: impl FnMut() -> bool,
    ) -> Result<Vec<LogEntry>, LogsError> {
        let (from, to) = (*heights.start(), (*heights.end()).min(self.height()));
        if from > to {
            return Ok(Vec::new());
        }
        let blocks = (to - from).saturating_add(1);
        if blocks > MAX_LOG_BLOCKS {
            return Err(LogsError::TooManyBlocks { blocks });
        }
        let limit = limit.min(MAX_LOGS);
        let mut found = Vec::new();
        let mut next = from;
        while next <= to {
            let after = next.checked_sub(1).map(height_key);
            let after = after.as_ref().map(|key| &key[..]);
            let rows = self.shared.store.scan(tables::HEADERS, &[], after, HEADERS_A_STEP).map_err(StateError::from)?;
            if rows.is_empty() {
                break;
            }
            for (key, row) in rows {
                let height = tables::read_height(&key)?;
                if height > to || stop() {
                    return Ok(found);
                }
                next = height + 1;
                let (hash, header) = tables::read_header(&row)?;
                if header.gas_used == 0 || !filter.may_be_in(&header.logs_bloom) {
                    continue;
                }
                self.logs_of(filter, height, hash, header.timestamp, &mut found)?;
                if found.len() > limit {
                    return Err(LogsError::TooManyLogs { limit, from, to: height.saturating_sub(1).max(from) });
                }
            }
        }
        Ok(found)
    }

    fn logs_of(
        &self,
        filter: &LogFilter,
        height: u64,
        block: B256,
        timestamp: u64,
        found: &mut Vec<LogEntry>,
    ) -> Result<(), LogsError> {
        let Some(receipts) = self.receipts(height)? else {
            return Err(LogsError::NotKept { height, oldest: self.oldest_block()? });
        };
        let wanted = |log: &Log| filter.matches(log);
        // The bloom may be wrong about it; the body, which names the transactions, is read only if it was right.
        if !receipts.iter().flat_map(|receipt| &receipt.logs).any(wanted) {
            return Ok(());
        }
        let Some(stored) = self.block(height)? else { return Ok(()) };
        let hashes = stored.block.block.body.transactions.iter().map(|transaction| *transaction.tx_hash());
        let mut log_index = 0;
        for (index, (receipt, transaction)) in receipts.into_iter().zip(hashes).enumerate() {
            for log in receipt.logs {
                if wanted(&log) {
                    found.push(LogEntry { height, block, timestamp, transaction, index, log_index, log });
                }
                log_index += 1;
            }
        }
        Ok(())
    }
}
