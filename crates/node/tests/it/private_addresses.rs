//! Addresses that strangers name: on the public network a magnet's peers, tracker and `x.weft` lead to no private address;
//! on a private network the same link is followed. Nothing leaves this machine in either.

use std::net::SocketAddr;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::scene::{DEADLINE, Scene, Set};

/// A device key that nobody has.
const SOMEBODY: [u8; 32] = [9; 32];

/// Three services of this machine that a stranger would like us to call.
struct Bait {
    peer: TcpListener,
    tracker: TcpListener,
    weft: TcpListener,
    key: String,
}

impl Bait {
    async fn lay() -> Bait {
        let listen = || TcpListener::bind("127.0.0.1:0");
        Bait {
            peer: listen().await.expect("a port"),
            tracker: listen().await.expect("a port"),
            weft: listen().await.expect("a port"),
            key: weft_identity::DeviceSecret::from_bytes(&SOMEBODY).public().to_string(),
        }
    }

    fn link(&self) -> String {
        let at = |listener: &TcpListener| -> SocketAddr { listener.local_addr().expect("an address") };
        let hash = "5a".repeat(20);
        let (peer, tracker, weft) = (at(&self.peer), at(&self.tracker), at(&self.weft));
        let key = &self.key;
        format!(
            "magnet:?xt=urn:btih:{hash}&x.pe={peer}&tr=http%3A%2F%2F{tracker}%2Fannounce&x.weft={key}%3Bt%3D{weft}%3Bu%3D{weft}"
        )
    }
}

async fn called(listener: &TcpListener) -> bool {
    tokio::time::timeout(DEADLINE, listener.accept()).await.is_ok_and(|accepted| accepted.is_ok())
}

/// Whether somebody stands in the queue of `listener`.
async fn was_called(listener: &TcpListener) -> bool {
    let at_once = futures::future::poll_immediate(std::pin::pin!(listener.accept())).await;
    at_once.is_some_and(|accepted| accepted.is_ok())
}

async fn add(scene: &Scene, bait: &Bait) -> String {
    let (status, added) = scene.post("/api/v1/files/torrents", json!({ "magnet": bait.link() })).await;
    assert_eq!(status, 201, "{added}");
    format!("/api/v1/files/torrents/{}", added["info_hash"].as_str().expect("an info-hash"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_networks_strangers_do_not_send_us_into_private_ones() {
    let quiet = Set::default().flag("network.name", "").flag("network.dht", "false");
    let scene = Scene::set(quiet).await;
    assert_eq!(scene.get("/api/v1/status").await.1["network"], "public");
    let bait = Bait::lay().await;
    let path = add(&scene, &bait).await;
    // Each of the three has been tried, and refused, when these have answered.
    let failed = scene.until(&path, |_, torrent| torrent["trackers"][0]["state"] == "failed").await;
    let says = failed["trackers"][0]["message"].as_str().expect("why").to_owned();
    assert!(says.contains("public") || says.contains("private") || says.contains("refused"), "{says}");
    let (status, body) = scene.post("/api/v1/network/connect", json!({ "peer": bait.key, "timeout_seconds": 3 })).await;
    assert!(status == 502 || status == 504, "{status} {body}");
    for (what, listener) in [("x.pe", &bait.peer), ("tr", &bait.tracker), ("x.weft", &bait.weft)] {
        assert!(!was_called(listener).await, "the address of {what} was dialled");
    }
    assert_eq!(scene.get(&path).await.1["peers"], json!([]));
    // What the user names by hand is the user's word, and followed.
    let order = scene.ask(Method::POST, &format!("{path}/peers"));
    let own = json!({ "peers": [bait.peer.local_addr().expect("an address").to_string()] });
    assert_eq!(crate::scene::answer(order.json(&own)).await, (204, Value::Null));
    assert!(called(&bait.peer).await, "a peer that the user named is not dialled");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_private_network_the_same_link_is_followed() {
    let scene = Scene::set(Set::default().flag("network.dht", "false")).await;
    let bait = Bait::lay().await;
    add(&scene, &bait).await;
    for (what, listener) in [("x.pe", &bait.peer), ("tr", &bait.tracker), ("x.weft", &bait.weft)] {
        assert!(called(listener).await, "the address of {what} is not dialled");
    }
    scene.end().await;
}
