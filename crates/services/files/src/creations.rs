//! Paths that are being hashed before they can be shared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use utoipa::ToSchema;
use weft_content::{CreateControl, CreateProgress};

/// 4 at once: each uses all cores and reads at the disk's pace.
pub(crate) const MAX_CREATIONS: usize = 4;

/// One path being hashed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Creation {
    /// What is hashed.
    #[schema(value_type = String)]
    path: PathBuf,
    /// Bytes hashed.
    done: u64,
    /// Bytes in all; 0 while the folder is walked.
    total: u64,
    /// Files in all.
    files: usize,
}

/// The creations of a node. Cheap to clone; all clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Creations {
    table: Arc<Mutex<Table>>,
}

#[derive(Default)]
struct Table {
    next: u64,
    running: BTreeMap<u64, Creation>,
}

/// A place among the running creations. Dropping it, as happens when the client that waits goes away, cancels the
/// creation.
pub(crate) struct Running {
    id: u64,
    table: Arc<Mutex<Table>>,
    control: CreateControl,
}

impl Creations {
    /// Those that run now.
    pub(crate) fn list(&self) -> Vec<Creation> {
        self.table.lock().running.values().cloned().collect()
    }

    /// A place for one more, or `None` while there are [`MAX_CREATIONS`].
    pub(crate) fn begin(&self, path: &Path) -> Option<Running> {
        let mut table = self.table.lock();
        if table.running.len() >= MAX_CREATIONS {
            return None;
        }
        let id = table.next;
        table.next += 1;
        table.running.insert(id, Creation { path: path.to_path_buf(), done: 0, total: 0, files: 0 });
        drop(table);
        let shared = Arc::clone(&self.table);
        let progress = move |now: CreateProgress| {
            if let Some(creation) = shared.lock().running.get_mut(&id) {
                (creation.done, creation.total, creation.files) = (now.done, now.total, now.files);
            }
        };
        let control = CreateControl { progress: Some(Arc::new(progress)), ..CreateControl::default() };
        Some(Running { id, table: Arc::clone(&self.table), control })
    }
}

impl Running {
    /// What the engine is given.
    pub(crate) fn control(&self) -> CreateControl {
        self.control.clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.control.cancel.cancel();
        self.table.lock().running.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creations_are_bounded_and_end_with_who_waits_for_them() {
        let creations = Creations::default();
        let mut held: Vec<_> = (0..MAX_CREATIONS).filter_map(|_| creations.begin(Path::new("/x"))).collect();
        assert!(creations.begin(Path::new("/x")).is_none());
        let first = held.remove(0);
        let control = first.control();
        control.progress.as_ref().expect("it is told")(CreateProgress { done: 1, total: 2, files: 3 });
        assert_eq!((creations.list()[0].done, creations.list()[0].total), (1, 2));
        drop(first);
        assert!(control.cancel.is_cancelled());
        assert_eq!(creations.list().len(), MAX_CREATIONS - 1);
        // A late word from a hashing thread finds nothing to change.
        control.progress.as_ref().expect("it is told")(CreateProgress { done: 2, total: 2, files: 3 });
    }
}
