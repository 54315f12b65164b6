//! Identifiers: info-hashes (BEP 3, BEP 52) and peer ids (BEP 20).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a string is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseIdError {
    /// The text has another number of characters than the identifier needs.
    #[error(
        "{found} characters where an id of {expected} hex digits was expected; check that the link was copied whole"
    )]
    Length {
        /// Characters found.
        found: usize,
        /// Hex digits needed.
        expected: usize,
    },
    /// A character is outside the alphabet.
    #[error("a character which is neither hex nor base32; check that the link was copied whole")]
    Alphabet,
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// The raw bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Reads the id from a slice of exactly [`Self::LEN`] bytes.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// Lower-case hex.
            pub fn to_hex(&self) -> String {
                hex::encode(self.0)
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl From<[u8; $len]> for $name {
            fn from(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.to_hex())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            /// Parses hex of either case.
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                if text.len() != $len * 2 {
                    return Err(ParseIdError::Length { found: text.chars().count(), expected: $len * 2 });
                }
                let mut bytes = [0; $len];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseIdError::Alphabet)?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Hex;
                impl de::Visitor<'_> for Hex {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        write!(f, "{} hex digits", $len * 2)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Hex)
            }
        }
    };
}

id_type! {
    /// The v1 info-hash: SHA-1 of the bencoded info dictionary (BEP 3). Also the 20-byte form
    /// under which a v2 swarm meets (BEP 52: the v2 hash cut to 20 bytes).
    InfoHash, 20
}

id_type! {
    /// The v2 info-hash: SHA-256 of the bencoded info dictionary (BEP 52).
    InfoHashV2, 32
}

id_type! {
    /// The 20 bytes by which a peer names itself in the handshake and to trackers (BEP 3, BEP 20).
    PeerId, 20
}

impl InfoHash {
    /// Parses the 32 base32 characters of older magnet links (BEP 9), of either case.
    pub fn from_base32(text: &str) -> Result<Self, ParseIdError> {
        if text.len() != 32 {
            return Err(ParseIdError::Length { found: text.chars().count(), expected: 40 });
        }
        let bytes =
            data_encoding::BASE32.decode(text.to_ascii_uppercase().as_bytes()).map_err(|_| ParseIdError::Alphabet)?;
        Self::from_slice(&bytes).ok_or(ParseIdError::Alphabet)
    }
}

impl InfoHashV2 {
    /// The first 20 bytes, which stand for the torrent in handshakes, trackers and the DHT (BEP 52).
    pub fn truncated(&self) -> InfoHash {
        let mut short = [0; 20];
        short.copy_from_slice(&self.0[..20]);
        InfoHash(short)
    }
}

impl PeerId {
    /// What every id of this client begins with, in the Azureus style of BEP 20.
    pub const PREFIX: &'static [u8; 8] = b"-WF0010-";

    /// A fresh id: [`Self::PREFIX`] and twelve random bytes.
    ///
    /// ```
    /// use rand::SeedableRng as _;
    /// let id = weft_bittorrent::id::PeerId::random(&mut rand::rngs::StdRng::seed_from_u64(1));
    /// assert!(id.as_bytes().starts_with(b"-WF0010-"));
    /// ```
    pub fn random(rng: &mut impl rand::RngCore) -> Self {
        let mut bytes = [0; 20];
        let (prefix, rest) = bytes.split_at_mut(Self::PREFIX.len());
        prefix.copy_from_slice(Self::PREFIX);
        rng.fill_bytes(rest);
        Self(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn hex_round_trip_and_refusals() {
        let id: InfoHash = HEX.parse().unwrap();
        assert_eq!(id.to_string(), HEX);
        assert_eq!(HEX.to_uppercase().parse::<InfoHash>().unwrap(), id);
        assert_eq!(format!("{id:?}"), format!("InfoHash({HEX})"));
        assert!(matches!("00".parse::<InfoHash>(), Err(ParseIdError::Length { found: 2, expected: 40 })));
        assert_eq!("zz23456789abcdef0123456789abcdef01234567".parse::<InfoHash>(), Err(ParseIdError::Alphabet));
        assert!("é".repeat(20).parse::<InfoHash>().is_err());
    }

    #[test]
    fn base32_equals_hex() {
        let id: InfoHash = HEX.parse().unwrap();
        let text = data_encoding::BASE32.encode(id.as_bytes());
        assert_eq!(InfoHash::from_base32(&text).unwrap(), id);
        assert_eq!(InfoHash::from_base32(&text.to_lowercase()).unwrap(), id);
        assert!(InfoHash::from_base32("1").is_err());
        assert!(InfoHash::from_base32(&"1".repeat(32)).is_err());
    }

    #[test]
    fn v2_is_cut_to_its_first_bytes() {
        let mut bytes = [7; 32];
        bytes[20..].fill(9);
        assert_eq!(InfoHashV2(bytes).truncated(), InfoHash([7; 20]));
    }

    #[test]
    fn peer_ids_differ_by_seed_alone() {
        use rand::SeedableRng as _;
        let id = |seed| PeerId::random(&mut rand::rngs::StdRng::seed_from_u64(seed));
        assert_eq!(id(1), id(1));
        assert_ne!(id(1), id(2));
    }

    #[test]
    fn serde_is_a_hex_string() {
        use serde::de::{IntoDeserializer, value::Error};
        let id: InfoHash = HEX.parse().unwrap();
        let d: serde::de::value::StrDeserializer<'_, Error> = HEX.into_deserializer();
        assert_eq!(InfoHash::deserialize(d).unwrap(), id);
    }
}
