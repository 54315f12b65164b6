//! Making a chain, getting onto one, leaving it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use alloy_primitives::U256;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_service::Problem;

use super::address;
use crate::coins::Coins;
use crate::genesis::{FirstValidator, NewChain, ONE_COIN, StakingTerms};
use crate::membership::{Begin, EnterError, Membership};
use crate::status::LedgerStatus;
use crate::ticket::{Candidate, Ticket};

/// 1 million coins for the account of whoever makes the chain, if nothing else is said.
const OWN_COINS: u64 = 1_000_000;

/// 1,000 coins for the account of each other first validator: what it does later (leaving, too) costs gas.
const VALIDATOR_COINS: u64 = 1_000;

/// 100 coins' worth of power for each first validator, if nothing else is said.
const POWER: u64 = 100;

/// A validator from the first block on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct InitValidator {
    /// What its node says of itself: `weft:validator/…`.
    candidate: String,
    /// Its power, in coins' worth; 100 if it is not said.
    #[serde(default)]
    power: Option<u64>,
}

/// A chain to be made.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct Init {
    /// EIP-155: no two chains that meet should have the same. Random if it is not said.
    chain_id: Option<u64>,
    /// The other first validators.
    validators: Vec<InitValidator>,
    /// This node's power, in coins' worth; 0 makes it no validator. 100 if it is not said.
    power: Option<u64>,
    /// Who has how many coins beside the account of this node's user, and the 1,000 that each other first validator has.
    coins: BTreeMap<String, u64>,
    /// Coins of this node's user; a million if it is not said.
    own_coins: Option<u64>,
    /// The least stake of who joins later, in coins; 1 if it is not said.
    min_stake: Option<u64>,
    /// Nobody joins later.
    closed: bool,
    /// From one block to the next under load, in milliseconds; 250 if it is not said.
    block_time_ms: Option<u64>,
    /// From one block to the next without transactions, in milliseconds; 5,000 if it is not said.
    heartbeat_ms: Option<u64>,
    /// Gas of a block; 500 million if it is not said.
    gas_limit: Option<u64>,
}

/// A chain was made, or entered.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Entered {
    /// How the ledger is now.
    #[serde(flatten)]
    status: LedgerStatus,
    /// What lets others join: `weft:ledger/…`.
    ticket: String,
}

/// How to get onto a chain: by a ticket, or by a genesis file and peers.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct Join {
    /// `weft:ledger/…`.
    ticket: Option<String>,
    /// The genesis file.
    genesis: Option<serde_json::Value>,
    /// Tickets or candidates whose nodes are on that chain.
    peers: Vec<String>,
    /// Begin at a snapshot of the state that a peer gives, instead of executing every block: what is of before (transactions,
    /// logs, states) is not on this node then.
    snapshot: bool,
}

/// Where the chain was put.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Left {
    /// The folder; `None` if there was no chain.
    folder: Option<String>,
}

/// What names this node in a genesis.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct CandidateView {
    /// `weft:validator/…`: what goes into `weft ledger init --validator`.
    candidate: String,
    /// The user's account.
    account: String,
    /// The node's validator key, hexadecimal.
    public_key: String,
}

/// What lets others join.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct TicketView {
    /// `weft:ledger/…`.
    ticket: String,
}

