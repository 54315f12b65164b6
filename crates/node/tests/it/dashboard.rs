//! The page and who may use it: login, session, grants; and who may not: other hosts, other origins, forms, neighbours.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::scene::{Scene, answer};

/// A browser that signed in, as far as HTTP shows it.
struct Browser {
    cookie: String,
    csrf: String,
}

impl Browser {
    /// Opens a login address, as `weft up` prints it.
    async fn sign_in(scene: &Scene) -> Browser {
        let address = scene.node.login_address().expect("an address");
        let code = address.split_once("/#login=").expect("a code behind the #").1.to_owned();
        let response = login(scene, &code).await;
        assert_eq!(response.status(), 200);
        let cookie = response.headers()["set-cookie"].to_str().expect("text").to_owned();
        let name = format!("weft-{}=", &scene.node.address().peer[..8]);
        assert!(cookie.starts_with(&name), "named after the peer: {cookie}");
        for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        let body: Value = response.json().await.expect("JSON");
        let cookie = cookie.split(';').next().expect("a pair").to_owned();
        Browser { cookie, csrf: body["csrf"].as_str().expect("a CSRF token").to_owned() }
    }

    fn ask(&self, scene: &Scene, method: Method, path: &str) -> RequestBuilder {
        let request = scene.bare(method, path).header("cookie", &self.cookie).header("x-weft-csrf", &self.csrf);
        request.header("origin", scene.node.address().api).header("sec-fetch-site", "same-origin")
    }
}

