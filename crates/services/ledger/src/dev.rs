//! A chain for developers: one validator in this process, a block as soon as there is a transaction, accounts with coins
//! whose keys everybody knows. What anvil and `hardhat node` are used for, with the very code of a ledger among peers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256, U256, b256};
use ed25519_dalek::SigningKey;
use k256::ecdsa::SigningKey as AccountKey;
use parking_lot::Mutex;
use tokio::task::AbortHandle;
use weft_evm::{Chain, ChainOptions, Genesis};
use weft_store::Store;

use crate::genesis::{FirstValidator, MakeChainError, NewChain, ONE_COIN, make};
use crate::handle::{Ledger, ValidatorInfo};
use crate::pool::{Limits, Pool};
use crate::replica::{Action, Clock, Pace, Replica, ReplicaError, ReplicaParts, Validator};
use crate::runner::{Mail, Notice, Runner, Running, SystemClock};
use crate::watch::infos;

/// What `anvil` and `hardhat node` say, so that tools need no setting.
pub const DEV_CHAIN_ID: u64 = 31_337;

/// 10,000 coins for each account.
const COINS: u64 = 10_000;

/// The keys of the phrase "test test test test test test test test test test test junk" (`m/44'/60'/0'/0/n`), which
/// anvil and hardhat use too. They are no secret: never send anything of worth to them.
pub const DEV_KEYS: [B256; 10] = [
    b256!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    b256!("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
    b256!("5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"),
    b256!("7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"),
    b256!("47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a"),
    b256!("8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba"),
    b256!("92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e"),
    b256!("4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356"),
    b256!("dbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97"),
    b256!("2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6"),
];

/// The validator's key and account: of no worth either, since it decides this chain alone.
const VALIDATOR_KEY: [u8; 32] = [0x57; 32];
const VALIDATOR: Address = Address::repeat_byte(0x57);

/// The most power there can be: whoever tries the staking contract here joins with a vanishing share, and the chain goes
/// on without the newcomer's node, which nobody runs.
const POWER: u64 = 10_000_000 * ONE_COIN;

/// 10 s until a block that was asked for is given up: the chain makes one in some milliseconds, or is broken.
const MINING: Duration = Duration::from_secs(10);

/// What a developers' chain is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DevOptions {
    /// Its chain id.
    pub chain_id: u64,
    /// A block this often, empty or not; `None` makes one as soon as there is a transaction, and none without.
    pub block_time: Option<Duration>,
    /// Gas of a block.
    pub gas_limit: u64,
}

impl Default for DevOptions {
    fn default() -> Self {
        DevOptions { chain_id: DEV_CHAIN_ID, block_time: None, gas_limit: crate::genesis::DEFAULT_GAS_LIMIT }
    }
}

impl DevOptions {
    /// The genesis file of such a chain: the same at each start, so that a store goes on.
    ///
    /// # Errors
    /// [`MakeChainError`] if the options make none.
    pub fn genesis(&self) -> Result<Vec<u8>, MakeChainError> {
        let public_key = SigningKey::from_bytes(&VALIDATOR_KEY).verifying_key().to_bytes().into();
        let validator = FirstValidator { address: VALIDATOR, public_key, power: POWER };
        // Its time is that of no clock.
        let mut new = NewChain::new(self.chain_id, 0, vec![validator]);
        new.gas_limit = self.gas_limit;
        let coin = U256::from(10).pow(U256::from(18));
        new.balances = dev_accounts()
            .iter()
            .map(|account| (account.address, coin * U256::from(COINS)))
            .collect::<BTreeMap<_, _>>();
        make(&new)
    }
}

