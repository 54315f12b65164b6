//! The genesis file: geth's JSON, with `config.weft` for what only Weft knows.

use std::collections::BTreeMap;

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_genesis::GenesisAccount;
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, B64, B256, U256, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use serde::Deserialize;

use crate::spec::{ChainSpec, Rules, fork_by_name, fork_names};
use crate::state::{MemoryState, StateChanges, StateError};

/// 64 MiB: the longest genesis file.
pub const MAX_GENESIS_BYTES: usize = 64 << 20;

/// 7 wei: the lowest base fee of a Weft chain whose genesis names none. Below it EIP-1559's steps of an eighth round to
/// nothing.
pub const DEFAULT_MIN_BASE_FEE: u64 = 7;

/// The start of a chain.
#[derive(Debug, Clone)]
pub struct Genesis {
    /// The chain's rules.
    pub spec: ChainSpec,
    /// The accounts it begins with.
    pub alloc: BTreeMap<Address, GenesisAccount>,
    /// `config.weft` as it stands in the file, for those who know the rest of it.
    pub weft: Option<serde_json::Value>,
    header: Header,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WeftConfig {
    fork: String,
    min_base_fee: Option<u64>,
}

/// Why a genesis file is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenesisError {
    /// It is too long.
    #[error("the genesis file has {0} bytes; at most {MAX_GENESIS_BYTES} are read")]
    TooLong(usize),
    /// It is not the JSON of a genesis file.
    #[error("the genesis file is not geth's JSON")]
    Json(#[from] serde_json::Error),
    /// `config.weft.fork` is not known.
    #[error("config.weft.fork is {0:?}; known are {names}", names = fork_names())]
    UnknownFork(String),
    /// A field has a value that no chain can begin with.
    #[error("{field} of the genesis file: {why}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The state could not be built.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Genesis {
    /// Reads a genesis file. With `config.weft` it is a Weft chain's; without, an Ethereum chain's.
    pub fn from_json(json: &[u8]) -> Result<Self, GenesisError> {
        if json.len() > MAX_GENESIS_BYTES {
            return Err(GenesisError::TooLong(json.len()));
        }
        let file: alloy_genesis::Genesis = serde_json::from_slice(json)?;
        let weft = file.config.extra_fields.get("weft").cloned();
        let spec = match &weft {
            None => ChainSpec::scheduled(&file.config),
            Some(weft) => {
                let weft: WeftConfig = WeftConfig::deserialize(weft)?;
                let fork = fork_by_name(&weft.fork).ok_or_else(|| GenesisError::UnknownFork(weft.fork.clone()))?;
                let mut spec = ChainSpec::at_fork(file.config.chain_id, Rules::Weft, fork);
                if !spec.is_cancun_active_at_timestamp(0) {
                    let why =
                        format!("{} is older than Cancun, before which a contract can lose its storage", weft.fork);
                    return Err(GenesisError::Field { field: "config.weft.fork", why });
                }
                spec.min_base_fee = weft.min_base_fee.unwrap_or(DEFAULT_MIN_BASE_FEE);
                if file.extra_data.len() != 32 {
                    let why = format!("it has {} bytes, not the 32 of a validator set's hash", file.extra_data.len());
                    return Err(GenesisError::Field { field: "extraData", why });
                }
                let bare = |account: &GenesisAccount| account.code.is_none() && account.nonce.unwrap_or(0) == 0;
                let stores =
                    |account: &GenesisAccount| account.storage.iter().flatten().any(|(_, value)| !value.is_zero());
                if let Some((address, _)) = file.alloc.iter().find(|(_, account)| bare(account) && stores(account)) {
                    let why = format!("{address} has storage but neither code nor nonce, which no account can come to");
                    return Err(GenesisError::Field { field: "alloc", why });
                }
                spec
            }
        };
        if file.gas_limit < 5_000 {
            let why = format!("{} is too little for any transaction", file.gas_limit);
            return Err(GenesisError::Field { field: "gasLimit", why });
        }
        let base_fee = file.base_fee_per_gas.map(u64::try_from).transpose().map_err(|_| GenesisError::Field {
            field: "baseFeePerGas",
            why: String::from("it has more than 64 bits"),
        })?;
        let number = file.number.unwrap_or(0);
        let london = spec.is_london_active_at_block(number);
        let cancun = spec.is_cancun_active_at_timestamp(file.timestamp);
        let shanghai = spec.is_shanghai_active_at_timestamp(file.timestamp);
        let prague = spec.is_prague_active_at_timestamp(file.timestamp);
        let weft_rules = spec.rules == Rules::Weft;
        let first_fee = if weft_rules { spec.min_base_fee } else { alloy_eips::eip1559::INITIAL_BASE_FEE };
        let header = Header {
            parent_hash: file.parent_hash.unwrap_or_default(),
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: file.coinbase,
            state_root: EMPTY_ROOT_HASH,
            transactions_root: EMPTY_ROOT_HASH,
            receipts_root: EMPTY_ROOT_HASH,
            difficulty: if weft_rules { U256::ZERO } else { file.difficulty },
            number,
            gas_limit: file.gas_limit,
            timestamp: file.timestamp,
            extra_data: file.extra_data,
            mix_hash: file.mix_hash,
            nonce: B64::from(file.nonce),
            base_fee_per_gas: london.then(|| base_fee.unwrap_or(first_fee).max(spec.min_base_fee)),
            withdrawals_root: shanghai.then_some(EMPTY_ROOT_HASH),
            blob_gas_used: cancun.then(|| file.blob_gas_used.unwrap_or(0)),
            excess_blob_gas: cancun.then(|| file.excess_blob_gas.unwrap_or(0)),
            parent_beacon_block_root: cancun.then_some(B256::ZERO),
            requests_hash: prague.then_some(EMPTY_REQUESTS_HASH),
            ..Header::default()
        };
        Ok(Genesis { spec, alloc: file.alloc, weft, header })
    }

    /// A hash of all that the genesis block follows from: a chain that was begun from the same need not compute the root of
    /// its first state again.
    pub(crate) fn digest(&self) -> Result<B256, StateError> {
        let mut bytes = alloy_rlp::encode(&self.header);
        serde_json::to_writer(&mut bytes, &self.alloc).map_err(|error| StateError::damaged("genesis", error))?;
        Ok(keccak256(bytes))
    }

    /// The genesis header with its state root, and the state.
    pub fn seal(&self) -> Result<(Header, StateChanges), StateError> {
        let changes = self.changes();
        let root = MemoryState::default().apply(changes.clone())?;
        Ok((Header { state_root: root, ..self.header.clone() }, changes))
    }

    /// The state as changes of nothing.
    pub(crate) fn changes(&self) -> StateChanges {
        let mut changes = StateChanges::default();
        for (address, account) in &self.alloc {
            let code = account.code.clone().unwrap_or_default();
            MemoryState::seed(&mut changes, *address, account.nonce.unwrap_or(0), account.balance, &code);
            let Some(change) = changes.accounts.get_mut(address) else { continue };
            for (slot, value) in account.storage.iter().flatten().filter(|(_, value)| !value.is_zero()) {
                change.storage.insert((*slot).into(), (U256::ZERO, (*value).into()));
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(weft: &str) -> String {
        let zero = B256::ZERO;
        format!(
            r#"{{"config":{{"chainId":9338{weft}}},"gasLimit":"0x1c9c380","difficulty":"0x0","extraData":"{zero}","alloc":{{}}}}"#
        )
    }

    #[test]
    fn a_weft_genesis_has_the_fields_of_its_fork() {
        let genesis = Genesis::from_json(file(r#","weft":{"fork":"prague","minBaseFee":9}"#).as_bytes()).unwrap();
        let (header, _) = genesis.seal().unwrap();
        assert_eq!(header.base_fee_per_gas, Some(9));
        assert_eq!(header.requests_hash, Some(EMPTY_REQUESTS_HASH));
        assert_eq!(header.state_root, EMPTY_ROOT_HASH);
        assert_eq!(genesis.spec.chain_id, 9338);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_reason() {
        let error = |weft: &str| Genesis::from_json(file(weft).as_bytes()).unwrap_err().to_string();
        assert!(error(r#","weft":{"fork":"next"}"#).contains("known are frontier"));
        assert!(error(r#","weft":{"fork":"london"}"#).contains("older than Cancun"));
        assert!(error(r#","weft":{"fork":5}"#).contains("geth's JSON"));
        let short = file(r#","weft":{"fork":"prague"}"#).replace(&B256::ZERO.to_string(), "0x00");
        assert!(Genesis::from_json(short.as_bytes()).unwrap_err().to_string().contains("32 of a validator"));
        let ethereum = Genesis::from_json(file("").as_bytes()).unwrap();
        assert_eq!(ethereum.spec.rules, Rules::Ethereum);
    }
}
