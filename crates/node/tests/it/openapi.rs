//! The page's types come from `web/openapi.json`: it is what the node serves, to the letter.

use std::path::Path;

use crate::scene::Scene;

/// Set to write the file instead of comparing: `make api` does.
const WRITE: &str = "WEFT_WRITE_OPENAPI";

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_typed_by_what_the_node_serves() {
    let scene = Scene::plain().await;
    let (status, document) = scene.get("/api/v1/openapi.json").await;
    assert_eq!(status, 200);
    let mut text = serde_json::to_string_pretty(&document).expect("JSON");
    text.push('\n');
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/openapi.json");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&file, text).expect("the file is written");
    } else {
        let kept = std::fs::read_to_string(&file).expect("web/openapi.json");
        assert!(kept == text, "web/openapi.json is not what the node serves: run `make api`");
    }
    scene.end().await;
}
