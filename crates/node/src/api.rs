//! The HTTP API: `/api/v1` with one branch a service, `/metrics`, `/health`.
//!
//! Every request passes the [`guard`] first, whatever it asks for: Host, Origin, credentials, then the body's type
//! and size. Services add routes and nothing else. What is no route is a place in the [`page`].

mod config;
mod events;
pub(crate) mod guard;
mod health;
mod history;
mod metrics;
mod owner;
mod problems;
mod serve;
mod services;
mod session;
mod status;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Extensions, HeaderMap, HeaderName, Method, StatusCode, Version, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http_body_util::Limited;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder, SecurityRequirement};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weft_events::Feed;
use weft_service::Problem;

use crate::first_run::FirstRun;
use crate::health::NodeHealth;
use crate::history::History;
use crate::life::Life;
use crate::page;
use crate::paths::Paths;
use crate::settings::Settings;
use crate::switchboard::Switchboard;

pub(crate) use guard::{Credentials, Guard};
pub(crate) use serve::serve;
pub(crate) use session::login_address;
pub(crate) use status::{NodeFacts, NodeStatus};

/// 24 MiB: the largest body any route may take. A 16 MiB `.torrent` in base64 fits.
const MAX_BODY_BYTES: usize = 24 << 20;

/// 64 KiB: what a body may have where a route does not ask for more.
const USUAL_BODY_BYTES: usize = 64 << 10;

/// Where a page puts the files that are to be shared: the route streams them to disk.
const UPLOADS: &str = "/api/v1/files/uploads/";

/// 15 s without a byte of an announced body: the client is gone or hostile.
const BODY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(15);

/// 16 readers of the event feed at once: pages, CLIs and tests of one user. Each holds a connection of
/// [`serve::MAX_CONNECTIONS`], and ordinary requests must always find one.
const MAX_EVENT_READERS: usize = 16;

/// What the node's own routes work on.
#[derive(Clone)]
pub(crate) struct ApiState {
    pub(crate) feed: Feed,
    pub(crate) switchboard: Switchboard,
    pub(crate) history: History,
    pub(crate) settings: Arc<Settings>,
    pub(crate) credentials: Credentials,
    pub(crate) first_run: FirstRun,
    pub(crate) life: Arc<Life>,
    pub(crate) paths: Arc<Paths>,
    pub(crate) facts: Arc<dyn NodeFacts>,
    pub(crate) health: NodeHealth,
    pub(crate) stop: CancellationToken,
    pub(crate) event_readers: Arc<Semaphore>,
}

impl ApiState {
    pub(crate) fn event_readers() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(MAX_EVENT_READERS))
    }
}

/// Everything the API answers, behind its guard.
pub(crate) fn router(state: ApiState, guard: Guard) -> Router {
    let (router, openapi) = v1(&state).split_for_parts();
    let openapi = Arc::new(openapi);
    let document = axum::routing::get(move || {
        let openapi = Arc::clone(&openapi);
        async move { Json(OpenApi::clone(&openapi)) }
    });
    let root = OpenApiRouter::new().routes(routes!(health::alive)).routes(routes!(metrics::metrics));
    let (root, _) = root.with_state(state).split_for_parts();
    router
        .route("/api/v1/openapi.json", document)
        .merge(root)
        .fallback(page::answer)
        .layer(CompressionLayer::new().compress_when(is_of_the_page))
        .layer(DefaultBodyLimit::max(USUAL_BODY_BYTES))
        .layer(middleware::from_fn(bounded))
        .layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT))
        .layer(middleware::from_fn_with_state(Arc::new(guard), guard::check))
        .layer(middleware::from_fn(problems::shape))
}

fn v1(state: &ApiState) -> OpenApiRouter {
    let own = OpenApiRouter::with_openapi(description())
        .routes(routes!(status::status))
        .routes(routes!(health::health))
        .routes(routes!(events::events))
        .routes(routes!(history::history))
        .routes(routes!(history::replay))
        .routes(routes!(config::config))
        .routes(routes!(config::set))
        .routes(routes!(session::sign_in, session::session, session::sign_out))
        .routes(routes!(session::link))
        .routes(routes!(session::grant))
        .routes(routes!(owner::phrase))
        .routes(routes!(owner::token))
        .routes(routes!(owner::setup, owner::end_setup))
        .routes(routes!(owner::restore))
        .routes(routes!(owner::restart))
        .routes(routes!(services::list))
        .routes(routes!(services::get, services::switch))
        .with_state(state.clone());
    let mut api = OpenApiRouter::with_openapi(description()).nest("/api/v1", own);
    for (service, on) in state.switchboard.faces() {
        let gate = Gate { name: service.name(), on };
        let face = service.api().layer(middleware::from_fn_with_state(gate, only_while_on));
        api = api.nest(&format!("/api/v1/{}", service.name()), face);
    }
    api
}

/// Answers for a service while it is off.
#[derive(Clone)]
struct Gate {
    name: &'static str,
    on: Arc<AtomicBool>,
}

async fn only_while_on(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    if gate.on.load(Ordering::Acquire) {
        return next.run(request).await;
    }
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "service-off", format!("the service `{}` is off", gate.name))
        .mend(format!("switch it on: PUT /api/v1/services/{} with {{\"on\": true}}", gate.name))
        .into_response()
}

/// Bounds the body, whatever a route reads of it. Files that are put by the piece are as large as the disk allows.
async fn bounded(request: Request, next: Next) -> Response {
    if request.method() == Method::PUT && request.uri().path().starts_with(UPLOADS) {
        return next.run(request).await;
    }
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|bytes: u64| bytes > MAX_BODY_BYTES as u64) {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    next.run(request.map(|body| Body::new(Limited::new(body, MAX_BODY_BYTES)))).await
}

/// The page's own files are worth compressing: they are what goes through an ssh tunnel. They alone have a policy that runs
/// scripts, or are kept.
fn is_of_the_page(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = text(header::CONTENT_TYPE);
    text(header::CACHE_CONTROL).contains("immutable") && (kind.contains("javascript") || kind.starts_with("text/css"))
}

fn description() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Weft")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "A node's own API: loopback only, with the token of the file `api-token` in the data folder.",
        ))
        .build();
    let token = SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The content of `api-token` in the node's data folder."))
            .build(),
    );
    let components = utoipa::openapi::ComponentsBuilder::new().security_scheme("token", token).build();
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .security(Some([SecurityRequirement::new("token", Vec::<String>::new())]))
        .build()
}
