//! Making a chain: the genesis file with everything that is there from its first block.
//!
//! The staking contract cannot run a constructor in a genesis, so its beginning is executed here, in memory, and what it
//! stored is written into the file. The file alone then says what the chain begins with: any Ethereum tool computes the
//! same state root of it.

use std::collections::BTreeMap;

use alloy_consensus::Header;
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address as Account, B256, Bytes, U256, address};
use alloy_sol_types::{SolCall, sol};
use serde::{Deserialize, Serialize};
use serde_json::json;
use weft_consensus::types::{ValidatorEntry, ValidatorSet};
use weft_evm::{Genesis, GenesisError, MemoryState, Overlay, StateError, predeploy};

use crate::replica::{STAKING, validators};

/// Where the naming registry is.
pub const NAMES: Account = address!("0000000000000000000000000000000000001002");
/// Where hashes are anchored.
pub const ANCHORS: Account = address!("0000000000000000000000000000000000001003");
/// Where tokens are made.
pub const TOKENS: Account = address!("0000000000000000000000000000000000001004");

/// The power of a validator that has one coin's worth: the least a genesis may give, in gwei.
pub const ONE_COIN: u64 = 1_000_000_000;

/// 500 million gas a block: some 10,000 token transfers.
pub const DEFAULT_GAS_LIMIT: u64 = 500_000_000;

sol! {
    /// Who validates from the first block on.
    function genesis(address[] accounts, bytes32[] keys, uint64[] powers);
    /// What joining costs, and how long stake stays slashable and a validator in jail.
    function configure(uint128 minStake, uint32 unbondingBlocks, uint32 unbondingSeconds, uint32 jailSeconds);
}

/// A validator from the first block on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FirstValidator {
    /// Its account: tips and stake.
    pub address: Account,
    /// Its node's Ed25519 key.
    pub public_key: B256,
    /// Its power: a coin's worth is 10⁹ ([`ONE_COIN`]), the most is 10¹⁶.
    pub power: u64,
}

/// What staking costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StakingTerms {
    /// The least stake, in wei. `u128::MAX` closes the set: nobody joins.
    pub min_stake: u128,
    /// For so many blocks the stake of who left can be slashed …
    pub unbonding_blocks: u32,
    /// … and for so many seconds; both must pass.
    pub unbonding_seconds: u32,
    /// How long a jail is, in seconds.
    pub jail_seconds: u32,
}

impl Default for StakingTerms {
    /// As the contract has it where nothing is said: one coin, 10,000 blocks and seven days, a day.
    fn default() -> Self {
        const DAY: u32 = 24 * 60 * 60;
        StakingTerms {
            min_stake: 1_000_000_000_000_000_000,
            unbonding_blocks: 10_000,
            unbonding_seconds: 7 * DAY,
            jail_seconds: DAY,
        }
    }
}

/// A chain to be made.
#[derive(Debug, Clone)]
pub struct NewChain {
    /// EIP-155: no two chains that meet should have the same.
    pub chain_id: u64,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// Gas of a block.
    pub gas_limit: u64,
    /// The base fee never falls below it, in wei.
    pub min_base_fee: u64,
    /// Who validates first.
    pub validators: Vec<FirstValidator>,
    /// Who has coins, in wei.
    pub balances: BTreeMap<Account, U256>,
    /// The terms of staking; the contract's own where none are given.
    pub staking: Option<StakingTerms>,
    /// From one block to the next under load, in milliseconds.
    pub block_time_ms: u64,
    /// From one block to the next without transactions, in milliseconds; none are made if it is `None`.
    pub heartbeat_ms: Option<u64>,
}

impl NewChain {
    /// A chain with the usual settings.
    pub fn new(chain_id: u64, timestamp: u64, validators: Vec<FirstValidator>) -> Self {
        NewChain {
            chain_id,
            timestamp,
            gas_limit: DEFAULT_GAS_LIMIT,
            min_base_fee: weft_evm::DEFAULT_MIN_BASE_FEE,
            validators,
            balances: BTreeMap::new(),
            staking: None,
            block_time_ms: 250,
            heartbeat_ms: Some(5_000),
        }
    }
}

