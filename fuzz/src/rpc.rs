//! Target of `weft-ethereum-rpc`. This file is included by the crate's tests too, which replay the corpus: it may use
//! nothing but `weft_ethereum_rpc`, `weft_evm`, `weft_ledger`, `weft_store` and the standard library.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use weft_ethereum_rpc::{Config, InProcess, Mine, RpcError};
use weft_evm::alloy_consensus::crypto::secp256k1::sign_message;
use weft_evm::alloy_consensus::{SignableTransaction, TxEip1559, transaction::Recovered};
use weft_evm::alloy_primitives::{Address, B256, TxKind, U256, hex};
use weft_evm::{Attributes, Chain, ChainOptions, Genesis, Limits, Preamble};
use weft_ledger::dev::{DEV_CHAIN_ID, DEV_KEYS, dev_accounts};
use weft_ledger::genesis::{FirstValidator, NewChain, ONE_COIN, make};
use weft_ledger::handle::Ledger;
use weft_ledger::pool::{Limits as PoolLimits, Pool};
use weft_store::MemoryStore;

/// The height of the chain that is asked.
pub const HEIGHT: u64 = 2;

/// Logs its second word with the first as topic, and stores it there.
const LOGGER: [u8; 17] = hex!("6020355f525f3560205fa16020355f3555");

/// A chain with a contract and a log, which no call changes, and what answers from it.
fn served() -> &'static (Arc<Chain>, InProcess) {
    static SERVED: OnceLock<(Arc<Chain>, InProcess)> = OnceLock::new();
    SERVED.get_or_init(|| {
        let chain = Arc::new(chain());
        assert_eq!(chain.height(), HEIGHT);
        let base_fee = chain.spec().next_base_fee(&chain.head().1).unwrap();
        // `weft_ledger`'s pool is behind the lock of its choice.
        let pool = Arc::new(Pool::new(PoolLimits::default(), base_fee).into());
        let config = Config {
            debug: true,
            mine: Some(Mine::new(|| Ok(()))),
            // Small, so that many inputs are tried: what is fuzzed is how calls are read, and that all of them end.
            gas_cap: 1_000_000,
            deadline: Duration::from_millis(500),
            // What one input left behind makes room for the next.
            filter_lifetime: Duration::ZERO,
            ..Config::default()
        };
        (chain.clone(), InProcess::new(Ledger::new(chain, pool, None), config))
    })
}

fn chain() -> Chain {
    let account = Address::repeat_byte(0x57);
    // A key of the test vectors of RFC 8032: any will do.
    let key = B256::from(hex!("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
    let mut new =
        NewChain::new(DEV_CHAIN_ID, 0, vec![FirstValidator { address: account, public_key: key, power: ONE_COIN }]);
    new.balances = dev_accounts().iter().map(|account| (account.address, U256::from(10).pow(U256::from(22)))).collect();
    let genesis = Genesis::from_json(&make(&new).unwrap()).unwrap();
    let chain = Chain::open(Arc::new(MemoryStore::default()), &genesis, ChainOptions::default()).unwrap();
    let init =
        [&[0x60, LOGGER.len() as u8, 0x60, 10, 0x5f, 0x39, 0x60, LOGGER.len() as u8, 0x5f, 0xf3], &LOGGER[..]].concat();
    let logger = dev_accounts()[0].address.create(0);
    for (nonce, to, input) in [(0, TxKind::Create, init), (1, TxKind::Call(logger), vec![1; 64])] {
        let transaction = TxEip1559 {
            chain_id: DEV_CHAIN_ID,
            nonce,
            gas_limit: 1_000_000,
            max_fee_per_gas: 10_000_000_000,
            to,
            input: input.into(),
            ..TxEip1559::default()
        };
        let signature = sign_message(DEV_KEYS[0], transaction.signature_hash()).unwrap();
        let signed = Recovered::new_unchecked(transaction.into_signed(signature).into(), dev_accounts()[0].address);
        let extra_data = B256::try_from(&chain.head().1.extra_data[..]).unwrap();
        let attributes =
            Attributes { timestamp: nonce + 1, beneficiary: account, extra_data, preamble: Preamble::default() };
        let built = chain.build(attributes, [signed], Limits::default(), || false).unwrap();
        assert!(built.executed.receipts[0].success);
        chain.commit(built.executed.hash(), Default::default()).unwrap();
    }
    chain
}

/// Calls a method: the first line is its name, the rest its parameters.
pub fn ask(data: &[u8]) -> Result<String, RpcError> {
    let text = String::from_utf8_lossy(data);
    let (method, params) = text.split_once('\n').unwrap_or((&text, ""));
    // One at a time: inputs that are replayed on many threads shall not be late because of each other.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    Ok(served().1.call(method, Some(params))?.get().to_owned())
}

/// All methods.
pub fn methods() -> impl Iterator<Item = &'static str> {
    served().1.methods()
}

/// Any call: it is answered, or refused with a code and a reason, and what is final stays what it is.
pub fn call(data: &[u8]) {
    match ask(data) {
        Ok(answer) => assert!(!answer.is_empty()),
        Err(error) => {
            assert!(error.code != 0 && !error.message.is_empty(), "{error:?}");
            // The node is never at fault for what a client sends.
            assert!(error.code != -32603 || error.message.starts_with("err: "), "{error:?}");
        }
    }
    assert_eq!(served().0.height(), HEIGHT);
}
