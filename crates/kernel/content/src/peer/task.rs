//! The task of one connected peer.
//!
//! It polls the link's two directions together, from one task, so that a batch costs one wake-up: letters from others
//! are taken, blocks that are asked for are read, one `writev` sends them, one `readv` fills the read plan, and what came
//! goes to the machine under one lock.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::IoSliceMut;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::time::Sleep;
use weft_bittorrent::connection::{Connection, Event, ReadPlan, Written};
use weft_bittorrent::swarm::PeerKey as SwarmKey;
use weft_bittorrent::wire::BlockRef;
use weft_overlay::{BoxLink, LinkInfo};

use crate::shell::{Allowance, Letter, Mailbox, Shell, Way};
use crate::storage::READ_BUFFER;

/// 16 rounds of up to half a megabyte each way before other tasks get their turn.
const MAX_ROUNDS: usize = 16;

/// 64 blocks answered by one read.
const MAX_READ_BLOCKS: usize = 64;

/// 1 MiB waits to be written before more is read from disk: what a fast link takes while the next is read.
const READ_AHEAD: u64 = 1 << 20;

/// The path of an overlay link may change; it is asked once a second.
const LOOK_AT_LINK_EVERY: Duration = Duration::from_secs(1);

/// How long a closing link may take to hand over what was written.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// One peer's connection and its place in the swarm.
pub(crate) struct PeerTask {
    shell: Arc<Shell>,
    peer: SwarmKey,
    mailbox: Arc<Mailbox>,
    info: Arc<Mutex<LinkInfo>>,
    link: BoxLink,
    connection: Connection,
    letters: Vec<Letter>,
    events: Vec<Event>,
    written: Written,
    /// Blocks to be read for it.
    uploads: VecDeque<BlockRef>,
    /// A disk thread is reading for it.
    reading: bool,
    unflushed: bool,
    /// When a limit allows more.
    timer: Option<Pin<Box<Sleep>>>,
    looked_at_link: Instant,
}

impl PeerTask {
    pub(crate) fn new(
        shell: Arc<Shell>,
        peer: SwarmKey,
        mailbox: Arc<Mailbox>,
        info: Arc<Mutex<LinkInfo>>,
        link: BoxLink,
        connection: Connection,
    ) -> Self {
        PeerTask {
            shell,
            peer,
            mailbox,
            info,
            link,
            connection,
            letters: Vec::new(),
            events: Vec::new(),
            written: Written::default(),
            uploads: VecDeque::new(),
            reading: false,
            unflushed: true, // the handshake
            timer: None,
            looked_at_link: Instant::now(),
        }
    }