/// Why no chain can be made so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MakeChainError {
    /// The staking contract refuses the validators.
    #[error(
        "these validators cannot begin a chain: each needs an account and a key of its own, and a power from 10^9 (one coin's worth) to 10^16"
    )]
    Validators,
    /// The staking contract refuses the terms.
    #[error("the staking contract does not take these terms")]
    Terms,
    /// No validator's key can be used.
    #[error("no validator has a key that can be used")]
    Keys,
    /// What was made cannot be read.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The state in memory failed.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Writes the genesis file of a chain.
///
/// # Errors
/// [`MakeChainError`], if its validators or terms cannot be.
pub fn make(chain: &NewChain) -> Result<Vec<u8>, MakeChainError> {
    let mut alloc = predeploy::standard();
    for (at, artifact) in CONTRACTS {
        alloc.insert(at, predeploy::contract(deployed_code(artifact)));
    }
    for (account, balance) in &chain.balances {
        let held = alloc.entry(*account).or_default();
        held.balance = *balance;
    }
    let bare = Genesis::from_json(&file(chain, &alloc, B256::ZERO))?;
    let (header, changes) = bare.seal()?;
    let mut state = MemoryState::default();
    state.apply(changes)?;
    let storage = staking_storage(chain, &bare, &header, state.clone())?;
    if let Some(staking) = alloc.get_mut(&STAKING) {
        staking.storage = Some(storage);
    }
    let begun = Genesis::from_json(&file(chain, &alloc, B256::ZERO))?;
    let (_, changes) = begun.seal()?;
    let mut state = MemoryState::default();
    state.apply(changes)?;
    let set = validators::read(&begun.spec, &header, &state)?.ok_or(MakeChainError::Keys)?;
    if set.len() != chain.validators.len() {
        return Err(MakeChainError::Keys);
    }
    Ok(file(chain, &alloc, B256::from(set.hash())))
}

/// The contracts of every chain.
const CONTRACTS: [(Account, &str); 4] = [
    (STAKING, include_str!("../../../../contracts/artifacts/Staking.json")),
    (NAMES, include_str!("../../../../contracts/artifacts/NamingRegistry.json")),
    (ANCHORS, include_str!("../../../../contracts/artifacts/Anchors.json")),
    (TOKENS, include_str!("../../../../contracts/artifacts/TokenFactory.json")),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    deployed_bytecode: Bytes,
}

/// The code of a checked-in artifact; a test reads each of them.
fn deployed_code(artifact: &str) -> Bytes {
    serde_json::from_str::<Artifact>(artifact).map(|artifact| artifact.deployed_bytecode).unwrap_or_default()
}

/// What the staking contract has stored once it was told who begins.
fn staking_storage(
    chain: &NewChain,
    genesis: &Genesis,
    header: &Header,
    state: MemoryState,
) -> Result<BTreeMap<B256, B256>, MakeChainError> {
    let terms = chain.staking.map(|terms| {
        let StakingTerms { min_stake, unbonding_blocks, unbonding_seconds, jail_seconds } = terms;
        let configure = configureCall {
            minStake: min_stake,
            unbondingBlocks: unbonding_blocks,
            unbondingSeconds: unbonding_seconds,
            jailSeconds: jail_seconds,
        };
        (configure.abi_encode(), MakeChainError::Terms)
    });
    let first = genesisCall {
        accounts: chain.validators.iter().map(|validator| validator.address).collect(),
        keys: chain.validators.iter().map(|validator| validator.public_key).collect(),
        powers: chain.validators.iter().map(|validator| validator.power).collect(),
    };
    let mut state = Overlay::new(state);
    for (data, refused) in terms.into_iter().chain([(first.abi_encode(), MakeChainError::Validators)]) {
        state = match validators::call(&genesis.spec, header, state, data)? {
            Some((done, after)) if done.is_success() => after,
            _ => return Err(refused),
        };
    }
    let mut changes = state.into_changes()?;
    let written = changes.accounts.remove(&STAKING).map(|change| change.storage).unwrap_or_default();
    Ok(written.into_iter().map(|(slot, (_, now))| (slot.into(), now.into())).collect())
}

