//! What a transaction should pay.

use alloy_consensus::Transaction as _;
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{U64, U256};
use serde::Deserialize;
use serde_json::json as object;

use crate::error::RpcError;
use crate::rpc::{At, Call, Reply, json};

/// 1,024: blocks that one fee history looks at.
const MAX_BLOCKS: u64 = 1_024;

/// 100: percentiles of one fee history.
const MAX_PERCENTILES: usize = 100;

/// 20: the last blocks whose tips say what is usual.
const RECENT: u64 = 20;

/// The tip that got most transactions of the last blocks in: the 60th percentile of the lowest three of each.
fn tip(call: &Call<'_>) -> Result<u128, RpcError> {
    let head = call.chain().height();
    let mut tips = Vec::new();
    for height in (head.saturating_sub(RECENT - 1)..=head).rev() {
        call.in_time()?;
        let Some((_, header)) = call.chain().header(height)? else { break };
        if header.gas_used == 0 {
            continue;
        }
        let own = call.rpc.recent.tips(call.chain(), height)?;
        // Blocks that are not half full take any tip.
        let full = header.gas_used > header.gas_limit / 2;
        tips.extend(own.into_iter().map(|tip| if full { tip } else { tip.min(call.rpc.config.default_tip) }));
    }
    tips.sort_unstable();
    let usual = if tips.is_empty() { 0 } else { tips[(tips.len() - 1) * 60 / 100] };
    Ok(usual.max(call.rpc.config.default_tip))
}

/// The base fee of the next block.
pub(crate) fn next_base_fee(call: &Call<'_>) -> u64 {
    let (_, head) = call.chain().head();
    call.chain().spec().next_base_fee(&head).unwrap_or_default()
}

/// What to offer: `maxPriorityFeePerGas`, `maxFeePerGas`.
pub(crate) fn suggested(call: &Call<'_>) -> Result<(u128, u128), RpcError> {
    let tip = tip(call)?;
    Ok((tip, (u128::from(next_base_fee(call)) * 2).saturating_add(tip)))
}

/// `eth_gasPrice`.
pub(crate) fn gas_price(call: &Call<'_>) -> Reply {
    json(&U256::from(u128::from(next_base_fee(call)).saturating_add(tip(call)?)))
}

/// `eth_maxPriorityFeePerGas`.
pub(crate) fn priority_fee(call: &Call<'_>) -> Reply {
    json(&U256::from(tip(call)?))
}

/// `eth_baseFee`.
pub(crate) fn base_fee(call: &Call<'_>) -> Reply {
    json(&U256::from(next_base_fee(call)))
}

/// `eth_blobBaseFee`: of the next block. This chain has no blobs, so nobody pays it.
pub(crate) fn blob_base_fee(call: &Call<'_>) -> Reply {
    let (_, head) = call.chain().head();
    json(&U256::from(next_blob_fee(call, &head)))
}

fn blob_fee(call: &Call<'_>, header: &alloy_consensus::Header) -> u128 {
    let params = call.chain().spec().blob_params(header.timestamp);
    params.zip(header.excess_blob_gas).map_or(0, |(params, excess)| params.calc_blob_fee(excess))
}

fn next_blob_fee(call: &Call<'_>, header: &alloy_consensus::Header) -> u128 {
    let Some(params) = call.chain().spec().blob_params(header.timestamp) else { return 0 };
    let (Some(excess), Some(used)) = (header.excess_blob_gas, header.blob_gas_used) else { return 0 };
    let next = params.next_block_excess_blob_gas_osaka(excess, used, header.base_fee_per_gas.unwrap_or_default());
    params.calc_blob_fee(next)
}

/// A count that some clients give as hex, some as a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Count {
    Plain(u64),
    Hex(U64),
}

