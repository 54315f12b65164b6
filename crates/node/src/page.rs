//! The dashboard: the files of `web/dist`, embedded into a release binary (a debug build reads them where they were built)
//! and served as they are.
//!
//! They hold no secret and are open to every browser on this machine; what they show comes through the API, behind its
//! guard. The content security policy lets the page run its own files and nothing else.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use rand::TryRngCore as _;
use rust_embed::{Embed, EmbeddedFile};
use weft_service::Problem;

/// What `make web` built.
#[derive(Embed)]
#[folder = "../../web/dist"]
#[exclude = ".*"]
#[allow_missing = true]
struct Files;

/// The one document; every path that names no file is a place in it.
const INDEX: &str = "index.html";

/// Files below this have a digest of their content in their names.
const HASHED: &str = "assets/";

/// What stands in the document where each answer has a nonce of its own, for the styles that components add.
const NONCE_MARK: &str = "__CSP_NONCE__";

/// 128 bits, anew at each answer.
const NONCE_BYTES: usize = 16;

/// What is said where the binary was built without the page.
const NO_PAGE: &str = "This build of Weft has no dashboard. `make web` builds it; then build Weft again.\n";

/// Answers a request that no route of the API takes: with a file of the page, or the page.
pub(crate) async fn answer(request: Request) -> Response {
    let path = request.uri().path();
    let reads = request.method() == Method::GET || request.method() == Method::HEAD;
    if !reads || path.starts_with("/api/") || path.starts_with("//") {
        return Problem::not_found(format!("there is no {} {path}", request.method()))
            .mend("see /api/v1/openapi.json")
            .into_response();
    }
    let name = path.trim_start_matches('/');
    match Files::get(name) {
        Some(file) if name != INDEX => self::file(name, file),
        // A script or picture that is not there is no place in the page.
        None if name.starts_with(HASHED) => Problem::not_found(format!("there is no {path}")).into_response(),
        _ => document(),
    }
}

fn file(name: &str, file: EmbeddedFile) -> Response {
    let kept = if name.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let kind =
        HeaderValue::from_str(file.metadata.mimetype()).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, HeaderValue::from_static(kept))];
    (headers, Body::from(file.data.into_owned())).into_response()
}

fn document() -> Response {
    let Some(index) = Files::get(INDEX) else {
        return (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], NO_PAGE).into_response();
    };
    let mut nonce = [0_u8; NONCE_BYTES];
    if let Err(error) = rand::rngs::OsRng.try_fill_bytes(&mut nonce) {
        return Problem::internal(&error).into_response();
    }
    let nonce = BASE64URL_NOPAD.encode(&nonce);
    let text = String::from_utf8_lossy(&index.data).replace(NONCE_MARK, &nonce);
    let policy = [
        "default-src 'none'",
        "script-src 'self'",
        &format!("style-src 'self' 'nonce-{nonce}'"),
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    .join("; ");
    let Ok(policy) = HeaderValue::from_str(&policy) else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    (headers, text).into_response()
}
