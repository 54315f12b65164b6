//! A contact as bytes for a store: one version byte, then postcard.

use super::{Contact, KnownDevice, MAX_DEVICES, MAX_NOTES_BYTES};

const VERSION: u8 = 1;

/// Why stored bytes are no contact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A later Weft wrote it.
    #[error("a contact has format {0}, written by a newer Weft: start that one")]
    NewerVersion(u8),
    /// The bytes are damaged.
    #[error("a contact's record is damaged ({0}): restore the data folder from a copy, or remove the contact")]
    Damaged(&'static str),
}

impl Contact {
    /// The bytes to store.
    #[must_use]
    pub fn to_record(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![VERSION]).expect("a contact holds nothing postcard cannot write")
    }

    /// Reads what [`to_record`](Self::to_record) wrote, checking bounds and every certificate.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn from_record(bytes: &[u8]) -> Result<Self, RecordError> {
        let (version, body) = bytes.split_first().ok_or(RecordError::Damaged("it is empty"))?;
        match *version {
            VERSION => {}
            0 => return Err(RecordError::Damaged("it has no version")),
            later => return Err(RecordError::NewerVersion(later)),
        }
        let contact: Self = match postcard::take_from_bytes(body) {
            Ok((contact, [])) => contact,
            Ok(_) => return Err(RecordError::Damaged("there is something after its end")),
            Err(_) => return Err(RecordError::Damaged("a field cannot be read")),
        };
        let wrong = |device: &KnownDevice| device.certificate.user() != contact.user || !device.reach.is_bounded();
        if contact.devices.iter().any(wrong)
            || contact.devices.len() > MAX_DEVICES
            || contact.notes.len() > MAX_NOTES_BYTES
        {
            return Err(RecordError::Damaged("it breaks a bound"));
        }
        Ok(contact)
    }
}
