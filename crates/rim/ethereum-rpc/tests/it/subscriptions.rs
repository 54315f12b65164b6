//! What happens is told: over a WebSocket as it comes, by filters when it is asked for.

use std::time::Duration;

use alloy_consensus::TxEip1559;
use alloy_primitives::{B256, TxKind, U256};
use jsonrpsee::core::client::{ClientT, Error, Subscription, SubscriptionClientT};
use jsonrpsee::core::params::ArrayParams;
use jsonrpsee::rpc_params;
use jsonrpsee::ws_client::{WsClient, WsClientBuilder};
use serde_json::{Value, json};

use crate::dev::{Dev, LOGGER, plain, sign, words};

async fn connect(dev: &Dev) -> WsClient {
    WsClientBuilder::default().build(dev.server.ws()).await.unwrap()
}

async fn subscribe(client: &WsClient, params: ArrayParams) -> Subscription<Value> {
    client.subscribe("eth_subscribe", params, "eth_unsubscribe").await.unwrap()
}

/// The next message; that it comes at all is what is tested, and 30 s are long enough for any machine.
async fn next(subscription: &mut Subscription<Value>) -> Value {
    let next = tokio::time::timeout(Duration::from_secs(30), subscription.next()).await;
    next.expect("a message comes").unwrap().unwrap()
}

