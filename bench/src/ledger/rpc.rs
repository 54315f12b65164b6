//! Calls of an Ethereum RPC.

use alloy_primitives::{Address, U256};
use anyhow::{Context, Result, bail, ensure};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use weft_lab::http::Http;

use super::account::{call_data, word};

/// One server.
#[derive(Clone)]
pub(crate) struct Rpc {
    http: Http,
    url: String,
}

impl Rpc {
    pub(crate) fn new(http: &Http, url: &str) -> Rpc {
        Rpc { http: http.clone(), url: url.to_owned() }
    }

    /// Sends a body as it is, and reads the answer.
    pub(crate) async fn post(&self, body: String) -> Result<Value> {
        let request = self.http.request(Method::POST, &self.url).header(CONTENT_TYPE, "application/json").body(body);
        let answer = self.http.send(request).await?;
        serde_json::from_slice(&answer.body).with_context(|| format!("{} answers: {:.300}", self.url, answer.text()))
    }

    pub(crate) async fn call(&self, method: &str, params: Value) -> Result<Value> {
        let mut answer = self.post(request(0, method, &params).to_string()).await?;
        if let Some(error) = answer.get("error") {
            bail!("{method}: {error}");
        }
        Ok(answer["result"].take())
    }

    /// Many calls of one method: the results in their order.
    pub(crate) async fn batch(&self, method: &str, params: &[Value]) -> Result<Vec<Value>> {
        let mut results = Vec::with_capacity(params.len());
        for part in params.chunks(500) {
            let calls = part.iter().enumerate().map(|(id, params)| request(id, method, params));
            let answer = self.post(Value::Array(calls.collect()).to_string()).await?;
            let mut answers = answer.as_array().cloned().with_context(|| format!("{method}: {answer:.300}"))?;
            ensure!(answers.len() == part.len(), "{method}: {} answers to {}", answers.len(), part.len());
            answers.sort_by_key(|answer| answer["id"].as_u64());
            for mut answer in answers {
                if let Some(error) = answer.get("error") {
                    bail!("{method}: {error}");
                }
                results.push(answer["result"].take());
            }
        }
        Ok(results)
    }

    pub(crate) async fn height(&self) -> Result<u64> {
        number(&self.call("eth_blockNumber", json!([])).await?)
    }

    /// The nonces of accounts after the newest block.
    pub(crate) async fn nonces(&self, of: &[Address]) -> Result<Vec<u64>> {
        let params: Vec<Value> = of.iter().map(|address| json!([address, "latest"])).collect();
        self.batch("eth_getTransactionCount", &params).await?.iter().map(number).collect()
    }

    /// What accounts have of a token.
    pub(crate) async fn token_balances(&self, token: Address, of: &[Address]) -> Result<Vec<U256>> {
        let params: Vec<Value> = of.iter().map(|address| balance_of(token, *address)).collect();
        let words = self.batch("eth_call", &params).await?;
        words.iter().map(|word| Ok(word.as_str().unwrap_or_default().parse()?)).collect()
    }
}

/// The parameters of an `eth_call` of `balanceOf`.
pub(crate) fn balance_of(token: Address, of: Address) -> Value {
    json!([{ "to": token, "data": call_data("balanceOf(address)", &[word(of)]) }, "latest"])
}

fn request(id: usize, method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

/// A number in hexadecimal.
pub(crate) fn number(value: &Value) -> Result<u64> {
    let text = value.as_str().and_then(|text| text.strip_prefix("0x"));
    let text = text.with_context(|| format!("this is no number: {value:.100}"))?;
    Ok(u64::from_str_radix(text, 16)?)
}
