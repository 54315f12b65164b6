//! Both sides of the handshake, and the words that follow it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use rustls::server::NoServerSessionStorage;
use rustls::{AlertDescription, CertificateError, CipherSuite, ClientConfig, ServerConfig};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use weft_identity::DeviceSecret;

use super::keys::{ClientKey, HandshakeKey, ServerKey, key_of};
use super::link::TlsLink;
use super::verify::Verifier;
use super::{ALPN, sni};
use crate::connector::StreamType;
use crate::keys::PeerKey;
use crate::registry::{Status, decode_purpose, encode_purpose, purpose_len};

/// Which network a node is of, as it says inside the encrypted stream: the first 8 bytes of
/// SHA-256("weft network 1\n" ‖ name on the wire). Enough that no two networks that meet have the same by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NetworkTag([u8; 8]);

impl NetworkTag {
    /// The tag of a network by its name on the wire (`public`, `private/<name>`).
    pub fn of(wire_name: &str) -> Self {
        let digest = Sha256::digest(format!("weft network 1\n{wire_name}"));
        let mut tag = [0; 8];
        tag.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        NetworkTag(tag)
    }
}

/// Who a client wants to find at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// This peer, and nobody else.
    Peer(PeerKey),
    /// Whoever offers a public role there. The key shown to them is a throwaway.
    AnyRole,
}

/// This node's side of every TLS link, as client and as server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TlsEndpoint {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    key: HandshakeKey,
    network: NetworkTag,
    provider: Arc<CryptoProvider>,
    server_key: Arc<ServerKey>,
    server: Arc<ServerConfig>,
}

impl TlsEndpoint {
    /// The endpoint of a device on a network.
    ///
    /// # Errors
    /// [`TlsError::Setup`] if the library refuses what it is built with; a fault of the build, not of the user.
    pub fn new(secret: &DeviceSecret, network: NetworkTag) -> Result<Self, TlsError> {
        let key = HandshakeKey::new(&secret.expose_for_transport()).ok_or(TlsError::WeakKey)?;
        let provider = Arc::new(provider());
        let server_key = Arc::new(ServerKey::new(&key));
        let server = Arc::new(server_config(&provider, Arc::clone(&server_key)).map_err(TlsError::Setup)?);
        Ok(TlsEndpoint { inner: Arc::new(Inner { key, network, provider, server_key, server }) })
    }

    /// The key this endpoint proves.
    pub fn key(&self) -> PeerKey {
        self.inner.key.public()
    }

    /// Whether anybody may learn this node's key by asking for a role: on while a public role is offered, else off.
    pub fn offer_role(&self, on: bool) {
        self.inner.server_key.offer_role(on);
    }

    /// Opens a link for `purpose` over a connection to whoever is expected. Bound its time by a timeout around it.
    ///
    /// # Errors
    /// [`TlsError::WrongPeer`] if somebody else is there, [`TlsError::Refused`] if the peer does not want this stream,
    /// [`TlsError::Io`] if the connection fails.
    pub async fn connect(&self, stream: TcpStream, expect: Expect, purpose: StreamType) -> Result<TlsLink, TlsError> {
        let (name, expected, shown) = match expect {
            Expect::Peer(key) => (sni::blind(&key, &rand::random()), Some(key), self.inner.key.clone()),
            Expect::AnyRole => (sni::ROLE.to_owned(), None, throwaway()?),
        };
        let config = client_config(&self.inner.provider, expected, &shown).map_err(TlsError::Setup)?;
        let name = ServerName::try_from(name).map_err(|_| TlsError::Setup(rustls::Error::UnsupportedNameType))?;
        let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
        let mut stream = connecting.await.map_err(|error| TlsError::of_handshake(error, expected))?;

        let mut opening = self.inner.network.0.to_vec();
        opening.extend(encode_purpose(purpose));
        stream.write_all(&opening).await.map_err(TlsError::Io)?;
        stream.flush().await.map_err(TlsError::Io)?;
        let status = stream.read_u8().await.map_err(TlsError::Io)?;
        match Status::from_code(status) {
            Status::Ok => {}
            refused => return Err(TlsError::Refused(refused)),
        }
        let (stream, tls) = stream.into_inner();
        let peer = proven_key(tls.peer_certificates())?;
        Ok(TlsLink::new(stream, tls.into(), peer))
    }

    /// Takes a connection as the server: proves our key if the client means us, learns the client's, and hears what
    /// it wants. Bound its time by a timeout around it.
    ///
    /// # Errors
    /// [`TlsError::Io`] if the client did not mean us, is no Weft, or went away; [`TlsError::BadOpening`] if what it says
    /// after the handshake makes no sense.
    pub async fn accept(&self, stream: TcpStream) -> Result<IncomingTls, TlsError> {
        let accepting = TlsAcceptor::from(Arc::clone(&self.inner.server)).accept(stream);
        let mut stream = accepting.await.map_err(|error| TlsError::of_handshake(error, None))?;
        let peer = proven_key(stream.get_ref().1.peer_certificates())?;
        let mut tag = [0; 8];
        stream.read_exact(&mut tag).await.map_err(TlsError::Io)?;
        let len = purpose_len(stream.read_u8().await.map_err(TlsError::Io)?).ok_or(TlsError::BadOpening)?;
        let mut name = vec![0; len];
        stream.read_exact(&mut name).await.map_err(TlsError::Io)?;
        let purpose = decode_purpose(&name).ok_or(TlsError::BadOpening)?.to_owned();
        let same_network = NetworkTag(tag) == self.inner.network;
        Ok(IncomingTls { stream, peer, purpose, same_network })
    }
}

