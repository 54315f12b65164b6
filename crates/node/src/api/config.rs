//! The configuration: every setting as it stands, with its origin, and changed one at a time.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_service::Problem;

use super::ApiState;
use crate::config::{ConfigError, EditError};
use crate::settings::{ChangeError, Standing};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Setting {
    /// `section.key`.
    key: String,
    /// Its value.
    value: serde_json::Value,
    /// Where it came from: `default`, a file, an environment variable, a flag.
    origin: String,
    /// What it is if nobody sets it.
    default: serde_json::Value,
    /// Whether a change acts at once.
    takes_effect: TakesEffect,
}

/// When a change of a setting acts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TakesEffect {
    /// At once.
    Now,
    /// When the node starts again.
    Restart,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Configuration {
    /// The configuration file.
    #[schema(value_type = String)]
    file: std::path::PathBuf,
    /// Every setting. There are no secrets among them: those are in files of their own.
    settings: Vec<Setting>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewValue {
    /// As `weft config set` takes it: `10 MB/s`, `true`, `a, b`.
    value: String,
}

/// Every setting as it stands, and where each came from.
#[utoipa::path(get, path = "/config", tag = "node", operation_id = "node_config", responses((status = OK, body = Configuration)))]
pub(super) async fn config(State(state): State<ApiState>) -> Json<Configuration> {
    let settings = state.settings.all().into_iter().map(Setting::from).collect();
    Json(Configuration { file: state.paths.config_file.clone(), settings })
}

/// Writes a setting to the configuration file. What can act at once does; the rest acts when the node starts again.
#[utoipa::path(put, path = "/config/{key}", tag = "node", operation_id = "node_set_config", params(("key" = String, Path)), request_body = NewValue,
    responses((status = OK, body = Setting), (status = BAD_REQUEST, body = Problem), (status = CONFLICT, body = Problem)))]
pub(super) async fn set(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Json(new): Json<NewValue>,
) -> Result<Json<Setting>, Problem> {
    let settings = std::sync::Arc::clone(&state.settings);
    // Writes a file and waits until it is on the disk.
    let changed = tokio::task::spawn_blocking(move || settings.change(&key, &new.value)).await;
    let standing = changed.map_err(|error| Problem::internal(&error))?.map_err(|error| problem(&error))?;
    Ok(Json(standing.into()))
}

impl From<Standing> for Setting {
    fn from(standing: Standing) -> Self {
        Setting {
            key: standing.entry.key,
            value: standing.entry.value,
            origin: standing.entry.origin.to_string(),
            default: standing.default,
            takes_effect: if standing.live { TakesEffect::Now } else { TakesEffect::Restart },
        }
    }
}

fn problem(error: &ChangeError) -> Problem {
    match error {
        ChangeError::Overruled { .. } => {
            Problem::conflict(error.to_string()).mend("take it away there and start the node again")
        }
        ChangeError::Edit(EditError::Config(ConfigError::UnknownKey { .. } | ConfigError::BadValue { .. })) => {
            Problem::of(StatusCode::BAD_REQUEST, "bad-setting", error)
        }
        ChangeError::Edit(_) => Problem::internal(error),
    }
}
