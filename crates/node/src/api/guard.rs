//! The guard before every request: only this machine, only this user.
//!
//! A page from anywhere can make a browser send requests to loopback, and a name that resolves to 127.0.0.1 (DNS
//! rebinding) makes such a page one of our own origin. So three things are asked of every request, each alone enough
//! against most of it: the Host is one of loopback's own names with our port, the Origin is absent or ours, and the token
//! is there. There is no CORS: no foreign page ever has an answer to read.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq as _;
use weft_service::Problem;

use crate::data_dir::ApiToken;

/// The one path without a token: whether the node lives, and nothing else.
const OPEN_PATH: &str = "/health";

/// What requests are checked against.
#[derive(Debug)]
pub(crate) struct Guard {
    hosts: Vec<String>,
    token: ApiToken,
}

impl Guard {
    /// A guard for an API that listens on `address`.
    pub(crate) fn new(address: SocketAddr, token: ApiToken) -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned(), literal(address.ip())];
        let mut hosts: Vec<String> = names.iter().map(|name| format!("{name}:{}", address.port())).collect();
        if address.port() == 80 {
            hosts.extend(names);
        }
        Guard { hosts, token }
    }

    /// Whether a request with these headers may pass.
    fn allows(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        self.host(uri, headers)?;
        self.origin(headers)?;
        if uri.path() != OPEN_PATH {
            self.token(headers)?;
        }
        body_type(headers)
    }

    fn host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let refused = || {
            Problem::new(StatusCode::FORBIDDEN, "wrong-host", "the Host header does not name this API's own address")
                .mend(format!("ask for http://{}", self.hosts.first().map_or("localhost", String::as_str)))
        };
        let host = only(headers, header::HOST).ok_or_else(refused)?;
        let absolute = uri.authority().is_none_or(|authority| self.is_ours(authority.as_str()));
        if self.is_ours(host) && absolute { Ok(()) } else { Err(refused()) }
    }

    fn is_ours(&self, host: &str) -> bool {
        self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host))
    }

    fn origin(&self, headers: &HeaderMap) -> Result<(), Problem> {
        if !headers.contains_key(header::ORIGIN) {
            return Ok(());
        }
        let ours = only(headers, header::ORIGIN)
            .and_then(|origin| origin.strip_prefix("http://"))
            .is_some_and(|host| self.is_ours(host));
        if ours {
            return Ok(());
        }
        Err(Problem::new(StatusCode::FORBIDDEN, "foreign-origin", "pages of other origins may not use this API")
            .mend("use a program on this machine, or a page that this node serves"))
    }

    fn token(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let refused = |error: &str| {
            Problem::new(StatusCode::UNAUTHORIZED, "no-token", error)
                .mend("send `Authorization: Bearer …` with the content of `api-token` in the node's data folder")
        };
        let Some(credentials) = only(headers, header::AUTHORIZATION) else {
            return Err(refused("there is no token"));
        };
        let token = credentials.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, token)) = token else { return Err(refused("the token is not a Bearer token")) };
        // Unequal lengths are told apart at once; the length is no secret.
        if bool::from(token.trim().as_bytes().ct_eq(self.token.reveal().as_bytes())) {
            Ok(())
        } else {
            Err(refused("this is not the token of this node"))
        }
    }
}

/// The API sends JSON and takes JSON: a form that a foreign page can post without asking is neither.
fn body_type(headers: &HeaderMap) -> Result<(), Problem> {
    let empty = only(headers, header::CONTENT_LENGTH).is_some_and(|length| length == "0")
        || !(headers.contains_key(header::CONTENT_LENGTH) || headers.contains_key(header::TRANSFER_ENCODING));
    let is_json = |value: &str| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    };
    if empty || only(headers, header::CONTENT_TYPE).is_some_and(is_json) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", "a body must say that it is JSON")
        .mend("send `Content-Type: application/json`"))
}

/// The value of a header that is there once. Two of a kind are how proxies and servers are made to disagree.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok()
}

