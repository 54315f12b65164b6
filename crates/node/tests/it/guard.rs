//! Whoever is not this user on this machine is refused, over a real socket.

use std::net::{IpAddr, Ipv4Addr};

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::scene::{Scene, Set, answer, start_in};

#[tokio::test(flavor = "multi_thread")]
async fn every_route_asks_for_the_token() {
    let scene = Scene::plain().await;
    let (_, openapi) = scene.get("/api/v1/openapi.json").await;
    let paths: Vec<String> = openapi["paths"].as_object().expect("paths").keys().cloned().collect();
    assert!(paths.len() > 20, "only {} paths are described", paths.len());
    let operations = openapi["paths"].as_object().expect("paths").values().filter_map(|item| item.as_object());
    let ids: Vec<&str> =
        operations.flat_map(|item| item.values()).filter_map(|op| op["operationId"].as_str()).collect();
    let distinct: std::collections::HashSet<&str> = ids.iter().copied().collect();
    assert!(ids.len() > 30 && ids.len() == distinct.len(), "operations share a name: {ids:?}");
    for path in paths.iter().map(String::as_str).chain(["/metrics", "/api/v1/openapi.json", "/", "/no/such"]) {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            // The page's files hold no secret; a login has a code for its credentials, and its own tests.
            let page = method == Method::GET && !path.starts_with("/api") && path != "/metrics";
            let login = method == Method::POST && path == "/api/v1/session";
            if page || login || path == "/health" {
                continue;
            }
            let (status, body) = answer(scene.bare(method.clone(), path)).await;
            assert_eq!((status, body["code"].as_str()), (401, Some("no-token")), "{method} {path}");
            let wrong = "x".repeat(scene.node.token().reveal().len());
            let (status, _) = answer(scene.bare(method.clone(), path).bearer_auth(wrong)).await;
            assert_eq!(status, 401, "{method} {path} with a wrong token");
        }
    }
    // What needs no token says nothing but whether the node lives.
    let (status, body) = answer(scene.bare(Method::GET, "/health")).await;
    assert_eq!((status, body), (200, json!({ "status": "ok" })));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_hosts_and_origins_are_refused_even_with_the_token() {
    let scene = Scene::plain().await;
    let port = scene.port();
    let with = |name: &'static str, value: String| answer(scene.ask(Method::GET, "/api/v1/status").header(name, value));
    for host in [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}")] {
        assert_eq!(with("host", host.clone()).await.0, 200, "{host}");
    }
    // DNS rebinding: a name of somebody else's leads here, and the browser says that name.
    for host in [
        format!("evil.example:{port}"),
        format!("localhost.evil.example:{port}"),
        "localhost".into(),
        format!("localhost:{}", port ^ 1),
    ] {
        let (status, body) = with("host", host.clone()).await;
        assert_eq!((status, body["code"].as_str()), (403, Some("wrong-host")), "{host}");
    }
    for origin in
        ["http://evil.example".into(), "null".into(), format!("https://127.0.0.1:{port}"), "http://127.0.0.1".into()]
    {
        let (status, body) = with("origin", origin.clone()).await;
        assert_eq!((status, body["code"].as_str()), (403, Some("foreign-origin")), "{origin}");
    }
    assert_eq!(with("origin", format!("http://127.0.0.1:{port}")).await.0, 200);
    // No answer invites a foreign page.
    let preflight = scene
        .bare(Method::OPTIONS, "/api/v1/files/torrents")
        .header("origin", "http://evil.example")
        .header("access-control-request-method", "POST")
        .send()
        .await
        .expect("an answer");
    assert_eq!(preflight.status(), 403);
    assert!(preflight.headers().keys().all(|name| !name.as_str().starts_with("access-control")));
    // The open door has the same guard but for the token.
    assert_eq!(answer(scene.bare(Method::GET, "/health").header("host", "evil.example")).await.0, 403);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_json_and_bounded() {
    let scene = Scene::plain().await;
    let post = || scene.ask(Method::POST, "/api/v1/files/torrents");
    for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("multipart/form-data")] {
        let mut request = post().body("{}");
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let (status, body) = answer(request).await;
        assert_eq!((status, body["code"].as_str()), (415, Some("not-json")), "{kind:?}");
    }
    let (status, body) = answer(post().header("content-type", "application/json").body("{")).await;
    assert_eq!(status, 400, "{body}");
    assert!(body["error"].is_string(), "an answer that is not ours is shaped like one: {body}");

    // Where a route needs little, it takes little; where it needs much, it has a bound too.
    let large = json!({ "on": true, "pad": "x".repeat(100_000) }).to_string();
    let put = scene.ask(Method::PUT, "/api/v1/services/files").header("content-type", "application/json").body(large);
    assert_eq!(answer(put).await.0, 413);
    let declared = format!(
        "POST /api/v1/files/torrents HTTP/1.1\r\nhost: localhost:{}\r\nauthorization: Bearer {}\r\n\
        content-type: application/json\r\ncontent-length: 99999999\r\n\r\n",
        scene.port(),
        scene.node.token().reveal()
    );
    assert!(raw(&scene, declared.as_bytes()).await.starts_with("HTTP/1.1 413"));
    // A body that does not say how long it is.
    let endless = futures::stream::iter((0..64).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1 << 20])));
    let request = post().header("content-type", "application/json").body(reqwest::Body::wrap_stream(endless));
    match request.send().await {
        Ok(response) => assert_eq!(response.status(), 413),
        // The server may close before all was sent.
        Err(error) => assert!(error.is_request() || error.is_body(), "{error:?}"),
    }
    let headers =
        format!("GET /health HTTP/1.1\r\nhost: localhost:{}\r\nx: {}\r\n\r\n", scene.port(), "x".repeat(100_000));
    let answer = raw(&scene, headers.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    scene.end().await;
}