/// `eth_feeHistory`.
pub(crate) fn history(call: &Call<'_>) -> Reply {
    let count = match call.args.required(0)? {
        Count::Plain(count) => count,
        Count::Hex(count) => count.to(),
    };
    let newest: BlockNumberOrTag = call.args.required(1)?;
    let percentiles: Vec<f64> = call.args.optional(2)?.unwrap_or_default();
    if percentiles.len() > MAX_PERCENTILES {
        return Err(RpcError::server(format!("over the query limit {MAX_PERCENTILES}")));
    }
    let sorted = percentiles.windows(2).all(|pair| pair[0] <= pair[1]);
    if !sorted || percentiles.iter().any(|each| !(0.0..=100.0).contains(each)) {
        return Err(RpcError::server("invalid reward percentile: they must rise from 0 to 100"));
    }
    let newest = match call.numbered(newest)? {
        At::Height(height) => height,
        At::Pending => call.chain().height(),
    };
    let count = count.min(MAX_BLOCKS).min(newest + 1);
    if count == 0 {
        return json(&object!({ "oldestBlock": "0x0", "gasUsedRatio": null }));
    }
    let oldest = newest + 1 - count;
    let (mut base, mut ratio, mut blob_base, mut blob_ratio, mut rewards) = (vec![], vec![], vec![], vec![], vec![]);
    let mut last = None;
    for height in oldest..=newest {
        call.in_time()?;
        let (_, header) = call.header(At::Height(height))?;
        base.push(U256::from(header.base_fee_per_gas.unwrap_or_default()));
        ratio.push(if header.gas_limit == 0 { 0.0 } else { header.gas_used as f64 / header.gas_limit as f64 });
        blob_base.push(U256::from(blob_fee(call, &header)));
        let most =
            call.chain().spec().blob_params(header.timestamp).map_or(0, |params| params.max_blob_gas_per_block());
        blob_ratio.push(if most == 0 { 0.0 } else { header.blob_gas_used.unwrap_or(0) as f64 / most as f64 });
        if !percentiles.is_empty() {
            rewards.push(self::rewards(call, height, &header, &percentiles)?);
        }
        last = Some(header);
    }
    if let Some(header) = &last {
        base.push(U256::from(call.chain().spec().next_base_fee(header).unwrap_or_default()));
        blob_base.push(U256::from(next_blob_fee(call, header)));
    }
    let mut answer = object!({
        "oldestBlock": U64::from(oldest),
        "baseFeePerGas": base,
        "gasUsedRatio": ratio,
        "baseFeePerBlobGas": blob_base,
        "blobGasUsedRatio": blob_ratio,
    });
    if let (false, Some(fields)) = (percentiles.is_empty(), answer.as_object_mut()) {
        fields.insert("reward".into(), object!(rewards));
    }
    json(&answer)
}

/// The tips at these percentiles of a block's gas.
fn rewards(
    call: &Call<'_>,
    height: u64,
    header: &alloy_consensus::Header,
    percentiles: &[f64],
) -> Result<Vec<U256>, RpcError> {
    if header.gas_used == 0 {
        return Ok(vec![U256::ZERO; percentiles.len()]);
    }
    let whole = call.whole(height)?;
    let (stored, receipts) = (&whole.stored, &whole.receipts);
    let base_fee = header.base_fee_per_gas.unwrap_or_default();
    let mut before = 0;
    let mut tips = Vec::with_capacity(receipts.len());
    for (tx, receipt) in stored.block.block.body.transactions.iter().zip(receipts) {
        tips.push((tx.effective_tip_per_gas(base_fee).unwrap_or_default(), receipt.cumulative_gas_used - before));
        before = receipt.cumulative_gas_used;
    }
    tips.sort_unstable();
    let mut sum = 0;
    let mut at = 0;
    let mut all = Vec::with_capacity(percentiles.len());
    for percentile in percentiles {
        let threshold = (header.gas_used as f64 * percentile / 100.0) as u64;
        while at + 1 < tips.len() && sum + tips[at].1 < threshold {
            sum += tips[at].1;
            at += 1;
        }
        all.push(U256::from(tips.get(at).map_or(0, |(tip, _)| *tip)));
    }
    Ok(all)
}
