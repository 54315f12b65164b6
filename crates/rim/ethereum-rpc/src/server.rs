//! The server: listens, bounds what runs at once and for how long, and hands calls to the methods.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use jsonrpsee::RpcModule;
use jsonrpsee::server::{BatchRequestConfig, IdProvider, ServerBuilder, ServerConfig, ServerHandle};
use jsonrpsee::types::{Params, SubscriptionId};
use tokio::sync::Semaphore;

use crate::args::Args;
use crate::config::Config;
use crate::error::{INTERNAL, RpcError};
use crate::filters::Filters;
use crate::gate::{GateLayer, Rules};
use crate::methods::{Handler, METHODS, Method, Switch, Weight};
use crate::rpc::{Call, Reply, Rpc};
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
    executions: Semaphore,
    submissions: Semaphore,
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
        let methods = module(ledger, config.clone())?;
        let server = ServerBuilder::with_config(limits)
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

fn module(ledger: Ledger, config: Config) -> Result<RpcModule<Shared>, StartError> {
    let filters = Filters::new(config.max_filters, config.filter_lifetime);
    let (executions, submissions) = (Semaphore::new(config.max_executions), Semaphore::new(config.max_submissions));
    let on = |switch| match switch {
        Switch::On => true,
        Switch::Debug => config.debug,
        Switch::Development => config.mine.is_some(),
    };
    let there: Vec<&Method> = METHODS.iter().filter(|method| on(method.switch)).collect();
    let mut module = RpcModule::new(Shared { rpc: Rpc { ledger, config, filters }, executions, submissions });
    let wrong = |error: jsonrpsee::core::RegisterMethodError| StartError::Methods(error.to_string());
    for method in there {
        let Method { name, weight, handler, .. } = *method;
        match weight {
            Weight::Light => module.register_method(name, move |params, shared, _| {
                answer(&shared.rpc, &params, handler, shared.deadline())
            }),
            Weight::Heavy | Weight::Submission => {
                module.register_async_method(name, move |params, shared, _| aside(shared, params, weight, handler))
            }
        }
        .map_err(wrong)?;
    }
    subscriptions::register(&mut module).map_err(wrong)?;
    Ok(module)
}

impl Shared {
    fn deadline(&self) -> Instant {
        Instant::now() + self.rpc.config.deadline
    }
}

fn answer(rpc: &Rpc, params: &Params<'_>, handler: Handler, deadline: Instant) -> Reply {
    handler(&Call { rpc, args: Args::read(params.as_str())?, deadline })
}

/// On a thread that may block, of which no more run than the configuration says.
async fn aside(shared: Arc<Shared>, params: Params<'static>, weight: Weight, handler: Handler) -> Reply {
    let deadline = shared.deadline();
    let semaphore = if weight == Weight::Submission { &shared.submissions } else { &shared.executions };
    let turn = tokio::time::timeout_at(deadline.into(), semaphore.acquire()).await;
    let Ok(Ok(permit)) = turn else {
        return Err(RpcError::limit("the node is busy: too many calls at once; come again later"));
    };
    let own = shared.clone();
    let done = tokio::task::spawn_blocking(move || answer(&own.rpc, &params, handler, deadline)).await;
    drop(permit);
    done.unwrap_or_else(|error| {
        tracing::error!(%error, "a call failed in a way that none should");
        Err(RpcError::new(INTERNAL, "internal error"))
    })
}
