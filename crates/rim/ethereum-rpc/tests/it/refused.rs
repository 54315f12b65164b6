//! What is bad is refused with a reason, and the server answers others as before.

use std::time::{Duration, Instant};

use alloy_consensus::{TxEip1559, TxEip4844};
use alloy_primitives::{B256, Bytes, TxKind, U256};
use hyper::Method;
use serde_json::{Value, json};

use crate::client::{self, post, send};
use crate::dev::{Dev, LOGGER, LOOP, RECURSION, person, plain, sign, words};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_transaction() {
    let dev = Dev::start(|_| {}).await;
    let good = sign(0, TxEip1559 { to: TxKind::Call(person(1)), ..plain(0) });
    for cut in [0, 1, 2, 30, good.len() - 1] {
        let (code, message) = dev.fail("eth_sendRawTransaction", json!([Bytes::copy_from_slice(&good[..cut])])).await;
        assert_eq!(code, -32602, "{message}");
        assert!(message.contains("rlp") && message.contains("signed transaction"), "{message}");
    }
    let long = [&good[..], &[0]].concat();
    assert!(dev.fail("eth_sendRawTransaction", json!([Bytes::from(long)])).await.1.contains("rlp"));
    for no_hex in [json!(["0xzz"]), json!(["0x1"]), json!([7]), json!([{}]), json!([]), json!({ "raw": "0x" })] {
        assert_eq!(dev.fail("eth_sendRawTransaction", no_hex).await.0, -32602);
    }
    let huge = Bytes::from(vec![2; 200 << 10]);
    assert!(dev.fail("eth_sendRawTransaction", json!([huge])).await.1.starts_with("oversized data: "));
    dev.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_that_are_not_for_this_chain() {
    let dev = Dev::start(|_| {}).await;
    let base = || TxEip1559 { to: TxKind::Call(person(1)), ..plain(0) };
    let refused = async |raw: Bytes, why: &str| {
        let (code, message) = dev.fail("eth_sendRawTransaction", json!([raw])).await;
        assert_eq!(code, -32000, "{message}");
        assert!(message.contains(why), "{message}");
    };
    refused(sign(0, TxEip1559 { chain_id: 1, ..base() }), "invalid chain id for signer: have 1 want 31337").await;
    let blob = TxEip4844 {
        chain_id: 31_337,
        gas_limit: 100_000,
        max_fee_per_gas: 10_000_000_000,
        blob_versioned_hashes: vec![B256::repeat_byte(1)],
        max_fee_per_blob_gas: 1,
        ..TxEip4844::default()
    };
    refused(sign(0, blob), "transaction type not supported").await;
    refused(sign(0, TxEip1559 { value: U256::MAX >> 8, ..base() }), "insufficient funds").await;
    refused(sign(0, TxEip1559 { gas_limit: 500_000_001, ..base() }), "gas limit").await;
    refused(sign(0, TxEip1559 { gas_limit: 20_999, ..base() }), "intrinsic gas too low").await;
    dev.send(sign(0, base())).await;
    refused(sign(0, base()), "nonce too low").await;
    dev.is_well().await;
}

/// Gas ends what goes on for ever, in every method that executes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gas_bombs() {
    let dev = Dev::start(|config| config.debug = true).await;
    let (endless, deep) = (dev.deploy(0, 0, LOOP).await, dev.deploy(0, 1, RECURSION).await);
    let call = json!([{ "to": endless }, "latest"]);
    assert_eq!(dev.fail("eth_call", call.clone()).await, (-32000, String::from("out of gas")));
    let all = json!([{ "to": endless, "gas": "0xffffffffffffffff" }, "latest"]);
    assert_eq!(dev.fail("eth_call", all).await, (-32000, String::from("out of gas")));
    assert_eq!(dev.fail("eth_estimateGas", call.clone()).await.1, "gas required exceeds allowance (50000000)");
    let list = dev.ask("eth_createAccessList", call.clone()).await;
    assert_eq!(list["error"], "out of gas");
    let simulated =
        dev.ask("eth_simulateV1", json!([{ "blockStateCalls": [{ "calls": [{ "to": endless }] }] }, "latest"])).await;
    assert_eq!(simulated[0]["calls"][0]["error"]["message"], "out of gas");
    let trace = dev.ask("debug_traceCall", json!([{ "to": endless }, "latest", { "tracer": "callTracer" }])).await;
    assert_eq!(trace["error"], "out of gas");
    // Each of its instructions is kept in a trace of instructions, and they are too many.
    let (code, message) = dev.fail("debug_traceCall", call).await;
    assert_eq!(code, -32000);
    assert!(message.contains("the trace is larger than this node keeps"), "{message}");
    // 1,024 calls deep, on whatever stack the server's threads have.
    let call = json!([{ "to": deep }, "latest"]);
    assert_eq!(dev.ask("eth_call", call).await, "0x");
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "debug_traceCall",
        "params": [{ "to": deep, "gas": "0x2faf080" }, "latest", { "tracer": "callTracer" }] });
    let answer = post(dev.address(), request.to_string()).await.text();
    assert!(answer.contains(r#""calls":[{"#) && answer.contains("result"), "{answer:.300}");
    // In a transaction they are paid for, and end too.
    let bomb = TxEip1559 { to: TxKind::Call(endless), gas_limit: 30_000_000, ..plain(2) };
    let receipt = dev.send(sign(0, bomb)).await;
    assert_eq!((receipt["status"].as_str(), receipt["gasUsed"].as_str()), (Some("0x0"), Some("0x1c9c380")));
    dev.is_well().await;
}

/// With gas without end it is time that ends it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_take_too_long() {
    let limit = Duration::from_millis(300);
    let dev = Dev::start(|config| {
        config.gas_cap = u64::MAX;
        config.deadline = limit;
        config.max_executions = 1;
        config.debug = true;
    })
    .await;
    // Nothing is deployed, for sending waits as long as a call may: the code comes with the call.
    let endless = person(5);
    let code = json!({ endless.to_string(): { "code": Bytes::from_static(LOOP) } });
    let call = json!({ "to": endless, "gas": "0xffffffffffff" });
    let begun = Instant::now();
    for method in ["eth_call", "eth_createAccessList"] {
        let (code, message) = dev.fail(method, json!([call, "latest", code])).await;
        assert_eq!((code, message.contains("longer than this node allows")), (-32000, true), "{method}: {message}");
    }
    let blocks = json!({ "blockStateCalls": [{ "blockOverrides": { "gasLimit": "0xfffffffffffff" }, "stateOverrides": code, "calls": [call] }] });
    let (_, message) = dev.fail("eth_simulateV1", json!([blocks, "latest"])).await;
    assert!(message.contains("longer than this node allows"), "{message}");
    let options = json!({ "tracer": "callTracer", "stateOverrides": code });
    let (_, message) = dev.fail("debug_traceCall", json!([call, "latest", options])).await;
    assert!(message.contains("longer than this node allows"), "{message}");
    // Two at once where one is allowed: the other waits, and is told if that is too long.
    let params = json!([call, "latest", code]);
    let both = tokio::join!(dev.fail("eth_call", params.clone()), dev.fail("eth_call", params.clone()));
    for (_, message) in [both.0, both.1] {
        assert!(message.contains("longer than this node allows") || message.contains("the node is busy"), "{message}");
    }
    // Six calls of 0.3 s; a hundred times that would mean that nothing ended them.
    assert!(begun.elapsed() < limit * 100, "{:?}", begun.elapsed());
    assert_eq!(dev.ask("eth_chainId", json!([])).await, "0x7a69");
    assert_eq!(dev.ask("eth_call", json!([{ "to": person(1) }, "latest"])).await, "0x");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_ten_megabytes() {
    let dev = Dev::start(|_| {}).await;
    let request = |bytes: usize| {
        let data = "f".repeat(bytes);
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{{"to":"{}","data":"0x{data}"}}]}}"#,
            person(1)
        )
    };
    // Within the limit it is a call like others, and too long for its gas.
    let (code, message) = {
        let answer = post(dev.address(), request(9 << 20)).await.json();
        (answer["error"]["code"].clone(), answer["error"]["message"].to_string())
    };
    assert_eq!(code, -32000, "{message}");
    assert!(message.contains("gas"), "{message}");
    let answer = post(dev.address(), request(11 << 20)).await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["error"]["code"], -32005);
    assert!(answer.text().contains("at most 10485760 are taken"), "{}", answer.text());
    dev.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_over_everything() {
    let dev = Dev::start(|config| {
        config.max_logs = 5;
        config.max_log_blocks = 20;
    })
    .await;
    let logger = dev.deploy(0, 0, LOGGER).await;
    for nonce in 1..9 {
        dev.send(sign(0, TxEip1559 { to: TxKind::Call(logger), input: words(nonce, 0), ..plain(nonce) })).await;
    }
    let range = |from: &str, to: &str| json!([{ "fromBlock": from, "toBlock": to }]);
    let (code, message) = dev.fail("eth_getLogs", range("earliest", "latest")).await;
    assert_eq!(code, -32005);
    assert!(message.starts_with("query returned more than 5 results"), "{message}");
    assert_eq!(dev.ask("eth_getLogs", range("0x2", "0x6")).await.as_array().unwrap().len(), 5);
    let one = json!([{ "fromBlock": "earliest", "address": logger, "topics": [B256::with_last_byte(3)] }]);
    assert_eq!(dev.ask("eth_getLogs", one).await.as_array().unwrap().len(), 1);
    for (params, words) in [
        (range("0x3", "0x2"), "invalid block range"),
        (range("0x0", "0xffffffff"), "beyond current head"),
        (range("0x0", "0xfffffffffffffffff"), "invalid argument 0"),
        (json!([{ "address": (0..1_001).map(address).collect::<Vec<_>>() }]), "exceed max addresses"),
        (json!([{ "topics": [null, null, null, null, null] }]), "invalid argument 0"),
        (json!([{ "topics": vec![vec![0u8; 3]; 3] }]), "invalid argument 0"),
    ] {
        let (code, message) = dev.fail("eth_getLogs", params).await;
        assert_eq!((code, message.contains(words)), (-32602, true), "{message}");
    }
    for _ in 0..20 {
        dev.ask("evm_mine", json!([])).await;
    }
    let (code, message) = dev.fail("eth_getLogs", range("earliest", "latest")).await;
    assert_eq!(
        (code, message.starts_with("block range too large: 30 blocks, at most 20")),
        (-32005, true),
        "{message}"
    );
    dev.is_well().await;
}

