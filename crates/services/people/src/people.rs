//! What the service does, without HTTP: identity, contacts and invitations as plain functions.
//!
//! Those that change something block on the disk: async code calls them by `spawn_blocking`, as the API does.

use std::sync::Arc;

use parking_lot::RwLock;
use weft_events::EventSink;
use weft_identity::{
    Contact, ContactEdit, ContactError, DeviceKey, FindError, Identity, Invitation, InvitationDraft, InvitationError,
    NetworkName, Petname, Reach, UserKey,
};
use weft_store::{Durability, Store, StoreHealth};

use crate::{
    book::{ChangeError, Changed, DurableBook, LoadError, Unreadable},
    event::PeopleEvent,
    seams::{Clock, Introductions, Reachability, Sightings},
    view::{ContactView, Me},
};

/// What the service is made of.
pub struct PeopleParts {
    /// Who this node is.
    pub identity: Arc<Identity>,
    /// Where contacts are kept.
    pub store: Arc<dyn Store>,
    /// Where events go.
    pub events: EventSink,
    /// How this node is reached.
    pub reachability: Arc<dyn Reachability>,
    /// Who hears which devices are known.
    pub introductions: Arc<dyn Introductions>,
    /// Who says where devices are seen.
    pub sightings: Arc<dyn Sightings>,
    /// The time.
    pub clock: Clock,
}

/// Identity, contacts and invitations of one node.
pub struct People {
    identity: Arc<Identity>,
    store: Arc<dyn Store>,
    book: DurableBook,
    unreadable: RwLock<Vec<Unreadable>>,
    events: EventSink,
    reachability: Arc<dyn Reachability>,
    introductions: Arc<dyn Introductions>,
    clock: Clock,
}

/// Why an invitation was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The link is no usable invitation.
    #[error(transparent)]
    Invitation(#[from] InvitationError),
    /// It leads to another network.
    #[error("this invitation is for the network \"{theirs}\" and this node is on \"{ours}\"")]
    OtherNetwork {
        /// The invitation's.
        theirs: NetworkName,
        /// This node's.
        ours: NetworkName,
    },
    /// The inviter is blocked.
    #[error("you have blocked \"{0}\", who invites you")]
    Blocked(Petname),
    /// The address book was not changed.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

/// An invitation accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The contact as it is now.
    pub contact: Contact,
    /// Whether it was not there before.
    pub is_new: bool,
}

impl People {
    pub(crate) fn new(parts: PeopleParts) -> Self {
        let book = DurableBook::new(parts.identity.user_key(), parts.store.clone());
        Self {
            identity: parts.identity,
            store: parts.store,
            book,
            unreadable: RwLock::default(),
            events: parts.events,
            reachability: parts.reachability,
            introductions: parts.introductions,
            clock: parts.clock,
        }
    }

    /// Reads the address book and tells the overlay of every device in it. Blocks on the disk.
    ///
    /// # Errors
    /// [`LoadError`] if the store cannot be read.
    pub(crate) fn load(&self) -> Result<(), LoadError> {
        let unreadable = self.book.load(self.identity.user_key())?;
        for record in &unreadable {
            tracing::warn!(who = %record.who, why = %record.why, "a contact's record cannot be used and is left out");
        }
        *self.unreadable.write() = unreadable;
        for contact in self.contacts() {
            self.tell_overlay(None, Some(&contact));
        }
        Ok(())
    }

    /// Who this node is.
    #[must_use]
    pub fn me(&self) -> Me {
        Me::of(&self.identity, &self.reachability.network())
    }

    /// All contacts, ordered by name.
    #[must_use]
    pub fn contacts(&self) -> Vec<Contact> {
        let mut contacts: Vec<Contact> = self.book.read().iter().cloned().collect();
        contacts.sort_by_cached_key(|contact| contact.petname().folded());
        contacts
    }

    /// The contact called `who`, or whose key (or a device's key) is or begins with `who`.
    ///
    /// # Errors
    /// [`FindError`] if nobody or several match.
    pub fn find(&self, who: &str) -> Result<Contact, FindError> {
        self.book.read().find(who).cloned()
    }

    /// The contact with this key.
    #[must_use]
    pub fn get(&self, user: &UserKey) -> Option<Contact> {
        self.book.read().get(user).cloned()
    }

    /// Whose device this is, if a contact's.
    #[must_use]
    pub fn owner_of(&self, device: &DeviceKey) -> Option<Contact> {
        self.book.read().owner_of(device).cloned()
    }

