//! The server: listens, bounds what comes in, and hands calls on.

use std::net::SocketAddr;
use std::sync::Arc;

use jsonrpsee::RpcModule;
use jsonrpsee::core::middleware::RpcServiceBuilder;
use jsonrpsee::server::{BatchRequestConfig, IdProvider, ServerBuilder, ServerConfig, ServerHandle};
use jsonrpsee::types::SubscriptionId;
use weft_ledger::handle::Ledger;

use crate::batch::{Batches, Member};
use crate::config::Config;
use crate::dispatch::{Dispatch, answer, aside, together};
use crate::gate::{GateLayer, Rules};
use crate::in_process::switched_on;
use crate::methods::{Method, Weight};
use crate::subscriptions;

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

fn module(ledger: Ledger, config: &Config) -> Result<RpcModule<Dispatch>, StartError> {
    let there = switched_on(config);
    let mut module = RpcModule::new(Dispatch::new(ledger, config));
    let wrong = |error: jsonrpsee::core::RegisterMethodError| StartError::Methods(error.to_string());
    for method in there {
        let Method { name, weight, handler, .. } = *method;
        match weight {
            Weight::Light => module.register_method(name, move |params, dispatch, extensions| {
                answer(&dispatch.rpc, &params, handler, dispatch.deadline(extensions)?)
            }),
            Weight::Heavy | Weight::Submission => {
                module.register_async_method(name, move |params, dispatch, extensions| async move {
                    let deadline = dispatch.deadline(&extensions)?;
                    match extensions.get::<Member>() {
                        Some(member) => together(dispatch, member, deadline).await,
                        None => aside(dispatch, params, weight, handler, deadline).await,
                    }
                })
            }
        }
        .map_err(wrong)?;
    }
    subscriptions::register(&mut module).map_err(wrong)?;
    Ok(module)
}