/// What comes back for `bytes`, until the server is done or closes.
async fn raw(scene: &Scene, bytes: &[u8]) -> String {
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", scene.port())).await.expect("the API listens");
    // The server may close while we still write.
    let _ = stream.write_all(bytes).await;
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(crate::scene::DEADLINE, stream.read(&mut answer)).await.expect("in time");
    String::from_utf8_lossy(&answer[..read.unwrap_or(0)]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_on_loopback_or_nowhere() {
    let dir = tempfile::tempdir().expect("a folder");
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let error = start_in(dir.path(), Set::default().flag("api.listen", address)).await.err().expect("refused");
        assert!(matches!(error, weft_node::StartError::NotLoopback(_)), "{error}");
    }
    let scene = Scene::plain().await;
    let Some(outside) = outside_address() else { return scene.end().await };
    let connected = tokio::net::TcpStream::connect((outside, scene.port())).await;
    assert!(connected.is_err(), "the API answers on {outside}");
    scene.end().await;
}

/// An address of this machine that is not loopback. Connecting a UDP socket sends nothing.
fn outside_address() -> Option<IpAddr> {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_loopback())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_connections_and_readers_keeps_nobody_out_for_good() {
    let scene = Scene::plain().await;
    let mut readers = Vec::new();
    let mut refused = 0;
    for _ in 0..20 {
        let response = scene.ask(Method::GET, "/api/v1/events").send().await.expect("an answer");
        if response.status() == 429 {
            refused += 1;
        } else {
            readers.push(response);
        }
    }
    assert_eq!((readers.len(), refused), (16, 4));
    assert_eq!(scene.get("/api/v1/status").await.0, 200, "others are served meanwhile");
    drop(readers);
    let begun = std::time::Instant::now();
    while scene.ask(Method::GET, "/api/v1/events").send().await.expect("an answer").status() != 200 {
        assert!(begun.elapsed() < crate::scene::DEADLINE, "readers that went away still count");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    scene.end().await;
}