    /// Adds a contact by user key. Blocks on the disk.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn add(&self, user: UserKey, petname: Petname) -> Result<Contact, ChangeError> {
        let now = (self.clock)();
        self.change(user, Durability::Sync, |book| book.add(user, petname, now).map(Some))
    }

    /// Renames, blocks, unblocks or annotates a contact: all of it or nothing. Blocks on the disk.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn edit(&self, user: UserKey, edit: ContactEdit) -> Result<Contact, ChangeError> {
        self.change(user, Durability::Sync, |book| book.edit(&user, edit))
    }

    /// Forgets a contact. Blocks on the disk.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn remove(&self, user: UserKey) -> Result<Contact, ChangeError> {
        let changed = self.book.remove(user)?;
        self.tell_overlay(changed.before.as_ref(), None);
        let removed = changed.before.ok_or(ContactError::Unknown(user))?;
        self.events
            .emit(&PeopleEvent::ContactRemoved { user_key: user.to_string(), petname: removed.petname().to_string() });
        Ok(removed)
    }

    /// Makes an invitation to this node, with the addresses it has now. `petname` is what to be called; `expires` in Unix
    /// seconds.
    #[must_use]
    pub fn invite(&self, petname: Option<Petname>, expires: Option<u64>) -> Invitation {
        let mut draft = InvitationDraft::new(self.reachability.network());
        draft.reach = self.reachability.reach();
        draft.petname = petname;
        draft.expires = expires;
        self.identity.invite(draft)
    }

    /// Reads an invitation without acting on it.
    ///
    /// # Errors
    /// [`InvitationError`] says what is wrong with it.
    pub fn inspect(&self, link: &str) -> Result<Invitation, InvitationError> {
        Invitation::parse(link, self.now())
    }

    /// Accepts an invitation: the inviter becomes a contact, or a known contact's devices and addresses are learned; the
    /// overlay hears of it. Blocks on the disk.
    ///
    /// # Errors
    /// [`AcceptError`]; then nothing changed.
    pub fn accept(&self, link: &str, petname: Option<Petname>) -> Result<Accepted, AcceptError> {
        let now = self.now();
        let invitation = Invitation::parse(link, now)?;
        let ours = self.reachability.network();
        if *invitation.network() != ours {
            return Err(AcceptError::OtherNetwork { theirs: invitation.network().clone(), ours });
        }
        let user = invitation.user();
        let known = self.book.read().get(&user).cloned();
        if let Some(blocked) = known.as_ref().filter(|known| known.is_blocked()) {
            return Err(AcceptError::Blocked(blocked.petname().clone()));
        }
        let contact = self.change(user, Durability::Sync, |book| book.accept(&invitation, petname, now))?;
        // Again even if nothing was new: the overlay may have forgotten where the device is.
        self.tell_overlay(None, Some(&contact));
        Ok(Accepted { contact, is_new: known.is_none() })
    }

    /// Remembers where a contact's device was seen; strangers' are ignored. A power cut may lose it, a crash does not.
    /// Blocks on the disk.
    ///
    /// # Errors
    /// [`ChangeError::Store`] if it could not be written.
    pub fn saw_device(&self, device: DeviceKey, reach: &Reach) -> Result<(), ChangeError> {
        let Some(owner) = self.owner_of(&device) else { return Ok(()) };
        let now = self.now();
        // No event and no introduction: it is the overlay that says so.
        self.book.change(owner.user(), Durability::Buffer, |book| Ok(book.saw_device(&device, reach, now)))?;
        Ok(())
    }

    /// Records of contacts that could not be used at the last start.
    #[must_use]
    pub fn unreadable(&self) -> Vec<Unreadable> {
        self.unreadable.read().clone()
    }

    pub(crate) fn store_health(&self) -> StoreHealth {
        self.store.health()
    }

    pub(crate) fn now(&self) -> u64 {
        (self.clock)()
    }

    /// Changes, stores, tells the overlay and emits, in this order. Gives the contact as it then is.
    fn change(
        &self,
        user: UserKey,
        durability: Durability,
        change: impl FnOnce(&mut weft_identity::AddressBook) -> Result<Option<Contact>, ContactError>,
    ) -> Result<Contact, ChangeError> {
        match self.book.change(user, durability, change)? {
            Some(Changed { before, after: Some(after) }) => {
                self.tell_overlay(before.as_ref(), Some(&after));
                let contact = ContactView::from(&after);
                self.events.emit(&match before {
                    None => PeopleEvent::ContactAdded { contact },
                    Some(_) => PeopleEvent::ContactChanged { contact },
                });
                Ok(after)
            }
            _ => Ok(self.book.read().get(&user).cloned().ok_or(ContactError::Unknown(user))?),
        }
    }

    /// Brings what the overlay knows from `before` to `after`. A device that another contact holds is left to that one.
    fn tell_overlay(&self, before: Option<&Contact>, after: Option<&Contact>) {
        let keys = |contact: &Contact| contact.devices().iter().map(|device| device.key()).collect::<Vec<_>>();
        let holder = |device: &DeviceKey| self.book.read().owner_of(device).map(Contact::user);
        for gone in before.map(keys).unwrap_or_default() {
            if holder(&gone).is_none() {
                self.introductions.forget(gone);
            }
        }
        let Some(contact) = after else { return };
        for device in contact.devices().iter().filter(|device| holder(&device.key()) == Some(contact.user())) {
            if contact.is_blocked() {
                self.introductions.block(device.key());
            } else {
                self.introductions.introduce(device.key(), device.reach());
            }
        }
    }
}
