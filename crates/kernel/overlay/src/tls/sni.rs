//! Naming a server without saying who it is.
//!
//! The server name of a hello is sent in the clear. It is `<nonce>.<proof>.weft.internal`: 16 random bytes, and the first
//! 16 bytes of SHA-256("weft sni 1" ‖ server key ‖ nonce), each in hex. Who knows the key can make one; who does not
//! learns nothing from one, and two of them look unrelated. A server takes each name once, so that a bystander cannot say
//! it again to see which key answers.
//!
//! A server that offers a public role also answers to [`ROLE`].

use std::collections::{HashSet, VecDeque};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::keys::PeerKey;

/// The name by which anybody may reach a server that offers a public role.
pub const ROLE: &str = "role.weft.internal";

const CONTEXT: &[u8] = b"weft sni 1";
const SUFFIX: &str = ".weft.internal";
/// 128 bits: no two clients draw the same, and no proof is guessed.
const HALF: usize = 16;
/// Names remembered: only who knows the key can make one that counts, so strangers cannot flush the memory. 64 KiB.
const MAX_SEEN: usize = 4096;

/// The blind name of `key` for this nonce, to be used once.
pub fn blind(key: &PeerKey, nonce: &[u8; 16]) -> String {
    format!("{}.{}{SUFFIX}", HEXLOWER.encode(nonce), HEXLOWER.encode(&proof(key, nonce)))
}

fn proof(key: &PeerKey, nonce: &[u8; HALF]) -> [u8; HALF] {
    let digest = Sha256::new().chain_update(CONTEXT).chain_update(key.as_bytes()).chain_update(nonce).finalize();
    let mut proof = [0; HALF];
    proof.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    proof
}

/// The nonce of a name that means `key`; nothing for any other name.
fn nonce_if_meant(name: &str, key: &PeerKey) -> Option<[u8; HALF]> {
    let (nonce, said) = name.strip_suffix(SUFFIX)?.split_once('.')?;
    let nonce = half(nonce)?;
    let said = half(said)?;
    bool::from(said.ct_eq(&proof(key, &nonce))).then_some(nonce)
}

fn half(text: &str) -> Option<[u8; HALF]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

/// The names a server has answered to.
#[derive(Debug, Default)]
pub(super) struct SeenNames {
    set: HashSet<[u8; HALF]>,
    order: VecDeque<[u8; HALF]>,
}

impl SeenNames {
    /// Whether `name` means `key` and was never said before.
    pub(super) fn take(&mut self, name: &str, key: &PeerKey) -> bool {
        let Some(nonce) = nonce_if_meant(name, key) else { return false };
        if !self.set.insert(nonce) {
            return false;
        }
        self.order.push_back(nonce);
        if self.order.len() > MAX_SEEN
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(seed: u8) -> PeerKey {
        let secret = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        PeerKey::from_bytes(secret.verifying_key().to_bytes()).unwrap()
    }

    #[test]
    fn the_name_means_its_key_alone_and_once() {
        let name = blind(&key(1), &[9; 16]);
        assert!(name.split('.').all(|label| label.len() <= 63), "{name}");
        let mut seen = SeenNames::default();
        assert!(!seen.take(&name, &key(2)));
        assert!(seen.take(&name, &key(1)));
        assert!(!seen.take(&name, &key(1)), "said again by a bystander");
        assert!(seen.take(&blind(&key(1), &[8; 16]), &key(1)));
    }

    #[test]
    fn the_format_is_frozen() {
        // Independent of the code: printf 'weft sni 1' | cat - KEY NONCE | sha256sum, cut to 32 digits.
        let mut input = b"weft sni 1".to_vec();
        input.extend_from_slice(key(1).as_bytes());
        input.extend_from_slice(&[0xab; 16]);
        let digest = HEXLOWER.encode(&Sha256::digest(&input));
        assert_eq!(blind(&key(1), &[0xab; 16]), format!("{}.{}.weft.internal", "ab".repeat(16), &digest[..32]));
    }

    #[test]
    fn memory_is_bounded() {
        let mut seen = SeenNames::default();
        for i in 0..(MAX_SEEN as u128 + 10) {
            assert!(seen.take(&blind(&key(1), &i.to_be_bytes()), &key(1)));
        }
        assert_eq!((seen.set.len(), seen.order.len()), (MAX_SEEN, MAX_SEEN));
    }

    proptest! {
        #[test]
        fn hostile_names_mean_nobody(name in "[0-9a-f.]{0,80}(\\.weft\\.internal)?") {
            prop_assert!(!SeenNames::default().take(&name, &key(1)));
        }
    }
}
