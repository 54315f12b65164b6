//! Sending from the user's own account.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Bytes, U256};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;
use weft_service::Problem;

use super::{address, blocking, read, running};
use crate::membership::Membership;
use crate::pool::Fate;
use crate::view::{Stage, TransactionView};
use crate::wallet::{Order, SendError};

/// 60 s is the longest wait for a final block.
const MAX_WAIT: u64 = 60;

/// What is sent from the user's account.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub(super) struct Send {
    /// To whom; nobody makes a contract of the data.
    #[serde(default)]
    to: Option<String>,
    /// Wei that go along, in decimal.
    #[serde(default)]
    value: Option<String>,
    /// What a contract is called with, or made of, hexadecimal.
    #[serde(default)]
    data: Option<String>,
    /// Gas it may use; found out if it is not said.
    #[serde(default)]
    gas: Option<u64>,
    /// Seconds to wait until it is final, 60 at most; it is not waited for if it is 0 or not said.
    #[serde(default)]
    wait: u64,
}

/// Signs with the key of the user's account, and submits.
#[utoipa::path(
    post, path = "/send", tag = "ledger", operation_id = "ledger_send", request_body = Send,
    responses((status = OK, body = TransactionView, description = "It is on this node's disk, and final if that was waited for"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, description = "It would fail, or is not taken"))
)]
pub(super) async fn send(
    State(membership): State<Arc<Membership>>,
    Json(send): Json<Send>,
) -> Result<Json<TransactionView>, Problem> {
    let instance = running(&membership)?;
    let order = Order {
        to: send.to.as_deref().map(address).transpose()?,
        value: match send.value.as_deref() {
            Some(text) => U256::from_str_radix(text, 10)
                .map_err(|_| Problem::bad_request(format!("`{text}` is no number of wei")))?,
            None => U256::ZERO,
        },
        data: match send.data.as_deref() {
            Some(text) => text.parse::<Bytes>().map_err(|_| Problem::bad_request("the data are not hexadecimal"))?,
            None => Bytes::new(),
        },
        gas: send.gas,
    };
    if order.to.is_none() && order.data.is_empty() {
        return Err(Problem::bad_request("there is neither an account to send to nor a contract to make"));
    }
    let (mut blocks, mut outcomes) = (instance.ledger.blocks(), instance.ledger.outcomes());
    let (wallet, ledger) = (membership.around.wallet.clone(), instance.ledger.clone());
    let hash = blocking(move || wallet.send(&ledger, order).map_err(|error| refused(&error))).await?;
    let wait = Duration::from_secs(send.wait.min(MAX_WAIT));
    let ended = async {
        loop {
            let looked = Arc::clone(&instance);
            let found = blocking(move || read::find(&looked, hash)).await?;
            if found.stage == Stage::Final {
                return Ok::<_, Problem>(found);
            }
            tokio::select! {
                block = blocks.recv() => if matches!(block, Err(RecvError::Closed)) { return Ok(found) },
                outcome = outcomes.recv() => if let Ok(outcome) = outcome
                    && outcome.hash == hash
                    && let Fate::Dropped(reason) = outcome.fate
                {
                    let because = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "dropped", format!("{hash} was dropped: {reason}"));
                    return Err(because);
                },
            }
        }
    };
    match tokio::time::timeout(wait, ended).await {
        Ok(found) => found.map(Json),
        // It is in the pool, or in a block by now: either is told.
        Err(_) => blocking(move || read::find(&instance, hash)).await.map(Json),
    }
}

fn refused(error: &SendError) -> Problem {
    let status = match error {
        SendError::State(_) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Problem::of(status, "not-sent", error)
}
