//! What is on the chain.

use std::sync::Arc;

use alloy_consensus::TxReceipt as _;
use alloy_primitives::{B256, hex};
use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use utoipa::IntoParams;
use weft_consensus::codec::decode_certificate;
use weft_evm::{Chain, StateError, StateReader as _, StoredBlock};
use weft_service::Problem;

use super::{address, blocking, hash, running, unreadable};
use crate::handle::Ledger;
use crate::instance::Instance;
use crate::membership::Membership;
use crate::pool::{Fate, StateAccounts};
use crate::replica::set_of;
use crate::view::{
    AccountView, BlockDetail, BlockView, EvidenceView, LedgerPeerView, Stage, TransactionView, ValidatorView, signers,
};

/// 100 blocks in an answer.
const MAX_BLOCKS: u64 = 100;

/// 1,000 transactions of a block in an answer.
const MAX_LISTED: usize = 1_000;

/// 200 transactions of the pool in an answer.
const MAX_WAITING: usize = 200;

/// Which blocks.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
pub(super) struct Range {
    /// Below this height; the head and what is below it if it is not said.
    before: Option<u64>,
    /// How many, at most 100; 20 if it is not said.
    limit: Option<u64>,
}

/// The validators of the next height.
#[utoipa::path(
    get, path = "/validators", tag = "ledger", operation_id = "ledger_validators",
    responses((status = OK, body = Vec<ValidatorView>))
)]
pub(super) async fn validators(State(membership): State<Arc<Membership>>) -> Result<Json<Vec<ValidatorView>>, Problem> {
    let instance = running(&membership)?;
    let set = instance.ledger.validators();
    // Two devices of one user have one account: it is this node if the key is its own too.
    let mine = set.iter().find(|validator| validator.public_key == instance.public_key).map(|mine| mine.address);
    Ok(Json(ValidatorView::of(&set, mine)))
}

/// The peers on this ledger.
#[utoipa::path(
    get, path = "/peers", tag = "ledger", operation_id = "ledger_peers",
    responses((status = OK, body = Vec<LedgerPeerView>))
)]
pub(super) async fn peers(State(membership): State<Arc<Membership>>) -> Result<Json<Vec<LedgerPeerView>>, Problem> {
    Ok(Json(running(&membership)?.watch.peer_list()))
}

/// Validators that contradicted themselves while this node ran.
#[utoipa::path(
    get, path = "/evidence", tag = "ledger", operation_id = "ledger_evidence",
    responses((status = OK, body = Vec<EvidenceView>))
)]
pub(super) async fn evidence(State(membership): State<Arc<Membership>>) -> Result<Json<Vec<EvidenceView>>, Problem> {
    Ok(Json(running(&membership)?.watch.evidence()))
}

/// Final blocks, the newest first.
#[utoipa::path(
    get, path = "/blocks", tag = "ledger", operation_id = "ledger_blocks", params(Range),
    responses((status = OK, body = Vec<BlockView>))
)]
pub(super) async fn blocks(
    State(membership): State<Arc<Membership>>,
    Query(range): Query<Range>,
) -> Result<Json<Vec<BlockView>>, Problem> {
    let instance = running(&membership)?;
    let chain = Arc::clone(instance.ledger.chain());
    blocking(move || {
        let next = chain.height() + 1;
        let end = range.before.unwrap_or(next).min(next);
        let begin = end.saturating_sub(range.limit.unwrap_or(20).min(MAX_BLOCKS));
        let mut blocks = Vec::new();
        for height in (begin..end).rev() {
            if let Some(stored) = chain.block(height).map_err(|error| unreadable(&error))? {
                blocks.push(view(&stored));
            }
        }
        Ok(blocks)
    })
    .await
    .map(Json)
}

/// A final block with its transactions.
#[utoipa::path(
    get, path = "/blocks/{block}", tag = "ledger", operation_id = "ledger_block",
    params(("block" = String, Path, description = "A height, a hash, or `latest`")),
    responses((status = OK, body = BlockDetail), (status = NOT_FOUND, body = Problem))
)]
pub(super) async fn block(
    State(membership): State<Arc<Membership>>,
    Path(block): Path<String>,
) -> Result<Json<BlockDetail>, Problem> {
    let instance = running(&membership)?;
    let chain = Arc::clone(instance.ledger.chain());
    blocking(move || {
        let height = match block.as_str() {
            "latest" => Some(chain.height()),
            text if text.starts_with("0x") => chain.height_of(hash(text)?).map_err(|error| unreadable(&error))?,
            text => Some(text.parse().map_err(|_| Problem::bad_request(format!("`{text}` is no height and no hash")))?),
        };
        let stored = match height {
            Some(height) => chain.block(height).map_err(|error| unreadable(&error))?,
            None => None,
        };
        let stored = stored.ok_or_else(|| match height.zip(chain.oldest_block().ok()) {
            Some((height, oldest)) if height < oldest => {
                let began = format!("this node began at a snapshot, and has blocks from {oldest} on");
                Problem::not_found(began).mend("ask a node that has executed the chain from its first block")
            }
            _ => Problem::not_found(format!("there is no final block `{block}`")),
        })?;
        detail(&chain, &stored).map_err(|error| unreadable(&error))
    })
    .await
    .map(Json)
}

/// A transaction, and how far it is.
#[utoipa::path(
    get, path = "/transactions/{hash}", tag = "ledger", operation_id = "ledger_transaction",
    params(("hash" = String, Path)),
    responses((status = OK, body = TransactionView), (status = NOT_FOUND, body = Problem))
)]
pub(super) async fn transaction(
    State(membership): State<Arc<Membership>>,
    Path(text): Path<String>,
) -> Result<Json<TransactionView>, Problem> {
    let instance = running(&membership)?;
    let wanted = hash(&text)?;
    blocking(move || find(&instance, wanted)).await.map(Json)
}

