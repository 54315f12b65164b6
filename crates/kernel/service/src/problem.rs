//! The one shape in which every service's API says no.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An API error: what failed, why, and what to do. Its body is JSON; its status is the HTTP status too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// A stable word for programs: `not-found`, `disk-full`.
    pub code: String,
    /// The cause, in a sentence.
    pub error: String,
    /// What to do about it, in a sentence. Empty if there is nothing to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mend: String,
}

impl Problem {
    /// A problem with its status, code and cause.
    pub fn new(status: StatusCode, code: &str, error: impl Into<String>) -> Self {
        Problem { status: status.as_u16(), code: code.into(), error: error.into(), mend: String::new() }
    }

    /// With what to do about it.
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = mend.into();
        self
    }

    /// The request itself is wrong (400).
    pub fn bad_request(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", error)
    }

    /// There is no such thing (404).
    pub fn not_found(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", error)
    }

    /// It is there already, or in a state that does not allow this (409).
    pub fn conflict(error: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", error)
    }

    /// An error as a problem. Says the whole chain of causes.
    pub fn of(status: StatusCode, code: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::new(status, code, chain(error))
    }

    /// The node failed (500). Says the whole chain of causes.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::of(StatusCode::INTERNAL_SERVER_ERROR, "internal", error)
    }
}

/// An error and everything below it in one line: `cannot open x: permission denied`.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut parts: Vec<String> = Vec::new();
    for cause in causes {
        let text = cause.to_string();
        // Some errors repeat their source in their own text.
        if parts.last().is_none_or(|last| !last.ends_with(&text)) {
            parts.push(text);
        }
    }
    parts.join(": ")
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open the book")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn an_internal_problem_says_every_cause_once() {
        let problem = Problem::internal(&Outer(std::io::Error::other("the disk is gone")));
        assert_eq!(problem.error, "cannot open the book: the disk is gone");
    }

    #[test]
    fn the_status_in_the_body_is_the_status_of_the_answer() {
        let answer = Problem::not_found("no such torrent").into_response();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    }
}
