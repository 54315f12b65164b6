//! One shape for every "no", also for those that axum and its layers say in plain text.

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use weft_service::Problem;

/// 4 KiB: the text of a rejection is a sentence.
const MAX_TEXT_BYTES: usize = 4096;

/// Turns an error answer that is not JSON into a [`Problem`].
pub(super) async fn shape(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || is_json(&response) {
        return response;
    }
    let allow = response.headers().get(header::ALLOW).cloned();
    let text = to_bytes(response.into_body(), MAX_TEXT_BYTES).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let reason = status.canonical_reason().unwrap_or("refused");
    let error = if text.trim().is_empty() { reason.to_owned() } else { text.trim().to_owned() };
    let mut response = Problem::new(status, &reason.to_ascii_lowercase().replace(' ', "-"), error).into_response();
    if let Some(allow) = allow {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json"))
}
