//! A device: its random key, and the certificate by which its user vouches for it.

use std::fmt;

use ed25519_dalek::{Signer as _, SigningKey};
use rand::{TryRngCore, rngs::OsRng};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    key::{DeviceKey, UserKey},
    name::DeviceName,
    phrase::NoRandomness,
    signature::{Purpose, Signature, message},
    user::UserSecrets,
};

/// A device's secret key (Ed25519), random for each installation and never restored from the phrase: the same endpoint
/// key on two machines would break relays and groups. Zeroised on drop, redacted in `Debug`, not `Clone`.
pub struct DeviceSecret(SigningKey);

impl DeviceSecret {
    /// Makes a new key from the operating system's randomness.
    ///
    /// # Errors
    /// [`NoRandomness`] if the system has none to give.
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut seed = Zeroizing::new([0; 32]);
        OsRng.try_fill_bytes(seed.as_mut()).map_err(NoRandomness)?;
        Ok(Self::from_bytes(&seed))
    }

    /// Takes the 32 secret bytes (RFC 8032 seed), as stored in the keystore.
    #[must_use]
    pub fn from_bytes(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public key: what the network knows this device by.
    #[must_use]
    pub fn public(&self) -> DeviceKey {
        DeviceKey::of(&self.0)
    }

    /// Signs `payload` for `purpose`; [`DeviceKey::verify`] checks it.
    #[must_use]
    pub fn sign(&self, purpose: Purpose, payload: &[u8]) -> Signature {
        Signature::from_bytes(self.0.sign(&message(purpose, payload)).to_bytes())
    }

    /// The secret bytes, for the transport library, which needs the key itself for TLS. The overlay calls this, once,
    /// and nobody else does.
    #[must_use]
    pub fn expose_for_transport(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Debug for DeviceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceSecret(<secret>, {:?})", self.public())
    }
}

/// Why a device certificate is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The user key did not sign it.
    #[error(
        "the device certificate is not signed by the user key it names: it was changed or made up; ask for a new one"
    )]
    Signature,
    /// Its time is over.
    #[error("the certificate of device \"{device}\" expired at {expires} (Unix seconds): its owner must renew it")]
    Expired {
        /// The device's name.
        device: DeviceName,
        /// When it expired, Unix seconds.
        expires: u64,
    },
}

/// "This device is mine": a user key's statement about a device key.
///
/// A value of this type always has a valid signature: it is made by signing, or by reading bytes whose signature was
/// checked. Whether it is still in force is asked with [`DeviceCertificate::check`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "CertificateParts", into = "CertificateParts")]
pub struct DeviceCertificate {
    user: UserKey,
    statement: Statement,
    signature: Signature,
}

/// What a certificate says of a device. The signed payload is the user key followed by the postcard encoding of this,
/// a frozen format (see the tests).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Statement {
    pub(crate) device: DeviceKey,
    pub(crate) name: DeviceName,
    pub(crate) created: u64,
    pub(crate) expires: Option<u64>,
    pub(crate) serial: u64,
}

impl Statement {
    fn payload(&self, user: &UserKey) -> Vec<u8> {
        let statement = postcard::to_allocvec(self).expect("a statement holds nothing postcard cannot write");
        [user.as_bytes().as_slice(), &statement].concat()
    }
}

/// A certificate as it is written down, before its signature was checked.
#[derive(Serialize, Deserialize)]
struct CertificateParts {
    user: UserKey,
    device: DeviceKey,
    name: DeviceName,
    created: u64,
    expires: Option<u64>,
    serial: u64,
    signature: Signature,
}

impl From<DeviceCertificate> for CertificateParts {
    fn from(certificate: DeviceCertificate) -> Self {
        let DeviceCertificate { user, statement, signature } = certificate;
        let Statement { device, name, created, expires, serial } = statement;
        Self { user, device, name, created, expires, serial, signature }
    }
}

impl TryFrom<CertificateParts> for DeviceCertificate {
    type Error = CertificateError;

    fn try_from(parts: CertificateParts) -> Result<Self, CertificateError> {
        let CertificateParts { user, device, name, created, expires, serial, signature } = parts;
        Self::assemble(user, Statement { device, name, created, expires, serial }, signature)
    }
}

impl DeviceCertificate {
    pub(crate) fn issue(user: &UserSecrets, statement: Statement) -> Self {
        let key = user.user_key();
        let signature = user.sign(Purpose::DEVICE_CERTIFICATE, &statement.payload(&key));
        Self { user: key, statement, signature }
    }

    /// Puts a certificate together from its parts, checking the signature.
    pub(crate) fn assemble(
        user: UserKey,
        statement: Statement,
        signature: Signature,
    ) -> Result<Self, CertificateError> {
        user.verify(Purpose::DEVICE_CERTIFICATE, &statement.payload(&user), &signature)
            .map_err(|_| CertificateError::Signature)?;
        Ok(Self { user, statement, signature })
    }

    /// Whose device it is.
    #[must_use]
    pub fn user(&self) -> UserKey {
        self.user
    }