/// A client that has proven its key and said what it wants; to be accepted or refused.
#[derive(Debug)]
pub struct IncomingTls {
    stream: tokio_rustls::server::TlsStream<TcpStream>,
    peer: PeerKey,
    purpose: String,
    same_network: bool,
}

impl IncomingTls {
    /// The key the client has proven.
    pub fn peer(&self) -> PeerKey {
        self.peer
    }

    /// The stream type it asks for.
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// Whether it is of our network.
    pub fn same_network(&self) -> bool {
        self.same_network
    }

    /// Where it comes from.
    pub fn remote(&self) -> Option<SocketAddr> {
        self.stream.get_ref().0.peer_addr().ok()
    }

    /// Says yes and makes a link of it.
    ///
    /// # Errors
    /// [`TlsError::Io`] if the client went away.
    pub async fn accept(mut self) -> Result<TlsLink, TlsError> {
        self.say(Status::Ok).await?;
        let (stream, tls) = self.stream.into_inner();
        Ok(TlsLink::new(stream, tls.into(), self.peer))
    }

    /// Says why not, and ends the connection.
    ///
    /// # Errors
    /// [`TlsError::Io`] if the client went away.
    pub async fn refuse(mut self, why: Status) -> Result<(), TlsError> {
        self.say(why).await?;
        self.stream.shutdown().await.map_err(TlsError::Io)
    }

    async fn say(&mut self, status: Status) -> Result<(), TlsError> {
        self.stream.write_u8(status.code()).await.map_err(TlsError::Io)?;
        self.stream.flush().await.map_err(TlsError::Io)
    }
}

/// Why a TLS link did not come about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The library refuses its configuration.
    #[error("TLS cannot be set up: this build is faulty")]
    Setup(#[source] rustls::Error),
    /// The device key cannot be used.
    #[error("this device's key is weak and cannot be used: make a new one")]
    WeakKey,
    /// Somebody else is there, or nobody who admits to the key.
    #[error("who answered is not {expected}: the address is stale or somebody else's")]
    WrongPeer {
        /// Who was expected.
        expected: PeerKey,
    },
    /// The peer does not want this stream.
    #[error("the peer refused the stream: {}", reason(*.0))]
    Refused(Status),
    /// What the client said after the handshake is no stream type.
    #[error("the peer's first words make no sense: it may be of a newer version")]
    BadOpening,
    /// The connection failed.
    #[error("the TLS connection failed")]
    Io(#[source] io::Error),
}

impl TlsError {
    fn of_handshake(error: io::Error, expected: Option<PeerKey>) -> Self {
        let other_key = rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
        let not_meant = rustls::Error::AlertReceived(AlertDescription::AccessDenied);
        let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match (cause, expected) {
            (Some(cause), Some(expected)) if *cause == other_key || *cause == not_meant => {
                TlsError::WrongPeer { expected }
            }
            _ => TlsError::Io(error),
        }
    }
}

fn reason(status: Status) -> &'static str {
    match status {
        Status::Ok => "no reason",
        Status::NotServed => "it does not serve this stream type",
        Status::Blocked => "it blocks this node",
        Status::WrongNetwork => "it is of another network",
        Status::Busy => "it has too many connections",
        Status::Unknown(_) => "a reason of a newer version",
    }
}

fn proven_key(shown: Option<&[rustls::pki_types::CertificateDer<'_>]>) -> Result<PeerKey, TlsError> {
    // The verifier let nothing else pass; without it there is no handshake.
    shown
        .and_then(<[_]>::first)
        .and_then(|raw| key_of(raw))
        .ok_or(TlsError::Setup(rustls::Error::NoCertificatesPresented))
}

fn throwaway() -> Result<HandshakeKey, TlsError> {
    HandshakeKey::new(&zeroize::Zeroizing::new(rand::random())).ok_or(TlsError::WeakKey)
}

/// ring, X25519, and the AEAD that this machine does fastest first.
pub(super) fn provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    provider.kx_groups = vec![ring::kx_group::X25519];
    let first =
        if has_aes() { CipherSuite::TLS13_AES_128_GCM_SHA256 } else { CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 };
    provider.cipher_suites.retain(|suite| suite.tls13().is_some());
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != first);
    provider
}

fn has_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

fn client_config(
    provider: &Arc<CryptoProvider>,
    expected: Option<PeerKey>,
    shown: &HandshakeKey,
) -> Result<ClientConfig, rustls::Error> {
    let verifier = Verifier::new(expected, provider.signature_verification_algorithms);
    let mut config = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(ClientKey(shown.certified())));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

fn server_config(provider: &Arc<CryptoProvider>, key: Arc<ServerKey>) -> Result<ServerConfig, rustls::Error> {
    let verifier = Verifier::new(None, provider.signature_verification_algorithms);
    let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(key);
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}
