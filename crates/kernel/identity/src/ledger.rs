//! The ledger account's public face: its address (EIP-55) and its signatures. The key itself is in [`crate::user`].

use std::fmt;

use bip32::secp256k1::{PublicKey, elliptic_curve::sec1::ToEncodedPoint};
use sha3::{Digest, Keccak256};

/// An Ethereum account address: the last 20 bytes of the Keccak-256 hash of the public key. Displays with the EIP-55
/// checksum, as wallets show it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerAddress([u8; 20]);

impl LedgerAddress {
    /// The 20 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    pub(crate) fn of(key: &PublicKey) -> Self {
        let point = key.to_encoded_point(false);
        // SEC 1 uncompressed: one byte 0x04, then x and y. The address hashes x and y alone.
        let hash = Keccak256::digest(&point.as_bytes()[1..]);
        let mut address = [0; 20];
        address.copy_from_slice(&hash[12..]);
        Self(address)
    }
}

impl fmt::Display for LedgerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // EIP-55: a letter is upper-case where the hash of the lower-case text has a nibble of 8 or more.
        let lower = data_encoding::HEXLOWER.encode(&self.0);
        let hash = data_encoding::HEXLOWER.encode(&Keccak256::digest(lower.as_bytes()));
        f.write_str("0x")?;
        for (letter, nibble) in lower.chars().zip(hash.chars()) {
            let upper = matches!(nibble, '8'..='9' | 'a'..='f');
            write!(f, "{}", if upper { letter.to_ascii_uppercase() } else { letter })?;
        }
        Ok(())
    }
}

impl fmt::Debug for LedgerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LedgerAddress({self})")
    }
}

/// A recoverable ECDSA signature over secp256k1, with `s` in the lower half (EIP-2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LedgerSignature {
    /// `r`, big-endian.
    pub r: [u8; 32],
    /// `s`, big-endian, at most half the group order.
    pub s: [u8; 32],
    /// Whether the nonce point's y is odd (EIP-1559 `y_parity`; legacy `v` is 27 plus this).
    pub y_odd: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eip_55_examples() {
        for expected in [
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        ] {
            let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(&expected.as_bytes()[2..]).unwrap();
            assert_eq!(LedgerAddress(bytes.try_into().unwrap()).to_string(), expected);
        }
    }
}
