//! Who: users, their devices, their contacts, and the invitations by which people meet.
mod derive;
mod device;
mod identity;
mod key;
mod ledger;
mod name;
mod passphrase;
mod phrase;
mod signature;
mod user;

pub use derive::NoSuchKey;
pub use device::{CertificateError, DeviceCertificate, DeviceSecret};
pub use identity::{Identity, MakeIdentityError, Unlocked};
pub use key::{DeviceKey, InvalidKey, KEY_BYTES, KEY_TEXT_CHARS, UserKey};
pub use ledger::{LedgerAddress, LedgerSignature};
pub use name::{DeviceName, InvalidName, MAX_NAME_BYTES, MAX_NETWORK_NAME_BYTES, NetworkName, Petname};
pub use passphrase::{
    MAX_PASSPHRASE_BYTES, PASSPHRASE_CREDENTIAL, PASSPHRASE_FILE_VARIABLE, Passphrase, PassphraseError,
    PassphraseSource,
};
pub use phrase::{NoRandomness, PHRASE_WORDS, PhraseError, RecoveryPhrase};
pub use signature::{BadSignature, MAX_PURPOSE_BYTES, Purpose, SIGNATURE_BYTES, Signature};
pub use user::LedgerSignError;
