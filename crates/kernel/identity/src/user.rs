//! The user's secret keys. They are made from the phrase here and never leave: callers ask for a signature, a derived
//! key or a public key.

use std::fmt;

use bip32::secp256k1::{SecretKey, ecdsa::SigningKey as EcdsaKey, elliptic_curve::sec1::ToEncodedPoint};
use ed25519_dalek::{Signer as _, SigningKey};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    derive::{self, NoSuchKey},
    key::UserKey,
    ledger::{LedgerAddress, LedgerSignature},
    phrase::RecoveryPhrase,
    signature::{Purpose, Signature, message},
};

/// All that is derived from the phrase. Each key type zeroises itself on drop.
pub(crate) struct UserSecrets {
    user: SigningKey,
    ledger: EcdsaKey,
    publishing: SecretKey,
    storage: Zeroizing<[u8; 32]>,
}

/// Signing with the ledger key failed.
#[derive(Debug, thiserror::Error)]
#[error("the ledger key could not sign this digest ({0}): change the transaction's nonce or fee and sign again")]
pub struct LedgerSignError(bip32::secp256k1::ecdsa::Error);

impl UserSecrets {
    pub(crate) fn from_phrase(phrase: &RecoveryPhrase) -> Result<Self, NoSuchKey> {
        Self::from_seed(&phrase.seed())
    }

    fn from_seed(seed: &Zeroizing<[u8; 64]>) -> Result<Self, NoSuchKey> {
        Ok(Self {
            user: SigningKey::from_bytes(&derive::ed25519(seed.as_ref(), &derive::USER_PATH)),
            ledger: EcdsaKey::from(derive::secp256k1(seed, derive::LEDGER_PATH)?),
            publishing: derive::secp256k1(seed, derive::PUBLISHING_PATH)?,
            storage: derive::ed25519(seed.as_ref(), &derive::STORAGE_PATH),
        })
    }

    pub(crate) fn user_key(&self) -> UserKey {
        UserKey::of(&self.user)
    }

    pub(crate) fn sign(&self, purpose: Purpose, payload: &[u8]) -> Signature {
        Signature::from_bytes(self.user.sign(&message(purpose, payload)).to_bytes())
    }

    pub(crate) fn ledger_address(&self) -> LedgerAddress {
        LedgerAddress::of(&self.ledger.verifying_key().into())
    }

    pub(crate) fn sign_ledger_digest(&self, digest: &[u8; 32]) -> Result<LedgerSignature, LedgerSignError> {
        let (signature, recovery) = self.ledger.sign_prehash_recoverable(digest).map_err(LedgerSignError)?;
        let (r, s) = signature.split_bytes();
        Ok(LedgerSignature { r: r.into(), s: s.into(), y_odd: recovery.is_y_odd() })
    }

    /// The x coordinate of the publishing public key (BIP-340, NIP-01).
    pub(crate) fn publishing_key(&self) -> [u8; 32] {
        let point = self.publishing.public_key().to_encoded_point(true);
        let mut x = [0; 32];
        // SEC 1 compressed: one byte for the sign of y, then x.
        x.copy_from_slice(&point.as_bytes()[1..]);
        x
    }

    /// HKDF-SHA256 (RFC 5869) of the storage secret with the purpose as info.
    pub(crate) fn storage_key(&self, purpose: Purpose) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(b"weft storage key 1"), self.storage.as_ref())
            .expand(purpose.to_string().as_bytes(), key.as_mut())
            .expect("32 bytes are less than HKDF's limit of 255 hashes");
        key
    }
}

impl fmt::Debug for UserSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserSecrets(<secret>, {:?})", self.user_key())
    }
}

#[cfg(test)]
mod tests {
    use bip32::secp256k1::ecdsa::{RecoveryId, Signature as EcdsaSignature, VerifyingKey};
    use bip0039::Mnemonic;

    use super::*;

