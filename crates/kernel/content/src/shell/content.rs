//! A torrent's files, and how many pieces each still lacks.

use std::sync::Arc;

use parking_lot::Mutex;
use weft_bittorrent::bitfield::Bitfield;

use crate::storage::{Storage, is_stored};

/// The files with their count of missing pieces.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) storage: Arc<Storage>,
    /// For each file, its pieces that are not verified.
    missing: Mutex<Vec<u32>>,
}

impl Content {
    pub(crate) fn new(storage: Arc<Storage>, have: &Bitfield) -> Self {
        let content = Content { storage, missing: Mutex::default() };
        content.recount(have);
        content
    }

    /// Counts anew: pieces were lost or found.
    pub(crate) fn recount(&self, have: &Bitfield) {
        let files = 0..self.storage.info().files().len();
        let missing = |file| self.storage.layout().file_pieces(file).filter(|piece| !have.contains(*piece)).count();
        *self.missing.lock() = files.map(|file| u32::try_from(missing(file)).unwrap_or(u32::MAX)).collect();
    }

    /// Whether every piece of a file is verified.
    pub(crate) fn is_complete(&self, file: usize) -> bool {
        self.missing.lock().get(file).is_some_and(|missing| *missing == 0)
    }

    /// Counts a piece as verified; seals and gives the files that are complete now.
    pub(super) fn count_verified(&self, piece: u32) -> Vec<usize> {
        let mut complete = Vec::new();
        {
            let mut missing = self.missing.lock();
            for span in self.storage.layout().spans(piece, 0, self.storage.info().piece_length()) {
                let Some(left) = missing.get_mut(span.file as usize).filter(|left| **left > 0) else { continue };
                *left -= 1;
                if *left == 0 && !span.pad {
                    complete.push(span.file as usize);
                }
            }
        }
        for file in &complete {
            if let Err(error) = self.storage.seal(*file) {
                tracing::warn!(%error, "a complete file cannot be looked at");
            }
        }
        complete
    }

    /// Files that hold bytes, by their place.
    pub(crate) fn stored_files(&self) -> impl Iterator<Item = usize> + '_ {
        let files = self.storage.info().files().iter().enumerate();
        files.filter(|(_, file)| is_stored(file) && !file.is_empty()).map(|(index, _)| index)
    }
}
