//! HTTP under `/api/v1/people`: a thin layer over [`People`].

mod contacts;
mod invitations;
mod problem;

use std::sync::Arc;

use axum::{Json, extract::State};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{people::People, view::Me};

/// What every handler works on.
type Shared = Arc<People>;

pub(crate) fn router(people: Shared) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(me))
        .routes(routes!(contacts::list, contacts::add))
        .routes(routes!(contacts::show, contacts::change, contacts::remove))
        .routes(routes!(invitations::make))
        .routes(routes!(invitations::inspect))
        .routes(routes!(invitations::accept))
        .with_state(people)
}

/// Who this node is.
#[utoipa::path(
    get, path = "/me", tag = "people", operation_id = "people_me",
    responses((status = OK, body = Me, description = "User, device, and what is public about them"))
)]
async fn me(State(people): State<Shared>) -> Json<Me> {
    Json(people.me())
}
