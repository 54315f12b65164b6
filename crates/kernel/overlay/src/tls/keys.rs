//! The device key as rustls wants it: a raw public key (RFC 7250) and a signer.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ed25519_dalek::Signer as _;
use parking_lot::Mutex;
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer, alg_id};
use rustls::sign::{CertifiedKey, Signer, SigningKey, public_key_to_spki};
use rustls::{SignatureAlgorithm, SignatureScheme};

use super::sni::{self, SeenNames};
use crate::keys::PeerKey;

/// A key that signs handshakes. The secret is zeroised when the last clone is dropped.
#[derive(Clone)]
pub(super) struct HandshakeKey {
    secret: Arc<ed25519_dalek::SigningKey>,
    public: PeerKey,
}

impl HandshakeKey {
    /// The key of these secret bytes; nothing for the few secrets whose public key is weak.
    pub(super) fn new(secret: &[u8; 32]) -> Option<Self> {
        let secret = Arc::new(ed25519_dalek::SigningKey::from_bytes(secret));
        let public = PeerKey::from_bytes(secret.verifying_key().to_bytes()).ok()?;
        Some(HandshakeKey { secret, public })
    }

    pub(super) fn public(&self) -> PeerKey {
        self.public
    }

    pub(super) fn certified(&self) -> Arc<CertifiedKey> {
        let raw = CertificateDer::from(spki_of(&self.public).to_vec());
        Arc::new(CertifiedKey::new(vec![raw], Arc::new(self.clone())))
    }
}

impl fmt::Debug for HandshakeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl SigningKey for HandshakeKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered.contains(&SignatureScheme::ED25519).then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(spki_of(&self.public))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ED25519
    }
}

impl Signer for HandshakeKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Ok(self.secret.sign(message).to_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

/// The key as a SubjectPublicKeyInfo (RFC 8410).
pub(super) fn spki_of(key: &PeerKey) -> SubjectPublicKeyInfoDer<'static> {
    public_key_to_spki(&alg_id::ED25519, key.as_bytes())
}

/// The key in a SubjectPublicKeyInfo; nothing unless it is exactly the encoding of an Ed25519 key that is not weak.
pub(super) fn key_of(spki: &[u8]) -> Option<PeerKey> {
    let raw: [u8; 32] = *spki.last_chunk()?;
    let key = PeerKey::from_bytes(raw).ok()?;
    (spki_of(&key).as_ref() == spki).then_some(key)
}

/// What a client shows.
#[derive(Debug)]
pub(super) struct ClientKey(pub(super) Arc<CertifiedKey>);

impl rustls::client::ResolvesClientCert for ClientKey {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn only_raw_public_keys(&self) -> bool {
        true
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// What a server shows, and to whom: to those who name it, and by role to anybody if it has one. Everybody else gets an
/// alert, before any key or signature of ours.
#[derive(Debug)]
pub(super) struct ServerKey {
    certified: Arc<CertifiedKey>,
    public: PeerKey,
    role: AtomicBool,
    seen: Mutex<SeenNames>,
}

impl ServerKey {
    pub(super) fn new(key: &HandshakeKey) -> Self {
        ServerKey {
            certified: key.certified(),
            public: key.public(),
            role: AtomicBool::new(false),
            seen: Mutex::default(),
        }
    }

    pub(super) fn offer_role(&self, on: bool) {
        self.role.store(on, Ordering::Relaxed);
    }

    fn is_meant(&self, name: &str) -> bool {
        (name == sni::ROLE && self.role.load(Ordering::Relaxed)) || self.seen.lock().take(name, &self.public)
    }
}

impl rustls::server::ResolvesServerCert for ServerKey {
    fn resolve(&self, hello: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let ours = hello.alpn().is_some_and(|mut protocols| protocols.any(|p| p == super::ALPN));
        let meant = ours && hello.server_name().is_some_and(|name| self.is_meant(name));
        meant.then(|| Arc::clone(&self.certified))
    }

    fn only_raw_public_keys(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn raw_keys_round_trip() {
        let key = HandshakeKey::new(&[5; 32]).unwrap();
        assert_eq!(key_of(spki_of(&key.public()).as_ref()), Some(key.public()));
        assert!(!format!("{key:?}").contains("5, 5"), "no secret in what is printed");
    }

    #[test]
    fn weak_keys_are_nobodys() {
        // The identity point: anybody can sign for it.
        let mut weak = [0; 32];
        weak[0] = 1;
        assert_eq!(key_of(public_key_to_spki(&alg_id::ED25519, weak).as_ref()), None);
    }

    proptest! {
        #[test]
        fn hostile_keys_are_answered_not_panicked_at(mut bytes: Vec<u8>, seed: [u8; 32]) {
            prop_assert_eq!(key_of(&bytes), None);
            if let Some(key) = HandshakeKey::new(&seed) {
                bytes.extend_from_slice(spki_of(&key.public()).as_ref());
                prop_assert_eq!(key_of(&bytes).is_some(), bytes.len() == 44);
            }
        }
    }
}
