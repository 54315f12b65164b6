//! From the phrase's seed to each key, every one by a published standard, one path a purpose.
//!
//! | key         | curve     | standard         | path                 |
//! |-------------|-----------|------------------|----------------------|
//! | user        | Ed25519   | SLIP-0010        | `m/44'/9338'/0'/0'`  |
//! | storage     | Ed25519¹  | SLIP-0010        | `m/44'/9338'/1'/0'`  |
//! | ledger      | secp256k1 | BIP-32, BIP-44   | `m/44'/60'/0'/0/0`   |
//! | publishing  | secp256k1 | BIP-32, NIP-06   | `m/44'/1237'/0'/0/0` |
//!
//! ¹ used as 32 secret bytes only, from which symmetric keys are derived by HKDF-SHA256.

use bip32::{DerivationPath, XPrv, secp256k1::SecretKey};
use zeroize::Zeroizing;

/// SLIP-0010 indexes of the user key; all are hardened, as Ed25519 demands.
pub(crate) const USER_PATH: [u32; 4] = [44, 9338, 0, 0];
/// SLIP-0010 indexes of the storage key.
pub(crate) const STORAGE_PATH: [u32; 4] = [44, 9338, 1, 0];
/// Where MetaMask and every other Ethereum wallet looks for its first account.
pub(crate) const LEDGER_PATH: &str = "m/44'/60'/0'/0/0";
/// NIP-06, account 0.
pub(crate) const PUBLISHING_PATH: &str = "m/44'/1237'/0'/0/0";

/// SLIP-0010 for Ed25519: the private key at `path`.
pub(crate) fn ed25519(seed: &[u8], path: &[u32]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(slip10_ed25519::derive_ed25519_private_key(seed, path))
}

/// The seed has no key at this path. By BIP-32 the chance is below 2⁻¹²⁷; asking for a new phrase is the whole mend.
#[derive(Debug, thiserror::Error)]
#[error("this recovery phrase has no valid key at {path} (a chance of one in 2^127): make a new identity")]
pub struct NoSuchKey {
    path: &'static str,
    #[source]
    source: bip32::Error,
}

/// BIP-32 for secp256k1: the private key at `path`.
pub(crate) fn secp256k1(seed: &[u8; 64], path: &'static str) -> Result<SecretKey, NoSuchKey> {
    let derive = || -> Result<SecretKey, bip32::Error> {
        let path: DerivationPath = path.parse()?;
        let key = XPrv::derive_from_path(seed, &path)?;
        Ok(SecretKey::from(key.private_key().as_nonzero_scalar()))
    };
    derive().map_err(|source| NoSuchKey { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap()
    }

    /// SLIP-0010, "Test vector 1 for ed25519" and "Test vector 2 for ed25519": path, private key, public key.
    #[test]
    fn slip_0010_vectors() {
        let first = "000102030405060708090a0b0c0d0e0f";
        let second = "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542";
        let vectors: [(&str, &[u32], &str, &str); 5] = [
            (
                first,
                &[],
                "2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7",
                "a4b2856bfec510abab89753fac1ac0e1112364e7d250545963f135f2a33188ed",
            ),
            (
                first,
                &[0],
                "68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3",
                "8c8a13df77a28f3445213a0f432fde644acaa215fc72dcdf300d5efaa85d350c",
            ),
            (
                first,
                &[0, 1, 2, 2, 1_000_000_000],
                "8f94d394a8e8fd6b1bc2f3f49f5c47e385281d5c17e65324b0f62483e37e8793",
                "3c24da049451555d51a7014a37337aa4e12d41e485abccfa46b47dfb2af54b7a",
            ),
            (
                second,
                &[],
                "171cb88b1b3c1db25add599712e36245d75bc65a1a5c9e18d76f9f2b1eab4012",
                "8fe9693f8fa62a4305a140b9764c5ee01e455963744fe18204b4fb948249308a",
            ),
            (
                second,
                &[0, 2_147_483_647, 1, 2_147_483_646, 2],
                "551d333177df541ad876a60ea71f00447931c0a9da16f227c11ea080d7391b8d",
                "47150c75db263559a70d5778bf36abbab30fb061ad69f69ece61a72b0cfa4fc0",
            ),
        ];
        for (seed, path, private, public) in vectors {
            let key = ed25519(&bytes(seed), path);
            assert_eq!(data_encoding::HEXLOWER.encode(key.as_ref()), private, "path {path:?}");
            let signing = ed25519_dalek::SigningKey::from_bytes(&key);
            assert_eq!(data_encoding::HEXLOWER.encode(signing.verifying_key().as_bytes()), public, "path {path:?}");
        }
    }

    /// BIP-32 test vector 1. Its seed has 16 bytes, so this asks the library as `secp256k1` does.
    #[test]
    fn bip_32_vectors() {
        let seed = bytes("000102030405060708090a0b0c0d0e0f");
        let vectors = [
            (
                "m",
                "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
            ),
            (
                "m/0'",
                "xprv9uHRZZhk6KAJC1avXpDAp4MDc3sQKNxDiPvvkX8Br5ngLNv1TxvUxt4cV1rGL5hj6KCesnDYUhd7oWgT11eZG7XnxHrnYeSvkzY7d2bhkJ7",
            ),
            (
                "m/0'/1/2'/2/1000000000",
                "xprvA41z7zogVVwxVSgdKUHDy1SKmdb533PjDz7J6N6mV6uS3ze1ai8FHa8kmHScGpWmj4WggLyQjgPie1rFSruoUihUZREPSL39UNdE3BBDu76",
            ),
        ];
        for (path, expected) in vectors {
            let path: DerivationPath = path.parse().unwrap();
            let derived = XPrv::derive_from_path(&seed, &path).unwrap();
            let expected: XPrv = expected.parse().unwrap();
            assert_eq!(derived.private_key().to_bytes(), expected.private_key().to_bytes());
        }
    }
}
