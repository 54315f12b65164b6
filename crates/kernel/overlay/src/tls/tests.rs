//! Hostile ends: an impostor server, a prober, a client that proves nothing.

use std::io::Write;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use weft_identity::DeviceSecret;

use super::endpoint::provider;
use super::keys::{ClientKey, HandshakeKey};
use super::verify::Verifier;
use super::*;
use crate::link::Link;
use crate::{PeerKey, StreamType};

const PURPOSE: StreamType = StreamType::new("test/1");

fn endpoint(seed: u8) -> TlsEndpoint {
    TlsEndpoint::new(&DeviceSecret::from_bytes(&[seed; 32]), NetworkTag::of("public")).unwrap()
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (client, listener.accept().await.unwrap().0)
}

/// Shows its key to everybody, as an impostor would.
#[derive(Debug)]
struct ShowsAnybody(Arc<CertifiedKey>);

impl ResolvesServerCert for ShowsAnybody {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn only_raw_public_keys(&self) -> bool {
        true
    }
}

fn impostor(certified: Arc<CertifiedKey>) -> Arc<ServerConfig> {
    let provider = Arc::new(provider());
    let verifier = Verifier::new(None, provider.signature_verification_algorithms);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(ShowsAnybody(certified)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    Arc::new(config)
}

#[tokio::test]
async fn an_impostor_with_a_key_of_its_own_is_found_out() {
    let (client, server) = pair().await;
    let key = HandshakeKey::new(&[66; 32]).unwrap();
    let impostor = tokio_rustls::TlsAcceptor::from(impostor(key.certified()));
    let served = tokio::spawn(async move { impostor.accept(server).await.map(drop) });
    let meant = endpoint(2).key();
    let error = endpoint(1).connect(client, Expect::Peer(meant), PURPOSE).await.unwrap_err();
    assert!(matches!(error, TlsError::WrongPeer { expected } if expected == meant), "{error:?}");
    assert!(served.await.unwrap().is_err(), "and it never saw our key");
}

#[tokio::test]
async fn an_impostor_with_the_right_key_but_not_its_secret_is_found_out() {
    let (client, server) = pair().await;
    let meant = HandshakeKey::new(&[2; 32]).unwrap();
    // The key of the meant peer, signed for with another secret.
    let shown: Vec<CertificateDer<'static>> = meant.certified().cert.clone();
    let forged = Arc::new(CertifiedKey::new(shown, Arc::new(HandshakeKey::new(&[66; 32]).unwrap())));
    let impostor = tokio_rustls::TlsAcceptor::from(impostor(forged));
    let served = tokio::spawn(async move { impostor.accept(server).await.map(drop) });
    let answer = endpoint(1).connect(client, Expect::Peer(meant.public()), PURPOSE).await;
    assert!(answer.is_err());
    assert!(served.await.unwrap().is_err());
}

/// A client hello as somebody would send it who does not know the key.
fn hello(name: &str, alpn: &[u8], raw_keys: bool) -> Vec<u8> {
    let provider = Arc::new(provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap();
    let mut config = if raw_keys {
        let verifier = Verifier::new(None, provider.signature_verification_algorithms);
        let shown = HandshakeKey::new(&[66; 32]).unwrap().certified();
        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        builder.with_client_cert_resolver(Arc::new(ClientKey(shown)))
    } else {
        builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
    };
    config.alpn_protocols = if alpn.is_empty() { vec![] } else { vec![alpn.to_vec()] };
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).unwrap();
    bytes
}

/// Everything the server says to these bytes.
async fn answer(server: &TlsEndpoint, hello: &[u8]) -> Vec<u8> {
    let (mut client, stream) = pair().await;
    let endpoint = server.clone();
    let served = tokio::spawn(async move { endpoint.accept(stream).await.map(drop) });
    client.write_all(hello).await.unwrap();
    client.shutdown().await.unwrap();
    let mut said = Vec::new();
    client.read_to_end(&mut said).await.unwrap();
    assert!(served.await.unwrap().is_err());
    said
}

fn is_one_alert(said: &[u8]) -> bool {
    said.len() == 7 && said[0] == 0x15
}

#[tokio::test]
async fn a_prober_without_the_key_sees_one_alert() {
    let server = endpoint(2);
    let other = sni::blind(&endpoint(3).key(), &[1; 16]);
    let hellos = [
        hello("example.com", b"h2", false),
        hello("example.com", ALPN, true),
        hello("weft.internal", ALPN, true),
        hello(sni::ROLE, ALPN, true),
        hello(&other, ALPN, true),
        hello(&sni::blind(&server.key(), &[1; 16]), b"h2", true),
        hello(&sni::blind(&server.key(), &[2; 16]), b"", true),
    ];
    for (n, hello) in hellos.iter().enumerate() {
        let said = answer(&server, hello).await;
        assert!(is_one_alert(&said), "hello {n}: {said:02x?}");
    }
}

#[tokio::test]
async fn a_name_said_again_by_a_bystander_gets_one_alert() {
    let server = endpoint(2);
    let hello = hello(&sni::blind(&server.key(), &[7; 16]), ALPN, true);
    let first = answer(&server, &hello).await;
    assert!(first.len() > 200, "who knows the key is answered: the test can tell the difference");
    assert!(is_one_alert(&answer(&server, &hello).await));
}

#[tokio::test]
async fn a_client_that_proves_nothing_gets_no_stream() {
    let server = endpoint(2);
    let (client, stream) = pair().await;
    let accepting = server.clone();
    let served = tokio::spawn(async move { accepting.accept(stream).await.map(drop) });
    let provider = Arc::new(provider());
    let verifier = Verifier::new(Some(server.key()), provider.signature_verification_algorithms);
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    let name = ServerName::try_from(sni::blind(&server.key(), &[1; 16])).unwrap();
    let connected = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, client).await;
    let refused = served.await.unwrap();
    assert!(refused.is_err(), "{refused:?}");
    if let Ok(mut stream) = connected {
        assert!(stream.read_u8().await.is_err());
    }
}

