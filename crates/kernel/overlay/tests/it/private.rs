//! Networks refuse one another.

use weft_overlay::{ConnectError, PathKind, PathPolicy};

use crate::lab::{BULK, ECHO, Node, config, echo};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_of_another_network_get_nothing() {
    let (home, friend) = (Node::start(config("home")).await, Node::start(config("home")).await);
    let stranger = Node::start(config("elsewhere")).await;
    stranger.knows(&home);
    for purpose in [ECHO, BULK] {
        for path in [PathKind::Direct, PathKind::Tls] {
            let refused = stranger.connect(&home, purpose, PathPolicy::only(&[path])).await.err().unwrap();
            if path == PathKind::Tls {
                assert!(matches!(refused, ConnectError::WrongNetwork(_)), "{refused:?}");
            }
        }
    }
    assert_eq!(home.overlay.status().connections, 0);
    friend.knows(&home);
    let mut link = friend.connect(&home, ECHO, PathPolicy::any()).await.unwrap();
    echo(&mut link).await.unwrap();
}
