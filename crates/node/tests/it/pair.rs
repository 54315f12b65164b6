//! Two nodes that know one another by an invitation alone.

use serde_json::{Value, json};

use crate::scene::{Scene, Set};

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_then_a_folder() {
    // No DHT, no tracker, no local discovery: what is not in the invitation is not known.
    let ann = Scene::set(Set::default().flag("network.dht", "false")).await;
    let ben = Scene::set(Set::default().flag("network.dht", "false")).await;

    let (status, made) = ann.post("/api/v1/people/invitations", json!({ "petname": "ann" })).await;
    assert_eq!(status, 200, "{made}");
    let (status, accepted) = ben.post("/api/v1/people/invitations/accept", json!({ "link": made["link"] })).await;
    assert_eq!((status, &accepted["contact"]["petname"]), (200, &json!("ann")), "{accepted}");
    let peer = ann.node.address().peer;
    let (status, connected) = ben.post("/api/v1/network/connect", json!({ "peer": peer })).await;
    assert_eq!((status, &connected["path"]), (200, &json!("direct")), "{connected}");
    let (_, known) = ben.get(&format!("/api/v1/network/peers/{peer}")).await;
    assert_eq!(known["key"], json!(peer), "{known}");
    ben.until("/api/v1/people/contacts", |_, contacts| contacts[0]["devices"][0]["seen"].is_u64()).await;

    let folder = ann.dir().join("folder");
    std::fs::create_dir_all(folder.join("deep")).expect("a folder");
    std::fs::write(folder.join("one.bin"), (0..3_000_000_u32).map(|n| (n * 7 % 251) as u8).collect::<Vec<_>>())
        .expect("a file");
    std::fs::write(folder.join("deep/two.txt"), "two").expect("a file");
    let (status, shared) = ann.post("/api/v1/files/torrents", json!({ "path": folder })).await;
    assert_eq!(status, 201, "{shared}");
    let link = shared["link"].as_str().expect("a link");
    assert!(link.starts_with("magnet:?") && link.contains("x.weft="), "{link}");
    let (_, public) = ann.post("/api/v1/files/torrents", json!({ "path": folder, "public": true })).await;
    assert!(!public["link"].as_str().expect("a link").contains("x.weft"), "{public}");

    let target = ben.dir().join("got");
    let (status, added) = ben.post("/api/v1/files/torrents", json!({ "magnet": link, "dir": target })).await;
    assert_eq!(status, 201, "{added}");
    let path = format!("/api/v1/files/torrents/{}", added["info_hash"].as_str().expect("an info-hash"));
    let done = ben.until(&path, |_, torrent| torrent["complete"] == true).await;
    for name in ["one.bin", "deep/two.txt"] {
        let read = |root: &std::path::Path| std::fs::read(root.join(name)).expect("a file");
        assert!(read(&folder) == read(&target.join("folder")), "{name} differs");
    }
    let from = &done["exchanged"].as_array().expect("who gave what")[0];
    assert_eq!(from["peer"], json!(peer), "{done}");
    drive(&ben, &path, link).await;

    let (status, closed) = ben.post("/api/v1/network/disconnect", json!({ "peer": peer })).await;
    assert_eq!(status, 200, "{closed}");
    ann.end().await;
    ben.end().await;
}

/// Everything that can be asked of a torrent, once.
async fn drive(scene: &Scene, path: &str, link: &str) {
    let order = |method, path: String| crate::scene::answer(scene.ask(method, &path));
    use reqwest::Method;
    assert_eq!(order(Method::POST, format!("{path}/pause")).await.0, 204);
    scene.until(path, |_, torrent| torrent["state"] == "paused").await;
    assert_eq!(order(Method::POST, format!("{path}/resume")).await.0, 204);
    scene.until(path, |_, torrent| torrent["state"] == "seeding").await;
    assert_eq!(order(Method::POST, format!("{path}/recheck")).await.0, 204);
    scene.until(path, |_, torrent| torrent["state"] == "seeding" && torrent["progress"] == 1.0).await;
    assert_eq!(scene.put(&format!("{path}/limits"), json!({ "download": 1000, "upload": null })).await.0, 204);
    assert_eq!(scene.get(path).await.1["limits"]["download"], 1000);
    assert_eq!(scene.put("/api/v1/files/limits", json!({ "upload": 5000 })).await.1["upload"], 5000);
    assert_eq!(scene.put(&format!("{path}/selection"), json!({ "files": [0] })).await.0, 204);
    let (status, _) = scene.put(&format!("{path}/selection"), json!({ "files": [9] })).await;
    assert_eq!(status, 400);
    let wanted = json!({ "priorities": [{ "file": 1, "priority": "high" }] });
    assert_eq!(scene.put(&format!("{path}/priorities"), wanted).await.0, 204);
    let (_, torrent) = scene.get(path).await;
    assert_eq!((&torrent["files"][1]["priority"], &torrent["files"][0]["selected"]), (&json!("high"), &json!(true)));
    let (status, _) =
        scene.put(&format!("{path}/priorities"), json!({ "priorities": [{ "file": 9, "priority": "low" }] })).await;
    assert_eq!(status, 400);
    let (status, map) = scene.get(&format!("{path}/map?columns=7")).await;
    assert_eq!((status, &map["columns"], &map["givers"][0]["peer"]), (200, &json!(7), &json!("")), "{map}");
    assert_eq!(scene.get(&format!("{path}/map?columns=0")).await.0, 400);
    assert_eq!(scene.get(&format!("{path}/map?columns=2049")).await.0, 400);
    let (status, metainfo) = order(Method::GET, format!("{path}/metainfo")).await;
    assert!(status == 200 && matches!(&metainfo, Value::String(text) if text.starts_with('d')));
    let (_, magnet) = scene.get(&format!("{path}/magnet?public=true")).await;
    assert!(magnet["magnet"].as_str().is_some_and(|magnet| !magnet.contains("x.weft")), "{magnet}");
    // Again is no second time.
    let (status, again) = scene.post("/api/v1/files/torrents", json!({ "magnet": link })).await;
    assert_eq!(status, 200, "{again}");
    assert_eq!(scene.get("/api/v1/files/torrents").await.1.as_array().map(Vec::len), Some(1));
    assert_eq!(order(Method::DELETE, format!("{path}?data=true")).await.0, 204);
    assert_eq!(scene.get(path).await.0, 404);
    assert!(!scene.dir().join("got/folder/one.bin").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_another_network_or_to_oneself_is_no_acquaintance() {
    let ann = Scene::plain().await;
    let stranger = Scene::set(Set::default().flag("network.name", "elsewhere")).await;
    let (_, made) = stranger.post("/api/v1/people/invitations", json!({})).await;
    for link in [
        made["link"].clone(),
        ann.post("/api/v1/people/invitations", json!({})).await.1["link"].clone(),
        json!("weft:nothing"),
    ] {
        let (status, body) =
            ann.post("/api/v1/people/invitations/accept", json!({ "link": link, "petname": "x" })).await;
        assert!((400..500).contains(&status), "{status} {body}");
    }
    assert_eq!(ann.get("/api/v1/people/contacts").await.1, json!([]));
    ann.end().await;
    stranger.end().await;
}