#[tokio::test]
async fn a_client_with_a_forged_key_gets_no_stream() {
    let server = endpoint(2);
    let (client, stream) = pair().await;
    let accepting = server.clone();
    let served = tokio::spawn(async move { accepting.accept(stream).await.map(drop) });
    let victim = HandshakeKey::new(&[5; 32]).unwrap().certified();
    let forged = CertifiedKey::new(victim.cert.clone(), Arc::new(HandshakeKey::new(&[66; 32]).unwrap()));
    let provider = Arc::new(provider());
    let verifier = Verifier::new(Some(server.key()), provider.signature_verification_algorithms);
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(ClientKey(Arc::new(forged))));
    config.alpn_protocols = vec![ALPN.to_vec()];
    let name = ServerName::try_from(sni::blind(&server.key(), &[1; 16])).unwrap();
    let connecting = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, client);
    let (connected, refused) = tokio::join!(connecting, served);
    assert!(refused.unwrap().is_err());
    drop(connected);
}

#[tokio::test]
async fn words_after_the_handshake_that_make_no_sense_are_refused() {
    for opening in [&b"\x00"[..], b"\x21", b"\xff", b"\x03A/1", b"\x02a\x00"] {
        let server = endpoint(2);
        let (client, stream) = pair().await;
        let accepting = server.clone();
        let served = tokio::spawn(async move { accepting.accept(stream).await });
        let provider = Arc::new(provider());
        let verifier = Verifier::new(Some(server.key()), provider.signature_verification_algorithms);
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(ClientKey(HandshakeKey::new(&[1; 32]).unwrap().certified())));
        config.alpn_protocols = vec![ALPN.to_vec()];
        let name = ServerName::try_from(sni::blind(&server.key(), &[1; 16])).unwrap();
        let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, client).await.unwrap();
        stream.write_all(&[0; 8]).await.unwrap();
        stream.write_all(opening).await.unwrap();
        let answer = served.await.unwrap();
        assert!(matches!(answer, Err(TlsError::BadOpening)), "{opening:?}");
    }
}

/// Both ends of a TLS link.
async fn links() -> (TlsLink, TlsLink) {
    let (client, server) = pair().await;
    let (a, b) = (endpoint(1), endpoint(2));
    let (expected, opener): (PeerKey, PeerKey) = (b.key(), a.key());
    let accepted = async {
        let incoming = b.accept(server).await.unwrap();
        assert_eq!((incoming.peer(), incoming.purpose(), incoming.same_network()), (opener, "test/1", true));
        incoming.accept().await.unwrap()
    };
    let (client, server) = tokio::join!(a.connect(client, Expect::Peer(expected), PURPOSE), accepted);
    (client.unwrap(), server)
}

#[tokio::test]
async fn ciphertext_tampered_with_is_noticed() {
    let (client, mut server) = links().await;
    let (mut raw, mut tls) = client.into_parts();
    tls.writer().write_all(b"hello").unwrap();
    let mut record = Vec::new();
    tls.write_tls(&mut record).unwrap();
    let last = record.len() - 1;
    record[last] ^= 1;
    raw.write_all(&record).await.unwrap();
    let error = (&mut server as &mut dyn Link).read_exact(&mut [0; 5]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn what_idles_holds_little() {
    let (mut client, mut server) = links().await;
    let bulk = vec![7; 4 << 20];
    let sending = async {
        (&mut client as &mut dyn Link).write_all(&bulk).await.unwrap();
        (&mut client as &mut dyn Link).flush().await.unwrap();
    };
    let mut received = vec![0; bulk.len()];
    let receiving = (&mut server as &mut dyn Link).read_exact(&mut received);
    let ((), done) = tokio::join!(sending, receiving);
    done.unwrap();
    assert_eq!(received, bulk);
    for _ in 0..8 {
        (&mut client as &mut dyn Link).write_all(b"x").await.unwrap();
        (&mut server as &mut dyn Link).read_exact(&mut [0]).await.unwrap();
    }
    assert!(server.held() <= 8 * 1024, "{} bytes held", server.held());
}
