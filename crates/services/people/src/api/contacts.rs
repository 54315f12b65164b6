//! `/contacts`: the address book.

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
};
use serde::Deserialize;
use utoipa::ToSchema;
use weft_identity::{ContactEdit, UserKey};
use weft_service::Problem;

use super::{
    Shared,
    problem::{IntoProblem as _, blocking, body, petname},
};
use crate::view::{ContactDetail, ContactView};

/// A contact to be added by key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewContact {
    /// The user key, z-base-32.
    user_key: String,
    /// What to call them.
    petname: String,
}

/// What to change of a contact; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ContactChange {
    /// A new name.
    petname: Option<String>,
    /// Whether to block them.
    blocked: Option<bool>,
    /// New notes; empty removes them.
    notes: Option<String>,
}

/// All contacts, ordered by name.
#[utoipa::path(
    get, path = "/contacts", tag = "people", operation_id = "people_contacts",
    responses((status = OK, body = Vec<ContactView>))
)]
pub(super) async fn list(State(people): State<Shared>) -> Json<Vec<ContactView>> {
    Json(people.contacts().iter().map(ContactView::from).collect())
}

/// Add a contact by user key. An invitation says more: where their devices are.
#[utoipa::path(
    post, path = "/contacts", tag = "people", operation_id = "people_add_contact", request_body = NewContact,
    responses(
        (status = CREATED, body = ContactView),
        (status = BAD_REQUEST, body = Problem, description = "The key or name is not valid"),
        (status = CONFLICT, body = Problem, description = "The name is taken or the person known"),
    )
)]
pub(super) async fn add(
    State(people): State<Shared>,
    new: Result<Json<NewContact>, JsonRejection>,
) -> Result<(StatusCode, Json<ContactView>), Problem> {
    let new = body(new)?;
    let user: UserKey =
        new.user_key.parse().map_err(|error: weft_identity::InvalidKey| Problem::bad_request(error.to_string()))?;
    let petname = petname(&new.petname)?;
    let contact = blocking(move || people.add(user, petname)).await?;
    Ok((StatusCode::CREATED, Json(ContactView::from(&contact))))
}

/// One contact, with where their devices were last known to be.
#[utoipa::path(
    get, path = "/contacts/{who}", tag = "people", operation_id = "people_contact",
    params(("who" = String, Path, description = "Name, user key, device key, or the first characters of a key")),
    responses(
        (status = OK, body = ContactDetail),
        (status = NOT_FOUND, body = Problem),
        (status = CONFLICT, body = Problem, description = "Several match"),
    )
)]
pub(super) async fn show(
    State(people): State<Shared>,
    Path(who): Path<String>,
) -> Result<Json<ContactDetail>, Problem> {
    let contact = people.find(&who).map_err(|error| error.into_problem())?;
    Ok(Json(ContactDetail::from(&contact)))
}

/// Rename, block, unblock or annotate a contact. All that is named is changed, or nothing.
#[utoipa::path(
    patch, path = "/contacts/{who}", tag = "people", operation_id = "people_change_contact",
    request_body = ContactChange,
    params(("who" = String, Path, description = "Name, user key, device key, or the first characters of a key")),
    responses(
        (status = OK, body = ContactView),
        (status = BAD_REQUEST, body = Problem, description = "The name or note is not valid"),
        (status = NOT_FOUND, body = Problem),
        (status = CONFLICT, body = Problem, description = "Several match, or the name is taken"),
    )
)]
pub(super) async fn change(
    State(people): State<Shared>,
    Path(who): Path<String>,
    change: Result<Json<ContactChange>, JsonRejection>,
) -> Result<Json<ContactView>, Problem> {
    let change = body(change)?;
    let user = people.find(&who).map_err(|error| error.into_problem())?.user();
    let new_name = change.petname.as_deref().map(petname).transpose()?;
    let edit = ContactEdit { petname: new_name, blocked: change.blocked, notes: change.notes };
    let contact = blocking(move || people.edit(user, edit)).await?;
    Ok(Json(ContactView::from(&contact)))
}

/// Forget a contact.
#[utoipa::path(
    delete, path = "/contacts/{who}", tag = "people", operation_id = "people_remove_contact",
    params(("who" = String, Path, description = "Name, user key, device key, or the first characters of a key")),
    responses(
        (status = OK, body = ContactView, description = "The contact as it was"),
        (status = NOT_FOUND, body = Problem),
        (status = CONFLICT, body = Problem, description = "Several match"),
    )
)]
pub(super) async fn remove(
    State(people): State<Shared>,
    Path(who): Path<String>,
) -> Result<Json<ContactView>, Problem> {
    let user = people.find(&who).map_err(|error| error.into_problem())?.user();
    let contact = blocking(move || people.remove(user)).await?;
    Ok(Json(ContactView::from(&contact)))
}
