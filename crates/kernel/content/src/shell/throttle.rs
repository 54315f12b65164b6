//! Rate limits: one pair of buckets over all torrents, one a torrent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use weft_bittorrent::rate::TokenBucket;

use crate::config::RateLimits;

/// A limit that was changed is noticed by those who wait after 500 ms at most.
const MAX_WAIT: Duration = Duration::from_millis(500);

/// 64 KiB: what one connection moves at once under a limit, so that others come to their turn and a limit of a few
/// kilobytes a second is not overdrawn for long.
const LIMITED_STEP: usize = 64 << 10;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Down,
    Up,
}

/// What may be moved now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowance {
    /// As much as there is.
    Unlimited,
    /// So many bytes.
    Bytes(usize),
    /// Nothing before this time: ask again then.
    Wait(Instant),
}

#[derive(Debug)]
struct Bucket {
    /// Whether there is a limit: without one nobody takes the lock.
    limited: AtomicBool,
    tokens: Mutex<TokenBucket>,
}

impl Bucket {
    fn new(now: Instant, rate: Option<u64>) -> Self {
        Bucket { limited: AtomicBool::new(rate.is_some()), tokens: Mutex::new(TokenBucket::new(now, rate)) }
    }

    fn set(&self, now: Instant, rate: Option<u64>) {
        self.tokens.lock().set_rate(now, rate);
        self.limited.store(rate.is_some(), Ordering::Relaxed);
    }

    fn allowance(&self, now: Instant) -> Allowance {
        if !self.limited.load(Ordering::Relaxed) {
            return Allowance::Unlimited;
        }
        let mut tokens = self.tokens.lock();
        match tokens.available(now) {
            0 => {
                let soonest = now + Duration::from_millis(1);
                let latest = now + MAX_WAIT;
                Allowance::Wait(tokens.ready_at(now).map_or(latest, |at| at.clamp(soonest, latest)))
            }
            usize::MAX => Allowance::Unlimited,
            bytes => Allowance::Bytes(bytes.min(LIMITED_STEP)),
        }
    }

    fn take(&self, now: Instant, bytes: usize) {
        if self.limited.load(Ordering::Relaxed) {
            self.tokens.lock().take(now, bytes);
        }
    }
}

/// A pair of buckets.
#[derive(Debug)]
pub(crate) struct Limiter {
    down: Bucket,
    up: Bucket,
    limits: Mutex<RateLimits>,
}

impl Limiter {
    pub(crate) fn new(limits: RateLimits) -> Arc<Self> {
        let now = Instant::now();
        let (down, up) = (Bucket::new(now, limits.download), Bucket::new(now, limits.upload));
        Arc::new(Limiter { down, up, limits: Mutex::new(limits) })
    }

    pub(crate) fn set(&self, limits: RateLimits) {
        let now = Instant::now();
        self.down.set(now, limits.download);
        self.up.set(now, limits.upload);
        *self.limits.lock() = limits;
    }

    pub(crate) fn limits(&self) -> RateLimits {
        *self.limits.lock()
    }

    fn bucket(&self, way: Way) -> &Bucket {
        match way {
            Way::Down => &self.down,
            Way::Up => &self.up,
        }
    }
}

/// The limits one connection is under: those over all torrents and its torrent's own.
#[derive(Debug, Clone)]
pub(crate) struct Throttle {
    pub(crate) all: Arc<Limiter>,
    pub(crate) own: Arc<Limiter>,
}

impl Throttle {
    /// What may be moved now under both.
    pub(crate) fn allowance(&self, way: Way, now: Instant) -> Allowance {
        match (self.all.bucket(way).allowance(now), self.own.bucket(way).allowance(now)) {
            (Allowance::Unlimited, other) | (other, Allowance::Unlimited) => other,
            (Allowance::Wait(a), Allowance::Wait(b)) => Allowance::Wait(a.max(b)),
            (wait @ Allowance::Wait(_), _) | (_, wait @ Allowance::Wait(_)) => wait,
            (Allowance::Bytes(a), Allowance::Bytes(b)) => Allowance::Bytes(a.min(b)),
        }
    }

    /// Counts bytes that were moved.
    pub(crate) fn take(&self, way: Way, now: Instant, bytes: usize) {
        self.all.bucket(way).take(now, bytes);
        self.own.bucket(way).take(now, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tighter_limit_holds_and_can_be_lifted() {
        let all = Limiter::new(RateLimits { download: Some(1_000_000), upload: None });
        let own = Limiter::new(RateLimits { download: Some(10_000), upload: None });
        let throttle = Throttle { all: Arc::clone(&all), own: Arc::clone(&own) };
        let mut now = Instant::now();
        let start = now;
        let mut moved = 0;
        while now < start + Duration::from_secs(20) {
            match throttle.allowance(Way::Down, now) {
                Allowance::Bytes(n) => {
                    throttle.take(Way::Down, now, n);
                    moved += n;
                }
                Allowance::Wait(at) => now = at,
                Allowance::Unlimited => panic!("there is a limit"),
            }
        }
        assert!((190_000..220_000).contains(&moved), "{moved}");
        assert_eq!(throttle.allowance(Way::Up, now), Allowance::Unlimited);
        own.set(RateLimits::default());
        all.set(RateLimits::default());
        assert_eq!(throttle.allowance(Way::Down, now), Allowance::Unlimited);
        own.set(RateLimits { download: Some(0), upload: None });
        assert!(matches!(throttle.allowance(Way::Down, Instant::now()), Allowance::Wait(_)));
    }
}
