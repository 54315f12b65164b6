//! `/invitations`: how people meet.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_service::Problem;

use super::{
    Shared,
    problem::{IntoProblem as _, blocking, body, petname},
};
use crate::view::{ContactView, InvitationView};

/// What an invitation should say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewInvitation {
    /// What to be called.
    petname: Option<String>,
    /// For how many seconds it may be used; for ever if absent.
    valid_seconds: Option<u64>,
}

/// A link somebody sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    /// `weft:…`; white space and case do not matter.
    link: String,
}

/// A link to accept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Acceptance {
    /// `weft:…`; white space and case do not matter.
    link: String,
    /// What to call the inviter; what they suggest if absent.
    petname: Option<String>,
}

/// An invitation read, and whether one knows the inviter.
#[derive(Serialize, ToSchema)]
pub(super) struct Inspected {
    invitation: InvitationView,
    /// The inviter, if a contact already.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<ContactView>,
}

/// The contact that an invitation led to.
#[derive(Serialize, ToSchema)]
pub(super) struct AcceptedView {
    contact: ContactView,
    /// Whether it was not in the address book before.
    is_new: bool,
}

/// Make an invitation to this node, with the addresses and relays it has now.
#[utoipa::path(
    post, path = "/invitations", tag = "people", operation_id = "people_invite", request_body = NewInvitation,
    responses((status = OK, body = InvitationView), (status = BAD_REQUEST, body = Problem))
)]
pub(super) async fn make(
    State(people): State<Shared>,
    new: Result<Json<NewInvitation>, JsonRejection>,
) -> Result<Json<InvitationView>, Problem> {
    let new = body(new)?;
    let petname = new.petname.as_deref().map(petname).transpose()?;
    let expires = new.valid_seconds.map(|seconds| people.now().saturating_add(seconds));
    Ok(Json(InvitationView::from(&people.invite(petname, expires))))
}

/// Read an invitation without accepting it.
#[utoipa::path(
    post, path = "/invitations/inspect", tag = "people", operation_id = "people_inspect", request_body = Link,
    responses((status = OK, body = Inspected), (status = BAD_REQUEST, body = Problem))
)]
pub(super) async fn inspect(
    State(people): State<Shared>,
    link: Result<Json<Link>, JsonRejection>,
) -> Result<Json<Inspected>, Problem> {
    let invitation = people.inspect(&body(link)?.link).map_err(|error| error.into_problem())?;
    let contact = people.get(&invitation.user());
    let contact = contact.as_ref().map(ContactView::from);
    Ok(Json(Inspected { invitation: InvitationView::from(&invitation), contact }))
}

/// Accept an invitation: the inviter becomes a contact, and the overlay learns where they are.
#[utoipa::path(
    post, path = "/invitations/accept", tag = "people", operation_id = "people_accept", request_body = Acceptance,
    responses(
        (status = OK, body = AcceptedView),
        (status = BAD_REQUEST, body = Problem, description = "The link is no usable invitation, or the name not valid"),
        (status = CONFLICT, body = Problem, description = "Another network, a taken name, or a blocked contact"),
    )
)]
pub(super) async fn accept(
    State(people): State<Shared>,
    acceptance: Result<Json<Acceptance>, JsonRejection>,
) -> Result<Json<AcceptedView>, Problem> {
    let Acceptance { link, petname: name } = body(acceptance)?;
    let name = name.as_deref().map(petname).transpose()?;
    let accepted = blocking(move || people.accept(&link, name)).await?;
    Ok(Json(AcceptedView { contact: ContactView::from(&accepted.contact), is_new: accepted.is_new }))
}
