//! The threads that read, write and hash, so that no network task ever waits for a disk.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// Which jobs go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// A peer waits for it.
    Peer,
    /// Hashing what is on disk, and other long work.
    Background,
}

/// A fixed number of threads with two queues. The queues are bounded by who fills them: pieces and reads in flight are
/// bounded by memory, background work submits a few jobs at a time.
#[derive(Clone)]
pub(crate) struct DiskPool {
    shared: Arc<Shared>,
    _threads: Arc<Threads>,
}

struct Shared {
    queues: Mutex<Queues>,
    ready: Condvar,
}

#[derive(Default)]
struct Queues {
    peer: VecDeque<Job>,
    background: VecDeque<Job>,
    /// Background jobs running: one thread is always left to peers.
    background_running: usize,
    threads: usize,
    closed: bool,
}

/// Ends the threads when the last handle of the pool is gone. Jobs that were queued are still run.
struct Threads {
    shared: Arc<Shared>,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

impl DiskPool {
    pub(crate) fn new(threads: usize) -> std::io::Result<Self> {
        let threads = threads.max(2);
        let shared =
            Arc::new(Shared { queues: Mutex::new(Queues { threads, ..Queues::default() }), ready: Condvar::new() });
        let owner = Threads { shared: Arc::clone(&shared), handles: Mutex::default() };
        for number in 0..threads {
            let shared = Arc::clone(&shared);
            let builder = std::thread::Builder::new().name(format!("weft-disk-{number}"));
            owner.handles.lock().push(builder.spawn(move || work(&shared))?);
        }
        Ok(DiskPool { shared, _threads: Arc::new(owner) })
    }

    /// Number of threads.
    pub(crate) fn threads(&self) -> usize {
        self.shared.queues.lock().threads
    }

    /// Runs `job` on one of the threads.
    pub(crate) fn submit(&self, urgency: Urgency, job: impl FnOnce() + Send + 'static) {
        let mut queues = self.shared.queues.lock();
        match urgency {
            Urgency::Peer => queues.peer.push_back(Box::new(job)),
            Urgency::Background => queues.background.push_back(Box::new(job)),
        }
        drop(queues);
        self.shared.ready.notify_one();
    }

    /// Runs `job` on one of the threads and waits for what it gives; `None` only if it panicked.
    pub(crate) async fn run<R: Send + 'static>(
        &self,
        urgency: Urgency,
        job: impl FnOnce() -> R + Send + 'static,
    ) -> Option<R> {
        let (tell, told) = oneshot::channel();
        self.submit(urgency, move || {
            let _ = tell.send(job());
        });
        told.await.ok()
    }
}

impl Queues {
    fn take(&mut self) -> Option<(Job, Urgency)> {
        if let Some(job) = self.peer.pop_front() {
            return Some((job, Urgency::Peer));
        }
        if self.background_running + 1 < self.threads
            && let Some(job) = self.background.pop_front()
        {
            self.background_running += 1;
            return Some((job, Urgency::Background));
        }
        None
    }
}

fn work(shared: &Shared) {
    let mut queues = shared.queues.lock();
    loop {
        let Some((job, urgency)) = queues.take() else {
            if queues.closed {
                return;
            }
            shared.ready.wait(&mut queues);
            continue;
        };
        drop(queues);
        // A job that panics is a bug, but must not take the thread with it.
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).is_err() {
            tracing::error!("a disk job panicked");
        }
        queues = shared.queues.lock();
        if urgency == Urgency::Background {
            queues.background_running -= 1;
            shared.ready.notify_one();
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.shared.queues.lock().closed = true;
        self.shared.ready.notify_all();
        let me = std::thread::current().id();
        for handle in self.handles.lock().drain(..) {
            // The last handle may be dropped by a job itself: a thread cannot wait for itself.
            if handle.thread().id() != me {
                let _ = handle.join();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn peers_go_before_background_and_always_find_a_thread() {
        let pool = DiskPool::new(2).unwrap();
        let (hold, held) = mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        for _ in 0..4 {
            let held = Arc::clone(&held);
            pool.submit(Urgency::Background, move || {
                let _ = held.lock().unwrap().recv();
            });
        }
        let (tell, told) = mpsc::channel();
        pool.submit(Urgency::Peer, move || tell.send(()).unwrap());
        told.recv_timeout(std::time::Duration::from_secs(10)).expect("a thread is left to peers");
        drop(hold);
    }

    #[test]
    fn queued_jobs_run_before_the_end_and_a_panic_harms_nobody() {
        let count = Arc::new(AtomicUsize::new(0));
        let pool = DiskPool::new(2).unwrap();
        for i in 0..100 {
            let count = Arc::clone(&count);
            pool.submit(Urgency::Peer, move || {
                count.fetch_add(1, Ordering::SeqCst);
                assert!(i % 10 != 0, "meant to panic");
            });
        }
        drop(pool);
        assert_eq!(count.load(Ordering::SeqCst), 100);
    }
}
