//! The QUIC transport, set up: the library's defaults are wrong for us.
//!
//! Measured at 100 Mbit/s, 40 ms, 1 % loss: the default congestion control carries 0.42 MB/s, BBR3 with wide windows
//! 10.6 MB/s. And the default connection window has no bound at all: what a peer may make us buffer is bounded here, and
//! grows only with peers we know.

use std::sync::Arc;
use std::time::Duration;

use iroh::endpoint::{Connection, QuicTransportConfig, VarInt};
use noq_proto::congestion::Bbr3Config;

/// 2.25 MiB a stream: 190 Mbit/s at 100 ms. More would be faster on long fat lines, and is not safe: the library ends a
/// connection whose stream has more than 1,024 gaps, and a burst that overruns a socket's buffer leaves a gap at every
/// second packet. 2,047 packets of at least 1,152 bytes cannot have more. (With 16 MiB, a gigabyte over loopback failed.)
const STREAM_WINDOW: u32 = 2047 * 1152;

/// 16 MiB unacknowledged: several streams at full speed.
const SEND_WINDOW: u64 = 16 * 1024 * 1024;

/// 256 kB: what a stranger can make us buffer. Enough for hello, control streams and a slow transfer.
pub(crate) const STRANGER_WINDOW: u32 = 256 * 1024;

/// 24 MB: one stream at full speed and room for others.
pub(crate) const KNOWN_WINDOW: u32 = 24 * 1024 * 1024;

/// 32 streams: a stranger that opens more waits.
pub(crate) const STRANGER_STREAMS: u32 = 32;

/// 256 streams: every torrent of a busy pair and its services.
pub(crate) const KNOWN_STREAMS: u32 = 256;

/// 30 s without an answer on any path, three lost heartbeats more than a path's own 15 s: the peer is gone.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The configuration every connection begins with: as for a stranger.
pub(crate) fn quic() -> QuicTransportConfig {
    let builder = QuicTransportConfig::builder()
        .congestion_controller_factory(Arc::new(Bbr3Config::default()))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(STRANGER_WINDOW))
        .send_window(SEND_WINDOW)
        .max_concurrent_bidi_streams(VarInt::from_u32(STRANGER_STREAMS))
        // Gossip sends on one-way streams; nothing else does.
        .max_concurrent_uni_streams(VarInt::from_u32(STRANGER_STREAMS));
    match IDLE_TIMEOUT.try_into() {
        Ok(timeout) => builder.max_idle_timeout(Some(timeout)).build(),
        Err(_) => builder.build(),
    }
}

/// Grants a connection a receive window.
pub(crate) fn set_window(connection: &Connection, bytes: u32) {
    connection.set_receive_window(VarInt::from_u32(bytes));
}

/// Allows a peer that we dialled or know more streams.
pub(crate) fn more_streams(connection: &Connection) {
    connection.set_max_concurrent_bi_streams(VarInt::from_u32(KNOWN_STREAMS));
}
