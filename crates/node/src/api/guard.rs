//! The guard before every request: only this machine, only this user.
//!
//! A page from anywhere can make a browser send requests to loopback, and a name that resolves to 127.0.0.1 (DNS
//! rebinding) makes such a page one of our own origin. So these things are asked of every request, each alone enough
//! against most of it: the Host is one of loopback's own names with our port, Origin and `Sec-Fetch-Site` are absent or
//! ours, and there are credentials. There is no CORS: no foreign page ever has an answer to read.

mod credentials;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use weft_service::Problem;

pub(crate) use credentials::Credentials;
pub(super) use credentials::GRANT_PARAMETER;

/// Whether the node lives, and nothing else: without credentials.
const OPEN_PATH: &str = "/health";

/// Where a page exchanges its login code for a session: the code is its credentials.
const LOGIN_PATH: &str = "/api/v1/session";

/// What answers a visitor without credentials nothing but the page itself, which holds no secret.
const GUARDED: [&str; 3] = ["/api", "/metrics", "/health"];

/// What requests are checked against.
#[derive(Debug)]
pub(crate) struct Guard {
    hosts: Vec<String>,
    credentials: Credentials,
}

/// Whom a request may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// Anybody on this machine: the page's own files, and whether the node lives.
    Open,
    /// The page, with a login code in its body.
    Login,
    /// Who has credentials.
    Guarded,
}

impl Door {
    fn of(method: &Method, path: &str) -> Self {
        let reads = method == Method::GET || method == Method::HEAD;
        let below = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if reads && path == OPEN_PATH {
            return Door::Open;
        }
        if method == Method::POST && path == LOGIN_PATH {
            return Door::Login;
        }
        // A path that starts with two slashes is nobody's page.
        if reads && !path.starts_with("//") && !GUARDED.iter().any(|root| below(root)) {
            return Door::Open;
        }
        Door::Guarded
    }
}

impl Guard {
    /// A guard for an API that listens on `address`.
    pub(crate) fn new(address: SocketAddr, credentials: Credentials) -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned(), literal(address.ip())];
        let mut hosts: Vec<String> = names.iter().map(|name| format!("{name}:{}", address.port())).collect();
        if address.port() == 80 {
            hosts.extend(names);
        }
        Guard { hosts, credentials }
    }

    /// Whether a request with these headers may pass.
    fn allows(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        self.host(uri, headers)?;
        self.origin(headers)?;
        match Door::of(method, uri.path()) {
            Door::Open => {}
            Door::Login => {
                fetch_site(headers)?;
                // A browser says where a POST comes from; a program on this machine has the token and needs no login.
                if !headers.contains_key(header::ORIGIN) {
                    return Err(foreign());
                }
            }
            Door::Guarded => {
                fetch_site(headers)?;
                self.credentials.check(method, uri, headers)?;
            }
        }
        body_type(method, headers)
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
        Err(foreign())
    }
}

fn foreign() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "foreign-origin", "pages of other origins may not use this API")
        .mend("use a program on this machine, or a page that this node serves")
}

/// Browsers say how near the page is that asks (Fetch Metadata). Another port of this machine is `same-site`: our cookie
/// goes there too, and its pages are not ours.
fn fetch_site(headers: &HeaderMap) -> Result<(), Problem> {
    if !headers.contains_key("sec-fetch-site") {
        return Ok(());
    }
    let near = only(headers, HeaderName::from_static("sec-fetch-site"));
    if near.is_some_and(|near| near == "same-origin" || near == "none") { Ok(()) } else { Err(foreign()) }
}

