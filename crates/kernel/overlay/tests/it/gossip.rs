//! Topics, and members who find one another by them.

use bytes::Bytes;
use weft_overlay::{GossipError, Heard, MAX_MESSAGE, PathKind, PathPolicy};

use crate::lab::{ECHO, Node, SOON, config, echo, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_says_on_a_topic_the_others_hear() {
    let (a, b) = (Node::start(config("topic")).await, Node::start(config("topic")).await);
    a.knows(&b);
    let (_keep, mut at_b) = b.overlay.gossip().topic("news", &[]).await.unwrap();
    let (sender, mut at_a) = a.overlay.gossip().topic("news", &[b.key]).await.unwrap();
    let joined = tokio::time::timeout(SOON, at_a.next()).await.unwrap().unwrap();
    assert_eq!(joined, Heard::Joined(b.key));
    sender.broadcast(Bytes::from_static(b"hello")).await.unwrap();
    let heard = async {
        loop {
            if let Some(Heard::Message { content, from }) = at_b.next().await {
                return (content, from);
            }
        }
    };
    let (content, from) = tokio::time::timeout(SOON, heard).await.unwrap();
    assert_eq!((content.as_ref(), from), (b"hello".as_slice(), a.key));
    let long = sender.broadcast(Bytes::from(vec![0; MAX_MESSAGE + 1])).await;
    assert!(matches!(long, Err(GossipError::TooLong(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_find_one_another_through_a_third() {
    let nodes = [
        Node::start(config("members")).await,
        Node::start(config("members")).await,
        Node::start(config("members")).await,
    ];
    let [a, middle, c] = &nodes;
    for outer in [a, c] {
        outer.knows(middle);
        let mut link = outer.connect(middle, ECHO, PathPolicy::only(&[PathKind::Direct])).await.unwrap();
        echo(&mut link).await.unwrap();
    }
    // Nobody told them of one another but the members' topic.
    until("a heard of c", || !a.overlay.addresses_of(&c.key).is_empty()).await;
    until("c heard of a", || !c.overlay.addresses_of(&a.key).is_empty()).await;
    let mut link = a.connect(c, ECHO, PathPolicy::only(&[PathKind::Direct])).await.unwrap();
    echo(&mut link).await.unwrap();
}
