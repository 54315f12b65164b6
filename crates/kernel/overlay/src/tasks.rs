//! The overlay's tasks: all end at shutdown, and shutdown waits for all.

use std::future::Future;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Where tasks are started. Cheap to clone; all clones are the same set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    cancel: CancellationToken,
}

impl Tasks {
    /// Runs `work` until it ends or the overlay stops, whichever is first.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(self.cancel.clone().run_until_cancelled_owned(work));
    }

    /// Whether the overlay is stopping.
    pub(crate) fn stopping(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Ends every task and waits for the last.
    pub(crate) async fn stop(&self) {
        self.cancel.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}
