//! Signatures with a stated purpose.
//!
//! No key here ever signs bare bytes. What is signed is
//!
//! ```text
//! "weft signature 1" 00 ‖ length of purpose (1 byte) ‖ purpose ‖ payload
//! ```
//!
//! so a signature made for one purpose can never be shown as one made for another, and never as a TLS 1.3 handshake
//! (which begins with 64 spaces) or a BEP 44 record (which begins with a digit), for which the device key is used too.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Bytes of an Ed25519 signature.
pub const SIGNATURE_BYTES: usize = 64;

const PREFIX: &[u8] = b"weft signature 1\0";

/// Longest purpose text. Its length is signed as one byte, and a purpose is a name, not a payload.
pub const MAX_PURPOSE_BYTES: usize = 64;

/// What a signature or derived key is for. Two purposes never accept one another's signatures.
///
/// Everything outside this crate gets its purposes from [`Purpose::named`]; those that certify devices or sign
/// invitations are this crate's own and cannot be asked for by name.
///
/// ```
/// use weft_identity::Purpose;
///
/// const RELAY_LOGIN: Purpose = Purpose::named("overlay/relay-login/1");
/// assert_eq!(RELAY_LOGIN.to_string(), "use:overlay/relay-login/1");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Purpose {
    scope: &'static str,
    name: &'static str,
}

impl Purpose {
    pub(crate) const DEVICE_CERTIFICATE: Self = Self { scope: "own", name: "device-certificate/1" };
    pub(crate) const INVITATION: Self = Self { scope: "own", name: "invitation/1" };

    /// A purpose of a crate above: by custom `crate/what/version`. Put it in a `const`.
    ///
    /// # Panics
    /// If the name is empty, longer than [`MAX_PURPOSE_BYTES`], or not printable ASCII. In a `const` this is an error of
    /// compilation.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        assert!(!bytes.is_empty() && bytes.len() <= MAX_PURPOSE_BYTES, "a purpose has 1 to 64 bytes");
        let mut at = 0;
        while at < bytes.len() {
            assert!(bytes[at].is_ascii_graphic(), "a purpose is printable ASCII without spaces");
            at += 1;
        }
        Self { scope: "use", name }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.scope, self.name)
    }
}

impl fmt::Debug for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Purpose({self})")
    }
}

/// The bytes that are really signed. See the module's text.
pub(crate) fn message(purpose: Purpose, payload: &[u8]) -> Vec<u8> {
    let purpose = purpose.to_string();
    let length = u8::try_from(purpose.len()).expect("scope, colon and a name of at most 64 bytes fit one byte");
    let mut bytes = Vec::with_capacity(PREFIX.len() + 1 + purpose.len() + payload.len());
    bytes.extend_from_slice(PREFIX);
    bytes.push(length);
    bytes.extend_from_slice(purpose.as_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// The signature does not belong to this key, purpose and payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not match: the data was changed, or another key or purpose signed it")]
pub struct BadSignature;

/// An Ed25519 signature (RFC 8032), 64 bytes. Public.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature([u8; SIGNATURE_BYTES]);

impl Signature {
    /// Takes the 64 bytes as they are; whether they are a valid signature only verifying tells.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; SIGNATURE_BYTES]) -> Self {
        Self(bytes)
    }

    /// The 64 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; SIGNATURE_BYTES] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({}…)", data_encoding::HEXLOWER.encode(&self.0[..4]))
    }
}

/// Hexadecimal in formats for people, 64 bytes without a length in binary ones.
impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.serialize_str(&data_encoding::HEXLOWER.encode(&self.0));
        }
        let (left, right) = self.0.split_at(SIGNATURE_BYTES / 2);
        let left: [u8; 32] = left.try_into().map_err(serde::ser::Error::custom)?;
        let right: [u8; 32] = right.try_into().map_err(serde::ser::Error::custom)?;
        (left, right).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(de::Error::custom)?;
            let bytes = bytes.try_into().map_err(|_| de::Error::custom("a signature has 64 bytes"))?;
            return Ok(Self(bytes));
        }
        let (left, right) = <([u8; 32], [u8; 32])>::deserialize(deserializer)?;
        let mut bytes = [0; SIGNATURE_BYTES];
        bytes[..32].copy_from_slice(&left);
        bytes[32..].copy_from_slice(&right);
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_different_purposes_never_meet() {
        const A: Purpose = Purpose::named("a");
        const AB: Purpose = Purpose::named("ab");
        assert_ne!(message(A, b"bc"), message(AB, b"c"));
        assert_ne!(message(Purpose::named("device-certificate/1"), b""), message(Purpose::DEVICE_CERTIFICATE, b""));
        assert_eq!(message(A, b"x"), b"weft signature 1\0\x05use:ax");
    }

    #[test]
    fn signature_serde_round_trips() {
        let mut bytes = [0; 64];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::try_from(at).unwrap();
        }
        let signature = Signature::from_bytes(bytes);
        assert_eq!(postcard::to_allocvec(&signature).unwrap(), bytes);
        assert_eq!(postcard::from_bytes::<Signature>(&bytes).unwrap(), signature);
        let json = serde_json::to_string(&signature).unwrap();
        assert_eq!(serde_json::from_str::<Signature>(&json).unwrap(), signature);
        assert!(serde_json::from_str::<Signature>("\"00\"").is_err());
    }
}
