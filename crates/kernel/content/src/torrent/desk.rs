//! What a torrent's slow path keeps.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weft_bittorrent::metainfo::{Info, Metainfo};
use weft_bittorrent::swarm::Traffic;

use super::Known;
use crate::resume::TorrentRecord;
use crate::status::{State, Trouble};
use crate::storage::Fingerprint;

/// Where a torrent is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not begun, or being begun anew.
    Idle,
    /// What is on disk is being hashed.
    Checking,
    /// The machine runs.
    Active,
}

/// A file that somebody changed or that cannot be read: its pieces are out of service.
#[derive(Debug, Clone, Default)]
pub(super) struct Suspect {
    /// As it was when it was last looked at.
    pub(super) seen: Option<Fingerprint>,
    /// Looking at it failed, so that the same fingerprint does not mean the same answer.
    pub(super) failed: bool,
    /// It was complete: what is wrong in it now somebody wrote, and nothing is fetched over that unasked.
    pub(super) complete: bool,
    pub(super) trouble: Option<Trouble>,
}

/// Looks from time to time whether trouble is mended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probe {
    pub(super) next: Instant,
    pub(super) delay: Duration,
}

impl Probe {
    /// 10 s: whoever freed some space does not wait long, and a look is cheap.
    const MAX_DELAY: Duration = Duration::from_secs(10);

    pub(super) fn new(first: Duration) -> Self {
        Probe { next: Instant::now() + first, delay: first }
    }

    pub(super) fn later(&mut self) {
        self.delay = (self.delay * 2).min(Self::MAX_DELAY);
        self.next = Instant::now() + self.delay;
    }
}

/// Bytes moved before the machine that runs now was started.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) downloaded: u64,
    pub(super) uploaded: u64,
    pub(super) wasted: u64,
}

impl Totals {
    /// With what the machine that runs now moved.
    pub(super) fn with(self, moved: &Traffic) -> Self {
        Totals {
            downloaded: self.downloaded + moved.downloaded,
            uploaded: self.uploaded + moved.uploaded,
            wasted: self.wasted + moved.wasted,
        }
    }
}

/// The state of the slow path.
pub(super) struct Desk {
    pub(super) record: TorrentRecord,
    /// The store did not take the record as it is now, or the last resume record.
    pub(super) unsaved: bool,
    pub(super) metainfo: Option<Arc<Metainfo>>,
    pub(super) known: Known,
    pub(super) phase: Phase,
    /// The user asked for a recheck.
    pub(super) recheck: bool,
    /// Why it stopped fetching.
    pub(super) trouble: Option<Trouble>,
    pub(super) trouble_probe: Option<Probe>,
    /// What is on disk could not be hashed: it has to be as soon as that is possible.
    pub(super) recheck_when_mended: bool,
    /// When the last trouble was mended, and how long its probe waited: it goes on from there if it comes back at once.
    pub(super) mended: Option<(Instant, Duration)>,
    pub(super) suspects: BTreeMap<usize, Suspect>,
    pub(super) suspect_probe: Option<Probe>,
    pub(super) base: Totals,
    pub(super) was_complete: bool,
    pub(super) told: Option<(State, Option<Trouble>)>,
}

impl Desk {
    pub(super) fn new(record: TorrentRecord, metainfo: Option<Metainfo>, known: Known) -> Self {
        let base = match &known {
            Known::Resume(resume) => {
                Totals { downloaded: resume.downloaded, uploaded: resume.uploaded, wasted: resume.wasted }
            }
            _ => Totals::default(),
        };
        Desk {
            record,
            unsaved: false,
            metainfo: metainfo.map(Arc::new),
            known,
            phase: Phase::Idle,
            recheck: false,
            trouble: None,
            trouble_probe: None,
            recheck_when_mended: false,
            mended: None,
            suspects: BTreeMap::new(),
            suspect_probe: None,
            base,
            was_complete: false,
            told: None,
        }
    }

    pub(super) fn info(&self) -> Option<&Info> {
        self.metainfo.as_ref().map(|metainfo| &metainfo.info)
    }

    pub(super) fn is_private(&self) -> bool {
        self.info().is_some_and(Info::is_private)
    }

    /// The trouble to show: what stopped it, else the first changed file.
    pub(super) fn shown_trouble(&self) -> Option<Trouble> {
        self.trouble.clone().or_else(|| self.suspects.values().find_map(|suspect| suspect.trouble.clone()))
    }

    pub(super) fn state(&self) -> State {
        if self.record.paused {
            State::Paused
        } else if self.shown_trouble().is_some() {
            State::Error
        } else if self.phase == Phase::Checking
            || ((self.phase == Phase::Idle || self.recheck) && self.metainfo.is_some())
        {
            // From the moment on at which somebody asked for it.
            State::Checking
        } else if self.metainfo.is_none() {
            State::FetchingMetadata
        } else if self.was_complete {
            State::Seeding
        } else {
            State::Downloading
        }
    }
}