fn topic(number: u64) -> String {
    B256::from(U256::from(number)).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_tell_everything_once_and_in_order() {
    let dev = Dev::start(|_| {}).await;
    let logger = dev.deploy(0, 0, LOGGER).await;
    let client = connect(&dev).await;
    let mut heads = subscribe(&client, rpc_params!["newHeads"]).await;
    let mut logs =
        subscribe(&client, rpc_params!["logs", json!({ "address": logger, "topics": [[topic(2), topic(4)]] })]).await;
    let mut pending = subscribe(&client, rpc_params!["newPendingTransactions"]).await;
    let mut full = subscribe(&client, rpc_params!["newPendingTransactions", true]).await;
    let mut syncing = subscribe(&client, rpc_params!["syncing"]).await;
    assert_eq!(next(&mut syncing).await, false);
    let mut receipts = Vec::new();
    for nonce in 1..=5 {
        let call = TxEip1559 { to: TxKind::Call(logger), input: words(nonce, 100 + nonce), ..plain(nonce) };
        receipts.push(dev.send(sign(0, call)).await);
    }
    for receipt in &receipts {
        let head = next(&mut heads).await;
        assert_eq!(head["number"], receipt["blockNumber"]);
        assert_eq!(head["hash"], receipt["blockHash"]);
        assert!(head["transactions"].is_null() && head["baseFeePerGas"].is_string());
        assert_eq!(next(&mut pending).await, receipt["transactionHash"]);
        let transaction = next(&mut full).await;
        assert_eq!(transaction["hash"], receipt["transactionHash"]);
        assert_eq!((&transaction["from"], &transaction["blockHash"]), (&receipt["from"], &Value::Null));
    }
    for nonce in [2, 4] {
        let log = next(&mut logs).await;
        assert_eq!(
            (log["topics"][0].as_str(), log["data"].as_str()),
            (Some(&*topic(nonce)), Some(&*topic(100 + nonce)))
        );
        assert_eq!(log["blockHash"], receipts[nonce as usize - 1]["blockHash"]);
        assert_eq!(log["removed"], false);
    }
    // What is unsubscribed is not told of; the others are.
    pending.unsubscribe().await.unwrap();
    let receipt = dev.send(sign(0, TxEip1559 { to: TxKind::Call(logger), input: words(4, 1), ..plain(6) })).await;
    assert_eq!(next(&mut logs).await["transactionHash"], receipt["transactionHash"]);
    // A WebSocket takes calls too.
    let number: Value = client.request("eth_blockNumber", rpc_params![]).await.unwrap();
    assert_eq!(number, receipt["blockNumber"]);
    dev.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_that_are_none() {
    let dev = Dev::start(|_| {}).await;
    let client = connect(&dev).await;
    for params in [
        rpc_params!["newBlocks"],
        rpc_params![],
        rpc_params![7],
        rpc_params!["logs", json!({ "address": "0x12" })],
        rpc_params!["logs", json!({ "topics": [[topic(1)], null, null, null, null] })],
        rpc_params!["newPendingTransactions", "yes"],
    ] {
        let refused = client.subscribe::<Value, _>("eth_subscribe", params, "eth_unsubscribe").await.unwrap_err();
        assert!(matches!(&refused, Error::Call(error) if error.code() == -32602), "{refused}");
    }
    // Over HTTP there is nowhere to tell anything.
    assert!(dev.fail("eth_subscribe", json!(["newHeads"])).await.0 < 0);
    dev.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_and_messages_are_bounded() {
    let dev = Dev::start(|config| {
        config.max_subscriptions = 2;
        config.max_request_bytes = 1 << 20;
    })
    .await;
    let client = connect(&dev).await;
    let _one = subscribe(&client, rpc_params!["newHeads"]).await;
    let two = subscribe(&client, rpc_params!["newHeads"]).await;
    let third = client.subscribe::<Value, _>("eth_subscribe", rpc_params!["newHeads"], "eth_unsubscribe").await;
    assert!(third.unwrap_err().to_string().contains("Too many subscriptions"));
    two.unsubscribe().await.unwrap();
    // Its place is free as soon as the server has heard of it.
    let again = async {
        loop {
            let asked = client.subscribe::<Value, _>("eth_subscribe", rpc_params!["newHeads"], "eth_unsubscribe").await;
            if let Ok(subscription) = asked {
                return subscription;
            }
        }
    };
    let mut three = tokio::time::timeout(Duration::from_secs(30), again).await.unwrap();
    // A message that is too long is refused; other connections do not notice.
    let params = rpc_params![format!("0x{}", "00".repeat(1 << 20))];
    assert!(connect(&dev).await.request::<Value, _>("web3_sha3", params).await.is_err());
    dev.ask("evm_mine", json!([])).await;
    assert_eq!(next(&mut three).await["number"], "0x1");
    dev.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_give_what_is_new() {
    let dev = Dev::start(|_| {}).await;
    let logger = dev.deploy(0, 0, LOGGER).await;
    let log = async |nonce, word| {
        dev.send(sign(0, TxEip1559 { to: TxKind::Call(logger), input: words(word, 7), ..plain(nonce) })).await
    };
    let old = log(1, 1).await;
    let logs = dev.ask("eth_newFilter", json!([{ "fromBlock": "0x0", "address": logger }])).await;
    let some = dev.ask("eth_newFilter", json!([{ "topics": [topic(3)] }])).await;
    let blocks = dev.ask("eth_newBlockFilter", json!([])).await;
    let pending = dev.ask("eth_newPendingTransactionFilter", json!([])).await;
    let changes = async |filter: &Value| dev.ask("eth_getFilterChanges", json!([filter])).await;
    for filter in [&logs, &some, &blocks, &pending] {
        assert_eq!(changes(filter).await, json!([]), "nothing is new yet");
    }
    let new = [log(2, 2).await, log(3, 3).await];
    let of =
        |logs: &Value| logs.as_array().unwrap().iter().map(|log| log["transactionHash"].clone()).collect::<Vec<_>>();
    let hashes = new.each_ref().map(|receipt| receipt["transactionHash"].clone()).to_vec();
    assert_eq!(of(&changes(&logs).await), hashes);
    assert_eq!(of(&changes(&some).await), hashes[1..]);
    assert_eq!(changes(&blocks).await, json!([new[0]["blockHash"], new[1]["blockHash"]]));
    assert_eq!(changes(&pending).await, json!(hashes));
    for filter in [&logs, &some, &blocks, &pending] {
        assert_eq!(changes(filter).await, json!([]), "what was told is not told again");
    }
    let all = dev.ask("eth_getFilterLogs", json!([logs])).await;
    assert_eq!(of(&all), [&[old["transactionHash"].clone()], &hashes[..]].concat());
    assert_eq!(dev.fail("eth_getFilterLogs", json!([blocks])).await.1, "filter not found");
    for filter in [&logs, &some, &blocks, &pending] {
        assert_eq!(dev.ask("eth_uninstallFilter", json!([filter])).await, true);
        assert_eq!(dev.ask("eth_uninstallFilter", json!([filter])).await, false);
        assert_eq!(dev.fail("eth_getFilterChanges", json!([filter])).await, (-32000, String::from("filter not found")));
    }
    for bad in [json!([{ "blockHash": topic(1) }]), json!([{ "address": 7 }]), json!([])] {
        assert_eq!(dev.fail("eth_newFilter", bad).await.0, -32602);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_are_bounded_and_forgotten() {
    let dev = Dev::start(|config| config.max_filters = 2).await;
    let (first, _) = (dev.ask("eth_newBlockFilter", json!([])).await, dev.ask("eth_newBlockFilter", json!([])).await);
    let (code, message) = dev.fail("eth_newBlockFilter", json!([])).await;
    assert_eq!((code, message.contains("at most 2 are kept")), (-32005, true), "{message}");
    dev.ask("eth_uninstallFilter", json!([first])).await;
    dev.ask("eth_newBlockFilter", json!([])).await;
    // Filters that nobody asks for make room.
    let dev = Dev::start(|config| {
        config.max_filters = 1;
        config.filter_lifetime = Duration::ZERO;
    })
    .await;
    let first = dev.ask("eth_newBlockFilter", json!([])).await;
    dev.ask("eth_newBlockFilter", json!([])).await;
    assert_eq!(dev.fail("eth_getFilterChanges", json!([first])).await.1, "filter not found");
}
