//! The data folder's disk is full: the node says so, refuses what it could not keep, and goes on when there is room.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::scene::{NETWORK, Scene, Set, answer, client, start_in};

/// A file system in memory, gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, megabytes: u32) -> Option<SmallDisk> {
        let options = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "weft-test"]).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| SmallDisk(at.to_path_buf()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_data_disk_is_said_and_mended() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(disk) = SmallDisk::mount(folder.path(), 120) else {
        eprintln!("skipped: a full disk needs a small file system, and mounting one needs root");
        return;
    };
    let node = start_in(&disk.0.join("data"), Set::default()).await.expect("it starts");
    let base = node.address().api.clone();
    let http = client();
    let get = |path: &str| answer(http.get(format!("{base}{path}")).bearer_auth(node.token().reveal()));
    assert_eq!(get("/api/v1/health").await.0, 200);

    // 64 MiB must stay free for the store.
    let filler = disk.0.join("filler");
    std::fs::write(&filler, vec![1; 80 << 20]).expect("room for it");
    let begun = std::time::Instant::now();
    let degraded = loop {
        let (status, body) = get("/api/v1/health").await;
        if status == 503 {
            break body;
        }
        assert!(begun.elapsed() < crate::scene::DEADLINE, "still {body}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let store = &degraded["parts"]["store"];
    assert_eq!(store["state"], "degraded", "{degraded}");
    assert!(store["because"].as_str().is_some_and(|text| text.contains("MiB left")), "{store}");
    assert!(store["mend"].as_str().is_some_and(|text| text.contains("free")), "{store}");

    // What could not be kept is not acknowledged.
    let friend = Scene::set(Set::default().flag("network.name", NETWORK)).await;
    let (_, invitation) = friend.post("/api/v1/people/invitations", json!({ "petname": "friend" })).await;
    let body = json!({ "link": invitation["link"] });
    let accept = || {
        let request = http.post(format!("{base}/api/v1/people/invitations/accept"));
        answer(request.bearer_auth(node.token().reveal()).json(&body))
    };
    let (status, refused) = accept().await;
    assert!(status >= 500, "{status} {refused}");
    assert_eq!(get("/api/v1/people/contacts").await.1, json!([]));

    std::fs::remove_file(&filler).expect("it goes");
    let begun = std::time::Instant::now();
    while get("/api/v1/health").await.0 != 200 {
        assert!(begun.elapsed() < crate::scene::DEADLINE, "it does not recover");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let (status, accepted) = accept().await;
    assert_eq!(status, 200, "{accepted}");
    friend.end().await;
    node.stop().await;
}
