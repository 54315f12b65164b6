//! Which services are on, and switching them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use weft_service::Problem;

use super::ApiState;
use crate::config;
use crate::switchboard::{ServiceStatus, SwitchError};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Switch {
    /// Whether it shall be on.
    on: bool,
}

/// Every service.
#[utoipa::path(get, path = "/services", tag = "node", operation_id = "node_list", responses((status = OK, body = Vec<ServiceStatus>)))]
pub(super) async fn list(State(state): State<ApiState>) -> Json<Vec<ServiceStatus>> {
    Json(state.switchboard.list())
}

/// One service.
#[utoipa::path(get, path = "/services/{name}", tag = "node", operation_id = "node_get", params(("name" = String, Path)),
    responses((status = OK, body = ServiceStatus), (status = NOT_FOUND, body = Problem)))]
pub(super) async fn get(
    State(state): State<ApiState>,
    Path(name): Path<String>,
) -> Result<Json<ServiceStatus>, Problem> {
    Ok(Json(state.switchboard.get(&name).map_err(problem)?))
}

/// Switches a service on or off, now and at the next starts.
#[utoipa::path(put, path = "/services/{name}", tag = "node", operation_id = "node_switch", params(("name" = String, Path)), request_body = Switch,
    responses((status = OK, body = ServiceStatus), (status = NOT_FOUND, body = Problem), (status = CONFLICT, body = Problem)))]
pub(super) async fn switch(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    Json(Switch { on }): Json<Switch>,
) -> Result<Json<ServiceStatus>, Problem> {
    if on {
        state.switchboard.switch_on(&name).await.map_err(problem)?;
    } else {
        state.switchboard.switch_off(&name).await.map_err(problem)?;
    }
    remember(&state)?;
    Ok(Json(state.switchboard.get(&name).map_err(problem)?))
}

/// Writes what is on to the configuration, so that a restart finds it so.
fn remember(state: &ApiState) -> Result<(), Problem> {
    let on = state.switchboard.list().into_iter().filter(|service| service.on && !service.core);
    let names: Vec<_> = on.map(|service| service.name).collect();
    config::set(&state.paths.config_file, "services.enable", &names.join(",")).map_err(|error| {
        Problem::internal(&error).mend("it is switched until the node stops; mend the file so that it stays so")
    })
}

fn problem(error: SwitchError) -> Problem {
    match error {
        SwitchError::Unknown(_) => Problem::not_found(error.to_string()),
        SwitchError::Core(_) => Problem::conflict(error.to_string()),
        SwitchError::Start(start) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-started", start.cause).mend(start.mend)
        }
    }
}
