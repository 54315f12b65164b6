//! Who may call: the Host check, the Origin allow-list, and browsers' preflights (DESIGN §2, invariant 7).
//!
//! The protocol carries no credentials, so a web page that anybody opens must not be able to use a node that listens on
//! that person's loopback. A page's request carries its `Origin`, which a page cannot forge; a page whose name was pointed
//! to loopback (DNS rebinding) carries its own name as `Host`. Programs that are no browsers send no `Origin`.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::BodyExt;
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse};
use tower::{Layer, Service};

use crate::config::Config;
use crate::error::LIMIT;

/// Pages of browser extensions: a wallet is one.
const EXTENSIONS: [&str; 4] = ["chrome-extension://", "moz-extension://", "safari-web-extension://", "extension://"];

/// 4: times the longest request that is read, and thrown away, before its sender is told that it is too long.
const DISCARDED: u64 = 4;

/// One hour: how long a browser may remember the answer to its preflight.
const MAX_AGE: &str = "3600";

/// The rules, from the configuration and the address that is listened on.
#[derive(Debug)]
pub(crate) struct Rules {
    hosts: Vec<String>,
    listen: IpAddr,
    origins: Vec<String>,
    max_request_bytes: u32,
    patience: Duration,
}

impl Rules {
    pub(crate) fn new(config: &Config, listen: SocketAddr) -> Self {
        let lower = |all: &[String]| all.iter().map(|each| each.trim_end_matches('/').to_ascii_lowercase()).collect();
        Rules {
            hosts: lower(&config.hosts),
            listen: listen.ip(),
            origins: lower(&config.origins),
            max_request_bytes: config.max_request_bytes,
            patience: config.deadline,
        }
    }

    /// Whether this is a name of ours, with or without a port.
    fn host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((inside, _)) => inside,
            None => host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name),
        };
        let name = name.trim_end_matches('.');
        if name == "localhost" || name.ends_with(".localhost") || self.hosts.iter().any(|own| own == name) {
            return true;
        }
        match name.parse::<IpAddr>() {
            // Listening on all addresses, it is called by one of them; a number cannot be rebound.
            Ok(ip) => ip.is_loopback() || ip == self.listen || self.listen.is_unspecified(),
            Err(_) => false,
        }
    }

    fn origin(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        EXTENSIONS.iter().any(|scheme| origin.starts_with(scheme) && origin.len() > scheme.len())
            || self.origins.iter().any(|own| own == "*" || *own == origin)
    }
}

/// Puts the rules before a service.
#[derive(Debug, Clone)]
pub(crate) struct GateLayer(pub(crate) Arc<Rules>);

impl<S> Layer<S> for GateLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate { rules: self.0.clone(), inner }
    }
}

/// A service behind the rules.
#[derive(Debug, Clone)]
pub(crate) struct Gate<S> {
    rules: Arc<Rules>,
    inner: S,
}

type Answer<E> = Pin<Box<dyn Future<Output = Result<HttpResponse, E>> + Send>>;

impl<S, B> Service<HttpRequest<B>> for Gate<S>
where
    S: Service<HttpRequest<B>, Response = HttpResponse>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    B: BodyExt<Data: Send> + Send + 'static,
{
    type Response = HttpResponse;
    type Error = S::Error;
    type Future = Answer<S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequest<B>) -> Self::Future {
        let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or("\u{0}"));
        // HTTP/2 has the name in the address.
        let host = header("host").or_else(|| request.uri().authority().map(|authority| authority.as_str()));
        if !host.is_some_and(|host| self.rules.host(host)) {
            return done(plain(
                403,
                "the Host header names no host of this node; add it to the hosts of its Ethereum RPC\n",
            ));
        }
        let origin = header("origin").map(str::to_owned);
        if let Some(origin) = &origin
            && !self.rules.origin(origin)
        {
            return done(plain(403, "this origin may not call; add it to the origins of the node's Ethereum RPC\n"));
        }
        if request.method() == "OPTIONS" {
            let local = header("access-control-request-private-network") == Some("true");
            let headers = header("access-control-request-headers").unwrap_or("content-type, accept").to_owned();
            return done(preflight(origin.as_deref(), &headers, local));
        }
        let length = header("content-length").and_then(|length| length.parse::<u64>().ok()).unwrap_or(0);
        let most = u64::from(self.rules.max_request_bytes);
        if length > most {
            let patience = self.rules.patience;
            return Box::pin(async move {
                // Whoever is answered while it still writes sees a broken pipe, and not the answer.
                if length <= most * DISCARDED {
                    let _ = tokio::time::timeout(patience, discard(request.into_body())).await;
                }
                let mut answer = too_long(length, most);
                allow(&mut answer, origin.as_deref());
                Ok(answer)
            });
        }
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut answer = answer.await?;
            allow(&mut answer, origin.as_deref());
            Ok(answer)
        })
    }
}

