//! Accounts that pay, again and again, by whichever node answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip1559, TxEip4844};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Signature, TxKind, U256, hex, keccak256};
use anyhow::{Context, Result, bail, ensure};
use k256::ecdsa::SigningKey;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use weft_lab::http::Http;

use super::chain::{CHAIN_ID, Ledger, SOON};

/// An account with its key.
#[derive(Clone)]
pub(crate) struct Payer {
    key: SigningKey,
    nonce: u64,
}

impl Payer {
    /// The payer of a number.
    pub(crate) fn new(seed: u64) -> Payer {
        let secret = keccak256([b"payer".as_slice(), &seed.to_be_bytes()].concat());
        Payer { key: SigningKey::from_slice(secret.as_slice()).expect("a hash is a key"), nonce: 0 }
    }

    /// Its account.
    pub(crate) fn address(&self) -> Address {
        Address::from_public_key(self.key.verifying_key())
    }

    /// Its key, as tools take it.
    pub(crate) fn secret(&self) -> String {
        hex::encode_prefixed(self.key.to_bytes())
    }

    /// Signs a payment of one wei with the next nonce.
    pub(crate) fn pay(&mut self, to: Address) -> (B256, String) {
        let payment = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce: self.nonce,
            gas_limit: 21_000,
            max_fee_per_gas: 1_000_000_000,
            max_priority_fee_per_gas: 1,
            to: TxKind::Call(to),
            value: U256::from(1),
            ..TxEip1559::default()
        };
        self.nonce += 1;
        let (signature, recovery) =
            self.key.sign_prehash_recoverable(payment.signature_hash().as_slice()).expect("a key signs");
        let signed: EthereumTxEnvelope<TxEip4844> =
            EthereumTxEnvelope::Eip1559(payment.into_signed(Signature::from((signature, recovery))));
        (*signed.tx_hash(), hex::encode_prefixed(signed.encoded_2718()))
    }
}

/// What was accepted of a payer.
pub(crate) struct Paid {
    pub(crate) payer: Payer,
    pub(crate) to: Address,
    pub(crate) accepted: Vec<B256>,
    /// Times a node that was asked did not answer, and another was.
    pub(crate) turned_away: usize,
}

/// Payers at work. Nodes may go and come: what one does not answer, another is given.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    payers: Vec<JoinHandle<Result<Paid>>>,
}

impl Load {
    /// Begins: each payer pays one wei after another, `pause` apart, by the nodes at `urls`.
    pub(crate) fn begin(http: &Http, payers: Vec<Payer>, urls: Vec<String>, pause: Duration) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let payers = payers.into_iter().enumerate().map(|(number, payer)| {
            let (stop, urls, http) = (Arc::clone(&stop), urls.clone(), http.clone());
            tokio::spawn(work(payer, number, stop, urls, http, pause))
        });
        let payers = payers.collect();
        Load { stop, payers }
    }

    /// Ends it: what was accepted.
    pub(crate) async fn end(self) -> Result<Vec<Paid>> {
        self.stop.store(true, Ordering::Relaxed);
        let mut paid = Vec::new();
        for payer in self.payers {
            paid.push(payer.await.context("a payer panicked")??);
        }
        Ok(paid)
    }
}

async fn work(
    mut payer: Payer,
    number: usize,
    stop: Arc<AtomicBool>,
    urls: Vec<String>,
    http: Http,
    pause: Duration,
) -> Result<Paid> {
    let to = Address::from_word(keccak256(payer.address()));
    let (mut accepted, mut turned_away, mut turn) = (Vec::new(), 0, number);
    let mut pace = tokio::time::interval(pause);
    while !stop.load(Ordering::Relaxed) {
        pace.tick().await;
        let (hash, raw) = payer.pay(to);
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": [raw] });
        loop {
            turn += 1;
            let sending = http.request(Method::POST, &urls[turn % urls.len()]).json(&request);
            let Ok(response) = http.send(sending).await else {
                turned_away += 1;
                // Of a dead node's port one is refused at once; the next payment's time is soon enough.
                pace.tick().await;
                continue;
            };
            let answer: Value = serde_json::from_slice(&response.body)?;
            match answer["error"]["message"].as_str() {
                None => ensure!(answer["result"].as_str() == Some(&hash.to_string()), "{answer}"),
                // One that was given to a node which died before it answered may have got here by gossip.
                Some(known) if known.contains("already known") || known.contains("nonce too low") => {}
                Some(other) => bail!("a payment was refused: {other}"),
            }
            accepted.push(hash);
            break;
        }
    }
    Ok(Paid { payer, to, accepted, turned_away })
}

/// Checks that everything accepted is in a final block on every node, exactly once. Says how many there are.
pub(crate) async fn all_final(ledger: &Ledger, paid: &[Paid]) -> Result<usize> {
    for index in 0..ledger.nodes.len() {
        let url = ledger.rpc(index).await?;
        for each in paid {
            let (account, expected) = (each.payer.address(), each.accepted.len());
            let all = format!("all {expected} payments of {account} on node {index}");
            let reached = weft_lab::process::until(&all, SOON, || async {
                let nonce = ledger.call(&url, "eth_getTransactionCount", json!([account, "finalized"])).await?;
                Ok((number(&nonce)? == expected as u64).then_some(()))
            });
            if let Err(error) = reached.await {
                return Err(error.context(where_it_stands(ledger, each).await?));
            }
            let balance = ledger.call(&url, "eth_getBalance", json!([each.to, "finalized"])).await?;
            ensure!(number(&balance)? == expected as u64, "{} got {balance}, {expected} were accepted", each.to);
        }
    }
    let url = ledger.rpc(0).await?;
    for hash in paid.iter().flat_map(|each| &each.accepted).step_by(97) {
        let receipt = ledger.call(&url, "eth_getTransactionReceipt", json!([hash])).await?;
        ensure!(receipt["status"].as_str() == Some("0x1"), "{hash}: {receipt}");
    }
    Ok(paid.iter().map(|each| each.accepted.len()).sum())
}

/// What each node knows of the first payment that is missing.
async fn where_it_stands(ledger: &Ledger, paid: &Paid) -> Result<String> {
    let mut told = String::new();
    for index in 0..ledger.nodes.len() {
        let url = ledger.rpc(index).await?;
        let nonce = ledger.call(&url, "eth_getTransactionCount", json!([paid.payer.address(), "latest"])).await?;
        let missing = usize::try_from(number(&nonce)?).ok().and_then(|nonce| paid.accepted.get(nonce));
        let missing = missing.map(ToString::to_string).unwrap_or_default();
        let known = ledger.nodes[index]
            .api()?
            .raw(Method::GET, &format!("/api/v1/ledger/transactions/{missing}"), None)
            .await?;
        let pool = ledger.call(&url, "txpool_status", json!([])).await?;
        told.push_str(&format!("node {index}: nonce {nonce}, of {missing} it says {}, pool {pool}\n", known.text()));
    }
    Ok(told)
}

fn number(value: &Value) -> Result<u64> {
    let text = value.as_str().context("no number")?;
    Ok(u64::from_str_radix(text.trim_start_matches("0x"), 16)?)
}
