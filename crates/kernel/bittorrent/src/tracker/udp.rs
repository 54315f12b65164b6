//! UDP trackers: the exchange of datagrams with one address of a tracker (BEP 15, BEP 41).
//!
//! [`UdpExchange`] says what to send and when, takes what comes, and gives one answer a request.
//! It keeps the connection id for the minute in which it is good.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use rand::SeedableRng as _;
//! use weft_bittorrent::{id::InfoHash, tracker::udp::{Family, Output, Request, UdpExchange}};
//!
//! let mut rng = rand::rngs::StdRng::seed_from_u64(1);
//! let now = Instant::now();
//! let mut exchange = UdpExchange::new(Family::V4, "/announce");
//! exchange.start(Request::Scrape(vec![InfoHash([1; 20])]), now);
//! assert!(matches!(exchange.poll(now, &mut rng), Output::Send(datagram) if datagram.len() == 16));
//! assert_eq!(exchange.poll(now, &mut rng), Output::Wait(now + Duration::from_secs(15)));
//! ```

use std::time::{Duration, Instant};

use rand::RngCore;

pub use super::udp_packet::{Family, Request};
use super::{
    AnnounceResponse, ScrapeEntry,
    udp_packet::{self, Packet},
};

/// How long a connection id is used (BEP 15).
pub const CONNECTION_LIFETIME: Duration = Duration::from_secs(60);
/// How long the first datagram is waited for; doubled at each try (BEP 15).
pub const FIRST_TIMEOUT: Duration = Duration::from_secs(15);
/// The most repetitions (BEP 15): 3,840 seconds before the last.
pub const MAX_RETRIES: u32 = 8;
/// The largest datagram that can carry anything we keep: an announce answer of
/// [`MAX_PEERS`](super::MAX_PEERS) IPv6 peers.
pub const MAX_DATAGRAM: usize = 20 + 18 * super::MAX_PEERS;

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// To an announce.
    Announce(AnnounceResponse),
    /// To a scrape: in the order of the question, perhaps fewer.
    Scrape(Vec<ScrapeEntry>),
}

/// Why a request to a UDP tracker failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UdpTrackerError {
    /// Nothing came, although asked again.
    #[error("the tracker does not answer")]
    TimedOut,
    /// The tracker refused.
    #[error("the tracker refused: {reason}")]
    Failure {
        /// What it said.
        reason: String,
    },
}

/// What the caller is to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this datagram, then poll again.
    Send(Vec<u8>),
    /// Poll again then, or when a datagram came.
    Wait(Instant),
    /// The request is over.
    Done(Result<Response, UdpTrackerError>),
    /// Nothing is asked.
    Idle,
}

/// Requests, one at a time, to one address of a UDP tracker.
#[derive(Debug)]
pub struct UdpExchange {
    family: Family,
    url_data: String,
    retries: u32,
    connection: Option<Connection>,
    pending: Option<Pending>,
    done: Option<Result<Response, UdpTrackerError>>,
}

#[derive(Debug, Clone, Copy)]
struct Connection {
    id: u64,
    received: Instant,
}

impl Connection {
    fn is_good(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.received) < CONNECTION_LIFETIME
    }
}

/// A request under way.
#[derive(Debug)]
struct Pending {
    request: Request,
    /// How often the timeout was doubled already.
    attempt: u32,
    /// When the next datagram is due.
    due: Instant,
    /// The datagram that is waited for.
    sent: Option<Sent>,
    /// A connection id was received for this request.
    connected: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sent {
    transaction: u32,
    connect: bool,
}

impl UdpExchange {
    /// An exchange with a tracker at an address of this family. `url_data` is path and query of
    /// the tracker's URL, sent along with announces (BEP 41) unless it is empty or over 1,000 bytes.
    pub fn new(family: Family, url_data: &str) -> Self {
        let url_data = url_data.to_owned();
        Self { family, url_data, retries: MAX_RETRIES, connection: None, pending: None, done: None }
    }

    /// Gives up after fewer repetitions than [`MAX_RETRIES`]: with 2, after 105 seconds.
    pub fn with_retries(mut self, retries: u32) -> Self {
        self.retries = retries.min(MAX_RETRIES);
        self
    }

    /// Asks something. A request that is still under way is dropped.
    pub fn start(&mut self, request: Request, now: Instant) {
        self.done = None;
        self.pending = Some(Pending { request, attempt: 0, due: now, sent: None, connected: false });
    }

