//! What Ethereum's own tests do not ask: a chain that goes on, proofs of the past, traces by tracer, the pool, Weft's own
//! methods.

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use serde_json::{Value, json};
use weft_evm::{AccountProof, SlotProof};

use crate::dev::{Dev, LOGGER, NOTEBOOK, person, plain, sign, words};

fn number(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().strip_prefix("0x").unwrap(), 16).unwrap()
}

fn of<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

fn note(contract: Address, nonce: u64, slot: u64, value: u64) -> Bytes {
    sign(0, TxEip1559 { to: TxKind::Call(contract), input: words(slot, value), ..plain(nonce) })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proofs_reach_256_blocks_back() {
    let dev = Dev::start(|_| {}).await;
    let notebook = dev.deploy(0, 0, NOTEBOOK).await;
    dev.send(note(notebook, 1, 3, 33)).await;
    for _ in 0..256 {
        dev.ask("evm_mine", json!([])).await;
    }
    dev.send(note(notebook, 2, 3, 44)).await;
    let head = number(&dev.ask("eth_blockNumber", json!([])).await);
    assert_eq!(head, 259);
    for (at, value) in [(head, 44), (head - 1, 33), (head - 256, 33)] {
        let at = format!("{at:#x}");
        let proof = dev.ask("eth_getProof", json!([notebook, ["0x3", B256::with_last_byte(4)], at])).await;
        let block = dev.ask("eth_getBlockByNumber", json!([at, false])).await;
        let account = AccountProof {
            address: notebook,
            height: 0,
            account: Some(weft_evm::Account {
                nonce: number(&proof["nonce"]),
                balance: of(&proof["balance"]),
                storage_root: of(&proof["storageHash"]),
                code_hash: of(&proof["codeHash"]),
            }),
            proof: of(&proof["accountProof"]),
            slots: Vec::new(),
        };
        account.verify(of(&block["stateRoot"])).unwrap();
        for (slot, expected, key) in [(0, value, "0x3"), (1, 0, &*B256::with_last_byte(4).to_string())] {
            let found = &proof["storageProof"][slot];
            assert_eq!((found["key"].as_str(), number(&found["value"])), (Some(key), expected));
            let slot = SlotProof { slot: of(&found["key"]), value: of(&found["value"]), proof: of(&found["proof"]) };
            slot.verify(of(&proof["storageHash"])).unwrap();
        }
    }
    let (code, message) = dev.fail("eth_getProof", json!([notebook, [], "0x2"])).await;
    assert_eq!(code, -32000);
    assert!(message.contains("proofs reach from height 3 to 259"), "{message}");
    let one = json!({ "blockStateCalls": [{}] });
    assert_eq!(dev.ask("eth_simulateV1", json!([one, "0x3"])).await[0]["number"], "0x4");
    let (_, message) = dev.fail("eth_simulateV1", json!([one, "0x2"])).await;
    assert!(message.contains("after those of heights 3 to 259; 2 is too old"), "{message}");
    // The state is kept for longer than proofs.
    let old = dev.ask("eth_getStorageAt", json!([notebook, "0x3", "0x1"])).await;
    assert_eq!(old, B256::ZERO.to_string());
    let many: Vec<U256> = (0..1_025).map(U256::from).collect();
    assert_eq!(dev.fail("eth_getProof", json!([notebook, many, "latest"])).await.0, -32602);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_past_is_simulated_while_the_chain_goes_on() {
    let dev = Dev::start(|_| {}).await;
    let notebook = dev.deploy(0, 0, NOTEBOOK).await;
    dev.send(note(notebook, 1, 1, 11)).await;
    // What is simulated of a block is what the block came to.
    let head = dev.ask("eth_getBlockByNumber", json!(["latest", false])).await;
    let call = json!({ "from": person(0), "to": notebook, "input": words(2, 22), "gas": "0xf4240",
        "maxFeePerGas": "0x2540be400", "maxPriorityFeePerGas": "0x1", "nonce": "0x2" });
    let real = dev.send(note(notebook, 2, 2, 22)).await;
    let block = dev.ask("eth_getBlockByNumber", json!(["latest", false])).await;
    let overrides = json!({ "time": format!("{:#x}", number(&head["timestamp"]) + 1), "feeRecipient": block["miner"],
        "prevRandao": block["mixHash"] });
    let request = json!({ "blockStateCalls": [{ "blockOverrides": overrides, "calls": [call] }], "validation": true });
    for height in ["0x2", "0x2"] {
        let simulated = dev.ask("eth_simulateV1", json!([request, height])).await;
        let simulated = &simulated[0];
        assert_eq!(simulated["calls"][0]["gasUsed"], real["gasUsed"]);
        for same in ["parentHash", "baseFeePerGas", "gasLimit", "extraData", "receiptsRoot", "gasUsed", "number"] {
            assert_eq!(simulated[same], block[same], "{same}");
        }
        assert_eq!(simulated["stateRoot"], block["stateRoot"]);
        dev.ask("evm_mine", json!([])).await;
    }
    // Calls of one block, and of the next, see what those before them did.
    let reads = Bytes::from_static(&alloy_primitives::hex!("5f3554602052 60206020f3"));
    let steps = json!({ "blockStateCalls": [
        { "calls": [{ "to": notebook, "input": words(7, 77) }] },
        { "stateOverrides": { notebook.to_string(): { "code": reads } },
          "calls": [{ "to": notebook, "input": words(7, 0) }, { "to": notebook, "input": words(2, 0) }] },
    ] });
    let simulated = dev.ask("eth_simulateV1", json!([steps, "latest"])).await;
    let word = |index: usize| {
        U256::from_str_radix(&simulated[1]["calls"][index]["returnData"].as_str().unwrap()[2..], 16).unwrap()
    };
    assert_eq!((word(0), word(1)), (U256::from(77), U256::from(22)));
    assert_eq!(simulated[1]["parentHash"], simulated[0]["hash"]);
    // Nothing of it happened.
    assert_eq!(dev.ask("eth_getStorageAt", json!([notebook, "0x7", "latest"])).await, B256::ZERO.to_string());
    // Numbers that nobody means are no reason to fail.
    let dear = json!({ "baseFeePerGas": "0xffffffffffffffff", "gasLimit": "0x5208" });
    let huge = json!({ "blockStateCalls": [{ "blockOverrides": dear, "calls": [{ "to": person(1) }] }, {}] });
    assert_eq!(dev.ask("eth_simulateV1", json!([huge, "latest"])).await[0]["gasUsed"], "0x5208");
    for (request, code) in [
        (json!({ "blockStateCalls": [] }), -32602),
        (json!({ "blockStateCalls": [{ "calls": vec![json!({}); 5_001] }] }), -38026),
        (json!({ "blockStateCalls": [{ "blockOverrides": { "number": "0x200" } }] }), -38026),
        (json!({ "blockStateCalls": [{ "blockOverrides": { "number": "0x1" } }] }), -38020),
        (json!({ "blockStateCalls": [{ "calls": [{ "gas": "0xffffffffff" }] }] }), -38015),
        (json!({ "blockStateCalls": 7 }), -32602),
    ] {
        let (found, message) = dev.fail("eth_simulateV1", json!([request, "latest"])).await;
        assert_eq!(found, code, "{message}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces_by_tracer() {
    let dev = Dev::start(|config| config.debug = true).await;
    let notebook = dev.deploy(0, 0, NOTEBOOK).await;
    dev.send(note(notebook, 1, 1, 11)).await;
    let receipt = dev.send(note(notebook, 2, 1, 22)).await;
    let hash = &receipt["transactionHash"];
    let calls = dev.ask("debug_traceTransaction", json!([hash, { "tracer": "callTracer" }])).await;
    assert_eq!(
        (&calls["type"], &calls["from"], &calls["gasUsed"]),
        (&json!("CALL"), &receipt["from"], &receipt["gasUsed"])
    );
    assert_eq!(of::<Address>(&calls["to"]), notebook);
    let options = json!({ "tracer": "prestateTracer", "tracerConfig": { "diffMode": true } });
    let changed = dev.ask("debug_traceTransaction", json!([hash, options])).await;
    let slot = B256::with_last_byte(1).to_string();
    let contract = format!("{notebook:#x}");
    assert_eq!(changed["pre"][&contract]["storage"][&slot], B256::with_last_byte(11).to_string());
    assert_eq!(changed["post"][&contract]["storage"][&slot], B256::with_last_byte(22).to_string());
    let steps = dev.ask("debug_traceTransaction", json!([hash])).await;
    assert!(steps["structLogs"].as_array().unwrap().iter().any(|step| step["op"] == "SSTORE"));
    let block = dev.ask("debug_traceBlockByHash", json!([receipt["blockHash"], { "tracer": "callTracer" }])).await;
    assert_eq!((&block[0]["txHash"], &block[0]["result"]), (hash, &calls));
    let call =
        json!([{ "from": person(1), "to": notebook, "input": words(1, 0) }, "0x2", { "tracer": "prestateTracer" }]);
    let state = dev.ask("debug_traceCall", call).await;
    assert_eq!(state[&contract]["storage"][&slot], B256::with_last_byte(11).to_string());
    let (_, message) = dev.fail("debug_traceTransaction", json!([hash, { "tracer": "{}" }])).await;
    assert!(message.starts_with("tracer not found: use callTracer"), "{message}");
    assert_eq!(dev.fail("debug_traceTransaction", json!([B256::repeat_byte(9)])).await.1, "transaction not found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pool_is_shown_and_pending_counts_it() {
    let dev = Dev::start(|config| config.debug = true).await;
    // Nonce 0 is missing: they wait.
    let gap = |nonce| sign(2, TxEip1559 { to: TxKind::Call(person(3)), ..plain(nonce) });
    let hashes = [
        dev.ask("eth_sendRawTransaction", json!([gap(1)])).await,
        dev.ask("eth_sendRawTransaction", json!([gap(2)])).await,
    ];
    assert_eq!(dev.ask("txpool_status", json!([])).await, json!({ "pending": "0x0", "queued": "0x2" }));
    let content = dev.ask("txpool_content", json!([])).await;
    let sender = person(2).to_checksum(None);
    assert_eq!(content["queued"][&sender]["2"]["hash"], hashes[1]);
    assert_eq!(dev.ask("txpool_contentFrom", json!([person(2)])).await["queued"]["1"]["hash"], hashes[0]);
    assert!(dev.ask("txpool_inspect", json!([])).await["queued"][&sender]["1"].as_str().unwrap().contains("gas"));
    let found = dev.ask("eth_getTransactionByHash", json!([hashes[0]])).await;
    assert_eq!((&found["blockNumber"], &found["nonce"]), (&Value::Null, &json!("0x1")));
    assert_eq!(dev.ask("eth_getTransactionReceipt", json!([hashes[0]])).await, Value::Null);
    assert_eq!(dev.ask("eth_getTransactionCount", json!([person(2), "pending"])).await, "0x0");
    // A price that is raised by less than a tenth replaces nothing.
    let cheap = sign(2, TxEip1559 { to: TxKind::Call(person(4)), max_fee_per_gas: 10_000_000_001, ..plain(1) });
    assert!(dev.fail("eth_sendRawTransaction", json!([cheap])).await.1.contains("replacement transaction underpriced"));
    dev.send(gap(0)).await;
    let last = dev.ask("eth_getTransactionCount", json!([person(2), "pending"])).await;
    assert_eq!(last, "0x3");
    dev.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_are_filled_and_listed() {
    let dev = Dev::start(|_| {}).await;
    let notebook = dev.deploy(0, 0, NOTEBOOK).await;
    let request = json!({ "from": person(0), "to": notebook, "input": words(1, 2) });
    let filled = dev.ask("eth_fillTransaction", json!([request])).await;
    let tx = &filled["tx"];
    assert_eq!((&tx["nonce"], &tx["chainId"], &tx["type"]), (&json!("0x1"), &json!("0x7a69"), &json!("0x2")));
    let gas = number(&tx["gas"]);
    assert!((43_000..46_000).contains(&gas), "{gas}");
    assert!(filled["raw"].as_str().unwrap().starts_with("0x02"));
    // With what was filled in, and a signature, it is taken.
    let signed = TxEip1559 {
        gas_limit: gas,
        max_fee_per_gas: u128::from(number(&tx["maxFeePerGas"])),
        max_priority_fee_per_gas: u128::from(number(&tx["maxPriorityFeePerGas"])),
        to: TxKind::Call(notebook),
        input: words(1, 2),
        ..plain(1)
    };
    assert_eq!(dev.send(sign(0, signed)).await["status"], "0x1");
    let dear = json!([{ "from": person(0), "to": notebook, "maxPriorityFeePerGas": format!("{:#x}", u128::MAX) }]);
    assert_eq!(dev.ask("eth_fillTransaction", dear).await["tx"]["maxFeePerGas"], format!("{:#x}", u128::MAX));
    let refused = json!([{ "from": person(0), "to": notebook, "blobVersionedHashes": [B256::repeat_byte(1)] }]);
    assert!(dev.fail("eth_fillTransaction", refused).await.1.contains("no blobs"));
    let list = dev.ask("eth_createAccessList", json!([request, "latest"])).await;
    let expected = json!([{ "address": format!("{notebook:#x}"), "storageKeys": [B256::with_last_byte(1)] }]);
    assert_eq!(list["accessList"], expected);
    let history = dev.ask("eth_feeHistory", json!([2, "latest", [50]])).await;
    assert_eq!((&history["oldestBlock"], &history["reward"]), (&json!("0x1"), &json!([["0x1"], ["0x1"]])));
    assert_eq!(history["baseFeePerGas"].as_array().unwrap().len(), 3);
    for bad in [json!([2, "latest", [50, 40]]), json!([2, "latest", [101]]), json!([2, "0xffff", []])] {
        assert_eq!(dev.fail("eth_feeHistory", bad).await.0, -32000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wefts_own_methods() {
    let dev = Dev::start(|_| {}).await;
    dev.deploy(0, 0, LOGGER).await;
    let validators = dev.ask("weft_validators", json!([])).await;
    assert_eq!(validators["height"], "0x2");
    assert_eq!(validators["validators"][0]["address"], format!("{:#x}", Address::repeat_byte(0x57)));
    let certificate = dev.ask("weft_getCertificate", json!(["0x1"])).await;
    let block = dev.ask("eth_getBlockByNumber", json!(["0x1", false])).await;
    assert_eq!(certificate["hash"], block["hash"]);
    let stored = dev.ledger().chain().certificate(1).unwrap().unwrap();
    assert_eq!(of::<Bytes>(&certificate["certificate"]), stored);
    assert!(!stored.is_empty());
    assert_eq!(dev.ask("weft_evidence", json!(["0x0", "latest"])).await, json!([]));
    let genesis = dev.ask("eth_getBlockByNumber", json!(["earliest", false])).await;
    assert_eq!(dev.ask("weft_genesisHash", json!([])).await, genesis["hash"]);
    assert_eq!(dev.fail("weft_getCertificate", json!(["0x9"])).await.1, "header not found");
    // What is in a block is final: all names of the newest block mean one.
    for tag in ["latest", "safe", "finalized"] {
        assert_eq!(dev.ask("eth_getBlockByNumber", json!([tag, false])).await["hash"], block["hash"]);
    }
    let pending = dev.ask("eth_getBlockByNumber", json!(["pending", false])).await;
    assert_eq!((&pending["number"], &pending["parentHash"]), (&json!("0x2"), &block["hash"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_of_a_batch_come_in_together_and_are_answered_one_by_one() {
    let dev = Dev::start(|_| {}).await;
    // A nonce is missing, so that they stay in the pool.
    let pay = |nonce| sign(2, TxEip1559 { to: TxKind::Call(person(3)), ..plain(nonce) });
    let wrong_chain = sign(2, TxEip1559 { chain_id: 1, to: TxKind::Call(person(3)), ..plain(4) });
    let send = |raw: &Bytes| ("eth_sendRawTransaction", json!([raw]));
    let calls = [
        send(&pay(1)),
        send(&pay(2)),
        ("eth_getTransactionByHash", json!([alloy_primitives::keccak256(pay(2))])),
        ("eth_getTransactionByHash", json!([alloy_primitives::keccak256(pay(3))])),
        send(&pay(3)),
        send(&wrong_chain),
        send(&pay(3)),
        send(&pay(5)),
        ("eth_sendRawTransaction", json!(["0xzz"])),
        send(&pay(6)),
    ];
    let call = |(id, (method, params)): (usize, &(&str, Value))| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    let batch = Value::Array(calls.iter().enumerate().map(call).collect());
    let answers = crate::client::post(dev.address(), batch.to_string()).await.json();
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), calls.len());
    assert!(answers.iter().enumerate().all(|(id, answer)| answer["id"] == id));
    for (place, nonce) in [(0, 1), (1, 2), (4, 3), (7, 5), (9, 6)] {
        let hash = alloy_primitives::keccak256(pay(nonce)).to_string();
        assert_eq!(answers[place]["result"], hash, "{}", answers[place]);
    }
    assert_eq!(answers[2]["result"]["nonce"], "0x2");
    assert_eq!(answers[3]["result"], Value::Null, "it had not been sent yet");
    let says = |place: usize, what: &str| answers[place]["error"]["message"].as_str().unwrap().contains(what);
    assert!(says(5, "invalid chain id"), "{}", answers[5]);
    assert!(says(6, "already known"), "{}", answers[6]);
    assert!(says(8, "invalid argument 0"), "{}", answers[8]);
}