/// Makes a chain, and runs it.
#[utoipa::path(
    post, path = "/init", tag = "ledger", operation_id = "ledger_init", request_body = Init,
    responses((status = OK, body = Entered), (status = CONFLICT, body = Problem, description = "This node is on a chain"))
)]
pub(super) async fn init(
    State(membership): State<Arc<Membership>>,
    Json(init): Json<Init>,
) -> Result<Json<Entered>, Problem> {
    let me = membership.candidate().map_err(|error| Problem::internal(&error))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // Below 2^31, as some wallets keep it in a signed 32-bit number, and above all that are well known.
    let chain_id = init.chain_id.unwrap_or_else(|| rand::random_range(1_000_000_000..2_000_000_000));
    if chain_id == 0 {
        return Err(Problem::bad_request("chain id 0 is no chain's"));
    }
    let mut first = Vec::new();
    let power = init.power.unwrap_or(POWER);
    if power > 0 {
        first.push(FirstValidator { address: me.account, public_key: me.public_key, power: worth(power)? });
    }
    let mut others = Vec::new();
    for InitValidator { candidate, power } in &init.validators {
        let parsed: Candidate = candidate.parse().map_err(|error| {
            Problem::bad_request(format!("`{candidate}` names no validator: {error}"))
                .mend("`weft ledger candidate` on that node prints it")
        })?;
        others.push((parsed, worth(power.unwrap_or(POWER))?));
    }
    let mut new = NewChain::new(chain_id, now, first);
    for (candidate, _) in &others {
        new.balances.insert(candidate.account, Coins::from(VALIDATOR_COINS).wei());
    }
    new.balances.insert(me.account, Coins::from(init.own_coins.unwrap_or(OWN_COINS)).wei());
    for (account, amount) in &init.coins {
        *new.balances.entry(address(account)?).or_insert(U256::ZERO) += Coins::from(*amount).wei();
    }
    if init.closed || init.min_stake.is_some() {
        let min_stake =
            if init.closed { U256::from(u128::MAX) } else { Coins::from(init.min_stake.unwrap_or(1)).wei() };
        new.staking = Some(StakingTerms {
            min_stake: u128::try_from(min_stake)
                .map_err(|_| Problem::bad_request("that stake is more than there can be"))?,
            ..StakingTerms::default()
        });
    }
    new.block_time_ms = init.block_time_ms.unwrap_or(new.block_time_ms).clamp(10, 60_000);
    new.heartbeat_ms = Some(init.heartbeat_ms.unwrap_or(5_000).clamp(new.block_time_ms, 60_000));
    new.gas_limit = init.gas_limit.unwrap_or(new.gas_limit);
    to_the_end(&membership, move |membership| async move { membership.init(new, others).await }).await?;
    entered(&membership)
}

/// Gets onto a chain, and runs it.
#[utoipa::path(
    post, path = "/join", tag = "ledger", operation_id = "ledger_join", request_body = Join,
    responses((status = OK, body = Entered), (status = CONFLICT, body = Problem, description = "This node is on a chain"))
)]
pub(super) async fn join(
    State(membership): State<Arc<Membership>>,
    Json(join): Json<Join>,
) -> Result<Json<Entered>, Problem> {
    let begin = if join.snapshot { Begin::Snapshot } else { Begin::Genesis };
    match (join.ticket, join.genesis) {
        (Some(ticket), None) => {
            let ticket: Ticket = ticket.parse().map_err(|error| {
                Problem::bad_request(format!("this is no ticket: {error}"))
                    .mend("`weft ledger ticket` on a node of the chain prints one")
            })?;
            to_the_end(&membership, move |membership| async move { membership.join(ticket, begin).await }).await?;
        }
        (None, Some(genesis)) => {
            let peers = join.peers.iter().map(|text| peer(text)).collect::<Result<Vec<_>, _>>()?.concat();
            let file = serde_json::to_vec_pretty(&genesis).map_err(|error| Problem::internal(&error))?;
            to_the_end(&membership, move |membership| async move { membership.join_by_file(file, peers, begin).await })
                .await?;
        }
        _ => return Err(Problem::bad_request("give a ticket, or a genesis file and peers")),
    }
    entered(&membership)
}

/// Puts the chain aside: nothing is removed.
#[utoipa::path(
    post, path = "/leave", tag = "ledger", operation_id = "ledger_leave", responses((status = OK, body = Left))
)]
pub(super) async fn leave(State(membership): State<Arc<Membership>>) -> Result<Json<Left>, Problem> {
    let folder = to_the_end(&membership, |membership| async move { membership.leave().await }).await?;
    Ok(Json(Left { folder: folder.map(|folder| folder.display().to_string()) }))
}

