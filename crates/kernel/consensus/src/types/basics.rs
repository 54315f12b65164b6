//! Values without behaviour.

use std::fmt;
use std::hash::{Hash, Hasher};

use ed25519_dalek::VerifyingKey;

macro_rules! bytes_type {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Its length in bytes.
            pub const LEN: usize = $len;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("0x")?;
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl From<[u8; $len]> for $name {
            fn from(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
    };
}

bytes_type! {
    /// A validator's account on the ledger: what the staking contract knows it by.
    Address, 20
}
bytes_type! {
    /// The hash of a block's header: the value that consensus decides. The block itself travels apart.
    BlockHash, 32
}
bytes_type! {
    /// The hash of a chain's genesis header. It stands in everything that is signed, so that nothing can be replayed on
    /// another chain.
    ChainId, 32
}
bytes_type! {
    /// An Ed25519 signature (RFC 8032).
    Signature, 64
}

/// A block's number. The genesis has 0; the first that is decided has 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Height(pub u64);

impl Height {
    /// The one after it. `u64::MAX` stays.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A validator's Ed25519 key, ready for checking: decompressed once, and not one of the points of small order that every
/// signature fits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// Why 32 bytes are no validator's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// They are not the canonical encoding of a point of the curve.
    #[error("not a point of the curve: give the validator key as its node prints it")]
    NotAPoint,
    /// The point has small order: signatures under it prove nothing.
    #[error("a key of small order proves nothing")]
    Weak,
}

impl PublicKey {
    /// Reads a key.
    ///
    /// # Errors
    /// If the bytes are no point of the curve, not its canonical encoding, or a point of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, PublicKeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| PublicKeyError::NotAPoint)?;
        if key.is_weak() {
            return Err(PublicKeyError::Weak);
        }
        // Decompression takes some encodings twice; a set's hash must have one.
        if key.to_edwards().compress().to_bytes() != *bytes {
            return Err(PublicKeyError::NotAPoint);
        }
        Ok(Self(key))
    }

    /// Its 32 bytes.
    pub fn to_bytes(self) -> [u8; 32] {
        self.0.to_bytes()
    }

    pub(crate) fn key(&self) -> &VerifyingKey {
        &self.0
    }
}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_bytes().hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<&ed25519_dalek::SigningKey> for PublicKey {
    fn from(key: &ed25519_dalek::SigningKey) -> Self {
        Self(key.verifying_key())
    }
}
