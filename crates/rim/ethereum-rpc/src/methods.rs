//! All methods in one table: what they are called, what serves them, and where that runs.

use crate::rpc::{Call, Reply};
use crate::{accounts, blocks, calls, fees, fill, filters, logs, node, send, simulate, trace, transactions, txpool};

/// Where a method runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// At once: it reads a few rows.
    Light,
    /// On a thread of its own, of which there are few.
    Heavy,
    /// On a thread that may wait for the disk.
    Submission,
}

/// When a method is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    /// Always.
    On,
    /// With `debug`.
    Debug,
    /// On a chain for developers.
    Development,
}

/// What serves a call.
pub(crate) type Handler = fn(&Call<'_>) -> Reply;

/// A method.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) weight: Weight,
    pub(crate) switch: Switch,
    pub(crate) handler: Handler,
}

const fn light(name: &'static str, handler: Handler) -> Method {
    Method { name, weight: Weight::Light, switch: Switch::On, handler }
}

const fn heavy(name: &'static str, handler: Handler) -> Method {
    Method { name, weight: Weight::Heavy, switch: Switch::On, handler }
}

const fn submission(name: &'static str, handler: Handler) -> Method {
    Method { name, weight: Weight::Submission, switch: Switch::On, handler }
}

const fn debug(name: &'static str, handler: Handler) -> Method {
    Method { name, weight: Weight::Heavy, switch: Switch::Debug, handler }
}

/// Every method but the subscriptions, which only a WebSocket has.
pub(crate) const METHODS: &[Method] = &[
    light("eth_chainId", node::chain_id),
    light("eth_blockNumber", blocks::number),
    light("eth_syncing", node::syncing),
    light("eth_accounts", accounts::none),
    light("eth_requestAccounts", accounts::none),
    light("eth_coinbase", accounts::no_keys),
    light("eth_mining", node::no),
    light("eth_hashrate", node::zero),
    light("eth_protocolVersion", node::protocol),
    light("eth_capabilities", node::capabilities),
    light("eth_getBalance", accounts::balance),
    light("eth_getTransactionCount", accounts::nonce),
    light("eth_getCode", accounts::code),
    light("eth_getStorageAt", accounts::storage),
    heavy("eth_getStorageValues", accounts::storage_values),
    heavy("eth_getProof", accounts::proof),
    heavy("eth_getBlockByNumber", blocks::by_number),
    heavy("eth_getBlockByHash", blocks::by_hash),
    heavy("eth_getBlockReceipts", blocks::receipts),
    light("eth_getBlockTransactionCountByNumber", blocks::transaction_count_by_number),
    light("eth_getBlockTransactionCountByHash", blocks::transaction_count_by_hash),
    light("eth_getUncleCountByBlockNumber", blocks::uncle_count_by_number),
    light("eth_getUncleCountByBlockHash", blocks::uncle_count_by_hash),
    light("eth_getUncleByBlockNumberAndIndex", blocks::no_uncle),
    light("eth_getUncleByBlockHashAndIndex", blocks::no_uncle),
    light("eth_getTransactionByHash", transactions::by_hash),
    light("eth_getTransactionByBlockNumberAndIndex", blocks::transaction_by_number),
    light("eth_getTransactionByBlockHashAndIndex", blocks::transaction_by_hash),
    light("eth_getTransactionReceipt", transactions::receipt),
    light("eth_getRawTransactionByHash", transactions::raw),
    heavy("eth_call", calls::call),
    heavy("eth_estimateGas", calls::estimate),
    heavy("eth_createAccessList", calls::access_list),
    heavy("eth_simulateV1", simulate::v1),
    heavy("eth_fillTransaction", fill::transaction),
    submission("eth_sendRawTransaction", send::raw),
    submission("eth_sendRawTransactionSync", send::raw_sync),
    light("eth_sendTransaction", accounts::no_keys),
    light("eth_sign", accounts::no_keys),
    light("eth_signTransaction", accounts::no_keys),
    light("eth_signTypedData_v4", accounts::no_keys),
    light("personal_sign", accounts::no_keys),
    heavy("eth_gasPrice", fees::gas_price),
    heavy("eth_maxPriorityFeePerGas", fees::priority_fee),
    light("eth_baseFee", fees::base_fee),
    light("eth_blobBaseFee", fees::blob_base_fee),
    heavy("eth_feeHistory", fees::history),
    heavy("eth_getLogs", logs::get),
    light("eth_newFilter", filters::new_logs),
    light("eth_newBlockFilter", filters::new_blocks),
    light("eth_newPendingTransactionFilter", filters::new_transactions),
    heavy("eth_getFilterChanges", filters::changes),
    heavy("eth_getFilterLogs", filters::all_logs),
    light("eth_uninstallFilter", filters::uninstall),
    light("net_version", node::network),
    light("net_listening", node::listening),
    light("net_peerCount", node::peers),
    light("web3_clientVersion", node::version),
    light("web3_sha3", node::sha3),
    light("weft_getCertificate", node::certificate),
    light("weft_validators", node::validators),
    heavy("weft_getLightBlocks", node::light_blocks),
    heavy("weft_getValidatorSet", node::validator_set),
    heavy("weft_evidence", node::evidence),
    light("weft_genesisHash", node::genesis),
    debug("debug_traceTransaction", trace::transaction),
    debug("debug_traceCall", trace::call),
    debug("debug_traceBlockByNumber", trace::block_by_number),
    debug("debug_traceBlockByHash", trace::block_by_hash),
    debug("debug_getRawBlock", blocks::raw_block),
    debug("debug_getRawHeader", blocks::raw_header),
    debug("debug_getRawReceipts", blocks::raw_receipts),
    debug("debug_getRawTransaction", transactions::raw),
    debug("txpool_content", txpool::content),
    debug("txpool_contentFrom", txpool::content_from),
    debug("txpool_inspect", txpool::inspect),
    debug("txpool_status", txpool::status),
    Method { name: "evm_mine", weight: Weight::Submission, switch: Switch::Development, handler: node::mine },
];
