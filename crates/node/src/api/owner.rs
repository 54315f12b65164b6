//! What only the owner is shown or asked: the recovery phrase, the API's token, the first run, a new start.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_identity::{Keystore, OpenError, Passphrase, RecoveryPhrase};
use weft_service::Problem;
use zeroize::{Zeroize as _, Zeroizing};

use super::ApiState;
use super::session::login_address;
use crate::identity::DeviceName;
use crate::life::{Again, Owner};

/// What must be said before the phrase is shown.
const REVEAL_WORD: &str = "reveal";

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RevealRequest {
    /// `reveal`: a person has confirmed it.
    confirm: String,
    /// The keystore's passphrase, if it has one.
    #[serde(default)]
    passphrase: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Phrase {
    /// The 24 words, in their order.
    words: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Token {
    /// The token: `Authorization: Bearer …`.
    token: String,
    /// The file it is in.
    path: String,
}

/// The identity as the first run shows it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SetupIdentity {
    /// The user key.
    user: String,
    /// The device key.
    peer: String,
    /// The device's name.
    device_name: String,
    /// Whether the keystore has a passphrase.
    encrypted: bool,
}

/// The first run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Setup {
    /// Whether it is over.
    done: bool,
    /// Who this node is.
    identity: SetupIdentity,
    /// Where files go that name no folder of their own.
    files_dir: String,
    /// Bytes a second from peers; `null` is no limit.
    download_rate: Option<u64>,
    /// Bytes a second to peers; `null` is no limit.
    upload_rate: Option<u64>,
    /// Whether another identity can still take this one's place.
    can_restore: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetupChange {
    /// `true`: the first run is over.
    done: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Restore {
    /// The 24 words of the recovery phrase.
    phrase: String,
    /// What this device is called; the machine's name if absent.
    #[serde(default)]
    device_name: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Restarting {
    /// Where the node is found again: an address that signs in, for one who becomes another user; else the node's own.
    url: String,
}

/// The recovery phrase.
#[utoipa::path(post, path = "/identity/phrase", tag = "node", operation_id = "node_phrase", request_body = RevealRequest,
    responses((status = OK, body = Phrase), (status = BAD_REQUEST, body = Problem), (status = FORBIDDEN, body = Problem)))]
pub(super) async fn phrase(
    State(state): State<ApiState>,
    Json(mut request): Json<RevealRequest>,
) -> Result<Json<Phrase>, Problem> {
    if request.confirm != REVEAL_WORD {
        return Err(Problem::bad_request(format!("`confirm` must be `{REVEAL_WORD}`")));
    }
    let given = request.passphrase.as_mut().map(std::mem::take).filter(|typed| !typed.is_empty());
    let passphrase = given.map(|typed| Passphrase::new(Zeroizing::new(typed))).transpose();
    let passphrase = passphrase.map_err(|error| Problem::of(StatusCode::FORBIDDEN, "passphrase", &error))?;
    let keystore = Keystore::in_data_dir(&state.paths.data_dir);
    // Opening is made slow on purpose.
    let opened = tokio::task::spawn_blocking(move || keystore.reveal_phrase(passphrase.as_ref())).await;
    let phrase = opened.map_err(|error| Problem::internal(&error))?.map_err(|error| match &error {
        OpenError::PassphraseNeeded(_) | OpenError::WrongPassphrase(_) => {
            Problem::of(StatusCode::FORBIDDEN, "passphrase", &error).mend("give the keystore's passphrase")
        }
        _ => Problem::internal(&error),
    })?;
    Ok(Json(Phrase { words: phrase.reveal().split_whitespace().map(str::to_owned).collect() }))
}

/// The API's token, for other programs of this user.
#[utoipa::path(get, path = "/token", tag = "node", operation_id = "node_token", responses((status = OK, body = Token)))]
pub(super) async fn token(State(state): State<ApiState>) -> Json<Token> {
    let path = crate::data_dir::token_file(&state.paths.data_dir);
    Json(Token { token: state.credentials.token().reveal().to_owned(), path: path.display().to_string() })
}

/// How far the first run is.
#[utoipa::path(get, path = "/setup", tag = "node", operation_id = "node_setup", responses((status = OK, body = Setup)))]
pub(super) async fn setup(State(state): State<ApiState>) -> Result<Json<Setup>, Problem> {
    let keystore = Keystore::in_data_dir(&state.paths.data_dir);
    let encrypted = keystore.is_encrypted().map_err(|error| Problem::internal(&error))?;
    let status = state.facts.status();
    let config = state.settings.config();
    let limits = (config.files.download_rate.limit(), config.files.upload_rate.limit());
    Ok(Json(Setup {
        done: !state.first_run.is_going_on(),
        identity: SetupIdentity { user: status.user, peer: status.peer, device_name: status.device_name, encrypted },
        files_dir: config.files.download_dir(&state.paths.data_dir).display().to_string(),
        download_rate: limits.0,
        upload_rate: limits.1,
        can_restore: state.first_run.is_going_on() && state.life.is_restartable(),
    }))
}

/// Ends the first run.
#[utoipa::path(put, path = "/setup", tag = "node", operation_id = "node_end_setup", request_body = SetupChange,
    responses((status = NO_CONTENT), (status = BAD_REQUEST, body = Problem)))]
