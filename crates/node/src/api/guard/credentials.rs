//! What proves that a request comes from this node's owner: the token, a page's session, or a grant of one path.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use subtle::ConstantTimeEq as _;
use weft_service::Problem;

use super::only;
use crate::data_dir::ApiToken;
use crate::sessions::Sessions;

/// The header in which the page sends its CSRF token.
pub(in crate::api) const CSRF_HEADER: HeaderName = HeaderName::from_static("x-weft-csrf");

/// What a grant is called in a query.
pub(in crate::api) const GRANT_PARAMETER: &str = "grant";

/// Eight characters of the peer key: nodes of one machine have cookies of their own, for cookies ignore ports.
const COOKIE_KEY_LENGTH: usize = 8;

/// The node's token, and who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    token: ApiToken,
    sessions: Arc<Sessions>,
    cookie_name: String,
}

impl Credentials {
    /// The credentials of the node `peer`.
    pub(crate) fn new(token: ApiToken, sessions: Arc<Sessions>, peer: &str) -> Self {
        let key: String = peer.chars().take(COOKIE_KEY_LENGTH).collect();
        Credentials { token, sessions, cookie_name: format!("weft-{key}") }
    }

    /// What this node's cookie is called.
    pub(in crate::api) fn cookie_name(&self) -> &str {
        &self.cookie_name
    }

    /// Who is signed in.
    pub(in crate::api) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// The API's token, for the page to show.
    pub(in crate::api) fn token(&self) -> &ApiToken {
        &self.token
    }

    /// This node's cookie, if the request has it once.
    pub(in crate::api) fn cookie<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let ours = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut ours = ours.filter(|(name, _)| *name == self.cookie_name).map(|(_, value)| value);
        let cookie = ours.next()?;
        ours.next().is_none().then_some(cookie)
    }

    pub(super) fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        if headers.contains_key(header::AUTHORIZATION) {
            return self.bearer(headers);
        }
        let Some(cookie) = self.cookie(headers) else { return Err(refused("there is no token")) };
        let reads = method == Method::GET || method == Method::HEAD;
        if let Some(grant) = grant(uri).filter(|_| reads) {
            let granted = self.sessions.is_granted(cookie, grant, uri.path());
            return if granted {
                Ok(())
            } else {
                Err(refused("this grant is not of this session and path, or too old"))
            };
        }
        let Some(csrf) = only(headers, CSRF_HEADER) else {
            return Err(refused("a session's cookie is worth nothing without its CSRF header"));
        };
        if self.sessions.is_signed_in(cookie, csrf) {
            return Ok(());
        }
        Err(refused("this session is over").mend("sign in anew: `weft dashboard` prints an address"))
    }

    fn bearer(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(credentials) = only(headers, header::AUTHORIZATION) else {
            return Err(refused("there is more than one token"));
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

fn grant(uri: &Uri) -> Option<&str> {
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    let mut grants = pairs.filter(|(name, _)| *name == GRANT_PARAMETER).map(|(_, value)| value);
    let grant = grants.next()?;
    grants.next().is_none().then_some(grant)
}

fn refused(error: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "no-token", error)
        .mend("send `Authorization: Bearer …` with the content of `api-token` in the node's data folder")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Owner {
        credentials: Credentials,
        cookie: String,
        csrf: String,
        _dir: tempfile::TempDir,
    }

    fn owner() -> Owner {
        let dir = tempfile::tempdir().expect("a folder");
        let token = crate::data_dir::DataDir::open(dir.path()).and_then(|dir| dir.api_token()).expect("a token");
        let sessions = Arc::new(Sessions::open(dir.path()));
        let code = sessions.code().expect("randomness");
        let begun = sessions.begin(&code).expect("randomness").expect("a good code");
        let credentials = Credentials::new(token, sessions, "abcdefghijk");
        Owner {
            credentials,
            cookie: format!("weft-abcdefgh={}", *begun.cookie),
            csrf: begun.csrf.to_string(),
            _dir: dir,
        }
    }

    fn check(owner: &Owner, method: &Method, uri: &str, pairs: &[(HeaderName, &str)]) -> bool {
        let headers = pairs.iter().map(|(name, value)| (name.clone(), value.parse().expect("a header"))).collect();
        owner.credentials.check(method, &uri.parse().expect("a uri"), &headers).is_ok()
    }

    #[test]
    fn the_cookie_counts_beside_its_csrf_header_alone() {
        let owner = owner();
        let cookie = (header::COOKIE, &*owner.cookie);
        let csrf = (CSRF_HEADER, &*owner.csrf);
        let passes = |pairs: &[(HeaderName, &str)]| check(&owner, &Method::POST, "/api/x", pairs);
        assert!(passes(&[cookie.clone(), csrf.clone()]));
        assert!(!passes(std::slice::from_ref(&cookie)) && !passes(std::slice::from_ref(&csrf)) && !passes(&[]));
        assert!(!passes(&[cookie.clone(), (CSRF_HEADER, "x")]));
        let among = format!("other=1; {}; weft-zzzzzzzz=2", owner.cookie);
        assert!(passes(&[(header::COOKIE, &among), csrf.clone()]), "cookies of other nodes and programs beside it");
        let twice = format!("{0}; {0}", owner.cookie);
        assert!(!passes(&[(header::COOKIE, &twice), csrf.clone()]));
        let renamed = owner.cookie.replace("abcdefgh", "abcdefgz");
        assert!(!passes(&[(header::COOKIE, &renamed), csrf]), "another node's name");
    }

    #[test]
    fn a_grant_reads_its_path_and_writes_nothing() {
        let owner = owner();
        let cookie = (header::COOKIE, &*owner.cookie);
        let value = owner.cookie.split_once('=').expect("a pair").1;
        let grant = owner.credentials.sessions().grant(value, "/api/a").expect("randomness");
        let uri = format!("/api/a?grant={}", *grant);
        assert!(check(&owner, &Method::GET, &uri, std::slice::from_ref(&cookie)));
        assert!(check(&owner, &Method::HEAD, &uri, std::slice::from_ref(&cookie)));
        assert!(!check(&owner, &Method::PUT, &uri, std::slice::from_ref(&cookie)));
        assert!(!check(&owner, &Method::GET, &uri, &[]), "the address alone");
        assert!(!check(&owner, &Method::GET, &uri.replace("/a?", "/b?"), std::slice::from_ref(&cookie)));
        assert!(!check(&owner, &Method::GET, "/api/a", std::slice::from_ref(&cookie)));
    }
}
