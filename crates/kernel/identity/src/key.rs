//! Public keys as identifiers: who a user is, and which device speaks.
//!
//! Both are Ed25519 public keys, written as 52 characters of z-base-32 (the alphabet that DHT records and
//! relay names use too), so that a key reads the same everywhere. They are two types because they are two
//! answers: a [`UserKey`] names a person and is never an endpoint; a [`DeviceKey`] names one installation and is
//! what the network dials.

use std::{fmt, str::FromStr, sync::LazyLock};

use data_encoding::{Encoding, Specification};
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::signature::{BadSignature, Purpose, Signature, message};

/// Bytes of a public key.
pub const KEY_BYTES: usize = 32;
/// Characters of a public key in z-base-32: 256 bits, five a character, rounded up.
pub const KEY_TEXT_CHARS: usize = 52;

static ZBASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("ybndrfg8ejkmcpqxot1uwisza345h769");
    specification.translate.from.push_str("ABCDEFGHIJKMNOPQRSTUWXYZ");
    specification.translate.to.push_str("abcdefghijkmnopqrstuwxyz");
    specification.encoding().expect("z-base-32 is a valid encoding: 32 distinct symbols")
});

/// Why bytes or text are not a public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// The text does not have [`KEY_TEXT_CHARS`] characters.
    #[error("a key has {KEY_TEXT_CHARS} characters, this text has {0}: copy the whole key")]
    Length(usize),
    /// The text holds a character outside z-base-32, or spare bits are set.
    #[error("not a key: character {0} was mistyped or is not part of the z-base-32 alphabet; copy the key again")]
    Text(usize),
    /// The bytes are not a point of the curve, or one of the few weak points for which anybody can sign.
    #[error("not a usable Ed25519 key: these bytes are no point of the curve, or a weak one; ask for the key again")]
    Point,
}

fn encode(bytes: &[u8; KEY_BYTES]) -> String {
    ZBASE32.encode(bytes)
}

fn decode(text: &str) -> Result<[u8; KEY_BYTES], InvalidKey> {
    let text = text.trim();
    let chars = text.chars().count();
    if chars != KEY_TEXT_CHARS {
        return Err(InvalidKey::Length(chars));
    }
    let bytes = ZBASE32.decode(text.as_bytes()).map_err(|error| InvalidKey::Text(error.position.saturating_add(1)))?;
    bytes.try_into().map_err(|_| InvalidKey::Length(chars))
}

fn check(bytes: &[u8; KEY_BYTES]) -> Result<(), InvalidKey> {
    match VerifyingKey::from_bytes(bytes) {
        Ok(key) if !key.is_weak() => Ok(()),
        _ => Err(InvalidKey::Point),
    }
}

macro_rules! public_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; KEY_BYTES]);

        impl $name {
            /// Takes the 32 bytes of an Ed25519 public key (RFC 8032).
            ///
            /// # Errors
            /// [`InvalidKey::Point`] if they are no point of the curve or a weak one.
            pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Result<Self, InvalidKey> {
                check(&bytes)?;
                Ok(Self(bytes))
            }

            /// The 32 bytes (RFC 8032 encoding).
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; KEY_BYTES] {
                &self.0
            }

            /// The first ten characters, enough to tell keys apart by eye. Not enough to trust one.
            #[must_use]
            pub fn short(&self) -> String {
                let mut text = encode(&self.0);
                text.truncate(10);
                text
            }

            /// Checks that this key signed `payload` for `purpose` (strict verification: no second signature
            /// that means the same).
            ///
            /// # Errors
            /// [`BadSignature`] if it did not.
            pub fn verify(&self, purpose: Purpose, payload: &[u8], signature: &Signature) -> Result<(), BadSignature> {
                let key = VerifyingKey::from_bytes(&self.0).map_err(|_| BadSignature)?;
                let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
                key.verify_strict(&message(purpose, payload), &signature).map_err(|_| BadSignature)
            }

            #[allow(dead_code)] // each key type is made from a secret in one place only
            pub(crate) fn of(secret: &ed25519_dalek::SigningKey) -> Self {
                Self(secret.verifying_key().to_bytes())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.short())
            }
        }

        impl FromStr for $name {
            type Err = InvalidKey;

            fn from_str(text: &str) -> Result<Self, InvalidKey> {
                Self::from_bytes(decode(text)?)
            }
        }

        /// Text in formats for people (JSON, TOML), 32 bytes in binary ones (postcard).
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = String::deserialize(deserializer)?;
                    text.parse().map_err(de::Error::custom)
                } else {
                    Self::from_bytes(<[u8; KEY_BYTES]>::deserialize(deserializer)?).map_err(de::Error::custom)
                }
            }
        }
    };
}

public_key! {
    /// Who a person is: the Ed25519 public key derived from their recovery phrase.
    ///
    /// It certifies devices and is never on the wire as an endpoint.
    UserKey
}

public_key! {
    /// Which installation speaks: the Ed25519 public key made at random when Weft was installed.
    ///
    /// It is the peer key: endpoint id, TLS identity, DHT record.
    DeviceKey
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn z_base_32_known_answer() {
        // From the z-base-32 description (Wilcox-O'Hearn, "human-oriented base-32 encoding").
        assert_eq!(ZBASE32.encode(&[0xf0, 0xbf, 0xc7]), "6n9hq");
        assert_eq!(ZBASE32.encode(&[0xd4, 0x7a, 0x04]), "4t7ye");
    }

    #[test]
    fn refuses_what_is_no_key() {
        assert_eq!("abc".parse::<UserKey>(), Err(InvalidKey::Length(3)));
        let good = UserKey::of(&SigningKey::from_bytes(&[7; 32])).to_string();
        let mistyped = format!("{}v{}", &good[..4], &good[5..]);
        assert_eq!(mistyped.parse::<UserKey>(), Err(InvalidKey::Text(5)));
        assert_eq!(UserKey::from_bytes([0; 32]), Err(InvalidKey::Point), "a point of small order");
        assert_eq!(UserKey::from_bytes([2; 32]), Err(InvalidKey::Point), "not on the curve");
        let multibyte = "é".repeat(KEY_TEXT_CHARS);
        assert!(matches!(multibyte.parse::<UserKey>(), Err(InvalidKey::Text(1))));
    }

    #[test]
    fn serde_is_text_for_people_and_bytes_for_machines() {
        let key = DeviceKey::of(&SigningKey::from_bytes(&[9; 32]));
        assert_eq!(serde_json::to_string(&key).unwrap(), format!("\"{key}\""));
        let binary = postcard::to_allocvec(&key).unwrap();
        assert_eq!(binary, key.as_bytes());
        assert_eq!(postcard::from_bytes::<DeviceKey>(&binary).unwrap(), key);
        assert!(postcard::from_bytes::<DeviceKey>(&[2; 32]).is_err());
    }

    proptest! {
        #[test]
        fn text_round_trip(seed: [u8; 32]) {
            let key = UserKey::of(&SigningKey::from_bytes(&seed));
            let text = key.to_string();
            prop_assert_eq!(text.len(), KEY_TEXT_CHARS);
            prop_assert_eq!(text.parse::<UserKey>().unwrap(), key);
            prop_assert_eq!(text.to_uppercase().parse::<UserKey>().unwrap(), key);
        }

        #[test]
        fn any_text_is_answered_not_panicked_at(text in ".{0,80}") {
            let _ = text.parse::<UserKey>();
        }
    }
}
