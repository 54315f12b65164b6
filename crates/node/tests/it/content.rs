//! A file's bytes over HTTP: ranges, what the browser is told of them, and clients that go away.

use std::time::{Duration, Instant};

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::scene::{DEADLINE, Scene, Set};

fn film() -> Vec<u8> {
    (0..3_000_000_u32).map(|n| (n * 7 % 251) as u8).collect()
}

async fn shared(scene: &Scene) -> String {
    let folder = scene.dir().join("folder");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("a film.mp4"), film()).expect("a file");
    std::fs::write(folder.join("b.html"), "<script>alert(1)</script>").expect("a file");
    std::fs::write(folder.join("empty"), "").expect("a file");
    let (status, shared) = scene.post("/api/v1/files/torrents", json!({ "path": folder })).await;
    assert_eq!(status, 201, "{shared}");
    shared["info_hash"].as_str().expect("an info-hash").to_owned()
}

async fn ask(scene: &Scene, method: Method, path: &str, headers: &[(&'static str, &str)]) -> Response {
    let mut request = scene.ask(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.expect("an answer")
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_and_what_the_browser_is_told() {
    let scene = Scene::set(Set::default().flag("network.dht", "false")).await;
    let id = shared(&scene).await;
    let path = format!("/api/v1/files/torrents/{id}/files/0/content");
    let etag = format!("\"{id}-0\"");

    let whole = ask(&scene, Method::GET, &path, &[]).await;
    assert_eq!(whole.status(), StatusCode::OK);
    for (name, value) in [
        ("content-type", "video/mp4"),
        ("content-length", "3000000"),
        ("accept-ranges", "bytes"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cross-origin-resource-policy", "same-origin"),
        ("content-disposition", "inline; filename=\"a film.mp4\"; filename*=UTF-8''a%20film.mp4"),
    ] {
        assert_eq!(header(&whole, name), value, "{name}");
    }
    assert_eq!(header(&whole, "etag"), etag);
    assert!(whole.bytes().await.expect("bytes") == film());

    let part = ask(&scene, Method::GET, &path, &[("range", "bytes=1000000-1000999"), ("if-range", &etag)]).await;
    assert_eq!((part.status().as_u16(), header(&part, "content-range")), (206, "bytes 1000000-1000999/3000000"));
    assert!(part.bytes().await.expect("bytes") == film()[1_000_000..1_001_000]);
    let tail = ask(&scene, Method::GET, &path, &[("range", "bytes=-5")]).await;
    assert_eq!((tail.status().as_u16(), header(&tail, "content-length")), (206, "5"));
    assert!(tail.bytes().await.expect("bytes") == film()[2_999_995..]);
    let other = ask(&scene, Method::GET, &path, &[("range", "bytes=0-9"), ("if-range", "\"other\"")]).await;
    assert_eq!((other.status().as_u16(), header(&other, "content-length")), (200, "3000000"));
    let beyond = ask(&scene, Method::GET, &path, &[("range", "bytes=3000000-")]).await;
    assert_eq!((beyond.status().as_u16(), header(&beyond, "content-range")), (416, "bytes */3000000"));
    assert_eq!(beyond.json::<Value>().await.expect("JSON")["code"], "no-such-range");
    let head = ask(&scene, Method::HEAD, &path, &[("range", "bytes=0-99")]).await;
    assert_eq!((head.status().as_u16(), header(&head, "content-length")), (206, "100"));
    assert!(head.bytes().await.expect("nothing").is_empty());

    // What could be a page is a download.
    let page = ask(&scene, Method::GET, &format!("/api/v1/files/torrents/{id}/files/1/content"), &[]).await;
    assert_eq!(header(&page, "content-type"), "application/octet-stream");
    assert!(header(&page, "content-disposition").starts_with("attachment;"));
    let empty = ask(&scene, Method::GET, &format!("/api/v1/files/torrents/{id}/files/2/content"), &[]).await;
    assert_eq!((empty.status().as_u16(), header(&empty, "content-length")), (200, "0"));
    for (path, status) in [
        (format!("/api/v1/files/torrents/{id}/files/3/content"), 404),
        (format!("/api/v1/files/torrents/{id}/files/x/content"), 400),
        (format!("/api/v1/files/torrents/{}/files/0/content", "a".repeat(40)), 404),
    ] {
        assert_eq!(scene.get(&path).await.0, status, "{path}");
    }
    scene.end().await;
}

/// An answer that has begun. Those who went away a moment ago may still be in the way.
async fn reading(scene: &Scene, path: &str) -> Response {
    let begun = Instant::now();
    loop {
        let answer = ask(scene, Method::GET, path, &[]).await;
        if answer.status() == StatusCode::OK {
            return answer;
        }
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(begun.elapsed() < DEADLINE, "readers stay after their clients went");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_away_leaves_no_reader_behind() {
    let ann = Scene::set(Set::default().flag("network.dht", "false")).await;
    let ben = Scene::set(Set::default().flag("network.dht", "false")).await;
    let id = shared(&ann).await;
    let metainfo = ask(&ann, Method::GET, &format!("/api/v1/files/torrents/{id}/metainfo"), &[]).await;
    let metainfo = data_encoding::BASE64.encode(&metainfo.bytes().await.expect("bytes"));
    // Nobody gives it: whoever reads waits.
    let (status, _) = ben.post("/api/v1/files/torrents", json!({ "metainfo": metainfo })).await;
    assert_eq!(status, 201);
    ben.until(&format!("/api/v1/files/torrents/{id}"), |_, torrent| torrent["state"] == "downloading").await;
    let path = format!("/api/v1/files/torrents/{id}/files/0/content");
    for _ in 0..3 {
        // Three times forty are more than there may be readers.
        let mut open = Vec::new();
        for _ in 0..40 {
            open.push(reading(&ben, &path).await);
        }
        drop(open);
    }
    // Paused, it says so at once.
    let order = ask(&ben, Method::POST, &format!("/api/v1/files/torrents/{id}/pause"), &[]).await;
    assert_eq!(order.status(), StatusCode::NO_CONTENT);
    let (status, problem) = ben.get(&path).await;
    assert_eq!((status, problem["code"].as_str()), (409, Some("paused")), "{problem}");
    ann.end().await;
    ben.end().await;
}
