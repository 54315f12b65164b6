//! Answering a peer that wants to begin at a snapshot.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use tokio::time::MissedTickBehavior;
use weft_evm::{Chain, StateError};
use weft_overlay::BoxLink;

use super::message::{
    Answer, DecidedBlock, MAX_HEADERS_BYTES, QUESTION_BYTES, Question, SnapshotMessageError, encode_headers,
};
use super::shelf::{Offer, Shelf};
use crate::light::MAX_LIGHT_BLOCKS;
use crate::replica::set_of;

/// 120 s without a question, or until an answer is taken: who asks has other work between two questions, but not more.
const PATIENCE: Duration = Duration::from_secs(120);

/// 15 ms from one answer to the next at least: 17,000 headers a second, or 70 MB of state. What is asked costs this node more
/// than it costs the asker.
const PACE: Duration = Duration::from_millis(15);

/// Why no more is answered.
#[derive(Debug, thiserror::Error)]
enum GiveError {
    #[error("it is on another chain")]
    OtherChain,
    #[error("it asks what cannot be read")]
    Message(#[from] SnapshotMessageError),
    #[error("its link ended")]
    Link(#[from] std::io::Error),
    #[error("the ledger cannot be read")]
    State(#[from] StateError),
    #[error("it was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
    #[error("it asked nothing, or took nothing, for {} s", PATIENCE.as_secs())]
    Silent(#[from] tokio::time::error::Elapsed),
}

/// Answers what comes over `link` until it ends.
pub async fn give(mut link: BoxLink, chain: Arc<Chain>, shelf: Arc<Shelf>) {
    let Some(_place) = shelf.place() else { return };
    if let Err(error) = answer_all(&mut link, &chain, &shelf).await {
        tracing::debug!(error = &error as &dyn std::error::Error, "a peer that takes a snapshot is left");
    }
}

async fn answer_all(link: &mut BoxLink, chain: &Arc<Chain>, shelf: &Arc<Shelf>) -> Result<(), GiveError> {
    let mut genesis = B256::ZERO;
    tokio::time::timeout(PATIENCE, link.read_exact(genesis.as_mut_slice())).await??;
    if genesis != chain.genesis_hash() {
        return Err(GiveError::OtherChain);
    }
    let mut pace = tokio::time::interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        let mut question = [0; QUESTION_BYTES];
        tokio::time::timeout(PATIENCE, link.read_exact(&mut question)).await??;
        let question = Question::decode(&question)?;
        let answer = answer(question, Arc::clone(chain), Arc::clone(shelf)).await?.encode();
        let say = async {
            link.write_all(&answer).await?;
            link.flush().await
        };
        tokio::time::timeout(PATIENCE, say).await??;
    }
}

async fn answer(question: Question, chain: Arc<Chain>, shelf: Arc<Shelf>) -> Result<Answer, GiveError> {
    let given = match question {
        Question::Manifest => match shelf.offer(&chain) {
            Offer::Manifest(manifest) => return Ok(Answer::Here(manifest)),
            Offer::Wait => return Ok(Answer::Wait),
            Offer::Nothing => None,
        },
        Question::Chunk(hash) => tokio::task::spawn_blocking(move || shelf.chunk(&hash)).await?,
        Question::Headers(from) => {
            let headers = tokio::task::spawn_blocking(move || headers(&chain, from)).await??;
            (!headers.is_empty()).then(|| encode_headers(&headers))
        }
    };
    Ok(given.map_or(Answer::Nothing, Answer::Here))
}

/// Decided headers from a height on. They end before one whose certificate or set is not kept.
fn headers(chain: &Chain, from: u64) -> Result<Vec<DecidedBlock>, StateError> {
    let (mut blocks, mut bytes) = (Vec::new(), 0);
    let Some(before) = from.checked_sub(1) else { return Ok(blocks) };
    let Some((_, mut parent)) = chain.header(before)? else { return Ok(blocks) };
    for height in from..from.saturating_add(MAX_LIGHT_BLOCKS) {
        let (Some((_, header)), Some(certificate)) = (chain.header(height)?, chain.certificate(height)?) else { break };
        let mut set = alloy_primitives::Bytes::new();
        if header.extra_data != parent.extra_data {
            match set_of(chain, height + 1)? {
                Some(next) => set = next.encode().into(),
                None => break,
            }
        }
        let block = DecidedBlock { header: alloy_rlp::encode(&header).into(), certificate, set };
        // A few bytes more are for the lengths.
        bytes += block.header.len() + block.certificate.len() + block.set.len() + 32;
        if bytes > MAX_HEADERS_BYTES {
            break;
        }
        blocks.push(block);
        parent = header;
    }
    Ok(blocks)
}
