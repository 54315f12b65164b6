//! How the node is: a word for anybody on this machine, and the whole for who has the token.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use weft_service::Problem;

use super::ApiState;
use crate::health::HealthReport;

/// Whether the node is well, in one word and by the HTTP status (503 if it is not). Asks for no token.
#[utoipa::path(get, path = "/health", tag = "node", operation_id = "node_alive", security(()),
    responses((status = OK, body = Value), (status = SERVICE_UNAVAILABLE, body = Value)))]
pub(super) async fn alive(State(state): State<ApiState>) -> (StatusCode, Json<Value>) {
    let report = state.health.report(&state.switchboard);
    (status_of(&report), Json(json!({ "status": report.status })))
}

/// How each part is, with cause and mend.
#[utoipa::path(get, path = "/health", tag = "node", operation_id = "node_health",
    responses((status = OK, body = HealthReport), (status = SERVICE_UNAVAILABLE, body = HealthReport), (status = UNAUTHORIZED, body = Problem)))]
pub(super) async fn health(State(state): State<ApiState>) -> (StatusCode, Json<HealthReport>) {
    let report = state.health.report(&state.switchboard);
    (status_of(&report), Json(report))
}

fn status_of(report: &HealthReport) -> StatusCode {
    if report.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
