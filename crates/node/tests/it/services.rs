//! Services are switched at run time, and a service that nobody thought of is served like the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weft_service::{Health, Sample, Service, StartError};

use crate::scene::{Scene, Set, answer};

/// A service as somebody might add one tomorrow.
#[derive(Default)]
struct Clock {
    starts: AtomicUsize,
    stops: AtomicUsize,
    broken: AtomicBool,
}

#[utoipa::path(get, path = "/time", responses((status = OK, body = u64)))]
async fn time() -> axum::Json<u64> {
    axum::Json(42)
}

#[async_trait]
impl Service for Clock {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn summary(&self) -> &'static str {
        "tells the time"
    }

    fn api(&self) -> OpenApiRouter {
        OpenApiRouter::new().routes(routes!(time))
    }

    fn snapshot(&self) -> serde_json::Value {
        json!({ "time": 42 })
    }

    fn samples(&self) -> Vec<Sample> {
        vec![Sample::counter("clock_ticks", "Ticks", 7)]
    }

    fn health(&self) -> Health {
        if self.broken.load(Ordering::Relaxed) {
            Health::degraded("the spring is broken", "wind it")
        } else {
            Health::Ok
        }
    }

    async fn start(&self) -> Result<(), StartError> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(StartError::new("clock", "the spring is broken", "wind it"));
        }
        self.starts.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn stop(&self) {
        self.stops.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_switched_on_and_off_at_run_time() {
    let clock = Arc::new(Clock::default());
    let scene = Scene::set(Set::default().service(clock.clone())).await;

    let (status, body) = scene.get("/api/v1/clock/time").await;
    assert_eq!((status, body["code"].as_str()), (503, Some("service-off")), "off until asked for");
    assert!(body["mend"].as_str().is_some_and(|mend| mend.contains("clock")), "{body}");
    assert!(!metrics(&scene).await.contains("weft_clock_ticks"));
    let (_, openapi) = scene.get("/api/v1/openapi.json").await;
    assert!(openapi["paths"]["/api/v1/clock/time"]["get"].is_object(), "described even while off");

    let (status, body) = scene.put("/api/v1/services/clock", json!({ "on": true })).await;
    assert_eq!((status, &body["on"], &body["health"]["state"]), (200, &json!(true), &json!("ok")));
    assert_eq!(scene.get("/api/v1/clock/time").await, (200, json!(42)));
    assert!(metrics(&scene).await.contains("weft_clock_ticks_total 7"));
    // Once more changes nothing.
    assert_eq!(scene.put("/api/v1/services/clock", json!({ "on": true })).await.0, 200);
    assert_eq!(clock.starts.load(Ordering::Relaxed), 1);
    let config = std::fs::read_to_string(scene.node.data_dir().join("config.toml")).expect("it is remembered");
    assert!(config.contains(r#"enable = ["clock"]"#), "{config}");

    clock.broken.store(true, Ordering::Relaxed);
    let (status, body) = scene.get("/api/v1/health").await;
    let broken = json!({ "state": "degraded", "because": "the spring is broken", "mend": "wind it" });
    assert_eq!((status, &body["parts"]["clock"]), (503, &broken));
    assert_eq!(answer(scene.bare(reqwest::Method::GET, "/health")).await, (503, json!({ "status": "degraded" })));

    assert_eq!(scene.put("/api/v1/services/clock", json!({ "on": false })).await.0, 200);
    assert_eq!(clock.stops.load(Ordering::Relaxed), 1);
    assert_eq!(scene.get("/api/v1/clock/time").await.0, 503);
    let (status, body) = scene.put("/api/v1/services/clock", json!({ "on": true })).await;
    assert_eq!(
        (status, body["error"].as_str(), body["mend"].as_str()),
        (503, Some("the spring is broken"), Some("wind it"))
    );
    assert_eq!(scene.get("/api/v1/health").await.0, 503, "a service that should be on and is not is shown");

    for name in ["files", "ledger", "network", "people"] {
        let (status, body) = scene.put(&format!("/api/v1/services/{name}"), json!({ "on": false })).await;
        assert_eq!(status, 409, "{name} is core: {body}");
    }
    assert_eq!(scene.put("/api/v1/services/nothing", json!({ "on": true })).await.0, 404);
    assert_eq!(scene.put("/api/v1/services/clock", json!({ "of": true })).await.0, 422);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_enabled_starts_with_the_node_and_stops_with_it() {
    let clock = Arc::new(Clock::default());
    let scene = Scene::set(Set::default().service(clock.clone()).flag("services.enable", "clock,nothing")).await;
    assert_eq!(scene.get("/api/v1/clock/time").await.0, 200);
    let (_, list) = scene.get("/api/v1/services").await;
    let names: Vec<_> = list.as_array().expect("a list").iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(names, ["network", "people", "files", "ledger", "clock"]);
    assert!(list.as_array().expect("a list").iter().all(|row| row["on"] == true));
    scene.end().await;
    assert_eq!((clock.starts.load(Ordering::Relaxed), clock.stops.load(Ordering::Relaxed)), (1, 1));
}

async fn metrics(scene: &Scene) -> String {
    let response = scene.ask(reqwest::Method::GET, "/metrics").send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let text = response.text().await.expect("text");
    assert!(text.ends_with("# EOF\n"), "{text}");
    for name in ["weft_node_uptime_seconds", "weft_files_download_bytes_total", "weft_network_connections"] {
        assert!(text.contains(name), "{name} is missing in {text}");
    }
    text
}