/// The API sends JSON and takes JSON, and the bytes of a file by PUT: a form that a foreign page can post without asking is
/// neither.
fn body_type(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let empty = only(headers, header::CONTENT_LENGTH).is_some_and(|length| length == "0")
        || !(headers.contains_key(header::CONTENT_LENGTH) || headers.contains_key(header::TRANSFER_ENCODING));
    let is = |wanted: &str| {
        let kind = only(headers, header::CONTENT_TYPE).unwrap_or_default();
        kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted)
    };
    if empty || is("application/json") || (method == Method::PUT && is("application/octet-stream")) {
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

/// What a page that is no page of ours may do with an answer of the API: nothing.
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// The guard as a layer. Answers that say nothing of their own are not kept, sniffed, framed or run.
pub(super) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut response = match guard.allows(request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            tracing::debug!(code = %problem.code, "an API request is refused");
            problem.into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(API_POLICY));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> (Guard, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let token = crate::data_dir::DataDir::open(folder.path()).and_then(|dir| dir.api_token()).expect("a token");
        let bearer = format!("Bearer {}", token.reveal());
        let sessions = Arc::new(crate::sessions::Sessions::open(folder.path()));
        let credentials = Credentials::new(token, sessions, "abcdefghijk");
        (Guard::new(SocketAddr::from(([127, 0, 0, 1], 9338)), credentials), bearer)
    }

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().expect("a header"))).collect()
    }

    fn status(guard: &Guard, uri: &str, pairs: &[(HeaderName, &str)]) -> u16 {
        asked(guard, &Method::GET, uri, pairs)
    }

    fn asked(guard: &Guard, method: &Method, uri: &str, pairs: &[(HeaderName, &str)]) -> u16 {
        let uri: Uri = uri.parse().expect("a uri");
        // A HeaderMap collected from pairs keeps the last of a name; append keeps all.
        let mut all = HeaderMap::new();
        for (name, value) in pairs {
            all.append(name.clone(), value.parse().expect("a header"));
        }
        guard.allows(method, &uri, &all).map_or_else(|problem| problem.status, |()| 200)
    }

    #[test]
    fn only_loopbacks_own_names_with_our_port_are_hosts() {
        let (guard, bearer) = guard();
        let with_host = |host| status(&guard, "/api/x", &[(header::HOST, host), (header::AUTHORIZATION, &bearer)]);
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
        assert_eq!(status(&guard, "/api/x", &[(header::AUTHORIZATION, &bearer)]), 403, "no Host at all");
        let two = [(header::HOST, "localhost:9338"), (header::HOST, "evil.example"), (header::AUTHORIZATION, &bearer)];
        assert_eq!(status(&guard, "/api/x", &two), 403, "two Hosts");
        let absolute = [(header::HOST, "localhost:9338"), (header::AUTHORIZATION, bearer.as_str())];
        assert_eq!(status(&guard, "http://evil.example:9338/api/x", &absolute), 403, "another authority in the URI");
    }

    #[test]
    fn foreign_origins_are_refused_even_with_the_token() {
        let (guard, bearer) = guard();
        let with_origin = |origin| {
            let headers =
                [(header::HOST, "localhost:9338"), (header::AUTHORIZATION, &*bearer), (header::ORIGIN, origin)];
            status(&guard, "/api/x", &headers)
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
        for path in ["/health/", "/health/x", "/api", "/api/v1/health", "/metrics", "//health", "/api/v1/session"] {
            assert_eq!(status(&guard, path, std::slice::from_ref(&host)), 401, "{path}");
        }
        // The page's own files hold no secret.
        for path in ["/", "/assets/x.js", "/files/abc", "/apiary"] {
            assert_eq!(status(&guard, path, std::slice::from_ref(&host)), 200, "{path}");
            assert_eq!(asked(&guard, &Method::POST, path, std::slice::from_ref(&host)), 401, "{path}");
        }
        let with = |credentials: &str| status(&guard, "/api/x", &[host.clone(), (header::AUTHORIZATION, credentials)]);
        assert_eq!(with(&bearer), 200);
        assert_eq!(with(&bearer.replace("Bearer", "bearer")), 200);
        for wrong in ["", "Bearer", "Bearer ", "Basic x", &bearer[..bearer.len() - 1], &format!("{bearer}x")] {
            assert_eq!(with(wrong), 401, "{wrong}");
        }
    }

    #[test]
    fn a_login_comes_from_our_own_page() {
        let (guard, _) = guard();
        let login = |pairs: &[(HeaderName, &str)]| {
            let mut all = vec![(header::HOST, "localhost:9338")];
            all.extend_from_slice(pairs);
            asked(&guard, &Method::POST, "/api/v1/session", &all)
        };
        let site = HeaderName::from_static("sec-fetch-site");
        let ours = (header::ORIGIN, "http://localhost:9338");
        assert_eq!(login(std::slice::from_ref(&ours)), 200);
        assert_eq!(login(&[ours.clone(), (site.clone(), "same-origin")]), 200);
        assert_eq!(login(&[]), 403, "no browser");
        assert_eq!(login(&[(header::ORIGIN, "http://localhost:3000")]), 403, "another port's page");
        assert_eq!(login(&[ours, (site, "same-site")]), 403);
    }

    #[test]
    fn what_a_neighbouring_page_asks_is_refused_even_with_the_token() {
        let (guard, bearer) = guard();
        let from = |site| {
            let all = [
                (header::HOST, "localhost:9338"),
                (header::AUTHORIZATION, &*bearer),
                (HeaderName::from_static("sec-fetch-site"), site),
            ];
            status(&guard, "/api/x", &all)
        };
        assert_eq!((from("same-origin"), from("none")), (200, 200));
        assert_eq!((from("same-site"), from("cross-site"), from("")), (403, 403, 403));
    }

    #[test]
    fn a_body_must_be_json() {
        let body_type = |headers: &HeaderMap| body_type(&Method::POST, headers);
        let typed = |length, kind| headers(&[(header::CONTENT_LENGTH, length), (header::CONTENT_TYPE, kind)]);
        let file = typed("2", "application/octet-stream");
        assert!(body_type(&file).is_err() && super::body_type(&Method::PUT, &file).is_ok());
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
