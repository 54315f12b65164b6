//! Signing in to the page, and out of it.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_service::Problem;

use super::ApiState;
use super::guard::GRANT_PARAMETER;
use crate::sessions::{CODE_MS, SESSION_MS};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    /// The code of a login address, which `weft up` and `weft dashboard` print.
    code: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SignedIn {
    /// What the page sends as `X-Weft-CSRF` with every request; given once, at the login.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf: Option<String>,
    /// The device key of this node.
    peer: String,
    /// The device's name.
    device_name: String,
    /// When the session ends if it is not used, in milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LoginAddress {
    /// Open it in a browser on this machine, once.
    url: String,
    /// Seconds until it is too old.
    expires_seconds: u64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantRequest {
    /// What shall be readable: a path below `/api/v1/`, without a query.
    path: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Granted {
    /// The path with its grant: for `<video src>` and downloads, which cannot send headers.
    url: String,
}

/// Exchanges a login code for a session: a cookie, and the CSRF token without which it is worth nothing.
#[utoipa::path(post, path = "/session", tag = "node", operation_id = "node_sign_in", request_body = Login, security(()),
    responses((status = OK, body = SignedIn), (status = UNAUTHORIZED, body = Problem)))]
pub(super) async fn sign_in(State(state): State<ApiState>, Json(login): Json<Login>) -> Result<Response, Problem> {
    let begun = state.credentials.sessions().begin(&login.code).map_err(|error| Problem::internal(&error))?;
    let Some(begun) = begun else {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "bad-code",
            "this login address was used already, or is too old",
        )
        .mend("run `weft dashboard` on the node's machine and open what it prints"));
    };
    let answer =
        SignedIn { csrf: Some(begun.csrf.to_string()), expires_at_ms: Some(begun.expires_ms), ..SignedIn::at(&state) };
    with_cookie(&state, &begun.cookie, SESSION_MS / 1000, Json(answer).into_response())
}

/// Whether this session lives.
#[utoipa::path(get, path = "/session", tag = "node", operation_id = "node_session",
    responses((status = OK, body = SignedIn), (status = UNAUTHORIZED, body = Problem)))]
pub(super) async fn session(State(state): State<ApiState>) -> Json<SignedIn> {
    Json(SignedIn::at(&state))
}

/// Ends this session.
#[utoipa::path(delete, path = "/session", tag = "node", operation_id = "node_sign_out", responses((status = NO_CONTENT)))]
pub(super) async fn sign_out(State(state): State<ApiState>, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(cookie) = state.credentials.cookie(&headers) {
        state.credentials.sessions().end(cookie);
    }
    with_cookie(&state, "", 0, StatusCode::NO_CONTENT.into_response())
}

/// A new one-time login address.
#[utoipa::path(post, path = "/session/links", tag = "node", operation_id = "node_login_address", responses((status = OK, body = LoginAddress)))]
pub(super) async fn link(State(state): State<ApiState>) -> Result<Json<LoginAddress>, Problem> {
    let code = state.credentials.sessions().code().map_err(|error| Problem::internal(&error))?;
    let url = login_address(&state.facts.status().api, &code);
    Ok(Json(LoginAddress { url, expires_seconds: CODE_MS / 1000 }))
}

/// Lets this session read one path without a header, for some hours.
#[utoipa::path(post, path = "/session/grants", tag = "node", operation_id = "node_grant", request_body = GrantRequest,
    responses((status = OK, body = Granted), (status = BAD_REQUEST, body = Problem)))]
pub(super) async fn grant(
    State(state): State<ApiState>,
    headers: HeaderMap,
    Json(request): Json<GrantRequest>,
) -> Result<Json<Granted>, Problem> {
    let path = request.path;
    if !path.starts_with("/api/v1/") || path.contains(['?', '#', ' ']) || path.contains("..") {
        return Err(Problem::bad_request("a grant is for a path below /api/v1/, without a query"));
    }
    let Some(cookie) = state.credentials.cookie(&headers) else {
        return Err(Problem::bad_request("a grant belongs to a session, and this request has none")
            .mend("with the API token no grant is needed"));
    };
    let grant = state.credentials.sessions().grant(cookie, &path).map_err(|error| Problem::internal(&error))?;
    Ok(Json(Granted { url: format!("{path}?{GRANT_PARAMETER}={}", *grant) }))
}

/// The address that signs a browser in. What stands behind `#` is sent to no server.
pub(crate) fn login_address(api: &str, code: &str) -> String {
    format!("{api}/#login={code}")
}

impl SignedIn {
    fn at(state: &ApiState) -> Self {
        let status = state.facts.status();
        SignedIn { csrf: None, peer: status.peer, device_name: status.device_name, expires_at_ms: None }
    }
}

fn with_cookie(state: &ApiState, value: &str, seconds: u64, mut response: Response) -> Result<Response, Problem> {
    let name = state.credentials.cookie_name();
    // Without `Secure`: loopback is plain HTTP, and browsers keep no secure cookie for 127.0.0.1 everywhere.
    let cookie = format!("{name}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}");
    let cookie = HeaderValue::from_str(&cookie).map_err(|error| Problem::internal(&error))?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}
