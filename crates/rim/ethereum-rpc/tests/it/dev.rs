//! A chain for developers with a server on it, and people who sign.

use std::net::SocketAddr;
use std::sync::Arc;

use alloy_consensus::crypto::secp256k1::sign_message;
use alloy_consensus::{SignableTransaction, Signed, TxEip1559};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256, hex};
use serde_json::{Value, json};
use weft_ethereum_rpc::{Config, Mine, Running, Server};
use weft_evm::Transaction;
use weft_ledger::dev::{DEV_CHAIN_ID, DEV_KEYS, DevChain, DevOptions, dev_accounts};
use weft_store::MemoryStore;

use crate::client;

/// Goes on for ever: `JUMPDEST PUSH1 0 JUMP`.
pub(crate) const LOOP: &[u8] = &hex!("5b600056");

/// Calls itself with all its gas.
pub(crate) const RECURSION: &[u8] = &hex!("5f5f5f5f5f305af15000");

/// Logs its second word with the first as topic.
pub(crate) const LOGGER: &[u8] = &hex!("6020355f525f3560205fa100");

/// Stores its second word under its first.
pub(crate) const NOTEBOOK: &[u8] = &hex!("6020355f355500");

/// A developers' chain that is served.
pub(crate) struct Dev {
    pub(crate) server: Running,
    chain: DevChain,
}

impl Dev {
    /// With a server as `change` wants it.
    pub(crate) async fn start(change: impl FnOnce(&mut Config)) -> Dev {
        let chain = DevChain::start(Arc::new(MemoryStore::default()), DevOptions::default()).unwrap();
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut config = Config { listen, mine: Some(Mine::new(chain.miner())), ..Config::default() };
        change(&mut config);
        let server = Server::start(chain.ledger().clone(), config).await.unwrap();
        Dev { server, chain }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub(crate) fn ledger(&self) -> &weft_ledger::handle::Ledger {
        self.chain.ledger()
    }

    /// Calls a method that is expected to succeed.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        let mut answer = client::call(self.address(), method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// Calls a method that is expected to fail; gives code and message.
    pub(crate) async fn fail(&self, method: &str, params: Value) -> (i64, String) {
        let answer = client::call(self.address(), method, params).await;
        let error = answer.get("error").unwrap_or_else(|| panic!("{method} succeeds: {answer:.200}"));
        (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned())
    }

    /// Sends a transaction and waits until it is final; gives its receipt.
    pub(crate) async fn send(&self, raw: Bytes) -> Value {
        self.ask("eth_sendRawTransactionSync", json!([raw])).await
    }

    /// Deploys code and gives its address.
    pub(crate) async fn deploy(&self, from: usize, nonce: u64, code: &[u8]) -> Address {
        let receipt = self.send(sign(from, TxEip1559 { to: TxKind::Create, input: init(code), ..plain(nonce) })).await;
        assert_eq!(receipt["status"], "0x1");
        receipt["contractAddress"].as_str().unwrap().parse().unwrap()
    }

    /// The server answers, and the chain goes on.
    pub(crate) async fn is_well(&self) {
        let (from, before) = (person(9), self.ask("eth_blockNumber", json!([])).await);
        let nonce = self.ask("eth_getTransactionCount", json!([from, "latest"])).await;
        let nonce = u64::from_str_radix(&nonce.as_str().unwrap()[2..], 16).unwrap();
        let receipt = self.send(sign(9, TxEip1559 { to: TxKind::Call(person(8)), ..plain(nonce) })).await;
        assert_eq!(receipt["status"], "0x1");
        assert_ne!(receipt["blockNumber"], before);
    }
}

pub(crate) fn person(index: usize) -> Address {
    dev_accounts()[index].address
}

/// A transaction that pays enough, of no value and to nobody yet.
pub(crate) fn plain(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: DEV_CHAIN_ID,
        nonce,
        gas_limit: 1_000_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1,
        ..TxEip1559::default()
    }
}

/// Signed and encoded.
pub(crate) fn sign<T>(person: usize, transaction: T) -> Bytes
where
    T: SignableTransaction<Signature>,
    Transaction: From<Signed<T>>,
{
    let signature = sign_message(DEV_KEYS[person], transaction.signature_hash()).unwrap();
    Transaction::from(transaction.into_signed(signature)).encoded_2718().into()
}

/// What deploys `code`.
pub(crate) fn init(code: &[u8]) -> Bytes {
    let length = u8::try_from(code.len()).unwrap();
    [&[0x60, length, 0x60, 10, 0x5f, 0x39, 0x60, length, 0x5f, 0xf3], code].concat().into()
}

/// Two words of calldata.
pub(crate) fn words(first: u64, second: u64) -> Bytes {
    [U256::from(first).to_be_bytes::<32>(), U256::from(second).to_be_bytes::<32>()].concat().into()
}
