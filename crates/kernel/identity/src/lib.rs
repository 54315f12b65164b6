//! Who: users, their devices, the people they know, and the invitations by which they meet.
//!
//! ```
//! use weft_identity::{AddressBook, DeviceName, Invitation, InvitationDraft, Keystore, NetworkName, Petname, Reach};
//!
//! let now = 1_700_000_000; // Unix seconds; this crate never asks a clock
//! let (ann_data, bob_data) = (tempfile::tempdir()?, tempfile::tempdir()?);
//! let (ann, _phrase) = Keystore::in_data_dir(ann_data.path()).create(DeviceName::new("laptop")?, None, now)?;
//! let (bob, _phrase) = Keystore::in_data_dir(bob_data.path()).create(DeviceName::new("desk")?, None, now)?;
//!
//! // Ann sends Bob one line of text.
//! let mut draft = InvitationDraft::new(NetworkName::public());
//! draft.reach = Reach::new(&["192.0.2.7:9338".parse()?], &[], &[]);
//! let line = ann.identity.invite(draft).to_string();
//!
//! // Bob keeps her under the name he gives her, and knows which device to dial.
//! let mut book = AddressBook::new(bob.identity.user_key());
//! book.accept(&Invitation::parse(&line, now)?, Some(Petname::new("Ann")?), now)?;
//! assert_eq!(book.find("ann")?.devices()[0].key(), ann.identity.device_key());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Concepts
//!
//! - A **user** is a [`RecoveryPhrase`]. Each of the user's keys is derived from it by its own published standard: the
//!   [`UserKey`] (Ed25519, SLIP-0010), the ledger account (secp256k1, BIP-44, so that any wallet imports it), the
//!   publishing key (NIP-06) and the storage key. None of these secrets leaves this crate: an [`Identity`] signs or
//!   derives on request, and every signature states its [`Purpose`].
//! - A **device** is an installation with a random key of its own, the [`DeviceKey`], which the network dials. The user
//!   vouches for it by a [`DeviceCertificate`]. A phrase restored on a second machine gives the same user and another
//!   device. The [`DeviceSecret`] goes to the overlay alone ([`Unlocked::transport`]).
//! - The **[`Keystore`]** is one file, encrypted if a [`Passphrase`] is set, which may come from a
//!   [`PassphraseSource`] so that a node can start unattended.
//! - An **[`Invitation`]** is a signed link `weft:…` with keys, addresses and relay hints. The **[`AddressBook`]** holds
//!   [`Contact`]s under petnames.
//!
//! Types are checked when they are made: a [`DeviceCertificate`] or [`Invitation`] that exists has valid signatures, a
//! [`Petname`] that exists is safe to show. What depends on time is asked with the time given.

mod contacts;
mod derive;
mod device;
mod identity;
mod invitation;
mod key;
mod keystore;
mod ledger;
mod name;
mod passphrase;
mod phrase;
mod reach;
mod signature;
mod user;

pub use contacts::{
    AddressBook, Contact, ContactEdit, ContactError, FindError, KnownDevice, MAX_CONTACTS, MAX_DEVICES,
    MAX_NOTES_BYTES, MIN_KEY_PREFIX, RecordError,
};
pub use derive::NoSuchKey;
pub use device::{CertificateError, DeviceCertificate, DeviceSecret};
pub use identity::{Identity, MakeIdentityError, Unlocked};
pub use invitation::{
    INVITATION_SCHEME, Invitation, InvitationDraft, InvitationError, MAX_CERTIFICATES, MAX_INVITATION_BYTES,
    fuzz_invitation,
};
pub use key::{DeviceKey, InvalidKey, KEY_BYTES, KEY_TEXT_CHARS, UserKey};
pub use keystore::{ChangePassphraseError, CreateError, DEFAULT_WORK_FACTOR, KeyFileError, Keystore, OpenError};
pub use ledger::{LedgerAddress, LedgerSignature};
pub use name::{DeviceName, InvalidName, MAX_NAME_BYTES, MAX_NETWORK_NAME_BYTES, NetworkName, Petname};
pub use passphrase::{
    MAX_PASSPHRASE_BYTES, PASSPHRASE_CREDENTIAL, PASSPHRASE_FILE_VARIABLE, Passphrase, PassphraseError,
    PassphraseSource,
};
pub use phrase::{NoRandomness, PHRASE_WORDS, PhraseError, RecoveryPhrase};
pub use reach::{InvalidRelay, MAX_ADDRESSES, MAX_RELAY_BYTES, MAX_RELAYS, Reach, RelayHint};
pub use signature::{BadSignature, MAX_PURPOSE_BYTES, Purpose, SIGNATURE_BYTES, Signature};
pub use user::LedgerSignError;
