//! What the node says of its settings, and how it starts under odd ones.

use serde_json::json;
use weft_node::StartError;

use crate::scene::{Scene, Set, start_in};

#[tokio::test(flavor = "multi_thread")]
async fn every_setting_is_shown_with_its_origin() {
    let scene = Scene::plain().await;
    let (status, config) = scene.get("/api/v1/config").await;
    assert_eq!(status, 200);
    let find =
        |key: &str| config["settings"].as_array().expect("settings").iter().find(|row| row["key"] == key).cloned();
    let expected = json!({ "key": "network.name", "value": "node-tests", "origin": "test", "default": "",
        "takes_effect": "restart" });
    assert_eq!(find("network.name"), Some(expected));
    assert_eq!(find("files.max_torrents").expect("a setting")["origin"], "default");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_folder_holds_one_node() {
    let scene = Scene::plain().await;
    let error = start_in(scene.node.data_dir(), Set::default()).await.err().expect("refused").to_string();
    assert!(error.contains(&std::process::id().to_string()) && error.contains("--data-dir"), "{error}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chosen_port_that_is_taken_is_an_error_and_nothing_stays_behind() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let dir = tempfile::tempdir().expect("a folder");
    let error = start_in(dir.path(), Set::default().flag("api.listen", &address)).await.err().expect("refused");
    assert!(matches!(error, StartError::ApiListen { .. }), "{error}");
    assert!(error.to_string().contains("api.listen"), "{error}");
    let bad = start_in(dir.path(), Set::default().flag("network.dht_listen", "nowhere")).await.err().expect("refused");
    assert!(bad.to_string().contains("network.dht_listen"), "{bad}");
    // The folder is free again.
    start_in(dir.path(), Set::default()).await.expect("it starts").stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_a_node_is_outlives_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let first = start_in(dir.path(), Set::default()).await.expect("it starts");
    assert!(first.identity_is_new());
    let before = (first.address().peer, first.address().user, first.token().reveal().to_owned());
    first.stop().await;
    let second = start_in(dir.path(), Set::default()).await.expect("it starts again");
    assert!(!second.identity_is_new());
    assert_eq!(before, (second.address().peer, second.address().user, second.token().reveal().to_owned()));
    second.stop().await;
}
