//! All contacts together: unique names, search, and the operations that change them.

use std::collections::{BTreeMap, HashMap};

use super::{Contact, ContactEdit, ContactError};
use crate::{
    device::DeviceCertificate,
    invitation::Invitation,
    key::{DeviceKey, KEY_TEXT_CHARS, UserKey},
    name::{self, MAX_NAME_BYTES, Petname},
    reach::Reach,
};

/// Most contacts. Everyone in it was added by its owner, so this bounds mistakes and memory (under 1 kB each).
pub const MAX_CONTACTS: usize = 10_000;
/// Fewest characters of a key that find a contact: fewer would match by accident.
pub const MIN_KEY_PREFIX: usize = 6;

/// Why a name or key found nobody, or too many.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// Nobody.
    #[error(
        "nobody in your address book is called \"{0}\" or has a key that begins so: `weft peers` lists your contacts"
    )]
    Nobody(String),
    /// Several.
    #[error("\"{query}\" could be {}: write more of the key", .candidates.join(" or "))]
    Ambiguous {
        /// What was looked for.
        query: String,
        /// The first few names that match.
        candidates: Vec<String>,
    },
}

/// The address book in memory.
///
/// Each operation gives the contact as it now is, to be stored, or `None` if nothing changed.
#[derive(Debug, Clone)]
pub struct AddressBook {
    own: UserKey,
    contacts: BTreeMap<UserKey, Contact>,
    /// Folded petname → user.
    names: HashMap<String, UserKey>,
    devices: HashMap<DeviceKey, UserKey>,
}

impl AddressBook {
    /// An empty address book of the user `own`, who cannot be in it.
    #[must_use]
    pub fn new(own: UserKey) -> Self {
        Self { own, contacts: BTreeMap::new(), names: HashMap::new(), devices: HashMap::new() }
    }

    /// Puts in a contact that was stored.
    ///
    /// # Errors
    /// [`ContactError`] if it breaks a rule, as records from two books mixed by hand may.
    pub fn load(&mut self, contact: Contact) -> Result<(), ContactError> {
        self.check_room(contact.user)?;
        self.check_name(&contact.petname, contact.user)?;
        self.put(contact);
        Ok(())
    }

    /// Adds a contact by key alone: they can be found only if their device is known from elsewhere. `now` in Unix seconds.
    ///
    /// # Errors
    /// [`ContactError`].
    pub fn add(&mut self, user: UserKey, petname: Petname, now: u64) -> Result<Contact, ContactError> {
        self.check_room(user)?;
        self.check_name(&petname, user)?;
        Ok(self.put(Contact::new(user, petname, now)))
    }

    /// Adds whoever invited, or merges what the invitation says into the contact that is there already (whose name then
    /// changes only if `petname` is given). Without `petname`, [`suggest_petname`](Self::suggest_petname) names a new one.
    ///
    /// # Errors
    /// [`ContactError`].
    pub fn accept(
        &mut self,
        invitation: &Invitation,
        petname: Option<Petname>,
        now: u64,
    ) -> Result<Option<Contact>, ContactError> {
        let user = invitation.user();
        let known = self.contacts.get(&user).cloned();
        let is_new = known.is_none();
        let mut contact = match known {
            Some(contact) => contact,
            None => {
                self.check_room(user)?;
                let name = petname.clone().unwrap_or_else(|| self.suggest_petname(invitation));
                Contact::new(user, name, now)
            }
        };
        let mut changed = is_new;
        if let Some(petname) = petname {
            changed |= contact.petname != petname;
            contact.petname = petname;
        }
        self.check_name(&contact.petname, user)?;
        changed |= contact.merge_invitation(invitation, now)?;
        Ok(changed.then(|| self.put(contact)))
    }

    /// Renames, blocks, unblocks or annotates a contact: all of it or nothing.
    ///
    /// # Errors
    /// [`ContactError::Unknown`], [`ContactError::NameTaken`] or [`ContactError::BadNote`].
    pub fn edit(&mut self, user: &UserKey, edit: ContactEdit) -> Result<Option<Contact>, ContactError> {
        if let Some(petname) = &edit.petname {
            self.check_name(petname, *user)?;
        }
        self.change(user, |contact| contact.edit(edit))
    }