fn address(index: u64) -> alloy_primitives::Address {
    alloy_primitives::Address::left_padding_from(&(index + 1_000_000).to_be_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_and_nesting() {
    let dev = Dev::start(|config| config.max_batch = 10).await;
    let batch = |calls: usize| {
        let call = |id| json!({ "jsonrpc": "2.0", "id": id, "method": "eth_chainId", "params": [] });
        Value::Array((0..calls).map(call).collect()).to_string()
    };
    let answer = post(dev.address(), batch(10)).await.json();
    assert_eq!(answer.as_array().unwrap().len(), 10);
    assert!(answer.as_array().unwrap().iter().all(|each| each["result"] == "0x7a69"));
    let answer = post(dev.address(), batch(11)).await.json();
    assert!(answer["error"]["message"].as_str().unwrap().contains("batch"), "{answer}");
    for (body, code) in [
        (String::from("[]"), -32600),
        (String::from("{}"), -32600),
        (String::from("nonsense"), -32700),
        (String::new(), -32700),
        (String::from(r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId""#), -32700),
        (String::from(r#"{"jsonrpc":"1.0","id":1,"method":7}"#), -32600),
        (format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), -32600),
    ] {
        let answer = post(dev.address(), body.clone()).await.json();
        let answer = if answer.is_array() { answer[0].clone() } else { answer };
        assert!([code, -32600, -32700].contains(&answer["error"]["code"].as_i64().unwrap()), "{body:.40}: {answer}");
    }
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}0{}", open.repeat(100_000), close.repeat(100_000));
        for method in ["eth_call", "eth_getLogs", "eth_simulateV1", "eth_getBalance", "eth_subscribe"] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":[{deep}]}}"#);
            let answer = post(dev.address(), body).await.json();
            assert!(answer["error"]["code"].is_i64(), "{method}: {answer}");
        }
    }
    dev.is_well().await;
    // A batch whose time is over is not gone on with; a call alone has its own time.
    let dev = Dev::start(|config| config.batch_deadline = Duration::ZERO).await;
    let answer = post(dev.address(), batch(3)).await.json();
    for each in answer.as_array().unwrap() {
        assert_eq!(each["error"]["code"], -32005);
        assert!(each["error"]["message"].as_str().unwrap().starts_with("the batch took longer"), "{each}");
    }
    assert_eq!(dev.ask("eth_chainId", json!([])).await, "0x7a69");
}

const METAMASK: &str = "chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_call() {
    let dev = Dev::start(|config| {
        config.origins = vec![String::from("https://dapp.example")];
        config.hosts = vec![String::from("node.example")];
    })
    .await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}"#;
    let call = async |headers: &[(&str, &str)]| {
        let headers = [&[("content-type", "application/json")], headers].concat();
        send(dev.address(), Method::POST, &headers, body).await
    };
    let port = dev.address().port();
    for good in ["localhost", &format!("localhost:{port}"), "node.example:80", "[::1]:8545"] {
        assert_eq!(call(&[("host", good)]).await.json()["result"], "0x7a69", "{good}");
    }
    for bad in ["evil.example", "localhost.evil.example", "192.168.1.1:8545", "node.example.evil.example"] {
        let answer = call(&[("host", bad)]).await;
        assert_eq!(answer.status, 403, "{bad}");
        assert!(answer.text().contains("add it to the hosts"), "{}", answer.text());
    }
    for bad in ["https://evil.example", "null", "http://localhost:3000", "https://dapp.example.evil.example"] {
        let answer = call(&[("origin", bad)]).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (403, None), "{bad}");
        let answer = send(dev.address(), Method::OPTIONS, &[("origin", bad)], "").await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (403, None), "{bad}");
    }
    for good in ["https://dapp.example", METAMASK, "moz-extension://0b8e1fba-6a36-4b4e-8f0e-2f1b7c9a1d11"] {
        let preflight = [
            ("origin", good),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type,x-client"),
            ("access-control-request-private-network", "true"),
        ];
        let answer = send(dev.address(), Method::OPTIONS, &preflight, "").await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some(good)));
        assert!(answer.header("access-control-allow-methods").unwrap().contains("POST"));
        assert_eq!(answer.header("access-control-allow-headers"), Some("content-type,x-client"));
        assert_eq!(answer.header("access-control-allow-private-network"), Some("true"));
        assert!(answer.header("vary").unwrap().contains("Origin"));
        let answer = call(&[("origin", good)]).await;
        assert_eq!(
            (answer.header("access-control-allow-origin"), &answer.json()["result"]),
            (Some(good), &json!("0x7a69"))
        );
    }
    // A WebSocket is opened by a request like others, and by no foreign page.
    let upgrade = |origin| {
        [
            ("origin", origin),
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ]
    };
    assert_eq!(send(dev.address(), Method::GET, &upgrade("https://evil.example"), "").await.status, 403);
    assert_eq!(send(dev.address(), Method::GET, &upgrade(METAMASK), "").await.status, 101);
    dev.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn methods_that_are_not_there() {
    let dev = Dev::start(|config| config.mine = None).await;
    for method in ["debug_traceCall", "txpool_content", "txpool_status", "evm_mine", "admin_peers", "eth_", ""] {
        assert_eq!(dev.fail(method, json!([])).await.0, -32601, "{method}");
    }
    for method in ["eth_sendTransaction", "eth_sign", "eth_signTransaction", "eth_signTypedData_v4", "personal_sign"] {
        let (code, message) = dev.fail(method, json!([{ "from": person(0) }])).await;
        assert_eq!((code, message.contains("signs for nobody")), (-32000, true), "{method}: {message}");
    }
    assert_eq!(dev.ask("eth_accounts", json!([])).await, json!([]));
    assert_eq!(client::call(dev.address(), "eth_chainId", Value::Null).await["result"], "0x7a69");
}
