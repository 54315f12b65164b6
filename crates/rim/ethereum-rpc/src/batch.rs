//! A batch has an end: its calls are made one after the other, and what is left when its time is over is refused.

use std::future::Future;
use std::time::{Duration, Instant};

use jsonrpsee::core::middleware::{Batch, Notification};
use jsonrpsee::server::middleware::rpc::RpcServiceT;
use jsonrpsee::types::Request;

/// When the batch that a call is part of has to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End(pub(crate) Instant);

/// Gives every call of a batch the batch's end.
#[derive(Debug, Clone)]
pub(crate) struct Batches<S> {
    pub(crate) inner: S,
    pub(crate) within: Duration,
}

impl<S> RpcServiceT for Batches<S>
where
    S: RpcServiceT + Send + Sync + Clone + 'static,
{
    type MethodResponse = S::MethodResponse;
    type NotificationResponse = S::NotificationResponse;
    type BatchResponse = S::BatchResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = Self::MethodResponse> + Send + 'a {
        self.inner.call(request)
    }

    fn batch<'a>(&self, mut batch: Batch<'a>) -> impl Future<Output = Self::BatchResponse> + Send + 'a {
        let end = End(Instant::now() + self.within);
        for entry in batch.iter_mut().flatten() {
            entry.extensions_mut().insert(end);
        }
        self.inner.batch(batch)
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = Self::NotificationResponse> + Send + 'a {
        self.inner.notification(notification)
    }
}
