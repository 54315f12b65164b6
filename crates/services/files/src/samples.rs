//! The service's counters and gauges.

use weft_content::{EngineStatus, State, TorrentActivity};
use weft_service::Sample;

const STATES: [(State, &str); 6] = [
    (State::Checking, "checking"),
    (State::FetchingMetadata, "fetching-metadata"),
    (State::Downloading, "downloading"),
    (State::Seeding, "seeding"),
    (State::Paused, "paused"),
    (State::Error, "error"),
];

#[allow(clippy::cast_precision_loss)]
pub(crate) fn samples(status: &EngineStatus, torrents: &[TorrentActivity]) -> Vec<Sample> {
    let mut samples = vec![
        Sample::counter("files_download_bytes", "Content bytes from peers since the start", status.downloaded),
        Sample::counter("files_upload_bytes", "Content bytes to peers since the start", status.uploaded),
        Sample::gauge("files_download_rate_bytes", "Bytes a second from peers", status.rate_down as f64),
        Sample::gauge("files_upload_rate_bytes", "Bytes a second to peers", status.rate_up as f64),
        Sample::gauge("files_connections", "Open peer connections", status.connections as f64),
        Sample::gauge("files_half_open", "Peer connections being opened", status.half_open as f64),
        Sample::gauge("files_piece_memory_bytes", "Pieces on their way to the disk", status.piece_memory as f64),
    ];
    samples.extend(STATES.iter().map(|(state, name)| {
        let count = torrents.iter().filter(|torrent| torrent.state == *state).count();
        Sample::gauge("files_torrents", "Torrents by state", count as f64).label("state", *name)
    }));
    samples
}
