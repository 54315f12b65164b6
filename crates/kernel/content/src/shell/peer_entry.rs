//! A connected peer, as those who deal with it need it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use parking_lot::Mutex;
use weft_bittorrent::id::PeerId;
use weft_overlay::{LinkInfo, PeerKey};

use super::mailbox::Mailbox;
use crate::status::PeerOrigin;

/// A connected peer.
#[derive(Debug, Clone)]
pub(crate) struct PeerEntry {
    pub(crate) mailbox: Arc<Mailbox>,
    /// What its link says; its task keeps it fresh.
    pub(crate) link: Arc<Mutex<LinkInfo>>,
    pub(crate) peer_id: PeerId,
    pub(crate) origin: PeerOrigin,
    pub(crate) outgoing: bool,
    pub(crate) since: Instant,
    pub(crate) traffic: Arc<Traffic>,
}

/// Content bytes exchanged over one connection.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) down: AtomicU64,
    pub(crate) up: AtomicU64,
}

impl PeerEntry {
    /// Its proven key.
    pub(crate) fn key(&self) -> Option<PeerKey> {
        self.link.lock().peer
    }

    /// What it is called: its key if proven, else its address.
    pub(crate) fn name(&self) -> String {
        let link = self.link.lock();
        match (link.peer, link.remote) {
            (Some(key), _) => key.to_string(),
            (None, Some(address)) => address.to_string(),
            (None, None) => self.peer_id.to_string(),
        }
    }

    /// Its address.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.link.lock().remote
    }
}
