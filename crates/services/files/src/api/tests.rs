//! The routes without a node around them: what the node's guard would let through.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use weft_content::{EngineConfig, Seams};
use weft_overlay::guard::AddressGuard;
use weft_overlay::{BoxLink, ConnectError, Connector, PathPolicy, StreamType, Target};

use super::*;

/// Reaches nobody.
struct Alone;

#[async_trait]
impl Connector for Alone {
    async fn connect(&self, target: Target, _: StreamType, _: PathPolicy) -> Result<BoxLink, ConnectError> {
        Err(ConnectError::NotAllowed(target))
    }
}

async fn face(dir: &std::path::Path) -> Router {
    let seams = Seams {
        connector: Arc::new(Alone),
        guard: AddressGuard::private(),
        store: Arc::new(weft_store::MemoryStore::default()),
        events: weft_events::Feed::new().sink(),
        discovery: None,
        hints: None,
        device: None,
    };
    let engine = Engine::start(EngineConfig::new(dir), seams).await.expect("an engine");
    let uploads = Uploads::new(engine.download_dir());
    let (router, openapi) = router(engine, Creations::default(), uploads).split_for_parts();
    let operations = openapi.paths.paths.values().flat_map(|item| {
        [&item.get, &item.put, &item.post, &item.delete].into_iter().flatten().filter_map(|o| o.operation_id.clone())
    });
    let ids: Vec<String> = operations.collect();
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "{ids:?}");
    assert!(ids.iter().all(|id| id.starts_with("files_")), "{ids:?}");
    router
}

async fn ask(face: &Router, method: &str, path: &str, kind: &str, body: Body) -> (StatusCode, Bytes) {
    let request =
        Request::builder().method(method).uri(path).header("content-type", kind).body(body).expect("a request");
    let response = face.clone().oneshot(request).await.expect("it answers");
    (response.status(), to_bytes(response.into_body(), usize::MAX).await.expect("an answer ends"))
}

async fn json_of(face: &Router, method: &str, path: &str, body: Value) -> (u16, Value) {
    let (status, bytes) = ask(face, method, path, "application/json", Body::from(body.to_string())).await;
    (status.as_u16(), serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

async fn hand_over(face: &Router, id: &str, path: &str, bytes: Vec<u8>) -> u16 {
    let path = format!("/uploads/{id}/files?path={path}");
    ask(face, "PUT", &path, "application/octet-stream", Body::from(bytes)).await.0.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_hands_over_is_shared_from_the_download_folder() {
    let dir = tempfile::tempdir().expect("a folder");
    let face = face(dir.path()).await;
    let (status, begun) = json_of(&face, "POST", "/uploads", json!({ "name": "pictures" })).await;
    assert_eq!(status, 201, "{begun}");
    let id = begun["id"].as_str().expect("an id");
    let (status, empty) = json_of(&face, "POST", &format!("/uploads/{id}/share"), json!({})).await;
    assert_eq!((status, empty["code"].as_str()), (409, Some("empty")));
    // More than any other route takes.
    let large: Vec<u8> = (0..30_000_000_u32).map(|n| (n % 253) as u8).collect();
    assert_eq!(hand_over(&face, id, "deep%2Fa.jpg", large.clone()).await, 204);
    assert_eq!(hand_over(&face, id, "b.txt", b"two".to_vec()).await, 204);
    assert_eq!(hand_over(&face, id, "..%2Fout", b"x".to_vec()).await, 400);
    assert_eq!(hand_over(&face, "0123", "b.txt", b"x".to_vec()).await, 404);
    let (status, shared) = json_of(&face, "POST", &format!("/uploads/{id}/share"), json!({ "comment": "sea" })).await;
    assert_eq!((status, shared["name"].as_str()), (201, Some("pictures")), "{shared}");
    assert!(shared["link"].as_str().is_some_and(|link| link.starts_with("magnet:?")), "{shared}");
    assert_eq!(std::fs::read(dir.path().join("pictures/b.txt")).expect("a file"), b"two");
    assert!(!dir.path().join(".uploads").exists());
    let file =
        shared["files"].as_array().and_then(|f| f.iter().position(|f| f["path"] == "deep/a.jpg")).expect("it is there");
    let content = format!("/torrents/{}/files/{file}/content", shared["info_hash"].as_str().expect("an info-hash"));
    let (status, bytes) = ask(&face, "GET", &content, "", Body::empty()).await;
    assert!(status == 200 && bytes == large);

    // Once more the same: it is shared already, and no second copy stays. The name is taken, so it is another torrent.
    let (_, begun) = json_of(&face, "POST", "/uploads", json!({ "name": "b.txt" })).await;
    let id = begun["id"].as_str().expect("an id");
    assert_eq!(hand_over(&face, id, "b.txt", b"two".to_vec()).await, 204);
    let (status, single) = json_of(&face, "POST", &format!("/uploads/{id}/share"), json!({ "public": true })).await;
    assert_eq!((status, single["name"].as_str()), (201, Some("b.txt")), "{single}");
    std::fs::rename(dir.path().join("b.txt"), dir.path().join("elsewhere")).expect("moved");
    let (_, begun) = json_of(&face, "POST", "/uploads", json!({ "name": "b.txt" })).await;
    let id = begun["id"].as_str().expect("an id");
    assert_eq!(hand_over(&face, id, "b.txt", b"two".to_vec()).await, 204);
    let (status, again) = json_of(&face, "POST", &format!("/uploads/{id}/share"), json!({})).await;
    assert_eq!((status, &again["info_hash"]), (200, &single["info_hash"]));
    assert!(!dir.path().join(".uploads").exists());

    let (_, begun) = json_of(&face, "POST", "/uploads", json!({ "name": "x" })).await;
    let path = format!("/uploads/{}", begun["id"].as_str().expect("an id"));
    assert_eq!(json_of(&face, "DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(json_of(&face, "DELETE", &path, Value::Null).await.0, 404);
    assert_eq!(json_of(&face, "POST", "/uploads", json!({ "name": ".." })).await.0, 400);
}