    /// Standard wallets' test phrases have 12 words, which Weft's own phrases never have.
    fn from_words(words: &str) -> UserSecrets {
        let mnemonic: Mnemonic = Mnemonic::from_phrase(words).unwrap();
        UserSecrets::from_seed(&Zeroizing::new(mnemonic.to_seed(""))).unwrap()
    }

    #[test]
    fn ledger_account_is_the_one_every_wallet_shows() {
        let user = from_words("test test test test test test test test test test test junk");
        assert_eq!(user.ledger_address().to_string(), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    }

    #[test]
    fn publishing_keys_are_those_of_nip_06() {
        for (words, public) in [
            (
                "leader monkey parrot ring guide accident before fence cannon height naive bean",
                "17162c921dc4d2518f9a101db33695df1afb56ab82f5ff3e5da6eec3ca5cd917",
            ),
            (
                "what bleak badge arrange retreat wolf trade produce cricket blur garlic valid proud rude strong choose busy staff weather area salt hollow arm fade",
                "d41b22899549e1f3d335a31002cfd382174006e166d3e658e3a5eecdb6463573",
            ),
        ] {
            assert_eq!(data_encoding::HEXLOWER.encode(&from_words(words).publishing_key()), public);
        }
    }

    #[test]
    fn ledger_signature_recovers_to_the_account() {
        let user = from_words("test test test test test test test test test test test junk");
        for seed in 0..16 {
            let digest = [seed; 32];
            let signed = user.sign_ledger_digest(&digest).unwrap();
            let signature = EcdsaSignature::from_scalars(signed.r, signed.s).unwrap();
            assert!(signature.normalize_s().is_none(), "s is in the lower half");
            let recovery = RecoveryId::new(signed.y_odd, false);
            let key = VerifyingKey::recover_from_prehash(&digest, &signature, recovery).unwrap();
            assert_eq!(LedgerAddress::of(&key.into()), user.ledger_address());
        }
    }

    #[test]
    fn user_signature_holds_for_its_purpose_alone() {
        const ONE: Purpose = Purpose::named("test/one");
        const TWO: Purpose = Purpose::named("test/two");
        let user = UserSecrets::from_phrase(&RecoveryPhrase::generate().unwrap()).unwrap();
        let signature = user.sign(ONE, b"payload");
        assert!(user.user_key().verify(ONE, b"payload", &signature).is_ok());
        assert!(user.user_key().verify(TWO, b"payload", &signature).is_err());
        assert!(user.user_key().verify(ONE, b"payloae", &signature).is_err());
    }

    #[test]
    fn storage_keys_differ_by_purpose_and_come_back() {
        const ONE: Purpose = Purpose::named("test/one");
        const TWO: Purpose = Purpose::named("test/two");
        let phrase = RecoveryPhrase::generate().unwrap();
        let user = UserSecrets::from_phrase(&phrase).unwrap();
        let again = UserSecrets::from_phrase(&phrase).unwrap();
        assert_eq!(user.storage_key(ONE), again.storage_key(ONE));
        assert_ne!(user.storage_key(ONE), user.storage_key(TWO));
        assert_ne!(*user.storage_key(ONE), *user.storage, "the root is never handed out");
    }

    /// Frozen: a change here would orphan every existing user.
    #[test]
    fn derived_keys_are_frozen() {
        let phrase = RecoveryPhrase::from_entropy(&[0; 32]);
        let user = UserSecrets::from_phrase(&phrase).unwrap();
        assert_eq!(user.user_key().to_string(), "axtaacfibw9khsyug3gc4tck8z8anfsjujnubgfs19a5sxqcpifo");
        assert_eq!(user.ledger_address().to_string(), "0xF278cF59F82eDcf871d630F28EcC8056f25C1cdb");
        let storage = user.storage_key(Purpose::named("test/frozen"));
        assert_eq!(
            data_encoding::HEXLOWER.encode(storage.as_ref()),
            "c8d25e0db506aa2103015a4fc21901b5890671955e07a8ee76f822061f2bd667"
        );
    }
}
