//! The service contract: what a service is to the node, so that neither needs to know the other.
//!
//! A service is a thin composition of the kernel with a face of its own. It takes the handles it needs (overlay,
//! content, store, event sink …) in its constructor and shows itself to the node through [`Service`] alone. If it needs
//! something of another service it declares a trait for it, and the node wires an adapter: services never name one
//! another.
//!
//! ```
//! use async_trait::async_trait;
//! use utoipa_axum::{router::OpenApiRouter, routes};
//! use weft_service::{Health, Service, StartError};
//!
//! struct Clock;
//!
//! #[utoipa::path(get, path = "/", responses((status = OK, body = u64)))]
//! async fn seconds() -> axum::Json<u64> {
//!     axum::Json(42)
//! }
//!
//! #[async_trait]
//! impl Service for Clock {
//!     fn name(&self) -> &'static str {
//!         "clock"
//!     }
//!     fn summary(&self) -> &'static str {
//!         "tells the time"
//!     }
//!     fn api(&self) -> OpenApiRouter {
//!         OpenApiRouter::new().routes(routes!(seconds))
//!     }
//!     fn health(&self) -> Health {
//!         Health::Ok
//!     }
//!     async fn start(&self) -> Result<(), StartError> {
//!         Ok(())
//!     }
//!     async fn stop(&self) {}
//! }
//! ```
//!
//! # Concepts
//! - The **name** is one lower-case word. The API is mounted at `/api/v1/<name>`, the events say it as their source, the
//!   config section and the CLI verbs' group carry it.
//! - A service is **core** (always on) or off until asked for; the node starts and stops it at run time.
//! - **Health** is `ok` or `degraded because … do …`: cause and mend in a user's words.
//! - **Streams** are what the service serves to peers, over whatever path they came.
//! - **Activity** is what a service does at this moment: sampled into the event feed, so that every page sees it.
//! - **Samples** are its counters and gauges, read when somebody asks for `/metrics`.

mod activity;
mod health;
mod problem;
mod sample;

use std::sync::Arc;

use async_trait::async_trait;
use utoipa_axum::router::OpenApiRouter;
use weft_overlay::{LinkHandler, StreamType};

pub use activity::Activity;
pub use health::Health;
pub use problem::Problem;
pub use sample::{Sample, SampleKind};

/// One service of a node.
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// One lower-case word: the folder, the route, the event source, the config section.
    fn name(&self) -> &'static str;

    /// What it does for the user, in half a line.
    fn summary(&self) -> &'static str;

    /// Its HTTP routes with their OpenAPI part, relative to `/api/v1/<name>`. The node has already checked host, origin
    /// and token, and answers for the service while it is off.
    fn api(&self) -> OpenApiRouter;

    /// The streams it serves to peers. Asked for at every start.
    fn streams(&self) -> Vec<(StreamType, Arc<dyn LinkHandler>)> {
        Vec::new()
    }

    /// Its state for a reader of the event feed, in the shape its events keep up to date.
    fn snapshot(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    /// What it does at this moment. Cheap: asked once a second.
    fn activity(&self) -> Activity {
        Activity::default()
    }

    /// Its counters and gauges now.
    fn samples(&self) -> Vec<Sample> {
        Vec::new()
    }

    /// How it is. Cheap: asked often.
    fn health(&self) -> Health;

    /// Whether it is on without being asked for and cannot be switched off.
    fn is_core(&self) -> bool {
        false
    }

    /// Starts it. Called again after [`stop`](Service::stop) when it is switched on once more.
    async fn start(&self) -> Result<(), StartError>;

    /// Stops it gracefully: what it acknowledged is on disk when this returns.
    async fn stop(&self);
}

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
#[error("{service} did not start: {cause}; {mend}")]
#[non_exhaustive]
pub struct StartError {
    /// The service's name.
    pub service: &'static str,
    /// What stood in the way.
    pub cause: String,
    /// What to do about it.
    pub mend: String,
    /// The error below, if there is one.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StartError {
    /// A start error with its cause and mend.
    pub fn new(service: &'static str, cause: impl Into<String>, mend: impl Into<String>) -> Self {
        StartError { service, cause: cause.into(), mend: mend.into(), source: None }
    }

    /// With the error below it.
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}
