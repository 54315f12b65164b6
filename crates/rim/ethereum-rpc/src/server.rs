//! The server: listens, bounds what runs at once and for how long, and hands calls to the methods.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use jsonrpsee::core::middleware::RpcServiceBuilder;
use jsonrpsee::server::{BatchRequestConfig, IdProvider, ServerBuilder, ServerConfig, ServerHandle};
use jsonrpsee::types::{Params, SubscriptionId};
use jsonrpsee::{Extensions, RpcModule};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::args::Args;
use crate::batch::{Batches, End, Member};
use crate::config::Config;
use crate::error::{INTERNAL, RpcError};
use crate::gate::{GateLayer, Rules};
use crate::in_process::switched_on;
use crate::methods::{Handler, Method, Weight};
use crate::rpc::{Call, Reply, Rpc, json};
use crate::subscriptions;
use weft_ledger::handle::Ledger;

/// Ethereum JSON-RPC over a ledger.
#[derive(Debug)]
pub struct Server;

/// A server that runs. It stops when this is dropped or [stopped](Self::stop).
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    handle: ServerHandle,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It could not listen.
    #[error("the Ethereum RPC cannot listen on {address}; is another program there?")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The table of methods has an error.
    #[error("the Ethereum RPC's methods: {0}")]
    Methods(String),
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) rpc: Rpc,
    executions: Arc<Semaphore>,
    submissions: Arc<Semaphore>,
}

impl Server {
    /// Starts serving a ledger. Whether to serve at all is the caller's to ask.
    pub async fn start(ledger: Ledger, config: Config) -> Result<Running, StartError> {
        let failed = |source| StartError::Listen { address: config.listen, source };
        let listener = tokio::net::TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let listener = listener.into_std().map_err(failed)?;
        let rules = Arc::new(Rules::new(&config, address));
        let limits = ServerConfig::builder()
            .max_request_body_size(config.max_request_bytes)
            .max_response_body_size(config.max_response_bytes)
            .max_connections(config.max_connections)
            .max_subscriptions_per_connection(config.max_subscriptions)
            .set_batch_request_config(BatchRequestConfig::Limit(config.max_batch))
            .set_id_provider(HexIds)
            .build();
        let methods = module(ledger, &config)?;
        let within = config.batch_deadline;
        let server = ServerBuilder::with_config(limits)
            .set_rpc_middleware(RpcServiceBuilder::new().layer_fn(move |inner| Batches { inner, within }))
            .set_http_middleware(tower::ServiceBuilder::new().layer(GateLayer(rules)))
            .build_from_tcp(listener)
            .map_err(failed)?;
        Ok(Running { address, handle: server.start(methods) })
    }
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address for clients over HTTP.
    pub fn http(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its address for clients over a WebSocket.
    pub fn ws(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Stops it, and waits until it has.
    pub async fn stop(self) {
        // It fails only if it has stopped already.
        let _ = self.handle.stop();
        self.handle.stopped().await;
    }
}

/// Subscriptions are named as geth names them: some clients take only hex.
#[derive(Debug)]
struct HexIds;

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        SubscriptionId::Str(format!("{:#034x}", rand::random::<u128>()).into())
    }
}

fn module(ledger: Ledger, config: &Config) -> Result<RpcModule<Shared>, StartError> {
    let (executions, submissions) = (Semaphore::new(config.max_executions), Semaphore::new(config.max_submissions));
    let (executions, submissions) = (Arc::new(executions), Arc::new(submissions));
    let there = switched_on(config);
    let mut module = RpcModule::new(Shared { rpc: Rpc::new(ledger, config.clone()), executions, submissions });
    let wrong = |error: jsonrpsee::core::RegisterMethodError| StartError::Methods(error.to_string());
    for method in there {
        let Method { name, weight, handler, .. } = *method;
        match weight {
            Weight::Light => module.register_method(name, move |params, shared, extensions| {
                answer(&shared.rpc, &params, handler, shared.deadline(extensions)?)
            }),
            Weight::Heavy | Weight::Submission => {
                module.register_async_method(name, move |params, shared, extensions| async move {
                    let deadline = shared.deadline(&extensions)?;
                    match extensions.get::<Member>() {
                        Some(member) => together(shared, member, deadline).await,
                        None => aside(shared, params, weight, handler, deadline).await,
                    }
                })
            }
        }
        .map_err(wrong)?;
    }
    subscriptions::register(&mut module).map_err(wrong)?;
    Ok(module)
}

impl Shared {
    /// Until when a call has to be answered, which is now or later.
    fn deadline(&self, extensions: &Extensions) -> Result<Instant, RpcError> {
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

fn answer(rpc: &Rpc, params: &Params<'_>, handler: Handler, deadline: Instant) -> Reply {
    handler(&Call { rpc, args: Args::read(params.as_str())?, deadline })
}

/// On a thread that may block, of which no more run than the configuration says.
async fn aside(
    shared: Arc<Shared>,
    params: Params<'static>,
    weight: Weight,
    handler: Handler,
    deadline: Instant,
) -> Reply {
    let semaphore = if weight == Weight::Submission { &shared.submissions } else { &shared.executions };
    let permit = turn(semaphore, deadline).await?;
    // The permit goes along: a client that is gone does not end what was begun for it.
    let aside = move || {
        let _permit = permit;
        answer(&shared.rpc, &params, handler, deadline)
    };
    tokio::task::spawn_blocking(aside).await.unwrap_or_else(|error| Err(panicked(&error)))
}

/// One of several transactions that came in a batch: all go into the pool when the first one's turn comes.
async fn together(shared: Arc<Shared>, member: &Member, deadline: Instant) -> Reply {
    let run = Arc::clone(&member.run);
    let bring = async move || {
        let permit = turn(&shared.submissions, deadline).await?;
        let bring = move || {
            let _permit = permit;
            let answers = shared.rpc.ledger.submit(run.raw.clone());
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