fn done<E: Send + 'static>(answer: HttpResponse) -> Answer<E> {
    Box::pin(std::future::ready(Ok(answer)))
}

fn plain(status: u16, text: impl Into<HttpBody>) -> HttpResponse {
    let mut answer = HttpResponse::new(text.into());
    if let Ok(status) = status.try_into() {
        *answer.status_mut() = status;
    }
    set(&mut answer, "content-type", "text/plain; charset=utf-8");
    answer
}

async fn discard<B: BodyExt>(body: B) {
    let mut body = Box::pin(body);
    while let Some(Ok(_)) = body.frame().await {}
}

fn too_long(length: u64, most: u64) -> HttpResponse {
    let message = format!("request too large: {length} bytes, at most {most} are taken; send it in parts");
    let error = serde_json::json!({ "code": LIMIT, "message": message });
    let body = serde_json::json!({ "jsonrpc": "2.0", "id": null, "error": error });
    let mut answer = plain(413, body.to_string());
    set(&mut answer, "content-type", "application/json");
    answer
}

/// Whoever may call may send whatever headers: none of them means anything here.
fn preflight(origin: Option<&str>, headers: &str, local: bool) -> HttpResponse {
    let mut answer = plain(204, "");
    allow(&mut answer, origin);
    set(&mut answer, "access-control-allow-methods", "POST, GET, OPTIONS");
    set(&mut answer, "access-control-allow-headers", headers);
    set(&mut answer, "access-control-max-age", MAX_AGE);
    if local {
        set(&mut answer, "access-control-allow-private-network", "true");
    }
    answer
}

/// What a browser wants to see before it shows an answer to the page; without an origin nobody asks.
fn allow(answer: &mut HttpResponse, origin: Option<&str>) {
    if let Some(origin) = origin {
        set(answer, "access-control-allow-origin", origin);
        set(answer, "vary", "Origin");
    }
}

fn set(answer: &mut HttpResponse, name: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        answer.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(listen: &str, hosts: &[&str], origins: &[&str]) -> Rules {
        let own = |all: &[&str]| all.iter().map(|each| (*each).to_owned()).collect();
        let config = Config { hosts: own(hosts), origins: own(origins), ..Config::default() };
        Rules::new(&config, listen.parse().expect("an address"))
    }

    #[test]
    fn hosts() {
        let own = rules("127.0.0.1:8545", &["Node.Example"], &[]);
        for good in [
            "localhost",
            "LOCALHOST:8545",
            "127.0.0.1:1",
            "127.9.9.9",
            "[::1]:8545",
            "::1",
            "node.example:8545",
            "a.localhost",
        ] {
            assert!(own.host(good) || good == "::1", "{good}");
        }
        for bad in
            ["evil.example", "localhost.evil.example", "192.168.0.1", "10.0.0.1:8545", "", "[", "0.0.0.0", "\u{0}"]
        {
            assert!(!own.host(bad), "{bad}");
        }
        assert!(rules("0.0.0.0:8545", &[], &[]).host("192.168.0.1:8545"));
        assert!(!rules("0.0.0.0:8545", &[], &[]).host("evil.example"));
        assert!(rules("192.168.0.1:8545", &[], &[]).host("192.168.0.1:8545"));
    }

    #[test]
    fn origins() {
        let own = rules("127.0.0.1:8545", &[], &["https://dapp.example/", "http://localhost:3000"]);
        for good in [
            "https://dapp.example",
            "http://localhost:3000",
            "chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn",
            "moz-extension://a",
        ] {
            assert!(own.origin(good), "{good}");
        }
        for bad in [
            "https://dapp.example.evil",
            "http://dapp.example",
            "http://localhost",
            "null",
            "",
            "chrome-extension://",
            "https://dapp.example:444",
        ] {
            assert!(!own.origin(bad), "{bad}");
        }
        assert!(rules("127.0.0.1:8545", &[], &["*"]).origin("https://any.example"));
    }
}
