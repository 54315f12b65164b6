//! The extension messages of a swarm: handshake (BEP 10), metadata (BEP 9), peer exchange (BEP 11).

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::{DropReason, Output, PeerKey, Swarm};
use crate::extension::{self, ExtendedHandshake, HANDSHAKE_ID, REQQ, UT_METADATA, UT_PEX};
use crate::metadata::{self, Fetched, METADATA_PIECE_LEN, MetadataFetch, MetadataMessage};
use crate::pex::{MAX_PEERS, Pex, PexFlags, PexPeer};
use crate::wire::Message;

/// Peers the info dictionary is fetched from at once, each its own copy.
const FIRST_FETCHES: usize = 3;

/// After this long without it one more peer is asked, so that slow or lying ones cannot keep it from us.
const MORE_FETCHES_AFTER: Duration = Duration::from_secs(10);

/// Peers asked at once at most: the copies they really send are held in memory.
const MAX_FETCHES: usize = 8;

/// A peer that sends no piece of metadata for this long is passed over.
const FETCH_PATIENCE: Duration = Duration::from_secs(8);

/// How often a peer that failed to send metadata is tried again.
const MAX_FETCH_FAILURES: u32 = 3;

/// Times a peer may fetch the whole info dictionary: once, and twice more when something goes wrong.
const METADATA_COPIES: u32 = 3;

/// BEP 11: at most one message a minute.
const PEX_INTERVAL: Duration = Duration::from_secs(60);

/// Peer exchange messages taken ahead of one a minute; the rest is not read.
const PEX_BURST: u32 = 3;

/// Peers told to one peer and not yet withdrawn.
const MAX_PEX_TOLD: usize = 400;

type Checked = Result<(), DropReason>;

impl Swarm {
    // ---- handshake ----

    pub(super) fn send_extended_handshake(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get(key) else { return };
        let pex = self.config.pex && !self.is_private();
        let handshake = ExtendedHandshake {
            ut_metadata: Some(UT_METADATA),
            ut_pex: pex.then_some(UT_PEX),
            metadata_size: self.metadata.as_ref().and_then(|m| u32::try_from(m.len()).ok()),
            reqq: Some(REQQ),
            client: Some(self.config.client.clone()),
            port: self.config.listen_port,
            your_ip: peer.addr.map(|a| a.ip()),
            upload_only: self.torrent.as_ref().is_some_and(|t| t.missing.count() == 0),
        };
        self.send(key, Message::Extended { id: HANDSHAKE_ID, payload: handshake.encode().into() });
    }

    pub(super) fn on_extended_handshake(&mut self, key: PeerKey, payload: &Bytes) -> Checked {
        let said = ExtendedHandshake::decode(payload).map_err(|_| DropReason::BadExtended)?;
        let Some(peer) = self.peers.get_mut(key) else { return Ok(()) };
        peer.said = said;
        let pieces = self.metadata.as_ref().map_or(0, |m| m.len().div_ceil(METADATA_PIECE_LEN));
        peer.metadata_budget = peer.metadata_budget.max(METADATA_COPIES * pieces as u32);
        self.start_metadata_fetches();
        self.drop_if_both_seeds(key);
        // May be sent again to change something; not for ever.
        self.useless(key)
    }

    // ---- metadata ----

    pub(super) fn on_metadata(&mut self, key: PeerKey, payload: &Bytes) -> Checked {
        let message = MetadataMessage::decode(payload).map_err(|_| DropReason::BadExtended)?;
        match message {
            Some(MetadataMessage::Request { piece }) => self.serve_metadata(key, piece),
            Some(MetadataMessage::Data { piece, data, .. }) => self.on_metadata_piece(key, piece, data),
            Some(MetadataMessage::Reject { .. }) => {
                self.give_up_fetch(key);
                self.useless(key)
            }
            None => self.useless(key),
        }
    }

    fn serve_metadata(&mut self, key: PeerKey, piece: u32) -> Checked {
        let Some(peer) = self.peers.get_mut(key) else { return Ok(()) };
        let Some(id) = peer.said.ut_metadata else { return self.useless(key) };
        let data =
            self.metadata.as_ref().filter(|_| peer.metadata_budget > 0).and_then(|m| metadata::piece_of(m, piece));
        let answer = match (data, &self.metadata) {
            (Some(data), Some(all)) => {
                peer.metadata_budget -= 1;
                MetadataMessage::Data { piece, total_size: u32::try_from(all.len()).unwrap_or(u32::MAX), data }
            }
            _ => MetadataMessage::Reject { piece },
        };
        let refused = matches!(answer, MetadataMessage::Reject { .. });
        self.send(key, Message::Extended { id, payload: answer.encode().into() });
        if refused { self.useless(key) } else { Ok(()) }
    }

    /// Fetches the info dictionary from as many peers as may be at once.
    pub(super) fn start_metadata_fetches(&mut self) {
        if self.torrent.is_some() || self.metadata.is_some() || self.paused {
            return;
        }
        let waited = self.now.saturating_duration_since(self.started).as_secs() / MORE_FETCHES_AFTER.as_secs();
        let most = FIRST_FETCHES.saturating_add(waited as usize).min(MAX_FETCHES);
        let mut running = self.peers.iter().filter(|(_, p)| p.fetch.is_some()).count();
        let mut waiting: Vec<(u32, PeerKey)> = (self.peers.iter())
            .filter(|(_, p)| p.fetch.is_none() && p.said.ut_metadata.is_some() && p.fetch_failures < MAX_FETCH_FAILURES)
            .map(|(key, p)| (p.fetch_failures, key))
            .collect();
        waiting.sort_unstable();
        for (_, key) in waiting {
            if running >= most {
                break;
            }
            let Some(peer) = self.peers.get_mut(key) else { continue };
            let Some(fetch) = peer.said.metadata_size.and_then(MetadataFetch::new) else { continue };
            peer.fetch = Some(fetch);
            peer.fetch_progress_at = self.now;
            running += 1;
            self.request_metadata(key);
        }
    }

