//! Logs by filter, with limits on how many and over how many blocks.

use std::ops::RangeInclusive;

use alloy_eips::BlockNumberOrTag;
use alloy_rpc_types_eth::{Filter, FilterBlockOption, Log};
use weft_evm::{LogEntry, LogFilter};

use crate::error::RpcError;
use crate::rpc::{At, Call, Reply, json};

/// 1,000: addresses of a filter, and topics at each of its places.
const MAX_CHOICES: usize = 1_000;

/// What a filter asks of a log.
pub(crate) fn wanted(filter: &Filter) -> Result<LogFilter, RpcError> {
    let mut addresses: Vec<_> = filter.address.iter().copied().collect();
    addresses.sort_unstable();
    let mut topics: Vec<Vec<_>> = filter.topics.iter().map(|set| set.iter().copied().collect()).collect();
    // Trailing places where anything goes do not ask for so many topics.
    while topics.last().is_some_and(Vec::is_empty) {
        topics.pop();
    }
    if addresses.len() > MAX_CHOICES || topics.iter().any(|choices| choices.len() > MAX_CHOICES) {
        return Err(RpcError::params(format!("exceed max addresses or topics per search position ({MAX_CHOICES})")));
    }
    Ok(LogFilter { addresses, topics })
}

pub(crate) fn rpc_log(entry: LogEntry) -> Log {
    Log {
        inner: entry.log,
        block_hash: Some(entry.block),
        block_number: Some(entry.height),
        block_timestamp: Some(entry.timestamp),
        transaction_hash: Some(entry.transaction),
        transaction_index: Some(entry.index as u64),
        log_index: Some(entry.log_index as u64),
        removed: false,
    }
}

/// The logs at these heights, within the server's limits.
pub(crate) fn search(call: &Call<'_>, filter: &LogFilter, heights: RangeInclusive<u64>) -> Result<Vec<Log>, RpcError> {
    let config = &call.rpc.config;
    let blocks = heights.end().saturating_sub(*heights.start()).saturating_add(1);
    if blocks > config.max_log_blocks && *heights.end() > 0 {
        let most = config.max_log_blocks;
        return Err(RpcError::limit(format!(
            "block range too large: {blocks} blocks, at most {most} are searched at once"
        )));
    }
    let found = call.chain().logs(filter, heights, config.max_logs, || call.is_late())?;
    call.in_time()?;
    Ok(found.into_iter().map(rpc_log).collect())
}

/// The parameter as a filter; geth's words where it contradicts itself.
pub(crate) fn filter_param(call: &Call<'_>, place: usize) -> Result<Filter, RpcError> {
    if let Some(raw) = call.args.raw(place)
        && let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(raw)
        && fields.get("blockHash").is_some_and(|hash| !hash.is_null())
        && ["fromBlock", "toBlock"].iter().any(|name| fields.get(*name).is_some_and(|block| !block.is_null()))
    {
        let why = "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other";
        return Err(RpcError::params(format!("invalid argument {place}: {why}")));
    }
    call.args.required(place)
}

/// `eth_getLogs`.
pub(crate) fn get(call: &Call<'_>) -> Reply {
    let filter = filter_param(call, 0)?;
    json(&by_filter(call, &filter)?)
}

pub(crate) fn by_filter(call: &Call<'_>, filter: &Filter) -> Result<Vec<Log>, RpcError> {
    let wanted = wanted(filter)?;
    let head = call.chain().height();
    let heights = match &filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => match call.chain().height_of(*hash)? {
            Some(height) => height..=height,
            None => return Err(RpcError::server("unknown block")),
        },
        FilterBlockOption::Range { from_block, to_block } => {
            let height = |number: &Option<BlockNumberOrTag>| match number {
                None => Ok::<u64, RpcError>(head),
                Some(BlockNumberOrTag::Number(number)) => Ok(*number),
                Some(tag) => Ok(match call.numbered(*tag)? {
                    At::Height(height) => height,
                    // Nothing is logged before it is final.
                    At::Pending => head,
                }),
            };
            let (from, to) = (height(from_block)?, height(to_block)?);
            if from > to {
                return Err(RpcError::params("invalid block range params"));
            }
            if to > head {
                return Err(RpcError::params("block range extends beyond current head block"));
            }
            from..=to
        }
    };
    search(call, &wanted, heights)
}