    /// Runs until the connection ends, and says why it did.
    pub(crate) async fn run(mut self) -> String {
        let reason = poll_fn(|cx| self.poll(cx)).await;
        let close = tokio::time::timeout(CLOSE_TIMEOUT, self.link.close());
        let _ = close.await;
        reason
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<String> {
        for _ in 0..MAX_ROUNDS {
            match self.round(cx) {
                Ok(true) => {}
                Ok(false) => return Poll::Pending,
                Err(reason) => {
                    self.deliver();
                    return Poll::Ready(reason);
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// One turn of everything; `false` if nothing could be done.
    fn round(&mut self, cx: &mut Context<'_>) -> Result<bool, String> {
        let now = Instant::now();
        self.look_at_link(now);
        let mut busy = self.take_letters(cx)?;
        let mut wait = None;
        self.read_uploads()?;
        busy |= self.write(cx, now, &mut wait)?;
        busy |= self.read(cx, now, &mut wait)?;
        busy |= self.deliver();
        if let Some(at) = wait {
            busy |= self.set_timer(cx, at);
        }
        Ok(busy)
    }

    fn take_letters(&mut self, cx: &mut Context<'_>) -> Result<bool, String> {
        if let Some(reason) = self.mailbox.take(&mut self.letters, cx.waker()) {
            return Err(reason);
        }
        let busy = !self.letters.is_empty();
        for letter in self.letters.drain(..) {
            match letter {
                Letter::Message(message) => self.connection.send(&message).map_err(|e| e.to_string())?,
                Letter::Upload(blocks) => self.uploads.extend(blocks),
                Letter::Data(data) => {
                    self.reading = false;
                    queue(&mut self.connection, data)?;
                }
                Letter::PieceCount(pieces) => self.connection.set_piece_count(pieces),
            }
        }
        Ok(busy)
    }

    /// Reads what the peer asked for, as long as little waits to be written.
    fn read_uploads(&mut self) -> Result<(), String> {
        while !self.reading && !self.uploads.is_empty() && self.connection.queued_payload() < READ_AHEAD {
            let mut bytes = 0;
            let fits = |block: &&BlockRef| {
                bytes += block.len as usize;
                bytes <= READ_BUFFER
            };
            // The machine bounds a request far below the buffer, so at least one fits.
            let n = self.uploads.iter().take(MAX_READ_BLOCKS).take_while(fits).count().max(1);
            let blocks: Vec<BlockRef> = self.uploads.drain(..n).collect();
            match self.shell.read_for(self.peer, &self.mailbox, blocks) {
                Some(data) => queue(&mut self.connection, data)?,
                None => self.reading = true,
            }
        }
        Ok(())
    }

    fn write(&mut self, cx: &mut Context<'_>, now: Instant, wait: &mut Option<Instant>) -> Result<bool, String> {
        let mut busy = false;
        while self.connection.wants_write() {
            let payload = match self.shell.throttle.allowance(Way::Up, now) {
                Allowance::Unlimited => usize::MAX,
                Allowance::Bytes(n) => n,
                Allowance::Wait(at) => {
                    if self.connection.queued_payload() > 0 {
                        sooner(wait, at);
                    }
                    0
                }
            };
            let plan = self.connection.write_plan_up_to(payload);
            if plan.is_empty() {
                break;
            }
            match self.link.poll_write(cx, &plan).map_err(|e| broken(&e))? {
                Poll::Ready(0) => return Err("the peer no longer reads".to_owned()),
                Poll::Ready(n) => {
                    drop(plan);
                    let written = self.connection.on_written(n);
                    self.written.blocks += written.blocks;
                    self.written.payload += written.payload;
                    self.shell.throttle.take(Way::Up, now, n);
                    self.unflushed = true;
                    busy = true;
                    self.read_uploads()?;
                    if payload != usize::MAX {
                        break; // one step a turn under a limit
                    }
                }
                Poll::Pending => return Ok(busy),
            }
        }
        if self.unflushed && self.link.poll_flush(cx).map_err(|e| broken(&e))?.is_ready() {
            self.unflushed = false;
        }
        Ok(busy)
    }

    fn read(&mut self, cx: &mut Context<'_>, now: Instant, wait: &mut Option<Instant>) -> Result<bool, String> {
        // What came with the handshake, or before a limit.
        self.take_events()?;
        let most = match self.shell.throttle.allowance(Way::Down, now) {
            Allowance::Unlimited => usize::MAX,
            Allowance::Bytes(n) => n,
            Allowance::Wait(at) => {
                sooner(wait, at);
                return Ok(false);
            }
        };
        if !self.shell.has_room(cx) {
            return Ok(false);
        }
        let mut plan = self.connection.read_plan();
        if plan.is_empty() {
            return Ok(false);
        }
        let read = match most {
            usize::MAX => self.link.poll_read(cx, &mut plan),
            most => self.link.poll_read(cx, &mut cut(&mut plan, most)),
        };
        drop(plan);
        match read.map_err(|e| broken(&e))? {
            Poll::Ready(0) => Err("the peer closed the connection".to_owned()),
            Poll::Ready(n) => {
                self.connection.on_read(n);
                self.shell.throttle.take(Way::Down, now, n);
                self.take_events()?;
                Ok(true)
            }
            Poll::Pending => Ok(false),
        }
    }

    fn take_events(&mut self) -> Result<(), String> {
        while let Some(event) = self.connection.next_event().map_err(|e| e.to_string())? {
            self.events.push(event);
        }
        Ok(())
    }

    /// One lock of the machine for the whole turn.
    fn deliver(&mut self) -> bool {
        let written = std::mem::take(&mut self.written);
        if self.events.is_empty() && written == Written::default() {
            return false;
        }
        self.shell.deliver(self.peer, &mut self.events, written);
        true
    }

    /// Has the task woken at `at`; `true` if that has passed.
    fn set_timer(&mut self, cx: &mut Context<'_>, at: Instant) -> bool {
        let at = tokio::time::Instant::from_std(at);
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        timer.as_mut().poll(cx).is_ready()
    }

    fn look_at_link(&mut self, now: Instant) {
        if now.saturating_duration_since(self.looked_at_link) >= LOOK_AT_LINK_EVERY {
            self.looked_at_link = now;
            *self.info.lock() = self.link.info();
        }
    }
}

fn queue(connection: &mut Connection, data: Vec<(BlockRef, bytes::Bytes)>) -> Result<(), String> {
    for (block, data) in data {
        connection.send_block(block.piece, block.begin, data).map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn broken(error: &std::io::Error) -> String {
    format!("the connection broke: {error}")
}

fn sooner(wait: &mut Option<Instant>, at: Instant) {
    *wait = Some(wait.map_or(at, |other| other.min(at)));
}

/// The beginning of a plan, `most` bytes long.
fn cut<'a>(plan: &'a mut ReadPlan<'_>, most: usize) -> ReadPlan<'a> {
    let mut left = most;
    let slices = plan.iter_mut().map(move |slice| {
        let n = slice.len().min(left);
        left -= n;
        IoSliceMut::new(&mut slice[..n])
    });
    slices.take_while(|slice| !slice.is_empty()).collect()
}