    /// The certified device.
    #[must_use]
    pub fn device(&self) -> DeviceKey {
        self.statement.device
    }

    /// What its owner calls the device.
    #[must_use]
    pub fn name(&self) -> &DeviceName {
        &self.statement.name
    }

    /// When it was signed, Unix seconds, by the signer's clock.
    #[must_use]
    pub fn created(&self) -> u64 {
        self.statement.created
    }

    /// Until when it holds, Unix seconds; `None` means until revoked.
    #[must_use]
    pub fn expires(&self) -> Option<u64> {
        self.statement.expires
    }

    /// A number chosen at random when it was signed, by which this certificate can be named.
    #[must_use]
    pub fn serial(&self) -> u64 {
        self.statement.serial
    }

    /// Whether it is in force at `now` (Unix seconds). A certificate from the future is accepted: clocks of people's
    /// machines differ, and its signature says all that matters.
    ///
    /// # Errors
    /// [`CertificateError::Expired`].
    pub fn check(&self, now: u64) -> Result<(), CertificateError> {
        match self.statement.expires {
            Some(expires) if expires <= now => {
                Err(CertificateError::Expired { device: self.statement.name.clone(), expires })
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn statement(&self) -> &Statement {
        &self.statement
    }

    pub(crate) fn signature(&self) -> &Signature {
        &self.signature
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::phrase::RecoveryPhrase;

    fn statement(device: &DeviceSecret, expires: Option<u64>) -> Statement {
        Statement {
            device: device.public(),
            name: DeviceName::new("laptop").unwrap(),
            created: 1_700_000_000,
            expires,
            serial: 7,
        }
    }

    fn user(seed: u8) -> UserSecrets {
        UserSecrets::from_phrase(&RecoveryPhrase::from_entropy(&[seed; 32])).unwrap()
    }

    #[test]
    fn certificate_survives_both_kinds_of_format() {
        let device = DeviceSecret::from_bytes(&[3; 32]);
        let certificate = DeviceCertificate::issue(&user(1), statement(&device, Some(1_800_000_000)));
        let binary = postcard::to_allocvec(&certificate).unwrap();
        assert_eq!(postcard::from_bytes::<DeviceCertificate>(&binary).unwrap(), certificate);
        let json = serde_json::to_string(&certificate).unwrap();
        assert_eq!(serde_json::from_str::<DeviceCertificate>(&json).unwrap(), certificate);
        let forged = json.replace("laptop", "my own");
        assert!(serde_json::from_str::<DeviceCertificate>(&forged).unwrap_err().to_string().contains("not signed"));
    }

    #[test]
    fn another_users_signature_is_refused() {
        let device = DeviceSecret::from_bytes(&[3; 32]);
        let certificate = DeviceCertificate::issue(&user(1), statement(&device, None));
        let stolen =
            DeviceCertificate::assemble(user(2).user_key(), certificate.statement().clone(), *certificate.signature());
        assert_eq!(stolen.unwrap_err(), CertificateError::Signature);
    }

    #[test]
    fn expiry_is_the_first_second_that_no_longer_counts() {
        let device = DeviceSecret::from_bytes(&[3; 32]);
        let certificate = DeviceCertificate::issue(&user(1), statement(&device, Some(100)));
        assert!(certificate.check(99).is_ok());
        assert!(matches!(certificate.check(100), Err(CertificateError::Expired { expires: 100, .. })));
        assert!(DeviceCertificate::issue(&user(1), statement(&device, None)).check(u64::MAX).is_ok());
    }

    /// Frozen format: a change makes every certificate out there invalid.
    #[test]
    fn signed_payload_is_frozen() {
        let device = DeviceSecret::from_bytes(&[3; 32]);
        let payload = statement(&device, Some(1_800_000_000)).payload(&user(1).user_key());
        assert_eq!(data_encoding::HEXLOWER.encode(&payload[64..]), "066c6170746f7080e2cfaa060180a4a7da0607");
        assert_eq!(&payload[..32], user(1).user_key().as_bytes());
        assert_eq!(&payload[32..64], device.public().as_bytes());
    }

    #[test]
    fn debug_of_the_secret_tells_nothing() {
        let device = DeviceSecret::from_bytes(&[0xAB; 32]);
        let shown = format!("{device:?}{device:#?}");
        assert!(shown.contains("<secret>") && !shown.to_lowercase().contains("abab") && !shown.contains("171"));
        assert_eq!(*device.expose_for_transport(), [0xAB; 32]);
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_noticed(at in 0usize..100, bit in 0u8..8) {
            let device = DeviceSecret::from_bytes(&[3; 32]);
            let certificate = DeviceCertificate::issue(&user(1), statement(&device, Some(1_800_000_000)));
            let mut bytes = postcard::to_allocvec(&certificate).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = postcard::from_bytes::<DeviceCertificate>(&bytes) {
                // The encoding of a number may have a second spelling; what it says must then be the same.
                prop_assert_eq!(changed, certificate);
            }
        }
    }
}
