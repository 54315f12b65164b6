//! The unlocked identity: what the running node may ask of the keys without ever holding them.

use std::fmt;

use rand::{TryRngCore, rngs::OsRng};
use zeroize::Zeroizing;

use crate::{
    derive::NoSuchKey,
    device::{DeviceCertificate, DeviceSecret, Statement},
    key::{DeviceKey, UserKey},
    ledger::{LedgerAddress, LedgerSignature},
    name::DeviceName,
    phrase::{NoRandomness, RecoveryPhrase},
    signature::{Purpose, Signature},
    user::{LedgerSignError, UserSecrets},
};

/// A user on one device, unlocked. Signs, derives, and says who it is; gives no secret key away.
pub struct Identity {
    user: UserSecrets,
    device: DeviceSecret,
    certificate: DeviceCertificate,
}

/// An identity just opened, in its two parts: [`Unlocked::identity`] for everybody, [`Unlocked::transport`] for the overlay
/// alone, which takes it by value.
#[derive(Debug)]
pub struct Unlocked {
    /// Signs and derives on request.
    pub identity: Identity,
    /// The device's secret key, to be moved into the overlay.
    pub transport: DeviceSecret,
}

/// Why an identity could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MakeIdentityError {
    /// The operating system gave no randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The phrase has no key at one of the paths.
    #[error(transparent)]
    NoSuchKey(#[from] NoSuchKey),
}

impl Unlocked {
    /// Makes an identity in memory: the user of `phrase` on a new device. Nothing is stored; see
    /// [`Keystore`](crate::Keystore) for what lasts. `now` is in Unix seconds.
    ///
    /// # Errors
    /// [`MakeIdentityError`].
    pub fn new(phrase: &RecoveryPhrase, name: DeviceName, now: u64) -> Result<Self, MakeIdentityError> {
        let user = UserSecrets::from_phrase(phrase)?;
        let device = DeviceSecret::generate()?;
        let mut serial = [0; 8];
        OsRng.try_fill_bytes(&mut serial).map_err(NoRandomness)?;
        let statement = Statement {
            device: device.public(),
            name,
            created: now,
            expires: None,
            serial: u64::from_le_bytes(serial),
        };
        let certificate = DeviceCertificate::issue(&user, statement);
        Ok(Self::assemble(user, device, certificate))
    }

    pub(crate) fn assemble(user: UserSecrets, device: DeviceSecret, certificate: DeviceCertificate) -> Self {
        let transport = device.duplicate();
        Self { identity: Identity { user, device, certificate }, transport }
    }
}

impl Identity {
    /// The user's public key.
    #[must_use]
    pub fn user_key(&self) -> UserKey {
        self.certificate.user()
    }

    /// This device's public key.
    #[must_use]
    pub fn device_key(&self) -> DeviceKey {
        self.certificate.device()
    }

    /// The user's statement that this device is theirs.
    #[must_use]
    pub fn certificate(&self) -> &DeviceCertificate {
        &self.certificate
    }

    /// Signs with the user key. For what must outlive this device; for anything of the day use
    /// [`sign_with_device`](Self::sign_with_device).
    #[must_use]
    pub fn sign_with_user(&self, purpose: Purpose, payload: &[u8]) -> Signature {
        self.user.sign(purpose, payload)
    }

    /// Signs with this device's key.
    #[must_use]
    pub fn sign_with_device(&self, purpose: Purpose, payload: &[u8]) -> Signature {
        self.device.sign(purpose, payload)
    }

    /// The user's ledger account, the first one that any Ethereum wallet shows for the phrase.
    #[must_use]
    pub fn ledger_address(&self) -> LedgerAddress {
        self.user.ledger_address()
    }

    /// Signs a transaction's or message's 32-byte Keccak-256 digest with the ledger key.
    ///
    /// # Errors
    /// [`LedgerSignError`] if the library refuses the digest.
    pub fn sign_ledger_digest(&self, digest: &[u8; 32]) -> Result<LedgerSignature, LedgerSignError> {
        self.user.sign_ledger_digest(digest)
    }

    /// The x-only public key under which the user publishes (BIP-340; NIP-06 derivation).
    #[must_use]
    pub fn publishing_key(&self) -> [u8; 32] {
        self.user.publishing_key()
    }

    /// A symmetric key for stored data, the same on every device of the user and different for each purpose.
    #[must_use]
    pub fn derive_storage_key(&self, purpose: Purpose) -> Zeroizing<[u8; 32]> {
        self.user.storage_key(purpose)
    }

    pub(crate) fn device(&self) -> &DeviceSecret {
        &self.device
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("user", &self.user_key())
            .field("device", &self.device_key())
            .finish_non_exhaustive()
    }
}