fn file(chain: &NewChain, alloc: &BTreeMap<Account, GenesisAccount>, extra_data: B256) -> Vec<u8> {
    let NewChain { chain_id, timestamp, gas_limit, min_base_fee, validators, block_time_ms, heartbeat_ms, .. } = chain;
    let file = json!({
        "config": {
            "chainId": chain_id,
            "weft": {
                "fork": "prague",
                "minBaseFee": min_base_fee,
                "validators": validators,
                "staking": STAKING,
                "blockTimeMs": block_time_ms,
                "heartbeatMs": heartbeat_ms,
            },
        },
        "nonce": "0x0",
        "timestamp": format!("{timestamp:#x}"),
        "extraData": extra_data,
        "gasLimit": format!("{gas_limit:#x}"),
        "baseFeePerGas": format!("{min_base_fee:#x}"),
        "difficulty": "0x0",
        "mixHash": B256::ZERO,
        "coinbase": Account::ZERO,
        "alloc": alloc,
    });
    serde_json::to_vec_pretty(&file).unwrap_or_default()
}

/// What `config.weft` of a genesis file says beside the rules of execution.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WeftConfig {
    /// Who validates first: for people; the staking contract's storage counts.
    #[serde(default)]
    pub validators: Vec<FirstValidator>,
    /// From one block to the next under load, in milliseconds.
    pub block_time_ms: u64,
    /// From one block to the next without transactions, in milliseconds.
    pub heartbeat_ms: Option<u64>,
}

/// The first validator set of a genesis.
///
/// # Errors
/// As reading its state.
pub fn first_set(genesis: &Genesis) -> Result<Option<ValidatorSet>, StateError> {
    let (header, changes) = genesis.seal()?;
    let mut state = MemoryState::default();
    state.apply(changes)?;
    validators::read(&genesis.spec, &header, &state)
}

/// A first validator as consensus has it.
impl From<FirstValidator> for ValidatorEntry {
    fn from(validator: FirstValidator) -> Self {
        validators::entry(&validator.address, &validator.public_key.0, validator.power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validator(seed: u8) -> FirstValidator {
        let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key();
        FirstValidator { address: Account::repeat_byte(seed), public_key: key.to_bytes().into(), power: ONE_COIN }
    }

    #[test]
    fn a_chain_begins_with_its_contracts_validators_and_balances() {
        let mut chain = NewChain::new(9338, 1_700_000_000, vec![validator(2), validator(1)]);
        chain.balances.insert(Account::repeat_byte(9), U256::from(5));
        let genesis = Genesis::from_json(&make(&chain).unwrap()).unwrap();
        for (at, artifact) in CONTRACTS {
            assert!(!deployed_code(artifact).is_empty());
            assert_eq!(genesis.alloc[&at].code.as_ref(), Some(&deployed_code(artifact)));
        }
        let set = first_set(&genesis).unwrap().unwrap();
        let entries: Vec<ValidatorEntry> = vec![validator(1).into(), validator(2).into()];
        assert_eq!(set, ValidatorSet::from_entries(&entries).unwrap());
        let (header, changes) = genesis.seal().unwrap();
        assert_eq!(header.extra_data.as_ref(), set.hash());
        assert_eq!(changes.accounts[&Account::repeat_byte(9)].after.unwrap().balance, U256::from(5));
        let config = WeftConfig::deserialize(genesis.weft.unwrap()).unwrap();
        assert_eq!((config.block_time_ms, config.heartbeat_ms), (250, Some(5000)));
    }

    #[test]
    fn terms_that_are_not_said_are_the_contracts_own() {
        let unsaid = NewChain::new(9338, 1_700_000_000, vec![validator(1)]);
        let said = NewChain { staking: Some(StakingTerms::default()), ..unsaid.clone() };
        assert_eq!(make(&unsaid).unwrap(), make(&said).unwrap());
    }

    #[test]
    fn what_the_contract_refuses_is_no_chain() {
        let weak = FirstValidator { power: 1, ..validator(1) };
        let twice = vec![validator(1), validator(1)];
        for validators in [vec![weak], twice, Vec::new()] {
            let made = make(&NewChain::new(1, 0, validators));
            assert!(matches!(made, Err(MakeChainError::Validators)), "{made:?}");
        }
        let keyless = FirstValidator { public_key: B256::repeat_byte(0xff), ..validator(3) };
        assert!(matches!(make(&NewChain::new(1, 0, vec![validator(1), keyless])), Err(MakeChainError::Keys)));
    }
}
