//! A replica on a thread of its own: the shell that gives it time and mail.
//!
//! Executing a block takes tens of milliseconds and storing one waits for the disk, so a replica has no place among async
//! tasks. Mail comes in by a bounded queue; what the replica wants done goes to one function, which must not block.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use alloy_primitives::{B256, Bytes};
use tokio::sync::watch;
use weft_consensus::signing::Sign;
use weft_overlay::PeerKey;

use crate::replica::{Action, Clock, Replica, ReplicaError, SyncRefused};

/// 1,024 pieces of mail: messages of a round among a hundred validators, a few times over. Blocks among them are bounded
/// by the links they come from.
const MAX_MAIL: usize = 1024;

/// Nothing is due: look again after a minute, whatever happens.
const AT_REST: Duration = Duration::from_secs(60);

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock { origin: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn unix(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

/// What comes for a replica.
#[derive(Debug)]
#[non_exhaustive]
pub enum Mail {
    /// A message of consensus, from whom.
    Message(PeerKey, Bytes),
    /// A proposed block, from whom.
    Block(PeerKey, Bytes),
    /// A decided block and its certificate, from whom. Each is answered by [`Notice::Handled`].
    Decided(PeerKey, Bytes, Bytes),
    /// A peer asks for a proposed block: answered by [`Notice::Found`] if it is there.
    Lookup(PeerKey, B256),
    /// Transactions came into the pool.
    Transactions,
    /// Somebody wants a block now.
    Begin,
    /// Stop.
    Stop,
}

/// What a replica's thread says.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice {
    /// The replica wants this done.
    Action(Action),
    /// A proposed block that a peer asked for.
    Found(PeerKey, Vec<u8>),
    /// A decided block was looked at. If it cannot have been decided, why.
    Handled(PeerKey, Option<SyncRefused>),
    /// A peer sent what is no message of consensus, or no block.
    Unreadable(PeerKey, &'static str),
}

/// How a replica does.
#[derive(Debug, Clone)]
pub enum Running {
    /// It runs.
    Well,
    /// It was stopped.
    Stopped,
    /// It cannot go on, and why.
    Failed(Arc<ReplicaError>),
}

/// A replica that runs. Dropping it stops it.
#[derive(Debug)]
pub struct Runner {
    mail: SyncSender<Mail>,
    state: watch::Receiver<Running>,
    thread: Option<JoinHandle<()>>,
}

/// Where mail for a replica is put. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mailbox(SyncSender<Mail>);

impl Mailbox {
    /// Puts mail in. Says whether there was room: what was lost comes again, or is asked for.
    pub fn post(&self, mail: Mail) -> bool {
        self.0.try_send(mail).is_ok()
    }
}

impl Runner {
    /// Starts a thread for `replica`; `tell` is called for each thing that it says, in order, and must not block.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start<S: Sign + Send + 'static>(
        replica: Replica<S>,
        clock: Arc<dyn Clock>,
        tell: impl FnMut(Notice) + Send + 'static,
    ) -> std::io::Result<Runner> {
        let (mail, inbox) = sync_channel(MAX_MAIL);
        let (say, state) = watch::channel(Running::Well);
        let thread = std::thread::Builder::new().name(String::from("ledger")).spawn(move || {
            let ended = run(replica, &*clock, &inbox, tell);
            say.send_replace(match ended {
                Ok(()) => Running::Stopped,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "the ledger stops");
                    Running::Failed(Arc::new(error))
                }
            });
        })?;
        Ok(Runner { mail, state, thread: Some(thread) })
    }

    /// Where its mail is put.
    pub fn mailbox(&self) -> Mailbox {
        Mailbox(self.mail.clone())
    }

    /// How it does, now and later.
    pub fn state(&self) -> watch::Receiver<Running> {
        self.state.clone()
    }

    /// Ends it, and waits until what it does is done.
    pub fn stop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        // A full box has mail that will be read; a closed one belongs to a thread that has ended.
        let mut stop = Mail::Stop;
        while let Err(TrySendError::Full(back)) = self.mail.try_send(stop) {
            stop = back;
            std::thread::yield_now();
        }
        if thread.join().is_err() {
            tracing::error!("the ledger's thread panicked");
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run<S: Sign>(
    mut replica: Replica<S>,
    clock: &dyn Clock,
    inbox: &Receiver<Mail>,
    mut tell: impl FnMut(Notice),
) -> Result<(), ReplicaError> {
    loop {
        while let Some(action) = replica.poll() {
            tell(Notice::Action(action));
        }
        let wait = replica.deadline().map_or(AT_REST, |deadline| deadline.saturating_sub(clock.now()));
        match inbox.recv_timeout(wait) {
            Ok(Mail::Message(from, bytes)) => {
                if !replica.handle_message(&bytes)? {
                    tell(Notice::Unreadable(from, "message of consensus"));
                }
            }
            Ok(Mail::Block(from, bytes)) => {
                if !replica.handle_block(&bytes)? {
                    tell(Notice::Unreadable(from, "block"));
                }
            }
            Ok(Mail::Decided(from, block, certificate)) => {
                let refused = replica.handle_decided(&block, &certificate)?.err();
                tell(Notice::Handled(from, refused));
            }
            Ok(Mail::Lookup(from, hash)) => {
                if let Some(block) = replica.proposed(&hash) {
                    tell(Notice::Found(from, block));
                }
            }
            Ok(Mail::Transactions) => replica.transactions_came()?,
            Ok(Mail::Begin) => replica.begin_now()?,
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Mail::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        if replica.deadline().is_some_and(|deadline| deadline <= clock.now()) {
            replica.handle_timeout()?;
        }
    }
}
