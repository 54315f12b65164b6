//! Rates: a smoothed meter and a token bucket for limits.

use std::time::{Duration, Instant};

/// A smoothed rate in bytes a second, over about the last five seconds.
#[derive(Debug, Clone)]
pub struct RateMeter {
    /// Bytes counted since `since`.
    pending: u64,
    since: Instant,
    /// Smoothed bytes a second up to `since`.
    smooth: f64,
    warm: bool,
}

/// Shortest time over which a rate is taken.
const SLICE: Duration = Duration::from_millis(500);

/// Time constant of the smoothing.
const MEMORY: f64 = 3.0;

impl RateMeter {
    /// A meter at zero.
    pub fn new(now: Instant) -> Self {
        Self { pending: 0, since: now, smooth: 0.0, warm: false }
    }

    /// Counts bytes.
    pub fn add(&mut self, now: Instant, bytes: u64) {
        self.pending += bytes;
        self.settle(now);
    }

    /// Bytes a second.
    pub fn rate(&mut self, now: Instant) -> u64 {
        self.settle(now);
        self.smooth as u64
    }

    /// Bytes a second as last settled, without looking at the clock.
    pub fn last(&self) -> u64 {
        self.smooth as u64
    }

    fn settle(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed < SLICE {
            return;
        }
        let seconds = elapsed.as_secs_f64();
        let current = self.pending as f64 / seconds;
        // The first measurement counts in full, so that a new peer's rate is known at once.
        let keep = if self.warm { (-seconds / MEMORY).exp() } else { 0.0 };
        self.smooth = self.smooth * keep + current * (1.0 - keep);
        self.warm |= self.pending > 0;
        self.pending = 0;
        self.since = now;
    }
}

/// A limit in bytes a second with room for short bursts.
///
/// Bytes are taken after they were moved, so that a limit never splits a write: the bucket may go into debt, and
/// [`TokenBucket::ready_at`] says when it is out of it.
#[derive(Debug, Clone)]
pub struct TokenBucket {
    /// Bytes a second; `None`: no limit.
    rate: Option<u64>,
    /// Bytes that may be moved now; negative in debt.
    tokens: f64,
    since: Instant,
}

/// How long unused allowance is kept.
const BURST: f64 = 0.25;

impl TokenBucket {
    /// A bucket of this many bytes a second (`None`: no limit), full.
    pub fn new(now: Instant, rate: Option<u64>) -> Self {
        let tokens = rate.map_or(0.0, |r| r as f64 * BURST);
        Self { rate, tokens, since: now }
    }

    /// Changes the limit. What was taken before still counts.
    pub fn set_rate(&mut self, now: Instant, rate: Option<u64>) {
        self.refill(now);
        self.rate = rate;
        self.cap();
    }

    /// The limit.
    pub fn limit(&self) -> Option<u64> {
        self.rate
    }

    /// Bytes that may be moved now; 0 in debt, `usize::MAX` without limit.
    pub fn available(&mut self, now: Instant) -> usize {
        self.refill(now);
        match self.rate {
            None => usize::MAX,
            Some(_) if self.tokens < 1.0 => 0,
            Some(_) => self.tokens as usize,
        }
    }

    /// Counts bytes moved.
    pub fn take(&mut self, now: Instant, bytes: usize) {
        self.refill(now);
        if self.rate.is_some() {
            self.tokens -= bytes as f64;
        }
    }

    /// When something may be moved again: now, or when the debt is paid. `None` if the limit is zero and nothing ever may.
    pub fn ready_at(&mut self, now: Instant) -> Option<Instant> {
        self.refill(now);
        match self.rate {
            None => Some(now),
            Some(_) if self.tokens >= 1.0 => Some(now),
            Some(0) => None,
            // A debt of more than a day is waited for in steps of a day.
            Some(rate) => {
                Some(now + Duration::from_secs_f64(((1.0 - self.tokens) / rate as f64).clamp(0.001, 86_400.0)))
            }
        }
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.since).as_secs_f64();
        self.since = self.since.max(now);
        if let Some(rate) = self.rate {
            self.tokens += elapsed * rate as f64;
            self.cap();
        }
    }

    fn cap(&mut self) {
        if let Some(rate) = self.rate {
            self.tokens = self.tokens.min((rate as f64 * BURST).max(1.0));
        } else {
            self.tokens = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_is_metered() {
        let start = Instant::now();
        let mut meter = RateMeter::new(start);
        for i in 1..=100 {
            meter.add(start + Duration::from_millis(100 * i), 1000);
        }
        let rate = meter.rate(start + Duration::from_secs(10));
        assert!((9_500..10_500).contains(&rate), "{rate}");
        assert!(meter.rate(start + Duration::from_secs(40)) < 10);
    }

    #[test]
    fn a_limit_holds_over_time() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(start, Some(100_000));
        let (mut now, mut moved) = (start, 0usize);
        while now < start + Duration::from_secs(20) {
            if bucket.available(now) > 0 {
                bucket.take(now, 16_384);
                moved += 16_384;
            } else {
                now = bucket.ready_at(now).unwrap();
            }
        }
        let per_second = moved / 20;
        assert!((98_000..103_000).contains(&per_second), "{per_second}");
    }

    #[test]
    fn no_limit_and_zero() {
        let now = Instant::now();
        let mut free = TokenBucket::new(now, None);
        free.take(now, usize::MAX);
        assert_eq!((free.available(now), free.ready_at(now)), (usize::MAX, Some(now)));
        let mut shut = TokenBucket::new(now, Some(0));
        assert_eq!((shut.available(now), shut.ready_at(now)), (0, None));
        shut.set_rate(now, Some(1000));
        assert!(shut.ready_at(now).unwrap() <= now + Duration::from_millis(2));
    }
}
