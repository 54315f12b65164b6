//! A chain made ready: senders with coins and tokens, whose transfers are checked to the last.

use std::time::Duration;

use alloy_primitives::{Address, Bytes, TxKind, U256, hex};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::json;
use weft_lab::process::until;

use super::account::{Account, Order, call_data, word};
use super::rpc::Rpc;
use super::servers::{CHAIN_ID, Servers};

/// 4,000 accounts in one call: their words just fit into a transaction's 128 KiB.
const A_CALL: usize = 4_000;

/// Coins and tokens of a sender, in their smallest parts.
const PURSE: u128 = 100_000_000_000_000_000_000;

/// Gas of a transfer to an account that had none of the token, with room.
const TRANSFER_GAS: u64 = 60_000;

/// The longest that what prepares a chain may take to be in a block.
const PATIENCE: Duration = Duration::from_secs(180);

/// Makes an account of each 20 bytes of its input, by giving it one wei.
const FILLER: [u8; 40] = hex!("601f8060095f395ff35f5b36811015601d575f5f5f5f6001853560601c5ff1506014016001565b00");

#[derive(Deserialize)]
struct Artifact {
    bytecode: Bytes,
}

/// A chain with senders on it.
pub(crate) struct Stage {
    pub(crate) servers: Servers,
    pub(crate) token: Address,
    pub(crate) senders: Vec<Account>,
    bank: Account,
    /// Tokens sent by each.
    sent: Vec<u64>,
    strangers: usize,
}

/// The account that pays for everything.
pub(crate) fn bank() -> Result<Account> {
    Account::named("bank", 0)
}

impl Stage {
    /// Deploys the token and gives each sender coins and tokens.
    pub(crate) async fn set(servers: Servers, senders: usize) -> Result<Stage> {
        let senders = (0..senders).map(|number| Account::named("sender", number)).collect::<Result<Vec<_>>>()?;
        let sent = vec![0; senders.len()];
        let bank = bank()?;
        let mut stage = Stage { servers, token: Address::ZERO, senders, bank, sent, strangers: 0 };
        let artifact: Artifact = serde_json::from_str(include_str!("../../contracts/BenchToken.json"))?;
        stage.token = stage.deploy(artifact.bytecode).await?;
        let addresses = stage.addresses();
        let coins =
            |to: &Address| Order { to: TxKind::Call(*to), value: U256::from(PURSE), input: Bytes::new(), gas: 21_000 };
        // Not all at once: pools bound what one sender has waiting.
        for part in addresses.chunks(500) {
            stage.spend(part.iter().map(coins).collect()).await?;
        }
        let token = stage.token;
        let tokens = addresses.chunks(A_CALL).map(|to| airdrop(token, to)).collect();
        stage.spend(tokens).await?;
        Ok(stage)
    }

    fn addresses(&self) -> Vec<Address> {
        self.senders.iter().map(|sender| sender.address).collect()
    }

    fn rpc(&self) -> Result<Rpc> {
        self.servers.rpcs().into_iter().next().context("a server runs")
    }

    async fn deploy(&mut self, code: Bytes) -> Result<Address> {
        let at = self.bank.address.create(self.bank.nonce);
        self.spend(vec![Order { to: TxKind::Create, value: U256::ZERO, input: code, gas: 3_000_000 }]).await?;
        let code = self.rpc()?.call("eth_getCode", json!([at, "latest"])).await?;
        ensure!(code.as_str().is_some_and(|code| code.len() > 2), "a contract could not be deployed");
        Ok(at)
    }

    /// Has the bank do something, and waits until it is done.
    async fn spend(&mut self, orders: Vec<Order>) -> Result<()> {
        let rpc = self.rpc()?;
        let mut params = Vec::new();
        for order in orders {
            params.push(json!([self.bank.sign(CHAIN_ID, order)?.raw]));
        }
        let hashes = rpc.batch("eth_sendRawTransaction", &params).await?;
        let (bank, nonce) = (self.bank.address, self.bank.nonce);
        until("what prepares the chain", PATIENCE, || async {
            Ok((rpc.nonces(&[bank]).await?[0] >= nonce).then_some(()))
        })
        .await?;
        let asked: Vec<_> = hashes.iter().map(|hash| json!([hash])).collect();
        for receipt in rpc.batch("eth_getTransactionReceipt", &asked).await? {
            ensure!(receipt["status"] == "0x1", "what prepares the chain failed: {receipt:.300}");
        }
        Ok(())
    }

    /// Makes accounts, each with a coin's smallest part and tokens.
    pub(crate) async fn fill(&mut self, accounts: usize) -> Result<()> {
        let filler = self.deploy(Bytes::from_static(&FILLER)).await?;
        let token = self.token;
        let mut made = 0;
        while made < accounts {
            let mut orders = Vec::new();
            // Three calls fill a block.
            while made < accounts && orders.len() < 12 {
                let count = A_CALL.min(accounts - made);
                let to: Vec<Address> = (made..made + count).map(|number| stranger("resident", number)).collect();
                let input = to.iter().flat_map(|to| to.0.0).collect::<Vec<u8>>().into();
                let gas = 60_000 + 36_000 * count as u64;
                orders.push(Order { to: TxKind::Call(filler), value: U256::from(count), input, gas });
                orders.push(airdrop(token, &to));
                made += count;
            }
            self.spend(orders).await?;
        }
        let last = stranger("resident", accounts - 1);
        let rpc = self.rpc()?;
        let coins = rpc.call("eth_getBalance", json!([last, "latest"])).await?;
        ensure!(coins == "0x1", "the last account has {coins} coins");
        ensure!(rpc.token_balances(token, &[last]).await?[0] > U256::ZERO, "the last account has no tokens");
        Ok(())
    }

    /// The next transfer of a sender, to somebody new. Signed.
    pub(crate) fn transfer(&mut self, sender: usize) -> Result<super::account::Signed> {
        let to = stranger("stranger", self.strangers);
        self.strangers += 1;
        self.sent[sender] += 1;
        let input = call_data("transfer(address,uint256)", &[word(to), U256::ONE]);
        let order = Order { to: TxKind::Call(self.token), value: U256::ZERO, input, gas: TRANSFER_GAS };
        self.senders[sender].sign(CHAIN_ID, order)
    }

    /// Checks on every server that all transfers happened once: the nonce of each sender, and its tokens.
    pub(crate) async fn verify(&self) -> Result<()> {
        let addresses = self.addresses();
        for rpc in self.servers.rpcs() {
            let nonces = rpc.nonces(&addresses).await?;
            let balances = rpc.token_balances(self.token, &addresses).await?;
            for (place, sender) in self.senders.iter().enumerate() {
                let (nonce, balance) = (nonces[place], balances[place]);
                ensure!(nonce == sender.nonce, "{}: nonce {nonce}, not {}", sender.address, sender.nonce);
                let left = U256::from(PURSE) - U256::from(self.sent[place]);
                ensure!(balance == left, "{} has {balance} tokens, not {left}", sender.address);
            }
        }
        Ok(())
    }
}

/// Somebody who has nothing yet.
fn stranger(kind: &str, number: usize) -> Address {
    Address::from_word(alloy_primitives::keccak256(format!("{kind} {number}")))
}

fn airdrop(token: Address, to: &[Address]) -> Order {
    let mut words = vec![U256::from(64), U256::from(PURSE), U256::from(to.len())];
    words.extend(to.iter().map(|to| word(*to)));
    let gas = 100_000 + 32_000 * to.len() as u64;
    let input = call_data("airdrop(address[],uint256)", &words);
    Order { to: TxKind::Call(token), value: U256::ZERO, input, gas }
}