    /// Adds devices a contact has certified, and renewed certificates of known ones.
    ///
    /// # Errors
    /// [`ContactError`]; then nothing changed.
    pub fn merge_devices<'a>(
        &mut self,
        user: &UserKey,
        certificates: impl IntoIterator<Item = &'a DeviceCertificate>,
        now: u64,
    ) -> Result<Option<Contact>, ContactError> {
        self.change(user, |contact| {
            let mut changed = false;
            for certificate in certificates {
                changed |= contact.merge_device(certificate, false, now)?;
            }
            Ok(changed)
        })
    }

    /// Remembers where a contact's device was seen. `None` if it is nobody's here, or nothing changed.
    pub fn saw_device(&mut self, device: &DeviceKey, reach: &Reach, now: u64) -> Option<Contact> {
        let user = *self.devices.get(device)?;
        let outcome = self.change(&user, |contact| {
            let Some(known) = contact.devices.iter_mut().find(|known| known.key() == *device) else { return Ok(false) };
            known.reach.merge(reach);
            known.seen = Some(now);
            Ok(true)
        });
        outcome.ok().flatten()
    }

    /// Forgets a contact.
    ///
    /// # Errors
    /// [`ContactError::Unknown`].
    pub fn remove(&mut self, user: &UserKey) -> Result<Contact, ContactError> {
        let contact = self.contacts.remove(user).ok_or(ContactError::Unknown(*user))?;
        self.forget_indexes(&contact);
        Ok(contact)
    }

    /// The contact with this key.
    #[must_use]
    pub fn get(&self, user: &UserKey) -> Option<&Contact> {
        self.contacts.get(user)
    }

    /// Whose device this is. If two contacts say it is theirs, the one for whom the device itself spoke.
    #[must_use]
    pub fn owner_of(&self, device: &DeviceKey) -> Option<&Contact> {
        self.contacts.get(self.devices.get(device)?)
    }

    /// All contacts, ordered by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Contact> {
        self.contacts.values()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.contacts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.contacts.is_empty()
    }

    /// Finds a contact by name (case and width do not matter), by user or device key, or by the first
    /// [`MIN_KEY_PREFIX`] or more characters of either.
    ///
    /// # Errors
    /// [`FindError`] if nobody or several match.
    pub fn find(&self, query: &str) -> Result<&Contact, FindError> {
        let shown = || query.chars().take(KEY_TEXT_CHARS).collect::<String>();
        if query.len() <= MAX_NAME_BYTES.saturating_mul(4)
            && let Some(contact) = self.names.get(&name::fold(query)).and_then(|user| self.contacts.get(user))
        {
            return Ok(contact);
        }
        let prefix = query.trim().to_ascii_lowercase();
        if prefix.len() < MIN_KEY_PREFIX || prefix.len() > KEY_TEXT_CHARS {
            return Err(FindError::Nobody(shown()));
        }
        let matches = |contact: &&Contact| {
            contact.user.to_string().starts_with(&prefix)
                || contact.devices.iter().any(|device| device.key().to_string().starts_with(&prefix))
        };
        // Two to know that it is ambiguous, one more to name.
        let found: Vec<&Contact> = self.contacts.values().filter(matches).take(3).collect();
        match found.as_slice() {
            [] => Err(FindError::Nobody(shown())),
            [only] => Ok(only),
            several => Err(FindError::Ambiguous {
                query: shown(),
                candidates: several.iter().map(|contact| format!("\"{}\"", contact.petname)).collect(),
            }),
        }
    }

    /// A name that is free: what the inviter suggests, else the device's name, else the key's beginning; with a number
    /// behind it if it is taken.
    #[must_use]
    pub fn suggest_petname(&self, invitation: &Invitation) -> Petname {
        let base = match invitation.petname() {
            Some(petname) => petname.as_str().to_owned(),
            None => invitation.certificate().name().to_string(),
        };
        // Room for a space and five digits, cut between characters.
        let mut base: String = base;
        while base.len() > MAX_NAME_BYTES.saturating_sub(6) {
            base.pop();
        }
        let numbered = (2..=MAX_CONTACTS.saturating_add(1)).map(|number| format!("{base} {number}"));
        let free = std::iter::once(base.clone())
            .chain(numbered)
            .filter_map(|name| Petname::new(&name).ok())
            .find(|name| !self.names.contains_key(&name.folded()));
        free.unwrap_or_else(|| Petname::new(&invitation.user().short()).expect("a key's characters make a name"))
    }

    fn check_room(&self, user: UserKey) -> Result<(), ContactError> {
        if user == self.own {
            return Err(ContactError::Oneself);
        }
        if let Some(known) = self.contacts.get(&user) {
            return Err(ContactError::Known(known.petname.clone()));
        }
        if self.contacts.len() >= MAX_CONTACTS {
            return Err(ContactError::Full);
        }
        Ok(())
    }

    fn check_name(&self, petname: &Petname, user: UserKey) -> Result<(), ContactError> {
        match self.names.get(&petname.folded()) {
            Some(holder) if *holder != user => Err(ContactError::NameTaken(petname.clone())),
            _ => Ok(()),
        }
    }

    /// Applies `change` to a copy, and keeps the copy if it succeeded and changed something.
    fn change(
        &mut self,
        user: &UserKey,
        change: impl FnOnce(&mut Contact) -> Result<bool, ContactError>,
    ) -> Result<Option<Contact>, ContactError> {
        let mut contact = self.contacts.get(user).cloned().ok_or(ContactError::Unknown(*user))?;
        if change(&mut contact)? { Ok(Some(self.put(contact))) } else { Ok(None) }
    }

    fn put(&mut self, contact: Contact) -> Contact {
        if let Some(before) = self.contacts.remove(&contact.user) {
            self.forget_indexes(&before);
        }
        self.names.insert(contact.petname.folded(), contact.user);
        for device in &contact.devices {
            // A device that two users certify stays with the first, unless it spoke for the second alone: nobody takes
            // another's device over by certifying its key.
            let holder = self.devices.get(&device.key()).and_then(|user| self.contacts.get(user));
            let held = holder.is_some_and(|holder| holder.has_proven(&device.key()) || !device.proven);
            if !held {
                self.devices.insert(device.key(), contact.user);
            }
        }
        self.contacts.insert(contact.user, contact.clone());
        contact
    }

    fn forget_indexes(&mut self, contact: &Contact) {
        self.names.remove(&contact.petname.folded());
        for device in &contact.devices {
            if self.devices.get(&device.key()) == Some(&contact.user) {
                self.devices.remove(&device.key());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        contacts::{MAX_DEVICES, RecordError},
        device::{DeviceSecret, Statement},
        identity::{Identity, Unlocked},
        invitation::InvitationDraft,
        name::{DeviceName, NetworkName},
        phrase::RecoveryPhrase,
        reach::MAX_ADDRESSES,
        user::UserSecrets,
    };

    const NOW: u64 = 1_750_000_000;

    fn identity(user: u8, device: u8) -> Identity {
        certified(user, device, NOW, None)
    }

    fn certified(user: u8, device: u8, created: u64, expires: Option<u64>) -> Identity {
        let user = UserSecrets::from_phrase(&RecoveryPhrase::from_entropy(&[user; 32])).unwrap();
        let device = DeviceSecret::from_bytes(&[device; 32]);
        let name = DeviceName::new("laptop").unwrap();
        let statement = Statement { device: device.public(), name, created, expires, serial: 1 };
        let certificate = DeviceCertificate::issue(&user, statement);
        Unlocked::assemble(user, device, certificate).identity
    }

    fn invitation(identity: &Identity, address: &str) -> Invitation {
        let mut draft = InvitationDraft::new(NetworkName::public());
        draft.reach = Reach::new(&[address.parse().unwrap()], &[], &[]);
        identity.invite(draft)
    }

    fn petname(text: &str) -> Petname {
        Petname::new(text).unwrap()
    }

    fn book() -> AddressBook {
        AddressBook::new(identity(1, 1).user_key())
    }

    #[test]
    fn accepting_an_invitation_adds_then_merges() {
        let (mut book, ann) = (book(), identity(2, 20));
        let added = book.accept(&invitation(&ann, "192.0.2.1:1"), Some(petname("Ann")), NOW).unwrap().unwrap();
        assert_eq!((added.petname().as_str(), added.devices().len()), ("Ann", 1));
        assert!(book.accept(&invitation(&ann, "192.0.2.1:1"), None, NOW).unwrap().is_none(), "nothing new");
        let moved = book.accept(&invitation(&ann, "192.0.2.2:2"), None, NOW).unwrap().unwrap();
        assert_eq!(moved.petname().as_str(), "Ann");
        assert_eq!(moved.devices()[0].reach().udp()[0], "192.0.2.2:2".parse().unwrap());
        let phone = identity(2, 21);
        let both = book.accept(&invitation(&phone, "192.0.2.3:3"), None, NOW).unwrap().unwrap();
        assert_eq!(both.devices().len(), 2);
        assert_eq!(book.owner_of(&phone.device_key()).unwrap().petname().as_str(), "Ann");
        assert_eq!(book.len(), 1);
    }

    #[test]
    fn names_are_unique_and_suggested_free() {
        let mut book = book();
        book.accept(&invitation(&identity(2, 20), "192.0.2.1:1"), None, NOW).unwrap();
        book.accept(&invitation(&identity(3, 30), "192.0.2.1:1"), None, NOW).unwrap();
        let names: Vec<_> = book.iter().map(|contact| contact.petname().to_string()).collect();
        assert!(names.contains(&"laptop".to_owned()) && names.contains(&"laptop 2".to_owned()), "{names:?}");
        let third = invitation(&identity(4, 40), "192.0.2.1:1");
        assert_eq!(
            book.accept(&third, Some(petname("LAPTOP")), NOW).unwrap_err(),
            ContactError::NameTaken(petname("LAPTOP"))
        );
        let user = identity(3, 30).user_key();
        let name = |text: &str| ContactEdit { petname: Some(petname(text)), ..ContactEdit::default() };
        assert!(matches!(book.edit(&user, name("Laptop")), Err(ContactError::NameTaken(_))));
        assert!(book.edit(&user, name("LAPTOP 2")).unwrap().is_some(), "its own name in another case");
        book.remove(&identity(2, 20).user_key()).unwrap();
        assert!(book.edit(&user, name("laptop")).unwrap().is_some(), "a removed contact's name is free");
    }

    #[test]
    fn finds_by_name_key_and_prefix() {
        let mut book = book();
        let (ann, bob) = (identity(2, 20), identity(3, 30));
        book.accept(&invitation(&ann, "192.0.2.1:1"), Some(petname("Ann")), NOW).unwrap();
        book.add(bob.user_key(), petname("Bob"), NOW).unwrap();
        let name = |query: &str| book.find(query).map(|contact| contact.petname().to_string());
        assert_eq!(name(" aNN "), Ok("Ann".to_owned()));
        assert_eq!(name(&bob.user_key().to_string()), Ok("Bob".to_owned()));
        assert_eq!(name(&ann.device_key().to_string()[..8].to_uppercase()), Ok("Ann".to_owned()));
        assert!(matches!(name(&bob.user_key().to_string()[..5]), Err(FindError::Nobody(_))), "too short to be meant");
        assert!(matches!(name(""), Err(FindError::Nobody(_))));
        assert!(matches!(name(&"x".repeat(100_000)), Err(FindError::Nobody(_))));
    }

    #[test]
    fn ambiguous_prefixes_name_the_candidates() {
        // A book as it would be if two keys began alike: the same device certified by two users.
        let mut book = book();
        book.accept(&invitation(&identity(2, 20), "192.0.2.1:1"), Some(petname("Ann")), NOW).unwrap();
        book.accept(&invitation(&identity(3, 20), "192.0.2.1:1"), Some(petname("Eve")), NOW).unwrap();
        let device = identity(2, 20).device_key();
        let error = book.find(&device.to_string()[..10]).unwrap_err().to_string();
        assert!(error.contains("Ann") && error.contains("Eve"), "{error}");
        assert_eq!(book.owner_of(&device).unwrap().petname().as_str(), "Ann", "the second does not take it over");
    }

    #[test]
    fn certifying_anothers_device_does_not_take_it_over() {
        let (ann, eve) = (identity(2, 20), identity(3, 30));
        // Eve certifies Ann's device key, which needs nothing of Ann, and is even the first to be known.
        let claim = identity(3, 20);
        let mut draft = InvitationDraft::new(NetworkName::public());
        draft.other_devices = vec![claim.certificate().clone()];
        let mut book = book();
        book.accept(&eve.invite(draft), Some(petname("Eve")), NOW).unwrap();
        assert_eq!(book.owner_of(&ann.device_key()).unwrap().petname().as_str(), "Eve", "nobody says otherwise");
        book.accept(&invitation(&ann, "192.0.2.1:1"), Some(petname("Ann")), NOW).unwrap();
        assert_eq!(book.owner_of(&ann.device_key()).unwrap().petname().as_str(), "Ann");
        book.merge_devices(&eve.user_key(), [certified(3, 20, NOW + 1, None).certificate()], NOW).unwrap().unwrap();
        assert_eq!(book.owner_of(&ann.device_key()).unwrap().petname().as_str(), "Ann");
        book.remove(&eve.user_key()).unwrap();
        assert_eq!(book.owner_of(&ann.device_key()).unwrap().petname().as_str(), "Ann");
    }

    #[test]
    fn devices_are_bounded_renewed_and_never_foreign() {
        let mut book = book();
        let user = identity(2, 20).user_key();
        book.add(user, petname("Ann"), NOW).unwrap();
        let foreign = identity(3, 30);
        let error = book.merge_devices(&user, [foreign.certificate()], NOW).unwrap_err();
        assert_eq!(error, ContactError::ForeignDevice(petname("Ann")));
        let short_lived = certified(2, 100, NOW, Some(NOW + 5));
        book.merge_devices(&user, [short_lived.certificate()], NOW).unwrap();
        for device in 1..16 {
            book.merge_devices(&user, [identity(2, 100 + device).certificate()], NOW).unwrap().unwrap();
        }
        assert_eq!(book.get(&user).unwrap().devices().len(), MAX_DEVICES);
        let one_more = identity(2, 200);
        let error = book.merge_devices(&user, [one_more.certificate()], NOW).unwrap_err();
        assert_eq!(error, ContactError::TooManyDevices(petname("Ann")));
        let contact = book.merge_devices(&user, [one_more.certificate()], NOW + 5).unwrap().unwrap();
        assert_eq!(contact.devices().len(), MAX_DEVICES, "the expired one made room");
        let renewed = certified(2, 101, NOW + 9, None);
        let older = certified(2, 101, NOW - 9, None);
        assert!(book.merge_devices(&user, [older.certificate()], NOW).unwrap().is_none());
        assert!(book.merge_devices(&user, [renewed.certificate()], NOW).unwrap().is_some());
    }

    #[test]
    fn sightings_are_bounded_and_of_known_devices_only() {
        let (mut book, ann) = (book(), identity(2, 20));
        book.accept(&invitation(&ann, "192.0.2.1:1"), None, NOW).unwrap();
        for port in 1..=100u16 {
            let reach = Reach::new(&[([192, 0, 2, 9], port).into()], &[], &[]);
            book.saw_device(&ann.device_key(), &reach, NOW + u64::from(port)).unwrap();
        }
        let device = book.get(&ann.user_key()).unwrap().devices()[0].clone();
        assert_eq!((device.reach().udp().len(), device.seen()), (MAX_ADDRESSES, Some(NOW + 100)));
        assert_eq!(device.reach().udp()[0].port(), 100);
        assert!(book.saw_device(&identity(9, 90).device_key(), &Reach::default(), NOW).is_none());
    }

    #[test]
    fn oneself_doubles_blocks_and_notes() {
        let mut book = book();
        assert_eq!(book.add(identity(1, 1).user_key(), petname("me"), NOW), Err(ContactError::Oneself));
        let own = invitation(&identity(1, 5), "192.0.2.1:1");
        assert_eq!(book.accept(&own, None, NOW), Err(ContactError::Oneself));
        let user = identity(2, 20).user_key();
        book.add(user, petname("Ann"), NOW).unwrap();
        assert_eq!(book.add(user, petname("Ann again"), NOW), Err(ContactError::Known(petname("Ann"))));
        let block = ContactEdit { blocked: Some(true), ..ContactEdit::default() };
        assert!(book.edit(&user, block.clone()).unwrap().unwrap().is_blocked());
        assert!(book.edit(&user, block).unwrap().is_none());
        let note = |text: &str| ContactEdit { notes: Some(text.to_owned()), ..ContactEdit::default() };
        assert_eq!(book.edit(&user, note("two\nlines")).unwrap().unwrap().notes(), "two\nlines");
        assert_eq!(book.edit(&user, note("a\u{202E}b")), Err(ContactError::BadNote));
        assert_eq!(book.edit(&user, note(&"n".repeat(2049))), Err(ContactError::BadNote));
        let half_wrong = ContactEdit { petname: Some(petname("Anne")), ..note("\u{7}") };
        assert_eq!(book.edit(&user, half_wrong), Err(ContactError::BadNote));
        assert_eq!(book.get(&user).unwrap().petname().as_str(), "Ann", "all of it or nothing");
        assert!(matches!(book.remove(&identity(7, 7).user_key()), Err(ContactError::Unknown(_))));
    }

    #[test]
    fn records_come_back_and_damage_is_named() {
        let mut book = book();
        let contact = book.accept(&invitation(&identity(2, 20), "[2001:db8::1]:1"), None, NOW).unwrap().unwrap();
        let record = contact.to_record();
        assert_eq!(Contact::from_record(&record).unwrap(), contact);
        let mut again = AddressBook::new(identity(1, 1).user_key());
        again.load(Contact::from_record(&record).unwrap()).unwrap();
        assert_eq!(again.get(&contact.user()), Some(&contact));
        assert_eq!(Contact::from_record(&[9]), Err(RecordError::NewerVersion(9)));
        assert!(matches!(Contact::from_record(&[]), Err(RecordError::Damaged(_))));
        assert!(matches!(Contact::from_record(&record[..record.len() - 1]), Err(RecordError::Damaged(_))));
        let mut longer = record.clone();
        longer.push(0);
        assert!(matches!(Contact::from_record(&longer), Err(RecordError::Damaged(_))));
    }
}
