//! The files of Ethereum's tests that are answered otherwise here, and why.

const RECEIPT_ROOT: &str = "a receipt before Byzantium has the state root after its transaction; a Weft chain begins at \
     Prague, so that it is not kept, and the chain of these tests is older";

const BUILDS_BLOCKS: &str = "blocks are built by validators and agreed on; no client of this server makes one";

/// File, and why its answer differs.
pub(crate) const DIFFERENCES: &[(&str, &str)] = &[
    ("debug_getRawReceipts/get-block-n", RECEIPT_ROOT),
    ("eth_getBlockReceipts/get-block-receipts-by-hash", RECEIPT_ROOT),
    ("eth_getBlockReceipts/get-block-receipts-n", RECEIPT_ROOT),
    ("eth_getTransactionReceipt/get-legacy-contract", RECEIPT_ROOT),
    ("eth_getTransactionReceipt/get-legacy-input", RECEIPT_ROOT),
    ("eth_getTransactionReceipt/get-legacy-receipt", RECEIPT_ROOT),
    ("testing_buildBlockV1/build-block-empty-transactions", BUILDS_BLOCKS),
    ("testing_buildBlockV1/build-block-from-mempool", BUILDS_BLOCKS),
    ("testing_buildBlockV1/build-block-invalid-transaction", BUILDS_BLOCKS),
    ("testing_buildBlockV1/build-block-with-transactions", BUILDS_BLOCKS),
    (
        "eth_sendRawTransaction/send-blob-tx",
        "blob transactions are refused (the ledger has no blobs), and this one is longer than any transaction may be",
    ),
    (
        "eth_config/get-config",
        "it tells Ethereum's forks and their dates (EIP-7910); a Weft chain has one fork, which its genesis names",
    ),
    (
        "eth_capabilities/get-capabilities",
        "logs are never deleted, so that there is no strategy of deleting them to tell",
    ),
    (
        "eth_simulateV1/ethSimulate-overflow-nonce",
        "geth lets a nonce of 2^64 - 1 go on at 0 when nothing is validated; here it is an error, as EIP-2681 says",
    ),
];
