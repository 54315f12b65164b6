//! The node and its network: `net_*`, `web3_*`, `eth_chainId`, `eth_syncing`, and Weft's own.

use alloy_primitives::{B256, Bytes, U64, keccak256};
use serde_json::{Value, json as object};

use crate::error::RpcError;
use crate::light::{LightBlock, MAX_LIGHT_BLOCKS};
use crate::rpc::{At, Call, Reply, json};

/// `eth_chainId`.
pub(crate) fn chain_id(call: &Call<'_>) -> Reply {
    json(&U64::from(call.chain().spec().chain_id))
}

/// `net_version`.
pub(crate) fn network(call: &Call<'_>) -> Reply {
    json(&call.chain().spec().chain_id.to_string())
}

/// `net_listening`.
pub(crate) fn listening(_: &Call<'_>) -> Reply {
    json(&true)
}

/// `net_peerCount`.
pub(crate) fn peers(call: &Call<'_>) -> Reply {
    json(&U64::from(call.rpc.ledger.peers()))
}

/// `web3_clientVersion`.
pub(crate) fn version(_: &Call<'_>) -> Reply {
    let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    json(&format!("Weft/v{}/{system}-{machine}", env!("CARGO_PKG_VERSION")))
}

/// `web3_sha3`.
pub(crate) fn sha3(call: &Call<'_>) -> Reply {
    json(&keccak256(call.args.required::<Bytes>(0)?))
}

/// What `eth_syncing` says.
pub(crate) fn sync_status(call: &crate::rpc::Rpc) -> Value {
    match call.ledger.sync() {
        None => Value::Bool(false),
        Some(sync) => object!({
            "startingBlock": U64::from(sync.starting),
            "currentBlock": U64::from(call.ledger.chain().height()),
            "highestBlock": U64::from(sync.highest),
        }),
    }
}

/// `eth_syncing`.
pub(crate) fn syncing(call: &Call<'_>) -> Reply {
    json(&sync_status(call.rpc))
}

/// `eth_mining`: nothing here is mined.
pub(crate) fn no(_: &Call<'_>) -> Reply {
    json(&false)
}

/// `eth_hashrate`.
pub(crate) fn zero(_: &Call<'_>) -> Reply {
    json(&U64::ZERO)
}

/// `eth_protocolVersion`: of Ethereum's own wire protocol, which is not spoken here.
pub(crate) fn protocol(_: &Call<'_>) -> Reply {
    json(&U64::from(68))
}

/// `eth_capabilities`: what of the chain can be asked for.
pub(crate) fn capabilities(call: &Call<'_>) -> Reply {
    let (hash, head) = call.chain().head();
    let all = |oldest: u64| object!({ "disabled": false, "oldestBlock": U64::from(oldest) });
    let oldest_proof = head.number.saturating_sub(weft_evm::PROOF_BLOCKS);
    json(&object!({
        "head": { "number": U64::from(head.number), "hash": hash },
        "state": all(call.chain().oldest_state()),
        "tx": all(0),
        "logs": all(0),
        "receipts": all(0),
        "blocks": all(0),
        "stateproofs": all(oldest_proof.max(call.chain().oldest_state())),
    }))
}

/// `weft_validators`: who decides the next block.
pub(crate) fn validators(call: &Call<'_>) -> Reply {
    let all = call.rpc.ledger.validators();
    let (_, head) = call.chain().head();
    let set = all.iter().map(|validator| {
        object!({ "address": validator.address, "publicKey": validator.public_key, "power": U64::from(validator.power) })
    });
    json(&object!({
        "height": U64::from(head.number + 1),
        "setHash": Bytes::copy_from_slice(&head.extra_data),
        "validators": set.collect::<Vec<_>>(),
    }))
}

/// `weft_getCertificate`: what proves that a block is final.
pub(crate) fn certificate(call: &Call<'_>) -> Reply {
    let At::Height(height) = call.block_id(0)? else { return json(&()) };
    let (hash, _) = call.header(At::Height(height))?;
    let certificate = call.chain().certificate(height)?.unwrap_or_default();
    json(&object!({ "height": U64::from(height), "hash": hash, "certificate": certificate }))
}

/// `weft_getLightBlocks`: from a height on, at most so many headers with their certificates, for light clients.
pub(crate) fn light_blocks(call: &Call<'_>) -> Reply {
    let (from, count): (U64, U64) = (call.args.required(0)?, call.args.required(1)?);
    let (from, count) = (from.to::<u64>(), count.to::<u64>());
    if count > MAX_LIGHT_BLOCKS {
        return Err(RpcError::limit(format!("too many blocks: at most {MAX_LIGHT_BLOCKS} are given at once")));
    }
    let mut blocks = Vec::new();
    for height in from..from.saturating_add(count) {
        let Some((_, header)) = call.chain().header(height)? else { break };
        let certificate = call.chain().certificate(height)?.unwrap_or_default();
        blocks.push(LightBlock { header: alloy_rlp::encode(&header).into(), certificate });
    }
    json(&blocks)
}

/// `weft_getValidatorSet`: the set that decides a height, as its hash in headers is computed of; null where the state of
/// then is not kept.
pub(crate) fn validator_set(call: &Call<'_>) -> Reply {
    let height: U64 = call.args.required(0)?;
    let set = weft_ledger::replica::set_of(call.chain(), height.to())?;
    json(&set.map(|set| Bytes::from(set.encode())))
}

/// `weft_evidence`: what final blocks say of validators that broke the rules; from a height to a height.
pub(crate) fn evidence(call: &Call<'_>) -> Reply {
    let (from, to) = (call.block_id(0)?, call.block_id(1)?);
    let height = |at| if let At::Height(height) = at { height } else { call.chain().height() };
    let (from, to) = (height(from), height(to));
    if to.saturating_sub(from) >= weft_ledger::handle::MAX_EVIDENCE_BLOCKS {
        let most = weft_ledger::handle::MAX_EVIDENCE_BLOCKS;
        return Err(RpcError::limit(format!("block range too large: at most {most} blocks are looked at")));
    }
    let found = call.rpc.ledger.evidence(from..=to)?;
    let all = found.iter().map(|evidence| {
        object!({ "height": U64::from(evidence.height), "commitment": evidence.commitment, "evidence": evidence.bytes })
    });
    json(&all.collect::<Vec<_>>())
}

/// `evm_mine`, for developers' chains only.
pub(crate) fn mine(call: &Call<'_>) -> Reply {
    match &call.rpc.config.mine {
        Some(mine) => mine.call().map_err(RpcError::server).and_then(|()| json("0x0")),
        None => Err(RpcError::new(crate::error::METHOD_NOT_FOUND, "evm_mine is for development chains")),
    }
}

/// `weft_genesisHash`: the chain's name.
pub(crate) fn genesis(call: &Call<'_>) -> Reply {
    let hash: B256 = call.chain().genesis_hash();
    json(&hash)
}
