//! Once in a while, over all connections: the idle are closed, the useful get more room, round trips are noted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use std::collections::HashMap;

use crate::connection::CloseCode;
use crate::hub::Hub;
use crate::transport_config::{KNOWN_WINDOW, STRANGER_WINDOW};

/// Every 5 s.
const ROUND: Duration = Duration::from_secs(5);

/// 5 min without a stream: a connection costs its heartbeats.
const IDLE: Duration = Duration::from_secs(300);

/// 30 s: time for both ends to settle on one of two connections.
const SURPLUS: Duration = Duration::from_secs(30);

/// 256 MiB of receive windows promised to all peers together, beyond what each has at first.
const ALL_WINDOWS: u64 = 256 * 1024 * 1024;

/// A window grows fourfold a round.
const GROWTH: u32 = 4;

/// Ends with the overlay.
pub(crate) async fn run(hub: Arc<Hub>) {
    let mut received: HashMap<usize, u64> = HashMap::new();
    let mut rounds = tokio::time::interval(ROUND);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        let now = Instant::now();
        for connection in hub.pool.surplus() {
            if connection.idle_for(now) >= SURPLUS {
                connection.close(CloseCode::Replaced);
            }
        }
        let all = hub.pool.all();
        let mut promised: u64 = all.iter().map(|connection| u64::from(connection.window())).sum();
        let mut latest = HashMap::with_capacity(all.len());
        for connection in all {
            if connection.idle_for(now) >= IDLE {
                connection.close(CloseCode::Idle);
                continue;
            }
            tracing::trace!(peer = %connection.peer.short(), paths = ?connection.quic().paths().iter().map(|path| path.stats()).collect::<Vec<_>>(), "path");
            // Notes the round trip; and the path, should an event of it have been lost.
            hub.path_changed(&connection);
            let id = connection.quic().stable_id();
            let total = connection.received();
            let before = received.get(&id).copied().unwrap_or(0);
            latest.insert(id, total);
            if let Some(window) = grown(connection.window(), total.saturating_sub(before), promised) {
                promised += u64::from(window - connection.window());
                connection.set_window(window);
            }
        }
        received = latest;
    }
}

/// The next window of a connection that received `bytes` this round: it grows when a whole window was used.
fn grown(window: u32, bytes: u64, promised: u64) -> Option<u32> {
    let next = window.saturating_mul(GROWTH).clamp(STRANGER_WINDOW, KNOWN_WINDOW);
    let used = bytes >= u64::from(window);
    (used && next > window && promised + u64::from(next - window) <= ALL_WINDOWS).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_grow_with_use_within_the_bounds() {
        assert_eq!(grown(STRANGER_WINDOW, 0, 0), None);
        assert_eq!(grown(STRANGER_WINDOW, u64::from(STRANGER_WINDOW), 0), Some(4 * STRANGER_WINDOW));
        assert_eq!(grown(KNOWN_WINDOW / 2, u64::MAX, 0), Some(KNOWN_WINDOW));
        assert_eq!(grown(KNOWN_WINDOW, u64::MAX, 0), None);
        assert_eq!(grown(STRANGER_WINDOW, u64::MAX, ALL_WINDOWS), None);
    }
}
