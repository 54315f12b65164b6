//! What rules a chain has, and since when.

use std::collections::BTreeMap;

use alloy_consensus::Header;
use alloy_eips::eip1559::BaseFeeParams;
use alloy_eips::eip7840::BlobParams;
use alloy_evm::EvmEnv;
use alloy_hardforks::{EthereumHardfork, EthereumHardforks, ForkCondition};
use alloy_primitives::{Address, U256};
use revm::primitives::hardfork::SpecId;

/// Whose blocks these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// A Weft chain: the header is an Ethereum header with the fields of its fork, and beyond Ethereum's rules:
    /// `extraData` has 32 bytes, the timestamp may equal the parent's, no ommers, withdrawals, blobs and requests,
    /// `mixHash` follows from parent, proposer and height, the gas limit never changes, the base fee has a floor. The
    /// contracts of EIP-4788, 6110, 7002 and 7251 speak with Ethereum's beacon chain, which a Weft chain has not: they
    /// are not called.
    Weft,
    /// An Ethereum chain, imported for tests. Its proof of work, ommers' ancestry and receipts before Byzantium are not
    /// checked; all else is.
    Ethereum,
}

/// The rules of a chain.
#[derive(Debug, Clone)]
pub struct ChainSpec {
    /// EIP-155: in every transaction that is not of the oldest kind.
    pub chain_id: u64,
    /// Whose blocks these are.
    pub rules: Rules,
    /// The base fee falls no lower.
    pub min_base_fee: u64,
    /// Where Ethereum's deposit contract is, if the chain has one (EIP-6110; Ethereum rules only).
    pub deposit_contract: Option<Address>,
    forks: BTreeMap<EthereumHardfork, ForkCondition>,
    blobs: Vec<(EthereumHardfork, BlobParams)>,
}

/// All forks with their names, in order.
const FORKS: [(&str, EthereumHardfork, SpecId); 15] = [
    ("frontier", EthereumHardfork::Frontier, SpecId::FRONTIER),
    ("homestead", EthereumHardfork::Homestead, SpecId::HOMESTEAD),
    ("tangerine", EthereumHardfork::Tangerine, SpecId::TANGERINE),
    ("spuriousdragon", EthereumHardfork::SpuriousDragon, SpecId::SPURIOUS_DRAGON),
    ("byzantium", EthereumHardfork::Byzantium, SpecId::BYZANTIUM),
    // Constantinople was never live without Petersburg; the interpreter has it as Byzantium's successor all the same.
    ("constantinople", EthereumHardfork::Constantinople, SpecId::PETERSBURG),
    ("petersburg", EthereumHardfork::Petersburg, SpecId::PETERSBURG),
    ("istanbul", EthereumHardfork::Istanbul, SpecId::ISTANBUL),
    ("berlin", EthereumHardfork::Berlin, SpecId::BERLIN),
    ("london", EthereumHardfork::London, SpecId::LONDON),
    ("paris", EthereumHardfork::Paris, SpecId::MERGE),
    ("shanghai", EthereumHardfork::Shanghai, SpecId::SHANGHAI),
    ("cancun", EthereumHardfork::Cancun, SpecId::CANCUN),
    ("prague", EthereumHardfork::Prague, SpecId::PRAGUE),
    ("osaka", EthereumHardfork::Osaka, SpecId::OSAKA),
];

/// The fork that a name means: that of the genesis file and of Ethereum's test files, in any case.
pub fn fork_by_name(name: &str) -> Option<EthereumHardfork> {
    let name = match name.to_ascii_lowercase().as_str() {
        "eip150" => String::from("tangerine"),
        "eip158" => String::from("spuriousdragon"),
        "constantinoplefix" => String::from("petersburg"),
        "merge" => String::from("paris"),
        other => other.to_owned(),
    };
    FORKS.iter().find(|(known, ..)| *known == name).map(|(_, fork, _)| *fork)
}

/// The names of forks a genesis file may give.
pub(crate) fn fork_names() -> String {
    FORKS.map(|(name, ..)| name).join(", ")
}

fn by_number(fork: EthereumHardfork) -> bool {
    fork <= EthereumHardfork::Paris
}

impl ChainSpec {
    /// A chain that has `fork` from its genesis on.
    pub fn at_fork(chain_id: u64, rules: Rules, fork: EthereumHardfork) -> Self {
        let mut forks = BTreeMap::new();
        for (_, each, _) in FORKS.iter().filter(|(_, each, _)| *each <= fork) {
            let since = if by_number(*each) { ForkCondition::Block(0) } else { ForkCondition::Timestamp(0) };
            forks.insert(*each, since);
        }
        ChainSpec { chain_id, rules, min_base_fee: 0, deposit_contract: None, forks, blobs: Vec::new() }
    }

