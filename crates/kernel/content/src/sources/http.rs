//! Announces over HTTP and HTTPS (BEP 3, BEP 23), never to an address that the guard refuses.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use rustls_platform_verifier::BuilderVerifierExt;
use url::{Host, Url};
use weft_bittorrent::tracker::http::{HttpTrackerError, Retry, announce_url, parse_announce};
use weft_bittorrent::tracker::{Announce, AnnounceResponse, MAX_ANSWER_LEN};
use weft_overlay::guard::{AddressGuard, GuardError, Origin};

/// 3 redirects: http to https, and to another name.
const MAX_REDIRECTS: usize = 3;

/// 2 connections a tracker host kept for the next announce.
const MAX_IDLE: usize = 2;

/// Why an announce failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnnounceError {
    #[error("the tracker's URL cannot be used")]
    Url,
    #[error(transparent)]
    Guard(#[from] GuardError),
    #[error("the tracker cannot be reached: {}", innermost(.0))]
    Http(#[from] reqwest::Error),
    #[error("the tracker answers with HTTP status {0}")]
    Status(u16),
    #[error(transparent)]
    Answer(#[from] HttpTrackerError),
    #[error(transparent)]
    Udp(#[from] weft_bittorrent::tracker::udp::UdpTrackerError),
    #[error("the tracker cannot be reached: {0}")]
    Socket(#[from] std::io::Error),
}

impl AnnounceError {
    /// When the tracker wants to be asked again, if it said so (BEP 31).
    pub(crate) fn retry(&self) -> Option<Retry> {
        match self {
            AnnounceError::Answer(HttpTrackerError::Failure { retry, .. }) => *retry,
            _ => None,
        }
    }
}

/// The last cause of an HTTP error, without the URL: it may hold a passkey.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    match cause.downcast_ref::<reqwest::Error>() {
        Some(error) if error.is_timeout() => "it did not answer in time".to_owned(),
        Some(_) => "the request failed".to_owned(),
        None => cause.to_string(),
    }
}

/// The HTTP clients: one for trackers the user named, one for those that strangers named.
#[derive(Clone)]
pub(crate) struct HttpTrackers {
    guard: AddressGuard,
    user: reqwest::Client,
    stranger: reqwest::Client,
}

impl HttpTrackers {
    pub(crate) fn new(guard: AddressGuard, timeout: Duration) -> Result<Self, reqwest::Error> {
        let user = client(&guard, Origin::User, timeout)?;
        let stranger = client(&guard, Origin::Stranger, timeout)?;
        Ok(HttpTrackers { guard, user, stranger })
    }

    /// Makes an announce.
    pub(crate) async fn announce(
        &self,
        tracker: &str,
        announce: &Announce,
        origin: Origin,
    ) -> Result<AnnounceResponse, AnnounceError> {
        let url = announce_url(tracker, announce).ok_or(AnnounceError::Url)?;
        // Names are checked where they are resolved; an address in the URL is never resolved.
        check_literal(&self.guard, &url, origin)?;
        let client = if origin == Origin::User { &self.user } else { &self.stranger };
        let mut response = client.get(url).send().await?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_ANSWER_LEN {
                return Err(HttpTrackerError::TooLarge { len: body.len() + chunk.len() }.into());
            }
            body.extend_from_slice(&chunk);
        }
        match parse_announce(&body) {
            // A proxy's error page is no answer; its status says more.
            Err(HttpTrackerError::Bencode(_) | HttpTrackerError::Shape) if !status.is_success() => {
                Err(AnnounceError::Status(status.as_u16()))
            }
            other => Ok(other?),
        }
    }
}

fn client(guard: &AddressGuard, origin: Origin, timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    let redirects = {
        let guard = guard.clone();
        Policy::custom(move |attempt| {
            if attempt.previous().len() > MAX_REDIRECTS {
                return attempt.error("too many redirects");
            }
            // Wherever a tracker sends us, it is a stranger who says so.
            match check_literal(&guard, attempt.url(), Origin::Stranger) {
                Ok(()) => attempt.follow(),
                Err(error) => attempt.error(error),
            }
        })
    };
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("Weft/", env!("CARGO_PKG_VERSION")))
        .redirect(redirects)
        .dns_resolver(Arc::new(Guarded { guard: guard.clone(), origin }))
        .no_proxy()
        .timeout(timeout)
        .pool_max_idle_per_host(MAX_IDLE);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_platform_verifier());
    match tls {
        Ok(tls) => builder = builder.tls_backend_preconfigured(tls.with_no_client_auth()),
        Err(error) => {
            tracing::warn!(%error, "this system's certificates cannot be read: trackers over HTTPS will not work");
            let nothing =
                rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                    .with_safe_default_protocol_versions()
                    .map(|b| b.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth());
            if let Ok(nothing) = nothing {
                builder = builder.tls_backend_preconfigured(nothing);
            }
        }
    }
    builder.build()
}

fn check_literal(guard: &AddressGuard, url: &Url, origin: Origin) -> Result<(), GuardError> {
    let ip = match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
        _ => return Ok(()),
    };
    guard.check(SocketAddr::new(ip, url.port_or_known_default().unwrap_or(0)), origin)
}

/// Resolves names through the guard: what it refuses is never connected to, and what was checked is what is dialled.
struct Guarded {
    guard: AddressGuard,
    origin: Origin,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, origin) = (self.guard.clone(), self.origin);
        Box::pin(async move {
            // The port is put in place of this one by the caller; the guard wants one that a peer can have.
            let addresses = guard.resolve_checked(name.as_str(), 80, origin).await?;
            let addresses: Addrs = Box::new(addresses.into_iter().map(|mut address| {
                address.set_port(0);
                address
            }));
            Ok(addresses)
        })
    }
}
