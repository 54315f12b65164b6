//! DHT nodes of earlier runs, one address a line, so that a node finds back without its bootstrap list.

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddrV4;
use std::path::PathBuf;

/// 200 nodes: some of them live a month later.
const MAX_NODES: usize = 200;

/// Larger files are not ours: 200 lines of at most 22 bytes.
const MAX_FILE: u64 = 16 * 1024;

/// The file of known nodes; without a folder nothing is kept.
#[derive(Debug, Clone)]
pub(crate) struct NodeCache {
    path: Option<PathBuf>,
}

impl NodeCache {
    pub(crate) fn new(dir: Option<&std::path::Path>) -> Self {
        NodeCache { path: dir.map(|dir| dir.join("dht-nodes")) }
    }

    /// The nodes kept. An unreadable file is no nodes.
    pub(crate) fn load(&self) -> Vec<SocketAddrV4> {
        let Some(path) = &self.path else { return Vec::new() };
        let small = fs::metadata(path).is_ok_and(|meta| meta.len() <= MAX_FILE);
        let text = if small { fs::read_to_string(path).unwrap_or_default() } else { String::new() };
        text.lines().filter_map(|line| line.trim().parse().ok()).take(MAX_NODES).collect()
    }

    /// Keeps these nodes in place of those before, wholly or not at all.
    pub(crate) fn store(&self, nodes: &[String]) {
        let Some(path) = &self.path else { return };
        let lines: String = nodes.iter().take(MAX_NODES).map(|node| format!("{node}\n")).collect();
        let fresh = path.with_extension("new");
        let write = || -> io::Result<()> {
            let mut file = fs::File::create(&fresh)?;
            file.write_all(lines.as_bytes())?;
            drop(file);
            fs::rename(&fresh, path)
        };
        if let Err(error) = write() {
            tracing::debug!(%error, "DHT nodes not kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_kept_and_rubbish_is_ignored() {
        let dir = tempfile::tempdir().unwrap();
        let cache = NodeCache::new(Some(dir.path()));
        assert!(cache.load().is_empty());
        let nodes: Vec<String> = (0..300).map(|n| format!("192.0.2.1:{}", n + 1)).collect();
        cache.store(&nodes);
        assert_eq!(cache.load().len(), MAX_NODES);
        fs::write(dir.path().join("dht-nodes"), "x\n192.0.2.1:7\n\u{0}\n::1\n").unwrap();
        assert_eq!(cache.load(), ["192.0.2.1:7".parse().unwrap()]);
        NodeCache::new(None).store(&nodes);
    }
}
