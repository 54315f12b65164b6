//! `eth_fillTransaction`: what is missing of a transaction before its owner signs it (viem asks for it).

use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Bytes, Signature, TxKind, U256};
use alloy_rpc_types_eth::TransactionRequest;
use serde_json::json as object;
use weft_ledger::pool::StateAccounts;

use crate::error::RpcError;
use crate::execute::Setting;
use crate::rpc::{At, Call, Reply, json};
use crate::{calls, fees};

/// `eth_fillTransaction`.
pub(crate) fn transaction(call: &Call<'_>) -> Reply {
    let mut request: TransactionRequest = call.args.required(0)?;
    let chain_id = call.chain().spec().chain_id;
    if request.blob_versioned_hashes.is_some() {
        return Err(RpcError::server(
            "transaction type not supported: type 3; this chain has no blobs, send the data as calldata",
        ));
    }
    let from = request.from.unwrap_or_default();
    if request.nonce.is_none() {
        let accounts = StateAccounts(call.chain().state());
        request.nonce = Some(call.rpc.ledger.pool().lock().pending_nonce(from, &accounts)?);
    }
    request.chain_id = Some(request.chain_id.unwrap_or(chain_id));
    let dynamic = request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some();
    if request.gas_price.is_none() {
        let (tip, _) = fees::suggested(call)?;
        let tip = *request.max_priority_fee_per_gas.get_or_insert(tip);
        let fee = (u128::from(fees::next_base_fee(call)) * 2).saturating_add(tip);
        let fee = *request.max_fee_per_gas.get_or_insert(fee);
        if fee < tip {
            return Err(RpcError::server(format!("maxFeePerGas ({fee}) < maxPriorityFeePerGas ({tip})")));
        }
    } else if dynamic {
        return Err(RpcError::server("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified"));
    }
    if request.gas.is_none() {
        // Whether the sender can pay is the pool's business, and its owner's.
        let ask = TransactionRequest {
            gas_price: None,
            max_fee_per_gas: None,
            max_priority_fee_per_gas: None,
            ..request.clone()
        };
        let setting = Setting::of(call, At::Pending, None, None)?;
        request.gas = Some(calls::estimate_in(call, &setting, &ask)?);
    }
    let tx = unsigned(&request, chain_id)?;
    let mut value = crate::transactions::rpc_transaction(&tx, from, None)?;
    if let Some(fields) = value.as_object_mut() {
        for only_signed in ["from", "blockHash", "blockNumber", "blockTimestamp", "transactionIndex"] {
            fields.remove(only_signed);
        }
        if request.gas_price.is_none() {
            fields.insert("gasPrice".into(), serde_json::Value::Null);
        }
    }
    json(&object!({ "raw": Bytes::from(tx.encoded_2718()), "tx": value }))
}

/// The transaction that a complete request describes, with a signature of zeros.
pub(crate) fn unsigned(request: &TransactionRequest, chain_id: u64) -> Result<EthereumTxEnvelope<TxEip4844>, RpcError> {
    let signature = Signature::new(U256::ZERO, U256::ZERO, false);
    let (nonce, gas_limit) = (request.nonce.unwrap_or_default(), request.gas.unwrap_or_default());
    let to = request.to.unwrap_or(TxKind::Create);
    let value = request.value.unwrap_or_default();
    let input = request.input.input().cloned().unwrap_or_default();
    let access_list = request.access_list.clone().unwrap_or_default();
    let max_fee_per_gas = request.max_fee_per_gas.unwrap_or_default();
    let max_priority_fee_per_gas = request.max_priority_fee_per_gas.unwrap_or_default();
    if let Some(authorization_list) = request.authorization_list.clone() {
        let TxKind::Call(to) = to else {
            return Err(RpcError::server("EIP-7702 transaction cannot be used to create contract"));
        };
        let tx = TxEip7702 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value,
            access_list,
            authorization_list,
            input,
        };
        return Ok(tx.into_signed(signature).into());
    }
    if let Some(blob_versioned_hashes) = request.blob_versioned_hashes.clone() {
        let TxKind::Call(to) = to else { return Err(RpcError::server("a blob transaction cannot create a contract")) };
        let max_fee_per_blob_gas = request.max_fee_per_blob_gas.unwrap_or_default();
        let tx = TxEip4844 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value,
            access_list,
            blob_versioned_hashes,
            max_fee_per_blob_gas,
            input,
        };
        return Ok(tx.into_signed(signature).into());
    }
    let Some(gas_price) = request.gas_price else {
        let tx = TxEip1559 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value,
            access_list,
            input,
        };
        return Ok(tx.into_signed(signature).into());
    };
    if request.access_list.is_some() {
        return Ok(TxEip2930 { chain_id, nonce, gas_price, gas_limit, to, value, access_list, input }
            .into_signed(signature)
            .into());
    }
    let chain_id = Some(chain_id);
    Ok(TxLegacy { chain_id, nonce, gas_price, gas_limit, to, value, input }.into_signed(signature).into())
}
