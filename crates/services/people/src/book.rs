//! The address book on disk: one record a contact, written before a change is acknowledged.

use std::sync::Arc;

use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use weft_identity::{AddressBook, Contact, ContactError, MAX_CONTACTS, UserKey};
use weft_store::{Batch, CommitError, Durability, ReadError, Store, Table};

/// Key: the 32 bytes of the user key. Value: [`Contact::to_record`].
const CONTACTS: Table = Table::new("people-contacts");

/// Records read at once when loading: enough to be quick, little enough to need no memory to speak of.
const PAGE: usize = 256;

/// Why the address book could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the address book cannot be read from the store")]
pub struct LoadError(#[from] ReadError);

/// Why the address book was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The change breaks a rule of the address book.
    #[error(transparent)]
    Refused(#[from] ContactError),
    /// The change could not be written, and was undone.
    #[error("the change could not be stored and was undone")]
    Store(#[from] CommitError),
}

/// A stored record that could not be used. It is left where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Whose it is, as far as the store's key says.
    pub who: String,
    /// What is wrong with it.
    pub why: String,
}

/// The address book in memory and on disk.
pub(crate) struct DurableBook {
    store: Arc<dyn Store>,
    book: RwLock<AddressBook>,
    /// Held over memory and disk, so that changes reach both in the same order. Readers do not wait for the disk.
    changing: Mutex<()>,
}

/// What a change did, for events and for the overlay.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) before: Option<Contact>,
    pub(crate) after: Option<Contact>,
}

impl DurableBook {
    pub(crate) fn new(own: UserKey, store: Arc<dyn Store>) -> Self {
        Self { store, book: RwLock::new(AddressBook::new(own)), changing: Mutex::new(()) }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, AddressBook> {
        self.book.read()
    }

    /// Reads every record, in place of what is in memory. Damaged ones are left out and named.
    pub(crate) fn load(&self, own: UserKey) -> Result<Vec<Unreadable>, LoadError> {
        let _changing = self.changing.lock();
        let mut book = AddressBook::new(own);
        let mut unreadable = Vec::new();
        let mut last: Option<Vec<u8>> = None;
        loop {
            let page = self.store.scan(CONTACTS, b"", last.as_deref(), PAGE)?;
            let Some((newest, _)) = page.last() else { break };
            last = Some(newest.clone());
            for (key, record) in page {
                if let Err(why) = load_one(&mut book, &key, &record)
                    && unreadable.len() < MAX_CONTACTS
                {
                    unreadable.push(Unreadable { who: data_encoding::HEXLOWER.encode(&key), why });
                }
            }
        }
        *self.book.write() = book;
        Ok(unreadable)
    }

    /// Changes the contact `user` by `change`, which gives it as it then is, or `None` if nothing changed. When this
    /// returns, the change is on disk, or there is none.
    pub(crate) fn change(
        &self,
        user: UserKey,
        durability: Durability,
        change: impl FnOnce(&mut AddressBook) -> Result<Option<Contact>, ContactError>,
    ) -> Result<Option<Changed>, ChangeError> {
        let _changing = self.changing.lock();
        let (before, after) = {
            let mut book = self.book.write();
            let before = book.get(&user).cloned();
            (before, change(&mut book)?)
        };
        let Some(after) = after else { return Ok(None) };
        let batch = Batch::new().put(CONTACTS, *user.as_bytes(), after.to_record());
        self.commit(batch, durability, user, before.as_ref())?;
        Ok(Some(Changed { before, after: Some(after) }))
    }

    /// Removes the contact `user`.
    pub(crate) fn remove(&self, user: UserKey) -> Result<Changed, ChangeError> {
        let _changing = self.changing.lock();
        let removed = self.book.write().remove(&user)?;
        let batch = Batch::new().delete(CONTACTS, *user.as_bytes());
        self.commit(batch, Durability::Sync, user, Some(&removed))?;
        Ok(Changed { before: Some(removed), after: None })
    }

    /// Writes, and puts memory back to `before` if that fails.
    fn commit(
        &self,
        batch: Batch,
        durability: Durability,
        user: UserKey,
        before: Option<&Contact>,
    ) -> Result<(), CommitError> {
        self.store.commit(batch, durability).inspect_err(|_| {
            let mut book = self.book.write();
            let _ = book.remove(&user);
            if let Some(before) = before {
                // It was in the book a moment ago and nobody else may change it meanwhile: it fits again.
                let put_back = book.load(before.clone());
                debug_assert!(put_back.is_ok(), "what was there fits again");
            }
        })
    }
}

fn load_one(book: &mut AddressBook, key: &[u8], record: &[u8]) -> Result<(), String> {
    let contact = Contact::from_record(record).map_err(|error| error.to_string())?;
    if contact.user().as_bytes() != key {
        return Err("it is filed under another key".to_owned());
    }
    book.load(contact).map_err(|error| error.to_string())
}