    /// What to do next. `rng` gives transaction ids; it must not be guessable by third parties.
    pub fn poll(&mut self, now: Instant, rng: &mut impl RngCore) -> Output {
        if let Some(done) = self.done.take() {
            self.pending = None;
            return Output::Done(done);
        }
        let Some(pending) = &mut self.pending else { return Output::Idle };
        if now < pending.due {
            return Output::Wait(pending.due);
        }
        if pending.sent.is_some() {
            // The last datagram was for nothing.
            pending.attempt += 1;
            if pending.attempt > self.retries {
                self.pending = None;
                return Output::Done(Err(UdpTrackerError::TimedOut));
            }
        }
        let connection = self.connection.filter(|connection| connection.is_good(now));
        let connect = connection.is_none();
        let transaction = match pending.sent {
            // A late answer to the first of two equal datagrams is as good.
            Some(sent) if sent.connect == connect => sent.transaction,
            _ => rng.next_u32(),
        };
        pending.sent = Some(Sent { transaction, connect });
        pending.due = now + FIRST_TIMEOUT * 2u32.saturating_pow(pending.attempt);
        Output::Send(match connection {
            None => udp_packet::connect_request(transaction),
            Some(connection) => udp_packet::request(&pending.request, &self.url_data, connection.id, transaction),
        })
    }

