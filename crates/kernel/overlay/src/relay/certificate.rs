//! The relay's key and the certificate it shows; and how those who dial it check both against its name.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use iroh::tls::CaTlsConfig;
use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use weft_identity::DeviceSecret;

use super::name::RelayName;
use crate::keys::PeerKey;

/// What precedes the 32 key bytes in the `SubjectPublicKeyInfo` of an Ed25519 key (RFC 8410 §4).
const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// What precedes the 32 seed bytes in the PKCS#8 form of an Ed25519 key (RFC 8410 §7).
const ED25519_PKCS8: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// Longer seed files are not ours.
const SEED_BYTES: usize = 32;

/// Why the relay's key or certificate could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayKeyError {
    /// The key file cannot be read or written.
    #[error("cannot read or write the relay's key file {path}: check the folder's permissions and free space")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system gives no randomness.
    #[error("this system gives no randomness for a new relay key")]
    Randomness(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The certificate could not be made.
    #[error("cannot make the relay's certificate")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The relay's own key: not the device's, so that a fault in one protocol cannot speak for the other. Zeroised on drop.
pub(crate) struct RelayKey(DeviceSecret);

impl RelayKey {
    /// A new key, for this run only.
    pub(crate) fn generate() -> Result<Self, RelayKeyError> {
        DeviceSecret::generate().map(RelayKey).map_err(|source| RelayKeyError::Randomness(Box::new(source)))
    }

    /// The key in `dir`, made there if there is none: a relay keeps its name between starts.
    pub(crate) fn load_or_create(dir: &Path) -> Result<Self, RelayKeyError> {
        let path = dir.join("relay.key");
        let failed = |source| RelayKeyError::File { path: path.display().to_string(), source };
        match fs::read(&path) {
            Ok(bytes) => {
                let bytes = zeroize::Zeroizing::new(bytes);
                let seed: &[u8; SEED_BYTES] =
                    bytes.as_slice().try_into().map_err(|_| failed(io::ErrorKind::InvalidData.into()))?;
                Ok(RelayKey(DeviceSecret::from_bytes(seed)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = Self::generate()?;
                let write = || {
                    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
                    file.write_all(key.0.expose_for_transport().as_slice())?;
                    file.sync_all()
                };
                write().map_err(failed)?;
                Ok(key)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// The public key, which the relay's name carries.
    pub(crate) fn public(&self) -> PeerKey {
        self.0.public()
    }

    /// A TLS server with a self-signed certificate of this key, for the relay (TCP) and its address discovery (QUIC).
    pub(crate) fn server_config(&self, name: &RelayName) -> Result<rustls::ServerConfig, RelayKeyError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| RelayKeyError::Certificate(source);
        let mut der = zeroize::Zeroizing::new(ED25519_PKCS8.to_vec());
        der.extend_from_slice(self.0.expose_for_transport().as_slice());
        let pkcs8 = PrivatePkcs8KeyDer::from(der.to_vec());
        let pair =
            KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_ED25519).map_err(|error| failed(Box::new(error)))?;
        let certificate = CertificateParams::new(vec![name.host()])
            .and_then(|params| params.self_signed(&pair))
            .map_err(|error| failed(Box::new(error)))?;
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| failed(Box::new(error)))?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(pkcs8))
            .map_err(|error| failed(Box::new(error)))
    }
}

/// Checks relays: a self-certifying name against the certificate's key, a real domain by the public authorities.
#[derive(Debug)]
pub(crate) struct RelayVerifier {
    domains: Arc<dyn ServerCertVerifier>,
    provider: Arc<CryptoProvider>,
}

/// The verifier as iroh takes it.
pub(crate) fn ca_tls_config() -> CaTlsConfig {
    CaTlsConfig::custom_server_cert_verifier(Arc::new(|provider| Ok(Arc::new(RelayVerifier::new(provider)?))))
}

impl RelayVerifier {
    pub(crate) fn new(provider: Arc<CryptoProvider>) -> io::Result<Self> {
        let domains = CaTlsConfig::embedded().server_cert_verifier(provider.clone())?;
        Ok(RelayVerifier { domains, provider })
    }
}

/// The key that a self-certifying name demands.
fn demanded_key(name: &ServerName<'_>) -> Option<PeerKey> {
    match name {
        ServerName::DnsName(host) => RelayName::parse_host(host.as_ref()).map(|(key, _)| key),
        _ => None,
    }
}

fn has_key(certificate: &CertificateDer<'_>, key: &PeerKey) -> Result<bool, rustls::Error> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    let spki = parsed.subject_public_key_info();
    Ok(spki.as_ref().strip_prefix(&ED25519_SPKI) == Some(key.as_bytes().as_slice()))
}

impl ServerCertVerifier for RelayVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(key) = demanded_key(server_name) else {
            return self.domains.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        };
        // The handshake's signature, checked below, proves that the server holds the key of this certificate. That it is
        // the key in the name is all that is left to check: the name is the authority, and neither dates nor the
        // certificate's own names add to it.
        match has_key(end_entity, &key)? {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(key: &RelayKey) -> RelayName {
        RelayName { key: key.public(), address: "203.0.113.7:443".parse().unwrap() }
    }

    fn verifier() -> Arc<RelayVerifier> {
        Arc::new(RelayVerifier::new(Arc::new(rustls::crypto::ring::default_provider())).unwrap())
    }

    /// A whole TLS handshake in memory: who dials `name`, and a server with `key`'s certificate.
    fn handshake(name: &RelayName, key: &RelayKey) -> Result<(), rustls::Error> {
        let server = Arc::new(key.server_config(&name_of(key)).unwrap());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier())
            .with_no_client_auth();
        let mut client = rustls::ClientConnection::new(Arc::new(client), name.host().try_into().unwrap())?;
        let mut server = rustls::ServerConnection::new(server)?;
        while client.is_handshaking() || server.is_handshaking() {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut wire.as_slice()).unwrap();
            server.process_new_packets()?;
            let mut wire = Vec::new();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut wire.as_slice()).unwrap();
            client.process_new_packets()?;
        }
        Ok(())
    }

    #[test]
    fn the_key_in_the_name_is_the_only_one_accepted() {
        let (key, other) = (RelayKey::generate().unwrap(), RelayKey::generate().unwrap());
        handshake(&name_of(&key), &key).unwrap();
        let refused = handshake(&name_of(&key), &other).unwrap_err();
        assert!(matches!(refused, rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)));
    }

    #[test]
    fn a_self_signed_certificate_does_not_pass_for_a_real_domain() {
        let key = RelayKey::generate().unwrap();
        let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let certificate = CertificateParams::new(vec!["relay.example".into()]).unwrap().self_signed(&pair).unwrap();
        for name in ["relay.example".to_owned(), format!("{}.weft.example", key.public())] {
            let name = ServerName::try_from(name).unwrap();
            assert!(verifier().verify_server_cert(certificate.der(), &[], &name, &[], UnixTime::now()).is_err());
        }
    }

    #[test]
    fn the_key_is_kept_privately() {
        let dir = tempfile::tempdir().unwrap();
        let first = RelayKey::load_or_create(dir.path()).unwrap().public();
        assert_eq!(RelayKey::load_or_create(dir.path()).unwrap().public(), first);
        let path = dir.path().join("relay.key");
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, b"short").unwrap();
        assert!(matches!(RelayKey::load_or_create(dir.path()), Err(RelayKeyError::File { .. })));
    }
}
