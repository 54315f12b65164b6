//! The recovery phrase: 24 English words (BIP-39) from which everything that is the user's comes back.
//!
//! The type never prints itself: there is no `Display`, its `Debug` is redacted, and the one way to the words is
//! [`RecoveryPhrase::reveal`], which gives a text that is zeroised when dropped.

use std::fmt;

use bip0039::{English, Language, Mnemonic};
use rand::{TryRngCore, rngs::OsRng};
use zeroize::{Zeroize, Zeroizing};

/// Words in a recovery phrase: 256 bits of randomness and 8 of checksum, 11 a word.
pub const PHRASE_WORDS: usize = 24;
/// Bytes of randomness behind a phrase.
pub(crate) const ENTROPY_BYTES: usize = 32;

/// Longest text taken for a phrase. 24 words of at most 8 letters need 215 bytes; the rest is room for line breaks,
/// numbers are not accepted anyway.
const MAX_PHRASE_TEXT: usize = 2048;

/// Why a text is not a recovery phrase. Never contains a word of it: errors end up in logs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PhraseError {
    /// Not 24 words.
    #[error("a recovery phrase has {PHRASE_WORDS} words, this text has {0}: check for missing or doubled words")]
    WordCount(usize),
    /// A word that is not in the BIP-39 English list.
    #[error("word {position} is not one of the 2048 recovery words: check its spelling")]
    UnknownWord {
        /// Its place, counted from 1.
        position: usize,
    },
    /// All words exist but do not belong together.
    #[error(
        "all {PHRASE_WORDS} words are valid but do not fit together (checksum): a word was replaced by another, or two changed places"
    )]
    Checksum,
    /// Much longer than any phrase.
    #[error("this text is far too long to be a recovery phrase: give the {PHRASE_WORDS} words alone")]
    TooLong,
}

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes, so no key can be made: check that /dev/urandom is readable")]
pub struct NoRandomness(#[source] pub(crate) rand::rand_core::OsError);

/// 24 words that are the user. Zeroised on drop; never printed by accident.
///
/// ```
/// use weft_identity::RecoveryPhrase;
///
/// let phrase = RecoveryPhrase::generate()?;
/// let words = phrase.reveal();
/// assert_eq!(words.split(' ').count(), 24);
/// assert_eq!(RecoveryPhrase::parse(&words.to_uppercase())?.reveal(), words);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RecoveryPhrase(Mnemonic<English>);

impl RecoveryPhrase {
    /// Makes a new phrase from the operating system's randomness.
    ///
    /// # Errors
    /// [`NoRandomness`] if the system has none to give.
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut entropy = Zeroizing::new([0; ENTROPY_BYTES]);
        OsRng.try_fill_bytes(entropy.as_mut()).map_err(NoRandomness)?;
        Ok(Self::from_entropy(&entropy))
    }

    /// Reads a phrase that a person typed or pasted: any white space between the words, any case.
    ///
    /// # Errors
    /// [`PhraseError`] names the place of the wrong word, never the word.
    pub fn parse(text: &str) -> Result<Self, PhraseError> {
        if text.len() > MAX_PHRASE_TEXT {
            return Err(PhraseError::TooLong);
        }
        let mut lower = Zeroizing::new(String::with_capacity(text.len()));
        let mut count: usize = 0;
        for word in text.split_whitespace() {
            count = count.saturating_add(1);
            if count > 1 {
                lower.push(' ');
            }
            lower.extend(word.chars().map(|c| c.to_ascii_lowercase()));
        }
        if count != PHRASE_WORDS {
            return Err(PhraseError::WordCount(count));
        }
        if let Some(at) = lower.split(' ').position(|word| English::index_of(word).is_none()) {
            return Err(PhraseError::UnknownWord { position: at.saturating_add(1) });
        }
        match Mnemonic::from_phrase(lower.as_str()) {
            Ok(mnemonic) => Ok(Self(mnemonic)),
            Err(bip0039::Error::UnknownWord(mut word)) => {
                word.zeroize();
                Err(PhraseError::Checksum)
            }
            Err(_) => Err(PhraseError::Checksum),
        }
    }

    /// The 24 words, in lower case with one space between. Show them to their owner, on their request, and nowhere else.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.phrase().to_owned())
    }

    pub(crate) fn from_entropy(entropy: &[u8; ENTROPY_BYTES]) -> Self {
        let mnemonic = Mnemonic::from_entropy(entropy.to_vec()).expect("256 bits are a length BIP-39 knows");
        Self(mnemonic)
    }

    pub(crate) fn entropy(&self) -> Zeroizing<[u8; ENTROPY_BYTES]> {
        let mut entropy = Zeroizing::new([0; ENTROPY_BYTES]);
        entropy.copy_from_slice(self.0.entropy());
        entropy
    }

    /// BIP-39 seed (PBKDF2, 2048 rounds) with the empty passphrase, as wallets use it by default.
    pub(crate) fn seed(&self) -> Zeroizing<[u8; 64]> {
        Zeroizing::new(self.0.to_seed(""))
    }
}