/// Why there is no such chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DevError {
    /// Its genesis could not be made.
    #[error(transparent)]
    Make(#[from] MakeChainError),
    /// Its genesis could not be read.
    #[error(transparent)]
    Genesis(#[from] weft_evm::GenesisError),
    /// The store holds something else.
    #[error(transparent)]
    Open(#[from] weft_evm::OpenError),
    /// It could not begin.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// The system gives no thread.
    #[error("the system gives no thread")]
    Thread(#[source] std::io::Error),
}

/// An account that developers use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DevAccount {
    /// Its address.
    pub address: Address,
    /// Its key, which is no secret.
    pub key: B256,
}

/// The accounts that have coins.
pub fn dev_accounts() -> Vec<DevAccount> {
    let account = |key: &B256| {
        let signer = AccountKey::from_slice(key.as_slice()).ok()?;
        Some(DevAccount { address: Address::from_public_key(signer.verifying_key()), key: *key })
    };
    DEV_KEYS.iter().filter_map(account).collect()
}

/// A developers' chain that runs. Dropping it stops it.
#[derive(Debug)]
pub struct DevChain {
    ledger: Ledger,
    runner: Runner,
    notices: AbortHandle,
}

impl DevChain {
    /// Starts one on `store`: a new one, or that which the store holds. Called within a tokio runtime.
    ///
    /// # Errors
    /// [`DevError`] if it cannot be made, or the store holds another chain.
    pub fn start(store: Arc<dyn Store>, options: DevOptions) -> Result<DevChain, DevError> {
        let clock = Arc::new(SystemClock::default());
        let key = SigningKey::from_bytes(&VALIDATOR_KEY);
        let public_key = B256::from(key.verifying_key().to_bytes());
        let genesis = Genesis::from_json(&options.genesis()?)?;
        let chain = Arc::new(Chain::open(Arc::clone(&store), &genesis, ChainOptions::default())?);
        let (_, head) = chain.head();
        let base_fee = chain.spec().next_base_fee(&head).unwrap_or_default();
        let pool = Arc::new(Mutex::new(Pool::new(Limits::default(), base_fee)));
        let ledger = Ledger::new(Arc::clone(&chain), pool, None);
        ledger.set_validators(vec![ValidatorInfo { address: VALIDATOR, public_key, power: POWER }]);
        let pace = match options.block_time {
            None => Pace::on_demand(),
            Some(time) => Pace { block_time: time, heartbeat: Some(time) },
        };
        let replica = Replica::open(ReplicaParts {
            chain,
            pool: Arc::new(ledger.clone()),
            store,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            validator: Some(Validator { account: VALIDATOR, signer: key }),
            pace,
        })?;
        let told = ledger.clone();
        let runner = Runner::start(replica, clock, move |notice| {
            // Nobody else is there to be told anything.
            if let Notice::Action(Action::Validators(set)) = notice {
                told.set_validators(infos(&set));
            }
        });
        let runner = runner.map_err(DevError::Thread)?;
        let (mailbox, mut pending) = (runner.mailbox(), ledger.transactions());
        let notices = tokio::spawn(async move {
            use tokio::sync::broadcast::error::RecvError;
            while !matches!(pending.recv().await, Err(RecvError::Closed)) {
                // With many at once one notice is enough: the block is built of all that wait.
                while pending.try_recv().is_ok() {}
                mailbox.post(Mail::Transactions);
            }
        });
        Ok(DevChain { ledger, runner, notices: notices.abort_handle() })
    }

    /// The chain and its pool.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What makes a block now, empty or not, and returns when it is final (`evm_mine`). It blocks.
    pub fn miner(&self) -> impl Fn() -> Result<(), String> + Send + Sync + 'static {
        let (ledger, mailbox) = (self.ledger.clone(), self.runner.mailbox());
        let runtime = tokio::runtime::Handle::current();
        move || {
            let mut blocks = ledger.blocks();
            if !mailbox.post(Mail::Begin) {
                return Err(String::from("the chain has stopped, or is overloaded"));
            }
            match runtime.block_on(async { tokio::time::timeout(MINING, blocks.recv()).await }) {
                Ok(made) => made.map(drop).map_err(|_| String::from("the chain has stopped")),
                Err(_) => Err(format!("the chain made no block within {} s", MINING.as_secs())),
            }
        }
    }

    /// Waits until it does not run any more, and says why.
    pub async fn ended(&self) -> Running {
        let mut state = self.runner.state();
        let ended = state.wait_for(|state| !matches!(state, Running::Well)).await;
        ended.map_or(Running::Stopped, |state| state.clone())
    }
}

impl Drop for DevChain {
    fn drop(&mut self) {
        self.notices.abort();
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::address;

    use super::*;

    #[test]
    fn the_accounts_are_those_that_developers_know() {
        let accounts = dev_accounts();
        assert_eq!(accounts.len(), 10);
        assert_eq!(accounts[0].address, address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"));
        assert_eq!(accounts[9].address, address!("a0Ee7A142d267C1f36714E4a8F75612F20a79720"));
    }
}
