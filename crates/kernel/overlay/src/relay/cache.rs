//! Relays of earlier runs, one a line.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::name::RelayHint;
use super::pool::RelayPool;

/// 16 relays: some of them live a month later.
const MAX_KEPT: usize = 16;

/// Larger files are not ours: 16 lines of at most 320 bytes.
const MAX_FILE: u64 = 8 * 1024;

/// 5 min between writes, and only when something changed.
const EVERY: Duration = Duration::from_secs(300);

/// The file of relays seen; without a folder nothing is kept.
#[derive(Debug, Clone)]
pub(crate) struct RelayCache {
    path: Option<PathBuf>,
}

impl RelayCache {
    pub(crate) fn new(dir: Option<&Path>) -> Self {
        RelayCache { path: dir.map(|dir| dir.join("relays")) }
    }

    /// The relays kept. An unreadable file is no relays.
    pub(crate) fn load(&self) -> Vec<RelayHint> {
        let Some(path) = &self.path else { return Vec::new() };
        let small = fs::metadata(path).is_ok_and(|meta| meta.len() <= MAX_FILE);
        let text = if small { fs::read_to_string(path).unwrap_or_default() } else { String::new() };
        text.lines().filter_map(|line| line.trim().parse().ok()).take(MAX_KEPT).collect()
    }

    fn store(&self, relays: &[RelayHint]) {
        let Some(path) = &self.path else { return };
        let lines: String = relays.iter().take(MAX_KEPT).map(|relay| format!("{relay}\n")).collect();
        let fresh = path.with_extension("new");
        if let Err(error) = fs::write(&fresh, lines).and_then(|()| fs::rename(&fresh, path)) {
            tracing::debug!(%error, "relays not kept");
        }
    }

    /// Writes the relays in use down, again and again.
    pub(crate) async fn keep(&self, pool: &RelayPool) {
        let mut kept = self.load();
        loop {
            let now = pool.used();
            if !now.is_empty() && now != kept {
                self.store(&now);
                kept = now;
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relays_are_kept_and_rubbish_is_ignored() {
        let dir = tempfile::tempdir().unwrap();
        let cache = RelayCache::new(Some(dir.path()));
        assert!(cache.load().is_empty());
        let relays: Vec<RelayHint> = (0..20).map(|n| format!("https://r{n}.example/").parse().unwrap()).collect();
        cache.store(&relays);
        assert_eq!(cache.load(), relays[..MAX_KEPT]);
        fs::write(dir.path().join("relays"), "x\nhttps://a.example/\n\u{0}\n").unwrap();
        assert_eq!(cache.load().len(), 1);
    }
}