impl fmt::Debug for RecoveryPhrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryPhrase(<secret>)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// BIP-39 English test vectors with 256 bits (entropy, words, seed with passphrase "TREZOR").
    const VECTORS: [(&str, &str); 3] = [
        (
            "0000000000000000000000000000000000000000000000000000000000000000",
            "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art",
        ),
        (
            "8080808080808080808080808080808080808080808080808080808080808080",
            "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless",
        ),
        (
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote",
        ),
    ];

    #[test]
    fn bip_39_vectors() {
        for (entropy, words) in VECTORS {
            let entropy: [u8; 32] = data_encoding::HEXLOWER.decode(entropy.as_bytes()).unwrap().try_into().unwrap();
            assert_eq!(*RecoveryPhrase::from_entropy(&entropy).reveal(), words);
            assert_eq!(*RecoveryPhrase::parse(words).unwrap().entropy(), entropy);
        }
        let seed = RecoveryPhrase::parse(VECTORS[0].1).unwrap().0.to_seed("TREZOR");
        assert_eq!(
            data_encoding::HEXLOWER.encode(&seed),
            "bda85446c68413707090a52022edd26a1c9462295029f2e60cd7c4f2bbd3097170af7a4d73245cafa9c3cca8d561a7c3de6f5d4a10be8ed2a5e608d68f92fcc8"
        );
    }

    #[test]
    fn takes_what_people_type() {
        let typed = format!("\n\t {} ", VECTORS[1].1.replace(' ', "\n ").to_uppercase());
        assert_eq!(*RecoveryPhrase::parse(&typed).unwrap().reveal(), VECTORS[1].1);
    }

    #[test]
    fn errors_name_the_place_and_not_the_word() {
        let wrong = VECTORS[1].1.replacen("cage", "caged", 1);
        let error = RecoveryPhrase::parse(&wrong).unwrap_err();
        assert_eq!(error, PhraseError::UnknownWord { position: 3 });
        assert!(!error.to_string().contains("cage"));
        let short = VECTORS[0].1.rsplit_once(' ').unwrap().0;
        assert_eq!(RecoveryPhrase::parse(short).unwrap_err(), PhraseError::WordCount(23));
        let swapped = VECTORS[1].1.replacen("letter advice", "advice letter", 1);
        assert_eq!(RecoveryPhrase::parse(&swapped).unwrap_err(), PhraseError::Checksum);
        assert_eq!(RecoveryPhrase::parse(&"zoo ".repeat(9999)).unwrap_err(), PhraseError::TooLong);
    }

    #[test]
    fn debug_tells_nothing() {
        let phrase = RecoveryPhrase::parse(VECTORS[1].1).unwrap();
        let shown = format!("{phrase:?} {phrase:#?}");
        assert!(phrase.reveal().split(' ').all(|word| !shown.contains(word)), "{shown}");
    }

    proptest! {
        #[test]
        fn any_entropy_round_trips(entropy: [u8; 32]) {
            let phrase = RecoveryPhrase::from_entropy(&entropy);
            prop_assert_eq!(*RecoveryPhrase::parse(&phrase.reveal()).unwrap().entropy(), entropy);
        }

        #[test]
        fn any_text_is_answered_not_panicked_at(text in ".{0,200}") {
            let _ = RecoveryPhrase::parse(&text);
        }
    }
}