    fn request_metadata(&mut self, key: PeerKey) {
        loop {
            let Some(peer) = self.peers.get_mut(key) else { return };
            let (Some(fetch), Some(id)) = (&mut peer.fetch, peer.said.ut_metadata) else { return };
            let Some(piece) = fetch.next_request() else { return };
            let payload = MetadataMessage::Request { piece }.encode().into();
            self.send(key, Message::Extended { id, payload });
        }
    }

    fn on_metadata_piece(&mut self, key: PeerKey, piece: u32, data: Bytes) -> Checked {
        let Some(peer) = self.peers.get_mut(key) else { return Ok(()) };
        let Some(fetch) = &mut peer.fetch else { return self.useless(key) };
        match fetch.on_data(piece, data) {
            Fetched::Unexpected => self.useless(key),
            Fetched::More => {
                peer.fetch_progress_at = self.now;
                self.request_metadata(key);
                Ok(())
            }
            Fetched::Complete(all) if metadata::matches(&all, &self.config.info_hash) => {
                self.finish_metadata(all);
                Ok(())
            }
            Fetched::Complete(_) => {
                // The whole copy came from this peer alone.
                self.drop_peer(key, DropReason::BadMetadata, true);
                Ok(())
            }
        }
    }

    fn finish_metadata(&mut self, all: Bytes) {
        for (_, peer) in self.peers.iter_mut() {
            peer.fetch = None;
            peer.metadata_budget = METADATA_COPIES * all.len().div_ceil(METADATA_PIECE_LEN) as u32;
        }
        self.metadata = Some(all.clone());
        self.out.push_back(Output::MetadataComplete { metadata: all });
    }

    fn give_up_fetch(&mut self, key: PeerKey) {
        if let Some(peer) = self.peers.get_mut(key)
            && peer.fetch.take().is_some()
        {
            peer.fetch_failures += 1;
            self.start_metadata_fetches();
        }
    }

    pub(super) fn check_metadata_fetches(&mut self) {
        let slow = |(_, p): &(PeerKey, &super::peer::Peer)| {
            p.fetch.is_some() && self.now.saturating_duration_since(p.fetch_progress_at) >= FETCH_PATIENCE
        };
        let slow: Vec<PeerKey> = self.peers.iter().filter(slow).map(|(key, _)| key).collect();
        for key in slow {
            self.give_up_fetch(key);
        }
        self.start_metadata_fetches();
    }

    // ---- peer exchange ----

    pub(super) fn on_pex(&mut self, key: PeerKey, payload: &Bytes) -> Checked {
        if self.is_private() || !self.config.pex {
            return self.useless(key);
        }
        let Some(peer) = self.peers.get_mut(key) else { return Ok(()) };
        if peer.pex_budget == 0 {
            return self.useless(key);
        }
        peer.pex_budget -= 1;
        let pex = Pex::decode(payload).map_err(|_| DropReason::BadExtended)?;
        if !pex.added.is_empty() {
            self.out.push_back(Output::PexPeers { from: key, peers: pex.added });
        }
        Ok(())
    }

    /// Tells each peer, once a minute, whom we are connected to since the last time.
    pub(super) fn exchange_peers(&mut self) {
        if !self.config.pex || self.torrent.is_none() || self.is_private() {
            return;
        }
        let now = self.now;
        let due: Vec<PeerKey> = self.peers.iter().filter(|(_, p)| p.pex_due <= now).map(|(key, _)| key).collect();
        if due.is_empty() {
            return;
        }
        let seed = |p: &super::peer::Peer| p.said.upload_only || p.pieces.is_full();
        let flags = |p: &super::peer::Peer| {
            let reachable = if p.outgoing { PexFlags::REACHABLE } else { PexFlags::default() };
            reachable.with(if seed(p) { PexFlags::SEED } else { PexFlags::default() })
        };
        let connected: Vec<PexPeer> = (self.peers.iter())
            .filter_map(|(_, p)| Some(PexPeer { addr: p.listen_addr()?, flags: flags(p) }))
            .collect();
        let present: BTreeSet<SocketAddr> = connected.iter().map(|p| p.addr).collect();
        for key in due {
            self.tell_peers(key, &connected, &present);
        }
    }

    fn tell_peers(&mut self, key: PeerKey, connected: &[PexPeer], present: &BTreeSet<SocketAddr>) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        peer.pex_due = self.now + PEX_INTERVAL;
        peer.pex_budget = (peer.pex_budget + 1).min(PEX_BURST);
        let Some(id) = peer.said.ut_pex else { return };
        let own = peer.listen_addr();
        let told = &peer.pex_told;
        let room = MAX_PEX_TOLD.saturating_sub(told.len()).min(MAX_PEERS);
        let news = |p: &&PexPeer| Some(p.addr) != own && !told.contains(&p.addr);
        let mut added: Vec<PexPeer> = connected.iter().filter(news).copied().collect();
        added.dedup_by_key(|p| p.addr);
        added.truncate(room);
        let dropped: Vec<SocketAddr> = told.difference(present).copied().take(MAX_PEERS).collect();
        for addr in &dropped {
            peer.pex_told.remove(addr);
        }
        peer.pex_told.extend(added.iter().map(|p| p.addr));
        let pex = Pex { added, dropped };
        if !pex.is_empty() {
            self.send(key, Message::Extended { id, payload: pex.encode().into() });
        }
    }
}

const _: () = assert!(UT_METADATA != extension::HANDSHAKE_ID && UT_PEX != UT_METADATA);
