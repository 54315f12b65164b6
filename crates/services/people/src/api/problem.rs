//! How this service's errors look over HTTP, and the two things every handler does.

use axum::{Json, extract::rejection::JsonRejection, http::StatusCode};
use weft_identity::{ContactError, FindError, InvalidName, InvitationError, Petname};
use weft_service::Problem;
use weft_store::CommitError;

use crate::{book::ChangeError, people::AcceptError};

/// The request's JSON body.
pub(super) fn body<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    body.map(|Json(body)| body).map_err(|rejection| {
        Problem::new(rejection.status(), "bad-body", rejection.body_text())
            .mend("send the JSON that /api/v1/openapi.json describes, as application/json")
    })
}

/// Runs what blocks on the disk where it may.
pub(super) async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, Problem>
where
    T: Send + 'static,
    E: IntoProblem + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(IntoProblem::into_problem),
        Err(error) => Err(Problem::internal(&error)),
    }
}

pub(super) fn petname(text: &str) -> Result<Petname, Problem> {
    Petname::new(text).map_err(|error: InvalidName| Problem::bad_request(error.to_string()))
}

/// An error with its HTTP shape. (A trait of our own, as neither `Problem` nor the errors are this crate's.)
pub(super) trait IntoProblem {
    fn into_problem(self) -> Problem;
}

impl IntoProblem for FindError {
    fn into_problem(self) -> Problem {
        match self {
            Self::Ambiguous { .. } => Problem::new(StatusCode::CONFLICT, "ambiguous", self.to_string()),
            _ => Problem::not_found(self.to_string()),
        }
    }
}

impl IntoProblem for ContactError {
    fn into_problem(self) -> Problem {
        match self {
            Self::Unknown(_) => Problem::not_found(self.to_string()),
            Self::NameTaken(_) => Problem::new(StatusCode::CONFLICT, "name-taken", self.to_string()),
            Self::Known(_) => Problem::new(StatusCode::CONFLICT, "known-already", self.to_string()),
            Self::Full | Self::TooManyDevices(_) => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "full", self.to_string())
            }
            _ => Problem::bad_request(self.to_string()),
        }
    }
}

impl IntoProblem for ChangeError {
    fn into_problem(self) -> Problem {
        match self {
            Self::Refused(refused) => refused.into_problem(),
            Self::Store(CommitError::ReadOnly { because, mend }) => {
                Problem::new(StatusCode::INSUFFICIENT_STORAGE, "store-read-only", because).mend(mend)
            }
            other => Problem::internal(&other),
        }
    }
}

impl IntoProblem for InvitationError {
    fn into_problem(self) -> Problem {
        // The certificate's error stands below: its text is what helps.
        let text = match &self {
            Self::Certificate(below) => format!("{self}: {below}"),
            other => other.to_string(),
        };
        Problem::new(StatusCode::BAD_REQUEST, "bad-invitation", text)
    }
}

impl IntoProblem for AcceptError {
    fn into_problem(self) -> Problem {
        match self {
            Self::Invitation(error) => error.into_problem(),
            Self::Change(error) => error.into_problem(),
            Self::OtherNetwork { ref theirs, .. } => {
                let mend = format!("start a node on that network: `weft up --network {theirs}`");
                Problem::new(StatusCode::CONFLICT, "other-network", self.to_string()).mend(mend)
            }
            Self::Blocked(ref petname) => Problem::new(StatusCode::CONFLICT, "blocked", self.to_string())
                .mend(format!("unblock \"{petname}\" first, if you mean to")),
        }
    }
}
