//! Starting again, when the page asks for it: the node stops in good order, and who runs it starts it anew.

use parking_lot::Mutex;
use tokio::sync::Notify;
use weft_identity::{DeviceName, RecoveryPhrase};

/// How the node is started again.
pub enum Again {
    /// As it is, with its settings read anew.
    AsItIs,
    /// As somebody else: at its first run its owner brings their own phrase.
    As(Owner),
}

/// Whose node it becomes.
pub struct Owner {
    /// The owner's recovery phrase.
    pub phrase: RecoveryPhrase,
    /// What this device is called; the machine's name if absent.
    pub device: Option<DeviceName>,
}

/// Whether somebody runs the node who starts it again, and whether they were asked to.
#[derive(Default)]
pub(crate) struct Life {
    restartable: bool,
    asked: Mutex<Option<Again>>,
    notify: Notify,
}

impl Life {
    pub(crate) fn new(restartable: bool) -> Self {
        Life { restartable, ..Life::default() }
    }

    /// Asks for a new start. `false`: nobody would make it.
    pub(crate) fn ask(&self, again: Again) -> bool {
        if self.restartable {
            self.asked.lock().get_or_insert(again);
            self.notify.notify_one();
        }
        self.restartable
    }

    pub(crate) fn is_restartable(&self) -> bool {
        self.restartable
    }

    /// Waits until a new start is asked for.
    pub(crate) async fn asked(&self) -> Again {
        loop {
            if let Some(again) = self.asked.lock().take() {
                return again;
            }
            self.notify.notified().await;
        }
    }
}
