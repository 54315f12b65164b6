//! The event stream: a snapshot, then what happens; a position; a gap.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::scene::{DEADLINE, Scene};

/// Reads server-sent events one by one.
struct Stream {
    response: Response,
    text: String,
}

struct Sent {
    kind: String,
    id: Option<u64>,
    data: Value,
}

impl Stream {
    async fn open(scene: &Scene, query: &str, last: Option<u64>) -> Stream {
        let mut request = scene.ask(Method::GET, &format!("/api/v1/events{query}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Stream { response, text: String::new() }
    }

    async fn next(&mut self) -> Sent {
        let read = async {
            loop {
                if let Some((event, rest)) = self.text.split_once("\n\n") {
                    let (event, rest) = (event.to_owned(), rest.to_owned());
                    self.text = rest;
                    if let Some(sent) = parse(&event) {
                        return sent;
                    }
                    continue;
                }
                let chunk = self.response.chunk().await.expect("the stream goes on").expect("the stream does not end");
                self.text.push_str(std::str::from_utf8(&chunk).expect("text"));
            }
        };
        tokio::time::timeout(DEADLINE, read).await.expect("an event comes")
    }

    async fn until(&mut self, kind: &str) -> Sent {
        loop {
            let sent = self.next().await;
            if sent.data["kind"] == kind {
                return sent;
            }
        }
    }
}

fn parse(event: &str) -> Option<Sent> {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    Some(Sent {
        kind: field("event:")?.to_owned(),
        id: field("id:").and_then(|id| id.parse().ok()),
        data: serde_json::from_str(field("data:")?).expect("JSON"),
    })
}

async fn share(scene: &Scene, name: &str) -> String {
    let path = scene.dir().join(name);
    std::fs::write(&path, name.repeat(1000)).expect("a file");
    let (status, shared) = scene.post("/api/v1/files/torrents", json!({ "path": path })).await;
    assert_eq!(status, 201, "{shared}");
    shared["info_hash"].as_str().expect("an info-hash").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_reader_has_the_state_and_then_what_happens() {
    let scene = Scene::plain().await;
    let before = share(&scene, "before").await;
    let mut stream = Stream::open(&scene, "", None).await;
    let first = stream.next().await;
    assert_eq!((first.kind.as_str(), first.id), ("snapshot", first.data["seq"].as_u64()));
    let state = &first.data["state"];
    assert_eq!(state["files"]["torrents"][0]["info_hash"], before);
    assert!(state["network"]["status"]["key"].is_string() && state["people"]["me"].is_object(), "{state}");

    let after = share(&scene, "after").await;
    let mut seq = first.id.expect("a number");
    loop {
        let sent = stream.next().await;
        assert_eq!(sent.kind, "event");
        assert_eq!(sent.id, sent.data["seq"].as_u64());
        assert_eq!(sent.id, Some(seq + 1), "no gap");
        seq += 1;
        if sent.data["kind"] == "torrent-added" && sent.data["data"]["info_hash"] == after {
            break;
        }
    }
    // With Last-Event-ID or `after`, what came since is told again, and no snapshot.
    for mut replay in [
        Stream::open(&scene, "", Some(first.id.expect("a number"))).await,
        Stream::open(&scene, &format!("?after={}", first.id.expect("a number")), None).await,
    ] {
        let mut sent = replay.next().await;
        assert_eq!((sent.kind.as_str(), sent.id), ("event", first.id.map(|id| id + 1)));
        while sent.data["kind"] != "torrent-added" {
            sent = replay.next().await;
        }
        assert_eq!(sent.data["data"]["info_hash"], after);
    }
    let mut filtered = Stream::open(&scene, "?after=0&source=node", None).await;
    let sent = filtered.next().await;
    assert_eq!(sent.data["source"], "node");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_from_another_time_is_told_and_given_the_state() {
    let scene = Scene::plain().await;
    // A position that this run of the node never had.
    let mut stream = Stream::open(&scene, "?after=1000000", None).await;
    let resync = stream.next().await;
    assert_eq!(resync.kind, "resync");
    assert!(resync.data["head"].is_u64() && resync.data["missed_from"].is_u64(), "{}", resync.data);
    let snapshot = stream.next().await;
    assert_eq!(snapshot.kind, "snapshot");
    let hash = share(&scene, "later").await;
    assert_eq!(stream.until("torrent-added").await.data["data"]["info_hash"], hash);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_do_not_hold_up_the_end_of_the_node() {
    let scene = Scene::plain().await;
    let mut stream = Stream::open(&scene, "", None).await;
    assert_eq!(stream.next().await.kind, "snapshot");
    let dir = scene.node.data_dir().to_path_buf();
    tokio::time::timeout(Duration::from_secs(30), scene.end()).await.expect("the node stops");
    assert!(!dir.join("node.json").exists());
}
