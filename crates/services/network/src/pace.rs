//! How fast bytes move between this node and each peer, from one look to the next.

use std::collections::HashMap;
use std::time::Instant;

use serde::Serialize;
use weft_overlay::{PathKind, PeerSnapshot};

/// A connected peer's live figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct LivePeer {
    id: String,
    path: Option<PathKind>,
    rtt_ms: Option<f64>,
    pub(crate) rate_in: u64,
    pub(crate) rate_out: u64,
    bytes_in: u64,
    bytes_out: u64,
}

/// What was exchanged with each peer at the look before. As many as the peers of one look.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    at: Option<Instant>,
    before: HashMap<String, (u64, u64)>,
}

impl Pace {
    pub(crate) fn next(&mut self, peers: &[PeerSnapshot], now: Instant) -> Vec<LivePeer> {
        let millis = self.at.map_or(0, |at| now.duration_since(at).as_millis());
        let a_second = |bytes: u64| match u64::try_from(millis) {
            Ok(0) | Err(_) => 0,
            Ok(millis) => bytes.saturating_mul(1000) / millis,
        };
        let live = peers.iter().map(|peer| {
            // A peer that was not looked at before has no rate yet.
            let before = self.before.get(&peer.id).copied().unwrap_or((peer.bytes_in, peer.bytes_out));
            LivePeer {
                id: peer.id.clone(),
                path: peer.path,
                // A tenth of a millisecond tells enough, and keeps samples short.
                rtt_ms: peer.rtt_ms.map(|rtt| (rtt * 10.0).round() / 10.0),
                rate_in: a_second(peer.bytes_in.saturating_sub(before.0)),
                rate_out: a_second(peer.bytes_out.saturating_sub(before.1)),
                bytes_in: peer.bytes_in,
                bytes_out: peer.bytes_out,
            }
        });
        let live = live.collect();
        self.at = Some(now);
        self.before = peers.iter().map(|peer| (peer.id.clone(), (peer.bytes_in, peer.bytes_out))).collect();
        live
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use weft_overlay::peers::{Direction, Observation, Observe as _};
    use weft_overlay::{PeerId, PeerTable};

    use super::*;

    #[test]
    fn a_rate_is_what_came_since_the_look_before() {
        let table = PeerTable::new();
        let peer = PeerId::Address(([192, 0, 2, 1], 7).into());
        table.observe(peer, Observation::Connected { path: PathKind::Tcp, direction: Direction::Out, remote: None });
        table.meter(peer).received(PathKind::Tcp, 5000);
        let (mut pace, start) = (Pace::default(), Instant::now());
        assert_eq!(pace.next(&table.connected(9), start)[0].rate_in, 0, "no look before");
        table.meter(peer).received(PathKind::Tcp, 3000);
        table.meter(peer).sent(PathKind::Tcp, 200);
        let live = pace.next(&table.connected(9), start + Duration::from_millis(500));
        assert_eq!((live[0].rate_in, live[0].rate_out, live[0].bytes_in), (6000, 400, 8000));
        assert_eq!(table.exchanged(PathKind::Tcp), (8000, 200));
    }
}
