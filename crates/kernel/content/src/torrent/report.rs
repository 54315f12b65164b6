//! A torrent's status.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Instant;

use weft_bittorrent::bitfield::Bitfield;
use weft_bittorrent::metainfo::Info;
use weft_bittorrent::swarm::{PeerStats, SwarmStats};

use super::Torrent;
use super::desk::Totals;
use super::dial::{moved, peer_name};
use crate::shell::{Content, Counts, PeerEntry};
use crate::status::{ExchangeStatus, FileStatus, PeerStatus, State, TorrentStatus};
use crate::storage::is_stored;

/// What is taken of the machine under its lock.
#[derive(Default)]
struct Taken {
    stats: Option<SwarmStats>,
    counts: Counts,
    have: Bitfield,
    peers: Vec<(PeerEntry, Option<PeerStats>)>,
}

impl Torrent {
    /// Its status; peers, trackers and files only with `full`.
    pub(crate) fn status(&self, full: bool) -> TorrentStatus {
        let taken = self.take(full);
        let content = self.shell.content();
        let totals = self.totals();
        let (rate_down, rate_up) = taken.stats.as_ref().map_or((0, 0), |stats| (stats.down_rate, stats.up_rate));
        let desk = self.desk.lock();
        let info = desk.info();
        let state = desk.state();
        let Counts { pieces_done, wanted_bytes: wanted, done_bytes: done, .. } = taken.counts;
        let size = info.map_or(0, |info| info.total_len());
        let selection = desk.record.selection.clone();
        let mut status = TorrentStatus {
            info_hash: self.id,
            name: info.map(|i| i.name().to_owned()).or(desk.record.name.clone()).unwrap_or_else(|| self.id.to_hex()),
            dir: desk.record.dir.clone(),
            state,
            trouble: desk.shown_trouble(),
            warnings: self.shared.records.trouble().into_iter().collect(),
            private: desk.is_private(),
            complete: taken.counts.is_complete(),
            added_at: desk.record.added_at,
            completed_at: desk.record.completed_at,
            size,
            wanted,
            done,
            progress: match state {
                State::Checking => self.check_progress(),
                _ => share(done, wanted),
            },
            piece_length: info.map_or(0, |info| info.piece_length()),
            pieces: info.map_or(0, |info| info.piece_count()),
            pieces_done,
            downloaded: totals.downloaded,
            uploaded: totals.uploaded,
            wasted: totals.wasted,
            ratio: if totals.downloaded > 0 {
                share(totals.uploaded, totals.downloaded)
            } else {
                share(totals.uploaded, size)
            },
            rate_down,
            rate_up,
            eta_seconds: (state == State::Downloading && rate_down > 0).then(|| (wanted - done).div_ceil(rate_down)),
            limits: self.own_limits.limits(),
            peers: Vec::new(),
            exchanged: Vec::new(),
            candidates: 0,
            trackers: Vec::new(),
            files: Vec::new(),
        };
        if full && let Some(info) = info {
            status.files = file_statuses(info, content.as_deref(), &taken.have, selection.as_deref());
        }
        drop(desk);
        status.candidates = self.candidates.lock().waiting();
        if full {
            status.exchanged = self.exchanges();
            status.peers = taken.peers.into_iter().map(|(entry, stats)| peer_status(&entry, stats)).collect();
            status.trackers = self.trackers.lock().status(Instant::now());
        }
        status
    }

    fn take(&self, full: bool) -> Taken {
        self.shell.look(|core| {
            let Some(swarm) = core.swarm() else { return Taken::default() };
            let (have, peers) = if full {
                let mut stats: HashMap<_, _> = swarm.peer_stats().into_iter().map(|s| (s.key, s)).collect();
                let peers = core.peers().iter().map(|(key, entry)| (entry.clone(), stats.remove(key)));
                (swarm.have().clone(), peers.collect())
            } else {
                (Bitfield::default(), Vec::new())
            };
            Taken { stats: Some(swarm.stats()), counts: core.counts(), have, peers }
        })
    }

    /// Bytes moved since it was added.
    pub(super) fn totals(&self) -> Totals {
        let stats = self.shell.look(|core| core.swarm().map(|swarm| swarm.stats()));
        let base = self.desk.lock().base;
        stats.map_or(base, |stats| Totals {
            downloaded: base.downloaded + stats.downloaded,
            uploaded: base.uploaded + stats.uploaded,
            wasted: base.wasted + stats.wasted,
        })
    }

    fn check_progress(&self) -> f64 {
        share(self.checked.load(Ordering::Relaxed), self.to_check.load(Ordering::Relaxed))
    }

    /// What was exchanged with whom, finished connections and open ones together.
    fn exchanges(&self) -> Vec<ExchangeStatus> {
        let exchanged = self.exchanged.lock();
        let mut all = exchanged.past.clone();
        for entry in &exchanged.present {
            let (peer, (downloaded, uploaded)) = (peer_name(entry), moved(entry));
            if downloaded + uploaded == 0 {
                continue;
            }
            let path = entry.link.lock().path;
            let sum = all.entry(peer.clone()).or_insert(ExchangeStatus { peer, downloaded: 0, uploaded: 0, path });
            sum.downloaded += downloaded;
            sum.uploaded += uploaded;
            sum.path = path;
        }
        let mut all: Vec<ExchangeStatus> = all.into_values().collect();
        all.sort_unstable_by(|a, b| {
            (b.downloaded + b.uploaded).cmp(&(a.downloaded + a.uploaded)).then(a.peer.cmp(&b.peer))
        });
        all
    }
}

fn peer_status(entry: &PeerEntry, stats: Option<PeerStats>) -> PeerStatus {
    let link = entry.link.lock().clone();
    let (downloaded, uploaded) = moved(entry);
    let mut status = PeerStatus {
        key: link.peer,
        address: link.remote,
        path: link.path,
        client: String::new(),
        origin: entry.origin,
        interested: false,
        choked: true,
        peer_interested: false,
        peer_choked: true,
        progress: 0.0,
        downloaded,
        uploaded,
        rate_down: 0,
        rate_up: 0,
    };
    if let Some(stats) = stats {
        status.client = stats.client;
        status.interested = stats.interesting;
        status.choked = stats.choking_us;
        status.peer_interested = stats.interested;
        status.peer_choked = stats.choked;
        status.progress = f64::from(stats.progress);
        status.rate_down = stats.down_rate;
        status.rate_up = stats.up_rate;
    }
    status
}

fn file_statuses(
    info: &Info,
    content: Option<&Content>,
    have: &Bitfield,
    selection: Option<&[bool]>,
) -> Vec<FileStatus> {
    let files = info.files().iter().enumerate().filter(|(_, file)| is_stored(file));
    let status = |(index, file): (usize, &weft_bittorrent::metainfo::FileEntry)| {
        let piece_length = u64::from(info.piece_length());
        let in_piece = |piece: u32| {
            let start = u64::from(piece) * piece_length;
            let end = start + u64::from(info.piece_len(piece));
            end.min(file.offset() + file.len()) - start.max(file.offset())
        };
        let done = match content {
            Some(content) if content.is_complete(index) => file.len(),
            Some(content) => {
                let pieces = content.storage.layout().file_pieces(index);
                pieces.filter(|piece| have.contains(*piece)).map(in_piece).sum()
            }
            None => 0, // still to be checked
        };
        FileStatus {
            index,
            path: file.path().to_owned(),
            size: file.len(),
            done,
            selected: selection.and_then(|s| s.get(index)).copied().unwrap_or(true),
        }
    };
    files.map(status).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a share to show; 53 bits are enough for 9 PB")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
