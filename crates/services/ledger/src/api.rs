//! The routes under `/api/v1/ledger`.

mod chain;
mod faucet;
mod read;
mod send;

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weft_service::Problem;

use crate::files::MAX_GENESIS;
use crate::instance::Instance;
use crate::membership::Membership;
use crate::status::LedgerStatus;

pub(crate) fn router(membership: Arc<Membership>) -> OpenApiRouter {
    let limit = usize::try_from(MAX_GENESIS).unwrap_or(usize::MAX) * 2;
    let entering = OpenApiRouter::new()
        .routes(routes!(chain::init))
        .routes(routes!(chain::join))
        .layer(DefaultBodyLimit::max(limit));
    OpenApiRouter::new()
        .merge(entering)
        .routes(routes!(status))
        .routes(routes!(chain::leave))
        .routes(routes!(chain::genesis))
        .routes(routes!(chain::candidate))
        .routes(routes!(chain::ticket))
        .routes(routes!(read::validators))
        .routes(routes!(read::peers))
        .routes(routes!(read::evidence))
        .routes(routes!(read::blocks))
        .routes(routes!(read::block))
        .routes(routes!(read::transaction))
        .routes(routes!(read::waiting))
        .routes(routes!(read::account))
        .routes(routes!(send::send))
        .routes(routes!(faucet::faucet))
        .with_state(membership)
}

/// How the ledger is.
#[utoipa::path(
    get, path = "/status", tag = "ledger", operation_id = "ledger_status",
    responses((status = OK, body = LedgerStatus, description = "The account, and the chain this node is on"))
)]
async fn status(State(membership): State<Arc<Membership>>) -> Json<LedgerStatus> {
    Json(LedgerStatus::of(&membership))
}

/// The chain that runs, or what to do to get onto one.
fn running(membership: &Membership) -> Result<Arc<Instance>, Problem> {
    membership.instance().ok_or_else(|| {
        Problem::new(StatusCode::CONFLICT, "no-chain", "this node is on no chain")
            .mend("make one with `weft ledger init`, or get onto one with `weft ledger join`")
    })
}

fn address(text: &str) -> Result<Address, Problem> {
    text.parse().map_err(|_| {
        Problem::bad_request(format!("`{text}` is no account")).mend("an account is 0x and 40 hexadecimal digits")
    })
}

fn hash(text: &str) -> Result<B256, Problem> {
    text.parse().map_err(|_| {
        Problem::bad_request(format!("`{text}` is no hash")).mend("a hash is 0x and 64 hexadecimal digits")
    })
}

/// Runs what reads the disk or executes, off the async tasks.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Problem::internal(&error)),
    }
}

fn unreadable(error: &(dyn std::error::Error + 'static)) -> Problem {
    Problem::internal(error).mend("see to the data folder's disk")
}
