//! The configuration as it was when the node started, with the origin of each value.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::ApiState;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Setting {
    /// `section.key`.
    key: String,
    /// Its value.
    value: serde_json::Value,
    /// Where it came from: `default`, a file, an environment variable, a flag.
    origin: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Configuration {
    /// The configuration file.
    #[schema(value_type = String)]
    file: std::path::PathBuf,
    /// Every setting. There are no secrets among them: those are in files of their own.
    settings: Vec<Setting>,
}

/// Every setting the node started with, and where each came from.
#[utoipa::path(get, path = "/config", tag = "node", operation_id = "node_config", responses((status = OK, body = Configuration)))]
pub(super) async fn config(State(state): State<ApiState>) -> Json<Configuration> {
    let settings = state.loaded.entries.iter().map(|entry| Setting {
        key: entry.key.clone(),
        value: entry.value.clone(),
        origin: entry.origin.to_string(),
    });
    Json(Configuration { file: state.paths.config_file.clone(), settings: settings.collect() })
}
