//! Carrying out calls: at once what is light, on a thread that may block what is not, together what came together; each
//! within its time, and no more at once than the configuration says.

use std::sync::Arc;
use std::time::Instant;

use jsonrpsee::Extensions;
use jsonrpsee::types::Params;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use weft_ledger::handle::Ledger;

use crate::args::Args;
use crate::batch::{End, Member};
use crate::config::Config;
use crate::error::{INTERNAL, RpcError};
use crate::methods::{Handler, Weight};
use crate::rpc::{Call, Reply, Rpc, json};

/// What calls are carried out with.
#[derive(Debug)]
pub(crate) struct Dispatch {
    pub(crate) rpc: Rpc,
    executions: Arc<Semaphore>,
    submissions: Arc<Semaphore>,
}

impl Dispatch {
    pub(crate) fn new(ledger: Ledger, config: &Config) -> Self {
        let (executions, submissions) = (Semaphore::new(config.max_executions), Semaphore::new(config.max_submissions));
        let rpc = Rpc::new(ledger, config.clone());
        Dispatch { rpc, executions: Arc::new(executions), submissions: Arc::new(submissions) }
    }

    /// Until when a call has to be answered, which is now or later.
    pub(crate) fn deadline(&self, extensions: &Extensions) -> Result<Instant, RpcError> {
        let now = Instant::now();
        let own = now + self.rpc.config.deadline;
        match extensions.get::<End>() {
            Some(End(end)) if *end <= now => {
                Err(RpcError::limit("the batch took longer than this node allows; send the rest of it again"))
            }
            Some(End(end)) => Ok(own.min(*end)),
            None => Ok(own),
        }
    }
}

/// At once.
pub(crate) fn answer(rpc: &Rpc, params: &Params<'_>, handler: Handler, deadline: Instant) -> Reply {
    handler(&Call { rpc, args: Args::read(params.as_str())?, deadline })
}

/// On a thread that may block, of which no more run than the configuration says.
pub(crate) async fn aside(
    dispatch: Arc<Dispatch>,
    params: Params<'static>,
    weight: Weight,
    handler: Handler,
    deadline: Instant,
) -> Reply {
    let semaphore = if weight == Weight::Submission { &dispatch.submissions } else { &dispatch.executions };
    let permit = turn(semaphore, deadline).await?;
    // The permit goes along: a client that is gone does not end what was begun for it.
    let aside = move || {
        let _permit = permit;
        answer(&dispatch.rpc, &params, handler, deadline)
    };
    tokio::task::spawn_blocking(aside).await.unwrap_or_else(|error| Err(panicked(&error)))
}

/// One of several transactions that came in a batch: all go into the pool when the first one's turn comes.
pub(crate) async fn together(dispatch: Arc<Dispatch>, member: &Member, deadline: Instant) -> Reply {
    let run = Arc::clone(&member.run);
    let bring = async move || {
        let permit = turn(&dispatch.submissions, deadline).await?;
        let bring = move || {
            let _permit = permit;
            let answers = dispatch.rpc.ledger.submit(run.raw.clone());
            answers.into_iter().map(|answer| answer.map_err(RpcError::from)).collect()
        };
        tokio::task::spawn_blocking(bring).await.map_err(|error| panicked(&error))
    };
    let answers = member.run.answers.get_or_try_init(bring).await?;
    let answer = answers.get(member.place).cloned();
    json(&answer.ok_or_else(|| RpcError::new(INTERNAL, "internal error"))??)
}

async fn turn(semaphore: &Arc<Semaphore>, deadline: Instant) -> Result<OwnedSemaphorePermit, RpcError> {
    match tokio::time::timeout_at(deadline.into(), Arc::clone(semaphore).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(RpcError::limit("the node is busy: too many calls at once; come again later")),
    }
}

fn panicked(error: &tokio::task::JoinError) -> RpcError {
    tracing::error!(%error, "a call failed in a way that none should");
    RpcError::new(INTERNAL, "internal error")
}