pub(super) async fn end_setup(
    State(state): State<ApiState>,
    Json(change): Json<SetupChange>,
) -> Result<StatusCode, Problem> {
    if !change.done {
        return Err(Problem::bad_request("a first run happens once; `done` can only become true"));
    }
    state.first_run.end().map_err(|error| Problem::internal(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Brings the owner's own identity, in the first run: the node starts again as that user.
#[utoipa::path(post, path = "/setup/restore", tag = "node", operation_id = "node_restore", request_body = Restore,
    responses((status = ACCEPTED, body = Restarting), (status = BAD_REQUEST, body = Problem), (status = CONFLICT, body = Problem)))]
pub(super) async fn restore(
    State(state): State<ApiState>,
    Json(mut request): Json<Restore>,
) -> Result<(StatusCode, Json<Restarting>), Problem> {
    if !state.first_run.is_going_on() {
        return Err(Problem::conflict("this node's first run is over: it has its owner")
            .mend("restore on a data folder of its own: `weft --data-dir … id restore`"));
    }
    let phrase = RecoveryPhrase::parse(&request.phrase);
    request.phrase.zeroize();
    let phrase = phrase.map_err(|error| Problem::of(StatusCode::BAD_REQUEST, "bad-phrase", &error))?;
    let device = request.device_name.as_deref().map(DeviceName::new).transpose();
    let device = device.map_err(|error| Problem::of(StatusCode::BAD_REQUEST, "bad-name", &error))?;
    // The cookie is named after the peer, which becomes another.
    let code = state.credentials.sessions().code().map_err(|error| Problem::internal(&error))?;
    let url = login_address(&state.facts.status().api, &code);
    ask(&state, Again::As(Owner { phrase, device }))?;
    Ok((StatusCode::ACCEPTED, Json(Restarting { url })))
}

/// Stops the node and starts it again, with its settings read anew.
#[utoipa::path(post, path = "/restart", tag = "node", operation_id = "node_restart",
    responses((status = ACCEPTED, body = Restarting), (status = CONFLICT, body = Problem)))]
pub(super) async fn restart(State(state): State<ApiState>) -> Result<(StatusCode, Json<Restarting>), Problem> {
    ask(&state, Again::AsItIs)?;
    Ok((StatusCode::ACCEPTED, Json(Restarting { url: state.facts.status().api })))
}

fn ask(state: &ApiState, again: Again) -> Result<(), Problem> {
    if state.life.ask(again) {
        return Ok(());
    }
    Err(Problem::conflict("this node is part of another program, which does not start it again")
        .mend("run a node with `weft up`"))
}