/// The genesis file of the chain.
#[utoipa::path(
    get, path = "/genesis", tag = "ledger", operation_id = "ledger_genesis",
    responses((status = OK, content_type = "application/json", description = "As any Ethereum tool reads it"),
        (status = NOT_FOUND, body = Problem))
)]
pub(super) async fn genesis(State(membership): State<Arc<Membership>>) -> Result<impl IntoResponse, Problem> {
    let file = membership.genesis().ok_or_else(|| Problem::not_found("this node is on no chain"))?;
    Ok(([(CONTENT_TYPE, "application/json")], file.to_vec()))
}

/// What names this node in a genesis.
#[utoipa::path(
    get, path = "/candidate", tag = "ledger", operation_id = "ledger_candidate",
    responses((status = OK, body = CandidateView))
)]
pub(super) async fn candidate(State(membership): State<Arc<Membership>>) -> Result<Json<CandidateView>, Problem> {
    let candidate = membership.candidate().map_err(|error| Problem::internal(&error))?;
    Ok(Json(CandidateView {
        account: candidate.account.to_string(),
        public_key: candidate.public_key.to_string(),
        candidate: candidate.to_string(),
    }))
}

/// What lets others join the chain.
#[utoipa::path(
    get, path = "/ticket", tag = "ledger", operation_id = "ledger_ticket",
    responses((status = OK, body = TicketView), (status = CONFLICT, body = Problem))
)]
pub(super) async fn ticket(State(membership): State<Arc<Membership>>) -> Result<Json<TicketView>, Problem> {
    super::running(&membership)?;
    Ok(Json(TicketView { ticket: membership.ticket().map(|ticket| ticket.to_string()).unwrap_or_default() }))
}

/// Does it even if who asked for it goes away: a node is on a chain or it is not.
async fn to_the_end<T: Send + 'static, W: Future<Output = Result<T, EnterError>> + Send + 'static>(
    membership: &Arc<Membership>,
    work: impl FnOnce(Arc<Membership>) -> W,
) -> Result<T, Problem> {
    match tokio::spawn(work(Arc::clone(membership))).await {
        Ok(done) => done.map_err(|error| refused(&error)),
        Err(error) => Err(Problem::internal(&error)),
    }
}

fn entered(membership: &Membership) -> Result<Json<Entered>, Problem> {
    super::running(membership)?;
    let ticket = membership.ticket().map(|ticket| ticket.to_string()).unwrap_or_default();
    Ok(Json(Entered { status: LedgerStatus::of(membership), ticket }))
}

fn peer(text: &str) -> Result<Vec<crate::peering::Named>, Problem> {
    if let Ok(candidate) = text.parse::<Candidate>() {
        return Ok(vec![candidate.node]);
    }
    match text.parse::<Ticket>() {
        Ok(ticket) => Ok(ticket.peers),
        Err(error) => Err(Problem::bad_request(format!("`{text}` names no peer: {error}"))),
    }
}

fn worth(power: u64) -> Result<u64, Problem> {
    power.checked_mul(ONE_COIN).ok_or_else(|| Problem::bad_request("that power is more than there can be"))
}

fn refused(error: &EnterError) -> Problem {
    let status = match error {
        EnterError::OnChain | EnterError::GivenUp => StatusCode::CONFLICT,
        EnterError::Make(_) | EnterError::NoGenesis => StatusCode::BAD_REQUEST,
        EnterError::Fetch(_) | EnterError::Take(_) => StatusCode::BAD_GATEWAY,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let problem = Problem::of(status, "not-entered", error);
    match error {
        EnterError::Fetch(_) => {
            problem.mend("see that a node of the chain is up, and that this one reaches it: `weft doctor`")
        }
        EnterError::Take(_) => problem.mend("join without a snapshot, or by the ticket of another node of the chain"),
        EnterError::OnChain => problem.mend("`weft ledger leave` puts it aside"),
        _ => problem,
    }
}