async fn login(scene: &Scene, code: &str) -> Response {
    let request = scene.bare(Method::POST, "/api/v1/session").header("origin", scene.node.address().api);
    request.json(&json!({ "code": code })).send().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_address_is_worth_one_session() {
    let scene = Scene::plain().await;
    let browser = Browser::sign_in(&scene).await;
    let (status, session) = answer(browser.ask(&scene, Method::GET, "/api/v1/session")).await;
    assert_eq!((status, session["peer"].as_str()), (200, Some(scene.node.address().peer.as_str())), "{session}");
    assert!(session.get("csrf").is_none(), "it is given once");

    // Another address, through the API, as `weft dashboard` asks for it.
    let (status, link) = scene.post("/api/v1/session/links", json!({})).await;
    assert_eq!(status, 200);
    let code = link["url"].as_str().expect("an address").split_once("#login=").expect("a code").1.to_owned();
    assert_eq!(login(&scene, &code).await.status(), 200);
    assert_eq!(login(&scene, &code).await.status(), 401, "it was used");
    assert_eq!(login(&scene, "x").await.status(), 401);

    let signed_out = browser.ask(&scene, Method::DELETE, "/api/v1/session").send().await.expect("an answer");
    assert_eq!(signed_out.status(), 204);
    assert_eq!(answer(browser.ask(&scene, Method::GET, "/api/v1/session")).await.0, 401);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_is_worth_nothing_without_the_header() {
    let scene = Scene::plain().await;
    let browser = Browser::sign_in(&scene).await;
    let bare = |method, path: &str| scene.bare(method, path).header("cookie", &browser.cookie);
    for path in ["/api/v1/status", "/api/v1/token", "/metrics", "/api/v1/events"] {
        assert_eq!(answer(bare(Method::GET, path)).await.0, 401, "{path}");
    }
    let wrong = bare(Method::GET, "/api/v1/status").header("x-weft-csrf", "guessed");
    assert_eq!(answer(wrong).await.0, 401);
    // A form of a foreign page: the browser sends the cookie along, and nothing else.
    let form = bare(Method::POST, "/api/v1/files/torrents")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("path=%2Fetc%2Fpasswd");
    assert_eq!(answer(form).await.0, 401);
    let form = browser
        .ask(&scene, Method::POST, "/api/v1/files/torrents")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("path=%2Fetc%2Fpasswd");
    assert_eq!(answer(form).await.0, 415, "with everything else right, a form is still no JSON");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_hosts_origins_and_neighbours_are_refused() {
    let scene = Scene::plain().await;
    let browser = Browser::sign_in(&scene).await;
    let ask = |host: Option<&str>, origin: Option<&str>, site: Option<&str>, path: &str| {
        let mut request = scene.bare(Method::GET, path).header("cookie", &browser.cookie);
        request = request.header("x-weft-csrf", &browser.csrf);
        for (name, value) in [("host", host), ("origin", origin), ("sec-fetch-site", site)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        answer(request)
    };
    let port = scene.port();
    assert_eq!(ask(None, None, None, "/api/v1/status").await.0, 200);
    // DNS rebinding: the page is the attacker's, the address is ours. Not even the page itself is given.
    for host in ["rebound.example".to_owned(), format!("rebound.example:{port}"), format!("127.0.0.1:{}", port ^ 1)] {
        for path in ["/api/v1/status", "/", "/health"] {
            let (status, body) = ask(Some(&host), None, None, path).await;
            assert_eq!((status, body["code"].as_str()), (403, Some("wrong-host")), "{host} {path}");
        }
    }
    for origin in ["http://evil.example", "null", &format!("http://localhost:{}", port ^ 1)] {
        let (status, body) = ask(None, Some(origin), None, "/api/v1/status").await;
        assert_eq!((status, body["code"].as_str()), (403, Some("foreign-origin")), "{origin}");
    }
    for site in ["cross-site", "same-site"] {
        assert_eq!(ask(None, None, Some(site), "/api/v1/status").await.0, 403, "{site}");
    }
    // No foreign page is told that it may read an answer.
    let preflight = scene.bare(Method::OPTIONS, "/api/v1/status").header("origin", "http://evil.example");
    let preflight = preflight.header("access-control-request-headers", "x-weft-csrf").send().await.expect("an answer");
    assert_eq!(preflight.status(), 403);
    assert!(preflight.headers().keys().all(|name| !name.as_str().starts_with("access-control")));
    let login = scene.bare(Method::POST, "/api/v1/session").header("origin", "http://evil.example");
    assert_eq!(answer(login.json(&json!({ "code": "x" }))).await.0, 403);
    let login = scene.bare(Method::POST, "/api/v1/session").json(&json!({ "code": "x" }));
    assert_eq!(answer(login).await.0, 403, "without an Origin");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_reads_one_path_beside_the_cookie() {
    let scene = Scene::plain().await;
    let browser = Browser::sign_in(&scene).await;
    let request =
        browser.ask(&scene, Method::POST, "/api/v1/session/grants").json(&json!({ "path": "/api/v1/status" }));
    let (status, granted) = answer(request).await;
    assert_eq!(status, 200, "{granted}");
    let url = granted["url"].as_str().expect("an address");
    let with_cookie = |url: &str| answer(scene.bare(Method::GET, url).header("cookie", &browser.cookie));
    assert_eq!(with_cookie(url).await.0, 200);
    assert_eq!(answer(scene.bare(Method::GET, url)).await.0, 401, "the address alone");
    assert_eq!(with_cookie(&url.replace("status", "token")).await.0, 401, "another path");
    let other = Browser::sign_in(&scene).await;
    assert_eq!(answer(scene.bare(Method::GET, url).header("cookie", &other.cookie)).await.0, 401, "another browser");
    for path in ["/metrics", "/api/v1/../metrics", "/api/v1/status?x=1", "status"] {
        let request = browser.ask(&scene, Method::POST, "/api/v1/session/grants").json(&json!({ "path": path }));
        assert_eq!(answer(request).await.0, 400, "{path}");
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_runs_its_own_files_and_nothing_else() {
    let scene = Scene::plain().await;
    let page = |path: &str| scene.bare(Method::GET, path).send();
    let index = page("/").await.expect("an answer");
    if index.status() == 404 {
        let text = index.text().await.expect("text");
        assert!(text.contains("make web"), "a build without the page says so: {text}");
        return scene.end().await;
    }
    let policy = index.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(index.headers()["x-content-type-options"], "nosniff");
    assert_eq!(index.headers()["cache-control"], "no-store");
    let text = index.text().await.expect("text");
    let nonce = policy.split_once("'nonce-").expect("a nonce").1.split('\'').next().expect("a nonce").to_owned();
    assert!(text.contains(&nonce) && !text.contains("__CSP_NONCE__"), "{text}");
    assert!(!text.contains("<script>") && !text.contains(" style=") && !text.contains("<style"), "{text}");
    for attribute in text.split(['"', '\'']).filter(|value| value.contains("//")) {
        assert!(!attribute.starts_with("http") && !attribute.starts_with("//"), "{attribute}");
    }
    let script = text.split('"').find(|value| value.ends_with(".js")).expect("a script");
    let file = scene.bare(Method::GET, script).header("accept-encoding", "gzip").send().await.expect("an answer");
    assert!(file.headers()["content-type"].to_str().expect("text").contains("javascript"));
    assert!(file.headers()["cache-control"].to_str().expect("text").contains("immutable"));
    assert_eq!(file.headers()["content-encoding"], "gzip");
    // A place in the page is the page; a file that is not there is not, and neither is an unknown route of the API.
    for (path, status) in [("/files/abc", 200), ("/assets/nothing.js", 404), ("/api/v1/nothing", 401), ("/../etc", 200)]
    {
        assert_eq!(page(path).await.expect("an answer").status(), status, "{path}");
    }
    assert_eq!(scene.get("/api/v1/nothing").await.0, 404);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_changed_through_the_api_is_in_the_file() {
    let scene = Scene::plain().await;
    let (status, setting) = scene.put("/api/v1/config/files.upload_rate", json!({ "value": "2 MB/s" })).await;
    assert_eq!(
        (status, &setting["value"], &setting["takes_effect"]),
        (200, &json!(2_000_000), &json!("now")),
        "{setting}"
    );
    assert_eq!(scene.get("/api/v1/files/limits").await.1["upload"], 2_000_000, "it acts at once");
    let (status, setting) = scene.put("/api/v1/config/files.max_torrents", json!({ "value": "77" })).await;
    assert_eq!((status, &setting["takes_effect"]), (200, &json!("restart")));
    let (_, config) = scene.get("/api/v1/config").await;
    let rows = config["settings"].as_array().expect("settings").clone();
    let row = rows.iter().find(|row| row["key"] == "files.max_torrents").expect("the setting");
    assert_eq!((&row["value"], &row["default"]), (&json!(77), &json!(10_000)));
    assert_eq!(row["origin"], config["file"]);
    for (key, value, wanted) in [
        ("files.max_torrents", "many", 400),
        ("files.max_torents", "7", 400),
        ("log.level", "weft=loud", 200),
        ("network.name", "other", 409),
    ] {
        let (status, problem) = scene.put(&format!("/api/v1/config/{key}"), json!({ "value": value })).await;
        assert_eq!(status, wanted, "{key} {problem}");
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_phrase_is_shown_to_who_confirms() {
    let scene = Scene::plain().await;
    let (status, _) = scene.post("/api/v1/identity/phrase", json!({ "confirm": "yes" })).await;
    assert_eq!(status, 400);
    let (status, shown) = scene.post("/api/v1/identity/phrase", json!({ "confirm": "reveal" })).await;
    assert_eq!((status, shown["words"].as_array().map(Vec::len)), (200, Some(24)));
    assert_eq!(scene.get("/api/v1/token").await.1["token"], scene.node.token().reveal());
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_run_ends_once_and_nobody_restarts_an_embedded_node() {
    let scene = Scene::plain().await;
    let (status, setup) = scene.get("/api/v1/setup").await;
    assert_eq!((status, &setup["done"], &setup["can_restore"]), (200, &json!(false), &json!(false)), "{setup}");
    assert_eq!(scene.post("/api/v1/restart", json!({})).await.0, 409);
    let (status, problem) = scene.post("/api/v1/setup/restore", json!({ "phrase": "no words" })).await;
    assert_eq!((status, problem["code"].as_str()), (400, Some("bad-phrase")));
    assert_eq!(scene.put("/api/v1/setup", json!({ "done": true })).await.0, 204);
    assert_eq!(scene.get("/api/v1/setup").await.1["done"], true);
    assert_eq!(scene.post("/api/v1/setup/restore", json!({ "phrase": "no words" })).await.0, 409);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_moment_can_be_shown() {
    let scene = Scene::plain().await;
    let history = scene.until("/api/v1/events/history", |_, history| history["oldest_at_ms"].is_u64()).await;
    let first = history["oldest_at_ms"].as_u64().expect("a moment");
    std::fs::write(scene.dir().join("x"), "x").expect("a file");
    let (status, shared) = scene.post("/api/v1/files/torrents", json!({ "path": scene.dir().join("x") })).await;
    assert_eq!(status, 201, "{shared}");
    let now = scene.get("/api/v1/events/history").await.1["now_ms"].as_u64().expect("a moment");
    let (status, replay) = scene.get(&format!("/api/v1/events/replay?at_ms={now}")).await;
    assert_eq!(status, 200);
    assert!(replay["snapshot"]["state"]["node"]["status"]["peer"].is_string(), "{replay}");
    let kinds: Vec<_> = replay["records"].as_array().expect("records").iter().map(|r| r["kind"].clone()).collect();
    assert!(kinds.contains(&json!("torrent-added")), "{kinds:?}");
    let (_, before) = scene.get(&format!("/api/v1/events/replay?at_ms={first}")).await;
    let added =
        |replay: &Value| replay["records"].as_array().expect("records").iter().any(|r| r["kind"] == "torrent-added");
    assert!(!added(&before), "it was not there yet");
    assert_eq!(scene.get(&format!("/api/v1/events/replay?at_ms={}", first - 1)).await.0, 410);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_in_the_feed() {
    let scene = Scene::plain().await;
    let response = scene.ask(Method::GET, "/api/v1/events?after=0&source=node").send().await.expect("an answer");
    let mut response = response;
    let mut text = String::new();
    let sample = loop {
        let chunk = tokio::time::timeout(crate::scene::DEADLINE, response.chunk()).await.expect("in time");
        text.push_str(
            std::str::from_utf8(&chunk.expect("the stream goes on").expect("it does not end")).expect("text"),
        );
        let lines = text.lines().filter_map(|line| line.strip_prefix("data:")).filter(|_| text.ends_with("\n\n"));
        let records = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        if let Some(sample) = records.into_iter().find(|record| record["kind"] == "sample") {
            break sample;
        }
    };
    let data = &sample["data"];
    assert!(data["cpu_ms"].is_u64() && data["idle"]["since_ms"].is_u64(), "{data}");
    assert!(data["services"]["network"]["detail"]["dht"]["lookups"].is_u64(), "{data}");
    assert!(data["services"]["files"]["rate_in"].is_u64(), "{data}");
    scene.end().await;
}
