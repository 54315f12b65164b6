//! Secrets stand in no log, no event, no answer.

use std::time::Duration;

use data_encoding::{BASE64, HEXLOWER};
use reqwest::Method;
use serde_json::json;
use weft_node::identity::{Keystore, Passphrase, PassphraseSource};
use zeroize::Zeroizing;

use crate::scene::{DEADLINE, Scene, Set, logged};

const PASSPHRASE: &str = "correct horse battery staple 7Qx";

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_said_anywhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("passphrase");
    std::fs::write(&file, format!("{PASSPHRASE}\n")).expect("a file");
    let scene = Scene::set(Set::default().flag("identity.passphrase_file", file.to_str().expect("a path"))).await;
    let secrets = secrets(&scene);

    let mut said = vec![("node.json", read(scene.node.data_dir().join("node.json")))];
    // Refusals may quote what was sent; the token of a refused request must not come back.
    let refused =
        scene.ask(Method::GET, "/api/v1/status").header("host", "evil.example").send().await.expect("an answer");
    said.push(("a refusal", refused.text().await.expect("text")));
    let path = scene.dir().join("file");
    std::fs::write(&path, "content").expect("a file");
    let (_, shared) = scene.post("/api/v1/files/torrents", json!({ "path": path })).await;
    said.push(("shared", shared.to_string()));
    let (_, invitation) = scene.post("/api/v1/people/invitations", json!({})).await;
    said.push(("an invitation", invitation.to_string()));
    said.push(("events", events(&scene).await));
    let (_, openapi) = scene.get("/api/v1/openapi.json").await;
    let gets = openapi["paths"].as_object().expect("paths").iter().filter(|(_, item)| item["get"].is_object());
    let mut asked = 0;
    // The events are read above; the token is what `/token` is asked for.
    for (path, _) in gets.filter(|(path, _)| !path.ends_with("/events") && *path != "/api/v1/token") {
        let hash = shared["info_hash"].as_str().expect("an info-hash");
        let path = path
            .replace("{info_hash}", hash)
            .replace("{name}", "files")
            .replace("{peer}", &scene.node.address().peer)
            .replace("{who}", "nobody");
        let answer = scene.ask(Method::GET, &path).send().await.expect("an answer");
        let headers = format!("{:?}", answer.headers());
        said.push(("an answer", format!("{path} {headers} {}", answer.text().await.expect("text"))));
        asked += 1;
    }
    assert!(asked > 12, "only {asked} routes were asked");
    said.push(("openapi", openapi.to_string()));
    let metrics = scene.ask(Method::GET, "/metrics").send().await.expect("an answer");
    said.push(("metrics", metrics.text().await.expect("text")));
    scene.end().await;
    let log = logged();
    assert!(log.contains("ready") && log.contains("weft_node"), "nothing was logged");
    said.push(("the log", log));

    for (what, text) in &said {
        assert!(!text.is_empty(), "{what} is empty");
        for (name, secret) in &secrets {
            assert!(!text.contains(secret.as_str()), "{what} says {name}");
        }
    }
}

/// Every secret of the node in every form in which it might slip out.
fn secrets(scene: &Scene) -> Vec<(&'static str, Zeroizing<String>)> {
    let keystore = Keystore::in_data_dir(scene.node.data_dir());
    assert!(keystore.is_encrypted().expect("a keystore"), "the passphrase of the file was used");
    let passphrase = Passphrase::new(Zeroizing::new(PASSPHRASE.into())).expect("a passphrase");
    assert!(matches!(PassphraseSource::Given(passphrase.clone()).resolve(), Ok(Some(_))));
    let phrase = keystore.reveal_phrase(Some(&passphrase)).expect("it opens").reveal();
    let words: Vec<&str> = phrase.split_whitespace().collect();
    assert_eq!(words.len(), 24);
    let mut secrets: Vec<(&'static str, Zeroizing<String>)> = vec![
        ("the token", Zeroizing::new(scene.node.token().reveal().to_owned())),
        ("the passphrase", Zeroizing::new(PASSPHRASE.to_owned())),
    ];
    // Single words of the phrase are plain English; three in a row are not.
    for three in words.windows(3) {
        for between in [" ", ",", "\",\"", "\", \""] {
            secrets.push(("the phrase", Zeroizing::new(three.join(between))));
        }
    }
    let unlocked = keystore.open(Some(&passphrase)).expect("it opens");
    let device = unlocked.transport.expose_for_transport();
    secrets.push(("the device key", Zeroizing::new(HEXLOWER.encode(device.as_slice()))));
    secrets.push(("the device key", Zeroizing::new(BASE64.encode(device.as_slice()))));
    secrets.push(("the device key", Zeroizing::new(format!("{:?}", device.as_slice()))));
    secrets.push(("the device key", Zeroizing::new(serde_json::to_string(device.as_slice()).expect("JSON"))));
    secrets
}

/// Everything that happened so far, and the state.
async fn events(scene: &Scene) -> String {
    let mut all = String::new();
    for (query, end) in [("", "event: snapshot"), ("?after=0", "\"kind\":\"ready\"")] {
        let mut stream = scene.ask(Method::GET, &format!("/api/v1/events{query}")).send().await.expect("an answer");
        let mut text = String::new();
        let begun = std::time::Instant::now();
        while !text.contains(end) || !text.ends_with("\n\n") {
            assert!(begun.elapsed() < DEADLINE, "{query} has no {end}: {text}");
            if let Ok(Ok(Some(chunk))) = tokio::time::timeout(Duration::from_secs(1), stream.chunk()).await {
                text.push_str(&String::from_utf8_lossy(&chunk));
            }
        }
        all.push_str(&text);
    }
    all
}

fn read(path: std::path::PathBuf) -> String {
    std::fs::read_to_string(path).expect("a file")
}
