//! The address book: the people one knows, under the names one gives them.
//!
//! It is data and rules alone. A service keeps it: it loads the records into an [`AddressBook`], applies an operation, and
//! writes the [`Contact`] that changed as a [record](Contact::to_record).

mod book;
mod record;

use serde::{Deserialize, Serialize};

use crate::{
    device::DeviceCertificate,
    invitation::Invitation,
    key::{DeviceKey, UserKey},
    name::{Petname, hidden_character},
    reach::Reach,
};
pub use book::{AddressBook, FindError, MAX_CONTACTS, MIN_KEY_PREFIX};
pub use record::RecordError;

/// Most devices remembered of one contact. The contact decides how many there are, so it is bounded: more than anybody
/// carries, and small enough to try them all.
pub const MAX_DEVICES: usize = 16;
/// Longest note in bytes.
pub const MAX_NOTES_BYTES: usize = 2048;

/// Why the address book was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContactError {
    /// No such contact.
    #[error("no contact has the key {0}: `weft peers` lists your contacts")]
    Unknown(UserKey),
    /// Another contact has that name.
    #[error("you already call another contact \"{0}\": choose another name")]
    NameTaken(Petname),
    /// This user is a contact already.
    #[error("this person is already in your address book as \"{0}\"")]
    Known(Petname),
    /// Too many contacts.
    #[error("the address book is full ({MAX_CONTACTS} contacts): remove some")]
    Full,
    /// Too many devices of one contact.
    #[error("\"{0}\" has {MAX_DEVICES} devices already: remove the contact and add it again with a new invitation")]
    TooManyDevices(Petname),
    /// A certificate by another user.
    #[error("the device certificate is not by \"{0}\" but by another user: ask for a new one")]
    ForeignDevice(Petname),
    /// The note is too long, or holds characters that hide.
    #[error("the note is longer than {MAX_NOTES_BYTES} bytes or has control characters in it: shorten or retype it")]
    BadNote,
    /// Oneself.
    #[error("this is your own key: it needs no place in your address book")]
    Oneself,
}

/// A contact's device: its certificate and where it was last known to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownDevice {
    certificate: DeviceCertificate,
    /// Whether the device itself confirmed that it is this user's. A user can certify any key, also another's.
    proven: bool,
    reach: Reach,
    seen: Option<u64>,
}

impl KnownDevice {
    fn new(certificate: DeviceCertificate, proven: bool) -> Self {
        Self { certificate, proven, reach: Reach::default(), seen: None }
    }

    /// Its owner's statement about it.
    #[must_use]
    pub fn certificate(&self) -> &DeviceCertificate {
        &self.certificate
    }

    /// Whether the device itself confirmed that it is this user's, as by signing an invitation.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.proven
    }

    /// Its key, which the network knows it by.
    #[must_use]
    pub fn key(&self) -> DeviceKey {
        self.certificate.device()
    }

    /// Where it was last known to be, newest first. Hints only.
    #[must_use]
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// When it was last connected, Unix seconds.
    #[must_use]
    pub fn seen(&self) -> Option<u64> {
        self.seen
    }
}

/// What to change of a contact; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContactEdit {
    /// A new name.
    pub petname: Option<Petname>,
    /// Whether to block them.
    pub blocked: Option<bool>,
    /// New notes.
    pub notes: Option<String>,
}

/// A person in the address book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    user: UserKey,
    petname: Petname,
    devices: Vec<KnownDevice>,
    notes: String,
    added: u64,
    blocked: bool,
}

impl Contact {
    fn new(user: UserKey, petname: Petname, now: u64) -> Self {
        Self { user, petname, devices: Vec::new(), notes: String::new(), added: now, blocked: false }
    }

    /// Who it is.
    #[must_use]
    pub fn user(&self) -> UserKey {
        self.user
    }

    /// What you call them.
    #[must_use]
    pub fn petname(&self) -> &Petname {
        &self.petname
    }

    /// Their devices, at most [`MAX_DEVICES`]. All certified by [`user`](Self::user).
    #[must_use]
    pub fn devices(&self) -> &[KnownDevice] {
        &self.devices
    }

    /// Your notes, at most [`MAX_NOTES_BYTES`].
    #[must_use]
    pub fn notes(&self) -> &str {
        &self.notes
    }

    /// When you added them, Unix seconds.
    #[must_use]
    pub fn added(&self) -> u64 {
        self.added
    }

    /// Whether you want nothing to do with them.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Whether this device itself confirmed that it is this user's.
    fn has_proven(&self, device: &DeviceKey) -> bool {
        self.devices.iter().any(|known| known.key() == *device && known.proven)
    }

    /// Adds a device, or takes the newer certificate of a known one. An expired device makes room for a new one.
    /// `proven` says whether the device itself confirmed it.
    fn merge_device(&mut self, certificate: &DeviceCertificate, proven: bool, now: u64) -> Result<bool, ContactError> {
        if certificate.user() != self.user {
            return Err(ContactError::ForeignDevice(self.petname.clone()));
        }
        if let Some(known) = self.devices.iter_mut().find(|known| known.key() == certificate.device()) {
            let newer = certificate.created() > known.certificate.created();
            if newer {
                known.certificate = certificate.clone();
            }
            let newly_proven = proven && !known.proven;
            known.proven |= proven;
            return Ok(newer || newly_proven);
        }
        if self.devices.len() >= MAX_DEVICES {
            self.devices.retain(|known| known.certificate.check(now).is_ok());
        }
        if self.devices.len() >= MAX_DEVICES {
            return Err(ContactError::TooManyDevices(self.petname.clone()));
        }
        self.devices.push(KnownDevice::new(certificate.clone(), proven));
        Ok(true)
    }

    /// Takes devices, addresses and relays of an invitation of this user.
    fn merge_invitation(&mut self, invitation: &Invitation, now: u64) -> Result<bool, ContactError> {
        let inviting = invitation.certificate().device();
        let mut changed = false;
        for certificate in invitation.certificates() {
            // The inviting device signed the invitation; of the others only the user says that they are theirs.
            changed |= self.merge_device(certificate, certificate.device() == inviting, now)?;
        }
        if let Some(device) = self.devices.iter_mut().find(|known| known.key() == inviting) {
            changed |= device.reach.merge(invitation.reach());
        }
        Ok(changed)
    }

    fn edit(&mut self, edit: ContactEdit) -> Result<bool, ContactError> {
        let before = self.clone();
        if let Some(petname) = edit.petname {
            self.petname = petname;
        }
        if let Some(blocked) = edit.blocked {
            self.blocked = blocked;
        }
        if let Some(notes) = edit.notes {
            if notes.len() > MAX_NOTES_BYTES || hidden_character(&notes, true).is_some() {
                return Err(ContactError::BadNote);
            }
            self.notes = notes;
        }
        Ok(before != *self)
    }
}
