//! The members of a private network tell one another where they are, so that one behind a NAT is found by all who know
//! anybody.
//!
//! One topic a network. Each member says, signed, its addresses and relays: when they change, when somebody new is its
//! neighbour, and each few minutes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use weft_identity::{DeviceSecret, Purpose, Signature};

use crate::addresses::PeerAddresses;
use crate::gossip::{Gossip, Heard, MAX_MESSAGE};
use crate::guard::Origin;
use crate::hub::Hub;
use crate::keys::PeerKey;

const MEMBER: Purpose = Purpose::named("overlay/member/1");

/// The topic.
const TOPIC: &str = "members";

/// 5 min between announcements of a member that does not change.
const EVERY: Duration = Duration::from_secs(300);

/// 2 s between any two of them: a burst of changes is one announcement.
const SETTLE: Duration = Duration::from_secs(2);

/// 10 s between tries to join while nobody is our neighbour: a peer that has not joined yet does not hear us.
const REJOIN: Duration = Duration::from_secs(10);

/// 4,096 members whose latest announcement is remembered, as in the address book.
const MAX_MEMBERS: usize = 4096;

const VERSION: u8 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Announcement {
    member: PeerKey,
    /// Milliseconds since the Unix epoch by the member's clock: a later one replaces an earlier one.
    at_ms: u64,
    addresses: PeerAddresses,
}

/// The announcement's very bytes are signed.
#[derive(Serialize, Deserialize)]
struct Signed<'a> {
    version: u8,
    #[serde(borrow)]
    announcement: &'a [u8],
    signature: Signature,
}

fn sign(secret: &DeviceSecret, addresses: PeerAddresses, now: SystemTime) -> Vec<u8> {
    let at_ms = now.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    let announcement = Announcement { member: secret.public(), at_ms, addresses };
    let payload = postcard::to_allocvec(&announcement).expect("an announcement holds nothing postcard cannot write");
    let signed = Signed { version: VERSION, announcement: &payload, signature: secret.sign(MEMBER, &payload) };
    postcard::to_allocvec(&signed).expect("an announcement holds nothing postcard cannot write")
}

/// The announcement, if its member signed it.
fn verify(message: &[u8]) -> Option<Announcement> {
    if message.len() > MAX_MESSAGE {
        return None;
    }
    let signed: Signed<'_> = postcard::from_bytes(message).ok()?;
    let announcement: Announcement = postcard::from_bytes(signed.announcement).ok()?;
    let valid = announcement.member.verify(MEMBER, signed.announcement, &signed.signature).is_ok();
    (signed.version == VERSION && valid).then_some(announcement)
}

/// Announces us and hears others. Ends with the overlay.
pub(crate) async fn run(
    hub: Arc<Hub>,
    gossip: Gossip,
    secret: Arc<DeviceSecret>,
    mut newcomers: mpsc::Receiver<PeerKey>,
) {
    let mut latest: HashMap<PeerKey, u64> = HashMap::new();
    let mut ours = hub.hello.subscribe();
    loop {
        // Again after falling behind.
        let Ok((sender, mut receiver)) = gossip.topic(TOPIC, &connected(&hub)).await else { return };
        let mut due = tokio::time::Instant::now() + SETTLE;
        let mut neighbours: usize = 0;
        loop {
            tokio::select! {
                heard = receiver.next() => match heard {
                    Some(Heard::Message { content, .. }) => take(&hub, &mut latest, &content),
                    Some(Heard::Joined(_)) => {
                        neighbours += 1;
                        due = due.min(tokio::time::Instant::now() + SETTLE);
                    }
                    Some(Heard::Left(_)) => neighbours = neighbours.saturating_sub(1),
                    None => break,
                },
                newcomer = newcomers.recv() => match newcomer {
                    Some(peer) => drop(sender.join(&[peer]).await),
                    None => return,
                },
                changed = ours.changed() => match changed {
                    Ok(()) => due = due.min(tokio::time::Instant::now() + SETTLE),
                    Err(_) => return,
                },
                () = tokio::time::sleep_until(due) => {
                    due = tokio::time::Instant::now() + if neighbours > 0 { EVERY } else { REJOIN };
                    if neighbours == 0 {
                        let _ = sender.join(&connected(&hub)).await;
                    }
                    let addresses = ours.borrow_and_update().addresses.clone();
                    if !addresses.is_empty() {
                        let _ = sender.broadcast(Bytes::from(sign(&secret, addresses, SystemTime::now()))).await;
                    }
                }
            }
        }
        tokio::time::sleep(SETTLE).await;
    }
}

/// Who is connected with us.
fn connected(hub: &Hub) -> Vec<PeerKey> {
    let mut here: Vec<PeerKey> = hub.pool.all().iter().map(|connection| connection.peer).collect();
    here.sort();
    here.dedup();
    here
}

fn take(hub: &Hub, latest: &mut HashMap<PeerKey, u64>, message: &[u8]) {
    let Some(said) = verify(message) else { return };
    if said.member == hub.key || hub.limits.refuses(Some(said.member), None) {
        return;
    }
    if latest.get(&said.member).is_some_and(|at| *at >= said.at_ms) {
        return;
    }
    if latest.len() >= MAX_MEMBERS && !latest.contains_key(&said.member) {
        // The member heard of longest ago makes room.
        let oldest = latest.iter().min_by_key(|(_, at)| **at).map(|(member, _)| *member);
        oldest.and_then(|member| latest.remove(&member));
    }
    latest.insert(said.member, said.at_ms);
    let addresses = said.addresses.checked(&hub.guard, Origin::Stranger);
    hub.book.add(said.member, addresses, Instant::now());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn announcements_are_believed_from_their_member() {
        let secret = DeviceSecret::from_bytes(&[4; 32]);
        let addresses = PeerAddresses { udp: vec!["192.0.2.1:7".parse().unwrap()], ..PeerAddresses::default() };
        let message = sign(&secret, addresses.clone(), SystemTime::now());
        let said = verify(&message).unwrap();
        assert_eq!((said.member, said.addresses), (secret.public(), addresses));
    }

    proptest! {
        #[test]
        fn changed_announcements_are_not(at in 0usize..200, with: u8) {
            let secret = DeviceSecret::from_bytes(&[4; 32]);
            let mut message = sign(&secret, PeerAddresses::default(), SystemTime::now());
            let at = at % message.len();
            prop_assume!(message[at] != with);
            message[at] = with;
            prop_assert!(verify(&message).is_none());
        }

        #[test]
        fn any_bytes_are_answered_not_panicked_at(bytes: Vec<u8>) {
            prop_assert!(verify(&bytes).is_none());
        }
    }
}