    /// Takes a datagram that came from the tracker's address. What does not answer the datagram
    /// last sent is ignored. Poll afterwards.
    pub fn handle(&mut self, datagram: &[u8], now: Instant) {
        let Some(pending) = &mut self.pending else { return };
        let Some(sent) = pending.sent.filter(|sent| udp_packet::transaction(datagram) == Some(sent.transaction)) else {
            return;
        };
        let Some(packet) = udp_packet::parse(datagram, self.family) else { return };
        match (packet, &pending.request, sent.connect) {
            (Packet::Connect { connection }, _, true) => {
                self.connection = Some(Connection { id: connection, received: now });
                if !pending.connected {
                    pending.attempt = 0;
                }
                pending.connected = true;
                pending.sent = None;
                pending.due = now;
            }
            (Packet::Announce(answer), Request::Announce(_), false) => {
                self.done = Some(Ok(Response::Announce(answer)));
            }
            (Packet::Scrape(entries), Request::Scrape(_), false) => {
                self.done = Some(Ok(Response::Scrape(entries)));
            }
            (Packet::Error { .. }, _, false) if !pending.connected => {
                // Perhaps the tracker forgot the connection id of an earlier request: get a new one.
                self.connection = None;
                pending.sent = None;
                pending.due = now;
            }
            (Packet::Error { reason }, _, _) => {
                self.connection = None;
                self.done = Some(Err(UdpTrackerError::Failure { reason }));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;
    use crate::id::InfoHash;

    struct Bench {
        exchange: UdpExchange,
        rng: StdRng,
        zero: Instant,
        at: u64,
    }

    impl Bench {
        fn new() -> Self {
            let zero = Instant::now();
            let mut bench =
                Self { exchange: UdpExchange::new(Family::V4, ""), rng: StdRng::seed_from_u64(7), zero, at: 0 };
            bench.start();
            bench
        }

        fn now(&self) -> Instant {
            self.zero + Duration::from_secs(self.at)
        }

        fn start(&mut self) {
            self.exchange.start(Request::Scrape(vec![InfoHash([1; 20])]), self.now());
        }

        fn poll(&mut self) -> Output {
            self.exchange.poll(self.now(), &mut self.rng)
        }

        /// The action and transaction of the datagram that is due now.
        fn sent(&mut self) -> (u32, u32) {
            let Output::Send(datagram) = self.poll() else { panic!("nothing sent at {}", self.at) };
            let word = |at: usize| u32::from_be_bytes(datagram[at..at + 4].try_into().unwrap());
            assert!(matches!(self.poll(), Output::Wait(_)));
            (word(8), word(12))
        }

        /// Waits for the next deadline; gives the second.
        fn wait(&mut self) -> u64 {
            let Output::Wait(until) = self.poll() else { panic!() };
            self.at = (until - self.zero).as_secs();
            self.at
        }

        fn answer(&mut self, words: &[u32]) {
            let datagram: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            let now = self.now();
            self.exchange.handle(&datagram, now);
        }

        fn connect(&mut self) {
            let (action, transaction) = self.sent();
            assert_eq!(action, 0);
            self.answer(&[0, transaction, 0, 42]);
        }
    }

    #[test]
    fn the_usual_way_and_reuse_of_the_connection() {
        let mut bench = Bench::new();
        bench.connect();
        let (action, transaction) = bench.sent();
        assert_eq!(action, 2);
        bench.answer(&[2, transaction, 5, 6, 7]);
        let entry = ScrapeEntry { seeders: 5, completed: 6, leechers: 7 };
        assert_eq!(bench.poll(), Output::Done(Ok(Response::Scrape(vec![entry]))));
        assert_eq!(bench.poll(), Output::Idle);
        bench.at = 59;
        bench.start();
        assert_eq!(bench.sent().0, 2);
        bench.at = 60;
        bench.start();
        assert_eq!(bench.sent().0, 0);
    }

    /// The second and third examples of BEP 15.
    #[test]
    fn timeouts_are_those_of_the_spec() {
        let mut bench = Bench::new();
        let first = bench.sent();
        let mut times = Vec::new();
        for _ in 0..3 {
            times.push(bench.wait());
            assert_eq!(bench.sent(), first);
        }
        assert_eq!(times, [15, 45, 105]);

        let mut bench = Bench::new();
        let (_, transaction) = bench.sent();
        bench.at = 1;
        bench.answer(&[0, transaction, 0, 42]);
        bench.at = 2;
        assert_eq!(bench.sent().0, 2);
        let seen: Vec<_> = (0..4).map(|_| (bench.wait(), bench.sent().0)).collect();
        assert_eq!(seen, [(17, 2), (47, 2), (107, 0), (227, 0)]);
    }

    #[test]
    fn it_gives_up() {
        let mut bench = Bench::new();
        let mut sends = 0;
        let done = loop {
            match bench.poll() {
                Output::Send(_) => sends += 1,
                Output::Wait(until) => bench.at = (until - bench.zero).as_secs(),
                other => break other,
            }
        };
        assert_eq!((sends, bench.at), (9, 7_665));
        assert_eq!(done, Output::Done(Err(UdpTrackerError::TimedOut)));
    }

    #[test]
    fn refusals() {
        let mut bench = Bench::new();
        let (_, transaction) = bench.sent();
        bench.answer(&[3, transaction, u32::from_be_bytes(*b"full")]);
        let full = UdpTrackerError::Failure { reason: "full".into() };
        assert_eq!(bench.poll(), Output::Done(Err(full.clone())));

        // With a connection id from before, the tracker is asked for a new one first.
        let mut bench = Bench::new();
        bench.connect();
        bench.start();
        let (_, transaction) = bench.sent();
        bench.answer(&[3, transaction, 0]);
        bench.connect();
        let (action, transaction) = bench.sent();
        assert_eq!(action, 2);
        bench.answer(&[3, transaction, u32::from_be_bytes(*b"full")]);
        assert_eq!(bench.poll(), Output::Done(Err(full)));
    }

    #[test]
    fn strangers_are_ignored() {
        let mut bench = Bench::new();
        let (_, transaction) = bench.sent();
        bench.answer(&[0, transaction ^ 1, 0, 42]);
        bench.answer(&[2, transaction, 1, 1, 1]);
        bench.answer(&[0, transaction]);
        bench.answer(&[]);
        assert!(matches!(bench.poll(), Output::Wait(_)));
    }

    proptest! {
        #[test]
        fn any_datagram_is_survived(
            datagrams in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..20),
            v6 in any::<bool>(),
        ) {
            let mut bench = Bench::new();
            bench.exchange.family = if v6 { Family::V6 } else { Family::V4 };
            for mut datagram in datagrams {
                // Let half of them pass the first check.
                let sent = bench.exchange.pending.as_ref().and_then(|pending| pending.sent);
                if let (Some(sent), Some(slot)) = (sent, datagram.get_mut(..8)) {
                    slot[..3].fill(0);
                    slot[3] %= 5;
                    slot[4..].copy_from_slice(&sent.transaction.to_be_bytes());
                }
                let now = bench.now();
                bench.exchange.handle(&datagram, now);
                let _ = bench.poll();
            }
        }
    }
}