fn literal(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// The guard as a layer.
pub(super) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut response = match guard.allows(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            tracing::debug!(code = %problem.code, "an API request is refused");
            problem.into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> (Guard, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let token = crate::data_dir::DataDir::open(folder.path()).and_then(|dir| dir.api_token()).expect("a token");
        let bearer = format!("Bearer {}", token.reveal());
        (Guard::new(SocketAddr::from(([127, 0, 0, 1], 9338)), token), bearer)
    }

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().expect("a header"))).collect()
    }

    fn status(guard: &Guard, uri: &str, pairs: &[(HeaderName, &str)]) -> u16 {
        let uri: Uri = uri.parse().expect("a uri");
        // A HeaderMap collected from pairs keeps the last of a name; append keeps all.
        let mut all = HeaderMap::new();
        for (name, value) in pairs {
            all.append(name.clone(), value.parse().expect("a header"));
        }
        guard.allows(&uri, &all).map_or_else(|problem| problem.status, |()| 200)
    }

    #[test]
    fn only_loopbacks_own_names_with_our_port_are_hosts() {
        let (guard, bearer) = guard();
        let with_host = |host| status(&guard, "/x", &[(header::HOST, host), (header::AUTHORIZATION, &bearer)]);
        for host in ["127.0.0.1:9338", "localhost:9338", "LOCALHOST:9338", "[::1]:9338"] {
            assert_eq!(with_host(host), 200, "{host}");
        }
        for host in [
            "127.0.0.1",
            "localhost:9339",
            "evil.example:9338",
            "127.0.0.1.evil.example:9338",
            "localhost.:9338",
            "127.0.0.1:9338@evil.example",
            "2130706433:9338",
            "",
        ] {
            assert_eq!(with_host(host), 403, "{host}");
        }
        assert_eq!(status(&guard, "/x", &[(header::AUTHORIZATION, &bearer)]), 403, "no Host at all");
        let two = [(header::HOST, "localhost:9338"), (header::HOST, "evil.example"), (header::AUTHORIZATION, &bearer)];
        assert_eq!(status(&guard, "/x", &two), 403, "two Hosts");
        let absolute = [(header::HOST, "localhost:9338"), (header::AUTHORIZATION, bearer.as_str())];
        assert_eq!(status(&guard, "http://evil.example:9338/x", &absolute), 403, "another authority in the URI");
    }

    #[test]
    fn foreign_origins_are_refused_even_with_the_token() {
        let (guard, bearer) = guard();
        let with_origin = |origin| {
            let headers =
                [(header::HOST, "localhost:9338"), (header::AUTHORIZATION, &*bearer), (header::ORIGIN, origin)];
            status(&guard, "/x", &headers)
        };
        assert_eq!(with_origin("http://127.0.0.1:9338"), 200);
        for origin in
            ["null", "https://127.0.0.1:9338", "http://localhost:1", "http://evil.example", "chrome-extension://x"]
        {
            assert_eq!(with_origin(origin), 403, "{origin}");
        }
    }

    #[test]
    fn the_token_is_asked_for_everywhere_but_at_the_door() {
        let (guard, bearer) = guard();
        let host = (header::HOST, "localhost:9338");
        assert_eq!(status(&guard, "/health", std::slice::from_ref(&host)), 200);
        for path in ["/", "/health/", "/health/x", "/api/v1/health", "/metrics", "//health"] {
            assert_eq!(status(&guard, path, std::slice::from_ref(&host)), 401, "{path}");
        }
        let with = |credentials: &str| status(&guard, "/x", &[host.clone(), (header::AUTHORIZATION, credentials)]);
        assert_eq!(with(&bearer), 200);
        assert_eq!(with(&bearer.replace("Bearer", "bearer")), 200);
        for wrong in ["", "Bearer", "Bearer ", "Basic x", &bearer[..bearer.len() - 1], &format!("{bearer}x")] {
            assert_eq!(with(wrong), 401, "{wrong}");
        }
    }

    #[test]
    fn a_body_must_be_json() {
        let typed = |length, kind| headers(&[(header::CONTENT_LENGTH, length), (header::CONTENT_TYPE, kind)]);
        assert!(body_type(&typed("2", "application/json")).is_ok());
        assert!(body_type(&typed("2", "Application/JSON; charset=utf-8")).is_ok());
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json5"] {
            assert!(body_type(&typed("2", kind)).is_err(), "{kind}");
        }
        assert!(body_type(&headers(&[(header::CONTENT_LENGTH, "2")])).is_err());
        assert!(body_type(&headers(&[(header::TRANSFER_ENCODING, "chunked")])).is_err());
        assert!(body_type(&headers(&[(header::CONTENT_LENGTH, "0")])).is_ok());
        assert!(body_type(&HeaderMap::new()).is_ok());
    }
}
