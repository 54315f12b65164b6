//! Asking a peer for the role it offers, and answering such questions.
//!
//! On a `role/1` stream the answerer says one frame at once: four length bytes (big endian) and a postcard
//! [`RoleAnswer`]: its signed role record, if it offers one, and a few relays it knows to work. Then it ends the stream.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::connector::LinkHandler;
use crate::link::BoxLink;
use crate::relay::{MAX_RECORD, RelayHint, RelayPool};
use crate::tasks::Tasks;

/// 8 KiB: a record and 16 relays have under 4.
const MAX_ANSWER: usize = 8 * 1024;

/// 16 relays handed out.
const MAX_RELAYS: usize = 16;

/// 16 questions answered at a time; others ask again.
const MAX_ANSWERS: usize = 16;

/// 5 s for an answer to go out or come in.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What a peer says of its roles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoleAnswer {
    /// The signed role record.
    pub(crate) record: Option<Vec<u8>>,
    /// Relays it knows to work, for a seeker that found it full.
    pub(crate) relays: Vec<RelayHint>,
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("the answer is too long or no answer")]
    Malformed,
    #[error("the answer took too long")]
    Silent,
    #[error("the link failed")]
    Link(#[source] std::io::Error),
}

/// Answers `role/1` streams.
pub(crate) struct RoleHandler {
    record: Arc<RwLock<Option<Vec<u8>>>>,
    relays: Arc<RelayPool>,
    slots: Arc<Semaphore>,
    tasks: Tasks,
}

impl RoleHandler {
    /// Answers with what `record` holds at the time.
    pub(crate) fn new(record: Arc<RwLock<Option<Vec<u8>>>>, relays: Arc<RelayPool>, tasks: Tasks) -> Self {
        RoleHandler { record, relays, slots: Arc::new(Semaphore::new(MAX_ANSWERS)), tasks }
    }
}

impl LinkHandler for RoleHandler {
    fn accept(&self, mut link: BoxLink) {
        let Ok(slot) = self.slots.clone().try_acquire_owned() else { return };
        let mut relays = self.relays.used();
        relays.truncate(MAX_RELAYS);
        let frame = encode(&RoleAnswer { record: self.record.read().clone(), relays });
        self.tasks.spawn(async move {
            let said = async {
                link.write_all(&frame).await?;
                link.flush().await?;
                link.close().await?;
                // Until the asker has it and goes away.
                let mut rest = [0; 16];
                while link.read_vectored(&mut [std::io::IoSliceMut::new(&mut rest)]).await? > 0 {}
                Ok::<_, std::io::Error>(())
            };
            let _ = tokio::time::timeout(TIMEOUT, said).await;
            drop(slot);
        });
    }
}

fn encode(answer: &RoleAnswer) -> Vec<u8> {
    let body = postcard::to_allocvec(answer).expect("an answer holds nothing postcard cannot write");
    let mut frame = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    frame.extend(body);
    frame
}

fn decode(body: &[u8]) -> Result<RoleAnswer, NoAnswer> {
    let (mut answer, _newer_fields): (RoleAnswer, _) =
        postcard::take_from_bytes(body).map_err(|_| NoAnswer::Malformed)?;
    answer.relays.truncate(MAX_RELAYS);
    if answer.record.as_ref().is_some_and(|record| record.len() > MAX_RECORD) {
        return Err(NoAnswer::Malformed);
    }
    Ok(answer)
}

/// Hears the answer on a `role/1` link.
pub(crate) async fn ask(mut link: BoxLink) -> Result<RoleAnswer, NoAnswer> {
    let heard = async {
        let mut length = [0; 4];
        link.read_exact(&mut length).await.map_err(NoAnswer::Link)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > MAX_ANSWER {
            return Err(NoAnswer::Malformed);
        }
        let mut body = vec![0; length];
        link.read_exact(&mut body).await.map_err(NoAnswer::Link)?;
        decode(&body)
    };
    tokio::time::timeout(TIMEOUT, heard).await.unwrap_or(Err(NoAnswer::Silent))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn answers_round_trip() {
        let answer = RoleAnswer { record: Some(vec![1; 300]), relays: vec!["https://a.example/".parse().unwrap()] };
        let frame = encode(&answer);
        assert!(frame.len() < MAX_ANSWER);
        assert_eq!(decode(&frame[4..]).unwrap(), answer);
        let long = RoleAnswer { record: Some(vec![1; MAX_RECORD + 1]), ..answer };
        assert!(matches!(decode(&encode(&long)[4..]), Err(NoAnswer::Malformed)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_not_panicked_at(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
