//! A link that counts: every byte goes into the peer table, and so does the link's end.

use std::io::{self, IoSlice, IoSliceMut};
use std::task::{Context, Poll};

use crate::link::{Link, LinkInfo, PathKind};
use crate::peers::{Direction, Meter, Observation, Observe, PeerId, PeerTable};

/// A link of a fixed path (TCP, TLS) whose bytes, beginning and end are observed.
pub struct Metered<L: Link> {
    link: L,
    path: PathKind,
    meter: Meter,
    _presence: Presence,
}

impl<L: Link> Metered<L> {
    /// Notes the link as connected with `peer`, until it is dropped.
    pub fn new(link: L, peer: PeerId, direction: Direction, table: &PeerTable) -> Self {
        let info = link.info();
        let meter = table.meter(peer);
        table.observe(peer, Observation::Connected { path: info.path, direction, remote: info.remote });
        let presence = Presence { peer, path: info.path, table: table.clone() };
        Metered { link, path: info.path, meter, _presence: presence }
    }
}

/// Notes the end of a connection when it is dropped.
struct Presence {
    peer: PeerId,
    path: PathKind,
    table: PeerTable,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.table.observe(self.peer, Observation::Disconnected { path: self.path });
    }
}

impl<L: Link> Link for Metered<L> {
    fn poll_read(&mut self, cx: &mut Context<'_>, plan: &mut [IoSliceMut<'_>]) -> Poll<io::Result<usize>> {
        let polled = self.link.poll_read(cx, plan);
        if let Poll::Ready(Ok(n)) = &polled {
            self.meter.received(self.path, *n);
        }
        polled
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let polled = self.link.poll_write(cx, slices);
        if let Poll::Ready(Ok(n)) = &polled {
            self.meter.sent(self.path, *n);
        }
        polled
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.link.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.link.poll_close(cx)
    }

    fn info(&self) -> LinkInfo {
        self.link.info()
    }
}
