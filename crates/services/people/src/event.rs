//! What happened to the people one knows.

use serde::Serialize;
use weft_events::Event;

use crate::view::ContactView;

/// A change of the address book, emitted when it is on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PeopleEvent {
    /// Somebody was added.
    ContactAdded {
        /// The contact.
        contact: ContactView,
    },
    /// Name, notes, devices or blocking changed.
    ContactChanged {
        /// The contact as it is now.
        contact: ContactView,
    },
    /// Somebody was removed.
    ContactRemoved {
        /// The contact's user key, z-base-32.
        user_key: String,
        /// What it was called.
        petname: String,
    },
}

impl Event for PeopleEvent {
    const SOURCE: &'static str = "people";

    fn kind(&self) -> &'static str {
        match self {
            Self::ContactAdded { .. } => "contact-added",
            Self::ContactChanged { .. } => "contact-changed",
            Self::ContactRemoved { .. } => "contact-removed",
        }
    }
}