/// Transactions that wait in the pool, those that can be executed now first.
#[utoipa::path(
    get, path = "/transactions", tag = "ledger", operation_id = "ledger_waiting",
    responses((status = OK, body = Vec<TransactionView>))
)]
pub(super) async fn waiting(State(membership): State<Arc<Membership>>) -> Result<Json<Vec<TransactionView>>, Problem> {
    let instance = running(&membership)?;
    let content = instance.ledger.pool().lock().content(MAX_WAITING);
    let mut views = Vec::new();
    for (sender, content) in &content {
        let stages = [(Stage::Pending, &content.pending), (Stage::Queued, &content.queued)];
        for (stage, list) in stages {
            views.extend(list.iter().map(|tx| TransactionView::waiting(tx.transaction().inner(), *sender, stage)));
        }
    }
    views.sort_by_key(|view| view.stage == Stage::Queued);
    views.truncate(MAX_WAITING);
    Ok(Json(views))
}

/// An account.
#[utoipa::path(
    get, path = "/accounts/{address}", tag = "ledger", operation_id = "ledger_account",
    params(("address" = String, Path)),
    responses((status = OK, body = AccountView))
)]
pub(super) async fn account(
    State(membership): State<Arc<Membership>>,
    Path(text): Path<String>,
) -> Result<Json<AccountView>, Problem> {
    let instance = running(&membership)?;
    let wanted = address(&text)?;
    blocking(move || {
        let read = || -> Result<AccountView, StateError> {
            let state = instance.ledger.chain().state();
            let account = state.account(wanted)?.unwrap_or_default();
            let code = if account.code_hash == alloy_primitives::KECCAK256_EMPTY {
                0
            } else {
                state.code(account.code_hash)?.len()
            };
            let pending = instance.ledger.pool().lock().pending_nonce(wanted, &StateAccounts(&state))?;
            Ok(AccountView {
                address: wanted.to_string(),
                balance: account.balance.to_string(),
                nonce: account.nonce,
                pending_nonce: pending,
                code_bytes: code,
            })
        };
        read().map_err(|error| unreadable(&error))
    })
    .await
    .map(Json)
}

fn view(stored: &StoredBlock) -> BlockView {
    let certificate = decode_certificate(&stored.certificate).ok();
    let block = &stored.block;
    BlockView::of(block.hash, &block.block.header, block.block.body.transactions.len(), certificate.as_ref())
}

fn detail(chain: &Chain, stored: &StoredBlock) -> Result<BlockDetail, StateError> {
    let block = view(stored);
    let recovered = &stored.block;
    let receipts = chain.receipts(block.height)?.unwrap_or_default();
    let mut before = 0;
    let mut list = Vec::new();
    for (index, (receipt, sender)) in receipts.iter().zip(&recovered.senders).take(MAX_LISTED).enumerate() {
        let signers = block.signers.clone();
        list.extend(TransactionView::in_block(&recovered.block, index, *sender, receipt, before, signers));
        before = receipt.cumulative_gas_used();
    }
    let set = if block.height == 0 { None } else { set_of(chain, block.height)? };
    Ok(BlockDetail {
        block,
        list,
        header: hex::encode_prefixed(alloy_rlp::encode(&recovered.block.header)),
        certificate: hex::encode_prefixed(&stored.certificate),
        set: set.map(|set| hex::encode_prefixed(set.encode())),
    })
}

/// A transaction wherever it is: in a block, in the pool, or gone.
pub(super) fn find(instance: &Instance, wanted: B256) -> Result<TransactionView, Problem> {
    if let Some(found) = in_chain(&instance.ledger, wanted).map_err(|error| unreadable(&error))? {
        return Ok(found);
    }
    let waiting = {
        let pool = instance.ledger.pool().lock();
        pool.get(wanted).map(|tx| {
            let content = pool.content_from(tx.sender());
            let pending = content.pending.iter().any(|pending| pending.hash() == wanted);
            let stage = if pending { Stage::Pending } else { Stage::Queued };
            TransactionView::waiting(tx.transaction().inner(), tx.sender(), stage)
        })
    };
    if let Some(view) = waiting {
        return Ok(view);
    }
    match instance.watch.fate(&wanted) {
        Some(Fate::Replaced { by }) => {
            Err(Problem::not_found(format!("{wanted} was replaced by {by}, which has the same nonce")))
        }
        Some(Fate::Dropped(reason)) => Err(Problem::not_found(format!("{wanted} was dropped: {reason}"))),
        _ => Err(Problem::not_found(format!("{wanted} is in no final block and not in this node's pool"))),
    }
}

fn in_chain(ledger: &Ledger, wanted: B256) -> Result<Option<TransactionView>, StateError> {
    let chain = ledger.chain();
    let Some(place) = chain.place(wanted)? else { return Ok(None) };
    let (Some(stored), Some(receipts)) = (chain.block(place.height)?, chain.receipts(place.height)?) else {
        return Ok(None);
    };
    let before = place.index.checked_sub(1).and_then(|before| receipts.get(before));
    let before = before.map_or(0, |receipt| receipt.cumulative_gas_used());
    let certificate = decode_certificate(&stored.certificate).ok();
    let verified_by = certificate.as_ref().map(signers).unwrap_or_default();
    let (Some(receipt), Some(sender)) = (receipts.get(place.index), stored.block.senders.get(place.index)) else {
        return Ok(None);
    };
    Ok(TransactionView::in_block(&stored.block.block, place.index, *sender, receipt, before, verified_by))
}
