//! Names that people and peers give: short, one line, and with nothing in them that hides.
//!
//! A name from outside ends up in a terminal and on a page. Control characters could drive the terminal, direction
//! overrides could make one name read as another, invisible characters could make two names look the same. They are
//! refused, not stripped, so that what is stored is what was shown.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// Longest name in bytes of UTF-8: fits one line of a terminal and keeps invitations small enough for a QR code.
pub const MAX_NAME_BYTES: usize = 64;
/// Longest network name in bytes: it is part of DHT keys and of every invitation.
pub const MAX_NETWORK_NAME_BYTES: usize = 32;

/// Why a text cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidName {
    /// Nothing is left after trimming.
    #[error("the name is empty: give at least one visible character")]
    Empty,
    /// Too long.
    #[error("the name has {actual} bytes and may have {max}: choose a shorter one")]
    TooLong {
        /// Bytes given.
        actual: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// A control, invisible or text-direction character.
    #[error(
        "the name contains U+{0:04X}, an invisible, control or text-direction character: type the name by hand without it"
    )]
    Hidden(u32),
    /// A character that this kind of name does not have.
    #[error("the name contains {0:?}: use only lower-case letters a-z, digits, '-', '_' and '.'")]
    Character(char),
}

/// Characters that take no room or change how others are shown: Unicode's `Default_Ignorable_Code_Point` property,
/// the direction controls, line and paragraph separators, and the blank that is no space (U+2800).
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// The first character that must not be shown, if any. `allow_lines` lets line feeds through, for notes.
pub(crate) fn hidden_character(text: &str, allow_lines: bool) -> Option<u32> {
    text.chars().find(|&c| is_hidden(c) && !(allow_lines && c == '\n')).map(u32::from)
}

fn checked(text: &str, max: usize) -> Result<String, InvalidName> {
    let trimmed = text.trim();
    // Bounded before normalising, which can make a text longer but never by more than a small factor.
    if trimmed.len() > max {
        return Err(InvalidName::TooLong { actual: trimmed.len(), max });
    }
    if let Some(code) = hidden_character(trimmed, false) {
        return Err(InvalidName::Hidden(code));
    }
    let text: String = trimmed.nfc().collect();
    if text.is_empty() {
        return Err(InvalidName::Empty);
    }
    if text.len() > max {
        return Err(InvalidName::TooLong { actual: text.len(), max });
    }
    Ok(text)
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::str::FromStr for $type {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::new(&text)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }
    };
}

name! {
    /// What you call a contact. Yours alone: nobody else sees it, and no two contacts share it.
    Petname
}

name! {
    /// What the owner calls a device ("laptop"). It stands in the device's certificate.
    DeviceName
}

name! {
    /// Which network peers belong to: `public`, or a private network's name.
    NetworkName
}

impl Petname {
    /// Checks, trims and normalises (NFC) a petname.
    ///
    /// # Errors
    /// [`InvalidName`] says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        checked(text, MAX_NAME_BYTES).map(Self)
    }

    /// The form in which names are compared: compatibility-normalised and lower-case, so that "Ann", "ann" and
    /// "Ａｎｎ" are one name.
    #[must_use]
    pub fn folded(&self) -> String {
        fold(&self.0)
    }
}

/// See [`Petname::folded`].
pub(crate) fn fold(text: &str) -> String {
    text.trim().nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

impl DeviceName {
    /// Checks, trims and normalises (NFC) a device's name.
    ///
    /// # Errors
    /// [`InvalidName`] says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        checked(text, MAX_NAME_BYTES).map(Self)
    }
}

impl NetworkName {
    /// The network of everybody who did not name another.
    pub const PUBLIC: &'static str = "public";

    /// Checks a network's name: 1 to [`MAX_NETWORK_NAME_BYTES`] of a-z, 0-9, `-`, `_` and `.`. It must be typed the same on
    /// every machine, so nothing is normalised.
    ///
    /// # Errors
    /// [`InvalidName`] says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        if text.is_empty() {
            return Err(InvalidName::Empty);
        }
        if text.len() > MAX_NETWORK_NAME_BYTES {
            return Err(InvalidName::TooLong { actual: text.len(), max: MAX_NETWORK_NAME_BYTES });
        }
        let allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-' | '_' | '.');
        match text.chars().find(|&c| !allowed(c)) {
            Some(wrong) => Err(InvalidName::Character(wrong)),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The public network's name.
    #[must_use]
    pub fn public() -> Self {
        Self(Self::PUBLIC.to_owned())
    }

    /// Whether this is the public network.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.0 == Self::PUBLIC
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hidden_characters_are_refused_by_name() {
        assert_eq!(Petname::new("evil\u{202E}txt"), Err(InvalidName::Hidden(0x202E)));
        assert_eq!(Petname::new("a\u{1b}[31m"), Err(InvalidName::Hidden(0x1b)));
        assert_eq!(Petname::new("zero\u{200B}width"), Err(InvalidName::Hidden(0x200B)));
        assert_eq!(Petname::new(" \t "), Err(InvalidName::Empty));
        assert_eq!(Petname::new(&"x".repeat(65)), Err(InvalidName::TooLong { actual: 65, max: 64 }));
        assert_eq!(Petname::new("  Ännchen 2 ").unwrap().as_str(), "Ännchen 2");
    }

    #[test]
    fn folding_makes_look_alikes_of_width_and_case_one() {
        let ann = Petname::new("ann").unwrap();
        assert_eq!(Petname::new("ANN").unwrap().folded(), ann.folded());
        assert_eq!(Petname::new("Ａｎｎ").unwrap().folded(), ann.folded());
        assert_eq!(Petname::new("e\u{301}").unwrap(), Petname::new("é").unwrap());
    }

    #[test]
    fn network_names_are_typed_alike_everywhere() {
        assert!(NetworkName::new("home-lab.2").is_ok());
        assert_eq!(NetworkName::new("Home"), Err(InvalidName::Character('H')));
        assert_eq!(NetworkName::new(""), Err(InvalidName::Empty));
        assert!(NetworkName::new(&"a".repeat(33)).is_err());
        assert!(NetworkName::public().is_public());
    }

    proptest! {
        #[test]
        fn names_round_trip_and_stay_bounded(text in "\\PC{0,80}") {
            if let Ok(name) = Petname::new(&text) {
                prop_assert!(name.as_str().len() <= MAX_NAME_BYTES);
                prop_assert_eq!(Petname::new(name.as_str()).unwrap(), name.clone());
                let json = serde_json::to_string(&name).unwrap();
                prop_assert_eq!(serde_json::from_str::<Petname>(&json).unwrap(), name);
            }
        }
    }
}
