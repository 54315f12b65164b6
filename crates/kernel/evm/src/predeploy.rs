//! Contracts that are there from genesis, at the addresses where every chain has them.

use std::collections::BTreeMap;

use alloy_eips::eip2935::{HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, Bytes, U256, address, hex};

/// The deterministic deployer (github.com/Arachnid/deterministic-deployment-proxy): foundry, hardhat and OpenZeppelin
/// deploy through it to get the same address on each chain.
pub const CREATE2_DEPLOYER: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");

/// Multicall3 (github.com/mds1/multicall3, MIT): viem, wagmi and ethers plug-ins batch reads through it. The code is the
/// one viem carries, which deploys it on chains that lack it; older chains have an optimized build of the same source.
pub const MULTICALL3: Address = address!("cA11bde05977b3631167028862bE2a173976CA11");

const CREATE2_DEPLOYER_CODE: [u8; 69] = hex!(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
);

const MULTICALL3_CODE: &str = include_str!("predeploy/multicall3.hex");

/// What each Weft chain should have: the CREATE2 deployer, Multicall3, and the contract of EIP-2935 that keeps the
/// hashes of the last 8,191 blocks.
///
/// They are written into the genesis file when it is made, so that the file alone says what the chain begins with.
pub fn standard() -> BTreeMap<Address, GenesisAccount> {
    let multicall3 = hex::decode(MULTICALL3_CODE.trim()).unwrap_or_default();
    BTreeMap::from([
        (CREATE2_DEPLOYER, contract(Bytes::from_static(&CREATE2_DEPLOYER_CODE))),
        (MULTICALL3, contract(multicall3.into())),
        (HISTORY_STORAGE_ADDRESS, contract(HISTORY_STORAGE_CODE.clone())),
    ])
}

/// An account with code; its nonce is 1, as that of every deployed contract (EIP-161).
pub fn contract(code: Bytes) -> GenesisAccount {
    GenesisAccount::default().with_nonce(Some(1)).with_code(Some(code)).with_balance(U256::ZERO)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{b256, keccak256};

    use super::*;

    #[test]
    fn the_code_is_pinned() {
        let standard = standard();
        let hash = |address| keccak256(standard[&address].code.as_ref().unwrap());
        // As viem deploys it: the same source as on the older chains, built without the optimizer.
        assert_eq!(hash(MULTICALL3), b256!("5a29a1eb2f59e45e4249b938c8192cac0d2bd32398e1afa03f302a867db692ea"));
        assert_eq!(hash(CREATE2_DEPLOYER), b256!("2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989"));
    }
}