    /// The forks that a geth genesis file's `config` sets.
    pub(crate) fn scheduled(config: &alloy_genesis::ChainConfig) -> Self {
        use EthereumHardfork as Fork;
        // The merge has a block if the file names one, and is there from genesis where later forks are.
        let merged = config.terminal_total_difficulty == Some(U256::ZERO) || config.terminal_total_difficulty_passed;
        let paris = config.merge_netsplit_block.or(merged.then_some(0));
        let numbered = [
            (Fork::Frontier, Some(0)),
            (Fork::Homestead, config.homestead_block),
            (Fork::Tangerine, config.eip150_block),
            (Fork::SpuriousDragon, config.eip158_block.max(config.eip155_block)),
            (Fork::Byzantium, config.byzantium_block),
            (Fork::Constantinople, config.constantinople_block),
            (Fork::Petersburg, config.petersburg_block),
            (Fork::Istanbul, config.istanbul_block),
            (Fork::Berlin, config.berlin_block),
            (Fork::London, config.london_block),
            (Fork::Paris, paris),
        ];
        let timed = [
            (Fork::Shanghai, config.shanghai_time),
            (Fork::Cancun, config.cancun_time),
            (Fork::Prague, config.prague_time),
            (Fork::Osaka, config.osaka_time),
            (Fork::Bpo1, config.bpo1_time),
            (Fork::Bpo2, config.bpo2_time),
        ];
        let numbered = numbered.into_iter().filter_map(|(fork, at)| Some((fork, ForkCondition::Block(at?))));
        let timed = timed.into_iter().filter_map(|(fork, at)| Some((fork, ForkCondition::Timestamp(at?))));
        let named = |fork: Fork| config.blob_schedule.get(&fork.to_string().to_ascii_lowercase()).copied();
        let blobs = [Fork::Cancun, Fork::Prague, Fork::Osaka, Fork::Bpo1, Fork::Bpo2];
        ChainSpec {
            chain_id: config.chain_id,
            rules: Rules::Ethereum,
            min_base_fee: 0,
            deposit_contract: config.deposit_contract_address,
            forks: numbered.chain(timed).collect(),
            blobs: blobs.into_iter().filter_map(|fork| Some((fork, named(fork)?))).collect(),
        }
    }

    /// The interpreter's rules for a block.
    pub fn spec_id(&self, number: u64, timestamp: u64) -> SpecId {
        let active = |fork: EthereumHardfork| match self.ethereum_fork_activation(fork) {
            ForkCondition::Block(at) => at <= number,
            ForkCondition::Timestamp(at) => at <= timestamp,
            _ => false,
        };
        FORKS.iter().rev().find(|(_, fork, _)| active(*fork)).map_or(SpecId::FRONTIER, |(_, _, id)| *id)
    }

    /// Blob limits and prices of a block; `None` before Cancun.
    pub fn blob_params(&self, timestamp: u64) -> Option<BlobParams> {
        let defaults: [(EthereumHardfork, fn() -> BlobParams); 5] = [
            (EthereumHardfork::Bpo2, BlobParams::bpo2),
            (EthereumHardfork::Bpo1, BlobParams::bpo1),
            (EthereumHardfork::Osaka, BlobParams::osaka),
            (EthereumHardfork::Prague, BlobParams::prague),
            (EthereumHardfork::Cancun, BlobParams::cancun),
        ];
        let (fork, default) =
            defaults.into_iter().find(|(fork, _)| self.is_ethereum_fork_active_at_timestamp(*fork, timestamp))?;
        let mut params = default();
        if let Some((_, own)) = self.blobs.iter().find(|(own, _)| *own == fork) {
            params.target_blob_count = own.target_blob_count;
            params.max_blob_count = own.max_blob_count;
            params.update_fraction = own.update_fraction;
        }
        Some(params)
    }

    /// The base fee of the block after `parent` (EIP-1559, with the chain's floor); `None` before London.
    pub fn next_base_fee(&self, parent: &Header) -> Option<u64> {
        if !self.is_london_active_at_block(parent.number + 1) {
            return None;
        }
        let Some(base_fee) = parent.base_fee_per_gas else {
            return Some(alloy_eips::eip1559::INITIAL_BASE_FEE);
        };
        let next = BaseFeeParams::ethereum().next_block_base_fee(parent.gas_used, parent.gas_limit, base_fee);
        Some(next.max(self.min_base_fee))
    }

    /// What the interpreter has to know of a block.
    pub fn evm_env(&self, header: &Header) -> EvmEnv {
        let blobs = self.blob_params(header.timestamp);
        let mut env = EvmEnv::for_eth_block(header, self, self.chain_id, blobs);
        env.cfg_env = env.cfg_env.with_spec_and_mainnet_gas_params(self.spec_id(header.number, header.timestamp));
        env
    }

    /// Whether blob transactions are taken.
    pub fn takes_blobs(&self) -> bool {
        self.rules == Rules::Ethereum
    }
}

impl EthereumHardforks for ChainSpec {
    fn ethereum_fork_activation(&self, fork: EthereumHardfork) -> ForkCondition {
        self.forks.get(&fork).copied().unwrap_or_default()
    }
}

impl alloy_evm::eth::spec::EthExecutorSpec for ChainSpec {
    fn deposit_contract_address(&self) -> Option<Address> {
        self.deposit_contract
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forks_have_names() {
        assert_eq!(fork_by_name("Prague"), Some(EthereumHardfork::Prague));
        assert_eq!(fork_by_name("ConstantinopleFix"), Some(EthereumHardfork::Petersburg));
        assert_eq!(fork_by_name("EIP158"), Some(EthereumHardfork::SpuriousDragon));
        assert_eq!(fork_by_name("Amsterdam"), None);
        for (name, fork, id) in FORKS {
            let spec = ChainSpec::at_fork(1, Rules::Ethereum, fork);
            assert_eq!(spec.spec_id(0, 0), id, "{name}");
        }
    }

    #[test]
    fn the_base_fee_has_a_floor() {
        let mut spec = ChainSpec::at_fork(1, Rules::Weft, EthereumHardfork::Prague);
        spec.min_base_fee = 7;
        let parent = Header { gas_limit: 30_000_000, base_fee_per_gas: Some(7), ..Header::default() };
        assert_eq!(spec.next_base_fee(&parent), Some(7));
        assert_eq!(spec.next_base_fee(&Header { gas_used: 30_000_000, ..parent.clone() }), Some(8));
        spec.min_base_fee = 0;
        assert_eq!(spec.next_base_fee(&Header { base_fee_per_gas: Some(1000), ..parent }), Some(875));
    }
}
