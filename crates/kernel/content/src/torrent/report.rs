//! A torrent's status.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use weft_bittorrent::bitfield::Bitfield;
use weft_bittorrent::metainfo::Info;
use weft_bittorrent::swarm::{PeerKey as SwarmKey, PeerStats, Traffic};
use weft_overlay::LinkInfo;

use super::Torrent;
use super::desk::Totals;
use super::dial::moved;
use crate::error::ControlError;
use crate::map::{self, Drawn, MAX_ROWS, MapRow, TorrentMap};
use crate::shell::{Content, Counts, PeerEntry};
use crate::status::{
    ExchangeStatus, FilePriority, FileStatus, PeerStatus, State, TorrentActivity, TorrentStatus, Trouble, Weave,
};
use crate::storage::is_stored;

/// What is taken of the machine under its lock.
#[derive(Default)]
struct Taken {
    traffic: Traffic,
    counts: Counts,
    /// None while nothing is known of the pieces.
    weave: Option<Arc<Weave>>,
    have: Bitfield,
    peers: Vec<(PeerEntry, Option<PeerStats>)>,
}

impl Torrent {
    /// Its status; peers, trackers and files only with `full`.
    pub(crate) fn status(&self, full: bool) -> TorrentStatus {
        let taken = self.take(full);
        let content = self.shell.content();
        let totals = self.totals();
        let Traffic { down_rate: rate_down, up_rate: rate_up, .. } = taken.traffic;
        let desk = self.desk.lock();
        let info = desk.info();
        let state = desk.state();
        let Counts { pieces_done, wanted_bytes: wanted, done_bytes: done, .. } = taken.counts;
        let size = info.map_or(0, |info| info.total_len());
        let priorities = desk.record.priorities.clone();
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
            weave: match &taken.weave {
                Some(weave) => Weave::clone(weave),
                None => Weave::unknown(info.map_or(0, |info| info.piece_count())),
            },
            downloaded: totals.downloaded,
            uploaded: totals.uploaded,
            wasted: totals.wasted,
            ratio: ratio(totals, size),
            rate_down,
            rate_up,
            eta_seconds: eta(state, taken.counts, rate_down),
            limits: self.own_limits.limits(),
            peers: Vec::new(),
            exchanged: Vec::new(),
            candidates: 0,
            trackers: Vec::new(),
            files: Vec::new(),
        };
        if full && let Some(info) = info {
            status.files = file_statuses(info, content.as_deref(), &taken.have, priorities.as_deref());
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

    /// Its pieces in columns.
    pub(crate) fn map(&self, columns: u32) -> Result<TorrentMap, ControlError> {
        let taken = self.shell.look(|core| {
            let swarm = core.swarm()?;
            let view = swarm.piece_view()?;
            let names = core.givers().names().map(str::to_owned).collect();
            let drawn = Drawn { view, of_piece: core.givers().of_pieces().to_vec(), names };
            let mut peers: Vec<_> = core.peers().iter().collect();
            peers.sort_by_cached_key(|(key, entry)| (Reverse(moved(entry).0), **key));
            peers.truncate(MAX_ROWS);
            let row = |(key, entry): (&SwarmKey, &PeerEntry)| {
                Some((entry.clone(), swarm.client(*key), swarm.peer_view(*key)?))
            };
            Some((drawn, peers.into_iter().filter_map(row).collect::<Vec<_>>()))
        });
        let (drawn, peers) = taken.ok_or(ControlError::NoMetadata(self.id))?;
        let mut map = drawn.map(columns);
        for (entry, client, view) in peers {
            let (seed, have, reading) = map::row(&view, map.columns);
            let LinkInfo { peer: key, remote: address, path, .. } = *entry.link.lock();
            map.rows.push(MapRow { peer: entry.name(), key, address, client, path, seed, have, reading });
        }
        Ok(map)
    }

    /// What it does now.
    pub(crate) fn activity(&self) -> TorrentActivity {
        let (traffic, counts, peers) = self.shell.look(|core| {
            let traffic = core.swarm().map(|swarm| swarm.traffic()).unwrap_or_default();
            (traffic, core.counts(), core.peers().len())
        });
        let desk = self.desk.lock();
        let totals = desk.base.with(&traffic);
        let state = desk.state();
        let size = desk.info().map_or(0, |info| info.total_len());
        TorrentActivity {
            info_hash: self.id,
            state,
            progress: match state {
                State::Checking => self.check_progress(),
                _ => share(counts.done_bytes, counts.wanted_bytes),
            },
            done: counts.done_bytes,
            rate_down: traffic.down_rate,
            rate_up: traffic.up_rate,
            eta_seconds: eta(state, counts, traffic.down_rate),
            peers,
            downloaded: totals.downloaded,
            uploaded: totals.uploaded,
            ratio: ratio(totals, size),
        }
    }

    /// Bytes a second: from peers, to peers.
    pub(crate) fn rates(&self) -> (u64, u64) {
        let traffic = self.shell.look(|core| core.swarm().map(|swarm| swarm.traffic())).unwrap_or_default();
        (traffic.down_rate, traffic.up_rate)
    }

    /// Peers that bytes come from or go to now, by name.
    pub(crate) fn partners(&self) -> Vec<String> {
        self.shell.look(|core| {
            let moving = core.swarm().map(|swarm| swarm.moving()).unwrap_or_default();
            moving.iter().filter_map(|key| core.peers().get(key)).map(PeerEntry::name).collect()
        })
    }

    /// Why it is in trouble, if it is, with its name.
    pub(crate) fn trouble(&self) -> Option<(String, Trouble)> {
        let desk = self.desk.lock();
        let trouble = desk.shown_trouble().filter(|_| desk.state() == State::Error)?;
        let name = desk.info().map(|info| info.name().to_owned()).or(desk.record.name.clone());
        Some((name.unwrap_or_else(|| self.id.to_hex()), trouble))
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
            Taken { traffic: swarm.traffic(), counts: core.counts(), weave: core.weave(), have, peers }
        })
    }

    /// Bytes moved since it was added.
    pub(super) fn totals(&self) -> Totals {
        let moved = self.shell.look(|core| core.swarm().map(|swarm| swarm.traffic())).unwrap_or_default();
        let base = self.desk.lock().base;
        base.with(&moved)
    }

    fn check_progress(&self) -> f64 {
        share(self.checked.load(Ordering::Relaxed), self.to_check.load(Ordering::Relaxed))
    }

    /// What was exchanged with whom, finished connections and open ones together.
    fn exchanges(&self) -> Vec<ExchangeStatus> {
        let exchanged = self.exchanged.lock();
        let mut all = exchanged.past.clone();
        for entry in &exchanged.present {
            let (peer, (downloaded, uploaded)) = (entry.name(), moved(entry));
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
    priorities: Option<&[FilePriority]>,
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
        let priority = priorities.and_then(|p| p.get(index)).copied().unwrap_or_default();
        FileStatus {
            index,
            path: file.path().to_owned(),
            size: file.len(),
            done,
            selected: priority != FilePriority::Skip,
            priority,
        }
    };
    files.map(status).collect()
}

/// Seconds to completion.
fn eta(state: State, counts: Counts, rate: u64) -> Option<u64> {
    let left = counts.wanted_bytes - counts.done_bytes;
    (state == State::Downloading && rate > 0).then(|| left.div_ceil(rate))
}

/// Given of what was got, or of the size where nothing was got.
fn ratio(totals: Totals, size: u64) -> f64 {
    share(totals.uploaded, if totals.downloaded > 0 { totals.downloaded } else { size })
}

#[expect(clippy::cast_precision_loss, reason = "a share to show; 53 bits are enough for 9 PB")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
